//! The event log and the lease: SQLite and memory behind one port.
//!
//! Read in this order: [`chain`] (what makes a record what was written), [`lease`] (who may act, decided
//! without effects), [`memory`] and [`sqlite`] (the two implementations of each port), [`snapshot`] (the
//! fold, kept), [`replay`] (what the log says), [`journal`] (the one who writes).
//!
//! Invariants: what is acknowledged is on disk; records stand without a gap, each bound to the one before
//! by its hash; a snapshot is only a cache.

pub mod chain;
pub mod journal;
pub mod lease;
pub mod memory;
pub mod replay;
pub mod snapshot;
pub mod sqlite;

pub use journal::{Journal, JournalError, OpenJournalError, Parts, Writer};
pub use lease::{HostProcesses, Processes};
pub use memory::{MemoryLeases, MemoryLog, MemorySnapshots};
pub use replay::{ReplayError, View, replay, verify};
pub use snapshot::Snapshots;
pub use sqlite::{OpenError, SqliteLeases, SqliteLog};
