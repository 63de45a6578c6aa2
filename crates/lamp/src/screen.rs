//! What the terminal can show. `NO_COLOR` or no terminal: plain text, no moving lines.

use std::io::{self, Write};

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
        Ok(text) => out(&text),
        Err(error) => say(&format!("bug: an answer that is no JSON: {error}")),
    }
}
