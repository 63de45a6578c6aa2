//! What a run of requests amounts to. Pure: records and switches in, a tally with examples out.
//!
//! - **failed**: no complete expected answer within [`ANSWER_MAX`]; an answer from a release that had not
//!   yet been switched to counts here too.
//! - **mixed**: the markers of one answer disagree.
//! - **stale**: sent after a switch was done and answered by an earlier release. A request that was sent
//!   before the switch was done is never stale: either release is a right answer to it.
//! - **late**: sent more than [`LATE_OVER`] after its planned moment. More than one in a hundred late makes
//!   the run invalid: the generator, not the server, was then the bottleneck.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::marker::{Agreement, Markers};
use super::record::{Nanos, Outcome, Record, Target};

/// A complete answer must be there this long after the request was sent.
pub const ANSWER_MAX: Duration = Duration::from_secs(5);
/// A request sent this much after its planned moment is late.
pub const LATE_OVER: Duration = Duration::from_millis(20);
/// The share of late requests, in percent, over which a run is invalid.
pub const LATE_MAX_PERCENT: u64 = 1;
/// Faulty requests that a tally keeps as examples, of each kind.
const EXAMPLES_MAX: usize = 5;

/// One switch: where it is known only between two moments when it happened, both are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// Before this it had certainly not happened.
    pub begun: Nanos,
    /// After this it certainly had.
    pub done: Nanos,
    /// The marker of the release that answers from here on.
    pub to: String,
}

/// What answered when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// The marker of the release that answered before the first switch.
    pub first: String,
    /// The switches in order.
    pub then: Vec<Switch>,
}

impl Switches {
    /// One release, so far.
    pub fn from(first: impl Into<String>) -> Self {
        Self {
            first: first.into(),
            then: Vec::new(),
        }
    }

    /// Makes a switch and keeps its moments; what `act` answers is handed on.
    pub fn record<T>(&mut self, to: impl Into<String>, act: impl FnOnce() -> T) -> T {
        let begun = Nanos::now();
        let answer = act();
        self.then.push(Switch {
            begun,
            done: Nanos::now(),
            to: to.into(),
        });
        answer
    }

    /// How the release named by `marker` stood to a request under way from `sent` to `received`.
    fn standing(&self, marker: &str, sent: Nanos, received: Nanos) -> Standing {
        let done = self.then.partition_point(|switch| switch.done <= sent);
        let live = if done == 0 {
            &self.first
        } else {
            &self.then[done - 1].to
        };
        let under_way = self.then[done..]
            .iter()
            .take_while(|switch| switch.begun < received);
        if live == marker || under_way.clone().any(|switch| switch.to == marker) {
            return Standing::Live;
        }
        let before = self.then[..done].iter().any(|switch| switch.to == marker);
        if before || self.first == marker {
            Standing::Earlier
        } else {
            Standing::Never
        }
    }
}

/// How a release stood to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It answered at some moment while the request was under way.
    Live,
    /// It had answered, and no longer did when the request was sent.
    Earlier,
    /// It had not answered by the time the answer came.
    Never,
}

/// What is wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// No complete expected answer in time: why.
    Failed(String),
    /// Two releases in one answer.
    Mixed(Markers),
    /// Answered by this earlier release.
    Stale(String),
}

/// Judges one request.
pub fn fault(target: &Target, record: &Record, switches: &Switches) -> Option<Fault> {
    let failed = |why: String| Some(Fault::Failed(why));
    let (status, markers) = match &record.outcome {
        Outcome::Unanswered(why) => return failed(why.clone()),
        Outcome::Answered { status, markers } => (*status, markers),
    };
    let took = record.received.since(record.sent);
    if took > ANSWER_MAX {
        return failed(format!("answered after {} ms", took.as_millis()));
    }
    if status != target.status {
        return failed(format!("status {status} instead of {}", target.status));
    }
    if target.ways.is_empty() {
        return None;
    }
    match markers.agreement(&target.ways) {
        Agreement::Incomplete => failed(format!("incomplete markers: {markers}")),
        Agreement::Mixed(..) => Some(Fault::Mixed(markers.clone())),
        Agreement::One(marker) => match switches.standing(marker, record.sent, record.received) {
            Standing::Live => None,
            Standing::Earlier => Some(Fault::Stale(marker.to_owned())),
            Standing::Never => failed(format!("answered by {marker}, which did not answer yet")),
        },
    }
}

/// What a run amounts to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// All requests.
    pub requests: u64,
    /// Those without a complete expected answer in time.
    pub failed: u64,
    /// Those whose answer held two releases.
    pub mixed: u64,
    /// Those answered by an earlier release.
    pub stale: u64,
    /// Those sent too late.
    pub late_sends: u64,
    /// Right answers by release.
    pub answered_by: BTreeMap<String, u64>,
    /// Half of the answers took at most this long, in microseconds.
    pub median_micros: u64,
    /// 99 of 100 answers took at most this long, in microseconds.
    pub p99_micros: u64,
    /// Some of the faulty requests, in words.
    pub examples: Vec<String>,
}

/// What a tally says about its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Judgement {
    /// Every request was served by one whole release, the right one.
    Clean,
    /// Not every one was.
    Faulty,
    /// The generator was too late too often to say anything.
    Invalid,
    /// There was no request.
    Empty,
}

impl Tally {
    /// What the tally says about its run.
    pub const fn judgement(&self) -> Judgement {
        if self.requests == 0 {
            return Judgement::Empty;
        }
        if self.late_sends * 100 > self.requests * LATE_MAX_PERCENT {
            return Judgement::Invalid;
        }
        if self.failed + self.mixed + self.stale == 0 {
            Judgement::Clean
        } else {
            Judgement::Faulty
        }
    }

    fn count(&mut self, target: &Target, record: &Record, fault: Option<Fault>) {
        self.requests += 1;
        self.late_sends += u64::from(record.sent.since(record.planned) > LATE_OVER);
        let kind = match &fault {
            None => return self.count_right(record),
            Some(Fault::Failed(_)) => &mut self.failed,
            Some(Fault::Mixed(_)) => &mut self.mixed,
            Some(Fault::Stale(_)) => &mut self.stale,
        };
        *kind += 1;
        if *kind <= EXAMPLES_MAX as u64 {
            self.examples
                .extend(fault.map(|fault| format!("{} sent at {}: {fault}", target.path, record.sent.0)));
        }
    }

    fn count_right(&mut self, record: &Record) {
        let Outcome::Answered { markers, .. } = &record.outcome else {
            return;
        };
        if let Agreement::One(marker) = markers.agreement(&[]) {
            *self.answered_by.entry(marker.to_owned()).or_default() += 1;
        }
    }
}

/// Judges a run. A record of a target that is not in the plan is passed over.
pub fn judge(targets: &[Target], records: &[Record], switches: &Switches) -> Tally {
    let mut tally = Tally::default();
    let mut took = Vec::with_capacity(records.len());
    for record in records {
        if let Some(target) = targets.get(record.target) {
            tally.count(target, record, fault(target, record, switches));
            took.push(record.received.since(record.sent));
        }
    }
    took.sort_unstable();
    tally.median_micros = percentile_micros(&took, 50);
    tally.p99_micros = percentile_micros(&took, 99);
    tally
}

fn percentile_micros(sorted: &[Duration], percent: usize) -> u64 {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    let took = sorted.get(place).copied().unwrap_or_default();
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Mixed(markers) => write!(f, "mixed: {markers}"),
            Self::Stale(marker) => write!(f, "stale: answered by {marker}"),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests: {} failed, {} mixed, {} stale; {} sent late; median {} us, p99 {} us",
            self.requests,
            self.failed,
            self.mixed,
            self.stale,
            self.late_sends,
            self.median_micros,
            self.p99_micros
        )
    }
}

#[cfg(test)]
mod tests;
