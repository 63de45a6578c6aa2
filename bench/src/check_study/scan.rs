//! Includes by their text: a scanner of PHP of its own, which knows nothing of the resolver that it measures.
//!
//! It reads a file from left to right and knows where PHP, comments and strings begin and end; of what is between an
//! include keyword and the end of its statement it takes the last string that ends like a file name.

/// Whether every bracket in this piece of PHP is closed in it, and no string or comment goes on behind it.
pub(crate) fn is_balanced(code: &str) -> bool {
    let source = code.as_bytes();
    let (mut at, mut depth) = (0, 0_i32);
    while at < source.len() {
        let (piece, end) = piece(source, at);
        if piece == Piece::Other {
            depth += match source[at] {
                b'(' | b'[' | b'{' => 1,
                b')' | b']' | b'}' => -1,
                _ => 0,
            };
        }
        if depth < 0 {
            return false;
        }
        at = end;
    }
    depth == 0 && at == source.len()
}

/// Longest statement that is looked at, in bytes.
const STATEMENT_MAX_BYTES: usize = 600;

/// An include of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: u32,
    /// The expression as written, between the keyword and the end of the statement.
    pub(crate) expression: String,
    /// The literal file name in it; none if it has none.
    pub(crate) name: Option<Name>,
}

/// A literal that ends in a file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// Where in the file it stands, without its quotes.
    pub(crate) start: usize,
    pub(crate) text: String,
}

/// What a piece of source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Word,
    Text,
    Comment,
    Other,
}

/// Every include of the file.
pub(crate) fn sites(path: &str, source: &[u8]) -> Vec<Site> {
    let mut sites = Vec::new();
    let mut at = 0;
    let mut before = [b' '; 2];
    while let Some(opened) = next_php(source, at) {
        at = opened;
        while at < source.len() && !source[at..].starts_with(b"?>") {
            let (piece, end) = piece(source, at);
            let word = &source[at..end];
            if piece == Piece::Word && is_include(word) && !is_member(before) {
                sites.push(site(path, source, end));
            }
            if piece != Piece::Comment && !word.iter().all(u8::is_ascii_whitespace) {
                before = [before[1], word[word.len() - 1]];
            }
            at = end;
        }
    }
    sites
}

/// A word, a text or a sign of PHP, and where it begins; white space and comments are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'s> {
    pub(crate) start: usize,
    /// A sign of several characters, as `->`, is several tokens.
    pub(crate) text: &'s [u8],
}

impl Token<'_> {
    pub(crate) const fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// What PHP reads of a file, outside of comments.
pub(crate) fn tokens(source: &[u8]) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(opened) = next_php(source, at) {
        at = opened;
        while at < source.len() && !source[at..].starts_with(b"?>") {
            let (piece, end) = piece(source, at);
            let text = &source[at..end];
            if piece != Piece::Comment && !text.iter().all(u8::is_ascii_whitespace) {
                tokens.push(Token { start: at, text });
            }
            at = end;
        }
    }
    tokens
}

/// Behind the next opening tag.
fn next_php(source: &[u8], from: usize) -> Option<usize> {
    let rest = source.get(from..)?;
    let tags: [&[u8]; 2] = [b"<?php", b"<?="];
    let found = |tag: &&[u8]| {
        let found = rest
            .windows(tag.len())
            .position(|window| window.eq_ignore_ascii_case(tag));
        found.map(|at| from + at + tag.len())
    };
    tags.iter().filter_map(found).min()
}

fn is_include(word: &[u8]) -> bool {
    let words: [&[u8]; 4] = [b"include", b"include_once", b"require", b"require_once"];
    words.iter().any(|include| include.eq_ignore_ascii_case(word))
}

/// `$x->include`, `X::require`, `function include`: the last is told by its name being followed by a parenthesis
/// that holds no string, which makes it no site either.
const fn is_member(before: [u8; 2]) -> bool {
    matches!(before, [b'-', b'>'] | [b':', b':'] | [_, b'$'])
}

/// The piece of source that begins at `at`, and where it ends; it is at least one byte long.
fn piece(source: &[u8], at: usize) -> (Piece, usize) {
    let rest = &source[at..];
    let to_line_end = || {
        let ends = |window: usize| rest[window] == b'\n' || rest[window..].starts_with(b"?>");
        at + (0..rest.len()).find(|byte| ends(*byte)).unwrap_or(rest.len())
    };
    match rest {
        [b'#', b'[', ..] => (Piece::Other, at + 1),
        [b'#', ..] | [b'/', b'/', ..] => (Piece::Comment, to_line_end().max(at + 1)),
        [b'/', b'*', ..] => (Piece::Comment, behind(source, at + 2, b"*/")),
        [quote @ (b'\'' | b'"' | b'`'), ..] => (Piece::Text, behind_quote(source, at + 1, *quote)),
        [b'<', b'<', b'<', ..] => (Piece::Other, behind_heredoc(source, at + 3)),
        [first, ..] if is_word(*first) => {
            let length = rest.iter().take_while(|byte| is_word(**byte)).count();
            (Piece::Word, at + length)
        }
        _ => (Piece::Other, at + 1),
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn behind(source: &[u8], from: usize, end: &[u8]) -> usize {
    let rest = source.get(from..).unwrap_or_default();
    let found = rest.windows(end.len()).position(|window| window == end);
    found.map_or(source.len(), |at| from + at + end.len())
}

fn behind_quote(source: &[u8], mut at: usize, quote: u8) -> usize {
    while let Some(byte) = source.get(at) {
        match byte {
            b'\\' => at += 2,
            byte if *byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    source.len()
}

/// Behind a heredoc whose label begins at `at`; what is none ends at once.
fn behind_heredoc(source: &[u8], at: usize) -> usize {
    let rest = source.get(at..).unwrap_or_default();
    let skipped = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'"' | b'\''))
        .count();
    let label: Vec<u8> = rest[skipped..]
        .iter()
        .copied()
        .take_while(|byte| is_word(*byte))
        .collect();
    if label.is_empty() {
        return at.min(source.len());
    }
    let mut line_start = at;
    while let Some(newline) = source
        .get(line_start..)
        .and_then(|rest| rest.iter().position(|byte| *byte == b'\n'))
    {
        line_start += newline + 1;
        let line = &source[line_start..];
        let indent = line
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let ends = line[indent..].starts_with(&label)
            && !line.get(indent + label.len()).is_some_and(|next| is_word(*next));
        if ends {
            return line_start + indent + label.len();
        }
    }
    source.len()
}

/// The include whose keyword ends at `start`.
fn site(path: &str, source: &[u8], start: usize) -> Site {
    let bound = source.len().min(start + STATEMENT_MAX_BYTES);
    let mut at = start;
    let mut depth = 0_i32;
    let mut name = None;
    while at < bound && !source[at..].starts_with(b"?>") {
        let (piece, end) = piece(source, at);
        match source[at] {
            b';' => break,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth <= 0 => break,
            _ => {}
        }
        if depth < 0 {
            break;
        }
        if piece == Piece::Text {
            name = file_name(source, at, end).or(name);
        }
        at = end;
    }
    let lines = source[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
    Site {
        path: path.to_owned(),
        line: u32::try_from(lines).unwrap_or(u32::MAX),
        expression: String::from_utf8_lossy(&source[start..at.min(source.len())])
            .trim()
            .to_owned(),
        name,
    }
}

/// The text from `start` to `end`, quotes counted, if its last part is the name of a file.
fn file_name(source: &[u8], start: usize, end: usize) -> Option<Name> {
    let inside = source.get(start + 1..end.checked_sub(1)?)?;
    let inside = std::str::from_utf8(inside).ok()?;
    // Behind the last variable of a string with variables.
    let text = match (source[start], inside.rfind(['$', '}'])) {
        (b'"', Some(variable)) => {
            let behind = inside[variable..].find(['/', '.'])?;
            &inside[variable + behind..]
        }
        _ => inside,
    };
    let (stem, ending) = text.rsplit_once('.')?;
    let is_ending =
        (2..=6).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let base = stem.rsplit('/').next().unwrap_or(stem);
    let is_name = base.len() >= 2 && !text.contains(['\\', ' ', '\n', '*', ':']);
    (is_ending && is_name).then(|| Name {
        start: start + 1 + (inside.len() - text.len()),
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[(u32, &str)]) {
        let found = sites("aa.php", source.as_bytes());
        let found: Vec<(u32, &str)> = found
            .iter()
            .map(|site| {
                (
                    site.line,
                    site.name.as_ref().map_or("", |name| name.text.as_str()),
                )
            })
            .collect();
        assert_eq!(found, expected, "{source}");
        for site in sites("aa.php", source.as_bytes()) {
            let Some(name) = site.name else { continue };
            assert_eq!(&source[name.start..name.start + name.text.len()], name.text);
        }
    }

    #[test]
    fn includes_are_found_by_their_text_and_nothing_else_is() {
        check("<?php\nrequire 'lib/aa.php';", &[(2, "lib/aa.php")]);
        check("<?php require_once(__DIR__ . '/aa.php');", &[(1, "/aa.php")]);
        check("<?php include dirname('x.y') . \"/bb.inc\";", &[(1, "/bb.inc")]);
        check("<?php require \"$dir/lib/cc.php\";", &[(1, "/lib/cc.php")]);
        check("<?php require \"{$dir}en.php\";", &[(1, "")]);
        check("<?php require $file;", &[(1, "")]);
        check("<p>require 'aa.php';</p><?= 1 ?>require 'bb.php';", &[]);
        check(
            "<?php // require 'aa.php';\n# include 'bb.php';\n/* require 'cc.php'; */",
            &[],
        );
        check(
            "<?php $s = 'require \"a.php\"'; $o->include('bb.php'); X::require('cc.php');",
            &[],
        );
        check(
            "<?php $s = <<<E\nrequire 'aa.php';\n E;\nrequire 'bb.php';",
            &[(4, "bb.php")],
        );
        check("<?php f(require 'aa.php', 'bb.php');", &[(1, "aa.php")]);
        check(
            "<?php $x = ['k' => include __DIR__ . '/kk.php'];",
            &[(1, "/kk.php")],
        );
    }
}
