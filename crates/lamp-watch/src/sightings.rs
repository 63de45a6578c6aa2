//! What the log has of our own requests through the side door: handed from the worker's messages to whoever asked.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use lamp_model::ReleaseId;
use tokio::sync::watch;

use crate::message::Sighting;

/// Most sightings that are kept for someone to ask for.
const KEPT_MAX: usize = 64;

/// The latest sightings, and a bell for those who wait for one.
#[derive(Debug)]
pub struct Sightings {
    kept: Mutex<VecDeque<Sighting>>,
    count: watch::Sender<u64>,
}

impl Default for Sightings {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }
}

impl Sightings {
    /// Keeps one, and wakes whoever waits.
    pub fn note(&self, sighting: Sighting) {
        {
            let mut kept = self.lock();
            if kept.len() >= KEPT_MAX {
                kept.pop_front();
            }
            kept.push_back(sighting);
        }
        self.count.send_modify(|count| *count += 1);
    }

    /// Takes the sighting of a request for `path` of `release` begun at `since` or later, as soon as there is one, or
    /// gives up after `patience`.
    pub async fn take(
        &self,
        release: &ReleaseId,
        path: &str,
        since: Timestamp,
        patience: Duration,
    ) -> Option<Sighting> {
        let mut count = self.count.subscribe();
        let found = async {
            loop {
                count.mark_unchanged();
                if let Some(found) = self.find(release, path, since) {
                    return Some(found);
                }
                count.changed().await.ok()?;
            }
        };
        tokio::time::timeout(patience, found).await.ok().flatten()
    }

    fn find(&self, release: &ReleaseId, path: &str, since: Timestamp) -> Option<Sighting> {
        let mut kept = self.lock();
        let at = kept.iter().position(|seen| {
            let is_path = seen.path.as_ref().is_some_and(|seen| seen.as_str() == path);
            is_path && seen.release.as_ref() == Some(release) && seen.begun_at >= since
        })?;
        kept.remove(at)
    }

    /// A panic elsewhere leaves a queue of whole sightings.
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Sighting>> {
        self.kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lamp_logline::AskablePath;

    fn sighting(path: &str, at: i64) -> Sighting {
        Sighting {
            release: ReleaseId::parse("r1").ok(),
            path: AskablePath::parse(path).ok(),
            status: Some(500),
            begun_at: Timestamp::from_second(at).expect("a time"),
            error: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_found_before_and_after_it_is_waited_for() {
        let (sightings, release) = (Sightings::default(), ReleaseId::parse("r1").expect("a name"));
        let since = Timestamp::from_second(10).expect("a time");
        let patience = Duration::from_secs(1);
        sightings.note(sighting("/", 9));
        sightings.note(sighting("/", 10));
        let (found, missed) = tokio::join!(
            sightings.take(&release, "/", since, patience),
            sightings.take(&release, "/other", since, patience)
        );
        assert_eq!(found, Some(sighting("/", 10)), "not the one from before");
        assert_eq!(missed, None);
        let (found, ()) = tokio::join!(sightings.take(&release, "/late", since, patience), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            sightings.note(sighting("/late", 11));
        });
        assert_eq!(found, Some(sighting("/late", 11)));
        assert_eq!(
            sightings.take(&release, "/late", since, patience).await,
            None,
            "it was taken"
        );
    }
}
