//! What can be asked beside the findings: rules, the graph, the heaviest files, what is unknown; and the machine formats.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::Value;

use super::{CHECKOUT, lamp, readable};

fn tree(dir: &Path) {
    fs_err::create_dir(dir.join("lib")).expect("made");
    for (path, code) in [
        (
            "index.php",
            "<?php\nrequire __DIR__ . '/lib/boot.php';\necho page();",
        ),
        (
            "about.php",
            "<?php\nrequire __DIR__ . '/lib/boot.php';\necho page();",
        ),
        (
            "lib/boot.php",
            "<?php\nrequire __DIR__ . '/mail.php';\nfunction page() {}",
        ),
        (
            "lib/mail.php",
            "<?php\nfunction load($part) { include __DIR__ . '/' . $part; }",
        ),
    ] {
        fs_err::write(dir.join(path), code).expect("written");
    }
}

fn answered(args: &[&str]) -> Value {
    let ended = lamp(args);
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{said}");
    serde_json::from_slice(&ended.stdout).expect("JSON")
}

#[test]
fn the_graph_the_heaviest_files_and_the_unknown_are_told() {
    let dir = readable();
    tree(dir.path());
    let typed = dir.path().to_string_lossy().into_owned();
    let ask = |more: &[&str]| answered(&[&["check", "--format", "json"], more, &[&typed]].concat());
    let hangs = ask(&["--graph", "lib/mail.php"]);
    assert_eq!(hangs["directly"]["names"], serde_json::json!(["lib/boot.php"]));
    assert_eq!(
        hangs["entry_points"]["names"],
        serde_json::json!(["about.php", "index.php"])
    );
    let from_here = format!("{typed}/lib/mail.php");
    assert_eq!(ask(&["--graph", &from_here]), hangs);
    let top = ask(&["--top", "1"]);
    assert_eq!(top["files"][0]["path"], "lib/boot.php");
    assert_eq!(
        (&top["files"][0]["entry_points"], &top["files"][0]["of"]),
        (&Value::from(2), &Value::from(2))
    );
    let unknown = ask(&["--unknown"]);
    assert_eq!(unknown["unknown"][0]["path"], "lib/mail.php");
    assert_eq!(
        unknown["unknown"][0]["reason"],
        "a part of the name is made while the code runs"
    );
}

#[test]
fn each_rule_has_a_page_in_the_documentation_and_each_page_a_rule() {
    let list = answered(&["check", "--explain", "--format", "json"]);
    let listed = list["rules"].as_array().expect("rules").iter();
    let listed: BTreeSet<String> = listed
        .map(|rule| format!("{}.md", rule["rule"].as_str().expect("a name")))
        .collect();
    let pages = fs_err::read_dir(Path::new(CHECKOUT).join("docs/check/rules")).expect("listed");
    let pages: BTreeSet<String> = pages
        .map(|page| page.expect("a page").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(listed, pages);
    let wrong = lamp(&["check", "--explain", "include-not-fuond"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--explain include-not-found"));
}

#[test]
fn what_cannot_be_printed_so_is_refused() {
    let dir = readable();
    tree(dir.path());
    let typed = dir.path().to_string_lossy().into_owned();
    for args in [
        &["--format", "dot"][..],
        &["--top", "--format", "sarif"],
        &["--graph", "gone.php"],
        &["--dry-run"],
    ] {
        let ended = lamp(&[&["check", &typed], args].concat());
        assert_eq!(ended.status.code(), Some(2), "{args:?}");
        assert!(ended.stdout.is_empty(), "{args:?}");
    }
}

/// Names as a kernel allows them, lines as PHP does.
#[test]
fn a_tree_of_hostile_names_breaks_no_format() {
    let dir = readable();
    let names: [&[u8]; 5] = [
        b"a\xff\n::error::b.php",
        b"c::d%0A]]>.php",
        b"<i>\"&,line=3.php",
        b"e\x1b[2Jf.php",
        "g\u{202e}h.php".as_bytes(),
    ];
    for name in names {
        let code = b"<?php\nrequire __DIR__ . '/gone]]>\x1b[31m&<.php'; // \xff\n";
        fs_err::write(dir.path().join(std::ffi::OsStr::from_bytes(name)), code).expect("written");
    }
    for format in ["text", "json", "sarif", "github", "junit"] {
        let ended = lamp(&[
            "check",
            "--unknown",
            "--format",
            format,
            &dir.path().to_string_lossy(),
        ]);
        assert_eq!(ended.status.code(), Some(1), "{format}");
        let text = String::from_utf8(ended.stdout).expect("UTF-8");
        assert!(!text.contains(['\x1b', '\u{202e}']), "{format}: {text:?}");
        let count = match format {
            "json" => findings(&text, "/findings"),
            "sarif" => findings(&text, "/runs/0/results"),
            "github" => text.lines().filter(|line| line.starts_with("::")).count(),
            "junit" => text.matches("<testcase ").count(),
            _ => text.lines().filter(|line| line.starts_with(" --> ")).count(),
        };
        assert_eq!(count, names.len(), "{format}: {text}");
    }
}

fn findings(text: &str, place: &str) -> usize {
    let answer: Value = serde_json::from_str(text).expect("JSON");
    answer
        .pointer(place)
        .and_then(Value::as_array)
        .map_or(0, Vec::len)
}

/// Colours only for a terminal; here there is none.
#[test]
fn nothing_is_coloured_without_a_terminal() {
    let dir = readable();
    tree(dir.path());
    fs_err::write(
        dir.path().join("gone.php"),
        "<?php\nrequire 'x\x1b[31m.php';\nrequire __DIR__ . '/x.php';",
    )
    .expect("written");
    for format in ["text", "github", "junit"] {
        let out = lamp(&["check", "--format", format, &dir.path().to_string_lossy()]).stdout;
        assert!(!out.is_empty() && !out.contains(&0x1b), "{format}");
    }
}
