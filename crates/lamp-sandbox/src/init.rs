//! Process 1 inside a sandbox: mounts, enters, drops its rights, then serves and reaps.
//!
//! It is a fork of the keeper and dies with it: by the parent-death signal, which is armed again whenever a
//! change of users clears it, and by the end of the keeper's socket.

mod serve;

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::UnshareFlags;

use crate::error::{Doing, Refused};
use crate::message::{Build, Progress};
use crate::plan::{Namespace, Plan};
use crate::step::Step;
use crate::{confine, mounts, sys, wire};

/// What the first process gets from the keeper.
pub(crate) struct Inherited {
    pub(crate) plan: Plan,
    /// To the keeper.
    pub(crate) keeper: OwnedFd,
    /// Where commands are asked for.
    pub(crate) listener: OwnedFd,
    /// The user namespace, if it is to enter one.
    pub(crate) users: Option<OwnedFd>,
}

/// Builds, then serves until the keeper is gone; the exit code that then does not matter.
pub(crate) fn run(mut inherited: Inherited) -> i32 {
    let mut at = Step::Users;
    match build(&mut inherited, &mut at) {
        Ok(()) => serve::serve(&inherited),
        Err(refused) => {
            let failed = Progress::Failed {
                after: at,
                why: refused.to_string(),
            };
            // If the keeper is gone too there is nobody to tell.
            let _told = wire::send(&inherited.keeper, &failed, &[]);
            1
        }
    }
}

fn build(inherited: &mut Inherited, at: &mut Step) -> Result<(), Refused> {
    // Taken, to be closed at the end: a way into the namespace must not stay open in process 1.
    let users = inherited.users.take();
    let users = users.as_ref().map(AsFd::as_fd);
    let inherited = &*inherited;
    let plan = &inherited.plan;
    let mut reached = |step| {
        *at = step;
        say(inherited, step)
    };
    die_with_keeper()?;
    let_go_of_standard()?;
    wait_for_keeper(&inherited.keeper)?;
    confine::go_first_when_memory_is_short(plan)?;
    namespaces(plan)?;
    reached(Step::Namespaces)?;
    let root = mounts::build(plan, users)?;
    reached(Step::Root)?;
    mounts::enter(&root)?;
    drop(root);
    let_go_of_standard()?;
    reached(Step::Entered)?;
    confine::confine(plan, users)?;
    reached(Step::Confined)
}

/// The caller arms it anew after each change of users, which clears it.
pub(crate) fn die_with_keeper() -> Result<(), Refused> {
    set_parent_process_death_signal(Some(Signal::KILL)).doing(|| "asking to die with the keeper".to_owned())
}

/// The standard descriptors become the null device as it stands where this process is now. Those that the
/// keeper left lead to its owner and to a file of the host.
fn let_go_of_standard() -> Result<(), Refused> {
    let doing = || "opening the null device".to_owned();
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let null = rustix::fs::open("/dev/null", flags, Mode::empty()).doing(doing)?;
    rustix::stdio::dup2_stdin(&null).doing(doing)?;
    rustix::stdio::dup2_stdout(&null).doing(doing)?;
    rustix::stdio::dup2_stderr(&null).doing(doing)
}

/// The keeper first journals this process and puts it into its control groups.
fn wait_for_keeper(keeper: &OwnedFd) -> Result<(), Refused> {
    let doing = || "waiting for the keeper".to_owned();
    let go = wire::receive::<Build>(keeper).doing(doing)?;
    go.map(drop)
        .ok_or_else(|| std::io::Error::other("the keeper is gone"))
        .doing(doing)
}

/// Says that a step is done; a drill that wants the build held here never gets further.
fn say(inherited: &Inherited, step: Step) -> Result<(), Refused> {
    let doing = || "talking to the keeper".to_owned();
    wire::send(&inherited.keeper, &Progress::Reached(step), &[]).doing(doing)?;
    if inherited.plan.hold_at == Some(step) {
        wire::receive::<Build>(&inherited.keeper).doing(doing)?;
        return Err(std::io::Error::other("the keeper is gone")).doing(doing);
    }
    Ok(())
}

fn namespaces(plan: &Plan) -> Result<(), Refused> {
    let flags = plan.namespaces.iter().map(|kind| flag(*kind)).collect();
    sys::unshare(flags).doing(|| "making namespaces".to_owned())?;
    mounts::keep_private()?;
    // The files of /proc/sys/net and the host name are those of whoever asks: this process's own, now.
    let port = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
    let first = plan.unprivileged_port_start.to_string();
    fs_err::write(port, first).doing(|| "opening low ports to everyone inside".to_owned())?;
    sys::raise_loopback().doing(|| "raising the loopback device".to_owned())?;
    rustix::system::sethostname(plan.hostname.as_bytes()).doing(|| "setting the host name".to_owned())
}

/// The user namespace is entered later, when the root stands; the process ids' was made by the keeper.
fn flag(kind: Namespace) -> UnshareFlags {
    match kind {
        Namespace::Mount => UnshareFlags::NEWNS,
        Namespace::Net => UnshareFlags::NEWNET,
        Namespace::Ipc => UnshareFlags::NEWIPC,
        Namespace::Uts => UnshareFlags::NEWUTS,
        Namespace::Cgroup => UnshareFlags::NEWCGROUP,
        Namespace::Pid | Namespace::User => UnshareFlags::empty(),
    }
}
