//! What opens the gate, what shuts it, and what is not even asked then.

use lamp_model::finding::{CheckSummary, Finding, RuleName, Severity};
use lamp_model::gate::{Blocker, Cause, CauseKind, Gate, Rehearsal};
use lamp_model::reach::{GraphFile, UnknownInclude, UnknownReason};

use super::*;

/// Finds an error in each release whose name begins with `bad`, and counts what it is asked.
#[derive(Default)]
struct ByName {
    looked_at: Mutex<Vec<String>>,
    rehearsed: Mutex<Vec<String>>,
}

impl Checker for ByName {
    fn check<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, Inspection, String> {
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
    ) -> Answer<'a, Rehearsed, String> {
        note(&self.rehearsed, candidate);
        let answer = match candidate.as_str() {
            "untwinned" => Err("the twin did not come up".to_owned()),
            "worse" => Ok(Rehearsed {
                shown: Rehearsal {
                    causes: vec![fatal()],
                    ..Rehearsal::default()
                },
                ran: Vec::new(),
            }),
            _ => Ok(Rehearsed::default()),
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

fn report(findings: Vec<Finding>) -> Inspection {
    Inspection {
        report: CheckReport {
            summary: CheckSummary::default(),
            findings,
        },
        graph: WholeGraph::default(),
        unknown: Vec::new(),
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
        .await
        .result;
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
            .await
            .result;
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
        .await
        .result;
    assert!(
        matches!(result.blockers(), [Blocker::NotRehearsed { why }] if why.contains("gate = \"check\"")),
        "{result:?}"
    );
}

/// `index.php` includes `loader.php`, which includes something that cannot be told.
fn with_a_loader() -> Inspection {
    let file = |path: &str, is_entry_point, includes| GraphFile {
        path: path.to_owned(),
        is_entry_point,
        includes,
    };
    Inspection {
        graph: WholeGraph {
            files: vec![
                file("index.php", true, vec![1]),
                file("loader.php", false, Vec::new()),
                file("theme.php", false, Vec::new()),
            ],
            includes_left_out: 0,
        },
        unknown: vec![UnknownInclude {
            path: "loader.php".into(),
            line: 2,
            column: 1,
            reason: UnknownReason::MadeWhileRunning,
        }],
        ..report(Vec::new())
    }
}

/// Finds a loader in each release, and sees it load a theme.
struct Loads;

impl Checker for Loads {
    fn check<'a>(&'a self, _: &'a ReleaseId) -> Answer<'a, Inspection, String> {
        Box::pin(std::future::ready(Ok(with_a_loader())))
    }
}

impl Rehearser for Loads {
    fn rehearse<'a>(&'a self, _: &'a ReleaseId, _: Option<&'a ReleaseId>) -> Answer<'a, Rehearsed, String> {
        let opened = |path: &str| Opened {
            path: path.to_owned(),
            route: "/".to_owned(),
        };
        let rehearsed = Rehearsed {
            ran: ["index.php", "loader.php", "theme.php"].map(opened).into(),
            ..Rehearsed::default()
        };
        Box::pin(std::future::ready(Ok(rehearsed)))
    }
}

#[tokio::test]
async fn what_ran_in_the_twin_completes_what_the_check_could_not_follow() {
    let gatekeeper = Gatekeeper::new(Arc::new(Loads), Arc::new(Loads));
    let candidate = release("good");
    let ask = async |scope| {
        let answered = gatekeeper.ask(Candidate {
            release: &candidate,
            against: None,
            scope,
        });
        let Answered { result, graph } = answered.await;
        let graph = graph.expect("it was looked at");
        let reach = graph.blast_radius("theme.php").expect("a file").entry_points;
        (result.rehearsal, reach)
    };
    let (rehearsal, reach) = ask(GateScope::Check).await;
    assert_eq!(
        (rehearsal, reach),
        (RehearsalOutcome::SwitchedOff, 0),
        "the control"
    );
    let (rehearsal, reach) = ask(GateScope::Full).await;
    let RehearsalOutcome::Done { shown } = rehearsal else {
        panic!("{rehearsal:?}");
    };
    let said = &shown.unfollowed;
    assert_eq!((said.includes, said.in_files_that_ran, said.loaded), (1, 1, 1));
    assert_eq!(reach, 1);
}
