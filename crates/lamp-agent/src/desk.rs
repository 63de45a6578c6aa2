//! One site at the agent's desk: its hands, and what is being done there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lamp_fleet::protocol::Refusal;
use lamp_model::event::{Outcome, Reason};
use lamp_model::name::{DeploymentId, SiteName};
use lamp_model::plan::Plan;

use crate::guard::Guard;
use crate::hands::Hands;

/// What is being done at a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: the next deployment may begin.
    AtRest,
    /// This deployment is under way in this process.
    Running(Box<Plan>),
    /// Old releases are being removed because someone asked for it.
    Pruning,
    /// Something was under way and is not put right yet: the agent tries again and again.
    Unsettled(Unsettled),
}

/// What is known of something that is not put right yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// What hinders it.
    pub why: String,
    /// Why it did not go on, if this process knows: the log does not hold it yet.
    pub reason: Option<Reason>,
    /// How the deployment ended, if production shows it already and only the log does not.
    pub ended: Option<(DeploymentId, Outcome)>,
}

/// One site.
pub struct Desk {
    /// Its name.
    pub site: SiteName,
    /// Its hands.
    pub hands: Arc<dyn Hands>,
    /// What its watcher is told, and tells.
    pub guard: Guard,
    condition: Mutex<Condition>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("site", &self.site)
            .finish_non_exhaustive()
    }
}

impl Desk {
    /// A site of which nothing is known yet: it is settled before anything may begin.
    pub fn new(site: SiteName, hands: Arc<dyn Hands>) -> Self {
        Self {
            site,
            hands,
            guard: Guard::default(),
            condition: Mutex::new(Condition::Unsettled(Unsettled {
                why: "the agent has just started".into(),
                reason: None,
                ended: None,
            })),
        }
    }

    /// What is being done here.
    pub fn condition(&self) -> Condition {
        self.lock().clone()
    }

    /// From here on this is being done.
    pub fn set(&self, condition: Condition) {
        *self.lock() = condition;
    }

    /// Takes a site at rest for this: a deployment, or pruning.
    pub fn begin(&self, what: Condition) -> Result<(), Refusal> {
        let mut condition = self.lock();
        match self.busy_with(&condition) {
            Some(busy) => Err(busy),
            None => {
                *condition = what;
                Ok(())
            }
        }
    }

    /// What keeps the next deployment from beginning, if something does.
    pub fn busy(&self) -> Option<Refusal> {
        self.busy_with(&self.condition())
    }

    fn busy_with(&self, condition: &Condition) -> Option<Refusal> {
        let site = self.site.clone();
        match condition {
            Condition::AtRest => None,
            Condition::Running(plan) => Some(Refusal::Held {
                site,
                holder: plan.deployment.to_string(),
                pid: crate::ledger::own_pid(),
            }),
            Condition::Pruning => Some(Refusal::Held {
                site,
                holder: "prune".into(),
                pid: crate::ledger::own_pid(),
            }),
            Condition::Unsettled(unsettled) if unsettled.ended.is_some() => Some(Refusal::LogUnavailable {
                why: unsettled.why.clone(),
            }),
            Condition::Unsettled(unsettled) => Some(Refusal::NotRecovered {
                site,
                why: unsettled.why.clone(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Condition> {
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
