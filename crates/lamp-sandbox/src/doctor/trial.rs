//! The trials themselves, in a process of one thread that ends after them.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::thread::UnshareFlags;

use super::{Check, State};
use crate::cgroup::{self, HeldBy, Layout};
use crate::confine::{Landlock, landlock_here};
use crate::error::{Doing, Refused};
use crate::place::BUILD;
use crate::plan::{Bounds, IdMap, Plan, ProcPlan, SyscallFilter};
use crate::sys::attr;
use crate::{filter, mounts, sys, users};

/// What is tried: its name, how, and the mend.
struct Trial {
    name: &'static str,
    run: fn(&Path) -> Result<String, Refused>,
    mend: &'static str,
}

/// In this order: later ones stand on earlier ones, and the last leaves this process without rights.
const TRIALS: [Trial; 8] = [
    Trial {
        name: "control groups for memory and processes",
        run: control_groups,
        mend: "mount the cgroup2 tree at /sys/fs/cgroup with the controllers memory and pids \
               (boot with systemd.unified_cgroup_hierarchy=1), or version 1 trees of both",
    },
    Trial {
        name: "user namespaces",
        run: user_namespace,
        mend: "a kernel with CONFIG_USER_NS, and `sysctl user.max_user_namespaces` above 0",
    },
    Trial {
        name: "namespaces of mounts, network, processes, IPC, host name, control groups",
        run: namespaces,
        mend: "run it on the machine itself or in a container that may make namespaces (CAP_SYS_ADMIN)",
    },
    Trial {
        name: "mounts by descriptor (open_tree, mount_setattr)",
        run: mount_calls,
        mend: "Linux 5.12 or newer",
    },
    Trial {
        name: "shifted owners on the filesystem of the sandboxes",
        run: shifted_owners,
        mend: "keep lamp's state on ext4, XFS, btrfs or tmpfs with Linux 5.19 or newer; \
               until then strangers' sources are refused",
    },
    Trial {
        name: "a twin's root: overlay over shifted owners, own /dev and /proc",
        run: twin_root,
        mend: "`modprobe overlay`, Linux 5.19 or newer, and a root filesystem that can shift owners \
               (ext4, XFS, btrfs)",
    },
    Trial {
        name: "workers kept from files that they were not handed (Landlock)",
        run: landlock,
        mend: "Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK, and `landlock` among the modules of the boot \
               parameter lsm=; until then workers are held by their user, their capabilities and seccomp alone",
    },
    Trial {
        name: "filters of system calls (seccomp)",
        run: filters,
        mend: "a kernel with CONFIG_SECCOMP_FILTER",
    },
];

/// Runs every trial; one that fails does not keep the next from being tried.
pub(crate) fn run_all(dir: &Path) -> Vec<Check> {
    TRIALS.iter().map(|trial| trial.check(dir)).collect()
}

impl Trial {
    fn check(&self, dir: &Path) -> Check {
        match (self.run)(dir) {
            Ok(found) => Check {
                name: self.name.to_owned(),
                state: State::Fine { found },
            },
            Err(refused) => Check::lacking(self.name, refused.to_string(), self.mend),
        }
    }
}

fn control_groups(_dir: &Path) -> Result<String, Refused> {
    let layout = Layout::of_this_host().doing(|| "reading this machine's control groups".to_owned())?;
    let placed = layout.place(&format!("lamp-doctor-{}", std::process::id()), &Bounds::twin());
    if let Some(bound) = placed.unheld() {
        return Err(io::Error::other("no tree has that controller")).doing(|| format!("bounding {bound}"));
    }
    let made = cgroup::create(&placed);
    cgroup::remove(&placed.groups)?;
    made?;
    let word = |by| match by {
        HeldBy::CgroupV2 => "version 2",
        HeldBy::CgroupV1 => "version 1",
        HeldBy::Nothing => "nothing",
    };
    let held = placed
        .in_force
        .iter()
        .map(|held| format!("{} by {}", held.bound, word(held.by)));
    Ok(held.collect::<Vec<_>>().join(", "))
}

/// A twin that never starts: its users are no other sandbox's business, as no process lives as any of them.
fn twin(state_dir: PathBuf) -> Result<Plan, Refused> {
    let users = IdMap::slot(0)
        .map_err(io::Error::other)
        .doing(|| "choosing users".to_owned())?;
    Ok(Plan::twin("doctor", &state_dir, users))
}

fn some_users() -> Result<rustix::fd::OwnedFd, Refused> {
    let made = users::make(&twin(PathBuf::from("/"))?)?;
    made.ok_or_else(|| io::Error::other("the plan asks for none"))
        .doing(|| "making users".to_owned())
}

fn user_namespace(_dir: &Path) -> Result<String, Refused> {
    some_users().map(|_| "made, mapped, its limits lowered".to_owned())
}

fn namespaces(_dir: &Path) -> Result<String, Refused> {
    let all = UnshareFlags::NEWNS
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    sys::unshare(all).doing(|| "making namespaces".to_owned())?;
    mounts::keep_private()?;
    sys::raise_loopback().doing(|| "raising the loopback device".to_owned())?;
    Ok("made".to_owned())
}

fn mount_calls(dir: &Path) -> Result<String, Refused> {
    mounts::clone(dir, attr::READ_ONLY, None).map(|_| "a mount was cloned and made read-only".to_owned())
}

fn shifted_owners(dir: &Path) -> Result<String, Refused> {
    let users = some_users()?;
    mounts::clone(dir, attr::READ_ONLY, Some(users.as_fd()))
        .map(|_| format!("{} can show its files as other users'", dir.display()))
}

/// On a memory filesystem over `dir` that only this process sees.
fn twin_root(dir: &Path) -> Result<String, Refused> {
    let users = some_users()?;
    let mut plan = twin(dir.to_owned())?;
    plan.proc = ProcPlan::ProcessesOnly;
    mounts::cover(dir, &plan)?;
    let build = dir.join(BUILD);
    fs_err::create_dir(&build).doing(|| format!("making {}", build.display()))?;
    mounts::build(&plan, Some(users.as_fd())).map(|_| "mounted".to_owned())
}

fn landlock(_dir: &Path) -> Result<String, Refused> {
    match landlock_here() {
        Landlock::Whole => Ok("from all, and from the network".to_owned()),
        Landlock::Partly => Ok("as far as this older kernel can".to_owned()),
        Landlock::Lacking => {
            Err(io::Error::from(io::ErrorKind::Unsupported)).doing(|| "making a set of rules".to_owned())
        }
    }
}

fn filters(_dir: &Path) -> Result<String, Refused> {
    let programs = filter::compile(&SyscallFilter::twin())?;
    rustix::thread::set_no_new_privs(true).doing(|| "promising to gain no right".to_owned())?;
    filter::apply(&programs).map(|()| format!("{} installed", programs.len()))
}
