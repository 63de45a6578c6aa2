//! The report's sentences: what happened, why, how it was noticed, how it ended, what went well and badly.
//!
//! Causes are changes, lines and missing parts, never a person.

use lamp_model::evidence::Trouble;
use lamp_model::gate::{Gate, RehearsalOutcome};
use lamp_model::incident::{Culprit, IncidentState, PageResult};

use super::Local;
use super::gather::{Answer, Case};
use super::phrase::Phrase;
use super::timeline::{asked, blocker};
use super::times::{Metrics, Times, micros as span_micros, span};

/// Noticed later than this, it was noticed late.
const DETECTED_LATE_MS: i64 = 60_000;
/// Told later than this, it was told late.
const TOLD_LATE_MS: i64 = 60_000;

pub(super) fn title(case: &Case<'_>) -> Phrase {
    let site = Phrase::default().code(case.opened.site).own(": ");
    match (case.opened.culprit, case.back()) {
        (Some(culprit), Some((_, Some(to), _))) => {
            let failed = site.own("release ").code(&culprit.release).own(" failed, ");
            failed.code(to).own(" was brought back")
        }
        (Some(_) | None, _) => site.said(case.opened.title),
    }
}

/// Three or four sentences for somebody who reads nothing else.
pub(super) fn summary(case: &Case<'_>, local: &Local<'_>) -> Vec<Phrase> {
    let mut said = vec![what_happened(case, local)];
    said.extend(case.opened.culprit.and_then(line));
    said.push(how_it_stands(case, local));
    said.extend(visitors(case));
    said
}

fn what_happened(case: &Case<'_>, local: &Local<'_>) -> Phrase {
    let site = case.opened.site;
    let Some(culprit) = case.opened.culprit else {
        let at = local.moment(case.first_failed_at().unwrap_or(case.opened.noticed_at));
        let what = Phrase::new(format!("At {at} something was wrong with "))
            .code(site)
            .own(": ");
        return what.said(case.opened.title).own(".");
    };
    let at = case.switched_at().unwrap_or(case.opened.noticed_at);
    let brought = Phrase::new(format!("At {} deployment ", local.moment(at))).code(&culprit.deployment);
    let brought = brought
        .own(" brought release ")
        .code(&culprit.release)
        .own(" into production at ");
    brought.code(site).own(", where it failed.")
}

/// The line, and what is wrong with it.
fn line(culprit: &Culprit) -> Option<Phrase> {
    let place = culprit.place.as_ref()?;
    let line = Phrase::new("Line ").code(place);
    Some(match (&culprit.wrong_name, &culprit.right_name) {
        (Some(wrong), Some(right)) => {
            let wrong = line
                .own(" names ")
                .code(wrong)
                .own(", which is not there; the right name is ");
            wrong.code(right).own(".")
        }
        (Some(wrong), None) => line.own(" names ").code(wrong).own(", which is not there."),
        (None, _) => line.own(" is where it fails."),
    })
}

fn how_it_stands(case: &Case<'_>, local: &Local<'_>) -> Phrase {
    let now = match case.status() {
        IncidentState::Failing if case.opened.culprit.is_some() => {
            return Phrase::new("Visitors are still met by failures.");
        }
        IncidentState::Failing => return Phrase::new("It is not over."),
        IncidentState::Mitigated => "It has not yet been seen that all is well.".to_owned(),
        IncidentState::Resolved => match case.resolved_at() {
            Some(at) => format!("All has been well since {}.", local.moment(at)),
            None => "All is well.".to_owned(),
        },
    };
    match back(case, local) {
        Some(back) => back.own(format!(" {now}")),
        None => Phrase::new(now),
    }
}

/// Who brought what back, and when.
fn back(case: &Case<'_>, local: &Local<'_>) -> Option<Phrase> {
    let (at, to, micros) = case.back()?;
    let who = if case.went_back_by_itself() {
        "The host's agent went back by itself"
    } else {
        "It was switched back"
    };
    let when = format!(" at {}, in {}: ", local.moment(at), span_micros(micros));
    let back = Phrase::new(who).own(when);
    Some(match to {
        Some(to) => back.own("release ").code(to).own(" answers again."),
        None => back.own("no release answers."),
    })
}

fn visitors(case: &Case<'_>) -> Option<Phrase> {
    let impact = case.impact()?;
    Some(Phrase::new(match impact.failed_requests {
        0 => format!("None of {} requests failed.", impact.requests),
        failed => format!(
            "{failed} of {} requests failed; they came from {}.",
            impact.requests.max(failed),
            counted(impact.failed_clients, "visitor")
        ),
    }))
}

/// The cause, what set it off, what let it through.
pub(super) fn root_cause(case: &Case<'_>, local: &Local<'_>) -> Vec<Phrase> {
    let Some(culprit) = case.opened.culprit else {
        let said = case.trouble().map(Trouble::to_string);
        let what = Phrase::new("No release is held responsible: ");
        return vec![what.said(said.as_deref().unwrap_or(case.opened.title)).own(".")];
    };
    let mut said = vec![cause(culprit)];
    said.extend(culprit.error.as_ref().map(|error| {
        let met = Phrase::new("What visitors met: ").code(&error.message);
        met.own(".")
    }));
    said.extend(culprit.blast_radius.map(|reach| {
        let share = format!(
            "{} of {} entry points of the site reach that file",
            reach.entry_points, reach.of
        );
        Phrase::new(share).own(if culprit.file_changed {
            "; it differs from the one in the release before."
        } else {
            "."
        })
    }));
    said.extend(
        culprit
            .commit
            .as_ref()
            .map(|commit| Phrase::new("The change: ").code(commit).own(".")),
    );
    said.push(trigger(case, culprit, local));
    said.push(let_through(case.gate()));
    said
}

fn cause(culprit: &Culprit) -> Phrase {
    line(culprit).unwrap_or_else(|| {
        let release = Phrase::new("Release ").code(&culprit.release);
        release.own(" as a whole: no line of it was named by an error, nor by the gate.")
    })
}

fn trigger(case: &Case<'_>, culprit: &Culprit, local: &Local<'_>) -> Phrase {
    let set_off = Phrase::new("What set it off: deployment ").code(&culprit.deployment);
    match case.switched_at() {
        Some(at) => set_off.own(format!(", which switched production at {}.", local.moment(at))),
        None => set_off.own("."),
    }
}

/// Why the gate did not keep it out.
fn let_through(gate: Option<Answer<'_>>) -> Phrase {
    let Some(Answer { result, overridden }) = gate else {
        return Phrase::new("What let it through: no gate was asked before the switch.");
    };
    match (&result.gate, overridden) {
        (Gate::Blocked(blockers), words) => {
            let told = Phrase::new("What let it through: the gate had blocked the release");
            let told = match blockers.first() {
                Some(first) => told.own(" (").then(blocker(first)).own(")"),
                None => told,
            };
            let told = told.own(" and was overridden");
            match words {
                Some(words) => told.own(", with the words ").words(words).own("."),
                None => told.own("."),
            }
        }
        (Gate::Passed, _) => Phrase::new(match &result.rehearsal {
            RehearsalOutcome::Done { shown } => format!(
                "What let it through: the check found nothing, and the rehearsal asked for {} of {} known kinds of page without \
                 meeting it.",
                shown.coverage.routes_asked, shown.coverage.routes_known
            ),
            RehearsalOutcome::SwitchedOff | RehearsalOutcome::Skipped | RehearsalOutcome::Failed { .. } => {
                "What let it through: the check found nothing, and nothing was rehearsed.".to_owned()
            }
        }),
    }
}

pub(super) fn detection(case: &Case<'_>, metrics: &Metrics) -> Vec<Phrase> {
    let mut said = Vec::new();
    said.extend(case.evidence().map(|seen| {
        let how = Phrase::new("The watcher saw it and asked both releases the same question. ");
        how.then(asked(seen)).own(".")
    }));
    if case.evidence().is_none() {
        said.push(
            Phrase::new("It was noticed as: ")
                .said(case.opened.title)
                .own("."),
        );
    }
    said.push(Phrase::new(match metrics.detect_ms {
        Some(millis) => format!(
            "It was noticed {} after the first visitor was met by it.",
            span(millis)
        ),
        None if case.is_about_what_answers() => {
            "How long visitors were met by it before is not known.".to_owned()
        }
        None => "Whether visitors were met by it is not counted.".to_owned(),
    }));
    said.push(page(case, metrics));
    said
}

fn page(case: &Case<'_>, metrics: &Metrics) -> Phrase {
    let Some(page) = case.trigger() else {
        return Phrase::new("Nobody was paged.");
    };
    match (page.settled, metrics.told_ms) {
        (Some((_, PageResult::Accepted { tries })), Some(millis)) => Phrase::new(format!(
            "The page was accepted by its receiver {} after the first failed request (try {tries}).",
            span(millis)
        )),
        (Some((_, PageResult::Accepted { tries })), None) => {
            Phrase::new(format!("The page was accepted by its receiver (try {tries})."))
        }
        (Some((_, PageResult::Refused { why })), _) => {
            Phrase::new("The page was refused: ").code(why).own(".")
        }
        (Some((_, PageResult::GaveUp { why })), _) => {
            Phrase::new("Nobody took the page: ").code(why).own(".")
        }
        (None, _) => Phrase::new("The page has not been accepted yet."),
    }
}

pub(super) fn resolution(case: &Case<'_>, local: &Local<'_>) -> Vec<Phrase> {
    let mut said: Vec<Phrase> = back(case, local).into_iter().collect();
    if case.back().is_none() {
        said.push(Phrase::new("Nothing was switched to mend it."));
    }
    said.push(match (case.status(), case.resolved_at()) {
        (IncidentState::Resolved, Some(at)) => {
            let well = match case.is_about_what_answers() {
                true => "Probes through Apache and the requests of visitors were answered well again",
                false => "It was looked at again, and was well",
            };
            Phrase::new(format!(
                "{well}: the incident was resolved at {}.",
                local.moment(at)
            ))
        }
        (IncidentState::Mitigated, _) => Phrase::new("Visitors are served; recovery is not confirmed yet."),
        (IncidentState::Failing | IncidentState::Resolved, _) => Phrase::new("It is not over."),
    });
    let authors = case.authors();
    said.extend((!authors.is_empty()).then(|| {
        let uids: Vec<String> = authors
            .iter()
            .map(|author| format!("uid {}", author.uid))
            .collect();
        Phrase::new(format!("Notes were written by {}.", uids.join(", ")))
    }));
    said
}

pub(super) fn went_well(case: &Case<'_>, metrics: &Metrics) -> Vec<Phrase> {
    let mut said = Vec::new();
    if let (true, Some(millis)) = (case.went_back_by_itself(), metrics.mitigate_ms) {
        let how = "The way back was ready on disk, and was taken without anyone being asked";
        said.push(Phrase::new(format!(
            "{how}: {} from the first failed request to the mitigation.",
            span(millis)
        )));
    }
    let named = case.opened.culprit.and_then(|culprit| culprit.place.as_ref());
    said.extend(named.map(|place| {
        Phrase::new("The line was known when the page was written: ")
            .code(place)
            .own(".")
    }));
    let blocked = case.gate().is_some_and(|gate| !gate.result.blockers().is_empty());
    if blocked {
        said.push(Phrase::new("The gate had found the cause before the switch."));
    }
    said
}

pub(super) fn went_badly(case: &Case<'_>, metrics: &Metrics) -> Vec<Phrase> {
    let mut said = Vec::new();
    if case.gate().and_then(|gate| gate.overridden).is_some() {
        said.push(Phrase::new(
            "What the gate knew did not keep the release out: it was overridden.",
        ));
    }
    if case.opened.culprit.is_some() && case.gate().is_none() {
        said.push(Phrase::new(
            "The release met production without having been to the gate.",
        ));
    }
    if let Some(millis) = metrics.detect_ms.filter(|millis| *millis > DETECTED_LATE_MS) {
        said.push(Phrase::new(format!(
            "Visitors were met by it for {} before it was noticed.",
            span(millis)
        )));
    }
    if let Some(millis) = metrics.told_ms.filter(|millis| *millis > TOLD_LATE_MS) {
        said.push(Phrase::new(format!(
            "It took {} until the page was accepted.",
            span(millis)
        )));
    }
    if case.trigger().is_none() {
        said.push(Phrase::new("Nobody was paged."));
    }
    if let Some(failed) = case
        .impact()
        .map(|impact| impact.failed_requests)
        .filter(|failed| *failed > 0)
    {
        said.push(Phrase::new(format!(
            "{} of visitors failed before it was mended.",
            counted(failed, "request")
        )));
    }
    said
}

fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// What the log does not tell, said aloud.
pub(super) fn unknown(case: &Case<'_>, times: &Times) -> Vec<Phrase> {
    let mut said = Vec::new();
    let mut add = |unknown: bool, what: &str| said.extend(unknown.then(|| Phrase::new(what)));
    add(
        times.t0_first_failed.is_none(),
        "t0: no failed request of a visitor is known.",
    );
    add(
        times.t3_page_accepted.is_none(),
        "t3: no page of this incident is known to have been accepted.",
    );
    add(
        times.t4_acknowledged.is_none(),
        "t4: when a person took it up. The receiver of pages knows; `lamp incident ack` tells Lamplighter.",
    );
    add(
        times.t5_mitigated.is_none(),
        "t5: visitors are not known to be served again.",
    );
    add(times.t6_healthy.is_none(), "t6: the incident is not over.");
    add(
        case.impact().is_none() && case.is_about_what_answers(),
        "The impact: it is counted when the site is well again.",
    );
    add(
        !case.is_about_what_answers(),
        "The impact: of this kind of trouble it is not counted.",
    );
    let culprit = case.opened.culprit;
    add(
        culprit.is_some_and(|culprit| culprit.place.is_none()),
        "The line: no error with a place in the release was logged.",
    );
    add(
        culprit.is_some_and(|culprit| culprit.commit.is_none()),
        "Commit and author: the release did not come from a git source.",
    );
    said
}

/// What visitors may be told, once it is over and some were met by it.
pub(super) fn message(case: &Case<'_>, local: &Local<'_>) -> Option<Phrase> {
    let impact = case.impact().filter(|impact| impact.failed_requests > 0)?;
    let (first, last) = (impact.first_failed_at?, impact.last_failed_at?);
    let (begin, end) = (local.clock(first), local.clock(last));
    let when = match begin == end {
        true => format!("On {} at {begin} ", local.date(first)),
        false => format!("On {}, between {begin} and {end}, ", local.date(first)),
    };
    let met = Phrase::new(when)
        .own("some visitors of ")
        .code(case.opened.site)
        .own(" were shown an error page. ");
    let why = match (case.opened.culprit, case.went_back_by_itself()) {
        (Some(_), true) => "A change of the site was the cause; it was taken back at once. ",
        (Some(_), false) => "A change of the site was the cause; it was taken back. ",
        (None, _) => "The cause has been dealt with. ",
    };
    Some(
        met.own(why)
            .own("The site works again, and nothing is to be done on your side. We are sorry."),
    )
}
