//! The templates that a template names: literal names only, by the words of each engine.

use super::{Engine, Naming};
use crate::facts::Spot;

/// Most names of one file that are looked at.
const NAMINGS_MAX: usize = 2_000;
/// Longest name that is one, in bytes.
const NAME_MAX_BYTES: usize = 200;

/// Longest tag that is one, in bytes.
const TAG_MAX_BYTES: usize = 500;

/// Words of an engine that stand before the name of a template.
const TWIG: [&str; 10] = [
    "{% extends ",
    "{% include ",
    "{% embed ",
    "{% import ",
    "{% from ",
    "{% use ",
    "{%- include ",
    "{%- extends ",
    "{{ include(",
    "{{- include(",
];
const SMARTY: [&str; 4] = ["{include file=", "{extends file=", "{include ", "{extends "];
const LATTE: [&str; 6] = [
    "{include ",
    "{layout ",
    "{extends ",
    "{import ",
    "{embed ",
    "{sandbox ",
];
const BLADE: [&str; 3] = ["@extends(", "@include(", "@component("];
const BLOCK: [&str; 1] = ["\"file:"];
const BLOCK_PART: [&str; 1] = ["<!-- wp:template-part "];

/// The names in a template with this path.
pub(crate) fn scan(path: &str, bytes: &[u8]) -> Vec<Naming> {
    let Some((engine, words)) = engine(path) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(bytes);
    let mut namings = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        for word in words {
            for (column, _) in line.match_indices(word) {
                let behind = bounded(&line[column + word.len()..]);
                let Some(name) = name(engine, behind) else {
                    continue;
                };
                if namings.len() >= NAMINGS_MAX {
                    return namings;
                }
                let at = Spot {
                    line: u32::try_from(at + 1).unwrap_or(u32::MAX),
                    column: u32::try_from(column + 1).unwrap_or(u32::MAX),
                };
                namings.push(Naming {
                    at,
                    engine,
                    text: name,
                });
            }
        }
    }
    namings
}

/// As much of a line as one tag has.
fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(TAG_MAX_BYTES)]
}

fn engine(path: &str) -> Option<(Engine, &'static [&'static str])> {
    let ends = |ending: &str| path.ends_with(ending);
    if ends(".twig") {
        Some((Engine::Twig, &TWIG))
    } else if ends(".tpl") {
        Some((Engine::Smarty, &SMARTY))
    } else if ends(".latte") {
        Some((Engine::Latte, &LATTE))
    } else if ends(".blade.php") {
        Some((Engine::Blade, &BLADE))
    } else if ends("/block.json") && !path.contains("src/") {
        Some((Engine::Block, &BLOCK))
    } else if ends(".html") && (path.contains("/templates/") || path.contains("/parts/")) {
        Some((Engine::BlockPart, &BLOCK_PART))
    } else {
        None
    }
}

fn name(engine: Engine, behind: &str) -> Option<String> {
    let name = match engine {
        Engine::Block => behind.split('"').next()?,
        Engine::BlockPart => {
            let attributes = behind.split("-->").next()?;
            if attributes.contains("\"theme\"") {
                return None;
            }
            attributes.split_once("\"slug\":\"")?.1.split('"').next()?
        }
        Engine::Twig
        | Engine::Smarty
        | Engine::Latte
        | Engine::Blade
        | Engine::ThemePart
        | Engine::ThemeFile
        | Engine::Layout
        | Engine::ModuleLayout
        | Engine::Style
        | Engine::Page => quoted(behind)?,
    };
    let is_plain = !name.is_empty()
        && name.len() <= NAME_MAX_BYTES
        && !name.starts_with(['@', '/', '!'])
        && !name.contains(['$', ':', '`', '{', '#', '*', '\\', '?'])
        && (matches!(engine, Engine::Block | Engine::Latte) || !name.split('/').any(|part| part == ".."));
    let has_ending = matches!(engine, Engine::Blade | Engine::BlockPart) || name.contains('.');
    (is_plain && has_ending).then(|| name.trim_start_matches("./").to_owned())
}

/// A literal that is the whole of the name: nothing is added to it, and nobody says that it may be missing.
fn quoted(behind: &str) -> Option<&str> {
    let behind = behind.trim_start();
    let quote = behind
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''))?;
    let (name, rest) = behind[1..].split_once(quote)?;
    let rest = rest.trim_start();
    let goes_on = rest.starts_with(['~', '.', '|', '?', '[', '+']);
    // The fourth argument of Twig's `include()` says so, too.
    let may_be_missing = rest.contains("ignore missing")
        || rest.contains("ignore_missing")
        || (rest.starts_with(',') && rest.contains(", true"));
    (!goes_on && !may_be_missing).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let found = scan(path, text.as_bytes());
        let found: Vec<&str> = found.iter().map(|naming| naming.text.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn each_engine_names_templates_in_its_own_words() {
        check(
            "a.twig",
            "{% extends 'base.twig' %}\n{% include \"x/y.twig\" with {a: 1} only %}",
            &["base.twig", "x/y.twig"],
        );
        check(
            "a.twig",
            "{% include 'a' ~ b %}{% include x %}{% include 'x.twig' ignore missing %}{% extends '@core/b.twig' %}",
            &[],
        );
        check(
            "a.twig",
            "{{ include('a.twig') }}{{- include('b.twig', {a: 1}) }}{{ include('c' ~ d) }}\n{{ include('d.twig', {}, true, true) }}\n\
             {{ include('e.twig', ignore_missing = true) }}",
            &["a.twig", "b.twig"],
        );
        check(
            "a.tpl",
            "{include file=\"a.tpl\" x=1}{include file=$x}{extends 'b.tpl'}",
            &["a.tpl", "b.tpl"],
        );
        check(
            "a.latte",
            "{include '../a.latte', x => 1}{include block}",
            &["../a.latte"],
        );
        check(
            "a.blade.php",
            "@extends('layouts.app') @include('a.b', [1]) @include($x) @include('p::x')",
            &["layouts.app", "a.b"],
        );
        check(
            "b/block.json",
            "{\"style\": \"file:./style.css\", \"script\": \"handle\"}",
            &["style.css"],
        );
        check("src/block.json", "{\"style\": \"file:./style.css\"}", &[]);
        check(
            "t/templates/a.html",
            "<!-- wp:template-part {\"slug\":\"header\",\"tagName\":\"header\"} /-->",
            &["header"],
        );
    }
}
