//! What an expression comes to, following variables back to what they were last given.

mod array;
mod call;

use std::borrow::Borrow;
use std::cell::Cell;

use mago_span::HasSpan;
use mago_syntax::ast::{
    Access, Argument, Assignment, AssignmentOperator, BinaryOperator, Call, ClassLikeConstantSelector,
    ClassLikeMemberSelector, CompositeString, Expression, InterpolatedString, Literal, LiteralString,
    MagicConstant, StringPart, UnaryPrefixOperator, Variable,
};

use super::Met;
use super::condition::last_segment;
use super::flow::{Flow, Given, Write};
use super::scope::Scopes;
use crate::value::{Value, Why};
pub(super) use array::{element_name, elements, literal_key};

/// How deep expressions and variables are followed.
const DEPTH_MAX: usize = 40;
/// How many expressions are looked at for the value of an include.
const STEPS_MAX: usize = 400;
/// How many are looked at for what a file tells others: what names are made with is short, and a page that a function puts
/// together piece by piece is no name.
const TOLD_STEPS_MAX: usize = 60;
/// Most writes to one variable, before and after, that are looked at for one value.
const WRITES_MAX: usize = 64;
/// Longest chain of operators whose extent is asked for: the parser's own way of asking is recursive.
const CHAIN_MAX: usize = 200;

/// An evaluation of expressions of one file.
pub(super) struct Evaluation<'f, 'a> {
    flow: &'f Flow<'a>,
    scopes: &'f Scopes<'a>,
    steps_max: usize,
    steps_left: Cell<usize>,
}

impl<'f, 'a> Evaluation<'f, 'a> {
    pub(super) const fn new(flow: &'f Flow<'a>, scopes: &'f Scopes<'a>) -> Self {
        Self {
            flow,
            scopes,
            steps_max: STEPS_MAX,
            steps_left: Cell::new(0),
        }
    }

    /// Of what a file tells others.
    pub(super) const fn of_told(flow: &'f Flow<'a>, scopes: &'f Scopes<'a>) -> Self {
        Self {
            steps_max: TOLD_STEPS_MAX,
            ..Self::new(flow, scopes)
        }
    }

    pub(super) fn value(&self, met: Met<'a>) -> Value {
        self.steps_left.set(self.steps_max);
        self.of(met, DEPTH_MAX)
    }

    /// What a write gives.
    pub(super) fn given(&self, name: &[u8], write: &Write<'a>) -> Value {
        self.steps_left.set(self.steps_max);
        self.written(name, write, DEPTH_MAX)
    }

    fn of(&self, met: Met<'a>, depth: usize) -> Value {
        let steps_left = self.steps_left.get().saturating_sub(1);
        self.steps_left.set(steps_left);
        let Some(depth) = depth.checked_sub(1).filter(|_| steps_left > 0) else {
            return Value::Unknown(Why::Bound);
        };
        let of = |expression| self.of(Met { expression, ..met }, depth);
        match bare(met.expression) {
            Expression::Literal(literal) => of_literal(literal),
            Expression::CompositeString(CompositeString::Interpolated(string)) => joined(string, &of),
            Expression::Binary(binary) => match binary.operator {
                BinaryOperator::StringConcat(_) => Value::Joined(vec![of(binary.lhs), of(binary.rhs)]),
                BinaryOperator::NullCoalesce(_) => Value::Either(vec![of(binary.lhs), of(binary.rhs)]),
                _ => Value::Unknown(Why::Expression),
            },
            Expression::Conditional(conditional) => {
                let then = conditional.then.unwrap_or(conditional.condition);
                Value::Either(vec![of(then), of(conditional.r#else)])
            }
            Expression::Match(matching) => {
                either(matching.arms.iter().map(|arm| of(arm.expression())).collect())
            }
            Expression::MagicConstant(MagicConstant::Directory(_)) => Value::Dir,
            Expression::MagicConstant(MagicConstant::File(_)) => Value::File,
            Expression::ConstantAccess(access) => Value::Constant(last_segment(access.name.value())),
            Expression::Access(access) => self.access(access, met),
            Expression::ArrayAccess(access) => self.element(access.array, access.index, met, depth),
            Expression::Call(call) => self.call(call, met, &of),
            Expression::Variable(Variable::Direct(variable)) => self.variable(variable.name, met, depth),
            Expression::Assignment(assignment) => {
                assigned(assignment).map_or(Value::Unknown(Why::Expression), of)
            }
            Expression::UnaryPrefix(prefix) => match prefix.operator {
                UnaryPrefixOperator::StringCast(..) | UnaryPrefixOperator::ErrorControl(_) => {
                    of(prefix.operand)
                }
                _ => Value::Unknown(Why::Expression),
            },
            _ => Value::Unknown(Why::Expression),
        }
    }

    fn access(&self, access: &Access<'a>, met: Met<'a>) -> Value {
        let member = match access {
            Access::ClassConstant(access) => match &access.constant {
                ClassLikeConstantSelector::Identifier(name) if name.value != b"class" => self
                    .class_of(access.class, met)
                    .map(|class| Value::ClassConstant {
                        class,
                        name: text_of(name.value),
                    }),
                _ => None,
            },
            Access::Property(access) => match &access.property {
                ClassLikeMemberSelector::Identifier(name) => {
                    self.class_of(access.object, met).map(|class| Value::Property {
                        class,
                        name: text_of(name.value),
                    })
                }
                _ => None,
            },
            Access::StaticProperty(access) => match &access.property {
                Variable::Direct(variable) => self.class_of(access.class, met).map(|class| Value::Property {
                    class,
                    name: text_of(variable.name).trim_start_matches('$').to_owned(),
                }),
                _ => None,
            },
            Access::NullSafeProperty(_) => None,
        };
        member.unwrap_or(Value::Unknown(Why::Property))
    }

    /// The class that `$this`, `self` or a name stands for here.
    fn class_of(&self, expression: &Expression<'a>, met: Met<'a>) -> Option<String> {
        self.scopes.class_of(expression, met.around.scope)
    }

    /// The variable as the last write that is always come by left it, or as one of those after it did.
    fn variable(&self, name: &'a [u8], met: Met<'a>, depth: usize) -> Value {
        let scope = met.around.scope;
        let writes = around(self.flow.writes(name, scope), met.time);
        let value = |write: &Write<'a>| self.written(name, write, depth);
        let last = || match self.scopes.parameter(scope, name) {
            Some(number) => Value::Parameter(number),
            None => Value::Unknown(Why::Variable),
        };
        shared_as(name, self.last_written(writes, met, &value, &last))
    }

    /// `writes` are in the order of the source; `before` is what it was before the first.
    fn last_written<W: Borrow<Write<'a>>>(
        &self,
        writes: &[W],
        met: Met<'a>,
        value: &dyn Fn(&Write<'a>) -> Value,
        before: &dyn Fn() -> Value,
    ) -> Value {
        let (earlier, later) =
            writes.split_at(writes.partition_point(|write| write.borrow().time < met.time));
        let mut possible = Vec::new();
        let mut since = None;
        let mut seen = Vec::new();
        if self.may_come_round(later, met) || earlier.len() > WRITES_MAX && self.is_long_ago(earlier, met) {
            possible.push(Value::Unknown(Why::Variable));
        }
        for write in earlier
            .iter()
            .map(W::borrow)
            .rev()
            .take(WRITES_MAX)
            .take_while(|_| self.flow.spend(1))
        {
            possible.push(value(write));
            seen.push(write.around);
            if self.flow.dominates(write.around, met.around) || self.flow.one_dominates(&seen, met.around) {
                since = Some(write.time);
                break;
            }
        }
        let Some(since) = since else {
            possible.push(before());
            return either(possible);
        };
        let value = either(possible);
        if !self.flow.includes_between(met.around.scope, since, met.time) {
            return value;
        }
        Value::Shared {
            variable: String::new(),
            value: Box::new(value),
        }
    }

    /// Whether one of the later writes comes before, by way of a loop around both.
    fn may_come_round<W: Borrow<Write<'a>>>(&self, later: &[W], met: Met<'a>) -> bool {
        let mut nearest = later.iter().map(W::borrow).take(WRITES_MAX);
        nearest.any(|write| self.flow.share_a_loop(write.around, met.around))
            || (later.len() > WRITES_MAX && self.flow.share_a_loop(met.around, met.around))
    }

    /// Whether none of the last few writes is one that is always come by.
    fn is_long_ago<W: Borrow<Write<'a>>>(&self, earlier: &[W], met: Met<'a>) -> bool {
        let mut last = earlier.iter().map(W::borrow).rev().take(WRITES_MAX);
        !last.any(|write| self.flow.dominates(write.around, met.around))
    }

    fn written(&self, name: &[u8], write: &Write<'a>, depth: usize) -> Value {
        let met = |expression| Met {
            expression,
            around: write.around,
            time: write.time,
        };
        match write.given {
            Given::Value(expression) => self.of(met(expression), depth),
            Given::Appended(expression) => {
                let Some(depth) = depth.checked_sub(1) else {
                    return Value::Unknown(Why::Bound);
                };
                Value::Joined(vec![
                    self.appended_to(name, met(expression), depth),
                    self.of(met(expression), depth),
                ])
            }
            Given::ElementOf(expression) => self.any_element(met(expression), depth),
            Given::Global => Value::Global(text_of(name)),
            Given::Unknown => Value::Unknown(Why::Variable),
        }
    }

    /// What the variable was before something is appended to it.
    fn appended_to(&self, name: &[u8], met: Met<'a>, depth: usize) -> Value {
        let writes = around(self.flow.writes(name, met.around.scope), met.time);
        let value = |write: &Write<'a>| self.written(name, write, depth);
        let steps_left = self.steps_left.get().saturating_sub(1);
        self.steps_left.set(steps_left);
        if steps_left == 0 {
            return Value::Unknown(Why::Bound);
        }
        self.last_written(writes, met, &value, &|| Value::Unknown(Why::Variable))
    }

    fn call(&self, call: &'a Call<'a>, met: Met<'a>, of: &dyn Fn(&'a Expression<'a>) -> Value) -> Value {
        match call {
            Call::Function(call) => call::of_function(call, of),
            Call::Method(call) => {
                let class = self.class_of(call.object, met);
                call::of_method(class, &call.method, &call.argument_list, of)
            }
            Call::StaticMethod(call) => {
                let class = self.class_of(call.class, met);
                call::of_method(class, &call.method, &call.argument_list, of)
            }
            Call::NullSafeMethod(_) => Value::Unknown(Why::Call),
        }
    }
}

/// Those of the writes that are looked at for what the variable holds then, and one more on either side.
fn around<'w, 'a>(writes: &'w [Write<'a>], time: u32) -> &'w [Write<'a>] {
    let now = writes.partition_point(|write| write.time < time);
    let from = now.saturating_sub(WRITES_MAX + 1);
    let to = writes.len().min(now + WRITES_MAX + 1);
    &writes[from..to]
}

/// What files that were included between may write to is the variable of that name.
fn shared_as(name: &[u8], value: Value) -> Value {
    match value {
        Value::Shared { value, .. } => Value::Shared {
            variable: text_of(name),
            value,
        },
        value => value,
    }
}

pub(super) fn text_of(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn either(mut possible: Vec<Value>) -> Value {
    match (possible.pop(), possible.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            possible.push(last);
            Value::Either(possible)
        }
        (None, _) => Value::Unknown(Why::Variable),
    }
}

fn of_literal(literal: &Literal<'_>) -> Value {
    match literal {
        Literal::String(LiteralString {
            value: Some(bytes), ..
        }) => text(bytes),
        Literal::Integer(integer) => text(integer.raw),
        _ => Value::Unknown(Why::Expression),
    }
}

fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::Text(text.to_owned()),
        Err(_) => Value::Unknown(Why::Expression),
    }
}

fn joined<'a>(string: &'a InterpolatedString<'a>, of: &dyn Fn(&'a Expression<'a>) -> Value) -> Value {
    let part = |part: &'a StringPart<'a>| match part {
        StringPart::Literal(literal) => plain_text(literal.value),
        StringPart::Expression(expression) => of(expression),
        StringPart::BracedExpression(braced) => of(braced.expression),
    };
    Value::Joined(string.parts.iter().map(part).collect())
}

/// Text between the variables of a string; its escapes are left to nobody.
fn plain_text(bytes: &[u8]) -> Value {
    if bytes.contains(&b'\\') {
        return Value::Unknown(Why::Expression);
    }
    text(bytes)
}

/// An argument by position; `None` for `...$rest` and named ones.
pub(super) fn plain_argument<'a>(argument: &'a Argument<'a>) -> Option<&'a Expression<'a>> {
    match argument {
        Argument::Positional(argument) if argument.ellipsis.is_none() => Some(argument.value),
        Argument::Positional(_) | Argument::Named(_) => None,
    }
}

/// What a plain `=` gives.
pub(super) fn assigned<'a>(assignment: &Assignment<'a>) -> Option<&'a Expression<'a>> {
    matches!(assignment.operator, AssignmentOperator::Assign(_)).then_some(assignment.rhs)
}

/// What an expression writes to, if it does.
pub(super) fn target<'a>(expression: &'a Expression<'a>) -> Option<&'a Expression<'a>> {
    match bare(expression) {
        Expression::Assignment(assignment) => Some(assignment.lhs),
        _ => None,
    }
}

/// Whether nothing is unknown in it.
pub(super) fn is_certain(value: &Value) -> bool {
    match value {
        Value::Unknown(_) => false,
        Value::Text(_)
        | Value::Dir
        | Value::File
        | Value::Constant(_)
        | Value::ClassConstant { .. }
        | Value::Property { .. }
        | Value::Global(_)
        | Value::Parameter(_)
        | Value::Environment(_)
        | Value::IncludePath => true,
        Value::Joined(parts) | Value::Either(parts) | Value::Call { arguments: parts, .. } => {
            parts.iter().all(is_certain)
        }
        Value::Dirname { of, .. }
        | Value::WithSlash(of)
        | Value::WithoutSlash(of)
        | Value::Shortened { of, .. }
        | Value::Lower(of) => is_certain(of),
        Value::Shared { value, .. } => is_certain(value),
    }
}
/// An expression without the parentheses around it.
pub(super) fn bare<'a>(mut expression: &'a Expression<'a>) -> &'a Expression<'a> {
    while let Expression::Parenthesized(inner) = expression {
        expression = inner.expression;
    }
    expression
}

/// Where an expression begins, as an offset.
pub(super) fn start(expression: &Expression<'_>) -> u32 {
    let mut expression = expression;
    while let Some(left) = left_of(expression) {
        expression = left;
    }
    expression.span().start.offset
}

/// Whether asking for its whole extent goes no deeper than [`CHAIN_MAX`] along its left side.
pub(super) fn is_shallow(expression: &Expression<'_>) -> bool {
    let mut expression = expression;
    for _ in 0..CHAIN_MAX {
        match left_of(expression) {
            Some(left) => expression = left,
            None => return true,
        }
    }
    false
}

/// What an expression begins with, where chains of any length are built to the left.
fn left_of<'a>(expression: &Expression<'a>) -> Option<&'a Expression<'a>> {
    match expression {
        Expression::Binary(binary) => Some(binary.lhs),
        Expression::Assignment(assignment) => Some(assignment.lhs),
        Expression::Conditional(conditional) => Some(conditional.condition),
        Expression::ArrayAccess(access) => Some(access.array),
        Expression::ArrayAppend(append) => Some(append.array),
        Expression::UnaryPostfix(postfix) => Some(postfix.operand),
        Expression::Pipe(pipe) => Some(pipe.input),
        Expression::Call(call) => Some(match call {
            Call::Function(call) => call.function,
            Call::Method(call) => call.object,
            Call::NullSafeMethod(call) => call.object,
            Call::StaticMethod(call) => call.class,
        }),
        Expression::Access(access) => Some(match access {
            Access::Property(access) => access.object,
            Access::NullSafeProperty(access) => access.object,
            Access::StaticProperty(access) => access.class,
            Access::ClassConstant(access) => access.class,
        }),
        _ => None,
    }
}
