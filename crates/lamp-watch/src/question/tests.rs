//! Both releases behind a door of wood: what each answers, one after the other, and how long it takes.

use std::collections::HashMap;
use std::sync::Mutex;

use lamp_logline::AskablePath;
use lamp_model::evidence::Verdict;
use tokio::time::Instant;

use super::*;
use crate::heard::Heard;

/// Per release and path: a status, or none for silence, after so many milliseconds the first time, half as many the second.
struct Door {
    answers: HashMap<(&'static str, &'static str), (Option<u16>, u64)>,
    asked: Mutex<Vec<String>>,
    /// What others were answered.
    heard: Heard,
    /// Silent but for the connection that is kept for the release before.
    is_full: bool,
}

impl SideDoor for Door {
    fn ask_on_reserve<'a>(&'a self, release: &'a ReleaseId, path: &'a str) -> Asking<'a> {
        self.answer(release, path)
    }

    fn ask<'a>(&'a self, release: &'a ReleaseId, path: &'a str) -> Asking<'a> {
        if self.is_full && release.as_str() != "old" {
            return Box::pin(std::future::pending());
        }
        self.answer(release, path)
    }

    fn failures(&self, release: &ReleaseId, path: &str) -> Vec<Answered> {
        self.heard.failures((release, path), Timestamp::UNIX_EPOCH)
    }

    fn hanging(&self, _: &ReleaseId, _: Option<&ReleaseId>) -> Option<Hanging> {
        None
    }
}

impl Door {
    fn new(answers: &[(&'static str, &'static str, Option<u16>, u64)]) -> Self {
        Self {
            answers: answers
                .iter()
                .map(|(release, path, status, millis)| ((*release, *path), (*status, *millis)))
                .collect(),
            asked: Mutex::default(),
            heard: Heard::default(),
            is_full: false,
        }
    }

    fn answer<'a>(&'a self, release: &'a ReleaseId, path: &'a str) -> Asking<'a> {
        let asking = format!("{release}{path}");
        let mut asked = self.asked.lock().expect("one thread");
        asked.push(asking.clone());
        let nth = asked.iter().filter(|before| **before == asking).count() as u64;
        drop(asked);
        let found = self
            .answers
            .iter()
            .find(|((of, at), _)| *of == release.as_str() && *at == path);
        let (status, millis) = found.map_or((Some(404), 1), |(_, answer)| *answer);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(millis / nth)).await;
            let Some(status) = status else {
                return std::future::pending().await;
            };
            Answered {
                answer: Ok(status),
                error: None,
            }
        })
    }
}

fn release(text: &str) -> ReleaseId {
    ReleaseId::parse(text).expect("a name")
}

async fn run(
    answers: &[(&'static str, &'static str, Option<u16>, u64)],
    asks: &[&str],
) -> (Decision, Vec<String>, Duration) {
    run_at(Door::new(answers), asks).await
}

async fn run_at(door: Door, asks: &[&str]) -> (Decision, Vec<String>, Duration) {
    let at = Timestamp::UNIX_EPOCH;
    let ask = |path: &&str| Ask {
        path: AskablePath::parse(path).expect("a path"),
        was_well: true,
    };
    let suspect = Suspect {
        asks: asks.iter().map(ask).collect(),
        ..Suspect::of_probe(release("new"), AskablePath::parse("/").expect("a path"), at)
    };
    let begun = Instant::now();
    let decision = settle(&door, &suspect, Some(&release("old")), at).await;
    (
        decision,
        door.asked.into_inner().expect("one thread"),
        begun.elapsed(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_bad_release_costs_one_answer_of_the_slower_one() {
    let answers = [("new", "/", Some(500), 5), ("old", "/", Some(200), 40)];
    let (decision, asked, took) = run(&answers, &["/"]).await;
    assert!(
        matches!(decision, Decision::Verdict(Verdict::Bad { .. })),
        "{decision:?}"
    );
    assert_eq!(asked, ["new/", "old/", "new/", "new/"]);
    assert_eq!(took.as_millis() / 5, 8);
}

#[tokio::test(start_paused = true)]
async fn a_good_release_is_asked_once() {
    let answers = [("new", "/", Some(200), 5), ("old", "/", Some(200), 5)];
    let (decision, asked, _) = run(&answers, &["/"]).await;
    assert_eq!(decision, Decision::Nothing(Nothing::ItAnswers));
    assert_eq!(asked, ["new/", "old/"]);
}

#[tokio::test(start_paused = true)]
async fn silence_is_asked_twice_and_ends() {
    let answers = [("new", "/", None, 0), ("old", "/", Some(200), 5)];
    let (decision, _, took) = run(&answers, &["/"]).await;
    assert!(
        matches!(decision, Decision::Verdict(Verdict::Bad { .. })),
        "{decision:?}"
    );
    assert_eq!(took.as_secs(), 2 * ASK_TIMEOUT.as_secs());
}

/// Visitors hold every worker but the one that is kept for the release before: both releases are asked on that one.
#[tokio::test(start_paused = true)]
async fn a_full_house_makes_no_good_release_look_silent() {
    let full = |new| Door {
        is_full: true,
        ..Door::new(&[("new", "/", new, 5), ("old", "/", Some(200), 5)])
    };
    let (decision, _, took) = run_at(full(Some(200)), &["/"]).await;
    assert_eq!(decision, Decision::Nothing(Nothing::ItAnswers));
    assert_eq!(
        took.as_secs(),
        ASK_TIMEOUT.as_secs(),
        "the control: it was silent once"
    );
    let (decision, ..) = run_at(full(None), &["/"]).await;
    assert!(
        matches!(decision, Decision::Verdict(Verdict::Bad { .. })),
        "{decision:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_busy_machine_makes_no_bad_release_nobodys_fault() {
    let answers = [("new", "/", Some(500), 5), ("old", "/", Some(200), 4_000)];
    let (decision, asked, _) = run(&answers, &["/"]).await;
    assert!(
        matches!(decision, Decision::Verdict(Verdict::Bad { .. })),
        "{decision:?}"
    );
    assert_eq!(asked.iter().filter(|asked| *asked == "old/").count(), 2);
    let answers = [("new", "/", Some(500), 5), ("old", "/", None, 0)];
    let (decision, _, took) = run(&answers, &["/"]).await;
    assert!(
        matches!(decision, Decision::Verdict(Verdict::Hold { .. })),
        "{decision:?}"
    );
    assert_eq!(took.as_secs(), 2 * ASK_TIMEOUT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn the_next_path_is_asked_if_one_brings_nothing() {
    let answers = [
        ("new", "/invented", Some(500), 1),
        ("new", "/", Some(500), 1),
        ("old", "/", Some(200), 1),
    ];
    let at = Timestamp::UNIX_EPOCH;
    let (decision, _, _) = run(&answers[..1], &[]).await;
    assert_eq!(decision, Decision::Nothing(Nothing::NotAsked));
    let (decision, asked, _) = run(&answers, &["/fine", "/"]).await;
    assert!(
        matches!(decision, Decision::Verdict(Verdict::Bad { .. })),
        "{decision:?} {at}"
    );
    assert_eq!(asked.first().map(String::as_str), Some("new/fine"));
}

/// A sweep and a probe have met the failure already: it is asked once more, not three times.
#[tokio::test(start_paused = true)]
async fn what_others_were_answered_counts() {
    let answers = [("new", "/", Some(500), 5), ("old", "/", Some(200), 5)];
    let asked_new = |asked: &[String]| asked.iter().filter(|asked| *asked == "new/").count();
    let met = |times: usize| {
        let door = Door::new(&answers);
        let failed = Answered {
            answer: Ok(500),
            error: None,
        };
        for _ in 0..times {
            door.heard
                .note((&release("new"), "/"), &failed, Timestamp::UNIX_EPOCH);
        }
        door
    };
    for (times, expected) in [(0, 3), (3, 1)] {
        let (decision, asked, _) = run_at(met(times), &["/"]).await;
        assert!(
            matches!(decision, Decision::Verdict(Verdict::Bad { .. })),
            "{decision:?}"
        );
        assert_eq!(asked_new(&asked), expected, "{times} times before");
    }
}

/// However often others failed: what answers now is not bad.
#[tokio::test(start_paused = true)]
async fn what_others_were_answered_does_not_outweigh_a_good_answer() {
    let door = Door::new(&[("new", "/", Some(200), 5), ("old", "/", Some(200), 5)]);
    let failed = Answered {
        answer: Ok(500),
        error: None,
    };
    for _ in 0..3 {
        door.heard
            .note((&release("new"), "/"), &failed, Timestamp::UNIX_EPOCH);
    }
    let (decision, ..) = run_at(door, &["/"]).await;
    assert_eq!(decision, Decision::Nothing(Nothing::ItAnswers));
}
