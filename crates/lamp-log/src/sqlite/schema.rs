//! How the file is opened: who may read it, which version it is, what stands in it.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err::os::unix::fs::OpenOptionsExt as _;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// The version of the file's tables that this binary reads and writes. The version of each record's body
/// is another matter: [`lamp_model::stored::VERSION`].
pub const FILE_VERSION: i64 = 1;

/// `lamp`, in SQLite's application id.
const APPLICATION_ID: i64 = 0x6c61_6d70;

/// How long one process waits for another's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The write-ahead log is cut back to this after a checkpoint.
const WAL_KEPT_BYTES: i64 = 16 * 1024 * 1024;

const TABLES: &str = "
CREATE TABLE record (
    seq     INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TABLE lease (
    name     TEXT PRIMARY KEY,
    epoch    INTEGER NOT NULL,
    purpose  TEXT NOT NULL,
    pid      INTEGER NOT NULL,
    boot_id  TEXT NOT NULL,
    granted  INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    given_up INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE snapshot (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    version  INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    hash     BLOB NOT NULL CHECK (length(hash) = 32),
    body     TEXT NOT NULL,
    checksum BLOB NOT NULL CHECK (length(checksum) = 32)
) STRICT;
";

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file itself cannot be made or its mode not be set.
    #[error("the event log cannot be opened")]
    File(#[source] io::Error),
    /// SQLite cannot open it.
    #[error("the event log cannot be opened: {why}")]
    Sqlite {
        /// The file, the cause and the way out.
        why: String,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// Its filesystem gives no shared memory, without which readers would stop the writer.
    #[error(
        "{} lies on a filesystem that cannot hold a write-ahead log: put state_dir on a local one",
        path.display()
    )]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
    },
    /// A newer `lamp` wrote it.
    #[error(
        "{} is an event log of version {found}, and this lamp reads up to {FILE_VERSION}: use the newer lamp that wrote it",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// Something else stands there.
    #[error("{} is no event log: move it away, or name another state_dir in lamp.toml", path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
    },
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Empty,
    Log,
}

pub(super) fn open_writing(path: &Path) -> Result<Connection, OpenError> {
    create_private(path).map_err(OpenError::File)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Looked at before anything is changed: a newer log is left as it is.
    standing(&connection, path)?;
    if !set_durable(&connection).map_err(|error| failed(path, error))? {
        return Err(OpenError::NoWriteAheadLog {
            path: path.to_owned(),
        });
    }
    create_tables(&mut connection, path)?;
    Ok(connection)
}

pub(super) fn open_reading(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match standing(&connection, path)? {
        Standing::Log => Ok(connection),
        Standing::Empty => Err(OpenError::NotALog {
            path: path.to_owned(),
        }),
    }
}

/// Makes the file readable by its owner only; SQLite gives its companions (-wal, -shm) the same mode.
fn create_private(path: &Path) -> io::Result<()> {
    let file = fs_err::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o777 != 0o600 {
        fs_err::set_permissions(path, PermissionsExt::from_mode(0o600))?;
    }
    // The name too outlives a power cut.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    fs_err::File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    // Each connection is used by one thread at a time: SQLite's own mutex would be a second one.
    let opened = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = opened.map_err(|error| failed(path, error))?;
    let bounded = connection.busy_timeout(BUSY_TIMEOUT);
    bounded.map_err(|error| failed(path, error))?;
    Ok(connection)
}

/// Whether the file now has a write-ahead log: SQLite answers a wish for one with what it got.
fn set_durable(connection: &Connection) -> rusqlite::Result<bool> {
    let mode =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
    Ok(mode == "wal")
}

fn standing(connection: &Connection, path: &Path) -> Result<Standing, OpenError> {
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let version = read("user_version").map_err(|error| failed(path, error))?;
    let application = read("application_id").map_err(|error| failed(path, error))?;
    match (application, version) {
        (0, 0) if is_empty(connection).map_err(|error| failed(path, error))? => Ok(Standing::Empty),
        (APPLICATION_ID, FILE_VERSION) => Ok(Standing::Log),
        (APPLICATION_ID, found) if found > FILE_VERSION => Err(OpenError::Newer {
            path: path.to_owned(),
            found,
        }),
        _ => Err(OpenError::NotALog {
            path: path.to_owned(),
        }),
    }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// Looks again inside the transaction: another process may have been quicker.
fn create_tables(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| failed(path, error))?;
    if standing(&transaction, path)? == Standing::Empty {
        let made = transaction
            .execute_batch(TABLES)
            .and_then(|()| transaction.pragma_update(None, "application_id", APPLICATION_ID))
            .and_then(|()| transaction.pragma_update(None, "user_version", FILE_VERSION));
        made.map_err(|error| failed(path, error))?;
    }
    transaction.commit().map_err(|error| failed(path, error))
}

fn failed(path: &Path, source: rusqlite::Error) -> OpenError {
    if source.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
        return OpenError::NotALog {
            path: path.to_owned(),
        };
    }
    OpenError::Sqlite {
        why: super::explain::explain(path, &source),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_write_ahead_log_is_noticed() {
        // A database in memory never gets one.
        let connection = Connection::open_in_memory().expect("memory");
        assert_eq!(set_durable(&connection), Ok(false));
    }
}
