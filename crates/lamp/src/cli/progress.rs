//! Watching a deployment: what happens, as it happens. Whoever watches may go: nothing hangs on it.

use lamp_fleet::protocol::{Reply, Request};
use lamp_model::Event;
use lamp_model::event::{Outcome, Reason, Seq};
use lamp_model::gate::GateResult;
use lamp_model::plan::{Plan, PlanKind};
use serde::Serialize;

use super::args::Format;
use super::{Exit, gate, words};
use crate::call::{Call, beside};
use crate::errors::Trouble;
use crate::screen::{out, out_json, say};

/// Said when no release answered before: nobody meets this one before Apache knows of the store.
const FIRST_RELEASE: &str = "
     no release answered before: Apache knows of this one once it has the lines that `lamp apache lines` prints;
     if they are new, type now: apachectl configtest && apachectl graceful";

/// What `lamp deploy --format json` and `lamp rollback --format json` print at the end.
#[derive(Debug, Serialize)]
struct DeploymentV1<'a> {
    schema: u32,
    plan: &'a Plan,
    outcome: &'a Outcome,
    logged: bool,
    switch_micros: Option<u64>,
    /// What the gate said; `null`: it was not asked.
    gate: Option<&'a GateResult>,
    /// Why the release went though the gate was shut.
    overridden: Option<&'a str>,
}

/// What is remembered of what happened, for the end.
#[derive(Debug, Default)]
struct Remembered {
    switch_micros: Option<u64>,
    gate: Option<(Box<GateResult>, Option<String>)>,
}

impl Remembered {
    fn take(&mut self, event: &Event) {
        if let Event::Switched { switch_micros, .. } = event {
            self.switch_micros.get_or_insert(*switch_micros);
        } else if let Event::Gated {
            result, overridden, ..
        } = event
        {
            self.gate = Some((result.clone(), overridden.clone()));
        }
    }
}

/// What `--dry-run --format json` prints.
#[derive(Debug, Serialize)]
struct PlanV1<'a> {
    schema: u32,
    plan: &'a Plan,
}

/// Prints a plan that will not be executed.
pub fn show_plan(plan: &Plan, format: Format) -> Exit {
    match format {
        Format::Text => out(&words::plan(plan)),
        Format::Json => out_json(&PlanV1 { schema: 1, plan }),
    }
    Exit::Yes
}

/// Watches a plan under way to its end, and prints how it ended.
pub async fn watch(call: &Call, plan: &Plan, after: Seq, format: Format) -> Result<Exit, Trouble> {
    let deployment = plan.deployment.clone();
    say(&format!(
        "{deployment} is under way; the agent does it, whoever watches"
    ));
    let question = Request::Watch { deployment, after };
    let mut reply = call.ask(&question, &[]).await?;
    let mut remembered = Remembered::default();
    while let Reply::Happened { events, .. } = &reply {
        events.iter().for_each(|event| remembered.take(event));
        events
            .iter()
            .filter_map(|event| line(plan, event))
            .for_each(|line| say(&line));
        reply = call.next().await?;
    }
    let Reply::Ended { outcome, logged } = &reply else {
        return Err(beside(&reply));
    };
    print_end(
        format,
        &DeploymentV1 {
            schema: 1,
            plan,
            outcome,
            logged: *logged,
            switch_micros: remembered.switch_micros,
            gate: remembered.gate.as_ref().map(|(result, _)| &**result),
            overridden: remembered
                .gate
                .as_ref()
                .and_then(|(_, overridden)| overridden.as_deref()),
        },
    );
    Ok(exit(outcome))
}

const fn exit(outcome: &Outcome) -> Exit {
    match outcome {
        Outcome::Confirmed | Outcome::Tested => Exit::Yes,
        Outcome::WentBack { .. } | Outcome::NotSwitched { .. } | Outcome::Unproven { .. } => Exit::No,
    }
}

/// What is said of an event while it is watched, if anything.
fn line(plan: &Plan, event: &Event) -> Option<String> {
    match event {
        Event::StepStarted { index, .. } => {
            let step = plan.steps.get(usize::try_from(*index).ok()?)?;
            Some(format!(
                "{:>2}/{} {}",
                index + 1,
                plan.steps.len(),
                words::step(step)
            ))
        }
        Event::Switched {
            to, switch_micros, ..
        } => {
            let answers = to.as_ref().map_or("no release", |to| to.as_str());
            let took = words::micros(*switch_micros);
            let how = if to.as_ref() == Some(&plan.to) {
                "switched"
            } else {
                "went back"
            };
            let first = if plan.from.is_none() && to.is_some() {
                FIRST_RELEASE
            } else {
                ""
            };
            Some(format!("     {answers} answers; {how} in {took}{first}"))
        }
        Event::Gated {
            result, overridden, ..
        } => Some(format!("     {}", gate::line(result, overridden.as_deref()))),
        Event::Judged { verdict, .. } => Some(format!("     {}", words::verdict(verdict))),
        Event::WorkersEnded { ended, .. } => Some(format!("     {ended} stuck worker(s) ended")),
        Event::Recovered { impact, .. } => Some(format!("     {}", words::recovered(impact))),
        Event::LogOpened { .. }
        | Event::AgentStarted { .. }
        | Event::Planned { .. }
        | Event::StepDone { .. }
        | Event::Stored { .. }
        | Event::Armed { .. }
        | Event::Proven { .. }
        | Event::Ended { .. }
        | Event::Pruned { .. }
        | Event::Relieved { .. }
        | Event::IncidentOpened { .. }
        | Event::IncidentMitigated { .. }
        | Event::IncidentResolved { .. }
        | Event::Noted { .. }
        | Event::Acknowledged { .. }
        | Event::PageIntended { .. }
        | Event::PageSettled { .. } => None,
    }
}

fn print_end(format: Format, end: &DeploymentV1<'_>) {
    match format {
        Format::Json => out_json(end),
        Format::Text => out(&end_text(end.plan, end.outcome)),
    }
    if !end.logged {
        say("the event log does not hold this end yet: the agent writes it as soon as the log takes it");
    }
}

/// How it ended, why, and what to type next.
fn end_text(plan: &Plan, outcome: &Outcome) -> String {
    let (site, to) = (plan.deployment.site(), &plan.to);
    let before = plan.from.as_ref().map_or("no release", |from| from.as_str());
    match (outcome, plan.kind) {
        (Outcome::Tested, _) | (Outcome::Confirmed, PlanKind::Test) => {
            format!(
                "the gate is open for {to}: {site} was not touched\n  go: lamp deploy {site} --from the same source"
            )
        }
        (Outcome::Confirmed, PlanKind::Deploy) => {
            format!("{to} is live on {site} and proven good\n  back: lamp rollback {site}")
        }
        (Outcome::Confirmed, PlanKind::Rollback) => {
            format!("{site} is back on {to}\n  look: lamp status {site}")
        }
        (Outcome::WentBack { reason }, _) => format!(
            "{to} was live on {site} and went back: {before} answers again\n  because: {reason}\n  \
             look: lamp release show {site} {to}"
        ),
        (Outcome::Unproven { reason }, _) => format!(
            "{to} answers on {site} and could not be proven good\n  because: {reason}\n  \
             look: lamp status {site}"
        ),
        (
            Outcome::NotSwitched {
                reason: Reason::GateBlocked { blockers },
            },
            kind,
        ) => format!(
            "the gate is shut for {to}: {site} was not touched, {before} answers\n{}",
            gate::blocked(site, kind, blockers)
        ),
        (Outcome::NotSwitched { reason }, _) => format!(
            "{site} was not touched: {before} answers\n  because: {reason}\n  \
             again: the same command, when that is mended"
        ),
    }
}
