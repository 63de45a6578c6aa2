//! Text of a log made fit to be shown: Apache's escapes undone, then nothing left that controls a screen or turns its direction.

use lamp_model::plain::is_invisible;

/// What Apache's escaping hid: `\n`, `\t`, `\x1b`, `\\`, `\"` and the like. What is no escape stays as it is.
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let (byte, taken) = if *first == b'\\' {
            escaped(behind)
        } else {
            (*first, 0)
        };
        plain.push(byte);
        rest = &behind[taken..];
    }
    plain
}

/// The byte that an escape stands for, and how many bytes it takes behind its backslash.
fn escaped(behind: &[u8]) -> (u8, usize) {
    match behind {
        [b'x', high, low, ..] => hex(*high)
            .zip(hex(*low))
            .map_or((b'\\', 0), |(high, low)| (high << 4 | low, 3)),
        [b'n', ..] => (b'\n', 1),
        [b'r', ..] => (b'\r', 1),
        [b't', ..] => (b'\t', 1),
        [b'b', ..] => (0x08, 1),
        [b'v', ..] => (0x0b, 1),
        [b'f', ..] => (0x0c, 1),
        [literal @ (b'\\' | b'"' | b'\''), ..] => (*literal, 1),
        _ => (b'\\', 0),
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// One line without control and direction-changing characters, runs of blanks made one, at most `max_bytes`.
pub fn one_line(text: &str, max_bytes: usize) -> String {
    let mut line = String::new();
    let mut blank = false;
    for letter in text.chars().filter(|letter| !is_invisible(*letter)) {
        if letter.is_whitespace() || letter.is_control() {
            blank = !line.is_empty();
            continue;
        }
        if line.len() + letter.len_utf8() + usize::from(blank) > max_bytes {
            break;
        }
        if std::mem::take(&mut blank) {
            line.push(' ');
        }
        line.push(letter);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(escaped: &str, plain: &[u8]) {
        assert_eq!(unescape(escaped.as_bytes()), plain, "{escaped}");
    }

    #[test]
    fn escapes_of_apache_are_undone() {
        check("plain", b"plain");
        check(r"a\nb\tc", b"a\nb\tc");
        check(r"\x1b[31m\xe2\x80\xae", b"\x1b[31m\xe2\x80\xae");
        check(r"X\\{closure}()", br"X\{closure}()");
        check(r#"say \"x\""#, br#"say "x""#);
        // What is no escape, or the half of one.
        for odd in ["\\", "\\x", "\\x1", "\\xzz", "\\q"] {
            check(odd, odd.as_bytes());
        }
    }

    #[test]
    fn one_line_is_left_and_nothing_that_moves_it() {
        for (text, line) in [
            ("a\n b\t\tc ", "a b c"),
            ("\u{1b}[31mred\u{7}", "[31mred"),
            ("abc\u{202e}def\u{2066}", "abcdef"),
            ("a\u{2028}b\u{85}c", "a b c"),
            ("\u{e0041}x\u{feff}", "x"),
            ("", ""),
        ] {
            assert_eq!(one_line(text, 100), line, "{text:?}");
        }
        assert_eq!(one_line("ééé", 5), "éé");
        assert_eq!(one_line("ab cd", 3), "ab");
    }
}
