//! Findings for people, as rustc prints its own: the place, the line with a mark beneath it, what may have been meant,
//! why it matters, and how much of the site hangs on the file.

use std::collections::HashSet;
use std::fmt::Write;

use lamp_model::finding::BlastRadius;
use lamp_model::reach::UnknownInclude;

use super::explain::why_it_matters;
use super::shown::{Against, Paint, Shown, State, Told, count, of_radius, plain, word};

/// Most findings that are shown as fixed.
const FIXED_MAX: usize = 50;
/// Most entry points that are named of one finding.
const NAMED_MAX: usize = 3;

/// The whole answer; the last line sums it up.
pub(super) fn text(shown: &Shown<'_>, paint: Paint) -> String {
    let mut text = String::new();
    // Why a rule matters is said once.
    let mut explained = HashSet::new();
    for told in shown.counting() {
        let is_first = explained.insert(told.finding.rule.as_str().to_owned());
        text.push_str(&of_finding(told, is_first, paint));
        text.push('\n');
    }
    text.push_str(&of_unknown(shown.answer.unknown.as_deref().unwrap_or_default()));
    let mut rules: Vec<String> = explained.into_iter().collect();
    rules.sort_unstable();
    if let Some(first) = rules.first() {
        let _ = writeln!(text, "more about a rule: lamp check --explain {first}");
    }
    if let Some(against) = &shown.against {
        text.push_str(&of_against(shown, against));
    }
    text + &of_summary(shown)
}

/// A finding, its lines within a frame.
fn of_finding(told: Told<'_>, is_first: bool, paint: Paint) -> String {
    let finding = told.finding;
    let severity = finding.severity;
    let number = finding.line.to_string();
    let margin = " ".repeat(number.len());
    let head = paint.severity(severity, &format!("{}[{}]", word(severity), finding.rule));
    let mut lines = vec![
        format!("{head}{}", paint.bold(&format!(": {}", plain(&finding.message)))),
        format!(
            "{margin}{} {}:{number}:{}",
            paint.frame("-->"),
            plain(&finding.path),
            finding.column
        ),
    ];
    if let Some(line) = &told.beside.line {
        let bar = paint.frame("|");
        let mark = paint.severity(severity, "^");
        lines.push(format!("{margin} {bar}"));
        lines.push(format!(
            "{} {bar} {}",
            paint.frame(&number),
            plain(line.trim_end())
        ));
        lines.push(format!(
            "{margin} {bar} {}{mark}",
            before_mark(line, finding.column)
        ));
    }
    let equals = paint.frame("=");
    for (kind, words) in beneath(told, is_first) {
        lines.push(format!("{margin} {equals} {}: {words}", paint.bold(kind)));
    }
    lines.join("\n") + "\n"
}

/// What stands beneath a finding, each with its kind.
fn beneath(told: Told<'_>, is_first: bool) -> Vec<(&'static str, String)> {
    let help = told.finding.suggestion.as_deref().map(|suggestion| {
        let words = format!("did you mean: {}", plain(suggestion));
        ("help", words)
    });
    let radius = told.finding.blast_radius.map(|radius| {
        let words = of_radius(radius) + &named(&told.beside.entry_points, radius);
        ("note", words)
    });
    let why = is_first
        .then(|| why_it_matters(told.finding.rule.as_str()))
        .flatten()
        .map(|why| ("note", why));
    help.into_iter().chain(radius).chain(why).collect()
}

/// As wide as what stands before the marked column.
fn before_mark(line: &str, column: u32) -> String {
    let bytes = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let before = line.get(..bytes).unwrap_or_default();
    " ".repeat(plain(before).chars().count())
}

/// Some of the entry points, by name.
fn named(entry_points: &[String], radius: BlastRadius) -> String {
    let names: Vec<String> = entry_points
        .iter()
        .take(NAMED_MAX)
        .map(|name| plain(name))
        .collect();
    let more = radius.entry_points.saturating_sub(names.len() as u64);
    match (names.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(": {}", names.join(", ")),
        (false, more) => format!(": {} and {more} more", names.join(", ")),
    }
}

fn of_unknown(unknown: &[UnknownInclude]) -> String {
    let line = |one: &UnknownInclude| {
        format!(
            "unknown: {}:{}:{}: {}\n",
            plain(&one.path),
            one.line,
            one.column,
            plain(&one.reason.to_string())
        )
    };
    let lines: String = unknown.iter().map(line).collect();
    if lines.is_empty() { lines } else { lines + "\n" }
}

fn of_against(shown: &Shown<'_>, against: &Against) -> String {
    let mut text = String::new();
    for known in against.fixed.iter().take(FIXED_MAX) {
        let _ = writeln!(text, "fixed: {}: {}", plain(&known.path), plain(&known.message));
    }
    let standing = shown.all().filter(|told| told.state == State::Standing).count();
    let fixed: u64 = against
        .fixed
        .iter()
        .fold(0, |sum, known| sum.saturating_add(known.count));
    let _ = writeln!(
        text,
        "against {}: {} new, {standing} standing, {fixed} fixed",
        plain(&against.names.join(" and ")),
        shown.counting().count(),
    );
    text
}

fn of_summary(shown: &Shown<'_>) -> String {
    let summary = &shown.answer.report.summary;
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
