//! What is to be done: what mends first, then what keeps the like from happening again; each bounded, each with a
//! day until which.

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use lamp_model::evidence::{CertificateFlaw, Trouble};
use lamp_model::gate::Gate;
use lamp_model::incident::{Culprit, PageResult};

use super::gather::Case;
use super::phrase::Phrase;
use super::{ActionItem, Local, MeasureKind};

/// Days until something that mends is done.
const CORRECT_DAYS: i64 = 1;
/// Days until the report was read and its measures have owners.
const REVIEW_DAYS: i64 = 3;
/// Days until something that prevents is done.
const PREVENT_DAYS: i64 = 7;
/// Days until something is done that takes some building.
const BUILD_DAYS: i64 = 14;

/// All measures.
pub(super) fn of(case: &Case<'_>, local: &Local<'_>) -> Vec<ActionItem> {
    let opened = local.date(case.opened.at);
    let mut found: Vec<ActionItem> = Vec::new();
    let mut add = |kind, what: Phrase, days: i64| {
        found.push(ActionItem {
            kind,
            what,
            owner: None,
            due: later(opened, days.days()),
        });
    };
    for (what, days) in correct(case) {
        add(MeasureKind::Corrective, what, days);
    }
    for (what, days) in prevent(case) {
        add(MeasureKind::Preventative, what, days);
    }
    found
}

/// A day at the end of the calendar has no later one.
fn later(day: Date, by: Span) -> Date {
    day.checked_add(by).unwrap_or(day)
}

fn correct(case: &Case<'_>) -> Vec<(Phrase, i64)> {
    match (case.opened.culprit, case.trouble()) {
        (Some(culprit), _) => vec![(mend(culprit), CORRECT_DAYS)],
        (None, Some(trouble)) => vec![(relieve(trouble), CORRECT_DAYS)],
        (None, None) => vec![(Phrase::new("Find the cause and mend it."), CORRECT_DAYS)],
    }
}

fn mend(culprit: &Culprit) -> Phrase {
    let again = Phrase::new(" and deploy again, through the gate.");
    match (&culprit.place, &culprit.right_name) {
        (Some(place), Some(right)) => {
            let correct = Phrase::new("Correct ").code(place).own(" to name ").code(right);
            correct.own(",").then(again)
        }
        (Some(place), None) => Phrase::new("Correct ").code(place).own(",").then(again),
        (None, _) => {
            let find = Phrase::new("Find out why release ").code(&culprit.release);
            find.own(" fails (")
                .own("rehearse it with ")
                .code("lamp test")
                .own("),")
                .own(" correct it")
                .then(again)
        }
    }
}

fn relieve(trouble: &Trouble) -> Phrase {
    match trouble {
        Trouble::NotTheRelease { evidence } => {
            let what = Phrase::new("Find what every release needs and did not get when asked for ");
            what.code(&evidence.path)
                .own(" (a database, a disk, a service outside), and mend it.")
        }
        Trouble::Blind { log } => {
            let what = Phrase::new("Make Apache write ")
                .code(log)
                .own(" again, with the lines that ");
            what.code("lamp apache lines").own(" prints.")
        }
        Trouble::Hanging { .. } => {
            Phrase::new("Find what the hanging requests wait for, and bound how long they may.")
        }
        Trouble::NotAskable { .. } => {
            Phrase::new("Find in the error log why these requests failed, and mend it.")
        }
        Trouble::DiskNearlyFull { path, .. } => {
            Phrase::new("Make room on the filesystem of ").code(path).own(".")
        }
        Trouble::Certificate {
            hostname,
            flaw: CertificateFlaw::OtherName,
            ..
        } => {
            let what = Phrase::new("Give the virtual host of ").code(hostname);
            what.own(" a certificate for that name.")
        }
        Trouble::Certificate { hostname, .. } => {
            Phrase::new("Renew the certificate of ").code(hostname).own(".")
        }
    }
}

fn prevent(case: &Case<'_>) -> Vec<(Phrase, i64)> {
    let mut found = Vec::new();
    found.extend(about_gate(case));
    found.extend(about_trouble(case));
    found.extend(about_page(case));
    if case.opened.culprit.is_some_and(|culprit| culprit.error.is_none()) {
        let what = Phrase::new("Let PHP's errors be followed, so that the next page names a line: set ");
        found.push((
            what.code("error_log")
                .own(" of the site in ")
                .code("lamp.toml")
                .own("."),
            PREVENT_DAYS,
        ));
    }
    let review = "Go through this report with those concerned, and give each measure an owner.";
    found.push((Phrase::new(review), REVIEW_DAYS));
    found
}

fn about_gate(case: &Case<'_>) -> Option<(Phrase, i64)> {
    let culprit = case.opened.culprit?;
    let Some(gate) = case.gate() else {
        let what =
            Phrase::new("Put every release to the gate before the switch: set ").code("gate = \"full\"");
        let what = what
            .own(" for ")
            .code(case.opened.site)
            .own(" in ")
            .code("lamp.toml");
        return Some((what.own("."), PREVENT_DAYS));
    };
    if gate.overridden.is_some() && matches!(gate.result.gate, Gate::Blocked(_)) {
        let what =
            "Agree in which cases the gate may be overridden, and let a second person look at what it found.";
        return Some((Phrase::new(what), PREVENT_DAYS));
    }
    let seen = case.evidence().map(|evidence| &evidence.path);
    let what = match (seen, &culprit.place) {
        (Some(path), _) => Phrase::new("Make the rehearsal ask for ").code(path),
        (None, Some(place)) => Phrase::new("Make the rehearsal run ").code(&place.path),
        (None, None) => Phrase::new("Find out what the rehearsal did not ask"),
    };
    let test = "with a test of the application, or a probe of the site, so that the gate meets this failure.";
    Some((what.own(", ").own(test), BUILD_DAYS))
}

fn about_trouble(case: &Case<'_>) -> Option<(Phrase, i64)> {
    let what = match case.trouble()? {
        Trouble::NotTheRelease { .. } | Trouble::NotAskable { .. } => {
            "Watch what the site depends on by itself, so that the next page names it."
        }
        Trouble::Blind { .. } => {
            "Keep whatever changed Apache's configuration from changing the log lines again."
        }
        Trouble::Hanging { .. } => {
            "Give every call to a database or service outside a time limit shorter than a visitor's patience."
        }
        Trouble::DiskNearlyFull { .. } => "Bound what fills the disk: logs, uploads, old releases.",
        Trouble::Certificate { .. } => {
            "Let the certificate be renewed by a timer, and that timer be watched."
        }
    };
    Some((Phrase::new(what), BUILD_DAYS))
}

fn about_page(case: &Case<'_>) -> Option<(Phrase, i64)> {
    let Some(page) = case.trigger() else {
        let what = Phrase::new("Let somebody be paged: set ")
            .code("[page]")
            .own(" in ")
            .code("lamp.toml");
        return Some((what.own("."), PREVENT_DAYS));
    };
    match page.settled.map(|(_, result)| result) {
        Some(PageResult::Accepted { .. }) => None,
        Some(PageResult::Refused { why } | PageResult::GaveUp { why }) => {
            let what = Phrase::new("Make pages arrive; the receiver said: ").code(why);
            Some((what.own("."), CORRECT_DAYS))
        }
        None => Some((
            Phrase::new("Find out why the page has not been accepted."),
            CORRECT_DAYS,
        )),
    }
}
