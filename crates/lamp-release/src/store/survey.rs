//! What of a tree the store has already, and what it would cost to store the rest.

use std::collections::{HashMap, HashSet};

use lamp_model::tree::{Entry, Hash, Node, RelPath};
use lamp_model::{Manifest, ReleaseId};

use super::{Sharing, Store};
use crate::error::StoreError;

/// Older releases are searched only while more than this is missing: reading their manifests costs more
/// than copying so little.
const SEARCH_FURTHER_BYTES: u64 = 4 * 1024 * 1024;
/// What a manifest's entry takes on disk, in bytes, at most but for very long paths.
const ENTRY_BYTES: u64 = 320;
/// What an inode of its own takes on disk besides its blocks, in bytes.
const INODE_BYTES: u64 = 1024;
/// For the journal, the links and the filesystem's own growth, in bytes.
const SLACK_BYTES: u64 = 1024 * 1024;
/// For the same, in inodes.
const SLACK_INODES: u64 = 16;

/// Where an equal file lies already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) release: ReleaseId,
    pub(super) path: RelPath,
    pub(super) executable: bool,
    /// Whether that release's files bear the immutable flag.
    pub(super) guarded: bool,
}

/// A file that the source must hand over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its first place in the release.
    pub path: RelPath,
    /// The hash of its bytes.
    pub hash: Hash,
    /// Its length in bytes.
    pub size: u64,
}

/// What storing a tree takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Files that are in the store already, or stand twice in the tree.
    pub shared_files: u64,
    /// Files that the source must hand over.
    pub new_files: u64,
    /// Their bytes.
    pub new_bytes: u64,
    /// Bytes that must be free for it.
    pub needed_bytes: u64,
    /// Inodes that must be free for it.
    pub needed_inodes: u64,
}

/// A tree held against the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Files that the source must hand over, in this order, each content once.
    pub new: Vec<NewFile>,
    /// What storing it takes.
    pub cost: Cost,
    pub(super) origins: HashMap<Hash, Origin>,
}

impl Store {
    /// Holds `manifest` against the store. `first` is searched before the others: the live release, usually.
    pub fn survey(&self, manifest: &Manifest, first: Option<&ReleaseId>) -> Result<Survey, StoreError> {
        let origins = self.origins(manifest, first)?;
        let (sharing, block) = (self.sharing()?, self.space()?.block_bytes.max(1));
        let mut survey = Survey {
            new: Vec::new(),
            cost: Cost {
                needed_bytes: SLACK_BYTES + manifest.entries().len() as u64 * ENTRY_BYTES,
                needed_inodes: SLACK_INODES,
                ..Cost::default()
            },
            origins,
        };
        let mut seen = HashSet::new();
        for entry in manifest.entries() {
            survey.count(entry, sharing, block, &mut seen);
        }
        Ok(survey)
    }

    fn origins(
        &self,
        manifest: &Manifest,
        first: Option<&ReleaseId>,
    ) -> Result<HashMap<Hash, Origin>, StoreError> {
        let mut missing = wanted(manifest);
        let mut missing_bytes = missing.values().sum::<u64>();
        let mut origins = HashMap::new();
        for release in self.newest_first(first)? {
            if missing_bytes <= SEARCH_FURTHER_BYTES && !origins.is_empty() {
                break;
            }
            // A damaged manifest lends nothing; `verify` is what complains about it.
            let Ok(record) = self.record(&release) else {
                continue;
            };
            for Entry { path, node } in record.manifest.entries() {
                let Node::File { hash, executable, .. } = node else {
                    continue;
                };
                let Some(size) = missing.remove(hash) else {
                    continue;
                };
                missing_bytes -= size;
                let origin = Origin {
                    release: release.clone(),
                    path: path.clone(),
                    executable: *executable,
                    guarded: record.guarded,
                };
                origins.insert(*hash, origin);
            }
        }
        Ok(origins)
    }

    fn newest_first(&self, first: Option<&ReleaseId>) -> Result<Vec<ReleaseId>, StoreError> {
        let mut releases = self.list()?;
        releases.reverse();
        // Stable: all others keep their order.
        releases.sort_by_key(|release| Some(release) != first);
        Ok(releases)
    }
}

fn wanted(manifest: &Manifest) -> HashMap<Hash, u64> {
    let files = manifest.entries().iter().filter_map(|entry| match &entry.node {
        Node::File { hash, size, .. } => Some((*hash, *size)),
        Node::Dir {} | Node::Link { .. } => None,
    });
    files.collect()
}

impl Survey {
    /// For tests of plans, which look at nothing else.
    #[cfg(test)]
    pub(crate) fn costing(cost: Cost) -> Self {
        Self {
            new: Vec::new(),
            cost,
            origins: HashMap::new(),
        }
    }

    /// Whether the store has the bytes of this file.
    pub fn has(&self, hash: &Hash) -> bool {
        self.origins.contains_key(hash)
    }

    fn count(&mut self, entry: &Entry, sharing: Sharing, block: u64, seen: &mut HashSet<Hash>) {
        match &entry.node {
            Node::Dir {} => self.take(block, 1),
            Node::Link { .. } => self.take(INODE_BYTES, 1),
            Node::File {
                size,
                hash,
                executable,
            } => {
                let known = self.origins.get(hash).map(|origin| origin.executable);
                let again = !seen.insert(*hash);
                if known.is_some() || again {
                    self.cost.shared_files += 1;
                } else {
                    self.cost.new_files += 1;
                    self.cost.new_bytes += size;
                    self.new.push(NewFile {
                        path: entry.path.clone(),
                        hash: *hash,
                        size: *size,
                    });
                }
                let copied = INODE_BYTES + size.next_multiple_of(block);
                match sharing {
                    Sharing::HardLink if known == Some(*executable) => {}
                    Sharing::Reflink if known.is_some() || again => self.take(INODE_BYTES, 1),
                    Sharing::HardLink | Sharing::Reflink | Sharing::Copy => self.take(copied, 1),
                }
            }
        }
    }

    const fn take(&mut self, bytes: u64, inodes: u64) {
        self.cost.needed_bytes = self.cost.needed_bytes.saturating_add(bytes);
        self.cost.needed_inodes = self.cost.needed_inodes.saturating_add(inodes);
    }
}
