//! Which failure of a visitor is worth a question: one of the live release, of a kind that the release before never had. Pure: lines and
//! `now` in, typed values out.
//!
//! Read [`joined`] (errors meet their requests), [`failure`] (what is a failure, and which are one kind), [`history`] (what was well, what
//! always failed), [`questions`] (how often may be asked), [`tally`] (what visitors went through).
//!
//! Invariant: every map is bounded; a flood of invented routes takes the questions of invented routes, never those of routes that visitors
//! were served on.

use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use lamp_logline::{AccessLine, AskablePath, ErrorLine};
use lamp_model::ReleaseId;
use lamp_model::evidence::Impact;

use crate::message::{Live, Sighting, Suspect, Traffic};

mod failure;
mod history;
mod joined;
mod questions;
mod tally;

use failure::{Failure, Kind};
use history::History;
use joined::Joined;
use questions::{Questions, Standing};
use tally::Tally;

/// Most clients that are told apart in a suspicion's count.
const CLIENTS_MAX: usize = 10_000;
/// Failures of releases that are not live that are kept, in case one of them turns out to be.
const EARLY_MAX: usize = 64;
/// PHP requests of the live release that fail one after the other before a failure of a known kind is news again.
const ROW_ENOUGH: usize = 5;
/// Clients that they come from at least.
const ROW_CLIENTS_ENOUGH: usize = 2;

/// What a line made the detector notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noticed {
    /// A failure to ask about.
    Suspect(Box<Suspect>),
    /// A request of ours.
    Sighted(Box<Sighting>),
}

/// The state of one site's detector.
#[derive(Debug, Default)]
pub struct Detector {
    live: Live,
    joined: Joined,
    history: History,
    questions: Questions,
    tally: Tally,
    /// The latest failures of other releases.
    early: VecDeque<(AccessLine, Failure)>,
    /// Failures of the live release since it is live.
    failed: Failed,
    /// Failures of PHP since it last answered well.
    row: Failed,
}

#[derive(Debug, Default)]
struct Failed {
    requests: u64,
    clients: HashSet<IpAddr>,
}

impl Failed {
    fn add(&mut self, client: IpAddr) {
        self.requests += 1;
        if self.clients.len() < CLIENTS_MAX {
            self.clients.insert(client);
        }
    }
}

impl Detector {
    /// Another release answers, or another one stands before it. Visitors may have met it before this was told: what they failed
    /// at is noticed now.
    pub fn live(&mut self, live: Live, now: Duration) -> Vec<Noticed> {
        if self.live == live {
            return Vec::new();
        }
        self.live = live;
        self.questions = Questions::default();
        self.failed = Failed::default();
        self.row = Failed::default();
        let early = std::mem::take(&mut self.early);
        early
            .into_iter()
            .filter_map(|(line, failure)| self.judge(&line, failure, now))
            .collect()
    }

    /// Takes an error in. It waits for its request's line, so errors are to be given before the requests that were logged with them.
    pub fn error(&mut self, line: ErrorLine) {
        self.joined.put(line);
    }

    /// Takes in a request that ended before the watch began: it teaches and is counted. It is asked about only if it is news that
    /// nobody heard: of the live release, since it is live, at `news_from` or later.
    pub fn learn(&mut self, line: &AccessLine, news_from: Timestamp, now: Duration) -> Option<Noticed> {
        if line.is_door {
            return None;
        }
        let is_new = line.ended_at() >= news_from;
        if is_new && line.release == self.live.release && self.live.since.is_some() && !self.is_past(line) {
            return self.line(line, now);
        }
        let failure = self.failure(line);
        self.tally.add(line, failure.is_some());
        self.remember(line, failure.as_ref(), now);
        if let Some(failure) = failure.filter(|_| is_new && line.release != self.live.release) {
            self.keep_early(line, failure);
        }
        None
    }

    /// Takes in a request that has just ended.
    pub fn line(&mut self, line: &AccessLine, now: Duration) -> Option<Noticed> {
        if line.is_door {
            return Some(Noticed::Sighted(Box::new(self.sighting(line))));
        }
        let failure = self.failure(line);
        let is_live = line.release.is_some() && line.release == self.live.release;
        self.tally.add(line, failure.is_some());
        if is_live {
            self.tally.add_live(failure.is_some());
        }
        self.remember(line, failure.as_ref(), now);
        let failure = failure?;
        if !is_live {
            self.keep_early(line, failure);
            return None;
        }
        self.judge(line, failure, now)
    }

    /// A failure of a release that is not live, or not yet.
    fn keep_early(&mut self, line: &AccessLine, failure: Failure) {
        if self.early.len() >= EARLY_MAX {
            self.early.pop_front();
        }
        self.early.push_back((line.clone(), failure));
    }

    fn judge(&mut self, line: &AccessLine, failure: Failure, now: Duration) -> Option<Noticed> {
        let release = line.release.clone()?;
        if Some(&release) != self.live.release.as_ref() || self.is_past(line) {
            return None;
        }
        self.suspect(line, failure, release, now)
            .map(|suspect| Noticed::Suspect(Box::new(suspect)))
    }

    /// What visitors did since the last call; `None`: nothing.
    pub fn traffic(&mut self) -> Option<Traffic> {
        self.tally.traffic(self.live.release.as_ref())
    }

    /// What visitors went through from `since` on.
    pub fn impact(&self, release: Option<&ReleaseId>, since: Timestamp) -> Impact {
        self.tally.impact(release, since)
    }

    fn failure(&mut self, line: &AccessLine) -> Option<Failure> {
        let error = line
            .log_id
            .as_ref()
            .and_then(|id| self.joined.take(id, line.release.as_ref()));
        Failure::of(line, error)
    }

    fn sighting(&mut self, line: &AccessLine) -> Sighting {
        let id = line.log_id.as_ref();
        Sighting {
            release: line.release.clone(),
            path: line.request.as_ref().and_then(AskablePath::of),
            status: line.status,
            begun_at: line.begun_at,
            error: id.and_then(|id| self.joined.take(id, line.release.as_ref())),
        }
    }

    /// Whether the answer belongs to the time before the release was live.
    fn is_past(&self, line: &AccessLine) -> bool {
        self.live.since.is_some_and(|since| line.ended_at() < since)
    }

    fn remember(&mut self, line: &AccessLine, failure: Option<&Failure>, now: Duration) {
        let Some(failure) = failure else {
            self.history.note_well(line, now);
            if line.release == self.live.release && line.handler == lamp_logline::Handler::Php {
                self.row = Failed::default();
            }
            return;
        };
        // What the live release fails at since it is live is news, or was asked about: never its past.
        if line.release != self.live.release || self.is_past(line) {
            self.history.note_failing(line, failure.kind(), now);
        }
    }

    fn suspect(
        &mut self,
        line: &AccessLine,
        failure: Failure,
        release: ReleaseId,
        now: Duration,
    ) -> Option<Suspect> {
        self.failed.add(line.client);
        if line.handler == lamp_logline::Handler::Php {
            self.row.add(line.client);
        }
        let kind = self.news(&failure)?;
        let standing = if self.history.was_served(failure.route()) {
            Standing::ServedBefore
        } else {
            Standing::Unknown
        };
        if !self.questions.may_ask(kind, standing, line.client, now) {
            return None;
        }
        let route = failure.route().clone();
        Some(Suspect {
            release,
            route: route.as_str().to_owned(),
            status: line.status,
            error: failure.into_error(),
            first_failed_at: line.ended_at(),
            asks: self.history.asks(line.request.as_ref()),
            failed_requests: self.failed.requests,
            failed_clients: self.failed.clients.len() as u64,
        })
    }

    /// The kind under which a failure is news: its own, or that nothing else is left.
    fn news(&self, failure: &Failure) -> Option<Kind> {
        let failed = |release: Option<&ReleaseId>, before| {
            release.is_some_and(|release| self.history.failed(release, failure.kind(), before))
        };
        let is_known = failed(self.live.before.as_ref(), None)
            || self
                .live
                .since
                .is_some_and(|since| failed(self.live.release.as_ref(), Some(since)));
        if !is_known {
            return Some(failure.kind().clone());
        }
        let nothing_else =
            self.row.requests >= ROW_ENOUGH as u64 && self.row.clients.len() >= ROW_CLIENTS_ENOUGH;
        nothing_else.then_some(Kind::NothingElse)
    }
}

#[cfg(test)]
mod tests;
