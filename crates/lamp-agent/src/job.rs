//! One deployment from its acceptance to its end, tidying included.

use std::sync::Arc;

use lamp_fleet::protocol::Refusal;
use lamp_model::event::{Actor, Event, Reason, Seq};
use lamp_model::plan::Plan;
use lamp_model::port::{Grant, LeaseError, Live};

use crate::desk::{Condition, Desk, Unsettled};
use crate::execute::{Execution, Tools};
use crate::hands::Delivery;
use crate::ledger::site_lease;
use crate::retain::retain;
use crate::settle::settle;

/// A deployment that was accepted: it stands in the log, and the site is leased to it.
pub struct Job {
    desk: Arc<Desk>,
    plan: Plan,
    delivery: Option<Arc<Delivery>>,
    grant: Grant,
}

/// What someone asks to be executed.
pub struct Order {
    /// The plan.
    pub plan: Plan,
    /// What was handed over for it.
    pub delivery: Option<Arc<Delivery>>,
    /// Who asks.
    pub by: Actor,
}

impl Job {
    /// Accepts an order, or says why not. Accepted, it is durable; the place is that before its event.
    pub async fn accept(desk: &Arc<Desk>, tools: &Tools, order: Order) -> Result<(Self, Seq), Refusal> {
        desk.begin(Condition::Running(Box::new(order.plan.clone())))?;
        let accepted = Self::write_down(desk, tools, order).await;
        if accepted.is_err() {
            desk.set(Condition::AtRest);
        }
        accepted
    }

    async fn write_down(desk: &Arc<Desk>, tools: &Tools, order: Order) -> Result<(Self, Seq), Refusal> {
        let Order { plan, delivery, by } = order;
        check_fresh(desk, tools, &plan).await?;
        let name = site_lease(&desk.site);
        let grant = tools.ledger.lease(&name, plan.deployment.to_string()).await;
        let grant = grant.map_err(|error| not_leased(desk, error))?;
        let planned = Event::Planned {
            deployment: plan.deployment.clone(),
            kind: plan.kind,
            from: plan.from.clone(),
            to: plan.to.clone(),
            steps: plan.steps.iter().map(lamp_model::Step::name).collect(),
            by,
        };
        match tools.ledger.append(vec![planned]).await {
            Ok(seq) => {
                let job = Self {
                    desk: Arc::clone(desk),
                    plan,
                    delivery,
                    grant,
                };
                Ok((job, Seq(seq.0.saturating_sub(1))))
            }
            Err(error) => {
                tools.ledger.give_up(&grant).await;
                Err(Refusal::LogUnavailable {
                    why: error.to_string(),
                })
            }
        }
    }

    /// The plan that was accepted.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Does it to its end. Nobody need watch.
    pub async fn run(self, tools: Tools) {
        let deployment = &self.plan.deployment;
        tracing::info!(%deployment, to = %self.plan.to, "begun");
        let execution = Execution {
            desk: &self.desk,
            tools: &tools,
            plan: &self.plan,
            delivery: self.delivery.clone(),
        };
        let done = tokio::select! {
            done = execution.run(0) => done,
            lost = tools.ledger.keep(&self.grant) => Err(Reason::LogUnavailable { error: lost.to_string() }),
        };
        tracing::info!(%deployment, ?done, "steps over");
        let why = match &done {
            Ok(()) => "the last deployment is being tidied up".to_owned(),
            Err(reason) => reason.to_string(),
        };
        let unsettled = Unsettled {
            why,
            reason: done.err(),
            ended: None,
        };
        let after = settle(&self.desk, &tools, unsettled).await;
        if after == Condition::AtRest {
            retain(&self.desk, &tools).await;
        }
        tools.ledger.give_up(&self.grant).await;
        self.desk.set(after);
    }
}

/// A lease that was not granted, for the one who asked.
pub fn not_leased(desk: &Desk, error: LeaseError) -> Refusal {
    match error {
        LeaseError::Held { by } => Refusal::Held {
            site: desk.site.clone(),
            holder: by.holder.purpose,
            pid: by.holder.pid,
        },
        LeaseError::Lost { .. } | LeaseError::Unavailable { .. } => Refusal::LogUnavailable {
            why: error.to_string(),
        },
    }
}

/// A plan is only good for what was live, and logged, when it was made.
async fn check_fresh(desk: &Desk, tools: &Tools, plan: &Plan) -> Result<(), Refusal> {
    let live = desk.hands.live().await.map_err(|error| Refusal::Failed {
        why: error.to_string(),
    })?;
    let live = match live {
        Live::Release(release) => Some(release),
        Live::Nothing | Live::Invalid(_) => None,
    };
    let next = tools.ledger.site(&desk.site).deployments + 1;
    if live == plan.from && plan.deployment.number() == next {
        return Ok(());
    }
    Err(Refusal::Stale {
        deployment: plan.deployment.clone(),
    })
}
