//! Workers of a host's web server, by the directory that they work in.
//!
//! PHP enters the directory of the script for as long as the request lasts, in Apache's own workers as in php-fpm's. So the kernel itself knows
//! which release a worker is at: without a status page, for which a worker would have to be free. docs/adr/0008 has the alternatives.
//!
//! A worker is one process and no other: it is looked at and ended through one descriptor of its `/proc/PID`, which never comes to mean
//! another process, and it is a child of this Apache's parent or of a php-fpm's.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};

use super::pids::{PID_TEXT_MAX_BYTES, Stat};
use super::{Host, HostError};
use crate::dir::Dir;
use crate::error::DirError;

/// What the name of php-fpm's processes begins with; Debian's is `php-fpm8.2`.
const FPM: &str = "php-fpm";

/// Whose workers, and where they work.
#[derive(Debug, Clone, Copy)]
pub struct Crew<'a> {
    /// The directory that they work beneath.
    pub beneath: &'a Path,
    /// Where Apache writes the process id of its parent.
    pub apache_pid_file: &'a Path,
}

/// A worker that is at a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Its process id, as the host numbers it.
    pub pid: i32,
    /// When it started, in clock ticks since boot: with the process id, one process and no other.
    pub started: u64,
    /// Where it works, from [`Crew::beneath`].
    pub at: PathBuf,
    /// What it is doing.
    pub doing: Doing,
    /// How often it has written anything since it started: who ends a request answers it, and logs it. `None`: the kernel does not count.
    pub writes: Option<u64>,
}

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It is on a processor, or waits for one.
    Computing,
    /// It waits for something else: a disk, a database, a clock.
    Waiting,
}

impl Host {
    /// The workers that are at a request there; nobody where there is no such directory.
    pub fn workers(&self, crew: Crew<'_>) -> Result<Vec<Worker>, HostError> {
        let look = match self.look(crew) {
            Err(HostError::File(error)) if error.is_not_found() => return Ok(Vec::new()),
            look => look?,
        };
        let names = look.proc.names()?;
        let pids = names.iter().filter_map(|(name, _)| name.to_str()?.parse().ok());
        let found = pids.filter_map(|pid| look.at(pid));
        Ok(found.map(|(worker, _)| worker).collect())
    }

    /// Asks a worker to end, if it still works where it did; answers whether it was asked. What it does then is its own affair.
    pub fn ask_to_end(&self, crew: Crew<'_>, worker: &Worker) -> Result<bool, HostError> {
        self.signal(crew, worker, Signal::TERM)
    }

    /// Ends a worker that does not heed, if it still works where it did; answers whether it was there.
    pub fn kill(&self, crew: Crew<'_>, worker: &Worker) -> Result<bool, HostError> {
        self.signal(crew, worker, Signal::KILL)
    }

    fn signal(&self, crew: Crew<'_>, worker: &Worker, signal: Signal) -> Result<bool, HostError> {
        let look = self.look(crew)?;
        let Some((now, process)) = look.at(worker.pid).filter(|(now, _)| now.is_still(worker)) else {
            return Ok(false);
        };
        match pidfd_send_signal(&process, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(errno) => {
                Err(DirError::new("signal", Path::new(&format!("/proc/{}", now.pid)), errno).into())
            }
        }
    }

    fn look(&self, crew: Crew<'_>) -> Result<Look, HostError> {
        Ok(Look {
            proc: self.dir("/proc")?,
            beneath: self.dir(crew.beneath)?.real_path()?,
            // Apache may be down; php-fpm's workers are there all the same.
            apache: self.pid_in(crew.apache_pid_file).ok(),
        })
    }
}

impl Worker {
    /// Whether it is the same process, at the same place.
    fn is_still(&self, before: &Self) -> bool {
        (self.pid, self.started, &self.at) == (before.pid, before.started, &before.at)
    }
}

/// What processes are looked at with.
struct Look {
    proc: Dir,
    beneath: PathBuf,
    apache: Option<i32>,
}

impl Look {
    /// The worker of this process id, and its own directory of `/proc`; `None`: none of ours, or at no request there.
    fn at(&self, pid: i32) -> Option<(Worker, Dir)> {
        let process = self.proc.open_dir(pid.to_string()).ok()?;
        let working_dir = process.read_link("cwd").ok()?;
        let at = Path::new(OsStr::from_bytes(&working_dir)).strip_prefix(&self.beneath);
        let at = at.ok()?.to_owned();
        let stat = stat(&process)?;
        let worker = self.is_ours(&stat).then(|| Worker {
            pid,
            started: stat.started,
            at,
            doing: if stat.state == 'R' {
                Doing::Computing
            } else {
                Doing::Waiting
            },
            writes: process
                .read_file("io", PID_TEXT_MAX_BYTES)
                .ok()
                .and_then(|io| writes_in(&io)),
        })?;
        Some((worker, process))
    }

    /// A program that a worker has started works where the worker does, and is none.
    fn is_ours(&self, worker: &Stat) -> bool {
        if self.apache == Some(worker.parent) {
            return true;
        }
        let parent = self.proc.open_dir(worker.parent.to_string()).ok();
        let parent = parent.and_then(|parent| stat(&parent));
        worker.name.starts_with(FPM) && parent.is_some_and(|parent| parent.name == worker.name)
    }
}

fn stat(process: &Dir) -> Option<Stat> {
    Stat::read(&process.read_file("stat", PID_TEXT_MAX_BYTES).ok()?)
}

/// The write calls in a text of `/proc/PID/io` (proc_pid_io(5)).
fn writes_in(io: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(io);
    let calls = text.lines().find_map(|line| line.strip_prefix("syscw:"))?;
    calls.trim().parse().ok()
}

#[cfg(test)]
mod tests;
