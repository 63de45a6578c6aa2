//! What others implement: the event log, the lease, the switch.
//!
//! Each has one contract suite in `lamp-testkit`, and every implementation passes it.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::BootTime;
use crate::event::{Record, Seq};
use crate::name::ReleaseId;
use crate::stored::Stored;
use crate::tree::Hash;

/// A future that a port answers with.
pub type Answer<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Where the log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last record's place; 0 in an empty log.
    pub seq: Seq,
    /// The last record's chain hash; [`Hash::ZERO`] in an empty log.
    pub hash: Hash,
}

/// Why a record was not appended, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Someone else appended first: the caller is not, or no longer, the one who writes.
    #[error("the log's head is {head}, not where this writer left it: another writer holds the log")]
    Conflict {
        /// Where the log ends now.
        head: Seq,
    },
    /// It may stand in the log or not: read the tail and look for the record's id.
    #[error("it is not known whether the record was written")]
    Unknown,
    /// It was not written.
    #[error("the log cannot be written: {why}")]
    Unavailable {
        /// What is wrong, and where.
        why: String,
    },
}

/// Why the log cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not now.
    #[error("the log cannot be read: {why}")]
    Unavailable {
        /// What is wrong, and where.
        why: String,
    },
    /// What stands there is not what was written.
    #[error("record {seq} of the log is not what was written: {why}")]
    Broken {
        /// The first bad place.
        seq: Seq,
        /// What is wrong with it.
        why: String,
    },
}

/// The one log of what happened: appended to by one writer at a time, durable once acknowledged.
pub trait EventLog: Send + Sync {
    /// Appends `record` behind `expect`, the head as the caller knows it, and answers its place.
    fn append(&self, expect: Seq, record: Record) -> Answer<'_, Seq, AppendError>;
    /// At most `limit` records behind `after`, in order, their chain verified.
    fn read(&self, after: Seq, limit: usize) -> Answer<'_, Vec<Stored>, ReadError>;
    /// Where the log ends.
    fn head(&self) -> Answer<'_, Head, ReadError>;
}

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// What it is held for, in words, as in `shop-12`.
    pub purpose: String,
    /// The process.
    pub pid: i32,
}

/// A lease that was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What is leased, as in `site/shop`.
    pub name: String,
    /// To whom.
    pub holder: Holder,
    /// Counts the grants of this name, from 1; a later holder has a higher one.
    pub epoch: u64,
    /// Since when.
    pub granted: BootTime,
    /// Until when, unless renewed; another boot means: over.
    pub expires: BootTime,
}

/// Why a lease was not granted or renewed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Another holds it, and lives.
    #[error("{} holds {} (pid {})", by.holder.purpose, by.name, by.holder.pid)]
    Held {
        /// That grant.
        by: Box<Grant>,
    },
    /// It expired and another took it.
    #[error("the lease on {name} is lost")]
    Lost {
        /// What was leased.
        name: String,
    },
    /// The store of leases does not answer.
    #[error("the leases cannot be reached: {why}")]
    Unavailable {
        /// What is wrong, and where.
        why: String,
    },
}

/// Keeps two holders of one name apart, and is never stale: a heartbeat renews it, time ends it.
pub trait Leases: Send + Sync {
    /// Takes `name` for `ttl` from `now` unless another holds it.
    fn acquire(
        &self,
        name: &str,
        holder: Holder,
        ttl: Duration,
        now: BootTime,
    ) -> Answer<'_, Grant, LeaseError>;
    /// The heartbeat: the same lease, for `ttl` from `now`.
    fn renew(&self, grant: &Grant, ttl: Duration, now: BootTime) -> Answer<'_, Grant, LeaseError>;
    /// Gives it up. Giving up what is lost is no error.
    fn release(&self, grant: &Grant) -> Answer<'_, (), LeaseError>;
    /// Who holds `name` at `now`, if anyone.
    fn holder(&self, name: &str, now: BootTime) -> Answer<'_, Option<Grant>, LeaseError>;
}

/// What `current` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// Nothing: the link is not there.
    Nothing,
    /// This release answers.
    Release(ReleaseId),
    /// The link names no release of this store; Apache then answers from the last good one.
    Invalid(String),
}

/// The one place where what answers requests changes.
pub trait Switch: Send {
    /// Why it could not be read or changed.
    type Error;
    /// What answers now.
    fn live(&self) -> Result<Live, Self::Error>;
    /// From here on `to` answers, durably; `None`: no release does.
    fn switch(&self, to: Option<&ReleaseId>) -> Result<(), Self::Error>;
}
