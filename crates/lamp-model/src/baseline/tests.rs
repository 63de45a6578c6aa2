//! What counts as the same finding, and how often.

use super::*;

/// `SEVERITY PATH:LINE MESSAGE`, the line being no part of what is the same.
fn finding(text: &str) -> Finding {
    let mut parts = text.splitn(3, ' ');
    let severity = match parts.next() {
        Some("error") => Severity::Error,
        _ => Severity::Warning,
    };
    let (path, line) = parts.next().and_then(|at| at.split_once(':')).expect("a place");
    Finding {
        rule: RuleName::parse("include-not-found").expect("a rule"),
        severity,
        path: path.to_owned(),
        line: line.parse().expect("a line"),
        column: 9,
        message: parts.next().unwrap_or_default().to_owned(),
        target: None,
        suggestion: None,
        blast_radius: None,
    }
}

/// Which of `now` are new against `before`, and how many of `before` are fixed.
#[track_caller]
fn check(before: &[&str], now: &[&str], new: &[bool], fixed: u64) {
    let findings = |texts: &[&str]| texts.iter().map(|text| finding(text)).collect::<Vec<_>>();
    let compared = Baseline::of(&findings(before)).compare(&findings(now));
    assert_eq!(compared.is_new, new);
    assert_eq!(compared.fixed.iter().map(|known| known.count).sum::<u64>(), fixed);
}

#[test]
fn what_only_moved_is_known_and_one_more_of_the_same_is_new() {
    check(&[], &["error a.php:3 x"], &[true], 0);
    check(&["error a.php:3 x"], &["error a.php:90 x"], &[false], 0);
    check(&["error a.php:3 x"], &["error b.php:3 x"], &[true], 1);
    check(&["error a.php:3 x"], &["error a.php:3 y"], &[true], 1);
    check(
        &["error a.php:3 x"],
        &["error a.php:3 x", "error a.php:9 x"],
        &[false, true],
        0,
    );
    check(
        &["error a.php:3 x", "error a.php:9 x"],
        &["error a.php:1 x"],
        &[false],
        1,
    );
    check(&["error a.php:3 x"], &[], &[], 1);
}

#[test]
fn a_known_warning_does_not_hide_an_error_of_the_same_words() {
    check(&["warning a.php:3 x"], &["error a.php:3 x"], &[true], 1);
}

#[test]
fn line_numbers_within_the_words_do_not_count_and_other_numbers_do() {
    check(
        &["error a.php:3 as in b.php:12"],
        &["error a.php:4 as in b.php:13"],
        &[false],
        0,
    );
    check(
        &["error a.php:3 see line 7 of it"],
        &["error a.php:4 see line 70 of it"],
        &[false],
        0,
    );
    check(
        &["error a.php:3 needs PHP 8"],
        &["error a.php:3 needs PHP 9"],
        &[true],
        1,
    );
    check(&["error a.php:3 utf8x"], &["error a.php:3 utf7x"], &[true], 1);
}

#[test]
fn two_baselines_know_what_either_knows() {
    let of = |texts: &[&str]| {
        let findings: Vec<Finding> = texts.iter().map(|text| finding(text)).collect();
        Baseline::of(&findings)
    };
    let both = of(&["error a.php:1 x", "error a.php:2 x"]).or(of(&["error a.php:1 x", "error b.php:1 y"]));
    assert_eq!(
        both,
        of(&["error a.php:1 x", "error a.php:2 x", "error b.php:1 y"])
    );
    assert_eq!(both.clone().or(Baseline::empty()), both);
}

/// Texts at random, seeded: nothing is new against itself, and everything against nothing.
#[test]
fn a_report_has_nothing_new_against_itself_over_seeds() {
    for seed in 0..500_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |most: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % most
        };
        let letters = ['a', ':', '7', 'é', ' ', '\u{202e}', '9', 'l'];
        let findings: Vec<Finding> = (0..next(12))
            .map(|_| {
                let words: String = (0..next(9)).map(|_| letters[next(8) as usize]).collect();
                finding(&format!("error {}.php:{} {words}", next(3), next(99)))
            })
            .collect();
        let compared = Baseline::of(&findings).compare(&findings);
        assert!(
            !compared.is_new.contains(&true) && compared.fixed.is_empty(),
            "seed {seed}"
        );
        let compared = Baseline::empty().compare(&findings);
        assert!(!compared.is_new.contains(&false), "seed {seed}");
    }
}
