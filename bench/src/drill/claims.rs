//! What is claimed of the drills, line by line, and which runs break a line. Pure.

use std::fmt;

use serde::Serialize;

use super::{Run, groups};
use crate::figures::Spread;

/// Median of failed requests, at most.
const FAILED_MEDIAN_MAX: f64 = 10.0;
/// Median from the first failed answer to the last, at most.
const SPAN_MEDIAN_MAX_MS: f64 = 250.0;
/// From the first failed answer to the page's acceptance, in every run.
const PAGE_MAX_MS: f64 = 1000.0;
/// Between the report's t0 and the first failed answer, in every run.
const T0_OFF_MAX_MS: f64 = 50.0;

/// One line.
#[derive(Debug, Serialize)]
pub(super) struct Claim {
    /// What is said.
    text: String,
    /// What speaks against it; empty: it holds.
    broken_by: Vec<String>,
}

impl Claim {
    pub(super) const fn holds(&self) -> bool {
        self.broken_by.is_empty()
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.holds() {
            return write!(f, "holds: {}", self.text);
        }
        write!(
            f,
            "**does not hold**: {} ({})",
            self.text,
            self.broken_by.join("; ")
        )
    }
}

/// A line that every run has to keep: what a run that does not says instead.
type OfEachRun = (&'static str, fn(&Run) -> Option<String>);

const OF_EACH_RUN: [OfEachRun; 9] = [
    ("the load was sent in time, 99 of 100 requests within 20 ms", late),
    (
        "the demo ended with 0: refused, rolled back, paged, reported",
        exit,
    ),
    (
        "check refused with the right path, line and name, else the twin with PHP's error at that line",
        refused,
    ),
    ("the blast radius of what check refused is not 0", blast_radius),
    ("no answer was mixed, none stale", mixed_or_stale),
    ("the page was accepted within 1000 ms of the first failure", page),
    ("its summary names the file and the line", summary),
    (
        "the report counts the requests that failed, all and no other",
        impact,
    ),
    ("its t0 lies within 50 ms of the first failed answer", t0),
];

/// All lines, held against all runs.
pub(super) fn claims(runs: &[Run]) -> Vec<Claim> {
    let of_each = OF_EACH_RUN.into_iter().map(|(text, instead)| Claim {
        text: format!("in every run {text}"),
        broken_by: runs
            .iter()
            .filter_map(|run| Some(format!("{}: {}", run.name(), instead(run)?)))
            .collect(),
    });
    let medians = [
        median(runs, "failed requests", FAILED_MEDIAN_MAX, |run| {
            Some(run.read.failed())
        }),
        median(
            runs,
            "milliseconds from the first to the last failed answer",
            SPAN_MEDIAN_MAX_MS,
            |run| run.read.forced.first_failed_to_last_failed_ms,
        ),
    ];
    of_each.chain([control(runs)]).chain(medians).collect()
}

/// The sweep after a switch may find a release before any visitor does; but not always.
fn control(runs: &[Run]) -> Claim {
    let nobody = |(_, its): &(String, Vec<&Run>)| its.iter().all(|run| run.read.forced.failed == 0);
    let untouched = groups(runs).into_iter().filter(nobody);
    Claim {
        text: "the control: on each site, with seeds and without, visitors did meet a release".into(),
        broken_by: untouched.map(|(title, _)| title).collect(),
    }
}

fn median(runs: &[Run], what: &str, most: f64, figure: impl Fn(&Run) -> Option<f64>) -> Claim {
    let over = |(title, its): (String, Vec<&Run>)| {
        let median = Spread::of(its.into_iter().filter_map(&figure))?.median;
        (median > most).then(|| format!("{title}: {median:.0}"))
    };
    Claim {
        text: format!("the median of {what} is {most:.0} at most on each site, with seeds and without"),
        broken_by: groups(runs).into_iter().filter_map(over).collect(),
    }
}

fn late(run: &Run) -> Option<String> {
    let forced = &run.read.forced;
    (!run.valid).then(|| format!("{} of {} late", forced.late_sends, forced.requests))
}

fn exit(run: &Run) -> Option<String> {
    (run.exit != Some(0)).then(|| format!("{:?}", run.exit))
}

fn refused(run: &Run) -> Option<String> {
    let (said, expected) = (&run.read.refused, &run.expected);
    let is_right = if expected.rule.is_some() {
        let names = expected.right.is_none() || said.suggestion == expected.right;
        let place = (said.path.as_deref(), said.line) == (Some(&expected.path), Some(expected.line));
        said.rule == expected.rule && place && names
    } else {
        let error = said.error.as_deref().unwrap_or_default();
        said.rule.is_none() && error.contains(&expected.place())
    };
    (said.exit != Some(1) || !is_right).then(|| format!("expected {expected:?}, got {said:?}"))
}

fn blast_radius(run: &Run) -> Option<String> {
    let said = &run.read.refused;
    let is_some = matches!(said.blast_radius, Some([reached, _]) if reached > 0);
    (said.rule.is_some() && !is_some).then(|| format!("{:?}", said.blast_radius))
}

fn mixed_or_stale(run: &Run) -> Option<String> {
    let forced = &run.read.forced;
    (forced.mixed + forced.stale > 0).then(|| format!("{} mixed, {} stale", forced.mixed, forced.stale))
}

fn page(run: &Run) -> Option<String> {
    let forced = &run.read.forced;
    match forced.first_failed_to_page_accepted_ms {
        Some(ms) if ms <= PAGE_MAX_MS => None,
        Some(ms) => Some(format!("{ms:.0} ms")),
        None if forced.failed == 0 && forced.page.is_some() => None,
        None => Some("no page".into()),
    }
}

fn summary(run: &Run) -> Option<String> {
    let said = run.read.summary();
    (!said.contains(&run.expected.place())).then(|| format!("{} is not in {said:?}", run.expected.place()))
}

fn impact(run: &Run) -> Option<String> {
    let (failed, counted) = (run.read.forced.failed, run.read.counted());
    (counted != Some(failed)).then(|| format!("{failed} failed, {counted:?} counted"))
}

fn t0(run: &Run) -> Option<String> {
    match (run.read.t0(), run.read.t0_off_ms()) {
        (None, None) if run.read.forced.failed == 0 => None,
        (_, Some(ms)) if ms <= T0_OFF_MAX_MS => None,
        (_, Some(ms)) => Some(format!("{ms:.1} ms")),
        (t0, None) => Some(format!("{} failed, t0 is {t0:?}", run.read.forced.failed)),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::super::demo::Demo;
    use super::super::expected::Expected;
    use super::super::{Run, Setting};
    use super::*;

    fn printed() -> Value {
        json!({
            "refused": { "exit": 1, "rule": "include-not-found", "path": "a.php", "line": 3, "suggestion": "b.php",
                "blast_radius": [2, 3], "error": null },
            "forced": { "requests": 2000, "affected_rps": 12.0, "failed": 4, "mixed": 0, "stale": 0, "late_sends": 0,
                "first_failed_at": "2026-11-22T06:40:00.010Z", "first_failed_to_last_failed_ms": 120.5,
                "first_failed_to_page_accepted_ms": 200.5,
                "page": { "payload": { "summary": "shop: a.php:3 names b.phpp" } } },
            "incident": { "impact": { "failed_requests": 4 },
                "times": { "t0_first_failed": "2026-11-22T06:40:00Z" } }
        })
    }

    fn run(demo: Value, exit: i32) -> Run {
        let read = Demo::deserialize(&demo).expect("well formed");
        Run {
            setting: Setting::Fixture,
            seed: Some(1),
            valid: read.is_valid(),
            exit: Some(exit),
            expected: Expected {
                kind: "suffix".into(),
                path: "a.php".into(),
                line: 3,
                rule: Some("include-not-found".into()),
                right: Some("b.php".into()),
            },
            demo,
            read,
        }
    }

    fn broken(run: Run) -> Vec<String> {
        let all = claims(&[run]);
        all.into_iter()
            .filter(|claim| !claim.holds())
            .map(|claim| claim.text)
            .collect()
    }

    /// With this one value in the object, this line and no other does not hold.
    #[track_caller]
    fn check(pointer: &str, value: Value, line: &str) {
        let mut demo = printed();
        *demo.pointer_mut(pointer).expect("it is there") = value;
        let broken = broken(run(demo, 0));
        assert!(
            matches!(&broken[..], [one] if one.contains(line)),
            "{pointer}: {broken:?}"
        );
    }

    #[test]
    fn a_good_run_keeps_every_line() {
        assert_eq!(broken(run(printed(), 0)), Vec::<String>::new());
    }

    #[test]
    fn each_line_breaks_by_its_own_figure() {
        assert_eq!(broken(run(printed(), 1)).len(), 1);
        check("/forced/late_sends", json!(21), "sent in time");
        check("/refused/exit", json!(0), "check refused");
        check("/refused/line", json!(4), "check refused");
        check("/refused/suggestion", json!("c.php"), "check refused");
        check("/refused/blast_radius", json!([0, 3]), "blast radius");
        check("/forced/mixed", json!(1), "mixed");
        check("/forced/stale", json!(1), "mixed");
        check(
            "/forced/first_failed_to_page_accepted_ms",
            json!(1000.5),
            "page was accepted",
        );
        check("/forced/page", Value::Null, "summary");
        check("/incident/impact/failed_requests", json!(5), "report counts");
        check("/incident/impact", Value::Null, "report counts");
        check(
            "/incident/times/t0_first_failed",
            json!("2026-11-22T06:40:00.061Z"),
            "t0",
        );
        check(
            "/forced/first_failed_to_last_failed_ms",
            json!(250.5),
            "first to the last",
        );
    }

    #[test]
    fn what_only_running_shows_is_refused_by_the_twin_with_the_place() {
        let mut demo = printed();
        demo["refused"] = json!({ "exit": 1, "error": "Uncaught Error: no (a.php:3)" });
        let mut at_run_time = run(demo.clone(), 0);
        at_run_time.expected.rule = None;
        assert_eq!(broken(at_run_time), Vec::<String>::new());
        demo["refused"]["error"] = json!("Uncaught Error: no (a.php:4)");
        let mut elsewhere = run(demo, 0);
        elsewhere.expected.rule = None;
        assert_eq!(broken(elsewhere).len(), 1);
    }

    #[test]
    fn a_release_that_no_visitor_met_has_no_t0_and_is_no_control() {
        let mut demo = printed();
        demo["forced"]["failed"] = json!(0);
        for figure in [
            "first_failed_at",
            "first_failed_to_last_failed_ms",
            "first_failed_to_page_accepted_ms",
        ] {
            demo["forced"][figure] = Value::Null;
        }
        demo["incident"]["impact"]["failed_requests"] = json!(0);
        assert_eq!(broken(run(demo.clone(), 0)).len(), 2, "t0, and the control");
        demo["incident"]["times"]["t0_first_failed"] = Value::Null;
        let broken = broken(run(demo, 0));
        assert!(
            matches!(&broken[..], [one] if one.contains("control")),
            "{broken:?}"
        );
    }

    #[test]
    fn more_failures_than_ten_break_the_median() {
        let mut demo = printed();
        demo["forced"]["failed"] = json!(11);
        demo["incident"]["impact"]["failed_requests"] = json!(11);
        assert_eq!(broken(run(demo, 0)).len(), 1);
    }
}
