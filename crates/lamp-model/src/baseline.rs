//! Which findings are new: a report held against what was known before.
//!
//! A finding is known by what it says and where it is said: rule, severity, file, what the code names, and the words.
//! Its line is no part of that, nor are line numbers within the words, so that code which only moved has nothing new.
//! As many as were known are known; one more of the same is new.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, RuleName, Severity};

/// The version of a written baseline.
pub const BASELINE_SCHEMA: u32 = 1;

/// What is known already; `lamp-baseline.json` is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// [`BASELINE_SCHEMA`]
    pub schema: u32,
    /// By file and rule.
    pub findings: Vec<Known>,
}

/// A finding without its line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The file.
    pub path: String,
    /// Which rule.
    pub rule: RuleName,
    /// How bad.
    pub severity: Severity,
    /// What the code names.
    pub target: Option<String>,
    /// What is wrong, line numbers replaced.
    pub message: String,
    /// How often it stands there.
    pub count: u64,
}

/// A report held against a baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Of each finding, in order, whether it is new.
    pub is_new: Vec<bool>,
    /// What was known and is not found any more.
    pub fixed: Vec<Known>,
}

/// What makes two findings the same.
type Key = (String, RuleName, Severity, Option<String>, String);

fn key(finding: &Finding) -> Key {
    (
        finding.path.clone(),
        finding.rule.clone(),
        finding.severity,
        finding.target.clone(),
        without_lines(&finding.message),
    )
}

impl Known {
    fn key(&self) -> Key {
        (
            self.path.clone(),
            self.rule.clone(),
            self.severity,
            self.target.clone(),
            // Somebody may have written it by hand.
            without_lines(&self.message),
        )
    }

    fn new(((path, rule, severity, target, message), count): (Key, u64)) -> Self {
        Self {
            path,
            rule,
            severity,
            target,
            message,
            count,
        }
    }
}

impl Baseline {
    /// Of nothing: everything is new.
    pub const fn empty() -> Self {
        Self {
            schema: BASELINE_SCHEMA,
            findings: Vec::new(),
        }
    }

    /// Of these findings.
    pub fn of<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Self {
        let mut counts: BTreeMap<Key, u64> = BTreeMap::new();
        for finding in findings {
            *counts.entry(key(finding)).or_default() += 1;
        }
        Self::counted(counts)
    }

    /// What either knows; of what both know, as often as the one that knows more.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut counts = self.counts();
        for (key, count) in other.counts() {
            let known = counts.entry(key).or_default();
            *known = count.max(*known);
        }
        Self::counted(counts)
    }

    fn counted(counts: BTreeMap<Key, u64>) -> Self {
        Self {
            schema: BASELINE_SCHEMA,
            findings: counts.into_iter().map(Known::new).collect(),
        }
    }

    /// A written baseline may say the same twice.
    fn counts(&self) -> BTreeMap<Key, u64> {
        let mut counts: BTreeMap<Key, u64> = BTreeMap::new();
        for known in &self.findings {
            let count = counts.entry(known.key()).or_default();
            *count = count.saturating_add(known.count);
        }
        counts
    }

    /// What of these findings is new, and what is not there any more.
    pub fn compare<'f>(&self, findings: impl IntoIterator<Item = &'f Finding>) -> Compared {
        let mut left = self.counts();
        let mut is_known = |finding| match left.get_mut(&key(finding)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            Some(_) | None => false,
        };
        let is_new = findings.into_iter().map(|finding| !is_known(finding)).collect();
        let gone = left.into_iter().filter(|(_, count)| *count > 0);
        Compared {
            is_new,
            fixed: gone.map(Known::new).collect(),
        }
    }
}

/// The text with `#` for each number that follows a `:` or the word `line`.
fn without_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        let length = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        out.push_str(before);
        if out.ends_with(':') || out.ends_with("line ") {
            out.push('#');
        } else {
            out.push_str(&number[..length]);
        }
        rest = &number[length..];
    }
    out + rest
}

#[cfg(test)]
mod tests;
