//! The worker's own side: takes its orders, gives up its rights, follows the logs and says what it notices.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use lamp_fleet::Dir;
use lamp_fleet::protocol::{Connection, ConnectionError};
use lamp_logline::{AccessLine, ErrorLine, Unreadable};
use tokio::time::MissedTickBehavior;

use crate::detector::{Detector, Noticed};
use crate::follow::{Follower, Start};
use crate::message::{FromWorker, Live, LogName, LogState, ToWorker, VERSION};
use crate::wake::Bell;

/// How much of a log's end is learned from at the start.
const BACKFILL_BYTES: u64 = 1 << 20;
/// What of that is news: a failure that nobody heard of because the worker before, or the agent, was killed.
const NEWS_FOR: Duration = Duration::from_secs(60);
/// How often the logs are looked at though nothing rings.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often, if the kernel gives no bell.
const LOOK_EVERY_WITHOUT_BELL: Duration = Duration::from_millis(10);
/// How often traffic is told.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Looks one after the other at logs that have more than one look reads, before orders are heard again.
const ROUNDS_MAX: u32 = 4;
/// Lines one after the other that are not ours, before that is said.
const WRONG_ENOUGH: u32 = 3;

/// Why a worker ends.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The agent is gone, or speaks otherwise.
    #[error("the agent's connection")]
    Connection(#[from] ConnectionError),
    /// The first message is none that a worker begins with.
    #[error("the first message does not hand over the logs")]
    NotHanded,
    /// Its rights could not be given up, so it must not read.
    #[error("it could not be confined: {why}")]
    NotConfined {
        /// What hindered.
        why: String,
    },
    /// The system.
    #[error("the system refused")]
    System(#[from] std::io::Error),
}

/// Gives up the process's rights but for reading in these directories, or says why it cannot.
pub type Confine<'a> = &'a mut dyn FnMut(&[BorrowedFd<'_>]) -> Result<(), String>;

/// Serves over `socket` until the agent closes it. To be run on the process's only thread.
pub async fn serve(socket: OwnedFd, confine: Confine<'_>) -> Result<(), ServeError> {
    let connection = Connection::from_fd(socket)?;
    let handed = handed(&connection).await?;
    let dirs: Vec<BorrowedFd<'_>> = handed.dirs().map(AsFd::as_fd).collect();
    confine(&dirs).map_err(|why| ServeError::NotConfined { why })?;
    let bell = Bell::new(handed.dirs()).ok();
    connection.send(&FromWorker::Ready, &[]).await?;
    let mut desk = Desk::new(handed);
    match desk.run(&connection, bell.as_ref()).await {
        Err(ServeError::Connection(ConnectionError::Closed)) => Ok(()),
        other => other,
    }
}

/// The logs as they were handed over.
async fn handed(connection: &Connection) -> Result<Handed, ServeError> {
    let (first, files) = connection.receive::<ToWorker>().await?;
    let ToWorker::Watch {
        version: VERSION,
        access_log,
        error_log,
    } = first
    else {
        return Err(ServeError::NotHanded);
    };
    if files.len() != 1 + usize::from(error_log.is_some()) {
        return Err(ServeError::NotHanded);
    }
    let mut dirs = files.into_iter().map(|fd| Dir::from_fd(fd, Path::new(".")));
    let access = dirs.next().ok_or(ServeError::NotHanded)?;
    Ok(Handed {
        access: (access, access_log),
        error: dirs.next().zip(error_log),
    })
}

/// Directories and names.
struct Handed {
    access: (Dir, String),
    error: Option<(Dir, String)>,
}

impl Handed {
    fn dirs(&self) -> impl Iterator<Item = &Dir> {
        std::iter::once(&self.access)
            .chain(&self.error)
            .map(|(dir, _)| dir)
    }
}

/// A log, and what was said of it last.
#[derive(Debug)]
struct Log {
    name: LogName,
    follower: Follower,
    said: Option<LogState>,
    /// Lines one after the other that are not ours.
    wrong: u32,
    wrong_field: Option<Unreadable>,
}

#[derive(Debug)]
struct Desk {
    access: Log,
    error: Option<Log>,
    detector: Detector,
    begun: Instant,
    /// What is in the logs before the first order is the past.
    has_learned: bool,
}

/// What wakes the desk.
enum Woken {
    Order(ToWorker),
    Logs,
    Beat,
}

impl Desk {
    fn new(handed: Handed) -> Self {
        Self {
            access: Log::new(LogName::Access, handed.access),
            error: handed.error.map(|error| Log::new(LogName::Error, error)),
            detector: Detector::default(),
            begun: Instant::now(),
            has_learned: false,
        }
    }

    async fn run(&mut self, connection: &Connection, bell: Option<&Bell>) -> Result<(), ServeError> {
        let mut beat = tokio::time::interval(TELL_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut order = Box::pin(connection.receive::<ToWorker>());
        loop {
            let woken = tokio::select! {
                biased;
                order = &mut order => Woken::Order(order?.0),
                () = rung(bell) => Woken::Logs,
                _ = beat.tick() => Woken::Beat,
            };
            let mut said = Vec::new();
            match woken {
                Woken::Order(what) => {
                    order.set(connection.receive::<ToWorker>());
                    self.obey(what, &mut said);
                }
                Woken::Logs => self.look(&mut said),
                Woken::Beat => {
                    self.look(&mut said);
                    said.extend(self.detector.traffic().map(FromWorker::Traffic));
                }
            }
            for message in &said {
                connection.send(message, &[]).await?;
            }
        }
    }

    fn obey(&mut self, order: ToWorker, said: &mut Vec<FromWorker>) {
        match order {
            ToWorker::Live(live) => {
                // What stands in the log up to here happened under what was live before.
                self.look(said);
                self.go_live(live, said);
            }
            ToWorker::CountImpact {
                number,
                release,
                since,
            } => {
                self.look(said);
                said.push(FromWorker::Impact {
                    number,
                    impact: self.detector.impact(release.as_ref(), since),
                });
            }
            // The logs are handed over once.
            ToWorker::Watch { .. } => {}
        }
    }

    fn go_live(&mut self, live: Live, said: &mut Vec<FromWorker>) {
        let noticed = self.detector.live(live, self.begun.elapsed());
        said.extend(noticed.into_iter().map(told));
        if !std::mem::replace(&mut self.has_learned, true) {
            self.read(Mode::Learn, said);
        }
    }

    /// Looks at the logs, unless there was no order yet to say whose lines they are.
    fn look(&mut self, said: &mut Vec<FromWorker>) {
        if self.has_learned {
            self.read(Mode::Watch, said);
        }
    }

    fn read(&mut self, mode: Mode, said: &mut Vec<FromWorker>) {
        let mut rounds = 1..ROUNDS_MAX;
        while self.read_once(mode, said) && rounds.next().is_some() {}
    }

    /// The access log is read first and taken in last: an error is logged before the request that met it, so none is missed. Answers whether
    /// there is more.
    fn read_once(&mut self, mode: Mode, said: &mut Vec<FromWorker>) -> bool {
        let now = self.begun.elapsed();
        let mut requests = Vec::new();
        let mut has_more = self.access.read(now, said, &mut |line| {
            AccessLine::parse(line).map(|line| requests.push(line))
        });
        let detector = &mut self.detector;
        if let Some(error) = &mut self.error {
            has_more |= error.read(now, said, &mut |line| {
                ErrorLine::parse(line).map(|line| detector.error(line))
            });
        }
        let newest = requests
            .iter()
            .map(AccessLine::ended_at)
            .max()
            .unwrap_or_default();
        let news_from = newest.checked_sub(NEWS_FOR).unwrap_or(newest);
        for line in requests {
            let noticed = match mode {
                Mode::Learn => detector.learn(&line, news_from, now),
                Mode::Watch => detector.line(&line, now),
            };
            said.extend(noticed.map(told));
        }
        has_more
    }
}

/// What is made of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Learn,
    Watch,
}

fn told(noticed: Noticed) -> FromWorker {
    match noticed {
        Noticed::Suspect(suspect) => FromWorker::Suspect(suspect),
        Noticed::Sighted(sighting) => FromWorker::Sighted(sighting),
    }
}

/// Waits for the bell, or for the time to look without one.
async fn rung(bell: Option<&Bell>) {
    let Some(bell) = bell else {
        return tokio::time::sleep(LOOK_EVERY_WITHOUT_BELL).await;
    };
    // A bell that fails is one that does not ring: the clock does.
    let _ = tokio::time::timeout(LOOK_EVERY, bell.ring()).await;
}

impl Log {
    fn new(name: LogName, (dir, file): (Dir, String)) -> Self {
        Self {
            name,
            follower: Follower::new(dir, file, Start::BeforeEnd(BACKFILL_BYTES)),
            said: None,
            wrong: 0,
            wrong_field: None,
        }
    }

    /// Gives what is new to `take`, says how the log is if that has changed, and answers whether there is more.
    fn read(
        &mut self,
        now: Duration,
        said: &mut Vec<FromWorker>,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Unreadable>,
    ) -> bool {
        let (mut wrong, mut field) = (self.wrong, self.wrong_field);
        let looked = self
            .follower
            .look(now, &mut |line| match line.and_then(&mut *take) {
                Ok(()) => (wrong, field) = (0, None),
                Err(unreadable) => (wrong, field) = (wrong.saturating_add(1), Some(unreadable)),
            });
        (self.wrong, self.wrong_field) = (wrong, field);
        self.say(looked.state, said);
        looked.has_more
    }

    fn say(&mut self, mut state: LogState, said: &mut Vec<FromWorker>) {
        if let (LogState::Followed, Some(unreadable)) = (&state, self.wrong_field)
            && self.wrong >= WRONG_ENOUGH
        {
            state = LogState::WrongFormat {
                field: match unreadable {
                    Unreadable::TooLong => "its length".to_owned(),
                    Unreadable::Field(field) => field.to_owned(),
                },
            };
        }
        if self.said.as_ref() != Some(&state) {
            self.said = Some(state.clone());
            said.push(FromWorker::Log {
                log: self.name,
                state,
            });
        }
    }
}
