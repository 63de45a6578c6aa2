//! Text that may be sent: no control characters, none that turn the direction of writing, bounded.
//!
//! What a page says was made from log lines and source code, which strangers write.

/// `text` on one line, at most `max_chars` characters long; one that is cut ends in `…`.
pub fn one_line(text: &str, max_chars: usize) -> String {
    let mut clean = text.chars().filter_map(harmless);
    let mut line: String = clean.by_ref().take(max_chars).collect();
    if clean.next().is_some() {
        line.pop();
        line.push('…');
    }
    line
}

/// The character as it may be sent; `None`: not at all.
fn harmless(c: char) -> Option<char> {
    if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
        return Some(' ');
    }
    (!is_invisible(c)).then_some(c)
}

/// Characters that show nothing and change how others read: direction marks, embeddings and isolates,
/// zero-width ones, tags, interlinear marks, the byte order mark.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}'
            | '\u{061c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(one_line(text, 12), expected, "{text:?}");
    }

    #[test]
    fn what_could_act_on_a_reader_is_gone() {
        check("plain", "plain");
        check("two\r\nlines", "two  lines");
        check("\x1b[31mred", " [31mred");
        check("a\u{202e}b\u{2066}c\u{200b}d", "abcd");
        check("höhe 山", "höhe 山");
        check("next\u{85}line\u{2028}x", "next line x");
    }

    #[test]
    fn a_cut_is_seen_and_a_text_at_the_bound_is_whole() {
        check("123456789012", "123456789012");
        check("1234567890123", "12345678901…");
        assert_eq!(one_line("abc", 0), "…");
    }
}
