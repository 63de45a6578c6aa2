//! The agent's side of a log worker: started, handed the logs, started again when it dies, killed when it is dropped.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use lamp_fleet::Dir;
use lamp_fleet::protocol::{Connection, ConnectionError};
use lamp_model::ReleaseId;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::message::{FromWorker, Live, ToWorker, VERSION};

/// Messages that wait for the agent; beyond them the worker waits.
const SAID_MAX: usize = 1_024;
/// Counts that may be asked for at the same time.
const COUNTS_MAX: usize = 64;
/// The pause before a worker that died is started again; doubled each time, up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A worker that lived so long has not died of its start.
const LIVED_WELL: Duration = Duration::from_secs(60);

/// What is run as a worker: `lamp watch-worker`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The binary.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// A site's logs.
#[derive(Debug)]
pub struct Logs {
    /// Our access log.
    pub access: LogFile,
    /// Our error log, if there is one.
    pub error: Option<LogFile>,
}

/// A log by its directory and its name there.
#[derive(Debug)]
pub struct LogFile {
    /// The directory, opened by the agent.
    pub dir: Dir,
    /// One name.
    pub name: String,
}

/// What comes of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It says something.
    This(FromWorker),
    /// It died, or could not be started; the next one is started after a pause.
    Died {
        /// How, in words.
        why: String,
    },
}

/// A worker that lives until it is dropped.
#[derive(Debug)]
pub struct Worker {
    live: watch::Sender<Live>,
    counts: mpsc::Sender<ToWorker>,
    said: mpsc::Receiver<Said>,
    keeper: JoinHandle<()>,
}

impl Worker {
    /// Starts one, and keeps one alive from now on. Must be called within a runtime.
    pub fn start(program: Program, logs: Logs) -> Self {
        let (live, live_seen) = watch::channel(Live::default());
        let (counts, counts_asked) = mpsc::channel(COUNTS_MAX);
        let (saying, said) = mpsc::channel(SAID_MAX);
        let keeper = Keeper {
            program,
            logs,
            live: live_seen,
            counts: counts_asked,
            said: saying,
        };
        Self {
            live,
            counts,
            said,
            keeper: tokio::spawn(keeper.keep()),
        }
    }

    /// Tells what answers now; a worker that is started later is told so too.
    pub fn live(&self, live: Live) {
        self.live.send_if_modified(|now| {
            let is_new = *now != live;
            *now = live;
            is_new
        });
    }

    /// Asks for a count; false if too many were asked for already. A worker that dies meanwhile takes it along: ask again.
    pub fn count_impact(&self, number: u64, release: Option<ReleaseId>, since: Timestamp) -> bool {
        let order = ToWorker::CountImpact {
            number,
            release,
            since,
        };
        self.counts.try_send(order).is_ok()
    }

    /// What comes next. May be dropped at any time.
    pub async fn next(&mut self) -> Option<Said> {
        self.said.recv().await
    }

    /// Ends the worker and waits until it is gone.
    pub async fn stop(mut self) {
        self.keeper.abort();
        let _ended = (&mut self.keeper).await;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

struct Keeper {
    program: Program,
    logs: Logs,
    live: watch::Receiver<Live>,
    counts: mpsc::Receiver<ToWorker>,
    said: mpsc::Sender<Said>,
}

/// Dropped, it is killed.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is only waited for.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Why a worker's life ended.
#[derive(Debug, thiserror::Error)]
enum Death {
    #[error("it could not be started: {0}")]
    Start(#[source] std::io::Error),
    #[error("{0}")]
    Connection(#[from] ConnectionError),
    #[error("nobody listens")]
    NobodyListens,
}

impl Keeper {
    async fn keep(mut self) {
        let mut pause = PAUSE_FIRST;
        loop {
            let begun = tokio::time::Instant::now();
            let death = match self.live_once().await {
                Err(Death::NobodyListens) | Ok(()) => return,
                Err(death) => death,
            };
            let why = death.to_string();
            if self.said.send(Said::Died { why }).await.is_err() {
                return;
            }
            if begun.elapsed() >= LIVED_WELL {
                pause = PAUSE_FIRST;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// One worker from its start to its death.
    async fn live_once(&mut self) -> Result<(), Death> {
        let (connection, _process) = self.spawn().map_err(Death::Start)?;
        self.hand_over(&connection).await?;
        let mut waiting = None;
        let mut heard = Box::pin(connection.receive::<FromWorker>());
        loop {
            // What the worker said is passed on while it is listened to: neither waits for the other for ever.
            let order = tokio::select! {
                biased;
                message = &mut heard, if waiting.is_none() => {
                    waiting = Some(Said::This(message?.0));
                    heard.set(connection.receive::<FromWorker>());
                    continue;
                }
                slot = self.said.reserve(), if waiting.is_some() => {
                    let slot = slot.map_err(|_| Death::NobodyListens)?;
                    if let Some(said) = waiting.take() {
                        slot.send(said);
                    }
                    None
                }
                changed = self.live.changed() => {
                    changed.map_err(|_| Death::NobodyListens)?;
                    Some(ToWorker::Live(self.live.borrow_and_update().clone()))
                }
                order = self.counts.recv() => Some(order.ok_or(Death::NobodyListens)?),
            };
            if let Some(order) = order {
                connection.send(&order, &[]).await?;
            }
        }
    }

    async fn hand_over(&mut self, connection: &Connection) -> Result<(), Death> {
        let watch = ToWorker::Watch {
            version: VERSION,
            access_log: self.logs.access.name.clone(),
            error_log: self.logs.error.as_ref().map(|log| log.name.clone()),
        };
        let mut dirs = vec![self.logs.access.dir.as_fd()];
        dirs.extend(self.logs.error.as_ref().map(|log| log.dir.as_fd()));
        connection.send(&watch, &dirs).await?;
        let live = self.live.borrow_and_update().clone();
        connection.send(&ToWorker::Live(live), &[]).await?;
        Ok(())
    }

    fn spawn(&self) -> std::io::Result<(Connection, Process)> {
        let (connection, socket) = Connection::pair()?;
        let child = Command::new(&self.program.path)
            .args(&self.program.args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()?;
        Ok((connection, Process(child)))
    }
}
