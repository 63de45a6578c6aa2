//! Only what is new counts: against a directory, a release, a commit, a written baseline.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{json, lamp, readable};
use crate::git::{ADA, commit};

/// A page with one broken name, and what it starts with.
fn written(tree: &Path) {
    fs_err::create_dir_all(tree.join("inc")).expect("made");
    put(
        tree,
        "index.php",
        "<?php\nrequire __DIR__ . '/inc/boot.php';\nrequire __DIR__ . '/inc/old.php';\necho 1;\n",
    );
    put(tree, "inc/boot.php", "<?php\n");
}

fn put(tree: &Path, path: &str, code: &str) {
    fs_err::write(tree.join(path), code).expect("written");
}

/// The same mistake on another line, and beside it a new one if `with` says so.
fn moved(tree: &Path, with: &str) {
    let code = format!(
        "<?php\n// Moved.\n\nrequire __DIR__ . '/inc/boot.php';\n{with}\nrequire __DIR__ . '/inc/old.php';\necho 1;\n"
    );
    put(tree, "index.php", &code);
}

const NEW: &str = "require __DIR__ . '/inc/new.php';";

/// Code, and how many are new, standing, fixed.
fn counts(tree: &Path, more: &[&str], cache: &Path) -> (Option<i32>, [u64; 3]) {
    let ended = Command::new(env!("CARGO_BIN_EXE_lamp"))
        .args(["check", "--format", "json", &tree.to_string_lossy()])
        .args(more)
        .env("XDG_CACHE_HOME", cache)
        .output()
        .expect("lamp runs");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let answer: Value = serde_json::from_slice(&ended.stdout)
        .map_err(|_| said)
        .expect("JSON");
    let against = &answer["against"];
    let number = |key: &str| against[key].as_u64().unwrap_or_default();
    let fixed = against["fixed"].as_array().map_or(0, Vec::len) as u64;
    (ended.status.code(), [number("new"), number("standing"), fixed])
}

#[test]
fn a_written_baseline_is_used_and_only_what_is_new_counts() {
    let dir = readable();
    let tree = dir.path();
    written(tree);
    assert_eq!(json(tree).0, Some(1), "the control");
    let ended = lamp(&["check", "--write-baseline", &tree.to_string_lossy()]);
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(counts(tree, &[], tree), (Some(0), [0, 1, 0]));
    moved(tree, "");
    assert_eq!(counts(tree, &[], tree), (Some(0), [0, 1, 0]));
    moved(tree, NEW);
    assert_eq!(counts(tree, &[], tree), (Some(1), [1, 1, 0]));
    put(tree, "inc/old.php", "<?php\n");
    put(tree, "inc/new.php", "<?php\n");
    assert_eq!(counts(tree, &[], tree), (Some(0), [0, 0, 1]));
}

#[test]
fn a_baseline_that_is_none_is_an_error_and_not_an_empty_one() {
    let dir = readable();
    written(dir.path());
    put(dir.path(), "lamp-baseline.json", "{\"schema\":7,\"findings\":[]}");
    let ended = lamp(&["check", &dir.path().to_string_lossy()]);
    assert_eq!(ended.status.code(), Some(2));
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(
        told.contains("its schema is 7") && told.contains("way out: "),
        "{told}"
    );
}

/// What a process without rights may not read is in no output, though root asks.
#[test]
fn a_baseline_that_leads_outside_is_not_read() {
    let dir = readable();
    let (tree, secret) = (dir.path().join("tree"), dir.path().join("secret.json"));
    fs_err::create_dir(&tree).expect("made");
    written(&tree);
    fs_err::write(&secret, "{\"canary\":1}").expect("written");
    fs_err::os::unix::fs::symlink(&secret, tree.join("lamp-baseline.json")).expect("linked");
    let ended = lamp(&["check", &tree.to_string_lossy()]);
    let told = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    assert!(!told.contains("canary"), "{told}");
    // The control: a file of the tree is read, and its mistake named.
    fs_err::remove_file(tree.join("lamp-baseline.json")).expect("removed");
    fs_err::copy(&secret, tree.join("lamp-baseline.json")).expect("copied");
    let told = lamp(&["check", &tree.to_string_lossy()]).stderr;
    assert!(String::from_utf8_lossy(&told).contains("canary"));
}

#[test]
fn a_directory_and_a_commit_are_what_a_tree_is_held_against() {
    let dir = readable();
    let (repository, cache) = (dir.path().join("repository"), dir.path().join("cache"));
    let (site, before) = (repository.join("site"), dir.path().join("before"));
    fs_err::create_dir_all(&site).expect("made");
    written(&site);
    written(&before);
    let first = commit(&repository, ADA);
    moved(&site, NEW);
    let before = before.to_string_lossy();
    for against in [before.as_ref(), "HEAD", "main", &first] {
        assert_eq!(
            counts(&site, &["--against", against], &cache),
            (Some(1), [1, 1, 0]),
            "{against}"
        );
    }
    commit(&repository, ADA);
    assert_eq!(
        counts(&site, &["--against", "HEAD"], &cache),
        (Some(0), [0, 2, 0])
    );
    moved(&site, "");
    assert_eq!(
        counts(&site, &["--against", "HEAD"], &cache),
        (Some(0), [0, 1, 1])
    );
    // What the commit does not have yet is new.
    let young = repository.join("young");
    written(&young);
    assert_eq!(
        counts(&young, &["--against", "HEAD"], &cache),
        (Some(1), [1, 0, 0])
    );
    // Nothing of a commit stays.
    let left = fs_err::read_dir(cache.join("lamp/against-0"))
        .expect("listed")
        .count();
    assert_eq!(left, 0);
}

/// The hook as the documentation has it installed.
#[test]
fn the_hook_refuses_a_commit_that_brings_a_new_error() {
    let dir = readable();
    let (repository, cache) = (dir.path().join("repository"), dir.path().join("cache"));
    written(&repository);
    commit(&repository, ADA);
    let hook = Path::new(super::CHECKOUT).join("packaging/git/pre-commit");
    fs_err::copy(hook, repository.join(".git/hooks/pre-commit")).expect("installed");
    let programs = Path::new(env!("CARGO_BIN_EXE_lamp"))
        .parent()
        .expect("a directory");
    let path = std::env::var_os("PATH").expect("a PATH");
    let path = std::env::join_paths(std::iter::once(programs.to_owned()).chain(std::env::split_paths(&path)));
    let commits = || {
        let mut git = Command::new("git");
        git.args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.org",
            "commit",
            "--all",
            "--quiet",
            "-m",
            "x",
        ]);
        git.current_dir(&repository).env("XDG_CACHE_HOME", &cache);
        git.env("PATH", path.as_ref().expect("joined"));
        git.output().expect("git runs").status.success()
    };
    moved(&repository, NEW);
    assert!(!commits(), "a new error went in");
    moved(&repository, "");
    assert!(commits(), "an old error was held against the commit");
}

#[test]
fn the_live_release_of_a_site_and_a_named_one_are_known() {
    let dir = readable();
    let (tree, store, config) = (
        dir.path().join("tree"),
        dir.path().join("shop"),
        dir.path().join("lamp.toml"),
    );
    fs_err::create_dir(&tree).expect("made");
    for release in ["20261122-1", "20261122-2"] {
        written(&store.join("releases").join(release));
    }
    put(&store.join("releases/20261122-1"), "inc/old.php", "<?php\n");
    fs_err::os::unix::fs::symlink("releases/20261122-2", store.join("current")).expect("linked");
    let text = format!(
        "[site.shop]\nstore = {:?}\naccess_log = \"/a.log\"\naddress = \"127.0.0.1:80\"\nhostname = \"shop.example\"\nprobes = [\"/\"]\n",
        store
    );
    fs_err::write(&config, text).expect("written");
    written(&tree);
    let config = config.to_string_lossy();
    let against = |what| counts(&tree, &["--config", &config, "--against", what], dir.path());
    assert_eq!(against("shop"), (Some(0), [0, 1, 0]));
    assert_eq!(against("shop/20261122-2"), (Some(0), [0, 1, 0]));
    assert_eq!(against("shop/20261122-1"), (Some(1), [1, 0, 0]));
    assert_eq!(against("20261122-1"), (Some(1), [1, 0, 0]));
}

#[test]
fn what_names_nothing_is_told_with_the_way_out() {
    let dir = readable();
    written(dir.path());
    for against in ["nowhere", "-x", "a b", "../nowhere", "shop/"] {
        let ended = lamp(&[
            "check",
            &dir.path().to_string_lossy(),
            &format!("--against={against}"),
        ]);
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{against}: {told}");
        assert!(told.contains("way out: name a directory, SITE"), "{told}");
    }
}
