//! Facts kept between checks: never wrong, whatever became of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use lamp_testkit::Seed;

use super::{copy_of_wordpress, readable};

const SITE: [(&str, &str); 9] = [
    (
        "index.php",
        "<?php\ndefine('ROOT', __DIR__);\nrequire ROOT . '/inc/main.php';\nrequire 'inc/mian.php';\nrun(1);\n",
    ),
    (
        "inc/main.php",
        "<?php\nfunction run($a) {\n  return strlne($a) . pihp();\n}\ninclude $_GET['page'] . '.php';\n",
    ),
    (
        "inc/second.php",
        "<?php\nfunction twice() {}\n\nfunction other() {}\n",
    ),
    (
        "inc/class.php",
        "<?php\ninterface I { function m($a, $b); }\nclass B implements I {\n  function m() { return $this->nm(); }\n}\n",
    ),
    ("inc/broken.php", "<?php\n\nif (true {\n  echo 1;\n}\n"),
    ("inc/left.php", "<?php\n\n\nvar_dump($x);\nexit;\necho 1;\n"),
    (
        "style.css",
        "a { background: url(none.png) }\n<<<<<<< a\n=======\n>>>>>>> b\n",
    ),
    (".htaccess", "Optoins -Indexes\n"),
    (
        "composer.json",
        "{\"autoload\": {\"files\": [\"inc/none.php\"]}}\n",
    ),
];

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

    /// Of a few files, each of them wrong in its own way.
    fn small() -> Self {
        let dir = readable();
        let place = Self {
            tree: dir.path().join("site"),
            dir,
        };
        for (path, text) in SITE {
            place.write(path, text);
        }
        place
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.tree.join(path);
        fs_err::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs_err::write(path, text).expect("written");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lamp"));
        command
            .arg("check")
            .args(args)
            .arg(&self.tree)
            .env("XDG_CACHE_HOME", self.dir.path().join("cache"));
        command
    }

    /// What is found; how long it took is left out.
    fn found(&self, args: &[&str]) -> Value {
        let ended = self
            .command(&[args, &["--format", "json"]].concat())
            .output()
            .expect("lamp runs");
        let mut answer: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
        answer["summary"]["elapsed_ms"] = Value::Null;
        answer
    }

    /// The one file that is kept under this ending, once there is one.
    fn kept(&self, ending: &str) -> Option<PathBuf> {
        let names = fs_err::read_dir(self.dir.path().join("cache/lamp")).ok()?;
        let mut paths = names.map(|name| name.expect("a name").path());
        paths.find(|path| path.extension().is_some_and(|other| other == ending))
    }

    /// Of both, leaves this one.
    fn forget_all_but(&self, kept: &Path) {
        let others = ["facts", "last"]
            .into_iter()
            .filter_map(|ending| self.kept(ending));
        for other in others.filter(|other| other != kept) {
            fs_err::remove_file(other).expect("removed");
        }
    }

    /// Both of them.
    fn both(&self) -> [PathBuf; 2] {
        ["facts", "last"].map(|ending| self.kept(ending).expect("kept"))
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
    assert_eq!(place.kept("facts"), None, "kept though it was not to be");
    assert_eq!(place.kept("last"), None, "kept though it was not to be");
    assert_eq!(place.found(&[]), without);
    let both = place.both();
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
    for kept in both {
        fs_err::remove_file(kept).expect("safe to delete");
        assert_eq!(errors(&place.found(&[])), 1);
    }
}

/// What stands beside the findings is shown to people: it is of today, though what was found is of the last time.
#[test]
fn a_line_of_source_is_shown_as_it_is_today() {
    let place = Place::small();
    place.found(&[]);
    place.write(
        "index.php",
        &SITE[0].1.replace("'inc/mian.php';", "'inc/mian.php'; // today"),
    );
    let shown = |args: &[&str]| {
        let ended = place.command(&[args, &["--format", "text"]].concat()).output();
        String::from_utf8_lossy(&ended.expect("lamp runs").stdout).into_owned()
    };
    let text = shown(&[]);
    assert!(text.contains("require 'inc/mian.php'; // today"), "{text}");
}

#[test]
fn an_answer_to_another_question_is_no_answer() {
    let place = Place::small();
    place.write("new.php", "<?php\n$x?->f();\n");
    for php in ["8.2", "7.4", "8.2"] {
        let found = place.found(&["--php", php]);
        assert_eq!(found, place.found(&["--no-cache", "--php", php]), "PHP {php}");
        assert_eq!(
            found.to_string().contains("too-new-for-php"),
            php == "7.4",
            "{found}"
        );
    }
}

/// Of a link nothing is taken but where it leads.
#[test]
fn what_is_only_named_is_known_by_what_stands_there() {
    let place = Place::small();
    let link = place.tree.join("inc/mian.php");
    let mut errors_told = std::collections::BTreeSet::new();
    for target in ["main.php", "../inc", "second.php"] {
        let _ = fs_err::remove_file(&link);
        fs_err::os::unix::fs::symlink(target, &link).expect("linked");
        let found = place.found(&[]);
        assert_eq!(found, place.found(&["--no-cache"]), "a link to {target}");
        errors_told.insert(errors(&found));
    }
    assert_eq!(
        errors_told.len(),
        2,
        "a directory cannot be included: {errors_told:?}"
    );
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

fn replaced(bytes: &[u8], name: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(name.len()) {
        if bytes[at..].starts_with(name) {
            bytes[at..at + other.len()].copy_from_slice(other);
        }
    }
    bytes
}

#[test]
fn facts_that_are_torn_altered_or_noise_are_made_again() {
    let place = Place::new();
    let without = place.found(&["--no-cache"]);
    assert_eq!(place.found(&[]), without);
    for kept in place.both() {
        let whole = fs_err::read(&kept).expect("read");
        let mut altered = whole.clone();
        altered
            .iter_mut()
            .skip(1_000)
            .step_by(997)
            .for_each(|byte| *byte ^= 0x55);
        // Such facts can be read, and would name a file that is not there.
        let misspelt = replaced(&whole, b"/class-wp-locale.php", b"/class-wp-lokale.php");
        let noise: Vec<u8> = (0..=255).cycle().take(whole.len()).collect();
        let half = &whole[..whole.len() / 2];
        for other in [half, &altered, &misspelt, &noise, &whole[..20], b"", &whole] {
            // Where the last answer stands, no facts are read.
            place.forget_all_but(&kept);
            fs_err::write(&kept, other).expect("written");
            assert_eq!(
                place.found(&[]),
                without,
                "{} bytes in {}",
                other.len(),
                kept.display()
            );
        }
        fs_err::remove_file(&kept).expect("removed");
        fs_err::create_dir(&kept).expect("in the way");
        assert_eq!(place.found(&[]), without);
        fs_err::remove_dir(&kept).expect("out of the way");
    }
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
    let mut whole = began.elapsed();
    let mut kills = 0;
    for part in 1..=10_u32 {
        for kept in ["facts", "last"]
            .into_iter()
            .filter_map(|ending| place.kept(ending))
        {
            fs_err::remove_file(kept).expect("removed");
        }
        let mut command = place.command(&[]);
        let began = std::time::Instant::now();
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
        let is_killed = rustix::event::poll(&mut ended, Some(&timeout)).expect("polled") == 0;
        kills += u32::from(is_killed);
        // The first was slower than they are now: whatever else ran here has ended.
        whole = if is_killed {
            whole
        } else {
            whole.min(began.elapsed())
        };
        check.kill().expect("killed");
        check.wait().expect("reaped");
        assert_eq!(place.found(&[]), without, "killed after {moment:?}");
    }
    assert!(kills >= 4, "{kills} of 10 were killed while they ran");
}

const LINES: [&str; 7] = [
    "// nothing",
    "",
    "run(2);",
    "require 'index.php';",
    "function more() { return nore(); }",
    "function twice() {}",
    "$x = new Bb;",
];

/// One change of the tree, or of what is kept of it; what it was is told.
fn change(place: &Place, other: &Place, seed: &mut Seed) -> String {
    let mut pick = |bound: usize| usize::try_from(seed.below(bound as u64)).expect("small");
    let paths = files_of(&place.tree);
    let path = &paths[pick(paths.len())];
    let bytes = fs_err::read(path).expect("read");
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let at = pick(lines.len());
    let (what, choice) = (path.display().to_string(), pick(10));
    match choice {
        0 => {
            fs_err::remove_file(path).expect("removed");
            // There is always something to be checked.
            place.write("index.php", SITE[0].1);
        }
        1 => fs_err::rename(path, path.with_extension("inc.php")).expect("renamed"),
        2 => place.write(&format!("inc/new{at}.php"), "<?php\nrun();\nnrun();\n"),
        3 => {
            // Of the same length and time as before.
            let times = filetime(path);
            let same: Vec<u8> = bytes
                .iter()
                .map(|byte| if *byte == b'n' { b'm' } else { *byte })
                .collect();
            fs_err::write(path, same).expect("written");
            set_filetime(path, times);
        }
        4 => {
            let kept = &place.both()[pick(2)];
            let whole = fs_err::read(kept).expect("read");
            fs_err::write(kept, &whole[..pick(whole.len())]).expect("torn");
        }
        5 => {
            for (own, others) in place.both().iter().zip(other.both()) {
                fs_err::copy(others, own).expect("another tree's");
            }
        }
        6 => {
            let mode = std::os::unix::fs::PermissionsExt::from_mode([0o000, 0o644][pick(2)]);
            fs_err::set_permissions(path, mode).expect("changed");
        }
        _ => {
            let line = LINES[pick(LINES.len())].as_bytes();
            let changed = [&lines[..at], &[line], &lines[at..]].concat().join(&b'\n');
            fs_err::write(path, changed).expect("written");
        }
    }
    format!("change {choice} in line {at} of {what}")
}

fn files_of(tree: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for dir in [tree.to_path_buf(), tree.join("inc")] {
        let names = fs_err::read_dir(dir).expect("listed");
        let names = names.map(|name| name.expect("a name").path());
        paths.extend(names.filter(|path| path.is_file()));
    }
    paths.sort();
    paths
}

/// Whatever is changed, and whatever became of what is kept, the findings are those of a check that keeps nothing. It goes on for longer
/// than a file must be left alone to be known again by its inode.
#[test]
fn after_any_change_the_findings_are_those_without_a_cache() {
    let (place, other) = (Place::small(), Place::small());
    other.write("inc/main.php", "<?php\nnothing_here();\n");
    other.found(&[]);
    place.found(&[]);
    let began = std::time::Instant::now();
    let mut told = Vec::new();
    for number in 0.. {
        if number >= 60 && began.elapsed() > Duration::from_secs(8) {
            break;
        }
        let mut seed = Seed::new(number);
        told.push(change(&place, &other, &mut seed));
        let kept = place.found(&[]);
        assert_eq!(kept, place.found(&["--no-cache"]), "seed {number}: {told:#?}");
        assert_eq!(place.found(&[]), kept, "again, seed {number}: {told:#?}");
        assert!(kept["findings"].as_array().is_some_and(|all| !all.is_empty()));
    }
}
