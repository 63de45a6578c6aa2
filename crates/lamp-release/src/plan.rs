//! What a deployment or a rollback will do: pure decisions from facts about the store.
//!
//! The plan that comes out is what `--dry-run` prints and what the agent executes; or else a refusal that
//! names the reason, and production stays as it is.

use std::time::Duration;

use lamp_fleet::dir::Space;
use lamp_model::plan::PlanKind;
use lamp_model::port::Live;
use lamp_model::{DeploymentId, Plan, ReleaseId, Step};

use crate::store::Survey;

/// What the store and the log say while the plan is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What answers requests.
    pub live: Live,
    /// The last confirmed release, as the store's link says.
    pub last_good: Option<ReleaseId>,
    /// Where a rollback without a named release leads, as the log says.
    pub rollback_target: Option<ReleaseId>,
    /// The releases that the store holds.
    pub stored: Vec<ReleaseId>,
    /// What is left on the store's disk.
    pub space: Space,
}

/// How a release is to be watched after the switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// How long.
    pub bake: Duration,
    /// Paths that must answer 2xx or 3xx.
    pub probes: Vec<String>,
}

/// What comes into production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coming {
    /// A tree that the store does not hold yet.
    New {
        /// The release that it becomes.
        release: ReleaseId,
        /// What storing it takes.
        survey: Survey,
    },
    /// A tree that the store holds already.
    Stored {
        /// As this release.
        release: ReleaseId,
    },
}

/// Why there is no plan. Production is untouched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It would change nothing.
    #[error("release {release} is live already")]
    AlreadyLive {
        /// Which.
        release: ReleaseId,
    },
    /// No other release was ever proven good, or none is left.
    #[error("there is no release to roll back to: no other one in the store was ever proven good")]
    NothingToRollBackTo,
    /// The store does not hold it.
    #[error("the store holds no release {release}")]
    NoRelease {
        /// Which.
        release: ReleaseId,
    },
    /// The release is larger than what is free.
    #[error(
        "the release needs {needed_bytes} bytes on the store's disk, and {free_bytes} of {total_bytes} are free"
    )]
    DiskTooSmall {
        /// What it takes.
        needed_bytes: u64,
        /// What is free.
        free_bytes: u64,
        /// What the disk can hold at all.
        total_bytes: u64,
    },
    /// More files than the filesystem can still hold.
    #[error("the release needs {needed_inodes} inodes on the store's disk, and {free_inodes} are free")]
    TooFewInodes {
        /// What it takes.
        needed_inodes: u64,
        /// What is free.
        free_inodes: u64,
    },
}

impl Refusal {
    /// What to do about it, as a sentence for people.
    pub const fn way_out(&self) -> &'static str {
        match self {
            Self::AlreadyLive { .. } => "nothing is to be done",
            Self::NothingToRollBackTo => {
                "name a release with `--to`; `lamp release list` shows those that are stored"
            }
            Self::NoRelease { .. } => "`lamp release list` shows those that are stored",
            Self::DiskTooSmall { .. } | Self::TooFewInodes { .. } => {
                "free space there: `lamp release prune` removes releases that nothing needs"
            }
        }
    }
}

/// The plan that brings `coming` into production.
pub fn deploy(
    deployment: DeploymentId,
    coming: &Coming,
    watch: &Watch,
    facts: &Facts,
) -> Result<Plan, Refusal> {
    let to = coming.release();
    if is_live(facts, to) {
        return Err(Refusal::AlreadyLive { release: to.clone() });
    }
    let mut steps = match coming {
        Coming::New { release, survey } => storing(release, survey, facts.space)?,
        Coming::Stored { release } => vec![Step::Verify {
            release: in_store(facts, release)?.clone(),
        }],
    };
    let back_to = way_back(facts, to);
    if let Some(release) = &back_to {
        steps.push(Step::Verify {
            release: release.clone(),
        });
    }
    steps.push(Step::Arm { back_to });
    steps.extend(switching(to, watch));
    Ok(Plan {
        deployment,
        kind: PlanKind::Deploy,
        from: from(facts),
        to: to.clone(),
        steps,
    })
}

/// The plan that brings `to`, or else the last proven release, back. Interrupted, it is completed: the way
/// that it arms leads forward.
pub fn rollback(
    deployment: DeploymentId,
    to: Option<&ReleaseId>,
    watch: &Watch,
    facts: &Facts,
) -> Result<Plan, Refusal> {
    let chosen = to
        .or(facts.rollback_target.as_ref())
        .ok_or(Refusal::NothingToRollBackTo)?;
    if is_live(facts, chosen) {
        return Err(Refusal::AlreadyLive {
            release: chosen.clone(),
        });
    }
    let release = in_store(facts, chosen)?.clone();
    let mut steps = vec![
        Step::Verify {
            release: release.clone(),
        },
        Step::Arm {
            back_to: Some(release.clone()),
        },
    ];
    steps.extend(switching(&release, watch));
    Ok(Plan {
        deployment,
        kind: PlanKind::Rollback,
        from: from(facts),
        to: release,
        steps,
    })
}

impl Coming {
    /// Which release it is, or becomes.
    pub const fn release(&self) -> &ReleaseId {
        match self {
            Self::New { release, .. } | Self::Stored { release } => release,
        }
    }
}

fn storing(release: &ReleaseId, survey: &Survey, space: Space) -> Result<Vec<Step>, Refusal> {
    check_space(survey.needed_bytes, survey.needed_inodes, space)?;
    Ok(vec![
        Step::CheckDisk {
            needed_bytes: survey.needed_bytes,
            needed_inodes: survey.needed_inodes,
        },
        Step::Stage {
            release: release.clone(),
            shared_files: survey.shared_files,
            new_files: survey.new.len() as u64,
            new_bytes: survey.new_bytes,
        },
        Step::Seal {
            release: release.clone(),
        },
    ])
}

fn switching(to: &ReleaseId, watch: &Watch) -> [Step; 4] {
    [
        Step::Switch { to: to.clone() },
        Step::Bake {
            bake_millis: u64::try_from(watch.bake.as_millis()).unwrap_or(u64::MAX),
            probes: watch.probes.clone(),
        },
        Step::ProveWorkers {},
        Step::Confirm { release: to.clone() },
    ]
}

/// Refuses what would fill the disk.
pub fn check_space(needed_bytes: u64, needed_inodes: u64, space: Space) -> Result<(), Refusal> {
    if needed_bytes > space.free_bytes {
        return Err(Refusal::DiskTooSmall {
            needed_bytes,
            free_bytes: space.free_bytes,
            total_bytes: space.total_bytes,
        });
    }
    if needed_inodes > space.free_inodes {
        return Err(Refusal::TooFewInodes {
            needed_inodes,
            free_inodes: space.free_inodes,
        });
    }
    Ok(())
}

fn is_live(facts: &Facts, release: &ReleaseId) -> bool {
    facts.live == Live::Release(release.clone())
}

fn in_store<'a>(facts: &Facts, release: &'a ReleaseId) -> Result<&'a ReleaseId, Refusal> {
    if facts.stored.contains(release) {
        return Ok(release);
    }
    Err(Refusal::NoRelease {
        release: release.clone(),
    })
}

fn from(facts: &Facts) -> Option<ReleaseId> {
    match &facts.live {
        Live::Release(release) => Some(release.clone()),
        Live::Nothing | Live::Invalid(_) => None,
    }
}

/// What answers now answers again; with `current` broken, that is the last good release.
fn way_back(facts: &Facts, to: &ReleaseId) -> Option<ReleaseId> {
    let back = match &facts.live {
        Live::Release(release) => Some(release),
        Live::Invalid(_) => facts.last_good.as_ref(),
        Live::Nothing => None,
    };
    back.filter(|release| *release != to).cloned()
}
