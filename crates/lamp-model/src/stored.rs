//! How a record stands on disk: a version, and one JSON text per record.
//!
//! An older binary refuses a newer version and says so; a newer one reads every older version
//! (`fixtures/event-log/` at the root keeps one log of each). A [`Snapshot`] is no history, only a cache of the
//! fold: any other version of it is thrown away.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{Event, Record, RecordId, Seq};
use crate::port::Head;
use crate::state::World;
use crate::tree::Hash;

/// The version that this binary writes. Version 2 knows gates, verdicts, incidents and pages; what version 1 knew
/// reads as it did. Version 3 knows the disks and the certificate of a site, who sees to an
/// incident, and workers that were ended. Version 4 knows what a rehearsal showed of includes that the check could not
/// follow.
pub const VERSION: u32 = 4;

/// The version of the fold and of [`World`]'s fields. To be raised with every change of either, so that no
/// snapshot of the fold before is taken for what this one would say.
pub const SNAPSHOT_VERSION: u32 = 6;

/// A record as it was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its place.
    pub seq: Seq,
    /// What was appended.
    pub record: Record,
    /// The chain's hash up to and with this record.
    pub hash: Hash,
}

/// Why a text is no record of this or an older version.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer `lamp`.
    #[error(
        "the record is of version {found}, and this lamp reads up to {VERSION}: use the newer lamp that wrote it"
    )]
    Newer {
        /// Its version.
        found: u32,
    },
    /// No record at all.
    #[error("not a record of version {version}")]
    Malformed {
        /// The version that it says it has.
        version: u32,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// Versions 1 to 3 of a record's body: they differ in the events that there are. The id stands beside it, in its own column.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    epoch: u64,
    at: Timestamp,
    events: Vec<Event>,
}

/// The body of a record in the version that this binary writes.
pub fn encode(record: &Record) -> String {
    let body = Body {
        epoch: record.epoch,
        at: record.at,
        events: record.events.clone(),
    };
    serde_json::to_string(&body).expect("a record has text keys only and no fallible serializer")
}

/// Reads a body of any version up to [`VERSION`].
pub fn decode(version: u32, id: RecordId, body: &str) -> Result<Record, DecodeError> {
    if version > VERSION {
        return Err(DecodeError::Newer { found: version });
    }
    let body: Body =
        serde_json::from_str(body).map_err(|source| DecodeError::Malformed { version, source })?;
    Ok(Record {
        id,
        epoch: body.epoch,
        at: body.at,
        events: body.events,
    })
}

/// The world as of one place in the log: the fold, kept so that a start need not repeat all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record that is folded in, and the chain's hash there: a snapshot of another log is none.
    pub head: Head,
    /// What the log says up to there.
    pub world: World,
}

/// The world of a snapshot as text, to be read back by the same [`SNAPSHOT_VERSION`] only.
pub fn encode_world(world: &World) -> String {
    serde_json::to_string(world).expect("a world has text keys only and no fallible serializer")
}

/// Reads what [`encode_world`] wrote.
pub fn decode_world(version: u32, body: &str) -> Result<World, DecodeError> {
    if version > SNAPSHOT_VERSION {
        return Err(DecodeError::Newer { found: version });
    }
    serde_json::from_str(body).map_err(|source| DecodeError::Malformed { version, source })
}
