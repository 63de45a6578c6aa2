//! Names as PHP compares them where their case does not matter.

use std::borrow::Cow;

/// A name in lower case. Most are written so, and then nothing is copied.
pub(crate) fn lower(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}
