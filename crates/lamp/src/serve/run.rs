//! All of the controller, from its start to a signal: one set of tasks, each owned and joined, ended last in,
//! first out.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use lamp_agent::clock::SystemClock;
use lamp_agent::hold::Holds;
use lamp_agent::shutdown::Shutdown;
use lamp_model::clock::Clock;
use lamp_page::{PageConfig, Pager, PagerDuty, Valve};
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::follow::{self, View};
use super::paging::{self, Book, Holding};
use super::results::Results;
use super::web::{self, Dials};
use crate::app::outside::host;
use crate::app::shutdown::Signals;
use crate::config::Config;
use crate::errors::{Trouble, log, no_runtime, serve as told};

/// Time for requests under way.
const WEB_TIME_BOX: Duration = Duration::from_secs(2);
/// Time for pages under way: a try's own bound, and its record.
const PAGER_TIME_BOX: Duration = Duration::from_secs(17);
/// Time for a task that is told to end.
const TASK_TIME_BOX: Duration = Duration::from_secs(1);

/// Runs the controller until a signal.
pub fn run(config: &Config) -> Result<(), Trouble> {
    crate::app::daemon::trace();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| no_runtime(&error))?;
    runtime.block_on(serve(config))
}

async fn serve(config: &Config) -> Result<(), Trouble> {
    let signals = Signals::listen().map_err(|error| no_runtime(&error))?;
    let controller = Controller::start(config).await?;
    notify(&[NotifyState::Ready]);
    let watchdog = tokio::spawn(watchdog(controller.dials.clone()));
    let signal = signals.first().await;
    tracing::info!(signal, "controller ends");
    notify(&[NotifyState::Stopping]);
    watchdog.abort();
    controller.stop().await;
    Ok(())
}

/// A controller that runs.
struct Controller {
    dials: Dials,
    ends: Shutdown,
}

impl Controller {
    async fn start(config: &Config) -> Result<Self, Trouble> {
        let clock = SystemClock::new().map_err(|error| log::no_clock(&error))?;
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let results = Results::open(&config.serve.state_dir);
        let results = results.map_err(|error| told::no_results(&config.serve, &error))?;
        let listen = config.serve.listen;
        let listener = TcpListener::bind(listen).await;
        let listener = listener.map_err(|error| told::no_listener(listen, &error))?;
        let mut ends = Shutdown::default();
        let (tell, view) = watch::channel(View::default());
        let following = tokio::spawn(follow::follow(config.clone(), Arc::clone(&clock), tell));
        ends.push("following the log", TASK_TIME_BOX, end(following));
        let holds = Holds::new(config.serve.state_dir.join("hold"));
        let book = Book::new(view.clone(), results, holds);
        let pager = config.page.clone();
        let pager = pager.map(|page| start_pager(config, page, book, &clock, &mut ends));
        let dials = Dials { view, pager, clock };
        start_web(listener, &dials, config, &mut ends)?;
        Ok(Self { dials, ends })
    }

    async fn stop(self) {
        self.ends.run().await;
    }
}

/// Drains while the paging is ours.
fn start_pager(
    config: &Config,
    page: PageConfig,
    book: Book,
    clock: &Arc<dyn Clock>,
    ends: &mut Shutdown,
) -> (watch::Receiver<lamp_page::Cycle>, watch::Receiver<Holding>) {
    let (valve, tap) = Valve::new();
    let valve = Arc::new(valve);
    let cycles = valve.cycles();
    let pager = Pager {
        book: Arc::new(book.clone()),
        notifier: Arc::new(PagerDuty::new(page, host(), Arc::clone(clock))),
        clock: Arc::clone(clock),
    };
    let draining = tokio::spawn(pager.drain(book.changes(), tap));
    let (tell, holding) = watch::channel(Holding::default());
    let held = paging::hold(config.clone(), book, Arc::clone(&valve), tell);
    let held = tokio::spawn(held);
    ends.push("draining", TASK_TIME_BOX, end(draining));
    ends.push("holding the paging", TASK_TIME_BOX, end(held));
    // The last to be begun is the first to end: pages under way, while their results still reach the agent.
    ends.push(
        "pages under way",
        PAGER_TIME_BOX,
        async move { valve.shut().await },
    );
    (cycles, holding)
}

fn start_web(
    listener: TcpListener,
    dials: &Dials,
    config: &Config,
    ends: &mut Shutdown,
) -> Result<(), Trouble> {
    let address = listener
        .local_addr()
        .map_err(|error| told::no_listener(config.serve.listen, &error))?;
    tracing::info!(%address, "controller listens");
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let router = web::router(dials.clone(), &config.serve);
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
    let serving = tokio::spawn(serving.into_future());
    ends.push("answering requests", WEB_TIME_BOX, async move {
        drop(stop);
        let _ = serving.await;
    });
    Ok(())
}

async fn end<T: Send + 'static>(task: JoinHandle<T>) {
    task.abort();
    // It was told to end; how it did is no news.
    let _ = task.await;
}

/// Tells the service manager that the engine goes round, as long as it does.
async fn watchdog(dials: Dials) {
    let Some(within) = sd_notify::watchdog_enabled() else {
        return;
    };
    loop {
        // A missing agent is not mended by starting this anew; only a loop that stands still is.
        let engine = dials.engine();
        let now = dials.clock.boot_time();
        let looks = engine.pager.as_ref().is_none_or(|(cycle, _)| {
            let looked = cycle.at.as_ref().and_then(|at| now.since(at));
            looked.is_some_and(|age| age <= super::health::CYCLE_MAX)
        });
        if looks {
            notify(&[NotifyState::Watchdog]);
        }
        tokio::time::sleep(within / 3).await;
    }
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager is not told");
    }
}
