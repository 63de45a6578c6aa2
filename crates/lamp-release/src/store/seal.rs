//! Giving a staged release its name; and the other way, removing a tree whose files others may share.
//!
//! The order is the promise: bytes, flags and directories on disk, the manifest on disk, and only then the
//! rename that makes it a release.

use lamp_fleet::file::{self, Guard};
use lamp_fleet::{Dir, DirError};
use lamp_model::tree::{Entry, Node};
use lamp_model::{Manifest, ReleaseId};

use super::{Store, StoredRelease, manifest_name, read_record};
use crate::error::StoreError;

impl Store {
    /// Gives the staged `release` its name. Done already is done.
    pub fn seal(&self, release: &ReleaseId) -> Result<StoredRelease, StoreError> {
        let _lock = self.lock()?;
        if self.has(release)? {
            self.sweep_staged(release)?;
            return self.record(release);
        }
        let record = self.staged(release)?;
        self.root.sync_filesystem()?;
        self.name_it(release)?;
        Ok(record)
    }

    /// The record of what was staged; it may have moved on before a crash.
    fn staged(&self, release: &ReleaseId) -> Result<StoredRelease, StoreError> {
        let not_staged = || StoreError::NotStaged {
            path: self.root.path().display().to_string(),
            release: release.clone(),
        };
        let journal = manifest_name(release);
        if self.staging.find(release.as_str())?.is_none() {
            return Err(not_staged());
        }
        let dir = if self.staging.find(&journal)?.is_some() {
            &self.staging
        } else {
            &self.manifests
        };
        if dir.find(&journal)?.is_none() {
            return Err(not_staged());
        }
        read_record(dir, &journal, release)
    }

    fn name_it(&self, release: &ReleaseId) -> Result<(), StoreError> {
        let journal = manifest_name(release);
        if self.staging.find(&journal)?.is_some() {
            self.staging.rename_into(&journal, &self.manifests, &journal)?;
            self.manifests.sync()?;
        }
        self.staging
            .move_into(release.as_str(), &self.releases, release.as_str())?;
        Ok(self.releases.sync()?)
    }

    fn sweep_staged(&self, release: &ReleaseId) -> Result<(), StoreError> {
        Ok(self.staging.remove_file(manifest_name(release))?)
    }
}

/// Sets the immutable flag on every regular file of the tree that lacks it.
pub(super) fn guard_all(tree: &Dir, manifest: &Manifest) -> Result<(), StoreError> {
    for Entry { path, node } in manifest.entries() {
        if !matches!(node, Node::File { .. }) {
            continue;
        }
        let opened = match tree.open_file(path.as_str()) {
            Ok((file, _)) => file,
            // What is missing or replaced is for `verify` to name; it holds no shared bytes.
            Err(error) if error.is_not_found() || error.is_unsupported() => continue,
            Err(error) => return Err(error.into()),
        };
        file::guard(&opened, Guard::Immutable).map_err(|errno| StoreError::Flag {
            operation: "set",
            path: tree.path().join(path.as_str()).display().to_string(),
            source: errno.into(),
        })?;
    }
    Ok(())
}

/// A tree's removal with flags lifted, and set again on every inode that other releases still name.
pub(super) fn remove_tree(parent: &Dir, name: &str) -> Result<(), DirError> {
    match parent.open_dir(name) {
        Ok(tree) => clear(&tree)?,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error),
    }
    parent.remove_dir(name)
}

fn clear(dir: &Dir) -> Result<(), DirError> {
    for (name, _) in dir.names()? {
        match dir.meta(&name)?.kind {
            file::Kind::Dir => {
                clear(&dir.open_dir(&name)?)?;
                dir.remove_dir(&name)?;
            }
            file::Kind::File => remove_shared(dir, &name)?,
            file::Kind::Link
            | file::Kind::Fifo
            | file::Kind::Socket
            | file::Kind::Device
            | file::Kind::Unknown => {
                dir.remove_file(&name)?;
            }
        }
    }
    Ok(())
}

fn remove_shared(dir: &Dir, name: &std::ffi::OsStr) -> Result<(), DirError> {
    let failed = |operation, errno: rustix::io::Errno| DirError {
        operation,
        path: dir.path().join(name),
        source: errno.into(),
    };
    let (open, _) = dir.open_file(name)?;
    let flags = file::flags(&open).map_err(|errno| failed("read the flags of", errno))?;
    let guarded = flags.is_immutable();
    if guarded {
        file::set_guard(&open, flags, Guard::Lifted)
            .map_err(|errno| failed("lift the immutable flag of", errno))?;
    }
    let removed = dir.remove_file(name);
    let still_named = file::meta(&open).map_err(|errno| failed("stat", errno))?.links > 0;
    if guarded && still_named {
        file::set_guard(&open, flags, Guard::Immutable)
            .map_err(|errno| failed("set the immutable flag of", errno))?;
    }
    removed
}
