//! Asks a site in production: as a visitor does, or one request of a chosen release through the side door.
//!
//! The secret that opens the door is the agent's: whoever judges what came back never sees it. Connections stay open
//! between two requests, so that a prefork worker waits for us: with every worker held by visitors' keep-alive a new
//! connection waits for seconds, and it is then that asking matters.
//!
//! The release that would be gone back to has connections of its own: what a bad release never answers keeps the worker for ever, and
//! with it the connection that it was asked on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lamp_http::error::chain;
use lamp_http::request::{HeaderName, HeaderValue};
use lamp_http::{Client, HttpError, Request};
use lamp_model::name::ReleaseId;
use lamp_release::SiteConfig;
use tokio::time::Instant;

use crate::site_hands::Reach;

/// How long an answer may take.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps the key to the side door of this host's sites.
pub trait DoorKeeper: Send + Sync {
    /// The header that makes one request be answered from `release`, or, without one, as visitors are: then it only says
    /// that nobody visited.
    fn header(&self, release: Option<&ReleaseId>) -> (HeaderName, HeaderValue);
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The status, or why there was no answer, in words.
    pub answer: Result<u16, String>,
    /// How long it took.
    pub took: Duration,
}

impl Asked {
    /// Whether it is the answer of a site that works.
    pub const fn is_well(&self) -> bool {
        matches!(self.answer, Ok(200..=399))
    }

    /// In words, as in `answered 500`.
    pub fn words(&self) -> String {
        match &self.answer {
            Ok(status) => format!("answered {status}"),
            Err(why) => format!("was not answered: {why}"),
        }
    }
}

/// Asks one site.
pub struct Asker {
    reach: Reach,
    door: Option<Arc<dyn DoorKeeper>>,
    open: Line,
    reserve: Line,
    /// What is asked on the reserve.
    held_back: Mutex<Option<ReleaseId>>,
}

/// Connections, kept while they are answered; the host is opened anew after they were not.
#[derive(Default)]
struct Line(Mutex<Option<Client>>);

impl Asker {
    /// Asks `site`; without `door`, only as visitors do.
    pub fn new(site: SiteConfig, door: Option<Arc<dyn DoorKeeper>>) -> Self {
        Self {
            reach: Reach(site),
            door,
            open: Line::default(),
            reserve: Line::default(),
            held_back: Mutex::default(),
        }
    }

    /// From here on `release` is asked on connections of its own.
    pub fn hold_back(&self, release: Option<ReleaseId>) {
        *self.held_back.lock().unwrap_or_else(PoisonError::into_inner) = release;
    }

    fn held_back(&self) -> Option<ReleaseId> {
        self.held_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether a chosen release can be asked.
    pub const fn has_door(&self) -> bool {
        self.door.is_some()
    }

    /// Asks as a visitor does; with a key, the log says that nobody visited.
    pub async fn visit(&self, path: &str) -> Asked {
        self.send(&self.open, as_visitors(path, self.door.as_deref()))
            .await
    }

    /// Asks `release`, whatever is live; `None`: there is no key to the side door.
    pub async fn ask(&self, path: &str, release: &ReleaseId) -> Option<Asked> {
        let line = match self.held_back() {
            Some(held_back) if held_back == *release => &self.reserve,
            Some(_) | None => &self.open,
        };
        self.ask_on(line, path, release).await
    }

    /// Asks `release` on the connections of the one that is held back: what never answers there is not for want of a worker.
    pub async fn ask_on_reserve(&self, path: &str, release: &ReleaseId) -> Option<Asked> {
        self.ask_on(&self.reserve, path, release).await
    }

    /// Keeps the reserve open. What comes of this request is nobody's evidence. While nothing is held back it is kept for `live`:
    /// the next switch makes that the release before, and may be found bad before anybody could open a connection.
    pub async fn keep_warm(&self, path: &str, live: &ReleaseId) {
        let release = self.held_back().unwrap_or_else(|| live.clone());
        self.ask_on(&self.reserve, path, &release).await;
    }

    async fn ask_on(&self, line: &Line, path: &str, release: &ReleaseId) -> Option<Asked> {
        let (name, value) = self.door.as_ref()?.header(Some(release));
        Some(self.send(line, Request::new(path).header(name, value)).await)
    }

    async fn send(&self, line: &Line, request: Request) -> Asked {
        let begun = Instant::now();
        let answer = match line.client(&self.reach) {
            Ok(client) => line.get(client, request).await,
            Err(why) => Err(why),
        };
        Asked {
            answer,
            took: begun.elapsed(),
        }
    }
}

/// A request that is answered as a visitor's is.
pub(crate) fn as_visitors(path: &str, door: Option<&dyn DoorKeeper>) -> Request {
    let request = Request::new(path);
    match door.map(|door| door.header(None)) {
        Some((name, value)) => request.header(name, value),
        None => request,
    }
}

impl Line {
    async fn get(&self, client: Client, request: Request) -> Result<u16, String> {
        let answer = client.get(request).await;
        if matches!(&answer, Err(HttpError::Connect(_) | HttpError::Gone)) {
            self.forget();
        }
        let status = answer.map(|answer| answer.status.as_u16());
        status.map_err(|error| chain(&error))
    }

    fn client(&self, reach: &Reach) -> Result<Client, String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*kept {
            return Ok(client.clone());
        }
        let client = reach.asking(ASK_TIMEOUT).map_err(|error| error.to_string())?;
        Ok(kept.insert(client).clone())
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
