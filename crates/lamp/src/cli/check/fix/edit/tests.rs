//! Which lines are mended, and how they read then. What a mended line names was tried with PHP's own dirname and `.`.

use lamp_model::finding::{RuleName, Severity};
use lamp_testkit::Seed;

use super::*;

fn finding(line: &str, target: &str, meant: &str) -> (Finding, Beside) {
    let start = line.find(['_', '\'', '"', 'A', 'd']).expect("a name");
    let finding = Finding {
        rule: RuleName::parse(INCLUDE_NOT_FOUND).expect("a rule"),
        severity: Severity::Error,
        path: "a.php".into(),
        line: 1,
        column: u32::try_from(start).expect("short") + 1,
        message: String::new(),
        target: Some(target.into()),
        suggestion: Some(meant.into()),
        blast_radius: None,
    };
    let beside = Beside {
        line: Some(line.into()),
        entry_points: Vec::new(),
        is_slip: true,
    };
    (finding, beside)
}

/// How the line reads when it is mended; `None`: it is left alone.
#[track_caller]
fn check(line: &str, target: &str, meant: &str, expected: Option<&str>) {
    let (finding, beside) = finding(line, target, meant);
    let mended = Edit::of(&finding, &beside).map(|edit| {
        let (bytes, _) = changed(line.as_bytes(), &[(edit, line)]).expect("as it was told");
        String::from_utf8(bytes).expect("text")
    });
    assert_eq!(mended.as_deref(), expected, "{line}");
}

#[test]
fn the_wrong_piece_of_a_name_is_mended() {
    let line = "require ABSPATH . WPINC . '/class-wp-locale.phpp';";
    let mended = "require ABSPATH . WPINC . '/class-wp-locale.php';";
    check(
        line,
        "wp-includes/class-wp-locale.phpp",
        "wp-includes/class-wp-locale.php",
        Some(mended),
    );
    check(
        "  require '_lib/mial.php'; // old",
        "_lib/mial.php",
        "_lib/mail.php",
        Some("  require '_lib/mail.php'; // old"),
    );
    check(
        "include __DIR__ . \"/../lib/Mail.php\" ;",
        "lib/Mail.php",
        "lib/mail.php",
        Some("include __DIR__ . \"/../lib/mail.php\" ;"),
    );
    check(
        "require __DIR__ . '/incl/mail.php';",
        "lib/incl/mail.php",
        "lib/inc/mail.php",
        Some("require __DIR__ . '/inc/mail.php';"),
    );
    check(
        "require dirname(__FILE__) . 'wp-load.php';",
        "<root>wp-load.php",
        "wp-load.php",
        Some("require dirname(__FILE__) . '/wp-load.php';"),
    );
    check(
        "require __DIR__ . 'mail.php';",
        "incmail.php",
        "inc/mail.php",
        Some("require __DIR__ . '/mail.php';"),
    );
    check(
        "é(); require __DIR__ . '/mial.php'; é('/mial.php');",
        "mial.php",
        "mail.php",
        Some("é(); require __DIR__ . '/mail.php'; é('/mial.php');"),
    );
}

#[test]
fn what_can_be_read_in_another_way_is_left_alone() {
    // The wrong part is in no literal of the line.
    check(
        "require __DIR__ . '/' . $name;",
        "lib/mial.php",
        "lib/mail.php",
        None,
    );
    check(
        "require ABSPATH . DIR . '/mail.php';",
        "incl/mail.php",
        "inc/mail.php",
        None,
    );
    // It stands there twice.
    check(
        "require __DIR__ . '/mial.php' . f('/mial.php');",
        "lib/mial.php",
        "lib/mail.php",
        None,
    );
    // The literal is no plain text.
    check(
        "require __DIR__ . \"/$x/mial.php\";",
        "lib/mial.php",
        "lib/mail.php",
        None,
    );
    check(
        "require __DIR__ . '/it\\'s/mial.php';",
        "lib/mial.php",
        "lib/mail.php",
        None,
    );
    check(
        "require __DIR__ . /* '/mial.php' */ X;",
        "lib/mial.php",
        "lib/mail.php",
        None,
    );
    check(
        "require __DIR__ . '/mial.php",
        "lib/mial.php",
        "lib/mail.php",
        None,
    );
    // Another file, no slip.
    check("require __DIR__ . '/page1.php';", "page1.php", "page2.php", None);
    check("require __DIR__ . '/mail.php';", "mail.php", "mail.php", None);
    // Two mistakes.
    check(
        "require dirname(__FILE__) . 'wp-laod.php';",
        "<root>wp-laod.php",
        "wp-load.php",
        None,
    );
    // Bytes that are no text.
    check(
        "require __DIR__ . '/mial\u{fffd}.php';",
        "mial\u{fffd}.php",
        "mail.php",
        None,
    );
}

/// What is written comes from a process that read strangers' code.
#[test]
fn nothing_but_a_plain_name_is_written() {
    let names = [
        "'; system('id'); //.php",
        "a\nb.php",
        "a\"b.php",
        "$x.php",
        "a\\b.php",
        "{$x}.php",
        "../../etc/x.php",
        "",
        "a b.php",
        "é.php",
        "a\0.php",
        "`id`.php",
        "<?php.php",
        "a;b.php",
    ];
    for name in names {
        check("require '_mial.php';", "_mial.php", name, None);
    }
}

#[test]
fn no_other_rule_and_no_mere_nearness_is_mended() {
    let (mut other, beside) = finding("require '_mial.php';", "_mial.php", "_mail.php");
    assert!(Edit::of(&other, &beside).is_some(), "the control");
    let near = Beside {
        is_slip: false,
        ..beside.clone()
    };
    assert_eq!(Edit::of(&other, &near), None);
    other.rule = RuleName::parse("undefined-function").expect("a rule");
    assert_eq!(Edit::of(&other, &beside), None);
}

#[test]
fn a_line_that_reads_otherwise_now_is_not_changed_and_two_edits_of_one_line_are() {
    let line = "require '_mial.php'; require '_usre.php';\r";
    let (first, beside) = finding(line, "_mial.php", "_mail.php");
    let (mut second, _) = finding(line, "_usre.php", "_user.php");
    second.column = 30;
    let edits: Vec<(Edit, &str)> = [first, second]
        .iter()
        .map(|finding| (Edit::of(finding, &beside).expect("certain"), line))
        .collect();
    let file = format!("{line}\n\n\u{e9}\n");
    let (bytes, changes) = changed(file.as_bytes(), &edits).expect("as it was told");
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        "require '_mail.php'; require '_user.php';\r\n\n\u{e9}\n"
    );
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].after, "require '_mail.php'; require '_user.php';");
    for other in [
        "require '_mial.php'; require '_usre.php';",
        "<?php",
        "",
        "\nrequire",
    ] {
        assert_eq!(changed(other.as_bytes(), &edits), None, "{other}");
    }
}

/// Lines, names and columns at random, seeded: no panic; an edit is within its line, and is found again there.
#[test]
fn no_line_makes_an_edit_that_does_not_fit_over_seeds() {
    let pieces = [
        "'",
        "\"",
        "_mial.php",
        "_mail.php",
        "/",
        "../",
        "é",
        ";",
        "$x",
        "\\",
        " . ",
        "\t",
        "<root>",
        "\u{202e}",
    ];
    for seed in 1..4_000_u64 {
        let mut stream = Seed::new(seed);
        let mut next = |most: usize| stream.below(most as u64) as usize;
        let mut text =
            |most: usize| -> String { (0..next(most)).map(|_| pieces[next(pieces.len())]).collect() };
        let (line, target, meant) = (format!("_{}", text(9)), text(4), text(4));
        let (mut finding, beside) = finding(&line, &target, &meant);
        finding.column = u32::try_from(next(line.len() + 3)).expect("short");
        if let Some(edit) = Edit::of(&finding, &beside) {
            let (bytes, _) = changed(line.as_bytes(), &[(edit.clone(), &line)]).expect("fits");
            assert_eq!(
                bytes.len() + edit.old.len(),
                line.len() + edit.new.len(),
                "seed {seed}: {line}"
            );
        }
    }
}
