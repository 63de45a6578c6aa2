//! The lines of a configuration file, as Apache joins and splits them.

/// A line with its continuations, without white space around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it begins, from 1.
    pub(super) number: u32,
    pub(super) text: String,
}

/// The lines that say anything. A backslash before the end of a line joins the next one to it, in comments as well.
pub(super) fn lines(bytes: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut open: Option<(u32, Vec<u8>)> = None;
    for (at, raw) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let (begun, mut text) = open.take().unwrap_or((number, Vec::new()));
        match raw.strip_suffix(b"\\") {
            Some(before) => {
                text.extend_from_slice(before);
                open = Some((begun, text));
            }
            None => {
                text.extend_from_slice(raw);
                lines.extend(line(begun, &text));
            }
        }
    }
    lines.extend(open.and_then(|(begun, text)| line(begun, &text)));
    lines
}

fn line(number: u32, bytes: &[u8]) -> Option<Line> {
    let text = String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
    (!text.is_empty() && !text.starts_with('#')).then_some(Line { number, text })
}

/// The first word of `text` and what follows it. A word may stand in quotes; in them a backslash takes its sense from
/// the quote and from another backslash.
pub(super) fn word(text: &str) -> (String, &str) {
    let text = text.trim_start();
    let Some(quote) = text.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
        let end = text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(text.len());
        return (text[..end].replace("\\\\", "\\"), text[end..].trim_start());
    };
    let mut word = String::new();
    let mut left = text[1..].char_indices().peekable();
    while let Some((at, c)) = left.next() {
        match (c, left.peek()) {
            ('\\', Some((_, next))) if *next == quote || *next == '\\' => {
                word.push(*next);
                left.next();
            }
            _ if c == quote => return (word, text[at + 2..].trim_start()),
            _ => word.push(c),
        }
    }
    (word, "")
}

/// All words of `text`.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut left = text.trim_start();
    while !left.is_empty() {
        let (next, rest) = word(left);
        words.push(next);
        left = rest;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(u32, &str)]) {
        let read = lines(text.as_bytes());
        let read: Vec<(u32, &str)> = read
            .iter()
            .map(|line| (line.number, line.text.as_str()))
            .collect();
        assert_eq!(read, expected, "{text:?}");
    }

    #[test]
    fn lines_are_joined_as_apache_joins_them() {
        check("a\n\n # c\n  b c \r\n", &[(1, "a"), (4, "b c")]);
        check(
            "Options \\\n  -Indexes\nb",
            &[(1, "Options   -Indexes"), (3, "b")],
        );
        check("Options \\\r\n-Indexes", &[(1, "Options -Indexes")]);
        // A comment swallows the line after it, too.
        check("# a \\\nOptions -Indexes\nb", &[(3, "b")]);
        check("a \\", &[(1, "a")]);
    }

    #[track_caller]
    fn check_words(text: &str, expected: &[&str]) {
        assert_eq!(words(text), expected, "{text:?}");
    }

    #[test]
    fn words_are_split_as_apache_splits_them() {
        check_words("a  b\tc", &["a", "b", "c"]);
        check_words(r#""a b" 'c d'e"#, &["a b", "c d", "e"]);
        check_words(r#""a \" b" "c"#, &[r#"a " b"#, "c"]);
        check_words(r"a\\b \.php", &[r"a\b", r"\.php"]);
        check_words("", &[]);
    }
}
