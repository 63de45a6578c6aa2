//! What is said of the replayed outage: the object that scripts read, and the board that people read. Pure.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use lamp_lab::Breakage;
use lamp_lab::load::Nanos;
use lamp_lab::receiver::Received;
use lamp_model::gate::Blocker;
use serde::Serialize;
use serde_json::Value;

use crate::drill::lag::lags;
use crate::drill::outage::{Forced, Refused};

/// What `lamp demo --format json` prints.
#[derive(Debug, Serialize)]
pub struct OutageV1 {
    /// 1.
    pub schema: u32,
    /// The seed of the breakage; null: the outage's own.
    pub seed: Option<u64>,
    /// What kind of mistake the release bears.
    pub breakage: String,
    /// Act one.
    pub refused: RefusedV1,
    /// Act two.
    pub forced: ForcedV1,
    /// What the report says in numbers; null: there is none.
    pub incident: Option<IncidentV1>,
}

/// How the gate answered.
#[derive(Debug, Serialize)]
pub struct RefusedV1 {
    /// The exit code of `lamp deploy`: 1 says no.
    pub exit: Option<i32>,
    /// The check's rule; null where the twin refused.
    pub rule: Option<String>,
    /// The file; null where the twin refused.
    pub path: Option<String>,
    /// The line; null where the twin refused.
    pub line: Option<u32>,
    /// The right name, if one is known.
    pub suggestion: Option<String>,
    /// Entry points that reach the file, of how many.
    pub blast_radius: Option<[u64; 2]>,
    /// What PHP said in the twin; null where the check refused.
    pub error: Option<String>,
    /// From the verb's start to its end, in milliseconds.
    pub elapsed_ms: f64,
}

/// What visitors and the receiver saw of the forced release.
#[derive(Debug, Serialize)]
pub struct ForcedV1 {
    /// Requests a second.
    pub rate_rps: f64,
    /// All requests.
    pub requests: u64,
    /// Requests a second to what the mistake reaches.
    pub affected_rps: f64,
    /// Requests that failed.
    pub failed: u64,
    /// Answers that held two releases.
    pub mixed: u64,
    /// Answers by a release that had been switched away from.
    pub stale: u64,
    /// Requests sent more than 20 ms late.
    pub late_sends: u64,
    /// When a visitor got the first failed answer; null: none failed.
    pub first_failed_at: Option<Timestamp>,
    /// From the first failed answer to the last; null: none failed.
    pub first_failed_to_last_failed_ms: Option<f64>,
    /// From the first failed answer to the receiver's acceptance of the page; null: one of them is lacking.
    pub first_failed_to_page_accepted_ms: Option<f64>,
    /// From the rename to the first answer by the new release.
    pub switch_ms: Option<f64>,
    /// From the rename back to the first answer by the release before.
    pub rollback_ms: Option<f64>,
    /// The page's body as it was received.
    pub page: Option<Value>,
    /// Where the report lies.
    pub report: Option<String>,
}

/// What the product says of the same in its report, to be held against the visitors' side.
#[derive(Debug, Serialize)]
pub struct IncidentV1 {
    /// `impact` of `lamp incident report 1 --format json`.
    pub impact: Value,
    /// `times` of the same: t0 to t6.
    pub times: Value,
}

impl OutageV1 {
    /// Whether everything happened that had to: refused, rolled back, paged, reported.
    pub fn is_held(&self) -> bool {
        let went_back = self.forced.rollback_ms.is_some();
        self.refused.exit == Some(1)
            && went_back
            && self.forced.page.is_some()
            && self.forced.report.is_some()
    }
}

impl RefusedV1 {
    /// What the gate said.
    pub fn of(refused: &Refused) -> Self {
        let mut said = Self {
            exit: refused.exit,
            rule: None,
            path: None,
            line: None,
            suggestion: None,
            blast_radius: None,
            error: None,
            elapsed_ms: milliseconds(refused.elapsed),
        };
        match &refused.blocker {
            Some(Blocker::Finding { finding }) => {
                said.rule = Some(finding.rule.to_string());
                said.path = Some(finding.path.clone());
                said.line = Some(finding.line);
                said.suggestion.clone_from(&finding.suggestion);
                said.blast_radius = finding
                    .blast_radius
                    .map(|radius| [radius.entry_points, radius.of]);
            }
            Some(Blocker::Cause { cause }) => {
                let place = cause.place.as_ref().map(|place| format!(" ({place})"));
                said.error = Some(format!("{}{}", cause.message, place.unwrap_or_default()));
            }
            Some(other @ (Blocker::NotChecked { .. } | Blocker::NotRehearsed { .. })) => {
                said.error = Some(other.to_string());
            }
            None => {}
        }
        said
    }
}

impl ForcedV1 {
    /// What visitors and the receiver saw; no report yet.
    pub fn of(forced: &Forced, rate: f64) -> Self {
        let lags = lags(&forced.records, &forced.switches);
        let first_new = |place: usize| lags.get(place).and_then(|lag| lag.first_new).map(milliseconds);
        let page = forced.received.iter().find(|received| received.is_trigger());
        let failed_at = &forced.met.failed_at;
        let since_first = |at: Nanos| failed_at.first().map(|first| milliseconds(at.since(*first)));
        Self {
            rate_rps: rate,
            requests: forced.tally.requests,
            affected_rps: forced.affected_rps,
            failed: forced.tally.failed,
            mixed: forced.tally.mixed,
            stale: forced.tally.stale,
            late_sends: forced.tally.late_sends,
            first_failed_at: forced.first_failed_at,
            first_failed_to_last_failed_ms: failed_at.last().copied().and_then(since_first),
            first_failed_to_page_accepted_ms: page.map(|page| page.at).and_then(since_first),
            switch_ms: first_new(0),
            rollback_ms: first_new(1),
            page: page.map(Received::body),
            report: None,
        }
    }
}

impl IncidentV1 {
    /// Out of the report's JSON.
    pub fn of(report: &Value) -> Self {
        let part = |name: &str| report.get(name).cloned().unwrap_or_default();
        Self {
            impact: part("impact"),
            times: part("times"),
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

const LABEL_WIDTH: usize = 34;
const THEN_WIDTH: usize = 30;

/// The outage that all of this is measured against, and this one beside it.
pub fn board(said: &OutageV1, breakage: &Breakage) -> String {
    let forced = &said.forced;
    let ms = |value: Option<f64>| value.map_or_else(|| "never".to_owned(), |ms| format!("{ms:.0} ms"));
    let rows = [
        (
            "",
            "the original outage".to_owned(),
            "the same mistake here".to_owned(),
        ),
        (
            "mistake",
            "a wrong name in one file".into(),
            format!("{} in {}", breakage.kind, breakage.file),
        ),
        (
            "before production",
            "nothing looked at it".into(),
            refused_words(&said.refused),
        ),
        (
            "noticed",
            "after 20 min, by a visitor".into(),
            "by the host, at the first failure".into(),
        ),
        (
            "on call told",
            "after 21 min, by telephone".into(),
            ms(forced.first_failed_to_page_accepted_ms),
        ),
        ("the line found", "after 120 min".into(), "in the page".into()),
        (
            "visitors failed for",
            "145 min".into(),
            ms(forced.first_failed_to_last_failed_ms),
        ),
        (
            "failed requests",
            "not counted".into(),
            format!("{} of {}", forced.failed, forced.requests),
        ),
        (
            "requests that it reaches",
            "not known".into(),
            format!("{:.0} a second", forced.affected_rps),
        ),
        (
            "mixed, stale",
            "not known".into(),
            format!("{}, {}", forced.mixed, forced.stale),
        ),
        ("report", "written by hand, days later".into(), report_words(said)),
    ];
    let mut out = String::new();
    for (label, then, now) in rows {
        let _ = writeln!(out, "  {label:<LABEL_WIDTH$}{then:<THEN_WIDTH$}{now}");
    }
    out
}

fn refused_words(refused: &RefusedV1) -> String {
    let place = match (&refused.path, refused.line) {
        (Some(path), Some(line)) => format!("{path}:{line}"),
        _ => "the twin".to_owned(),
    };
    match refused.exit {
        Some(1) => format!("refused in {:.1} s: {place}", refused.elapsed_ms / 1e3),
        _ => "not refused".to_owned(),
    }
}

fn report_words(said: &OutageV1) -> String {
    let report = said.forced.report.as_deref();
    report.map_or_else(|| "none".to_owned(), |path| Path::new(path).display().to_string())
}
