//! What is wrong with one PHP file beside its code.

use super::fault::{Fault, TOP};
use super::marks::judge_secret;
use super::php::{Leftover, NotFirst};
use crate::facts::FileFacts;
use crate::source::Source;

/// Functions that send a header, which no output may come before.
const SENDING: [&str; 6] = [
    "header",
    "header_remove",
    "http_response_code",
    "session_start",
    "setcookie",
    "setrawcookie",
];

/// What is wrong with this file.
pub(super) fn judge(source: &Source, facts: &FileFacts) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    faults.extend(conflict(source, facts));
    faults.extend(
        facts
            .surroundings
            .marks
            .secrets
            .iter()
            .map(|secret| judge_secret(secret, &source.path)),
    );
    if facts.syntax_error.is_some() || facts.not_checked.is_some() || source.is_test {
        return faults;
    }
    faults.extend(before_the_first(facts));
    faults.extend(leftovers(source, facts));
    faults
}

fn conflict(source: &Source, facts: &FileFacts) -> Option<Fault> {
    let at = facts.surroundings.marks.conflict?;
    // In a comment or a text PHP reads on.
    if facts.syntax_error.is_none() {
        let message = "the marks of a merge stand here, where PHP does not mind them";
        return (!source.is_test).then(|| Fault::warning("conflict-marker", at, message));
    }
    let message = "a merge was not finished here: git's marks stand in the file, and PHP cannot parse it";
    Some(Fault::error("conflict-marker", at, message))
}

fn before_the_first(facts: &FileFacts) -> Option<Fault> {
    let of = &facts.surroundings;
    if let Some(NotFirst { at, what, is_output }) = &of.not_first {
        let before = match (of.has_byte_order_mark, is_output) {
            (true, _) => "a byte order mark",
            (false, true) => "output",
            (false, false) => "code",
        };
        let message = format!(
            "{before} stands before this {}, which PHP takes only as the first: it stops here",
            what.words()
        );
        return Some(Fault::error("not-first", *at, message));
    }
    if of.has_byte_order_mark {
        let message =
            "the file begins with a byte order mark, which PHP sends to the visitor before everything else";
        return Some(Fault::warning("output-before-php", TOP, message));
    }
    let sends = facts
        .outside_functions
        .calls
        .iter()
        .find(|name| SENDING.contains(&name.as_str()));
    let sends = sends.filter(|_| of.begins_with_space)?;
    let message =
        format!("white space before <?php is output, and {sends}() fails after it unless output is buffered");
    Some(Fault::warning("output-before-php", TOP, message))
}

fn leftovers(source: &Source, facts: &FileFacts) -> Vec<Fault> {
    if source.is_library {
        return Vec::new();
    }
    let said = |leftover: &Leftover| {
        let Leftover { at, function, always } = leftover;
        match (function.as_str(), always) {
            ("phpinfo", true) => {
                let message = "phpinfo() shows how the server is set up and what is in its environment: to whoever asks, unless a login stands before it";
                Some(Fault::warning("debug-leftover", *at, message))
            }
            (_, true) => Some(Fault::warning(
                "debug-leftover",
                *at,
                format!("{function}() shows what only who looks for a mistake wants to see"),
            )),
            ("phpinfo", false) => None,
            (_, false) => Some(Fault::note(
                "debug-leftover",
                *at,
                format!("{function}() may be left from looking for a mistake"),
            )),
        }
    };
    let mut faults: Vec<Fault> = facts.surroundings.leftovers.iter().filter_map(said).collect();
    faults.extend(facts.surroundings.exits_early.map(|at| {
        Fault::warning(
            "debug-leftover",
            at,
            "nothing that stands behind this exit is ever run",
        )
    }));
    faults
}
