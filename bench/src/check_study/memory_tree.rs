//! A tree in memory, and changes laid over it: so that a wrong name costs no copy of the tree on disk.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use lamp_check::{Entry, EntryKind, Tree, Unreadable};

/// Longest file that is kept; the check reads no longer one.
const FILE_MAX_BYTES: u64 = 8 * 1024 * 1024;

/// A tree and its bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryTree {
    entries: Vec<Entry>,
    bytes: Vec<Arc<[u8]>>,
}

/// One change of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// The file holds this; it is made, with its directories, if it was not there.
    Write { path: String, bytes: Vec<u8> },
    /// The file is gone.
    Remove { path: String },
    /// The file has another name.
    Rename { from: String, to: String },
}

impl MemoryTree {
    /// Reads a directory; links are kept as links.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        let mut ahead = vec![String::new()];
        while let Some(dir) = ahead.pop() {
            for item in fs_err::read_dir(root.join(&dir))? {
                let item = item?;
                let name = item.file_name().to_string_lossy().into_owned();
                let path = if dir.is_empty() {
                    name
                } else {
                    format!("{dir}/{name}")
                };
                let kind = item.file_type()?;
                if kind.is_dir() {
                    ahead.push(path.clone());
                    tree.put(path, EntryKind::Dir, Vec::new());
                } else if kind.is_symlink() {
                    let target = fs_err::read_link(item.path())?.to_string_lossy().into_owned();
                    tree.put(path, EntryKind::Link { target }, Vec::new());
                } else {
                    tree.load_file(path, &item.path())?;
                }
            }
        }
        tree.sort();
        Ok(tree)
    }

    fn load_file(&mut self, path: String, from: &Path) -> Result<()> {
        let size_bytes = fs_err::metadata(from)?.len();
        let is_wanted = size_bytes <= FILE_MAX_BYTES;
        let bytes = if is_wanted {
            fs_err::read(from)?
        } else {
            Vec::new()
        };
        self.put(path, EntryKind::File { size_bytes }, bytes);
        Ok(())
    }

    fn put(&mut self, path: String, kind: EntryKind, bytes: Vec<u8>) {
        self.entries.push(Entry { path, kind });
        self.bytes.push(bytes.into());
    }

    fn sort(&mut self) {
        let mut both: Vec<(Entry, Arc<[u8]>)> = std::mem::take(&mut self.entries)
            .into_iter()
            .zip(std::mem::take(&mut self.bytes))
            .collect();
        both.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        (self.entries, self.bytes) = both.into_iter().unzip();
    }

    /// The paths of its regular files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        let is_file = |entry: &&Entry| matches!(entry.kind, EntryKind::File { .. });
        self.entries
            .iter()
            .filter(is_file)
            .map(|entry| entry.path.as_str())
    }

    /// The bytes of a file; `None` if there is none.
    pub(crate) fn read(&self, path: &str) -> Option<&[u8]> {
        let at = self.index(path)?;
        matches!(self.entries[at].kind, EntryKind::File { .. }).then(|| &*self.bytes[at])
    }

    fn index(&self, path: &str) -> Option<usize> {
        self.entries
            .binary_search_by(|entry| entry.path.as_str().cmp(path))
            .ok()
    }

    /// The tree with these changes; what is unchanged is shared.
    pub(crate) fn with(&self, changes: &[Change]) -> Result<Self> {
        let mut tree = self.clone();
        for change in changes {
            match change {
                Change::Write { path, bytes } => tree.write(path, bytes),
                Change::Remove { path } => drop(tree.take(path)?),
                Change::Rename { from, to } => {
                    let bytes = tree.take(from)?;
                    tree.write(to, &bytes);
                }
            }
        }
        tree.sort();
        Ok(tree)
    }

    fn take(&mut self, path: &str) -> Result<Arc<[u8]>> {
        let at = self.index(path).with_context(|| format!("there is no {path}"))?;
        self.entries.remove(at);
        Ok(self.bytes.remove(at))
    }

    fn write(&mut self, path: &str, bytes: &[u8]) {
        let size_bytes = bytes.len() as u64;
        let kind = EntryKind::File { size_bytes };
        if let Some(at) = self.index(path) {
            self.entries[at].kind = kind;
            self.bytes[at] = bytes.into();
            return;
        }
        for (at, _) in path.match_indices('/') {
            if self.index(&path[..at]).is_none() {
                self.put(path[..at].to_owned(), EntryKind::Dir, Vec::new());
                self.sort();
            }
        }
        self.put(path.to_owned(), kind, bytes.to_vec());
        self.sort();
    }
}

impl Tree for MemoryTree {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn bytes(&self, index: usize) -> Result<Vec<u8>, Unreadable> {
        Ok(self.bytes[index].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &str) -> Change {
        Change::Write {
            path: path.to_owned(),
            bytes: path.as_bytes().to_vec(),
        }
    }

    #[test]
    fn changes_are_laid_over_and_the_tree_beneath_stays() -> Result<()> {
        let tree = MemoryTree::default().with(&[write("b/x.php"), write("a.php")])?;
        assert_eq!(tree.files().collect::<Vec<_>>(), ["a.php", "b/x.php"]);
        let (from, to) = ("a.php".to_owned(), "c/d/a.php".to_owned());
        let path = "b/x.php".to_owned();
        let changed = tree.with(&[Change::Rename { from, to }, Change::Remove { path }])?;
        assert_eq!(changed.files().collect::<Vec<_>>(), ["c/d/a.php"]);
        assert_eq!(changed.read("c/d/a.php"), Some(&b"a.php"[..]));
        assert_eq!(tree.files().count(), 2, "the one beneath is as it was");
        assert!(
            tree.with(&[Change::Remove {
                path: "none".to_owned()
            }])
            .is_err()
        );
        Ok(())
    }
}
