//! `lamp check-worker`: checks the directory that is its standard input, with no rights but to read beneath
//! it, and prints what it found as JSON.

pub mod answer;
mod dir_tree;
mod facts;
mod last;
mod memory;
mod seal;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use lamp_check::{ApacheSetting, FactsCache, Limits, Looked, Setting};
use lamp_fleet::Dir;
use lamp_model::reach::Inspection;
use lamp_sandbox::confine::{WorkerLimits, confine_worker};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::args::CheckWorkerArgs;
use crate::errors::{Kind, Trouble};
use crate::screen::out;
use dir_tree::DirTree;
use memory::{Memory, Opened, Origin, ToKeep};

pub use facts::FACTS_MAX_BYTES;
pub use last::LAST_MAX_BYTES;

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
    // Opened while there are rights to, read without any.
    let kept = Opened::of(args);
    confine_worker(&[directory.as_fd()], &LIMITS).map_err(|error| trouble(&error))?;
    // After the change of users, which clears it.
    let killed = set_parent_process_death_signal(Some(Signal::KILL));
    killed.map_err(|errno| trouble(&io::Error::from(errno)))?;
    let (line, to_keep) = answered(args, directory, kept)?;
    out(&line);
    to_keep
        .write(&mut io::stdout().lock())
        .map_err(|error| trouble(&error))?;
    Ok(Exit::Yes)
}

fn trouble(error: &(dyn std::error::Error + 'static)) -> Trouble {
    let way_out = "it is started by `lamp check` and by the agent, with a directory as its standard input";
    Trouble::new(Kind::Environment, "check the directory", error, way_out)
}

/// The line that is answered, and what is to be kept.
fn answered(
    args: &CheckWorkerArgs,
    directory: OwnedFd,
    kept: Option<Opened>,
) -> Result<(String, ToKeep), Trouble> {
    let started = Instant::now();
    let limits = Limits::default();
    let dir = Dir::from_fd(directory, Path::new("."));
    let tree = DirTree::list(dir, limits.file_max_bytes).map_err(|error| trouble(&error))?;
    let mut memory = kept.map(|opened| Memory::new(opened, args, &tree));
    if !args.with_lines {
        let mut looked = look(args, &tree, memory.as_ref());
        looked.report.summary.elapsed_ms = millis(started);
        let inspection = Inspection {
            report: looked.report,
            graph: looked.graph.whole(),
            unknown: looked.unknown,
        };
        return Ok((line(&inspection)?, ToKeep::default()));
    }
    let standing = memory.as_mut().and_then(|memory| memory.answer(&tree, &limits));
    let origin = standing.as_ref().map_or(Origin::Looked, |_| Origin::Stood);
    let mut answer = match standing {
        Some(answer) => answer,
        None => answer::answer(args, &tree, look(args, &tree, memory.as_ref())),
    };
    let to_keep = match &memory {
        Some(memory) => memory.to_keep(&tree, line(&answer)?, origin),
        None => ToKeep::default(),
    };
    answer.report.summary.elapsed_ms = millis(started);
    Ok((line(&answer)?, to_keep))
}

fn look(args: &CheckWorkerArgs, tree: &DirTree, memory: Option<&Memory>) -> Looked {
    let setting = Setting {
        php: args.php,
        extensions: args.extensions.clone(),
        apache: ApacheSetting {
            modules: args.apache_modules.clone(),
            allow_override: args.allow_override.clone(),
        },
    };
    let cache = memory.map(|memory| -> &dyn FactsCache { memory });
    lamp_check::look(tree, &setting, &Limits::default(), cache)
}

fn line(answered: &impl Serialize) -> Result<String, Trouble> {
    serde_json::to_string(answered).map_err(|error| trouble(&error))
}

fn millis(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
