//! `lamp check --fix`: names that are wrong by a slip of the keys are mended, and nothing else.
//!
//! What is to be changed comes from a process that read strangers' code, so nothing of it is believed: a file is changed
//! only where it still reads as was told, only by text that ends no string ([`edit`]), only to the name of a file that is
//! there; beneath the tree, through no link, whole or not at all.

pub(super) mod edit;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use lamp_fleet::file::{Kind as FileKind, Meta, Ownership};
use lamp_fleet::{Dir, DirError};

use super::ask::Asked;
use super::shown::plain;
use crate::cli::Exit;
use crate::errors::{Kind, Trouble, causes};
use crate::screen::{out, say};
use crate::worker::check::answer::Answer;
use edit::{Change, Edit, changed};

/// Longest file that is changed, in bytes.
const FILE_MAX_BYTES: u64 = 16 << 20;
/// What [`Dir::put_file`] adds to the name of a file that is being written.
const FRESH: &str = ".new";

/// A file as it is, and as it would be.
struct Mended {
    path: String,
    meta: Meta,
    changes: Vec<Change>,
    bytes: Vec<u8>,
}

/// Shows what would be changed, as a diff, and changes nothing.
pub(super) fn show(asked: &Asked<'_>) -> Result<Exit, Trouble> {
    let answer = asked.answer(&[])?;
    let diffs: Vec<String> = all_mended(&opened(asked)?, &answer).iter().map(diff).collect();
    if diffs.is_empty() {
        say("nothing is certain enough to be changed");
    } else {
        out(&diffs.concat());
    }
    Ok(match answer.report.summary.errors {
        0 => Exit::Yes,
        _ => Exit::No,
    })
}

/// Changes what is certain, and says what was changed.
pub(super) fn run(asked: &Asked<'_>) -> Result<(), Trouble> {
    let answer = asked.answer(&[])?;
    let dir = opened(asked)?;
    for mended in all_mended(&dir, &answer) {
        let path = plain(&mended.path);
        match put(&dir, &mended) {
            Ok(()) => mended.changes.iter().for_each(|change| {
                say(&format!(
                    "fixed: {path}:{}: {} -> {}",
                    change.edit.line, change.edit.old, change.edit.new
                ))
            }),
            Err(why) => say(&format!("not fixed: {path}: {}", plain(&why))),
        }
    }
    Ok(())
}

fn opened(asked: &Asked<'_>) -> Result<Dir, Trouble> {
    let opened = fs_err::File::open(asked.dir).map_err(|error| {
        let thing = format!("change files of {}", asked.dir.display());
        Trouble::new(
            Kind::Mistake,
            thing,
            &error,
            "name a directory that you may read and write",
        )
    })?;
    Ok(Dir::from_fd(OwnedFd::from(opened.into_file()), asked.dir))
}

/// Each file that has anything to be changed, by path.
fn all_mended(dir: &Dir, answer: &Answer) -> Vec<Mended> {
    let mut edits: BTreeMap<&str, Vec<(Edit, &str)>> = BTreeMap::new();
    for (finding, beside) in answer.report.findings.iter().zip(&answer.beside) {
        let edit = Edit::of(finding, beside).filter(|edit| is_a_file(dir, &edit.leads_to));
        if let (Some(edit), Some(line)) = (edit, &beside.line) {
            edits.entry(&finding.path).or_default().push((edit, line));
        }
    }
    let mended = edits.into_iter().map(|(path, edits)| {
        mended(dir, path, &edits)
            .inspect_err(|why| say(&format!("not fixed: {}: {}", plain(path), plain(why))))
    });
    mended.filter_map(Result::ok).collect()
}

fn is_a_file(dir: &Dir, path: &str) -> bool {
    let found = dir.find(path).ok().flatten();
    found.is_some_and(|meta| meta.kind == FileKind::File)
}

fn mended(dir: &Dir, path: &str, edits: &[(Edit, &str)]) -> Result<Mended, String> {
    let words = |error: DirError| causes(&error).join(": ");
    let (_, meta) = dir.open_file(path).map_err(words)?;
    let before = dir.read_file(path, FILE_MAX_BYTES).map_err(words)?;
    let (bytes, changes) = changed(&before, edits).ok_or("it was changed meanwhile")?;
    Ok(Mended {
        path: path.to_owned(),
        meta,
        changes,
        bytes,
    })
}

/// Owner and mode stay as they were.
fn put(dir: &Dir, mended: &Mended) -> Result<(), String> {
    let words = |error: DirError| causes(&error).join(": ");
    let fresh = format!("{}{FRESH}", mended.path);
    if dir.find(&fresh).map_err(words)?.is_some() {
        return Err(format!("{fresh} is in the way"));
    }
    let owned = Ownership {
        uid: mended.meta.uid,
        gid: mended.meta.gid,
        mode: mended.meta.mode,
    };
    let put = dir.put_file(&mended.path, &mended.bytes, owned);
    put.map_err(|error| {
        // Half of it may stand there.
        let _ = dir.remove_file(&fresh);
        words(error)
    })
}

/// In the unified format, without context.
fn diff(mended: &Mended) -> String {
    let path = plain(&mended.path);
    let hunk = |change: &Change| {
        let line = change.edit.line;
        format!(
            "@@ -{line} +{line} @@\n-{}\n+{}\n",
            as_shown(&change.before),
            as_shown(&change.after)
        )
    };
    let hunks: String = mended.changes.iter().map(hunk).collect();
    format!("--- a/{path}\n+++ b/{path}\n{hunks}")
}

/// Tabs may stay.
fn as_shown(line: &str) -> String {
    line.split('\t').map(plain).collect::<Vec<String>>().join("\t")
}
