//! One page on its way.

use std::time::Duration;

use jiff::Timestamp;
use lamp_model::clock::BootTime;
use lamp_model::incident::{PageAction, PageResult};
use lamp_model::state::PendingPage;

use super::{KEPT_FOR, Try, WAIT_FIRST, WAIT_MAX, WAIT_TOO_MANY, Why, asked, is_past};
use crate::notifier::Said;
use lamp_model::incident::PageId;

/// Pages of one lane go one after another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// What wakes somebody, or lets them sleep, by its key.
    Alert(String),
    /// What only tells of a change.
    Change(String),
}

impl Lane {
    pub(super) const fn is_change(&self) -> bool {
        matches!(self, Self::Change(_))
    }
}

/// How far a page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// To be tried, not before `due`.
    Waiting { due: BootTime },
    /// A try is being made.
    UnderWay,
    /// To be recorded, not before `due`.
    Answered { result: PageResult, due: BootTime },
    /// Being recorded.
    Recording { result: PageResult },
    /// On disk.
    Recorded,
}

impl State {
    /// Whether something is being done of which the end will be told.
    pub(super) const fn is_busy(&self) -> bool {
        matches!(self, Self::UnderWay | Self::Recording { .. })
    }
}

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) lane: Lane,
    pub(super) tries: u32,
    pub(super) state: State,
    /// A try that fails from here on is the last.
    last_try_from: BootTime,
    /// What was said at the last try.
    said: Option<String>,
}

impl Page {
    /// One that begins to wait; what it waited before this process saw it is counted by the wall clock.
    pub(super) fn new(waits: &PendingPage, wall: Timestamp, now: &BootTime) -> Self {
        let age = Duration::try_from(wall.duration_since(waits.since)).unwrap_or_default();
        let key = waits.intent.dedup_key.clone();
        Self {
            lane: match waits.intent.action {
                PageAction::Trigger | PageAction::Resolve => Lane::Alert(key),
                PageAction::Change => Lane::Change(key),
            },
            tries: 0,
            state: State::Waiting { due: now.clone() },
            last_try_from: now.plus(KEPT_FOR.saturating_sub(age)),
            said: None,
        }
    }

    pub(super) fn next_try(&self, page: PageId) -> Try {
        Try {
            page,
            number: self.tries.saturating_add(1),
            why: self.said.clone().map_or(Why::First, |said| Why::Again { said }),
        }
    }

    pub(super) fn answered(&mut self, said: Said, now: &BootTime) {
        if self.state != State::UnderWay {
            return;
        }
        self.state = match said {
            Said::Accepted => settled(PageResult::Accepted { tries: self.tries }, now),
            Said::Refused { why } => settled(PageResult::Refused { why }, now),
            Said::NotNow { why, retry_after } => self.failed(why, asked(retry_after), now),
            Said::TooMany { why, retry_after } => {
                let wait = asked(retry_after).unwrap_or(WAIT_TOO_MANY);
                self.failed(why, Some(wait), now)
            }
        };
    }

    fn failed(&mut self, why: String, wait: Option<Duration>, now: &BootTime) -> State {
        if is_past(&self.last_try_from, now) {
            return settled(PageResult::GaveUp { why }, now);
        }
        self.said = Some(why);
        let due = now.plus(wait.unwrap_or_else(|| own_wait(self.tries)));
        State::Waiting { due }
    }
}

fn settled(result: PageResult, now: &BootTime) -> State {
    let due = now.clone();
    State::Answered { result, due }
}

/// The wait after this many tries: twice as long each time, to a bound.
fn own_wait(tries: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(tries.saturating_sub(1).min(16));
    WAIT_FIRST.saturating_mul(doubled).min(WAIT_MAX)
}
