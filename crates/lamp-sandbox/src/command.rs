//! Commands that run inside a sandbox.

mod capture;

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};

use crate::error::CommandError;
use crate::message::{Ran, Run, Standard};
use crate::{place, process, wire};

/// What [`Command::output`] keeps of each stream unless told otherwise, in bytes.
pub const CAPTURE_BYTES: usize = 1 << 20;

/// A command to run inside a sandbox: under all of its namespaces, its filter, its capabilities, its bounds;
/// no descriptor but the standard three; a session of its own. Its environment is PATH and what is set here.
#[derive(Debug)]
pub struct Command {
    state_dir: PathBuf,
    run: Run,
    standard: Vec<OwnedFd>,
    capture_bytes: usize,
    deadline: Option<Duration>,
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
        let run = Run {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: PathBuf::from("/"),
            user: None,
            outlives_caller: false,
            given: Vec::new(),
        };
        Self {
            state_dir,
            run,
            standard: Vec::new(),
            capture_bytes: CAPTURE_BYTES,
            deadline: None,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.run.args.push(arg.as_ref().into());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args(self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.run.env.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    /// Its working directory, inside; `/` otherwise.
    #[must_use]
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.run.cwd = dir.into();
        self
    }

    /// The user and group that it runs as, numbers as seen inside; without other groups. Root otherwise.
    #[must_use]
    pub fn user(mut self, uid: u32, gid: u32) -> Self {
        self.run.user = Some((uid, gid));
        self
    }

    /// Its standard input; nothing otherwise.
    #[must_use]
    pub fn stdin(self, fd: impl Into<OwnedFd>) -> Self {
        self.give(Standard::In, fd.into())
    }

    /// Its standard output; nowhere otherwise.
    #[must_use]
    pub fn stdout(self, fd: impl Into<OwnedFd>) -> Self {
        self.give(Standard::Out, fd.into())
    }

    /// Its standard error; nowhere otherwise.
    #[must_use]
    pub fn stderr(self, fd: impl Into<OwnedFd>) -> Self {
        self.give(Standard::Err, fd.into())
    }

    fn give(mut self, which: Standard, fd: OwnedFd) -> Self {
        if let Some(at) = self.run.given.iter().position(|given| *given == which) {
            self.run.given.remove(at);
            self.standard.remove(at);
        }
        self.run.given.push(which);
        self.standard.push(fd);
        self
    }

    /// It goes on when its [`Child`] is dropped or its caller dies, until the sandbox ends.
    #[must_use]
    pub fn outlive_caller(mut self) -> Self {
        self.run.outlives_caller = true;
        self
    }

    /// [`Command::output`] keeps at most this many bytes of each stream ([`CAPTURE_BYTES`] otherwise).
    #[must_use]
    pub fn capture_bytes(mut self, most: usize) -> Self {
        self.capture_bytes = most;
        self
    }

    /// [`Command::output`] kills it after this long (not at all otherwise).
    #[must_use]
    pub fn deadline(mut self, most: Duration) -> Self {
        self.deadline = Some(most);
        self
    }

    /// Starts it.
    pub fn spawn(self) -> Result<Child, CommandError> {
        let program = self.run.program.shown();
        let failed = |error| CommandError::of_line(&program, error);
        let line = wire::connect(&self.state_dir, place::SOCKET).map_err(failed)?;
        let fds: Vec<_> = self.standard.iter().map(AsFd::as_fd).collect();
        wire::send(&line, &self.run, &fds).map_err(failed)?;
        let answer = wire::receive::<Ran>(&line).map_err(failed)?;
        let Some(answer) = answer else {
            return Err(CommandError::SandboxGone { program });
        };
        if let Ran::Refused { errno } = answer.message {
            return Err(CommandError::Spawn {
                program,
                source: io::Error::from_raw_os_error(errno),
            });
        }
        let pidfd = answer.fds.into_iter().next().ok_or_else(|| {
            CommandError::of_line(&program, io::Error::other("no descriptor of the process came"))
        })?;
        Child::new(program.clone(), line, pidfd).map_err(failed)
    }
}

/// A running command. Dropping it kills the command unless it outlives its caller.
#[derive(Debug)]
pub struct Child {
    program: String,
    /// Its end tells the first process that the caller is gone.
    line: OwnedFd,
    pidfd: OwnedFd,
    pid: i32,
    pid_inside: i32,
}

impl Child {
    fn new(program: String, line: OwnedFd, pidfd: OwnedFd) -> io::Result<Self> {
        let described = fs_err::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
        let (pid, pid_inside) = pids(&described);
        Ok(Self {
            program,
            line,
            pidfd,
            pid,
            pid_inside,
        })
    }

    /// Its process id as the host counts; -1 if it had ended and was reaped before this could be asked.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Its process id as counted inside; -1 as above.
    pub fn pid_inside(&self) -> i32 {
        self.pid_inside
    }

    /// A descriptor of the process; readable once it has ended.
    pub fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// Sends it a signal; one that has ended already is no error.
    pub fn signal(&self, signal: Signal) -> Result<(), CommandError> {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(CommandError::of_line(&self.program, error.into())),
        }
    }

    /// Kills it; one that has ended already is no error.
    pub fn kill(&self) -> Result<(), CommandError> {
        process::kill(&self.pidfd).map_err(|error| CommandError::of_line(&self.program, error))
    }

    /// Waits for its end.
    pub fn wait(self) -> Result<Exit, CommandError> {
        let failed = |error| CommandError::of_line(&self.program, error);
        match wire::receive::<Ran>(&self.line)
            .map_err(failed)?
            .map(|answer| answer.message)
        {
            Some(Ran::Code(code)) => Ok(Exit::Code(code)),
            Some(Ran::Signal(signal)) => Ok(Exit::Signal(signal)),
            Some(Ran::Running | Ran::Refused { .. }) | None => Err(CommandError::SandboxGone {
                program: self.program,
            }),
        }
    }
}

/// The process ids on the host and inside, from what the kernel says of a process descriptor.
fn pids(described: &str) -> (i32, i32) {
    let line = described.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let mut numbers = line
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|n| n.parse().ok());
    let host = numbers.next().unwrap_or(-1);
    (host, numbers.next_back().unwrap_or(host))
}

impl CommandError {
    /// A line that breaks because nobody is at the other end is a sandbox that is gone.
    fn of_line(program: &str, source: io::Error) -> Self {
        let program = program.to_owned();
        let gone = [
            libc::ENOENT,
            libc::ECONNREFUSED,
            libc::EPIPE,
            libc::ECONNRESET,
            libc::ENOTDIR,
        ];
        match source.raw_os_error() {
            Some(code) if gone.contains(&code) => Self::SandboxGone { program },
            Some(libc::E2BIG | libc::EMSGSIZE) => Self::TooLong {
                program,
                most: wire::MESSAGE_MAX_BYTES,
            },
            _ => Self::System { program, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pids;

    #[test]
    fn process_ids_come_from_the_kernels_description() {
        let of = |line: &str| pids(&format!("pos:\t0\nflags:\t02000002\nPid:\t40\n{line}\n"));
        assert_eq!(of("NSpid:\t40\t7"), (40, 7));
        assert_eq!(of("NSpid:\t40"), (40, 40));
        assert_eq!(of("NSpid:\t-1"), (-1, -1));
        assert_eq!(of(""), (-1, -1));
    }
}
