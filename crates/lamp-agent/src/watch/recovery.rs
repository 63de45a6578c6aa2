//! When a site is well again after trouble, and which requests its impact is counted from. Pure.

use std::time::Duration;

use jiff::Timestamp;
use lamp_model::evidence::Impact;
use lamp_model::name::{ReleaseId, SiteName};
use lamp_model::state::World;

/// How long probes and visitors must be answered well, one after the other.
pub const WELL_FOR: Duration = Duration::from_secs(3);

/// How it has been for a while.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wellness {
    /// Since when without a break, counted from the start of the watcher.
    since: Option<Duration>,
}

impl Wellness {
    /// A probe was answered well.
    pub fn well(&mut self, now: Duration) {
        self.since.get_or_insert(now);
    }

    /// Something was not.
    pub const fn ill(&mut self) {
        self.since = None;
    }

    /// Whether it has been well for long enough.
    pub fn is_lasting(&self, now: Duration) -> bool {
        self.since
            .is_some_and(|since| now.saturating_sub(since) >= WELL_FOR)
    }
}

/// Which answers an incident's impact is counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Only those of this release; `None`: of any.
    pub release: Option<ReleaseId>,
    /// Completed at this time or later.
    pub since: Timestamp,
}

/// What is to be counted once the site is well; `None`: it was never otherwise.
pub fn scope(world: &World, site: &SiteName) -> Option<Scope> {
    let (_, incident) = world.open_incident(site)?;
    let Some(culprit) = &incident.culprit else {
        return Some(Scope {
            release: None,
            since: incident.first_failed_at.unwrap_or(incident.noticed_at),
        });
    };
    let logged = world.site(site)?;
    let deployments = logged
        .active
        .iter()
        .chain(logged.last.iter().map(|last| &last.deployment));
    let brought = deployments
        .into_iter()
        .find(|deployment| deployment.id == culprit.deployment);
    Some(Scope {
        release: Some(culprit.release.clone()),
        // Nothing of that release was answered before it was planned.
        since: brought.map_or(incident.noticed_at, |deployment| deployment.planned_at),
    })
}

/// The counts of one incident: a request that was begun before the way back may end long after it, so a count is
/// taken for the last one only if the next one says the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counting {
    /// The number of the count that is waited for.
    asked: Option<u64>,
    next: u64,
    last: Option<Impact>,
}

impl Counting {
    /// The number of a new count, unless one is waited for.
    pub fn begin(&mut self) -> Option<u64> {
        if self.asked.is_some() {
            return None;
        }
        self.next += 1;
        self.asked = Some(self.next);
        self.asked
    }

    /// What was counted; answers it if it is the last word.
    pub fn take(&mut self, number: u64, impact: Impact) -> Option<Impact> {
        if self.asked != Some(number) {
            return None;
        }
        self.asked = None;
        let is_last = self.last.as_ref().is_some_and(|last| is_same(last, &impact));
        self.last = Some(impact.clone());
        is_last.then_some(impact)
    }

    /// What was asked for went with a worker that died, or something failed since.
    pub fn forget(&mut self) {
        self.asked = None;
        self.last = None;
    }
}

/// Visitors go on; only what failed matters.
fn is_same(a: &Impact, b: &Impact) -> bool {
    a.failed_requests == b.failed_requests && a.last_failed_at == b.last_failed_at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_well_again_after_a_while_without_a_break() {
        let mut wellness = Wellness::default();
        assert!(!wellness.is_lasting(seconds(100)), "nothing was seen yet");
        wellness.well(seconds(100));
        wellness.well(seconds(102));
        assert!(!wellness.is_lasting(seconds(102)));
        assert!(wellness.is_lasting(seconds(103)));
        wellness.ill();
        wellness.well(seconds(103));
        assert!(!wellness.is_lasting(seconds(105)));
        assert!(wellness.is_lasting(seconds(106)));
    }

    fn impact(failed_requests: u64, requests: u64) -> Impact {
        Impact {
            failed_requests,
            requests,
            ..Impact::default()
        }
    }

    #[test]
    fn a_count_is_the_last_if_the_next_says_the_same_of_what_failed() {
        let mut counting = Counting::default();
        let first = counting.begin().expect("none is waited for");
        assert_eq!(counting.begin(), None);
        assert_eq!(
            counting.take(first + 7, impact(9, 9)),
            None,
            "nobody asked for that"
        );
        assert_eq!(counting.take(first, impact(3, 10)), None);
        let second = counting.begin().expect("the next");
        assert_eq!(counting.take(second, impact(4, 20)), None, "one more has ended");
        let third = counting.begin().expect("the next");
        assert_eq!(counting.take(third, impact(4, 30)), Some(impact(4, 30)));
        let lost = counting.begin().expect("the next");
        counting.forget();
        assert_eq!(counting.take(lost, impact(4, 30)), None);
    }
}
