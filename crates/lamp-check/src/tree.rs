//! What is checked: a tree of names, each file's bytes on demand. Whoever calls brings it; nothing here opens
//! a file.

use serde::{Deserialize, Serialize};

/// Everything that stands in a tree, and a way to its bytes.
pub trait Tree: Sync {
    /// Every path of the tree, once, in any order.
    fn entries(&self) -> &[Entry];

    /// The bytes of the file that stands at this index of [`Tree::entries`].
    fn bytes(&self, index: usize) -> Result<Vec<u8>, Unreadable>;
}

/// One path of a tree and what stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Relative to the tree's root, `/`-separated; what is no UTF-8 is replaced by `U+FFFD`.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Its length in bytes.
        size_bytes: u64,
    },
    /// A directory.
    Dir,
    /// A symbolic link; it is never followed out of the tree.
    Link {
        /// Its text.
        target: String,
    },
    /// A directory that could not be listed, a file that is neither, or one too many.
    Unreadable {
        /// Why, in words.
        why: Unreadable,
    },
}

/// Why bytes cannot be had, in words that go on after "not checked: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{0}")]
pub struct Unreadable(pub String);
