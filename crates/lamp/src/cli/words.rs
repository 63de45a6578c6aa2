//! Sizes, times and plans in words.

use std::fmt::Write;

use jiff::Timestamp;
pub use lamp_model::evidence::bytes;
use lamp_model::evidence::{Impact, Verdict};
use lamp_model::plan::{GateScope, Plan, PlanKind, Step};

/// Microseconds for people.
pub fn micros(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// A moment for people, to the second, in UTC.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A plan, a line per step.
pub fn plan(plan: &Plan) -> String {
    let kind = match plan.kind {
        PlanKind::Deploy => "deploy",
        PlanKind::Rollback => "roll back to",
        PlanKind::Test => "test",
    };
    let from = plan.from.as_ref().map_or("nothing", |from| from.as_str());
    let mut text = format!("{}: {kind} {} (live now: {from})\n", plan.deployment, plan.to);
    for (index, planned) in plan.steps.iter().enumerate() {
        let _ = writeln!(text, "{:>3}. {}", index + 1, step(planned));
    }
    text
}

/// What the watcher concluded.
pub fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Bad { evidence } => format!(
            "judged bad: {} {}, and {}{}",
            evidence.path,
            evidence.answered,
            evidence.before(),
            evidence
                .hanging
                .map_or_else(String::new, |hanging| format!("; {hanging}"))
        ),
        Verdict::Hold { trouble } => format!("trouble, and nothing is switched for it: {trouble}"),
    }
}

/// That all is well again, and what it cost.
pub fn recovered(impact: &Impact) -> String {
    format!(
        "well again; {} of {} requests failed, of {} client(s)",
        impact.failed_requests, impact.requests, impact.failed_clients
    )
}

/// A step in words.
pub fn step(step: &Step) -> String {
    match step {
        Step::CheckDisk {
            needed_bytes,
            needed_inodes,
        } => format!(
            "check the disk: {} and {needed_inodes} inodes must be free",
            bytes(*needed_bytes)
        ),
        Step::Stage {
            release,
            shared_files,
            new_files,
            new_bytes,
        } => format!(
            "stage {release}: {shared_files} files shared, {new_files} new ({})",
            bytes(*new_bytes)
        ),
        Step::Seal { release } => format!("seal {release}: durable, immutable, named"),
        Step::Gate { release, scope, .. } => match scope {
            GateScope::Off => format!("no gate for {release}"),
            GateScope::Check => format!("gate: look at the code of {release}"),
            GateScope::Full => format!("gate: look at the code of {release}, rehearse it in a twin"),
        },
        Step::Verify { release } => format!("verify {release} against its manifest"),
        Step::Arm {
            back_to: Some(back_to),
        } => format!("arm: the way back to {back_to} is ready on disk"),
        Step::Arm { back_to: None } => "arm: the way back, to no release, is ready on disk".into(),
        Step::Switch { to } => format!("switch: {to} answers from here on"),
        Step::AwaitAnswer { within_millis, probe } => format!(
            "await, for {} at most, that {probe} is answered by it: no release answered before",
            micros(within_millis.saturating_mul(1000))
        ),
        Step::Bake { bake_millis, probes } => bake(*bake_millis, probes),
        Step::ProveWorkers {} => "prove from the access log that every worker has switched".into(),
        Step::Confirm { release } => format!("confirm {release}: proven good, the way back taken away"),
    }
}

fn bake(bake_millis: u64, probes: &[String]) -> String {
    let long = micros(bake_millis.saturating_mul(1000));
    if probes.is_empty() {
        return format!("bake for {long}, nothing to probe");
    }
    format!("bake for {long}, probing {}", probes.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_read_well() {
        for (value, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 KiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(bytes(value), text);
        }
        for (value, text) in [(7, "7 µs"), (1_500, "1.5 ms"), (2_000_000, "2.0 s")] {
            assert_eq!(micros(value), text);
        }
    }
}
