//! After a way back: workers that are still at a request that was begun in the release that was left are ended, so that visitors are
//! answered again. Their parents, Apache's and php-fpm's, start others at once.
//!
//! Nobody else is touched: [`lamp_fleet::host::Host::workers`] says whose child a worker is and in which release it works, once more
//! right before each signal. What was left follows from the log, so an agent that starts after a crash goes on with it.

use std::collections::BTreeMap;
use std::time::Duration;

use lamp_fleet::host::Worker;
use lamp_model::name::ReleaseId;
use lamp_model::plan::PlanKind;
use lamp_model::state::Site;
use lamp_release::SiteConfig;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::in_flight::{at_work, crew, place};
use crate::guard::Live;
use crate::hands::HandsError;
use crate::site_hands::{Reach, blocking};

/// How long requests have to end by themselves after the way back: whoever waits longer than this has given up.
pub const GRACE: Duration = Duration::from_secs(5);
/// How long after the way back a look that finds nobody is believed: a request may just have been read.
const SETTLED_AFTER: Duration = Duration::from_secs(1);
/// How long a worker must have been at one request: php-fpm's next worker takes a request that has been waiting since before the way back.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long a worker that was asked to end may take for it.
const HEED_WITHIN: Duration = Duration::from_secs(1);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long nobody must be stuck until it is over.
const QUIET_FOR: Duration = Duration::from_secs(1);
/// How long it goes on in one go.
const LENGTH_MAX: Duration = Duration::from_secs(60);

/// The release that was gone back from, by what answers now; `None`: what answers is no way back, or nothing was left for it.
pub fn left(site: &Site, live: &Live) -> Option<ReleaseId> {
    if live.unconfirmed.is_some() {
        return None;
    }
    let last = site.last.as_ref().map(|last| &last.deployment);
    let deployment = site.active.as_ref().or(last)?;
    let left = match deployment.kind {
        PlanKind::Deploy => Some(&deployment.to),
        PlanKind::Rollback => deployment.from.as_ref(),
        PlanKind::Test => None,
    };
    left.filter(|left| Some(*left) != live.release.as_ref()).cloned()
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The release that was left.
    pub release: ReleaseId,
    /// Workers that were ended.
    pub ended: u64,
    /// Those of them that did not heed.
    pub killed: u64,
    /// Whether nobody is at the release any more.
    pub is_over: bool,
}

/// The release that was left at one site, and the ending of its workers.
#[derive(Default)]
pub struct Stuck {
    left: Option<(ReleaseId, Instant)>,
    ending: JoinSet<Ended>,
}

impl Stuck {
    /// This was left, or nothing; the grace begins.
    pub fn leave(&mut self, left: Option<ReleaseId>) {
        let known = self.left.as_ref().map(|(release, _)| release);
        if known != left.as_ref() {
            self.left = left.map(|release| (release, Instant::now()));
        }
    }

    /// Whether nobody is at a release that was left, as far as is known.
    pub const fn is_over(&self) -> bool {
        self.left.is_none()
    }

    /// Looks who is there, and ends them if the grace is over.
    pub fn beat(&mut self, site: &SiteConfig, live: watch::Receiver<Live>) {
        let Some((release, since)) = &self.left else {
            return;
        };
        if self.ending.is_empty() {
            let way_out = WayOut {
                release: release.clone(),
                since: *since,
                site: site.clone(),
                live,
            };
            self.ending.spawn(way_out.clear());
        }
    }

    /// What came of it, once it is over; while nothing is under way, never. May be dropped at any time.
    pub async fn ended(&mut self) -> Ended {
        loop {
            match self.ending.join_next().await {
                Some(Ok(ended)) => {
                    self.left
                        .take_if(|(release, _)| ended.is_over && *release == ended.release);
                    return ended;
                }
                Some(Err(error)) => tracing::error!(%error, "the ending of workers did not end well"),
                None => std::future::pending().await,
            }
        }
    }
}

/// A release that is left, and its workers with it.
struct WayOut {
    release: ReleaseId,
    since: Instant,
    site: SiteConfig,
    live: watch::Receiver<Live>,
}

impl WayOut {
    async fn clear(self) -> Ended {
        let mut tally = Ended {
            release: self.release.clone(),
            ended: 0,
            killed: 0,
            is_over: false,
        };
        if let Err(error) = self.try_to_clear(&mut tally).await {
            tracing::warn!(release = %tally.release, %error, "stuck workers cannot be ended");
            tally.is_over = self.since.elapsed() >= GRACE;
        }
        tally
    }

    async fn try_to_clear(&self, tally: &mut Ended) -> Result<(), HandsError> {
        if self.look().await?.is_empty() {
            tally.is_over = self.since.elapsed() >= SETTLED_AFTER;
            return Ok(());
        }
        if self.since.elapsed() < GRACE {
            return Ok(());
        }
        let (begun, mut rounds, mut busy_at) = (Instant::now(), Rounds::default(), Instant::now());
        while begun.elapsed() < LENGTH_MAX && !self.is_live_again() {
            let found = self.look().await?;
            if !found.is_empty() {
                busy_at = Instant::now();
            }
            if busy_at.elapsed() >= QUIET_FOR {
                tally.is_over = true;
                break;
            }
            self.act(rounds.due(begun.elapsed(), found), tally).await?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn is_live_again(&self) -> bool {
        self.live.borrow().release.as_ref() == Some(&self.release)
    }

    async fn look(&self) -> Result<Vec<Worker>, HandsError> {
        let (site, release) = (self.site.clone(), self.release.clone());
        blocking(move || at_work(&site, Some(&release)).map_err(|error| HandsError::failed(&error))).await
    }

    async fn act(&self, due: Vec<(Worker, Due)>, tally: &mut Ended) -> Result<(), HandsError> {
        for (worker, due) in due {
            if !self.is_live_again() && self.signal(worker, due).await? {
                match due {
                    Due::Ask => tally.ended += 1,
                    Due::Kill => tally.killed += 1,
                }
            }
        }
        Ok(())
    }

    async fn signal(&self, worker: Worker, due: Due) -> Result<bool, HandsError> {
        let (site, release) = (self.site.clone(), self.release.clone());
        let signal = move || {
            let (host, place) = (Reach(site.clone()).host(), place(&site, Some(&release)));
            match due {
                Due::Ask => host.ask_to_end(crew(&site, &place), &worker),
                Due::Kill => host.kill(crew(&site, &place), &worker),
            }
            .map_err(|error| HandsError::failed(&error))
        };
        blocking(signal).await
    }
}

/// What is due to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// It is asked to end.
    Ask,
    /// It was, and did not heed.
    Kill,
}

/// The workers that were seen so far.
#[derive(Default)]
struct Rounds(BTreeMap<(i32, u64), Known>);

/// A worker at one request.
struct Known {
    writes: Option<u64>,
    stage: Stage,
}

/// What has been done about it.
enum Stage {
    /// Nothing, since it was first seen.
    Seen(Duration),
    /// It was asked to end.
    Asked(Duration),
    /// It was killed: the kernel ends it as soon as it can.
    Killed,
}

impl Rounds {
    /// What is due to whom. Pure.
    fn due(&mut self, now: Duration, found: Vec<Worker>) -> Vec<(Worker, Due)> {
        let mut before = std::mem::take(&mut self.0);
        let mut all = Vec::new();
        for worker in found {
            let id = (worker.pid, worker.started);
            let known = before.remove(&id).filter(|known| known.writes == worker.writes);
            let mut known = known.unwrap_or(Known {
                writes: worker.writes,
                stage: Stage::Seen(now),
            });
            if let Some(due) = known.due(now) {
                all.push((worker, due));
            }
            self.0.insert(id, known);
        }
        all
    }
}

impl Known {
    fn due(&mut self, now: Duration) -> Option<Due> {
        let (due, stage) = match self.stage {
            Stage::Seen(at) if now.saturating_sub(at) >= PATIENCE => (Due::Ask, Stage::Asked(now)),
            Stage::Asked(at) if now.saturating_sub(at) >= HEED_WITHIN => (Due::Kill, Stage::Killed),
            Stage::Seen(_) | Stage::Asked(_) | Stage::Killed => return None,
        };
        self.stage = stage;
        Some(due)
    }
}

#[cfg(test)]
mod tests;
