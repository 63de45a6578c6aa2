//! The fold, kept: where a start begins instead of at the first record.
//!
//! Invariant: only a cache. Without it, or with a bad one, everything is as before, only slower.

use lamp_model::port::{Answer, AppendError, ReadError};
use lamp_model::stored::Snapshot;

/// Where the last snapshot stands, beside the log.
pub trait Snapshots: Send + Sync {
    /// The last one; `None` if there is none that this binary can use.
    fn load(&self) -> Answer<'_, Option<Snapshot>, ReadError>;
    /// Puts `snapshot` in place of the last one.
    fn save(&self, snapshot: Snapshot) -> Answer<'_, (), AppendError>;
}
