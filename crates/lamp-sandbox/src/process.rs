//! Which process is meant: a pid alone may by now be another's.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// A process by its id and the moment it began, which together no other process of this boot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProcessId {
    /// As the host counts.
    pub(crate) pid: i32,
    /// Clock ticks after boot.
    pub(crate) started_ticks: u64,
}

impl ProcessId {
    /// The process that has `pid` now.
    pub(crate) fn of(pid: Pid) -> io::Result<Self> {
        let pid = pid.as_raw_nonzero().get();
        let stat = fs_err::read_to_string(format!("/proc/{pid}/stat"))?;
        let started_ticks = start_ticks(&stat).ok_or_else(|| io::Error::other("unreadable process state"))?;
        Ok(Self { pid, started_ticks })
    }

    /// A descriptor of it; `None` if it is gone, its pid perhaps another's.
    pub(crate) fn open(self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(None);
        };
        let fd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => fd,
            Err(Errno::SRCH) => return Ok(None),
            Err(other) => return Err(other.into()),
        };
        // Read after the descriptor was opened: if it is ours now, the descriptor is ours.
        match Self::of(pid) {
            Ok(now) if now == self => Ok(Some(fd)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Field 22 of /proc/PID/stat. The second field is the program's name in brackets and may hold anything.
fn start_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

/// Kills the process; one that has ended already is no error.
pub(crate) fn kill(process: impl AsFd) -> io::Result<()> {
    match pidfd_send_signal(process, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// Waits until the process has ended, at most `most`; whether it has.
pub(crate) fn ended_within(process: impl AsFd, most: Duration) -> io::Result<bool> {
    let until = Instant::now() + most;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(&process, PollFlags::IN)];
        match poll(&mut fds, Some(&timespec(left))) {
            Ok(0) if left.is_zero() => return Ok(false),
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(other) => return Err(other.into()),
        }
    }
}

/// A bound on waiting, as the kernel takes it.
pub(crate) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_found_behind_any_program_name() {
        let stat = |name: &str| format!("7 ({name}) S 1 2 3 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 4242 99 1");
        for name in ["sh", "a b", ") S 1 1 (", "x) R 0 0"] {
            assert_eq!(start_ticks(&stat(name)), Some(4242), "{name}");
        }
        assert_eq!(start_ticks("7 (sh"), None);
        assert_eq!(start_ticks(""), None);
    }

    #[test]
    fn a_reused_pid_is_another_process() {
        let me = ProcessId::of(rustix::process::getpid()).expect("own state");
        assert!(me.open().expect("asked").is_some());
        let earlier = ProcessId {
            started_ticks: me.started_ticks - 1,
            ..me
        };
        assert!(earlier.open().expect("asked").is_none());
    }
}
