//! `lamp check-worker`: checks the directory that is its standard input, with no rights but to read beneath
//! it, and prints what it found as JSON.

pub mod answer;
mod dir_tree;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use lamp_check::Limits;
use lamp_fleet::Dir;
use lamp_sandbox::confine::{WorkerLimits, confine_worker};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::cli::Exit;
use crate::cli::args::CheckWorkerArgs;
use crate::errors::{Kind, Trouble};
use crate::screen::out;
use dir_tree::DirTree;

/// What the worker may use.
const LIMITS: WorkerLimits = WorkerLimits {
    memory_bytes: 4 * 1024 * 1024 * 1024,
    cpu_seconds: Some(240),
    open_files: 1024,
};

/// How far it gives way in the background, as of nice(1).
const NICENESS: i32 = 19;

/// Gives up all rights but to read beneath the directory; then checks it.
pub fn run(args: &CheckWorkerArgs) -> Result<Exit, Trouble> {
    let directory = rustix::stdio::stdin().try_clone_to_owned();
    let directory = directory.map_err(|error| trouble(&error))?;
    if args.in_background {
        // Giving way needs no right, and is no reason to fail.
        let _ = rustix::process::nice(NICENESS);
    }
    confine_worker(&[directory.as_fd()], &LIMITS).map_err(|error| trouble(&error))?;
    // After the change of users, which clears it.
    let killed = set_parent_process_death_signal(Some(Signal::KILL));
    killed.map_err(|errno| trouble(&io::Error::from(errno)))?;
    out(&printed(args, directory)?);
    Ok(Exit::Yes)
}

fn trouble(error: &(dyn std::error::Error + 'static)) -> Trouble {
    let way_out = "it is started by `lamp check` and by the agent, with a directory as its standard input";
    Trouble::new(Kind::Environment, "check the directory", error, way_out)
}

fn printed(args: &CheckWorkerArgs, directory: OwnedFd) -> Result<String, Trouble> {
    let started = Instant::now();
    let limits = Limits::default();
    let dir = Dir::from_fd(directory, Path::new("."));
    let tree = DirTree::list(dir, limits.file_max_bytes).map_err(|error| trouble(&error))?;
    let mut looked = lamp_check::look(&tree, &limits);
    looked.report.summary.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let printed = if args.with_lines {
        serde_json::to_string(&answer::answer(args, &tree, looked))
    } else {
        serde_json::to_string(&looked.report)
    };
    printed.map_err(|error| trouble(&error))
}
