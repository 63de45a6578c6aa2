//! The handle on a running sandbox. (Being built: signatures stand, effects follow.)

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::command::Command;
use crate::error::{SandboxError, StartError};
use crate::plan::Plan;

/// The program that becomes keeper and first process: it calls [`init_main`] when started with these
/// arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitProgram {
    /// The program, absolute.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl InitProgram {
    /// `path` without arguments.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            args: Vec::new(),
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }
}

/// A running sandbox. Dropping the handle that [`start`] gave kills one that lives for its owner.
#[derive(Debug)]
pub struct Sandbox {
    state_dir: PathBuf,
}

/// Builds a sandbox as `plan` says and waits until it serves commands.
pub fn start(plan: &Plan, _init: &InitProgram) -> Result<Sandbox, StartError> {
    plan.validate()?;
    Ok(Sandbox {
        state_dir: plan.state_dir.clone(),
    })
}

/// What [`reap`] removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reaped {
    /// State directories of sandboxes whose keeper was dead.
    pub removed: Vec<PathBuf>,
    /// Sandboxes that live, left alone.
    pub alive: Vec<PathBuf>,
}

/// Removes what sandboxes below `parent` left whose keeper was killed: processes, mounts, control groups,
/// own directories. Sandboxes that live are left alone. A parent that does not exist holds none.
pub fn reap(_parent: &Path) -> Result<Reaped, SandboxError> {
    Ok(Reaped::default())
}

/// What the init program runs: keeper of one sandbox, then first process inside it.
pub fn init_main() -> ! {
    std::process::exit(2)
}

impl Sandbox {
    /// The sandbox that lives at `state_dir`, whoever started it.
    pub fn open(state_dir: &Path) -> Result<Self, SandboxError> {
        Err(SandboxError::NotRunning {
            state_dir: state_dir.to_owned(),
        })
    }

    /// Its state directory.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Its first process, as the host counts.
    pub fn init_pid(&self) -> i32 {
        0
    }

    /// Its root directory, seen from inside: a descriptor for `openat2` with `RESOLVE_IN_ROOT` and
    /// `RESOLVE_NO_SYMLINKS`; anything else may be led out by a planted link.
    pub fn root(&self) -> Result<OwnedFd, SandboxError> {
        Err(SandboxError::NotRunning {
            state_dir: self.state_dir.clone(),
        })
    }

    /// Its network namespace, for `setns` in a thread of one's own.
    pub fn net(&self) -> Result<OwnedFd, SandboxError> {
        Err(SandboxError::NotRunning {
            state_dir: self.state_dir.clone(),
        })
    }

    /// A command to run inside, found by its path there (or in the command's PATH).
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        Command::new(self.state_dir.clone(), program.as_ref())
    }

    /// Ends it: no process, mount, control group, nor state directory is left.
    pub fn kill(self) -> Result<(), SandboxError> {
        Ok(())
    }
}
