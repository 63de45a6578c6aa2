//! The journal, one fault at a time.

use std::sync::Arc;

use lamp_log::{Journal, JournalError, MemoryLog, MemorySnapshots, OpenJournalError, replay};
use lamp_model::DeploymentId;
use lamp_model::event::{Event, Seq};
use lamp_model::plan::StepName;
use lamp_model::port::{AppendError, EventLog};
use lamp_testkit::sample::{self, numbered};
use lamp_testkit::{Fault, Faults, FaultyLog};

use crate::support::{ALL, journal, lasting, numbers, parts};

/// A journal whose first record stands, on a log that then fares as scripted.
async fn begun(faults: Faults) -> (Arc<FaultyLog<MemoryLog>>, Journal) {
    let log = Arc::new(FaultyLog::new(MemoryLog::default(), Faults::script([])));
    let journal = journal(log.clone(), 1).await;
    log.set(faults);
    (log, journal)
}

fn unavailable() -> Result<Seq, JournalError> {
    Err(JournalError::Unavailable {
        why: "the test made it so".to_owned(),
    })
}

/// What one append answers under `script`, and that it then stands `times` times.
#[track_caller]
fn check(script: &[Fault], expected: Result<Seq, JournalError>, times: usize) -> impl Future<Output = ()> {
    let faults = Faults::script(script.iter().copied().map(Some));
    let script = format!("{script:?}");
    async move {
        let (log, journal) = begun(faults).await;
        assert_eq!(journal.append(vec![numbered(7)]).await, expected, "{script}");
        assert_eq!(numbers(log.inner()).await.len(), times, "{script}");
        let next = Seq(2 + times as u64);
        assert_eq!(
            journal.append(vec![numbered(8)]).await,
            Ok(next),
            "after {script}"
        );
    }
}

#[tokio::test]
async fn a_result_that_is_not_known_is_found_out() {
    use Fault::{Conflict, Unavailable, UnknownNotWritten, UnknownWritten, UnknownWrittenLate};
    check(&[], Ok(Seq(2)), 1).await;
    check(&[UnknownWritten], Ok(Seq(2)), 1).await;
    check(&[UnknownNotWritten], Ok(Seq(2)), 1).await;
    check(&[UnknownWrittenLate], Ok(Seq(2)), 1).await;
    check(
        &[UnknownNotWritten, UnknownNotWritten, UnknownWritten],
        Ok(Seq(2)),
        1,
    )
    .await;
    check(&[Conflict, UnknownWritten], Ok(Seq(2)), 1).await;
    check(&[Unavailable], unavailable(), 0).await;
    check(&[UnknownNotWritten, Unavailable], Ok(Seq(2)), 1).await;
    let why = "it is not known whether the record was written".to_owned();
    check(&[UnknownNotWritten; 5], Err(JournalError::Unknown { why }), 0).await;
    let why = AppendError::Conflict { head: Seq(1) }.to_string();
    check(&[Conflict; 5], Err(JournalError::Unavailable { why }), 0).await;
}

/// Neither the answer nor the log can be had: the caller learns that, and the next append what is so.
#[tokio::test]
async fn what_came_to_light_late_is_taken_in_before_the_next() {
    for (fault, stands) in [(Fault::UnknownWritten, true), (Fault::UnknownNotWritten, false)] {
        let (log, journal) = begun(Faults::script([Some(fault)]).with_failing_reads(1)).await;
        let answer = journal.append(lasting(7)).await;
        assert!(matches!(answer, Err(JournalError::Unknown { .. })), "{answer:?}");
        // The same deployment again: legal only if the first does not stand after all.
        let again = journal.append(lasting(7)).await;
        if stands {
            assert!(matches!(again, Err(JournalError::Refused(_))), "{again:?}");
        } else {
            assert_eq!(again, Ok(Seq(2)));
        }
        assert_eq!(numbers(log.inner()).await, [(Seq(2), 7)]);
        let replayed = replay(log.as_ref(), &MemorySnapshots::default()).await;
        assert_eq!(replayed.as_ref(), Ok(&journal.view()));
    }
}

/// What follows on a record that was given up as unknown is held against what really stands.
#[tokio::test]
async fn what_follows_on_an_unknown_record_is_held_against_the_log() {
    for (fault, stands) in [(Fault::UnknownWritten, true), (Fault::UnknownNotWritten, false)] {
        let (log, journal) = begun(Faults::script([Some(fault)]).with_failing_reads(2)).await;
        let answer = journal.append(lasting(7)).await;
        assert!(matches!(answer, Err(JournalError::Unknown { .. })), "{answer:?}");
        let step = Event::StepStarted {
            deployment: DeploymentId::new(sample::site("site-7"), 1),
            index: 0,
            step: StepName::CheckDisk,
        };
        assert_eq!(
            journal.append(vec![step.clone()]).await,
            Err(unread()),
            "still not to be read"
        );
        match journal.append(vec![step]).await {
            Err(JournalError::Refused(_)) => assert!(!stands),
            other => assert!(stands && other == Ok(Seq(3)), "{other:?}"),
        }
        assert_eq!(numbers(log.inner()).await.len(), usize::from(stands));
    }
}

/// The log shows nothing yet, the caller has been told so, and then the record lands in front of the next.
#[tokio::test]
async fn a_record_that_lands_late_is_taken_in_before_the_next_is_written() {
    let mut script = [Some(Fault::UnknownNotWritten); 5];
    script[4] = Some(Fault::UnknownWrittenLate);
    let (log, journal) = begun(Faults::script(script)).await;
    let answer = journal.append(lasting(7)).await;
    assert!(matches!(answer, Err(JournalError::Unknown { .. })), "{answer:?}");
    assert_eq!(log.head().await.map(|head| head.seq), Ok(Seq(1)), "not yet");
    assert_eq!(journal.append(lasting(8)).await, Ok(Seq(3)));
    assert_eq!(numbers(log.inner()).await, [(Seq(2), 7), (Seq(3), 8)]);
    let replayed = replay(log.as_ref(), &MemorySnapshots::default()).await;
    assert_eq!(replayed.as_ref(), Ok(&journal.view()));
}

fn unread() -> JournalError {
    JournalError::Unavailable {
        why: "the log cannot be read: the test made it so".to_owned(),
    }
}

#[tokio::test]
async fn what_the_fold_refuses_is_never_written() {
    let (log, journal) = begun(Faults::script([])).await;
    let (site, release) = (sample::site("shop"), sample::release("r1"));
    let early = journal
        .append(vec![numbered(1), Event::Proven { site, release }])
        .await;
    let refused = early.expect_err("nothing is stored");
    insta::assert_snapshot!(refused, @"proven cannot follow: shop has no release r1");
    assert!(matches!(refused, JournalError::Refused(_)));
    assert_eq!(log.head().await.map(|head| head.seq), Ok(Seq(1)));
    assert!(numbers(log.inner()).await.is_empty());
}

/// One waits for the other inside one record: the second is held against what the first leaves.
#[tokio::test]
async fn two_deployments_planned_together_are_one_and_a_refusal() {
    let (log, journal) = begun(Faults::script([])).await;
    let id = DeploymentId::new(sample::site("shop"), 1);
    let planned = sample::confirmed_deployment(&id, None, &sample::release("r1")).swap_remove(0);
    let both = tokio::join!(journal.append(planned.clone()), journal.append(planned));
    assert_eq!(both.0, Ok(Seq(2)));
    let refused = both.1.expect_err("one is under way");
    insta::assert_snapshot!(refused, @"planned cannot follow: shop-1 is under way");
    assert_eq!(log.read(Seq(0), ALL).await.expect("whole").len(), 2);
}

/// A refusal must not rest on what was never written.
#[tokio::test]
async fn a_refusal_against_a_record_that_failed_is_a_failure() {
    let (log, journal) = begun(Faults::script([Some(Fault::Unavailable)])).await;
    let id = DeploymentId::new(sample::site("shop"), 1);
    let planned = sample::confirmed_deployment(&id, None, &sample::release("r1")).swap_remove(0);
    let both = tokio::join!(journal.append(planned.clone()), journal.append(planned));
    assert_eq!(both, (unavailable(), unavailable()));
    assert_eq!(log.head().await.map(|head| head.seq), Ok(Seq(1)));
}

#[tokio::test]
async fn whoever_lost_the_log_never_writes_again() {
    let log = Arc::new(MemoryLog::default());
    let (one, other) = (journal(log.clone(), 1).await, journal(log.clone(), 2).await);
    assert_eq!(other.append(vec![numbered(2)]).await, Ok(Seq(2)));
    for number in 3..6 {
        let lost = one.append(vec![numbered(number)]).await;
        assert_eq!(lost, Err(JournalError::Lost { at: Seq(2) }));
    }
    assert_eq!(other.append(vec![numbered(6)]).await, Ok(Seq(3)));
    let standing: Vec<_> = numbers(log.as_ref()).await.into_iter().map(|(_, n)| n).collect();
    assert_eq!(standing, [2, 6]);
}

#[tokio::test]
async fn a_record_bears_its_epoch_time_and_mark() {
    let log = Arc::new(MemoryLog::default());
    let journal = Journal::open(lamp_log::Parts {
        epoch: 42,
        ..parts(log.clone(), 9)
    });
    journal
        .await
        .expect("a new log")
        .append(vec![numbered(1)])
        .await
        .expect("appended");
    let read = log.read(Seq(0), ALL).await.expect("whole");
    assert_eq!(
        read[0].record.events,
        [Event::LogOpened {
            host: "web1".to_owned()
        }]
    );
    for stored in &read {
        assert_eq!(stored.record.epoch, 42);
        assert_eq!(stored.record.at.to_string(), "2026-11-22T06:40:00Z");
        assert_eq!(stored.record.id.0[..8], [9; 8]);
    }
}

#[tokio::test]
async fn a_closed_journal_wrote_what_waited_and_takes_no_more() {
    let log = Arc::new(MemoryLog::default());
    let journal = journal(log.clone(), 1).await;
    let (waiting, ()) = tokio::join!(journal.append(vec![numbered(1)]), journal.close());
    assert_eq!(waiting, Ok(Seq(2)));
    journal.close().await;
    assert_eq!(journal.append(vec![numbered(2)]).await, Err(JournalError::Closed));
    assert_eq!(numbers(log.as_ref()).await, [(Seq(2), 1)]);
}

#[tokio::test]
async fn a_log_that_cannot_be_begun_says_why() {
    let log = FaultyLog::new(MemoryLog::default(), Faults::script([Some(Fault::Unavailable)]));
    let error = Journal::open(parts(Arc::new(log), 1))
        .await
        .err()
        .expect("unavailable");
    assert!(matches!(error, OpenJournalError::First(_)));
    insta::assert_snapshot!(error, @"the event log cannot be begun: the test made it so");
}
