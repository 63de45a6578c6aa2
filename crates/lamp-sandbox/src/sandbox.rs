//! The handle on a running sandbox.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

use crate::cgroup::InForce;
use crate::command::Command;
use crate::error::{Doing, Refused, SandboxError};
use crate::journal::Journal;
use crate::plan::{Lifetime, Plan};
use crate::process::{self, ProcessId};
use crate::{place, reap};

/// How long a killed sandbox may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(120);

/// A running sandbox.
///
/// Dropping the handle that [`crate::start`] gave kills a sandbox that lives for its owner; dropping one that
/// [`Sandbox::open`] gave does nothing.
#[derive(Debug)]
pub struct Sandbox {
    state_dir: PathBuf,
    init: ProcessId,
    init_process: OwnedFd,
    keeper: ProcessId,
    in_force: Vec<InForce>,
    owned: Option<Owned>,
}

/// What the process has that started the sandbox.
#[derive(Debug)]
struct Owned {
    keeper: Child,
    /// Its end tells the keeper that the owner is gone.
    _socket: OwnedFd,
    lifetime: Lifetime,
}

impl Sandbox {
    pub(crate) fn owned(plan: &Plan, keeper: Child, socket: OwnedFd) -> Result<Self, Refused> {
        let opened = Self::open_running(&plan.state_dir);
        let doing = || format!("opening the new sandbox at {}", plan.state_dir.display());
        let gone = || io::Error::other("it has ended already");
        let mut sandbox = opened.doing(doing)?.ok_or_else(gone).doing(doing)?;
        let owned = Owned {
            keeper,
            _socket: socket,
            lifetime: plan.lifetime,
        };
        sandbox.owned = Some(owned);
        Ok(sandbox)
    }

    /// The sandbox that lives at `state_dir`, whoever started it. Needs root.
    pub fn open(state_dir: &Path) -> Result<Self, SandboxError> {
        let opened = Self::open_running(state_dir).map_err(|source| SandboxError::Journal {
            path: state_dir.to_owned(),
            source,
        })?;
        opened.ok_or_else(|| SandboxError::NotRunning {
            state_dir: state_dir.to_owned(),
        })
    }

    fn open_running(state_dir: &Path) -> io::Result<Option<Self>> {
        let Some(journal) = Journal::read(state_dir)? else {
            return Ok(None);
        };
        let (Some(init), true) = (journal.init, journal.of_this_boot()?) else {
            return Ok(None);
        };
        let running = |init_process| Self {
            state_dir: state_dir.to_owned(),
            init,
            init_process,
            keeper: journal.keeper,
            in_force: journal.in_force,
            owned: None,
        };
        Ok(init.open()?.map(running))
    }

    /// Its state directory.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// What it was made after.
    pub fn plan(&self) -> Result<Plan, SandboxError> {
        let doing = || format!("reading the plan of {}", self.state_dir.display());
        Ok(place::read_plan(&self.state_dir).doing(doing)?)
    }

    /// Its first process, as the host counts.
    pub fn init_pid(&self) -> i32 {
        self.init.pid
    }

    /// Which of its bounds are held, and by what.
    pub fn bounds_in_force(&self) -> &[InForce] {
        &self.in_force
    }

    /// Its root directory, seen from inside: a descriptor for `openat2` with `RESOLVE_IN_ROOT` and
    /// `RESOLVE_NO_SYMLINKS`; anything else may be led out by a planted link.
    pub fn root(&self) -> Result<OwnedFd, SandboxError> {
        self.open_of_init("root", OFlags::PATH | OFlags::DIRECTORY)
    }

    /// Its network namespace, for `setns` in a thread of one's own.
    pub fn net(&self) -> Result<OwnedFd, SandboxError> {
        self.open_of_init("ns/net", OFlags::RDONLY)
    }

    fn open_of_init(&self, what: &str, flags: OFlags) -> Result<OwnedFd, SandboxError> {
        let path = format!("/proc/{}/{what}", self.init.pid);
        let opened = rustix::fs::open(&path, flags | OFlags::CLOEXEC, Mode::empty());
        // Asked after it was opened: if the process lives still, the pid was its own all along.
        if !self.is_running()? {
            return Err(SandboxError::NotRunning {
                state_dir: self.state_dir.clone(),
            });
        }
        Ok(opened.doing(|| format!("opening {path}"))?)
    }

    /// Whether its first process lives.
    pub fn is_running(&self) -> Result<bool, SandboxError> {
        let doing = || format!("asking for the first process of {}", self.state_dir.display());
        Ok(!process::ended_within(&self.init_process, Duration::ZERO).doing(doing)?)
    }

    /// A command to run inside, found by its path there (or in PATH).
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        Command::new(self.state_dir.clone(), program.as_ref())
    }

    /// Ends it: no process, mount, control group, nor state directory is left.
    pub fn kill(mut self) -> Result<(), SandboxError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), SandboxError> {
        let doing = || format!("ending the sandbox at {}", self.state_dir.display());
        let keeper = self.keeper.open().doing(doing)?;
        process::kill(&self.init_process).doing(doing)?;
        if let Some(keeper) = keeper {
            let gone = process::ended_within(keeper, GONE_WITHIN).doing(doing)?;
            if !gone {
                return Err(self.left("its keeper"));
            }
        }
        if let Some(owned) = &mut self.owned.take() {
            owned.keeper.wait().doing(doing)?;
        }
        self.remove_if_keeper_was_killed()
    }

    fn remove_if_keeper_was_killed(&self) -> Result<(), SandboxError> {
        if self.state_dir.exists() && !reap::reap_one(&self.state_dir)? {
            return Err(self.left("a process that holds its lock"));
        }
        Ok(())
    }

    fn left(&self, left: &str) -> SandboxError {
        SandboxError::Left {
            state_dir: self.state_dir.clone(),
            seconds: GONE_WITHIN.as_secs(),
            left: left.to_owned(),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let lifetime = self.owned.as_ref().map(|owned| owned.lifetime);
        if lifetime == Some(Lifetime::Owner) {
            // Nobody to tell; what is left is removed by the next `reap`.
            let _later = self.end();
        }
    }
}
