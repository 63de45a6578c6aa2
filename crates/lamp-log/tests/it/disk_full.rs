//! A disk that is really full: nothing acknowledged is lost, the error says what to do, and once there is
//! space again the same journal goes on.
//!
//! The disk is a small filesystem of the test's own, in a mount namespace of its own: this binary is
//! started again inside it, with one variable set, and all is gone when it ends.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use lamp_log::{Journal, JournalError, Parts, SqliteLog, verify};
use lamp_model::event::{Event, Seq};
use lamp_testkit::sample::numbered;

use crate::support::{numbers, parts};

const DISK: &str = "LAMP_LOG_TEST_SMALL_DISK";

/// `$0` is an empty directory, `$1` a name for an image, the rest is to be run.
const ON_TMPFS: &str = r#"mount -t tmpfs -o size=2m lamp-log-test "$0" && shift && exec "$@""#;
const ON_EXT4: &str = r#"mke2fs -q -t ext4 "$1" 4M && mount -o loop "$1" "$0" && shift && exec "$@""#;

#[test]
fn a_full_tmpfs_loses_nothing_acknowledged() {
    match std::env::var_os(DISK) {
        Some(disk) => fill_and_go_on(Path::new(&disk)),
        None => on_a_disk_of_its_own(ON_TMPFS, "disk_full::a_full_tmpfs_loses_nothing_acknowledged"),
    }
}

#[test]
fn a_full_ext4_loses_nothing_acknowledged() {
    match std::env::var_os(DISK) {
        Some(disk) => fill_and_go_on(Path::new(&disk)),
        None => on_a_disk_of_its_own(ON_EXT4, "disk_full::a_full_ext4_loses_nothing_acknowledged"),
    }
}

#[test]
fn a_log_cannot_be_made_on_a_full_disk() {
    match std::env::var_os(DISK) {
        Some(disk) => refuse_to_begin(Path::new(&disk)),
        None => on_a_disk_of_its_own(ON_TMPFS, "disk_full::a_log_cannot_be_made_on_a_full_disk"),
    }
}

fn on_a_disk_of_its_own(mount: &str, test: &str) {
    let dir = tempfile::tempdir().expect("a directory for temporary files");
    let disk = dir.path().join("disk");
    fs_err::create_dir(&disk).expect("a directory");
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", mount])
        .arg(&disk)
        .arg(dir.path().join("image"))
        .arg(std::env::current_exe().expect("this binary"))
        .args(["--exact", test, "--nocapture"])
        .env(DISK, &disk)
        .output()
        .expect("`unshare` is missing: apt-get install util-linux");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(
        output.status.success() && said[0].contains("1 passed"),
        "it needs root, `mount` and `mke2fs` (as root: apt-get install mount e2fsprogs):\n{}\n{}",
        said[0],
        said[1],
    );
    let left = fs_err::read_dir(&disk)
        .expect("the directory below the mount")
        .count();
    assert_eq!(left, 0, "the disk was not one of its own");
}

fn fill_and_go_on(disk: &Path) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (path, ballast) = (disk.join("log.sqlite"), disk.join("ballast"));
        fs_err::write(&ballast, vec![1; 400_000]).expect("room at first");
        let log = Arc::new(SqliteLog::open(&path).expect("a new log"));
        let journal = Journal::open(Parts {
            snapshots: log.clone(),
            ..parts(log, 1)
        });
        let journal = journal.await.expect("a new log");
        let mut acknowledged = fill(disk, &journal).await;
        fs_err::remove_file(&ballast).expect("there");
        acknowledged.extend(append(&journal, -1).await);
        check(&path, &acknowledged).await;
        journal.close().await;
        drop(journal);
        check(&path, &acknowledged).await;
    });
}

/// Appends until the disk is full; answers what was acknowledged.
async fn fill(disk: &Path, journal: &Journal) -> Vec<(Seq, i32)> {
    let mut acknowledged = Vec::new();
    let error = loop {
        let number = acknowledged.len() as i32;
        match append(journal, number).await {
            Ok(seq) => acknowledged.push(seq),
            Err(error) => break error,
        }
    };
    assert!(acknowledged.len() > 10, "it was full from the start");
    assert!(matches!(error, JournalError::Unavailable { .. }), "{error:?}");
    let told = error.to_string().replace(&disk.display().to_string(), "DISK");
    insta::assert_snapshot!(told, @"DISK/log.sqlite: the disk is full; free space on the filesystem that holds it and try again, nothing acknowledged is lost (SQLite: database or disk is full)");
    assert_eq!(append(journal, -2).await, Err(error), "it stays full");
    acknowledged
}

/// A numbered event in a record of more than a page.
async fn append(journal: &Journal, number: i32) -> Result<(Seq, i32), JournalError> {
    let padding = Event::LogOpened {
        host: "x".repeat(5_000),
    };
    let seq = journal.append(vec![numbered(number), padding]).await?;
    Ok((seq, number))
}

async fn check(path: &Path, acknowledged: &[(Seq, i32)]) {
    let log = SqliteLog::open(path).expect("a log");
    verify(&log).await.expect("a whole chain");
    // All of them, and nothing else: what was refused is not there.
    assert_eq!(numbers(&log).await, acknowledged);
}

fn refuse_to_begin(disk: &Path) {
    let mut ballast = fs_err::File::create(disk.join("ballast")).expect("room at first");
    while ballast.write_all(&[1; 4096]).is_ok() {}
    let error = SqliteLog::open(&disk.join("log.sqlite")).err().expect("no room");
    let told = error.to_string().replace(&disk.display().to_string(), "DISK");
    insta::assert_snapshot!(told, @"the event log cannot be opened: DISK/log.sqlite: the disk is full; free space on the filesystem that holds it and try again, nothing acknowledged is lost (SQLite: database or disk is full)");
}
