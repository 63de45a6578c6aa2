//! What is to be printed, whatever the format: findings, what stands beside them, and what of them is new.

use std::path::Path;

use lamp_model::baseline::Known;
use lamp_model::finding::{BlastRadius, Finding, Severity};
use lamp_model::plain::is_invisible;

use super::known::Known as HeldAgainst;
use crate::worker::check::answer::{Answer, Beside};

/// Whether a finding was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It counts: it was held against nothing, or is new.
    Counts,
    /// It was known.
    Standing,
}

/// One finding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) finding: &'a Finding,
    pub(super) beside: &'a Beside,
    pub(super) state: State,
}

/// A report with all that is printed of it.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    /// The tree, as typed.
    pub(super) dir: &'a Path,
    pub(super) answer: &'a Answer,
    /// What it was held against.
    pub(super) against: Option<Against>,
}

/// What findings were held against, and what came of it.
#[derive(Debug)]
pub(super) struct Against {
    /// In words.
    pub(super) names: Vec<String>,
    pub(super) is_new: Vec<bool>,
    pub(super) fixed: Vec<Known>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(dir: &'a Path, answer: &'a Answer, known: Option<HeldAgainst>) -> Self {
        let against = known.map(|known| {
            let compared = known.baseline.compare(&answer.report.findings);
            Against {
                names: known.names,
                is_new: compared.is_new,
                fixed: compared.fixed,
            }
        });
        Self { dir, answer, against }
    }

    /// Every finding.
    pub(super) fn all(&self) -> impl Iterator<Item = Told<'_>> {
        let each = self.answer.report.findings.iter().zip(&self.answer.beside);
        each.enumerate().map(|(at, (finding, beside))| Told {
            finding,
            beside,
            state: self.state(at),
        })
    }

    fn state(&self, at: usize) -> State {
        match &self.against {
            Some(against) if against.is_new.get(at) == Some(&false) => State::Standing,
            Some(_) | None => State::Counts,
        }
    }

    /// The findings that count.
    pub(super) fn counting(&self) -> impl Iterator<Item = Told<'_>> {
        self.all().filter(|told| told.state == State::Counts)
    }

    /// How many errors count. Those that were too many to be told count as well.
    pub(super) fn errors(&self) -> u64 {
        let is_error = |finding: &Finding| finding.severity == Severity::Error;
        let counting = self.counting().filter(|told| is_error(told.finding)).count() as u64;
        let findings = &self.answer.report.findings;
        let told = findings.iter().filter(|finding| is_error(finding)).count() as u64;
        counting + self.answer.report.summary.errors.saturating_sub(told)
    }

    /// What stands before each path, so that it is one from the directory in which `lamp` was started: where a
    /// workflow checks a repository out.
    pub(super) fn prefix(&self) -> String {
        let real = |path: &Path| fs_err::canonicalize(path).ok();
        let both = real(self.dir).zip(real(Path::new(".")));
        let inside = both.and_then(|(dir, here)| dir.strip_prefix(here).ok().map(Path::to_owned));
        match inside.as_deref().and_then(Path::to_str) {
            None | Some("") => String::new(),
            Some(inside) => format!("{inside}/"),
        }
    }
}

/// The severity as people and scripts read it.
pub(super) const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// Strangers' text as it may stand on a screen: nothing that moves the cursor or turns the reading direction.
pub(super) fn plain(text: &str) -> String {
    let shown = |character: char| match character {
        '\t' => ' ',
        other if other.is_control() || is_invisible(other) => '\u{fffd}',
        other => other,
    };
    text.chars().map(shown).collect()
}

/// How much of the site hangs on a file.
pub(super) fn of_radius(radius: BlastRadius) -> String {
    let BlastRadius { entry_points, of } = radius;
    match entry_points {
        0 => format!("no entry point is known to reach this file, of {of}"),
        1 => format!("1 of {of} entry points reaches this file"),
        _ => format!("{entry_points} of {of} entry points reach this file"),
    }
}

/// `1 error`, `2 errors`.
pub(super) fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// How text is marked on a terminal; without colours, not at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    colours: bool,
}

impl Paint {
    pub(super) const fn new(colours: bool) -> Self {
        Self { colours }
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What frames a line of source.
    pub(super) fn frame(self, text: &str) -> String {
        self.with("1;34", text)
    }

    pub(super) fn severity(self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Error => self.with("1;31", text),
            Severity::Warning => self.with("1;33", text),
            Severity::Note => self.with("1;32", text),
        }
    }
}
