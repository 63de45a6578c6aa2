//! What visitors were served well, and what always failed: learned from the log's recent past and from every line since.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use lamp_logline::{AccessLine, AskablePath, RequestLine, RouteShape};
use lamp_model::ReleaseId;

use super::failure::Kind;
use crate::message::{ASKS_MAX, Ask};

/// Most paths of which it is known that they were answered well.
const WELL_MAX: usize = 1_000;
/// Most kinds of failure that are remembered.
const FAILING_MAX: usize = 1_000;
/// How long a kind of failure is remembered after it was last met.
const FAILING_FOR: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Default)]
pub(super) struct History {
    well: HashMap<AskablePath, Well>,
    failing: HashMap<(ReleaseId, Kind), Failing>,
}

/// When a kind of failure was met.
#[derive(Debug)]
struct Failing {
    /// First, by the log's own time.
    first_at: Timestamp,
    /// Last, by the detector's.
    last: Duration,
}

#[derive(Debug)]
struct Well {
    shape: RouteShape,
    times: u64,
    last: Duration,
}

impl History {
    /// A visitor was answered: counted if it was well, and could be asked again.
    pub(super) fn note_well(&mut self, line: &AccessLine, now: Duration) {
        let Some(path) = line.request.as_ref().and_then(AskablePath::of) else {
            return;
        };
        if !line.is_well() {
            return;
        }
        if let Some(well) = self.well.get_mut(&path) {
            well.times += 1;
            well.last = now;
            return;
        }
        if self.well.len() >= WELL_MAX {
            self.forget_half();
        }
        let shape = RouteShape::of(path.as_str());
        let well = Well {
            shape,
            times: 1,
            last: now,
        };
        self.well.insert(path, well);
    }

    /// The half that was met longest ago.
    fn forget_half(&mut self) {
        let mut times: Vec<Duration> = self.well.values().map(|well| well.last).collect();
        times.sort_unstable();
        let middle = times.get(times.len() / 2).copied().unwrap_or_default();
        self.well.retain(|_, well| well.last > middle);
        if self.well.len() >= WELL_MAX {
            self.well.clear();
        }
    }

    pub(super) fn note_failing(&mut self, line: &AccessLine, kind: &Kind, now: Duration) {
        let Some(release) = &line.release else {
            return;
        };
        if self.failing.len() >= FAILING_MAX {
            self.failing
                .retain(|_, failing| now.saturating_sub(failing.last) < FAILING_FOR);
        }
        let key = (release.clone(), kind.clone());
        if let Some(failing) = self.failing.get_mut(&key) {
            failing.last = now;
            failing.first_at = failing.first_at.min(line.ended_at());
        } else if self.failing.len() < FAILING_MAX {
            let first_at = line.ended_at();
            self.failing.insert(key, Failing { first_at, last: now });
        }
    }

    /// Whether the release failed like this, before a time if one is given.
    pub(super) fn failed(&self, release: &ReleaseId, kind: &Kind, before: Option<Timestamp>) -> bool {
        let failing = self.failing.get(&(release.clone(), kind.clone()));
        failing.is_some_and(|failing| before.is_none_or(|before| failing.first_at < before))
    }

    /// Whether visitors were answered well on a route.
    pub(super) fn was_served(&self, route: &RouteShape) -> bool {
        self.well.values().any(|well| well.shape == *route)
    }

    /// What may be asked because of a failed request, the best first: itself; a path of its route that was well; the path that was
    /// well most often, for where one thing fails all may.
    pub(super) fn asks(&self, request: Option<&RequestLine>) -> Vec<Ask> {
        let mut asks: Vec<Ask> = Vec::new();
        let itself = request.and_then(AskablePath::of);
        let path = request.and_then(RequestLine::path);
        let without_query = path.and_then(|path| AskablePath::parse(path).ok());
        let alike = path.and_then(|path| self.best(Some(&RouteShape::of(path))));
        let candidates = [
            itself,
            without_query.filter(|path| self.well.contains_key(path)),
            alike,
            self.best(None),
        ];
        for path in candidates.into_iter().flatten() {
            if asks.len() < ASKS_MAX && asks.iter().all(|ask| ask.path != path) {
                let was_well = self.well.contains_key(&path);
                asks.push(Ask { path, was_well });
            }
        }
        asks
    }

    /// The path that was well most often, among those of one shape or of all.
    fn best(&self, shape: Option<&RouteShape>) -> Option<AskablePath> {
        let fits = |well: &Well| shape.is_none_or(|shape| well.shape == *shape);
        let paths = self.well.iter().filter(|(_, well)| fits(well));
        paths
            .max_by(|(a, x), (b, y)| x.times.cmp(&y.times).then(b.cmp(a)))
            .map(|(path, _)| path.clone())
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.well.len(), self.failing.len())
    }
}
