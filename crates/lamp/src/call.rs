//! One conversation with the agent: hello, a question, its answer.
//!
//! [`start`] brings an agent to life where none runs and the caller is root.

pub mod start;

use std::io::ErrorKind;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

use lamp_fleet::protocol::{self, Connection, Reply, Request};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::config::Config;
use crate::errors::{Trouble, agent as told, refusal};
use crate::screen::say;

/// How long the agent may take for its hello.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to the agent that has said hello.
#[derive(Debug)]
pub struct Call {
    connection: Connection,
    wanted: String,
}

impl Call {
    /// Calls the agent that runs; `wanted` is what for, as in `deploy to shop`.
    pub async fn running(config: &Config, wanted: &str) -> Result<Self, Trouble> {
        let call = Self::if_running(config, wanted).await?;
        call.ok_or_else(|| told::none_runs(&config.agent.socket))
    }

    /// The same; `None`: no agent runs.
    pub async fn if_running(config: &Config, wanted: &str) -> Result<Option<Self>, Trouble> {
        match connect(&config.agent.socket).await? {
            Some(stream) => Self::greet(stream, config, wanted).await.map(Some),
            None => Ok(None),
        }
    }

    /// Calls the agent; starts one if none runs and the caller may.
    pub async fn or_start(config: &Config, wanted: &str) -> Result<Self, Trouble> {
        match connect(&config.agent.socket).await? {
            Some(stream) => Self::greet(stream, config, wanted).await,
            None if !config.agent.on_demand => Err(told::not_on_demand(&config.agent.socket)),
            None if rustix::process::geteuid().is_root() => {
                Self::greet(start::agent(config).await?, config, wanted).await
            }
            None => Err(told::none_runs(&config.agent.socket)),
        }
    }

    async fn greet(stream: UnixStream, config: &Config, wanted: &str) -> Result<Self, Trouble> {
        let call = Self {
            connection: Connection::new(stream),
            wanted: wanted.to_owned(),
        };
        let hello = Request::Hello {
            protocol: protocol::VERSION,
            lamp: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let greeting = timeout(HELLO_TIMEOUT, call.ask(&hello, &[])).await;
        let greeting = greeting.map_err(|_| told::silent(HELLO_TIMEOUT))??;
        let Reply::Hello {
            config: started_with, ..
        } = greeting
        else {
            return Err(beside(&greeting));
        };
        if started_with != config.hash {
            say(&told::other_configuration(&config.path));
        }
        Ok(call)
    }

    /// Asks, and answers what came back; a refusal is trouble.
    pub async fn ask(&self, request: &Request, files: &[BorrowedFd<'_>]) -> Result<Reply, Trouble> {
        self.ask_plainly(request, files)
            .await
            .and_then(|reply| self.unless_refused(reply))
    }

    /// The same, a refusal being an answer.
    pub async fn ask_plainly(&self, request: &Request, files: &[BorrowedFd<'_>]) -> Result<Reply, Trouble> {
        // A refusal may come before the question is through, and says more than the broken pipe does:
        // whether it was sent shows in whether an answer comes.
        let _ = self.connection.send(request, files).await;
        self.receive().await
    }

    /// The next reply; a refusal is trouble.
    pub async fn next(&self) -> Result<Reply, Trouble> {
        self.receive().await.and_then(|reply| self.unless_refused(reply))
    }

    /// Waits until the agent hangs up, for one whom it owes no answer.
    pub async fn closed(&self) {
        self.connection.closed().await;
    }

    /// A reply that is none of refusal.
    pub fn unless_refused(&self, reply: Reply) -> Result<Reply, Trouble> {
        if let Reply::Refused { refusal } = reply {
            return Err(refusal::told(&self.wanted, &refusal));
        }
        Ok(reply)
    }

    async fn receive(&self) -> Result<Reply, Trouble> {
        let received = self.connection.receive().await;
        received
            .map(|(reply, _)| reply)
            .map_err(|error| told::broke_off(&error))
    }
}

/// Trouble with a reply that does not belong to the question.
pub fn beside(reply: &Reply) -> Trouble {
    told::beside_the_question(&format!("{reply:?}").chars().take(60).collect::<String>())
}

/// `None`: nobody listens.
async fn connect(socket: &Path) -> Result<Option<UnixStream>, Trouble> {
    let error = match UnixStream::connect(socket).await {
        Ok(stream) => return Ok(Some(stream)),
        Err(error) => error,
    };
    if [ErrorKind::NotFound, ErrorKind::ConnectionRefused].contains(&error.kind()) {
        return Ok(None);
    }
    if error.kind() == ErrorKind::PermissionDenied {
        return Err(told::refused(socket, rustix::process::geteuid().as_raw()));
    }
    Err(told::unreachable(socket, &error))
}
