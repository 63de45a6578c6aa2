//! A sandbox's state directory: how it comes to be, what stands in it, how it goes.
//!
//! ```text
//! sandbox.lock   held (flock) by the keeper as long as it lives, by the owner before that
//! plan.json      the plan
//! journal.json   keeper, first process, control groups: what to end and remove
//! socket         commands are asked for here
//! keeper.err     last words of a keeper that failed
//! build/         where the root is mounted, in the sandbox's own mount namespace only
//! own/           own directories
//! holding        the step at which a crash drill holds the build
//! ```
//!
//! **Invariant: a directory with a `sandbox.lock`, or with a name that starts with [`HIDDEN_PREFIX`], is a
//! sandbox's; no other is ever removed.** Making and looking through are kept apart by a lock on the parent.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use crate::error::{Doing, Refused, StartError};
use crate::plan::{OWN_DIR, Plan};
use crate::step::Step;

/// Begins the name of a state directory that is not yet, or no more, one.
pub(crate) const HIDDEN_PREFIX: &str = ".lamp-sandbox-";
pub(crate) const LOCK: &str = "sandbox.lock";
pub(crate) const PLAN: &str = "plan.json";
pub(crate) const JOURNAL: &str = "journal.json";
pub(crate) const SOCKET: &str = "socket";
pub(crate) const BUILD: &str = "build";
pub(crate) const KEEPER_ERR: &str = "keeper.err";
pub(crate) const HOLDING: &str = "holding";

/// A state directory that this process has made, and its lock.
pub(crate) struct Place {
    pub(crate) lock: OwnedFd,
}

impl Place {
    /// Makes the plan's state directory, or says whose it is.
    pub(crate) fn create(plan: &Plan) -> Result<Self, StartError> {
        let parent = parent_of(&plan.state_dir);
        fs_err::create_dir_all(parent).doing(|| format!("making {}", parent.display()))?;
        let _apart = lock_parent(parent).doing(|| format!("locking {}", parent.display()))?;
        refuse_taken_users(plan, parent)?;
        if plan.state_dir.symlink_metadata().is_ok() {
            return Err(StartError::Taken {
                path: plan.state_dir.clone(),
            });
        }
        let hidden = parent.join(format!("{HIDDEN_PREFIX}new-{}-{}", std::process::id(), plan.name));
        let filled = Self::fill(plan, &hidden);
        if filled.is_err() {
            // The first error is the one to tell.
            let _half_made = crate::reap::reap_one(&hidden);
        }
        Ok(filled?)
    }

    /// Under a hidden name first: once it has its own, it is whole and has its lock.
    fn fill(plan: &Plan, hidden: &Path) -> Result<Self, Refused> {
        let doing = || format!("making {}", plan.state_dir.display());
        rustix::fs::mkdir(hidden, Mode::RWXU).doing(doing)?;
        let lock = open_lock(hidden).doing(doing)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).doing(doing)?;
        let text = serde_json::to_vec_pretty(plan)
            .map_err(io::Error::from)
            .doing(doing)?;
        fs_err::write(hidden.join(PLAN), text).doing(doing)?;
        fs_err::create_dir(hidden.join(BUILD)).doing(doing)?;
        make_own_dirs(plan, hidden)?;
        fs_err::rename(hidden, &plan.state_dir).doing(doing)?;
        Ok(Self { lock })
    }
}

fn make_own_dirs(plan: &Plan, hidden: &Path) -> Result<(), Refused> {
    let below = plan
        .root
        .own()
        .iter()
        .filter_map(|own| own.host.strip_prefix(&plan.state_dir).ok());
    for own in below.filter(|own| own.starts_with(OWN_DIR)) {
        fs_err::create_dir_all(hidden.join(own)).doing(|| format!("making {}", own.display()))?;
    }
    Ok(())
}

fn refuse_taken_users(plan: &Plan, parent: &Path) -> Result<(), StartError> {
    let Some(wanted) = plan.id_map else {
        return Ok(());
    };
    if crate::reap::users_taken(parent)?.contains(&wanted) {
        return Err(StartError::UsersTaken {
            base: wanted.base(),
            parent: parent.to_owned(),
        });
    }
    Ok(())
}

/// The directory that `state_dir` stands in.
pub(crate) fn parent_of(state_dir: &Path) -> &Path {
    state_dir.parent().unwrap_or(Path::new("/"))
}

/// Keeps makers and lookers-through of one parent apart while the answer lives.
pub(crate) fn lock_parent(parent: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = rustix::fs::open(parent, flags, Mode::empty())?;
    rustix::io::retry_on_intr(|| flock(&dir, FlockOperation::LockExclusive))?;
    Ok(dir)
}

fn open_lock(dir: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(rustix::fs::open(dir.join(LOCK), flags, Mode::RUSR | Mode::WUSR)?)
}

/// The lock of the state directory `dir`, if nobody holds it: its keeper is dead.
pub(crate) fn take_dead(dir: &Path) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let lock = rustix::fs::open(dir.join(LOCK), flags, Mode::empty())?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(lock)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// Reads the plan that stands in `state_dir`.
pub(crate) fn read_plan(state_dir: &Path) -> io::Result<Plan> {
    Ok(serde_json::from_slice(&fs_err::read(state_dir.join(PLAN))?)?)
}

/// Says that the build holds at `step`, for the drill that asked for it.
pub(crate) fn say_holding(state_dir: &Path, step: Step) -> io::Result<()> {
    let text = serde_json::to_string(&step)?;
    let new = state_dir.join("holding.new");
    fs_err::write(&new, text)?;
    fs_err::rename(new, state_dir.join(HOLDING))
}

/// Removes a state directory whose processes are gone. The lock goes last, under a hidden name, so that
/// one who is killed in between leaves what is still known as a sandbox's.
pub(crate) fn remove(state_dir: &Path) -> Result<(), Refused> {
    let doing = || format!("removing {}", state_dir.display());
    let own = state_dir.join(OWN_DIR);
    crate::remove::tree(&own).doing(|| format!("removing {}", own.display()))?;
    gone(fs_err::remove_dir(state_dir.join(BUILD))).doing(doing)?;
    for file in [
        SOCKET,
        HOLDING,
        "holding.new",
        "journal.new",
        KEEPER_ERR,
        JOURNAL,
        PLAN,
    ] {
        gone(fs_err::remove_file(state_dir.join(file))).doing(doing)?;
    }
    let hidden = hidden_name(state_dir);
    gone(fs_err::rename(state_dir, &hidden)).doing(doing)?;
    gone(fs_err::remove_file(hidden.join(LOCK))).doing(doing)?;
    gone(fs_err::remove_dir(&hidden)).doing(doing)
}

fn hidden_name(state_dir: &Path) -> PathBuf {
    let name = state_dir.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with(HIDDEN_PREFIX) {
        return state_dir.to_owned();
    }
    parent_of(state_dir).join(format!("{HIDDEN_PREFIX}old-{}-{name}", std::process::id()))
}

/// What is not there need not be removed.
fn gone(answer: io::Result<()>) -> io::Result<()> {
    match answer {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
