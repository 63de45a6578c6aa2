//! Logs of every version that was ever written are read, and say what they said.

use std::path::{Path, PathBuf};

use lamp_log::{MemorySnapshots, SqliteLog, chain, replay};
use lamp_model::event::Seq;
use lamp_model::port::EventLog as _;
use lamp_model::stored::{Stored, VERSION, encode};

use crate::support::ALL;

/// A copy, since SQLite writes beside what it reads.
async fn read(fixture: &str) -> (tempfile::TempDir, PathBuf, Vec<Stored>) {
    let dir = tempfile::tempdir().expect("a directory for temporary files");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/event-log");
    let copy = dir.path().join(fixture);
    fs_err::copy(fixtures.join(fixture), &copy).expect("a fixture");
    let log = SqliteLog::open_reading(&copy).expect("a version that this lamp reads");
    let stored = log.read(Seq(0), ALL).await.expect("a whole log");
    (dir, copy, stored)
}

/// What the log tells, and what follows from it.
async fn check(version: u32) {
    let (_dir, path, stored) = read(&format!("v{version}.sqlite")).await;
    let events: Vec<_> = stored
        .iter()
        .flat_map(|stored| stored.record.events.iter().map(move |event| (stored, event)))
        .map(|(stored, event)| {
            let event = serde_json::to_string(event).expect("an event");
            format!(
                "{} {} {} {event}",
                stored.seq, stored.record.epoch, stored.record.at
            )
        })
        .collect();
    insta::assert_snapshot!(format!("v{version}_events"), events.join("\n"));
    let log = SqliteLog::open_reading(&path).expect("a log");
    let view = replay(&log, &MemorySnapshots::default()).await.expect("legal");
    let world = serde_json::to_string_pretty(view.world.as_ref()).expect("a world");
    insta::assert_snapshot!(format!("v{version}_world"), world);
    // Its own snapshot, as long as it is of the version that this lamp keeps, says the same.
    assert_eq!(replay(&log, &log).await.expect("legal"), view);
}

#[tokio::test]
async fn a_log_of_version_1_says_what_it_said() {
    check(1).await;
}

#[tokio::test]
async fn a_log_of_version_2_says_what_it_said() {
    check(2).await;
}

#[tokio::test]
async fn a_log_of_version_3_says_what_it_said() {
    check(3).await;
}

#[tokio::test]
async fn a_log_of_version_4_says_what_it_said() {
    check(4).await;
}

/// As long as version 4 is what is written, it is written as it was: a change of an event's fields that
/// still reads the old ones must raise the version all the same.
#[tokio::test]
async fn version_4_is_written_as_it_was() {
    let (_dir, _path, stored) = read("v4.sqlite").await;
    assert_eq!(VERSION, 4, "keep a fixture of the new version, and end this test");
    let mut before = chain::EMPTY.hash;
    for stored in stored {
        let body = encode(&stored.record);
        let linked = chain::link(&before, stored.seq, stored.record.id, VERSION, &body);
        assert_eq!(linked, stored.hash, "record {}", stored.seq);
        before = stored.hash;
    }
}
