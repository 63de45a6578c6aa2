//! A receiver of pages that answers as PagerDuty's Events API v2 does, and keeps what came: for the demo, drills,
//! tests. It judges bodies by the API's own rules, so that what it takes PagerDuty would take.
//!
//! It listens on a port of loopback that the kernel chooses, on one inside a network namespace, or on a unix
//! socket, and can be told to answer badly ([`Manner`]) or to be down. [`Receiver::alerts`] says what a responder
//! would have been told: one alert a key, open or not.

pub mod alert;
mod event;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lamp_http::inside::work;
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::load::Nanos;
pub use alert::Alert;

/// How it answers whatever would be taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Manner {
    /// 202.
    #[default]
    Accepts,
    /// 400, whatever came.
    Refuses,
    /// 429, and how long to wait, if it says so.
    TooMany {
        /// In seconds.
        retry_after: Option<u32>,
    },
    /// 500.
    Fails,
    /// Takes it, and never answers.
    Silent,
    /// Nobody listens.
    Down,
}

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// When the last byte of it was there.
    pub at: Nanos,
    /// As in `/v2/enqueue`.
    pub path: String,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub raw: Vec<u8>,
    /// What was answered; `None`: it was taken, and nothing was answered.
    pub status: Option<u16>,
}

/// Keeps what comes until it is dropped, which ends it.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    manner: Option<watch::Sender<Manner>>,
    heard: Arc<Heard>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// What came so far; wakes whoever waits for more.
#[derive(Debug, Default)]
struct Heard {
    all: Mutex<Vec<Received>>,
    more: Condvar,
}

impl Heard {
    fn all(&self) -> MutexGuard<'_, Vec<Received>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, received: Received) {
        self.all().push(received);
        self.more.notify_all();
    }
}

impl Receiver {
    /// On a port of loopback.
    pub fn start() -> io::Result<Self> {
        Self::listen(None, Place::Loopback(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
    }

    /// On a port of the loopback of this network namespace.
    pub fn inside(net: OwnedFd) -> io::Result<Self> {
        Self::listen(
            Some(net),
            Place::Loopback(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        )
    }

    /// On a unix socket at this absolute path, which goes with the receiver.
    pub fn unix(path: &Path) -> io::Result<Self> {
        Self::listen(None, Place::Unix(path.to_owned()))
    }

    fn listen(net: Option<OwnedFd>, place: Place) -> io::Result<Self> {
        let (manner, told) = watch::channel(Manner::default());
        let (ready, begun) = sync_channel(1);
        let heard = Arc::new(Heard::default());
        let hearing = Arc::clone(&heard);
        let thread = work("lamp-receiver", net, move || serve(place, ready, told, hearing))?;
        let mut receiver = Self {
            url: String::new(),
            manner: Some(manner),
            heard,
            thread: Some(thread),
        };
        match begun.recv() {
            Ok(url) => receiver.url = url?,
            Err(_) => return Err(receiver.end()),
        }
        Ok(receiver)
    }

    /// What `[page] url` of lamp.toml has to say.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers like this from here on.
    pub fn be(&self, manner: Manner) {
        if let Some(told) = &self.manner {
            told.send_replace(manner);
        }
    }

    /// Everything that came, in order, whatever was answered.
    pub fn heard(&self) -> Vec<Received> {
        self.heard.all().clone()
    }

    /// What was taken, in order.
    pub fn received(&self) -> Vec<Received> {
        let all = self.heard.all();
        all.iter()
            .filter(|received| received.is_taken())
            .cloned()
            .collect()
    }

    /// Waits until what came is enough; whether it was within this time.
    pub fn wait_until(&self, within: Duration, is_enough: impl Fn(&[Received]) -> bool) -> bool {
        let deadline = Instant::now() + within;
        let mut all = self.heard.all();
        while !is_enough(&all) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.heard.more.wait_timeout(all, left);
            all = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// What a responder would have been told, by key.
    pub fn alerts(&self) -> BTreeMap<String, Alert> {
        alert::fold(&self.received())
    }

    /// Ends its thread, and says why that ended before.
    fn end(&mut self) -> io::Error {
        self.manner = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => error,
            Some(Ok(Ok(())) | Err(_)) | None => io::Error::other("the receiver's thread ended"),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

impl Received {
    /// Whether the receiver took it.
    pub fn is_taken(&self) -> bool {
        matches!(self.status, None | Some(202))
    }

    /// The body as JSON; null if it was none.
    pub fn body(&self) -> serde_json::Value {
        serde_json::from_slice(&self.raw).unwrap_or_default()
    }

    /// Whether it opens an alert.
    pub fn is_trigger(&self) -> bool {
        self.action().as_deref() == Some("trigger")
    }

    /// Whether it closes one.
    pub fn is_resolve(&self) -> bool {
        self.action().as_deref() == Some("resolve")
    }

    /// Whether it tells of a change.
    pub fn is_change(&self) -> bool {
        self.path.ends_with(event::CHANGES)
    }

    /// The key of its alert.
    pub fn dedup_key(&self) -> Option<String> {
        self.text("dedup_key")
    }

    fn action(&self) -> Option<String> {
        self.text("event_action")
    }

    fn text(&self, field: &str) -> Option<String> {
        Some(self.body().get(field)?.as_str()?.to_owned())
    }
}

/// Where it listens.
#[derive(Debug, Clone)]
enum Place {
    Loopback(SocketAddr),
    Unix(PathBuf),
}

enum Listener {
    Loopback(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    fn bind(place: &Place) -> io::Result<Self> {
        match place {
            Place::Loopback(address) => {
                let socket = TcpSocket::new_v4()?;
                // After being down it listens again where it did.
                socket.set_reuseaddr(true)?;
                socket.bind(*address)?;
                Ok(Self::Loopback(socket.listen(64)?))
            }
            Place::Unix(path) => Ok(Self::Unix(UnixListener::bind(path)?, path.clone())),
        }
    }

    fn place(&self) -> io::Result<Place> {
        Ok(match self {
            Self::Loopback(listener) => Place::Loopback(listener.local_addr()?),
            Self::Unix(_, path) => Place::Unix(path.clone()),
        })
    }

    async fn accept(&self) -> io::Result<Box<dyn wire::Stream>> {
        Ok(match self {
            Self::Loopback(listener) => Box::new(listener.accept().await?.0),
            Self::Unix(listener, _) => Box::new(listener.accept().await?.0),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = fs_err::remove_file(path);
        }
    }
}

impl Place {
    fn url(&self) -> String {
        match self {
            Self::Loopback(address) => format!("http://{address}"),
            Self::Unix(path) => format!("unix:{}", path.display()),
        }
    }
}

async fn serve(
    place: Place,
    ready: SyncSender<io::Result<String>>,
    mut manner: watch::Receiver<Manner>,
    heard: Arc<Heard>,
) {
    let bound = Listener::bind(&place).and_then(|listener| Ok((listener.place()?, listener)));
    let (place, mut listener) = match bound {
        Ok(bound) => bound,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(place.url()));
    while let Ok(()) = listen(&listener, &mut manner, &heard).await {
        drop(listener);
        if manner.wait_for(|manner| *manner != Manner::Down).await.is_err() {
            return;
        }
        match Listener::bind(&place) {
            Ok(bound) => listener = bound,
            Err(error) => return tracing::error!(%error, "the receiver cannot listen again"),
        }
    }
}

/// Serves until it is to be down; `Err`: until its owner is gone. What is under way then is cut off.
async fn listen(
    listener: &Listener,
    manner: &mut watch::Receiver<Manner>,
    heard: &Arc<Heard>,
) -> Result<(), watch::error::RecvError> {
    let mut connections = JoinSet::new();
    let mut end = manner.clone();
    let mut down = std::pin::pin!(end.wait_for(|manner| *manner == Manner::Down));
    loop {
        tokio::select! {
            over = &mut down => return over.map(drop),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => if let Ok(stream) = accepted {
                connections.spawn(converse(stream, manner.clone(), Arc::clone(heard)));
            },
        }
    }
}

/// Answers one connection's requests, one after another, until its peer goes or says what is no HTTP.
async fn converse(mut stream: Box<dyn wire::Stream>, manner: watch::Receiver<Manner>, heard: Arc<Heard>) {
    while let Some(request) = wire::read(&mut stream).await {
        let answer = event::answer(&request, *manner.borrow());
        heard.add(Received {
            at: Nanos::now(),
            path: request.path,
            headers: request.headers,
            raw: request.body,
            status: answer.as_ref().map(|answer| answer.status),
        });
        let written = match answer {
            Some(answer) => wire::write(&mut stream, &answer).await,
            None => wire::until_closed(&mut stream).await,
        };
        if written.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
