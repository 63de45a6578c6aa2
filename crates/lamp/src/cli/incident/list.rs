//! `lamp incident list [SITE]`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lamp_model::incident::{Incident, IncidentId, IncidentState};
use lamp_model::name::SiteName;
use serde::Serialize;

use super::source::Source;
use crate::cli::Exit;
use crate::cli::args::Format;
use crate::errors::Trouble;
use crate::screen::{out, out_json, say};

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct ListV1 {
    schema: u32,
    incidents: Vec<IncidentV1>,
}

/// One incident, in a list or alone.
#[derive(Debug, Serialize)]
pub(super) struct IncidentV1 {
    pub(super) incident: IncidentId,
    pub(super) site: String,
    pub(super) state: IncidentState,
    pub(super) title: String,
    pub(super) deployment: Option<String>,
    pub(super) release: Option<String>,
    pub(super) place: Option<String>,
    pub(super) wrong_name: Option<String>,
    pub(super) right_name: Option<String>,
    pub(super) error: Option<String>,
    /// The commit, and its author if the file's is known; from a git source only.
    pub(super) commit: Option<String>,
    pub(super) overridden: Option<String>,
    pub(super) first_failed_at: Option<Timestamp>,
    pub(super) noticed_at: Timestamp,
    pub(super) opened_at: Timestamp,
    pub(super) mitigated_at: Option<Timestamp>,
    pub(super) resolved_at: Option<Timestamp>,
    pub(super) failed_requests: Option<u64>,
    pub(super) failed_visitors: Option<u64>,
    /// What the receiver of pages was told last.
    pub(super) told: Option<IncidentState>,
}

pub(super) async fn run(
    source: &Source,
    site: Option<&SiteName>,
    zone: &TimeZone,
    format: Format,
) -> Result<Exit, Trouble> {
    let all = source.incidents().await?;
    let wanted = all.iter().rev();
    let wanted = wanted.filter(|(_, incident)| site.is_none_or(|site| *site == incident.site));
    let incidents: Vec<IncidentV1> = wanted.map(|(id, incident)| view(*id, incident)).collect();
    match format {
        Format::Json => out_json(&ListV1 { schema: 1, incidents }),
        Format::Text if incidents.is_empty() => say("no incident yet"),
        Format::Text => lines(&incidents, zone).iter().for_each(|line| out(line)),
    }
    Ok(Exit::Yes)
}

/// An incident as it is printed.
pub(super) fn view(id: IncidentId, incident: &Incident) -> IncidentV1 {
    let culprit = incident.culprit.as_ref();
    let impact = incident.impact.as_ref();
    IncidentV1 {
        incident: id,
        site: incident.site.to_string(),
        state: incident.state,
        title: incident.title.clone(),
        deployment: incident.deployment.as_ref().map(ToString::to_string),
        release: culprit.map(|culprit| culprit.release.to_string()),
        place: culprit
            .and_then(|culprit| culprit.place.as_ref())
            .map(ToString::to_string),
        wrong_name: culprit.and_then(|culprit| culprit.wrong_name.clone()),
        right_name: culprit.and_then(|culprit| culprit.right_name.clone()),
        error: culprit
            .and_then(|culprit| culprit.error.as_ref())
            .map(|error| error.message.clone()),
        commit: culprit.and_then(|culprit| culprit.commit.clone()),
        overridden: culprit.and_then(|culprit| culprit.overridden.clone()),
        first_failed_at: incident.first_failed_at,
        noticed_at: incident.noticed_at,
        opened_at: incident.opened_at,
        mitigated_at: incident.mitigated_at,
        resolved_at: incident.resolved_at,
        failed_requests: impact.map(|impact| impact.failed_requests),
        failed_visitors: impact.map(|impact| impact.failed_clients),
        told: incident.told.as_ref().map(|told| told.state),
    }
}

fn lines(incidents: &[IncidentV1], zone: &TimeZone) -> Vec<String> {
    let site_width = incidents.iter().map(|one| one.site.len()).max().unwrap_or(0);
    let line = |one: &IncidentV1| {
        let place = one
            .place
            .as_ref()
            .map_or(String::new(), |place| format!(" ({place})"));
        format!(
            "{:>4}  {:<site_width$}  {:<9}  {}  {}{place}",
            one.incident.0,
            one.site,
            state(one.state),
            moment(one.opened_at, zone),
            one.title,
        )
    };
    incidents.iter().map(line).collect()
}

/// How it is, in a word.
pub(super) const fn state(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Failing => "FAILING",
        IncidentState::Mitigated => "mitigated",
        IncidentState::Resolved => "resolved",
    }
}

/// A moment in the zone, to the second.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = at.to_zoned(zone.clone());
    zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}
