//! A directory held by descriptor, and all file operations beneath it.
//!
//! Every path given here is relative and resolved by `openat2` with `RESOLVE_BENEATH`, without symbolic or
//! magic links: neither a planted link nor `..` leads out. Opening a device or a pipe never blocks.
//!
//! [`change`] holds what alters the directory.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{self, AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::DirError;
use crate::file::{Kind, Meta, meta};

mod change;
#[cfg(test)]
mod tests;

pub use change::DirLock;

/// No link of any kind, and never above the directory that the path starts from.
const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// How often an `openat2` is tried again that a rename elsewhere has disturbed (`EAGAIN`).
const OPEN_TRIES_MAX: u32 = 64;

/// Filesystems, by their magic numbers in the kernel's `magic.h` and its modules, whose times this kernel sets.
const TIMED_HERE: [u32; 8] = [
    0x0000_ef53, // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683e, // btrfs
    0xf2f5_2010, // F2FS
    0xca45_1a4e, // bcachefs
    0x2fc1_2fc1, // ZFS
    0x0102_1994, // tmpfs
    0x794c_7630, // overlayfs
];

/// An open directory.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

/// What is left on a filesystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// All bytes that it can hold.
    pub total_bytes: u64,
    /// The used bytes and the free ones together: what unprivileged users could fill, without what is reserved.
    pub usable_bytes: u64,
    /// Bytes that are free for unprivileged users: what is reserved for root is not counted.
    pub free_bytes: u64,
    /// Inodes that are free; `u64::MAX` where the filesystem makes them as needed.
    pub free_inodes: u64,
    /// All inodes; 0 where the filesystem makes them as needed.
    pub total_inodes: u64,
    /// Bytes per block: what a small file takes.
    pub block_bytes: u64,
}

impl Dir {
    /// The directory that `fd` is open on; `path` is what messages call it.
    pub fn from_fd(fd: OwnedFd, path: &Path) -> Self {
        Self {
            fd,
            path: path.to_owned(),
        }
    }

    /// Where it is, as its host names it; for messages only.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it really is, as the kernel names it to this process: links on the way are resolved, and a directory inside a sandbox has the name
    /// that it has there, as `/proc/PID/cwd` has it too.
    pub fn real_path(&self) -> Result<PathBuf, DirError> {
        let failed = |errno| DirError::new("name", &self.path, errno);
        let link = format!("/proc/self/fd/{}", self.fd.as_raw_fd());
        let text = fs::readlink(link, Vec::new()).map_err(failed)?;
        Ok(PathBuf::from(OsString::from_vec(text.into_bytes())))
    }

    /// A second descriptor of the same directory.
    pub fn try_clone(&self) -> Result<Self, DirError> {
        let fd = self
            .fd
            .try_clone()
            .map_err(|error| DirError::new("open", &self.path, error))?;
        Ok(Self::from_fd(fd, &self.path))
    }

    /// The directory at `path` beneath this one.
    pub fn open_dir(&self, path: impl AsRef<Path>) -> Result<Self, DirError> {
        let path = path.as_ref();
        let flags = OFlags::DIRECTORY | OFlags::RDONLY;
        let fd = self.open_beneath(path, flags, Mode::empty())?;
        let called = if path == Path::new(".") {
            self.path.clone()
        } else {
            self.path.join(path)
        };
        Ok(Self::from_fd(fd, &called))
    }

    /// Opens the regular file at `path` for reading, and says what it is. Anything else is refused.
    pub fn open_file(&self, path: impl AsRef<Path>) -> Result<(File, Meta), DirError> {
        let path = path.as_ref();
        let fd = self.open_beneath(path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty())?;
        let meta = meta(&fd).map_err(|errno| self.error("stat", path, errno))?;
        match meta.kind {
            Kind::File => Ok((File::from(fd), meta)),
            Kind::Dir => Err(self.error("open", path, Errno::ISDIR)),
            Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device | Kind::Unknown => {
                Err(self.error("open as a regular file", path, Errno::INVAL))
            }
        }
    }

    /// All bytes of the regular file at `path`; refused when there are more than `max_bytes`.
    pub fn read_file(&self, path: impl AsRef<Path>, max_bytes: u64) -> Result<Vec<u8>, DirError> {
        let path = path.as_ref();
        let (file, meta) = self.open_file(path)?;
        let expected = usize::try_from(meta.size.min(max_bytes)).unwrap_or_default();
        let mut bytes = Vec::with_capacity(expected + 1);
        let mut bounded = file.take(max_bytes.saturating_add(1));
        bounded
            .read_to_end(&mut bytes)
            .map_err(|error| self.error("read", path, error))?;
        if bytes.len() as u64 > max_bytes {
            return Err(self.error("read", path, Errno::FBIG));
        }
        Ok(bytes)
    }

    /// The text of the symbolic link at `path`.
    pub fn read_link(&self, path: impl AsRef<Path>) -> Result<Vec<u8>, DirError> {
        let path = path.as_ref();
        let (parent, name) = self.parent(path)?;
        let text = fs::readlinkat(parent.as_fd(), name, Vec::new());
        text.map(std::ffi::CString::into_bytes)
            .map_err(|errno| self.error("read the link", path, errno))
    }

    /// What stands at `path`, a link not followed.
    pub fn meta(&self, path: impl AsRef<Path>) -> Result<Meta, DirError> {
        let path = path.as_ref();
        let (parent, name) = self.parent(path)?;
        let stat = fs::statat(parent.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW);
        stat.map(|stat| Meta::of(&stat))
            .map_err(|errno| self.error("stat", path, errno))
    }

    /// What stands at `path`, or `None`.
    pub fn find(&self, path: impl AsRef<Path>) -> Result<Option<Meta>, DirError> {
        match self.meta(path) {
            Ok(meta) => Ok(Some(meta)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What this directory itself is.
    pub fn own_meta(&self) -> Result<Meta, DirError> {
        meta(&self.fd).map_err(|errno| DirError::new("stat", &self.path, errno))
    }

    /// What is left on its filesystem.
    pub fn space(&self) -> Result<Space, DirError> {
        let stat = fs::fstatvfs(&self.fd)
            .map_err(|errno| DirError::new("ask for the space at", &self.path, errno))?;
        // Filesystems that make inodes as needed (btrfs) say that they have none at all.
        let free_inodes = if stat.f_files == 0 {
            u64::MAX
        } else {
            stat.f_favail
        };
        Ok(Space {
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            usable_bytes: stat
                .f_blocks
                .saturating_sub(stat.f_bfree)
                .saturating_add(stat.f_bavail)
                .saturating_mul(stat.f_frsize),
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            free_inodes,
            total_inodes: stat.f_files,
            block_bytes: stat.f_frsize,
        })
    }

    /// Whether this kernel, and no server's, sets the times of what is changed in it: on the filesystems of Linux' own
    /// disks and memory, and layers over them.
    pub fn is_timed_here(&self) -> bool {
        #[allow(
            clippy::unnecessary_cast,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the width of the field differs between architectures; magic numbers have 32 bits"
        )]
        let kind = fs::fstatfs(&self.fd).map(|of| of.f_type as u32);
        kind.is_ok_and(|kind| TIMED_HERE.contains(&kind))
    }

    fn open_beneath(&self, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, DirError> {
        open_resolved(self.fd.as_fd(), path, (flags, mode), BENEATH)
            .map_err(|errno| self.error("open", path, errno))
    }

    /// The directory that `path`'s last component lies in, and that component.
    fn parent<'a>(&self, path: &'a Path) -> Result<(Parent<'_>, &'a Path), DirError> {
        let mut parts = path.components();
        let last = parts.next_back();
        let Some(Component::Normal(name)) = last else {
            return Err(self.error("name", path, Errno::INVAL));
        };
        let above = parts.as_path();
        if above.as_os_str().is_empty() {
            return Ok((Parent::Held(self.fd.as_fd()), Path::new(name)));
        }
        let fd = self.open_beneath(above, OFlags::DIRECTORY | OFlags::PATH, Mode::empty())?;
        Ok((Parent::Opened(fd), Path::new(name)))
    }

    pub(crate) fn error(
        &self,
        operation: &'static str,
        path: &Path,
        source: impl Into<std::io::Error>,
    ) -> DirError {
        DirError::new(operation, &self.path.join(path), source)
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The directory of a last component: the one at hand, or one opened for it.
enum Parent<'a> {
    Held(BorrowedFd<'a>),
    Opened(OwnedFd),
}

impl AsFd for Parent<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Held(fd) => *fd,
            Self::Opened(fd) => fd.as_fd(),
        }
    }
}

/// `openat2`, close-on-exec, without becoming anyone's terminal; tried again when a rename disturbed it.
pub(crate) fn open_resolved(
    at: BorrowedFd<'_>,
    path: &Path,
    (flags, mode): (OFlags, Mode),
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    // openat2 refuses any further flag beside O_PATH.
    let further = if flags.contains(OFlags::PATH) {
        OFlags::CLOEXEC
    } else {
        OFlags::CLOEXEC | OFlags::NOCTTY
    };
    let flags = flags | further;
    for _ in 1..OPEN_TRIES_MAX {
        match fs::openat2(at, path, flags, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            done => return done,
        }
    }
    fs::openat2(at, path, flags, mode, resolve)
}
