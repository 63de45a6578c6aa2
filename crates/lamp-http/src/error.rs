//! Why there is no client, or no answer.

use std::io;
use std::time::Duration;

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The host name cannot stand in an address.
    #[error("{name:?} is not a host name")]
    HostName {
        /// As given.
        name: String,
    },
    /// An IP address as host name, and another one as the address to connect to.
    #[error("host name {name} is an address, and not the one to connect to")]
    OtherAddress {
        /// As given.
        name: String,
    },
    /// The certificate authority's certificate cannot be read.
    #[error("set up TLS")]
    Tls(#[source] rustls::Error),
    /// The client library refused.
    #[error("set up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// The thread of the namespace did not start, or could not join it.
    #[error("join the network namespace")]
    Namespace(#[source] io::Error),
}

/// Why a request has no complete answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The path would not be sent as it stands.
    #[error("{path:?} is not a path that can be asked for as it stands")]
    Path {
        /// As given, cut to 200 characters.
        path: String,
    },
    /// No complete answer in time.
    #[error("no complete answer within {} ms", after.as_millis())]
    TimedOut {
        /// The client's bound.
        after: Duration,
    },
    /// The body is longer than the client's bound.
    #[error("the answer is longer than {max_bytes} bytes")]
    TooLong {
        /// The bound.
        max_bytes: usize,
    },
    /// Nobody answers at the address, or TLS did not come about.
    #[error("connect")]
    Connect(#[source] reqwest::Error),
    /// The connection ended or broke the protocol before the answer was complete.
    #[error("complete the exchange")]
    Exchange(#[source] reqwest::Error),
    /// The client's thread inside the namespace is gone.
    #[error("the client's thread has ended")]
    Gone,
}

/// An error with everything that it stems from, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
