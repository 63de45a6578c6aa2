//! The snapshot is only a cache: a start is quick with it, and the same without it or with a bad one.

use std::path::Path;
use std::sync::Arc;

use lamp_log::{Journal, Parts, SqliteLog, View, replay, verify};
use lamp_model::DeploymentId;
use lamp_model::port::ReadError;
use lamp_testkit::sample;
use rusqlite::Connection;

use crate::support::{Dir, parts};

/// A closed log of a few deployments, with its snapshot; and what it says.
async fn written(path: &Path) -> View {
    let log = Arc::new(SqliteLog::open(path).expect("a log"));
    let journal = Journal::open(Parts {
        snapshots: log.clone(),
        ..parts(log, 1)
    });
    let journal = journal.await.expect("a new log");
    let site = sample::site("shop");
    let mut from = None;
    for number in 1..=4 {
        let to = sample::release(&format!("r{number}"));
        let id = DeploymentId::new(site.clone(), number);
        for events in sample::confirmed_deployment(&id, from.as_ref(), &to) {
            journal.append(events).await.expect("legal");
        }
        from = Some(to);
    }
    let view = journal.view();
    journal.close().await;
    view
}

async fn read_again(path: &Path) -> View {
    let log = SqliteLog::open_reading(path).expect("a log");
    replay(&log, &log).await.expect("a whole log")
}

fn alter(path: &Path, sql: &str) -> usize {
    let connection = Connection::open(path).expect("a file");
    connection.execute(sql, []).expect("altered")
}

#[tokio::test]
async fn a_start_needs_only_the_snapshot_and_the_tail() {
    let dir = Dir::new();
    let path = dir.next_path();
    let view = written(&path).await;
    // A broken early record shows that the start reads none; `verify` still finds it.
    alter(
        &path,
        "UPDATE record SET body = replace(body, '\"web1\"', '\"web2\"') WHERE seq = 1",
    );
    assert_eq!(read_again(&path).await, view);
    let log = SqliteLog::open_reading(&path).expect("a log");
    let broken = verify(&log).await;
    assert!(
        matches!(broken, Err(ReadError::Broken { seq, .. }) if seq.0 == 1),
        "{broken:?}"
    );
}

#[tokio::test]
async fn without_a_good_snapshot_the_log_says_the_same() {
    let dir = Dir::new();
    for spoil in [
        "DELETE FROM snapshot",
        "UPDATE snapshot SET version = 99",
        "UPDATE snapshot SET body = replace(body, 'r4', 'r3')",
        "UPDATE snapshot SET body = 'x'",
        "UPDATE snapshot SET checksum = zeroblob(32)",
        "UPDATE snapshot SET seq = seq + 1",
        "UPDATE snapshot SET hash = zeroblob(32)",
    ] {
        let path = dir.next_path();
        let view = written(&path).await;
        assert_eq!(alter(&path, spoil), 1, "{spoil}: there was a snapshot");
        assert_eq!(read_again(&path).await, view, "{spoil}");
    }
}

/// A whole snapshot of another log says what this one never said.
#[tokio::test]
async fn the_snapshot_of_another_log_is_none() {
    let dir = Dir::new();
    let (one, other) = (dir.next_path(), dir.next_path());
    let view = written(&one).await;
    let log = SqliteLog::open(&other).expect("a new log");
    Journal::open(Parts {
        epoch: 7,
        ..parts(Arc::new(log), 2)
    })
    .await
    .expect("a new log")
    .close()
    .await;
    let attached = format!("ATTACH '{}' AS one", one.display());
    let connection = Connection::open(&other).expect("a file");
    connection.execute(&attached, []).expect("attached");
    let copied = connection.execute("INSERT OR REPLACE INTO snapshot SELECT * FROM one.snapshot", []);
    assert_eq!(copied, Ok(1));
    drop(connection);
    let said = read_again(&other).await;
    assert_eq!(said.seq.0, 1);
    assert_ne!(said, view);
    assert!(said.world.sites.is_empty());
}
