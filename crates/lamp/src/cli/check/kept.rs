//! Facts kept between checks of a tree: where they lie, and the worker asked with them.
//!
//! They lie in the cache of whoever typed this, a file a tree by the tree's real path, for the reason told in
//! `worker/check/facts.rs`. Nothing depends on them: without a place for them every file is parsed.

use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use lamp_fleet::file::Ownership;
use lamp_fleet::{Dir, DirError};
use lamp_sandbox::confine::{AnswerBounds, WorkerError, run_worker};

use crate::worker::check::FACTS_MAX_BYTES;

/// Most trees whose facts are kept; those that were checked longest ago go.
const TREES_MAX: usize = 32;
const ENDING: &str = ".facts";

/// The place of one tree's facts.
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
            name: format!("{}{ENDING}", &hash[..32]),
        })
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join(&self.name)
    }

    /// Puts facts away. A part under the final name, as two checks at once can leave it, is seen to be one; so is what a
    /// power cut leaves: nothing is made durable here.
    fn put(&self, facts: &[u8]) -> Result<(), DirError> {
        let owner = self.dir.own_meta()?;
        let owned = Ownership {
            uid: owner.uid,
            gid: owner.gid,
            mode: 0o600,
        };
        let fresh = format!("{}.new", self.name);
        self.dir.remove_file(&fresh)?;
        let mut file = self.dir.create_file(&fresh, owned)?;
        std::io::Write::write_all(&mut file, facts).map_err(|source| DirError {
            operation: "write",
            path: self.dir.path().join(&fresh),
            source,
        })?;
        self.dir.rename(&fresh, &self.name)?;
        self.forget_the_oldest()
    }

    fn forget_the_oldest(&self) -> Result<(), DirError> {
        let names = self.dir.names()?.into_iter().map(|(name, _)| name);
        let facts = names.filter(|name| name.as_encoded_bytes().ends_with(ENDING.as_bytes()));
        let mut facts: Vec<_> = facts
            .filter_map(|name| Some((self.dir.meta(&name).ok()?.mtime_nanos, name)))
            .collect();
        facts.sort_unstable();
        let surplus = facts.len().saturating_sub(TREES_MAX);
        facts
            .iter()
            .take(surplus)
            .try_for_each(|(_, name)| self.dir.remove_file(name))
    }
}

/// The worker's answer on the tree that `directory` is open on; what it learned is kept for the next time.
pub(super) fn ask(
    (program, verb): (&Path, &[&str]),
    directory: BorrowedFd<'_>,
    bounds: &AnswerBounds,
    kept: Option<&Kept>,
) -> Result<Vec<u8>, WorkerError> {
    let path = kept.map(Kept::path);
    let (Some(kept), Some(path)) = (kept, path.as_deref().and_then(Path::to_str)) else {
        return run_worker(program, verb, directory, bounds);
    };
    let with_facts: Vec<&str> = verb.iter().copied().chain(["--facts", path]).collect();
    let with_room = AnswerBounds {
        answer_max_bytes: bounds.answer_max_bytes + FACTS_MAX_BYTES,
        ..*bounds
    };
    match run_worker(program, &with_facts, directory, &with_room) {
        Ok(answer) => Ok(without_facts(answer, kept)),
        // Nobody but this tree's own worker wrote them; if it is they that it stumbles over, it goes without.
        Err(WorkerError::Died { .. }) if kept.dir.remove_file(&kept.name).is_ok() => {
            run_worker(program, verb, directory, bounds)
        }
        Err(error) => Err(error),
    }
}

/// The first line; what comes behind it is put away.
fn without_facts(mut answer: Vec<u8>, kept: &Kept) -> Vec<u8> {
    let Some(end) = answer.iter().position(|byte| *byte == b'\n') else {
        return answer;
    };
    let facts = &answer[end + 1..];
    if !facts.is_empty()
        && let Err(error) = kept.put(facts)
    {
        tracing::debug!(%error, "the facts of the tree are not kept");
    }
    answer.truncate(end);
    answer
}
