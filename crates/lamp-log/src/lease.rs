//! Who may act: leases decided without effects; [`crate::memory`] and [`crate::sqlite`] only keep them.
//!
//! A lease ends by time since boot (the wall clock plays no part), by a restart of the host, when it is
//! given up, or when its holder's process is gone: whoever asks next then takes it at once and need not
//! wait for the time to run out. A process id that another program got since counts as alive, which only
//! means waiting. Whoever holds a lease past its end may renew it as long as nobody else took it
//! and the host has not restarted.

use std::time::Duration;

use lamp_model::clock::BootTime;
use lamp_model::port::{Grant, Holder, LeaseError};

/// The one way to ask whether a lease's holder still lives.
pub trait Processes: Send + Sync {
    /// Whether a process of this id runs on this host.
    fn is_alive(&self, pid: i32) -> bool;
}

/// The processes of this host, as the kernel names them. Every holder must share its pid namespace.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostProcesses;

impl Processes for HostProcesses {
    /// A zombie is dead: it only waits for its parent. Where the kernel does not say, it counts as alive.
    fn is_alive(&self, pid: i32) -> bool {
        match fs_err::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => !is_over(&stat),
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }
}

/// Whether a line of /proc/PID/stat tells of a process that has ended (proc(5): the state follows the
/// last closing parenthesis, since a program's name may hold any byte).
fn is_over(stat: &str) -> bool {
    let state = stat.rsplit_once(')').map_or("", |(_, rest)| rest.trim_start());
    state.starts_with(['Z', 'X', 'x'])
}

/// What a store keeps of one name: the last grant, and whether it was given up. It is never removed, so
/// that epochs only rise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The last grant.
    pub grant: Grant,
    /// Whether it was given up.
    pub given_up: bool,
}

/// Who asks for what.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is to be leased.
    pub name: String,
    /// Who asks.
    pub holder: Holder,
    /// For how long.
    pub ttl: Duration,
    /// When.
    pub now: BootTime,
}

impl Entry {
    /// The grant, if it still keeps others out at `now`.
    pub fn held(&self, now: &BootTime, processes: &dyn Processes) -> Option<&Grant> {
        let holds = !self.given_up
            && !is_expired(&self.grant.expires, now)
            && processes.is_alive(self.grant.holder.pid);
        holds.then_some(&self.grant)
    }

    fn is_of(&self, grant: &Grant) -> bool {
        self.grant.epoch == grant.epoch && !self.given_up
    }
}

fn is_expired(expires: &BootTime, now: &BootTime) -> bool {
    now.boot_id != expires.boot_id || now.nanos >= expires.nanos
}

/// Grants what is free.
pub fn acquire(
    current: Option<&Entry>,
    request: Request,
    processes: &dyn Processes,
) -> Result<Entry, LeaseError> {
    if let Some(held) = current.and_then(|entry| entry.held(&request.now, processes)) {
        return Err(LeaseError::Held {
            by: Box::new(held.clone()),
        });
    }
    Ok(Entry {
        grant: Grant {
            epoch: current.map_or(0, |entry| entry.grant.epoch) + 1,
            expires: request.now.plus(request.ttl),
            granted: request.now,
            name: request.name,
            holder: request.holder,
        },
        given_up: false,
    })
}

/// Lengthens what was granted, unless another has it by now or the host has restarted since.
pub fn renew(
    current: Option<&Entry>,
    grant: &Grant,
    ttl: Duration,
    now: &BootTime,
) -> Result<Entry, LeaseError> {
    let ours = current.filter(|entry| entry.is_of(grant) && entry.grant.expires.boot_id == now.boot_id);
    let Some(ours) = ours else {
        return Err(LeaseError::Lost {
            name: grant.name.clone(),
        });
    };
    let mut renewed = ours.clone();
    renewed.grant.expires = now.plus(ttl);
    Ok(renewed)
}

/// What is left when `grant` is given up; `None` if it was lost before, and nothing changes.
pub fn release(current: Option<&Entry>, grant: &Grant) -> Option<Entry> {
    let mut entry = current.filter(|entry| entry.is_of(grant))?.clone();
    entry.given_up = true;
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_read_behind_any_name() {
        assert!(!is_over("12 (sh) S 1"));
        assert!(is_over("12 (sh) Z 1"));
        assert!(!is_over("12 (a) Z (b) R 1"));
        assert!(is_over("12 (a) S) Z 1"));
        assert!(!is_over(""));
    }

    #[test]
    fn a_process_that_is_gone_is_dead_even_before_its_parent_notices() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        assert!(HostProcesses.is_alive(own));
        let mut child = std::process::Command::new("true").spawn().expect("coreutils");
        let pid = i32::try_from(child.id()).expect("a pid");
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while HostProcesses.is_alive(pid) && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(!HostProcesses.is_alive(pid));
        child.wait().expect("a child");
        assert!(!HostProcesses.is_alive(pid));
    }
}
