//! Who watches a site that is switched by its link, and what is done once something was noticed.

pub(super) mod monit;
pub(super) mod prometheus;

use std::time::{Duration, Instant};

use anyhow::Result;

use super::ground::Ground;

/// A routing key of the form that PagerDuty gives out; nobody's.
const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";

/// Someone who watches.
pub(super) trait Watcher {
    /// Sets it up and starts it inside.
    fn start(&self, ground: &Ground) -> Result<()>;

    /// How long it is left alone before the bad release comes.
    fn settled_after(&self) -> Duration;

    /// How often it looks.
    fn cycle(&self) -> Duration;

    /// How it ended, once it has; whoever is to act by hand acts here. `begun` is when the bad release came, `renames`
    /// how often the link has been renamed since, that time included.
    fn end(&self, ground: &Ground, begun: Instant, renames: usize) -> Result<Option<End>>;
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The good release is back.
    SwitchedBack,
    /// Nobody will bring it back.
    NobodyCame,
}

/// The control.
pub(super) struct Nobody {
    /// How long it is looked at.
    pub(super) fails_for: Duration,
}

impl Watcher for Nobody {
    fn start(&self, _ground: &Ground) -> Result<()> {
        Ok(())
    }

    fn settled_after(&self) -> Duration {
        Duration::ZERO
    }

    fn cycle(&self) -> Duration {
        Duration::ZERO
    }

    fn end(&self, _ground: &Ground, begun: Instant, _renames: usize) -> Result<Option<End>> {
        Ok((begun.elapsed() >= self.fails_for).then_some(End::NobodyCame))
    }
}
