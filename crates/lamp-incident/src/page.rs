//! What is told outside: the intents of pages, in words that one reads half asleep.
//!
//! Every text is bounded and holds no character that moves a cursor or changes a direction.

mod words;

use jiff::Timestamp;
use lamp_model::evidence::Urgency;
use lamp_model::finding::CodePlace;
use lamp_model::incident::{
    Culprit, Incident, IncidentId, IncidentState, PageAction, PageIntent, PageSeverity, SUMMARY_MAX_CHARS,
};
use lamp_model::name::SiteName;
use lamp_model::state::{Change, Judged, Site};

use crate::plain::plain;
use crate::terms::{PagerTerms, Terms};
pub(crate) use words::evidence_of;
pub use words::{Account, trouble_words};

/// Longest key that a receiver takes, in bytes: PagerDuty's own bound.
pub const DEDUP_KEY_MAX_BYTES: usize = 255;
/// Longest part of it that names the host, in bytes.
const HOST_MAX_BYTES: usize = 120;
/// Longest text of one detail, in characters.
const DETAIL_MAX_CHARS: usize = 500;

/// The incident of which a page tells.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// Its number.
    pub id: IncidentId,
    /// It.
    pub incident: &'a Incident,
    /// Its site.
    pub site: &'a Site,
}

/// The page that opens the alert, or adds to it that things got worse.
pub fn trigger(told: Told<'_>, terms: &Terms<'_>, pager: PagerTerms) -> PageIntent {
    let incident = told.incident;
    let account = Account::of(told.incident, told.site);
    let known = incident.told.as_ref().map(|before| before.dedup_key.clone());
    PageIntent {
        action: PageAction::Trigger,
        dedup_key: known.unwrap_or_else(|| dedup_key(terms.host, told)),
        incident: Some(told.id),
        site: incident.site.clone(),
        severity: severity(told, pager),
        summary: plain(&account.summary(), SUMMARY_MAX_CHARS),
        happened_at: incident.first_failed_at.unwrap_or(incident.noticed_at),
        details: details(told, terms, &account),
    }
}

/// How loudly an incident is to be told as it is now: what can wait for the day wakes nobody.
pub fn severity(told: Told<'_>, pager: PagerTerms) -> PageSeverity {
    let standing = told
        .incident
        .subject
        .as_ref()
        .and_then(|subject| told.site.standing_on(subject));
    let urgency = standing.map_or(Urgency::Now, Judged::urgency);
    match (told.incident.state, urgency) {
        (IncidentState::Failing, Urgency::Now) => PageSeverity::Critical,
        (IncidentState::Failing, Urgency::Soon) => PageSeverity::Warning,
        (IncidentState::Mitigated | IncidentState::Resolved, _) => pager.healed_severity,
    }
}

/// The page that closes the alert, under the key that opened it.
pub fn resolve(told: Told<'_>, terms: &Terms<'_>, dedup_key: &str) -> PageIntent {
    let account = Account::of(told.incident, told.site);
    PageIntent {
        action: PageAction::Resolve,
        dedup_key: dedup_key.to_owned(),
        incident: Some(told.id),
        site: told.incident.site.clone(),
        severity: PageSeverity::Info,
        summary: plain(&account.resolution(), SUMMARY_MAX_CHARS),
        happened_at: told.incident.resolved_at.unwrap_or(terms.now),
        details: details(told, terms, &account),
    }
}

/// The page that tells of a switch; it alerts nobody.
pub fn change(name: &SiteName, site: &Site, change: &Change, terms: &Terms<'_>) -> PageIntent {
    let key = format!(
        "lamp/{}/{name}/change/{}/{}",
        host(terms.host),
        change.deployment.number(),
        change.at.as_microsecond()
    );
    let named = |release: Option<&lamp_model::ReleaseId>| release.map_or("none".into(), ToString::to_string);
    PageIntent {
        action: PageAction::Change,
        dedup_key: key,
        incident: None,
        site: name.clone(),
        severity: PageSeverity::Info,
        summary: plain(&words::change(name, site, change), SUMMARY_MAX_CHARS),
        happened_at: change.at,
        details: pairs([
            ("host", Some(terms.host.to_owned())),
            ("site", Some(name.to_string())),
            ("deployment", Some(change.deployment.to_string())),
            ("release", Some(named(change.to.as_ref()))),
            ("release before", Some(named(change.from.as_ref()))),
        ]),
    }
}

/// One key per incident, over all hosts and all logs: numbers begin anew in a new log, moments do not.
fn dedup_key(host_name: &str, told: Told<'_>) -> String {
    format!(
        "lamp/{}/{}/incident-{}/{}",
        host(host_name),
        told.incident.site,
        told.id,
        told.incident.noticed_at.as_microsecond()
    )
}

fn host(name: &str) -> String {
    let kept = name.chars().map(|c| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' => c,
        _ => '-',
    });
    kept.take(HOST_MAX_BYTES).collect()
}

fn details(told: Told<'_>, terms: &Terms<'_>, account: &Account<'_>) -> Vec<(String, String)> {
    let incident = told.incident;
    let mut rows = pairs([
        ("host", Some(terms.host.to_owned())),
        ("site", Some(incident.site.to_string())),
        ("incident", Some(told.id.to_string())),
        ("state", Some(words::state(incident.state).to_owned())),
        (
            "deployment",
            incident.deployment.as_ref().map(ToString::to_string),
        ),
        (
            "answers now",
            told.site.live.as_ref().map(|live| live.release.to_string()),
        ),
        ("first failure", incident.first_failed_at.map(moment)),
        ("noticed", Some(moment(incident.noticed_at))),
    ]);
    rows.extend(incident.culprit.iter().flat_map(culprit_details));
    rows.extend(account.details());
    rows.extend(pairs([(
        "report",
        Some(format!("lamp incident report {}", told.id)),
    )]));
    rows
}

fn culprit_details(culprit: &Culprit) -> Vec<(String, String)> {
    let reach = culprit.blast_radius;
    pairs([
        ("release", Some(culprit.release.to_string())),
        ("culprit", culprit.place.as_ref().map(CodePlace::to_string)),
        ("file changed", culprit.file_changed.then(|| "yes".to_owned())),
        ("wrong name", culprit.wrong_name.clone()),
        ("right name", culprit.right_name.clone()),
        (
            "entry points",
            reach.map(|reach| format!("{} of {}", reach.entry_points, reach.of)),
        ),
        ("error", culprit.error.as_ref().map(|error| error.message.clone())),
        ("commit", culprit.commit.clone()),
        ("gate overridden", culprit.overridden.clone()),
    ])
}

fn pairs<const N: usize>(rows: [(&str, Option<String>); N]) -> Vec<(String, String)> {
    let known = rows.into_iter().filter_map(|(name, text)| Some((name, text?)));
    known
        .map(|(name, text)| (name.to_owned(), plain(&text, DETAIL_MAX_CHARS)))
        .collect()
}

/// A moment for people and machines, to the millisecond, in UTC.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests;
