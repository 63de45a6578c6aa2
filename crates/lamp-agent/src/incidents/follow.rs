//! The loop that appends what follows from the log.

use std::sync::Arc;
use std::time::Duration;

use lamp_incident::{PagerTerms, Terms, follow};
use lamp_model::Event;
use lamp_model::state::World;

use super::changes::Changes;
use crate::ledger::Ledger;

/// How often it is asked what follows, if nothing happens: some of it follows from time alone.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Follows what happens.
pub struct Follower {
    /// What is written down.
    pub ledger: Ledger,
    /// What is known of releases beside the log.
    pub changes: Arc<Changes>,
    /// The host's name.
    pub host: String,
    /// How pages speak; `None`: none are written.
    pub pager: Option<PagerTerms>,
}

impl Follower {
    /// Follows for ever.
    pub async fn run(self) {
        let mut changed = self.ledger.journal.watch();
        loop {
            let world = Arc::clone(&changed.borrow_and_update().world);
            self.changes.learn(&world).await;
            self.append(&world).await;
            tokio::select! {
                // The journal lives as long as the agent: an error means that both end.
                told = changed.changed() => if told.is_err() { return },
                () = tokio::time::sleep(ASK_EVERY) => {}
            }
        }
    }

    /// A log that has moved on meanwhile, or cannot be written, is asked again.
    async fn append(&self, world: &World) {
        let events = self.following(world);
        if events.is_empty() {
            return;
        }
        if let Err(error) = self.ledger.append(events).await {
            tracing::warn!(%error, "what follows from the log is not written yet");
        }
    }

    fn following(&self, world: &World) -> Vec<Event> {
        let terms = Terms {
            now: self.ledger.clock.now(),
            host: &self.host,
            pager: self.pager,
            facts: &*self.changes,
        };
        follow(world, &terms)
    }
}
