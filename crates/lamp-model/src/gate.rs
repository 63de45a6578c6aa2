//! The decision before the switch, with its evidence: kept with the release.
//!
//! [`GateResult::of`] is the one place where it is made.

use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;
use crate::finding::{CheckReport, CheckSummary, CodePlace, Finding};
use crate::name::NameError;
use crate::opened::{Opened, Unfollowed};
use crate::plain::said;

/// Most findings and causes that are kept as blockers; the rest is counted.
pub const BLOCKERS_MAX: usize = 20;

/// Longest reason for going past a shut gate, in characters.
pub const OVERRIDE_MAX_CHARS: usize = 300;

/// Why a release goes though the gate is shut: said by a person, told in the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OverrideReason(String);

impl OverrideReason {
    /// Reads a reason; blanks around it do not count.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        said(
            text,
            "reason of at most 300 characters to go past the gate",
            OVERRIDE_MAX_CHARS,
        )
        .map(Self)
    }

    /// The reason as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OverrideReason {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<OverrideReason> for String {
    fn from(reason: OverrideReason) -> Self {
        reason.0
    }
}

/// What was proved in the twin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// How much of the site was asked.
    pub coverage: Coverage,
    /// In what the candidate differs from the release that is live, by cause; empty: in nothing that matters.
    pub causes: Vec<Cause>,
    /// In what the twin differs from production, in words.
    pub differs: Vec<String>,
    /// Addresses outside the twin that the code tried to reach, as in `203.0.113.7:443/tcp`.
    pub outside_calls: Vec<String>,
    /// What it showed of includes whose file the check could not tell.
    #[serde(default, skip_serializing_if = "Unfollowed::is_nothing")]
    pub unfollowed: Unfollowed,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// A rehearsal, and what it saw of the code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rehearsed {
    /// What was proved.
    pub shown: Rehearsal,
    /// The candidate's PHP files that ran, in the order in which they were opened first.
    pub ran: Vec<Opened>,
}

/// How much of a site a rehearsal asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Shapes of routes that the log shows (or that were found by crawling, if it shows none).
    pub routes_known: u64,
    /// Of these, the ones that were asked.
    pub routes_asked: u64,
    /// Requests sent to the candidate.
    pub requests: u64,
    /// PHP files of the candidate that ran.
    pub php_files_run: u64,
    /// PHP files that it has.
    pub php_files: u64,
    /// Requests in the log that were no GET: never replayed.
    pub not_replayed: u64,
}

/// What made answers of the candidate differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// What kind.
    pub kind: CauseKind,
    /// What it is, for people, as in `answers 500 where the live release answers 200`.
    pub message: String,
    /// The place in the code that PHP named.
    pub place: Option<CodePlace>,
    /// Some of the routes, at most ten.
    pub routes: Vec<String>,
    /// How many routes.
    pub count: u64,
}

/// How answers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// A PHP error that ends the request.
    Fatal,
    /// Another status.
    Status,
    /// No answer in time.
    Hang,
    /// A page with another skeleton.
    Skeleton,
}

impl CauseKind {
    /// Whether it keeps a release from production; a page may well look different.
    pub const fn blocks(self) -> bool {
        match self {
            Self::Fatal | Self::Status | Self::Hang => true,
            Self::Skeleton => false,
        }
    }
}

/// What keeps a release from production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "blocker", deny_unknown_fields)]
pub enum Blocker {
    /// An error in the code that the live release does not have.
    #[error("{}: {}", finding.place(), finding.message)]
    Finding {
        /// It.
        finding: Box<Finding>,
    },
    /// The twin answered worse with it.
    #[error("{}", cause.message)]
    Cause {
        /// Why.
        cause: Box<Cause>,
    },
    /// The code could not be looked at.
    #[error("it could not be checked: {why}")]
    NotChecked {
        /// What hindered.
        why: String,
    },
    /// No twin of production could be made, or it did not come up.
    #[error("it could not be rehearsed: {why}")]
    NotRehearsed {
        /// What hindered.
        why: String,
    },
}

/// The gate's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "gate", content = "blockers")]
pub enum Gate {
    /// It may go.
    Passed,
    /// It may not, and why; never empty.
    Blocked(Vec<Blocker>),
}

/// What a rehearsal came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "rehearsal", deny_unknown_fields)]
pub enum RehearsalOutcome {
    /// The site is configured not to be rehearsed.
    SwitchedOff,
    /// The check had blocked already.
    Skipped,
    /// It was done.
    Done {
        /// What it showed.
        shown: Box<Rehearsal>,
    },
    /// It could not be done.
    Failed {
        /// Why.
        why: String,
    },
}

/// The gate's answer with all that it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateResult {
    /// The answer.
    pub gate: Gate,
    /// What the check looked at; `None` if it could not.
    pub check: Option<CheckSummary>,
    /// Its findings that are errors, new in this release, at most [`BLOCKERS_MAX`]. Kept though overridden: the
    /// culprit is looked for here.
    pub findings: Vec<Finding>,
    /// What the twin showed.
    pub rehearsal: RehearsalOutcome,
}

impl GateResult {
    /// Decides: an error that the baseline does not have blocks, and so does an answer that is worse than that
    /// of the live release, and so does not knowing.
    pub fn of(
        check: Result<&CheckReport, &str>,
        baseline: Option<&CheckReport>,
        rehearsal: RehearsalOutcome,
    ) -> Self {
        let findings = check
            .map(|report| new_errors(report, baseline))
            .unwrap_or_default();
        let mut blockers: Vec<Blocker> = findings.iter().map(blocked_by).collect();
        blockers.extend(check.err().map(|why| Blocker::NotChecked { why: why.to_owned() }));
        blockers.extend(blocked_by_twin(&rehearsal));
        blockers.truncate(BLOCKERS_MAX);
        Self {
            gate: if blockers.is_empty() {
                Gate::Passed
            } else {
                Gate::Blocked(blockers)
            },
            check: check.ok().map(|report| report.summary),
            findings,
            rehearsal,
        }
    }

    /// What blocks; empty: nothing.
    pub fn blockers(&self) -> &[Blocker] {
        match &self.gate {
            Gate::Passed => &[],
            Gate::Blocked(blockers) => blockers,
        }
    }
}

/// The errors of a report that its baseline does not have, on whatever line they stand: see [`Baseline::compare`].
pub fn new_errors(report: &CheckReport, baseline: Option<&CheckReport>) -> Vec<Finding> {
    let known = baseline.map_or_else(Baseline::empty, |old| Baseline::of(old.errors()));
    let is_new = known.compare(report.errors()).is_new;
    let each = report.errors().zip(is_new).filter(|(_, is_new)| *is_new);
    each.map(|(finding, _)| finding.clone())
        .take(BLOCKERS_MAX)
        .collect()
}

fn blocked_by(finding: &Finding) -> Blocker {
    Blocker::Finding {
        finding: Box::new(finding.clone()),
    }
}

fn blocked_by_twin(rehearsal: &RehearsalOutcome) -> Vec<Blocker> {
    match rehearsal {
        RehearsalOutcome::SwitchedOff | RehearsalOutcome::Skipped => Vec::new(),
        RehearsalOutcome::Failed { why } => vec![Blocker::NotRehearsed { why: why.clone() }],
        RehearsalOutcome::Done { shown } => {
            let causes = shown.causes.iter().filter(|cause| cause.kind.blocks());
            causes
                .map(|cause| Blocker::Cause {
                    cause: Box::new(cause.clone()),
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests;
