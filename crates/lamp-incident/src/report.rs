//! The report of one incident, from the log alone: typed, as JSON, as Markdown, as text.
//!
//! Every number is counted from the log, every line of the timeline names its evidence, and what is not known is
//! said to be unknown. A person is never a cause. [`report`] gathers the incident's facts (`gather`), tells them
//! in order (`timeline`), measures (`times`), explains (`cause`) and says what is to be done (`measures`);
//! [`phrase`] keeps our words apart from text of others, so that [`render`] can make either safe.

mod cause;
mod gather;
mod measures;
pub mod phrase;
pub mod render;
mod timeline;
mod times;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lamp_model::event::Entry;
use lamp_model::incident::{IncidentId, IncidentState, PersonName};
use lamp_model::name::SiteName;
use serde::Serialize;

use gather::Case;
pub use gather::excerpt;
use phrase::Phrase;
pub use times::{Metrics, Times};

/// The version of [`Report`]'s JSON.
pub const SCHEMA: u32 = 1;

/// One incident, told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The incident's number.
    pub incident: IncidentId,
    /// Which site.
    pub site: SiteName,
    /// What it was, in one line.
    pub title: Phrase,
    /// The day on which it was opened, in the report's zone.
    pub date: Date,
    /// The zone of every local time below.
    pub zone: String,
    /// How it is.
    pub status: IncidentState,
    /// Who sees to it: who said so, else who sees to the site; `None`: nobody is known to.
    pub owner: Option<String>,
    /// What happened, for somebody who reads nothing else.
    pub summary: Vec<Phrase>,
    /// What visitors went through; `None`: not counted yet.
    pub impact: Option<ImpactCount>,
    /// What happened when, the evidence beside it.
    pub timeline: Vec<Line>,
    /// Why it happened: the cause, what set it off, what let it through.
    pub root_cause: Vec<Phrase>,
    /// How it was noticed.
    pub detection: Vec<Phrase>,
    /// How it ended.
    pub resolution: Vec<Phrase>,
    /// What went well.
    pub went_well: Vec<Phrase>,
    /// What went badly.
    pub went_badly: Vec<Phrase>,
    /// What is to be done: first what mends, then what prevents.
    pub measures: Vec<ActionItem>,
    /// t0 to t6.
    pub times: Times,
    /// How long each part took.
    pub metrics: Metrics,
    /// What the log does not tell.
    pub unknown: Vec<Phrase>,
    /// What visitors may be told; `None`: none was met by it, or it is not over.
    pub message: Option<Phrase>,
}

/// What visitors went through, counted from the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImpactCount {
    /// Requests that got a failed answer.
    pub failed_requests: u64,
    /// Different clients that they came from.
    pub failed_visitors: u64,
    /// Requests meanwhile, all in all.
    pub requests: u64,
    /// The failed ones among them, in percent.
    pub failed_percent: Option<f64>,
    /// The first failed answer.
    pub first_failed_at: Option<Timestamp>,
    /// The last.
    pub last_failed_at: Option<Timestamp>,
    /// From the one to the other, in milliseconds.
    pub span_ms: Option<i64>,
}

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// The same in the report's zone.
    pub local: String,
    /// What.
    pub what: Phrase,
    /// The event that says so.
    pub evidence: String,
    /// Its place in the log.
    pub seq: u64,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionItem {
    /// Whether it mends or prevents.
    pub kind: MeasureKind,
    /// What.
    pub what: Phrase,
    /// By whom; `None`: nobody is known.
    pub owner: Option<String>,
    /// Until when, in the report's zone.
    pub due: Date,
}

/// What a measure is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureKind {
    /// It mends what failed.
    Corrective,
    /// It keeps the like from happening again.
    Preventative,
}

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the records hold no opening of incident {incident}")]
pub struct NotOpened {
    /// As asked.
    pub incident: IncidentId,
}

/// The report of an incident, from records in the log's order: all [`excerpt`]s for it, or more.
pub fn report(entries: &[Entry], incident: IncidentId, zone: &TimeZone) -> Result<Report, NotOpened> {
    let case = Case::gather(entries, incident).ok_or(NotOpened { incident })?;
    let times = Times::of(&case);
    let metrics = Metrics::of(&times);
    let local = Local { zone };
    Ok(Report {
        schema: SCHEMA,
        incident,
        site: case.opened.site.clone(),
        title: cause::title(&case),
        date: local.date(case.opened.at),
        zone: local.name(),
        status: case.status(),
        owner: case.acknowledged().and_then(|taken| taken.who).map(str::to_owned),
        summary: cause::summary(&case, &local),
        impact: case.impact().map(|impact| times::count(&impact)),
        timeline: timeline::lines(&case, &local),
        root_cause: cause::root_cause(&case, &local),
        detection: cause::detection(&case, &metrics),
        resolution: cause::resolution(&case, &local),
        went_well: cause::went_well(&case, &metrics),
        went_badly: cause::went_badly(&case, &metrics),
        measures: measures::of(&case, &local),
        unknown: cause::unknown(&case, &times),
        message: cause::message(&case, &local),
        times,
        metrics,
    })
}

impl Report {
    /// The same, with who sees to the site where nobody else is known to see to something.
    #[must_use]
    pub fn of_site_of(mut self, owner: Option<&PersonName>) -> Self {
        let owner = self
            .owner
            .or_else(|| owner.map(|owner| owner.as_str().to_owned()));
        for measure in &mut self.measures {
            measure.owner.clone_from(&owner);
        }
        self.owner = owner;
        self
    }
}

/// Moments in the report's zone.
pub(crate) struct Local<'a> {
    zone: &'a TimeZone,
}

impl Local<'_> {
    /// Date, time to the millisecond, and the zone's name for itself then.
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        let zoned = at.to_zoned(self.zone.clone());
        zoned.strftime("%Y-%m-%d %H:%M:%S%.3f %Z").to_string()
    }

    /// Time to the second, and the zone's name for itself then.
    pub(crate) fn clock(&self, at: Timestamp) -> String {
        let zoned = at.to_zoned(self.zone.clone());
        zoned.strftime("%H:%M:%S %Z").to_string()
    }

    pub(crate) fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    fn name(&self) -> String {
        let known = self.zone.iana_name().map(str::to_owned);
        known.unwrap_or_else(|| "the host's own zone".to_owned())
    }
}

#[cfg(test)]
mod tests;
