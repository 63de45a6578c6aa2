//! Text from logs and people, made safe to show: on a pager, in a terminal, in a report.
//!
//! Nothing that [`plain`] answers moves a cursor, breaks a line or changes the direction of what stands beside it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::NameError;

/// Longest [`PlainText`], in characters.
pub const PLAIN_TEXT_MAX_CHARS: usize = 200;

/// A short text of strangers that is [`plain`], however it came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct PlainText(String);

impl PlainText {
    /// The text, made plain.
    pub fn of(text: &str) -> Self {
        Self(plain(text, PLAIN_TEXT_MAX_CHARS))
    }

    /// It.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlainText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for PlainText {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl From<PlainText> for String {
    fn from(text: PlainText) -> Self {
        text.0
    }
}

/// The text without control, direction-changing and invisible characters, at most `max_chars` long; what was cut
/// off shows as `…`.
pub fn plain(text: &str, max_chars: usize) -> String {
    let seen = text.chars().filter(|c| !is_invisible(*c));
    let mut kept = seen.map(|c| if is_break(c) { ' ' } else { c });
    let mut out: String = kept.by_ref().take(max_chars).collect();
    if kept.next().is_some() {
        out.pop();
        out.push('…');
    }
    out
}

/// One line that a person typed, without the blanks around it.
///
/// # Errors
/// If it says nothing, is longer than `max_chars`, or holds characters that act on a screen. Joiners may stay: some
/// scripts are written with them.
pub(crate) fn said(text: &str, what: &'static str, max_chars: usize) -> Result<String, NameError> {
    let said = text.trim();
    let why = if said.is_empty() {
        "it says nothing"
    } else if said.chars().count() > max_chars {
        "it is too long"
    } else if said.chars().any(|c| is_break(c) || turns(c)) {
        "it holds control or direction-changing characters, or more than one line"
    } else {
        return Ok(said.to_owned());
    };
    Err(NameError::new(text, what, why))
}

/// Unicode's Bidi_Control.
const fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Marks of direction, joiners, and tags: Unicode's Bidi_Control and Default_Ignorable_Code_Point, as far as a
/// terminal or a pager acts on them.
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, max_chars: usize, expected: &str) {
        assert_eq!(plain(text, max_chars), expected);
    }

    #[test]
    fn what_is_shown_is_what_is_read() {
        check("shop: é, 名", 20, "shop: é, 名");
        check("a\nb\x1b[2Jc\u{9b}d\u{2028}e", 20, "a b [2Jc d e");
        check("exe.\u{202e}gpj\u{2069}\u{200f}", 20, "exe.gpj");
        check("tag\u{e0041}\u{feff}s", 20, "tags");
        check("abcdef", 6, "abcdef");
        check("abcdefg", 6, "abcde…");
        check("abc", 0, "…");
    }
}
