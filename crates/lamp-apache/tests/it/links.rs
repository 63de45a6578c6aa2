//! T12: whatever stands at `current`, an answer comes from the last good release or is 503, and Apache starts.

use std::path::Path;

use fs_err as fs;
use fs_err::os::unix::fs::symlink;

use crate::config::{FALLBACK_SITE, PLAIN_SITE, SITE};
use crate::stack::{ModuleFile, Sapi, Setup, Stack};
use crate::store::{Store, put};

/// What is asked of a broken site. None of it may show the canary outside, as a file or in a listing.
const PATHS: [&str; 6] = [
    "/which.txt",
    "/",
    "/public",
    "/public/",
    "/canary.txt",
    "/nothing",
];

/// Ways in which a link can fail to name a release, as link texts.
fn bad_texts(stack: &Stack) -> Vec<String> {
    let outside = stack.outside().display().to_string();
    let store = stack.store.root.display().to_string();
    let texts = [
        "../x",
        "releases/unknown",
        "releases/evil",
        "releases/file",
        "releases/a/",
        "releases/a\n",
        "releases/a ",
        " releases/a",
        "releases/",
        "releases",
        "releases/.",
        "releases/..",
        "releases/../..",
        "releases//a",
        "./releases/a",
        "releases/a/../a",
        "releases/a/public",
        "releases/A",
        "releases/-a",
        "releases/a%00",
        "RELEASES/a",
        ".",
        "..",
        "/",
        "current",
        "a",
        "last-good/public",
    ];
    let long = [
        outside,
        format!("{store}/releases/a"),
        format!("releases/{}", "a".repeat(LONGEST_BYTES + 1)),
        "a/".repeat(1_500),
    ];
    texts.iter().map(ToString::to_string).chain(long).collect()
}

/// The longest name that a release can have; one byte more must not be cut down to it.
const LONGEST_BYTES: usize = 64;

/// Names beside the releases that are none: a link that leads out, and a file. And the release with the longest name.
fn add_strangers(store: &Store) {
    let outside = store.root.parent().expect("a directory").join("outside");
    symlink(outside, store.release("evil")).expect("a link");
    put(&store.release("file"), "file");
    put(
        &store.release(&"a".repeat(LONGEST_BYTES)).join("which.txt"),
        "longest",
    );
}

fn broken_stack() -> Stack {
    let setup = Setup {
        lines: "IndexOptions FancyIndexing",
        ..Setup::of(Sapi::Prefork)
    };
    Stack::start_with(&setup, add_strangers)
}

#[track_caller]
fn answers(stack: &Stack, site: &str, expected: Option<&str>, what: &str) {
    let which = stack.get(site, "/which.txt", "");
    let status = if expected.is_some() { 200 } else { 503 };
    assert_eq!(which.status, status, "{what}: {}", which.body);
    if let Some(release) = expected {
        assert_eq!(which.body, release, "{what}");
    }
    for path in PATHS {
        let answer = stack.get(site, path, "");
        assert!(!answer.body.contains("canary"), "{what} {path}: {}", answer.body);
        assert!(
            expected.is_some() || answer.status == 503,
            "{what} {path}: {}",
            answer.status
        );
    }
}

/// The three answers to one broken `current`: last good, fallback, none.
#[track_caller]
fn goes_down_the_line(stack: &Stack, what: &str) {
    stack.store.point("last-good", "releases/b");
    answers(stack, SITE, Some("b"), what);
    answers(stack, FALLBACK_SITE, Some("b"), what);
    stack.store.clear("last-good");
    answers(stack, FALLBACK_SITE, Some("c"), what);
    answers(stack, SITE, None, what);
}

#[test]
fn a_link_that_names_no_release_is_never_followed() {
    let stack = broken_stack();
    for text in bad_texts(&stack) {
        stack.store.point("current", &text);
        goes_down_the_line(&stack, &format!("current reads {text:?}"));
        stack.store.point("last-good", &text);
        answers(&stack, SITE, None, &format!("both read {text:?}"));
        answers(&stack, FALLBACK_SITE, Some("c"), &format!("both read {text:?}"));
        stack.store.clear("last-good");
    }
    stack.store.point("current", "releases/a");
    answers(&stack, SITE, Some("a"), "mended");
    stack
        .store
        .point("current", &format!("releases/{}", "a".repeat(LONGEST_BYTES)));
    answers(&stack, SITE, Some("longest"), "the longest name");
}

#[test]
fn what_is_no_link_is_never_read() {
    let stack = broken_stack();
    let current = stack.store.root.join("current");
    stack.store.clear("current");
    goes_down_the_line(&stack, "current is missing");
    put(&current, "");
    goes_down_the_line(&stack, "current is an empty file");
    put(&current, "releases/a");
    goes_down_the_line(&stack, "current is a file");
    stack.store.clear("current");
    put(&current.join("which.txt"), "canary");
    goes_down_the_line(&stack, "current is a directory");
    stack.store.point("current", "releases/a");
    fs::remove_dir_all(stack.store.root.join("releases")).expect("the releases go");
    assert_eq!(
        stack.get(FALLBACK_SITE, "/which.txt", "").status,
        503,
        "no release is left"
    );
}

#[test]
fn without_the_module_the_same_links_show_a_listing_and_a_file_outside() {
    let outside = |store: &Store| store.point("current", "../outside");
    let stack = Stack::start_with(
        &Setup {
            module: ModuleFile::Missing,
            ..Setup::of(Sapi::Prefork)
        },
        outside,
    );
    assert_eq!(stack.get(SITE, "/canary.txt", "").body, "canary");
    let listing = stack.get(PLAIN_SITE, "/public/", "").body;
    assert!(listing.contains("Index of"), "{listing}");
}

#[test]
fn the_error_log_says_why_without_filling_up() {
    let stack = broken_stack();
    stack.store.point("current", "../x");
    for _ in 0..50 {
        stack.get(SITE, "/which.txt", "");
    }
    let log = stack.log("error.log");
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("lamp:")).collect();
    assert!(
        lines
            .iter()
            .all(|line| line.contains("current does not read releases/<id>; 503 answers")),
        "{lines:?}"
    );
    assert!(
        !lines.is_empty() && lines.len() < 50,
        "{} lines for 50 requests",
        lines.len()
    );
}

type Prepare = fn(&Store);

#[test]
fn apache_starts_whatever_the_store_holds() {
    let states: [(&str, Prepare); 5] = [
        ("missing", |store| store.clear("current")),
        ("outside", |store| store.point("current", "../outside")),
        ("unknown", |store| store.point("current", "releases/unknown")),
        ("loop", |store| store.point("current", "current")),
        ("no store", |store| {
            fs::remove_dir_all(&store.root).expect("the store goes")
        }),
    ];
    for (what, prepare) in states {
        let stack = Stack::start_with(&Setup::of(Sapi::Prefork), prepare);
        answers(&stack, SITE, None, what);
    }
}

#[test]
fn apache_starts_without_the_module_and_serves_what_it_did_before() {
    for sapi in [Sapi::Prefork, Sapi::Event] {
        let stack = Stack::start(&Setup {
            module: ModuleFile::Missing,
            ..Setup::of(sapi)
        });
        assert_eq!(stack.body("/which.txt"), "a");
        assert!(!Path::new(&stack.store.root).join("../mod_lamp.so").exists());
        assert_eq!(stack.log("lamp.log"), "", "our log is not even opened");
    }
}
