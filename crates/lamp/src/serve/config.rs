//! The section `[serve]` of lamp.toml.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

/// Where the controller shows how it goes, and where it keeps what it could not tell the agent yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeConfig {
    /// Where `/health/engine` and `/metrics` are asked for; plain HTTP, so on loopback unless you mean it.
    pub listen: SocketAddr,
    /// Host names, besides the address itself and localhost, that it is asked by. Requests by any other are refused, so that no
    /// page of a stranger can read it through a browser on this host.
    pub hosts: Vec<String>,
    /// Its own directory.
    pub state_dir: PathBuf,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9187)),
            hosts: Vec::new(),
            state_dir: "/var/lib/lamp-serve".into(),
        }
    }
}
