//! Names that nothing declares: a word of the code with a slip of the keys in it.

use anyhow::Result;

use super::super::memory_tree::Change;
use super::super::scan::{Token, tokens};
use super::super::seed::Seed;
use super::text::{declared, lower};
use super::{Ground, Mistake, TRIES_MAX, line_of};

/// What kind of name a word is, by the words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Function,
    Class,
    Method,
    Constant,
    ClassConstant,
}

pub(super) fn function(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    make(ground, Kind::Function, seed)
}

pub(super) fn class(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    make(ground, Kind::Class, seed)
}

pub(super) fn method(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    make(ground, Kind::Method, seed)
}

pub(super) fn constant(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let kind = [Kind::Constant, Kind::ClassConstant][seed.below(2)];
    make(ground, kind, seed)
}

fn make(ground: &Ground<'_>, kind: Kind, seed: &mut Seed) -> Result<Option<Mistake>> {
    for _ in 0..TRIES_MAX {
        let Some(path) = seed.pick(&ground.text.files) else {
            break;
        };
        let source = ground.read(path);
        let places = places(ground, kind, &tokens(source));
        let Some(place) = seed.pick(&places) else { continue };
        let old = String::from_utf8_lossy(place.text).into_owned();
        let Some(new) = slip(&old, seed) else { continue };
        let is_there = ground.text.words.contains(&new.to_ascii_lowercase()) || ground.php.knows(&new)?;
        if is_there {
            continue;
        }
        let bytes = [&source[..place.start], new.as_bytes(), &source[place.end()..]].concat();
        // A slip in a word of PHP's own, as in a cast, is another mistake.
        if !ground.php.compiles(&bytes)? {
            continue;
        }
        let path = path.clone();
        return Ok(Some(Mistake {
            line: Some(line_of(source, place.start)),
            words: format!("{old} became {new}"),
            ..Mistake::of(Change::Write { path, bytes })
        }));
    }
    Ok(None)
}

/// The words of this kind whose declaration stands in the tree.
fn places<'s>(ground: &Ground<'_>, kind: Kind, tokens: &[Token<'s>]) -> Vec<Token<'s>> {
    let own = match kind {
        Kind::Method => declared(tokens, &["function"]),
        Kind::ClassConstant => declared(tokens, &["const"]),
        Kind::Function | Kind::Class | Kind::Constant => Vec::new(),
    };
    let is_own = |token: &Token<'_>| own.iter().any(|own| own.name.text == token.text);
    let is_declared = |token: &Token<'_>| match kind {
        Kind::Function => ground.text.functions.contains(&lower(token.text)),
        Kind::Class => ground.text.classes.contains(&lower(token.text)),
        Kind::Constant => ground
            .text
            .constants
            .contains(&*String::from_utf8_lossy(token.text)),
        Kind::Method | Kind::ClassConstant => is_own(token),
    };
    (0..tokens.len())
        .filter(|at| Around { tokens, at: *at }.is(kind) && is_declared(&tokens[*at]))
        .map(|at| tokens[at])
        .collect()
}

/// A token and its neighbours.
struct Around<'t, 's> {
    tokens: &'t [Token<'s>],
    at: usize,
}

impl Around<'_, '_> {
    fn before(&self, by: usize) -> &[u8] {
        self.at.checked_sub(by).map_or(b"", |at| self.tokens[at].text)
    }

    fn behind(&self, by: usize) -> &[u8] {
        self.tokens.get(self.at + by).map_or(b"", |token| token.text)
    }

    fn is(&self, kind: Kind) -> bool {
        let is_free = !matches!(
            self.before(1),
            b">" | b":" | b"$" | b"\\" | b"&" | b"[" | b"function" | b"fn" | b"const" | b"use"
        ) && self.behind(1) != b"\\";
        let is_call = self.behind(1) == b"(";
        let is_before_colons = self.behind(1) == b":" && self.behind(2) == b":";
        match kind {
            Kind::Function => is_free && is_call && self.before(1) != b"new",
            // `X::class` is a text, whatever X is.
            Kind::Class => {
                let is_text = self.behind(3) == b"class";
                is_free && (self.before(1) == b"new" || (is_before_colons && !is_text))
            }
            Kind::Method => {
                let this: Vec<&[u8]> = (1..=4).map(|by| self.before(by)).collect();
                is_call && this == [b">".as_slice(), b"-", b"this", b"$"]
            }
            Kind::Constant => {
                let is_declaration = matches!(self.before(1), b"new" | b"class" | b"case" | b"extends");
                is_free && !is_call && !is_before_colons && !is_declaration
            }
            Kind::ClassConstant => {
                let is_own = self.before(1) == b":" && self.before(2) == b":" && self.before(3) == b"self";
                is_own && !is_call
            }
        }
    }
}

/// Shortest name in which a slip can be told from another name.
const NAME_MIN: usize = 6;

/// Two letters swapped, one lost, or one doubled.
pub(super) fn slip(name: &str, seed: &mut Seed) -> Option<String> {
    if name.len() < NAME_MIN || !name.is_ascii() {
        return None;
    }
    let mut bytes = name.as_bytes().to_vec();
    let at = 1 + seed.below(bytes.len() - 2);
    if !bytes[at].is_ascii_alphabetic() {
        return None;
    }
    match seed.below(3) {
        0 => bytes.swap(at, at + 1),
        1 => drop(bytes.remove(at)),
        _ => bytes.insert(at, bytes[at]),
    }
    let new = String::from_utf8(bytes).ok()?;
    (!new.eq_ignore_ascii_case(name)).then_some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, code: &str, expected: &[&str]) {
        let source = format!("<?php {code}");
        let tokens = tokens(source.as_bytes());
        let found = (0..tokens.len()).filter(|at| {
            let around = Around {
                tokens: &tokens,
                at: *at,
            };
            around.is(kind) && tokens[*at].text[0].is_ascii_alphabetic()
        });
        let found: Vec<_> = found.map(|at| String::from_utf8_lossy(tokens[at].text)).collect();
        assert_eq!(found, expected, "{code}");
    }

    #[test]
    fn words_are_told_apart_by_what_stands_around_them() {
        let code = "function f() { g($this->h(), X::i(), new J(1), \\k()); $l(); }";
        check(Kind::Function, code, &["g"]);
        check(Kind::Class, code, &["X", "J"]);
        check(Kind::Method, code, &["h"]);
        check(
            Kind::ClassConstant,
            "echo self::LIMIT, self::f(), A::B;",
            &["LIMIT"],
        );
    }

    #[test]
    fn a_slip_is_another_name() {
        for number in 0..200 {
            if let Some(new) = slip("get_option", &mut Seed::new(number)) {
                assert!(new != "get_option" && new.len().abs_diff(10) <= 1, "{new}");
            }
        }
        assert_eq!(slip("short", &mut Seed::new(1)), None);
    }
}
