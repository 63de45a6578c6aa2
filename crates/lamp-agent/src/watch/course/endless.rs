//! What the loop does about requests that do not end: asks because of them, and tells of the workers that were ended.

use lamp_model::Event;
use lamp_model::name::ReleaseId;

use super::super::questions::{Cause, endless};
use super::super::stuck::Ended;
use super::super::sweep::askable;
use super::Watcher;

impl Watcher {
    /// What would answer if what answers now were gone back from; at rest, what answers now, for that is what the next one goes back to.
    pub(super) fn way_back(&self) -> Option<ReleaseId> {
        match &self.live.unconfirmed {
            Some(_) => self.live.before.clone(),
            None => self.live.release.clone(),
        }
    }

    /// Nothing is logged of a request that does not end, so nobody but we ask because of it.
    pub(super) fn suspect_hanging(&mut self) {
        let Some(release) = self
            .live
            .release
            .as_ref()
            .filter(|_| self.live.unconfirmed.is_some())
        else {
            return;
        };
        let is_asking = !self.own.is_at_rest() || !self.askable.is_empty();
        if !is_asking && self.looks.is_suspect(release, self.live.before.as_ref()) {
            let site = self.plan.config.clone();
            let probes = site.probe_paths();
            self.askable
                .spawn(askable(site, self.plan.program.clone(), probes));
        }
    }

    pub(super) fn question_hanging(&mut self, paths: &[String]) {
        let (release, now) = (self.live.release.as_ref(), self.ledger.clock.now());
        let suspect = release.and_then(|release| endless(release, paths, now));
        if let Some(question) = suspect.and_then(|suspect| self.question(suspect, Cause::Hanging)) {
            self.own.put(question);
        }
    }

    pub(super) async fn workers_ended(&mut self, ended: Ended) {
        let Ended {
            release,
            ended,
            killed,
            is_over: _,
        } = ended;
        if ended == 0 {
            return;
        }
        tracing::warn!(site = %self.plan.site, %release, ended, killed, "ended stuck workers");
        let site = self.plan.site.clone();
        let event = Event::WorkersEnded {
            site,
            release,
            ended,
            killed,
        };
        self.write(event).await;
    }

    pub(super) fn is_hanging(&self, release: &ReleaseId) -> bool {
        self.looks.is_hanging(release, self.live.before.as_ref())
    }
}
