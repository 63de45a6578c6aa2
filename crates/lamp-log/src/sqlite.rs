//! The log, the leases and the snapshot in one SQLite file: WAL, synchronous=FULL, mode 0600.
//!
//! All writing goes through one thread ([`writer`]), which puts whatever waits into one transaction;
//! reading has a connection of its own and never waits for it. A second process may open the same file:
//! SQLite keeps the two apart, and the expected head keeps the wrong one from appending.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lamp_model::event::{Record, Seq};
use lamp_model::port::{Answer, AppendError, EventLog, Head, ReadError};
use lamp_model::stored::{Snapshot, Stored};
use rusqlite::Connection;

use crate::snapshot::Snapshots;

mod explain;
mod leases;
mod rows;
mod schema;
mod snapshot;
mod writer;

pub use leases::SqliteLeases;
pub use schema::{FILE_VERSION, OpenError};

use writer::Writer;

/// One file, as one process has it open.
pub struct SqliteLog {
    path: PathBuf,
    // Closed before the writer: whoever closes last takes the write-ahead log into the file, and a
    // connection that only reads cannot.
    reader: Arc<Mutex<Connection>>,
    /// `None`: opened for reading only.
    writer: Option<Writer>,
}

impl SqliteLog {
    /// Opens the log at `path`, and makes it if it is not there yet (its directory must be). Blocks.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = schema::open_writing(path)?;
        Ok(Self {
            writer: Some(Writer::start(path, connection)),
            reader: Arc::new(Mutex::new(schema::open_reading(path)?)),
            path: path.to_owned(),
        })
    }

    /// Opens a log that is there, for reading only; another process may be writing to it. Blocks.
    pub fn open_reading(path: &Path) -> Result<Self, OpenError> {
        Ok(Self {
            writer: None,
            reader: Arc::new(Mutex::new(schema::open_reading(path)?)),
            path: path.to_owned(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The one who writes, or why there is none.
    fn writer(&self) -> Result<&Writer, String> {
        let read_only = || format!("{}: it was opened for reading only", self.path.display());
        self.writer.as_ref().ok_or_else(read_only)
    }

    /// Runs `read` on the reading connection, off the threads that serve tasks.
    async fn reading<T, F>(&self, read: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&rows::Reader<'_>) -> Result<T, ReadError> + Send + 'static,
    {
        let (connection, path) = (Arc::clone(&self.reader), self.path.clone());
        let done = tokio::task::spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            read(&rows::Reader {
                connection: &connection,
                path: &path,
            })
        });
        done.await.unwrap_or_else(|ended| {
            Err(ReadError::Unavailable {
                why: format!("{}: the reading was broken off: {ended}", self.path.display()),
            })
        })
    }
}

impl EventLog for SqliteLog {
    fn append(&self, expect: Seq, record: Record) -> Answer<'_, Seq, AppendError> {
        match self.writer() {
            Ok(writer) => writer.append(expect, &record),
            Err(why) => Box::pin(async { Err(AppendError::Unavailable { why }) }),
        }
    }

    fn read(&self, after: Seq, limit: usize) -> Answer<'_, Vec<Stored>, ReadError> {
        Box::pin(self.reading(move |reader| reader.records(after, limit)))
    }

    fn head(&self) -> Answer<'_, Head, ReadError> {
        Box::pin(self.reading(|reader| reader.head()))
    }
}

impl Snapshots for SqliteLog {
    fn load(&self) -> Answer<'_, Option<Snapshot>, ReadError> {
        Box::pin(self.reading(|reader| Ok(snapshot::load(reader))))
    }

    fn save(&self, snapshot: Snapshot) -> Answer<'_, (), AppendError> {
        Box::pin(async move {
            let writer = self.writer().map_err(|why| AppendError::Unavailable { why })?;
            let path = self.path.clone();
            writer
                .call(move |connection| snapshot::save(connection, &path, &snapshot))
                .await
                .unwrap_or(Err(AppendError::Unknown))
        })
    }
}
