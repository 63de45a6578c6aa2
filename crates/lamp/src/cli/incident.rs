//! `lamp incident ...`: one file per verb; [`source`] is where they read, [`zone`] how they tell time.

mod list;
mod note;
mod report;
mod show;
mod source;
mod zone;

use lamp_model::incident::IncidentId;

use super::Exit;
use super::args::IncidentVerb;
use crate::config::Config;
use crate::errors::Trouble;
use source::Source;

/// Runs the verb.
pub async fn run(config: &Config, verb: &IncidentVerb) -> Result<Exit, Trouble> {
    match verb {
        IncidentVerb::List { site, tz, format } => {
            let zone = zone::named(tz.as_deref())?;
            let source = Source::open(config, "list incidents").await?;
            list::run(&source, site.as_ref(), &zone, *format).await
        }
        IncidentVerb::Show { number, tz, format } => {
            let zone = zone::named(tz.as_deref())?;
            let source = Source::open(config, "show an incident").await?;
            show::run(&source, IncidentId(*number), &zone, *format).await
        }
        IncidentVerb::Ack { number, who, at, tz } => {
            let word = note::Word {
                incident: IncidentId(*number),
                says: note::Says::SeesToIt(who.as_ref()),
                at: at.as_deref(),
                zone: &zone::named(tz.as_deref())?,
            };
            note::run(config, word).await
        }
        IncidentVerb::Note { number, text, at, tz } => {
            let word = note::Word {
                incident: IncidentId(*number),
                says: note::Says::Something(text),
                at: at.as_deref(),
                zone: &zone::named(tz.as_deref())?,
            };
            note::run(config, word).await
        }
        IncidentVerb::Report { number, tz, format } => {
            let zone = zone::named(tz.as_deref())?;
            let source = Source::open(config, "write a report").await?;
            let report = report::of(&source, config, IncidentId(*number), &zone).await?;
            report::print(&report, &zone, *format);
            Ok(Exit::Yes)
        }
    }
}
