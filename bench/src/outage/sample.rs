//! One run, as far as it counts.

use std::collections::BTreeMap;
use std::fmt;

use lamp::drill::outage::{Forced, Met};
use lamp_lab::load::{Judgement, Nanos, Tally};
use lamp_lab::receiver::Received;
use serde::Serialize;

use super::Contender;
use super::ground::Seen;

/// One run.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    pub(super) contender: Contender,
    number: u32,
    /// Whether the load was sent in time.
    pub(super) valid: bool,
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) mixed: u64,
    pub(super) stale: u64,
    late_sends: u64,
    /// What the failed ones met, in words.
    failed_by: BTreeMap<String, u64>,
    /// `None`: none failed.
    first_failed_to_last_failed_s: Option<f64>,
    /// `None`: nobody was paged, or none failed.
    pub(super) first_failed_to_page_accepted_s: Option<f64>,
}

impl Sample {
    /// What came of Lamplighter's run.
    pub(super) fn of_forced(number: u32, forced: &Forced) -> Self {
        let page = forced.received.iter().find(|received| received.is_trigger());
        Self::made((Contender::Lamplighter, number), &forced.tally, &forced.met, page)
    }

    /// What came of a peer's.
    pub(super) fn of(contender: Contender, number: u32, seen: &Seen) -> Self {
        Self::made((contender, number), &seen.tally, &seen.met, seen.page.as_ref())
    }

    fn made(
        (contender, number): (Contender, u32),
        tally: &Tally,
        met: &Met,
        page: Option<&Received>,
    ) -> Self {
        let first = met.failed_at.first();
        let since_first = |at: Nanos| first.map(|first| at.since(*first).as_secs_f64());
        Self {
            contender,
            number,
            valid: tally.judgement() != Judgement::Invalid,
            requests: tally.requests,
            failed: tally.failed,
            mixed: tally.mixed,
            stale: tally.stale,
            late_sends: tally.late_sends,
            failed_by: met.reasons.clone(),
            first_failed_to_last_failed_s: met.failed_at.last().copied().and_then(since_first),
            first_failed_to_page_accepted_s: page.map(|page| page.at).and_then(since_first),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "figures for people, far below 2^52")]
    pub(super) const fn failed_count(&self) -> f64 {
        self.failed as f64
    }

    /// For how long visitors were met by it: not at all if none failed.
    pub(super) fn span_s(&self) -> f64 {
        self.first_failed_to_last_failed_s.unwrap_or(0.0)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let page = self
            .first_failed_to_page_accepted_s
            .map_or_else(|| "nobody paged".to_owned(), |s| format!("page after {s:.2} s"));
        write!(
            f,
            "{}, run {}: {} of {} failed within {:.2} s, {page}; {} mixed, {} stale",
            self.contender.words(),
            self.number,
            self.failed,
            self.requests,
            self.span_s(),
            self.mixed,
            self.stale
        )
    }
}
