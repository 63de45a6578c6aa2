//! What the tests of this crate tell each other: events of a site named shop.

use jiff::Timestamp;
use lamp_model::Event;
use lamp_model::event::{Actor, Outcome, Reason};
use lamp_model::evidence::{
    CertificateFlaw, ErrorKind, ErrorSignature, Evidence, Impact, RoomLeft, Trouble, Urgency, Verdict,
};
use lamp_model::finding::{BlastRadius, CodePlace, Finding, RuleName, Severity};
use lamp_model::gate::{Blocker, Gate, GateResult, RehearsalOutcome};
use lamp_model::name::{DeploymentId, ReleaseId, SiteName};
use lamp_model::plan::{PlanKind, StepName};
use lamp_model::state::World;
use lamp_model::tree::Hash;

use crate::terms::{NoFacts, PagerTerms, Terms};

pub(crate) const BY: Actor = Actor { uid: 1000, pid: 7 };

/// 2026-11-22T03:40:00Z, that is 06:40 in Nairobi, and so many milliseconds.
pub(crate) fn at(millis: i64) -> Timestamp {
    let start: Timestamp = "2026-11-22T03:40:00Z".parse().expect("valid");
    Timestamp::from_millisecond(start.as_millisecond() + millis).expect("in range")
}

pub(crate) fn site(name: &str) -> SiteName {
    SiteName::parse(name).expect("valid")
}

pub(crate) fn shop() -> SiteName {
    site("shop")
}

pub(crate) fn release(name: &str) -> ReleaseId {
    ReleaseId::parse(name).expect("valid")
}

pub(crate) fn id(number: u64) -> DeploymentId {
    DeploymentId::new(shop(), number)
}

pub(crate) fn stored(name: &str) -> Event {
    Event::Stored {
        site: shop(),
        release: release(name),
        tree: Hash::ZERO,
        files: 3000,
        size_bytes: 20_000_000,
        new_bytes: 2,
        source: "the directory /home/dev/shop".to_owned(),
        origin: None,
    }
}

pub(crate) fn planned(number: u64, kind: PlanKind, from: Option<&str>, to: &str) -> Event {
    Event::Planned {
        deployment: id(number),
        kind,
        from: from.map(release),
        to: release(to),
        steps: StepName::ALL.to_vec(),
        by: BY,
    }
}

pub(crate) fn started(number: u64, index: u32) -> Event {
    Event::StepStarted {
        deployment: id(number),
        index,
        step: StepName::ALL[index as usize % StepName::ALL.len()],
    }
}

pub(crate) fn armed(number: u64, back_to: Option<&str>) -> Event {
    Event::Armed {
        deployment: id(number),
        back_to: back_to.map(release),
    }
}

pub(crate) fn switched(number: u64, from: Option<&str>, to: Option<&str>) -> Event {
    Event::Switched {
        deployment: id(number),
        from: from.map(release),
        to: to.map(release),
        switch_micros: 90,
    }
}

pub(crate) fn ended(number: u64, outcome: Outcome) -> Event {
    Event::Ended {
        deployment: id(number),
        outcome,
    }
}

pub(crate) fn went_back(number: u64, reason: Reason) -> Event {
    ended(number, Outcome::WentBack { reason })
}

pub(crate) fn judged(number: Option<u64>, verdict: Verdict) -> Event {
    Event::Judged {
        site: shop(),
        deployment: number.map(id),
        verdict: Box::new(verdict),
    }
}

pub(crate) fn recovered(impact: Impact) -> Event {
    Event::Recovered { site: shop(), impact }
}

pub(crate) fn missing_locale() -> ErrorSignature {
    ErrorSignature {
        kind: ErrorKind::Fatal,
        message: "PHP Fatal error: Uncaught Error: Failed opening required \
                  'wp-includes/class-wp-locale.phpp' (include_path='.:/usr/share/php')"
            .to_owned(),
        place: Some(CodePlace {
            path: "wp-settings.php".to_owned(),
            line: 139,
        }),
    }
}

/// Release `name` fails where the one before answers.
pub(crate) fn evidence(name: &str) -> Evidence {
    Evidence {
        release: Some(release(name)),
        path: "/".to_owned(),
        first_failed_at: Some(at(1000)),
        noticed_at: at(1004),
        answered: "answered 500".to_owned(),
        before_answered: Some("answered 200".to_owned()),
        error: Some(missing_locale()),
        hanging: None,
        failed_requests: 7,
        failed_clients: 5,
    }
}

pub(crate) fn bad(name: &str) -> Verdict {
    Verdict::Bad {
        evidence: Box::new(evidence(name)),
    }
}

pub(crate) fn hold(trouble: Trouble) -> Verdict {
    Verdict::Hold {
        trouble: Box::new(trouble),
    }
}

pub(crate) fn disk(urgency: Urgency) -> Trouble {
    Trouble::DiskNearlyFull {
        path: "/srv/shop".to_owned(),
        free_bytes: 12_000_000,
        room: RoomLeft::default(),
        urgency,
    }
}

pub(crate) fn certificate(urgency: Urgency) -> Trouble {
    Trouble::Certificate {
        hostname: "shop.example".to_owned(),
        until: at(86_400_000),
        flaw: CertificateFlaw::EndsSoon,
        urgency,
    }
}

pub(crate) fn relieved(trouble: &Trouble) -> Event {
    Event::Relieved {
        site: shop(),
        subject: trouble.subject().expect("it is about what surrounds a site"),
    }
}

pub(crate) fn not_the_release() -> Verdict {
    let both = Evidence {
        before_answered: Some("answered 500".to_owned()),
        error: None,
        ..evidence("a")
    };
    hold(Trouble::NotTheRelease {
        evidence: Box::new(both),
    })
}

pub(crate) fn impact() -> Impact {
    Impact {
        failed_requests: 7,
        failed_clients: 5,
        requests: 4211,
        first_failed_at: Some(at(1000)),
        last_failed_at: Some(at(1046)),
    }
}

pub(crate) fn finding(path: &str, line: u32, target: Option<&str>) -> Finding {
    Finding {
        rule: RuleName::parse("include-not-found").expect("valid"),
        severity: Severity::Error,
        path: path.to_owned(),
        line,
        column: 9,
        message: format!("{} is not there", target.unwrap_or("it")),
        target: target.map(str::to_owned),
        suggestion: target.map(|_| "wp-includes/class-wp-locale.php".to_owned()),
        blast_radius: Some(BlastRadius {
            entry_points: 104,
            of: 104,
        }),
    }
}

/// The gate had found the misspelt name, and somebody said why it goes all the same.
pub(crate) fn gated(number: u64, name: &str) -> Event {
    let findings = vec![finding(
        "wp-settings.php",
        139,
        Some("wp-includes/class-wp-locale.phpp"),
    )];
    let blockers = findings.iter().map(|finding| Blocker::Finding {
        finding: Box::new(finding.clone()),
    });
    Event::Gated {
        deployment: id(number),
        release: release(name),
        result: Box::new(GateResult {
            gate: Gate::Blocked(blockers.collect()),
            check: None,
            findings,
            rehearsal: RehearsalOutcome::Skipped,
        }),
        overridden: Some("the campaign starts at seven".to_owned()),
    }
}

/// A deployment up to its switch.
pub(crate) fn to_switch(number: u64, from: Option<&str>, to: &str) -> Vec<Event> {
    let begun = [
        planned(number, PlanKind::Deploy, from, to),
        started(number, 0),
        stored(to),
    ];
    let switched = [
        armed(number, from),
        started(number, 6),
        switched(number, from, Some(to)),
    ];
    begun.into_iter().chain(switched).collect()
}

/// A deployment that was confirmed.
pub(crate) fn confirmed(number: u64, from: Option<&str>, to: &str) -> Vec<Event> {
    let mut events = to_switch(number, from, to);
    events.push(Event::Proven {
        site: shop(),
        release: release(to),
    });
    events.push(ended(number, Outcome::Confirmed));
    events
}

/// The fold of these, the first at [`at`]`(first_millis)`, one a millisecond.
pub(crate) fn fold(world: World, first_millis: i64, events: &[Event]) -> World {
    events
        .iter()
        .zip(first_millis..)
        .fold(world, |world, (event, millis)| {
            world.apply(at(millis), event).expect("legal")
        })
}

pub(crate) fn terms(now: Timestamp) -> Terms<'static> {
    Terms {
        now,
        host: "web1.example",
        pager: Some(PagerTerms::default()),
        facts: &NoFacts,
    }
}
