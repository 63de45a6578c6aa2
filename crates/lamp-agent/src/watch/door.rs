//! The side door as the asking knows it: the answer, and the error that was logged for this very request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lamp_model::clock::Clock;
use lamp_model::evidence::Hanging;
use lamp_model::name::ReleaseId;
use lamp_watch::hanging::InFlight;
use lamp_watch::question::{Asking, SideDoor};
use lamp_watch::sightings::Sightings;
use lamp_watch::verdict::Answered;

use crate::asker::{Asked, Asker};

/// How long the log's line of an answer is waited for; Apache writes it as the answer ends. It may hold a fatal error
/// behind a good status.
const SIGHTING_PATIENCE: Duration = Duration::from_millis(300);
/// The same for an answer that is a failure in any case: the line would only say which, and visitors are waiting.
const FAILURE_PATIENCE: Duration = Duration::from_millis(50);

/// Asks, and looks up what was logged.
pub struct Door {
    /// Who asks.
    pub asker: Arc<Asker>,
    /// What the log has of it.
    pub sightings: Arc<Sightings>,
    /// What time it is, as Apache stamps its lines.
    pub clock: Arc<dyn Clock>,
    /// What is under way.
    pub in_flight: Arc<Mutex<InFlight>>,
}

impl SideDoor for Door {
    fn ask<'a>(&'a self, release: &'a ReleaseId, path: &'a str) -> Asking<'a> {
        Box::pin(async move {
            let since = self.clock.now();
            let asked = self.asker.ask(path, release).await;
            self.answered(asked, (release, path), since).await
        })
    }

    fn ask_on_reserve<'a>(&'a self, release: &'a ReleaseId, path: &'a str) -> Asking<'a> {
        Box::pin(async move {
            let since = self.clock.now();
            let asked = self.asker.ask_on_reserve(path, release).await;
            self.answered(asked, (release, path), since).await
        })
    }

    fn hanging(&self, release: &ReleaseId, before: Option<&ReleaseId>) -> Option<Hanging> {
        let in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        in_flight.hanging(release, before)
    }
}

impl Door {
    /// What came back, with what was logged for it.
    async fn answered(
        &self,
        asked: Option<Asked>,
        (release, path): (&ReleaseId, &str),
        since: Timestamp,
    ) -> Answered {
        let Some(asked) = asked else {
            let answer = Err("there is no key to the side door".to_owned());
            return Answered { answer, error: None };
        };
        let patience = match asked.answer {
            Ok(0..=499) => SIGHTING_PATIENCE,
            Ok(_) | Err(_) => FAILURE_PATIENCE,
        };
        tracing::debug!(%release, path, took = ?asked.took, answer = asked.words(), "asked a release");
        let sighting = self.sightings.take(release, path, since, patience).await;
        Answered {
            answer: asked.answer,
            error: sighting.and_then(|sighting| sighting.error),
        }
    }
}
