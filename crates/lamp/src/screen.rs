//! What the terminal can show. `NO_COLOR` or no terminal: plain text, no moving lines.

use std::io::{self, Write};

use lamp_model::plain::is_invisible;
use rustix::termios::isatty;

/// The two streams as they are: data goes out on the one, messages on the other.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Whether messages may be coloured.
    pub colours: bool,
    /// Whether a person watches the messages as they come.
    pub watched: bool,
}

impl Screen {
    /// As this process finds it.
    pub fn here() -> Self {
        let watched = isatty(io::stderr());
        Self {
            colours: watched && !no_color(),
            watched,
        }
    }
}

/// Whether data may be coloured.
pub fn colours_out() -> bool {
    isatty(io::stdout()) && !no_color()
}

/// See no-color.org; a dumb terminal shows no colours either.
fn no_color() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb")
}

/// Data: a line on standard output. A reader that has gone is no error of ours.
pub fn out(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{}", text.trim_end_matches('\n'));
}

/// A message: a line on standard error.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end_matches('\n'));
}

/// Takes back the last lines said, on a terminal.
pub fn take_back(lines: usize) {
    let _ = write!(io::stderr().lock(), "\x1b[{lines}A\x1b[J");
}

/// A versioned answer as one JSON object on standard output.
pub fn out_json<T: serde::Serialize>(answer: &T) {
    match serde_json::to_string_pretty(answer) {
        Ok(text) => out(&inert_json(&text)),
        Err(error) => say(&format!("bug: an answer that is no JSON: {error}")),
    }
}

/// The same JSON, in which what would act on a terminal is written as an escape. Outside strings JSON has no such
/// characters, and inside the ones below U+0020 are escaped already.
pub fn inert_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if (character.is_control() && character != '\n') || is_invisible(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_acts_on_no_terminal_says_the_same() {
        let texts = [
            "a\u{9b}31m",
            "\u{202e}gpj",
            "\u{7f}",
            "tag\u{e0041}",
            "é\"\\ 名\n\t\x1b",
        ];
        for text in texts {
            let json = inert_json(&serde_json::to_string(&[text]).expect("JSON"));
            assert!(
                !json.chars().any(|c| c.is_control() || is_invisible(c)),
                "{json:?}"
            );
            let read: Vec<String> = serde_json::from_str(&json).expect("JSON");
            assert_eq!(read, [text]);
        }
    }
}
