//! What `lamp check --format json` prints: version 1 of it. Fields are added, never renamed or taken away.

use lamp_model::baseline::Known;
use lamp_model::reach::UnknownInclude;
use serde::Serialize;

use super::shown::{Against, Shown, State, Told, word};
use crate::screen::inert_json;

#[derive(Debug, Serialize)]
struct CheckV1<'a> {
    schema: u32,
    root: String,
    summary: SummaryV1,
    findings: Vec<FindingV1<'a>>,
    /// Only if findings were held against something.
    against: Option<AgainstV1<'a>>,
    /// Only with `--unknown`.
    unknown: Option<Vec<UnknownV1<'a>>>,
}

#[derive(Debug, Serialize)]
struct SummaryV1 {
    files: u64,
    includes: u64,
    resolved: u64,
    errors: u64,
    warnings: u64,
    /// Errors that decide the exit code.
    new_errors: u64,
    elapsed_ms: u64,
}

#[derive(Debug, Serialize)]
struct FindingV1<'a> {
    rule: &'a str,
    severity: &'static str,
    path: &'a str,
    line: u32,
    column: u32,
    message: &'a str,
    target: Option<&'a str>,
    suggestion: Option<&'a str>,
    blast_radius: Option<BlastRadiusV1>,
    /// Some of the entry points that reach the file, those nearest to the root first.
    entry_points: &'a [String],
    /// Whether it was there before; only if it was held against something.
    state: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct BlastRadiusV1 {
    entry_points: u64,
    of: u64,
}

#[derive(Debug, Serialize)]
struct AgainstV1<'a> {
    names: &'a [String],
    new: u64,
    standing: u64,
    fixed: Vec<FixedV1<'a>>,
}

#[derive(Debug, Serialize)]
struct FixedV1<'a> {
    rule: &'a str,
    severity: &'static str,
    path: &'a str,
    message: &'a str,
    target: Option<&'a str>,
    count: u64,
}

#[derive(Debug, Serialize)]
struct UnknownV1<'a> {
    path: &'a str,
    line: u32,
    column: u32,
    reason: String,
}

/// The object.
pub(super) fn json(shown: &Shown<'_>) -> String {
    let root = fs_err::canonicalize(shown.dir).unwrap_or_else(|_| shown.dir.to_owned());
    let summary = shown.answer.report.summary;
    let unknown = shown.answer.unknown.as_ref();
    let object = CheckV1 {
        schema: 1,
        root: root.display().to_string(),
        summary: SummaryV1 {
            files: summary.files,
            includes: summary.includes,
            resolved: summary.resolved,
            errors: summary.errors,
            warnings: summary.warnings,
            new_errors: shown.errors(),
            elapsed_ms: summary.elapsed_ms,
        },
        findings: shown.all().map(|told| finding(shown, told)).collect(),
        against: shown.against.as_ref().map(|against| held(shown, against)),
        unknown: unknown.map(|all| all.iter().map(unknown_v1).collect()),
    };
    // Texts and numbers only.
    inert_json(&serde_json::to_string_pretty(&object).unwrap_or_default())
}

fn finding<'a>(shown: &Shown<'_>, told: Told<'a>) -> FindingV1<'a> {
    let finding = told.finding;
    FindingV1 {
        rule: finding.rule.as_str(),
        severity: word(finding.severity),
        path: &finding.path,
        line: finding.line,
        column: finding.column,
        message: &finding.message,
        target: finding.target.as_deref(),
        suggestion: finding.suggestion.as_deref(),
        blast_radius: finding.blast_radius.map(|radius| BlastRadiusV1 {
            entry_points: radius.entry_points,
            of: radius.of,
        }),
        entry_points: &told.beside.entry_points,
        state: shown.against.as_ref().map(|_| match told.state {
            State::Counts => "new",
            State::Standing => "standing",
        }),
    }
}

fn held<'a>(shown: &Shown<'_>, against: &'a Against) -> AgainstV1<'a> {
    let new = shown.counting().count() as u64;
    AgainstV1 {
        names: &against.names,
        new,
        standing: shown.all().count() as u64 - new,
        fixed: against.fixed.iter().map(fixed).collect(),
    }
}

fn fixed(known: &Known) -> FixedV1<'_> {
    FixedV1 {
        rule: known.rule.as_str(),
        severity: word(known.severity),
        path: &known.path,
        message: &known.message,
        target: known.target.as_deref(),
        count: known.count,
    }
}

fn unknown_v1(one: &UnknownInclude) -> UnknownV1<'_> {
    UnknownV1 {
        path: &one.path,
        line: one.line,
        column: one.column,
        reason: one.reason.to_string(),
    }
}
