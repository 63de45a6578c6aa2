//! One decision per site, with its reason: does an incident begin here, is it mitigated, is it over.

use jiff::{SignedDuration, Timestamp};
use lamp_model::event::{Outcome, Reason};
use lamp_model::evidence::{Impact, Verdict};
use lamp_model::incident::{Incident, IncidentId, IncidentState};
use lamp_model::name::{DeploymentId, SiteName};
use lamp_model::plan::PlanKind;
use lamp_model::state::{Deployment, Ended, Judged, Phase, Site, World};

/// How long after a verdict a deployment may take to go back before a person is told that it did not.
pub const GO_BACK_WITHIN: SignedDuration = SignedDuration::from_secs(2);

/// What is to be done about a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Nothing, and why.
    Rest(Rest),
    /// An incident begins.
    Open(Cause<'a>),
    /// Visitors are served again, by another release than the one held responsible.
    Mitigate(IncidentId),
    /// All is well.
    Resolve(IncidentId, &'a Impact),
}

/// Why nothing is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// No verdict stands, and no deployment went back unasked.
    Well,
    /// The verdict is young and the deployment is about to go back: one page shall say both.
    GoingBack,
    /// The verdict is on a release that is gone, and its incident was opened before.
    Followed,
    /// What answers is what failed.
    Failing,
    /// The release before answers; nobody has seen the site well yet.
    AwaitsRecovery,
}

/// Why an incident begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause<'a> {
    /// The watcher came to a verdict.
    Judged(&'a Judged),
    /// A deployment went back, and nobody had asked for it.
    WentBack(&'a Ended, &'a Reason),
}

/// Visitors who were met by trouble with what surrounds a site are not counted.
static UNCOUNTED: Impact = Impact {
    failed_requests: 0,
    failed_clients: 0,
    requests: 0,
    first_failed_at: None,
    last_failed_at: None,
};

/// Decides for one site.
pub fn decide<'a>(world: &'a World, name: &SiteName, site: &'a Site, now: Timestamp) -> Decision<'a> {
    match on_what_answers(world, name, site, now) {
        Decision::Rest(rest) => on_surroundings(world, name, site).unwrap_or(Decision::Rest(rest)),
        decided @ (Decision::Open(_) | Decision::Mitigate(_) | Decision::Resolve(..)) => decided,
    }
}

/// Each trouble with what surrounds the site is an incident of its own, over when it stands no more.
fn on_surroundings<'a>(world: &'a World, name: &SiteName, site: &'a Site) -> Option<Decision<'a>> {
    let is_over = |incident: &Incident| {
        let subject = incident.subject.as_ref();
        subject.is_some_and(|subject| site.standing_on(subject).is_none())
    };
    let over = world.open_incidents(name).find(|(_, incident)| is_over(incident));
    if let Some((id, _)) = over {
        return Some(Decision::Resolve(id, &UNCOUNTED));
    }
    let is_new = |judged: &&Judged| world.open_about(name, judged.subject().as_ref()).is_none();
    let begun = site.standing.iter().find(is_new)?;
    Some(Decision::Open(Cause::Judged(begun)))
}

fn on_what_answers<'a>(world: &'a World, name: &SiteName, site: &'a Site, now: Timestamp) -> Decision<'a> {
    if let Some((id, incident)) = world.open_incident(name) {
        return course(site, id, incident);
    }
    let verdict = match &site.judged {
        Some(judged) => on_verdict(world, site, judged, now),
        None => Decision::Rest(Rest::Well),
    };
    match (verdict, went_back_unasked(world, site)) {
        (Decision::Rest(Rest::Well | Rest::Followed), Some((ended, reason))) => {
            Decision::Open(Cause::WentBack(ended, reason))
        }
        (verdict, _) => verdict,
    }
}

/// What becomes of an incident that is not over.
fn course<'a>(site: &Site, id: IncidentId, incident: &'a Incident) -> Decision<'a> {
    if let (None, Some(impact)) = (&site.judged, &incident.impact) {
        return Decision::Resolve(id, impact);
    }
    match (incident.state, is_served_again(site, incident)) {
        (IncidentState::Failing, true) => Decision::Mitigate(id),
        (IncidentState::Failing, false) => Decision::Rest(Rest::Failing),
        (IncidentState::Mitigated | IncidentState::Resolved, _) => Decision::Rest(Rest::AwaitsRecovery),
    }
}

/// Whether a release answers that no verdict is on, and the one that failed does not.
fn is_served_again(site: &Site, incident: &Incident) -> bool {
    let Some(live) = &site.live else {
        return false;
    };
    match &site.judged {
        Some(judged) => !site.is_met_by(&judged.verdict),
        None => incident
            .culprit
            .as_ref()
            .is_some_and(|culprit| culprit.release != live.release),
    }
}

fn on_verdict<'a>(world: &World, site: &Site, judged: &'a Judged, now: Timestamp) -> Decision<'a> {
    let is_followed = || {
        let deployment = judged.deployment.as_ref();
        deployment.is_some_and(|deployment| has_incident(world, deployment))
    };
    match &judged.verdict {
        Verdict::Hold { .. } => Decision::Open(Cause::Judged(judged)),
        Verdict::Bad { .. } if site.is_met_by(&judged.verdict) => {
            if is_going_back(site, judged) && is_young(judged.at, now) {
                return Decision::Rest(Rest::GoingBack);
            }
            Decision::Open(Cause::Judged(judged))
        }
        Verdict::Bad { .. } if is_followed() => Decision::Rest(Rest::Followed),
        Verdict::Bad { .. } => Decision::Open(Cause::Judged(judged)),
    }
}

/// Whether the agent can take the verdict's deployment back, and is about to.
fn is_going_back(site: &Site, judged: &Judged) -> bool {
    let judged_one = |active: &&Deployment| judged.deployment.as_ref() == Some(&active.id);
    site.active.as_ref().filter(judged_one).is_some_and(|active| {
        active.kind == PlanKind::Deploy
            && active.from.is_some()
            && matches!(active.phase, Phase::Switched { .. })
    })
}

/// A verdict of a clock that was set back since is no younger for it.
fn is_young(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).abs() < GO_BACK_WITHIN
}

/// The last deployment, if it took production back without anyone having asked, and no incident knows of it.
fn went_back_unasked<'a>(world: &World, site: &'a Site) -> Option<(&'a Ended, &'a Reason)> {
    let ended = site.last.as_ref()?;
    let Outcome::WentBack { reason } = &ended.outcome else {
        return None;
    };
    let id = &ended.deployment.id;
    let is_new = id.number() > site.followed_up && !has_incident(world, id);
    // Before a site's first release nobody was served: that it is not yet is told where it was deployed.
    let was_served = ended.deployment.from.is_some();
    (is_new && was_served && pages(reason)).then_some((ended, reason))
}

fn has_incident(world: &World, deployment: &DeploymentId) -> bool {
    let mut newest_first = world.incidents.values().rev();
    newest_first.any(|incident| incident.deployment.as_ref() == Some(deployment))
}

/// Whether a person must know that production went back for this reason.
const fn pages(reason: &Reason) -> bool {
    match reason {
        Reason::StepFailed { .. }
        | Reason::ProbeFailed { .. }
        | Reason::JudgedBad { .. }
        | Reason::WorkersBehind { .. }
        | Reason::AgentEnded
        | Reason::LogUnavailable { .. } => true,
        Reason::GateBlocked { .. } | Reason::Asked { .. } => false,
    }
}
