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

    /// The failed ones that got an answer, and a wrong one: the release's own doing. The rest waited in vain.
    #[expect(clippy::cast_precision_loss, reason = "figures for people, far below 2^52")]
    pub(super) fn answered_wrong_count(&self) -> f64 {
        let wrong = self
            .failed_by
            .iter()
            .filter(|(why, _)| why.starts_with("status "));
        wrong.map(|(_, count)| *count as f64).sum()
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

#[cfg(test)]
impl Sample {
    /// A run in which so many failed, one of them without an answer.
    pub(super) fn with_failed(contender: Contender, failed: u64, span_s: f64) -> Self {
        Self {
            contender,
            number: 1,
            valid: true,
            requests: 1000,
            failed,
            mixed: 0,
            stale: 0,
            late_sends: 0,
            failed_by: [
                ("status 500 instead of 200", failed - 1),
                ("no complete answer", 1),
            ]
            .map(|(why, count)| (why.to_owned(), count))
            .into(),
            first_failed_to_last_failed_s: Some(span_s),
            first_failed_to_page_accepted_s: (contender != Contender::Nobody).then_some(span_s),
        }
    }
}
