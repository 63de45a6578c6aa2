//! What the log holds on one incident, found once.

use jiff::Timestamp;
use lamp_model::Event;
use lamp_model::event::{Actor, Entry, Outcome, Seq};
use lamp_model::evidence::{Evidence, Impact, Subject, Trouble, Verdict};
use lamp_model::gate::GateResult;
use lamp_model::incident::{
    Culprit, Incident, IncidentId, IncidentState, PageAction, PageId, PageIntent, PageResult,
};
use lamp_model::name::{DeploymentId, ReleaseId, SiteName};
use lamp_model::stored::Stored;

/// One event at its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact<'a> {
    pub(super) seq: Seq,
    pub(super) at: Timestamp,
    pub(super) event: &'a Event,
}

/// A page and what came of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) id: PageId,
    pub(super) intent: &'a PageIntent,
    pub(super) settled: Option<(Timestamp, &'a PageResult)>,
}

/// The event with which the incident was opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened<'a> {
    pub(super) seq: Seq,
    pub(super) at: Timestamp,
    pub(super) site: &'a SiteName,
    pub(super) deployment: Option<&'a DeploymentId>,
    pub(super) title: &'a str,
    pub(super) culprit: Option<&'a Culprit>,
    pub(super) first_failed_at: Option<Timestamp>,
    pub(super) noticed_at: Timestamp,
    pub(super) subject: Option<&'a Subject>,
}

/// A person's word that they see to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) at: Timestamp,
    pub(super) who: Option<&'a str>,
}

/// What the gate said of the release.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) result: &'a GateResult,
    pub(super) overridden: Option<&'a str>,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) opened: Opened<'a>,
    /// What happened at the site from the change that led to it to its end, in the log's order.
    pub(super) facts: Vec<Fact<'a>>,
}

impl<'a> Case<'a> {
    /// Finds it; `None`: the records do not tell of its opening.
    pub(super) fn gather(entries: &'a [Entry], id: IncidentId) -> Option<Self> {
        let all = || entries.iter().flat_map(facts_of);
        let opened = all().find_map(|fact| opened(fact, id))?;
        let first = all().find(|fact| is_first(fact, &opened)).map(|fact| fact.seq);
        let before = all().filter(|fact| fact.seq < opened.seq && leads_to(fact, &opened));
        let first = first.or_else(|| before.last().map(|fact| fact.seq));
        let over = all().find(|fact| is_end(fact, id)).map(|fact| fact.seq);
        let span = first.unwrap_or(opened.seq)..=over.unwrap_or(Seq(u64::MAX));
        let pages: Vec<PageId> = all().filter_map(|fact| page_of(fact, id)).collect();
        let belongs = |fact: &Fact<'_>| {
            let is_near = || span.contains(&fact.seq) && happened_at(fact, opened.site);
            is_of_incident(fact, id, &pages) || is_near() && is_about(fact, &opened)
        };
        Some(Self {
            opened,
            facts: all().filter(belongs).collect(),
        })
    }

    /// The earliest word of a person that they see to it.
    pub(super) fn acknowledged(&self) -> Option<Taken<'a>> {
        let taken = |fact: &Fact<'a>| {
            let Event::Acknowledged { happened_at, who, .. } = fact.event else {
                return None;
            };
            let (at, who) = (*happened_at, who.as_deref());
            Some(Taken { at, who })
        };
        self.facts.iter().filter_map(taken).min_by_key(|taken| taken.at)
    }

    pub(super) fn status(&self) -> IncidentState {
        if self.resolved_at().is_some() {
            IncidentState::Resolved
        } else if self.is_mitigated() {
            IncidentState::Mitigated
        } else {
            IncidentState::Failing
        }
    }

    /// When visitors were served again, for good.
    pub(super) fn mitigated_at(&self) -> Option<Timestamp> {
        let mitigated = |fact: &&Fact<'_>| matches!(fact.event, Event::IncidentMitigated { .. });
        let last = self.facts.iter().rfind(mitigated).filter(|_| self.is_mitigated());
        last.map(|fact| fact.at).or_else(|| self.resolved_at())
    }

    /// Whether nothing was called bad after visitors were served again; what hung over from before counts not.
    fn is_mitigated(&self) -> bool {
        let mitigated = |fact: &Fact<'_>| matches!(fact.event, Event::IncidentMitigated { .. });
        let Some(at) = self.facts.iter().rposition(mitigated) else {
            return false;
        };
        let failed = self.opened.culprit.map(|culprit| &culprit.release);
        let mut later = self.facts.iter().skip(at).filter_map(verdict);
        !later.any(|verdict| match verdict {
            Verdict::Hold { .. } => true,
            Verdict::Bad { evidence } => evidence.release.as_ref() != failed,
        })
    }

    pub(super) fn resolved_at(&self) -> Option<Timestamp> {
        let resolved = |event: &&Fact<'_>| matches!(event.event, Event::IncidentResolved { .. });
        self.facts.iter().find(resolved).map(|fact| fact.at)
    }

    /// Whether it is about what answers requests, and not about what surrounds the site.
    pub(super) const fn is_about_what_answers(&self) -> bool {
        self.opened.subject.is_none()
    }

    /// `None`: not counted, or not yet.
    pub(super) fn impact(&self) -> Option<Impact> {
        if !self.is_about_what_answers() {
            return None;
        }
        self.facts.iter().find_map(|fact| {
            let Event::IncidentResolved { impact, .. } = fact.event else {
                return None;
            };
            Some(impact.clone())
        })
    }

    /// The first visitor who was met by it: what was counted at the end knows more than the verdict did.
    pub(super) fn first_failed_at(&self) -> Option<Timestamp> {
        let counted = self.impact().and_then(|impact| impact.first_failed_at);
        let known = [counted, self.opened.first_failed_at];
        known.into_iter().flatten().min()
    }

    pub(super) fn pages(&self) -> Vec<Page<'a>> {
        let intended = self.facts.iter().filter_map(|fact| {
            let Event::PageIntended { page, intent } = fact.event else {
                return None;
            };
            Some(Page {
                id: *page,
                intent,
                settled: self.settled(*page),
            })
        });
        intended.collect()
    }

    fn settled(&self, wanted: PageId) -> Option<(Timestamp, &'a PageResult)> {
        self.facts.iter().find_map(|fact| {
            let Event::PageSettled { page, result } = fact.event else {
                return None;
            };
            (*page == wanted).then_some((fact.at, result))
        })
    }

    /// The page that called somebody.
    pub(super) fn trigger(&self) -> Option<Page<'a>> {
        let mut pages = self.pages().into_iter();
        pages.find(|page| page.intent.action == PageAction::Trigger)
    }

    /// What the watcher had seen, first.
    pub(super) fn evidence(&self) -> Option<&'a Evidence> {
        self.verdicts().find_map(crate::page::evidence_of)
    }

    /// What was the matter, if no release was to blame.
    pub(super) fn trouble(&self) -> Option<&'a Trouble> {
        let first = self.verdicts().next()?;
        match first {
            Verdict::Hold { trouble } if self.opened.culprit.is_none() => Some(trouble),
            Verdict::Hold { .. } | Verdict::Bad { .. } => None,
        }
    }

    fn verdicts(&self) -> impl Iterator<Item = &'a Verdict> {
        self.facts.iter().filter_map(verdict)
    }

    /// The gate's answer on the release that failed.
    pub(super) fn gate(&self) -> Option<Answer<'a>> {
        self.facts.iter().find_map(|fact| {
            let Event::Gated {
                deployment,
                result,
                overridden,
                ..
            } = fact.event
            else {
                return None;
            };
            (Some(deployment) == self.opened.deployment).then_some(Answer {
                result,
                overridden: overridden.as_deref(),
            })
        })
    }

    /// The switch that led to it, and its time.
    pub(super) fn switched_at(&self) -> Option<Timestamp> {
        let led_to_it = |fact: &&Fact<'_>| matches!(fact.event, Event::Switched { deployment, .. } if Some(deployment) == self.opened.deployment);
        self.facts.iter().find(led_to_it).map(|fact| fact.at)
    }

    /// The switch away from what failed: when, to what, in how many microseconds.
    pub(super) fn back(&self) -> Option<(Timestamp, Option<&'a ReleaseId>, u64)> {
        let failed = &self.opened.culprit?.release;
        self.facts.iter().find_map(|fact| {
            let Event::Switched {
                from,
                to,
                switch_micros,
                ..
            } = fact.event
            else {
                return None;
            };
            (from.as_ref() == Some(failed)).then_some((fact.at, to.as_ref(), *switch_micros))
        })
    }

    /// Whether a person switched back, by a rollback of their own.
    pub(super) fn went_back_by_itself(&self) -> bool {
        self.facts.iter().any(|fact| {
            matches!(fact.event, Event::Ended { deployment, outcome: Outcome::WentBack { .. } }
                if Some(deployment) == self.opened.deployment)
        })
    }

    /// Everybody who wrote something down.
    pub(super) fn authors(&self) -> Vec<&'a Actor> {
        let notes = self.facts.iter().filter_map(|fact| {
            let Event::Noted { by, .. } = fact.event else {
                return None;
            };
            Some(by)
        });
        let mut authors: Vec<&Actor> = notes.collect();
        authors.sort_by_key(|author| author.uid);
        authors.dedup_by_key(|author| author.uid);
        authors
    }
}

/// A record of the log without what is of no use to the report of an incident; `None`: nothing is left.
pub fn excerpt(stored: Stored, id: IncidentId, incident: &Incident) -> Option<Entry> {
    let mut events = stored.record.events;
    events.retain(|event| concerns(event, id, incident));
    (!events.is_empty()).then_some(Entry {
        seq: stored.seq,
        at: stored.record.at,
        events,
    })
}

fn concerns(event: &Event, id: IncidentId, incident: &Incident) -> bool {
    let fact = Fact {
        seq: Seq(0),
        at: Timestamp::UNIX_EPOCH,
        event,
    };
    let settles = matches!(event, Event::PageSettled { .. });
    settles || happened_at(&fact, &incident.site) || is_of_incident(&fact, id, &[])
}

fn facts_of(entry: &Entry) -> impl Iterator<Item = Fact<'_>> {
    entry.events.iter().map(|event| Fact {
        seq: entry.seq,
        at: entry.at,
        event,
    })
}

fn opened(fact: Fact<'_>, id: IncidentId) -> Option<Opened<'_>> {
    let Event::IncidentOpened {
        incident,
        site,
        deployment,
        title,
        culprit,
        first_failed_at,
        noticed_at,
        subject,
    } = fact.event
    else {
        return None;
    };
    (*incident == id).then_some(Opened {
        seq: fact.seq,
        at: fact.at,
        site,
        deployment: deployment.as_ref(),
        title,
        culprit: culprit.as_deref(),
        first_failed_at: *first_failed_at,
        noticed_at: *noticed_at,
        subject: subject.as_ref(),
    })
}

fn is_first(fact: &Fact<'_>, opened: &Opened<'_>) -> bool {
    matches!(fact.event, Event::Planned { deployment, .. } if Some(deployment) == opened.deployment)
}

/// The last of these before the opening is where an incident without a deployment begins.
fn leads_to(fact: &Fact<'_>, opened: &Opened<'_>) -> bool {
    match (fact.event, opened.subject) {
        (Event::Switched { deployment, .. }, None) => deployment.site() == opened.site,
        (Event::Judged { site, .. }, Some(_)) => site == opened.site && is_about(fact, opened),
        _ => false,
    }
}

/// Whether what happened at the site is of the incident's own subject; of what surrounds a site deployments tell nothing.
fn is_about(fact: &Fact<'_>, opened: &Opened<'_>) -> bool {
    match (fact.event, opened.subject) {
        (Event::Judged { verdict, .. }, wanted) => subject(verdict).as_ref() == wanted,
        (Event::Relieved { subject, .. }, wanted) => Some(subject) == wanted,
        (Event::AgentStarted { .. }, _) => true,
        (_, wanted) => wanted.is_none(),
    }
}

fn subject(verdict: &Verdict) -> Option<Subject> {
    match verdict {
        Verdict::Hold { trouble } => trouble.subject(),
        Verdict::Bad { .. } => None,
    }
}

fn is_end(fact: &Fact<'_>, id: IncidentId) -> bool {
    matches!(fact.event, Event::IncidentResolved { incident, .. } if *incident == id)
}

fn page_of(fact: Fact<'_>, id: IncidentId) -> Option<PageId> {
    let Event::PageIntended { page, intent } = fact.event else {
        return None;
    };
    (intent.incident == Some(id)).then_some(*page)
}

fn verdict<'a>(fact: &Fact<'a>) -> Option<&'a Verdict> {
    let Event::Judged { verdict, .. } = fact.event else {
        return None;
    };
    Some(verdict)
}

fn is_of_incident(fact: &Fact<'_>, id: IncidentId, pages: &[PageId]) -> bool {
    match fact.event {
        Event::IncidentOpened { incident, .. }
        | Event::IncidentMitigated { incident }
        | Event::IncidentResolved { incident, .. }
        | Event::Acknowledged { incident, .. }
        | Event::Noted { incident, .. } => *incident == id,
        Event::PageIntended { intent, .. } => intent.incident == Some(id),
        Event::PageSettled { page, .. } => pages.contains(page),
        Event::LogOpened { .. }
        | Event::AgentStarted { .. }
        | Event::Planned { .. }
        | Event::StepStarted { .. }
        | Event::StepDone { .. }
        | Event::Stored { .. }
        | Event::Gated { .. }
        | Event::Armed { .. }
        | Event::Switched { .. }
        | Event::Proven { .. }
        | Event::Ended { .. }
        | Event::Pruned { .. }
        | Event::Judged { .. }
        | Event::WorkersEnded { .. }
        | Event::Relieved { .. }
        | Event::Recovered { .. } => false,
    }
}

/// Whether it happened at this site, or to the agent that serves it, and no incident is its subject.
fn happened_at(fact: &Fact<'_>, wanted: &SiteName) -> bool {
    match fact.event {
        Event::Planned { deployment, .. }
        | Event::Gated { deployment, .. }
        | Event::Armed { deployment, .. }
        | Event::Switched { deployment, .. }
        | Event::Ended { deployment, .. } => deployment.site() == wanted,
        Event::Stored { site, .. }
        | Event::Proven { site, .. }
        | Event::Judged { site, .. }
        | Event::WorkersEnded { site, .. }
        | Event::Relieved { site, .. }
        | Event::Recovered { site, .. } => site == wanted,
        Event::AgentStarted { .. } => true,
        Event::LogOpened { .. }
        | Event::StepStarted { .. }
        | Event::StepDone { .. }
        | Event::Pruned { .. }
        | Event::IncidentOpened { .. }
        | Event::IncidentMitigated { .. }
        | Event::IncidentResolved { .. }
        | Event::Noted { .. }
        | Event::Acknowledged { .. }
        | Event::PageIntended { .. }
        | Event::PageSettled { .. } => false,
    }
}
