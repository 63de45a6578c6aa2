//! A worker's own side: it gives up all that it does not need, before it reads the first byte.
//!
//! Whatever the bytes then make of it: it reads beneath the directories that it was handed and nowhere else,
//! writes nothing, reaches no network, starts no program, and is bounded. Where the kernel has no Landlock the
//! rest still holds, and [`Confined`] says so.

use std::os::fd::BorrowedFd;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use rustix::fs::{Gid, Uid};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::Landlock;
use super::user::{self, User};
use crate::error::{Doing, Refused};
use crate::filter;
use crate::plan::{DeniedCall, Refusal, SyscallFilter};

/// The newest interface of Landlock that is asked for; an older kernel gives what it has.
const LANDLOCK_ABI: ABI = ABI::V7;

/// What a worker may use at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerLimits {
    /// Bytes of address space, stacks of threads included.
    pub memory_bytes: u64,
    /// Seconds on a processor, all threads together; `None`: it lives as long as its owner.
    pub cpu_seconds: Option<u64>,
    /// Open descriptors.
    pub open_files: u64,
}

/// What holds a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confined {
    /// The user that it runs as.
    pub uid: u32,
    /// How far the kernel keeps it from other files.
    pub landlock: Landlock,
}

/// Why a process could not be confined; it must not go on.
#[derive(Debug, thiserror::Error)]
#[error("a worker could not be confined")]
pub struct ConfineError(#[source] Refused);

/// Confines this process for good. It keeps reading beneath `readable`, and what it already holds open.
///
/// If it is root it becomes the user `lamp` (`nobody` where there is none) with the groups of these directories.
/// To be called first thing, while the process has one thread: others would stay free.
pub fn confine_worker(readable: &[BorrowedFd<'_>], limits: &WorkerLimits) -> Result<Confined, ConfineError> {
    confine(readable, limits).map_err(ConfineError)
}

fn confine(readable: &[BorrowedFd<'_>], limits: &WorkerLimits) -> Result<Confined, Refused> {
    refuse_threads()?;
    let programs = filter::compile(&no_sockets())?;
    bound(limits)?;
    if rustix::process::geteuid().is_root() {
        become_user(&user::unprivileged()?, readable)?;
    }
    drop_capabilities()?;
    // Others of this user must not look into it.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).doing(|| "hiding the worker".to_owned())?;
    rustix::thread::set_no_new_privs(true).doing(|| "promising to gain no right".to_owned())?;
    let landlock = only_read_beneath(readable)?;
    filter::apply(&programs)?;
    Ok(Confined {
        uid: rustix::process::geteuid().as_raw(),
        landlock,
    })
}

fn refuse_threads() -> Result<(), Refused> {
    let doing = || "counting the worker's threads".to_owned();
    match fs_err::read_dir("/proc/self/task").doing(doing)?.count() {
        1 => Ok(()),
        _ => Err(std::io::Error::other("there is more than one")).doing(doing),
    }
}

/// What a twin is refused, and every socket.
fn no_sockets() -> SyscallFilter {
    let mut filter = SyscallFilter::twin();
    filter.denied.push(DeniedCall {
        call: "socket".to_owned(),
        refusal: Refusal::Eperm,
        when: Vec::new(),
    });
    filter
}

fn bound(limits: &WorkerLimits) -> Result<(), Refused> {
    let mut bounds = vec![
        (Resource::As, limits.memory_bytes),
        (Resource::Nofile, limits.open_files),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ];
    bounds.extend(limits.cpu_seconds.map(|seconds| (Resource::Cpu, seconds)));
    bounds.into_iter().try_for_each(|(resource, most)| {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit).doing(|| format!("bounding the worker: {resource:?}"))
    })
}

fn become_user(user: &User, readable: &[BorrowedFd<'_>]) -> Result<(), Refused> {
    let doing = || format!("becoming the user {}", user.name);
    let (uid, gid) = (Some(Uid::from_raw(user.uid)), Some(Gid::from_raw(user.gid)));
    rustix::thread::set_thread_groups(&groups_of(readable)?).doing(doing)?;
    rustix::thread::set_thread_res_gid(gid, gid, gid).doing(doing)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).doing(doing)
}

/// The directories' groups; root's is not handed on.
fn groups_of(directories: &[BorrowedFd<'_>]) -> Result<Vec<Gid>, Refused> {
    let group = |directory: &BorrowedFd<'_>| {
        let stat = rustix::fs::fstat(directory).doing(|| "asking for a directory's group".to_owned())?;
        Ok(Gid::from_raw(stat.st_gid))
    };
    let groups = directories
        .iter()
        .map(group)
        .collect::<Result<Vec<Gid>, Refused>>()?;
    Ok(groups.into_iter().filter(|gid| !gid.is_root()).collect())
}

fn drop_capabilities() -> Result<(), Refused> {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none).doing(|| "dropping capabilities".to_owned())
}

fn only_read_beneath(readable: &[BorrowedFd<'_>]) -> Result<Landlock, Refused> {
    let status = restrict(readable)
        .map_err(std::io::Error::other)
        .doing(|| "keeping the worker from other files (Landlock)".to_owned())?;
    Ok(match status {
        RulesetStatus::FullyEnforced => Landlock::Whole,
        RulesetStatus::PartiallyEnforced => Landlock::Partly,
        RulesetStatus::NotEnforced => Landlock::Lacking,
    })
}

/// Everything that Landlock can refuse is handled, and only reading is granted.
fn restrict(readable: &[BorrowedFd<'_>]) -> Result<RulesetStatus, RulesetError> {
    let reading: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK_ABI))?
        .handle_access(AccessNet::from_all(LANDLOCK_ABI))?
        .scope(Scope::from_all(LANDLOCK_ABI))?
        .create()?;
    for directory in readable {
        rules = rules.add_rule(PathBeneath::new(directory, reading))?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

/// How far this kernel could keep a worker from other files; nothing is restricted by asking.
pub fn landlock_here() -> Landlock {
    let has = |abi| {
        let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let handled = rules.handle_access(AccessFs::from_all(abi));
        handled.and_then(Ruleset::create).is_ok()
    };
    match (has(LANDLOCK_ABI), has(ABI::V1)) {
        (true, _) => Landlock::Whole,
        (false, true) => Landlock::Partly,
        (false, false) => Landlock::Lacking,
    }
}
