//! Incidents: which there are, what the log holds on one, and what a person adds.

use jiff::Timestamp;
use lamp_fleet::protocol::{Refusal, Reply};
use lamp_incident::report::excerpt;
use lamp_model::Event;
use lamp_model::event::{Actor, Seq};
use lamp_model::incident::{Incident, IncidentId, NoteText, PersonName};

use super::Session;
use super::verbs::Answered;

/// Most incidents that one answer names.
const INCIDENTS_MAX: usize = 500;
/// Most records that are looked through for one answer.
const LOOKED_THROUGH_MAX: usize = 500;

/// What a person writes down.
pub(super) struct Note {
    pub(super) incident: IncidentId,
    pub(super) happened_at: Timestamp,
    pub(super) text: NoteText,
}

/// That somebody sees to an incident.
pub(super) struct Taken {
    pub(super) incident: IncidentId,
    pub(super) happened_at: Timestamp,
    pub(super) who: Option<PersonName>,
}

impl Session {
    /// One, or the newest.
    pub(super) fn incidents(&self, wanted: Option<IncidentId>) -> Answered {
        let world = self.shared.tools.ledger.journal.world();
        let incidents = match wanted {
            Some(id) => vec![(id, self.incident(id)?)],
            None => {
                let newest = world.incidents.iter().rev().take(INCIDENTS_MAX);
                newest.map(|(id, incident)| (*id, incident.clone())).collect()
            }
        };
        Ok(Reply::Incidents { incidents })
    }

    /// The next part of what the log holds on an incident.
    pub(super) async fn records(&self, id: IncidentId, after: Seq) -> Answered {
        let incident = self.incident(id)?;
        let page = self.shared.tools.ledger.log.read(after, LOOKED_THROUGH_MAX).await;
        let page = page.map_err(|error| Refusal::LogUnavailable {
            why: error.to_string(),
        })?;
        let last = page.last().map(|stored| stored.seq);
        let next = last.filter(|_| page.len() == LOOKED_THROUGH_MAX);
        let entries = page
            .into_iter()
            .filter_map(|stored| excerpt(stored, id, &incident));
        Ok(Reply::Records {
            entries: entries.collect(),
            next,
        })
    }

    /// Writes it down.
    pub(super) async fn note(&self, note: Note, by: &Actor) -> Answered {
        let noted = Event::Noted {
            incident: note.incident,
            happened_at: note.happened_at,
            text: note.text.into(),
            by: by.clone(),
        };
        self.write_of(note.incident, noted).await
    }

    /// Writes down that somebody sees to it.
    pub(super) async fn acknowledge(&self, taken: Taken, by: &Actor) -> Answered {
        let acknowledged = Event::Acknowledged {
            incident: taken.incident,
            happened_at: taken.happened_at,
            who: taken.who.map(Into::into),
            by: by.clone(),
        };
        self.write_of(taken.incident, acknowledged).await
    }

    async fn write_of(&self, incident: IncidentId, event: Event) -> Answered {
        self.incident(incident)?;
        let written = self.shared.tools.ledger.append(vec![event]).await;
        let seq = written.map_err(|error| Refusal::LogUnavailable {
            why: error.to_string(),
        })?;
        Ok(Reply::Noted { seq })
    }

    fn incident(&self, id: IncidentId) -> Result<Incident, Refusal> {
        let world = self.shared.tools.ledger.journal.world();
        let found = world.incidents.get(&id).cloned();
        found.ok_or_else(|| Refusal::NoSuchIncident {
            incident: id,
            last: world.incidents.keys().next_back().copied(),
        })
    }
}
