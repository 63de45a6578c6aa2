//! `lamp incident note N TEXT [--at TIME]`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lamp_agent::clock::SystemClock;
use lamp_fleet::protocol::{Reply, Request};
use lamp_model::clock::Clock;
use lamp_model::incident::{IncidentId, NoteText};

use super::list::moment;
use super::zone;
use crate::call::{Call, beside};
use crate::cli::Exit;
use crate::config::Config;
use crate::errors::{Trouble, log as told};
use crate::screen::say;

/// What is to be written down.
pub(super) struct Note<'a> {
    pub(super) incident: IncidentId,
    pub(super) text: &'a NoteText,
    pub(super) at: Option<&'a str>,
    pub(super) zone: &'a TimeZone,
}

pub(super) async fn run(config: &Config, note: Note<'_>) -> Result<Exit, Trouble> {
    let happened_at = happened_at(&note)?;
    let call = Call::running(config, "write the note down").await?;
    let question = Request::Note {
        incident: note.incident,
        happened_at,
        text: note.text.clone(),
    };
    let reply = call.ask(&question, &[]).await?;
    let Reply::Noted { seq } = reply else {
        return Err(beside(&reply));
    };
    let (incident, at) = (note.incident, moment(happened_at, note.zone));
    say(&format!(
        "written down for {at} (record {seq}); `lamp incident report {incident}` shows it"
    ));
    Ok(Exit::Yes)
}

fn happened_at(note: &Note<'_>) -> Result<Timestamp, Trouble> {
    let clock = SystemClock::new().map_err(|error| told::no_clock(&error))?;
    let now = clock.now();
    match note.at {
        Some(text) => zone::moment(text, &now.to_zoned(note.zone.clone())),
        None => Ok(now),
    }
}
