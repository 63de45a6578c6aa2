//! The side door as the asking knows it: the answer, and the error that was logged for this very request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lamp_model::clock::Clock;
use lamp_model::evidence::Hanging;
use lamp_model::name::ReleaseId;
use lamp_watch::hanging::InFlight;
use lamp_watch::heard::Heard;
use lamp_watch::question::{Asking, SideDoor};
use lamp_watch::sightings::Sightings;
use lamp_watch::verdict::Answered;

use crate::asker::{Asked, Asker, Purpose, Turn};

/// How long the log's line of an answer is waited for; Apache writes it as the answer ends. It may hold a fatal error
/// behind a good status.
const SIGHTING_PATIENCE: Duration = Duration::from_millis(300);
/// The same for an answer that is a failure in any case: the line would only say which, and visitors are waiting.
const FAILURE_PATIENCE: Duration = Duration::from_millis(50);

/// Asks, and looks up what was logged.
pub struct Door {
    /// Who asks.
    pub asker: Arc<Asker>,
    /// And for whom.
    pub purpose: Purpose,
    /// What the log has of it.
    pub sightings: Arc<Sightings>,
    /// What was answered lately, to whomever.
    pub heard: Arc<Heard>,
    /// What time it is, as Apache stamps its lines.
    pub clock: Arc<dyn Clock>,
    /// What is under way.
    pub in_flight: Arc<Mutex<InFlight>>,
}

impl SideDoor for Door {
    fn ask<'a>(&'a self, release: &'a ReleaseId, path: &'a str) -> Asking<'a> {
        let turn = self.asker.turn(self.purpose, release);
        Box::pin(self.ask_in(turn, (release, path)))
    }

    fn ask_on_reserve<'a>(&'a self, release: &'a ReleaseId, path: &'a str) -> Asking<'a> {
        let turn = self.asker.turn_on_reserve();
        Box::pin(self.ask_in(turn, (release, path)))
    }

    fn failures(&self, release: &ReleaseId, path: &str) -> Vec<Answered> {
        self.heard.failures((release, path), self.clock.now())
    }

    fn hanging(&self, release: &ReleaseId, before: Option<&ReleaseId>) -> Option<Hanging> {
        let in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        in_flight.hanging(release, before)
    }
}

impl Door {
    /// One request of a probe or a sweep. What its log has is not waited for, so that only a plain failure is remembered.
    pub async fn probe(&self, path: &str, release: &ReleaseId) -> Option<Asked> {
        let asked = self.asker.probe(path, release).await?;
        if let Ok(500..) = asked.answer {
            let answer = asked.answer.clone();
            let failed = Answered { answer, error: None };
            self.heard.note((release, path), &failed, self.clock.now());
        }
        Some(asked)
    }

    /// Whoever waits for a turn takes what others were answered meanwhile; the turn lasts until that is known.
    async fn ask_in(
        &self,
        turn: impl Future<Output = Turn<'_>>,
        (release, path): (&ReleaseId, &str),
    ) -> Answered {
        let since = self.clock.now();
        let turn = turn.await;
        if let Some(answered) = self.heard.since((release, path), since) {
            return answered;
        }
        let since = self.clock.now();
        match self.asker.ask(&turn, path, release).await {
            Some(asked) => self.answered(asked, (release, path), since).await,
            None => Answered {
                answer: Err("there is no key to the side door".to_owned()),
                error: None,
            },
        }
    }

    /// What came back, with what was logged for it.
    async fn answered(
        &self,
        asked: Asked,
        (release, path): (&ReleaseId, &str),
        since: Timestamp,
    ) -> Answered {
        let patience = match asked.answer {
            Ok(0..=499) => SIGHTING_PATIENCE,
            Ok(_) | Err(_) => FAILURE_PATIENCE,
        };
        tracing::debug!(%release, path, took = ?asked.took, answer = asked.words(), "asked a release");
        let sighting = self.sightings.take(release, path, since, patience).await;
        let answered = Answered {
            answer: asked.answer,
            error: sighting.and_then(|sighting| sighting.error),
        };
        self.heard.note((release, path), &answered, self.clock.now());
        answered
    }
}
