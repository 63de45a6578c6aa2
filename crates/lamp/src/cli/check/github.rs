//! Findings as annotations of a GitHub workflow: one command a finding, the worst first, since GitHub shows ten of a kind.
//!
//! The format is that of actions/toolkit, `packages/core/src/command.ts`: a text's `%`, CR and LF are escaped, and in a
//! property `:` and `,` too, so that nothing in them ends it or begins another command.

use std::cmp::Reverse;

use lamp_model::finding::Severity;

use super::shown::{Shown, Told, of_radius, plain};

/// The commands, a line each.
pub(super) fn github(shown: &Shown<'_>) -> String {
    let prefix = shown.prefix();
    let mut told: Vec<Told<'_>> = shown.counting().collect();
    told.sort_by_key(|told| Reverse(told.finding.severity));
    let lines: Vec<String> = told.into_iter().map(|told| command(told, &prefix)).collect();
    lines.join("\n")
}

fn command(told: Told<'_>, prefix: &str) -> String {
    let finding = told.finding;
    let kind = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let suggestion = finding.suggestion.as_deref();
    let meant = suggestion.map(|meant| format!("\ndid you mean: {}", plain(meant)));
    let radius = finding
        .blast_radius
        .map(|radius| format!("\n{}", of_radius(radius)));
    let words = plain(&finding.message) + &meant.unwrap_or_default() + &radius.unwrap_or_default();
    format!(
        "::{kind} file={},line={},col={},title={}::{}",
        property(&plain(&format!("{prefix}{}", finding.path))),
        finding.line,
        finding.column,
        property(&format!("lamp {}", finding.rule)),
        text(&words)
    )
}

fn text(words: &str) -> String {
    words
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(words: &str) -> String {
    text(words).replace(':', "%3A").replace(',', "%2C")
}
