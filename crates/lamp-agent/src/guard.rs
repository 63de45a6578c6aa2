//! What a site's watcher and whoever switches there tell each other: what answers now, what was found of it.
//!
//! Nothing here waits for the disk: between a line of a log and the way back stand only these channels.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use lamp_model::event::Actor;
use lamp_model::evidence::Evidence;
use lamp_model::name::{DeploymentId, ReleaseId};
use lamp_model::state::Site;
use tokio::sync::{mpsc, oneshot, watch};

/// Questions of one bake that wait for an answer; it asks one after the other.
const INQUIRIES_MAX: usize = 4;

/// What answers visitors, as whoever switched last knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// The release; `None`: none.
    pub release: Option<ReleaseId>,
    /// The one to hold it against.
    pub before: Option<ReleaseId>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The deployment that can still go back from it.
    pub unconfirmed: Option<DeploymentId>,
}

impl Live {
    /// As the log says, with nothing under way.
    pub fn logged(site: &Site) -> Self {
        Self {
            release: site.live.as_ref().map(|live| live.release.clone()),
            before: site.rollback_target().cloned(),
            since: site.live.as_ref().map(|live| live.since),
            unconfirmed: None,
        }
    }
}

/// A release found bad while its deployment could go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundBad {
    /// The deployment.
    pub deployment: DeploymentId,
    /// What was seen.
    pub evidence: Box<Evidence>,
}

/// A probe of a bake that was not answered well: is the release to blame?
#[derive(Debug)]
pub struct Inquiry {
    /// What was asked for.
    pub path: String,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Finding>,
}

/// What came of an inquiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The release is to blame.
    Bad(Box<Evidence>),
    /// Something else is the matter: going back would not mend it.
    NotTheRelease,
    /// It answers now.
    ItAnswers,
}

/// Both ends.
#[derive(Debug)]
pub struct Guard {
    live: watch::Sender<Live>,
    bad: watch::Sender<Option<FoundBad>>,
    called_back: watch::Sender<Option<(DeploymentId, Actor)>>,
    inquiries: mpsc::Sender<Inquiry>,
    asked: Mutex<Option<mpsc::Receiver<Inquiry>>>,
}

impl Default for Guard {
    fn default() -> Self {
        let (inquiries, asked) = mpsc::channel(INQUIRIES_MAX);
        Self {
            live: watch::Sender::default(),
            bad: watch::Sender::default(),
            called_back: watch::Sender::default(),
            inquiries,
            asked: Mutex::new(Some(asked)),
        }
    }
}

impl Guard {
    /// This answers visitors from here on.
    pub fn answers(&self, live: Live) {
        self.bad.send_replace(None);
        self.live.send_replace(live);
    }

    /// What answers is confirmed, or was never in doubt: nothing goes back from it by itself.
    pub fn at_rest(&self, site: &Site) {
        self.live.send_replace(Live::logged(site));
    }

    /// Tells what answers, and each change of it.
    pub fn live(&self) -> watch::Receiver<Live> {
        self.live.subscribe()
    }

    /// Waits until this deployment's release is found bad.
    pub async fn found_bad(&self, deployment: &DeploymentId) -> Box<Evidence> {
        let mut bad = self.bad.subscribe();
        let of_this = |found: &Option<FoundBad>| {
            found
                .as_ref()
                .is_some_and(|found| found.deployment == *deployment)
        };
        let evidence = bad.wait_for(of_this).await.ok().and_then(|found| found.clone());
        match evidence {
            Some(found) => found.evidence,
            // Its sender is this very value.
            None => std::future::pending().await,
        }
    }

    /// A deployment's release is found bad; whoever carries it out goes back.
    pub fn find_bad(&self, found: FoundBad) {
        self.bad.send_replace(Some(found));
    }

    /// Somebody wants this deployment to go back, whatever is found of its release.
    pub fn call_back(&self, deployment: DeploymentId, by: Actor) {
        self.called_back.send_replace(Some((deployment, by)));
    }

    /// Waits until somebody does, and says who.
    pub async fn called_back(&self, deployment: &DeploymentId) -> Actor {
        let mut called = self.called_back.subscribe();
        let of_this = |called: &Option<(DeploymentId, Actor)>| {
            called.as_ref().is_some_and(|(called, _)| called == deployment)
        };
        let called = called
            .wait_for(of_this)
            .await
            .ok()
            .and_then(|called| called.clone());
        match called {
            Some((_, by)) => by,
            // Its sender is this very value.
            None => std::future::pending().await,
        }
    }

    /// Asks the watcher whether the release is to blame; `None`: nobody watches, or no release can be asked.
    pub async fn inquire(&self, path: &str) -> Option<Finding> {
        if self.lock().is_some() {
            return None;
        }
        let (answer, finding) = oneshot::channel();
        let inquiry = Inquiry {
            path: path.to_owned(),
            answer,
        };
        self.inquiries.send(inquiry).await.ok()?;
        finding.await.ok()
    }

    /// The watcher's end of [`Guard::inquire`]; there is one.
    pub fn take_inquiries(&self) -> Option<mpsc::Receiver<Inquiry>> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<mpsc::Receiver<Inquiry>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
