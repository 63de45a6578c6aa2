//! Time set by hand: the wall clock may be set anywhere, also back; time since boot only runs on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lamp_model::clock::{BootTime, Clock};

/// A clock that stands still until it is told otherwise. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Times>>);

#[derive(Debug)]
struct Times {
    wall: Timestamp,
    boot: BootTime,
    boots: u64,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl ManualClock {
    /// 2026-11-22 06:40 UTC, ten seconds after the first boot.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Times {
            wall: "2026-11-22T06:40:00Z".parse().expect("a time"),
            boot: booted(1, Duration::from_secs(10)),
            boots: 1,
        })))
    }

    /// Both times run on.
    pub fn advance(&self, by: Duration) {
        let mut times = self.times();
        times.wall += by;
        times.boot = times.boot.plus(by);
    }

    /// Sets the wall clock, back too; time since boot does not notice.
    pub fn set_wall(&self, to: Timestamp) {
        self.times().wall = to;
    }

    /// The host restarts: another boot, whose time begins anew.
    pub fn reboot(&self) {
        let mut times = self.times();
        times.boots += 1;
        times.boot = booted(times.boots, Duration::ZERO);
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.times().wall
    }

    fn boot_time(&self) -> BootTime {
        self.times().boot.clone()
    }
}

fn booted(boot: u64, since: Duration) -> BootTime {
    BootTime {
        boot_id: format!("boot-{boot}"),
        nanos: 0,
    }
    .plus(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn the_wall_clock_can_be_set_back_and_time_since_boot_does_not_notice() {
        let clock = ManualClock::new();
        let (wall, boot) = (clock.now(), clock.boot_time());
        clock.set_wall(wall - HOUR);
        assert!(clock.now() < wall);
        assert_eq!(clock.boot_time(), boot);
        clock.advance(HOUR);
        assert_eq!(clock.now(), wall);
        assert_eq!(clock.boot_time().since(&boot), Some(HOUR));
    }

    #[test]
    fn times_of_different_boots_cannot_be_compared() {
        let clock = ManualClock::new();
        let before = clock.boot_time();
        clock.reboot();
        assert_eq!(clock.boot_time().since(&before), None);
    }
}
