//! What `lamp check` says about code. The gate keeps it with the release, the culprit is found in it.

use serde::{Deserialize, Serialize};

use crate::name::NameError;

/// Longest rule name, in bytes.
pub const RULE_MAX_BYTES: usize = 64;

/// A rule of the check, in kebab-case, as in `include-not-found`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RuleName(String);

impl RuleName {
    /// Reads a rule's name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_part = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if text.len() > RULE_MAX_BYTES || !text.split('-').all(is_part) {
            return Err(NameError::new(
                text,
                "rule name",
                "it is kebab-case, as in syntax-error",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RuleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RuleName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<RuleName> for String {
    fn from(name: RuleName) -> Self {
        name.0
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// May fail, or fails without ending the request.
    Warning,
    /// Whoever comes by there fails.
    Error,
}

/// How much of a site hangs on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlastRadius {
    /// Entry points that reach it.
    pub entry_points: u64,
    /// Entry points that there are.
    pub of: u64,
}

/// A place in a release's code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodePlace {
    /// The file, relative to the release.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
}

impl std::fmt::Display for CodePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// One thing that the check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Which rule.
    pub rule: RuleName,
    /// How bad.
    pub severity: Severity,
    /// The file, relative to the tree's root.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in bytes, from 1.
    pub column: u32,
    /// What is wrong, for people.
    pub message: String,
    /// What the code names, relative to the root where it can be.
    pub target: Option<String>,
    /// What it may have meant.
    pub suggestion: Option<String>,
    /// How much of the site hangs on the file.
    pub blast_radius: Option<BlastRadius>,
}

impl Finding {
    /// Where it is.
    pub fn place(&self) -> CodePlace {
        CodePlace {
            path: self.path.clone(),
            line: self.line,
        }
    }
}

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSummary {
    /// PHP files.
    pub files: u64,
    /// Include expressions in them.
    pub includes: u64,
    /// Of these, the ones whose target could be decided.
    pub resolved: u64,
    /// Findings that are errors.
    pub errors: u64,
    /// Findings that are warnings.
    pub warnings: u64,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// What a check of one tree came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckReport {
    /// What was looked at.
    pub summary: CheckSummary,
    /// What was found, by path and line.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// The findings that are errors.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
    }
}
