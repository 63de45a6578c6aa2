//! `lamp incident note N TEXT` and `lamp incident ack N`, each `[--at TIME]`: what a person adds.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lamp_agent::clock::SystemClock;
use lamp_fleet::protocol::{Reply, Request};
use lamp_model::clock::Clock;
use lamp_model::incident::{IncidentId, NoteText, PersonName};

use super::list::moment;
use super::zone;
use crate::call::{Call, beside};
use crate::cli::Exit;
use crate::config::Config;
use crate::errors::{Trouble, log as told};
use crate::screen::say;

/// What a person says of an incident.
#[derive(Clone, Copy)]
pub(super) enum Says<'a> {
    Something(&'a NoteText),
    SeesToIt(Option<&'a PersonName>),
}

/// What is to be written down.
pub(super) struct Word<'a> {
    pub(super) incident: IncidentId,
    pub(super) says: Says<'a>,
    pub(super) at: Option<&'a str>,
    pub(super) zone: &'a TimeZone,
}

pub(super) async fn run(config: &Config, word: Word<'_>) -> Result<Exit, Trouble> {
    let happened_at = happened_at(&word)?;
    let call = Call::running(config, "write it down").await?;
    let reply = call.ask(&word.request(happened_at), &[]).await?;
    let Reply::Noted { seq } = reply else {
        return Err(beside(&reply));
    };
    let (incident, at) = (word.incident, moment(happened_at, word.zone));
    say(&format!(
        "written down for {at} (record {seq}); `lamp incident report {incident}` shows it"
    ));
    Ok(Exit::Yes)
}

impl Word<'_> {
    fn request(&self, happened_at: Timestamp) -> Request {
        let incident = self.incident;
        match self.says {
            Says::Something(text) => Request::Note {
                incident,
                happened_at,
                text: text.clone(),
            },
            Says::SeesToIt(who) => Request::Acknowledge {
                incident,
                happened_at,
                who: who.cloned(),
            },
        }
    }
}

fn happened_at(word: &Word<'_>) -> Result<Timestamp, Trouble> {
    let clock = SystemClock::new().map_err(|error| told::no_clock(&error))?;
    let now = clock.now();
    match word.at {
        Some(text) => zone::moment(text, &now.to_zoned(word.zone.clone())),
        None => Ok(now),
    }
}
