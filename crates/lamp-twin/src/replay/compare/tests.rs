//! Answers as data.

use lamp_model::evidence::{ErrorKind, ErrorSignature};

use super::*;

fn page(status: u16, body: &str) -> Reply {
    Reply {
        outcome: Outcome::Answered(Answered {
            status,
            location: None,
            kind: "text/html".to_owned(),
            skeleton: Skeleton::of(body),
            page: None,
        }),
        fatals: Vec::new(),
        took: Duration::from_millis(50),
    }
}

fn ok() -> Reply {
    page(200, "<p></p>")
}

fn fatal(message: &str) -> Reply {
    Reply {
        fatals: vec![ErrorSignature {
            kind: ErrorKind::Fatal,
            message: message.to_owned(),
            place: Some(CodePlace {
                path: "a.php".to_owned(),
                line: 3,
            }),
        }],
        ..page(500, "")
    }
}

fn hangs() -> Reply {
    Reply {
        outcome: Outcome::Hang {
            after: Duration::from_secs(2),
        },
        ..ok()
    }
}

fn asked(path: &str, first: Reply, second: Reply, candidate: Reply) -> Asked {
    let mut asked = Asked::of_live(Route::of(path), first, second);
    asked.candidate = Some(candidate);
    asked
}

#[track_caller]
fn check(first: Reply, second: Reply, candidate: Reply, expected: Option<(CauseKind, &str)>) {
    let causes = causes(&[asked("/", first, second, candidate)]);
    let found = causes.first().map(|cause| (cause.kind, cause.message.as_str()));
    assert_eq!(found, expected);
}

#[test]
fn what_is_worse_than_the_live_release_is_a_cause() {
    let live = "where the live release answers 200";
    check(ok(), ok(), ok(), None);
    check(ok(), ok(), fatal("boom"), Some((CauseKind::Fatal, "boom")));
    check(
        ok(),
        ok(),
        page(500, ""),
        Some((CauseKind::Status, &format!("answers 500 {live}"))),
    );
    check(
        ok(),
        ok(),
        page(302, ""),
        Some((CauseKind::Status, &format!("answers 302 {live}"))),
    );
    check(
        ok(),
        ok(),
        page(404, ""),
        Some((CauseKind::Status, &format!("answers 404 {live}"))),
    );
    check(
        ok(),
        ok(),
        hangs(),
        Some((CauseKind::Hang, &format!("no answer within 2.0 s {live}"))),
    );
    check(
        ok(),
        ok(),
        page(200, "<i></i>"),
        Some((CauseKind::Skeleton, "lacks p, has new i")),
    );
}

#[test]
fn what_the_live_release_does_itself_is_none() {
    check(fatal("old"), fatal("old"), fatal("old"), None);
    check(
        fatal("old"),
        fatal("old"),
        fatal("new"),
        Some((CauseKind::Fatal, "new")),
    );
    check(page(500, ""), page(500, ""), page(500, ""), None);
    check(page(500, ""), page(500, ""), ok(), None);
    check(ok(), page(302, ""), page(302, ""), None);
    check(page(404, ""), page(404, ""), ok(), None);
    check(hangs(), hangs(), hangs(), None);
}

#[test]
fn without_a_live_release_only_what_is_wrong_by_itself_counts() {
    let alone = |reply| {
        let mut asked = Asked::of_nobody(Route::home());
        asked.candidate = Some(reply);
        causes(&[asked]).first().map(|cause| cause.kind)
    };
    assert_eq!(alone(page(404, "")), None);
    assert_eq!(alone(page(503, "")), Some(CauseKind::Status));
    assert_eq!(alone(fatal("x")), Some(CauseKind::Fatal));
    assert_eq!(alone(hangs()), Some(CauseKind::Hang));
}

#[test]
fn many_routes_of_one_cause_are_one_cause() {
    let mut all: Vec<_> = (0..30)
        .map(|n| asked(&format!("/{n}"), ok(), ok(), fatal("boom")))
        .collect();
    all.extend((0..3).map(|n| asked(&format!("/t{n}"), ok(), ok(), page(200, "<i></i>"))));
    all.push(asked("/fine", ok(), ok(), ok()));
    let causes = causes(&all);
    let counted: Vec<_> = causes
        .iter()
        .map(|cause| (cause.kind, cause.count, cause.routes.len()))
        .collect();
    assert_eq!(counted, [(CauseKind::Fatal, 30, 10), (CauseKind::Skeleton, 3, 3)]);
    let place = causes[0].place.as_ref().map(ToString::to_string);
    assert_eq!(place.as_deref(), Some("a.php:3"));
}

#[test]
fn a_candidate_is_waited_for_as_long_as_the_live_release_warrants() {
    let most = Duration::from_secs(15);
    let after = |first, second| {
        let took = |millis| Reply {
            took: Duration::from_millis(millis),
            ..ok()
        };
        asked("/", took(first), took(second), ok())
            .patience(most)
            .as_millis()
    };
    assert_eq!(
        (after(50, 50), after(1_000, 50), after(50, 500)),
        (2_000, 3_000, 10_000)
    );
    assert_eq!(after(9_000, 50), 15_000);
    assert_eq!(Asked::of_nobody(Route::home()).patience(most), most);
}

#[test]
fn pages_that_share_a_difference_are_of_one_cause() {
    let with_link = page(200, "<p><a></a></p>");
    let all = [
        asked("/a", ok(), ok(), page(200, "<i></i>")),
        asked("/b", with_link.clone(), with_link, page(200, "<i></i><b></b>")),
        asked("/c", ok(), ok(), page(200, "<p></p><u></u>")),
    ];
    let causes = causes(&all);
    let told: Vec<_> = causes
        .iter()
        .map(|cause| (cause.message.as_str(), cause.count))
        .collect();
    assert_eq!(told, [("lacks p, has new i", 2), ("has new u", 1)]);
}

#[test]
fn a_twin_in_which_production_answers_nowhere_proves_nothing() {
    let failing = |path: &str| asked(path, fatal("boom"), hangs(), fatal("boom"));
    let nowhere = [failing("/"), failing("/shop")];
    assert_eq!(live_answers_nowhere(&nowhere), Some("/"));
    let once = [failing("/"), asked("/shop", hangs(), page(404, ""), ok())];
    assert_eq!(live_answers_nowhere(&once), None);
    assert_eq!(live_answers_nowhere(&[Asked::of_nobody(Route::of("/"))]), None);
    assert_eq!(live_answers_nowhere(&[]), None);
}
