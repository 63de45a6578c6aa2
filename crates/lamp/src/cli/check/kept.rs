//! What is kept between checks of a tree: where it lies, and the worker asked with it.
//!
//! It lies in the cache of whoever typed this, two files a tree (the facts of its files, and what the last check came to) by the tree's real path, for the reason told in
//! `worker/check/facts.rs`. Nothing depends on it: without a place for it every file is parsed.

use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use lamp_fleet::file::Ownership;
use lamp_fleet::{Dir, DirError};
use lamp_sandbox::confine::{AnswerBounds, WorkerError, run_worker};

use crate::worker::check::{FACTS_MAX_BYTES, LAST_MAX_BYTES};

/// Most trees whose facts are kept; those that were checked longest ago go.
const TREES_MAX: usize = 32;
/// How the names of both files end.
const FACTS: &str = ".facts";
const LAST: &str = ".last";
/// The length of what the last check came to stands before it.
const LENGTH_BYTES: usize = 8;

/// The place of what is kept of one tree.
pub(super) struct Kept {
    dir: Dir,
    name: String,
}

impl Kept {
    /// Of the tree at `path`, in the caller's cache, if it has one.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let real = fs_err::canonicalize(path).ok()?;
        let hash = blake3::hash(real.as_os_str().as_encoded_bytes()).to_hex();
        Some(Self {
            dir: crate::source::cache_dir()?,
            name: hash[..32].to_owned(),
        })
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.dir.path().join(format!("{}{ending}", self.name))
    }

    /// Puts bytes away. A part under the final name, as two checks at once can leave it, is seen to be one; so is what a
    /// power cut leaves: nothing is made durable here.
    fn put(&self, ending: &str, bytes: &[u8]) -> Result<(), DirError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let owner = self.dir.own_meta()?;
        let owned = Ownership {
            uid: owner.uid,
            gid: owner.gid,
            mode: 0o600,
        };
        let name = format!("{}{ending}", self.name);
        let fresh = format!("{name}.new");
        self.dir.remove_file(&fresh)?;
        let mut file = self.dir.create_file(&fresh, owned)?;
        std::io::Write::write_all(&mut file, bytes).map_err(|source| DirError {
            operation: "write",
            path: self.dir.path().join(&fresh),
            source,
        })?;
        self.dir.rename(&fresh, &name)?;
        self.forget_the_oldest(ending)
    }

    fn forget_the_oldest(&self, ending: &str) -> Result<(), DirError> {
        let names = self.dir.names()?.into_iter().map(|(name, _)| name);
        let kept = names.filter(|name| name.as_encoded_bytes().ends_with(ending.as_bytes()));
        let mut kept: Vec<_> = kept
            .filter_map(|name| Some((self.dir.meta(&name).ok()?.mtime_nanos, name)))
            .collect();
        kept.sort_unstable();
        let surplus = kept.len().saturating_sub(TREES_MAX);
        kept.iter()
            .take(surplus)
            .try_for_each(|(_, name)| self.dir.remove_file(name))
    }

    /// Takes away what there is; whether that could be done.
    fn forget(&self) -> bool {
        let mut names = [FACTS, LAST]
            .map(|ending| format!("{}{ending}", self.name))
            .into_iter();
        names.all(|name| self.dir.remove_file(&name).is_ok())
    }
}

/// The worker's answer on the tree that `directory` is open on; what it learned is kept for the next time.
pub(super) fn ask(
    (program, verb): (&Path, &[&str]),
    directory: BorrowedFd<'_>,
    bounds: &AnswerBounds,
    kept: Option<&Kept>,
) -> Result<Vec<u8>, WorkerError> {
    let Some(kept) = kept else {
        return run_worker(program, verb, directory, bounds);
    };
    let (facts, last) = (kept.path(FACTS), kept.path(LAST));
    let (Some(facts), Some(last)) = (facts.to_str(), last.to_str()) else {
        return run_worker(program, verb, directory, bounds);
    };
    let with_kept = [verb, &["--facts", facts, "--last", last]].concat();
    let with_room = AnswerBounds {
        answer_max_bytes: bounds.answer_max_bytes + LENGTH_BYTES + FACTS_MAX_BYTES + LAST_MAX_BYTES,
        ..*bounds
    };
    match run_worker(program, &with_kept, directory, &with_room) {
        Ok(answer) => Ok(without_what_is_kept(answer, kept)),
        // Nobody but this tree's own worker wrote them; if it is they that it stumbles over, it goes without.
        Err(WorkerError::Died { .. }) if kept.forget() => run_worker(program, verb, directory, bounds),
        Err(error) => Err(error),
    }
}

/// The first line; what comes behind it is put away.
fn without_what_is_kept(mut answer: Vec<u8>, kept: &Kept) -> Vec<u8> {
    let Some(end) = answer.iter().position(|byte| *byte == b'\n') else {
        return answer;
    };
    if let Some((last, facts)) = parts(&answer[end + 1..]) {
        // Facts first: what a check came to may name some that are only there.
        let put = kept.put(FACTS, facts).and_then(|()| kept.put(LAST, last));
        if let Err(error) = put {
            tracing::debug!(%error, "what is to be kept of the tree is not");
        }
    }
    answer.truncate(end);
    answer
}

/// What the check came to, and facts, each perhaps empty.
fn parts(behind: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = behind.split_first_chunk::<LENGTH_BYTES>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}
