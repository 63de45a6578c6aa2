//! A worker that was confined: what it may still do, and what it was refused, each beside the same asked by
//! a process that was not.

use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use lamp_sandbox::confine::{AnswerBounds, WorkerError, run_worker};

use crate::support::{PROBE, Place};

const BOUNDS: AnswerBounds = AnswerBounds {
    answer_max_bytes: 4096,
    time_max: Duration::from_secs(30),
};
const EPERM: &str = "1";
const EACCES: &str = "13";

/// A directory that everybody may read, with a file in it and one beside it.
fn tree() -> (Place, String, String) {
    let place = Place::new();
    let tree = place.path().join("tree");
    fs_err::create_dir(&tree).expect("made");
    let (inside, beside) = (tree.join("inside"), place.path().join("beside"));
    for dir in [place.path(), &tree] {
        fs_err::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).expect("opened");
    }
    for file in [&inside, &beside] {
        fs_err::write(file, "text").expect("written");
        fs_err::set_permissions(file, std::fs::Permissions::from_mode(0o666)).expect("opened");
    }
    (place, inside.display().to_string(), beside.display().to_string())
}

fn ask(args: &[&str], tree: &Path, bounds: &AnswerBounds) -> Result<String, WorkerError> {
    let dir = fs_err::File::open(tree).expect("opened");
    let answer = run_worker(Path::new(PROBE), args, dir.file().as_fd(), bounds)?;
    Ok(String::from_utf8_lossy(&answer).trim().to_owned())
}

#[track_caller]
fn check(place: &Place, what: &[&str], expected: &str) {
    let tree = place.path().join("tree");
    let free = ask(what, &tree, &BOUNDS).expect("an answer");
    assert_eq!(free, "ok", "the control: {what:?} outside");
    let confined = [&["confined"], what].concat();
    assert_eq!(
        ask(&confined, &tree, &BOUNDS).expect("an answer"),
        expected,
        "{what:?}"
    );
}

#[test]
fn a_worker_reads_beneath_its_directory_and_nothing_else() {
    let (place, inside, beside) = tree();
    check(&place, &["open-read", &inside], "ok");
    check(&place, &["open-read", &beside], EACCES);
    check(&place, &["open-read", "/etc/passwd"], EACCES);
    check(&place, &["open-read", "/etc/shadow"], EACCES);
    check(&place, &["open-write", &inside], EACCES);
    check(&place, &["socket", "2"], EPERM);
    check(&place, &["socket-stream", "2"], EPERM);
}

#[test]
fn a_worker_that_dies_or_says_too_much_is_told_apart() {
    let (place, inside, _) = tree();
    let tree = place.path().join("tree");
    let died = ask(&["no-such-probe"], &tree, &BOUNDS).expect_err("it ends with 2");
    assert_eq!(
        died.to_string(),
        "the worker ended without an answer, exit 2: no probe no-such-probe"
    );
    let short = AnswerBounds {
        answer_max_bytes: 2,
        ..BOUNDS
    };
    let too_long = ask(&["open-read", &inside], &tree, &short).expect_err("three bytes");
    assert!(
        matches!(too_long, WorkerError::TooLong { most_bytes: 2 }),
        "{too_long}"
    );
    let none = AnswerBounds {
        time_max: Duration::ZERO,
        ..BOUNDS
    };
    let too_slow = ask(&["open-read", &inside], &tree, &none).expect_err("no time");
    assert!(
        matches!(too_slow, WorkerError::TooSlow { seconds: 0 }),
        "{too_slow}"
    );
}
