//! A writer that is killed at any instant loses nothing that it acknowledged.
//!
//! The writer is this very binary, started again with one variable set: it appends from eight tasks until
//! it is killed, and says on its standard output what was acknowledged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lamp_log::{Journal, Parts, SqliteLog, Writer, replay, verify};
use lamp_model::event::Seq;
use lamp_testkit::Seed;
use lamp_testkit::sample::numbered;

use crate::support::{Dir, numbers, parts};

const LOG: &str = "LAMP_LOG_TEST_APPEND_TO";
const ROUND: &str = "LAMP_LOG_TEST_ROUND";
const ROUNDS: u64 = 24;
const TASKS: i32 = 8;
const MOST_PER_TASK: i32 = 10_000;
const MOST_PER_ROUND: i32 = TASKS * MOST_PER_TASK;

#[test]
fn a_killed_writer_loses_nothing_acknowledged() {
    if let Some(path) = std::env::var_os(LOG) {
        return append_until_killed(Path::new(&path));
    }
    let dir = Dir::new();
    let path = dir.next_path();
    let mut seed = Seed::new(20_261_122);
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        acknowledged.extend(kill_one(&path, round, &mut seed));
        check(&path, &acknowledged);
    }
    // Control: the rounds that waited for an answer got some.
    assert!(
        acknowledged.len() as u64 > ROUNDS,
        "{} acknowledged",
        acknowledged.len()
    );
}

/// Starts a writer, kills it somewhere, and answers what it had acknowledged by then.
fn kill_one(path: &Path, round: u64, seed: &mut Seed) -> Vec<(Seq, i32)> {
    let (mut child, mut said) = start(path, round);
    // Every third is killed without waiting: on its way to the first append, or while the file is made.
    let awaited = if round.is_multiple_of(3) {
        0
    } else {
        1 + seed.below(400)
    };
    let mut acknowledged = Vec::new();
    while (acknowledged.len() as u64) < awaited {
        let line = next_line(&mut said).expect("the writer ended before it was killed");
        acknowledged.extend(parse(&line));
    }
    // Chooses the instant; nothing depends on how long it is.
    std::thread::sleep(Duration::from_micros(seed.below(30_000)));
    child.kill().expect("still running");
    while let Some(line) = next_line(&mut said) {
        acknowledged.extend(parse(&line));
    }
    let status = child.wait().expect("a child");
    assert_eq!(status.signal(), Some(9), "it ended by itself: {status}");
    acknowledged
}

fn start(path: &Path, round: u64) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args([
            "--exact",
            "crash::a_killed_writer_loses_nothing_acknowledged",
            "--nocapture",
        ])
        .env(LOG, path)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this binary");
    let said = BufReader::new(child.stdout.take().expect("piped"));
    (child, said)
}

/// A whole line; what a kill cut short was not said.
fn next_line(said: &mut BufReader<ChildStdout>) -> Option<String> {
    let mut line = String::new();
    said.read_line(&mut line).expect("readable");
    line.ends_with('\n').then_some(line)
}

fn parse(line: &str) -> Option<(Seq, i32)> {
    let (seq, number) = line.trim().strip_prefix("acknowledged ")?.split_once(' ')?;
    Some((
        Seq(seq.parse().expect("a place")),
        number.parse().expect("a number"),
    ))
}

fn check(path: &Path, acknowledged: &[(Seq, i32)]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        if !acknowledged.is_empty() {
            // A verb that only reads may come first, with nobody there who could recover the file for it.
            let log = SqliteLog::open_reading(path).expect("a log that was never closed");
            assert!(verify(&log).await.is_ok());
        }
        let log = SqliteLog::open(path).expect("a log, recovered");
        let view = replay(&log, &log).await.expect("legal");
        assert_eq!(verify(&log).await.map(|head| head.seq), Ok(view.seq));
        let mut standing = numbers(&log).await;
        let count = standing.len();
        standing.sort_unstable();
        standing.dedup_by_key(|(_, number)| *number);
        assert_eq!(standing.len(), count, "one stands twice");
        for one in acknowledged {
            assert!(standing.binary_search(one).is_ok(), "{one:?} was acknowledged");
        }
    });
}

fn append_until_killed(path: &Path) {
    let round: i32 = std::env::var_os(ROUND)
        .and_then(|round| round.to_str()?.parse().ok())
        .expect("set beside the path");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let log = Arc::new(SqliteLog::open(path).expect("a log"));
        let journal = Journal::open(Parts {
            snapshots: log.clone(),
            writer: Writer::random().expect("random bytes"),
            ..parts(log, 1)
        });
        let journal = journal.await.expect("a whole log");
        let tasks = (0..TASKS).map(|task| {
            let first = round * MOST_PER_ROUND + task * MOST_PER_TASK;
            tokio::spawn(append_from(journal.clone(), first))
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("appended");
        }
    });
}

async fn append_from(journal: Journal, first: i32) {
    for number in first..first + MOST_PER_TASK {
        let seq = journal.append(vec![numbered(number)]).await.expect("appended");
        // One write, so that a kill cuts at most the line's end.
        let line = format!("acknowledged {seq} {number}\n");
        std::io::stdout()
            .write_all(line.as_bytes())
            .expect("the parent reads");
    }
}
