//! What a deployment or a rollback will do: pure decisions from facts about the store.
//!
//! The plan that comes out is what `--dry-run` prints and what the agent executes; or else a refusal that
//! names the reason, and production stays as it is.

use std::time::Duration;

use lamp_fleet::dir::Space;
use lamp_model::plan::{GateScope, PlanKind};
use lamp_model::port::Live;
use lamp_model::{DeploymentId, Plan, ReleaseId, Step};

use crate::store::{Cost, Survey};

/// How long a first release is waited for at least, however short its bake: Apache writes its lines behind the answers.
const AWAITED_AT_LEAST: Duration = Duration::from_secs(2);

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

/// What the gate rests on, and whether it may be passed though it is shut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateTerms {
    /// On what.
    pub scope: GateScope,
    /// Why the release goes even if the gate is shut; `None`: it does not.
    pub overridden: Option<String>,
}

/// How a release comes into production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What it must pass before.
    pub gate: GateTerms,
    /// How it is watched afterwards.
    pub watch: Watch,
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
    /// A site without a gate has nothing to test by.
    #[error("the gate of this site is switched off")]
    NoGate,
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
            Self::NoGate => {
                "write `gate = \"check\"` or `gate = \"full\"` into the site's section of lamp.toml"
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
    terms: &Terms,
    facts: &Facts,
) -> Result<Plan, Refusal> {
    let to = coming.release();
    let mut steps = to_the_gate(coming, &terms.gate, facts)?;
    let back_to = way_back(facts, to);
    if let Some(release) = &back_to {
        steps.push(Step::Verify {
            release: release.clone(),
        });
    }
    let is_first = back_to.is_none();
    steps.push(Step::Arm { back_to });
    steps.push(Step::Switch { to: to.clone() });
    steps.extend(
        terms
            .watch
            .probes
            .first()
            .filter(|_| is_first)
            .map(|probe| Step::AwaitAnswer {
                within_millis: millis(terms.watch.bake.max(AWAITED_AT_LEAST)),
                probe: probe.clone(),
            }),
    );
    steps.extend(proving(to, &terms.watch));
    Ok(Plan {
        deployment,
        kind: PlanKind::Deploy,
        from: from(facts),
        to: to.clone(),
        steps,
    })
}

/// The plan that stores `coming` and puts it to the gate: production is not touched.
pub fn test(
    deployment: DeploymentId,
    coming: &Coming,
    scope: GateScope,
    facts: &Facts,
) -> Result<Plan, Refusal> {
    if scope == GateScope::Off {
        return Err(Refusal::NoGate);
    }
    let terms = GateTerms {
        scope,
        overridden: None,
    };
    Ok(Plan {
        deployment,
        kind: PlanKind::Test,
        from: from(facts),
        to: coming.release().clone(),
        steps: to_the_gate(coming, &terms, facts)?,
    })
}

/// Stored, or found whole in the store, and put to the gate.
fn to_the_gate(coming: &Coming, gate: &GateTerms, facts: &Facts) -> Result<Vec<Step>, Refusal> {
    let to = coming.release();
    if is_live(facts, to) {
        return Err(Refusal::AlreadyLive { release: to.clone() });
    }
    let mut steps = match coming {
        Coming::New { release, survey } => storing(release, &survey.cost, facts.space)?,
        Coming::Stored { release } => vec![Step::Verify {
            release: in_store(facts, release)?.clone(),
        }],
    };
    if gate.scope != GateScope::Off {
        steps.push(Step::Gate {
            release: to.clone(),
            against: from(facts),
            scope: gate.scope,
            overridden: gate.overridden.clone(),
        });
    }
    Ok(steps)
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
    steps.push(Step::Switch { to: release.clone() });
    steps.extend(proving(&release, watch));
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

fn storing(release: &ReleaseId, cost: &Cost, space: Space) -> Result<Vec<Step>, Refusal> {
    check_space(cost.needed_bytes, cost.needed_inodes, space)?;
    Ok(vec![
        Step::CheckDisk {
            needed_bytes: cost.needed_bytes,
            needed_inodes: cost.needed_inodes,
        },
        Step::Stage {
            release: release.clone(),
            shared_files: cost.shared_files,
            new_files: cost.new_files,
            new_bytes: cost.new_bytes,
        },
        Step::Seal {
            release: release.clone(),
        },
    ])
}

fn proving(to: &ReleaseId, watch: &Watch) -> [Step; 3] {
    [
        Step::Bake {
            bake_millis: millis(watch.bake),
            probes: watch.probes.clone(),
        },
        Step::ProveWorkers {},
        Step::Confirm { release: to.clone() },
    ]
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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

/// What answers now answers again; with `current` broken or gone, that is the last good release.
fn way_back(facts: &Facts, to: &ReleaseId) -> Option<ReleaseId> {
    let back = match &facts.live {
        Live::Release(release) => Some(release),
        Live::Invalid(_) | Live::Nothing => facts.last_good.as_ref(),
    };
    back.filter(|release| *release != to).cloned()
}

#[cfg(test)]
mod tests {
    use lamp_model::SiteName;

    use super::*;

    const SPACE: Space = Space {
        total_inodes: 1_000_000,
        usable_bytes: 1_000_000,
        total_bytes: 1_000_000,
        free_bytes: 500_000,
        free_inodes: 1_000,
        block_bytes: 4_096,
    };

    fn id(text: &str) -> ReleaseId {
        ReleaseId::parse(text).expect("a name")
    }

    fn deployment() -> DeploymentId {
        DeploymentId::new(SiteName::parse("shop").expect("a name"), 7)
    }

    fn watch() -> Watch {
        Watch {
            bake: Duration::from_secs(120),
            probes: vec!["/".to_owned()],
        }
    }

    fn terms(scope: GateScope) -> Terms {
        Terms {
            gate: GateTerms {
                scope,
                overridden: None,
            },
            watch: watch(),
        }
    }

    fn facts(live: Live) -> Facts {
        Facts {
            live,
            last_good: Some(id("a")),
            rollback_target: Some(id("a")),
            stored: vec![id("a"), id("b")],
            space: SPACE,
        }
    }

    fn new(release: &str, needed_bytes: u64, needed_inodes: u64) -> Coming {
        let cost = Cost {
            shared_files: 9,
            new_files: 1,
            new_bytes: 5,
            needed_bytes,
            needed_inodes,
        };
        Coming::New {
            release: id(release),
            survey: Survey::costing(cost),
        }
    }

    /// One line per step, as `arm back_to=a`.
    fn steps(plan: Result<Plan, Refusal>) -> String {
        let plan = match plan {
            Ok(plan) => plan,
            Err(refusal) => return format!("{refusal}\n{}", refusal.way_out()),
        };
        let from = plan.from.as_ref().map_or("nothing", ReleaseId::as_str);
        let mut text = format!("{from} -> {}\n", plan.to);
        for step in &plan.steps {
            text.push_str(&serde_json::to_string(step).expect("a step is text"));
            text.push('\n');
        }
        text
    }

    #[test]
    fn a_first_deployment_stores_and_has_nothing_to_go_back_to() {
        let facts = Facts {
            last_good: None,
            ..facts(Live::Nothing)
        };
        insta::assert_snapshot!(steps(deploy(
            deployment(),
            &new("c", 400_000, 9),
            &terms(GateScope::Off),
            &facts
        )));
    }

    #[test]
    fn a_deployment_verifies_what_it_would_go_back_to() {
        let facts = facts(Live::Release(id("b")));
        insta::assert_snapshot!(steps(deploy(
            deployment(),
            &new("c", 400_000, 9),
            &terms(GateScope::Off),
            &facts
        )));
    }

    #[test]
    fn a_stored_tree_is_verified_instead_of_stored() {
        let (facts, coming) = (facts(Live::Release(id("b"))), Coming::Stored { release: id("a") });
        insta::assert_snapshot!(steps(deploy(
            deployment(),
            &coming,
            &terms(GateScope::Off),
            &facts
        )));
    }

    #[test]
    fn the_gate_stands_before_anything_of_production_is_looked_at() {
        let facts = facts(Live::Release(id("b")));
        let overridden = Terms {
            gate: GateTerms {
                scope: GateScope::Check,
                overridden: Some("the shop must close at noon".to_owned()),
            },
            watch: watch(),
        };
        let (fresh, stored) = (new("c", 1, 1), Coming::Stored { release: id("a") });
        let plan = |coming: &Coming, terms: &Terms| steps(deploy(deployment(), coming, terms, &facts));
        let told = [
            plan(&fresh, &terms(GateScope::Full)),
            plan(&stored, &terms(GateScope::Check)),
            plan(&stored, &overridden),
        ];
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_test_ends_at_the_gate_and_needs_one() {
        let facts = facts(Live::Release(id("b")));
        let test = |coming: &Coming, scope| steps(test(deployment(), coming, scope, &facts));
        let told = [
            test(&new("c", 1, 1), GateScope::Full),
            test(&Coming::Stored { release: id("a") }, GateScope::Check),
            test(&new("c", 1, 1), GateScope::Off),
        ];
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn with_a_broken_or_missing_link_the_way_back_is_the_last_good_release() {
        for live in [Live::Invalid("../x".to_owned()), Live::Nothing] {
            let plan = deploy(
                deployment(),
                &new("c", 1, 1),
                &terms(GateScope::Off),
                &facts(live),
            );
            let plan = plan.expect("a plan");
            assert_eq!(plan.from, None);
            assert!(plan.steps.contains(&Step::Arm {
                back_to: Some(id("a"))
            }));
        }
    }

    #[test]
    fn a_rollback_is_armed_forward() {
        let facts = facts(Live::Release(id("b")));
        insta::assert_snapshot!(steps(rollback(deployment(), None, &watch(), &facts)));
    }

    #[test]
    fn refusals_name_the_reason_and_the_way_out() {
        let live = facts(Live::Release(id("b")));
        let nowhere = Facts {
            rollback_target: None,
            ..live.clone()
        };
        let plan = |coming: &Coming| deploy(deployment(), coming, &terms(GateScope::Off), &live);
        let told = [
            steps(plan(&new("c", 500_001, 9))),
            steps(plan(&new("c", 1, 1_001))),
            steps(plan(&Coming::Stored { release: id("b") })),
            steps(plan(&Coming::Stored { release: id("gone") })),
            steps(rollback(deployment(), None, &watch(), &nowhere)),
            steps(rollback(deployment(), Some(&id("gone")), &watch(), &live)),
            steps(rollback(deployment(), Some(&id("b")), &watch(), &live)),
        ];
        insta::assert_snapshot!(told.join("\n\n"));
        assert!(
            plan(&new("c", 500_000, 1_000)).is_ok(),
            "the control: just enough"
        );
    }
}
