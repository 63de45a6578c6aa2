//! The moments on both sides of which somebody can be held: all that a kill must not harm.

use std::fmt;

use lamp_model::event::Event;
use lamp_model::incident::{PageAction, PageId};
use lamp_model::plan::StepName;

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A step of a plan.
    Step(StepName),
    /// The watcher tells whoever can go back that the release is bad.
    Verdict,
    /// A record of the log that tells of this.
    Record(Told),
    /// What came of a page, on the controller's own disk.
    Kept(PageAction),
}

/// What a record tells of, besides steps and what belongs to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is explained at its event")]
pub enum Told {
    Gated,
    Judged,
    IncidentOpened,
    IncidentMitigated,
    Recovered,
    IncidentResolved,
    PageIntended(PageAction),
    PageSettled(PageAction),
}

impl Told {
    /// All of them, in the order in which an outage goes through them; a change is told of after each switch.
    pub const ALL: [Self; 12] = [
        Self::Gated,
        Self::PageIntended(PageAction::Change),
        Self::PageSettled(PageAction::Change),
        Self::Judged,
        Self::IncidentOpened,
        Self::IncidentMitigated,
        Self::PageIntended(PageAction::Trigger),
        Self::PageSettled(PageAction::Trigger),
        Self::Recovered,
        Self::IncidentResolved,
        Self::PageIntended(PageAction::Resolve),
        Self::PageSettled(PageAction::Resolve),
    ];

    /// What this event tells of, if it is one of these; `action` knows the pages of which no result is recorded.
    pub fn of(event: &Event, action: impl Fn(PageId) -> Option<PageAction>) -> Option<Self> {
        match event {
            Event::Gated { .. } => Some(Self::Gated),
            Event::Judged { .. } => Some(Self::Judged),
            Event::Recovered { .. } => Some(Self::Recovered),
            Event::IncidentOpened { .. } => Some(Self::IncidentOpened),
            Event::IncidentMitigated { .. } => Some(Self::IncidentMitigated),
            Event::IncidentResolved { .. } => Some(Self::IncidentResolved),
            Event::PageIntended { intent, .. } => Some(Self::PageIntended(intent.action)),
            Event::PageSettled { page, .. } => action(*page).map(Self::PageSettled),
            Event::LogOpened { .. }
            | Event::AgentStarted { .. }
            | Event::Planned { .. }
            | Event::StepStarted { .. }
            | Event::StepDone { .. }
            | Event::Stored { .. }
            | Event::Armed { .. }
            | Event::Switched { .. }
            | Event::Proven { .. }
            | Event::Ended { .. }
            | Event::Pruned { .. }
            | Event::WorkersEnded { .. }
            | Event::Relieved { .. }
            | Event::Acknowledged { .. }
            | Event::Noted { .. } => None,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(step) => step.fmt(f),
            Self::Verdict => f.write_str("verdict"),
            Self::Record(told) => write!(f, "record-{told}"),
            Self::Kept(action) => write!(f, "kept-{}", word(*action)),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gated => f.write_str("gated"),
            Self::Judged => f.write_str("judged"),
            Self::IncidentOpened => f.write_str("incident-opened"),
            Self::IncidentMitigated => f.write_str("incident-mitigated"),
            Self::Recovered => f.write_str("recovered"),
            Self::IncidentResolved => f.write_str("incident-resolved"),
            Self::PageIntended(action) => write!(f, "page-intended-{}", word(*action)),
            Self::PageSettled(action) => write!(f, "page-settled-{}", word(*action)),
        }
    }
}

const fn word(action: PageAction) -> &'static str {
    match action {
        PageAction::Trigger => "trigger",
        PageAction::Resolve => "resolve",
        PageAction::Change => "change",
    }
}
