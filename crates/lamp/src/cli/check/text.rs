//! Findings for people: the place, the line with a mark beneath it, what may have been meant, and how much of
//! the site hangs on the file.

use std::fmt::Write;

use lamp_model::finding::{BlastRadius, CheckSummary, Finding};
use lamp_model::plain::is_invisible;

use super::word;
use crate::worker::check::Answer;

/// The whole answer.
pub(super) fn text(answer: &Answer) -> String {
    let lines = answer
        .lines
        .iter()
        .map(Option::as_deref)
        .chain(std::iter::repeat(None));
    let mut text = String::new();
    for (finding, line) in answer.report.findings.iter().zip(lines) {
        text.push_str(&of_finding(finding, line));
        text.push('\n');
    }
    text + &of_summary(&answer.report.summary)
}

fn of_finding(finding: &Finding, line: Option<&str>) -> String {
    let number = finding.line.to_string();
    let margin = " ".repeat(number.len());
    let mut text = format!(
        "{}[{}]: {}\n",
        word(finding.severity),
        finding.rule,
        shown(&finding.message)
    );
    let mut add = |line: std::fmt::Arguments<'_>| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{line}");
    };
    add(format_args!(
        "{margin}--> {}:{number}:{}",
        shown(&finding.path),
        finding.column
    ));
    if let Some(line) = line {
        add(format_args!("{margin} |"));
        add(format_args!("{number} | {}", shown(line.trim_end())));
        add(format_args!("{margin} | {}^", before_mark(line, finding.column)));
    }
    if let Some(suggestion) = &finding.suggestion {
        add(format_args!("{margin} = did you mean: {}", shown(suggestion)));
    }
    if let Some(radius) = finding.blast_radius {
        add(format_args!("{margin} = {}", of_radius(radius)));
    }
    text
}

/// As wide as what stands before the marked column.
fn before_mark(line: &str, column: u32) -> String {
    let bytes = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let before = line.get(..bytes).unwrap_or_default();
    " ".repeat(shown(before).chars().count())
}

fn of_radius(radius: BlastRadius) -> String {
    let BlastRadius { entry_points, of } = radius;
    match entry_points {
        0 => format!("no entry point is known to reach this file, of {of}"),
        1 => format!("1 of {of} entry points reaches this file"),
        _ => format!("{entry_points} of {of} entry points reach this file"),
    }
}

fn of_summary(summary: &CheckSummary) -> String {
    let count = |number: u64, noun: &str| match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    };
    format!(
        "{}, {} ({} resolved): {}, {} in {} ms",
        count(summary.files, "PHP file"),
        count(summary.includes, "include"),
        summary.resolved,
        count(summary.errors, "error"),
        count(summary.warnings, "warning"),
        summary.elapsed_ms,
    )
}

/// Strangers' text as it may stand on a screen: nothing that moves the cursor or turns the reading direction.
fn shown(text: &str) -> String {
    let shown = |character: char| match character {
        '\t' => ' ',
        other if other.is_control() || is_invisible(other) => '\u{fffd}',
        other => other,
    };
    text.chars().map(shown).collect()
}
