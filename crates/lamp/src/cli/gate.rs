//! What the gate said, for people: each blocker with its place, the right name and how much hangs on it.

use std::fmt::Write;

use lamp_model::finding::{BlastRadius, Finding};
use lamp_model::gate::{Blocker, Cause, Gate, GateResult, Rehearsal, RehearsalOutcome};
use lamp_model::name::SiteName;
use lamp_model::opened::Unfollowed;
use lamp_model::plan::PlanKind;

/// Routes of a cause that are named.
const ROUTES_NAMED_MAX: usize = 3;

/// One line on what the gate rests on, and whether it is open.
pub fn line(result: &GateResult, overridden: Option<&str>) -> String {
    let mut text = match (&result.gate, overridden) {
        (Gate::Passed, _) => "the gate is open".to_owned(),
        (Gate::Blocked(_), None) => "the gate is shut".to_owned(),
        (Gate::Blocked(blockers), Some(why)) => {
            let blockers: String = blockers
                .iter()
                .map(|blocker| format!("\n{}", told(blocker)))
                .collect();
            return format!("the gate is shut, and overridden: {why}{blockers}");
        }
    };
    if let Some(check) = &result.check {
        let _ = write!(
            text,
            "; {} PHP files and {} includes looked at in {} ms",
            check.files, check.includes, check.elapsed_ms
        );
    }
    if let RehearsalOutcome::Done { shown } = &result.rehearsal {
        let _ = write!(text, "; {}", coverage(shown));
    }
    text
}

fn coverage(shown: &Rehearsal) -> String {
    let asked = shown.coverage;
    let followed = unfollowed(&shown.unfollowed);
    format!(
        "rehearsed {} of {} routes with {} requests, {} of {} PHP files ran; {} requests of the log were no GET and not \
         replayed{followed}",
        asked.routes_asked,
        asked.routes_known,
        asked.requests,
        asked.php_files_run,
        asked.php_files,
        asked.not_replayed
    )
}

/// What the check could not follow, and what the twin showed of it.
fn unfollowed(said: &Unfollowed) -> String {
    if said.includes == 0 {
        return String::new();
    }
    let mut text = format!(
        "; of {} includes that the check could not follow {} stand in files that ran, and {} files came in by them",
        said.includes, said.in_files_that_ran, said.loaded
    );
    let named: Vec<_> = said.first_loaded.iter().take(ROUTES_NAMED_MAX).collect();
    for (at, one) in named.iter().enumerate() {
        let _ = write!(
            text,
            "{} {} ({})",
            if at == 0 { ":" } else { "," },
            one.path,
            one.route
        );
    }
    text
}

/// What blocks, and how to go on.
pub fn blocked(site: &SiteName, kind: PlanKind, blockers: &[Blocker]) -> String {
    let mut text = String::new();
    for blocker in blockers {
        let _ = writeln!(text, "{}", told(blocker));
    }
    let again = match kind {
        PlanKind::Test => format!("lamp test {site} --from DIR"),
        PlanKind::Deploy | PlanKind::Rollback => format!("lamp deploy {site} --from DIR"),
    };
    let _ = write!(
        text,
        "  again, when that is mended: {again}\n  \
         if it must go as it is: lamp deploy {site} --from DIR --override-gate \"WHY\""
    );
    text
}

fn told(blocker: &Blocker) -> String {
    match blocker {
        Blocker::Finding { finding } => of_finding(finding),
        Blocker::Cause { cause } => of_cause(cause),
        Blocker::NotChecked { .. } | Blocker::NotRehearsed { .. } => format!("  {blocker}"),
    }
}

fn of_finding(finding: &Finding) -> String {
    let mut text = format!("  {}: {} [{}]", finding.place(), finding.message, finding.rule);
    if let Some(suggestion) = &finding.suggestion {
        let _ = write!(text, "\n    the right name may be: {suggestion}");
    }
    if let Some(BlastRadius { entry_points, of }) = finding.blast_radius {
        let _ = write!(text, "\n    {entry_points} of {of} entry points come by there");
    }
    text
}

fn of_cause(cause: &Cause) -> String {
    let mut text = match &cause.place {
        Some(place) => format!("  {place}: {}", cause.message),
        None => format!("  {}", cause.message),
    };
    let named: Vec<_> = cause
        .routes
        .iter()
        .take(ROUTES_NAMED_MAX)
        .map(String::as_str)
        .collect();
    let _ = write!(text, "\n    on {} route(s): {}", cause.count, named.join(" "));
    text
}

#[cfg(test)]
mod tests {
    use lamp_model::finding::{CodePlace, RuleName, Severity};
    use lamp_model::gate::CauseKind;

    use super::*;

    fn blockers() -> Vec<Blocker> {
        let finding = Finding {
            rule: RuleName::parse("include-not-found").expect("a rule"),
            severity: Severity::Error,
            path: "wp-settings.php".into(),
            line: 139,
            column: 9,
            message: "nothing is at wp-includes/class-wp-locale.phpp".into(),
            target: Some("wp-includes/class-wp-locale.phpp".into()),
            suggestion: Some("wp-includes/class-wp-locale.php".into()),
            blast_radius: Some(BlastRadius {
                entry_points: 612,
                of: 640,
            }),
        };
        let cause = Cause {
            kind: CauseKind::Fatal,
            message: "answers 500 where the live release answers 200".into(),
            place: Some(CodePlace {
                path: "index.php".into(),
                line: 7,
            }),
            routes: ["/", "/a", "/b", "/c"].map(str::to_owned).to_vec(),
            count: 12,
        };
        vec![
            Blocker::Finding {
                finding: Box::new(finding),
            },
            Blocker::Cause {
                cause: Box::new(cause),
            },
            Blocker::NotRehearsed {
                why: "the twin did not come up".into(),
            },
        ]
    }

    #[test]
    fn what_blocks_is_told_with_its_place_and_the_way_on() {
        let site = SiteName::parse("shop").expect("valid");
        insta::assert_snapshot!(blocked(&site, PlanKind::Deploy, &blockers()));
    }

    #[test]
    fn one_line_tells_how_the_gate_is() {
        let mut result = GateResult {
            gate: Gate::Passed,
            check: Some(lamp_model::finding::CheckSummary {
                files: 1006,
                includes: 2100,
                elapsed_ms: 420,
                ..Default::default()
            }),
            findings: Vec::new(),
            rehearsal: RehearsalOutcome::Done {
                shown: Box::default(),
            },
        };
        let open = line(&result, None);
        result.gate = Gate::Blocked(blockers());
        let told = [
            open,
            line(&result, None),
            line(&result, Some("the shop closes at noon")),
        ];
        insta::assert_snapshot!(told.join("\n---\n"));
    }
}
