//! Every breakage fits the tree that it is meant for, and breaks it: PHP itself is the judge.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use lamp_lab::wordpress::{self, Unpacked};
use lamp_lab::{Breakage, Broken, apps};

/// Runs a file of the tree in PHP's command line: what it says when it fails.
fn run(tree: &Path, entry: &str) -> Option<String> {
    let php = Command::new("php")
        .args(["-d", "display_errors=1", "-d", "log_errors=0", entry])
        .current_dir(tree)
        .output();
    let said = php.expect("php runs; type: make packages");
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    (!said.status.success()).then_some(text)
}

/// Breaks a fresh tree, and holds what PHP says of `entry` against what the breakage knows.
#[track_caller]
fn check(breakage: &Breakage, write: &dyn Fn(&Path), entry: &str) -> Broken {
    let dir = tempfile::tempdir().expect("a directory");
    let tree = dir.path().join("tree");
    write(&tree);
    assert_eq!(run(&tree, entry), None, "whole, it runs");
    let broken = breakage.apply(&tree).expect("it fits");
    let said = run(&tree, entry).expect("it breaks something");
    let place = format!("{} on line {}", tree.join(&broken.path).display(), broken.line);
    // An uncaught error names its place as FILE:LINE.
    let thrown = format!("{}:{}", tree.join(&broken.path).display(), broken.line);
    assert!(
        said.contains(&place) || said.contains(&thrown),
        "{}: {said}",
        breakage.kind
    );
    if let Some(right) = &broken.right {
        assert!(tree.join(right).is_file(), "{right} is the right name");
    }
    broken
}

#[test]
fn every_breakage_of_the_fixture_breaks_its_every_page() {
    let app = apps::with_all_ways().expect("one shows all ways");
    let write = |dir: &Path| app.write_release(dir, "r1").expect("written");
    let found: BTreeSet<_> = app
        .facts
        .breakages
        .iter()
        .map(|breakage| check(breakage, &write, "public/small.php").rule)
        .collect();
    assert!(
        found.contains(&None) && found.len() > 2,
        "some show only when they run: {found:?}"
    );
}

#[test]
fn a_dozen_breakages_of_wordpress_differ_and_fit_its_tree() {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.packages");
    let unpacked = Unpacked::below(&packages).expect("make packages");
    let all = wordpress::breakages().expect("well formed");
    let different: BTreeSet<_> = all.iter().map(|one| (&one.file, &one.kind, &one.find)).collect();
    assert!(different.len() == all.len() && all.len() >= 12);
    let dir = tempfile::tempdir().expect("a directory");
    let tree = dir.path().join("tree");
    unpacked
        .write_release(&tree, "r1", "shop.example")
        .expect("written");
    // One tree takes them all, for none moves a line of another.
    for breakage in &all {
        let broken = breakage.apply(&tree).expect("it fits");
        assert!(tree.join(&broken.path).is_file() && broken.line > 1, "{broken:?}");
        if let Some(right) = &broken.right {
            assert!(is_there(&tree, right), "{right} is the right name");
        }
    }
}

/// Whether this is a file of the tree, or a function or class that one of its library's files declares.
fn is_there(tree: &Path, right: &str) -> bool {
    if right.contains('.') {
        return tree.join(right).is_file();
    }
    let library = fs_err::read_dir(tree.join("wp-includes")).expect("the library");
    let paths = library.filter_map(Result::ok).map(|entry| entry.path());
    let mut texts = paths.filter_map(|path| fs_err::read_to_string(path).ok());
    let declarations = [format!("function {right}("), format!("class {right} ")];
    texts.any(|text| declarations.iter().any(|words| text.contains(words)))
}
