//! The clock type. Wall time is for people and the log; what orders or expires counts from boot, so a
//! clock that is set back changes no decision.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A moment since the host booted, suspended time included, and which boot that was.
///
/// Two moments of different boots cannot be compared: [`BootTime::since`] then answers `None`, which
/// every caller reads as "long ago".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTime {
    /// The kernel's random id of this boot.
    pub boot_id: String,
    /// Time since that boot, in nanoseconds.
    pub nanos: u64,
}

impl BootTime {
    /// How long after `earlier` this is; `None` across a reboot.
    pub fn since(&self, earlier: &Self) -> Option<Duration> {
        (self.boot_id == earlier.boot_id)
            .then(|| Duration::from_nanos(self.nanos.saturating_sub(earlier.nanos)))
    }

    /// This moment, `wait` later.
    #[must_use]
    pub fn plus(&self, wait: Duration) -> Self {
        let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Self {
            boot_id: self.boot_id.clone(),
            nanos: self.nanos.saturating_add(wait),
        }
    }
}

/// Where time comes from; the system's in production, one set by hand in tests.
pub trait Clock: Send + Sync {
    /// Wall time, for people and the log. May jump either way.
    fn now(&self) -> Timestamp;
    /// Time since boot, for order, bounds and expiry. Never runs backwards.
    fn boot_time(&self) -> BootTime;
}
