//! The program git, run on our own copy of a repository and on nothing else: what any other repository, the machine or
//! the user configures is not read, no hook, filter, pager or prompt runs, and only https and ssh are spoken.
//!
//! A run is bounded in time, in what it prints, and in what it may store; one that is dropped is ended.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lamp_fleet::Dir;
use lamp_model::plain::plain;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::error::GitError;
use super::{KEPT_VARIABLES, Limits};
use crate::programs::GIT;

/// How often it is looked whether a run keeps its bounds.
const TICK: Duration = Duration::from_millis(100);
/// How long a run has to end by itself once it was told to.
const GRACE: Duration = Duration::from_secs(2);
/// What is kept of what a run says about an error, in bytes, and of it is told, in characters.
const SAID_MAX_BYTES: usize = 8 << 10;
const SAID_MAX_CHARS: usize = 500;

/// Settings of each run. They stand above those of any file, and are handed on to the programs that git starts.
const SETTINGS: [&str; 16] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "credential.helper=",
    "fetch.unpackLimit=1",
    "fetch.recurseSubmodules=false",
    // Each fetch is a pack: now and then they are made one, in the same run.
    "gc.autoDetach=false",
    "gc.autoPackLimit=50",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "log.showSignature=false",
    "protocol.allow=never",
    "protocol.https.allow=always",
    "protocol.ssh.allow=always",
    "submodule.recurse=false",
];

/// The environment of each run, beside what is kept of the caller's.
const ENVIRONMENT: [(&str, &str); 12] = [
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_SYSTEM", "/dev/null"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_ALLOW_PROTOCOL", "https:ssh"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_SSH_VARIANT", "ssh"),
    (
        "GIT_SSH_COMMAND",
        "ssh -oBatchMode=yes -oConnectTimeout=20 -oServerAliveInterval=15",
    ),
];

/// git on one copy.
#[derive(Debug, Clone)]
pub(super) struct Git {
    copy: PathBuf,
    variables: Vec<(OsString, OsString)>,
    pub(super) limits: Limits,
}

/// One run: what it is for, as in `fetch the repository`, and its bounds.
pub(super) struct Run<'a> {
    pub(super) operation: &'static str,
    pub(super) args: &'a [&'a str],
    pub(super) allowed: Duration,
    /// A directory that may not grow beyond so many bytes meanwhile.
    pub(super) growing: Option<(Dir, u64)>,
}

impl Git {
    /// On the copy at the absolute path `copy`; `variables` are the caller's.
    pub(super) fn on(copy: &Path, variables: &[(OsString, OsString)], limits: Limits) -> Self {
        let is_kept = |(name, _): &&(OsString, OsString)| KEPT_VARIABLES.iter().any(|kept| name == kept);
        Self {
            copy: copy.to_owned(),
            variables: variables.iter().filter(is_kept).cloned().collect(),
            limits,
        }
    }

    /// A run that only reads.
    pub(super) const fn reading<'a>(&self, operation: &'static str, args: &'a [&'a str]) -> Run<'a> {
        Run {
            operation,
            args,
            allowed: self.limits.read_timeout,
            growing: None,
        }
    }

    /// Runs to the end; answers all that was printed, at most `max_bytes`.
    pub(super) fn output(&self, run: Run<'_>, max_bytes: u64) -> Result<Vec<u8>, GitError> {
        let operation = run.operation;
        let (printed, ended) = self.printed(run, max_bytes)?;
        match ended.status.success() {
            true => Ok(printed),
            false => Err(ended.failed(operation)),
        }
    }

    /// The same, of a question that git answers with exit code 1 for no.
    pub(super) fn ask(&self, run: Run<'_>, max_bytes: u64) -> Result<Option<Vec<u8>>, GitError> {
        let operation = run.operation;
        let (printed, ended) = self.printed(run, max_bytes)?;
        match ended.status.code() {
            Some(0) => Ok(Some(printed)),
            Some(1) => Ok(None),
            _ => Err(ended.failed(operation)),
        }
    }

    fn printed(&self, run: Run<'_>, max_bytes: u64) -> Result<(Vec<u8>, Ended), GitError> {
        let mut running = self.start(run)?;
        let mut printed = Vec::new();
        running.stdin = None;
        let mut bounded = running.stdout.by_ref().take(max_bytes.saturating_add(1));
        let read = bounded.read_to_end(&mut printed);
        if printed.len() as u64 > max_bytes {
            return Err(GitError::TooLarge {
                what: "what git prints",
                max_bytes,
            });
        }
        let ended = running.end()?;
        read.map_err(GitError::Start)?;
        Ok((printed, ended))
    }

    /// Begins a run.
    pub(super) fn start(&self, run: Run<'_>) -> Result<Running, GitError> {
        let mut command = Command::new(GIT.name);
        command
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .envs(ENVIRONMENT)
            .env("GIT_DIR", &self.copy)
            .current_dir("/")
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            .arg("--no-pager")
            .args(run.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command
            .spawn()
            .map_err(|error| match error.kind() == std::io::ErrorKind::NotFound {
                true => GitError::NotInstalled,
                false => GitError::Start(error),
            })?;
        Running::guard(child, run)
    }
}

/// A run under way.
pub(super) struct Running {
    child: Child,
    /// What it reads; taken or dropped, it reads no more.
    pub(super) stdin: Option<ChildStdin>,
    /// What it prints.
    pub(super) stdout: ChildStdout,
    said: Option<JoinHandle<Vec<u8>>>,
    watchdog: Option<Watchdog>,
}

/// A run that is over.
pub(super) struct Ended {
    status: ExitStatus,
    said: Vec<u8>,
}

impl Ended {
    fn failed(&self, operation: &'static str) -> GitError {
        let said = String::from_utf8_lossy(&self.said);
        let said = plain(said.trim(), SAID_MAX_CHARS);
        GitError::Failed {
            operation,
            said: if said.is_empty() {
                self.status.to_string()
            } else {
                said
            },
        }
    }
}

impl Running {
    fn guard(mut child: Child, run: Run<'_>) -> Result<Self, GitError> {
        let parts = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let pid = Pid::from_child(&child);
        let guarded = pidfd_open(pid, PidfdFlags::empty());
        let ((stdin, Some(stdout), Some(mut stderr)), Ok(pidfd)) = (parts, guarded) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(GitError::Start(std::io::ErrorKind::Other.into()));
        };
        Ok(Self {
            child,
            stdin,
            stdout,
            said: Some(std::thread::spawn(move || kept(&mut stderr))),
            watchdog: Some(Watchdog::start(pidfd, run)),
        })
    }

    /// Waits for its end. What it still prints is thrown away.
    pub(super) fn end(mut self) -> Result<Ended, GitError> {
        self.stdin = None;
        let drained = std::io::copy(&mut self.stdout, &mut std::io::sink());
        let status = self.child.wait().map_err(GitError::Start)?;
        if let Some(stopped) = self.watchdog.take().and_then(Watchdog::dismiss) {
            // Nobody waits for what it still says: an ssh that it started may hold on a while longer.
            return Err(stopped);
        }
        drained.map_err(GitError::Start)?;
        let said = self.said.take().and_then(|said| said.join().ok());
        Ok(Ended {
            status,
            said: said.unwrap_or_default(),
        })
    }

    /// Writes what it is to read, all of it.
    pub(super) fn tell(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        // A run that has ended already says why by its end, not by its pipe.
        let result = self.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(bytes));
        self.stdin = None;
        match result {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(watchdog) = self.watchdog.take() else {
            return;
        };
        self.stdin = None;
        let _ = pidfd_send_signal(&watchdog.pidfd, Signal::TERM);
        // The watchdog still stands behind a run that does not listen.
        let _ = std::io::copy(&mut self.stdout, &mut std::io::sink());
        let _ = self.child.wait();
        drop(watchdog.dismiss());
    }
}

/// The end of what is said: git tells its reason last.
fn kept(stderr: &mut impl Read) -> Vec<u8> {
    let mut said = Vec::new();
    let mut chunk = [0; 4 << 10];
    while let Ok(read @ 1..) = stderr.read(&mut chunk) {
        said.extend_from_slice(&chunk[..read]);
        let surplus = said.len().saturating_sub(SAID_MAX_BYTES);
        said.drain(..surplus);
    }
    said
}

/// Ends a run that does not keep its bounds.
struct Watchdog {
    pidfd: std::sync::Arc<OwnedFd>,
    thread: JoinHandle<Option<GitError>>,
    _over: SyncSender<()>,
}

impl Watchdog {
    fn start(pidfd: OwnedFd, run: Run<'_>) -> Self {
        let pidfd = std::sync::Arc::new(pidfd);
        let (over, is_over) = sync_channel(0);
        let bounds = Bounds {
            operation: run.operation,
            allowed: run.allowed,
            until: Instant::now() + run.allowed,
            growing: run.growing,
        };
        let watched = std::sync::Arc::clone(&pidfd);
        Self {
            pidfd,
            thread: std::thread::spawn(move || bounds.hold(&watched, &is_over)),
            _over: over,
        }
    }

    /// Ends the watch; answers why the run was ended, if it was.
    fn dismiss(self) -> Option<GitError> {
        drop(self._over);
        self.thread.join().ok().flatten()
    }
}

struct Bounds {
    operation: &'static str,
    allowed: Duration,
    until: Instant,
    growing: Option<(Dir, u64)>,
}

impl Bounds {
    fn hold(self, pidfd: &OwnedFd, is_over: &Receiver<()>) -> Option<GitError> {
        let goes_on = |wait| matches!(is_over.recv_timeout(wait), Err(RecvTimeoutError::Timeout));
        while goes_on(TICK) {
            let Some(broken) = self.broken() else {
                continue;
            };
            let _ = pidfd_send_signal(pidfd, Signal::TERM);
            if goes_on(GRACE) {
                let _ = pidfd_send_signal(pidfd, Signal::KILL);
            }
            return Some(broken);
        }
        None
    }

    fn broken(&self) -> Option<GitError> {
        if Instant::now() >= self.until {
            return Some(GitError::TooSlow {
                operation: self.operation,
                allowed: self.allowed,
            });
        }
        let (dir, max_bytes) = self.growing.as_ref()?;
        (bytes_in(dir) > *max_bytes).then_some(GitError::TooLarge {
            what: "the repository",
            max_bytes: *max_bytes,
        })
    }
}

/// The bytes of a directory's own files; of one that cannot be read, none.
pub(super) fn bytes_in(dir: &Dir) -> u64 {
    let names = dir.names().unwrap_or_default();
    let sizes = names.iter().filter_map(|(name, _)| dir.meta(name).ok());
    sizes.fold(0, |sum, meta| sum.saturating_add(meta.size))
}
