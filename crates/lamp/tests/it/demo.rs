//! The demo: what it says at its end, and that nothing of it stays, however it ends.

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::ground::until;
use crate::turn;

#[test]
fn the_demo_ends_with_a_clean_column_beside_one_that_is_not() {
    let _alone = turn::alone();
    let dir = place();
    let mut demo = lamp(dir.path(), &["--switches", "--rounds", "10", "--format", "json"]);
    let output = demo.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let board: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    let sum = |column: usize| -> u64 {
        ["failed", "mixed", "stale"]
            .iter()
            .filter_map(|kind| board["columns"][column][kind].as_u64())
            .sum()
    };
    assert_eq!(board["columns"][0]["switches"], 20, "{board}");
    assert_eq!(sum(0), 0, "{board}");
    assert!(sum(1) > 0, "{board}");
    assert_eq!(left(dir.path()), (0, 0), "{said}");
}

#[test]
fn ctrl_c_leaves_nothing() {
    ended_by(Signal::INT, Some(2));
}

#[test]
fn a_killed_demo_leaves_nothing() {
    ended_by(Signal::KILL, None);
}

/// Ends a demo in the middle of its load.
#[track_caller]
fn ended_by(signal: Signal, code: Option<i32>) {
    let _alone = turn::alone();
    let dir = place();
    let mut demo = lamp(dir.path(), &["--switches", "--rounds", "1000"])
        .spawn()
        .expect("it starts");
    until("the demo's agent listens", || agent_listens(dir.path()));
    let (files, processes) = left(dir.path());
    assert!(
        files > 0 && processes > 1,
        "the control: {files} directories, {processes} processes"
    );

    kill_process(Pid::from_child(&demo), signal).expect("it lives");

    assert_eq!(demo.wait().expect("it ends").code(), code);
    until("nothing of the demo is left", || left(dir.path()) == (0, 0));
}

fn place() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("lamp-it-demo-")
        .tempdir_in("/var/tmp")
        .expect("a directory")
}

fn lamp(dir: &Path, further: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lamp"));
    command.arg("demo").arg("--dir").arg(dir).args(further);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What there is of demos made in `dir`: entries of it, and processes that were told of it.
fn left(dir: &Path) -> (usize, usize) {
    let entries = fs_err::read_dir(dir).expect("the directory").count();
    let processes = fs_err::read_dir("/proc").expect("proc").filter_map(Result::ok);
    let told = processes.filter(|process| {
        let said = fs_err::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&said).contains(&*dir.to_string_lossy())
    });
    (entries, told.count())
}

fn agent_listens(dir: &Path) -> bool {
    let labs = fs_err::read_dir(dir)
        .expect("the directory")
        .filter_map(Result::ok);
    labs.into_iter()
        .any(|lab| lab.path().join("own/root/agent.sock").exists())
}
