//! What opens the gate, what shuts it, and what is not even asked then.

use lamp_model::finding::{CheckSummary, Finding, RuleName, Severity};
use lamp_model::gate::{Blocker, Cause, CauseKind, Gate};

use super::*;

/// Finds an error in each release whose name begins with `bad`, and counts what it is asked.
#[derive(Default)]
struct ByName {
    looked_at: Mutex<Vec<String>>,
    rehearsed: Mutex<Vec<String>>,
}

impl Checker for ByName {
    fn check<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, CheckReport, String> {
        note(&self.looked_at, release);
        let name = release.as_str();
        let answer = match name {
            "unreadable" => Err("its tree cannot be read".to_owned()),
            _ if name.starts_with("bad") => Ok(report(vec![error()])),
            _ => Ok(report(Vec::new())),
        };
        Box::pin(std::future::ready(answer))
    }
}

impl Rehearser for ByName {
    fn rehearse<'a>(
        &'a self,
        candidate: &'a ReleaseId,
        _: Option<&'a ReleaseId>,
    ) -> Answer<'a, Rehearsal, String> {
        note(&self.rehearsed, candidate);
        let answer = match candidate.as_str() {
            "untwinned" => Err("the twin did not come up".to_owned()),
            "worse" => Ok(Rehearsal {
                causes: vec![fatal()],
                ..Rehearsal::default()
            }),
            _ => Ok(Rehearsal::default()),
        };
        Box::pin(std::future::ready(answer))
    }
}

fn note(list: &Mutex<Vec<String>>, release: &ReleaseId) {
    list.lock().expect("one thread").push(release.to_string());
}

fn error() -> Finding {
    Finding {
        rule: RuleName::parse("include-not-found").expect("a rule"),
        severity: Severity::Error,
        path: "settings.php".into(),
        line: 3,
        column: 1,
        message: "nothing is there".into(),
        target: Some("locale.phpp".into()),
        suggestion: Some("locale.php".into()),
        blast_radius: None,
    }
}

fn report(findings: Vec<Finding>) -> CheckReport {
    CheckReport {
        summary: CheckSummary::default(),
        findings,
    }
}

fn fatal() -> Cause {
    Cause {
        kind: CauseKind::Fatal,
        message: "answers 500 where the live release answers 200".into(),
        place: None,
        routes: vec!["/".into()],
        count: 1,
    }
}

fn release(name: &str) -> ReleaseId {
    ReleaseId::parse(name).expect("valid")
}

/// The blockers in words, and what was rehearsed.
async fn asked(name: &str, against: Option<&str>, scope: GateScope) -> (String, String) {
    let parts = Arc::new(ByName::default());
    let gatekeeper = Gatekeeper::new(Arc::clone(&parts) as _, Arc::clone(&parts) as _);
    let (candidate, live) = (release(name), against.map(release));
    let result = gatekeeper
        .ask(Candidate {
            release: &candidate,
            against: live.as_ref(),
            scope,
        })
        .await;
    let told: Vec<_> = result.blockers().iter().map(ToString::to_string).collect();
    let rehearsed = parts.rehearsed.lock().expect("one thread").join(" ");
    (told.join("; "), rehearsed)
}

#[track_caller]
fn check((told, rehearsed): (String, String), expected: &str, expected_rehearsed: &str) {
    assert_eq!(
        (told.as_str(), rehearsed.as_str()),
        (expected, expected_rehearsed)
    );
}

#[tokio::test]
async fn it_opens_for_what_is_no_worse_than_what_is_live() {
    check(asked("good", Some("live"), GateScope::Full).await, "", "good");
    check(asked("good", None, GateScope::Check).await, "", "");
    check(asked("bad-2", Some("bad-1"), GateScope::Check).await, "", "");
}

#[tokio::test]
async fn it_is_shut_for_a_new_error_and_no_twin_is_made_then() {
    let told = "settings.php:3: nothing is there";
    check(asked("bad", Some("live"), GateScope::Full).await, told, "");
    check(asked("bad", None, GateScope::Check).await, told, "");
    // What is live cannot be looked at: nothing is known to be old.
    check(asked("bad", Some("unreadable"), GateScope::Check).await, told, "");
}

#[tokio::test]
async fn it_is_shut_for_what_is_worse_in_the_twin_and_for_not_knowing() {
    let worse = "answers 500 where the live release answers 200";
    check(
        asked("worse", Some("live"), GateScope::Full).await,
        worse,
        "worse",
    );
    let untwinned = "it could not be rehearsed: the twin did not come up";
    check(
        asked("untwinned", None, GateScope::Full).await,
        untwinned,
        "untwinned",
    );
    let unreadable = "it could not be checked: its tree cannot be read";
    check(asked("unreadable", None, GateScope::Full).await, unreadable, "");
}

#[tokio::test]
async fn what_was_looked_at_is_not_looked_at_again_until_four_others_were() {
    let parts = Arc::new(ByName::default());
    let gatekeeper = Gatekeeper::new(Arc::clone(&parts) as _, Arc::new(NoTwin));
    let asked = [
        ("a", None),
        ("b", Some("a")),
        ("b", Some("a")),
        ("c", Some("b")),
        ("d", None),
        ("e", None),
        ("a", None),
    ];
    for (name, live) in asked {
        let (candidate, live) = (release(name), live.map(release));
        let result = gatekeeper
            .ask(Candidate {
                release: &candidate,
                against: live.as_ref(),
                scope: GateScope::Check,
            })
            .await;
        assert_eq!(result.gate, Gate::Passed);
    }
    assert_eq!(
        parts.looked_at.lock().expect("one thread").join(" "),
        "a b c d e a"
    );
}

#[tokio::test]
async fn without_a_twin_a_full_gate_says_how_to_go_on() {
    let gatekeeper = Gatekeeper::new(Arc::new(ByName::default()), Arc::new(NoTwin));
    let candidate = release("good");
    let result = gatekeeper
        .ask(Candidate {
            release: &candidate,
            against: None,
            scope: GateScope::Full,
        })
        .await;
    assert!(
        matches!(result.blockers(), [Blocker::NotRehearsed { why }] if why.contains("gate = \"check\"")),
        "{result:?}"
    );
}
