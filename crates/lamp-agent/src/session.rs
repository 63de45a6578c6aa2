//! One connection: who it is, hello, then its requests, one after another.

mod control;
mod incidents;
mod verbs;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use lamp_fleet::protocol::frame::FrameError;
use lamp_fleet::protocol::{self, Connection, ConnectionError, Refusal, Reply, Request};
use lamp_model::event::Actor;
use tokio::net::UnixStream;
use tokio::time::timeout;

pub use verbs::link;

use crate::agent::Shared;
use crate::offer::{Offer, not_understood};
use crate::paging::Hold;

/// How long a peer may take for its hello.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a peer may be silent between two requests, and take for one of them.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a peer may take to read a reply.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);

/// One peer's session.
pub struct Session {
    connection: Connection,
    shared: Arc<Shared>,
    offer: Option<Offer>,
    paging: Option<Hold>,
}

/// Why a session is over before its peer closed it.
#[derive(Debug, thiserror::Error)]
enum Over {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("the peer was silent for too long")]
    Silent,
    #[error("the peer does not read its replies")]
    Deaf,
}

impl Session {
    /// A session with whoever is at the other end.
    pub const fn new(stream: UnixStream, shared: Arc<Shared>) -> Self {
        Self {
            connection: Connection::new(stream),
            shared,
            offer: None,
            paging: None,
        }
    }

    /// Serves it to its end.
    pub async fn run(mut self) {
        match self.serve().await {
            Ok(()) | Err(Over::Connection(ConnectionError::Closed)) => {}
            Err(error) => tracing::info!(%error, "session over"),
        }
    }

    /// Tells the peer that there are too many.
    pub async fn turn_away(self, refusal: Refusal) {
        // Whether it reads that is its own affair.
        let _ = self.reply(&Reply::Refused { refusal }).await;
    }

    async fn serve(&mut self) -> Result<(), Over> {
        let by = match self.admit() {
            Ok(by) => by,
            Err(refusal) => return self.reply(&Reply::Refused { refusal }).await,
        };
        if !self.greet().await? {
            return Ok(());
        }
        while let Some((request, files)) = self.receive(REQUEST_TIMEOUT).await? {
            if let Request::Watch { deployment, after } = request {
                self.watch(&deployment, after).await?;
                continue;
            }
            if let Request::Follow { after } = request {
                return self.follow(after).await;
            }
            let reply = verbs::answer(self, &by, request, files).await;
            let reply = reply.unwrap_or_else(|refusal| Reply::Refused { refusal });
            self.reply(&reply).await?;
        }
        Ok(())
    }

    fn admit(&self) -> Result<Actor, Refusal> {
        let peer = self.connection.peer().map_err(|error| Refusal::Failed {
            why: error.to_string(),
        })?;
        self.shared.access.check(&peer)
    }

    async fn greet(&self) -> Result<bool, Over> {
        let refusal = match self.receive(HELLO_TIMEOUT).await? {
            None => return Ok(false),
            Some((Request::Hello { protocol, .. }, _)) if protocol == protocol::VERSION => {
                self.reply(&hello(&self.shared)).await?;
                return Ok(true);
            }
            Some((Request::Hello { protocol, .. }, _)) => Refusal::OtherVersion {
                agent: protocol::VERSION,
                peer: protocol,
            },
            Some(_) => not_understood("the first word is not hello".into()),
        };
        self.reply(&Reply::Refused { refusal }).await?;
        Ok(false)
    }

    /// The next request; `None` after one that was no message: its sender is told, and the session ends,
    /// because where its next one would begin is not known.
    async fn receive(&self, within: Duration) -> Result<Option<(Request, Vec<std::os::fd::OwnedFd>)>, Over> {
        match timeout(within, self.connection.receive())
            .await
            .map_err(|_| Over::Silent)?
        {
            Ok(received) => Ok(Some(received)),
            Err(ConnectionError::Frame(error)) => {
                self.reply(&Reply::Refused {
                    refusal: malformed(&error),
                })
                .await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn reply(&self, reply: &Reply) -> Result<(), Over> {
        let sent = timeout(REPLY_TIMEOUT, self.connection.send(reply, &[])).await;
        Ok(sent.map_err(|_| Over::Deaf)??)
    }
}

fn hello(shared: &Shared) -> Reply {
    Reply::Hello {
        protocol: protocol::VERSION,
        lamp: env!("CARGO_PKG_VERSION").to_owned(),
        pid: crate::ledger::own_pid(),
        config: shared.config,
    }
}

fn malformed(error: &FrameError) -> Refusal {
    not_understood(crate::hands::all_causes(error))
}
