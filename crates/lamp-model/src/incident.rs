//! The nouns of an incident: what it is called, who is held responsible, what a page says.
//!
//! What follows from what is `lamp-incident`'s to decide; how a page gets out is `lamp-page`'s.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::evidence::{ErrorSignature, Impact, Subject};
use crate::finding::{BlastRadius, CodePlace};
use crate::name::{DeploymentId, NameError, ReleaseId, SiteName};
use crate::plain::said;

/// Longest summary of a page, in characters: PagerDuty's own bound.
pub const SUMMARY_MAX_CHARS: usize = 1024;

/// Longest note on an incident, in characters.
pub const NOTE_MAX_CHARS: usize = 1000;

/// What a person writes down about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NoteText(String);

impl NoteText {
    /// Reads a note; blanks around it do not count.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        said(text, "note of at most 1000 characters", NOTE_MAX_CHARS).map(Self)
    }

    /// The note as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NoteText {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<NoteText> for String {
    fn from(note: NoteText) -> Self {
        note.0
    }
}

/// Longest name of a person or a team, in characters.
pub const PERSON_MAX_CHARS: usize = 80;

/// Who sees to something: a person or a team, as people call them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

impl PersonName {
    /// Reads a name; blanks around it do not count.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        said(text, "name of at most 80 characters", PERSON_MAX_CHARS).map(Self)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PersonName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<PersonName> for String {
    fn from(name: PersonName) -> Self {
        name.0
    }
}

/// An incident's number; they count from 1 in one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IncidentId(pub u64);

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The change and the line held responsible, with what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Culprit {
    /// The release that brought it.
    pub release: ReleaseId,
    /// The deployment that brought the release.
    pub deployment: DeploymentId,
    /// The line; `None`: the release as a whole.
    pub place: Option<CodePlace>,
    /// Whether the file differs from the release before.
    pub file_changed: bool,
    /// What the line names and is not there.
    pub wrong_name: Option<String>,
    /// What it may have meant.
    pub right_name: Option<String>,
    /// How much of the site hangs on the file.
    pub blast_radius: Option<BlastRadius>,
    /// The error that visitors met.
    pub error: Option<ErrorSignature>,
    /// Commit and author, from a git source, in words.
    pub commit: Option<String>,
    /// Whether the gate had blocked the release, and was overridden with these words.
    pub overridden: Option<String>,
}

/// How a site is, for an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentState {
    /// Visitors are met by failures.
    Failing,
    /// The release before answers again; it is not yet shown that all is well.
    Mitigated,
    /// Probes and traffic are well.
    Resolved,
}

/// A page's number; they count from 1 in one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PageId(pub u64);

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a page does at its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageAction {
    /// Opens an alert, or adds to the open one of the same key.
    Trigger,
    /// Closes the alert of its key.
    Resolve,
    /// Tells of a change; alerts nobody.
    Change,
}

/// How loudly a page speaks, in PagerDuty's words, the loudest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "PagerDuty's own words")]
pub enum PageSeverity {
    Critical,
    Error,
    Warning,
    Info,
}

/// What is to be told, written down before the first try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageIntent {
    /// What it does.
    pub action: PageAction,
    /// The receiver's handle of the incident: one per incident, the same at every try.
    pub dedup_key: String,
    /// The incident; `None`: a change.
    pub incident: Option<IncidentId>,
    /// Which site.
    pub site: SiteName,
    /// How loudly.
    pub severity: PageSeverity,
    /// What it says, at most [`SUMMARY_MAX_CHARS`]; no control or direction-changing characters.
    pub summary: String,
    /// When that happened of which it tells.
    pub happened_at: Timestamp,
    /// More, as name and text, in this order.
    pub details: Vec<(String, String)>,
}

/// What came of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "result", deny_unknown_fields)]
pub enum PageResult {
    /// The receiver took it.
    Accepted {
        /// At which try, from 1.
        tries: u32,
    },
    /// The receiver will never take it.
    Refused {
        /// What it said.
        why: String,
    },
    /// Nobody took it for a day.
    GaveUp {
        /// What was said last.
        why: String,
    },
}

/// An incident, as far as the log tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// Which site.
    pub site: SiteName,
    /// How it is.
    pub state: IncidentState,
    /// The deployment that brought it; `None`: none did.
    pub deployment: Option<DeploymentId>,
    /// What it is, in one line.
    pub title: String,
    /// Who is held responsible.
    pub culprit: Option<Culprit>,
    /// The first visitor who was met by it (t0); `None`: none is known.
    pub first_failed_at: Option<Timestamp>,
    /// When it was noticed (t1).
    pub noticed_at: Timestamp,
    /// When it was opened (t2).
    pub opened_at: Timestamp,
    /// What it is about, if not about what answers.
    pub subject: Option<Subject>,
    /// When a person took it up (t4).
    pub acknowledged_at: Option<Timestamp>,
    /// When visitors were served again (t5).
    pub mitigated_at: Option<Timestamp>,
    /// When all was well (t6).
    pub resolved_at: Option<Timestamp>,
    /// What visitors went through, as it was told when the site was last well again.
    pub impact: Option<Impact>,
    /// What the receiver of pages was told last; `None`: nothing.
    pub told: Option<Told>,
}

/// What the receiver of pages was told last of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// How the incident was then.
    pub state: IncidentState,
    /// How loudly: a graver one is told anew.
    pub severity: PageSeverity,
    /// The receiver's handle of it: whatever follows bears the same.
    pub dedup_key: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_short_line_of_seen_characters() {
        assert_eq!(
            PersonName::parse(" Ada (web team) ").map(String::from).as_deref(),
            Ok("Ada (web team)")
        );
        let longest = "é".repeat(PERSON_MAX_CHARS);
        assert!(PersonName::parse(&longest).is_ok());
        for bad in ["", "\t", "A\nB", "A\u{202e}B", &format!("{longest}e")] {
            assert!(PersonName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_note_is_a_short_line_of_seen_characters() {
        let kept = NoteText::parse("  Called the school: é.  ").map(String::from);
        assert_eq!(kept.as_deref(), Ok("Called the school: é."));
        let longest = "é".repeat(NOTE_MAX_CHARS);
        assert!(NoteText::parse(&longest).is_ok());
        for bad in [
            "",
            " \n",
            "a\nb",
            "a\x1b[2Jb",
            "a\u{202e}b",
            &format!("{longest}e"),
        ] {
            assert!(NoteText::parse(bad).is_err(), "{bad:?}");
        }
    }
}
