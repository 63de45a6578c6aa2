//! `lamp incident report N [--tz ZONE] [--format text|md|json]`.

use jiff::tz::TimeZone;
use lamp_incident::report::{render, report};
use lamp_model::incident::IncidentId;

use super::source::Source;
use crate::cli::Exit;
use crate::cli::args::ReportFormat;
use crate::errors::{Kind, Trouble};
use crate::screen::{out, out_json};

pub(super) async fn run(
    source: &Source,
    id: IncidentId,
    zone: &TimeZone,
    format: ReportFormat,
) -> Result<Exit, Trouble> {
    let entries = source.entries(id).await?;
    let report = report(&entries, id, zone).map_err(|error| {
        let way_out = "please report this: the incident is known, and its records are not";
        Trouble::new(Kind::Bug, "write the report", &error, way_out)
    })?;
    match format {
        ReportFormat::Text => out(&render::text(&report, zone)),
        ReportFormat::Md => out(&render::markdown(&report, zone)),
        ReportFormat::Json => out_json(&report),
    }
    Ok(Exit::Yes)
}
