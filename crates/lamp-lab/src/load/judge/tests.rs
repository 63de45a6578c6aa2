//! Judgement as data: hand-made requests around hand-made switches, times in milliseconds.

use super::*;
use crate::load::marker::Way;

const WAYS: [Way; 2] = [Way::Entry, Way::Dir];

fn ms(at: u64) -> Nanos {
    Nanos(at * 1_000_000)
}

/// Release `a` answers until a switch to `b` between 1000 and 1010, then one to `a` between 2000 and 2010.
fn switches() -> Switches {
    let switch = |begun, done, to: &str| Switch {
        begun: ms(begun),
        done: ms(done),
        to: to.to_owned(),
    };
    Switches {
        first: "a".to_owned(),
        then: vec![switch(1000, 1010, "b"), switch(2000, 2010, "a")],
    }
}

fn record(sent: u64, received: u64, outcome: Outcome) -> Record {
    Record {
        target: 0,
        planned: ms(sent),
        sent: ms(sent),
        received: ms(received),
        outcome,
    }
}

fn answered(by: [&'static str; 2]) -> Outcome {
    Outcome::Answered {
        status: 200,
        markers: Markers::of([(Way::Entry, by[0]), (Way::Dir, by[1])]),
    }
}

/// What `sent..received` answered by `by` is judged to be: `ok`, `failed`, `mixed` or `stale`.
#[track_caller]
fn check(sent: u64, received: u64, by: [&'static str; 2], expected: &str) {
    let target = Target::new("/", 1, &WAYS);
    let fault = fault(&target, &record(sent, received, answered(by)), &switches());
    let kind = match fault {
        None => "ok",
        Some(Fault::Failed(_)) => "failed",
        Some(Fault::Mixed(_)) => "mixed",
        Some(Fault::Stale(_)) => "stale",
    };
    assert_eq!(kind, expected, "sent {sent}, received {received}, by {by:?}");
}

#[test]
fn before_the_switch_only_the_first_release_is_right() {
    check(0, 100, ["a", "a"], "ok");
    check(0, 100, ["b", "b"], "failed");
    check(0, 100, ["c", "c"], "failed");
}

#[test]
fn sent_before_the_switch_and_answered_after_it_either_is_right() {
    for by in [["a", "a"], ["b", "b"]] {
        check(990, 1100, by, "ok");
        check(1005, 1100, by, "ok");
        check(1009, 1900, by, "ok");
    }
}

#[test]
fn sent_after_the_switch_the_earlier_release_is_stale() {
    check(1010, 1100, ["b", "b"], "ok");
    check(1010, 1100, ["a", "a"], "stale");
    check(1500, 1600, ["a", "a"], "stale");
    check(2010, 2100, ["b", "b"], "stale");
    check(2010, 2100, ["a", "a"], "ok");
}

#[test]
fn a_request_across_the_next_switch_may_be_answered_by_that_one() {
    check(1500, 2001, ["a", "a"], "ok");
    check(1500, 2000, ["a", "a"], "stale");
    check(990, 2500, ["b", "b"], "ok");
}

#[test]
fn two_releases_in_one_answer_are_mixed_even_across_the_switch() {
    check(1005, 1100, ["a", "b"], "mixed");
    check(0, 100, ["a", "b"], "mixed");
    check(1500, 1600, ["b", "a"], "mixed");
}

#[track_caller]
fn check_failed(outcome: Outcome, received: u64, words: &str) {
    let target = Target::new("/", 1, &WAYS);
    match fault(&target, &record(0, received, outcome), &switches()) {
        Some(Fault::Failed(why)) => assert_eq!(why, words),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_that_is_late_wrong_or_incomplete_is_failed() {
    check_failed(Outcome::Unanswered("reset".to_owned()), 10, "reset");
    check_failed(answered(["a", "a"]), 5001, "answered after 5001 ms");
    let status = Outcome::Answered {
        status: 503,
        markers: Markers::default(),
    };
    check_failed(status, 10, "status 503 instead of 200");
    let half = Outcome::Answered {
        status: 200,
        markers: Markers::of([(Way::Entry, "a")]),
    };
    check_failed(half, 10, "incomplete markers: entry=a");
    let target = Target::new("/", 1, &WAYS);
    assert_eq!(
        fault(
            &target,
            &record(0, 5000, answered(["a", "a"])),
            &Switches::from("a")
        ),
        None
    );
}

fn run(faulty: usize, late: usize) -> Tally {
    let mut records: Vec<_> = (0..100).map(|_| record(0, 100, answered(["a", "a"]))).collect();
    for record in records.iter_mut().take(faulty) {
        record.outcome = answered(["a", "b"]);
    }
    for record in records.iter_mut().take(late) {
        record.sent = ms(21);
    }
    judge(&[Target::new("/", 1, &WAYS)], &records, &switches())
}

#[test]
fn a_run_is_clean_faulty_or_invalid() {
    assert_eq!(run(0, 0).judgement(), Judgement::Clean);
    assert_eq!(run(0, 1).judgement(), Judgement::Clean);
    assert_eq!(run(0, 2).judgement(), Judgement::Invalid);
    assert_eq!(run(1, 0).judgement(), Judgement::Faulty);
    assert_eq!(run(1, 2).judgement(), Judgement::Invalid);
    assert_eq!(Tally::default().judgement(), Judgement::Empty);
}

#[test]
fn a_tally_counts_each_kind_and_keeps_few_examples() {
    let tally = run(10, 3);
    assert_eq!(
        (tally.requests, tally.failed, tally.mixed, tally.stale),
        (100, 0, 10, 0)
    );
    assert_eq!(tally.late_sends, 3);
    assert_eq!(tally.answered_by.get("a"), Some(&90));
    assert_eq!(tally.examples.len(), EXAMPLES_MAX);
    assert_eq!(tally.examples[0], "/ sent at 21000000: mixed: entry=a dir=b");
    assert_eq!(tally.median_micros, 100_000);
}

#[test]
fn a_switch_is_recorded_around_its_act() {
    let mut switches = Switches::from("a");
    let inside = switches.record("b", Nanos::now);
    let made = &switches.then[0];
    assert!(made.begun <= inside && inside <= made.done);
    assert_eq!(made.to, "b");
}
