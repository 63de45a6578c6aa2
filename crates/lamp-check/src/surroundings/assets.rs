//! Pictures, styles and scripts that markup and style sheets name: literal names only.
//!
//! Which of them are not there is judged beside the templates, by `super::templates`.

use super::templates::{Engine, Naming};
use crate::facts::Spot;
use crate::parse::Lines;

/// Most names of one file that are looked at.
const NAMINGS_MAX: usize = 2_000;
/// Longest name that is one, in bytes.
const NAME_MAX_BYTES: usize = 200;
/// Endings of markup, beside PHP itself.
const MARKUP: [&str; 7] = [".html", ".htm", ".twig", ".tpl", ".latte", ".blade.php", ".phtml"];
/// Endings of files that pages are made of, and that nothing runs.
const ASSETS: [&str; 16] = [
    "avif", "css", "eot", "gif", "ico", "jpeg", "jpg", "js", "mjs", "mp4", "png", "svg", "ttf", "webp",
    "woff", "woff2",
];
/// Attributes whose value is one name.
const ATTRIBUTES: [&[u8]; 2] = [b"src=", b"href="];

/// The names in a file with this path that is no PHP.
pub(crate) fn scan(path: &str, bytes: &[u8]) -> Vec<Naming> {
    let (engine, found) = if path.ends_with(".css") {
        (Engine::Style, in_style(bytes))
    } else if MARKUP.iter().any(|ending| path.ends_with(ending)) {
        (Engine::Page, in_markup(bytes))
    } else {
        return Vec::new();
    };
    let lines = Lines::new(bytes);
    let naming = |(offset, text)| Naming {
        at: spot(&lines, offset),
        engine,
        text,
    };
    found.into_iter().map(naming).collect()
}

fn spot(lines: &Lines<'_>, offset: usize) -> Spot {
    lines.spot(u32::try_from(offset).unwrap_or(u32::MAX))
}

/// What `src` and `href` name in markup, each with its offset.
pub(crate) fn in_markup(bytes: &[u8]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in memchr::memchr_iter(b'=', bytes) {
        let is_attribute = |name: &&[u8]| {
            let start = (at + 1).checked_sub(name.len());
            let before = start
                .and_then(|start| start.checked_sub(1))
                .map(|before| bytes[before]);
            start.is_some_and(|start| bytes[start..=at].eq_ignore_ascii_case(name))
                && before.is_some_and(|before| before.is_ascii_whitespace())
        };
        if ATTRIBUTES.iter().any(is_attribute)
            && let Some(name) = quoted(&bytes[at + 1..]).and_then(name)
        {
            found.push((at + 2, name));
            if found.len() == NAMINGS_MAX {
                break;
            }
        }
    }
    found
}

/// What `url(...)` names in a style sheet, each with its offset.
fn in_style(bytes: &[u8]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_comment = false;
    for at in memchr::memchr3_iter(b'/', b'*', b'u', bytes) {
        match &bytes[at..] {
            [b'/', b'*', ..] => is_comment = true,
            [b'*', b'/', ..] => is_comment = false,
            [b'u', b'r', b'l', b'(', rest @ ..] if !is_comment => {
                found.extend(argument(rest).and_then(name).map(|name| (at + 4, name)));
            }
            _ => {}
        }
        if found.len() == NAMINGS_MAX {
            break;
        }
    }
    found
}

/// As long as one name may be.
fn bounded(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(NAME_MAX_BYTES)]
}

fn quoted(bytes: &[u8]) -> Option<&[u8]> {
    let (quote, rest) = bytes.split_first()?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let rest = bounded(rest);
    Some(&rest[..rest.iter().position(|byte| byte == quote)?])
}

fn argument(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bounded(bytes);
    let inside = &rest[..rest.iter().position(|byte| *byte == b')')?];
    let inside = inside.trim_ascii();
    Some(quoted(inside).unwrap_or(inside))
}

/// A relative name of an asset, without what a browser keeps for itself.
fn name(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.split(['?', '#']).next()?;
    let ending = text.rsplit_once('.')?.1.to_ascii_lowercase();
    let is_plain = !text.starts_with(['/', '@', '~'])
        && !text.contains([
            ':', '$', '{', '}', '<', '>', '%', '*', '\\', '\'', '"', '(', '[', '+', ' ', '\n',
        ]);
    (is_plain && ASSETS.contains(&ending.as_str())).then(|| text.trim_start_matches("./").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[(&str, u32, u32)]) {
        let found = scan(path, text.as_bytes());
        let found: Vec<_> = found
            .iter()
            .map(|naming| (naming.text.as_str(), naming.at.line, naming.at.column))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn markup_names_assets_in_src_and_href() {
        let markup = "<img src=\"img/a.png?v=1\">\n<link\n HREF='css/b.css'><a href=\"page.php\">";
        check("t/a.twig", markup, &[("img/a.png", 1, 11), ("css/b.css", 3, 8)]);
        let not_literal = "<img src=\"{{ x }}/a.png\"><img src=\"//cdn/x.js\"><img src=\"https://x/a.js\"><img \
                           src=\"/a.js\"><img data-src=\"a.png\"><img src=\"a<?= 1 ?>.png\"><img src=\"a.png";
        check("a.html", not_literal, &[]);
        check("a.txt", "<img src=\"a.png\">", &[]);
    }

    #[test]
    fn a_style_sheet_names_what_stands_beside_it() {
        let style = "a { b: url(../img/a.png) }\n/* url(b.png) */ c { d: URL(x.png); e: url( 'c.woff2?#iefix' ) }\nf { g: \
                     url(data:image/png;base64,xx.png) url(";
        check("a.css", style, &[("../img/a.png", 1, 12), ("c.woff2", 2, 44)]);
    }
}
