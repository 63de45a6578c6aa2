//! The skeleton of a page: which elements stand in which, how often; text, attributes and numbers dropped. Pure.
//!
//! Two pages of one template have one skeleton, whatever they say. An element is known by its tag and classes and the tag
//! that it stands in; a class with a digit names one thing and does not count.

use std::collections::{BTreeMap, BTreeSet};

/// Elements that hold no others.
const VOID: [&str; 13] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
];
/// Elements whose text is no markup.
const RAW: [&str; 5] = ["script", "style", "textarea", "title", "noscript"];
/// Different elements that are kept; what comes beyond is not looked at.
const KINDS_MAX: usize = 10_000;
/// How deep elements are followed.
const DEPTH_MAX: usize = 256;
/// Longest name of an element with its classes, in bytes.
const KIND_MAX_BYTES: usize = 120;
/// Elements that a difference names.
const NAMED_MAX: usize = 3;

/// How often each kind of element stands in a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Skeleton(BTreeMap<String, u32>);

impl Skeleton {
    /// Reads a page.
    pub(crate) fn of(page: &str) -> Self {
        let mut skeleton = Self::default();
        let mut open: Vec<&str> = Vec::new();
        let mut rest = page;
        while let Some((_, behind)) = rest.split_once('<') {
            rest = skeleton.one(behind, &mut open);
        }
        skeleton
    }

    /// Takes what stands behind one `<` and gives what is left.
    fn one<'a>(&mut self, behind: &'a str, open: &mut Vec<&'a str>) -> &'a str {
        if let Some(comment) = behind.strip_prefix("!--") {
            return comment.split_once("-->").map_or("", |(_, rest)| rest);
        }
        let Some(end) = tag_end(behind) else {
            return "";
        };
        let (tag, rest) = (
            behind.get(..end).unwrap_or_default(),
            behind.get(end + 1..).unwrap_or_default(),
        );
        if let Some(closed) = tag.strip_prefix('/') {
            close(open, name(closed));
            return rest;
        }
        let name = name(tag);
        if name.is_empty() {
            return behind;
        }
        self.count(open.last().copied().unwrap_or_default(), name, tag);
        let opens = !is_any(&VOID, name) && !tag.ends_with('/');
        if opens && is_any(&RAW, name) {
            return behind_raw(rest, name);
        }
        if opens && open.len() < DEPTH_MAX {
            open.push(name);
        }
        rest
    }

    fn count(&mut self, parent: &str, name: &str, tag: &str) {
        let mut kind = format!("{parent}>{name}").to_ascii_lowercase();
        for class in classes(tag) {
            if kind.len() + class.len() < KIND_MAX_BYTES {
                kind.push('.');
                kind.push_str(class);
            }
        }
        if self.0.len() < KINDS_MAX || self.0.contains_key(&kind) {
            *self.0.entry(kind).or_default() += 1;
        }
    }

    /// In what a third page differs from two of one release, as far as those two agree.
    pub(crate) fn difference(first: &Self, second: &Self, other: &Self) -> BTreeSet<Part> {
        let count = |skeleton: &Self, kind: &str| skeleton.0.get(kind).copied().unwrap_or_default();
        let kinds: BTreeSet<&String> = first
            .0
            .keys()
            .chain(second.0.keys())
            .chain(other.0.keys())
            .collect();
        let part = |kind: &String| {
            let (one, two, now) = (count(first, kind), count(second, kind), count(other, kind));
            let how = match (one, now) {
                (one, now) if one != two || one == now => return None,
                (_, 0) => How::Lacks,
                (0, _) => How::HasNew,
                _ => How::HasAnotherNumber,
            };
            Some(Part {
                how,
                kind: kind.clone(),
            })
        };
        kinds.into_iter().filter_map(part).collect()
    }
}

/// One kind of element in which pages differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    how: How,
    kind: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Lacks,
    HasNew,
    HasAnotherNumber,
}

/// For people, as in `lacks body>h1, has new body>p`.
pub(crate) fn words(parts: &BTreeSet<Part>) -> String {
    let all = [
        (How::Lacks, "lacks"),
        (How::HasNew, "has new"),
        (How::HasAnotherNumber, "has another number of"),
    ];
    let told = all.iter().filter_map(|(how, words)| {
        let of_them = parts.iter().filter(|part| part.how == *how);
        let kinds: Vec<_> = of_them.map(|part| part.kind.trim_start_matches('>')).collect();
        (!kinds.is_empty()).then(|| format!("{words} {}", named(&kinds)))
    });
    told.collect::<Vec<_>>().join(", ")
}

fn named(kinds: &[&str]) -> String {
    let named: Vec<_> = kinds.iter().take(NAMED_MAX).copied().collect();
    match kinds.len().saturating_sub(NAMED_MAX) {
        0 => named.join(" "),
        more => format!("{} and {more} more", named.join(" ")),
    }
}

/// Where the tag ends that begins here; quotes may hide its end.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

fn name(tag: &str) -> &str {
    let end = tag
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .unwrap_or(tag.len());
    tag.get(..end).unwrap_or_default()
}

fn is_any(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn close(open: &mut Vec<&str>, name: &str) {
    if let Some(at) = open.iter().rposition(|known| known.eq_ignore_ascii_case(name)) {
        open.truncate(at);
    }
}

/// Behind the end of an element whose text is no markup.
fn behind_raw<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("</") {
        let found = behind
            .get(..name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name));
        if found {
            return behind.split_once('>').map_or("", |(_, rest)| rest);
        }
        rest = behind;
    }
    ""
}

/// The classes of a tag that name a kind of thing, sorted.
fn classes(tag: &str) -> Vec<&str> {
    let value = tag.split_once("class=").map(|(_, value)| value);
    let quoted = value.and_then(|value| {
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        value.get(1..)?.split(quote).next()
    });
    let words = quoted.unwrap_or_default().split_ascii_whitespace();
    let mut all: Vec<_> = words
        .filter(|word| {
            word.bytes()
                .all(|b| b.is_ascii_alphabetic() || b"-_".contains(&b))
        })
        .collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: &str, second: &str, other: &str, expected: Option<&str>) {
        let parts = Skeleton::difference(&Skeleton::of(first), &Skeleton::of(second), &Skeleton::of(other));
        assert_eq!(words(&parts), expected.unwrap_or_default());
    }

    const PAGE: &str =
        "<html><body class='post-7 home'><h1>One</h1><ul><li>a</li><li>b</li></ul></body></html>";

    #[test]
    fn text_and_names_of_single_things_make_no_difference() {
        let other = "<html><body class=\"home post-9\"><h1 id=x data-n='<b>'>Two</h1><!-- <p> --><ul><li>c</li><li>d</li></ul></body></html>";
        check(PAGE, PAGE, other, None);
    }

    #[test]
    fn elements_that_are_gone_new_or_more_are_named() {
        let other = "<html><body class='home'><p class=\"note\">x</p><ul><li>a</li></ul></body></html>";
        check(
            PAGE,
            PAGE,
            other,
            Some("lacks body>h1, has new body>p.note, has another number of ul>li"),
        );
    }

    #[test]
    fn what_differs_between_two_answers_of_one_release_is_masked() {
        let noisy = PAGE.replace("<li>b</li>", "<li>b</li><li>n</li>");
        let other = PAGE.replace("<li>b</li>", "");
        check(PAGE, &noisy, &other, None);
        check(PAGE, PAGE, &other, Some("has another number of ul>li"));
    }

    #[test]
    fn no_page_is_too_odd() {
        for odd in [
            "<",
            "<a",
            "<a href='",
            "</",
            "<!--",
            "<script>",
            "<script></scrip",
            "a<b && c>d",
            "<é>",
            "<a/><<<>>",
        ] {
            Skeleton::of(odd);
        }
        let script = "<p></p><script>if (a<b) document.write('<div>')</script><i></i>";
        assert_eq!(
            Skeleton::of(script).0.keys().collect::<Vec<_>>(),
            [">i", ">p", ">script"]
        );
    }
}
