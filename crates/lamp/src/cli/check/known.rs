//! What is known already and does not count: the findings of a release, a directory or a commit, and those of a written
//! baseline.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use lamp_fleet::Dir;
use lamp_fleet::file::Ownership;
use lamp_model::baseline::Baseline;

use super::against::{Reference, resolve};
use super::ask::Asked;
use super::shown::count;
use crate::cli::Exit;
use crate::cli::args::CheckArgs;
use crate::errors::{Kind, Trouble};
use crate::screen::say;
use crate::worker::check::answer::{Answer, BASELINE_NAME, InTree, read_baseline};

/// Longest baseline, in bytes.
const BASELINE_MAX_BYTES: u64 = 32 << 20;

const WRITE_ANEW: &str = "write it anew with `lamp check --write-baseline`, or take it away";

/// What findings are held against.
#[derive(Debug)]
pub(super) struct Known {
    /// In words.
    pub(super) names: Vec<String>,
    pub(super) baseline: Baseline,
}

/// What the findings of the answer are held against; `None`: nothing, and all count.
pub(super) fn known(
    config: &Path,
    args: &CheckArgs,
    (asked, answer): (&Asked<'_>, &Answer),
) -> Result<Option<Known>, Trouble> {
    let written = match &args.baseline {
        Some(file) => Some(read(file)?),
        None => in_tree(answer)?,
    };
    let against = match &args.against {
        Some(named) => Some(of_reference(&resolve(config, &args.dir, named)?, asked.setting)?),
        None => None,
    };
    Ok(match (against, written) {
        (Some(a), Some(b)) => Some(Known {
            names: [a.names, b.names].concat(),
            baseline: a.baseline.or(b.baseline),
        }),
        (one, other) => one.or(other),
    })
}

fn of_reference(reference: &Reference, setting: &[String]) -> Result<Known, Trouble> {
    let asked = Asked::new(reference.dir(), setting);
    let answer = match reference {
        Reference::Dir { .. } => asked.answer(&[])?,
        // The commit may be older than the directory.
        Reference::Commit { .. } => asked.answer_even_of_none(&[])?,
    };
    let findings = &answer.report.findings;
    if answer.report.errors().count() as u64 != answer.report.summary.errors {
        say("warning: what it is held against has more errors than are told; some may seem new");
    }
    Ok(Known {
        names: vec![reference.name().to_owned()],
        baseline: Baseline::of(findings),
    })
}

fn in_tree(answer: &Answer) -> Result<Option<Known>, Trouble> {
    match &answer.baseline {
        InTree::None => Ok(None),
        InTree::Read(baseline) => Ok(Some(Known {
            names: vec![BASELINE_NAME.to_owned()],
            baseline: baseline.clone(),
        })),
        InTree::Wrong(why) => Err(unread(Path::new(BASELINE_NAME), why)),
    }
}

/// One that whoever typed has named.
fn read(file: &Path) -> Result<Known, Trouble> {
    let opened = fs_err::File::open(file).map_err(|error| unread(file, &error.to_string()))?;
    let mut bytes = Vec::new();
    let read = std::io::Read::read_to_end(&mut std::io::Read::take(opened, BASELINE_MAX_BYTES), &mut bytes);
    read.map_err(|error| unread(file, &error.to_string()))?;
    let baseline = read_baseline(&bytes).map_err(|why| unread(file, &why))?;
    Ok(Known {
        names: vec![file.display().to_string()],
        baseline,
    })
}

fn unread(file: &Path, why: &str) -> Trouble {
    let thing = format!("read the baseline {}", file.display());
    Trouble::because(Kind::Mistake, thing, why, WRITE_ANEW)
}

/// Writes down what is found now.
pub(super) fn write(asked: &Asked<'_>, file: Option<&Path>) -> Result<Exit, Trouble> {
    let answer = asked.answer(&[])?;
    let file = file.map_or_else(|| asked.dir.join(BASELINE_NAME), Path::to_owned);
    let baseline = Baseline::of(&answer.report.findings);
    put(&file, &baseline).map_err(|why| {
        let way_out = "name a file that you may write: lamp check --write-baseline --baseline FILE";
        Trouble::because(
            Kind::Environment,
            format!("write {}", file.display()),
            why,
            way_out,
        )
    })?;
    let known = count(answer.report.findings.len() as u64, "finding");
    say(&format!(
        "{known} written to {}; from now on only new ones count",
        file.display()
    ));
    Ok(Exit::Yes)
}

/// Whole or not at all, and never through a link.
fn put(file: &Path, baseline: &Baseline) -> Result<(), String> {
    let name = file
        .file_name()
        .ok_or_else(|| "it is no name of a file".to_owned())?;
    let above = match file.parent() {
        Some(above) if !above.as_os_str().is_empty() => above.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    let opened = fs_err::File::open(&above).map_err(|error| error.to_string())?;
    let dir = Dir::from_fd(OwnedFd::from(opened.into_file()), &above);
    let words = |error: lamp_fleet::DirError| crate::errors::causes(&error).join(": ");
    let own = dir.own_meta().map_err(words)?;
    let before = dir.find(name).map_err(words)?;
    let text = serde_json::to_string_pretty(baseline).map_err(|error| error.to_string())? + "\n";
    let owned = Ownership {
        uid: before.as_ref().map_or(own.uid, |meta| meta.uid),
        gid: before.as_ref().map_or(own.gid, |meta| meta.gid),
        mode: before.map_or(0o644, |meta| meta.mode),
    };
    dir.put_file(name, text.as_bytes(), as_far_as_we_may(owned))
        .map_err(words)
}

/// Only root gives files away.
fn as_far_as_we_may(wanted: Ownership) -> Ownership {
    let own = rustix::process::geteuid();
    if own.is_root() {
        return wanted;
    }
    Ownership {
        uid: own.as_raw(),
        gid: rustix::process::getegid().as_raw(),
        ..wanted
    }
}
