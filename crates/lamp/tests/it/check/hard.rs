//! Trees that no person would write: bounded time and memory, and clear words.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use fs_err::os::unix::fs::symlink;

use super::{errors, json, lamp, readable};

/// What is told of each path: `PATH: MESSAGE`.
fn told(tree: &Path) -> Vec<String> {
    let (_, answer) = json(tree);
    let findings = answer["findings"].as_array().expect("findings");
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().expect("a text").to_owned();
    findings
        .iter()
        .map(|finding| format!("{}: {}", text(finding, "path"), text(finding, "message")))
        .collect()
}

#[test]
fn a_file_of_50_mb_is_said_to_be_not_checked() {
    let dir = readable();
    fs_err::write(dir.path().join("index.php"), "<?php\nrequire 'big.php';").expect("written");
    let big = fs_err::File::create(dir.path().join("big.php")).expect("made");
    big.set_len(50 << 20).expect("long");
    assert_eq!(
        told(dir.path()),
        ["big.php: not checked: it is longer than 4194304 bytes"]
    );
}

#[test]
fn code_nested_2000_deep_is_said_to_be_not_checked() {
    let dir = readable();
    let deep = format!("<?php\n$x = {}1{};", "[".repeat(2_000), "]".repeat(2_000));
    fs_err::write(dir.path().join("deep.php"), deep).expect("written");
    assert_eq!(
        told(dir.path()),
        ["deep.php: not checked: it is nested deeper than the parser goes"]
    );
}

#[test]
fn directories_nested_2000_deep_are_said_to_be_not_checked() {
    let dir = readable();
    fs_err::write(
        dir.path().join("index.php"),
        "<?php\nrequire __DIR__ . '/gone.php';",
    )
    .expect("written");
    let top = rustix::fs::open(
        dir.path(),
        rustix::fs::OFlags::DIRECTORY,
        rustix::fs::Mode::empty(),
    );
    let mut inner = top.expect("opened");
    for _ in 0..2_000 {
        rustix::fs::mkdirat(&inner, "d", 0o755.into()).expect("made");
        let next = rustix::fs::openat(
            &inner,
            "d",
            rustix::fs::OFlags::DIRECTORY,
            rustix::fs::Mode::empty(),
        );
        inner = next.expect("opened");
    }
    let told = told(dir.path());
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].ends_with("/d/d: not checked: it lies more than 200 directories deep"),
        "{told:?}"
    );
    assert!(
        told[1].starts_with("index.php: this require names a file that does not exist"),
        "{told:?}"
    );
}

#[test]
fn links_that_lead_in_circles_end() {
    let dir = readable();
    let index = "<?php\nrequire __DIR__ . '/a/b.php';\nrequire __DIR__ . '/up/up/up/lib.php';\nrequire __DIR__ . '/up/gone.php';";
    fs_err::write(dir.path().join("index.php"), index).expect("written");
    fs_err::write(dir.path().join("lib.php"), "<?php\n").expect("written");
    for (link, target) in [("a", "b"), ("b", "a"), ("up", "."), ("self.php", "self.php")] {
        symlink(target, dir.path().join(link)).expect("linked");
    }
    let told = told(dir.path());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("does not exist: up/gone.php"), "{told:?}");
}

/// `café` as a Latin-1 system wrote it.
const CAFE: &[u8] = b"caf\xe9";

#[test]
fn names_that_are_no_utf_8_are_looked_at_as_others_are() {
    let dir = readable();
    let odd = dir.path().join(OsStr::from_bytes(CAFE));
    fs_err::create_dir(&odd).expect("made");
    let name = OsStr::from_bytes(b"\xff\xfe.php");
    fs_err::write(odd.join(name), "<?php\n\nfoo(;").expect("written");
    let index = [
        b"<?php\nrequire __DIR__ . '/".as_slice(),
        CAFE,
        b"/\xff\xfe.php';\nrequire __DIR__ . '/",
        CAFE,
        b"/gone.php';",
    ]
    .concat();
    fs_err::write(dir.path().join("index.php"), index).expect("written");
    let (code, answer) = json(dir.path());
    let errors = errors(&answer);
    assert_eq!((code, errors.len()), (Some(1), 1), "{answer}");
    assert_eq!(errors[0]["path"], "caf\u{fffd}/\u{fffd}\u{fffd}.php");
    assert_eq!(
        (&errors[0]["rule"], &errors[0]["line"]),
        (&"syntax-error".into(), &3.into())
    );
    let text = lamp(&["check", &dir.path().to_string_lossy()]);
    assert!(
        String::from_utf8_lossy(&text.stdout).contains("3 | foo(;"),
        "its line is shown"
    );
}
