//! Why a file operation failed: what was tried, on what, and what the kernel said.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {}", path.display())]
pub struct DirError {
    /// What was tried, as in `open`.
    pub operation: &'static str,
    /// On what, as the host names it.
    pub path: PathBuf,
    /// What the kernel said.
    #[source]
    pub source: io::Error,
}

impl DirError {
    pub(crate) fn new(operation: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self {
            operation,
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// Whether there is nothing by that name.
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// Whether something by that name is there already.
    pub fn is_already_there(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }

    /// Whether the disk, or a quota on it, is full.
    pub fn is_full(&self) -> bool {
        self.is(Errno::NOSPC) || self.is(Errno::DQUOT)
    }

    /// Whether the filesystem cannot do this at all.
    pub fn is_unsupported(&self) -> bool {
        [
            Errno::OPNOTSUPP,
            Errno::NOTTY,
            Errno::INVAL,
            Errno::XDEV,
            Errno::NOSYS,
        ]
        .into_iter()
        .any(|errno| self.is(errno))
    }

    /// Whether the kernel answered `errno`.
    pub fn is(&self, errno: Errno) -> bool {
        self.source.raw_os_error() == Some(errno.raw_os_error())
    }
}
