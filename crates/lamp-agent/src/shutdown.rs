//! How the agent ends: a last-in-first-out stack of named, time-boxed steps.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is to be ended, the first begun ended last.
#[derive(Default)]
pub struct Shutdown(Vec<(&'static str, Duration, Ending)>);

impl Shutdown {
    /// Puts a step on top: it is done before all that are there already.
    pub fn push(
        &mut self,
        name: &'static str,
        time_box: Duration,
        ending: impl Future<Output = ()> + Send + 'static,
    ) {
        self.0.push((name, time_box, Box::pin(ending)));
    }

    /// Does them all. A step that overruns its time is dropped, and said.
    pub async fn run(mut self) {
        while let Some((name, time_box, ending)) = self.0.pop() {
            match tokio::time::timeout(time_box, ending).await {
                Ok(()) => tracing::debug!(step = name, "ended"),
                Err(_) => tracing::warn!(step = name, ?time_box, "not ended in its time; left"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[tokio::test(start_paused = true)]
    async fn last_in_first_out_and_none_waits_for_ever() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut shutdown = Shutdown::default();
        for name in ["first", "second", "third"] {
            let order = Arc::clone(&order);
            shutdown.push(name, Duration::from_secs(1), async move {
                if name == "second" {
                    std::future::pending::<()>().await;
                }
                order.lock().expect("not poisoned").push(name);
            });
        }
        shutdown.run().await;
        assert_eq!(*order.lock().expect("not poisoned"), ["third", "first"]);
    }
}
