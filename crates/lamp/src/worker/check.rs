//! `lamp check-worker`: checks the directory that is its standard input, with no rights but to read beneath
//! it, and prints what it found as JSON.

pub mod answer;
mod dir_tree;
mod facts;

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use lamp_check::{ApacheSetting, FactsCache, Limits, Setting};
use lamp_fleet::Dir;
use lamp_model::reach::Inspection;
use lamp_sandbox::confine::{WorkerLimits, confine_worker};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::cli::Exit;
use crate::cli::args::CheckWorkerArgs;
use crate::errors::{Kind, Trouble};
use crate::screen::out;
use dir_tree::DirTree;
use facts::Facts;

pub use facts::FACTS_MAX_BYTES;

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
    let kept = args.facts.as_ref().map(|path| fs_err::File::open(path).ok());
    confine_worker(&[directory.as_fd()], &LIMITS).map_err(|error| trouble(&error))?;
    // After the change of users, which clears it.
    let killed = set_parent_process_death_signal(Some(Signal::KILL));
    killed.map_err(|errno| trouble(&io::Error::from(errno)))?;
    let facts = kept.map(|file| Facts::read(file.map(fs_err::File::into_file)));
    out(&printed(args, directory, facts.as_ref())?);
    let to_keep = facts.and_then(|facts| facts.to_keep()).unwrap_or_default();
    let answered = io::stdout().lock().write_all(&to_keep);
    answered.map_err(|error| trouble(&error))?;
    Ok(Exit::Yes)
}

fn trouble(error: &(dyn std::error::Error + 'static)) -> Trouble {
    let way_out = "it is started by `lamp check` and by the agent, with a directory as its standard input";
    Trouble::new(Kind::Environment, "check the directory", error, way_out)
}

fn printed(args: &CheckWorkerArgs, directory: OwnedFd, facts: Option<&Facts>) -> Result<String, Trouble> {
    let started = Instant::now();
    let limits = Limits::default();
    let setting = Setting {
        php: args.php,
        extensions: args.extensions.clone(),
        apache: ApacheSetting {
            modules: args.apache_modules.clone(),
            allow_override: args.allow_override.clone(),
        },
    };
    let dir = Dir::from_fd(directory, Path::new("."));
    let tree = DirTree::list(dir, limits.file_max_bytes).map_err(|error| trouble(&error))?;
    let cache = facts.map(|facts| -> &dyn FactsCache { facts });
    let mut looked = lamp_check::look(&tree, &setting, &limits, cache);
    looked.report.summary.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let printed = if args.with_lines {
        serde_json::to_string(&answer::answer(args, &tree, looked))
    } else {
        serde_json::to_string(&Inspection {
            report: looked.report,
            graph: looked.graph.whole(),
            unknown: looked.unknown,
        })
    };
    printed.map_err(|error| trouble(&error))
}
