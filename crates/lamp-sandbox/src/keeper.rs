//! The keeper: outside of the sandbox, its parent, and the one who removes it.
//!
//! It has one thread and one loop: whichever ends first, owner or first process, it ends the other, removes
//! control groups and state directory, and is gone. Killed itself, the first process dies with it and
//! [`crate::reap`] removes the rest.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, WaitOptions};
use rustix::thread::UnshareFlags;

use crate::cgroup::{self, Layout};
use crate::error::{Doing, Refused};
use crate::init::{self, Inherited};
use crate::journal::{self, Journal};
use crate::message::{Asked, Build, Progress};
use crate::plan::{Lifetime, Plan};
use crate::process::{self, ProcessId};
use crate::step::Step;
use crate::sys::{self, Fork};
use crate::{doctor, place, reap, wire};

/// What the init program runs: keeper of one sandbox, then, forked from it, first process inside.
#[expect(
    clippy::disallowed_methods,
    reason = "two processes come back here and neither may go on into main"
)]
pub fn init_main() -> ! {
    let code = sys::close_inherited()
        .and_then(|()| begin())
        .unwrap_or_else(|error| {
            // Read by the owner from the state directory.
            eprintln!("the keeper of a sandbox cannot begin: {error}");
            2
        });
    std::process::exit(code)
}

/// Whom the keeper watches.
struct Owner {
    socket: OwnedFd,
    process: OwnedFd,
}

struct Keeper {
    plan: Plan,
    owner: Owner,
    /// Held as long as this process lives; nothing reads it.
    _lock: OwnedFd,
    journal: Journal,
}

/// The first process, as the keeper sees it.
struct Init {
    pid: Pid,
    process: OwnedFd,
    socket: OwnedFd,
}

fn begin() -> io::Result<i32> {
    let socket = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
    let asked = wire::receive::<Asked>(&socket)?.ok_or_else(|| io::Error::other("the owner is gone"))?;
    match asked.message {
        Asked::Keep { state_dir } => keep(&state_dir, socket, asked.fds),
        Asked::Try { dir } => wire::send(&socket, &doctor::run_all(&dir), &[]).map(|()| 0),
    }
}

fn keep(state_dir: &Path, socket: OwnedFd, fds: Vec<OwnedFd>) -> io::Result<i32> {
    let Ok([lock, process]) = <[OwnedFd; 2]>::try_from(fds) else {
        return Err(io::Error::other("the owner sent no lock"));
    };
    // A session of its own: a terminal's Ctrl-C ends the owner, and the keeper then cleans up.
    rustix::process::setsid()?;
    rustix::process::chdir("/")?;
    rustix::process::umask(rustix::fs::Mode::from(0o022));
    Keeper::new(state_dir, Owner { socket, process }, lock)?.run()
}

impl Keeper {
    fn new(state_dir: &Path, owner: Owner, lock: OwnedFd) -> io::Result<Self> {
        let plan = place::read_plan(state_dir)?;
        let journal = Journal {
            name: plan.name.clone(),
            boot_id: journal::boot_id()?,
            keeper: ProcessId::of(rustix::process::getpid())?,
            init: None,
            cgroups: Vec::new(),
            id_map: plan.id_map,
            in_force: Vec::new(),
        };
        journal.write(state_dir)?;
        Ok(Self {
            plan,
            owner,
            _lock: lock,
            journal,
        })
    }

    /// Builds, watches, removes. In the forked process: becomes the first process inside.
    fn run(mut self) -> io::Result<i32> {
        let mut at = Step::Keeper;
        let built = self.build(&mut at);
        let init = match built {
            Ok(Some(Forked::Init(inherited))) => {
                drop(self);
                return Ok(init::run(*inherited));
            }
            Ok(Some(Forked::Keeper(init))) => Some(init),
            Ok(None) => None,
            Err(refused) => {
                self.tell(&Progress::Failed {
                    after: at,
                    why: refused.to_string(),
                });
                None
            }
        };
        let watched = init.as_ref().map_or(Ok(()), |init| self.watch(init));
        // Whatever ended the watch, all is removed.
        let removed = self.remove(init);
        watched.and(removed)
    }

    /// Everything up to the fork. `None`: a drill held the build and the owner has ended.
    fn build(&mut self, at: &mut Step) -> Result<Option<Forked>, Refused> {
        if self.reached(Step::Keeper)? == Go::Stop {
            return Ok(None);
        }
        self.make_cgroups()?;
        *at = Step::Cgroups;
        if self.reached(Step::Cgroups)? == Go::Stop {
            return Ok(None);
        }
        let users = crate::users::make(&self.plan)?;
        *at = Step::Users;
        if self.reached(Step::Users)? == Go::Stop {
            return Ok(None);
        }
        self.fork(users).map(Some)
    }

    fn make_cgroups(&mut self) -> Result<(), Refused> {
        let reading = || "reading the host's control groups".to_owned();
        let layout = Layout::of_this_host().doing(reading)?;
        let id = self.journal.keeper;
        let name = format!("lamp-{}-{}-{}", self.plan.name, id.pid, id.started_ticks);
        let placed = layout.place(&name, &self.plan.bounds);
        if let Some(bound) = placed.unheld() {
            let lacking = io::Error::other("this host has no control group for it; see lamp doctor");
            return Err(lacking).doing(|| format!("holding the bound on {bound}"));
        }
        self.journal.cgroups.clone_from(&placed.groups);
        self.journal.in_force.clone_from(&placed.in_force);
        self.write_journal()?;
        cgroup::create(&placed)
    }

    fn fork(&mut self, users: Option<OwnedFd>) -> Result<Forked, Refused> {
        let doing = || "forking the first process".to_owned();
        let (ours, theirs) = wire::pair().doing(doing)?;
        let listener = wire::listen(&self.plan.state_dir, place::SOCKET)
            .doing(|| format!("listening in {}", self.plan.state_dir.display()))?;
        sys::unshare(UnshareFlags::NEWPID).doing(doing)?;
        match sys::fork().doing(doing)? {
            Fork::Child => {
                drop(ours);
                let plan = self.plan.clone();
                Ok(Forked::Init(Box::new(Inherited {
                    plan,
                    keeper: theirs,
                    listener,
                    users,
                })))
            }
            Fork::Parent(pid) => self.admit(pid, ours).map(Forked::Keeper),
        }
    }

    /// Journals the first process and lets it build.
    fn admit(&mut self, pid: Pid, socket: OwnedFd) -> Result<Init, Refused> {
        let doing = || "admitting the first process".to_owned();
        let process = rustix::process::pidfd_open(pid, PidfdFlags::empty()).doing(doing)?;
        self.journal.init = Some(ProcessId::of(pid).doing(doing)?);
        self.write_journal()?;
        cgroup::join(&self.journal.cgroups, pid)?;
        wire::send(&socket, &Build, &[]).doing(doing)?;
        Ok(Init { pid, process, socket })
    }

    fn write_journal(&self) -> Result<(), Refused> {
        let dir = &self.plan.state_dir;
        self.journal
            .write(dir)
            .doing(|| format!("writing the journal in {}", dir.display()))
    }

    /// Says that a step of the keeper's own is done, and holds there if a drill wants it.
    fn reached(&self, step: Step) -> Result<Go, Refused> {
        self.tell(&Progress::Reached(step));
        if self.plan.hold_at != Some(step) {
            return Ok(Go::On);
        }
        let doing = || format!("holding at {step:?}");
        place::say_holding(&self.plan.state_dir, step).doing(doing)?;
        let mut fds = self.owner.poll_fds();
        rustix::io::retry_on_intr(|| poll(&mut fds, None)).doing(doing)?;
        Ok(Go::Stop)
    }

    /// Tells the owner; an owner that is gone is noticed by the loop, not here.
    fn tell(&self, progress: &Progress) {
        let _gone = wire::send(&self.owner.socket, progress, &[]);
    }

    /// Until owner or first process has ended.
    fn watch(&self, init: &Init) -> io::Result<()> {
        let mut watched = Watched {
            owner: true,
            words: true,
        };
        loop {
            match self.wait(init, &watched)? {
                Woken::OwnerGone | Woken::InitEnded => return Ok(()),
                Woken::InitSpoke => self.hear(init, &mut watched)?,
            }
        }
    }

    /// What the first process has said counts before its end: it may have said why.
    fn wait(&self, init: &Init, watched: &Watched) -> io::Result<Woken> {
        let mut fds = Vec::with_capacity(4);
        let mut meaning = Vec::with_capacity(4);
        if watched.owner {
            fds.extend(self.owner.poll_fds());
            meaning.extend([Woken::OwnerGone, Woken::OwnerGone]);
        }
        if watched.words {
            fds.push(PollFd::new(&init.socket, PollFlags::IN));
            meaning.push(Woken::InitSpoke);
        }
        fds.push(PollFd::new(&init.process, PollFlags::IN));
        meaning.push(Woken::InitEnded);
        rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
        let first = fds.iter().position(|fd| !fd.revents().is_empty());
        Ok(first
            .and_then(|at| meaning.into_iter().nth(at))
            .unwrap_or(Woken::InitEnded))
    }

    fn hear(&self, init: &Init, watched: &mut Watched) -> io::Result<()> {
        let Some(said) = wire::receive::<Progress>(&init.socket)? else {
            watched.words = false;
            return Ok(());
        };
        self.tell(&said.message);
        match said.message {
            Progress::Reached(step) => self.hold_if_wanted(step),
            Progress::Failed { .. } => Ok(()),
            Progress::Serving => {
                watched.owner = self.plan.lifetime == Lifetime::Owner;
                self.hold_if_wanted(Step::Serving)
            }
        }
    }

    /// The first process holds itself; the drill is told.
    fn hold_if_wanted(&self, step: Step) -> io::Result<()> {
        if self.plan.hold_at == Some(step) {
            place::say_holding(&self.plan.state_dir, step)?;
        }
        Ok(())
    }

    fn remove(self, init: Option<Init>) -> io::Result<i32> {
        if let Some(init) = init {
            process::kill(&init.process)?;
            rustix::io::retry_on_intr(|| rustix::process::waitpid(Some(init.pid), WaitOptions::empty()))?;
        }
        // From memory: someone may have removed the state directory already, and with it the journal.
        let removed = reap::end(&self.journal).and_then(|()| place::remove(&self.plan.state_dir));
        removed
            .map(|()| 0)
            .map_err(|refused| io::Error::other(refused.to_string()))
    }
}

/// Which side of the fork.
enum Forked {
    Init(Box<Inherited>),
    Keeper(Init),
}

#[derive(PartialEq, Eq)]
enum Go {
    On,
    Stop,
}

/// What the keeper still listens to.
struct Watched {
    owner: bool,
    words: bool,
}

/// What woke the keeper.
enum Woken {
    OwnerGone,
    InitSpoke,
    InitEnded,
}

impl Owner {
    /// Ready when the owner has ended, or has closed its end.
    fn poll_fds(&self) -> [PollFd<'_>; 2] {
        [
            PollFd::from_borrowed_fd(self.process.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN),
        ]
    }
}
