//! How a client is made: whom it asks, by which way, and its bounds.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use crate::client::{Client, Direct};
use crate::error::BuildError;
use crate::trust::{self, Trust};

/// Default bound on one request, connection and body included.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// Default bound on one body.
pub const BODY_MAX_BYTES_DEFAULT: usize = 4 * 1024 * 1024;
/// Default time that an idle connection is kept: below Apache's `KeepAliveTimeout` of 5 s, so that the
/// client never writes into a connection that the server is just closing.
pub const IDLE_DEFAULT: Duration = Duration::from_secs(3);

/// With or without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The version of HTTP that is spoken; no other is fallen back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// HTTP/1.1 with keep-alive.
    #[default]
    Http1,
    /// HTTP/2, many requests at once over one connection.
    Http2,
}

impl Protocol {
    pub(crate) const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// The way to the server.
#[derive(Debug)]
pub enum Way {
    /// TCP to this address.
    Address(SocketAddr),
    /// A unix socket at this path.
    Unix(PathBuf),
}

/// What is to be known of a client before it is made.
#[derive(Debug)]
pub struct Builder {
    scheme: Scheme,
    host: String,
    way: Way,
    net: Option<OwnedFd>,
    protocol: Protocol,
    trust: Trust,
    timeout: Duration,
    idle: Duration,
    idle_max: usize,
    body_max_bytes: usize,
}

impl Builder {
    pub(crate) fn new(scheme: Scheme, host: impl Into<String>, way: Way) -> Self {
        Self {
            scheme,
            host: host.into(),
            way,
            net: None,
            protocol: Protocol::default(),
            trust: Trust::default(),
            timeout: TIMEOUT_DEFAULT,
            idle: IDLE_DEFAULT,
            idle_max: usize::MAX,
            body_max_bytes: BODY_MAX_BYTES_DEFAULT,
        }
    }

    /// Asks from inside this network namespace, on a thread of the client's own.
    #[must_use]
    pub fn inside(mut self, net: OwnedFd) -> Self {
        self.net = Some(net);
        self
    }

    /// As [`Builder::inside`], or from where the caller is.
    #[must_use]
    pub fn maybe_inside(mut self, net: Option<OwnedFd>) -> Self {
        self.net = net;
        self
    }

    /// Speaks this version of HTTP.
    #[must_use]
    pub const fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Believes these certificates.
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Gives up on a request after this long, connection and body included.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Keeps at most so many idle connections; what more there were is closed with its answer.
    #[must_use]
    pub const fn idle_max(mut self, count: usize) -> Self {
        self.idle_max = count;
        self
    }

    /// Keeps an idle connection this long; zero: every request has a connection of its own.
    #[must_use]
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Takes at most this much of a body; a longer one is an error.
    #[must_use]
    pub const fn body_max_bytes(mut self, body_max_bytes: usize) -> Self {
        self.body_max_bytes = body_max_bytes;
        self
    }

    /// Makes the client; inside a namespace this starts its thread.
    pub fn build(mut self) -> Result<Client, BuildError> {
        match self.net.take() {
            Some(net) => Client::inside(net, self),
            None => Ok(Client::direct(self.direct()?)),
        }
    }

    /// The client of the calling thread's network.
    pub(crate) fn direct(&self) -> Result<Direct, BuildError> {
        let origin = self.origin()?;
        let mut library = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .timeout(self.timeout)
            .pool_idle_timeout(self.idle)
            .pool_max_idle_per_host(self.idle_max);
        if self.idle.is_zero() {
            library = library.pool_max_idle_per_host(0);
        }
        library = match self.protocol {
            Protocol::Http1 => library.http1_only(),
            Protocol::Http2 => library.http2_prior_knowledge(),
        };
        if let Some(tls) = trust::config(&self.trust, self.protocol).map_err(BuildError::Tls)? {
            library = library.tls_backend_preconfigured(tls);
        }
        library = match &self.way {
            Way::Address(address) => library.resolve(&self.host, *address),
            Way::Unix(path) => library.unix_socket(path.as_path()),
        };
        Ok(Direct {
            library: library.build().map_err(BuildError::Client)?,
            origin,
            timeout: self.timeout,
            body_max_bytes: self.body_max_bytes,
        })
    }

    fn origin(&self) -> Result<Url, BuildError> {
        let refused = || BuildError::HostName {
            name: self.host.clone(),
        };
        let port = match &self.way {
            Way::Address(address) => {
                self.check_literal(address.ip())?;
                address.port()
            }
            Way::Unix(_) => self.scheme.port(),
        };
        let host = match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
            Ok(IpAddr::V4(_)) | Err(_) => self.host.clone(),
        };
        let origin = format!("{}://{host}:{port}/", self.scheme.as_str());
        let url = Url::parse(&origin).map_err(|_| refused())?;
        let bare = url.path() == "/" && url.username().is_empty() && url.query().is_none();
        (bare && url.port_or_known_default() == Some(port))
            .then_some(url)
            .ok_or_else(refused)
    }

    /// The library connects to a literal address as it stands: it must be the one that is meant.
    fn check_literal(&self, address: IpAddr) -> Result<(), BuildError> {
        match self.host.parse::<IpAddr>() {
            Ok(literal) if literal != address => Err(BuildError::OtherAddress {
                name: self.host.clone(),
            }),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}
