//! Where to send: an address of lamp.toml, and the client that goes there.
//!
//! What stands behind the host's name in an address may be a secret (a heartbeat's is), so it is never shown. Private
//! addresses are refused unless lamp.toml lists them: a name must not lead a key of ours into a host's own net.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lamp_http::builder::Builder;
use lamp_http::request::Url;
use lamp_http::{Client, Scheme, lookup};
use serde::Deserialize;

use crate::error::EndpointError;

/// How long the resolver may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer that is read, in bytes.
const ANSWER_MAX_BYTES: usize = 64 << 10;

/// An address to send to, `https://HOST[:PORT][/PATH]` or `unix:/PATH`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Endpoint {
    way: Way,
    path: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Unix(PathBuf),
    Net { scheme: Net, host: String, port: u16 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Net {
    Http,
    Https,
}

/// Why there is no client for an endpoint now.
#[derive(Debug, thiserror::Error)]
pub enum NoClient {
    /// The resolver said nothing useful.
    #[error("look up {host}")]
    Lookup {
        /// The name.
        host: String,
        /// What it said.
        #[source]
        source: std::io::Error,
    },
    /// The name leads into a private net.
    #[error("{host} is {address}, a private address: list it under `addresses` if it is meant")]
    Private {
        /// The name.
        host: String,
        /// One of its addresses.
        address: IpAddr,
    },
    /// The client could not be made.
    #[error(transparent)]
    Build(#[from] lamp_http::BuildError),
}

impl Endpoint {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Self::unix(path);
        }
        let url = Url::parse(text).map_err(|_| EndpointError::NotAnAddress)?;
        let scheme = match url.scheme() {
            "http" => Net::Http,
            "https" => Net::Https,
            other => {
                let scheme = other.to_owned();
                return Err(EndpointError::Scheme { scheme });
            }
        };
        let host = host_of(&url)?;
        if scheme == Net::Http && !is_loopback(&host) {
            return Err(EndpointError::InTheClear { host });
        }
        let port = url.port_or_known_default().ok_or(EndpointError::Parts)?;
        Ok(Self {
            way: Way::Net { scheme, host, port },
            path: url.path().to_owned(),
        })
    }

    fn unix(path: &str) -> Result<Self, EndpointError> {
        if !path.starts_with('/') {
            return Err(EndpointError::Relative);
        }
        Ok(Self {
            way: Way::Unix(path.into()),
            path: "/".to_owned(),
        })
    }

    /// The path to ask for, as it stands in the address.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The path to ask for something below the address.
    pub(crate) fn below(&self, path: &str) -> String {
        format!("{}{path}", self.path.trim_end_matches('/'))
    }

    /// A client that goes there within `timeout`: to one of `listed`, or, if none is, to what the name's public
    /// address is now.
    pub(crate) async fn client(&self, listed: &[IpAddr], timeout: Duration) -> Result<Client, NoClient> {
        let builder = match &self.way {
            Way::Unix(path) => Client::unix("localhost", path.clone()),
            Way::Net { scheme, host, port } => {
                let scheme = match scheme {
                    Net::Http => Scheme::Http,
                    Net::Https => Scheme::Https,
                };
                let address = address(host, *port, listed).await?;
                Client::at(scheme, host.clone(), address)
            }
        };
        Ok(bounded(builder, timeout).build()?)
    }
}

fn bounded(builder: Builder, timeout: Duration) -> Builder {
    builder.timeout(timeout).body_max_bytes(ANSWER_MAX_BYTES)
}

fn host_of(url: &Url) -> Result<String, EndpointError> {
    let bare = url.username().is_empty() && url.password().is_none();
    let plain = bare && url.query().is_none() && url.fragment().is_none();
    let host = url.host_str().filter(|_| plain).ok_or(EndpointError::Parts)?;
    Ok(host.trim_start_matches('[').trim_end_matches(']').to_owned())
}

/// An address that is written out is listed by that.
async fn address(host: &str, port: u16, listed: &[IpAddr]) -> Result<SocketAddr, NoClient> {
    let literal = host.parse::<IpAddr>().ok();
    if let Some(meant) = literal.or_else(|| listed.first().copied()) {
        return Ok(SocketAddr::new(meant, port));
    }
    let found = lookup::addresses(host, port, LOOKUP_TIMEOUT).await;
    let found = found.map_err(|source| NoClient::Lookup {
        host: host.to_owned(),
        source,
    })?;
    choose(host, &found)
}

/// IPv4 first: a host without a route for IPv6 is common, and a name with IPv6 alone rare.
fn choose(host: &str, found: &[SocketAddr]) -> Result<SocketAddr, NoClient> {
    let refused = |address: SocketAddr| host != LOCALHOST && !lookup::is_public(address.ip());
    if let Some(address) = found.iter().find(|address| refused(**address)) {
        return Err(NoClient::Private {
            host: host.to_owned(),
            address: address.ip(),
        });
    }
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| NoClient::Lookup {
        host: host.to_owned(),
        source: std::io::ErrorKind::NotFound.into(),
    })
}

const LOCALHOST: &str = "localhost";

fn is_loopback(host: &str) -> bool {
    host == LOCALHOST || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl FromStr for Endpoint {
    type Err = EndpointError;
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;
    fn try_from(text: String) -> Result<Self, EndpointError> {
        Self::parse(&text)
    }
}

impl fmt::Display for Endpoint {
    /// Without the path: it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Unix(path) => write!(f, "unix:{}", path.display()),
            Way::Net { scheme, host, port } => {
                let scheme = match scheme {
                    Net::Http => "http",
                    Net::Https => "https",
                };
                write!(f, "{scheme}://{host}:{port}")
            }
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let said = match Endpoint::parse(text) {
            Ok(endpoint) => format!("{endpoint} {}", endpoint.path()),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected, "{text}");
    }

    #[test]
    fn an_address_is_read_or_refused_with_the_rule_that_it_breaks() {
        check(
            "https://events.pagerduty.com",
            "https://events.pagerduty.com:443 /",
        );
        check(
            "https://relay.example:8443/pd/",
            "https://relay.example:8443 /pd/",
        );
        check("http://127.0.0.1:9999", "http://127.0.0.1:9999 /");
        check("http://[::1]:9999/x", "http://::1:9999 /x");
        check("unix:/run/relay.sock", "unix:/run/relay.sock /");
        check(
            "unix:relay.sock",
            "a unix socket is named by its whole path, as in unix:/run/relay.sock",
        );
        check(
            "http://relay.example/",
            "http to relay.example would show the key to everyone on the way: use https",
        );
        check(
            "ftp://relay.example/",
            "ftp: is no way to send: use https, http or unix",
        );
        let parts = "it must name a host, and no user, query or fragment";
        for text in [
            "https://me:pw@relay.example/",
            "https://relay.example/?a=b",
            "https://relay.example/#x",
        ] {
            check(text, parts);
        }
        check(
            "relay",
            "it is no address such as https://events.pagerduty.com or unix:/run/relay.sock",
        );
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        let endpoint = Endpoint::parse("https://hc.example/ping/b3f1-secret").expect("an address");
        assert_eq!(format!("{endpoint} {endpoint:?}").matches("secret").count(), 0);
        assert_eq!(endpoint.path(), "/ping/b3f1-secret");
        assert_eq!(endpoint.below("/v2/enqueue"), "/ping/b3f1-secret/v2/enqueue");
    }

    #[tokio::test]
    async fn an_address_that_is_written_out_or_listed_is_meant() {
        let literal = address("10.0.0.7", 443, &[]).await.expect("written out");
        assert_eq!(literal.to_string(), "10.0.0.7:443");
        let listed = ["192.168.1.9".parse().expect("an address")];
        let found = address("relay.example", 443, &listed).await.expect("listed");
        assert_eq!(found.to_string(), "192.168.1.9:443");
    }

    #[track_caller]
    fn check_choice(host: &str, found: &[&str], expected: &str) {
        let found: Vec<SocketAddr> = found
            .iter()
            .map(|text| text.parse().expect("an address"))
            .collect();
        let said = match choose(host, &found) {
            Ok(address) => address.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn a_name_that_leads_into_a_private_net_is_refused() {
        check_choice(
            "relay.example",
            &["[2606:4700::1]:443", "1.1.1.1:443"],
            "1.1.1.1:443",
        );
        check_choice("relay.example", &["[2606:4700::1]:443"], "[2606:4700::1]:443");
        check_choice("localhost", &["127.0.0.1:443"], "127.0.0.1:443");
        check_choice(
            "relay.example",
            &["1.1.1.1:443", "10.0.0.7:443"],
            "relay.example is 10.0.0.7, a private address: list it under `addresses` if it is meant",
        );
    }
}
