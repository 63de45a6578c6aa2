//! The threads that send: each with its own runtime and connections, inside the lab's network.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use lamp_http::{Builder, Client, Protocol, Request, Scheme, Trust};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::judge::{ANSWER_MAX, Switches, Tally, judge};
use super::marker::Markers;
use super::record::{Nanos, Outcome, Record, Target};
use super::schedule::{Arrival, arrivals};
use crate::error::LoadError;
use crate::programs::CHRT;

/// Between the call and the first request, so that every thread stands ready.
const HEAD_START: Duration = Duration::from_millis(250);
/// Threads that send, at most.
const THREADS_MAX: usize = 8;
/// The lowest real-time priority: before everything of the ordinary kind, after whatever else is real-time.
const PRIORITY: &str = "1";

/// What is asked, how often, how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadPlan {
    /// What is asked for, with weights.
    pub targets: Vec<Target>,
    /// Requests a second, on average.
    pub rate: f64,
    /// How long.
    pub length: Duration,
    /// The same seed gives the same moments and targets.
    pub seed: u64,
    /// Threads that send, each with its own connections; 1 to 8.
    pub threads: usize,
}

impl LoadPlan {
    /// `rate` requests a second for `length` from two threads.
    pub const fn new(targets: Vec<Target>, rate: f64, length: Duration, seed: u64) -> Self {
        Self {
            targets,
            rate,
            length,
            seed,
            threads: 2,
        }
    }
}

/// Where visitors come from, and how they ask.
#[derive(Debug)]
pub struct Visitors {
    /// The network that they are in; `None`: the caller's.
    pub net: Option<OwnedFd>,
    /// With TLS or without.
    pub scheme: Scheme,
    /// The site's name.
    pub host: String,
    /// The server's address.
    pub address: SocketAddr,
    /// HTTP/1.1 with keep-alive, or HTTP/2.
    pub protocol: Protocol,
    /// Whose certificates they believe.
    pub trust: Trust,
}

impl Visitors {
    fn builder(&self) -> Builder {
        Client::at(self.scheme, self.host.as_str(), self.address)
            .protocol(self.protocol)
            .trust(self.trust.clone())
            .timeout(ANSWER_MAX)
            .idle_max(IDLE_MAX)
    }

    fn net(&self) -> io::Result<Option<OwnedFd>> {
        self.net.as_ref().map(OwnedFd::try_clone).transpose()
    }
}

/// A load that is running. Dropping it stops and joins its threads.
#[derive(Debug)]
pub struct Running {
    targets: Vec<Target>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<io::Result<Result<(), LoadError>>>>,
}

#[derive(Debug, Default)]
struct Shared {
    records: Mutex<Vec<Record>>,
    stopped: AtomicBool,
}

impl Shared {
    fn with_records<T>(&self, act: impl FnOnce(&mut Vec<Record>) -> T) -> T {
        // Records are whole whatever happened to the thread that held them last.
        act(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Starts the load: it runs on threads of its own until its schedule ends or it is stopped.
pub fn run(plan: &LoadPlan, visitors: &Visitors) -> Result<Running, LoadError> {
    let threads = plan.threads.clamp(1, THREADS_MAX);
    let all = arrivals(plan.rate, plan.length, &plan.targets, plan.seed);
    let paths: Arc<[String]> = plan.targets.iter().map(|target| target.path.clone()).collect();
    let begin = Nanos::now().plus(HEAD_START);
    let mut running = Running {
        targets: plan.targets.clone(),
        shared: Arc::default(),
        threads: Vec::new(),
    };
    for thread in 0..threads {
        let share = Share {
            begin,
            arrivals: all.iter().skip(thread).step_by(threads).copied().collect(),
            paths: Arc::clone(&paths),
            shared: Arc::clone(&running.shared),
        };
        let (builder, net) = (visitors.builder(), visitors.net().map_err(LoadError::Thread)?);
        let name = format!("lamp-load-{thread}");
        let thread = lamp_http::inside::work(&name, net, move || share.send(builder));
        running.threads.push(thread.map_err(LoadError::Thread)?);
    }
    Ok(running)
}

impl Running {
    /// The records from the `seen`-th on, in the order in which they were completed.
    pub fn records_from(&self, seen: usize) -> Vec<Record> {
        self.shared
            .with_records(|records| records.get(seen..).unwrap_or_default().to_vec())
    }

    /// How many requests have their record.
    pub fn recorded(&self) -> usize {
        self.shared.with_records(|records| records.len())
    }

    /// Whether every request has its record.
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Sends nothing more; what is under way is still waited for by [`Running::wait`].
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
    }

    /// Waits for the last answer and gives all records.
    pub fn wait(mut self) -> Result<Vec<Record>, LoadError> {
        self.join()?;
        Ok(self.shared.with_records(std::mem::take))
    }

    /// Waits for the last answer and judges the run.
    pub fn judge(self, switches: &Switches) -> Result<Tally, LoadError> {
        let targets = self.targets.clone();
        Ok(judge(&targets, &self.wait()?, switches))
    }

    fn join(&mut self) -> Result<(), LoadError> {
        let mut all = Ok(());
        for thread in self.threads.drain(..) {
            let ended = thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("it panicked")));
            all = all.and(ended.map_err(LoadError::Thread).and_then(|sent| sent));
        }
        all
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        let _ = self.join();
    }
}

/// Idle connections that each thread keeps. Visitors beyond them leave: else whoever came while the server stalled would hold
/// its every worker by keep-alive from then on, as no crowd of real ones does.
const IDLE_MAX: usize = 16;

/// What one thread sends.
struct Share {
    begin: Nanos,
    arrivals: Vec<Arrival>,
    paths: Arc<[String]>,
    shared: Arc<Shared>,
}

impl Share {
    async fn send(self, builder: Builder) -> Result<(), LoadError> {
        go_first();
        let client = builder.build().map_err(LoadError::Client)?;
        let mut under_way = JoinSet::new();
        for arrival in &self.arrivals {
            let planned = self.begin.plus(arrival.after);
            tokio::time::sleep(planned.since(Nanos::now())).await;
            if self.shared.stopped.load(Ordering::Relaxed) {
                break;
            }
            under_way.spawn(self.one(client.clone(), arrival.target, planned));
            while under_way.try_join_next().is_some() {}
        }
        under_way.join_all().await;
        Ok(())
    }

    /// Sends one request and keeps its record.
    fn one(&self, client: Client, target: usize, planned: Nanos) -> impl Future<Output = ()> + use<> {
        let shared = Arc::clone(&self.shared);
        let request = Request::new(self.paths[target].as_str());
        async move {
            let sent = Nanos::now();
            let answer = client.get(request).await;
            let record = Record {
                target,
                planned,
                sent,
                received: Nanos::now(),
                outcome: outcome(answer),
            };
            shared.with_records(|records| records.push(record));
        }
    }
}

/// The generator must not queue behind the servers that it measures, nor behind the rest of a busy machine:
/// a niceness would not do, it counts only among processes of one session (sched(7), autogroups). Without
/// the right or the program the generator is merely late more often, and the tally says so.
fn go_first() {
    let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
    let asked = Command::new(CHRT.path)
        .args(["--rr", "--pid", PRIORITY, &thread])
        .output();
    match asked {
        Ok(said) if said.status.success() => {}
        Ok(said) => {
            tracing::debug!(said = %String::from_utf8_lossy(&said.stderr), "no priority for the load")
        }
        Err(error) => tracing::debug!(%error, "no priority for the load"),
    }
}

fn outcome(answer: Result<lamp_http::Answer, lamp_http::HttpError>) -> Outcome {
    match answer {
        Ok(answer) => Outcome::Answered {
            status: answer.status.as_u16(),
            markers: Markers::read(&answer.body),
        },
        Err(error) => Outcome::Unanswered(lamp_http::error::chain(&error)),
    }
}
