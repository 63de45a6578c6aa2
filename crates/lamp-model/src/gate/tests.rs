use super::*;
use crate::finding::{RuleName, Severity};

fn finding(path: &str, target: &str) -> Finding {
    Finding {
        rule: RuleName::parse("include-not-found").expect("a rule"),
        severity: Severity::Error,
        path: path.into(),
        line: 139,
        column: 9,
        message: format!("{target} is not there"),
        target: Some(target.into()),
        suggestion: None,
        blast_radius: None,
    }
}

fn report(findings: Vec<Finding>) -> CheckReport {
    CheckReport {
        summary: CheckSummary::default(),
        findings,
    }
}

fn cause(kind: CauseKind) -> RehearsalOutcome {
    let cause = Cause {
        kind,
        message: "answers 500 where the live release answers 200".into(),
        place: None,
        routes: vec!["/".into()],
        count: 1,
    };
    RehearsalOutcome::Done {
        shown: Box::new(Rehearsal {
            causes: vec![cause],
            ..Rehearsal::default()
        }),
    }
}

#[track_caller]
fn check(
    check: Result<CheckReport, String>,
    baseline: Option<&CheckReport>,
    twin: RehearsalOutcome,
    blockers: usize,
) {
    let result = GateResult::of(check.as_ref().map_err(String::as_str), baseline, twin);
    assert_eq!(result.blockers().len(), blockers, "{result:?}");
    assert_eq!(result.gate == Gate::Passed, blockers == 0);
}

#[test]
fn only_what_is_new_and_certain_blocks() {
    let off = || RehearsalOutcome::SwitchedOff;
    let bad = report(vec![finding("a.php", "b.phpp")]);
    let mut moved = bad.clone();
    moved.findings[0].line += 7;
    let mut warned = bad.clone();
    warned.findings[0].severity = Severity::Warning;
    check(Ok(report(vec![])), None, off(), 0);
    check(Ok(bad.clone()), None, off(), 1);
    check(Ok(moved), Some(&bad), off(), 0);
    check(Ok(report(vec![finding("a.php", "c.phpp")])), Some(&bad), off(), 1);
    check(Ok(warned), None, off(), 0);
    let twice = report(vec![finding("a.php", "b.phpp"), finding("a.php", "b.phpp")]);
    check(Ok(twice.clone()), Some(&bad), off(), 1);
    check(Ok(bad), Some(&twice), off(), 0);
}

#[test]
fn not_knowing_blocks() {
    check(Err("killed".into()), None, RehearsalOutcome::SwitchedOff, 1);
    check(
        Ok(report(vec![])),
        None,
        RehearsalOutcome::Failed {
            why: "no memory".into(),
        },
        1,
    );
}

#[test]
fn a_page_may_look_different_and_must_not_fail() {
    for (kind, blockers) in [
        (CauseKind::Fatal, 1),
        (CauseKind::Status, 1),
        (CauseKind::Hang, 1),
        (CauseKind::Skeleton, 0),
    ] {
        check(Ok(report(vec![])), None, cause(kind), blockers);
    }
}

#[test]
fn blockers_are_bounded() {
    let many = (0..100).map(|n| finding("a.php", &format!("{n}.php"))).collect();
    check(Ok(report(many)), None, RehearsalOutcome::Skipped, BLOCKERS_MAX);
}

#[test]
fn a_reason_to_go_past_the_gate_is_a_short_line_of_seen_characters() {
    let check = |text: &str| {
        OverrideReason::parse(text)
            .map(String::from)
            .map_err(|error| error.why)
    };
    assert_eq!(
        check("  the shop closes at noon "),
        Ok("the shop closes at noon".to_owned())
    );
    assert_eq!(
        check(&"a".repeat(OVERRIDE_MAX_CHARS)),
        Ok("a".repeat(OVERRIDE_MAX_CHARS))
    );
    assert_eq!(check(" \t"), Err("it says nothing"));
    assert_eq!(check(&"a".repeat(OVERRIDE_MAX_CHARS + 1)), Err("it is too long"));
    for hidden in ["a\nb", "a\u{1b}[2Jb", "a\u{202e}b", "a\u{2066}b"] {
        assert_eq!(
            check(hidden),
            Err("it holds control or direction-changing characters, or more than one line"),
            "{hidden:?}"
        );
    }
}
