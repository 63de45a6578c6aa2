//! What is about to be done: an immutable list of steps, printed by `--dry-run`, executed as it stands.
//!
//! The plan holds every decision; the executor makes none. Each step may be repeated: a second run of
//! a step that was done, wholly or in part, ends as one run would have.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{DeploymentId, ReleaseId};

/// What kind of change of what is live this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanKind {
    /// A release comes into production; unconfirmed, it goes back.
    Deploy,
    /// A proven release comes back; interrupted, it is completed.
    Rollback,
    /// A release is stored and put to the gate; nothing is switched.
    Test,
}

/// What the gate rests on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateScope {
    /// No gate: whatever is stored may go.
    Off,
    /// The code is looked at.
    Check,
    /// The code is looked at, and the release is rehearsed in a twin of production.
    #[default]
    Full,
}

/// One deployment as it will be executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The deployment that it executes; names the site too.
    pub deployment: DeploymentId,
    /// Forwards or back.
    pub kind: PlanKind,
    /// What is live while the plan is made; `None` on a site's first deployment.
    pub from: Option<ReleaseId>,
    /// What will be live.
    pub to: ReleaseId,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// One step, with all that it needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "step", deny_unknown_fields)]
pub enum Step {
    /// Refuse now what would fill the disk later.
    CheckDisk {
        /// Bytes that the store's filesystem must have free.
        needed_bytes: u64,
        /// Inodes that it must have free.
        needed_inodes: u64,
    },
    /// Build the release's tree beside the others, under a name that nothing serves.
    Stage {
        /// The release.
        release: ReleaseId,
        /// Files taken from releases already stored.
        shared_files: u64,
        /// Files that are new.
        new_files: u64,
        /// Bytes of the new files.
        new_bytes: u64,
    },
    /// Make it durable and immutable, and give it its name.
    Seal {
        /// The release.
        release: ReleaseId,
    },
    /// Look at the code and rehearse it in a twin of production; go on only if the gate is open.
    Gate {
        /// The release.
        release: ReleaseId,
        /// What is live, to compare with; `None` on a site's first deployment.
        against: Option<ReleaseId>,
        /// What the gate rests on.
        scope: GateScope,
        /// Why it goes even if the gate is shut; `None`: it does not.
        overridden: Option<String>,
    },
    /// Hold a stored release against its manifest.
    Verify {
        /// The release.
        release: ReleaseId,
    },
    /// Put the way back on disk, ready.
    Arm {
        /// Where it leads; `None` on a site's first deployment: no release answers then.
        back_to: Option<ReleaseId>,
    },
    /// Rename `current`: from here on requests are answered by the release.
    Switch {
        /// The release.
        to: ReleaseId,
    },
    /// Ask through Apache until the log shows that the release answered: only where none did before, for Apache
    /// may have to be reloaded first, and another site may answer there meanwhile.
    AwaitAnswer {
        /// How long at most, in milliseconds.
        within_millis: u64,
        /// A path to ask for.
        probe: String,
    },
    /// Probe through Apache until the time is over.
    Bake {
        /// How long, in milliseconds.
        bake_millis: u64,
        /// Paths that must answer 2xx or 3xx.
        probes: Vec<String>,
    },
    /// Show from the access log that no worker still answers from the release before.
    ProveWorkers {},
    /// Count the release as proven good and take the way back away.
    Confirm {
        /// The release.
        release: ReleaseId,
    },
}

/// A step's name, for journals, hold points and people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is explained at its step")]
pub enum StepName {
    CheckDisk,
    Stage,
    Seal,
    Gate,
    Verify,
    Arm,
    Switch,
    AwaitAnswer,
    Bake,
    ProveWorkers,
    Confirm,
}

impl StepName {
    /// Every name, in the order in which a deployment goes through them.
    pub const ALL: [Self; 11] = [
        Self::CheckDisk,
        Self::Stage,
        Self::Seal,
        Self::Gate,
        Self::Verify,
        Self::Arm,
        Self::Switch,
        Self::AwaitAnswer,
        Self::Bake,
        Self::ProveWorkers,
        Self::Confirm,
    ];

    /// The name as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CheckDisk => "check-disk",
            Self::Stage => "stage",
            Self::Seal => "seal",
            Self::Gate => "gate",
            Self::Verify => "verify",
            Self::Arm => "arm",
            Self::Switch => "switch",
            Self::AwaitAnswer => "await-answer",
            Self::Bake => "bake",
            Self::ProveWorkers => "prove-workers",
            Self::Confirm => "confirm",
        }
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Step {
    /// Its name.
    pub const fn name(&self) -> StepName {
        match self {
            Self::CheckDisk { .. } => StepName::CheckDisk,
            Self::Stage { .. } => StepName::Stage,
            Self::Seal { .. } => StepName::Seal,
            Self::Gate { .. } => StepName::Gate,
            Self::Verify { .. } => StepName::Verify,
            Self::Arm { .. } => StepName::Arm,
            Self::Switch { .. } => StepName::Switch,
            Self::AwaitAnswer { .. } => StepName::AwaitAnswer,
            Self::Bake { .. } => StepName::Bake,
            Self::ProveWorkers {} => StepName::ProveWorkers,
            Self::Confirm { .. } => StepName::Confirm,
        }
    }
}
