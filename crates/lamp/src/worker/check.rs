//! `lamp check-worker`: checks the directory that is its standard input, with no rights but to read beneath
//! it, and prints what it found as JSON.

mod dir_tree;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use lamp_check::{Limits, Tree};
use lamp_fleet::Dir;
use lamp_model::finding::{CheckReport, Finding};
use lamp_sandbox::confine::{WorkerLimits, confine_worker};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};

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

/// Most findings whose line is shown.
const LINES_MAX: usize = 200;
/// Longest line that is shown, in bytes.
const LINE_MAX_BYTES: usize = 400;

/// What the worker prints with `--with-lines`; without it, the report alone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// What was found.
    pub report: CheckReport,
    /// Of each of the first findings, its line of source, if it can be shown.
    pub lines: Vec<Option<String>>,
}

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
    let answer = check(directory)?;
    let printed = if args.with_lines {
        serde_json::to_string(&answer)
    } else {
        serde_json::to_string(&answer.report)
    };
    out(&printed.map_err(|error| trouble(&error))?);
    Ok(Exit::Yes)
}

fn trouble(error: &(dyn std::error::Error + 'static)) -> Trouble {
    let way_out = "it is started by `lamp check` and by the agent, with a directory as its standard input";
    Trouble::new(Kind::Environment, "check the directory", error, way_out)
}

fn check(directory: OwnedFd) -> Result<Answer, Trouble> {
    let started = Instant::now();
    let limits = Limits::default();
    let dir = Dir::from_fd(directory, Path::new("."));
    let tree = DirTree::list(dir, limits.file_max_bytes).map_err(|error| trouble(&error))?;
    let mut report = lamp_check::check(&tree, &limits);
    report.summary.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let lines = report
        .findings
        .iter()
        .take(LINES_MAX)
        .map(|finding| line(&tree, finding));
    let lines = lines.collect();
    Ok(Answer { report, lines })
}

/// The line of source that a finding is about.
fn line(tree: &DirTree, finding: &Finding) -> Option<String> {
    let at = tree
        .entries()
        .iter()
        .position(|entry| entry.path == finding.path)?;
    let bytes = tree.bytes(at).ok()?;
    let skipped = usize::try_from(finding.line).ok()?.checked_sub(1)?;
    let line = bytes.split(|byte| *byte == b'\n').nth(skipped)?;
    (line.len() <= LINE_MAX_BYTES).then(|| String::from_utf8_lossy(line).into_owned())
}
