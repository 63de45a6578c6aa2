//! The probes of each second, and whether the watcher sees them. Pure but for [`Schedule::wait`].
//!
//! Probes go through the side door to the live release: that is how the log tells them from visitors (`1` in the door's field, which nobody
//! writes without the key), so they never count as visitors' failures.

use std::time::Duration;

use lamp_model::evidence::Trouble;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Between two probes.
pub const PROBE_EVERY: Duration = Duration::from_secs(1);
/// How many answered probes may stay unseen before the watcher counts as blind.
pub const UNSEEN_MAX: u32 = 5;

/// Which path is probed when: one each second, in turn.
#[derive(Debug)]
pub struct Schedule {
    paths: Vec<String>,
    next: usize,
    beat: tokio::time::Interval,
}

impl Schedule {
    /// A schedule of these paths, the first one at once; without paths the home page.
    pub fn new(mut paths: Vec<String>) -> Self {
        if paths.is_empty() {
            paths.push("/".to_owned());
        }
        let mut beat = interval(PROBE_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { paths, next: 0, beat }
    }

    /// Waits until a probe is due, and answers its path. May be dropped at any time.
    pub async fn wait(&mut self) -> &str {
        let _: Instant = self.beat.tick().await;
        let at = self.next % self.paths.len();
        self.next = at + 1;
        &self.paths[at]
    }
}

/// Whether what we send is seen: answered probes against sightings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Answered since the last sighting.
    unseen: u32,
    is_blind: bool,
}

/// What has changed in what the watcher can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It sees no more.
    Blind(Trouble),
    /// It sees again.
    Sees,
}

impl Sight {
    /// A probe was answered, so a line of it must come. `log` is what messages call the log.
    pub fn answered(&mut self, log: &str) -> Option<Change> {
        self.unseen = self.unseen.saturating_add(1);
        let falls_blind =
            self.unseen > UNSEEN_MAX && !std::mem::replace(&mut self.is_blind, self.unseen > UNSEEN_MAX);
        falls_blind.then(|| Change::Blind(Trouble::Blind { log: log.to_owned() }))
    }

    /// A line of ours has come.
    pub fn sighted(&mut self) -> Option<Change> {
        self.unseen = 0;
        std::mem::take(&mut self.is_blind).then_some(Change::Sees)
    }

    /// Whether "good" may be said: blind, or not yet shown to see, it may not.
    pub const fn is_blind(&self) -> bool {
        self.is_blind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_probe_a_second_in_turn() {
        let mut schedule = Schedule::new(vec!["/".to_owned(), "/shop".to_owned()]);
        let begun = Instant::now();
        let mut asked = Vec::new();
        for _ in 0..4 {
            let path = schedule.wait().await.to_owned();
            asked.push((path, begun.elapsed().as_millis() / 100));
        }
        let expected = [("/", 0), ("/shop", 10), ("/", 20), ("/shop", 30)];
        assert!(
            asked.iter().map(|(path, at)| (path.as_str(), *at)).eq(expected),
            "{asked:?}"
        );
        assert_eq!(Schedule::new(Vec::new()).wait().await, "/");
    }

    #[test]
    fn unseen_probes_make_blind_once_and_one_sighting_mends_it() {
        let mut sight = Sight::default();
        for _ in 0..UNSEEN_MAX {
            assert_eq!(sight.answered("access.log"), None);
        }
        let blind = Trouble::Blind {
            log: "access.log".to_owned(),
        };
        assert_eq!(sight.answered("access.log"), Some(Change::Blind(blind)));
        assert_eq!(sight.answered("access.log"), None, "said once");
        assert!(sight.is_blind());
        assert_eq!(sight.sighted(), Some(Change::Sees));
        assert_eq!(sight.sighted(), None);
        for _ in 0..100 {
            assert_eq!(sight.answered("access.log"), None, "seen probes never make blind");
            assert_eq!(sight.sighted(), None);
        }
    }
}
