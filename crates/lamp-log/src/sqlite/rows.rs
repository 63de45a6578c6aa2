//! Rows of the table `record`, as they are written and read back.

use std::path::Path;

use lamp_model::event::{RecordId, Seq};
use lamp_model::port::{Head, ReadError};
use lamp_model::stored::Stored;
use lamp_model::tree::Hash;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::explain::explain;
use crate::chain::{self, Raw};

/// Most records that one read answers with.
const READ_MAX_RECORDS: usize = 10_000;

/// Reads the log through one connection.
pub(super) struct Reader<'a> {
    pub(super) connection: &'a Connection,
    pub(super) path: &'a Path,
}

impl Reader<'_> {
    pub(super) fn head(&self) -> Result<Head, ReadError> {
        head(self.connection).map_err(|error| self.failed(&error))
    }

    /// Verified records behind `after`. The row of `after` is read too: the chain goes on from its hash.
    pub(super) fn records(&self, after: Seq, limit: usize) -> Result<Vec<Stored>, ReadError> {
        let mut raws = self.raws(after, limit.min(READ_MAX_RECORDS))?.into_iter();
        let before = match raws.as_slice().first() {
            None => return Ok(Vec::new()),
            Some(_) if after == Seq(0) => chain::EMPTY,
            Some(first) if first.seq == after => Head {
                seq: first.seq,
                hash: first.hash,
            },
            Some(first) => {
                return Err(ReadError::Broken {
                    seq: after,
                    why: format!("it is missing, the next one is {}", first.seq),
                });
            }
        };
        let known = usize::from(after > Seq(0));
        raws.by_ref().take(known).for_each(drop);
        chain::verify_all(before, raws)
    }

    fn raws(&self, after: Seq, limit: usize) -> Result<Vec<Raw>, ReadError> {
        let known = usize::from(after > Seq(0));
        let bounds = [as_i64(after.0), as_i64((limit + known) as u64)];
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT seq, id, version, body, hash FROM record WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
            )
            .map_err(|error| self.failed(&error))?;
        let rows = statement
            .query_map(bounds, |row| Ok(raw(row)))
            .map_err(|error| self.failed(&error))?;
        rows.map(|row| row.map_err(|error| self.failed(&error))?)
            .collect()
    }

    fn failed(&self, error: &rusqlite::Error) -> ReadError {
        ReadError::Unavailable {
            why: explain(self.path, error),
        }
    }
}

/// The last record's place and hash.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<Head> {
    let mut statement =
        connection.prepare_cached("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1")?;
    let last = statement.query_row([], |row| {
        Ok(Head {
            seq: Seq(as_u64(row.get(0)?)),
            hash: Hash::from_bytes(row.get(1)?),
        })
    });
    Ok(last.optional()?.unwrap_or(chain::EMPTY))
}

/// Whether a record of this id stands anywhere.
pub(super) fn stands(connection: &Connection, id: RecordId) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM record WHERE id = ?1")?;
    statement.exists([&id.0[..]])
}

pub(super) fn insert(connection: &Connection, raw: &Raw) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare_cached("INSERT INTO record (seq, id, version, body, hash) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    statement.execute((
        as_i64(raw.seq.0),
        &raw.id.0[..],
        raw.version,
        &raw.body,
        &raw.hash.as_bytes()[..],
    ))?;
    Ok(())
}

/// A row that was tampered with is a broken record, not an error of SQLite.
fn raw(row: &Row<'_>) -> Result<Raw, ReadError> {
    let seq = Seq(row.get(0).map_or(0, as_u64));
    parse(row, seq).map_err(|why| ReadError::Broken {
        seq,
        why: why.to_string(),
    })
}

fn parse(row: &Row<'_>, seq: Seq) -> rusqlite::Result<Raw> {
    Ok(Raw {
        seq,
        id: RecordId(row.get(1)?),
        version: row.get(2)?,
        body: row.get(3)?,
        hash: Hash::from_bytes(row.get(4)?),
    })
}

/// SQLite's integers are signed; a log's places and a boot's nanoseconds stay far below the difference.
pub(super) fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The way back of [`as_i64`].
pub(super) fn as_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
