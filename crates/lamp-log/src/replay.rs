//! What the log says: the fold of its records, from the snapshot on if there is a good one.

use std::sync::Arc;

use lamp_model::World;
use lamp_model::event::Seq;
use lamp_model::port::{EventLog, Head, ReadError};
use lamp_model::state::IllegalTransition;
use lamp_model::stored::{Snapshot, Stored};

use crate::chain;
use crate::snapshot::Snapshots;

/// Records that are read at once.
const PAGE_RECORDS: usize = 1_000;

/// The world as of one place in the log. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The last record that is folded in.
    pub seq: Seq,
    /// What the log says up to there.
    pub world: Arc<World>,
}

/// Why the log does not say anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read, or is not what was written.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record stands there that this lamp would never have written.
    #[error("record {seq} of the log says what cannot be: {source}")]
    Refused {
        /// Its place.
        seq: Seq,
        /// What stands against it.
        source: IllegalTransition,
    },
}

/// What the log says now. Verifies the chain from the snapshot on; [`verify`] verifies all of it.
pub async fn replay(log: &dyn EventLog, snapshots: &dyn Snapshots) -> Result<View, ReplayError> {
    let (mut seq, mut world) = match start(log, snapshots).await {
        Some(snapshot) => (snapshot.head.seq, snapshot.world),
        None => (Seq(0), World::default()),
    };
    loop {
        let page = log.read(seq, PAGE_RECORDS).await?;
        let Some(last) = page.last().map(|stored| stored.seq) else {
            let world = Arc::new(world);
            return Ok(View { seq, world });
        };
        world = page.iter().try_fold(world, fold)?;
        seq = last;
    }
}

/// The world after one more record.
pub(crate) fn fold(world: World, stored: &Stored) -> Result<World, ReplayError> {
    let at = stored.record.at;
    let folded = stored
        .record
        .events
        .iter()
        .try_fold(world, |world, event| world.apply(at, event));
    folded.map_err(|source| ReplayError::Refused {
        seq: stored.seq,
        source,
    })
}

/// The snapshot, if it is one of this very log.
async fn start(log: &dyn EventLog, snapshots: &dyn Snapshots) -> Option<Snapshot> {
    let loaded = snapshots.load().await;
    let snapshot = loaded.unwrap_or_else(|error| {
        tracing::warn!(%error, "snapshot ignored");
        None
    })?;
    if stands_at(log, snapshot.head).await {
        return Some(snapshot);
    }
    tracing::warn!(seq = %snapshot.head.seq, "snapshot of another log ignored");
    None
}

async fn stands_at(log: &dyn EventLog, head: Head) -> bool {
    let Some(before) = head.seq.0.checked_sub(1) else {
        return false;
    };
    let read = log.read(Seq(before), 1).await.unwrap_or_default();
    read.first().is_some_and(|stored| stored.hash == head.hash)
}

/// Verifies the whole chain, and answers its head. The error names the first broken record.
pub async fn verify(log: &dyn EventLog) -> Result<Head, ReadError> {
    let mut head = chain::EMPTY;
    loop {
        let page = log.read(head.seq, PAGE_RECORDS).await?;
        let Some(last) = page.last() else {
            return Ok(head);
        };
        head = Head {
            seq: last.seq,
            hash: last.hash,
        };
    }
}
