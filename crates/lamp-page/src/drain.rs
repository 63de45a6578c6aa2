//! The loop that gets pages out. It holds nothing that must not be lost: what is to be told stands in the log, and
//! so does what came of it, so a loop that is killed at any moment is continued by the next one.
//!
//! The agent runs it, and `lamp serve` while it holds the paging; a [`Valve`] hands over from one to the other,
//! with nothing under way in between.

mod valve;

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lamp_model::clock::{BootTime, Clock};
use lamp_model::incident::{PageId, PageIntent, PageResult};
use lamp_model::state::PendingPage;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use crate::notifier::{Notifier, Said};
use crate::outbox::Outbox;
use valve::Order;
pub use valve::{Cycle, Tap, Valve};

/// How long one try may take, whoever the notifier is.
pub const TRY_TIMEOUT: Duration = Duration::from_secs(15);
/// How often the outbox is looked at, if nothing happens.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A result on its way to the disk.
pub type Recording<'a> = Pin<Box<dyn Future<Output = Result<(), NotRecorded>> + Send + 'a>>;

/// Why a result is not on disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NotRecorded {
    /// What hinders it.
    pub why: String,
}

/// What is written down of pages.
pub trait PageBook: Send + Sync {
    /// The pages without a result.
    fn pending(&self) -> BTreeMap<PageId, PendingPage>;
    /// Writes a result down, durably. From then on the page is not sent again, whoever is killed.
    fn record(&self, page: PageId, result: PageResult) -> Recording<'_>;
}

/// What the loop works with.
#[derive(Clone)]
pub struct Pager {
    /// What is to be told, and where results go.
    pub book: Arc<dyn PageBook>,
    /// Who is told.
    pub notifier: Arc<dyn Notifier>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Pager {
    /// Drains the outbox until the [`Valve`] of `tap` is gone. Every change of `changed` and every second it looks at what
    /// is written down; while the valve is shut it begins nothing, and ends what it began.
    pub async fn drain<T: Send + Sync>(self, mut changed: watch::Receiver<T>, mut tap: Tap) {
        let mut work = Work::new(self);
        loop {
            let wait = work.cycle(&mut tap);
            tokio::select! {
                Some(over) = work.tasks.join_next_with_id() => work.over(over),
                Ok(()) = changed.changed() => {}
                told = tap.changed() => if told.is_err() { break },
                () = sleep(wait) => {}
            }
        }
    }
}

/// What a task of the loop ends with.
enum Done {
    Answered(Said),
    Recorded(Result<(), NotRecorded>),
}

struct Work {
    pager: Pager,
    outbox: Outbox,
    tasks: JoinSet<Done>,
    /// Which page each task is about.
    about: HashMap<Id, PageId>,
    cycle: Cycle,
}

impl Work {
    fn new(pager: Pager) -> Self {
        Self {
            pager,
            outbox: Outbox::default(),
            tasks: JoinSet::new(),
            about: HashMap::new(),
            cycle: Cycle::default(),
        }
    }

    /// Looks at what is written down, begins what is due, and answers how long nothing more is.
    fn cycle(&mut self, tap: &mut Tap) -> Duration {
        let pending = self.pager.book.pending();
        let now = self.pager.clock.boot_time();
        self.outbox.look(&pending, self.pager.clock.now(), &now);
        let decision = self.outbox.decide(&now);
        for (page, result) in decision.records {
            self.record(page, result);
        }
        let order = tap.order();
        for next in decision.tries.into_iter().filter(|_| order.is_open) {
            if let Some(waits) = pending.get(&next.page) {
                tracing::debug!(page = %next.page, number = next.number, why = ?next.why, "page is tried");
                self.send(next.page, waits.intent.clone(), &now);
            }
        }
        self.tell(tap, order, &now);
        let wait = decision.look_again.and_then(|at| at.since(&now));
        wait.unwrap_or(LOOK_EVERY).min(LOOK_EVERY)
    }

    fn tell(&mut self, tap: &Tap, order: Order, now: &BootTime) {
        self.cycle.number += 1;
        self.cycle.at = Some(now.clone());
        self.cycle.waiting = self.outbox.waiting();
        self.cycle.is_at_rest = !order.is_open && self.outbox.unsettled() == 0;
        tap.tell(order, self.cycle.clone());
    }

    fn send(&mut self, page: PageId, intent: PageIntent, now: &BootTime) {
        self.outbox.begin(page, now);
        let notifier = Arc::clone(&self.pager.notifier);
        let task = self.tasks.spawn(async move {
            let said = timeout(TRY_TIMEOUT, notifier.send(&intent)).await;
            Done::Answered(said.unwrap_or_else(|_| Said::NotNow {
                why: format!("no answer within {} s", TRY_TIMEOUT.as_secs()),
                retry_after: None,
            }))
        });
        self.about.insert(task.id(), page);
    }

    fn record(&mut self, page: PageId, result: PageResult) {
        self.cycle.count(&result);
        self.outbox.recording(page);
        let book = Arc::clone(&self.pager.book);
        let task = self
            .tasks
            .spawn(async move { Done::Recorded(book.record(page, result).await) });
        self.about.insert(task.id(), page);
    }

    fn over(&mut self, over: Result<(Id, Done), JoinError>) {
        let id = over.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(page) = self.about.remove(&id) else {
            return;
        };
        let now = self.pager.clock.boot_time();
        match over.map(|(_, done)| done) {
            Ok(Done::Answered(said)) => {
                self.cycle.heard(page, &said);
                self.outbox.answered(page, said, &now);
            }
            Ok(Done::Recorded(Ok(()))) => self.outbox.recorded(page),
            Ok(Done::Recorded(Err(error))) => {
                tracing::error!(%page, %error, "result of a page not recorded; again in a moment");
                self.outbox.not_recorded(page, &now);
            }
            Err(error) => self.broke(page, &error, &now),
        }
    }

    /// A task that broke off is a mistake of ours; the page must not hang on it.
    fn broke(&mut self, page: PageId, error: &JoinError, now: &BootTime) {
        tracing::error!(%page, %error, "a try did not end well");
        self.outbox.not_recorded(page, now);
        let why = "the try did not end well".to_owned();
        let retry_after = None;
        self.outbox.answered(page, Said::NotNow { why, retry_after }, now);
    }
}

#[cfg(test)]
mod tests;
