//! What every event log must do; each implementation's tests run it.

use std::collections::BTreeSet;

use lamp_model::event::Seq;
use lamp_model::port::{AppendError, EventLog, Head};
use lamp_model::tree::Hash;

use crate::sample::record;

/// Far more than any test here writes.
const ALL: usize = 10_000;

/// Runs the suite; `make` gives a new, empty log each time. Panics at the first breach.
pub async fn event_log_contract<L: EventLog>(make: impl AsyncFn() -> L) {
    an_empty_log_has_no_head(&make().await).await;
    what_is_acknowledged_is_read_back_in_order(&make().await).await;
    reading_goes_on_from_anywhere(&make().await).await;
    only_the_next_place_can_be_taken(&make().await).await;
    a_record_stands_only_once(&make().await).await;
    appends_under_way_together_all_land(&make().await).await;
    of_two_writers_one_wins(&make().await).await;
    the_chain_depends_on_every_record(&make).await;
}

async fn an_empty_log_has_no_head(log: &impl EventLog) {
    let head = log.head().await.expect("readable");
    let empty = Head {
        seq: Seq(0),
        hash: Hash::ZERO,
    };
    assert_eq!(head, empty);
    assert_eq!(log.read(Seq(0), ALL).await, Ok(Vec::new()));
}

async fn what_is_acknowledged_is_read_back_in_order(log: &impl EventLog) {
    fill(log, 5).await;
    let stored = log.read(Seq(0), ALL).await.expect("readable");
    for (number, stored) in (1..).zip(&stored) {
        assert_eq!(stored.seq, Seq(u64::from(number as u32)));
        assert_eq!(stored.record, record(number));
    }
    assert_eq!(stored.len(), 5);
    let last = stored.last().expect("five");
    let head = log.head().await.expect("readable");
    assert_eq!((head.seq, head.hash), (last.seq, last.hash));
}

async fn reading_goes_on_from_anywhere(log: &impl EventLog) {
    fill(log, 5).await;
    let all = log.read(Seq(0), ALL).await.expect("readable");
    assert_eq!(log.read(Seq(2), 2).await.as_deref(), Ok(&all[2..4]));
    assert_eq!(log.read(Seq(4), ALL).await.as_deref(), Ok(&all[4..]));
    assert_eq!(log.read(Seq(5), ALL).await, Ok(Vec::new()));
    assert_eq!(log.read(Seq(99), ALL).await, Ok(Vec::new()));
    assert_eq!(log.read(Seq(0), 0).await, Ok(Vec::new()));
}

async fn only_the_next_place_can_be_taken(log: &impl EventLog) {
    fill(log, 2).await;
    for wrong in [0, 1, 3, u64::MAX] {
        let refused = log.append(Seq(wrong), record(9)).await;
        assert_eq!(refused, Err(AppendError::Conflict { head: Seq(2) }), "{wrong}");
    }
    assert_eq!(log.head().await.expect("readable").seq, Seq(2));
    assert_eq!(log.append(Seq(2), record(9)).await, Ok(Seq(3)));
}

async fn a_record_stands_only_once(log: &impl EventLog) {
    fill(log, 2).await;
    let again = log.append(Seq(2), record(1)).await;
    assert_eq!(again, Err(AppendError::Conflict { head: Seq(2) }));
    assert_eq!(log.read(Seq(0), ALL).await.expect("readable").len(), 2);
}

/// What group commit rests on: a writer need not wait for one answer before the next append.
async fn appends_under_way_together_all_land(log: &impl EventLog) {
    let under_way: Vec<_> = (0..200).map(|n| log.append(Seq(n), record(n as i32))).collect();
    for (at, appending) in (1..).zip(under_way) {
        assert_eq!(appending.await, Ok(Seq(at)));
    }
    assert_eq!(log.read(Seq(0), ALL).await.expect("readable").len(), 200);
}

async fn of_two_writers_one_wins(log: &impl EventLog) {
    for round in 0..50 {
        let (one, other) = (record(2 * round), record(2 * round + 1));
        let expect = Seq(u64::from(round as u32));
        let (first, second) = (log.append(expect, one), log.append(expect, other));
        let answers = [first.await, second.await];
        let lost = AppendError::Conflict { head: expect.next() };
        assert!(answers.contains(&Ok(expect.next())), "{answers:?}");
        assert!(answers.contains(&Err(lost)), "{answers:?}");
    }
}

/// Two logs that differ in one early record differ in every later hash; equal ones are equal.
async fn the_chain_depends_on_every_record<L: EventLog>(make: &impl AsyncFn() -> L) {
    let mut heads = BTreeSet::new();
    for first in [1, 1, 2] {
        let log = make().await;
        for (expect, number) in [(0, first), (1, 3), (2, 4)] {
            let appended = log.append(Seq(expect), record(number)).await;
            assert_eq!(appended, Ok(Seq(expect + 1)));
        }
        heads.insert(log.head().await.expect("readable").hash);
    }
    assert_eq!(heads.len(), 2);
}

async fn fill(log: &impl EventLog, count: i32) {
    for number in 1..=count {
        let expect = Seq(u64::from(number as u32 - 1));
        assert_eq!(log.append(expect, record(number)).await, Ok(expect.next()));
    }
}
