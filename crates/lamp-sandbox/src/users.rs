//! The user namespace of a twin: made once, entered by process 1, and used to shift the owners of files.
//!
//! A namespace needs a process to be made and mapped; a short-lived one is forked for it, and what keeps the
//! namespace afterwards is its descriptor alone.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, WaitOptions};
use rustix::thread::UnshareFlags;
use serde::{Deserialize, Serialize};

use crate::error::{Doing, Refused};
use crate::plan::{Confinement, IdMap, Plan};
use crate::sys::{self, Fork};
use crate::wire;

/// What the two processes say to each other.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    /// The namespace stands, unmapped.
    Made,
    /// It is mapped.
    Mapped,
    /// Its limits are lowered.
    Lowered,
    /// It failed, and why.
    Failed { why: String },
}

/// Makes the user namespace that the plan asks for, mapped and with lowered limits.
pub(crate) fn make(plan: &Plan) -> Result<Option<OwnedFd>, Refused> {
    let (Some(map), Some(confinement)) = (plan.id_map, &plan.confinement) else {
        return Ok(None);
    };
    let doing = || "making a user namespace".to_owned();
    let (ours, theirs) = wire::pair().doing(doing)?;
    match sys::fork().doing(doing)? {
        Fork::Child => {
            drop(ours);
            be_the_first_user(&theirs, confinement)
        }
        Fork::Parent(pid) => {
            drop(theirs);
            let made = map_from_outside(&ours, pid, map).doing(doing);
            // The end of our socket ends it.
            drop(ours);
            rustix::io::retry_on_intr(|| rustix::process::waitpid(Some(pid), WaitOptions::empty()))
                .doing(doing)?;
            made.map(Some)
        }
    }
}

fn map_from_outside(socket: &OwnedFd, pid: Pid, map: IdMap) -> io::Result<OwnedFd> {
    expect(socket)?;
    let of = |file: &str| format!("/proc/{}/{file}", pid.as_raw_nonzero());
    fs_err::write(of("uid_map"), map.line())?;
    fs_err::write(of("gid_map"), map.line())?;
    wire::send(socket, &Said::Mapped, &[])?;
    expect(socket)?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(of("ns/user"), flags, Mode::empty())?)
}

/// The other side is done with what it was to do next.
fn expect(socket: &OwnedFd) -> io::Result<()> {
    match wire::receive::<Said>(socket)?.map(|said| said.message) {
        Some(Said::Made | Said::Mapped | Said::Lowered) => Ok(()),
        Some(Said::Failed { why }) => Err(io::Error::other(why)),
        None => Err(io::Error::other("the other process is gone")),
    }
}

/// The forked process. It has nothing to destroy and must not run on into the keeper.
#[expect(
    clippy::disallowed_methods,
    reason = "a fork that must not run on into the keeper's code"
)]
fn be_the_first_user(socket: &OwnedFd, confinement: &Confinement) -> ! {
    let done = make_from_inside(socket, confinement);
    if let Err(refused) = done {
        let failed = Said::Failed {
            why: refused.to_string(),
        };
        // If the keeper is gone there is nobody to tell.
        let _told = wire::send(socket, &failed, &[]);
    }
    // Until the keeper has its descriptor, or is gone.
    let _end = wire::receive::<Said>(socket);
    std::process::exit(0)
}

fn make_from_inside(socket: &OwnedFd, confinement: &Confinement) -> Result<(), Refused> {
    let talking = || "talking to the keeper".to_owned();
    sys::unshare(UnshareFlags::NEWUSER).doing(|| "making a user namespace".to_owned())?;
    wire::send(socket, &Said::Made, &[]).doing(talking)?;
    expect(socket).doing(talking)?;
    // These files are those of the user namespace of whoever asks.
    for limit in &confinement.user_limits {
        let file = format!("/proc/sys/user/{}", limit.name);
        lower(&file, limit.most).doing(|| format!("lowering {file}"))?;
    }
    wire::send(socket, &Said::Lowered, &[]).doing(talking)
}

/// What this kernel cannot count it does not give either.
fn lower(file: &str, most: u32) -> io::Result<()> {
    match fs_err::write(file, most.to_string()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
