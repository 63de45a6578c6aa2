//! t0 to t6, and how long each part took. Time to detect and to mitigate begin at t0, the first visitor who was
//! met by it: beginning at the first alarm hides the blind time.

use jiff::Timestamp;
use lamp_model::evidence::Impact;
use lamp_model::incident::PageResult;
use serde::Serialize;

use super::ImpactCount;
use super::gather::Case;

/// When what happened; `None`: it did not, or is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// The first visitor's failed request.
    pub t0_first_failed: Option<Timestamp>,
    /// It was noticed.
    pub t1_noticed: Option<Timestamp>,
    /// The incident was opened.
    pub t2_opened: Option<Timestamp>,
    /// The receiver took the page.
    pub t3_page_accepted: Option<Timestamp>,
    /// A person said that they see to it: the first one who did.
    pub t4_acknowledged: Option<Timestamp>,
    /// Visitors were served again.
    pub t5_mitigated: Option<Timestamp>,
    /// All was well.
    pub t6_healthy: Option<Timestamp>,
}

/// How long each part took, in milliseconds; `None`: an end of it is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Metrics {
    /// From the first failed request to the notice (t0 to t1).
    pub detect_ms: Option<i64>,
    /// From the notice to the incident (t1 to t2).
    pub open_ms: Option<i64>,
    /// From the incident to the page's acceptance (t2 to t3).
    pub page_ms: Option<i64>,
    /// From the first failed request to the page's acceptance (t0 to t3).
    pub told_ms: Option<i64>,
    /// From the page's acceptance to a person's word (t3 to t4).
    pub acknowledge_ms: Option<i64>,
    /// From the first failed request to the mitigation (t0 to t5).
    pub mitigate_ms: Option<i64>,
    /// From the first failed request to health (t0 to t6).
    pub resolve_ms: Option<i64>,
}

impl Times {
    pub(super) fn of(case: &Case<'_>) -> Self {
        let accepted = |(at, result): (Timestamp, &PageResult)| match result {
            PageResult::Accepted { .. } => Some(at),
            PageResult::Refused { .. } | PageResult::GaveUp { .. } => None,
        };
        Self {
            t0_first_failed: case.first_failed_at(),
            t1_noticed: Some(case.opened.noticed_at),
            t2_opened: Some(case.opened.at),
            t3_page_accepted: case.trigger().and_then(|page| page.settled).and_then(accepted),
            t4_acknowledged: case.acknowledged().map(|taken| taken.at),
            t5_mitigated: case.mitigated_at(),
            t6_healthy: case.resolved_at(),
        }
    }

    /// Each with its name for people, in order.
    pub fn rows(&self) -> [(&'static str, &'static str, Option<Timestamp>); 7] {
        [
            ("t0", "first failed request of a visitor", self.t0_first_failed),
            ("t1", "noticed", self.t1_noticed),
            ("t2", "incident opened", self.t2_opened),
            ("t3", "page accepted by its receiver", self.t3_page_accepted),
            ("t4", "page acknowledged", self.t4_acknowledged),
            ("t5", "visitors served again (mitigated)", self.t5_mitigated),
            ("t6", "healthy again (resolved)", self.t6_healthy),
        ]
    }
}

impl Metrics {
    pub(super) fn of(times: &Times) -> Self {
        Self {
            detect_ms: between(times.t0_first_failed, times.t1_noticed),
            open_ms: between(times.t1_noticed, times.t2_opened),
            page_ms: between(times.t2_opened, times.t3_page_accepted),
            told_ms: between(times.t0_first_failed, times.t3_page_accepted),
            acknowledge_ms: between(times.t3_page_accepted, times.t4_acknowledged),
            mitigate_ms: between(times.t0_first_failed, times.t5_mitigated),
            resolve_ms: between(times.t0_first_failed, times.t6_healthy),
        }
    }

    /// Each with its name for people, in order.
    pub fn rows(&self) -> [(&'static str, &'static str, Option<i64>); 7] {
        [
            ("time to detect", "t0 to t1", self.detect_ms),
            ("time to open the incident", "t1 to t2", self.open_ms),
            ("time the page took", "t2 to t3", self.page_ms),
            ("time to tell a person", "t0 to t3", self.told_ms),
            ("time to acknowledge", "t3 to t4", self.acknowledge_ms),
            ("time to mitigate", "t0 to t5", self.mitigate_ms),
            ("time to resolve", "t0 to t6", self.resolve_ms),
        ]
    }
}

/// A clock that was set back meanwhile makes a time that was not: it is not known then.
fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<i64> {
    let elapsed = to?.duration_since(from?);
    let millis = i64::try_from(elapsed.as_millis()).ok()?;
    (!elapsed.is_negative()).then_some(millis)
}

/// The same, as numbers that are read.
pub(super) fn count(impact: &Impact) -> ImpactCount {
    let share = impact.failed_requests as f64 * 100.0 / impact.requests as f64;
    ImpactCount {
        failed_requests: impact.failed_requests,
        failed_visitors: impact.failed_clients,
        requests: impact.requests,
        failed_percent: (impact.requests > 0).then_some((share * 1000.0).round() / 1000.0),
        first_failed_at: impact.first_failed_at,
        last_failed_at: impact.last_failed_at,
        span_ms: between(impact.first_failed_at, impact.last_failed_at),
    }
}

/// A time for people: three figures and a unit, or minutes and seconds.
pub(super) fn span(millis: i64) -> String {
    match millis {
        ..1_000 => format!("{millis} ms"),
        1_000..120_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        120_000..7_200_000 => format!("{} min {} s", millis / 60_000, millis / 1000 % 60),
        7_200_000.. => format!("{} h {} min", millis / 3_600_000, millis / 60_000 % 60),
    }
}

/// A switch's time for people.
pub(super) fn micros(micros: u64) -> String {
    match micros {
        ..1_000 => format!("{micros} µs"),
        1_000.. => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
    }
}
