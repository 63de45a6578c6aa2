//! What stands in the file: who may read it, what a tampered, newer or foreign one answers, and that one
//! may read while another writes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use lamp_log::{SqliteLog, verify};
use lamp_model::event::Seq;
use lamp_model::port::{AppendError, EventLog, ReadError};
use lamp_model::stored::VERSION;
use lamp_testkit::sample::record;
use rusqlite::Connection;

use crate::support::{ALL, Dir, numbers};

/// A closed log of five records.
async fn five(dir: &Dir) -> std::path::PathBuf {
    let path = dir.next_path();
    let log = SqliteLog::open(&path).expect("a new log");
    for number in 0..5 {
        log.append(Seq(number), record(number as i32))
            .await
            .expect("appended");
    }
    path
}

fn alter(path: &Path, sql: &str) {
    let connection = Connection::open(path).expect("a file");
    connection.execute_batch(sql).expect("altered");
}

/// The error with the directory of this run taken out.
fn told(path: &Path, error: &impl std::fmt::Display) -> String {
    let directory = path.parent().expect("absolute").display().to_string();
    error.to_string().replace(&directory, "DIR")
}

#[tokio::test]
async fn only_its_owner_may_read_the_file() {
    let dir = Dir::new();
    let path = dir.next_path();
    fs_err::write(&path, "").expect("a file");
    fs_err::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("own file");
    let log = SqliteLog::open(&path).expect("an empty file becomes a log");
    log.append(Seq(0), record(1)).await.expect("appended");
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", path.display());
        let mode = fs_err::metadata(&file)
            .expect("while it is open")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

/// Whoever copies a closed log copies all of it.
#[tokio::test]
async fn a_closed_log_is_one_file() {
    let dir = Dir::new();
    let path = five(&dir).await;
    for suffix in ["-wal", "-shm"] {
        let file = format!("{}{suffix}", path.display());
        assert!(!Path::new(&file).exists(), "{file}");
    }
}

#[tokio::test]
async fn the_first_altered_record_is_named() {
    #[track_caller]
    fn check(told: Result<Seq, ReadError>, seq: u64, why: &str) {
        let (seq, why) = (Seq(seq), why.to_owned());
        assert_eq!(told, Err(ReadError::Broken { seq, why }));
    }
    let dir = Dir::new();
    let hash = "its hash does not follow from it and the record before";
    let cases = [
        (
            "UPDATE record SET body = replace(body, '\"pid\":2', '\"pid\":7')",
            3,
            hash,
        ),
        ("UPDATE record SET hash = zeroblob(32) WHERE seq = 2", 2, hash),
        ("UPDATE record SET id = randomblob(16) WHERE seq = 4", 4, hash),
        ("UPDATE record SET version = 0 WHERE seq = 5", 5, hash),
        (
            "DELETE FROM record WHERE seq = 2",
            2,
            "it is missing, the next one is 3",
        ),
        (
            "DELETE FROM record WHERE seq = 1",
            1,
            "it is missing, the next one is 2",
        ),
        (
            "UPDATE record SET seq = 9 WHERE seq = 5",
            5,
            "it is missing, the next one is 9",
        ),
    ];
    for (sql, seq, why) in cases {
        let path = five(&dir).await;
        let log = SqliteLog::open_reading(&path).expect("a log");
        assert_eq!(
            verify(&log).await.map(|head| head.seq),
            Ok(Seq(5)),
            "before: {sql}"
        );
        alter(&path, sql);
        check(verify(&log).await.map(|head| head.seq), seq, why);
    }
}

/// The writer's next record is bound to the altered one all the same: the break stays where it is.
#[tokio::test]
async fn a_break_is_not_mended_by_writing_on() {
    let dir = Dir::new();
    let path = five(&dir).await;
    alter(
        &path,
        "UPDATE record SET body = replace(body, '\"pid\":2', '\"pid\":7')",
    );
    let log = SqliteLog::open(&path).expect("a log");
    log.append(Seq(5), record(5)).await.expect("appended");
    let broken = log.read(Seq(0), ALL).await;
    assert!(
        matches!(broken, Err(ReadError::Broken { seq: Seq(3), .. })),
        "{broken:?}"
    );
    assert_eq!(log.read(Seq(3), ALL).await.map(|tail| tail.len()), Ok(3));
}

#[tokio::test]
async fn a_newer_log_is_refused_and_left_as_it_is() {
    let dir = Dir::new();
    let path = five(&dir).await;
    alter(&path, "PRAGMA user_version = 2");
    let before = fs_err::read(&path).expect("a file");
    let error = SqliteLog::open(&path).err().expect("too new");
    insta::assert_snapshot!(told(&path, &error).replace("log-0", "LOG"), @"DIR/LOG.sqlite is an event log of version 2, and this lamp reads up to 1: use the newer lamp that wrote it");
    assert!(SqliteLog::open_reading(&path).is_err());
    assert_eq!(fs_err::read(&path).expect("a file"), before);
}

#[tokio::test]
async fn a_newer_record_is_refused_with_the_way_out() {
    let dir = Dir::new();
    let path = five(&dir).await;
    let rewritten = lamp_log::chain::link(
        &SqliteLog::open(&path)
            .expect("a log")
            .read(Seq(3), 1)
            .await
            .expect("whole")[0]
            .hash,
        Seq(5),
        record(4).id,
        VERSION + 1,
        "{}",
    );
    alter(
        &path,
        &format!(
            "UPDATE record SET version = {}, body = '{{}}', hash = x'{rewritten}' WHERE seq = 5",
            VERSION + 1
        ),
    );
    let log = SqliteLog::open(&path).expect("a log");
    insta::assert_snapshot!(verify(&log).await.expect_err("too new"), @"the log cannot be read: record 5: the record is of version 5, and this lamp reads up to 4: use the newer lamp that wrote it");
    assert_eq!(log.read(Seq(0), 4).await.map(|read| read.len()), Ok(4));
}

#[tokio::test]
async fn what_is_no_log_is_refused_and_left_as_it_is() {
    let dir = Dir::new();
    let text = dir.next_path();
    fs_err::write(
        &text,
        "a text that is much longer than the header of a database".repeat(50),
    )
    .expect("a file");
    let error = SqliteLog::open(&text).err().expect("no log");
    insta::assert_snapshot!(told(&text, &error).replace("log-0", "LOG"), @"DIR/LOG.sqlite is no event log: move it away, or name another state_dir in lamp.toml");
    let other = dir.next_path();
    alter(&other, "CREATE TABLE mine (a)");
    let error = SqliteLog::open(&other).err().expect("no log");
    insta::assert_snapshot!(told(&other, &error).replace("log-1", "LOG"), @"DIR/LOG.sqlite is no event log: move it away, or name another state_dir in lamp.toml");
    let absent = dir.next_path().join("log.sqlite");
    let error = SqliteLog::open(&absent).err().expect("no directory");
    let cause = std::error::Error::source(&error).expect("a cause");
    assert!(cause.to_string().contains("log.sqlite"), "{cause}");
}

#[tokio::test]
async fn one_may_read_while_another_writes_and_never_write() {
    let dir = Dir::new();
    let path = dir.next_path();
    assert!(SqliteLog::open_reading(&path).is_err(), "there is none yet");
    let writing = SqliteLog::open(&path).expect("a new log");
    let reading = SqliteLog::open_reading(&path).expect("a log");
    for number in 0..20 {
        writing
            .append(Seq(number), record(number as i32))
            .await
            .expect("appended");
        assert_eq!(numbers(&reading).await.len() as u64, number + 1);
    }
    let refused = reading.append(Seq(20), record(20)).await.expect_err("read only");
    insta::assert_snapshot!(told(&path, &refused).replace("log-0", "LOG"), @"the log cannot be written: DIR/LOG.sqlite: it was opened for reading only");
}

/// Two processes may have the file open: whose head is not the head writes nothing.
#[tokio::test]
async fn a_second_writer_of_the_same_file_is_fenced_off() {
    let dir = Dir::new();
    let path = dir.next_path();
    let (one, other) = (
        Arc::new(SqliteLog::open(&path).expect("a new log")),
        Arc::new(SqliteLog::open(&path).expect("a log")),
    );
    for number in 0..50 {
        let both = tokio::join!(
            one.append(Seq(number), record(2 * number as i32)),
            other.append(Seq(number), record(2 * number as i32 + 1)),
        );
        let lost = Err(AppendError::Conflict {
            head: Seq(number + 1),
        });
        let won = Ok(Seq(number + 1));
        assert!(
            both == (won.clone(), lost.clone()) || both == (lost, won),
            "{both:?}"
        );
    }
    assert_eq!(verify(one.as_ref()).await.map(|head| head.seq), Ok(Seq(50)));
}
