//! How a stage's site is guarded: its gate, its watcher, its pager, and the key to its side door.

use std::fmt::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use fs_err as fs;
use lamp_apache::DoorKey;
use lamp_model::plan::GateScope;

use super::ERROR_LOG;
use crate::app::door;

/// A routing key of the form that PagerDuty gives out; nobody's.
const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";

/// How a site is guarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What a release must pass.
    pub gate: GateScope,
    /// Whether it is watched.
    pub watched: bool,
    /// Where pages go; `None`: nobody is paged.
    pub pager: Option<String>,
    /// What is probed through a bake.
    pub probe: Probe,
}

/// What is probed through a bake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// A page of the application.
    Page,
    /// A file: whether the code works shows only to visitors.
    File,
}

impl Default for Settings {
    /// Not at all: for drills of the switch alone.
    fn default() -> Self {
        Self {
            gate: GateScope::Off,
            watched: false,
            pager: None,
            probe: Probe::Page,
        }
    }
}

impl Settings {
    /// As a real site is, with the pager at this address; unwatched, it is a control. Only a file is probed, so that
    /// what is noticed is noticed by the watcher.
    pub fn guarded(pager: impl Into<String>, watched: bool) -> Self {
        Self {
            gate: GateScope::Full,
            watched,
            pager: Some(pager.into()),
            probe: Probe::File,
        }
    }

    /// The same with another gate.
    #[must_use]
    pub const fn gate(mut self, gate: GateScope) -> Self {
        self.gate = gate;
        self
    }

    /// The lines of lamp.toml, the first of them the site's own.
    pub(super) fn lines(&self, place: &Path, has_database: bool) -> String {
        let gate = match self.gate {
            GateScope::Off => "off",
            GateScope::Check => "check",
            GateScope::Full => "full",
        };
        let watch = if self.watched { "on" } else { "off" };
        let mut text = format!("error_log = \"{ERROR_LOG}\"\ngate = \"{gate}\"\nwatch = \"{watch}\"\n");
        if has_database {
            text.push_str(
                "\n[site.shop.database]\ndatadir = \"/var/lib/mysql\"\nsocket = \"/run/mysqld/mysqld.sock\"\n",
            );
        }
        if let Some(url) = &self.pager {
            let key = routing_key_file(place);
            let _ = write!(
                text,
                "\n[page]\nurl = \"{url}\"\nrouting_key_file = \"{}\"\n",
                key.display()
            );
        }
        text
    }
}

/// A new key to the side door.
pub(super) fn door_key() -> std::io::Result<DoorKey> {
    let mut bytes = [0; 32];
    // The kernel gives up to 256 bytes whole, once it is seeded (getrandom(2)).
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(DoorKey::from_random(&bytes))
}

/// Puts the keys where the agent reads them.
pub(super) fn put_keys(place: &Path, door: &DoorKey) -> std::io::Result<()> {
    let state = place.join("state");
    fs::create_dir_all(&state)?;
    put_secret(&door::key_file(&state), door.reveal())?;
    put_secret(&routing_key_file(place), ROUTING_KEY)
}

fn routing_key_file(place: &Path) -> std::path::PathBuf {
    place.join("pager.key")
}

fn put_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    options.options_mut().mode(0o600);
    std::io::Write::write_all(&mut options.open(path)?, format!("{text}\n").as_bytes())
}
