//! PagerDuty's Events API v2, as a notifier. Whatever else speaks it is told the same.
//!
//! Alerts go to `/v2/enqueue`, changes to `/v2/change/enqueue`; the routing key stands in the body, and nowhere else.

mod answer;
mod body;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lamp_http::error::chain;
use lamp_http::{Client, Request};
use lamp_model::clock::Clock;
use lamp_model::incident::{PageAction, PageIntent};

use crate::config::PageConfig;
use crate::endpoint::NoClient;
use crate::notifier::{Notifier, Said, Sending};
use crate::secret::{KeyFile, SecretKey};

pub use body::BODY_MAX_BYTES;

/// How long one try may take, connection and answer included.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Tells PagerDuty.
pub struct PagerDuty {
    config: PageConfig,
    /// The host in whose name pages go.
    source: String,
    clock: Arc<dyn Clock>,
    /// The last client that had an answer; none: the name is looked up anew.
    client: Mutex<Option<Client>>,
}

impl PagerDuty {
    /// As `[page]` says, in the name of the host `source`.
    pub fn new(config: PageConfig, source: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            config,
            source: source.into(),
            clock,
            client: Mutex::new(None),
        }
    }

    async fn try_once(&self, intent: &PageIntent) -> Said {
        let key = match KeyFile::new(&self.config.routing_key_file).read() {
            Ok(key) => key,
            Err(error) => return not_now(chain(&error)),
        };
        let body = match body::encode(intent, &key, &self.source) {
            Ok(body) => body,
            Err(why) => return Said::Refused { why },
        };
        redacted(self.post(intent.action, body).await, &key)
    }

    async fn post(&self, action: PageAction, body: Vec<u8>) -> Said {
        let client = match self.client().await {
            Ok(client) => client,
            Err(error) => return not_now(chain(&error)),
        };
        let path = self.config.url.below(match action {
            PageAction::Trigger | PageAction::Resolve => "/v2/enqueue",
            PageAction::Change => "/v2/change/enqueue",
        });
        match client.post_json(Request::new(path), body).await {
            Ok(answer) => {
                self.keep(Some(client));
                answer::read(&answer, self.clock.now())
            }
            Err(error) => {
                self.keep(None);
                not_now(chain(&error))
            }
        }
    }

    async fn client(&self) -> Result<Client, NoClient> {
        let kept = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match kept {
            Some(client) => Ok(client),
            None => self.config.url.client(&self.config.addresses, CALL_TIMEOUT).await,
        }
    }

    fn keep(&self, client: Option<Client>) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }
}

impl Notifier for PagerDuty {
    fn send<'a>(&'a self, intent: &'a PageIntent) -> Sending<'a> {
        Box::pin(self.try_once(intent))
    }
}

const fn not_now(why: String) -> Said {
    let retry_after = None;
    Said::NotNow { why, retry_after }
}

/// A receiver may repeat what it was sent: the key goes out of its words.
fn redacted(said: Said, key: &SecretKey) -> Said {
    match said {
        Said::Accepted => Said::Accepted,
        Said::Refused { why } => Said::Refused {
            why: key.redact(&why),
        },
        Said::NotNow { why, retry_after } => Said::NotNow {
            why: key.redact(&why),
            retry_after,
        },
        Said::TooMany { why, retry_after } => Said::TooMany {
            why: key.redact(&why),
            retry_after,
        },
    }
}
