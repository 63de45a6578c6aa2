//! Processes that give up their rights: process 1 of a sandbox (here), and workers, which need no sandbox.
//!
//! Process 1 drops them in the one order that works: users, then capabilities, then the promise to gain none,
//! then the signal that a change of users has cleared, then the filter.
//!
//! A worker is lamp's own program that looks at what strangers wrote. Its owner starts it with a directory
//! ([`run_worker`], or in its own way if it lives longer); the first thing that it does is [`confine_worker`].

mod run;
mod user;
mod worker;

pub use run::{AnswerBounds, WorkerError, run_worker};
pub use worker::{ConfineError, Confined, WorkerLimits, confine_worker, landlock_here};

use rustix::fs::{Gid, Uid};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, CapabilitySets, LinkNameSpaceType, move_into_link_name_space};

use crate::error::{Doing, Refused};
use crate::mounts::Users;
use crate::plan::{Confinement, Plan};
use crate::{filter, init};

/// How far the kernel keeps a worker from files that it was not handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landlock {
    /// From all, and from the network.
    Whole,
    /// As far as an older kernel can.
    Partly,
    /// Not at all: this kernel has no Landlock, or it is switched off.
    Lacking,
}

/// Raising it needs no right; commands inherit it.
pub(crate) fn go_first_when_memory_is_short(plan: &Plan) -> Result<(), Refused> {
    let Some(confinement) = &plan.confinement else {
        return Ok(());
    };
    fs_err::write("/proc/self/oom_score_adj", confinement.oom_score_adj.to_string())
        .doing(|| "offering itself when memory is short".to_owned())
}

/// Enters the user namespace and drops what the plan does not keep.
pub(crate) fn confine(plan: &Plan, users: Users<'_>) -> Result<(), Refused> {
    let (Some(confinement), Some(users)) = (&plan.confinement, users) else {
        return Ok(());
    };
    let programs = filter::compile(&confinement.filter)?;
    move_into_link_name_space(users, Some(LinkNameSpaceType::User))
        .doing(|| "entering the user namespace".to_owned())?;
    become_its_root()?;
    drop_capabilities(confinement)?;
    // Process 1 holds descriptors of the host's: nobody inside may look into it.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).doing(|| "hiding process 1".to_owned())?;
    rustix::thread::set_no_new_privs(confinement.no_new_privs)
        .doing(|| "promising to gain no right".to_owned())?;
    init::die_with_keeper()?;
    filter::apply(&programs)
}

fn become_its_root() -> Result<(), Refused> {
    let doing = || "becoming root of the user namespace".to_owned();
    let (uid, gid) = (Some(Uid::ROOT), Some(Gid::ROOT));
    rustix::thread::set_thread_groups(&[]).doing(doing)?;
    rustix::thread::set_thread_res_gid(gid, gid, gid).doing(doing)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).doing(doing)
}

fn drop_capabilities(confinement: &Confinement) -> Result<(), Refused> {
    let doing = || "dropping capabilities".to_owned();
    for bit in (0..u64::BITS).filter(|bit| confinement.capabilities >> bit & 1 == 0) {
        match rustix::thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
            Ok(()) => {}
            // Beyond the last one that this kernel knows.
            Err(Errno::INVAL) => break,
            Err(other) => return Err(other).doing(doing),
        }
    }
    rustix::thread::clear_ambient_capability_set().doing(doing)?;
    let kept = CapabilitySet::from_bits_retain(confinement.capabilities);
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, sets).doing(doing)
}
