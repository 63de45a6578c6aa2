//! What a sandbox has of the host: written before it is taken, read by whoever must give it back.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cgroup::InForce;
use crate::place;
use crate::plan::IdMap;
use crate::process::ProcessId;

/// The state of one sandbox on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    /// The plan's name.
    pub(crate) name: String,
    /// The boot that it belongs to; after another, nothing of it runs.
    pub(crate) boot_id: String,
    /// Outside; holds the state directory's lock.
    pub(crate) keeper: ProcessId,
    /// Process 1 inside, once it is forked.
    pub(crate) init: Option<ProcessId>,
    /// Control groups, innermost hierarchy last; named here before they are made.
    pub(crate) cgroups: Vec<PathBuf>,
    /// Its users on the host.
    pub(crate) id_map: Option<IdMap>,
    /// What holds its bounds.
    pub(crate) in_force: Vec<InForce>,
}

impl Journal {
    /// Reads the journal in `state_dir`; `None` if it has none yet.
    pub(crate) fn read(state_dir: &Path) -> io::Result<Option<Self>> {
        match fs_err::read(state_dir.join(place::JOURNAL)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it whole or not at all.
    pub(crate) fn write(&self, state_dir: &Path) -> io::Result<()> {
        let new = state_dir.join("journal.new");
        fs_err::write(&new, serde_json::to_vec_pretty(self)?)?;
        fs_err::rename(new, state_dir.join(place::JOURNAL))
    }

    /// Whether what it names can still run.
    pub(crate) fn of_this_boot(&self) -> io::Result<bool> {
        Ok(boot_id()? == self.boot_id)
    }
}

/// The kernel's random id of this boot.
pub(crate) fn boot_id() -> io::Result<String> {
    Ok(fs_err::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned())
}
