//! What a tree declares, by its text: which words stand where, which files only declare, which classes lie where.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use super::super::application::Application;
use super::super::scan::{Token, tokens};

/// Directories of tests and examples, in which no mistake is made.
const ASIDE: [&str; 12] = [
    "bench", "demo", "demos", "doc", "docs", "example", "examples", "phpunit", "spec", "test", "testing",
    "tests",
];

/// What the files of one application say by their text.
#[derive(Debug)]
pub(super) struct Text {
    /// PHP files that are no tests, by path.
    pub(super) files: Vec<String>,
    /// Those of them that declare and do nothing else, so that PHP may load them.
    pub(super) pure: Vec<String>,
    /// Every word of every PHP file, lower-case.
    pub(super) words: HashSet<String>,
    /// Lower-case, as all names here.
    pub(super) functions: HashSet<String>,
    pub(super) classes: HashSet<String>,
    /// As written.
    pub(super) constants: HashSet<String>,
    /// Methods that more than one file has.
    pub(super) methods: HashSet<String>,
    /// The pure file of each class, by its whole name.
    pub(super) places: BTreeMap<String, PathBuf>,
}

impl Text {
    pub(super) fn of(application: &Application) -> Self {
        let mut text = Self {
            files: Vec::new(),
            pure: Vec::new(),
            words: HashSet::new(),
            functions: HashSet::new(),
            classes: HashSet::new(),
            constants: HashSet::new(),
            methods: HashSet::new(),
            places: BTreeMap::new(),
        };
        let mut once = HashSet::new();
        let paths = application.tree.files();
        for path in paths.filter(|path| application.is_php(path)) {
            let source = application.tree.read(path).unwrap_or_default();
            text.meet(application, path, source, &mut once);
        }
        text
    }

    fn meet(
        &mut self,
        application: &Application,
        path: &str,
        source: &[u8],
        methods_seen: &mut HashSet<String>,
    ) {
        let tokens = tokens(source);
        // Comments and texts as well: a name may be made out of one.
        let words = source
            .split(|byte| !is_word(*byte))
            .filter(|word| !word.is_empty());
        self.words.extend(words.map(lower));
        if is_aside(path) {
            return;
        }
        self.files.push(path.to_owned());
        let (functions, methods): (Vec<_>, Vec<_>) = declared(&tokens, &["function"])
            .into_iter()
            .partition(|at| at.is_at_line_start(source));
        self.functions
            .extend(functions.iter().map(|at| lower(at.name.text)));
        let methods: BTreeSet<String> = methods.iter().map(|at| lower(at.name.text)).collect();
        for method in methods {
            if !methods_seen.insert(method.clone()) {
                self.methods.insert(method);
            }
        }
        let classes = declared(&tokens, &["class", "interface", "trait"]);
        self.classes.extend(classes.iter().map(|at| lower(at.name.text)));
        self.constants.extend(defined(&tokens));
        if is_pure(source, &tokens) {
            self.pure.push(path.to_owned());
            let place = application.root.join(path);
            let names = names_in(&tokens).into_iter();
            self.places.extend(names.map(|name| (name, place.clone())));
        }
    }
}

pub(super) fn is_aside(path: &str) -> bool {
    path.ends_with("Test.php")
        || path
            .split('/')
            .any(|part| ASIDE.contains(&part.to_ascii_lowercase().as_str()))
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

pub(super) fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

/// A declaration's keyword and its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Declared<'s> {
    keyword: Token<'s>,
    pub(super) name: Token<'s>,
}

impl Declared<'_> {
    /// As functions are written that no class, condition or other function holds.
    fn is_at_line_start(&self, source: &[u8]) -> bool {
        self.keyword.start > 0 && source[self.keyword.start - 1] == b'\n'
    }
}

/// Names that stand behind one of these keywords.
pub(super) fn declared<'s>(tokens: &[Token<'s>], keywords: &[&str]) -> Vec<Declared<'s>> {
    let mut found = Vec::new();
    for (at, keyword) in tokens.iter().enumerate() {
        let is_keyword = keywords
            .iter()
            .any(|word| keyword.text.eq_ignore_ascii_case(word.as_bytes()));
        let is_member = at > 0 && matches!(tokens[at - 1].text, b":" | b">" | b"$");
        let mut behind = tokens[at + 1..].iter().filter(|token| token.text != b"&");
        if let Some(name) = behind
            .next()
            .filter(|name| is_keyword && !is_member && is_name(name.text))
        {
            found.push(Declared {
                keyword: *keyword,
                name: *name,
            });
        }
    }
    found
}

fn is_name(text: &[u8]) -> bool {
    !text[0].is_ascii_digit() && text.iter().all(|byte| is_word(*byte)) && text != b"extends"
}

/// What `define('NAME'` names.
fn defined(tokens: &[Token<'_>]) -> Vec<String> {
    let is_define = |three: &&[Token<'_>]| three[0].text == b"define" && three[1].text == b"(";
    let names = tokens
        .windows(3)
        .filter(is_define)
        .filter_map(|three| three[2].text.get(1..three[2].text.len().checked_sub(1)?));
    names
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}

/// The whole names of a pure file's classes, lower-case.
pub(super) fn names_in(tokens: &[Token<'_>]) -> Vec<String> {
    let start = tokens.iter().position(|token| token.text == b"namespace");
    let namespace: String = start.map_or_else(String::new, |at| {
        let parts = tokens[at + 1..].iter().take_while(|token| token.text != b";");
        parts
            .map(|part| lower(part.text))
            .chain(["\\".to_owned()])
            .collect()
    });
    let classes = declared(tokens, &["class", "interface", "trait"]);
    classes
        .iter()
        .map(|at| format!("{namespace}{}", lower(at.name.text)))
        .collect()
}

/// Whether the file declares classes and functions, and does nothing when it is loaded.
fn is_pure(source: &[u8], tokens: &[Token<'_>]) -> bool {
    const BEGINNINGS: [&str; 11] = [
        "abstract",
        "class",
        "declare",
        "enum",
        "final",
        "function",
        "interface",
        "namespace",
        "readonly",
        "trait",
        "use",
    ];
    let is_php_alone = source.starts_with(b"<?php") && !source.windows(2).any(|two| two == b"?>");
    let mut depth = 0_i32;
    let mut begins = true;
    for token in tokens {
        if depth == 0 && begins {
            let word = lower(token.text);
            if !BEGINNINGS.contains(&word.as_str()) {
                return false;
            }
        }
        let before = depth;
        match token.text {
            b"{" | b"(" | b"[" => depth += 1,
            b"}" | b")" | b"]" => depth -= 1,
            _ => {}
        }
        begins = depth == 0 && (token.text == b";" || (before == 1 && token.text == b"}"));
    }
    is_php_alone && !tokens.is_empty() && depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_pure(source: &str, expected: bool) {
        let source = source.as_bytes();
        assert_eq!(is_pure(source, &tokens(source)), expected);
    }

    #[test]
    fn a_file_that_does_something_is_told_from_one_that_declares() {
        check_pure(
            "<?php\nnamespace A;\nuse B\\C;\nfinal class E { function f() { echo 1; } }\n",
            true,
        );
        check_pure("<?php\nfunction f() {}\nf();\n", false);
        check_pure("<?php\nif (1) { class A {} }\n", false);
        check_pure("<?php class A {} ?>\n", false);
    }

    #[test]
    fn names_are_told_by_the_words_before_them() {
        let source = b"<?php namespace A\\B; abstract class C {} interface D {} $x = E::class; new class {};";
        assert_eq!(names_in(&tokens(source)), ["a\\b\\c", "a\\b\\d"]);
        let source = b"<?php define('A_B', 1); function &f() {} $x = function () {};";
        assert_eq!(defined(&tokens(source)), ["A_B"]);
        let functions = declared(&tokens(source), &["function"]);
        assert_eq!(functions.len(), 1);
    }
}
