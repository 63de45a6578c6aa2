//! What [`crate::follow`] is asked under: the time, the host, whether there is a pager, and what is known of a
//! release beside the log.

use jiff::Timestamp;
use lamp_model::finding::BlastRadius;
use lamp_model::incident::PageSeverity;
use lamp_model::name::{ReleaseId, SiteName};

/// The terms of one answer.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// What time it is.
    pub now: Timestamp,
    /// The host's name: pages of two hosts must not bear one key.
    pub host: &'a str,
    /// How pages speak; `None`: nobody outside is to be told.
    pub pager: Option<PagerTerms>,
    /// What is known of releases beside the log.
    pub facts: &'a dyn ReleaseFacts,
}

/// How pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagerTerms {
    /// How loudly, if the release before answers again already.
    pub healed_severity: PageSeverity,
}

impl Default for PagerTerms {
    fn default() -> Self {
        Self {
            healed_severity: PageSeverity::Warning,
        }
    }
}

/// What is known of a release beside the log: from its manifest, from its source, and from the gate's look at
/// its code.
pub trait ReleaseFacts {
    /// Whether a file differs from the release before; `None`: not known.
    fn is_changed(&self, _site: &SiteName, _release: &ReleaseId, _path: &str) -> Option<bool> {
        None
    }

    /// In words, the commit that touched the file last, with its author; of no file, or one of which that is not
    /// known, the commit that the release is. `None`: it did not come from a git source.
    fn commit(&self, _site: &SiteName, _release: &ReleaseId, _path: Option<&str>) -> Option<String> {
        None
    }

    /// How much of the site hangs on a file, whether or not anything is wrong in it; `None`: not known.
    fn blast_radius(&self, _site: &SiteName, _release: &ReleaseId, _path: &str) -> Option<BlastRadius> {
        None
    }
}

/// Nothing is known beside the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFacts;

impl ReleaseFacts for NoFacts {}
