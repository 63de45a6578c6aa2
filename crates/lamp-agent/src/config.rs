//! The section `[agent]` of lamp.toml.

use std::path::PathBuf;

use serde::Deserialize;

/// Where the agent keeps its state, where it listens, and who may command it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Its own directory, of root and mode 0700: the log, the armed switches, the key of the side door.
    pub state_dir: PathBuf,
    /// The unix socket that it listens on, of mode 0660, root and the group below.
    pub socket: PathBuf,
    /// The group whose members may deploy. No such group on the host: only root may.
    pub group: String,
    /// Whether a verb that root runs starts an agent where none listens. Not where a service manager does: an
    /// agent beside its own would hold the lock that its own needs.
    pub on_demand: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state_dir: "/var/lib/lamp".into(),
            socket: "/run/lamp/agent.sock".into(),
            group: "lamp".into(),
            on_demand: true,
        }
    }
}
