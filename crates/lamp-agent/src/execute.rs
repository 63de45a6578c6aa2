//! Does a plan, step by step: each begun and ended in the log, held at its hold points. Makes no choice:
//! what cannot be done ends the plan with a reason, and [`crate::settle`] decides what follows.

use std::sync::Arc;

use lamp_model::event::{Event, Outcome, Reason};
use lamp_model::name::SiteName;
use lamp_model::plan::{Plan, PlanKind, Step, StepName};
use tokio::sync::watch;

use crate::armed::{Armed, ArmedDir};
use crate::desk::Desk;
use crate::hands::{Delivery, Fact, HandsError};
use crate::hold::{Holds, Side};
use crate::ledger::Ledger;

/// What every execution works with.
#[derive(Clone)]
pub struct Tools {
    /// What is written down.
    pub ledger: Ledger,
    /// Armed switches.
    pub armed: ArmedDir,
    /// Hold points.
    pub holds: Holds,
    /// Becomes `true` when the agent is to end.
    pub stop: watch::Receiver<bool>,
}

/// One plan in execution.
pub struct Execution<'a> {
    /// Where.
    pub desk: &'a Desk,
    /// With what.
    pub tools: &'a Tools,
    /// What.
    pub plan: &'a Plan,
    /// What was handed over for it.
    pub delivery: Option<Arc<Delivery>>,
}

impl Execution<'_> {
    /// Does the steps from this index on. Done, the end stands in the log; an error is why it went no
    /// further, and leaves the rest to [`crate::settle`].
    pub async fn run(&self, first: usize) -> Result<(), Reason> {
        for (index, step) in self.plan.steps.iter().enumerate().skip(first) {
            self.step(u32::try_from(index).unwrap_or(u32::MAX), step).await?;
        }
        Ok(())
    }

    async fn step(&self, index: u32, step: &Step) -> Result<(), Reason> {
        let name = step.name();
        self.hold(Side::Before, name).await?;
        let deployment = self.plan.deployment.clone();
        let started = Event::StepStarted {
            deployment,
            index,
            step: name,
        };
        self.tools.ledger.log(vec![started]).await?;
        let begun = self.tools.ledger.clock.boot_time();
        let fact = self.effect(step).await?;
        let elapsed = self
            .tools
            .ledger
            .clock
            .boot_time()
            .since(&begun)
            .unwrap_or_default();
        let mut events = self.told_by(step, fact);
        events.push(Event::StepDone {
            deployment: self.plan.deployment.clone(),
            index,
            step: name,
            elapsed_micros: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        });
        if matches!(step, Step::Confirm { .. }) {
            events.push(Event::Ended {
                deployment: self.plan.deployment.clone(),
                outcome: Outcome::Confirmed,
            });
        }
        self.tools.ledger.log(events).await?;
        self.hold(Side::After, name).await.or_else(|stopped| {
            // What is confirmed stays so, whoever ends then.
            if name == StepName::Confirm {
                Ok(())
            } else {
                Err(stopped)
            }
        })
    }

    /// The step's effect. Confirming has none of its own: its truth is the record in the log, and the
    /// tidying that every site at rest gets follows from it.
    async fn effect(&self, step: &Step) -> Result<Fact, Reason> {
        if let Step::Arm { back_to } = step {
            let armed = Armed {
                deployment: self.plan.deployment.clone(),
                to: self.plan.to.clone(),
                back_to: back_to.clone(),
                boot_id: self.tools.ledger.clock.boot_time().boot_id,
            };
            let put = self.tools.armed.put(&armed);
            put.map_err(|error| failed(step, &HandsError::failed(&error)))?;
        }
        let doing = self.desk.hands.step(self.plan, step, self.delivery.clone());
        let may_stop = matches!(step, Step::Gate { .. } | Step::Bake { .. } | Step::ProveWorkers {});
        let done = tokio::select! {
            done = doing => done,
            () = self.stopped(), if may_stop => return Err(Reason::AgentEnded),
        };
        done.map_err(|error| failed(step, &error))
    }

    fn told_by(&self, step: &Step, fact: Fact) -> Vec<Event> {
        let plan = self.plan;
        let deployment = plan.deployment.clone();
        match (step, fact) {
            (Step::Seal { release }, fact) => stored(deployment.site(), release.clone(), fact)
                .into_iter()
                .collect(),
            (Step::Gate { release, overridden, .. }, Fact::Gated { result }) => vec![Event::Gated {
                deployment,
                release: release.clone(),
                result,
                overridden: overridden.clone(),
            }],
            (Step::Arm { back_to }, _) => vec![Event::Armed {
                deployment,
                back_to: back_to.clone(),
            }],
            (Step::Switch { to }, Fact::Switched { switch_micros }) => vec![Event::Switched {
                deployment,
                from: plan.from.clone(),
                to: Some(to.clone()),
                switch_micros,
            }],
            (Step::Confirm { release }, _) => vec![Event::Proven {
                site: deployment.site().clone(),
                release: release.clone(),
            }],
            (
                Step::CheckDisk { .. }
                | Step::Stage { .. }
                | Step::Gate { .. }
                | Step::Verify { .. }
                | Step::Switch { .. }
                | Step::Bake { .. }
                | Step::ProveWorkers {},
                _,
            ) => Vec::new(),
        }
    }

    async fn hold(&self, side: Side, step: StepName) -> Result<(), Reason> {
        tokio::select! {
            biased;
            () = self.stopped() => Err(Reason::AgentEnded),
            () = self.tools.holds.pass(side, step) => Ok(()),
        }
    }

    /// Resolves when this plan is to go no further. A rollback goes on to its end: it is short, and what
    /// it leaves was called bad by a person.
    async fn stopped(&self) {
        if self.plan.kind == PlanKind::Rollback {
            return std::future::pending().await;
        }
        let mut stop = self.tools.stop.clone();
        // The sender lives as long as the agent: an error means that it is gone.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// The event that tells of a stored release, if the fact is one.
pub fn stored(site: &SiteName, release: lamp_model::ReleaseId, fact: Fact) -> Option<Event> {
    let Fact::Stored {
        tree,
        files,
        size_bytes,
        new_bytes,
        source,
    } = fact
    else {
        return None;
    };
    Some(Event::Stored {
        site: site.clone(),
        release,
        tree,
        files,
        size_bytes,
        new_bytes,
        source,
    })
}

fn failed(step: &Step, error: &HandsError) -> Reason {
    if let HandsError::Judged(reason) = error {
        return reason.clone();
    }
    Reason::StepFailed {
        step: step.name(),
        error: error.to_string(),
    }
}
