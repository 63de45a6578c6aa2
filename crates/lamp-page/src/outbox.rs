//! Which page is tried when, and why. Pure: time is an argument, and nothing is sent from here.
//!
//! A page waits, is under way, has an answer that is to be recorded, and is recorded; only then may the next page of the same key
//! go. So whatever is killed, the receiver hears of a key in the order in which it was written down: a resolve
//! never overtakes its trigger, and a trigger that nobody took is still sent before its resolve, so that the
//! receiver's history is whole. Nothing is given up before it was tried once.

mod page;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use lamp_model::clock::BootTime;
use lamp_model::incident::{PageId, PageResult};
use lamp_model::state::PendingPage;

use crate::notifier::Said;
use page::{Lane, Page, State};

/// How long a page is tried, from when it was written down.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Most pages that are under way at a time.
pub const UNDER_WAY_MAX: usize = 8;
/// Most tries within [`CALLS_WITHIN`]: about what PagerDuty takes of one key.
pub const CALLS_MAX: usize = 120;
/// The time in which they are counted.
pub const CALLS_WITHIN: Duration = Duration::from_secs(60);
/// The wait after a first failed try; each further one is twice as long.
pub const WAIT_FIRST: Duration = Duration::from_millis(250);
/// The longest of them.
pub const WAIT_MAX: Duration = Duration::from_secs(60);
/// The wait after "too many" if the receiver names none.
pub const WAIT_TOO_MANY: Duration = Duration::from_secs(10);
/// The longest wait that a receiver may ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
/// The wait before a result that could not be recorded is recorded again.
pub const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// The pages that nobody has taken yet, and how far each is.
#[derive(Debug, Default)]
pub struct Outbox {
    pages: BTreeMap<PageId, Page>,
    /// The tries of the last minute, the oldest first; at most [`CALLS_MAX`].
    calls: VecDeque<BootTime>,
    /// The receiver takes nothing before.
    shut_until: Option<BootTime>,
}

/// One try to be made now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// Of which page.
    pub page: PageId,
    /// Which try it is, from 1.
    pub number: u32,
    /// Why now.
    pub why: Why,
}

/// Why a page is tried now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It was not tried by this process.
    First,
    /// The last try came to nothing.
    Again {
        /// What was said then.
        said: String,
    },
}

/// What is to be done now, and when to ask again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// To be tried, the most urgent first.
    pub tries: Vec<Try>,
    /// Results to be recorded.
    pub records: Vec<(PageId, PageResult)>,
    /// When there is more to do, if nothing happens before; `None`: only if something happens.
    pub look_again: Option<BootTime>,
}

impl Outbox {
    /// Takes in what the log has without a result: new pages begin to wait, those that are settled there are
    /// forgotten. `wall` and `now` are the same moment.
    pub fn look(&mut self, pending: &BTreeMap<PageId, PendingPage>, wall: Timestamp, now: &BootTime) {
        self.pages
            .retain(|id, page| pending.contains_key(id) || page.state.is_busy());
        for (id, waits) in pending {
            let page = self.pages.entry(*id);
            page.or_insert_with(|| Page::new(waits, wall, now));
        }
    }

    /// What is to be done at `now`. Changes nothing: [`Outbox::begin`] and [`Outbox::recording`] say that it is
    /// being done.
    pub fn decide(&self, now: &BootTime) -> Decision {
        let mut decision = Decision::default();
        let mut room = self.room(now);
        for id in self.free() {
            let page = &self.pages[&id];
            match &page.state {
                State::Waiting { due } if !is_past(due, now) => decision.not_before(due),
                State::Waiting { .. } if room > 0 => {
                    room -= 1;
                    decision.tries.push(page.next_try(id));
                }
                State::Answered { result, due } if is_past(due, now) => {
                    decision.records.push((id, result.clone()));
                }
                State::Answered { due, .. } => decision.not_before(due),
                State::Waiting { .. } => self.reopens(now, &mut decision),
                State::UnderWay | State::Recording { .. } | State::Recorded => {}
            }
        }
        decision
    }

    /// A try is being made.
    pub fn begin(&mut self, id: PageId, now: &BootTime) {
        self.forget_calls(now);
        self.calls.push_back(now.clone());
        if let Some(page) = self.pages.get_mut(&id) {
            page.tries = page.tries.saturating_add(1);
            page.state = State::UnderWay;
        }
    }

    /// What came of it.
    pub fn answered(&mut self, id: PageId, said: Said, now: &BootTime) {
        if let Said::TooMany { retry_after, .. } = &said {
            self.shut_until = Some(now.plus(asked(*retry_after).unwrap_or(WAIT_TOO_MANY)));
        }
        if let Some(page) = self.pages.get_mut(&id) {
            page.answered(said, now);
        }
    }

    /// A result is being recorded.
    pub fn recording(&mut self, id: PageId) {
        if let Some(page) = self.pages.get_mut(&id)
            && let State::Answered { result, .. } = &page.state
        {
            let result = result.clone();
            page.state = State::Recording { result };
        }
    }

    /// It is on disk: the page is settled, and the next of its key may go.
    pub fn recorded(&mut self, id: PageId) {
        if let Some(page) = self.pages.get_mut(&id) {
            page.state = State::Recorded;
        }
    }

    /// It could not be recorded: again, a little later. The page is not sent again meanwhile.
    pub fn not_recorded(&mut self, id: PageId, now: &BootTime) {
        if let Some(page) = self.pages.get_mut(&id)
            && let State::Recording { result } = &page.state
        {
            page.state = State::Answered {
                result: result.clone(),
                due: now.plus(RECORD_AGAIN),
            };
        }
    }

    /// Pages of which no result is recorded.
    pub fn waiting(&self) -> usize {
        let settled = |page: &&Page| !matches!(page.state, State::Recorded);
        self.pages.values().filter(settled).count()
    }

    /// Pages that are under way, or have a result that is not recorded.
    pub fn unsettled(&self) -> usize {
        let unsettled = |page: &&Page| page.state.is_busy() || matches!(page.state, State::Answered { .. });
        self.pages.values().filter(unsettled).count()
    }

    /// The pages before which none of the same key stands unrecorded: alerts first, the oldest first.
    fn free(&self) -> Vec<PageId> {
        let mut lanes: BTreeSet<&Lane> = BTreeSet::new();
        let unrecorded = self
            .pages
            .iter()
            .filter(|(_, page)| !matches!(page.state, State::Recorded));
        let first = unrecorded.filter(|(_, page)| lanes.insert(&page.lane));
        let mut free: Vec<(&Lane, PageId)> = first.map(|(id, page)| (&page.lane, *id)).collect();
        free.sort_by_key(|(lane, id)| (lane.is_change(), *id));
        free.into_iter().map(|(_, id)| id).collect()
    }

    /// How many tries may begin now.
    fn room(&self, now: &BootTime) -> usize {
        if self.shut_until.as_ref().is_some_and(|until| !is_past(until, now)) {
            return 0;
        }
        let under_way = self.pages.values().filter(|page| page.state.is_busy()).count();
        let recent = self.calls.iter().filter(|call| is_recent(call, now)).count();
        UNDER_WAY_MAX
            .saturating_sub(under_way)
            .min(CALLS_MAX.saturating_sub(recent))
    }

    /// When there is room again, as far as time alone makes it.
    fn reopens(&self, now: &BootTime, decision: &mut Decision) {
        if let Some(until) = self.shut_until.as_ref().filter(|until| !is_past(until, now)) {
            return decision.not_before(until);
        }
        let recent: Vec<_> = self.calls.iter().filter(|call| is_recent(call, now)).collect();
        if let Some(oldest) = recent.first().filter(|_| recent.len() >= CALLS_MAX) {
            decision.not_before(&oldest.plus(CALLS_WITHIN));
        }
    }

    fn forget_calls(&mut self, now: &BootTime) {
        self.calls.retain(|call| is_recent(call, now));
        while self.calls.len() >= CALLS_MAX {
            self.calls.pop_front();
        }
    }
}

impl Decision {
    fn not_before(&mut self, at: &BootTime) {
        let sooner = |known: &BootTime| known.nanos <= at.nanos;
        if !self.look_again.as_ref().is_some_and(sooner) {
            self.look_again = Some(at.clone());
        }
    }
}

/// Whether `at` has come; a moment of another boot has.
fn is_past(at: &BootTime, now: &BootTime) -> bool {
    at.since(now).is_none_or(|left| left.is_zero())
}

fn is_recent(call: &BootTime, now: &BootTime) -> bool {
    now.since(call).is_some_and(|age| age < CALLS_WITHIN)
}

/// The wait that a receiver asked for, within bounds.
fn asked(retry_after: Option<Duration>) -> Option<Duration> {
    retry_after.map(|asked| asked.clamp(WAIT_FIRST, RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests;
