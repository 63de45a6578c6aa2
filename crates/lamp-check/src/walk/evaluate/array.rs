//! Elements of arrays: by a literal key, as they were last written, or one of a list that is written out.

use mago_syntax::ast::{Array, ArrayElement, Expression, LegacyArray, Literal, LiteralString, Variable};

use super::super::Met;
use super::super::flow::{Given, Write};
use super::{Evaluation, WRITES_MAX, bare, either, shared_as, text_of};
use crate::applications::ROOT_VARIABLES;
use crate::value::{Value, Why};

impl<'a> Evaluation<'_, 'a> {
    /// An element of an array by a literal key.
    pub(super) fn element(
        &self,
        array: &'a Expression<'a>,
        index: &'a Expression<'a>,
        met: Met<'a>,
        depth: usize,
    ) -> Value {
        let (Expression::Variable(Variable::Direct(variable)), Some(key)) = (bare(array), literal_key(index))
        else {
            return Value::Unknown(Why::Element);
        };
        match variable.name {
            b"$GLOBALS" => Value::Global(format!("${}", text_of(key))),
            b"$_SERVER" | b"$_ENV" => Value::Environment(text_of(key)),
            name => self.element_of(name, key, met, depth),
        }
    }

    fn element_of(&self, array: &'a [u8], key: &[u8], met: Met<'a>, depth: usize) -> Value {
        let scope = met.around.scope;
        let name = element_name(array, key);
        if ROOT_VARIABLES.iter().any(|row| row.name.as_bytes() == name) {
            return Value::Global(text_of(&name));
        }
        let some = element_name(array, b"");
        let (whole, elements) = (self.flow.writes(array, scope), self.flow.writes(&name, scope));
        let any = self.flow.writes(&some, scope);
        let looks = whole.len() + elements.len() + any.len();
        if looks > WRITES_MAX || !self.flow.spend(u64::try_from(looks).unwrap_or(u64::MAX)) {
            return Value::Unknown(Why::Bound);
        }
        let mut writes: Vec<&Write<'a>> = whole.iter().chain(elements).chain(any).collect();
        writes.sort_by_key(|write| write.time);
        let is_of_this_key = |write: &Write<'a>| elements.iter().any(|one| one.time == write.time);
        let value = |write: &Write<'a>| match write.given {
            Given::Global => Value::Global(text_of(&name)),
            _ if is_of_this_key(write) => self.written(&name, write, depth),
            Given::Value(expression) => self.element_in(expression, key, write, depth),
            Given::Appended(_) | Given::ElementOf(_) | Given::Unknown => Value::Unknown(Why::Element),
        };
        // What a file finds that nobody before it included is whatever the function that includes it has there.
        let may_be_given = scope == 0 && self.flow.includes_between(0, 0, met.time);
        let last = || match may_be_given {
            true => Value::Global(text_of(&name)),
            false => Value::Unknown(Why::Element),
        };
        shared_as(&name, self.last_written(&writes, met, &value, &last))
    }

    /// The element of an array that is written out.
    fn element_in(&self, array: &'a Expression<'a>, key: &[u8], write: &Write<'a>, depth: usize) -> Value {
        let has_key = |element: &&ArrayElement<'a>| match element {
            ArrayElement::KeyValue(pair) => literal_key(pair.key).is_some_and(|found| found == key),
            _ => false,
        };
        let found = elements(array).and_then(|elements| elements.iter().rev().find(has_key));
        match found {
            Some(ArrayElement::KeyValue(pair)) => self.of(
                Met {
                    expression: pair.value,
                    around: write.around,
                    time: write.time,
                },
                depth,
            ),
            _ => Value::Unknown(Why::Element),
        }
    }

    /// One of the elements of an array that is written out, here or where the variable was given it.
    pub(super) fn any_element(&self, met: Met<'a>, depth: usize) -> Value {
        let Some(met) = self.written_out(met) else {
            return Value::Unknown(Why::Element);
        };
        let Some(elements) = elements(met.expression) else {
            return Value::Unknown(Why::Element);
        };
        let of = |element: &ArrayElement<'a>| match element {
            ArrayElement::KeyValue(pair) => self.of(
                Met {
                    expression: pair.value,
                    ..met
                },
                depth,
            ),
            ArrayElement::Value(value) => self.of(
                Met {
                    expression: value.value,
                    ..met
                },
                depth,
            ),
            ArrayElement::Variadic(_) | ArrayElement::Missing(_) => Value::Unknown(Why::Element),
        };
        either(elements.iter().map(of).collect())
    }

    /// Where the array stands: here, or where the variable was last given it; `None`: something may have been added.
    fn written_out(&self, met: Met<'a>) -> Option<Met<'a>> {
        let Expression::Variable(Variable::Direct(variable)) = bare(met.expression) else {
            return Some(met);
        };
        let scope = met.around.scope;
        let is_added_to = !self
            .flow
            .writes(&element_name(variable.name, b""), scope)
            .is_empty();
        let writes = self.flow.writes(variable.name, scope).iter().rev();
        let last = writes.into_iter().find(|write| write.time < met.time)?;
        match last.given {
            Given::Value(expression) if !is_added_to && self.flow.dominates(last.around, met.around) => {
                Some(Met {
                    expression,
                    around: last.around,
                    time: last.time,
                })
            }
            _ => None,
        }
    }
}

/// The elements of an array that is written out.
pub(in crate::walk) fn elements<'a>(array: &'a Expression<'a>) -> Option<&'a [ArrayElement<'a>]> {
    match bare(array) {
        Expression::Array(Array { elements, .. }) | Expression::LegacyArray(LegacyArray { elements, .. }) => {
            Some(elements.as_slice())
        }
        _ => None,
    }
}

/// `$name[key]`
pub(in crate::walk) fn element_name(array: &[u8], key: &[u8]) -> Vec<u8> {
    [array, b"[", key, b"]"].concat()
}

/// A key that is written out.
pub(in crate::walk) fn literal_key<'a>(key: &'a Expression<'a>) -> Option<&'a [u8]> {
    match bare(key) {
        Expression::Literal(Literal::String(LiteralString { value: Some(key), .. })) => Some(key),
        Expression::Literal(Literal::Integer(integer)) => Some(integer.raw),
        _ => None,
    }
}
