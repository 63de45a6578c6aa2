//! What happened when: one line per event that matters, and one per moment that an event tells of.

use jiff::Timestamp;
use lamp_model::Event;
use lamp_model::event::{Actor, Outcome, Reason, Seq};
use lamp_model::evidence::{Evidence, Verdict};
use lamp_model::gate::{Blocker, Gate, GateResult};
use lamp_model::incident::{PageAction, PageId, PageIntent, PageResult};
use lamp_model::name::ReleaseId;
use lamp_model::plan::PlanKind;

use super::gather::{Case, Fact};
use super::phrase::Phrase;
use super::times::micros as span_micros;
use super::{Line, Local};

/// A line before it knows its zone.
struct Told {
    at: Timestamp,
    seq: Seq,
    evidence: &'static str,
    what: Phrase,
}

/// All lines, by time; what is told of one moment stays in the log's order.
pub(super) fn lines(case: &Case<'_>, local: &Local<'_>) -> Vec<Line> {
    let mut told: Vec<Told> = case.facts.iter().flat_map(|fact| tell(case, fact)).collect();
    told.sort_by_key(|line| line.at);
    let lines = told.into_iter().map(|line| Line {
        at: line.at,
        local: local.moment(line.at),
        what: line.what,
        evidence: line.evidence.to_owned(),
        seq: line.seq.0,
    });
    lines.collect()
}

fn tell(case: &Case<'_>, fact: &Fact<'_>) -> Vec<Told> {
    let line = |evidence: &'static str, at: Timestamp, what: Phrase| Told {
        at,
        seq: fact.seq,
        evidence,
        what,
    };
    let mut lines = Vec::new();
    if let Event::IncidentOpened { noticed_at, .. } = fact.event {
        let first = case.first_failed_at();
        lines.extend(first.map(|at| line("incident-opened", at, first_failed(case))));
        if case.evidence().is_none() && *noticed_at != fact.at {
            lines.push(line(
                "incident-opened",
                *noticed_at,
                Phrase::new("It was noticed"),
            ));
        }
    }
    if let Event::IncidentResolved { impact, .. } = fact.event {
        let last = impact.last_failed_at.filter(|_| impact.failed_requests > 1);
        let what = || Phrase::new("The last failed request of a visitor");
        lines.extend(last.map(|at| line("incident-resolved", at, what())));
    }
    let told = happened(case, fact.event).map(|(evidence, what)| line(evidence, moment(fact), what));
    lines.extend(told);
    lines
}

fn first_failed(case: &Case<'_>) -> Phrase {
    let met = Phrase::new("The first visitor is met by it");
    match case.evidence().and_then(|seen| seen.error.as_ref()) {
        Some(error) => met.own(": ").code(&error.message),
        None => met,
    }
}

/// A note stands where its author says that it belongs; a verdict where it was come to.
fn moment(fact: &Fact<'_>) -> Timestamp {
    if let Event::Noted { happened_at, .. } | Event::Acknowledged { happened_at, .. } = fact.event {
        return *happened_at;
    }
    fact.at
}

/// An event as a line: the name of its kind, and what it says; `None`: it says nothing that a reader needs.
fn happened(case: &Case<'_>, event: &Event) -> Option<(&'static str, Phrase)> {
    let told = match event {
        Event::AgentStarted { version, .. } => ("agent-started", agent_started(version)),
        Event::Planned { .. } => ("planned", planned(event)),
        Event::Stored { .. } => ("stored", stored(event)),
        Event::Gated {
            release,
            result,
            overridden,
            ..
        } => ("gated", gated(release, result, overridden.as_deref())),
        Event::Switched {
            from,
            to,
            switch_micros,
            ..
        } => ("switched", switched(from.as_ref(), to.as_ref(), *switch_micros)),
        Event::Ended { deployment, outcome } => (
            "ended",
            Phrase::new("Deployment ").code(deployment).then(ended(outcome)),
        ),
        Event::Judged { verdict, .. } => ("judged", judged(verdict)),
        Event::WorkersEnded {
            release,
            ended,
            killed,
            ..
        } => ("workers-ended", workers_ended(release, *ended, *killed)),
        Event::Recovered { .. } => (
            "recovered",
            Phrase::new("Probes and visitors are answered well again"),
        ),
        Event::Relieved { .. } => ("relieved", Phrase::new("It was looked at again, and is well")),
        Event::IncidentOpened { incident, title, .. } => {
            let opened = Phrase::new(format!("Incident {incident} was opened: "));
            ("incident-opened", opened.said(title))
        }
        Event::IncidentMitigated { .. } => ("incident-mitigated", Phrase::new(MITIGATED)),
        Event::IncidentResolved { .. } => ("incident-resolved", Phrase::new(RESOLVED)),
        Event::Noted { text, by, .. } => (
            "noted",
            Phrase::new(format!("Note of uid {}: ", by.uid)).words(text),
        ),
        Event::Acknowledged { who, by, .. } => ("acknowledged", acknowledged(who.as_deref(), by)),
        Event::PageIntended { intent, .. } => ("page-intended", intended(intent)),
        Event::PageSettled { page, result } => ("page-settled", named(case, *page).then(settled(result))),
        Event::LogOpened { .. }
        | Event::StepStarted { .. }
        | Event::StepDone { .. }
        | Event::Armed { .. }
        | Event::Proven { .. }
        | Event::Pruned { .. } => return None,
    };
    Some(told)
}

const MITIGATED: &str = "Visitors are served again: the incident is mitigated";
const RESOLVED: &str = "All is well: the incident is resolved";

fn acknowledged(who: Option<&str>, by: &Actor) -> Phrase {
    let taken = Phrase::new("The page was acknowledged");
    let taken = match who {
        Some(who) => taken.own(" by ").words(who),
        None => taken,
    };
    taken.own(format!(" (written down by uid {})", by.uid))
}

fn agent_started(version: &str) -> Phrase {
    Phrase::new("The host's agent started (version ")
        .code(version)
        .own(")")
}

fn planned(event: &Event) -> Phrase {
    let Event::Planned {
        deployment,
        kind,
        from,
        to,
        by,
        ..
    } = event
    else {
        return Phrase::default();
    };
    let what = Phrase::new("Deployment ").code(deployment).own(match kind {
        PlanKind::Deploy => " was planned: release ",
        PlanKind::Rollback => " was planned: back to release ",
        PlanKind::Test => " was planned, a test of release ",
    });
    let what = match from {
        Some(from) => what.code(to).own(" in place of ").code(from),
        None => what.code(to).own(", the site's first"),
    };
    what.own(format!(", asked for by uid {}", by.uid))
}

fn stored(event: &Event) -> Phrase {
    let Event::Stored {
        release,
        files,
        source,
        ..
    } = event
    else {
        return Phrase::default();
    };
    let what = Phrase::new("Release ").code(release);
    what.own(format!(" was stored: {files} files, from "))
        .code(source)
}

fn gated(release: &ReleaseId, result: &GateResult, overridden: Option<&str>) -> Phrase {
    let named = Phrase::new("The gate ");
    let told = match &result.gate {
        Gate::Passed => named.own("let release ").code(release).own(" pass"),
        Gate::Blocked(blockers) => {
            let told = named.own("blocked release ").code(release);
            let told = match blockers.first() {
                Some(first) => told.own(": ").then(blocker(first)),
                None => told,
            };
            match blockers.len().saturating_sub(1) {
                0 => told,
                more => told.own(format!(" (and {more} more)")),
            }
        }
    };
    match overridden {
        Some(words) => told.own("; it was overridden: ").words(words),
        None => told,
    }
}

/// What keeps a release from production.
pub(super) fn blocker(blocker: &Blocker) -> Phrase {
    match blocker {
        Blocker::Finding { finding } => {
            let told = Phrase::default()
                .code(finding.place())
                .own(": ")
                .said(&finding.message);
            match &finding.suggestion {
                Some(right) => told.own(", the right name is ").code(right),
                None => told,
            }
        }
        Blocker::Cause { .. } | Blocker::NotChecked { .. } | Blocker::NotRehearsed { .. } => {
            Phrase::default().said(blocker)
        }
    }
}

fn switched(from: Option<&ReleaseId>, to: Option<&ReleaseId>, micros: u64) -> Phrase {
    let told = match to {
        Some(to) => Phrase::new("Release ").code(to).own(" answers from here on"),
        None => Phrase::new("No release answers from here on"),
    };
    let told = match from {
        Some(from) => told.own(" in place of ").code(from),
        None => told,
    };
    told.own(format!(" (the switch took {})", span_micros(micros)))
}

fn ended(outcome: &Outcome) -> Phrase {
    match outcome {
        Outcome::Confirmed => Phrase::new(" was confirmed: its release is proven good"),
        Outcome::Tested => Phrase::new(" ended: the gate is open for its release"),
        Outcome::WentBack { reason } => Phrase::new(" went back: ").then(why(reason)),
        Outcome::NotSwitched { reason } => Phrase::new(" ended, nothing was switched: ").then(why(reason)),
        Outcome::Unproven { reason } => {
            Phrase::new(" ended, its release stays, unproven: ").then(why(reason))
        }
    }
}

fn why(reason: &Reason) -> Phrase {
    Phrase::default().said(reason)
}

fn workers_ended(release: &ReleaseId, ended: u64, killed: u64) -> Phrase {
    let what = format!("{ended} worker(s) that were still at a request of release ");
    let told = Phrase::new(what).code(release).own(" were ended");
    match killed {
        0 => told,
        killed => told.own(format!(", {killed} of them killed")),
    }
}

fn judged(verdict: &Verdict) -> Phrase {
    match verdict {
        Verdict::Bad { evidence } => Phrase::new("Verdict: the release is bad. ").then(asked(evidence)),
        Verdict::Hold { trouble } => Phrase::new("Verdict: nothing is to be switched: ").said(trouble),
    }
}

/// What both releases answered to the same question.
pub(super) fn asked(evidence: &Evidence) -> Phrase {
    let told = Phrase::new("Asked again for ").code(&evidence.path);
    let told = match &evidence.release {
        Some(release) => told.own(", release ").code(release).own(" "),
        None => told.own(", what was live "),
    };
    let told = told.said(&evidence.answered);
    let told = match &evidence.hanging {
        Some(hanging) => told.own("; ").said(hanging),
        None => told,
    };
    match &evidence.before_answered {
        Some(before) => told.own("; the release before ").said(before),
        None => told.own("; there was no release before to ask"),
    }
}

fn intended(intent: &PageIntent) -> Phrase {
    let what = match intent.action {
        PageAction::Trigger => "A page was written down, to be sent: ",
        PageAction::Resolve => "The page's end was written down, to be sent: ",
        PageAction::Change => "A change was written down, to be told: ",
    };
    Phrase::new(what).code(&intent.summary)
}

/// The page, by what it does.
fn named(case: &Case<'_>, page: PageId) -> Phrase {
    let pages = case.pages();
    let found = pages.iter().find(|known| known.id == page);
    Phrase::new(match found.map(|known| known.intent.action) {
        Some(PageAction::Resolve) => "The page's end ",
        Some(PageAction::Trigger | PageAction::Change) | None => "The page ",
    })
}

fn settled(result: &PageResult) -> Phrase {
    match result {
        PageResult::Accepted { tries: 1 } => Phrase::new("was accepted by its receiver"),
        PageResult::Accepted { tries } => {
            Phrase::new(format!("was accepted by its receiver, at try {tries}"))
        }
        PageResult::Refused { why } => Phrase::new("was refused by its receiver: ").code(why),
        PageResult::GaveUp { why } => Phrase::new("was given up after a day: ").code(why),
    }
}
