//! The one who writes: gives each record its id, epoch and time, refuses what the fold refuses before it
//! is written, finds out what became of a record whose result is not known, and keeps the world.
//!
//! Many tasks share one [`Journal`]; one task of its own ([`driver`]) writes. What waits together goes into
//! one record: it is acknowledged together or not at all, and the head is known before every append, so
//! the expected head fences off another writer without a gap.

use std::sync::Arc;

use lamp_model::World;
use lamp_model::clock::Clock;
use lamp_model::event::{Event, Seq};
use lamp_model::port::EventLog;
use lamp_model::state::IllegalTransition;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::replay::{ReplayError, View, replay};
use crate::snapshot::Snapshots;

mod driver;

use driver::{Driver, Request};

/// Most callers that wait for the driver; who comes then waits before the queue.
const QUEUE_MAX_REQUESTS: usize = 1_024;

/// What a journal is made of.
pub struct Parts {
    /// Where it writes.
    pub log: Arc<dyn EventLog>,
    /// Where it keeps the world between two starts.
    pub snapshots: Arc<dyn Snapshots>,
    /// What it takes the time of each record from.
    pub clock: Arc<dyn Clock>,
    /// Its mark.
    pub writer: Writer,
    /// The epoch of the lease under which it writes.
    pub epoch: u64,
    /// The host's name, for the first record of a new log.
    pub host: String,
}

/// The mark of one journal: the first half of the id of every record that it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writer(pub [u8; 8]);

impl Writer {
    /// A mark that no other journal has; `Err` if the kernel has no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut mark = [0; 8];
        getrandom::fill(&mut mark)?;
        Ok(Self(mark))
    }
}

/// Why events were not appended, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// They cannot follow what the log says; nothing was written.
    #[error(transparent)]
    Refused(#[from] IllegalTransition),
    /// The log cannot be written now; nothing was written, and a later try may succeed.
    #[error("{why}")]
    Unavailable {
        /// What is wrong, where, and the way out.
        why: String,
    },
    /// They may stand in the log or not; the next append finds out.
    #[error("it is not known whether the events were written: {why}")]
    Unknown {
        /// Why it could not be found out.
        why: String,
    },
    /// Another wrote: this journal never writes again. Nothing was written.
    #[error("another writer appended record {at} to the log: this one has lost it")]
    Lost {
        /// The other's first record.
        at: Seq,
    },
    /// The journal was closed; nothing was written.
    #[error("the journal is closed")]
    Closed,
}

/// Why a journal cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenJournalError {
    /// The log does not say what is.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The first record of a new log cannot be written.
    #[error("the event log cannot be begun: {0}")]
    First(#[from] JournalError),
}

/// The handle that tasks share. The driver ends when the last one is gone; [`Journal::close`] also waits.
#[derive(Clone)]
pub struct Journal {
    requests: mpsc::Sender<Request>,
    views: watch::Receiver<View>,
    driver: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Journal {
    /// Replays the log and begins to write behind its head; a new log gets its first record.
    pub async fn open(parts: Parts) -> Result<Self, OpenJournalError> {
        let view = replay(parts.log.as_ref(), parts.snapshots.as_ref()).await?;
        let opened = Event::LogOpened {
            host: parts.host.clone(),
        };
        let is_new = view.seq == Seq(0);
        let journal = Self::start(parts, view);
        if is_new {
            journal.append(vec![opened]).await?;
        }
        Ok(journal)
    }

    fn start(parts: Parts, view: View) -> Self {
        let (requests, waiting) = mpsc::channel(QUEUE_MAX_REQUESTS);
        let (shown, views) = watch::channel(view);
        let driver = tokio::spawn(Driver::new(parts, shown).run(waiting));
        Self {
            requests,
            views,
            driver: Arc::new(Mutex::new(Some(driver))),
        }
    }

    /// Appends `events` together, durably, and answers the place of their record. [`Journal::world`] knows
    /// them by then. Dropping the future leaves it open whether they are written.
    pub async fn append(&self, events: Vec<Event>) -> Result<Seq, JournalError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Append { events, reply };
        let sent = self.requests.send(request).await;
        sent.map_err(|_| JournalError::Closed)?;
        let ended = || JournalError::Unknown {
            why: "the journal ended before it answered".to_owned(),
        };
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// What the log says, as of the last record that was acknowledged.
    pub fn world(&self) -> Arc<World> {
        Arc::clone(&self.views.borrow().world)
    }

    /// The same, with its place in the log.
    pub fn view(&self) -> View {
        self.views.borrow().clone()
    }

    /// Wakes whoever waits for the world to change.
    pub fn watch(&self) -> watch::Receiver<View> {
        self.views.clone()
    }

    /// Writes what waits, keeps a snapshot, and ends, for all who share it.
    pub async fn close(&self) {
        // Held to the end, so that a second who closes waits as well.
        let mut driver = self.driver.lock().await;
        // An error says that it has ended already.
        let _ = self.requests.send(Request::Close).await;
        let Some(running) = driver.take() else {
            return;
        };
        if let Err(error) = running.await {
            tracing::error!(%error, "the journal's driver did not end well");
        }
    }
}
