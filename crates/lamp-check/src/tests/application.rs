//! A whole application: its entry points, and how much hangs on a file.

use super::{report, told};

const CORE: [(&str, &str); 9] = [
    ("index.php", "<?php\nrequire __DIR__ . '/boot.php';"),
    (
        "login.php",
        "<?php\nrequire __DIR__ . '/boot.php';\nshow('login');",
    ),
    (
        "admin/index.php",
        "<?php\nrequire dirname(__DIR__) . '/boot.php';\nshow('admin');",
    ),
    ("robots.php", "<?php\necho 'User-agent: *';"),
    (
        "boot.php",
        "<?php\ndefine('BASE', __DIR__);\nrequire BASE . '/lib/show.php';\nshow('x');",
    ),
    ("lib/show.php", "<?php\nfunction show($x) { echo $x; }"),
    (
        "lib/guarded.php",
        "<?php\nif (!defined('BASE')) { exit; }\necho 1;",
    ),
    ("lib/part.php", "<?php\nshow(BASE);"),
    ("tests/run.php", "<?php\necho 'test';"),
];

/// The blast radius of `path` when it holds a syntax error.
#[track_caller]
fn check(path: &str, expected: (u64, u64)) {
    let mut files: Vec<(&str, String)> = CORE
        .iter()
        .map(|(path, code)| (*path, (*code).to_owned()))
        .collect();
    if !files.iter().any(|(other, _)| *other == path) {
        files.push((path, "<?php\n".to_owned()));
    }
    for (other, code) in &mut files {
        if *other == path {
            code.push_str("\nfoo(;");
        }
    }
    let report = report(&files);
    let radius = report.findings[0].blast_radius.expect("a radius");
    assert_eq!((radius.entry_points, radius.of), expected, "{path}");
}

#[test]
fn the_blast_radius_counts_entry_points_that_reach_a_file() {
    check("lib/show.php", (3, 4));
    check("boot.php", (3, 4));
    check("login.php", (1, 4));
    check("robots.php", (1, 4));
    check("lib/guarded.php", (0, 4));
    check("lib/part.php", (0, 4));
    check("tests/run.php", (0, 4));
}

/// A slip in a name takes nothing from what hangs on the file that holds it.
#[test]
fn a_broken_name_leaves_the_entry_points_as_they_were() {
    let mut files = CORE;
    files[0].1 = "<?php\nrequire __DIR__ . '/Boot.php';";
    files[4].1 = "<?php\ndefine('BASE', __DIR__);\nrequire BASE . 'lib/show.php';\nshow('x');";
    let report = report(&files);
    assert_eq!(
        told(&report),
        [
            "error include-not-found boot.php:3:9 <root>lib/show.php -> lib/show.php",
            "error include-not-found index.php:2:9 Boot.php -> boot.php",
        ]
    );
    let radii = report.findings.iter().filter_map(|finding| finding.blast_radius);
    let radii: Vec<(u64, u64)> = radii.map(|radius| (radius.entry_points, radius.of)).collect();
    assert_eq!(radii, [(3, 4), (1, 4)]);
}

#[test]
fn a_syntax_error_is_the_first_and_only_finding_of_its_file() {
    let files = [("a.php", "<?php\n\nif (1 {\nrequire 'gone.php';\n}}}")];
    assert_eq!(told(&report(&files)), ["error syntax-error a.php:3:7"]);
    let message = &report(&files).findings[0].message;
    assert!(message.starts_with("PHP cannot parse this: "), "{message}");
}

#[test]
fn a_file_that_each_installation_writes_for_itself_is_stood_for_by_its_sample() {
    let files = [
        ("index.php", "<?php\nrequire __DIR__ . '/wp-load.php';\necho 1;"),
        ("wp-load.php", "<?php\nrequire ABSPATH . 'wp-config.php';"),
        (
            "wp-config-sample.php",
            "<?php\ndefine('ABSPATH', '/elsewhere/');\nrequire ABSPATH . 'wp-settings.php';",
        ),
        ("wp-settings.php", "<?php\nrequire ABSPATH . 'wp-inc/gone.php';"),
    ];
    let report = report(&files);
    assert_eq!(
        told(&report),
        ["error include-not-found wp-settings.php:2:9 wp-inc/gone.php"]
    );
    let radius = report.findings[0].blast_radius.expect("a radius");
    assert_eq!((radius.entry_points, radius.of), (1, 1));
}

/// WordPress's core updater writes it, includes it, and removes it again.
#[test]
fn a_file_that_is_made_while_the_application_runs_is_not_missing() {
    let including = |file: &str| format!("<?php\nrequire ABSPATH . 'wp-content/upgrade/{file}';");
    let (made, misspelt) = (including("version-current.php"), including("version-curent.php"));
    let load = ("wp-load.php", "<?php\ndefine('ABSPATH', __DIR__ . '/');");
    assert_eq!(
        told(&report(&[load, ("update.php", &made)])),
        Vec::<String>::new()
    );
    assert_eq!(
        told(&report(&[load, ("update.php", &misspelt)])),
        ["error include-not-found update.php:2:9 wp-content/upgrade/version-curent.php"],
        "the control: any other name is"
    );
}

#[test]
fn the_summary_counts_what_was_looked_at() {
    let files = [
        ("a.php", "<?php\nrequire 'b.php';\ninclude 'c.php';\nrequire $x;"),
        ("b.php", "<?php\n"),
        ("style.css", "a {}"),
        ("part.inc", "no PHP in it"),
    ];
    let summary = report(&files).summary;
    let counted = (
        summary.files,
        summary.includes,
        summary.resolved,
        summary.errors,
        summary.warnings,
    );
    assert_eq!(counted, (3, 3, 2, 0, 1));
}

#[test]
fn path_functions_of_an_application_are_known() {
    let files = [
        (
            "plugin/a.php",
            "<?php\ndefine('P', plugin_dir_path(__FILE__));\nrequire P . 'mail.php';\nrequire P . 'mial.php';",
        ),
        ("plugin/mail.php", "<?php\n"),
        (
            "wp-load.php",
            "<?php\nrequire trailingslashit(ABSPATH) . 'plugin/mali.php';",
        ),
    ];
    assert_eq!(
        told(&report(&files)),
        [
            "error include-not-found plugin/a.php:4:9 plugin/mial.php -> plugin/mail.php",
            "error include-not-found wp-load.php:2:9 plugin/mali.php -> plugin/mail.php",
        ]
    );
}
