//! Which lines of a source file are tests: the items under `#[cfg(test)]` and `#[test]`.

use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The lines of those items, each from its attribute to its closing brace or semicolon.
pub(crate) fn test_lines(tokens: TokenStream) -> Vec<RangeInclusive<usize>> {
    let mut ranges = Vec::new();
    let mut began: Option<usize> = None;
    for token in tokens {
        let line = token.span().end().line;
        match &token {
            TokenTree::Group(group) if is_test_attribute(group) => began = Some(token.span().start().line),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => match began.take() {
                Some(start) => ranges.push(start..=line),
                None => ranges.extend(test_lines(group.stream())),
            },
            TokenTree::Punct(punct) if punct.as_char() == ';' => {
                ranges.extend(began.take().map(|start| start..=line))
            }
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    ranges
}

/// `#[cfg(test)]`, `#[test]`, `#[tokio::test]`, and nothing cleverer: `cfg(not(test))` is shipped.
fn is_test_attribute(group: &proc_macro2::Group) -> bool {
    let text: String = group.stream().to_string().split_whitespace().collect();
    let test = text == "cfg(test)" || text == "test" || text.starts_with("tokio::test");
    group.delimiter() == Delimiter::Bracket && test
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[RangeInclusive<usize>]) {
        let tokens: TokenStream = source.parse().expect("the test's source is made of tokens");
        assert_eq!(test_lines(tokens), expected);
    }

    #[test]
    fn an_item_under_a_test_attribute_is_a_test_from_end_to_end() {
        check("fn f() {}\n#[cfg(test)]\nmod tests {\n}\nfn g() {}", &[2..=4]);
        check("#[cfg(test)]\nuse a::b;\nfn g() {}", &[1..=2]);
        check("mod m {\n#[tokio::test]\nasync fn t() {\n}\n}", &[2..=4]);
        check("#[cfg(not(test))]\nfn f() {\n}", &[]);
    }
}
