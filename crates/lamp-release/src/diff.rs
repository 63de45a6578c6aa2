//! What differs between two releases.

use std::cmp::Ordering;

use lamp_model::tree::{Entry, Node};
use lamp_model::{Manifest, RelPath};

/// One path that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Only the later release has it.
    Added(RelPath),
    /// Only the earlier release has it.
    Removed(RelPath),
    /// Both have it, with other bytes or another link text.
    Modified(RelPath),
    /// Both have it, and the bytes are the same: only its executable bit differs.
    ModeChanged(RelPath),
    /// Both have it, as different kinds of thing.
    KindChanged(RelPath),
}

impl Change {
    /// Where.
    pub const fn path(&self) -> &RelPath {
        match self {
            Self::Added(path)
            | Self::Removed(path)
            | Self::Modified(path)
            | Self::ModeChanged(path)
            | Self::KindChanged(path) => path,
        }
    }

    /// The letter that people know from version control; `X` for the executable bit.
    pub const fn letter(&self) -> char {
        match self {
            Self::Added(_) => 'A',
            Self::Removed(_) => 'D',
            Self::Modified(_) => 'M',
            Self::ModeChanged(_) => 'X',
            Self::KindChanged(_) => 'T',
        }
    }
}

/// Every path that differs between `earlier` and `later`, in the order of paths.
pub fn diff(earlier: &Manifest, later: &Manifest) -> Vec<Change> {
    let (mut old, mut new) = (earlier.entries(), later.entries());
    let mut changes = Vec::new();
    loop {
        match (old, new) {
            ([], []) => return changes,
            ([gone, rest @ ..], []) => {
                changes.push(Change::Removed(gone.path.clone()));
                old = rest;
            }
            ([], [added, rest @ ..]) => {
                changes.push(Change::Added(added.path.clone()));
                new = rest;
            }
            ([a, old_rest @ ..], [b, new_rest @ ..]) => match a.path.cmp(&b.path) {
                Ordering::Less => {
                    changes.push(Change::Removed(a.path.clone()));
                    old = old_rest;
                }
                Ordering::Greater => {
                    changes.push(Change::Added(b.path.clone()));
                    new = new_rest;
                }
                Ordering::Equal => {
                    changes.extend(change_of(a, b));
                    (old, new) = (old_rest, new_rest);
                }
            },
        }
    }
}

fn change_of(old: &Entry, new: &Entry) -> Option<Change> {
    let path = || new.path.clone();
    match (&old.node, &new.node) {
        (a, b) if a == b => None,
        (Node::File { hash: a, .. }, Node::File { hash: b, .. }) if a == b => {
            Some(Change::ModeChanged(path()))
        }
        (Node::File { .. }, Node::File { .. }) | (Node::Link { .. }, Node::Link { .. }) => {
            Some(Change::Modified(path()))
        }
        (Node::Dir {} | Node::File { .. } | Node::Link { .. }, _) => Some(Change::KindChanged(path())),
    }
}

#[cfg(test)]
mod tests {
    use lamp_model::tree::Hash;

    use super::*;

    /// `d a`, `f a 1`, `x a 1`, `l a t`: kind, path, and what it holds.
    fn tree(rows: &[&str]) -> Manifest {
        let entry = |row: &&str| {
            let mut words = row.split(' ');
            let (kind, path, holds) = (words.next(), words.next(), words.next().unwrap_or_default());
            let node = match kind {
                Some("d") => Node::Dir {},
                Some("l") => Node::Link {
                    target: holds.to_owned(),
                },
                executable => Node::File {
                    size: 1,
                    hash: Hash::from_bytes([holds.parse().expect("a number"); 32]),
                    executable: executable == Some("x"),
                },
            };
            Entry {
                path: RelPath::parse(path.expect("a path")).expect("a path"),
                node,
            }
        };
        Manifest::try_new(rows.iter().map(entry).collect()).expect("a tree")
    }

    #[track_caller]
    fn check(old: &[&str], new: &[&str], expected: &[&str]) {
        let changes = diff(&tree(old), &tree(new));
        let rows: Vec<_> = changes
            .iter()
            .map(|change| format!("{} {}", change.letter(), change.path()))
            .collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn each_path_is_named_once() {
        check(&["f a 1", "f b 1"], &["f a 1", "f b 1"], &[]);
        check(&["f a 1", "f b 1"], &["f b 2", "f c 1"], &["D a", "M b", "A c"]);
        check(&["f a 1"], &["x a 1"], &["X a"]);
        check(&["f a 1"], &["x a 2"], &["M a"]);
        check(&["l a x"], &["l a y"], &["M a"]);
        check(
            &["d a", "f a/b 1", "f a-b 1"],
            &["f a 1", "f a-b 1"],
            &["T a", "D a/b"],
        );
        check(&[], &["d a", "f a/b 1"], &["A a", "A a/b"]);
    }
}
