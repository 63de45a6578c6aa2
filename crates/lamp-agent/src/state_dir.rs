//! The agent's own directory: 0700, root's, one agent at a time.
//!
//! `log.sqlite` (the event log), [`armed/`](crate::armed), [`hold/`](crate::hold), `door.key` (the side
//! door's secret), `agent.lock` (held as long as an agent lives), `agent.log` (what an agent without a
//! terminal prints), `paging-held` (there while a controller sends the pages).

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use fs_err as fs;
use rustix::fs::FlockOperation;

/// Why the directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// A file operation failed; its message names the operation and the path.
    #[error("prepare the agent's directory {}", dir.display())]
    Io {
        /// The directory.
        dir: PathBuf,
        /// What failed.
        #[source]
        source: std::io::Error,
    },
    /// Another agent lives.
    #[error("an agent already runs on {} (pid {})", dir.display(), pid.as_deref().unwrap_or("unknown"))]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// The pid that it wrote into its lock, if it could be read.
        pid: Option<String>,
    },
}

/// The directory, and the lock on it while this value lives.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: fs::File,
}

/// The mark of a controller that sends the pages, in the state directory at `path`.
pub fn paging_held(path: &Path) -> PathBuf {
    path.join("paging-held")
}

impl StateDir {
    /// Makes what is missing and takes the lock, without waiting.
    pub fn open(path: &Path) -> Result<Self, StateDirError> {
        let failed = |source| StateDirError::Io {
            dir: path.to_owned(),
            source,
        };
        for dir in [path.to_owned(), path.join("armed"), path.join("hold")] {
            make_private(&dir).map_err(failed)?;
        }
        let lock = lock(path).map_err(failed)?.ok_or_else(|| StateDirError::Locked {
            dir: path.to_owned(),
            pid: locked_by(path),
        })?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The event log's file.
    pub fn log(&self) -> PathBuf {
        self.path.join("log.sqlite")
    }

    /// Where armed switches stand.
    pub fn armed(&self) -> PathBuf {
        self.path.join("armed")
    }

    /// The file that says that a controller sends the pages.
    pub fn paging_held(&self) -> PathBuf {
        paging_held(&self.path)
    }

    /// Where hold points are looked for.
    pub fn hold(&self) -> PathBuf {
        self.path.join("hold")
    }
}

/// The pid in the lock of the agent that lives on this directory, as it wrote it.
pub fn locked_by(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path.join("agent.lock")).ok()?;
    let pid = text.trim();
    (!pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit())).then(|| pid.to_owned())
}

/// Whether an agent lives on this directory.
pub fn is_locked(path: &Path) -> bool {
    let Ok(file) = fs::File::open(path.join("agent.lock")) else {
        return false;
    };
    // Shared and let go at once: an agent that starts at this very moment tries again for a while.
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

fn make_private(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(dir)?;
    fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

/// `None`: another holds it. The lock ends with the process, however it ends.
fn lock(dir: &Path) -> std::io::Result<Option<fs::File>> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.options_mut().mode(0o600);
    let file = options.open(dir.join("agent.lock"))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    file.set_len(0)?;
    std::io::Write::write_all(&mut &file, format!("{}\n", std::process::id()).as_bytes())?;
    Ok(Some(file))
}
