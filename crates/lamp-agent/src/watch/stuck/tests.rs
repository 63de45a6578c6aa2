//! Which release was left, and when a worker is ended.

use jiff::Timestamp;
use lamp_fleet::host::Doing;
use lamp_model::event::{Actor, Outcome, Reason};
use lamp_model::name::{DeploymentId, SiteName};
use lamp_model::state::{Deployment, Ended as Over, Phase};

use super::*;

fn release(text: &str) -> ReleaseId {
    ReleaseId::parse(text).expect("a name")
}

fn deployment(kind: PlanKind, from: &str, to: &str) -> Deployment {
    Deployment {
        id: DeploymentId::new(SiteName::parse("shop").expect("a name"), 7),
        kind,
        from: Some(release(from)),
        to: release(to),
        by: Actor { uid: 0, pid: 1 },
        planned_at: Timestamp::UNIX_EPOCH,
        steps: Vec::new(),
        phase: Phase::Planned,
    }
}

/// A site at which this is under way.
fn running(kind: PlanKind, from: &str, to: &str) -> Site {
    Site {
        active: Some(deployment(kind, from, to)),
        ..Site::default()
    }
}

/// A site at which this was the last.
fn over(kind: PlanKind, from: &str, to: &str, outcome: Outcome) -> Site {
    Site {
        last: Some(Over {
            deployment: deployment(kind, from, to),
            at: Timestamp::UNIX_EPOCH,
            outcome,
        }),
        ..Site::default()
    }
}

fn live(name: &str) -> Live {
    Live {
        release: Some(release(name)),
        ..Live::default()
    }
}

#[track_caller]
fn check(site: &Site, live: &Live, expected: Option<&str>) {
    assert_eq!(left(site, live), expected.map(release));
}

#[test]
fn what_was_left() {
    let went_back = Outcome::WentBack {
        reason: Reason::AgentEnded,
    };
    check(&running(PlanKind::Deploy, "a", "b"), &live("a"), Some("b"));
    check(&running(PlanKind::Rollback, "b", "a"), &live("a"), Some("b"));
    check(
        &over(PlanKind::Deploy, "a", "b", went_back),
        &live("a"),
        Some("b"),
    );
    check(
        &over(PlanKind::Rollback, "b", "a", Outcome::Confirmed),
        &live("a"),
        Some("b"),
    );
}

/// A release that was left for the next one is no bad one: what was begun in it may take its time.
#[test]
fn what_was_not() {
    check(&Site::default(), &live("a"), None);
    check(&running(PlanKind::Deploy, "a", "b"), &live("b"), None);
    check(&running(PlanKind::Test, "a", "b"), &live("a"), None);
    check(
        &over(PlanKind::Deploy, "a", "b", Outcome::Confirmed),
        &live("b"),
        None,
    );
    let unconfirmed = Live {
        unconfirmed: Some(deployment(PlanKind::Deploy, "a", "b").id),
        ..live("a")
    };
    check(&running(PlanKind::Deploy, "a", "b"), &unconfirmed, None);
}

fn worker(pid: i32, writes: u64) -> Worker {
    Worker {
        pid,
        started: 1,
        at: "public".into(),
        doing: Doing::Computing,
        writes: Some(writes),
    }
}

/// What is due to whom, after looks at these milliseconds.
fn due(looks: &[(u64, &[(i32, u64)])]) -> Vec<(u64, i32, Due)> {
    let mut rounds = Rounds::default();
    let mut all = Vec::new();
    for (at, found) in looks {
        let found = found.iter().map(|(pid, writes)| worker(*pid, *writes)).collect();
        let now = rounds.due(Duration::from_millis(*at), found);
        all.extend(now.into_iter().map(|(worker, due)| (*at, worker.pid, due)));
    }
    all
}

#[test]
fn who_stays_is_asked_and_who_does_not_heed_is_killed() {
    let stays: &[_] = &[(7, 0)];
    let looks = [
        (0, stays),
        (100, stays),
        (200, stays),
        (300, stays),
        (1_200, stays),
        (1_300, &[]),
    ];
    assert_eq!(due(&looks), [(200, 7, Due::Ask), (1_200, 7, Due::Kill)]);
}

#[test]
fn who_is_at_another_request_is_given_time_again() {
    assert_eq!(due(&[(0, &[(7, 0)]), (150, &[(7, 1)]), (300, &[(7, 1)])]), []);
    assert_eq!(due(&[(0, &[(7, 0)]), (150, &[]), (300, &[(7, 0)])]), []);
}
