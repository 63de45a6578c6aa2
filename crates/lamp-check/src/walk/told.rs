//! What a file says that other files need: members of its classes, what its functions give, variables of all files.

use mago_syntax::ast::{ArrayElement, Expression, Literal, Node};

use super::condition::last_segment;
use super::evaluate::{Evaluation, bare, elements, literal_key, text_of};
use super::flow::{Around, Given, Write};
use super::{Met, Walk};
use crate::hashed::HashSet;
use crate::value::{FunctionValue, MemberValue, Told, Value, Why};

/// Most `return`s of a function that is followed into.
const RETURNS_MAX: usize = 4;
/// Most writes to one variable that are looked at.
const WRITES_MAX: usize = 8;
/// Most elements of an array that are looked at.
const ELEMENTS_MAX: usize = 100;

/// What the pass has met that other files need, to be evaluated after it.
#[derive(Default)]
pub(super) struct Meanings<'a> {
    class_constants: Vec<(String, String, Met<'a>)>,
    /// `None`: of something that is not followed.
    properties: Vec<(String, String, Option<Met<'a>>)>,
    parents: Vec<(String, String)>,
    returns: Vec<Met<'a>>,
    include_paths: Vec<Option<Met<'a>>>,
    returned_list: Vec<Met<'a>>,
    pub(super) changes_directory: bool,
}

impl<'a> Walk<'a> {
    /// Looks whether the node says something that other files need.
    pub(super) fn note_meaning(&mut self, node: &Node<'a, 'a>, around: Around) {
        match node {
            Node::ClassLikeConstantItem(item) => {
                let (Some(class), met) = (self.class(around), self.met(item.value, around)) else {
                    return;
                };
                self.meanings
                    .class_constants
                    .push((class, text_of(item.name.value), met));
            }
            Node::PropertyConcreteItem(item) if !is_nothing(item.value) => {
                let met = self.met(item.value, around);
                self.property(self.class(around), item.variable.name, Some(met));
            }
            Node::FunctionLikeParameter(parameter) if parameter.is_promoted_property() => {
                self.property(self.class(around), parameter.variable.name, None);
            }
            Node::Extends(extends) => {
                let names = extends.types.iter().map(|name| last_segment(name.value()));
                self.parents(around, names.collect());
            }
            Node::TraitUse(uses) => {
                let names = uses.trait_names.iter().map(|name| last_segment(name.value()));
                self.parents(around, names.collect());
            }
            Node::Return(returned) => match returned.value {
                Some(value) if around.is_outside_functions() => self.list_returned(value, around),
                Some(value) => {
                    let met = self.met(value, around);
                    self.meanings.returns.push(met);
                }
                None => {}
            },
            _ => {}
        }
    }

    fn list_returned(&mut self, value: &'a Expression<'a>, around: Around) {
        for element in elements(value).into_iter().flatten().take(ELEMENTS_MAX) {
            if let ArrayElement::Value(element) = element {
                let met = self.met(element.value, around);
                self.meanings.returned_list.push(met);
            }
        }
    }

    /// Something is written to a property, of this class or of one that is not known.
    pub(super) fn property(&mut self, class: Option<String>, name: &[u8], given: Option<Met<'a>>) {
        let name = text_of(name).trim_start_matches('$').to_owned();
        self.meanings
            .properties
            .push((class.unwrap_or_default(), name, given));
    }

    /// The include path is set to this.
    pub(super) fn include_path(&mut self, path: Option<&'a Expression<'a>>, around: Around) {
        let met = path.map(|path| self.met(path, around));
        self.meanings.include_paths.push(met);
    }

    fn parents(&mut self, around: Around, parents: Vec<String>) {
        let Some(class) = self.class(around) else { return };
        let pairs = parents
            .into_iter()
            .map(|parent| (class.clone(), parent.to_ascii_lowercase()));
        self.meanings.parents.extend(pairs);
    }

    fn class(&self, around: Around) -> Option<String> {
        self.scopes.class(around.scope).map(str::to_owned)
    }

    const fn met(&self, expression: &'a Expression<'a>, around: Around) -> Met<'a> {
        Met {
            expression,
            around,
            time: self.clock,
        }
    }

    pub(super) fn told(&self, evaluation: &Evaluation<'_, 'a>) -> Told {
        let meanings = &self.meanings;
        let member = |(class, name, met): &(String, String, Option<Met<'a>>)| MemberValue {
            class: class.clone(),
            name: name.clone(),
            value: met.map_or(Value::Unknown(Why::Property), |met| evaluation.value(met)),
        };
        let constant = |(class, name, met): &(String, String, Met<'a>)| {
            member(&(class.clone(), name.clone(), Some(*met)))
        };
        let path =
            |met: &Option<Met<'a>>| met.map_or(Value::Unknown(Why::IncludePath), |met| evaluation.value(met));
        let mut properties: Vec<MemberValue> = meanings.properties.iter().map(member).collect();
        // Once that it cannot be told is enough.
        let mut unknown = HashSet::default();
        properties
            .retain(|one| !is_unknown(&one.value) || unknown.insert((one.class.clone(), one.name.clone())));
        Told {
            class_constants: meanings.class_constants.iter().map(constant).collect(),
            properties,
            parents: meanings.parents.clone(),
            functions: self.functions(evaluation),
            globals: self.globals(evaluation),
            include_paths: meanings.include_paths.iter().map(path).collect(),
            returned_list: meanings
                .returned_list
                .iter()
                .map(|met| evaluation.value(*met))
                .collect(),
            changes_directory: meanings.changes_directory,
        }
    }

    fn functions(&self, evaluation: &Evaluation<'_, 'a>) -> Vec<FunctionValue> {
        let mut returns: Vec<Met<'a>> = self.meanings.returns.clone();
        returns.sort_by_key(|met| met.around.scope);
        let by_scope = returns.chunk_by(|a, b| a.around.scope == b.around.scope);
        by_scope
            .filter_map(|returns| self.function(returns, evaluation))
            .collect()
    }

    /// What the function with these `return`s gives. One whose value cannot be told is kept as well: it may be the one
    /// that is called where another of its name can be told.
    fn function(&self, returns: &[Met<'a>], evaluation: &Evaluation<'_, 'a>) -> Option<FunctionValue> {
        let first = returns.first()?;
        let scope = self.scopes.get(first.around.scope)?;
        let name = scope.function.clone()?;
        let is_followed = returns.len() <= RETURNS_MAX && !scope.may_be_another;
        let returned: Vec<Value> = match is_followed {
            true => returns.iter().map(|met| evaluation.value(*met)).collect(),
            false => Vec::new(),
        };
        let is_told = returned.iter().any(|value| !is_unknown(value));
        let default = |expression| evaluation.value(Met { expression, ..*first });
        let parameters = scope.parameters.iter().filter(|_| is_told);
        Some(FunctionValue {
            class: scope.class.clone().unwrap_or_default(),
            name,
            defaults: parameters
                .map(|parameter| parameter.default.map(default))
                .collect(),
            returns: match is_told {
                true => returned,
                false => vec![Value::Unknown(Why::Call)],
            },
        })
    }

    /// Variables outside functions, those that functions say are global, and elements of any array.
    fn globals(&self, evaluation: &Evaluation<'_, 'a>) -> Vec<(String, Value)> {
        let is_global = |write: &Write<'_>| matches!(write.given, Given::Global);
        // By name and scope: what a map gives comes in any order, and facts of the same bytes must be the same.
        let mut written: Vec<(&[u8], u32, &[Write<'a>])> = self
            .flow
            .written()
            .filter(|(scope, name, writes)| {
                *scope == 0 || name.ends_with(b"]") || writes.iter().any(is_global)
            })
            .map(|(scope, name, writes)| (name, scope, writes))
            .collect();
        written.sort_by_key(|(name, scope, _)| (*name, *scope));
        let mut globals = Vec::new();
        for (name, _, writes) in written {
            let writes: Vec<&Write<'a>> = writes.iter().filter(|write| !is_global(write)).collect();
            if name.ends_with(b"[]") {
                globals.push((text_of(name), Value::Unknown(Why::Element)));
            } else if writes.len() > WRITES_MAX {
                globals.push((text_of(name), Value::Unknown(Why::Bound)));
                globals.push((some_element(name), Value::Unknown(Why::Bound)));
            } else {
                for write in writes {
                    globals_of(name, write, evaluation, &mut globals);
                }
            }
        }
        globals.dedup();
        globals
    }
}

/// The name of an element that is not known which.
fn some_element(name: &[u8]) -> String {
    format!("{}[]", text_of(name))
}

fn globals_of<'a>(
    name: &[u8],
    write: &Write<'a>,
    evaluation: &Evaluation<'_, 'a>,
    globals: &mut Vec<(String, Value)>,
) {
    let value = evaluation.given(name, write);
    if !name.ends_with(b"]") && !is_text(&value) {
        elements_of(name, write, evaluation, globals);
    }
    globals.push((text_of(name), value));
}

/// Of a variable that is given an array that is written out, each element by its key.
fn elements_of<'a>(
    name: &[u8],
    write: &Write<'a>,
    evaluation: &Evaluation<'_, 'a>,
    globals: &mut Vec<(String, Value)>,
) {
    let written_out = match write.given {
        Given::Value(expression) => elements(expression),
        Given::Appended(_) | Given::ElementOf(_) | Given::Global | Given::Unknown => None,
    };
    let Some(elements) = written_out.filter(|elements| elements.len() <= ELEMENTS_MAX) else {
        globals.push((some_element(name), Value::Unknown(Why::Element)));
        return;
    };
    for element in elements {
        let pair = match element {
            ArrayElement::KeyValue(pair) => literal_key(pair.key).map(|key| (key, pair.value)),
            // Its key is a number.
            ArrayElement::Value(_) | ArrayElement::Missing(_) => continue,
            ArrayElement::Variadic(_) => None,
        };
        let Some((key, expression)) = pair else {
            globals.push((some_element(name), Value::Unknown(Why::Element)));
            continue;
        };
        let value = evaluation.value(Met {
            expression,
            around: write.around,
            time: write.time,
        });
        globals.push((format!("{}[{}]", text_of(name), text_of(key)), value));
    }
}

/// Whether it has no elements, whatever its parts are.
const fn is_text(value: &Value) -> bool {
    matches!(
        value,
        Value::Text(_)
            | Value::Dir
            | Value::File
            | Value::Joined(_)
            | Value::Dirname { .. }
            | Value::WithSlash(_)
            | Value::WithoutSlash(_)
            | Value::Shortened { .. }
            | Value::Lower(_)
    )
}

const fn is_unknown(value: &Value) -> bool {
    matches!(value, Value::Unknown(_))
}

/// `null`, `false`, `''`, `[]`: what a property holds until it is given something.
fn is_nothing(value: &Expression<'_>) -> bool {
    match bare(value) {
        Expression::Literal(Literal::Null(_) | Literal::False(_)) => true,
        Expression::Literal(Literal::String(text)) => text.value.is_some_and(<[u8]>::is_empty),
        value => elements(value).is_some_and(<[_]>::is_empty),
    }
}
