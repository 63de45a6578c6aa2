//! Declarations that PHP refuses. Each is made in a file that PHP itself loads, before and after: what it says then decides
//! whether it is a mistake, and of which rule.

use anyhow::Result;

use super::super::memory_tree::Change;
use super::super::scan::{Token, tokens};
use super::super::seed::Seed;
use super::text::{declared, lower, names_in};
use super::{Ground, Mistake, TRIES_MAX, line_of};

/// What PHP says of each.
const NOT_IMPLEMENTED: [&str; 1] = ["abstract method"];
const INCOMPATIBLE: [&str; 5] = [
    "must be compatible with",
    "Access level to",
    "Cannot make static method",
    "Cannot make non static method",
    "Cannot override final method",
];
const TWICE: [&str; 2] = ["Cannot redeclare", "Cannot declare"];

pub(super) fn not_implemented(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    of_method(ground, seed, &NOT_IMPLEMENTED, |source, method, _| {
        let end = method.name.end();
        Some(([&source[..end], b"Renamed", &source[end..]].concat(), "renamed"))
    })
}

pub(super) fn incompatible(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    of_method(ground, seed, &INCOMPATIBLE, |source, method, seed| {
        method.changed(source, seed)
    })
}

/// A method of a class that is made of others, and what stands around it.
#[derive(Debug, Clone, Copy)]
struct Method<'s> {
    /// The token behind the modifiers.
    keyword: Token<'s>,
    name: Token<'s>,
    /// Behind `(`.
    open: usize,
    /// Before `)`.
    close: usize,
    /// The first sign of a parameter.
    dollar: Option<usize>,
    public: Option<Token<'s>>,
}

impl<'s> Method<'s> {
    fn of(tokens: &[Token<'s>], name: Token<'s>) -> Option<Self> {
        let at = tokens.iter().position(|token| token.start == name.start)?;
        let keyword = at.checked_sub(1)?;
        let modifiers = tokens[keyword.saturating_sub(3)..keyword].iter();
        let mut depth = 0_i32;
        let close = tokens[at + 1..].iter().find(|token| {
            depth += match token.text {
                b"(" => 1,
                b")" => -1,
                _ => 0,
            };
            depth <= 0
        })?;
        let open = tokens.get(at + 1)?.end();
        let mut dollars = tokens[at + 1..].iter().filter(|token| token.text == b"$");
        Some(Self {
            keyword: tokens[keyword],
            name,
            open,
            close: close.start,
            dollar: dollars
                .next()
                .map(|token| token.start)
                .filter(|start| *start < close.start),
            public: modifiers.rev().find(|token| token.text == b"public").copied(),
        })
    }

    /// The file with another head of the method.
    fn changed(&self, source: &[u8], seed: &mut Seed) -> Option<(Vec<u8>, &'static str)> {
        let replaced = |from: usize, to: usize, by: &[u8]| [&source[..from], by, &source[to..]].concat();
        Some(match seed.below(5) {
            0 => {
                let more: &[u8] = if self.dollar.is_some() {
                    b", $lamp_more"
                } else {
                    b"$lamp_more"
                };
                (
                    replaced(self.close, self.close, more),
                    "demands one argument more",
                )
            }
            1 => {
                self.dollar?;
                (replaced(self.open, self.close, b""), "takes no arguments")
            }
            2 => (
                replaced(self.keyword.start, self.keyword.start, b"static "),
                "is static",
            ),
            3 => {
                let public = self.public?;
                (replaced(public.start, public.end(), b"private"), "is private")
            }
            _ => {
                let dollar = self.dollar?;
                (replaced(dollar, dollar, b"&"), "takes by reference")
            }
        })
    }
}

fn of_method(
    ground: &Ground<'_>,
    seed: &mut Seed,
    refusals: &[&str],
    change: impl Fn(&[u8], &Method<'_>, &mut Seed) -> Option<(Vec<u8>, &'static str)>,
) -> Result<Option<Mistake>> {
    for _ in 0..TRIES_MAX {
        let Some(path) = seed.pick(&ground.text.pure) else {
            break;
        };
        let source = ground.read(path);
        let tokens = tokens(source);
        let is_made_of_others = tokens
            .iter()
            .any(|token| matches!(token.text, b"extends" | b"implements"));
        let mut names = declared(&tokens, &["function"]);
        names.retain(|at| ground.text.methods.contains(&lower(at.name.text)));
        let Some(name) = seed.pick(&names).filter(|_| is_made_of_others) else {
            continue;
        };
        let Some(method) = Method::of(&tokens, name.name) else {
            continue;
        };
        let Some((bytes, what)) = change(source, &method, seed) else {
            continue;
        };
        if !refused(ground, path, source, &bytes, refusals)? {
            continue;
        }
        let words = format!("{} {what}", String::from_utf8_lossy(method.name.text));
        let path = path.clone();
        return Ok(Some(Mistake {
            words,
            ..Mistake::of(Change::Write { path, bytes })
        }));
    }
    Ok(None)
}

/// Whether PHP loads the file as it was, and refuses it with such words as it is now.
fn refused(ground: &Ground<'_>, path: &str, before: &[u8], after: &[u8], refusals: &[&str]) -> Result<bool> {
    let own = names_in(&tokens(before));
    let mut classes = ground.text.places.clone();
    classes.retain(|name, _| !own.contains(name));
    let file = path.rsplit('/').next().unwrap_or(path);
    let said = ground.php.loads(&classes, &[(file, after)])?;
    if !refusals.iter().any(|words| said.contains(words)) {
        return Ok(false);
    }
    Ok(ground
        .php
        .loads(&classes, &[(file, before)])?
        .ends_with("\nloaded\n"))
}

/// In its own file, or in one that the file loads.
pub(super) fn twice(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    for _ in 0..TRIES_MAX {
        let Some(path) = seed.pick(&ground.text.pure) else {
            break;
        };
        let source = ground.read(path);
        let tokens = tokens(source);
        let is_in_a_namespace = tokens.iter().any(|token| token.text == b"namespace");
        let names = declared(&tokens, &["function"]);
        let at_line_start = |start: usize| source[..start].ends_with(b"\nfunction ");
        let functions: Vec<_> = names.iter().filter(|at| at_line_start(at.name.start)).collect();
        let again = match seed.pick(&functions) {
            Some(at) => format!("function {}() {{}}\n", String::from_utf8_lossy(at.name.text)),
            None => {
                let classes = declared(&tokens, &["class"]);
                let Some(at) = seed.pick(&classes) else { continue };
                format!("class {} {{}}\n", String::from_utf8_lossy(at.name.text))
            }
        };
        let file = path.rsplit('/').next().unwrap_or(path);
        let made = match seed.below(2) {
            0 if !is_in_a_namespace => in_two_files(path, source, &again),
            _ => in_one_file(path, source, &again),
        };
        let files: Vec<(&str, &[u8])> = made.iter().map(|(name, bytes)| (last(name), &**bytes)).collect();
        let said = ground.php.loads(&ground.text.places, &files)?;
        let before = |_| {
            ground
                .php
                .loads(&ground.text.places, &[(file, source)])
                .map(|said| said.ends_with("\nloaded\n"))
        };
        let is_refused = TWICE.iter().any(|words| said.contains(words));
        if is_refused.then_some(()).map(before).transpose()? != Some(true) {
            continue;
        }
        let changes = made
            .into_iter()
            .map(|(path, bytes)| Change::Write { path, bytes });
        let words = format!("{} again", again.trim());
        return Ok(Some(Mistake::all(changes.collect(), words)));
    }
    Ok(None)
}

type Written = (String, Vec<u8>);

fn in_one_file(path: &str, source: &[u8], again: &str) -> Vec<Written> {
    vec![(
        path.to_owned(),
        [source, b"\n".as_slice(), again.as_bytes()].concat(),
    )]
}

fn in_two_files(path: &str, source: &[u8], again: &str) -> Vec<Written> {
    let (directory, _) = path.rsplit_once('/').unwrap_or(("", path));
    let other = format!("{directory}/lamp-again.php");
    let behind = "<?php".len();
    let load = b"\nrequire_once __DIR__ . '/lamp-again.php';";
    let with = [&source[..behind], load, &source[behind..]].concat();
    let again = format!("<?php\n{again}").into_bytes();
    vec![
        (path.to_owned(), with),
        (other.trim_start_matches('/').to_owned(), again),
    ]
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A construct, or a name, that this PHP does not have.
pub(super) fn too_new(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    const NAMES: [&str; 10] = [
        "json_validate",
        "str_increment",
        "str_decrement",
        "array_find",
        "array_find_key",
        "array_any",
        "array_all",
        "fpow",
        "array_first",
        "array_last",
    ];
    const CONSTRUCTS: [&str; 4] = [
        "class LampTyped { const int A = 1; }",
        "class LampHook { public int $a { get => 1; } }",
        "class LampSeen { public private(set) int $a = 1; }",
        "function lamp_pipe($a) { return $a |> strlen(...); }",
    ];
    let name = NAMES[seed.below(NAMES.len())];
    let construct = CONSTRUCTS[seed.below(CONSTRUCTS.len())];
    let is_construct = seed.below(2) == 0;
    let call = format!("function lamp_newer($a) {{ return {name}($a); }}");
    let code = if is_construct { construct } else { &call };
    let Some(mistake) = appended(ground, seed, code)? else {
        return Ok(None);
    };
    let is_newer = match is_construct {
        true => !ground.php.compiles(format!("<?php {code}").as_bytes())?,
        false => !ground.php.knows(name)? && !ground.text.words.contains(name),
    };
    let host = ground.hosts.php.clone();
    Ok(is_newer.then_some(Mistake { host, ..mistake }))
}

/// A function of an extension that this PHP does not load.
pub(super) fn missing_extension(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    const NAMES: [&str; 12] = [
        "bcadd",
        "collator_create",
        "curl_init",
        "gmp_add",
        "imagecreate",
        "imap_open",
        "ldap_connect",
        "mb_convert_case",
        "pg_connect",
        "simplexml_load_string",
        "snmpget",
        "xml_parser_create",
    ];
    let name = NAMES[seed.below(NAMES.len())];
    let is_own = ground.text.functions.contains(name);
    if is_own || ground.php.knows(name)? {
        return Ok(None);
    }
    let code = match seed.below(2) {
        0 => format!("function lamp_extension($a) {{ return {name}($a); }}"),
        _ => format!("$lamp_extension = {name}(1);"),
    };
    let host = ground.hosts.extensions.clone();
    Ok(appended(ground, seed, &code)?.map(|mistake| Mistake { host, ..mistake }))
}

/// A line more at the end of a file that PHP compiles before.
pub(super) fn appended(ground: &Ground<'_>, seed: &mut Seed, code: &str) -> Result<Option<Mistake>> {
    for _ in 0..TRIES_MAX {
        let Some(path) = seed.pick(&ground.text.files) else {
            break;
        };
        let source = ground.read(path);
        let ends_in_php = source.starts_with(b"<?php")
            && !source.windows(2).any(|two| two == b"?>")
            && !source
                .windows(15)
                .any(|word| word.eq_ignore_ascii_case(b"__halt_compiler"));
        if !ends_in_php || is_in_vendor(path) || !ground.php.compiles(source)? {
            continue;
        }
        let bytes = [source, b"\n", code.as_bytes(), b"\n"].concat();
        let line = line_of(&bytes, bytes.len() - 2);
        let path = path.clone();
        return Ok(Some(Mistake {
            line: Some(line),
            words: code.to_owned(),
            ..Mistake::of(Change::Write { path, bytes })
        }));
    }
    Ok(None)
}

/// Libraries are another matter to some rules.
fn is_in_vendor(path: &str) -> bool {
    path.split('/')
        .any(|part| part == "vendor" || part == "node_modules")
}
