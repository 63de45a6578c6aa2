//! Answers in rows: `500`, `200`, `200!` (behind a fatal error), `-` (none).

use super::*;
use lamp_logline::AskablePath;
use lamp_model::ReleaseId;
use lamp_model::finding::CodePlace;

fn fatal(path: &str) -> ErrorSignature {
    ErrorSignature {
        kind: ErrorKind::Fatal,
        message: "oh".to_owned(),
        place: Some(CodePlace {
            path: path.to_owned(),
            line: 3,
        }),
    }
}

fn answered(word: &str) -> Answered {
    let status = word.trim_end_matches('!');
    Answered {
        answer: status.parse().map_err(|_| "connection refused".to_owned()),
        error: word.ends_with('!').then(|| fatal("asked.php")),
    }
}

fn suspect(failed_requests: u64) -> Suspect {
    let at = Timestamp::from_second(1_795_342_610).expect("a time");
    Suspect {
        error: Some(fatal("visitor.php")),
        failed_requests,
        failed_clients: failed_requests,
        ..Suspect::of_probe(
            ReleaseId::parse("r2").expect("a name"),
            AskablePath::parse("/").expect("a path"),
            at,
        )
    }
}

fn decided(new: &str, old: Option<&str>, was_well: bool) -> Decision {
    decided_beside((new, old, was_well), None)
}

/// The same, while so many requests of the release do not end.
fn decided_beside((new, old, was_well): (&str, Option<&str>, bool), hanging: Option<Hanging>) -> Decision {
    let suspect = suspect(4);
    let ask = Ask {
        was_well,
        ..suspect.asks[0].clone()
    };
    let new: Vec<Answered> = new
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(answered)
        .collect();
    let old = old.map(answered);
    decide(&Hearing {
        suspect: &suspect,
        ask: &ask,
        noticed_at: suspect.first_failed_at,
        new: &new,
        old: old.as_ref(),
        hanging,
    })
}

/// The decision in a word.
fn word(decision: &Decision) -> String {
    match decision {
        Decision::Verdict(Verdict::Bad { .. }) => "bad".to_owned(),
        Decision::Verdict(Verdict::Hold { .. }) => "hold".to_owned(),
        Decision::Nothing(why) => format!("{why:?}"),
    }
}

#[track_caller]
fn check(new: &str, old: Option<&str>, was_well: bool, expected: &str) {
    let decision = decided(new, old, was_well);
    assert_eq!(word(&decision), expected, "{new} / {old:?} / {was_well}");
}

#[test]
fn bad_is_what_always_fails_where_the_release_before_answers() {
    for old in ["200", "204", "302"] {
        check("500 500 500", Some(old), true, "bad");
        check("500 500 500", Some(old), false, "bad");
        check("500 503 500", Some(old), true, "bad");
        check("- -", Some(old), true, "bad");
        check("500 - 500", Some(old), true, "bad");
        check("200! 200! 200!", Some(old), true, "bad");
    }
}

#[test]
fn one_answer_ends_the_suspicion() {
    for new in ["200", "302", "404", "403", "500 200", "500 500 200", "- 200"] {
        for old in [Some("200"), Some("500"), Some("-"), None] {
            check(new, old, true, "ItAnswers");
        }
    }
}

#[test]
fn where_both_fail_it_is_not_the_release() {
    for old in [Some("500"), Some("503"), Some("-"), Some("404"), None] {
        check("500 500 500", old, true, "hold");
        check("500 500 500", old, false, "NeverAnswered");
    }
    check("- -", Some("-"), true, "hold");
}

#[test]
fn a_fatal_error_that_the_release_before_has_too_is_nothing() {
    check("200! 200! 200!", Some("200!"), true, "AsBefore");
    check("200! 200! 200!", Some("500!"), true, "hold");
}

#[test]
fn nothing_asked_is_nothing_decided_and_half_asked_neither() {
    check("", Some("200"), true, "NotAsked");
    check("500", Some("200"), true, "ItAnswers");
    check("-", Some("200"), true, "ItAnswers");
}

#[test]
fn the_error_of_our_own_asking_is_blamed() {
    let Decision::Verdict(Verdict::Bad { evidence }) = decided("500 500 500!", Some("200"), true) else {
        panic!("bad");
    };
    assert_eq!(evidence.error, Some(fatal("asked.php")));
    assert_eq!(evidence.answered, "answered 500");
    assert_eq!(evidence.before_answered.as_deref(), Some("answered 200"));
    assert_eq!((evidence.failed_requests, evidence.failed_clients), (4, 4));
    assert!(evidence.first_failed_at.is_some());
    // Only where nothing was logged for it, what a visitor met stands in.
    let Decision::Verdict(Verdict::Bad { evidence }) = decided("500 500 500", Some("200"), true) else {
        panic!("bad");
    };
    assert_eq!(evidence.error, Some(fatal("visitor.php")));
}

#[test]
fn a_probe_is_no_visitor() {
    let suspect = Suspect {
        error: None,
        ..suspect(0)
    };
    let new = [answered("-"), answered("-")];
    let hearing = Hearing {
        suspect: &suspect,
        ask: &suspect.asks[0],
        noticed_at: suspect.first_failed_at,
        new: &new,
        old: None,
        hanging: None,
    };
    let Decision::Verdict(Verdict::Hold { trouble }) = decide(&hearing) else {
        panic!("hold");
    };
    let Trouble::NotTheRelease { evidence } = *trouble else {
        panic!("both fail");
    };
    assert_eq!(evidence.first_failed_at, None);
    assert_eq!(evidence.answered, "did not answer: connection refused");
}

/// So many requests do not end, of which so many compute.
#[track_caller]
fn check_beside((requests, computing): (u64, u64), (new, old): (&str, Option<&str>), expected: &str) {
    let hanging = Hanging {
        requests,
        computing,
        age_ms: 5_000,
    };
    let decision = decided_beside((new, old, true), Some(hanging));
    assert_eq!(word(&decision), expected, "{hanging}: {new}, {old:?}");
    if let Decision::Verdict(Verdict::Bad { evidence }) = decision {
        assert_eq!(evidence.hanging, Some(hanging), "it is said");
    }
}

#[test]
fn who_computes_without_end_is_to_blame_for_the_silence_of_all() {
    check_beside((5, 5), ("- -", Some("-")), "bad");
    check_beside((5, 2), ("- -", Some("-")), "bad");
    check_beside((5, 1), ("- -", Some("-")), "hold");
    check_beside((5, 0), ("- -", Some("-")), "hold");
    check_beside((5, 5), ("- -", None), "hold");
    check_beside((5, 5), ("- -", Some("500")), "hold");
    check_beside((5, 5), ("500 500 500", Some("-")), "hold");
    check_beside((5, 0), ("- -", Some("200")), "bad");
    check_beside((5, 5), ("- 200", Some("200")), "ItAnswers");
}
