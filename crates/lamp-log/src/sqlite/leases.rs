//! The table `lease`: one row per name, decided by [`crate::lease`] inside one transaction.
//!
//! A commit whose result is not known answers `Unavailable`: if it was granted all the same, it ends by
//! time like any other.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lamp_model::clock::BootTime;
use lamp_model::port::{Answer, Grant, Holder, LeaseError, Leases, ReadError};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};

use super::SqliteLog;
use super::explain::explain;
use super::rows::{as_i64, as_u64};
use crate::lease::{self, Entry, Processes, Request};

/// The leases that stand in a log's file.
#[derive(Clone)]
pub struct SqliteLeases {
    log: Arc<SqliteLog>,
    processes: Arc<dyn Processes>,
}

impl SqliteLeases {
    /// The leases in `log`'s file; `processes` is asked whether a holder lives.
    pub fn new(log: Arc<SqliteLog>, processes: Arc<dyn Processes>) -> Self {
        Self { log, processes }
    }

    /// Reads the entry of `name`, lets `decide` choose the next one, and keeps that. Answers the next one.
    async fn change<F>(&self, name: String, decide: F) -> Result<Option<Entry>, LeaseError>
    where
        F: FnOnce(Option<&Entry>) -> Result<Option<Entry>, LeaseError> + Send + 'static,
    {
        let path = self.log.path.clone();
        let writer = self.log.writer().map_err(|why| LeaseError::Unavailable { why })?;
        let changed = writer
            .call(move |connection| change(connection, &path, &name, decide))
            .await;
        changed.unwrap_or_else(|_| {
            Err(LeaseError::Unavailable {
                why: format!("{}: its writing thread has ended", self.log.path.display()),
            })
        })
    }
}

impl Leases for SqliteLeases {
    fn acquire(
        &self,
        name: &str,
        holder: Holder,
        ttl: Duration,
        now: BootTime,
    ) -> Answer<'_, Grant, LeaseError> {
        let name = name.to_owned();
        let processes = Arc::clone(&self.processes);
        Box::pin(async move {
            let request = Request {
                name: name.clone(),
                holder,
                ttl,
                now,
            };
            let decide =
                move |current: Option<&Entry>| lease::acquire(current, request, processes.as_ref()).map(Some);
            granted(self.change(name.clone(), decide).await?, name)
        })
    }

    fn renew(&self, grant: &Grant, ttl: Duration, now: BootTime) -> Answer<'_, Grant, LeaseError> {
        let (name, grant) = (grant.name.clone(), grant.clone());
        Box::pin(async move {
            let decide = move |current: Option<&Entry>| lease::renew(current, &grant, ttl, &now).map(Some);
            granted(self.change(name.clone(), decide).await?, name)
        })
    }

    fn release(&self, grant: &Grant) -> Answer<'_, (), LeaseError> {
        let grant = grant.clone();
        Box::pin(async move {
            let name = grant.name.clone();
            let decide = move |current: Option<&Entry>| Ok(lease::release(current, &grant));
            self.change(name, decide).await.map(drop)
        })
    }

    fn holder(&self, name: &str, now: BootTime) -> Answer<'_, Option<Grant>, LeaseError> {
        let name = name.to_owned();
        let processes = Arc::clone(&self.processes);
        Box::pin(async move {
            let entry = self.log.reading(move |reader| {
                load(reader.connection, &name).map_err(|error| ReadError::Unavailable {
                    why: explain(reader.path, &error),
                })
            });
            let entry = entry.await.map_err(|error| LeaseError::Unavailable {
                why: error.to_string(),
            })?;
            Ok(entry.and_then(|entry| entry.held(&now, processes.as_ref()).cloned()))
        })
    }
}

/// Acquiring and renewing always leave an entry.
fn granted(entry: Option<Entry>, name: String) -> Result<Grant, LeaseError> {
    entry.map(|entry| entry.grant).ok_or(LeaseError::Lost { name })
}

fn change<F>(
    connection: &mut Connection,
    path: &Path,
    name: &str,
    decide: F,
) -> Result<Option<Entry>, LeaseError>
where
    F: FnOnce(Option<&Entry>) -> Result<Option<Entry>, LeaseError>,
{
    let failed = |error: rusqlite::Error| LeaseError::Unavailable {
        why: explain(path, &error),
    };
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let next = decide(load(&transaction, name).map_err(failed)?.as_ref())?;
    if let Some(entry) = &next {
        keep(&transaction, entry).map_err(failed)?;
    }
    transaction.commit().map_err(failed)?;
    Ok(next)
}

fn load(connection: &Connection, name: &str) -> rusqlite::Result<Option<Entry>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, epoch, purpose, pid, boot_id, granted, expires, given_up FROM lease WHERE name = ?1",
    )?;
    statement.query_row([name], entry).optional()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let at = |nanos: i64| -> rusqlite::Result<BootTime> {
        Ok(BootTime {
            boot_id: row.get(4)?,
            nanos: as_u64(nanos),
        })
    };
    Ok(Entry {
        grant: Grant {
            name: row.get(0)?,
            epoch: as_u64(row.get(1)?),
            holder: Holder {
                purpose: row.get(2)?,
                pid: row.get(3)?,
            },
            granted: at(row.get(5)?)?,
            expires: at(row.get(6)?)?,
        },
        given_up: row.get(7)?,
    })
}

/// A grant's two times are of one boot: [`lease::renew`] refuses another.
fn keep(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let grant = &entry.grant;
    connection.execute(
        "INSERT OR REPLACE INTO lease (name, epoch, purpose, pid, boot_id, granted, expires, given_up)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            &grant.name,
            as_i64(grant.epoch),
            &grant.holder.purpose,
            grant.holder.pid,
            &grant.expires.boot_id,
            as_i64(grant.granted.nanos),
            as_i64(grant.expires.nanos),
            entry.given_up,
        ),
    )?;
    Ok(())
}
