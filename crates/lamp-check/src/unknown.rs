//! Why the file of an include cannot be told, and whether its name can be read in one way only.

use lamp_model::reach::UnknownReason;

use crate::constants::Constants;
use crate::value::Value;

/// The parts of an expression, itself first, without recursion.
fn parts(value: &Value) -> impl Iterator<Item = &Value> {
    let mut ahead = vec![value];
    std::iter::from_fn(move || {
        let value = ahead.pop()?;
        match value {
            Value::Joined(parts) | Value::Either(parts) => ahead.extend(parts.iter().rev()),
            Value::Dirname { of: inner, .. }
            | Value::WithSlash(inner)
            | Value::WithoutSlash(inner)
            | Value::Shortened { of: inner, .. }
            | Value::Lower(inner)
            | Value::Shared { value: inner, .. } => ahead.push(inner),
            Value::Text(_)
            | Value::Dir
            | Value::File
            | Value::Constant(_)
            | Value::ClassConstant { .. }
            | Value::Property { .. }
            | Value::Global(_)
            | Value::Parameter(_)
            | Value::Call { .. }
            | Value::Environment(_)
            | Value::IncludePath
            | Value::Unknown(_) => {}
        }
        Some(value)
    })
}

/// Whether nothing in it may be one thing or another; constants count as what the tree says of them.
pub(crate) fn is_read_in_one_way(value: &Value) -> bool {
    parts(value).all(|part| match part {
        Value::Either(_)
        | Value::Shared { .. }
        | Value::Property { .. }
        | Value::Global(_)
        | Value::Parameter(_)
        | Value::Call { .. }
        | Value::Environment(_)
        | Value::IncludePath
        | Value::Unknown(_) => false,
        Value::Text(_)
        | Value::Dir
        | Value::File
        | Value::Constant(_)
        | Value::ClassConstant { .. }
        | Value::Joined(_)
        | Value::Dirname { .. }
        | Value::WithSlash(_)
        | Value::WithoutSlash(_)
        | Value::Shortened { .. }
        | Value::Lower(_) => true,
    })
}

/// Why an include of this name, which stands in the file `source`, is undecided: what most likely hinders.
pub(crate) fn reason(value: &Value, source: usize, constants: &Constants<'_>) -> UnknownReason {
    let of_part = |part: &Value| match part {
        Value::Unknown(_)
        | Value::Property { .. }
        | Value::Parameter(_)
        | Value::Call { .. }
        | Value::Environment(_)
        | Value::ClassConstant { .. }
        | Value::IncludePath => Some(UnknownReason::MadeWhileRunning),
        Value::Shared { variable, .. } | Value::Global(variable) => Some(UnknownReason::SharedVariable {
            name: variable.clone(),
        }),
        Value::Constant(name) if is_foreign(name, source, constants) => {
            Some(UnknownReason::ForeignConstant { name: name.clone() })
        }
        Value::Constant(_)
        | Value::Text(_)
        | Value::Dir
        | Value::File
        | Value::Joined(_)
        | Value::Either(_)
        | Value::Dirname { .. }
        | Value::WithSlash(_)
        | Value::WithoutSlash(_)
        | Value::Shortened { .. }
        | Value::Lower(_) => None,
    };
    // What only running tells comes before what somebody could tell us.
    parts(value)
        .filter_map(of_part)
        .min()
        .unwrap_or_else(|| searched_or_outside(value))
}

fn is_foreign(name: &str, source: usize, constants: &Constants<'_>) -> bool {
    !matches!(name, "DIRECTORY_SEPARATOR" | "PATH_SEPARATOR")
        && constants.roots(name).is_none()
        && constants.definitions(name, source).is_empty()
}

/// A name that begins with a text without a slash is looked for.
fn searched_or_outside(value: &Value) -> UnknownReason {
    let first = parts(value).find(|part| !matches!(part, Value::Joined(_)));
    match first {
        Some(Value::Text(text)) if !text.starts_with('/') && !text.contains("://") => {
            UnknownReason::SearchedFor
        }
        _ => UnknownReason::OutsideTheTree,
    }
}
