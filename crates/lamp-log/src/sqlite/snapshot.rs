//! The one row of the table `snapshot`: written in place of the last, read only if it is whole.

use std::path::Path;

use lamp_model::event::Seq;
use lamp_model::port::{AppendError, Head};
use lamp_model::stored::{SNAPSHOT_VERSION, Snapshot, decode_world, encode_world};
use lamp_model::tree::Hash;
use rusqlite::{Connection, OptionalExtension as _};

use super::explain;
use super::rows::{Reader, as_i64, as_u64};

struct Row {
    version: u32,
    head: Head,
    body: String,
    checksum: [u8; 32],
}

/// Why a row is not used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it is of version {0}, and this lamp keeps version {SNAPSHOT_VERSION}")]
    OtherVersion(u32),
    #[error("it is not what was written")]
    Checksum,
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// The snapshot, if it is whole; otherwise the fold begins at the first record.
pub(super) fn load(reader: &Reader<'_>) -> Option<Snapshot> {
    let row = match read(reader.connection) {
        Ok(row) => row?,
        Err(error) => return ignore(reader.path, &Unusable::Unreadable(error.to_string())),
    };
    match open(row) {
        Ok(snapshot) => Some(snapshot),
        Err(why) => ignore(reader.path, &why),
    }
}

fn ignore(path: &Path, why: &Unusable) -> Option<Snapshot> {
    tracing::warn!(path = %path.display(), %why, "snapshot ignored");
    None
}

fn open(row: Row) -> Result<Snapshot, Unusable> {
    if row.version != SNAPSHOT_VERSION {
        return Err(Unusable::OtherVersion(row.version));
    }
    if checksum(&row.head, &row.body) != row.checksum {
        return Err(Unusable::Checksum);
    }
    let world = decode_world(row.version, &row.body);
    Ok(Snapshot {
        head: row.head,
        world: world.map_err(|error| Unusable::Unreadable(error.to_string()))?,
    })
}

fn checksum(head: &Head, body: &str) -> [u8; 32] {
    let place = head.seq.0.to_le_bytes();
    let covered = [place.as_slice(), head.hash.as_bytes(), body.as_bytes()];
    *blake3::hash(&covered.concat()).as_bytes()
}

fn read(connection: &Connection) -> rusqlite::Result<Option<Row>> {
    let mut statement =
        connection.prepare_cached("SELECT version, seq, hash, body, checksum FROM snapshot")?;
    let row = statement.query_row([], |row| {
        Ok(Row {
            version: row.get(0)?,
            head: Head {
                seq: Seq(as_u64(row.get(1)?)),
                hash: Hash::from_bytes(row.get(2)?),
            },
            body: row.get(3)?,
            checksum: row.get(4)?,
        })
    });
    row.optional()
}

pub(super) fn save(connection: &Connection, path: &Path, snapshot: &Snapshot) -> Result<(), AppendError> {
    let body = encode_world(&snapshot.world);
    let saved = connection.execute(
        "INSERT OR REPLACE INTO snapshot (one, version, seq, hash, body, checksum) VALUES (1, ?1, ?2, ?3, ?4, ?5)",
        (
            SNAPSHOT_VERSION,
            as_i64(snapshot.head.seq.0),
            &snapshot.head.hash.as_bytes()[..],
            &body,
            &checksum(&snapshot.head, &body)[..],
        ),
    );
    saved
        .map(drop)
        .map_err(|error| explain::failed_commit(path, &error))
}
