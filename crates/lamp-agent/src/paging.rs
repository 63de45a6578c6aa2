//! Who sends pages: this agent, unless a controller has taken that over.
//!
//! The two never send at once: the agent's loop is at rest before a controller has the paging. A controller keeps on its
//! own disk what it could not tell, because it was killed or the agent was: so an agent whose controller is gone, or that
//! finds the mark of one, waits a little for it to come back and tell before it sends pages itself.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use lamp_fleet::protocol::Refusal;
use lamp_page::Valve;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

/// How long an agent waits for a controller that held the paging before it sends pages itself.
pub const COME_BACK_WITHIN: Duration = Duration::from_secs(5);
/// Longest wait for a try of the agent's own that is under way.
const REST_WITHIN: Duration = Duration::from_secs(20);

/// Who sends pages.
pub struct Paging {
    /// There while a controller does, also over the agent's end.
    mark: PathBuf,
    /// Whether the agent is to end.
    stop: watch::Receiver<bool>,
    /// What lets the agent's own pages out; unset: nobody is paged from here.
    valve: OnceLock<Arc<Valve>>,
    /// The controller's process.
    holder: Mutex<Option<i32>>,
    /// Rings when it is gone.
    gone: Notify,
}

/// The paging, while this lives.
pub struct Hold(Arc<Paging>);

impl Paging {
    /// Nobody's yet; `mark` is the file that says who it was when the last agent ended.
    pub const fn new(mark: PathBuf, stop: watch::Receiver<bool>) -> Self {
        Self {
            mark,
            stop,
            valve: OnceLock::new(),
            holder: Mutex::new(None),
            gone: Notify::const_new(),
        }
    }

    /// Lets the agent's own pages out while no controller has the paging: at once where none had it, and else when it is
    /// clear that it does not come back. Never ends.
    pub async fn run(&self, valve: Option<Arc<Valve>>) {
        if let Some(valve) = valve {
            // Set once, at the start.
            let _ = self.valve.set(valve);
        }
        loop {
            if self.mark.exists() {
                sleep(COME_BACK_WITHIN).await;
            }
            self.send_unless_held();
            self.gone.notified().await;
        }
    }

    /// The paging for the process `pid`, once nothing of the agent's is under way.
    pub async fn take(self: &Arc<Self>, pid: i32) -> Result<Hold, Refusal> {
        let hold = self.hold(pid)?;
        if let Some(valve) = self.valve.get() {
            let at_rest = timeout(REST_WITHIN, valve.shut()).await;
            at_rest.map_err(|_| failed("a page of the agent's own is still under way"))?;
        }
        let marked = fs_err::write(&self.mark, format!("{pid}\n"));
        marked.map_err(failed)?;
        Ok(hold)
    }

    fn hold(self: &Arc<Self>, pid: i32) -> Result<Hold, Refusal> {
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = *holder {
            return Err(Refusal::PagingHeld { pid });
        }
        *holder = Some(pid);
        Ok(Hold(Arc::clone(self)))
    }

    /// An agent that ends leaves the mark: the controller may have more to tell the next one.
    fn send_unless_held(&self) {
        let holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if holder.is_some() || *self.stop.borrow() {
            return;
        }
        if self.mark.exists()
            && let Err(error) = fs_err::remove_file(&self.mark)
        {
            tracing::warn!(%error, "the next agent will wait for a controller before it sends pages");
        }
        if let Some(valve) = self.valve.get() {
            valve.open();
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let paging = &self.0;
        let mut holder = paging.holder.lock().unwrap_or_else(PoisonError::into_inner);
        *holder = None;
        paging.gone.notify_one();
    }
}

fn failed(why: impl ToString) -> Refusal {
    let why = why.to_string();
    Refusal::Failed { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(dir: &std::path::Path) -> (Arc<Paging>, watch::Sender<bool>) {
        let (stop, stopped) = watch::channel(false);
        (Arc::new(Paging::new(dir.join("paging-held"), stopped)), stop)
    }

    /// A moment after every task has done what it can.
    const MOMENT: Duration = Duration::from_millis(1);

    fn runs(paging: &Arc<Paging>) -> (Arc<Valve>, lamp_page::drain::Tap) {
        let (valve, tap) = Valve::new();
        let valve = Arc::new(valve);
        let (paging, given) = (Arc::clone(paging), Arc::clone(&valve));
        tokio::spawn(async move { paging.run(Some(given)).await });
        (valve, tap)
    }

    #[tokio::test(start_paused = true)]
    async fn the_agent_sends_unless_a_controller_does() {
        let dir = tempfile::tempdir().expect("a directory");
        let (paging, _stop) = paging(dir.path());
        let (valve, tap) = runs(&paging);
        sleep(MOMENT).await;
        assert!(valve.is_open(), "no mark, no wait");
        drop(tap);
        let hold = paging.take(7).await.expect("taken");
        assert!(!valve.is_open() && dir.path().join("paging-held").exists());
        let other = paging.take(8).await.map(drop);
        assert_eq!(other, Err(Refusal::PagingHeld { pid: 7 }));
        drop(hold);
        sleep(COME_BACK_WITHIN + MOMENT).await;
        assert!(valve.is_open() && !dir.path().join("paging-held").exists());
    }

    #[tokio::test(start_paused = true)]
    async fn a_controller_that_was_killed_may_come_back_before_the_agent_sends() {
        let dir = tempfile::tempdir().expect("a directory");
        let (paging, _stop) = paging(dir.path());
        let (valve, tap) = runs(&paging);
        sleep(MOMENT).await;
        drop(tap);
        drop(paging.take(7).await.expect("taken"));
        sleep(COME_BACK_WITHIN - MOMENT).await;
        assert!(!valve.is_open(), "it may have more to tell");
        let _back = paging.take(8).await.expect("taken again");
        sleep(2 * COME_BACK_WITHIN).await;
        assert!(!valve.is_open(), "it is back");
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_ends_leaves_the_mark_and_the_next_waits_for_the_controller() {
        let dir = tempfile::tempdir().expect("a directory");
        let (first, stop) = paging(dir.path());
        let (_valve, tap) = runs(&first);
        drop(tap);
        let hold = first.take(7).await.expect("taken");
        stop.send_replace(true);
        drop(hold);
        sleep(2 * COME_BACK_WITHIN).await;
        let (next, _stop) = paging(dir.path());
        let (valve, _tap) = runs(&next);
        sleep(COME_BACK_WITHIN - MOMENT).await;
        assert!(!valve.is_open());
        sleep(2 * MOMENT).await;
        assert!(valve.is_open());
    }
}
