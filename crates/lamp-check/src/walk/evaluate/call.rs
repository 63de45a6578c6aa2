//! What a call gives: PHP's own functions that paths are made with; any other is left to whoever knows its code.

use mago_syntax::ast::{ArgumentList, ArrayElement, ClassLikeMemberSelector, Expression, FunctionCall};

use super::super::condition::called;
use super::{elements, plain_argument, text_of};
use crate::applications::{Gives, PATH_FUNCTIONS};
use crate::value::{Value, Why};

/// Most arguments that are looked at.
const ARGUMENTS_MAX: usize = 12;

type Of<'o, 'a> = &'o dyn Fn(&'a Expression<'a>) -> Value;

pub(super) fn of_method<'a>(
    class: Option<String>,
    method: &ClassLikeMemberSelector<'a>,
    arguments: &'a ArgumentList<'a>,
    of: Of<'_, 'a>,
) -> Value {
    let (Some(class), ClassLikeMemberSelector::Identifier(name)) = (class, method) else {
        return Value::Unknown(Why::Call);
    };
    called_with(class, text_of(name.value).to_ascii_lowercase(), arguments, of)
}

pub(super) fn of_function<'a>(call: &'a FunctionCall<'a>, of: Of<'_, 'a>) -> Value {
    let Some(name) = called(call) else {
        return Value::Unknown(Why::Call);
    };
    let arguments: Option<Vec<&Expression<'_>>> = call
        .argument_list
        .arguments
        .iter()
        .take(ARGUMENTS_MAX)
        .map(plain_argument)
        .collect();
    let name = String::from_utf8_lossy(&name);
    let own = arguments.and_then(|arguments| of_own(&name, &arguments, of));
    own.unwrap_or_else(|| called_with(String::new(), name.into_owned(), &call.argument_list, of))
}

fn called_with<'a>(
    class: String,
    function: String,
    arguments: &'a ArgumentList<'a>,
    of: Of<'_, 'a>,
) -> Value {
    let value = |argument| plain_argument(argument).map_or(Value::Unknown(Why::Expression), of);
    let arguments = arguments
        .arguments
        .iter()
        .take(ARGUMENTS_MAX)
        .map(value)
        .collect();
    Value::Call {
        class,
        function,
        arguments,
    }
}

/// What a function of PHP or of a known application gives; `None`: it is neither, or not used as paths are made.
fn of_own<'a>(name: &str, arguments: &[&'a Expression<'a>], of: Of<'_, 'a>) -> Option<Value> {
    let boxed = |expression| Box::new(of(expression));
    Some(match (name, arguments) {
        ("dirname", [path]) => dirname(of(path), 1),
        ("dirname", [path, levels]) => dirname(of(path), number(levels, of)?),
        ("realpath", [path]) => of(path),
        ("rtrim" | "chop", [path, slashes]) if is_slashes(&of(slashes)) => Value::WithoutSlash(boxed(path)),
        ("strtolower" | "mb_strtolower", [text]) => Value::Lower(boxed(text)),
        ("str_replace", [from, to, path]) if turns_slashes(&of(from), &of(to)) => of(path),
        ("substr", [path, from, length]) if of(from) == Value::Text("0".to_owned()) => {
            let bytes = cut_off(length)?;
            Value::Shortened {
                of: boxed(path),
                bytes,
            }
        }
        ("sprintf", [format, values @ ..]) => formatted(&of(format), values, of)?,
        ("implode" | "join", [between, parts]) => imploded(&of(between), parts, of)?,
        ("getenv", [name]) => match of(name) {
            Value::Text(name) => Value::Environment(name),
            _ => return None,
        },
        ("get_include_path", []) => Value::IncludePath,
        (_, [path]) => of_path_function(name, path, of)?,
        _ => return None,
    })
}

fn of_path_function<'a>(name: &str, path: &'a Expression<'a>, of: Of<'_, 'a>) -> Option<Value> {
    let row = PATH_FUNCTIONS.iter().find(|row| row.name == name)?;
    Some(match row.gives {
        Gives::DirectoryWithSlash => Value::WithSlash(Box::new(dirname(of(path), 1))),
        Gives::WithSlash => Value::WithSlash(Box::new(of(path))),
        Gives::WithoutSlash => Value::WithoutSlash(Box::new(of(path))),
        Gives::Same => of(path),
    })
}

fn dirname(of: Value, levels: u32) -> Value {
    Value::Dirname {
        of: Box::new(of),
        levels,
    }
}

fn number<'a>(expression: &'a Expression<'a>, of: Of<'_, 'a>) -> Option<u32> {
    match of(expression) {
        Value::Text(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// How many bytes `substr(…, 0, -8)` cuts off.
fn cut_off(length: &Expression<'_>) -> Option<usize> {
    use mago_syntax::ast::{Literal, UnaryPrefixOperator};
    let Expression::UnaryPrefix(prefix) = length else {
        return None;
    };
    match (&prefix.operator, prefix.operand) {
        (UnaryPrefixOperator::Negation(_), Expression::Literal(Literal::Integer(integer))) => {
            usize::try_from(integer.value?).ok()
        }
        _ => None,
    }
}

fn is_slashes(value: &Value) -> bool {
    let is_slash = |text: &str| text.contains('/') && text.chars().all(|letter| matches!(letter, '/' | '\\'));
    match value {
        Value::Text(text) => is_slash(text),
        Value::Constant(name) => name == "DIRECTORY_SEPARATOR",
        _ => false,
    }
}

/// Backslashes, of which paths here have none, into slashes, or slashes into slashes.
fn turns_slashes(from: &Value, to: &Value) -> bool {
    let is_backslashes =
        matches!(from, Value::Text(text) if !text.is_empty() && text.chars().all(|letter| letter == '\\'));
    is_slashes(to) && (is_backslashes || is_slashes(from))
}

/// `sprintf` with `%s` alone.
fn formatted<'a>(format: &Value, values: &[&'a Expression<'a>], of: Of<'_, 'a>) -> Option<Value> {
    let Value::Text(format) = format else { return None };
    let pieces: Vec<&str> = format.split("%s").collect();
    if pieces.len() != values.len() + 1 || pieces.iter().any(|piece| piece.contains('%')) {
        return None;
    }
    let mut parts = vec![Value::Text(pieces[0].to_owned())];
    for (value, piece) in values.iter().zip(&pieces[1..]) {
        parts.extend([of(value), Value::Text((*piece).to_owned())]);
    }
    Some(Value::Joined(parts))
}

/// `implode` of an array that is written out.
fn imploded<'a>(between: &Value, parts: &'a Expression<'a>, of: Of<'_, 'a>) -> Option<Value> {
    let mut joined = Vec::new();
    for element in elements(parts)? {
        let ArrayElement::Value(element) = element else {
            return None;
        };
        if !joined.is_empty() {
            joined.push(between.clone());
        }
        joined.push(of(element.value));
    }
    Some(Value::Joined(joined))
}
