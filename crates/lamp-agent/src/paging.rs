//! Who sends pages: this agent, unless a controller has taken that over.
//!
//! The two never send at once: the agent's loop is at rest before a controller has the paging, and goes on when the
//! controller's connection ends. A controller keeps on its own disk what it could not tell an agent that died, so an agent that
//! finds the mark of one waits a little for it to come back and tell.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use lamp_fleet::protocol::Refusal;
use lamp_page::Valve;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How long an agent that starts waits for a controller that held the paging before it sends pages itself.
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
        }
    }

    /// The agent begins to send, at once or when it is clear that no controller comes back.
    pub async fn begin(&self, valve: Option<Arc<Valve>>) {
        if let Some(valve) = valve {
            // Set once, at the start.
            let _ = self.valve.set(valve);
        }
        if self.mark.exists() {
            sleep(COME_BACK_WITHIN).await;
        }
        let holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if holder.is_none() {
            self.send();
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

    fn send(&self) {
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
        // An agent that ends leaves the mark: the controller may have more to tell the next one.
        if !*paging.stop.borrow() {
            paging.send();
        }
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

    #[tokio::test(start_paused = true)]
    async fn the_agent_sends_unless_a_controller_does() {
        let dir = tempfile::tempdir().expect("a directory");
        let (paging, _stop) = paging(dir.path());
        let (valve, tap) = Valve::new();
        drop(tap);
        let valve = Arc::new(valve);
        paging.begin(Some(Arc::clone(&valve))).await;
        assert!(valve.is_open());
        let hold = paging.take(7).await.expect("taken");
        assert!(!valve.is_open() && dir.path().join("paging-held").exists());
        let other = paging.take(8).await.map(drop);
        assert_eq!(other, Err(Refusal::PagingHeld { pid: 7 }));
        drop(hold);
        assert!(valve.is_open() && !dir.path().join("paging-held").exists());
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_ends_leaves_the_mark_and_the_next_waits_for_the_controller() {
        let dir = tempfile::tempdir().expect("a directory");
        let (first, stop) = paging(dir.path());
        let hold = first.take(7).await.expect("taken");
        stop.send_replace(true);
        drop(hold);
        let (next, _stop) = paging(dir.path());
        let (valve, _tap) = Valve::new();
        let valve = Arc::new(valve);
        let begun = tokio::time::Instant::now();
        next.begin(Some(Arc::clone(&valve))).await;
        assert!(begun.elapsed() >= COME_BACK_WITHIN && valve.is_open());
        let begun = tokio::time::Instant::now();
        paging(dir.path()).0.begin(None).await;
        assert_eq!(begun.elapsed(), Duration::ZERO, "the control: no mark, no wait");
    }
}
