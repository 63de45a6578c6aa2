//! The one thread that writes: takes all that waits, puts it into one transaction, answers after the
//! commit. That is group commit: one fsync for as many appends as came meanwhile.
//!
//! An append takes its place in the queue when it is called, not when it is awaited, so a caller may have
//! several under way, expecting head, head + 1 and so on.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use lamp_model::event::{Record, RecordId, Seq};
use lamp_model::port::{Answer, AppendError, Head};
use lamp_model::stored::{VERSION, encode};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::{explain, rows};
use crate::chain::{self, Raw};

/// Most jobs that wait; who comes then waits before the queue.
const QUEUE_MAX_JOBS: usize = 1024;
/// Most jobs of one round, and so most records of one transaction.
const ROUND_MAX_JOBS: usize = 256;
/// Longest body of one record.
const BODY_MAX_BYTES: usize = 16 * 1024 * 1024;

enum Job {
    Append(Append),
    Other(Box<dyn FnOnce(&mut Connection) + Send>),
}

struct Append {
    expect: Seq,
    id: RecordId,
    body: String,
    reply: oneshot::Sender<Result<Seq, AppendError>>,
}

/// The thread's handle; dropping it ends the thread once what waits is written.
pub(super) struct Writer {
    path: PathBuf,
    /// `None` only while it is dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// The thread ended before it answered.
#[derive(Debug)]
pub(super) struct Gone;

impl Writer {
    pub(super) fn start(path: &Path, connection: Connection) -> Self {
        let (jobs, waiting) = mpsc::channel(QUEUE_MAX_JOBS);
        let path = path.to_owned();
        let own = path.clone();
        let thread = std::thread::spawn(move || run(connection, &own, waiting));
        Self {
            path,
            jobs: Some(jobs),
            thread: Some(thread),
        }
    }

    pub(super) fn append(&self, expect: Seq, record: &Record) -> Answer<'_, Seq, AppendError> {
        let (reply, answer) = oneshot::channel();
        let body = encode(record);
        if body.len() > BODY_MAX_BYTES {
            return Box::pin(async move { Err(self.unavailable("a record has at most 16 MiB")) });
        }
        let id = record.id;
        let job = Job::Append(Append {
            expect,
            id,
            body,
            reply,
        });
        let overflow = self.try_send(job);
        Box::pin(async move {
            if let Some(job) = overflow {
                self.send(job)
                    .await
                    .map_err(|Gone| self.unavailable("its writing thread has ended"))?;
            }
            answer.await.unwrap_or(Err(AppendError::Unknown))
        })
    }

    /// Runs `work` between two transactions.
    pub(super) async fn call<T, F>(&self, work: F) -> Result<T, Gone>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> T + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(move |connection: &mut Connection| {
            // Nobody waits for the answer any more: the work is done all the same.
            let _ = reply.send(work(connection));
        });
        self.send(Job::Other(job)).await?;
        answer.await.map_err(|_| Gone)
    }

    /// Gives the job back if there is no room for it at once.
    fn try_send(&self, job: Job) -> Option<Job> {
        let Some(jobs) = &self.jobs else {
            return Some(job);
        };
        match jobs.try_send(job) {
            Ok(()) => None,
            Err(TrySendError::Full(job) | TrySendError::Closed(job)) => Some(job),
        }
    }

    async fn send(&self, job: Job) -> Result<(), Gone> {
        let jobs = self.jobs.as_ref().ok_or(Gone)?;
        jobs.send(job).await.map_err(|_| Gone)
    }

    fn unavailable(&self, why: &str) -> AppendError {
        AppendError::Unavailable {
            why: format!("{}: {why}", self.path.display()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!(path = %self.path.display(), "the log's writing thread panicked");
        }
    }
}

fn run(mut connection: Connection, path: &Path, mut waiting: mpsc::Receiver<Job>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut appends = Vec::new();
        for job in round(first, &mut waiting) {
            match job {
                Job::Append(append) => appends.push(append),
                Job::Other(work) => {
                    commit(&mut connection, path, std::mem::take(&mut appends));
                    work(&mut connection);
                }
            }
        }
        commit(&mut connection, path, appends);
    }
}

/// All that waits by now, bounded.
fn round(first: Job, waiting: &mut mpsc::Receiver<Job>) -> Vec<Job> {
    let mut jobs = vec![first];
    while jobs.len() < ROUND_MAX_JOBS {
        match waiting.try_recv() {
            Ok(job) => jobs.push(job),
            Err(_) => break,
        }
    }
    jobs
}

/// Writes the appends in one transaction, and only then answers.
fn commit(connection: &mut Connection, path: &Path, appends: Vec<Append>) {
    if appends.is_empty() {
        return;
    }
    let (answers, replies) = write(connection, path, appends);
    for (reply, answer) in replies.into_iter().zip(answers) {
        // Nobody waits for the answer any more: the record stands all the same.
        let _ = reply.send(answer);
    }
}

type Answers = Vec<Result<Seq, AppendError>>;
type Replies = Vec<oneshot::Sender<Result<Seq, AppendError>>>;

fn write(connection: &mut Connection, path: &Path, appends: Vec<Append>) -> (Answers, Replies) {
    let (drafts, replies): (Vec<_>, Vec<_>) = appends
        .into_iter()
        .map(|append| ((append.expect, append.id, append.body), append.reply))
        .unzip();
    let count = drafts.len();
    let answers = transact(connection, path, drafts).unwrap_or_else(|error| vec![Err(error); count]);
    (answers, replies)
}

/// The fate of each record, or of all of them together.
fn transact(
    connection: &mut Connection,
    path: &Path,
    drafts: Vec<(Seq, RecordId, String)>,
) -> Result<Answers, AppendError> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| explain::not_written(path, &error))?;
    let answers = insert_all(&transaction, drafts).map_err(|error| explain::not_written(path, &error))?;
    transaction
        .commit()
        .map_err(|error| explain::failed_commit(path, &error))?;
    Ok(answers)
}

/// Each draft takes the place behind the one before, if it expects to.
fn insert_all(connection: &Connection, drafts: Vec<(Seq, RecordId, String)>) -> rusqlite::Result<Answers> {
    let mut head = rows::head(connection)?;
    let mut answers = Vec::with_capacity(drafts.len());
    for (expect, id, body) in drafts {
        if expect != head.seq || rows::stands(connection, id)? {
            answers.push(Err(AppendError::Conflict { head: head.seq }));
            continue;
        }
        head = insert_behind(head, connection, id, body)?;
        answers.push(Ok(head.seq));
    }
    Ok(answers)
}

fn insert_behind(head: Head, connection: &Connection, id: RecordId, body: String) -> rusqlite::Result<Head> {
    let seq = head.seq.next();
    let raw = Raw {
        seq,
        id,
        version: VERSION,
        hash: chain::link(&head.hash, seq, id, VERSION, &body),
        body,
    };
    rows::insert(connection, &raw)?;
    Ok(Head { seq, hash: raw.hash })
}
