//! Both implementations of each port pass its suite; what the suites leave to each is shown here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lamp_log::{MemoryLeases, MemoryLog, Processes, SqliteLeases};
use lamp_model::clock::Clock as _;
use lamp_model::port::{Holder, LeaseError, Leases};
use lamp_testkit::{ManualClock, event_log_contract, leases_contract};

use crate::support::{AllBut, Dir, all_alive};

#[tokio::test]
async fn the_log_in_memory_keeps_the_contract() {
    event_log_contract(async || MemoryLog::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_in_sqlite_keeps_the_contract() {
    let dir = Dir::new();
    event_log_contract(async || dir.next_log()).await;
}

#[tokio::test]
async fn leases_in_memory_keep_the_contract() {
    leases_contract(async || MemoryLeases::new(all_alive())).await;
}

#[tokio::test]
async fn leases_in_sqlite_keep_the_contract() {
    let dir = Dir::new();
    leases_contract(async || SqliteLeases::new(Arc::new(dir.next_log()), all_alive())).await;
}

/// Two processes that have the same file open see each other's leases, and none ends with the process.
#[tokio::test]
async fn leases_of_one_file_are_shared_and_kept() {
    let dir = Dir::new();
    let path = dir.next_path();
    let open = || {
        let log = lamp_log::SqliteLog::open(&path).expect("a log");
        SqliteLeases::new(Arc::new(log), all_alive())
    };
    let now = ManualClock::new().boot_time();
    let (one, other) = (open(), open());
    let taken = one
        .acquire("agent", holder(1), TTL, now.clone())
        .await
        .expect("free");
    let refused = other.acquire("agent", holder(2), TTL, now.clone()).await;
    let held = LeaseError::Held {
        by: Box::new(taken.clone()),
    };
    assert_eq!(refused, Err(held));
    drop((one, other));
    assert_eq!(open().holder("agent", now).await, Ok(Some(taken)));
}

#[tokio::test]
async fn a_dead_holder_is_taken_over_at_once() {
    let dead: Arc<dyn Processes> = Arc::new(AllBut(BTreeSet::from([1])));
    taken_over(&MemoryLeases::new(Arc::clone(&dead))).await;
    let dir = Dir::new();
    taken_over(&SqliteLeases::new(Arc::new(dir.next_log()), dead)).await;
}

async fn taken_over(leases: &impl Leases) {
    let now = ManualClock::new().boot_time();
    let dead = leases
        .acquire("agent", holder(1), TTL, now.clone())
        .await
        .expect("free");
    assert_eq!(leases.holder("agent", now.clone()).await, Ok(None));
    let alive = leases
        .acquire("agent", holder(2), TTL, now.clone())
        .await
        .expect("free");
    assert_eq!((dead.epoch, alive.epoch), (1, 2));
    // Control: one that lives is not.
    let third = leases.acquire("agent", holder(3), TTL, now).await;
    assert!(matches!(third, Err(LeaseError::Held { .. })), "{third:?}");
}

const TTL: Duration = Duration::from_secs(15);

fn holder(pid: i32) -> Holder {
    Holder {
        purpose: "lamp agent".to_owned(),
        pid,
    }
}
