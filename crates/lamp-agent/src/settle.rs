//! Puts a site right: after a start, after a step that failed, and again and again while it cannot be
//! done. One path for all of them; each run may be the first or the hundredth.

use lamp_model::event::{Event, Outcome, Reason};
use lamp_model::name::{DeploymentId, ReleaseId};
use lamp_model::port::Live;
use lamp_model::state::{Deployment, Site};

use crate::armed::{Armed, ArmedDir};
use crate::desk::{Condition, Desk, Unsettled};
use crate::execute::{Execution, Tools, stored};
use crate::hands::{Fact, HandsError};
use crate::recover::{self, Recovery};

/// What an attempt leaves undone; the next one begins with it.
type Undone = Unsettled;

/// Puts `desk` right, given what is known; answers what it is then. Sets nothing.
pub async fn settle(desk: &Desk, tools: &Tools, before: Unsettled) -> Condition {
    match (Settling { desk, tools }).run(before.clone()).await {
        Ok(()) => {
            desk.guard.at_rest(&tools.ledger.site(&desk.site));
            Condition::AtRest
        }
        Err(undone) => {
            if undone.why != before.why {
                tracing::warn!(site = %desk.site, why = undone.why, "not settled; tried again");
            }
            Condition::Unsettled(undone)
        }
    }
}

/// Tries again at a site that is unsettled, and sets what comes of it.
pub async fn settle_again(desk: &Desk, tools: &Tools) {
    match desk.condition() {
        Condition::AtRest | Condition::Running(_) | Condition::Pruning => {}
        Condition::Unsettled(before) => desk.set(settle(desk, tools, before).await),
    }
}

/// For an agent that cannot use its log and so will not start: what is armed and unconfirmed goes back all
/// the same. The armed switch stays on disk, so that the next start with a log tells of it.
pub async fn go_back_unlogged(desk: &Desk, armed: &ArmedDir) -> Result<(), HandsError> {
    let found = armed
        .get(&desk.site)
        .map_err(|error| HandsError::failed(&error))?;
    let Some(armed) = found.filter(Armed::leads_back) else {
        return Ok(());
    };
    if desk.hands.live().await? != Live::Release(armed.to.clone()) {
        return Ok(());
    }
    tracing::warn!(site = %desk.site, deployment = %armed.deployment, "goes back without a log");
    desk.hands.go_back(armed.back_to.as_ref()).await.map(|_| ())
}

struct Settling<'a> {
    desk: &'a Desk,
    tools: &'a Tools,
}

impl Settling<'_> {
    async fn run(&self, before: Unsettled) -> Result<(), Undone> {
        let undone = |why: String| Undone {
            why,
            ..before.clone()
        };
        let site = self.tools.ledger.site(&self.desk.site);
        let armed = self
            .tools
            .armed
            .get(&self.desk.site)
            .map_err(|error| undone(error.to_string()))?;
        let live = match self.desk.hands.live().await {
            Ok(live) => live,
            Err(error) if site.active.is_none() && armed.is_none() => {
                tracing::debug!(%error, "a store that is not there yet");
                Live::Nothing
            }
            Err(error) => return Err(undone(error.to_string())),
        };
        let recovery = recover::decide(&site, armed.as_ref(), &live, before.reason.clone());
        self.act(recovery, &before).await?;
        self.tidy().await.map_err(|error| undone(error.to_string()))
    }

    async fn act(&self, recovery: Recovery, before: &Unsettled) -> Result<(), Undone> {
        match recovery {
            Recovery::AtRest => Ok(()),
            Recovery::End { deployment, outcome } => self.end(Vec::new(), deployment, outcome).await,
            Recovery::GoBack {
                back_to,
                ends,
                outcome,
            } => {
                let went = self.desk.hands.go_back(back_to.as_ref()).await;
                let fact = went.map_err(|error| Undone {
                    why: format!("it does not go back: {error}"),
                    ..before.clone()
                })?;
                tracing::warn!(site = %self.desk.site, ?outcome, "went back");
                match ends {
                    Some(deployment) => {
                        let told = self.told_of_going_back(&deployment, back_to.as_ref(), fact);
                        self.end(told, deployment, outcome).await
                    }
                    None => Ok(()),
                }
            }
            Recovery::Complete { rollback } => self.complete(*rollback, before).await,
        }
    }

    /// The switch back is told only once: the execution may have told of it already.
    fn told_of_going_back(
        &self,
        deployment: &DeploymentId,
        back_to: Option<&ReleaseId>,
        fact: Fact,
    ) -> Vec<Event> {
        let site = self.tools.ledger.site(&self.desk.site);
        let (Some(active), Fact::Switched { switch_micros }) = (site.active, fact) else {
            return Vec::new();
        };
        let logged = site.live.as_ref().map(|live| &live.release);
        if active.phase.is_switched() && logged == back_to {
            return Vec::new();
        }
        vec![recover::went_back(deployment, &active.to, back_to, switch_micros)]
    }

    async fn end(
        &self,
        mut events: Vec<Event>,
        deployment: DeploymentId,
        outcome: Outcome,
    ) -> Result<(), Undone> {
        events.push(Event::Ended {
            deployment: deployment.clone(),
            outcome: outcome.clone(),
        });
        let logged = self.tools.ledger.append(events).await;
        logged.map(|_| ()).map_err(|error| Undone {
            why: error.to_string(),
            reason: reason_of(&outcome),
            ended: Some((deployment, outcome)),
        })
    }

    async fn complete(&self, rollback: Deployment, before: &Unsettled) -> Result<(), Undone> {
        let planned = self.desk.hands.plan_again(&rollback).await;
        let plan = planned.map_err(|error| Undone {
            why: error.to_string(),
            ..before.clone()
        })?;
        let execution = Execution {
            desk: self.desk,
            tools: self.tools,
            plan: &plan,
            delivery: None,
        };
        let first = rollback
            .phase
            .step_index()
            .map_or(0, |index| usize::try_from(index).unwrap_or(0));
        execution.run(first).await.map_err(|reason| Undone {
            why: reason.to_string(),
            // The next attempt ends it where it stands; a log that could not be written is tried again.
            reason: Some(reason),
            ended: None,
        })
    }

    /// What every site at rest gets: no way back lying about, no half-built release, the last good one
    /// named, and a log that knows what the store holds.
    async fn tidy(&self) -> Result<(), HandsError> {
        let site = self.tools.ledger.site(&self.desk.site);
        let last_good = site.proven.last();
        self.desk.hands.tidy(last_good).await?;
        let taken = self.tools.armed.take_away(&self.desk.site);
        taken.map_err(|error| HandsError::failed(&error))?;
        let untold = self.untold(&site).await?;
        if untold.is_empty() {
            return Ok(());
        }
        let logged = self.tools.ledger.append(untold).await;
        logged.map(|_| ()).map_err(|error| HandsError::failed(&error))
    }

    /// Releases that were stored or removed, and whose event did not reach the log.
    async fn untold(&self, site: &Site) -> Result<Vec<Event>, HandsError> {
        let in_store = self.desk.hands.list().await?;
        let name = &self.desk.site;
        let gone = site.releases.keys().filter(|release| !in_store.contains(release));
        let gone = gone.map(|release| Event::Pruned {
            site: name.clone(),
            release: release.clone(),
        });
        let mut events: Vec<_> = gone.filter(|event| is_told_of(event, site)).collect();
        for release in in_store
            .into_iter()
            .filter(|release| !site.releases.contains_key(release))
        {
            let fact = self.desk.hands.record(&release).await?;
            events.extend(stored(name, release, fact));
        }
        Ok(events)
    }
}

/// The live release is never told as removed, whatever became of its directory: `verify` tells that.
fn is_told_of(event: &Event, site: &Site) -> bool {
    let live = site.live.as_ref().map(|live| &live.release);
    !matches!(event, Event::Pruned { release, .. } if Some(release) == live)
}

fn reason_of(outcome: &Outcome) -> Option<Reason> {
    match outcome {
        Outcome::Confirmed | Outcome::Tested => None,
        Outcome::WentBack { reason } | Outcome::NotSwitched { reason } | Outcome::Unproven { reason } => {
            Some(reason.clone())
        }
    }
}
