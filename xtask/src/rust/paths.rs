//! Paths and string literals of a file, from its tokens.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Something that a file names, and the line where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
}

/// Every path that the file names, single words included, with what its `use` lines bring in put in
/// front. `use a::{b, c::d}` names `a::b` and `a::c::d`.
pub(crate) fn paths(tokens: TokenStream) -> Vec<Named> {
    let mut scan = Scan::default();
    scan.stream(tokens, &[], false);
    let brought = brought_in(&scan.uses);
    let full = |named: Named| Named {
        text: in_full(&named.text, &brought),
        line: named.line,
    };
    let mut all: Vec<Named> = scan.named.into_iter().map(full).collect();
    all.sort();
    all.dedup();
    all
}

fn brought_in(uses: &[(String, String)]) -> BTreeMap<&str, &str> {
    uses.iter()
        .map(|(name, path)| (name.as_str(), path.as_str()))
        .collect()
}

fn in_full(path: &str, brought: &BTreeMap<&str, &str>) -> String {
    let (first, rest) = path.split_once("::").unwrap_or((path, ""));
    match (brought.get(first), rest) {
        (Some(prefix), "") => (*prefix).to_owned(),
        (Some(prefix), rest) => format!("{prefix}::{rest}"),
        (None, _) => path.to_owned(),
    }
}

#[derive(Default)]
struct Scan {
    named: Vec<Named>,
    /// (the name in this file, the path that it stands for)
    uses: Vec<(String, String)>,
}

impl Scan {
    fn stream(&mut self, tokens: TokenStream, prefix: &[String], in_use: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        let mut in_use_now = in_use;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(ident) if *ident == "use" => in_use_now = true,
                TokenTree::Ident(_) => at = self.path(&tokens, at, prefix, in_use_now),
                TokenTree::Punct(punct) if punct.as_char() == ';' => in_use_now = in_use,
                TokenTree::Group(group) => self.stream(group.stream(), &[], false),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }

    /// Reads one path that starts at `at`; the answer is the index of its last token.
    fn path(&mut self, tokens: &[TokenTree], at: usize, prefix: &[String], in_use: bool) -> usize {
        let mut parts = prefix.to_vec();
        let mut last = at;
        parts.push(tokens[at].to_string());
        while is_colons(tokens, last + 1) {
            match tokens.get(last + 3) {
                Some(TokenTree::Ident(ident)) => parts.push(ident.to_string()),
                Some(TokenTree::Group(group)) if in_use && group.delimiter() == Delimiter::Brace => {
                    self.stream(group.stream(), &parts, true);
                    return last + 3;
                }
                _ => break,
            }
            last += 3;
        }
        let line = tokens[at].span().start().line;
        self.keep(&parts, line, in_use.then(|| alias(tokens, last)));
        if in_use && alias(tokens, last).is_some() {
            last + 2
        } else {
            last
        }
    }

    fn keep(&mut self, parts: &[String], line: usize, used_as: Option<Option<String>>) {
        let parts = match parts {
            [before @ .., last] if last == "self" => before,
            all => all,
        };
        let path = parts.join("::");
        if let (Some(alias), Some(last)) = (used_as, parts.last()) {
            self.uses
                .push((alias.unwrap_or_else(|| last.clone()), path.clone()));
        }
        self.named.push(Named { text: path, line });
    }
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(tokens.get(at)) && colon(tokens.get(at + 1))
}

fn alias(tokens: &[TokenTree], last: usize) -> Option<String> {
    match (tokens.get(last + 1), tokens.get(last + 2)) {
        (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) if *word == "as" => {
            Some(name.to_string())
        }
        _ => None,
    }
}

/// Every string literal of the file. Documentation is left out: it is no string of the program.
pub(crate) fn strings(tokens: TokenStream) -> Vec<Named> {
    let mut found = Vec::new();
    collect_strings(tokens, &mut found);
    found
}

fn collect_strings(tokens: TokenStream, found: &mut Vec<Named>) {
    let mut after_doc = false;
    for token in tokens {
        match &token {
            TokenTree::Literal(literal) if !after_doc => {
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    found.push(Named {
                        text: text.value(),
                        line: literal.span().start().line,
                    });
                }
            }
            TokenTree::Group(group) => collect_strings(group.stream(), found),
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        after_doc = match &token {
            TokenTree::Ident(ident) => *ident == "doc",
            TokenTree::Punct(punct) => after_doc && punct.as_char() == '=',
            TokenTree::Group(_) | TokenTree::Literal(_) => false,
        };
    }
}

/// A type or a module that a file declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    /// `struct`, `enum`, `trait`, `type` or `mod`.
    pub(crate) what: String,
    pub(crate) name: String,
    /// From 1.
    pub(crate) line: usize,
}

/// The types and modules that the file declares.
pub(crate) fn declared(tokens: TokenStream) -> Vec<Declared> {
    let mut found = Vec::new();
    let mut before: Option<String> = None;
    for token in tokens {
        if let (TokenTree::Ident(name), Some(what)) = (&token, before.filter(|word| is_declaration(word))) {
            let line = name.span().start().line;
            found.push(Declared {
                what,
                name: name.to_string(),
                line,
            });
        }
        if let TokenTree::Group(group) = &token {
            found.extend(declared(group.stream()));
        }
        before = if let TokenTree::Ident(word) = &token {
            Some(word.to_string())
        } else {
            None
        };
    }
    found
}

fn is_declaration(word: &str) -> bool {
    matches!(word, "struct" | "enum" | "trait" | "type" | "mod")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> TokenStream {
        source.parse().expect("the test's source is made of tokens")
    }

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let found: Vec<String> = paths(tokens(source))
            .into_iter()
            .map(|named| named.text)
            .collect();
        for path in expected {
            assert!(
                found.iter().any(|found| found == path),
                "{path} is not in {found:?}"
            );
        }
    }

    #[test]
    fn a_path_is_told_in_full_however_it_came_in() {
        check("fn f() { std::fs::read(p); }", &["std::fs::read"]);
        check(
            "use std::fs; fn f() { fs::read(p); }",
            &["std::fs", "std::fs::read"],
        );
        check(
            "use std::{fs as files, io}; fn f() { files::read(p); }",
            &["std::fs::read", "std::io"],
        );
        check(
            "use std::process::{self, Command}; fn f() { Command::new(p); }",
            &["std::process::Command::new"],
        );
        check(
            "use std::process::{self}; fn f() { process::exit(1); }",
            &["std::process::exit"],
        );
        check("use a::{b::{c, d}, e}; ", &["a::b::c", "a::b::d", "a::e"]);
    }

    #[test]
    fn a_path_inside_a_macro_is_seen() {
        check(
            "fn f() { tokio::select! { x = tokio::net::TcpStream::connect(a) => {} } }",
            &["tokio::net::TcpStream::connect"],
        );
    }

    #[test]
    fn a_path_after_a_use_line_is_no_part_of_it() {
        check("use a::b; fn f() { c::d::e(); }", &["c::d::e"]);
    }

    #[test]
    fn strings_are_read_and_documentation_is_not() {
        let found = strings(tokens("/// wp-content\nfn f() { g(\"wp-admin\", r#\"a\"b\"#) }"));
        let texts: Vec<&str> = found.iter().map(|named| named.text.as_str()).collect();
        assert_eq!(texts, ["wp-admin", "a\"b"]);
    }
}
