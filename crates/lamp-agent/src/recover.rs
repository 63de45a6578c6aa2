//! What is to be done with a site at which something was under way when its agent ended, or whose
//! going back could not be finished. Pure: three facts in, one decision with its reason out.
//!
//! The log is the truth about how a deployment ended; an armed switch on disk means that a release may
//! answer unconfirmed; the link says what answers.

use lamp_model::event::{Event, Outcome, Reason};
use lamp_model::name::{DeploymentId, ReleaseId};
use lamp_model::plan::{PlanKind, StepName};
use lamp_model::port::Live;
use lamp_model::state::{Deployment, Phase, Site};

use crate::armed::Armed;

/// What is to be done, in this order: `back_to`, then the events, then the tidying that every site gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing was under way.
    AtRest,
    /// An unconfirmed release may answer: the one before answers again, then this end is logged.
    GoBack {
        /// Where the way back leads.
        back_to: Option<ReleaseId>,
        /// The deployment, if the log knows it as under way.
        ends: Option<DeploymentId>,
        /// How it ends.
        outcome: Outcome,
    },
    /// What answers stays: only the end is logged.
    End {
        /// The deployment.
        deployment: DeploymentId,
        /// How it ends.
        outcome: Outcome,
    },
    /// A rollback is done to its end.
    Complete {
        /// The rollback.
        rollback: Box<Deployment>,
    },
}

/// Decides. `reason` is why it did not go on, if this process knows; else its agent ended.
pub fn decide(site: &Site, armed: Option<&Armed>, live: &Live, reason: Option<Reason>) -> Recovery {
    match (&site.active, armed) {
        (Some(active), _) if active.kind == PlanKind::Rollback => of_rollback(active, live, reason),
        (Some(active), _) if active.kind == PlanKind::Test => Recovery::End {
            deployment: active.id.clone(),
            outcome: Outcome::NotSwitched {
                reason: reason.unwrap_or(Reason::AgentEnded),
            },
        },
        (Some(active), _) => of_deployment(active, armed, live, reason.unwrap_or(Reason::AgentEnded)),
        (None, Some(armed)) => of_orphan(site, armed, live, reason.unwrap_or(Reason::AgentEnded)),
        (None, None) => Recovery::AtRest,
    }
}

/// Interrupted, it is completed. Only a step's own failure ends it, where it stands by then.
fn of_rollback(active: &Deployment, live: &Live, reason: Option<Reason>) -> Recovery {
    let outcome = match reason {
        None | Some(Reason::AgentEnded | Reason::LogUnavailable { .. }) => {
            return Recovery::Complete {
                rollback: Box::new(active.clone()),
            };
        }
        Some(reason) if answers(live, &active.to) => Outcome::Unproven { reason },
        Some(reason) => Outcome::NotSwitched { reason },
    };
    Recovery::End {
        deployment: active.id.clone(),
        outcome,
    }
}

fn of_deployment(active: &Deployment, armed: Option<&Armed>, live: &Live, reason: Reason) -> Recovery {
    let may_have_answered =
        active.phase.is_switched() || answers(live, &active.to) || was_switching(active, &reason);
    if may_have_answered || follows_a_switch(&reason) {
        return Recovery::GoBack {
            back_to: armed.map_or_else(|| active.from.clone(), |armed| armed.back_to.clone()),
            ends: Some(active.id.clone()),
            outcome: Outcome::WentBack { reason },
        };
    }
    Recovery::End {
        deployment: active.id.clone(),
        outcome: Outcome::NotSwitched { reason },
    }
}

/// Killed in the step of the switch, as far as the log knows: the release may have answered, and the way back may have been taken, both
/// before anything was written down of it.
fn was_switching(active: &Deployment, reason: &Reason) -> bool {
    let Phase::Armed { index } = active.phase else {
        return false;
    };
    let step = usize::try_from(index)
        .ok()
        .and_then(|index| active.steps.get(index));
    *reason == Reason::AgentEnded && step == Some(&StepName::Switch)
}

/// A log that could not be written may not know of a switch that was made, and of the way back taken since.
fn follows_a_switch(reason: &Reason) -> bool {
    match reason {
        Reason::ProbeFailed { .. } | Reason::JudgedBad { .. } | Reason::WorkersBehind { .. } => true,
        Reason::StepFailed { step, .. } => *step > StepName::Switch,
        Reason::GateBlocked { .. }
        | Reason::AgentEnded
        | Reason::LogUnavailable { .. }
        | Reason::Asked { .. } => false,
    }
}

/// An armed switch that the log does not know as under way: its end is logged already, or the log is
/// not the one that it was armed under. A confirmed release stays; anything else goes back.
fn of_orphan(site: &Site, armed: &Armed, live: &Live, reason: Reason) -> Recovery {
    let ended = site
        .last
        .as_ref()
        .is_some_and(|last| last.deployment.id == armed.deployment);
    if ended || !answers(live, &armed.to) {
        return Recovery::AtRest;
    }
    Recovery::GoBack {
        back_to: armed.back_to.clone(),
        ends: None,
        outcome: Outcome::WentBack { reason },
    }
}

fn answers(live: &Live, release: &ReleaseId) -> bool {
    matches!(live, Live::Release(live) if live == release)
}

/// The events that tell of going back.
pub fn went_back(
    deployment: &DeploymentId,
    from: &ReleaseId,
    back_to: Option<&ReleaseId>,
    switch_micros: u64,
) -> Event {
    Event::Switched {
        deployment: deployment.clone(),
        from: Some(from.clone()),
        to: back_to.cloned(),
        switch_micros,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lamp_model::event::Actor;
    use lamp_model::name::SiteName;

    fn release(id: &str) -> ReleaseId {
        ReleaseId::parse(id).expect("valid")
    }

    fn id(number: u64) -> DeploymentId {
        DeploymentId::new(SiteName::parse("shop").expect("valid"), number)
    }

    /// Deployment 2 of `shop`, from release `a` to release `b`.
    fn under_way(kind: PlanKind, phase: Phase) -> Site {
        let active = Deployment {
            id: id(2),
            kind,
            from: Some(release("a")),
            to: release("b"),
            by: Actor { uid: 0, pid: 1 },
            planned_at: "2026-11-22T06:40:00Z".parse().expect("a time"),
            steps: StepName::ALL.to_vec(),
            phase,
        };
        Site {
            active: Some(active),
            ..Site::default()
        }
    }

    fn armed() -> Armed {
        Armed {
            deployment: id(2),
            to: release("b"),
            back_to: Some(release("a")),
            boot_id: "boot".into(),
        }
    }

    #[track_caller]
    fn check(site: &Site, is_armed: bool, live: &str, expected: &str) {
        let armed = is_armed.then(armed);
        let decided = decide(site, armed.as_ref(), &Live::Release(release(live)), None);
        let short = match decided {
            Recovery::AtRest => "at rest".to_owned(),
            Recovery::GoBack {
                back_to,
                ends,
                outcome,
            } => {
                assert_eq!(
                    outcome,
                    Outcome::WentBack {
                        reason: Reason::AgentEnded
                    }
                );
                format!("back to {back_to:?} ending {}", ends.is_some())
            }
            Recovery::End { outcome, .. } => {
                assert_eq!(
                    outcome,
                    Outcome::NotSwitched {
                        reason: Reason::AgentEnded
                    }
                );
                "end".to_owned()
            }
            Recovery::Complete { .. } => "complete".to_owned(),
        };
        assert_eq!(short, expected, "{site:?} {is_armed} {live}");
    }

    #[test]
    fn a_deployment_goes_back_only_if_its_release_may_have_answered() {
        let back = "back to Some(ReleaseId(\"a\")) ending true";
        let preparing = under_way(PlanKind::Deploy, Phase::Preparing { index: 1 });
        check(&preparing, false, "a", "end");
        let is_armed = under_way(PlanKind::Deploy, Phase::Armed { index: 5 });
        check(&is_armed, true, "a", "end");
        check(&is_armed, true, "b", back);
        let switching = under_way(PlanKind::Deploy, Phase::Armed { index: 6 });
        check(&switching, true, "a", back);
        check(&switching, true, "b", back);
        let switched = under_way(PlanKind::Deploy, Phase::Switched { index: 6 });
        check(&switched, true, "b", back);
        check(&switched, true, "a", back);
        check(&switched, false, "b", back);
    }

    #[test]
    fn a_rollback_is_completed_whatever_it_had_reached() {
        for phase in [
            Phase::Planned,
            Phase::Armed { index: 1 },
            Phase::Switched { index: 2 },
        ] {
            check(
                &under_way(PlanKind::Rollback, phase.clone()),
                true,
                "a",
                "complete",
            );
            check(&under_way(PlanKind::Rollback, phase), false, "b", "complete");
        }
    }

    #[test]
    fn a_test_only_ends_whatever_is_live() {
        for live in ["a", "b"] {
            let phase = Phase::Preparing { index: 3 };
            check(&under_way(PlanKind::Test, phase), false, live, "end");
        }
    }

    #[test]
    fn an_armed_switch_whose_end_is_logged_is_only_tidied_away() {
        let mut site = under_way(PlanKind::Deploy, Phase::Switched { index: 6 });
        let deployment = site.active.take().expect("under way");
        site.last = Some(lamp_model::state::Ended {
            at: deployment.planned_at,
            deployment,
            outcome: Outcome::Confirmed,
        });
        check(&site, true, "b", "at rest");
        check(
            &Site::default(),
            true,
            "b",
            "back to Some(ReleaseId(\"a\")) ending false",
        );
        check(&Site::default(), true, "a", "at rest");
        check(&Site::default(), false, "b", "at rest");
    }

    #[test]
    fn a_rollback_whose_step_failed_ends_where_it_stands() {
        let site = under_way(PlanKind::Rollback, Phase::Switched { index: 2 });
        let failed = Reason::ProbeFailed {
            path: "/".into(),
            answer: "answered 500".into(),
        };
        let decide = |live: &str| {
            let live = Live::Release(release(live));
            recover_end(decide(&site, None, &live, Some(failed.clone())))
        };
        assert!(matches!(decide("b"), Outcome::Unproven { .. }));
        assert!(matches!(decide("a"), Outcome::NotSwitched { .. }));
    }

    fn recover_end(recovery: Recovery) -> Outcome {
        let Recovery::End { outcome, .. } = recovery else {
            panic!("{recovery:?} is no end");
        };
        outcome
    }
}
