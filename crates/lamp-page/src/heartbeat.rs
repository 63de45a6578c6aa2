//! The sign of life for a dead man's switch outside: asked for only after a whole cycle of watching, so that its
//! silence is what tells of a host, an agent or a watcher that is no more.

use std::time::Duration;

use lamp_http::error::chain;
use lamp_http::{Client, HttpError, Request};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::config::HeartbeatConfig;

/// The least time between two beats.
pub const BEAT_EVERY: Duration = Duration::from_secs(30);
/// How long one may take.
const BEAT_TIMEOUT: Duration = Duration::from_secs(10);

/// Beats as `[heartbeat]` says.
#[derive(Debug)]
pub struct Heartbeat {
    config: HeartbeatConfig,
    client: Option<Client>,
}

impl Heartbeat {
    /// As configured.
    pub const fn new(config: HeartbeatConfig) -> Self {
        let client = None;
        Self { config, client }
    }

    /// Beats after a whole cycle of watching, at most every [`BEAT_EVERY`]; `cycles` counts them. Ends when
    /// nobody counts any more.
    pub async fn run(mut self, mut cycles: watch::Receiver<u64>) {
        loop {
            if cycles.changed().await.is_err() {
                return;
            }
            let next = Instant::now() + BEAT_EVERY;
            if let Err(why) = self.beat().await {
                tracing::warn!(to = %self.config.url, why, "heartbeat not heard");
            }
            sleep_until(next).await;
            // What was watched before is told; only what is watched from here on counts.
            cycles.mark_unchanged();
        }
    }

    /// Beats once; `Err`: why nobody heard, without the address's secret part.
    async fn beat(&mut self) -> Result<(), String> {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => self.connect().await?,
        };
        // A beat that fails looks the name up anew.
        self.client = None;
        let asked = client.get(Request::new(self.config.url.path())).await;
        let answer = asked.map_err(|error| {
            // This one names the path.
            let is_path = matches!(error, HttpError::Path { .. });
            if is_path {
                "its path cannot be asked for".to_owned()
            } else {
                chain(&error)
            }
        })?;
        if !answer.status.is_success() {
            return Err(format!("answered {}", answer.status.as_u16()));
        }
        self.client = Some(client);
        Ok(())
    }

    async fn connect(&self) -> Result<Client, String> {
        let made = self.config.url.client(&self.config.addresses, BEAT_TIMEOUT).await;
        made.map_err(|error| chain(&error))
    }
}
