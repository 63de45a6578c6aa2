//! Hold points, for crash drills and tests: on both sides of a [`Moment`] whoever passes it waits while a file
//! bids it to.
//!
//! `hold/before-switch` holds the agent before the step `switch`; while it waits, `hold/at-before-switch`
//! stands there. The directory is its owner's alone.

pub mod moment;

use std::path::PathBuf;
use std::time::Duration;

use fs_err as fs;
pub use moment::{Moment, Told};

/// How often a waiting agent looks whether it may go on.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// On which side of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before it: of a step, before it is written down that it begins; of a record, before it is on disk.
    Before,
    /// After it: of a step, after it is written down that it is done; of a record, once it is on disk.
    After,
}

impl Side {
    /// Both, in their order.
    pub const ALL: [Self; 2] = [Self::Before, Self::After];

    /// The side as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// The directory in which hold points are looked for.
#[derive(Debug, Clone)]
pub struct Holds(PathBuf);

impl Holds {
    /// In this directory.
    pub const fn new(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// Whether a file bids to wait there.
    pub fn bids(&self, side: Side, moment: Moment) -> bool {
        self.0.join(point(side, moment)).exists()
    }

    /// Goes on at once unless a file bids it to wait; then when the file is gone.
    pub async fn pass(&self, side: Side, moment: Moment) {
        let point = point(side, moment);
        let bid = self.0.join(&point);
        if !bid.exists() {
            return;
        }
        let here = self.0.join(format!("at-{point}"));
        if let Err(error) = fs::write(&here, []) {
            tracing::warn!(%error, "hold point not announced");
        }
        while bid.exists() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        if let Err(error) = fs::remove_file(&here) {
            tracing::warn!(%error, "hold point not taken away");
        }
    }
}

/// The name of a hold point, as in `before-switch`.
pub fn point(side: Side, moment: Moment) -> String {
    format!("{}-{moment}", side.as_str())
}
