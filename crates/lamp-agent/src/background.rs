//! What lives beside deployments for as long as the agent does: watching, following the log, sending pages.

use std::sync::Arc;
use std::time::Duration;

use lamp_page::heartbeat::Heartbeat;
use lamp_page::{Pager, Valve};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::agent::Shared;
use crate::incidents::changes::Changes;
use crate::incidents::follow::Follower;
use crate::incidents::{Outside, PagerParts};
use crate::ledger::Ledger;
use crate::watch::WatchPlan;
use crate::watch::certificate::CertificateWatch;
use crate::watch::course::Watcher;
use crate::watch::disks::DiskWatch;

/// Time for a page under way to be answered and written down when the agent ends. What is not is sent again by
/// the next agent, under the same key.
const LAST_PAGE_TIME_BOX: Duration = Duration::from_secs(3);

/// All of it.
pub struct Background {
    tasks: JoinSet<()>,
    valve: Option<Arc<Valve>>,
}

impl Background {
    /// Begins it.
    pub fn start(shared: &Shared, outside: Outside, watched: Vec<WatchPlan>) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(DiskWatch::new(&watched, shared.tools.ledger.clone()).run());
        let cycles = watch_all(&mut tasks, shared, watched);
        let ledger = shared.tools.ledger.clone();
        let follower = Follower {
            ledger: ledger.clone(),
            changes: Arc::new(Changes::new(shared.desks.clone())),
            host: outside.host,
            pager: outside.pager.as_ref().map(|pager| pager.terms),
        };
        tasks.spawn(follower.run());
        if let Some(heartbeat) = outside.heartbeat {
            let (whole, beats) = watch::channel(0);
            tasks.spawn(count_whole(cycles, whole));
            tasks.spawn(Heartbeat::new(heartbeat).run(beats));
        }
        let valve = outside.pager.map(|pager| drain(&mut tasks, ledger, pager));
        let (paging, managed) = (Arc::clone(&shared.paging), valve.clone());
        tasks.spawn(async move { paging.run(managed).await });
        Self { tasks, valve }
    }

    /// What lets pages out; `None`: nobody is paged.
    pub fn valve(&self) -> Option<Arc<Valve>> {
        self.valve.clone()
    }

    /// Ends it.
    pub async fn end(mut self) {
        if let Some(valve) = &self.valve {
            // Whatever waits still is the next agent's.
            let _ = tokio::time::timeout(LAST_PAGE_TIME_BOX, valve.shut()).await;
        }
        self.tasks.shutdown().await;
    }
}

/// Watches each site; answers the count of each one's cycles.
fn watch_all(tasks: &mut JoinSet<()>, shared: &Shared, watched: Vec<WatchPlan>) -> Vec<watch::Receiver<u64>> {
    let mut counts = Vec::new();
    for plan in watched {
        let Some(desk) = shared.desks.get(&plan.site) else {
            continue;
        };
        let (cycles, count) = watch::channel(0);
        if plan.is_watched() {
            counts.push(count);
            let (site, config) = (plan.site.clone(), plan.config.clone());
            tasks.spawn(CertificateWatch::new(site, config, shared.tools.ledger.clone()).run());
        }
        let watcher = Watcher::new(Arc::clone(desk), shared.tools.ledger.clone(), plan, cycles);
        tasks.spawn(watcher.run());
    }
    counts
}

/// A cycle is whole once each site had one: one that is not seen keeps the heart from beating.
async fn count_whole(mut sites: Vec<watch::Receiver<u64>>, whole: watch::Sender<u64>) {
    if sites.is_empty() {
        return;
    }
    loop {
        for site in &mut sites {
            if site.changed().await.is_err() {
                return;
            }
        }
        whole.send_modify(|count| *count += 1);
    }
}

/// Sends what the outbox holds, until a controller takes that over.
fn drain(tasks: &mut JoinSet<()>, ledger: Ledger, parts: PagerParts) -> Arc<Valve> {
    let (valve, tap) = Valve::new();
    let changed = ledger.journal.watch();
    let pager = Pager {
        clock: Arc::clone(&ledger.clock),
        book: Arc::new(ledger),
        notifier: parts.notifier,
    };
    tasks.spawn(pager.drain(changed, tap));
    Arc::new(valve)
}
