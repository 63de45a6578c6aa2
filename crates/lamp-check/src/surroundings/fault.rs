//! What this family says of one place, before it is a finding.

use lamp_model::finding::{Finding, RuleName, Severity};

use crate::facts::Spot;

/// Something wrong at a place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) rule: &'static str,
    pub(crate) severity: Severity,
    pub(crate) at: Spot,
    pub(crate) message: String,
    pub(crate) target: Option<String>,
    pub(crate) suggestion: Option<String>,
}

/// The start of a file.
pub(crate) const TOP: Spot = Spot { line: 1, column: 1 };

impl Fault {
    pub(crate) fn error(rule: &'static str, at: Spot, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Error, at, message.into())
    }

    pub(crate) fn warning(rule: &'static str, at: Spot, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Warning, at, message.into())
    }

    pub(crate) fn note(rule: &'static str, at: Spot, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Note, at, message.into())
    }

    const fn new(rule: &'static str, severity: Severity, at: Spot, message: String) -> Self {
        Self {
            rule,
            severity,
            at,
            message,
            target: None,
            suggestion: None,
        }
    }

    /// Of what the code names.
    pub(crate) fn naming(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// With what may have been meant.
    pub(crate) fn suggesting(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// As said of the file at `path`; how much hangs on that file is for whoever knows.
    pub(crate) fn finding(self, path: &str) -> Option<Finding> {
        Some(Finding {
            rule: RuleName::parse(self.rule).ok()?,
            severity: self.severity,
            path: path.to_owned(),
            line: self.at.line,
            column: self.at.column,
            message: self.message,
            target: self.target,
            suggestion: self.suggestion,
            blast_radius: None,
        })
    }
}
