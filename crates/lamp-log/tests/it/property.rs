//! Whatever fails and however the appenders interleave: no gap, every acknowledged event present at the
//! place that was acknowledged, none twice, and the world is the fold of the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use lamp_log::{Journal, JournalError, MemoryLog, MemorySnapshots, replay, verify};
use lamp_model::event::Seq;
use lamp_model::port::EventLog;
use lamp_testkit::{Faults, FaultyLog, Seed};
use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::support::{Dir, journal, lasting, numbers};

type Answers = BTreeMap<i32, Result<Seq, JournalError>>;

/// One run: how many append how much at once, and how much of it fails.
#[derive(Debug, Clone)]
struct Run {
    seed: u64,
    appenders: i32,
    each: i32,
    percent: u64,
    failing_reads: u32,
}

fn any_run() -> impl Strategy<Value = Run> {
    (any::<u64>(), 1..6_i32, 1..12_i32, 0..80_u64, 0..4_u32).prop_map(
        |(seed, appenders, each, percent, failing_reads)| Run {
            seed,
            appenders,
            each,
            percent,
            failing_reads,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn in_memory_what_is_acknowledged_stands_once(run in any_run()) {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(hold(&run, MemoryLog::default()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn in_sqlite_what_is_acknowledged_stands_once(run in any_run()) {
        let dir = Dir::new();
        let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        runtime.block_on(hold(&run, dir.next_log()));
    }
}

async fn hold<L: EventLog + 'static>(run: &Run, log: L) {
    let log = Arc::new(FaultyLog::new(log, Faults::script([])));
    let journal = journal(log.clone(), 1).await;
    let faults = Faults::seeded(Seed::new(run.seed), run.percent);
    log.set(faults.with_failing_reads(run.failing_reads));
    let answers = append_all(run, &journal).await;
    log.set(Faults::script([]));
    // One more append takes in what came to light late.
    journal.append(lasting(9_999)).await.expect("no faults any more");
    stands_once(log.inner(), &answers).await;
    let replayed = replay(log.inner(), &MemorySnapshots::default()).await;
    assert_eq!(replayed.expect("legal"), journal.view());
    journal.close().await;
}

async fn append_all(run: &Run, journal: &Journal) -> Answers {
    let mut appenders = JoinSet::new();
    for appender in 0..run.appenders {
        let (journal, each) = (journal.clone(), run.each);
        appenders.spawn(async move {
            let mut answers = Answers::new();
            for number in appender * 100..appender * 100 + each {
                answers.insert(number, journal.append(lasting(number)).await);
            }
            answers
        });
    }
    appenders.join_all().await.into_iter().flatten().collect()
}

async fn stands_once(log: &impl EventLog, answers: &Answers) {
    verify(log).await.expect("a whole chain");
    let standing = numbers(log).await;
    for (number, answer) in answers {
        let places: Vec<_> = standing
            .iter()
            .filter(|(_, n)| n == number)
            .map(|(seq, _)| *seq)
            .collect();
        match answer {
            Ok(seq) => assert_eq!(places, [*seq], "{number} was acknowledged"),
            Err(JournalError::Unknown { .. }) => assert!(places.len() <= 1, "{number} stands at {places:?}"),
            Err(JournalError::Unavailable { .. }) => {
                assert!(places.is_empty(), "{number} stands at {places:?}")
            }
            Err(other) => assert!(places.is_empty(), "{number}: {other}"),
        }
    }
}

/// Two who both believe that they hold the log: one of them wins, and the log stays whole.
#[test]
fn of_two_journals_one_is_fenced_off_under_every_seed() {
    for seed in 0..300 {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(fence(seed));
    }
}

async fn fence(seed: u64) {
    let log = Arc::new(FaultyLog::new(MemoryLog::default(), Faults::script([])));
    let (one, other) = (journal(log.clone(), 1).await, journal(log.clone(), 2).await);
    log.set(Faults::seeded(Seed::new(seed), 30));
    let run = Run {
        seed,
        appenders: 2,
        each: 5,
        percent: 30,
        failing_reads: 0,
    };
    let (mine, theirs) = tokio::join!(append_all(&run, &one), append_from(&other, 1_000));
    stands_once(log.inner(), &mine).await;
    stands_once(log.inner(), &theirs).await;
    let lost = |answers: &Answers| {
        answers
            .values()
            .any(|answer| matches!(answer, Err(JournalError::Lost { .. })))
    };
    assert!(lost(&mine) != lost(&theirs), "seed {seed}: {mine:?} {theirs:?}");
}

async fn append_from(journal: &Journal, first: i32) -> Answers {
    let mut answers = Answers::new();
    for number in first..first + 10 {
        answers.insert(number, journal.append(lasting(number)).await);
    }
    answers
}
