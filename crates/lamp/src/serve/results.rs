//! What came of pages, on this process's own disk until the log has it: an agent that died meanwhile learns of it, and
//! no page of which a result is here is sent again.
//!
//! A page is known by its number and by when it was written down, so that a result is never taken for that of a
//! page of another log.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use fs_err as fs;
use jiff::Timestamp;
use lamp_model::World;
use lamp_model::incident::{PageId, PageResult};
use lamp_model::state::PendingPage;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

/// The version of the file.
const VERSION: u32 = 1;
/// Longest file that is read, in bytes.
const FILE_MAX_BYTES: u64 = 16 << 20;

/// Why the results cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// A file operation failed; its message names the operation and the path.
    #[error("keep the results of pages")]
    Io(#[from] std::io::Error),
    /// Another controller lives.
    #[error("another controller has its results in {}", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The file is not one of ours.
    #[error("{} is not what was written there", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// One result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// When the page was written down.
    pub since: Timestamp,
    /// What came of it.
    pub result: PageResult,
    /// Whether the log has it, by the agent's word.
    pub handed_over: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    results: BTreeMap<PageId, Kept>,
}

/// All of them; the directory is locked while this lives.
#[derive(Debug)]
pub struct Results {
    dir: PathBuf,
    kept: BTreeMap<PageId, Kept>,
    _lock: fs::File,
}

impl Results {
    /// Takes the directory, made if it is not there, and reads what is in it.
    pub fn open(dir: &Path) -> Result<Self, ResultsError> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(dir)?;
        let lock = lock(dir)?.ok_or_else(|| ResultsError::Locked { dir: dir.to_owned() })?;
        Ok(Self {
            kept: read(&dir.join("results.json"))?,
            dir: dir.to_owned(),
            _lock: lock,
        })
    }

    /// What waits in the log and has no result here.
    pub fn without(&self, outbox: &BTreeMap<PageId, PendingPage>) -> BTreeMap<PageId, PendingPage> {
        let open = outbox.iter().filter(|(id, page)| !self.has(**id, page.since));
        open.map(|(id, page)| (*id, page.clone())).collect()
    }

    /// Keeps a result, durably.
    pub fn keep(&mut self, page: PageId, since: Timestamp, result: PageResult) -> Result<(), ResultsError> {
        let kept = Kept {
            since,
            result,
            handed_over: false,
        };
        self.kept.insert(page, kept);
        self.write()
    }

    /// The results that the log lacks, the oldest first.
    pub fn to_hand_over(&self, outbox: &BTreeMap<PageId, PendingPage>) -> Vec<(PageId, PageResult)> {
        let lacking = self.kept.iter().filter(|(id, kept)| {
            let waits = outbox.get(id).is_some_and(|page| page.since == kept.since);
            waits && !kept.handed_over
        });
        lacking.map(|(id, kept)| (*id, kept.result.clone())).collect()
    }

    /// The agent has this one.
    pub fn handed_over(&mut self, page: PageId) {
        if let Some(kept) = self.kept.get_mut(&page) {
            kept.handed_over = true;
        }
    }

    /// Forgets what the log does not wait for any more: it has the result, or is another log.
    pub fn forget_told(&mut self, world: &World) -> Result<(), ResultsError> {
        let before = self.kept.len();
        self.kept
            .retain(|id, kept| world.outbox.get(id).is_some_and(|page| page.since == kept.since));
        if self.kept.len() == before {
            return Ok(());
        }
        self.write()
    }

    fn has(&self, page: PageId, since: Timestamp) -> bool {
        self.kept.get(&page).is_some_and(|kept| kept.since == since)
    }

    /// The whole file anew, under its name only when it is on disk.
    fn write(&self) -> Result<(), ResultsError> {
        let file = File {
            version: VERSION,
            results: self.kept.clone(),
        };
        let text =
            serde_json::to_vec(&file).expect("results have number keys only and no fallible serializer");
        let unnamed = self.dir.join("results.new");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        options.options_mut().mode(0o600);
        let mut out = options.open(&unnamed)?;
        out.write_all(&text)?;
        out.sync_all()?;
        fs::rename(&unnamed, self.dir.join("results.json"))?;
        Ok(fs::File::open(&self.dir)?.sync_all()?)
    }
}

fn read(path: &Path) -> Result<BTreeMap<PageId, Kept>, ResultsError> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        opened => opened?,
    };
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(file, FILE_MAX_BYTES), &mut text)?;
    let read: Result<File, _> = serde_json::from_str(&text);
    let file = read.map_err(|source| ResultsError::Broken {
        path: path.to_owned(),
        source,
    })?;
    Ok(file.results)
}

/// `None`: another holds it. The lock ends with the process, however it ends.
fn lock(dir: &Path) -> Result<Option<fs::File>, ResultsError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    options.options_mut().mode(0o600);
    let file = options.open(dir.join("serve.lock"))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(ResultsError::Io(error.into())),
    }
}

#[cfg(test)]
mod tests;
