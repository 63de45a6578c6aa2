//! Where incidents are read: from the agent; where none runs, root reads the log itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use lamp_fleet::protocol::{Refusal, Reply, Request};
use lamp_incident::report::excerpt;
use lamp_log::SqliteLog;
use lamp_model::World;
use lamp_model::event::{Entry, Seq};
use lamp_model::incident::{Incident, IncidentId};
use lamp_model::port::EventLog;

use crate::call::{Call, beside};
use crate::config::Config;
use crate::errors::agent::none_runs;
use crate::errors::{Trouble, log as told, refusal};

/// Records that are read at once.
const PAGE_RECORDS: usize = 500;

/// Incidents by their numbers.
pub(super) type Incidents = BTreeMap<IncidentId, Incident>;

/// Where they are read.
pub(super) enum Source {
    /// The agent.
    Agent(Box<Call>),
    /// The log of an agent that does not run.
    Log(Box<Reading>),
}

/// A log that nobody writes.
pub(super) struct Reading {
    wanted: &'static str,
    path: PathBuf,
    log: Option<SqliteLog>,
    world: Arc<World>,
}

impl Source {
    /// Opens it; `wanted` is what for, as in `list incidents`.
    pub(super) async fn open(config: &Config, wanted: &'static str) -> Result<Self, Trouble> {
        match Call::if_running(config, wanted).await? {
            Some(call) => Ok(Self::Agent(Box::new(call))),
            None if rustix::process::geteuid().is_root() => {
                let path = config.agent.state_dir.join("log.sqlite");
                Reading::open(path, wanted)
                    .await
                    .map(|reading| Self::Log(Box::new(reading)))
            }
            None => Err(none_runs(&config.agent.socket)),
        }
    }

    /// All of them, or the newest of very many.
    pub(super) async fn incidents(&self) -> Result<Incidents, Trouble> {
        match self {
            Self::Agent(call) => asked(call, None).await,
            Self::Log(reading) => Ok(reading.world.incidents.clone()),
        }
    }

    /// One.
    pub(super) async fn incident(&self, id: IncidentId) -> Result<Incident, Trouble> {
        match self {
            Self::Agent(call) => {
                let mut found = asked(call, Some(id)).await?;
                found.remove(&id).ok_or_else(|| no_such(self.wanted(), id, None))
            }
            Self::Log(reading) => {
                let incidents = &reading.world.incidents;
                let last = incidents.keys().next_back().copied();
                let found = incidents.get(&id).cloned();
                found.ok_or_else(|| no_such(self.wanted(), id, last))
            }
        }
    }

    /// What the log holds on one, in its order.
    pub(super) async fn entries(&self, id: IncidentId) -> Result<Vec<Entry>, Trouble> {
        let incident = self.incident(id).await?;
        let (mut entries, mut after) = (Vec::new(), Seq(0));
        loop {
            let (part, next) = match self {
                Self::Agent(call) => part(call, id, after).await?,
                Self::Log(reading) => reading.part(id, &incident, after).await?,
            };
            entries.extend(part);
            match next {
                // Whatever answers, this ends: a place that is no later was read already.
                Some(next) if next > after => after = next,
                Some(_) | None => return Ok(entries),
            }
        }
    }

    const fn wanted(&self) -> &'static str {
        match self {
            Self::Agent(_) => "find the incident",
            Self::Log(reading) => reading.wanted,
        }
    }
}

impl Reading {
    async fn open(path: PathBuf, wanted: &'static str) -> Result<Self, Trouble> {
        let (log, world) = if path.exists() {
            let log = SqliteLog::open_reading(&path).map_err(|error| told::unusable(&path, &error))?;
            let view = lamp_log::replay(&log, &log).await;
            let view = view.map_err(|error| told::unusable(&path, &error))?;
            (Some(log), view.world)
        } else {
            (None, Arc::default())
        };
        Ok(Self {
            wanted,
            path,
            log,
            world,
        })
    }

    async fn part(
        &self,
        id: IncidentId,
        incident: &Incident,
        after: Seq,
    ) -> Result<(Vec<Entry>, Option<Seq>), Trouble> {
        let Some(log) = &self.log else {
            return Ok((Vec::new(), None));
        };
        let page = log.read(after, PAGE_RECORDS).await;
        let page = page.map_err(|error| told::unusable(&self.path, &error))?;
        let next = page.last().map(|stored| stored.seq);
        let entries = page
            .into_iter()
            .filter_map(|stored| excerpt(stored, id, incident));
        Ok((entries.collect(), next))
    }
}

async fn asked(call: &Call, incident: Option<IncidentId>) -> Result<Incidents, Trouble> {
    let reply = call.ask(&Request::Incidents { incident }, &[]).await?;
    let Reply::Incidents { incidents } = reply else {
        return Err(beside(&reply));
    };
    Ok(incidents.into_iter().collect())
}

async fn part(call: &Call, incident: IncidentId, after: Seq) -> Result<(Vec<Entry>, Option<Seq>), Trouble> {
    let reply = call.ask(&Request::Records { incident, after }, &[]).await?;
    let Reply::Records { entries, next } = reply else {
        return Err(beside(&reply));
    };
    Ok((entries, next))
}

fn no_such(wanted: &str, incident: IncidentId, last: Option<IncidentId>) -> Trouble {
    refusal::told(wanted, &Refusal::NoSuchIncident { incident, last })
}
