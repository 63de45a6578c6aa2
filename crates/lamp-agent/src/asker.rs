//! Asks a site in production: as a visitor does, or one request of a chosen release through the side door.
//!
//! The secret that opens the door is the agent's: whoever judges what came back never sees it. Connections stay open
//! between two requests, so that a prefork worker waits for us: with every worker held by visitors' keep-alive a new
//! connection waits for seconds, and it is then that asking matters.
//!
//! Whoever asks at the same time as another has a line of their own, or takes turns: a second request on a line in use would need a
//! new connection; so does the next one after a failure, with which Apache closes. The release that would be gone back to has its own, too: what a bad release never answers keeps the worker
//! for ever, and with it the connection that it was asked on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lamp_http::error::chain;
use lamp_http::request::{HeaderName, HeaderValue};
use lamp_http::{Answer, Client, HttpError, Request};
use lamp_model::name::ReleaseId;
use lamp_release::SiteConfig;
use tokio::sync::MutexGuard;
use tokio::time::Instant;

use crate::site_hands::Reach;

/// How long an answer may take.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits until its line is free, before it goes out on a new connection.
const TURN_PATIENCE: Duration = Duration::from_millis(250);
/// The same for the reserve, when no other line is open: the release before is being asked on it, and until that has answered there is no
/// verdict anyway, whereas a new connection waits for a worker. Less than a question waits for its answer.
const RESERVE_PATIENCE: Duration = Duration::from_secs(2);
/// How long a connection on which nothing is asked counts as open: less than the five seconds that Apache waits.
const STAYS_OPEN: Duration = Duration::from_secs(4);

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

/// Why a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A probe or a sweep failed.
    Probing,
    /// Visitors failed, and more of them do until it is answered.
    Visitors,
}

/// Asks one site.
pub struct Asker {
    reach: Reach,
    door: Option<Arc<dyn DoorKeeper>>,
    probing: Line,
    visitors: Line,
    reserve: Line,
    /// What is asked on the reserve.
    held_back: Mutex<Option<ReleaseId>>,
}

/// Connections, kept while they are answered; the host is opened anew after they were not.
#[derive(Default)]
struct Line {
    client: Mutex<Option<Client>>,
    turn: tokio::sync::Mutex<()>,
    /// When it was last answered on a connection that stayed open.
    open_at: Mutex<Option<Instant>>,
}

/// A line, and the right to it: without one, it goes out on a new connection.
pub struct Turn<'l> {
    line: &'l Line,
    _right: Option<MutexGuard<'l, ()>>,
}

impl Asker {
    /// Asks `site`; without `door`, only as visitors do.
    pub fn new(site: SiteConfig, door: Option<Arc<dyn DoorKeeper>>) -> Self {
        Self {
            reach: Reach(site),
            door,
            probing: Line::default(),
            visitors: Line::default(),
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
        let turn = self.probing.turn().await;
        self.send(&turn, as_visitors(path, self.door.as_deref())).await
    }

    /// Asks `release`, whatever is live, for a probe or a sweep; `None`: there is no key to the side door.
    pub async fn probe(&self, path: &str, release: &ReleaseId) -> Option<Asked> {
        let turn = self.probing.turn().await;
        self.ask(&turn, path, release).await
    }

    /// The line on which a question to `release` is asked, when it is its turn.
    pub async fn turn(&self, purpose: Purpose, release: &ReleaseId) -> Turn<'_> {
        if self.held_back().as_ref() == Some(release) {
            self.turn_on_reserve().await
        } else {
            self.open_turn(purpose).await
        }
    }

    /// The connections of the release that is held back: what never answers there is not for want of a worker.
    pub async fn turn_on_reserve(&self) -> Turn<'_> {
        self.reserve.turn().await
    }

    /// Asks `release`, whatever is live; `None`: there is no key to the side door.
    pub async fn ask(&self, turn: &Turn<'_>, path: &str, release: &ReleaseId) -> Option<Asked> {
        let (name, value) = self.door.as_ref()?.header(Some(release));
        Some(self.send(turn, Request::new(path).header(name, value)).await)
    }

    /// A server that fails closes the connection, so that each question costs one: whichever is open is used, that of the release before
    /// last, when that has answered.
    async fn open_turn(&self, purpose: Purpose) -> Turn<'_> {
        let [own, other] = match purpose {
            Purpose::Probing => [&self.probing, &self.visitors],
            Purpose::Visitors => [&self.visitors, &self.probing],
        };
        if let Some(turn) = own.turn_if_open().or_else(|| other.turn_if_open()) {
            return turn;
        }
        let turn = self.reserve.turn_within(RESERVE_PATIENCE).await;
        if self.reserve.is_open() {
            return turn;
        }
        drop(turn);
        own.turn().await
    }

    /// Keeps open what no probe keeps open. What comes of these requests is nobody's evidence. They are answered by the release that
    /// is held back, which is known to answer; while none is, by `live`: the next switch makes that the release before, and may be
    /// found bad before anybody could open a connection.
    pub async fn keep_warm(&self, path: &str, live: &ReleaseId) {
        let release = self.held_back().unwrap_or_else(|| live.clone());
        let reserve = self.keep_open(&self.reserve, path, &release);
        let visitors = self.keep_open(&self.visitors, path, &release);
        tokio::join!(reserve, visitors);
    }

    async fn keep_open(&self, line: &Line, path: &str, release: &ReleaseId) {
        if let Some(turn) = line.turn_at_once() {
            self.ask(&turn, path, release).await;
        }
    }

    async fn send(&self, turn: &Turn<'_>, request: Request) -> Asked {
        let (begun, line) = (Instant::now(), turn.line);
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

/// HTTP/1.1 says so if it closes the connection.
fn stays_open(answer: &Answer) -> bool {
    let closes = |value: &str| value.eq_ignore_ascii_case("close");
    !answer.header("connection").is_some_and(closes)
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
    /// As soon as it is free, or with a new connection, if that lasts.
    async fn turn(&self) -> Turn<'_> {
        self.turn_within(TURN_PATIENCE).await
    }

    async fn turn_within(&self, patience: Duration) -> Turn<'_> {
        let right = tokio::time::timeout(patience, self.turn.lock()).await;
        Turn {
            line: self,
            _right: right.ok(),
        }
    }

    fn turn_at_once(&self) -> Option<Turn<'_>> {
        let right = self.turn.try_lock().ok()?;
        Some(Turn {
            line: self,
            _right: Some(right),
        })
    }

    fn turn_if_open(&self) -> Option<Turn<'_>> {
        self.turn_at_once().filter(|turn| turn.line.is_open())
    }

    fn is_open(&self) -> bool {
        let open_at = self.open_at.lock().unwrap_or_else(PoisonError::into_inner);
        open_at.is_some_and(|at| at.elapsed() < STAYS_OPEN)
    }

    fn answered(&self, is_open: bool) {
        let mut open_at = self.open_at.lock().unwrap_or_else(PoisonError::into_inner);
        *open_at = is_open.then(Instant::now);
    }

    async fn get(&self, client: Client, request: Request) -> Result<u16, String> {
        self.answered(false);
        let answer = client.get(request).await;
        self.answered(answer.as_ref().is_ok_and(stays_open));
        if matches!(&answer, Err(HttpError::Connect(_) | HttpError::Gone)) {
            self.forget();
        }
        let status = answer.map(|answer| answer.status.as_u16());
        status.map_err(|error| chain(&error))
    }

    fn client(&self, reach: &Reach) -> Result<Client, String> {
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*kept {
            return Ok(client.clone());
        }
        let client = reach.asking(ASK_TIMEOUT).map_err(|error| error.to_string())?;
        Ok(kept.insert(client).clone())
    }

    fn forget(&self) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker() -> Asker {
        let said = serde_json::json!({
            "store": "/srv/shop", "access_log": "/var/log/access.log", "address": "127.0.0.1:1", "hostname": "shop.example",
        });
        Asker::new(serde_json::from_value(said).expect("a site"), None)
    }

    /// Whether a question gets the reserve, if the release before answers on it after this long, or never.
    async fn check(answers_after: Option<Duration>, expected: bool) {
        let asker = asker();
        let mut before = Some(asker.turn_on_reserve().await);
        let answering = async {
            if let Some(after) = answers_after {
                tokio::time::sleep(after).await;
                asker.reserve.answered(true);
                drop(before.take());
            }
            std::future::pending::<()>().await;
        };
        let turn = tokio::select! {
            turn = asker.open_turn(Purpose::Visitors) => Some(turn),
            () = answering => None,
        };
        let is_reserve = turn.is_some_and(|turn| std::ptr::eq(turn.line, &raw const asker.reserve));
        assert_eq!(is_reserve, expected, "{answers_after:?}");
    }

    /// A release before that answers slowly is no reason for a new connection, which may wait for a worker longer than that.
    #[tokio::test(start_paused = true)]
    async fn with_every_other_line_closed_the_release_before_is_waited_for() {
        check(Some(Duration::from_millis(700)), true).await;
        check(None, false).await;
    }
}
