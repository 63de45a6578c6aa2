//! Removes what a sandbox left whose keeper was killed. The keeper itself ends with the same function.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Doing, Refused, SandboxError};
use crate::journal::Journal;
use crate::place::{self, HIDDEN_PREFIX};
use crate::plan::IdMap;
use crate::{cgroup, process};

/// What [`reap`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reaped {
    /// State directories of sandboxes whose keeper was dead, removed with all that they named.
    pub removed: Vec<PathBuf>,
    /// Sandboxes that live, left alone.
    pub alive: Vec<PathBuf>,
}

/// Removes what sandboxes below `parent` left whose keeper was killed: processes, mounts, control groups,
/// own directories. Sandboxes that live are left alone. A parent that does not exist holds none.
pub fn reap(parent: &Path) -> Result<Reaped, SandboxError> {
    let mut reaped = Reaped::default();
    if !parent.exists() {
        return Ok(reaped);
    }
    let _apart = place::lock_parent(parent).doing(|| format!("locking {}", parent.display()))?;
    let mut first_refusal = None;
    for dir in sandboxes(parent).doing(|| format!("reading {}", parent.display()))? {
        match reap_one(&dir) {
            Ok(true) => reaped.removed.push(dir),
            Ok(false) => reaped.alive.push(dir),
            // One that cannot be removed does not keep the others.
            Err(refused) => first_refusal = first_refusal.or(Some(refused)),
        }
    }
    first_refusal.map_or(Ok(reaped), |refused| Err(refused.into()))
}

/// Removes the sandbox at `dir` if its keeper is dead; whether it was.
pub(crate) fn reap_one(dir: &Path) -> Result<bool, Refused> {
    let doing = || format!("asking whether {} has a keeper", dir.display());
    match place::take_dead(dir) {
        Ok(Some(_lock)) => remove(dir).map(|()| true),
        Ok(None) => Ok(false),
        // Killed between making the directory and its lock, or between removing the two.
        Err(error) if error.kind() == io::ErrorKind::NotFound => remove(dir).map(|()| true),
        Err(error) => Err(error).doing(doing),
    }
}

/// Ends and removes all that the journal at `dir` names, then `dir`. The caller holds its lock.
pub(crate) fn remove(dir: &Path) -> Result<(), Refused> {
    let reading = || format!("reading the journal in {}", dir.display());
    let journal = Journal::read(dir).doing(reading)?;
    if let Some(journal) = journal
        && journal.of_this_boot().doing(reading)?
    {
        end(&journal)?;
    }
    place::remove(dir)
}

/// Ends and removes all that the journal names, wherever that was read.
pub(crate) fn end(journal: &Journal) -> Result<(), Refused> {
    let ending = || format!("ending the first process of {}", journal.name);
    let init = journal.init.map_or(Ok(None), |init| init.open()).doing(ending)?;
    if let Some(init) = init {
        process::kill(&init).doing(ending)?;
        process::ended_within(&init, cgroup::EMPTY_WITHIN).doing(ending)?;
    }
    cgroup::remove(&journal.cgroups)
}

/// The state directories below `parent`: by their lock, or by the name that half made and half removed
/// ones have.
fn sandboxes(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(parent)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with(HIDDEN_PREFIX);
        let is_one = entry.file_type()?.is_dir() && (hidden || entry.path().join(place::LOCK).is_file());
        if is_one {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// The users that sandboxes below `parent` have.
pub(crate) fn users_taken(parent: &Path) -> Result<Vec<IdMap>, Refused> {
    let doing = || format!("reading {}", parent.display());
    let plans = sandboxes(parent)
        .doing(doing)?
        .into_iter()
        .map(|dir| place::read_plan(&dir));
    // A plan that cannot be read has no sandbox that runs by it.
    Ok(plans.filter_map(|plan| plan.ok()?.id_map).collect())
}

/// The first users that no sandbox below `parent` has.
pub fn free_users(parent: &Path) -> Result<Option<IdMap>, SandboxError> {
    if !parent.exists() {
        return Ok(IdMap::first_free(&[]));
    }
    Ok(IdMap::first_free(&users_taken(parent)?))
}
