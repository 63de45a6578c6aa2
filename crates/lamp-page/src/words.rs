//! Text that may be sent: no control characters, none that turn the direction of writing, bounded.
//!
//! What a page says was made from log lines and source code, which strangers write.

/// A text on one line, at most so many characters long; one that is cut ends in `…`.
pub use lamp_model::plain::plain as one_line;

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
