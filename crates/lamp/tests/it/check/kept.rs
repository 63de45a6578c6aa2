//! Facts kept between checks: never wrong, whatever became of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{copy_of_wordpress, readable};

/// A tree, and whoever checks it with a cache of their own.
struct Place {
    dir: tempfile::TempDir,
    tree: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = readable();
        let tree = copy_of_wordpress(dir.path());
        Self { dir, tree }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lamp"));
        command
            .args(["check", "--format", "json"])
            .args(args)
            .arg(&self.tree)
            .env("XDG_CACHE_HOME", self.dir.path().join("cache"));
        command
    }

    /// What is found; how long it took is left out.
    fn found(&self, args: &[&str]) -> Value {
        let ended = self.command(args).output().expect("lamp runs");
        let mut answer: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
        answer["summary"]["elapsed_ms"] = Value::Null;
        answer
    }

    /// The one file of facts, once there is one.
    fn facts(&self) -> Option<PathBuf> {
        let names = fs_err::read_dir(self.dir.path().join("cache/lamp")).ok()?;
        let mut paths = names.map(|name| name.expect("a name").path());
        paths.find(|path| path.extension().is_some_and(|ending| ending == "facts"))
    }

    fn settings(&self) -> PathBuf {
        self.tree.join("wp-settings.php")
    }

    fn break_a_name(&self) -> String {
        let whole = fs_err::read_to_string(self.settings()).expect("read");
        let broken = whole.replace("/class-wp-locale.php'", "/class-wp-locale.phpp'");
        assert_ne!(broken, whole);
        fs_err::write(self.settings(), broken).expect("broken");
        whole
    }
}

#[track_caller]
fn errors(found: &Value) -> u64 {
    found["summary"]["errors"].as_u64().expect("a number")
}

#[test]
fn kept_facts_find_the_same_and_a_change_is_seen() {
    let place = Place::new();
    let without = place.found(&["--no-cache"]);
    assert_eq!(place.facts(), None, "kept though it was not to be");
    assert_eq!(place.found(&[]), without);
    let facts = place.facts().expect("kept");
    assert_eq!(place.found(&[]), without);
    let whole = place.break_a_name();
    let broken = place.found(&[]);
    assert_eq!(errors(&broken), 1, "{broken}");
    assert_eq!(broken, place.found(&["--no-cache"]));
    // Of the same length and time as before, so that nothing but the bytes tells.
    let (same, older) = (
        whole.replace("wp-locale.php'", "wp-lacole.php'"),
        filetime(&place.settings()),
    );
    fs_err::write(place.settings(), &whole).expect("mended");
    assert_eq!(place.found(&[]), without);
    fs_err::write(place.settings(), same).expect("broken");
    set_filetime(&place.settings(), older);
    assert_eq!(errors(&place.found(&[])), 1);
    fs_err::remove_file(facts).expect("safe to delete");
    assert_eq!(errors(&place.found(&[])), 1);
}

fn filetime(path: &Path) -> rustix::fs::Timestamps {
    let stat = rustix::fs::stat(path).expect("there");
    let time = rustix::fs::Timespec {
        tv_sec: stat.st_mtime,
        tv_nsec: stat.st_mtime_nsec as _,
    };
    rustix::fs::Timestamps {
        last_access: time,
        last_modification: time,
    }
}

fn set_filetime(path: &Path, times: rustix::fs::Timestamps) {
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::empty()).expect("set");
}

#[test]
fn facts_that_are_torn_altered_or_noise_are_made_again() {
    let place = Place::new();
    let without = place.found(&["--no-cache"]);
    assert_eq!(place.found(&[]), without);
    let facts = place.facts().expect("kept");
    let whole = fs_err::read(&facts).expect("read");
    let mut altered = whole.clone();
    altered
        .iter_mut()
        .skip(1_000)
        .step_by(997)
        .for_each(|byte| *byte ^= 0x55);
    let noise: Vec<u8> = (0..=255).cycle().take(whole.len()).collect();
    let half = &whole[..whole.len() / 2];
    for other in [half, &altered, &noise, &whole[..20], b"", &whole] {
        fs_err::write(&facts, other).expect("written");
        assert_eq!(place.found(&[]), without, "{} bytes", other.len());
    }
    fs_err::remove_file(&facts).expect("removed");
    fs_err::create_dir(&facts).expect("in the way");
    assert_eq!(place.found(&[]), without);
}

/// Killed at moments spread over a whole check, which ends with the writing of its facts.
#[test]
fn whoever_is_killed_while_writing_leaves_nothing_wrong() {
    let place = Place::new();
    place.break_a_name();
    let without = place.found(&["--no-cache"]);
    assert_eq!(errors(&without), 1);
    let began = std::time::Instant::now();
    place.found(&[]);
    let whole = began.elapsed();
    let mut kills = 0;
    for part in 1..=10_u32 {
        if let Some(facts) = place.facts() {
            fs_err::remove_file(facts).expect("removed");
        }
        let mut command = place.command(&[]);
        let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut check = started.expect("lamp runs");
        let moment = whole * part / 10;
        let pidfd = rustix::process::pidfd_open(
            rustix::process::Pid::from_child(&check),
            rustix::process::PidfdFlags::empty(),
        );
        let mut ended = [rustix::event::PollFd::from_borrowed_fd(
            std::os::fd::AsFd::as_fd(pidfd.as_ref().expect("a descriptor")),
            rustix::event::PollFlags::IN,
        )];
        let timeout = rustix::event::Timespec::try_from(moment).expect("a time");
        kills += u32::from(rustix::event::poll(&mut ended, Some(&timeout)).expect("polled") == 0);
        check.kill().expect("killed");
        check.wait().expect("reaped");
        assert_eq!(place.found(&[]), without, "killed after {moment:?}");
    }
    assert!(kills >= 4, "{kills} of 10 were killed while they ran");
}
