//! `lamp incident report N [--tz ZONE] [--format text|md|json]`.

use jiff::tz::TimeZone;
use lamp_incident::report::{Report, render, report};
use lamp_model::incident::IncidentId;

use super::source::Source;
use crate::cli::args::ReportFormat;
use crate::config::Config;
use crate::errors::{Kind, Trouble};
use crate::screen::{out, out_json};

/// The report; the site's keeper stands in the configuration.
pub(super) async fn of(
    source: &Source,
    config: &Config,
    id: IncidentId,
    zone: &TimeZone,
) -> Result<Report, Trouble> {
    let entries = source.entries(id).await?;
    let report = report(&entries, id, zone).map_err(|error| {
        let way_out = "please report this: the incident is known, and its records are not";
        Trouble::new(Kind::Bug, "write the report", &error, way_out)
    })?;
    let site = config.sites.get(&report.site);
    Ok(report.of_site_of(site.and_then(|site| site.owner.as_ref())))
}

/// Prints it.
pub(super) fn print(report: &Report, zone: &TimeZone, format: ReportFormat) {
    match format {
        ReportFormat::Text => out(&render::text(report, zone)),
        ReportFormat::Md => out(&render::markdown(report, zone)),
        ReportFormat::Json => out_json(report),
    }
}
