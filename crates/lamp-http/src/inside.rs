//! Work on a thread that has joined a network namespace.
//!
//! A thread that joins a namespace stays there, so it is never one of the caller's: [`work`] makes one,
//! with a runtime of its own, and [`Courier`] keeps one for a client.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::builder::{Builder, Way};
use crate::client::{Direct, Errand};
use crate::error::{BuildError, HttpError};
use crate::request::Answer;

/// Requests that may wait for a courier's thread.
const QUEUE_MAX: usize = 1024;

/// Runs `work` to its end on a new thread named `name`, inside `net` if one is given, on a current-thread
/// runtime. Joining the handle gives what the work answers, or why the thread could not begin.
pub fn work<W, F, T>(name: &str, net: Option<OwnedFd>, work: W) -> io::Result<JoinHandle<io::Result<T>>>
where
    W: FnOnce() -> F + Send + 'static,
    F: Future<Output = T>,
    T: Send + 'static,
{
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        if let Some(net) = net {
            move_into_link_name_space(net.as_fd(), Some(LinkNameSpaceType::Network))?;
        }
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(work()))
    })
}

/// Whether a server takes connections there, asked from inside `net` if one is given, within `most`.
pub fn accepts(net: Option<OwnedFd>, way: Way, most: Duration) -> io::Result<bool> {
    let connect = move || async move {
        let connected = async {
            match way {
                Way::Address(address) => TcpStream::connect(address).await.map(drop),
                Way::Unix(path) => UnixStream::connect(path).await.map(drop),
            }
        };
        matches!(tokio::time::timeout(most, connected).await, Ok(Ok(())))
    };
    let thread = work("lamp-http-connect", net, connect)?;
    thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("its thread ended")))
}

type Reply = oneshot::Sender<Result<Answer, HttpError>>;

/// Carries requests to a client that lives inside a namespace.
#[derive(Debug)]
pub(crate) struct Courier {
    requests: Option<mpsc::Sender<(Errand, Reply)>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Courier {
    pub(crate) fn start(net: OwnedFd, builder: Builder) -> Result<Self, BuildError> {
        let (requests, queue) = mpsc::channel(QUEUE_MAX);
        let (ready, begun) = std::sync::mpsc::sync_channel(1);
        let thread = work("lamp-http", Some(net), move || async move {
            match builder.direct() {
                Ok(direct) => {
                    let _ = ready.send(Ok(()));
                    serve(&direct, queue).await;
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        })
        .map_err(BuildError::Namespace)?;
        let mut courier = Self {
            requests: Some(requests),
            thread: Some(thread),
        };
        match begun.recv() {
            Ok(Ok(())) => Ok(courier),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(BuildError::Namespace(courier.join())),
        }
    }

    pub(crate) async fn run(&self, errand: Errand) -> Result<Answer, HttpError> {
        let requests = self.requests.as_ref().ok_or(HttpError::Gone)?;
        let (reply, answer) = oneshot::channel();
        requests
            .send((errand, reply))
            .await
            .map_err(|_| HttpError::Gone)?;
        answer.await.map_err(|_| HttpError::Gone)?
    }

    /// Ends the thread and says why it ended before it began to serve.
    fn join(&mut self) -> io::Error {
        self.requests = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => error,
            Some(Ok(Ok(())) | Err(_)) | None => io::Error::other("its thread ended"),
        }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        let _ = self.join();
    }
}

/// Answers requests, many at a time, until every client is gone; what is under way then is given up.
async fn serve(direct: &Direct, mut queue: mpsc::Receiver<(Errand, Reply)>) {
    let mut under_way = JoinSet::new();
    while let Some((errand, reply)) = queue.recv().await {
        let direct = direct.clone();
        under_way.spawn(async move {
            // The asker may have given up.
            let _ = reply.send(direct.run(errand).await);
        });
        while under_way.try_join_next().is_some() {}
    }
}
