//! Does a plan, step by step: each begun and ended in the log, held at its hold points. Makes no choice:
//! what cannot be done ends the plan with a reason, and [`crate::settle`] decides what follows.
//!
//! The log is told durably before a switch, of the end, of whatever is under way for a while, and at a
//! hold point that holds; what happens between two of these is one record.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_model::event::{Event, Outcome, Reason};
use lamp_model::evidence::{Evidence, Verdict};
use lamp_model::gate::{Blocker, Gate};
use lamp_model::name::{DeploymentId, ReleaseId, SiteName};
use lamp_model::plan::{Plan, PlanKind, Step, StepName};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::armed::{Armed, ArmedDir};
use crate::desk::Desk;
use crate::guard::{Finding, Live};
use crate::hands::{Delivery, Fact, HandsError};
use crate::hold::{Moment, Side};
use crate::ledger::{Leave, Ledger, Notes};
use crate::recover::went_back;

/// How often a probe of one bake may fail although the release answers when it is asked again.
const GLITCHES_MAX: u32 = 3;
/// Before a bake begins anew.
const BAKE_AGAIN: Duration = Duration::from_millis(500);

/// What every execution works with.
#[derive(Clone)]
pub struct Tools {
    /// What is written down.
    pub ledger: Ledger,
    /// Armed switches.
    pub armed: ArmedDir,
    /// Becomes `true` when the agent is to end.
    pub stop: watch::Receiver<bool>,
}

/// What goes from step to step.
struct Course<'a> {
    notes: Notes<'a>,
    ahead: Option<Ahead>,
}

/// A verification that runs beside the steps before it.
struct Ahead {
    /// Its own place in the plan.
    index: usize,
    running: JoinHandle<Result<Fact, HandsError>>,
}

impl Ahead {
    async fn verdict(self) -> Result<Fact, HandsError> {
        let ended = self.running.await;
        ended.unwrap_or_else(|error| Err(HandsError::failed(&error)))
    }
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
        let mut course = Course {
            notes: Notes::new(&self.tools.ledger),
            ahead: None,
        };
        let mut done = Ok(());
        for (index, step) in self.plan.steps.iter().enumerate().skip(first) {
            done = self.step(index, step, &mut course).await;
            if done.is_err() {
                self.go_back_from(step.name(), &done, &mut course.notes).await;
                break;
            }
        }
        // What failed is the reason, even where the log fails as well.
        let told = course.notes.tell().await;
        done.and(told)
    }

    /// What fails after the switch goes back before anything is written down: meanwhile visitors are met by it.
    /// Where that cannot be done, [`crate::settle`] tries again.
    async fn go_back_from(&self, failed: StepName, done: &Result<(), Reason>, notes: &mut Notes<'_>) {
        if self.plan.kind != PlanKind::Deploy || failed <= StepName::Switch {
            return;
        }
        let back_to = way_back(self.plan);
        let since = self.tools.ledger.clock.now();
        let went = self.desk.hands.go_back(back_to).await;
        if let Err(Reason::JudgedBad { evidence }) = done {
            notes.add([self.judged(evidence)]);
        }
        match went {
            Ok(Fact::Switched { switch_micros }) => {
                self.answers(back_to, None, since);
                let Plan { deployment, to, .. } = self.plan;
                notes.add([went_back(deployment, to, back_to, switch_micros)]);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(site = %self.desk.site, %error, "does not go back yet"),
        }
    }

    fn judged(&self, evidence: &Evidence) -> Event {
        Event::Judged {
            site: self.desk.site.clone(),
            deployment: Some(self.plan.deployment.clone()),
            verdict: Box::new(Verdict::Bad {
                evidence: Box::new(evidence.clone()),
            }),
        }
    }

    /// The site's watcher is told at once. `since` is a time before the rename: visitors may have failed before we heard
    /// that it was made, and must not count as a past in which the release had always failed.
    fn answers(&self, release: Option<&ReleaseId>, unconfirmed: Option<&DeploymentId>, since: Timestamp) {
        self.desk.guard.answers(Live {
            release: release.cloned(),
            before: self.plan.from.clone().filter(|from| Some(from) != release),
            since: Some(since),
            unconfirmed: unconfirmed.cloned(),
        });
    }

    async fn step(&self, index: usize, step: &Step, course: &mut Course<'_>) -> Result<(), Reason> {
        let (name, deployment) = (step.name(), &self.plan.deployment);
        self.hold(Side::Before, name, &mut course.notes).await?;
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        course.notes.add([Event::StepStarted {
            deployment: deployment.clone(),
            index: number,
            step: name,
        }]);
        let begun = self.tools.ledger.clock.boot_time();
        let fact = self.do_it(index, step, course).await?;
        let elapsed = self
            .tools
            .ledger
            .clock
            .boot_time()
            .since(&begun)
            .unwrap_or_default();
        let shut = shut(step, &fact);
        course.notes.add(self.told_by(step, fact));
        if let Some(blockers) = shut {
            return Err(Reason::GateBlocked { blockers });
        }
        course.notes.add([Event::StepDone {
            deployment: deployment.clone(),
            index: number,
            step: name,
            elapsed_micros: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        }]);
        if index + 1 == self.plan.steps.len() {
            return self.end(name, course).await;
        }
        self.hold(Side::After, name, &mut course.notes).await
    }

    /// What is confirmed stays so, whoever ends then.
    async fn end(&self, last: StepName, course: &mut Course<'_>) -> Result<(), Reason> {
        course.notes.add([Event::Ended {
            deployment: self.plan.deployment.clone(),
            outcome: match self.plan.kind {
                PlanKind::Deploy | PlanKind::Rollback => Outcome::Confirmed,
                PlanKind::Test => Outcome::Tested,
            },
        }]);
        course.notes.tell().await?;
        let _ = self.hold(Side::After, last, &mut course.notes).await;
        Ok(())
    }

    /// The step's effect, with the log told as far as the step needs it.
    async fn do_it(&self, index: usize, step: &Step, course: &mut Course<'_>) -> Result<Fact, Reason> {
        if matches!(step, Step::Switch { .. }) {
            // The log knows that it is armed before it is made.
            course.notes.tell().await?;
        }
        if matches!(step, Step::Stage { .. }) {
            course.ahead = self.verify_ahead(index);
        }
        let leave = match step {
            Step::Gate { .. } | Step::AwaitAnswer { .. } | Step::Bake { .. } | Step::ProveWorkers {} => {
                Leave::AnyTime
            }
            Step::CheckDisk { .. }
            | Step::Stage { .. }
            | Step::Seal { .. }
            | Step::Verify { .. }
            | Step::Arm { .. }
            | Step::Switch { .. }
            | Step::Confirm { .. } => Leave::AtItsEnd,
        };
        let ahead = course.ahead.take_if(|ahead| ahead.index == index);
        let work = async {
            match ahead {
                Some(ahead) => ahead.verdict().await.map_err(|error| failed(step, &error)),
                None => self.effect(step, leave).await,
            }
        };
        course.notes.tell_beside(work, leave).await?
    }

    /// A verification changes nothing, and what it looks at is not what is being stored: the next one
    /// runs beside the storing. It counts in its own place.
    fn verify_ahead(&self, after: usize) -> Option<Ahead> {
        let mut later = self.plan.steps.iter().enumerate().skip(after);
        let (index, step) = later.find(|(_, step)| matches!(step, Step::Verify { .. }))?;
        let (hands, plan, step) = (Arc::clone(&self.desk.hands), self.plan.clone(), step.clone());
        Some(Ahead {
            index,
            running: tokio::spawn(async move { hands.step(&plan, &step, None).await }),
        })
    }

    /// The step's effect. Confirming has none of its own: its truth is the record in the log, and the
    /// tidying that every site at rest gets follows from it.
    async fn effect(&self, step: &Step, leave: Leave) -> Result<Fact, Reason> {
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
        let begun = self.tools.ledger.clock.now();
        let done = tokio::select! {
            done = self.work(step) => done?,
            () = self.stopped(), if leave == Leave::AnyTime => return Err(Reason::AgentEnded),
            evidence = self.desk.guard.found_bad(&self.plan.deployment), if leave == Leave::AnyTime => {
                return Err(Reason::JudgedBad { evidence });
            }
            by = self.desk.guard.called_back(&self.plan.deployment), if leave == Leave::AnyTime => {
                return Err(Reason::Asked { by });
            }
        };
        if step.name() == self.meets_visitors() {
            let unconfirmed = (self.plan.kind == PlanKind::Deploy).then_some(&self.plan.deployment);
            self.answers(Some(&self.plan.to), unconfirmed, begun);
        }
        Ok(done)
    }

    /// The step that is done as soon as the release answers visitors. Before, there is nothing of it to be watched.
    fn meets_visitors(&self) -> StepName {
        let awaits = |step: &Step| matches!(step, Step::AwaitAnswer { .. });
        if self.plan.steps.iter().any(awaits) {
            StepName::AwaitAnswer
        } else {
            StepName::Switch
        }
    }

    /// What the hands do for it. A probe that fails in the bake may be anybody's fault: if it is not the release's,
    /// the bake begins anew.
    async fn work(&self, step: &Step) -> Result<Fact, Reason> {
        let mut answered = 0;
        loop {
            let done = self.desk.hands.step(self.plan, step, self.delivery.clone()).await;
            let reason = match done {
                Ok(fact) => return Ok(fact),
                Err(error) => failed(step, &error),
            };
            let (Step::Bake { .. }, Reason::ProbeFailed { path, .. }) = (step, &reason) else {
                return Err(reason);
            };
            match self.desk.guard.inquire(path).await {
                Some(Finding::Bad(evidence)) => return Err(Reason::JudgedBad { evidence }),
                Some(Finding::NotTheRelease) => {}
                Some(Finding::ItAnswers) if answered < GLITCHES_MAX => answered += 1,
                Some(Finding::ItAnswers) | None => return Err(reason),
            }
            tokio::time::sleep(BAKE_AGAIN).await;
        }
    }

    fn told_by(&self, step: &Step, fact: Fact) -> Vec<Event> {
        let plan = self.plan;
        let deployment = plan.deployment.clone();
        match (step, fact) {
            (Step::Seal { release }, fact) => stored(deployment.site(), release.clone(), fact)
                .into_iter()
                .collect(),
            (
                Step::Gate {
                    release, overridden, ..
                },
                Fact::Gated { result },
            ) => vec![Event::Gated {
                deployment,
                release: release.clone(),
                overridden: overridden.clone().filter(|_| result.gate != Gate::Passed),
                result,
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
                | Step::AwaitAnswer { .. }
                | Step::Bake { .. }
                | Step::ProveWorkers {},
                _,
            ) => Vec::new(),
        }
    }

    /// Whoever is held there finds in the log all that happened before.
    async fn hold(&self, side: Side, step: StepName, notes: &mut Notes<'_>) -> Result<(), Reason> {
        let (holds, moment) = (&self.tools.ledger.holds, Moment::Step(step));
        if holds.bids(side, moment) {
            notes.tell().await?;
        }
        tokio::select! {
            biased;
            () = self.stopped() => Err(Reason::AgentEnded),
            () = holds.pass(side, moment) => Ok(()),
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

/// What keeps the release from going on, unless somebody said that it goes all the same.
fn shut(step: &Step, fact: &Fact) -> Option<Vec<Blocker>> {
    let (Step::Gate { overridden: None, .. }, Fact::Gated { result }) = (step, fact) else {
        return None;
    };
    match &result.gate {
        Gate::Passed => None,
        Gate::Blocked(blockers) => Some(blockers.clone()),
    }
}

fn way_back(plan: &Plan) -> Option<&ReleaseId> {
    plan.steps.iter().find_map(|step| match step {
        Step::Arm { back_to } => back_to.as_ref(),
        Step::CheckDisk { .. }
        | Step::Stage { .. }
        | Step::Seal { .. }
        | Step::Gate { .. }
        | Step::Verify { .. }
        | Step::Switch { .. }
        | Step::AwaitAnswer { .. }
        | Step::Bake { .. }
        | Step::ProveWorkers {}
        | Step::Confirm { .. } => None,
    })
}

/// The event that tells of a stored release, if the fact is one.
pub fn stored(site: &SiteName, release: ReleaseId, fact: Fact) -> Option<Event> {
    let Fact::Stored {
        tree,
        files,
        size_bytes,
        new_bytes,
        source,
        provenance,
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
        origin: provenance.map(|known| Box::new(known.origin)),
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
