//! Hold points, for crash drills and tests: before and after each step the agent waits while a file
//! bids it to.
//!
//! `hold/before-switch` holds it before the step `switch`; while it waits, `hold/at-before-switch`
//! stands there. The directory is root's alone.

use std::path::PathBuf;
use std::time::Duration;

use fs_err as fs;
use lamp_model::StepName;

/// How often a waiting agent looks whether it may go on.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// On which side of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before it is written down that the step begins.
    Before,
    /// After it is written down that the step is done.
    After,
}

impl Side {
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
    pub fn bids(&self, side: Side, step: StepName) -> bool {
        self.0.join(point(side, step)).exists()
    }

    /// Goes on at once unless a file bids it to wait; then when the file is gone.
    pub async fn pass(&self, side: Side, step: StepName) {
        let point = point(side, step);
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

fn point(side: Side, step: StepName) -> String {
    format!("{}-{step}", side.as_str())
}
