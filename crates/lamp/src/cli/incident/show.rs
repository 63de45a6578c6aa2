//! `lamp incident show N`.

use jiff::tz::TimeZone;
use lamp_model::incident::IncidentId;
use serde::Serialize;

use super::list::{IncidentV1, moment, state, view};
use super::source::Source;
use crate::cli::Exit;
use crate::cli::args::Format;
use crate::errors::Trouble;
use crate::screen::{out, out_json};

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct ShowV1 {
    schema: u32,
    incident: IncidentV1,
}

pub(super) async fn run(
    source: &Source,
    id: IncidentId,
    zone: &TimeZone,
    format: Format,
) -> Result<Exit, Trouble> {
    let incident = view(id, &source.incident(id).await?);
    match format {
        Format::Json => out_json(&ShowV1 { schema: 1, incident }),
        Format::Text => out(&text(&incident, zone)),
    }
    Ok(Exit::Yes)
}

fn text(one: &IncidentV1, zone: &TimeZone) -> String {
    let at = |at: Option<jiff::Timestamp>| at.map(|at| moment(at, zone));
    let met = one.failed_requests.map(|requests| {
        let visitors = one.failed_visitors.unwrap_or(0);
        format!("{requests} request(s) of {visitors} visitor(s) failed")
    });
    let rows = [
        ("state", Some(state(one.state).to_owned())),
        ("release", one.release.clone()),
        ("deployment", one.deployment.clone()),
        ("culprit", one.place.clone()),
        ("names", one.wrong_name.clone()),
        ("right name", one.right_name.clone()),
        ("error", one.error.clone()),
        ("commit", one.commit.clone()),
        ("gate overridden", one.overridden.clone()),
        ("first failure", at(one.first_failed_at)),
        ("noticed", at(Some(one.noticed_at))),
        ("opened", at(Some(one.opened_at))),
        ("mitigated", at(one.mitigated_at)),
        ("resolved", at(one.resolved_at)),
        ("visitors", met),
        ("pages told of", one.told.map(|told| state(told).to_owned())),
        ("report", Some(format!("lamp incident report {}", one.incident))),
    ];
    let known = rows.into_iter().filter_map(|(name, text)| Some((name, text?)));
    let lines = known.map(|(name, text)| format!("\n  {name:<15}  {text}"));
    format!(
        "incident {} of {}: {}{}",
        one.incident,
        one.site,
        one.title,
        lines.collect::<String>()
    )
}
