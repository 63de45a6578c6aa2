//! Commands that run inside a sandbox. (Being built: signatures stand, effects follow.)

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use crate::error::CommandError;

/// A command to run inside a sandbox: under all of its namespaces, its filter, its capabilities, its bounds;
/// no descriptor but the standard three. Its environment is PATH and what is set here.
#[derive(Debug)]
pub struct Command {
    _state_dir: PathBuf,
    program: OsString,
    args: Vec<OsString>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

impl Exit {
    /// Whether it returned 0.
    pub const fn success(self) -> bool {
        matches!(self, Self::Code(0))
    }
}

/// What a command wrote, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: Exit,
    /// Its standard output, up to the command's bound.
    pub stdout: Vec<u8>,
    /// Its standard error, up to the command's bound.
    pub stderr: Vec<u8>,
    /// Whether it wrote more than the bound on either.
    pub truncated: bool,
}

impl Command {
    pub(crate) fn new(state_dir: PathBuf, program: &OsStr) -> Self {
        Self {
            _state_dir: state_dir,
            program: program.to_owned(),
            args: Vec::new(),
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args(self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(self, _name: impl AsRef<OsStr>, _value: impl AsRef<OsStr>) -> Self {
        self
    }

    /// Its working directory, inside; `/` otherwise.
    #[must_use]
    pub fn cwd(self, _dir: impl Into<PathBuf>) -> Self {
        self
    }

    /// The user and group that it runs as, numbers as seen inside; without other groups. Root otherwise.
    #[must_use]
    pub fn user(self, _uid: u32, _gid: u32) -> Self {
        self
    }

    /// Its standard input; nothing otherwise.
    #[must_use]
    pub fn stdin(self, _fd: OwnedFd) -> Self {
        self
    }

    /// Its standard output; nowhere otherwise.
    #[must_use]
    pub fn stdout(self, _fd: OwnedFd) -> Self {
        self
    }

    /// Its standard error; nowhere otherwise.
    #[must_use]
    pub fn stderr(self, _fd: OwnedFd) -> Self {
        self
    }

    /// It goes on when its [`Child`] is dropped or its caller dies, until the sandbox ends.
    #[must_use]
    pub fn outlive_caller(self) -> Self {
        self
    }

    /// [`Command::output`] keeps at most this many bytes of each stream (1 MiB otherwise).
    #[must_use]
    pub fn capture_bytes(self, _most: usize) -> Self {
        self
    }

    /// [`Command::output`] kills it after this long (not at all otherwise).
    #[must_use]
    pub fn deadline(self, _most: Duration) -> Self {
        self
    }

    /// Starts it.
    pub fn spawn(self) -> Result<Child, CommandError> {
        let _ = Stdio::null();
        Err(self.gone())
    }

    /// Runs it to its end and keeps what it wrote. What it leaves running does not hold this up.
    pub fn output(self) -> Result<Output, CommandError> {
        Err(self.gone())
    }

    fn gone(&self) -> CommandError {
        CommandError::SandboxGone {
            program: self.program.to_string_lossy().into_owned(),
        }
    }
}

/// A running command. Dropping it kills the command unless it outlives its caller.
#[derive(Debug)]
pub struct Child {
    pid: i32,
    pidfd: OwnedFd,
}

impl Child {
    /// Its process id as the host counts.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Its process id as counted inside.
    pub fn pid_inside(&self) -> i32 {
        self.pid
    }

    /// A descriptor of the process; readable once it has ended.
    pub fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// Sends it a signal, by number.
    pub fn signal(&self, _number: i32) -> Result<(), CommandError> {
        Ok(())
    }

    /// Kills it.
    pub fn kill(&self) -> Result<(), CommandError> {
        self.signal(9)
    }

    /// Waits for its end.
    pub fn wait(self) -> Result<Exit, CommandError> {
        Ok(Exit::Code(0))
    }
}
