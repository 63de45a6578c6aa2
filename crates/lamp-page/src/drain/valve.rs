//! Opens and shuts the loop from outside, and hears how it goes.

use lamp_model::clock::BootTime;
use lamp_model::incident::{PageId, PageResult};
use tokio::sync::watch;

use crate::notifier::Said;

/// What the loop has done so far, as of its last look at the outbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cycle {
    /// Counts the looks, from 1.
    pub number: u64,
    /// When that was; `None`: it has not looked yet.
    pub at: Option<BootTime>,
    /// Pages without a recorded result.
    pub waiting: usize,
    /// Whether the valve is shut, and nothing is under way or unrecorded.
    pub is_at_rest: bool,
    /// Pages that were taken, since the loop began; likewise below.
    pub accepted: u64,
    /// Pages that will never be taken.
    pub refused: u64,
    /// Pages that nobody took for a day.
    pub gave_up: u64,
    /// Tries that came to nothing.
    pub failed_tries: u64,
    /// What was said at the last try, if it came to nothing.
    pub last_failure: Option<String>,
    /// The valve's last order that it saw.
    order: u64,
}

impl Cycle {
    pub(super) fn heard(&mut self, page: PageId, said: &Said) {
        match said {
            Said::Accepted => {
                tracing::info!(%page, "page is taken");
                self.last_failure = None;
            }
            Said::Refused { why } => {
                tracing::error!(%page, why, "page is refused for ever");
                self.last_failure = Some(why.clone());
            }
            Said::NotNow { why, .. } | Said::TooMany { why, .. } => {
                tracing::warn!(%page, why, "page is not taken yet");
                self.failed_tries += 1;
                self.last_failure = Some(why.clone());
            }
        }
    }

    pub(super) fn count(&mut self, result: &PageResult) {
        match result {
            PageResult::Accepted { .. } => self.accepted += 1,
            PageResult::Refused { .. } => self.refused += 1,
            PageResult::GaveUp { .. } => self.gave_up += 1,
        }
    }
}

/// The end outside. The loop ends when this is dropped; what is under way then is given up, and sent again by
/// whoever drains next: [`Valve::shut`] before.
#[derive(Debug)]
pub struct Valve {
    order: watch::Sender<Order>,
    cycle: watch::Receiver<Cycle>,
}

/// The loop's end.
#[derive(Debug)]
pub struct Tap {
    order: watch::Receiver<Order>,
    cycle: watch::Sender<Cycle>,
}

/// What the loop is told, and the how-manieth time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Order {
    pub(super) is_open: bool,
    number: u64,
}

impl Valve {
    /// Both ends, shut.
    pub fn new() -> (Self, Tap) {
        let (order, told) = watch::channel(Order::default());
        let (tell, cycle) = watch::channel(Cycle::default());
        let tap = Tap {
            order: told,
            cycle: tell,
        };
        (Self { order, cycle }, tap)
    }

    /// Lets pages out.
    pub fn open(&self) {
        self.give(true);
    }

    /// Whether pages are let out.
    pub fn is_open(&self) -> bool {
        self.order.borrow().is_open
    }

    /// Begins no further try, and waits until what was begun is over and recorded: a try's time, or as long as
    /// results cannot be recorded. Whoever cannot wait that long drops the future; it stays shut.
    pub async fn shut(&self) {
        let number = self.give(false);
        let mut cycle = self.cycle.clone();
        let at_rest = |cycle: &Cycle| cycle.is_at_rest && cycle.order >= number;
        // A loop that has ended has nothing under way.
        let _ = cycle.wait_for(at_rest).await;
    }

    fn give(&self, is_open: bool) -> u64 {
        self.order.send_modify(|order| {
            order.is_open = is_open;
            order.number += 1;
        });
        self.order.borrow().number
    }

    /// How the loop goes.
    pub fn cycles(&self) -> watch::Receiver<Cycle> {
        self.cycle.clone()
    }
}

impl Tap {
    pub(super) fn order(&mut self) -> Order {
        *self.order.borrow_and_update()
    }

    pub(super) async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.order.changed().await
    }

    pub(super) fn tell(&self, order: Order, mut cycle: Cycle) {
        cycle.order = order.number;
        self.cycle.send_replace(cycle);
    }
}
