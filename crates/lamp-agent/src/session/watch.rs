//! `watch`: what happens to a deployment, from the log, to its end.

use lamp_fleet::protocol::{Refusal, Reply};
use lamp_model::Event;
use lamp_model::event::{Outcome, Seq};
use lamp_model::name::DeploymentId;

use super::{Over, Session};
use crate::desk::Condition;
use crate::offer::not_understood;

/// Records that are read at once.
const PAGE_RECORDS: usize = 100;

impl Session {
    /// Tells what happens until the deployment is over or the watcher goes.
    pub(super) async fn watch(&self, deployment: &DeploymentId, mut after: Seq) -> Result<(), Over> {
        let mut written = self.shared.tools.ledger.journal.watch();
        let mut changed = self.shared.changed.subscribe();
        loop {
            // Looked at before the log: whoever is at rest then has nothing more to write.
            let condition = self
                .shared
                .desks
                .get(deployment.site())
                .map(|desk| desk.condition());
            after = self.tell(deployment, after).await?;
            if let Some(end) = self.end(deployment, condition) {
                return self.reply(&end).await;
            }
            tokio::select! {
                _ = written.changed() => {}
                _ = changed.changed() => {}
                () = self.connection.closed() => return Ok(()),
            }
        }
    }

    async fn tell(&self, deployment: &DeploymentId, mut after: Seq) -> Result<Seq, Over> {
        loop {
            let page = match self.shared.tools.ledger.log.read(after, PAGE_RECORDS).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "log not read for a watcher");
                    return Ok(after);
                }
            };
            let Some(last) = page.last().map(|stored| stored.seq) else {
                return Ok(after);
            };
            for stored in page {
                let mut events = stored.record.events;
                events.retain(|event| concerns(event, deployment));
                if events.is_empty() {
                    continue;
                }
                let (seq, at) = (stored.seq, stored.record.at);
                self.reply(&Reply::Happened { seq, at, events }).await?;
            }
            after = last;
        }
    }

    /// The last reply, if the deployment is over as far as this agent can bring it.
    fn end(&self, deployment: &DeploymentId, condition: Option<Condition>) -> Option<Reply> {
        match condition? {
            Condition::Running(plan) if plan.deployment == *deployment => None,
            Condition::Unsettled(unsettled) => match (unsettled.ended, self.logged_end(deployment)) {
                (Some((ended, outcome)), _) if ended == *deployment => Some(Reply::Ended {
                    outcome,
                    logged: false,
                }),
                (_, Some(outcome)) => Some(Reply::Ended {
                    outcome,
                    logged: true,
                }),
                (_, None) => Some(Reply::Refused {
                    refusal: Refusal::NotRecovered {
                        site: deployment.site().clone(),
                        why: unsettled.why,
                    },
                }),
            },
            Condition::AtRest | Condition::Running(_) | Condition::Pruning => {
                Some(match self.logged_end(deployment) {
                    Some(outcome) => Reply::Ended {
                        outcome,
                        logged: true,
                    },
                    None => Reply::Refused {
                        refusal: not_understood(format!("{deployment} is not under way")),
                    },
                })
            }
        }
    }

    fn logged_end(&self, deployment: &DeploymentId) -> Option<Outcome> {
        let site = self.shared.tools.ledger.site(deployment.site());
        let last = site.last.filter(|last| last.deployment.id == *deployment)?;
        Some(last.outcome)
    }
}

fn concerns(event: &Event, watched: &DeploymentId) -> bool {
    match event {
        Event::Planned { deployment, .. }
        | Event::StepStarted { deployment, .. }
        | Event::StepDone { deployment, .. }
        | Event::Gated { deployment, .. }
        | Event::Armed { deployment, .. }
        | Event::Switched { deployment, .. }
        | Event::Ended { deployment, .. } => deployment == watched,
        Event::Stored { site, .. }
        | Event::Proven { site, .. }
        | Event::Pruned { site, .. }
        | Event::Judged { site, .. }
        | Event::WorkersEnded { site, .. }
        | Event::Recovered { site, .. }
        | Event::Relieved { site, .. }
        | Event::IncidentOpened { site, .. } => site == watched.site(),
        Event::PageIntended { intent, .. } => intent.site == *watched.site(),
        Event::LogOpened { .. }
        | Event::AgentStarted { .. }
        | Event::IncidentMitigated { .. }
        | Event::IncidentResolved { .. }
        | Event::Noted { .. }
        | Event::Acknowledged { .. }
        | Event::PageSettled { .. } => false,
    }
}
