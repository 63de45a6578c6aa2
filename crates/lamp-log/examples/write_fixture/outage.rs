//! What version 2 added: gates, verdicts, incidents, pages; every kind of each. On a site of its own, `club`.

use jiff::Timestamp;
use lamp_model::event::{Event, Outcome, Reason};
use lamp_model::evidence::{
    CertificateFlaw, ErrorKind, ErrorSignature, Evidence, Impact, RoomLeft, Trouble, Urgency, Verdict,
};
use lamp_model::finding::{BlastRadius, CheckSummary, CodePlace, Finding, RuleName, Severity};
use lamp_model::gate::{Blocker, Cause, CauseKind, Coverage, Gate, GateResult, Rehearsal, RehearsalOutcome};
use lamp_model::incident::{Culprit, IncidentId, PageAction, PageId, PageIntent, PageResult, PageSeverity};
use lamp_model::opened::{Loaded, Unfollowed};
use lamp_model::plan::{PlanKind, StepName};
use lamp_model::{DeploymentId, ReleaseId, SiteName};
use lamp_testkit::sample;

use super::{BY, Failure, planned, switch};

fn club() -> SiteName {
    sample::site("club")
}

fn id(number: u64) -> DeploymentId {
    DeploymentId::new(club(), number)
}

fn at(text: &str) -> Result<Timestamp, Failure> {
    Ok(text.parse()?)
}

/// A good release, a test of a bad one, the bad one forced, gone back from, told of; then trouble of every other kind.
pub(super) fn history() -> Result<Vec<Vec<Event>>, Failure> {
    let [good, bad] = ["20261122-0600-aa", "20261122-0640-bb"].map(sample::release);
    let mut history = sample::confirmed_deployment(&id(1), None, &good);
    history.push(tested(2, &good, &bad)?);
    history.push(refused(3, &good, &bad)?);
    history.push(forced(4, &good, &bad)?);
    history.push(told(&good, &bad)?);
    history.push(settled()?);
    history.extend(troubles(&good)?.into_iter().map(judged));
    Ok(history)
}

fn place() -> CodePlace {
    CodePlace {
        path: "wp-settings.php".to_owned(),
        line: 139,
    }
}

fn finding() -> Result<Finding, Failure> {
    Ok(Finding {
        rule: RuleName::parse("include-not-found")?,
        severity: Severity::Error,
        path: place().path,
        line: place().line,
        column: 9,
        message: "this require names a file that does not exist".to_owned(),
        target: Some("wp-includes/class-wp-locale.phpp".to_owned()),
        suggestion: Some("wp-includes/class-wp-locale.php".to_owned()),
        blast_radius: Some(BlastRadius {
            entry_points: 104,
            of: 104,
        }),
    })
}

fn cause(kind: CauseKind) -> Cause {
    Cause {
        kind,
        message: "answers 500 where the live release answers 200".to_owned(),
        place: Some(place()),
        routes: vec!["/".to_owned()],
        count: 12,
    }
}

fn rehearsal() -> Rehearsal {
    Rehearsal {
        coverage: Coverage {
            routes_known: 14,
            routes_asked: 12,
            requests: 12,
            php_files_run: 340,
            php_files: 963,
            not_replayed: 3,
        },
        causes: [
            CauseKind::Fatal,
            CauseKind::Status,
            CauseKind::Hang,
            CauseKind::Skeleton,
        ]
        .map(cause)
        .into(),
        differs: vec!["its own host name".to_owned()],
        outside_calls: vec!["203.0.113.7:443/tcp".to_owned()],
        unfollowed: Unfollowed {
            includes: 31,
            in_files_that_ran: 12,
            loaded: 1,
            first_loaded: vec![Loaded {
                path: "themes/night/index.php".to_owned(),
                route: "/".to_owned(),
                through: vec!["template-loader.php".to_owned()],
            }],
        },
        elapsed_ms: 3_700,
    }
}

fn shut(rehearsal: RehearsalOutcome) -> Result<GateResult, Failure> {
    let blockers = vec![
        Blocker::Finding {
            finding: Box::new(finding()?),
        },
        Blocker::Cause {
            cause: Box::new(cause(CauseKind::Fatal)),
        },
        Blocker::NotChecked {
            why: "the worker was killed".to_owned(),
        },
        Blocker::NotRehearsed {
            why: "no memory".to_owned(),
        },
    ];
    Ok(GateResult {
        gate: Gate::Blocked(blockers),
        check: Some(CheckSummary {
            files: 963,
            includes: 1_231,
            resolved: 1_178,
            errors: 1,
            warnings: 3,
            elapsed_ms: 410,
        }),
        findings: vec![finding()?],
        rehearsal,
    })
}

fn tested(number: u64, live: &ReleaseId, candidate: &ReleaseId) -> Result<Vec<Event>, Failure> {
    let mut events = vec![planned(id(number), PlanKind::Test, Some(live), candidate)];
    events.push(sample::stored(&id(number), candidate));
    let open = GateResult {
        gate: Gate::Passed,
        rehearsal: RehearsalOutcome::Done {
            shown: Box::new(rehearsal()),
        },
        ..shut(RehearsalOutcome::SwitchedOff)?
    };
    events.push(gated(number, candidate, open, None));
    events.push(Event::Ended {
        deployment: id(number),
        outcome: Outcome::Tested,
    });
    Ok(events)
}

fn gated(number: u64, release: &ReleaseId, result: GateResult, overridden: Option<&str>) -> Event {
    Event::Gated {
        deployment: id(number),
        release: release.clone(),
        result: Box::new(result),
        overridden: overridden.map(str::to_owned),
    }
}

fn refused(number: u64, live: &ReleaseId, candidate: &ReleaseId) -> Result<Vec<Event>, Failure> {
    let result = shut(RehearsalOutcome::Skipped)?;
    let reason = Reason::GateBlocked {
        blockers: result.blockers().to_vec(),
    };
    Ok(vec![
        planned(id(number), PlanKind::Deploy, Some(live), candidate),
        Event::StepStarted {
            deployment: id(number),
            index: 0,
            step: StepName::Gate,
        },
        gated(number, candidate, result, None),
        Event::Ended {
            deployment: id(number),
            outcome: Outcome::NotSwitched { reason },
        },
    ])
}

fn evidence(release: &ReleaseId) -> Result<Evidence, Failure> {
    Ok(Evidence {
        release: Some(release.clone()),
        path: "/".to_owned(),
        first_failed_at: Some(at("2026-11-22T06:40:00.012Z")?),
        noticed_at: at("2026-11-22T06:40:00.013Z")?,
        answered: "answered 500".to_owned(),
        before_answered: Some("answered 200".to_owned()),
        error: Some(ErrorSignature {
            kind: ErrorKind::Fatal,
            message: "Failed opening required 'wp-includes/class-wp-locale.phpp'".to_owned(),
            place: Some(place()),
        }),
        hanging: None,
        failed_requests: 3,
        failed_clients: 2,
    })
}

fn forced(number: u64, good: &ReleaseId, bad: &ReleaseId) -> Result<Vec<Event>, Failure> {
    let failed = RehearsalOutcome::Failed {
        why: "the database cannot be copied".to_owned(),
    };
    let mut events = vec![planned(id(number), PlanKind::Deploy, Some(good), bad)];
    events.push(gated(
        number,
        bad,
        shut(failed)?,
        Some("the shop must be open at seven"),
    ));
    events.extend(switch(&id(number), good, bad));
    events.push(Event::Switched {
        deployment: id(number),
        from: Some(bad.clone()),
        to: Some(good.clone()),
        switch_micros: 480,
    });
    let evidence = Box::new(evidence(bad)?);
    events.push(Event::Judged {
        site: club(),
        deployment: Some(id(number)),
        verdict: Box::new(Verdict::Bad {
            evidence: evidence.clone(),
        }),
    });
    events.push(Event::Ended {
        deployment: id(number),
        outcome: Outcome::WentBack {
            reason: Reason::JudgedBad { evidence },
        },
    });
    Ok(events)
}

fn intent(action: PageAction, severity: PageSeverity, incident: Option<u64>) -> Result<PageIntent, Failure> {
    Ok(PageIntent {
        action,
        dedup_key: "lamp/web1/club/incident-1/1795329600013".to_owned(),
        incident: incident.map(IncidentId),
        site: club(),
        severity,
        summary: "club: release 20261122-0640-bb failed and was rolled back".to_owned(),
        happened_at: at("2026-11-22T06:40:00.012Z")?,
        details: vec![("line".to_owned(), place().to_string())],
    })
}

fn intended(page: u64, intent: PageIntent) -> Event {
    Event::PageIntended {
        page: PageId(page),
        intent: Box::new(intent),
    }
}

fn told(good: &ReleaseId, bad: &ReleaseId) -> Result<Vec<Event>, Failure> {
    let culprit = Culprit {
        release: bad.clone(),
        deployment: id(4),
        place: Some(place()),
        file_changed: true,
        wrong_name: finding()?.target,
        right_name: finding()?.suggestion,
        blast_radius: finding()?.blast_radius,
        error: evidence(bad)?.error,
        commit: Some("4f2a9c1 by A. Developer".to_owned()),
        overridden: Some("the shop must be open at seven".to_owned()),
    };
    let opened = Event::IncidentOpened {
        incident: IncidentId(1),
        site: club(),
        deployment: Some(id(4)),
        title: format!("release {bad} failed, {good} was brought back"),
        culprit: Some(Box::new(culprit)),
        first_failed_at: evidence(bad)?.first_failed_at,
        noticed_at: evidence(bad)?.noticed_at,
        subject: None,
    };
    Ok(vec![
        opened,
        Event::IncidentMitigated {
            incident: IncidentId(1),
        },
        intended(1, intent(PageAction::Trigger, PageSeverity::Warning, Some(1))?),
        intended(2, intent(PageAction::Change, PageSeverity::Info, None)?),
        Event::Noted {
            incident: IncidentId(1),
            happened_at: at("2026-11-22T06:41:00Z")?,
            text: "a visitor phoned".to_owned(),
            by: BY,
        },
    ])
}

fn settled() -> Result<Vec<Event>, Failure> {
    let impact = Impact {
        failed_requests: 3,
        failed_clients: 2,
        requests: 61,
        first_failed_at: Some(at("2026-11-22T06:40:00.012Z")?),
        last_failed_at: Some(at("2026-11-22T06:40:00.071Z")?),
    };
    let page = |page, result| Event::PageSettled {
        page: PageId(page),
        result,
    };
    Ok(vec![
        page(1, PageResult::Accepted { tries: 2 }),
        page(
            2,
            PageResult::Refused {
                why: "invalid routing key".to_owned(),
            },
        ),
        Event::Recovered {
            site: club(),
            impact: impact.clone(),
        },
        Event::IncidentResolved {
            incident: IncidentId(1),
            impact,
        },
        intended(3, intent(PageAction::Resolve, PageSeverity::Critical, Some(1))?),
        page(
            3,
            PageResult::GaveUp {
                why: "connection refused".to_owned(),
            },
        ),
    ])
}

fn troubles(release: &ReleaseId) -> Result<Vec<Trouble>, Failure> {
    Ok(vec![
        Trouble::NotTheRelease {
            evidence: Box::new(evidence(release)?),
        },
        Trouble::Blind {
            log: "/var/log/apache2/lamp-club.log".to_owned(),
        },
        Trouble::Hanging {
            requests: 8,
            age_ms: 23_000,
        },
        Trouble::NotAskable { failed_requests: 5 },
        Trouble::DiskNearlyFull {
            path: "/srv/club".to_owned(),
            free_bytes: 1_048_576,
            room: RoomLeft::default(),
            urgency: Urgency::Now,
        },
        Trouble::Certificate {
            hostname: "club.example".to_owned(),
            until: at("2026-12-01T00:00:00Z")?,
            flaw: CertificateFlaw::EndsSoon,
            urgency: Urgency::Now,
        },
    ])
}

fn judged(trouble: Trouble) -> Vec<Event> {
    vec![Event::Judged {
        site: club(),
        deployment: None,
        verdict: Box::new(Verdict::Hold {
            trouble: Box::new(trouble),
        }),
    }]
}
