//! Control groups: where a sandbox's stand, which of its bounds they hold, how they are ended.
//!
//! Hosts differ: all controllers in version 2; all in version 1; or some in version 1 beside a version 2
//! tree without controllers, which can still kill a whole group at once. [`Layout`] is what a host has, read
//! from its own tables; [`Layout::place`] says what a sandbox will get of it, and what nothing holds.

mod layout;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

pub(crate) use layout::{Layout, Placed, Write};

use crate::error::{Doing, Refused};

/// How long the processes of a killed group may take to be gone.
pub(crate) const EMPTY_WITHIN: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_millis(2);

/// What holds one bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    /// The bound: `memory`, `pids`, `cpu`, `io`, or `kill` for ending all processes at once.
    pub bound: String,
    /// What holds it.
    pub by: HeldBy,
}

/// What holds a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldBy {
    /// A control group of version 2.
    CgroupV2,
    /// A control group of version 1.
    CgroupV1,
    /// Nothing: this host has no such controller.
    Nothing,
}

/// Makes the groups and writes their bounds.
pub(crate) fn create(placed: &Placed) -> Result<(), Refused> {
    for enable in &placed.enable {
        write(enable)?;
    }
    for group in &placed.groups {
        fs_err::create_dir(group).doing(|| format!("making the control group {}", group.display()))?;
    }
    placed.writes.iter().try_for_each(write)
}

fn write(write: &Write) -> Result<(), Refused> {
    let answer = fs_err::write(&write.file, &write.text);
    match answer {
        Err(error) if write.optional && is_unsupported(&error) => Ok(()),
        other => other.doing(|| format!("writing {} to {}", write.text, write.file.display())),
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || matches!(
            error.raw_os_error(),
            Some(libc::EOPNOTSUPP | libc::EINVAL | libc::EACCES)
        )
}

/// Puts the process `pid` into all groups; what it forks is born there.
pub(crate) fn join(groups: &[PathBuf], pid: Pid) -> Result<(), Refused> {
    for group in groups {
        let file = group.join("cgroup.procs");
        let text = pid.as_raw_nonzero().to_string();
        fs_err::write(&file, text).doing(|| format!("putting a process into {}", group.display()))?;
    }
    Ok(())
}

/// Ends every process of the groups and removes them. Groups that are not there are no error.
pub(crate) fn remove(groups: &[PathBuf]) -> Result<(), Refused> {
    let until = Instant::now() + EMPTY_WITHIN;
    for group in groups.iter().rev() {
        remove_one(group, until).doing(|| format!("removing the control group {}", group.display()))?;
    }
    Ok(())
}

fn remove_one(group: &Path, until: Instant) -> io::Result<()> {
    loop {
        kill_all(group)?;
        match fs_err::remove_dir(group) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if Instant::now() >= until => return Err(error),
            Err(_busy) => std::thread::sleep(POLL_EVERY),
        }
    }
}

/// Version 2 kills the whole group at once; version 1 one by one, again until none is left.
fn kill_all(group: &Path) -> io::Result<()> {
    if fs_err::write(group.join("cgroup.kill"), "1").is_ok() {
        return Ok(());
    }
    let listed = match fs_err::read_to_string(group.join("cgroup.procs")) {
        Ok(listed) => listed,
        Err(error) if is_gone(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    for pid in listed
        .lines()
        .filter_map(|line| Pid::from_raw(line.parse().ok()?))
    {
        // One that has ended since it was listed is as good as killed.
        let _ended = kill_process(pid, Signal::KILL);
    }
    Ok(())
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ENODEV)
}
