//! What alters a directory: making, renaming, linking, removing; and making all of it durable.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{self, AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::Dir;
use crate::error::DirError;
use crate::file::{self, Kind, Ownership};

impl Dir {
    /// Makes the directory `path` with this owner and mode, and opens it.
    pub fn create_dir(&self, path: impl AsRef<Path>, owned: Ownership) -> Result<Self, DirError> {
        let path = path.as_ref();
        let (parent, name) = self.parent(path)?;
        fs::mkdirat(parent.as_fd(), name, Mode::from_raw_mode(owned.mode))
            .map_err(|errno| self.error("make the directory", path, errno))?;
        let made = self.open_dir(path)?;
        file::own(made.as_fd(), owned).map_err(|errno| self.error("set the owner of", path, errno))?;
        Ok(made)
    }

    /// The directory `path`, made with this owner and mode if it is not there; one that is there stays as it is.
    pub fn ensure_dir(&self, path: impl AsRef<Path>, owned: Ownership) -> Result<Self, DirError> {
        match self.create_dir(&path, owned) {
            Err(error) if error.is_already_there() => self.open_dir(path),
            made_or_not => made_or_not,
        }
    }

    /// Makes the empty regular file `path`, open for reading and writing; refused when the name is taken.
    pub fn create_file(&self, path: impl AsRef<Path>, owned: Ownership) -> Result<File, DirError> {
        let path = path.as_ref();
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let fd = self.open_beneath(path, flags, Mode::from_raw_mode(owned.mode))?;
        file::own(fd.as_fd(), owned).map_err(|errno| self.error("set the owner of", path, errno))?;
        Ok(File::from(fd))
    }

    /// Puts a file with these bytes at `path`, whole or not at all: written under `path` + `.new`, then renamed.
    /// Durable when this returns.
    pub fn put_file(&self, path: impl AsRef<Path>, bytes: &[u8], owned: Ownership) -> Result<(), DirError> {
        let path = path.as_ref();
        let fresh = path.with_added_extension("new");
        self.remove_file(&fresh)?;
        let mut file = self.create_file(&fresh, owned)?;
        file.write_all(bytes)
            .map_err(|error| self.error("write", &fresh, error))?;
        file::sync(&file).map_err(|errno| self.error("make durable", &fresh, errno))?;
        self.rename(&fresh, path)?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty());
        self.open_dir(above.unwrap_or(Path::new(".")))?.sync()
    }

    /// Makes the symbolic link `path` with this text; refused when the name is taken.
    pub fn symlink(&self, text: &str, path: impl AsRef<Path>) -> Result<(), DirError> {
        let path = path.as_ref();
        let (parent, name) = self.parent(path)?;
        fs::symlinkat(text, parent.as_fd(), name).map_err(|errno| self.error("make the link", path, errno))
    }

    /// Gives the link `path` itself this owner.
    pub fn own_link(&self, path: impl AsRef<Path>, (uid, gid): (u32, u32)) -> Result<(), DirError> {
        let path = path.as_ref();
        let (parent, name) = self.parent(path)?;
        let (uid, gid) = (fs::Uid::from_raw(uid), fs::Gid::from_raw(gid));
        fs::chownat(
            parent.as_fd(),
            name,
            Some(uid),
            Some(gid),
            AtFlags::SYMLINK_NOFOLLOW,
        )
        .map_err(|errno| self.error("set the owner of", path, errno))
    }

    /// Gives the open file `from` the second name `path`. Needs `CAP_DAC_READ_SEARCH`.
    pub fn hard_link(&self, from: impl AsFd, path: impl AsRef<Path>) -> Result<(), DirError> {
        let path = path.as_ref();
        let (parent, name) = self.parent(path)?;
        fs::linkat(from.as_fd(), "", parent.as_fd(), name, AtFlags::EMPTY_PATH)
            .map_err(|errno| self.error("make the hard link", path, errno))
    }

    /// Renames `from` to `to`, replacing what stands there.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), DirError> {
        self.rename_into(from, self, to)
    }

    /// Renames `from` here to `to` beneath `other`, replacing what stands there.
    pub fn rename_into(
        &self,
        from: impl AsRef<Path>,
        other: &Self,
        to: impl AsRef<Path>,
    ) -> Result<(), DirError> {
        self.rename_as(from.as_ref(), other, to.as_ref(), RenameFlags::empty())
    }

    /// Renames `from` here to `to` beneath `other`; refused when that name is taken.
    pub fn move_into(
        &self,
        from: impl AsRef<Path>,
        other: &Self,
        to: impl AsRef<Path>,
    ) -> Result<(), DirError> {
        self.rename_as(from.as_ref(), other, to.as_ref(), RenameFlags::NOREPLACE)
    }

    fn rename_as(&self, from: &Path, other: &Self, to: &Path, flags: RenameFlags) -> Result<(), DirError> {
        let (from_dir, from_name) = self.parent(from)?;
        let (to_dir, to_name) = other.parent(to)?;
        fs::renameat_with(from_dir.as_fd(), from_name, to_dir.as_fd(), to_name, flags)
            .map_err(|errno| self.error("rename", from, errno))
    }

    /// Removes the file or link `path`; that it is not there is no error.
    pub fn remove_file(&self, path: impl AsRef<Path>) -> Result<(), DirError> {
        self.remove(path.as_ref(), AtFlags::empty())
    }

    /// Removes the empty directory `path`; that it is not there is no error.
    pub fn remove_dir(&self, path: impl AsRef<Path>) -> Result<(), DirError> {
        self.remove(path.as_ref(), AtFlags::REMOVEDIR)
    }

    fn remove(&self, path: &Path, flags: AtFlags) -> Result<(), DirError> {
        let removed = self.parent(path).and_then(|(parent, name)| {
            fs::unlinkat(parent.as_fd(), name, flags).map_err(|errno| self.error("remove", path, errno))
        });
        match removed {
            Err(error) if error.is_not_found() => Ok(()),
            done => done,
        }
    }

    /// Removes what stands at `path`, a directory with all that it holds; that it is not there is no error.
    pub fn remove_all(&self, path: impl AsRef<Path>) -> Result<(), DirError> {
        let path = path.as_ref();
        match self.find(path)?.map(|meta| meta.kind) {
            None => Ok(()),
            Some(Kind::Dir) => {
                self.open_dir(path)?.clear()?;
                self.remove_dir(path)
            }
            Some(_) => self.remove_file(path),
        }
    }

    fn clear(&self) -> Result<(), DirError> {
        for (name, _) in self.names()? {
            self.remove_all(&name)?;
        }
        Ok(())
    }

    /// The names in this directory are on disk when this returns.
    pub fn sync(&self) -> Result<(), DirError> {
        fs::fsync(self.as_fd()).map_err(|errno| DirError::new("make durable", self.path(), errno))
    }

    /// All that was written to its filesystem is on disk when this returns.
    pub fn sync_filesystem(&self) -> Result<(), DirError> {
        fs::syncfs(self.as_fd())
            .map_err(|errno| DirError::new("make durable the filesystem of", self.path(), errno))
    }

    /// Holds this directory's lock until dropped; `None` while another open descriptor of it holds it.
    pub fn try_lock(&self) -> Result<Option<DirLock>, DirError> {
        let held = self.open_dir(".")?;
        match fs::flock(held.as_fd(), fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(DirLock { held })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(DirError::new("lock", self.path(), errno)),
        }
    }
}

/// A directory's lock, held until this is dropped or its process ends.
#[derive(Debug)]
pub struct DirLock {
    held: Dir,
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // Said aloud: a process that was just being started holds a copy of the descriptor for a moment.
        let _ = fs::flock(self.held.as_fd(), fs::FlockOperation::Unlock);
    }
}
