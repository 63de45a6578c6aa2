//! One request and what became of it.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::marker::{Markers, Way};

/// Nanoseconds since the host booted, suspended time included: the clock of the load and of the switches.
///
/// It is the same count as `BootTime` of `lamp-model`, so an event of the log can be held against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Nanos(pub u64);

impl Nanos {
    /// This moment.
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        Self(seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0))
    }

    /// How much later this is; zero if it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This moment, `wait` later.
    #[must_use]
    pub fn plus(self, wait: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// What visitors ask for, and what a right answer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The path, query included.
    pub path: String,
    /// How often it is asked, relative to the others.
    pub weight: u32,
    /// The status of a right answer.
    pub status: u16,
    /// The markers that a right answer holds.
    pub ways: Vec<Way>,
}

impl Target {
    /// A target that answers 200 with these markers.
    pub fn new(path: impl Into<String>, weight: u32, ways: &[Way]) -> Self {
        Self {
            path: path.into(),
            weight,
            status: 200,
            ways: ways.to_vec(),
        }
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its target, by place in the plan.
    pub target: usize,
    /// When it was to be sent.
    pub planned: Nanos,
    /// When it was sent: just before its first byte, or the connection for it, was begun.
    pub sent: Nanos,
    /// When its answer was complete, or was given up.
    pub received: Nanos,
    /// What came.
    pub outcome: Outcome,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A complete answer.
    Answered {
        /// Its status.
        status: u16,
        /// The markers found in it.
        markers: Markers,
    },
    /// None: why.
    Unanswered(String),
}
