//! A sentence that knows which of its words are ours: what comes from logs and people is text, never markup, and
//! never a link.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::plain::plain;

/// Longest part of a sentence that is somebody else's, in characters.
const FOREIGN_MAX_CHARS: usize = 500;

/// A sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phrase {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Our own words: they hold no markup.
    Own(String),
    /// Text from code, logs or names.
    Code(String),
    /// What a person said.
    Words(String),
    /// A sentence that holds text of others, as a title or a reason.
    Said(String),
}

impl Phrase {
    /// Begins with our own words.
    pub fn new(own: impl Into<String>) -> Self {
        Self::default().own(own)
    }

    /// Goes on with our own words.
    #[must_use]
    pub fn own(mut self, own: impl Into<String>) -> Self {
        self.parts.push(Part::Own(own.into()));
        self
    }

    /// Goes on with text from code, logs or names.
    #[must_use]
    pub fn code(mut self, text: impl fmt::Display) -> Self {
        let text = plain(&text.to_string(), FOREIGN_MAX_CHARS);
        self.parts.push(Part::Code(text));
        self
    }

    /// Goes on with what a person said.
    #[must_use]
    pub fn words(mut self, text: &str) -> Self {
        self.parts.push(Part::Words(plain(text, FOREIGN_MAX_CHARS)));
        self
    }

    /// Goes on with a sentence that holds text of others, as a title or a reason.
    #[must_use]
    pub fn said(mut self, text: impl fmt::Display) -> Self {
        let text = plain(&text.to_string(), FOREIGN_MAX_CHARS);
        self.parts.push(Part::Said(text));
        self
    }

    /// Goes on with another phrase.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// As Markdown: what is not ours stands in code spans, where nothing is markup and nothing becomes a link.
    pub fn markdown(&self) -> String {
        let shown = self.parts.iter().map(|part| match part {
            Part::Own(own) => own.clone(),
            Part::Code(text) => code_span(text),
            Part::Words(text) if is_prose(text) => format!("“{text}”"),
            Part::Said(text) if is_prose(text) => text.clone(),
            Part::Words(text) | Part::Said(text) => code_span(text),
        });
        shown.collect()
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Own(text) | Part::Code(text) | Part::Said(text) => f.write_str(text),
            Part::Words(text) => write!(f, "“{text}”"),
        })
    }
}

impl Serialize for Phrase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Letters, figures, spaces and such marks as no markup is made of; nothing that a reader of Markdown would take for
/// an address.
fn is_prose(text: &str) -> bool {
    const HARMLESS: &str = " ,;'?%…./:()-";
    let is_harmless = |c: char| c.is_alphanumeric() || HARMLESS.contains(c);
    let address = ["://", "www."]
        .iter()
        .any(|lead| text.to_lowercase().contains(lead));
    text.starts_with(|c: char| c.is_alphanumeric() || c == '/')
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(is_harmless)
        && !address
}

/// A code span: its fence is longer than any run of backticks in it.
fn code_span(text: &str) -> String {
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // One space on both sides is taken away again: a text may begin or end with a backtick.
    let pad = if text.contains('`') || text.starts_with(' ') || text.ends_with(' ') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrase: &Phrase, markdown: &str) {
        assert_eq!(phrase.markdown(), markdown);
    }

    #[test]
    fn what_is_not_ours_is_never_markup_nor_a_link() {
        let said = |text: &str| Phrase::new("said ").words(text);
        check(
            &said("the campaign starts at seven."),
            "said “the campaign starts at seven.”",
        );
        check(&said("see http://evil.example"), "said `see http://evil.example`");
        check(&said("www.evil.example"), "said `www.evil.example`");
        check(&said("a@evil.example"), "said `a@evil.example`");
        check(&said("[x](y)"), "said `[x](y)`");
        check(&said("<b>"), "said `<b>`");
        check(&said("WWW.evil.example"), "said `WWW.evil.example`");
        check(&said("1. x"), "said `1. x`");
        check(&said("- x"), "said `- x`");
        check(&said("a*b*"), "said `a*b*`");
        check(
            &Phrase::new("why: ").said("/ answered 500 (twice)"),
            "why: / answered 500 (twice)",
        );
        check(&Phrase::new("why: ").said("<b>"), "why: `<b>`");
        check(&said(""), "said (empty)");
        let code = |text: &str| Phrase::default().code(text);
        check(&code("a`b``c"), "``` a`b``c ```");
        check(&code("`"), "`` ` ``");
        check(&code("x\n# y\u{202e}"), "`x # y`");
    }
}
