//! Nothing leads out of a directory, nothing blocks, nothing grows without bound.

use std::io::Write as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use fs_err as fs;
use fs_err::os::unix::fs::symlink;
use tempfile::TempDir;

use super::*;
use crate::Host;
use crate::file::Ownership;
use crate::walk::Enter;

/// A directory beside a file that must never be reached from it.
struct Stand {
    top: TempDir,
    dir: Dir,
}

/// Longest wait for an open that must not wait.
const ANSWER_MAX: std::time::Duration = std::time::Duration::from_secs(10);
const CANARY: &str = "canary of the host";

fn stand() -> Stand {
    let top = tempfile::tempdir().expect("a temporary directory");
    fs::write(top.path().join("canary"), CANARY).expect("a canary");
    fs::create_dir_all(top.path().join("dir/sub")).expect("a directory");
    fs::write(top.path().join("dir/sub/file"), "12345").expect("a file");
    let dir = Host::local().dir(top.path().join("dir")).expect("the directory");
    Stand { top, dir }
}

fn mine(mode: u32) -> Ownership {
    let (uid, gid) = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    Ownership { uid, gid, mode }
}

#[test]
fn no_link_and_no_dots_lead_out() {
    let stand = stand();
    let canary = stand.top.path().join("canary");
    symlink(&canary, stand.dir.path().join("absolute")).expect("a link");
    symlink("../canary", stand.dir.path().join("relative")).expect("a link");
    symlink(stand.top.path(), stand.dir.path().join("sub/up")).expect("a link");
    symlink("sub/file", stand.dir.path().join("inside")).expect("a link");
    assert_eq!(
        fs::read_to_string(stand.dir.path().join("relative")).expect("the control"),
        CANARY
    );
    let absolute = canary.to_str().expect("text");
    for out in [
        "absolute",
        "relative",
        "../canary",
        "sub/up/canary",
        "sub/../../canary",
        "inside",
        absolute,
    ] {
        assert!(stand.dir.read_file(out, 100).is_err(), "{out}");
    }
    for out in ["sub/up/canary", "../canary"] {
        assert!(stand.dir.create_file(out, mine(0o600)).is_err(), "{out}");
        assert!(stand.dir.remove_file(out).is_err(), "{out}");
        assert!(stand.dir.rename("sub/file", out).is_err(), "{out}");
        assert!(stand.dir.symlink("x", out).is_err(), "{out}");
        assert!(stand.dir.meta(out).is_err(), "{out}");
    }
    assert_eq!(fs::read_to_string(&canary).expect("untouched"), CANARY);
    assert_eq!(stand.dir.read_file("sub/file", 5).expect("the control"), b"12345");
}

#[test]
fn pipes_sockets_and_directories_are_no_files_and_opening_them_never_waits() {
    let stand = stand();
    rustix::fs::mkfifoat(&stand.dir, "pipe", 0o600.into()).expect("a pipe");
    let _socket = UnixListener::bind(stand.dir.path().join("socket")).expect("a socket");
    for name in ["pipe", "socket", "sub"] {
        let dir = stand.dir.try_clone().expect("another descriptor");
        let (done, answer) = std::sync::mpsc::sync_channel(1);
        // On a thread of its own, which an open that waits would hold for good.
        std::thread::spawn(move || done.send(dir.open_file(name).is_err()));
        assert_eq!(answer.recv_timeout(ANSWER_MAX), Ok(true), "{name}");
    }
}

#[test]
fn what_is_longer_than_the_bound_is_refused() {
    let stand = stand();
    let error = stand.dir.read_file("sub/file", 4).expect_err("five bytes");
    assert!(error.is(Errno::FBIG), "{error}");
    let told = error.to_string();
    assert!(
        told.starts_with("read ") && told.ends_with("/dir/sub/file"),
        "{told}"
    );
}

#[test]
fn a_file_is_put_whole_with_its_owner_and_mode() {
    let stand = stand();
    stand.dir.put_file("sub/put", b"first", mine(0o640)).expect("put");
    stand
        .dir
        .put_file("sub/put", b"second", mine(0o600))
        .expect("put again");
    assert_eq!(stand.dir.read_file("sub/put", 100).expect("read"), b"second");
    assert_eq!(stand.dir.meta("sub/put").expect("there").mode, 0o600);
    assert_eq!(stand.dir.find("sub/put.new").expect("looked"), None);
}

#[test]
fn a_walk_tells_of_everything_in_order_and_follows_no_link() {
    let stand = stand();
    symlink(stand.top.path(), stand.dir.path().join("a-link")).expect("a link");
    fs::create_dir(stand.dir.path().join("passed-over")).expect("a directory");
    fs::write(stand.dir.path().join("passed-over/x"), "").expect("a file");
    let mut seen = Vec::new();
    let walked = stand.dir.walk::<DirError>(&mut |item| {
        seen.push((item.path.to_owned(), item.kind));
        Ok(if item.name == "passed-over" {
            Enter::No
        } else {
            Enter::Yes
        })
    });
    walked.expect("walked");
    let expected = [
        ("a-link", Kind::Link),
        ("passed-over", Kind::Dir),
        ("sub", Kind::Dir),
        ("sub/file", Kind::File),
    ];
    assert_eq!(seen, expected.map(|(path, kind)| (PathBuf::from(path), kind)));
}

#[test]
fn a_tree_that_is_too_deep_is_an_error_and_no_overflow() {
    let stand = stand();
    let mut deep = stand.dir.try_clone().expect("a descriptor");
    for _ in 0..=crate::walk::DEPTH_MAX {
        deep = deep.create_dir("d", mine(0o700)).expect("a directory");
    }
    let error = stand
        .dir
        .walk::<DirError>(&mut |_| Ok(Enter::Yes))
        .expect_err("too deep");
    assert!(error.is(Errno::LOOP), "{}", error.operation);
}

#[test]
fn removing_a_tree_removes_links_and_not_what_they_lead_to() {
    let stand = stand();
    symlink(stand.top.path(), stand.dir.path().join("sub/up")).expect("a link");
    stand.dir.remove_all("sub").expect("removed");
    stand
        .dir
        .remove_all("sub")
        .expect("removed twice is removed once");
    assert_eq!(stand.dir.names().expect("listed"), []);
    assert_eq!(
        fs::read_to_string(stand.top.path().join("canary")).expect("untouched"),
        CANARY
    );
}

#[test]
fn one_lock_at_a_time() {
    let stand = stand();
    let held = stand.dir.try_lock().expect("asked").expect("free");
    let again = Host::local().dir(stand.dir.path()).expect("the directory");
    assert!(again.try_lock().expect("asked").is_none());
    drop(held);
    assert!(again.try_lock().expect("asked").is_some());
}

#[test]
fn this_machines_own_links_are_followed_on_the_way_to_a_directory_but_not_beneath_it() {
    let stand = stand();
    symlink(stand.dir.path(), stand.top.path().join("way")).expect("a link");
    let through = Host::local()
        .dir(stand.top.path().join("way"))
        .expect("an administrator's link");
    assert_eq!(through.read_file("sub/file", 5).expect("read"), b"12345");
    assert!(Host::local().dir("relative/path").is_err());
    let mut file = through.create_file("new", mine(0o600)).expect("made");
    file.write_all(b"x").expect("written");
    assert!(
        through
            .create_file("new", mine(0o600))
            .expect_err("taken")
            .is_already_there()
    );
}
