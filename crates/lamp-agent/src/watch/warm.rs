//! Keeps connections to a site open beside that of the probes: when visitors fail two releases are asked at the same time, and with
//! every worker held by visitors' keep-alive a new connection waits for seconds, and visitors with it.

use std::sync::Arc;
use std::time::Duration;

use lamp_model::name::ReleaseId;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::asker::Asker;

/// Apache closes a connection on which nothing was asked for five seconds, if nobody said otherwise.
const AGAIN: Duration = Duration::from_secs(2);

/// The asking that keeps them open.
pub struct Warm {
    asker: Arc<Asker>,
    asking: JoinSet<()>,
    last: Option<Instant>,
}

impl Warm {
    /// Nothing was asked yet.
    pub fn new(asker: Arc<Asker>) -> Self {
        Self {
            asker,
            asking: JoinSet::new(),
            last: None,
        }
    }

    /// Asks again, if it is time to; `live` answers visitors. One at a time.
    pub fn beat(&mut self, path: &str, live: &ReleaseId) {
        while self.asking.try_join_next().is_some() {}
        let is_due = self.last.is_none_or(|last| last.elapsed() >= AGAIN);
        if !is_due || !self.asking.is_empty() {
            return;
        }
        self.last = Some(Instant::now());
        let (asker, path, live) = (Arc::clone(&self.asker), path.to_owned(), live.clone());
        self.asking
            .spawn(async move { asker.keep_warm(&path, &live).await });
    }
}
