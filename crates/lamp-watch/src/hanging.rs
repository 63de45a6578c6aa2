//! Requests that do not end: no log line tells of them, so workers are looked at once a second, and compared with the look before. Pure.
//!
//! Whoever can reach the host looks ([`Seen`] is what it saw); here it is remembered since when each worker has been at its request. A request
//! ends with an answer and a line in the log, so a worker that has written anything is at another one, or gets on with it. The age is
//! counted from when a request was first seen: it is never said to be older than it is.

use std::collections::BTreeMap;
use std::time::Duration;

use lamp_model::ReleaseId;
use lamp_model::evidence::Hanging;

/// The age from which requests are worth a question: a page that takes so long is slow, and may be what it is.
pub const SUSPECT_AGE: Duration = Duration::from_secs(2);
/// The age from which a request counts as one that does not end: no visitor waits longer, nor does the asking ([`crate::question::ASK_TIMEOUT`]).
pub const HANGING_AGE: Duration = Duration::from_secs(5);
/// A site whose pages are slow but end is used to it: the ages above are at least this many times the slowest request that was seen to end.
pub const USUAL_FACTOR: u32 = 3;
/// But never more than this, so that a visitor who reads slowly hides nothing for long.
pub const AGE_MAX: Duration = Duration::from_secs(20);
/// How many of them are trouble: one may be an export that somebody waits for.
pub const REQUESTS_ENOUGH: u64 = 2;
/// Most workers that are looked at.
const WORKERS_MAX: usize = 20_000;

/// A worker that is at a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its process id, and when it started: one process and no other.
    pub worker: (i32, u64),
    /// The release of the request.
    pub release: ReleaseId,
    /// How often it has written anything.
    pub writes: u64,
    /// Whether it is computing, and waits for nothing.
    pub is_computing: bool,
}

/// A request under way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Request {
    release: ReleaseId,
    writes: u64,
    first_seen: Duration,
    /// Whether it was each time that it was seen.
    is_computing: bool,
}

impl Request {
    fn is_still(&self, seen: &Seen) -> bool {
        self.release == seen.release && self.writes == seen.writes
    }
}

/// What was under way when it was last looked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InFlight {
    requests: BTreeMap<(i32, u64), Request>,
    looked_at: Duration,
    slowest_ended: Duration,
    /// When a request of each release was last seen to have ended.
    last_ended: BTreeMap<ReleaseId, Duration>,
}

impl InFlight {
    /// It was looked at `now`, by any clock that only runs forwards.
    pub fn look(&mut self, now: Duration, seen: Vec<Seen>) {
        self.last_ended.retain(|_, at| now.saturating_sub(*at) < AGE_MAX);
        let mut before = std::mem::take(&mut self.requests);
        for seen in seen.into_iter().take(WORKERS_MAX) {
            let known = before.remove(&seen.worker);
            let (known, ended) = match known {
                Some(request) if request.is_still(&seen) => (Some(request), None),
                other => (None, other),
            };
            self.ended(now, ended);
            let request = Request {
                first_seen: known.as_ref().map_or(now, |request| request.first_seen),
                is_computing: seen.is_computing && known.is_none_or(|request| request.is_computing),
                release: seen.release,
                writes: seen.writes,
            };
            self.requests.insert(seen.worker, request);
        }
        before
            .into_values()
            .for_each(|request| self.ended(now, Some(request)));
        self.looked_at = now;
    }

    fn ended(&mut self, now: Duration, request: Option<Request>) {
        let Some(request) = request else {
            return;
        };
        let age = self.looked_at.saturating_sub(request.first_seen);
        self.slowest_ended = self.slowest_ended.max(age);
        self.last_ended.insert(request.release, now);
    }

    /// Whether requests of `release` have ended lately: then some of its workers are free now and again.
    fn is_answering(&self, release: &ReleaseId) -> bool {
        let ended = self.last_ended.get(release);
        ended.is_some_and(|at| self.looked_at.saturating_sub(*at) < HANGING_AGE)
    }

    /// Whether requests of `release` are worth a question.
    pub fn is_suspect(&self, release: &ReleaseId, before: Option<&ReleaseId>) -> bool {
        self.older(SUSPECT_AGE, release, before).is_some()
    }

    /// Requests of `release` that do not end; `None` also where the release `before` has such, for then it is no news.
    pub fn hanging(&self, release: &ReleaseId, before: Option<&ReleaseId>) -> Option<Hanging> {
        self.older(HANGING_AGE, release, before)
    }

    fn older(&self, age: Duration, release: &ReleaseId, before: Option<&ReleaseId>) -> Option<Hanging> {
        let usual = self.slowest_ended.saturating_mul(USUAL_FACTOR).min(AGE_MAX);
        let age = age.max(usual);
        let is_usual = before.is_some_and(|before| self.count(age, before).requests >= REQUESTS_ENOUGH);
        let found = self.count(age, release);
        (!is_usual && found.requests >= REQUESTS_ENOUGH).then_some(found)
    }

    fn count(&self, age: Duration, release: &ReleaseId) -> Hanging {
        let age_of = |request: &Request| self.looked_at.saturating_sub(request.first_seen);
        let of_it = self
            .requests
            .values()
            .filter(|request| request.release == *release);
        let old: Vec<&Request> = of_it.filter(|request| age_of(request) >= age).collect();
        let computing = old
            .iter()
            .filter(|request| request.is_computing && !self.is_answering(release));
        let youngest = old
            .iter()
            .map(|request| age_of(request))
            .min()
            .unwrap_or_default();
        Hanging {
            requests: old.len() as u64,
            computing: computing.count() as u64,
            age_ms: u64::try_from(youngest.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Whether the release itself is to blame: who waits may wait for what every release needs, who computes does not.
pub const fn is_to_blame(hanging: Hanging) -> bool {
    hanging.computing >= REQUESTS_ENOUGH
}

#[cfg(test)]
mod tests;
