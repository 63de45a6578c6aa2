//! `lamp check` as typed, on real trees: WordPress as it is and with one name broken, the fixtures, and what is
//! not to be read.

mod asked;
mod hard;
mod kept;
mod known;
mod mended;
mod watch;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn lamp(args: &[&str]) -> Output {
    let ended = Command::new(env!("CARGO_BIN_EXE_lamp")).args(args).output();
    ended.expect("lamp runs")
}

/// The exit code and the JSON of `lamp check` on this tree.
fn json(tree: &Path) -> (Option<i32>, Value) {
    let ended = lamp(&["check", "--format", "json", &tree.to_string_lossy()]);
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let answer = serde_json::from_slice(&ended.stdout).map_err(|_| said);
    (ended.status.code(), answer.expect("JSON"))
}

fn errors(answer: &Value) -> Vec<&Value> {
    let findings = answer["findings"].as_array().expect("findings").iter();
    findings
        .filter(|finding| finding["severity"] == "error")
        .collect()
}

/// A directory that processes without rights may read.
fn readable() -> tempfile::TempDir {
    let dir = tempfile::Builder::new()
        .prefix("lamp-check-")
        .tempdir()
        .expect("a directory");
    fs_err::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("opened");
    dir
}

fn wordpress() -> PathBuf {
    let unpacked = Path::new(CHECKOUT).join(".packages/wordpress");
    assert!(
        unpacked.join("wp-settings.php").exists(),
        "WordPress is not unpacked: run `make packages`"
    );
    unpacked
}

/// A copy to break.
fn copy_of_wordpress(dir: &Path) -> PathBuf {
    let copy = dir.join("wordpress");
    let done = Command::new("cp").arg("-a").args([&wordpress(), &copy]).status();
    assert!(done.expect("cp runs").success());
    copy
}

#[test]
fn wordpress_as_it_is_has_no_error() {
    let (code, answer) = json(&wordpress());
    assert_eq!(code, Some(0));
    assert_eq!(errors(&answer), Vec::<&Value>::new());
    assert_eq!(answer["schema"], 1);
    let summary = |key: &str| answer["summary"][key].as_u64().expect("a number");
    // As PHP's own tokenizer counts them.
    assert_eq!((summary("files"), summary("includes")), (958, 1231));
    assert!(summary("resolved") > 1_150, "{}", summary("resolved"));
}

/// One broken name.
struct Broken {
    path: &'static str,
    line: u64,
    right: &'static str,
    wrong: &'static str,
    suggestion: &'static str,
}

const fn broken(
    place: (&'static str, u64),
    names: (&'static str, &'static str),
    suggestion: &'static str,
) -> Broken {
    Broken {
        path: place.0,
        line: place.1,
        right: names.0,
        wrong: names.1,
        suggestion,
    }
}

/// Picked by the text of the includes: suffix, swapped letters, case, slash, directory, a letter too few or many.
const BROKEN: [Broken; 12] = [
    // The outage itself.
    broken(
        ("wp-settings.php", 156),
        ("/class-wp-locale.php'", "/class-wp-locale.phpp'"),
        "wp-includes/class-wp-locale.php",
    ),
    broken(
        ("wp-blog-header.php", 13),
        ("/wp-load.php'", "/wp-laod.php'"),
        "wp-load.php",
    ),
    broken(
        ("index.php", 17),
        ("/wp-blog-header.php'", "/WP-Blog-Header.php'"),
        "wp-blog-header.php",
    ),
    broken(
        ("wp-admin/admin.php", 34),
        ("'/wp-load.php'", "'wp-load.php'"),
        "wp-load.php",
    ),
    broken(
        ("wp-admin/includes/admin.php", 25),
        ("wp-admin/includes/bookmark", "wp-admin/include/bookmark"),
        "wp-admin/includes/bookmark.php",
    ),
    broken(
        ("wp-admin/network/admin.php", 13),
        ("/admin.php'", "/admn.php'"),
        "wp-admin/admin.php",
    ),
    broken(
        ("wp-includes/functions.php", 8),
        ("/option.php'", "/optoin.php'"),
        "wp-includes/option.php",
    ),
    broken(
        ("wp-includes/ms-settings.php", 41),
        ("/ms-load.php'", "/ms-load.inc'"),
        "wp-includes/ms-load.php",
    ),
    broken(
        ("wp-mail.php", 32),
        ("/class-pop3.php'", "/class-pop.php'"),
        "wp-includes/class-pop3.php",
    ),
    broken(
        ("wp-admin/async-upload.php", 23),
        ("wp-admin/admin.php'", "wp-admin/adminn.php'"),
        "wp-admin/admin.php",
    ),
    broken(
        ("wp-trackback.php", 12),
        ("/wp-load.php'", "/wp-load.php.bak'"),
        "wp-load.php",
    ),
    broken(
        ("wp-settings.php", 168),
        ("/class-wp-user.php'", "/class_wp_user.php'"),
        "wp-includes/class-wp-user.php",
    ),
];

#[track_caller]
fn check(tree: &Path, broken: &Broken) {
    let file = tree.join(broken.path);
    let whole = fs_err::read_to_string(&file).expect("read");
    let line = whole.lines().nth(broken.line as usize - 1).expect("the line");
    assert!(
        line.contains(broken.right),
        "{}:{}: {line}",
        broken.path,
        broken.line
    );
    let wrong = whole.replacen(line, &line.replace(broken.right, broken.wrong), 1);
    fs_err::write(&file, wrong).expect("broken");
    let (code, answer) = json(tree);
    fs_err::write(&file, whole).expect("mended");
    assert_eq!(code, Some(1), "{} is not found", broken.wrong);
    let errors = errors(&answer);
    let told = |key: &str| &errors[0][key];
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(told("rule"), "include-not-found");
    assert_eq!(
        (told("path").as_str(), told("line").as_u64()),
        (Some(broken.path), Some(broken.line))
    );
    assert_eq!(told("suggestion"), broken.suggestion, "{errors:?}");
    assert_ne!(told("blast_radius")["entry_points"], 0, "{errors:?}");
}

#[test]
fn a_wrong_name_in_wordpress_is_found_with_place_name_and_blast_radius() {
    let dir = readable();
    let tree = copy_of_wordpress(dir.path());
    for broken in &BROKEN {
        check(&tree, broken);
    }
    fs_err::remove_file(tree.join("wp-includes/class-wp-tax-query.php")).expect("removed");
    let (code, answer) = json(&tree);
    assert_eq!(code, Some(1), "a file that is gone is not missed");
    assert_eq!(errors(&answer)[0]["target"], "wp-includes/class-wp-tax-query.php");
    assert_eq!(errors(&answer)[0]["path"], "wp-settings.php");
}

#[test]
fn the_fixtures_have_no_error() {
    let apps = fs_err::read_dir(Path::new(CHECKOUT).join("fixtures/apps")).expect("listed");
    let trees: Vec<PathBuf> = apps.map(|app| app.expect("an app").path().join("tree")).collect();
    assert!(trees.len() >= 4, "{trees:?}");
    for tree in trees {
        let (code, answer) = json(&tree);
        assert_eq!((code, errors(&answer).len()), (Some(0), 0), "{tree:?}: {answer}");
    }
}

/// Acceptance test T20 of SECURITY.md.
#[test]
fn what_lies_outside_the_tree_is_in_no_output() {
    const CANARY: &str = "canary_of_another_site";
    let dir = readable();
    let (tree, secret) = (dir.path().join("tree"), dir.path().join("secret.php"));
    fs_err::create_dir(&tree).expect("made");
    fs_err::write(&secret, format!("<?php\nrequire '{CANARY}.php'; {CANARY}(;")).expect("written");
    fs_err::write(
        tree.join("other.php"),
        "<?php\nrequire __DIR__ . '/gone.php';\nrequire 'index.php';",
    )
    .expect("written");
    let output = || {
        let tree = tree.to_string_lossy();
        let both = [
            lamp(&["check", &tree]),
            lamp(&["check", "--format", "json", &tree]),
        ];
        both.map(|ended| String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned())
    };
    let links = [
        secret.clone(),
        PathBuf::from("../secret.php"),
        PathBuf::from("/proc/self/cwd/secret.php"),
    ];
    for target in links {
        fs_err::os::unix::fs::symlink(&target, tree.join("index.php")).expect("linked");
        for text in output() {
            assert!(text.contains("gone.php"), "{text}");
            assert!(!text.contains(CANARY), "{target:?}: {text}");
        }
        fs_err::remove_file(tree.join("index.php")).expect("removed");
    }
    // Readable by nobody but root, who typed this.
    fs_err::hard_link(&secret, tree.join("index.php")).expect("linked");
    fs_err::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("closed");
    for text in output() {
        assert!(!text.contains(CANARY), "{text}");
    }
    // The control: of a file of the tree, the line is shown.
    fs_err::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).expect("opened");
    assert!(output()[0].contains(CANARY), "{}", output()[0]);
}

#[test]
fn people_are_shown_the_line_and_what_was_meant() {
    let dir = readable();
    fs_err::create_dir(dir.path().join("lib")).expect("made");
    for (path, code) in [
        ("index.php", "<?php\nrequire __DIR__ . '/lib/boot.php';\necho 1;"),
        (
            "lib/boot.php",
            "<?php\n\trequire_once __DIR__ . '/Mial.php';\n\tinclude 'gone\u{202e}.php';",
        ),
        ("lib/Mail.php", "<?php\nclass Mail { public function f( { } }"),
    ] {
        fs_err::write(dir.path().join(path), code).expect("written");
    }
    let ended = lamp(&["check", &dir.path().to_string_lossy()]);
    assert_eq!(ended.status.code(), Some(1));
    let text = String::from_utf8_lossy(&ended.stdout);
    let (findings, summary) = text.trim_end().rsplit_once('\n').expect("a summary");
    insta::assert_snapshot!(findings);
    assert!(
        summary.starts_with("3 PHP files, 3 includes (3 resolved): 2 errors, 1 warning in "),
        "{summary}"
    );
}

#[test]
fn what_cannot_be_checked_is_said() {
    let dir = readable();
    let nowhere = dir.path().join("nowhere");
    for tree in [dir.path(), &nowhere] {
        let ended = lamp(&["check", &tree.to_string_lossy()]);
        assert_eq!(ended.status.code(), Some(2));
        let told = String::from_utf8_lossy(&ended.stderr);
        assert!(told.contains("way out: "), "{told}");
    }
}
