//! What several tests here need: a directory, processes that live or not, parts of a journal.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lamp_log::{Journal, MemorySnapshots, Parts, Processes, SqliteLog, Writer};
use lamp_model::DeploymentId;
use lamp_model::event::{Event, Seq};
use lamp_model::port::EventLog;
use lamp_testkit::{ManualClock, sample};
use tempfile::TempDir;

/// Far more than any test here writes.
pub(crate) const ALL: usize = 10_000;

/// A directory in which each log gets a name of its own.
pub(crate) struct Dir {
    dir: TempDir,
    count: AtomicU64,
}

impl Dir {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a directory for temporary files"),
            count: AtomicU64::new(0),
        }
    }

    pub(crate) fn next_path(&self) -> PathBuf {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        self.dir.path().join(format!("log-{number}.sqlite"))
    }

    pub(crate) fn next_log(&self) -> SqliteLog {
        SqliteLog::open(&self.next_path()).expect("a new log")
    }
}

/// Every process lives but those named.
pub(crate) struct AllBut(pub(crate) BTreeSet<i32>);

impl Processes for AllBut {
    fn is_alive(&self, pid: i32) -> bool {
        !self.0.contains(&pid)
    }
}

pub(crate) fn all_alive() -> Arc<dyn Processes> {
    Arc::new(AllBut(BTreeSet::new()))
}

/// Parts whose mark is `mark` and whose snapshots are lost with them.
pub(crate) fn parts(log: Arc<dyn EventLog>, mark: u8) -> Parts {
    Parts {
        log,
        snapshots: Arc::new(MemorySnapshots::default()),
        clock: Arc::new(ManualClock::new()),
        writer: Writer([mark; 8]),
        epoch: 1,
        host: "web1".to_owned(),
    }
}

pub(crate) async fn journal(log: Arc<dyn EventLog>, mark: u8) -> Journal {
    Journal::open(parts(log, mark)).await.expect("a readable log")
}

/// A numbered event, and one that changes the world in a way of its own.
pub(crate) fn lasting(number: i32) -> Vec<Event> {
    let id = DeploymentId::new(sample::site(&format!("site-{}", number.unsigned_abs())), 1);
    let mut events = sample::confirmed_deployment(&id, None, &sample::release("r1")).swap_remove(0);
    events.push(sample::numbered(number));
    events
}

/// Every numbered event in the log, with the place of its record.
pub(crate) async fn numbers(log: &dyn EventLog) -> Vec<(Seq, i32)> {
    let mut found = Vec::new();
    for stored in log.read(Seq(0), ALL).await.expect("a whole log") {
        for event in stored.record.events {
            if let Event::AgentStarted { pid, .. } = event {
                found.push((stored.seq, pid));
            }
        }
    }
    found
}
