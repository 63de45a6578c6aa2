//! A host and its transport: this machine, or the inside of a sandbox on it.
//!
//! Files go through [`Host::dir`], the network through [`Host::net`], processes through their pids as the
//! host itself numbers them. The inside of a sandbox is found anew on each use, so that one that was
//! killed and started again is reached without anybody's doing.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, Mode, OFlags, ResolveFlags};

use crate::dir::{Dir, open_resolved};
use crate::error::DirError;

mod accounts;
mod pids;
mod workers;

pub use workers::{Crew, Doing, Worker};

/// A machine, or what stands for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(Transport);

/// How it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Transport {
    Local,
    Inside { state_dir: PathBuf },
}

/// Why a host could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The sandbox does not run, or is not one of ours.
    #[error("reach the sandbox of {}", state_dir.display())]
    Sandbox {
        /// Its state directory.
        state_dir: PathBuf,
        /// What its keeper's state said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A path that does not start at the root.
    #[error("{} is not an absolute path", path.display())]
    NotAbsolute {
        /// As given.
        path: PathBuf,
    },
    /// A file of the host.
    #[error(transparent)]
    File(#[from] DirError),
    /// A name that the host's account files do not hold.
    #[error("the host has no {what} {name:?} in {file}")]
    NoAccount {
        /// `group` or `user`.
        what: &'static str,
        /// The name.
        name: String,
        /// Where it was looked up.
        file: &'static str,
    },
    /// A file that should hold one process id.
    #[error("{} holds no process id", path.display())]
    NoPid {
        /// Which file.
        path: PathBuf,
    },
}

impl Host {
    /// This machine.
    pub const fn local() -> Self {
        Self(Transport::Local)
    }

    /// The inside of the sandbox with this state directory.
    pub fn inside(state_dir: impl Into<PathBuf>) -> Self {
        Self(Transport::Inside {
            state_dir: state_dir.into(),
        })
    }

    /// The directory at the absolute `path` of this host.
    ///
    /// On this machine its administrator's own links are followed on the way; inside a sandbox none is,
    /// because what runs there may have planted it. Beneath the directory, none is followed anywhere.
    pub fn dir(&self, path: impl AsRef<Path>) -> Result<Dir, HostError> {
        let path = path.as_ref();
        let Ok(beneath_root) = path.strip_prefix("/") else {
            return Err(HostError::NotAbsolute {
                path: path.to_owned(),
            });
        };
        let beneath_root = if beneath_root.as_os_str().is_empty() {
            Path::new(".")
        } else {
            beneath_root
        };
        let flags = (OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty());
        let fd = open_resolved(self.root()?.as_fd(), beneath_root, flags, self.resolve());
        Ok(fd
            .map(|fd| Dir::from_fd(fd, path))
            .map_err(|errno| DirError::new("open", path, errno))?)
    }

    /// The directory that the absolute `path` lies in, and its last component.
    pub fn dir_of<'p>(&self, path: &'p Path) -> Result<(Dir, &'p Path), HostError> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok((self.dir(parent)?, Path::new(name))),
            _ => Err(HostError::NotAbsolute {
                path: path.to_owned(),
            }),
        }
    }

    /// The network namespace to speak from; `None`: the caller's own.
    pub fn net(&self) -> Result<Option<OwnedFd>, HostError> {
        match &self.0 {
            Transport::Local => Ok(None),
            Transport::Inside { state_dir } => inside::net(state_dir).map(Some),
        }
    }

    const fn resolve(&self) -> ResolveFlags {
        let links = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);
        match self.0 {
            Transport::Local => links,
            Transport::Inside { .. } => links.union(ResolveFlags::NO_SYMLINKS),
        }
    }

    fn root(&self) -> Result<OwnedFd, HostError> {
        match &self.0 {
            Transport::Inside { state_dir } => inside::root(state_dir),
            Transport::Local => {
                let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
                let root = fs::open("/", flags, Mode::empty());
                Ok(root.map_err(|errno| DirError::new("open", Path::new("/"), errno))?)
            }
        }
    }
}

/// The inside of a sandbox, asked of its keeper each time.
mod inside {
    use lamp_sandbox::{Sandbox, SandboxError};

    use super::{HostError, OwnedFd, Path};

    pub(super) fn root(state_dir: &Path) -> Result<OwnedFd, HostError> {
        ask(state_dir, Sandbox::root)
    }

    pub(super) fn net(state_dir: &Path) -> Result<OwnedFd, HostError> {
        ask(state_dir, Sandbox::net)
    }

    fn ask(
        state_dir: &Path,
        what: impl FnOnce(&Sandbox) -> Result<OwnedFd, SandboxError>,
    ) -> Result<OwnedFd, HostError> {
        let answer = Sandbox::open(state_dir).and_then(|sandbox| what(&sandbox));
        answer.map_err(|error| HostError::Sandbox {
            state_dir: state_dir.to_owned(),
            source: Box::new(error),
        })
    }
}
