//! Starting a sandbox: the owner's side.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::PidfdFlags;

use crate::error::{Doing, StartError};
use crate::message::{Asked, Progress};
use crate::place::{self, Place};
use crate::plan::Plan;
use crate::sandbox::Sandbox;
use crate::step::Step;
use crate::{reap, wire};

/// Most of a failed keeper's last words that are kept, in bytes.
const LAST_WORDS_MAX_BYTES: usize = 2_000;

/// The program that becomes keeper and first process: it calls [`crate::init_main`] first thing when started
/// with these arguments, before it opens a file or starts a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitProgram {
    /// The program, absolute.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl InitProgram {
    /// `path` without arguments.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            args: Vec::new(),
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }
}

/// Builds a sandbox as `plan` says and waits until it serves commands.
///
/// Needs root. If it fails, nothing of the sandbox is left. The parent of the state directory is made if it
/// does not exist, and stays.
pub fn start(plan: &Plan, init: &InitProgram) -> Result<Sandbox, StartError> {
    plan.validate()?;
    if !rustix::process::geteuid().is_root() {
        return Err(StartError::NotRoot);
    }
    let place = Place::create(plan)?;
    let started = hold_state_dir(plan).and_then(|()| start_in(plan, init, place));
    if started.is_err() {
        // The first error is the one to tell; what cannot be removed now is removed by the next `reap`.
        let _later = reap::reap_one(&plan.state_dir);
    }
    started
}

fn start_in(plan: &Plan, init: &InitProgram, place: Place) -> Result<Sandbox, StartError> {
    let (ours, theirs) = wire::pair().doing(|| "making a socket for the keeper".to_owned())?;
    let mut keeper = spawn_keeper(plan, init, theirs)?;
    let built = hand_over(plan, init, &ours, place).and_then(|()| follow_build(plan, init, &ours));
    match built {
        Ok(()) => Ok(Sandbox::owned(plan, keeper, ours)?),
        Err(error) => {
            // A closed socket ends a keeper that still builds; it removes all before it goes.
            drop(ours);
            let waited = keeper.wait().doing(|| "waiting for the keeper's end".to_owned());
            waited?;
            Err(error)
        }
    }
}

fn spawn_keeper(plan: &Plan, init: &InitProgram, socket: OwnedFd) -> Result<Child, StartError> {
    let words = plan.state_dir.join(place::KEEPER_ERR);
    let words = fs_err::File::create(&words).doing(|| format!("making {}", words.display()))?;
    let mut command = Command::new(&init.path);
    command.args(&init.args).env_clear().current_dir("/");
    command
        .stdin(socket)
        .stdout(Stdio::null())
        .stderr(words.into_file());
    Ok(command
        .spawn()
        .doing(|| format!("starting the keeper, {}", init.path.display()))?)
}

/// The lock passes to the keeper: it alone has it once this returns.
fn hand_over(plan: &Plan, init: &InitProgram, keeper: &OwnedFd, place: Place) -> Result<(), StartError> {
    let doing = || "handing the sandbox over to its keeper".to_owned();
    let own = rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty()).doing(doing)?;
    let keep = Asked::Keep {
        state_dir: plan.state_dir.clone(),
    };
    match wire::send(keeper, &keep, &[place.lock.as_fd(), own.as_fd()]) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(keeper_gone(plan, init)),
        other => Ok(other.doing(doing)?),
    }
}

fn keeper_gone(plan: &Plan, init: &InitProgram) -> StartError {
    StartError::KeeperGone {
        program: init.path.clone(),
        words: last_words(&plan.state_dir),
    }
}

fn follow_build(plan: &Plan, init: &InitProgram, keeper: &OwnedFd) -> Result<(), StartError> {
    let listening = || "listening to the keeper".to_owned();
    loop {
        let Some(said) = wire::receive::<Progress>(keeper).doing(listening)? else {
            return Err(keeper_gone(plan, init));
        };
        match said.message {
            Progress::Reached(_) => {}
            Progress::Serving => return Ok(()),
            Progress::Failed { after, why } => return Err(StartError::Build { after, why }),
        }
    }
}

fn last_words(state_dir: &Path) -> String {
    let words = fs_err::read(state_dir.join(place::KEEPER_ERR)).unwrap_or_default();
    let from = words.len().saturating_sub(LAST_WORDS_MAX_BYTES);
    let words = String::from_utf8_lossy(words.get(from..).unwrap_or_default());
    match words.trim() {
        "" => "it said nothing".to_owned(),
        said => said.to_owned(),
    }
}

/// Holds the build before there is a keeper, if a drill wants it: until this process is killed.
fn hold_state_dir(plan: &Plan) -> Result<(), StartError> {
    if plan.hold_at != Some(Step::StateDir) {
        return Ok(());
    }
    place::say_holding(&plan.state_dir, Step::StateDir).doing(|| "holding the build".to_owned())?;
    loop {
        std::thread::park();
    }
}
