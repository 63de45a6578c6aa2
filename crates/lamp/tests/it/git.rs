//! A commit of a repository as people deploy it: what is told of it, what is kept of it, and what is refused.

use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;

use crate::ground::{Ended, Ground, SITE};

/// An author: name and address.
pub(crate) type Person = (&'static str, &'static str);

pub(crate) const ADA: Person = ("Ada Lovelace", "ada@example.org");
pub(crate) const GRACE: Person = ("Grace Hopper", "grace@example.org");

/// Plain git in the directory `at`, by nobody's configuration; answers what it printed.
#[track_caller]
pub(crate) fn git(at: &Path, (name, mail): Person, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .args(args)
        .current_dir(at)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", name)
        .env("GIT_AUTHOR_EMAIL", mail)
        .env("GIT_COMMITTER_NAME", "A Committer")
        .env("GIT_COMMITTER_EMAIL", "committer@example.org");
    let output = command.output().expect("git runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Everything in the directory `at` becomes a commit; answers its id. The first makes it a repository.
#[track_caller]
pub(crate) fn commit(at: &Path, by: Person) -> String {
    if !at.join(".git").exists() {
        git(at, by, &["init", "--quiet", "--initial-branch=main"]);
    }
    git(at, by, &["add", "--all"]);
    git(at, by, &["commit", "--quiet", "-m", "a change"]);
    git(at, by, &["rev-parse", "HEAD"])
}

/// A repository of two commits, and their ids.
fn repository(ground: &Ground) -> (PathBuf, String, String) {
    let at = ground.source("git");
    let first = commit(&at, ADA);
    fs_err::write(at.join("include/two.php"), "<?php echo 'another';\n").expect("written");
    let second = commit(&at, GRACE);
    (at, first, second)
}

/// `lamp` with a place for copies below the ground.
#[track_caller]
fn lamp(ground: &Ground, args: &[&str]) -> Ended {
    let mut command = ground.command(args);
    command.env("XDG_CACHE_HOME", ground.path("cache"));
    Ended::of(command.output().expect("lamp runs"))
}

fn show(ground: &Ground, format: &str) -> Ended {
    let live = ground.live().expect("a release is live").to_string();
    lamp(ground, &["release", "show", SITE, &live, "--format", format])
}

#[test]
fn a_commit_is_deployed_and_what_it_is_stays_known() {
    let ground = Ground::new();
    let _agent = ground.agent();
    let (at, first, second) = repository(&ground);
    let place = at.display();
    for (reference, id, (name, mail)) in [(first.as_str(), &first, ADA), ("main", &second, GRACE)] {
        let from = format!("{place}@{reference}");
        let deployed = lamp(&ground, &["deploy", SITE, "--from", &from]);
        assert_eq!(deployed.code, Some(0), "{deployed:?}");
        let shown = show(&ground, "text").out;
        assert!(
            shown.contains(&format!("\ncommit:  {id} by {name} <{mail}>\n")),
            "{shown}"
        );
        let from = format!("\nfrom:    {from} ({})\n", &id[..12]);
        assert!(shown.contains(&from), "{shown}");
        let shown: serde_json::Value = serde_json::from_str(&show(&ground, "json").out).expect("JSON");
        let commit = &shown["about"]["origin"]["commit"];
        assert_eq!(commit["id"], id.as_str(), "{shown:#}");
        assert_eq!(commit["author"], name);
    }
    let again = lamp(&ground, &["deploy", SITE, "--from", &format!("{place}@HEAD")]);
    assert!(again.out.contains("nothing to do"), "{again:?}");
    // The control: the same repository as a directory is its files as they lie there, and no commit.
    fs_err::write(at.join("index.php"), "<?php echo 'not committed';\n").expect("written");
    let deployed = lamp(&ground, &["deploy", SITE, "--from", &place.to_string()]);
    assert_eq!(deployed.code, Some(0), "{deployed:?}");
    let shown = show(&ground, "text").out;
    assert!(!shown.contains("commit:"), "{shown}");
}

#[test]
fn what_names_no_source_is_told_with_the_way_out() {
    let ground = Ground::new();
    let (at, ..) = repository(&ground);
    let unknown = format!("{}@mian", at.display());
    let spoken = [
        "--upload-pack=x",
        "ext::sh -c id@main",
        "file:///srv/shop@main",
        "https://ada:s3cret@example.org/shop@main",
        "git@example.org:shop.git",
        "./gone@main",
        &unknown,
    ];
    let told = spoken.map(|from| {
        let from = format!("--from={from}");
        let ended = lamp(&ground, &["deploy", SITE, &from]);
        assert!(!format!("{ended:?}").contains("s3cret"), "{ended:?}");
        ended.told(&ground)
    });
    assert_snapshot!("no_source", told.join("\n"));
    assert!(!ground.store().join("releases").exists(), "nothing was stored");
}
