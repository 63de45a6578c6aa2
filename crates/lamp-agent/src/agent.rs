//! The agent's one loop: a closed set of events, one `select!`, every task owned and joined.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lamp_fleet::protocol::Refusal;
use lamp_model::name::SiteName;
use lamp_model::port::Grant;
use lamp_model::tree::Hash;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::access::Access;
use crate::background::Background;
use crate::desk::{Condition, Desk};
use crate::execute::Tools;
use crate::incidents::Outside;
use crate::job::Job;
use crate::ledger::{Ledger, own_pid};
use crate::paging::Paging;
use crate::session::Session;
use crate::settle::settle_again;
use crate::shutdown::Shutdown;
use crate::socket::Socket;
use crate::watch::WatchPlan;

/// Most connections at a time.
pub const CONNECTIONS_MAX: usize = 32;
/// How often sites that are unsettled are tried again.
const TICK: Duration = Duration::from_secs(1);
/// Deployments that wait to be begun; one a site at most can.
const BEGIN_QUEUE_MAX: usize = 64;
/// Descriptors that the agent keeps for itself, besides files that were handed over.
const OWN_FILES: u64 = 256;
/// Time for deployments to go back, or to the end of a rollback.
const DEPLOYMENTS_TIME_BOX: Duration = Duration::from_secs(30);
/// Time for sessions to tell their peers.
const SESSIONS_TIME_BOX: Duration = Duration::from_secs(2);
/// Time for the watching to end, and for a page under way.
const BACKGROUND_TIME_BOX: Duration = Duration::from_secs(5);
/// Time for the journal to write what waits.
const JOURNAL_TIME_BOX: Duration = Duration::from_secs(5);

/// What the agent is told.
pub enum Event {
    /// Someone connected.
    Connected(UnixStream),
    /// A deployment was accepted.
    Begin(Box<Job>),
    /// A task is over.
    TaskOver,
    /// Time to try again at what is unsettled.
    Tick,
    /// The lease on the log is lost: another agent writes.
    LeaseLost,
    /// It is to end.
    Stop,
}

/// What every session sees.
pub struct Shared {
    /// The sites, by name.
    pub desks: BTreeMap<SiteName, Arc<Desk>>,
    /// What executions work with.
    pub tools: Tools,
    /// Who may command.
    pub access: Access,
    /// How the loop is told.
    pub events: mpsc::Sender<Event>,
    /// Counts changes of what is being done; wakes watchers.
    pub changed: watch::Sender<u64>,
    /// Who sends pages.
    pub paging: Arc<Paging>,
    /// The hash of the configuration that it was started with.
    pub config: Hash,
    files_max: u64,
}

impl Shared {
    /// Refuses an offer with more new files than can be open here at once.
    pub fn check_files(&self, lacking: usize) -> Result<(), Refusal> {
        if lacking as u64 <= self.files_max {
            return Ok(());
        }
        Err(Refusal::Failed {
            why: format!(
                "{lacking} new files, and the agent may hold {} open: raise its limit of open files (LimitNOFILE)",
                self.files_max
            ),
        })
    }
}

/// What an agent is made of.
pub struct Parts {
    /// Each site and its hands.
    pub desks: Vec<Desk>,
    /// What is written down.
    pub ledger: Ledger,
    /// The lease under which it is.
    pub grant: Grant,
    /// Where armed switches stand.
    pub armed: crate::armed::ArmedDir,
    /// Who may command.
    pub access: Access,
    /// The hash of the configuration, byte for byte.
    pub config: Hash,
    /// Who is told.
    pub outside: Outside,
    /// How each site is watched.
    pub watched: Vec<WatchPlan>,
    /// The file that says that a controller sends the pages.
    pub paging_held: PathBuf,
}

/// An agent that runs.
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Ends it: armed switches go back, rollbacks go to their end, what waits is written.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the agent did not end well");
        }
    }

    /// Waits until it ends by itself: another agent took the log.
    pub async fn ended(&mut self) {
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the agent did not end well");
        }
    }
}

/// Puts every site right as far as can be, listens at `socket`, and serves.
pub async fn start(parts: Parts, socket: &Path) -> std::io::Result<Running> {
    let (stop, stopped) = watch::channel(false);
    let (events, told) = mpsc::channel(BEGIN_QUEUE_MAX);
    let shared = Arc::new(Shared {
        desks: parts
            .desks
            .into_iter()
            .map(|desk| (desk.site.clone(), Arc::new(desk)))
            .collect(),
        tools: Tools {
            ledger: parts.ledger,
            armed: parts.armed,
            stop: stopped.clone(),
        },
        paging: Arc::new(Paging::new(parts.paging_held, stopped)),
        access: parts.access,
        config: parts.config,
        events,
        changed: watch::channel(0).0,
        files_max: raise_files_max(),
    });
    for desk in shared.desks.values() {
        settle_again(desk, &shared.tools).await;
    }
    let started = lamp_model::Event::AgentStarted {
        pid: own_pid(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    if let Err(error) = shared.tools.ledger.append(vec![started]).await {
        tracing::warn!(%error, "the log does not take that this agent started");
    }
    let socket = Socket::listen(socket, shared.access.gid())?;
    let background = Background::start(&shared, parts.outside, parts.watched);
    let daemon = Daemon::new(shared, (told, socket), parts.grant, background);
    Ok(Running {
        stop,
        task: tokio::spawn(daemon.run()),
    })
}

/// Raises the bound on open files as far as the kernel lets root; answers what may be handed over.
fn raise_files_max() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the bound on open files stays as it is");
    }
    let current = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    current.saturating_sub(OWN_FILES)
}

struct Daemon {
    shared: Arc<Shared>,
    told: mpsc::Receiver<Event>,
    socket: Socket,
    grant: Grant,
    tick: Interval,
    deployments: JoinSet<()>,
    sessions: JoinSet<()>,
    background: Background,
}

impl Daemon {
    fn new(
        shared: Arc<Shared>,
        (told, socket): (mpsc::Receiver<Event>, Socket),
        grant: Grant,
        background: Background,
    ) -> Self {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            shared,
            told,
            socket,
            grant,
            tick,
            deployments: JoinSet::new(),
            sessions: JoinSet::new(),
            background,
        }
    }

    async fn run(mut self) {
        let ledger = self.shared.tools.ledger.clone();
        let grant = self.grant.clone();
        let mut lease = std::pin::pin!(async move { ledger.keep(&grant).await });
        let mut stop = self.shared.tools.stop.clone();
        loop {
            let event = tokio::select! {
                accepted = self.socket.accept() => connected(accepted),
                Some(event) = self.told.recv() => event,
                Some(over) = self.deployments.join_next() => task_over(over),
                Some(over) = self.sessions.join_next() => task_over(over),
                _ = self.tick.tick() => Event::Tick,
                lost = &mut lease => lease_lost(&lost),
                _ = stop.wait_for(|stop| *stop) => Event::Stop,
            };
            match event {
                Event::Connected(stream) => self.connected(stream),
                Event::Begin(job) => self.begin(*job),
                Event::TaskOver => self.shared.changed.send_modify(|count| *count += 1),
                Event::Tick => self.settle_unsettled(),
                Event::LeaseLost | Event::Stop => break,
            }
        }
        self.end().await;
    }

    fn connected(&mut self, stream: UnixStream) {
        let session = Session::new(stream, Arc::clone(&self.shared));
        let connections = self.sessions.len();
        if connections < CONNECTIONS_MAX {
            self.sessions.spawn(session.run());
        } else if connections < 2 * CONNECTIONS_MAX {
            // A few more are told why; beyond them the connection only closes.
            self.sessions
                .spawn(session.turn_away(Refusal::Busy { connections }));
        }
    }

    fn begin(&mut self, job: Job) {
        let tools = self.shared.tools.clone();
        self.deployments.spawn(job.run(tools));
    }

    fn settle_unsettled(&mut self) {
        if !self.deployments.is_empty() {
            // The set holds settling too: one at a time. What is unsettled has time.
            return;
        }
        let unsettled = |desk: &&Arc<Desk>| matches!(desk.condition(), Condition::Unsettled(_));
        for desk in self.shared.desks.values().filter(unsettled) {
            let (desk, tools) = (Arc::clone(desk), self.shared.tools.clone());
            self.deployments
                .spawn(async move { settle_again(&desk, &tools).await });
        }
    }

    /// Ends what was begun, the last first: deployments while their watchers still listen.
    async fn end(self) {
        let Self {
            shared,
            socket,
            grant,
            mut deployments,
            mut sessions,
            told,
            background,
            ..
        } = self;
        drop((socket, told));
        let mut shutdown = Shutdown::default();
        let ledger = shared.tools.ledger.clone();
        shutdown.push("journal", JOURNAL_TIME_BOX, async move {
            ledger.give_up(&grant).await;
            ledger.journal.close().await;
        });
        shutdown.push("background", BACKGROUND_TIME_BOX, background.end());
        shutdown.push("sessions", SESSIONS_TIME_BOX, async move {
            // Whoever watches hangs up once told the end; whoever does not hang up is cut off by the time box.
            while sessions.join_next().await.is_some() {}
        });
        let changed = shared.changed.clone();
        shutdown.push("deployments", DEPLOYMENTS_TIME_BOX, async move {
            while deployments.join_next().await.is_some() {
                changed.send_modify(|count| *count += 1);
            }
        });
        shutdown.run().await;
    }
}

fn connected(accepted: std::io::Result<UnixStream>) -> Event {
    match accepted {
        Ok(stream) => Event::Connected(stream),
        Err(error) => {
            tracing::warn!(%error, "connection not accepted");
            Event::TaskOver
        }
    }
}

fn task_over(over: Result<(), tokio::task::JoinError>) -> Event {
    if let Err(error) = over {
        tracing::error!(%error, "a task did not end well");
    }
    Event::TaskOver
}

fn lease_lost(error: &lamp_model::port::LeaseError) -> Event {
    tracing::error!(%error, "another agent writes the log; this one ends");
    Event::LeaseLost
}
