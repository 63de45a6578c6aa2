//! What an expression comes to, following variables back to what they were last given.

use std::cell::Cell;

use mago_span::HasSpan;
use mago_syntax::ast::{
    Access, Argument, Assignment, AssignmentOperator, BinaryOperator, Call, CompositeString, Expression,
    FunctionCall, InterpolatedString, Literal, LiteralString, MagicConstant, StringPart, UnaryPrefixOperator,
    Variable,
};

use super::Met;
use super::condition::{called, last_segment};
use super::flow::{Flow, Write};
use crate::applications::{Gives, PATH_FUNCTIONS};
use crate::facts::Value;

/// How deep expressions and variables are followed.
const DEPTH_MAX: usize = 40;
/// How many expressions are looked at for one value.
const STEPS_MAX: usize = 400;
/// Longest chain of operators whose extent is asked for: the parser's own way of asking is recursive.
const CHAIN_MAX: usize = 200;

/// An evaluation of expressions of one file.
pub(super) struct Evaluation<'f, 'a> {
    flow: &'f Flow<'a>,
    steps_left: Cell<usize>,
}

impl<'f, 'a> Evaluation<'f, 'a> {
    pub(super) fn new(flow: &'f Flow<'a>) -> Self {
        Self {
            flow,
            steps_left: Cell::new(0),
        }
    }

    pub(super) fn value(&self, met: Met<'a>) -> Value {
        self.steps_left.set(STEPS_MAX);
        self.of(met, DEPTH_MAX)
    }

    fn of(&self, met: Met<'a>, depth: usize) -> Value {
        let steps_left = self.steps_left.get().saturating_sub(1);
        self.steps_left.set(steps_left);
        let Some(depth) = depth.checked_sub(1).filter(|_| steps_left > 0) else {
            return Value::Unknown;
        };
        let of = |expression| self.of(Met { expression, ..met }, depth);
        match bare(met.expression) {
            Expression::Literal(literal) => of_literal(literal),
            Expression::CompositeString(CompositeString::Interpolated(string)) => joined(string, &of),
            Expression::Binary(binary) => match binary.operator {
                BinaryOperator::StringConcat(_) => Value::Joined(vec![of(binary.lhs), of(binary.rhs)]),
                BinaryOperator::NullCoalesce(_) => Value::Either(vec![of(binary.lhs), of(binary.rhs)]),
                _ => Value::Unknown,
            },
            Expression::Conditional(conditional) => {
                let then = conditional.then.unwrap_or(conditional.condition);
                Value::Either(vec![of(then), of(conditional.r#else)])
            }
            Expression::MagicConstant(MagicConstant::Directory(_)) => Value::Dir,
            Expression::MagicConstant(MagicConstant::File(_)) => Value::File,
            Expression::ConstantAccess(access) => Value::Constant(last_segment(access.name.value())),
            Expression::Call(Call::Function(call)) => of_call(call, &of),
            Expression::Variable(Variable::Direct(variable)) => self.variable(variable.name, met, depth),
            Expression::Assignment(assignment) => assigned(assignment).map_or(Value::Unknown, of),
            Expression::UnaryPrefix(prefix) => match prefix.operator {
                UnaryPrefixOperator::StringCast(..) | UnaryPrefixOperator::ErrorControl(_) => {
                    of(prefix.operand)
                }
                _ => Value::Unknown,
            },
            _ => Value::Unknown,
        }
    }

    /// The variable as the last write that is always come by left it, or as one of those after it did.
    fn variable(&self, name: &'a [u8], met: Met<'a>, depth: usize) -> Value {
        let mut possible = Vec::new();
        let mut since = None;
        for write in self.flow.writes(name, met) {
            if write.time >= met.time {
                if self.flow.share_a_loop(write.around, met.around) {
                    possible.push(Value::Unknown);
                }
                continue;
            }
            possible.push(self.written(write, depth));
            if self.flow.dominates(write.around, met.around) {
                since = Some(write.time);
                break;
            }
        }
        let Some(since) = since else { return Value::Unknown };
        let value = either(possible);
        if !self.flow.includes_between(met.around.scope, since, met.time) {
            return value;
        }
        Value::Shared {
            variable: String::from_utf8_lossy(name).into_owned(),
            value: Box::new(value),
        }
    }

    fn written(&self, write: &Write<'a>, depth: usize) -> Value {
        let value = write.value.map(|expression| Met {
            expression,
            around: write.around,
            time: write.time,
        });
        value.map_or(Value::Unknown, |met| self.of(met, depth))
    }
}

fn either(mut possible: Vec<Value>) -> Value {
    match (possible.pop(), possible.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            possible.push(last);
            Value::Either(possible)
        }
        (None, _) => Value::Unknown,
    }
}

fn of_literal(literal: &Literal<'_>) -> Value {
    match literal {
        Literal::String(LiteralString {
            value: Some(bytes), ..
        }) => text(bytes),
        Literal::Integer(integer) => text(integer.raw),
        _ => Value::Unknown,
    }
}

fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::Text(text.to_owned()),
        Err(_) => Value::Unknown,
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
        return Value::Unknown;
    }
    text(bytes)
}

fn of_call<'a>(call: &'a FunctionCall<'a>, of: &dyn Fn(&'a Expression<'a>) -> Value) -> Value {
    let mut arguments = call.argument_list.arguments.iter().map(plain_argument);
    let (Some(name), Some(Some(first))) = (called(call), arguments.next()) else {
        return Value::Unknown;
    };
    let second = arguments.next();
    match (&*name, second) {
        ("dirname", None) => dirname(of(first), 1),
        ("dirname", Some(Some(levels))) => match of(levels) {
            Value::Text(levels) => levels
                .parse()
                .map_or(Value::Unknown, |levels| dirname(of(first), levels)),
            _ => Value::Unknown,
        },
        ("realpath", None) => of(first),
        (_, None) => of_path_function(&name, || of(first)),
        _ => Value::Unknown,
    }
}

fn of_path_function(name: &str, argument: impl FnOnce() -> Value) -> Value {
    let Some(row) = PATH_FUNCTIONS.iter().find(|row| row.name == name) else {
        return Value::Unknown;
    };
    match row.gives {
        Gives::DirectoryWithSlash => Value::WithSlash(Box::new(dirname(argument(), 1))),
        Gives::WithSlash => Value::WithSlash(Box::new(argument())),
    }
}

fn dirname(of: Value, levels: u32) -> Value {
    Value::Dirname {
        of: Box::new(of),
        levels,
    }
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

/// Whether nothing is unknown in it.
pub(super) fn is_certain(value: &Value) -> bool {
    match value {
        Value::Unknown => false,
        Value::Text(_) | Value::Dir | Value::File | Value::Constant(_) => true,
        Value::Joined(parts) | Value::Either(parts) => parts.iter().all(is_certain),
        Value::Dirname { of, .. } | Value::WithSlash(of) => is_certain(of),
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
