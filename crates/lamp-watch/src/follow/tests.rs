//! Real files in a directory, changed as rotation, people and attackers change them.

use std::io::Write;
use std::path::PathBuf;

use fs_err as fs;
use lamp_fleet::Host;

use super::*;

struct Logs {
    dir: tempfile::TempDir,
}

impl Logs {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(name))
            .expect("opened");
        file.write_all(text.as_bytes()).expect("written");
    }

    fn follow(&self, start: Start) -> Follower {
        let dir = Host::local().dir(self.dir.path()).expect("the directory");
        Follower::new(dir, "access.log".to_owned(), start)
    }
}

const END: Start = Start::BeforeEnd(0);

/// A look one second after the one before: its lines, and how the log is.
fn look_at(follower: &mut Follower, second: u64) -> (Vec<String>, LogState) {
    let mut lines = Vec::new();
    let looked = follower.look(Duration::from_secs(second), &mut |line| {
        lines.push(line.map_or_else(
            |error| format!("({error})"),
            |line| String::from_utf8_lossy(line).into_owned(),
        ));
    });
    (lines, looked.state)
}

#[track_caller]
fn check(follower: &mut Follower, expected: &[&str]) {
    let (lines, state) = look_at(follower, 1);
    assert_eq!(
        (lines.as_slice(), state),
        (expected.map_to_owned().as_slice(), LogState::Followed)
    );
}

trait MapToOwned {
    fn map_to_owned(&self) -> Vec<String>;
}

impl MapToOwned for [&str] {
    fn map_to_owned(&self) -> Vec<String> {
        self.iter().map(|line| (*line).to_owned()).collect()
    }
}

#[test]
fn from_its_end_on_line_by_line() {
    let logs = Logs::new();
    logs.append("access.log", "past\n");
    let mut follower = logs.follow(END);
    check(&mut follower, &[]);
    logs.append("access.log", "one\ntwo\nha");
    check(&mut follower, &["one", "two"]);
    logs.append("access.log", "lf\n");
    check(&mut follower, &["half"]);
}

#[test]
fn from_before_its_end_at_the_next_whole_line() {
    for (bytes, expected) in [
        (100, &["first", "second", "third"][..]),
        (20, &["first", "second", "third"][..]),
        (13, &["second", "third"][..]),
        (12, &["third"][..]),
        (6, &["third"][..]),
        (5, &[][..]),
        (0, &[][..]),
    ] {
        let logs = Logs::new();
        logs.append("access.log", "first\nsecond\nthird\n");
        check(&mut logs.follow(Start::BeforeEnd(bytes)), expected);
    }
}

#[test]
fn from_where_another_had_come_to() {
    let logs = Logs::new();
    logs.append("access.log", "one\n");
    let mut follower = logs.follow(Start::BeforeEnd(100));
    check(&mut follower, &["one"]);
    let place = follower.place().expect("open");
    logs.append("access.log", "two\n");
    check(&mut logs.follow(Start::At(place)), &["two"]);
    fs::rename(logs.path("access.log"), logs.path("access.log.1")).expect("renamed");
    logs.append("access.log", "three\n");
    check(&mut logs.follow(Start::At(place)), &["three"]);
}

#[test]
fn through_rotation_by_rename_nothing_is_lost() {
    let logs = Logs::new();
    logs.append("access.log", "past\n");
    let mut follower = logs.follow(END);
    check(&mut follower, &[]);
    logs.append("access.log", "before\n");
    fs::rename(logs.path("access.log"), logs.path("access.log.1")).expect("renamed");
    // Workers that have not heard of it write on.
    logs.append("access.log.1", "late\n");
    logs.append("access.log", "new\n");
    check(&mut follower, &["before", "late", "new"]);
    logs.append("access.log.1", "later\n");
    logs.append("access.log", "newer\n");
    check(&mut follower, &["later", "newer"]);
    // And again, before anybody looked.
    fs::rename(logs.path("access.log"), logs.path("access.log.2")).expect("renamed");
    logs.append("access.log", "newest\n");
    logs.append("access.log.1", "latest\n");
    check(&mut follower, &["latest", "newest"]);
    // A rotated file that nobody writes to is let go after a while.
    look_at(&mut follower, 1 + ROTATED_FOR.as_secs());
    look_at(&mut follower, 2 + ROTATED_FOR.as_secs());
    assert_eq!(follower.rotated.len(), 0);
}

#[test]
fn through_truncation_a_half_line_is_dropped() {
    let logs = Logs::new();
    logs.append("access.log", "a line that is rather long\n");
    let mut follower = logs.follow(END);
    check(&mut follower, &[]);
    logs.append("access.log", "half of a li");
    check(&mut follower, &[]);
    fs::copy(logs.path("access.log"), logs.path("access.log.1")).expect("copied");
    fs::File::create(logs.path("access.log")).expect("truncated");
    check(&mut follower, &[]);
    logs.append("access.log", "new\n");
    check(&mut follower, &["new"]);
}

#[test]
fn through_deletion_and_return() {
    let logs = Logs::new();
    let mut follower = logs.follow(END);
    assert_eq!(look_at(&mut follower, 1), (Vec::new(), LogState::Missing));
    logs.append("access.log", "first\n");
    assert_eq!(look_at(&mut follower, 1).1, LogState::Followed);
    logs.append("access.log", "last words\n");
    fs::remove_file(logs.path("access.log")).expect("removed");
    assert_eq!(
        look_at(&mut follower, 2),
        (vec!["last words".to_owned()], LogState::Missing)
    );
    logs.append("access.log", "back\n");
    check(&mut follower, &["back"]);
}

/// T7: a link out, a pipe, a directory, a file of 10 GB.
#[test]
fn what_is_no_plain_log_is_refused_and_said() {
    let canary = tempfile::NamedTempFile::new().expect("a file");
    fs::write(canary.path(), "canary\n").expect("written");
    let kind = |prepare: &dyn Fn(&Logs)| {
        let logs = Logs::new();
        prepare(&logs);
        look_at(&mut logs.follow(Start::BeforeEnd(1 << 20)), 1)
    };
    let not_a_file = |kind: &str| LogState::NotAFile {
        kind: kind.to_owned(),
    };
    let link = kind(&|logs: &Logs| {
        fs::os::unix::fs::symlink(canary.path(), logs.path("access.log")).expect("linked");
    });
    assert_eq!(link, (Vec::new(), not_a_file("symbolic link")));
    let pipe = kind(&|logs: &Logs| {
        let path = logs.path("access.log");
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    });
    assert_eq!(pipe, (Vec::new(), not_a_file("named pipe")));
    let directory = kind(&|logs: &Logs| fs::create_dir(logs.path("access.log")).expect("made"));
    assert_eq!(directory, (Vec::new(), not_a_file("directory")));
    let huge = kind(&|logs: &Logs| {
        let file = fs::File::create(logs.path("access.log")).expect("made");
        file.set_len(10 << 30).expect("a hole");
        logs.append("access.log", "\nthe end\n");
    });
    assert_eq!(huge, (vec!["the end".to_owned()], LogState::Followed));
    let plain = kind(&|logs: &Logs| logs.append("access.log", "plain\n"));
    assert_eq!(
        plain,
        (vec!["plain".to_owned()], LogState::Followed),
        "the control"
    );
}

#[test]
fn a_file_replaced_by_a_link_is_not_followed_out() {
    let logs = Logs::new();
    logs.append("access.log", "one\n");
    let mut follower = logs.follow(END);
    check(&mut follower, &[]);
    fs::remove_file(logs.path("access.log")).expect("removed");
    logs.append("elsewhere", "secret\n");
    fs::os::unix::fs::symlink("elsewhere", logs.path("access.log")).expect("linked");
    let link = LogState::NotAFile {
        kind: "symbolic link".to_owned(),
    };
    assert_eq!(look_at(&mut follower, 2), (Vec::new(), link));
}

#[test]
fn what_is_too_much_is_passed_over_and_said() {
    let logs = Logs::new();
    logs.append("access.log", "one\n");
    let mut follower = logs.follow(END);
    check(&mut follower, &[]);
    let file = fs::OpenOptions::new()
        .append(true)
        .open(logs.path("access.log"))
        .expect("opened");
    file.set_len(BEHIND_MAX_BYTES + (10 << 20)).expect("a hole");
    logs.append("access.log", "\nthe end\n");
    let (lines, state) = look_at(&mut follower, 2);
    assert_eq!(lines, ["the end"]);
    let LogState::PassedOver { bytes } = state else {
        panic!("{state:?}");
    };
    assert!(bytes > BEHIND_MAX_BYTES, "{bytes}");
    check(&mut follower, &[]);
}

#[test]
fn a_line_without_end_takes_no_memory() {
    let logs = Logs::new();
    logs.append("access.log", "one\n");
    let mut follower = logs.follow(END);
    check(&mut follower, &[]);
    logs.append("access.log", &"x".repeat(LINE_MAX_BYTES + 1));
    check(&mut follower, &[]);
    logs.append("access.log", "still the same\nnext\n");
    check(&mut follower, &["(a line longer than 65536 bytes)", "next"]);
}
