//! What follows from the world: incidents and pages, as events to be appended in one record.

use lamp_model::Event;
use lamp_model::event::Reason;
use lamp_model::evidence::{Evidence, Subject, Verdict};
use lamp_model::incident::{Culprit, Incident, IncidentId, IncidentState, PageId, Told as Said};
use lamp_model::name::{DeploymentId, ReleaseId, SiteName};
use lamp_model::state::{Site, World};

use crate::culprit::{Scene, culprit};
use crate::decide::{Cause, Decision, decide};
use crate::page::{self, Told};
use crate::plain::plain;
use crate::terms::{PagerTerms, Terms};

/// Longest title of an incident, in characters.
pub const TITLE_MAX_CHARS: usize = 200;
/// Most events that one answer holds; what would follow then follows from the world after them.
pub const EVENTS_MAX: usize = 1000;

/// What follows. Nothing follows from the world after these events, under the same terms.
pub fn follow(world: &World, terms: &Terms<'_>) -> Vec<Event> {
    let Some(first) = next(world, terms) else {
        return Vec::new();
    };
    let (mut events, mut ahead, mut event) = (Vec::new(), world.clone(), first);
    while events.len() < EVENTS_MAX {
        // What the fold refuses must not be appended; it never refuses one of these, see the tests.
        match ahead.apply(terms.now, &event) {
            Ok(applied) => ahead = applied,
            Err(_) => break,
        }
        events.push(event);
        match next(&ahead, terms) {
            Some(following) => event = following,
            None => break,
        }
    }
    events
}

/// Whether whoever watches a site is still to say that it is well: a verdict stands, or its incident is open.
pub fn awaits_recovery(world: &World, site: &SiteName) -> bool {
    let judged = world.site(site).is_some_and(|site| site.judged.is_some());
    judged || world.open_incident(site).is_some()
}

/// The one event that follows first.
fn next(world: &World, terms: &Terms<'_>) -> Option<Event> {
    let mut sites = world.sites.iter();
    let of_incidents = sites.find_map(|(name, site)| course(world, (name, site), terms));
    of_incidents.or_else(|| told(world, terms))
}

fn course(world: &World, (name, site): (&SiteName, &Site), terms: &Terms<'_>) -> Option<Event> {
    match decide(world, name, site, terms.now) {
        Decision::Rest(_) => None,
        Decision::Open(cause) => Some(open(world.next_incident(), (name, site), cause, terms)),
        Decision::Mitigate(incident) => Some(Event::IncidentMitigated { incident }),
        Decision::Resolve(incident, impact) => Some(Event::IncidentResolved {
            incident,
            impact: impact.clone(),
        }),
    }
}

/// What is to be told outside, if somebody is.
fn told(world: &World, terms: &Terms<'_>) -> Option<Event> {
    let pager = terms.pager?;
    let of_incident = |(id, incident)| of_incident(world, (id, incident), terms, pager);
    let mut newest_first = world.incidents.iter().rev();
    let intent = newest_first.find_map(of_incident).or_else(|| {
        let mut sites = world.sites.iter();
        sites.find_map(|(name, site)| {
            let change = site.untold_changes.first()?;
            Some(page::change(name, site, change, terms))
        })
    })?;
    Some(Event::PageIntended {
        page: PageId(world.pages + 1),
        intent: Box::new(intent),
    })
}

fn of_incident(
    world: &World,
    (id, incident): (&IncidentId, &Incident),
    terms: &Terms<'_>,
    pager: PagerTerms,
) -> Option<lamp_model::incident::PageIntent> {
    use IncidentState::{Failing, Mitigated, Resolved};
    let site = world.site(&incident.site)?;
    let told = Told {
        id: *id,
        incident,
        site,
    };
    match (incident.state, &incident.told) {
        (Failing | Mitigated, None) => Some(page::trigger(told, terms, pager)),
        (Failing, Some(before)) if before.state != Failing || is_graver(told, before, pager) => {
            Some(page::trigger(told, terms, pager))
        }
        (Resolved, Some(before)) if before.state != Resolved => {
            Some(page::resolve(told, terms, &before.dedup_key))
        }
        // Mitigated is better than failing, and whoever was told of that is told of the end. Of an incident that
        // was over before there was a pager nobody is told at all.
        (Failing | Mitigated, Some(_)) | (Resolved, _) => None,
    }
}

/// Whether it must be told more loudly than it was: a disk that was nearly full is full now.
fn is_graver(told: Told<'_>, before: &Said, pager: PagerTerms) -> bool {
    page::severity(told, pager) < before.severity
}

fn open(
    incident: IncidentId,
    (name, site): (&SiteName, &Site),
    cause: Cause<'_>,
    terms: &Terms<'_>,
) -> Event {
    let evidence = evidence(cause);
    let blamed = blamed(site, cause);
    let accused = blamed.as_ref().map(|(release, deployment)| {
        let scene = Scene {
            site,
            release,
            deployment,
            error: evidence.and_then(|seen| seen.error.as_ref()),
            facts: terms.facts,
        };
        culprit(&scene)
    });
    Event::IncidentOpened {
        incident,
        site: name.clone(),
        deployment: deployment(cause).or_else(|| blamed.map(|(_, deployment)| deployment)),
        title: plain(&title(cause, accused.as_ref()), TITLE_MAX_CHARS),
        culprit: accused.map(Box::new),
        first_failed_at: evidence.and_then(|seen| seen.first_failed_at),
        noticed_at: evidence.map_or(happened_at(cause), |seen| seen.noticed_at),
        subject: subject(cause),
    }
}

fn evidence(cause: Cause<'_>) -> Option<&Evidence> {
    match cause {
        Cause::Judged(judged) => page::evidence_of(&judged.verdict),
        Cause::WentBack(_, Reason::JudgedBad { evidence }) => Some(evidence),
        Cause::WentBack(..) => None,
    }
}

fn subject(cause: Cause<'_>) -> Option<Subject> {
    match cause {
        Cause::Judged(judged) => judged.subject(),
        Cause::WentBack(..) => None,
    }
}

fn deployment(cause: Cause<'_>) -> Option<DeploymentId> {
    match cause {
        Cause::Judged(judged) => judged.deployment.clone(),
        Cause::WentBack(ended, _) => Some(ended.deployment.id.clone()),
    }
}

const fn happened_at(cause: Cause<'_>) -> jiff::Timestamp {
    match cause {
        Cause::Judged(judged) => judged.at,
        Cause::WentBack(ended, _) => ended.at,
    }
}

/// The release that failed and the deployment that brought it; `None`: no release is to blame.
fn blamed(site: &Site, cause: Cause<'_>) -> Option<(ReleaseId, DeploymentId)> {
    match cause {
        Cause::WentBack(ended, _) => Some((ended.deployment.to.clone(), ended.deployment.id.clone())),
        Cause::Judged(judged) => {
            let Verdict::Bad { evidence } = &judged.verdict else {
                return None;
            };
            let live = site.live.as_ref().map(|live| &live.release);
            let release = evidence.release.as_ref().or(live)?;
            let brought = judged.deployment.clone().or_else(|| brought(site, release))?;
            Some((release.clone(), brought))
        }
    }
}

/// The deployment that brought a release, as far as the fold remembers.
fn brought(site: &Site, release: &ReleaseId) -> Option<DeploymentId> {
    let last = site.last.as_ref().map(|ended| &ended.deployment);
    let mut known = site.active.iter().chain(last);
    let found = known.find(|deployment| deployment.to == *release);
    found.map(|deployment| deployment.id.clone())
}

fn title(cause: Cause<'_>, culprit: Option<&Culprit>) -> String {
    match cause {
        Cause::WentBack(_, Reason::JudgedBad { .. }) => failed(culprit),
        Cause::WentBack(ended, reason) => format!("release {} went back: {reason}", ended.deployment.to),
        Cause::Judged(judged) => match &judged.verdict {
            Verdict::Bad { .. } => failed(culprit),
            Verdict::Hold { trouble } => trouble.to_string(),
        },
    }
}

fn failed(culprit: Option<&Culprit>) -> String {
    match culprit {
        Some(culprit) => format!("release {} failed", culprit.release),
        None => "what answers failed".to_owned(),
    }
}

#[cfg(test)]
mod tests;
