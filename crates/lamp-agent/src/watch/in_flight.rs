//! What is under way at a site: its workers are looked at, one look after the other, on a thread of its own.
//!
//! Nothing is asked of the site for it: it is when no worker is free that looking matters.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lamp_fleet::HostError;
use lamp_fleet::host::{Crew, Doing, Worker};
use lamp_model::name::ReleaseId;
use lamp_release::SiteConfig;
use lamp_release::store::RELEASES;
use lamp_watch::hanging::{InFlight, Seen};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::site_hands::Reach;

/// What is known of one site's workers.
pub struct Looks {
    site: SiteConfig,
    begun: Instant,
    known: Arc<Mutex<InFlight>>,
    looking: JoinSet<Result<Vec<Worker>, HostError>>,
}

impl Looks {
    /// Nothing is known yet.
    pub fn new(site: SiteConfig) -> Self {
        Self {
            site,
            begun: Instant::now(),
            known: Arc::default(),
            looking: JoinSet::new(),
        }
    }

    /// What is known, for whoever has to judge meanwhile.
    pub fn known(&self) -> Arc<Mutex<InFlight>> {
        Arc::clone(&self.known)
    }

    /// Whether requests of `release` are worth a question.
    pub fn is_suspect(&self, release: &ReleaseId, before: Option<&ReleaseId>) -> bool {
        self.lock().is_suspect(release, before)
    }

    /// Whether requests of `release` do not end.
    pub fn is_hanging(&self, release: &ReleaseId, before: Option<&ReleaseId>) -> bool {
        self.lock().hanging(release, before).is_some()
    }

    /// Begins to look, unless the last look is still under way.
    pub fn look(&mut self) {
        if self.looking.is_empty() {
            let site = self.site.clone();
            self.looking.spawn_blocking(move || at_work(&site, None));
        }
    }

    /// Waits for the look under way; without one, for ever. May be dropped at any time.
    pub async fn looked(&mut self) {
        match self.looking.join_next().await {
            Some(Ok(Ok(workers))) => {
                let seen = workers.iter().filter_map(seen).collect();
                self.lock().look(self.begun.elapsed(), seen);
            }
            Some(Ok(Err(error))) => tracing::debug!(%error, "the workers cannot be looked at"),
            Some(Err(error)) => tracing::error!(%error, "a look did not end well"),
            None => std::future::pending().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, InFlight> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A site's workers that are at a request, of any release or of this one.
pub fn at_work(site: &SiteConfig, release: Option<&ReleaseId>) -> Result<Vec<Worker>, HostError> {
    let place = place(site, release);
    Reach(site.clone()).host().workers(crew(site, &place))
}

/// Where the workers of a release work, or those of all.
pub fn place(site: &SiteConfig, release: Option<&ReleaseId>) -> std::path::PathBuf {
    let all = site.store.as_path().join(RELEASES);
    match release {
        Some(release) => all.join(release.as_str()),
        None => all,
    }
}

/// The site's workers beneath `place`.
pub fn crew<'a>(site: &'a SiteConfig, place: &'a Path) -> Crew<'a> {
    Crew {
        beneath: place,
        apache_pid_file: site.apache_pid_file.as_path(),
    }
}

/// A worker at a request of a release; where the kernel does not count what it writes, its age cannot be told.
fn seen(worker: &Worker) -> Option<Seen> {
    let release = worker.at.components().next()?.as_os_str().to_str()?;
    Some(Seen {
        worker: (worker.pid, worker.started),
        release: ReleaseId::parse(release).ok()?,
        writes: worker.writes?,
        is_computing: worker.doing == Doing::Computing,
    })
}
