//! Whole trees whose includes are written in any of many ways, with links that lead anywhere: what each include names is
//! known from how it was made, so exactly the wrong names are to be told.

use std::collections::{BTreeMap, BTreeSet};

use lamp_model::finding::Severity;

use super::{Random, over_seeds};
use crate::tests::report;

const DIRECTORIES: [&str; 6] = ["", "a/", "a/b/", "inc/", "inc/lib/", "Inc/"];
const NAMES: [&str; 7] = [
    "x.php",
    "y.php",
    "main.php",
    "Mail.php",
    "mail.php",
    "class-a.php",
    "run.inc",
];
const LINKS: [&str; 9] = [
    "a",
    "../inc",
    ".",
    "..",
    "l1",
    "l2",
    "/etc/passwd",
    "nowhere/at/all",
    "inc/lib/../../a/x.php",
];

/// What is to be told of an include: by path and line, how bad, and which file is missing.
type Expected = BTreeMap<(String, u32), (Severity, String)>;

fn target(random: &mut Random) {
    let mut there = BTreeSet::from(["boot.php".to_owned()]);
    for _ in 0..2 + random.below(10) {
        there.insert(path(random));
    }
    let mut expected = Expected::new();
    let mut files: Vec<(String, String)> = there
        .iter()
        .map(|path| (path.clone(), code(random, path, &there, &mut expected)))
        .collect();
    for at in 0..random.below(4) {
        let directory = random.pick(&DIRECTORIES);
        let link = format!("-> {}", random.pick(&LINKS));
        files.push((format!("{directory}l{at}"), link));
    }
    let files: Vec<(&str, &String)> = files.iter().map(|(path, code)| (path.as_str(), code)).collect();
    let report = report(&files);
    let mut told = Expected::new();
    for finding in report.findings {
        let place = (finding.path, finding.line);
        if let Some(nearest) = finding.suggestion {
            assert!(
                files.iter().any(|(path, _)| *path == nearest),
                "{place:?}: {nearest} is not there"
            );
        }
        let radius = finding.blast_radius.expect("a radius");
        assert!(radius.entry_points <= radius.of, "{place:?}");
        if finding.rule.as_str() == "include-not-found" {
            told.insert(place, (finding.severity, finding.target.expect("a target")));
        }
    }
    assert_eq!(told, expected, "{files:#?}");
}

fn path(random: &mut Random) -> String {
    format!("{}{}", random.pick(&DIRECTORIES), random.pick(&NAMES))
}

/// A file with a few includes, each on a line of its own.
fn code(random: &mut Random, from: &str, there: &BTreeSet<String>, expected: &mut Expected) -> String {
    let mut code = String::from("<?php\n");
    if from == "boot.php" {
        code.push_str("define('ROOT', __DIR__ . '/'); const LIB = ROOT . 'inc/lib';\n");
    }
    for at in 0..random.below(5) {
        let wanted = if random.one_in(3) {
            path(random)
        } else {
            let all: Vec<&String> = there.iter().collect();
            (*random.pick(&all)).clone()
        };
        let (keyword, severity) = *random.pick(&[
            ("require", Severity::Error),
            ("require_once", Severity::Error),
            ("include", Severity::Warning),
            ("include_once", Severity::Warning),
        ]);
        let named = named(random, from, &wanted);
        let statement = statement(random, (keyword, at), &named);
        let is_seen = !statement.contains('@');
        if is_seen && !there.contains(&wanted) {
            let line = code.bytes().filter(|byte| *byte == b'\n').count() as u32 + 1;
            expected.insert((from.to_owned(), line), (severity, wanted));
        }
        code.push_str(&statement);
        code.push('\n');
    }
    code
}

/// An expression that names `wanted` from within `from`.
fn named(random: &mut Random, from: &str, wanted: &str) -> String {
    let depth = from.matches('/').count();
    let up = "../".repeat(depth);
    match random.below(7) {
        0 => format!("__DIR__ . {}", text(random, &format!("/{up}{wanted}"))),
        1 => format!(
            "dirname(__FILE__) . {}",
            text(random, &format!("/./{up}{wanted}"))
        ),
        2 if depth > 0 => format!(
            "dirname(__DIR__, {depth}) . {}",
            text(random, &format!("/{wanted}"))
        ),
        2 | 3 => format!(
            "dirname(__FILE__, {}) . {}",
            depth + 1,
            text(random, &format!("//{wanted}"))
        ),
        4 => format!("ROOT . {}", text(random, wanted)),
        5 => format!("LIB . {}", text(random, &format!("/../../{wanted}"))),
        _ => format!(
            "realpath(__DIR__) . {}",
            text(random, &format!("/{up}inc/../{wanted}"))
        ),
    }
}

/// A text, in one piece or in several.
fn text(random: &mut Random, text: &str) -> String {
    let (left, right) = text.split_at(random.below(text.len() + 1));
    match random.below(4) {
        0 => format!("'{left}' . '{right}'"),
        1 => format!("\"{left}\" . (('{right}'))"),
        2 => format!("\"{text}\""),
        _ => format!("'{text}'"),
    }
}

fn statement(random: &mut Random, (keyword, at): (&str, usize), named: &str) -> String {
    match random.below(8) {
        0 => format!("$p{at} = {named}; {keyword} $p{at};"),
        1 => format!("$p{at} = {named}; if ($argc > 1) {{ {keyword}(\"$p{at}\"); }}"),
        2 => format!(
            "function f{at}_{}() {{ return {keyword} {named}; }}",
            random.below(1 << 30)
        ),
        3 => format!(
            "class C{at}_{} {{ function f() {{ $q = {named}; {keyword} $q; }} }}",
            random.below(1 << 30)
        ),
        4 => format!("{keyword} $argc ? {named} : {named};"),
        5 => format!("@{keyword} {named};"),
        6 => format!("$x{at} = {keyword} ($y{at} = {named});"),
        _ => format!("{keyword} ({named});"),
    }
}

#[test]
fn fuzz_trees() {
    over_seeds(600, target);
}
