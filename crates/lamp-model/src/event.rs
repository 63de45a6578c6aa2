//! What has happened. Every screen, page and report is read from these.
//!
//! Raw probe samples and heartbeats never become events: transitions, decisions and results do.
//! [`crate::stored`] says how an event stands on disk.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, Impact, Subject, Verdict};
use crate::gate::{Blocker, GateResult};
use crate::incident::{Culprit, IncidentId, PageId, PageIntent, PageResult};
use crate::name::{DeploymentId, ReleaseId, SiteName};
use crate::origin::Origin;
use crate::plan::{PlanKind, StepName};
use crate::tree::Hash;

/// Who asked for it: the process at the other end of the agent's socket, as the kernel names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Its user id.
    pub uid: u32,
    /// Its process id at that time.
    pub pid: i32,
}

/// Why a deployment went back, or never went forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum Reason {
    /// A step could not be done.
    #[error("{step} failed: {error}")]
    StepFailed {
        /// Which.
        step: StepName,
        /// What it said.
        error: String,
    },
    /// A probe through Apache was not answered with 2xx or 3xx.
    #[error("the probe of {path} through Apache {answer}")]
    ProbeFailed {
        /// The path asked for.
        path: String,
        /// What came back, as in `answered 500`.
        answer: String,
    },
    /// The gate is shut: the code or the rehearsal says that it would fail.
    #[error("the gate is shut: {}", first_of(blockers))]
    GateBlocked {
        /// What blocks.
        blockers: Vec<Blocker>,
    },
    /// The watcher asked both releases, and only the new one failed.
    #[error("{} {}, {}", evidence.path, evidence.answered, against(evidence))]
    JudgedBad {
        /// What was seen.
        evidence: Box<Evidence>,
    },
    /// Workers still answered from the release before.
    #[error("{} worker(s) still answered from the release before: pid {pids:?}", pids.len())]
    WorkersBehind {
        /// Their process ids, as Apache logs them.
        pids: Vec<i32>,
    },
    /// The agent ended, or the host restarted, before the deployment was confirmed.
    #[error("the agent ended before the deployment was confirmed")]
    AgentEnded,
    /// The log could not be written, so nothing could be promised.
    #[error("the event log could not be written: {error}")]
    LogUnavailable {
        /// What it said.
        error: String,
    },
    /// Someone asked for it.
    #[error("asked for by uid {}", by.uid)]
    Asked {
        /// Who.
        by: Actor,
    },
}

/// What speaks against the release beside its own answer.
fn against(evidence: &Evidence) -> String {
    match &evidence.hanging {
        Some(hanging) => hanging.to_string(),
        None => "and the release before answers".to_owned(),
    }
}

fn first_of(blockers: &[Blocker]) -> String {
    let more = blockers.len().saturating_sub(1);
    match blockers.first() {
        None => "it says nothing".to_owned(),
        Some(only) if more == 0 => only.to_string(),
        Some(first) => format!("{first} (and {more} more)"),
    }
}

/// How a deployment ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// The release is live and proven good.
    Confirmed,
    /// The gate is open for it; nothing was to be switched.
    Tested,
    /// It was live for a time; the release before answers again (none, on a first deployment).
    WentBack {
        /// Why.
        reason: Reason,
    },
    /// Production was never touched.
    NotSwitched {
        /// Why.
        reason: Reason,
    },
    /// It answers, and could not be proven good: a rollback stays where it leads, for what it left was
    /// called bad by a person.
    Unproven {
        /// Why.
        reason: Reason,
    },
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
#[expect(missing_docs, reason = "the fields bear the names of their types")]
pub enum Event {
    /// The first event of every log.
    LogOpened { host: String },
    /// An agent took the lease and recovered.
    AgentStarted { pid: i32, version: String },
    /// A plan was accepted.
    Planned {
        deployment: DeploymentId,
        kind: PlanKind,
        from: Option<ReleaseId>,
        to: ReleaseId,
        steps: Vec<StepName>,
        by: Actor,
    },
    /// The executor begins the step at this index of the plan.
    StepStarted {
        deployment: DeploymentId,
        index: u32,
        step: StepName,
    },
    /// The step is done and durable.
    StepDone {
        deployment: DeploymentId,
        index: u32,
        step: StepName,
        elapsed_micros: u64,
    },
    /// A release counts as stored: sealed, durable, named.
    Stored {
        site: SiteName,
        release: ReleaseId,
        tree: Hash,
        files: u64,
        size_bytes: u64,
        new_bytes: u64,
        source: String,
        /// The repository and commit, if it came from one; logs from before there were git sources hold none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Box<Origin>>,
    },
    /// The gate has answered. Overridden, it was shut and somebody said why the release goes all the same.
    Gated {
        deployment: DeploymentId,
        release: ReleaseId,
        result: Box<GateResult>,
        overridden: Option<String>,
    },
    /// The way back is ready on disk.
    Armed {
        deployment: DeploymentId,
        back_to: Option<ReleaseId>,
    },
    /// Requests are answered by `to` from here on.
    Switched {
        deployment: DeploymentId,
        from: Option<ReleaseId>,
        to: Option<ReleaseId>,
        switch_micros: u64,
    },
    /// The release is proven good.
    Proven { site: SiteName, release: ReleaseId },
    /// A deployment is over.
    Ended {
        deployment: DeploymentId,
        outcome: Outcome,
    },
    /// A release was removed from the store.
    Pruned { site: SiteName, release: ReleaseId },
    /// The watcher came to a verdict on what answers at a site.
    Judged {
        site: SiteName,
        deployment: Option<DeploymentId>,
        verdict: Box<Verdict>,
    },
    /// Workers that were still at a request of a release that had been gone back from were ended; `killed` of them did not heed.
    WorkersEnded {
        site: SiteName,
        release: ReleaseId,
        ended: u64,
        killed: u64,
    },
    /// Probes and visitors are answered well again.
    Recovered { site: SiteName, impact: Impact },
    /// What surrounds the site was looked at again, and is well.
    Relieved { site: SiteName, subject: Subject },
    /// Something is wrong that a person must know of.
    IncidentOpened {
        incident: IncidentId,
        site: SiteName,
        deployment: Option<DeploymentId>,
        title: String,
        culprit: Option<Box<Culprit>>,
        first_failed_at: Option<Timestamp>,
        noticed_at: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<Subject>,
    },
    /// Visitors are served again, by the release before.
    IncidentMitigated { incident: IncidentId },
    /// All is well.
    IncidentResolved { incident: IncidentId, impact: Impact },
    /// Somebody wrote something down about an incident; `happened_at` is what they say.
    Noted {
        incident: IncidentId,
        happened_at: Timestamp,
        text: String,
        by: Actor,
    },
    /// A person sees to an incident; `happened_at` and `who` are what whoever wrote it down says.
    Acknowledged {
        incident: IncidentId,
        happened_at: Timestamp,
        who: Option<String>,
        by: Actor,
    },
    /// Somebody outside is to be told; nothing was sent before this.
    PageIntended { page: PageId, intent: Box<PageIntent> },
    /// What came of it.
    PageSettled { page: PageId, result: PageResult },
}

/// A place in the log: records count from 1; 0 stands before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seq(pub u64);

impl Seq {
    /// The place behind this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Seq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A record's own id, made by whoever appends it; finds one's record again after an unknown result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordId(pub [u8; 16]);

/// What is appended at once, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its own id.
    pub id: RecordId,
    /// The lease under which it is written; later leases have higher epochs.
    pub epoch: u64,
    /// When, by the wall clock of the host that writes.
    pub at: Timestamp,
    /// What happened, in order; never empty.
    pub events: Vec<Event>,
}

/// A record as it is shown to others than its log: its place, its moment, what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its place.
    pub seq: Seq,
    /// When, by the wall clock of the host that wrote it.
    pub at: Timestamp,
    /// What happened, in order.
    pub events: Vec<Event>,
}
