//! The log, the leases and the snapshot in memory: for tests, and for what need not outlive the process.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lamp_model::clock::BootTime;
use lamp_model::event::{Record, RecordId, Seq};
use lamp_model::port::{Answer, AppendError, EventLog, Grant, Head, Holder, LeaseError, Leases, ReadError};
use lamp_model::stored::{Snapshot, Stored, VERSION, encode};

use crate::chain::{self, Raw};
use crate::lease::{self, Entry, Processes, Request};
use crate::snapshot::Snapshots;

/// An event log in memory. Clones are the same log.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog(Arc<Mutex<Records>>);

#[derive(Debug, Default)]
struct Records {
    raws: Vec<Raw>,
    ids: HashSet<RecordId>,
}

impl Records {
    fn head(&self) -> Head {
        self.raws.last().map_or(chain::EMPTY, |last| Head {
            seq: last.seq,
            hash: last.hash,
        })
    }

    fn append(&mut self, expect: Seq, record: &Record) -> Result<Seq, AppendError> {
        let head = self.head();
        if head.seq != expect || !self.ids.insert(record.id) {
            return Err(AppendError::Conflict { head: head.seq });
        }
        let (seq, body) = (expect.next(), encode(record));
        self.raws.push(Raw {
            seq,
            id: record.id,
            version: VERSION,
            hash: chain::link(&head.hash, seq, record.id, VERSION, &body),
            body,
        });
        Ok(seq)
    }

    fn read(&self, after: Seq, limit: usize) -> Result<Vec<Stored>, ReadError> {
        let skipped = usize::try_from(after.0).unwrap_or(usize::MAX);
        let before = match skipped.checked_sub(1).map(|last| self.raws.get(last)) {
            None => chain::EMPTY,
            Some(None) => return Ok(Vec::new()),
            Some(Some(last)) => Head {
                seq: last.seq,
                hash: last.hash,
            },
        };
        chain::verify_all(before, self.raws[skipped..].iter().take(limit).cloned())
    }
}

/// Nothing that holds the lock can be interrupted half-way: a poisoned one guards whole contents.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EventLog for MemoryLog {
    fn append(&self, expect: Seq, record: Record) -> Answer<'_, Seq, AppendError> {
        let appended = lock(&self.0).append(expect, &record);
        Box::pin(async { appended })
    }

    fn read(&self, after: Seq, limit: usize) -> Answer<'_, Vec<Stored>, ReadError> {
        Box::pin(async move { lock(&self.0).read(after, limit) })
    }

    fn head(&self) -> Answer<'_, Head, ReadError> {
        Box::pin(async { Ok(lock(&self.0).head()) })
    }
}

/// A snapshot in memory. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct MemorySnapshots(Arc<Mutex<Option<Snapshot>>>);

impl Snapshots for MemorySnapshots {
    fn load(&self) -> Answer<'_, Option<Snapshot>, ReadError> {
        Box::pin(async { Ok(lock(&self.0).clone()) })
    }

    fn save(&self, snapshot: Snapshot) -> Answer<'_, (), AppendError> {
        Box::pin(async {
            *lock(&self.0) = Some(snapshot);
            Ok(())
        })
    }
}

/// Leases in memory. Clones are the same store.
#[derive(Clone)]
pub struct MemoryLeases {
    entries: Arc<Mutex<BTreeMap<String, Entry>>>,
    processes: Arc<dyn Processes>,
}

impl MemoryLeases {
    /// An empty store, which asks `processes` whether a holder lives.
    pub fn new(processes: Arc<dyn Processes>) -> Self {
        Self {
            entries: Arc::default(),
            processes,
        }
    }

    fn acquire_now(&self, request: Request) -> Result<Grant, LeaseError> {
        let mut entries = lock(&self.entries);
        let name = request.name.clone();
        let entry = lease::acquire(entries.get(&name), request, self.processes.as_ref())?;
        let grant = entry.grant.clone();
        entries.insert(name, entry);
        Ok(grant)
    }

    fn renew_now(&self, grant: &Grant, ttl: Duration, now: &BootTime) -> Result<Grant, LeaseError> {
        let mut entries = lock(&self.entries);
        let entry = lease::renew(entries.get(&grant.name), grant, ttl, now)?;
        let renewed = entry.grant.clone();
        entries.insert(grant.name.clone(), entry);
        Ok(renewed)
    }

    fn release_now(&self, grant: &Grant) {
        let mut entries = lock(&self.entries);
        if let Some(entry) = lease::release(entries.get(&grant.name), grant) {
            entries.insert(grant.name.clone(), entry);
        }
    }
}

impl Leases for MemoryLeases {
    fn acquire(
        &self,
        name: &str,
        holder: Holder,
        ttl: Duration,
        now: BootTime,
    ) -> Answer<'_, Grant, LeaseError> {
        let name = name.to_owned();
        let request = Request {
            name,
            holder,
            ttl,
            now,
        };
        Box::pin(async { self.acquire_now(request) })
    }

    fn renew(&self, grant: &Grant, ttl: Duration, now: BootTime) -> Answer<'_, Grant, LeaseError> {
        let grant = grant.clone();
        Box::pin(async move { self.renew_now(&grant, ttl, &now) })
    }

    fn release(&self, grant: &Grant) -> Answer<'_, (), LeaseError> {
        let grant = grant.clone();
        Box::pin(async move {
            self.release_now(&grant);
            Ok(())
        })
    }

    fn holder(&self, name: &str, now: BootTime) -> Answer<'_, Option<Grant>, LeaseError> {
        let name = name.to_owned();
        Box::pin(async move {
            let entries = lock(&self.entries);
            let held = entries
                .get(&name)
                .and_then(|entry| entry.held(&now, self.processes.as_ref()));
            Ok(held.cloned())
        })
    }
}
