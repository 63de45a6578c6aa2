//! What a commit's tree holds, from the text of `git ls-tree -r -z -l`. Pure.

use std::collections::BTreeSet;

use lamp_model::RelPath;

use super::error::GitError;
use crate::source::{GIT, SourceError};

/// The files and links of a commit, and what of it cannot come along.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// In the tree's order.
    pub(super) blobs: Vec<Blob>,
    /// Other repositories that it names: they are not fetched.
    pub(super) submodules: Vec<RelPath>,
    /// What is left out wherever it stands.
    pub(super) left_out: Vec<RelPath>,
}

/// A file or link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) path: RelPath,
    pub(super) kind: BlobKind,
    /// The object's id, hexadecimal.
    pub(super) object: String,
    pub(super) size_bytes: u64,
}

/// What it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlobKind {
    File { executable: bool },
    Link,
}

impl Listing {
    /// Reads a listing.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, SourceError> {
        let mut listing = Self::default();
        for line in bytes.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            listing.take(line)?;
        }
        Ok(listing)
    }

    /// All bytes of its files and links.
    pub(super) fn size_bytes(&self) -> u64 {
        let sizes = self.blobs.iter().map(|blob| blob.size_bytes);
        sizes.fold(0, u64::saturating_add)
    }

    /// Every directory that its paths lie in.
    pub(super) fn dirs(&self) -> BTreeSet<RelPath> {
        let mut dirs = BTreeSet::new();
        for blob in &self.blobs {
            let mut above = blob.path.parent();
            while let Some(dir) = above.filter(|dir| !dirs.contains(dir)) {
                above = dir.parent();
                dirs.insert(dir);
            }
        }
        dirs
    }

    /// `MODE SP KIND SP OBJECT SP SIZE TAB PATH`, the size with blanks before it.
    fn take(&mut self, line: &[u8]) -> Result<(), SourceError> {
        let damaged = || GitError::Damaged { what: "a tree" };
        let tab = line.iter().position(|byte| *byte == b'\t').ok_or_else(damaged)?;
        let (head, path) = line.split_at(tab);
        let head = std::str::from_utf8(head).map_err(|_| damaged())?;
        let fields: Vec<&str> = head.split_ascii_whitespace().collect();
        let [mode, kind, object, size] = fields[..] else {
            return Err(damaged().into());
        };
        let path = std::str::from_utf8(&path[1..]).map_err(|_| SourceError::NotUtf8 {
            path: String::from_utf8_lossy(&path[1..]).into_owned(),
        })?;
        let path = RelPath::parse(path)?;
        if let Some(repository) = repository_of(&path) {
            if self.left_out.last() != Some(&repository) {
                self.left_out.push(repository);
            }
            return Ok(());
        }
        if kind == "commit" {
            self.submodules.push(path);
            return Ok(());
        }
        self.blobs.push(Blob {
            path,
            kind: kind_of(mode).filter(|_| kind == "blob").ok_or_else(damaged)?,
            object: object.to_owned(),
            size_bytes: size.parse().map_err(|_| damaged())?,
        });
        Ok(())
    }
}

/// Modes as trees hold them; old ones may bear the group's right to write.
fn kind_of(mode: &str) -> Option<BlobKind> {
    match mode {
        "100644" | "100664" => Some(BlobKind::File { executable: false }),
        "100755" => Some(BlobKind::File { executable: true }),
        "120000" => Some(BlobKind::Link),
        _ => None,
    }
}

/// The `.git` that a path is, or lies in: no tree should hold one, and a damaged or hostile one may.
fn repository_of(path: &RelPath) -> Option<RelPath> {
    let mut at = Some(path.clone());
    let mut found = None;
    while let Some(here) = at {
        at = here.parent();
        if here.file_name() == GIT {
            found = Some(here);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = "0123456789012345678901234567890123456789";

    fn line(head: &str, path: &str) -> String {
        format!("{head}\t{path}\0")
    }

    #[test]
    fn files_links_and_submodules_are_told_apart() {
        let text = [
            line(&format!("100644 blob {OBJECT}     120"), "a b/\u{e9}.php"),
            line(&format!("100755 blob {OBJECT}       7"), "a b/c/run"),
            line(&format!("120000 blob {OBJECT}       3"), "link"),
            line(&format!("160000 commit {OBJECT}       -"), "lib/other"),
            line(&format!("100644 blob {OBJECT}       1"), "x/.git/config"),
            line(&format!("100644 blob {OBJECT}       1"), "x/.git/hooks/a"),
        ]
        .concat();
        let listing = Listing::parse(text.as_bytes()).expect("a listing");
        let blobs: Vec<_> = listing
            .blobs
            .iter()
            .map(|blob| (blob.path.as_str(), blob.kind, blob.size_bytes))
            .collect();
        assert_eq!(
            blobs,
            [
                ("a b/\u{e9}.php", BlobKind::File { executable: false }, 120),
                ("a b/c/run", BlobKind::File { executable: true }, 7),
                ("link", BlobKind::Link, 3),
            ]
        );
        let named = |paths: &[RelPath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(named(&listing.submodules), ["lib/other"]);
        assert_eq!(named(&listing.left_out), ["x/.git"]);
        let dirs: Vec<_> = listing.dirs().into_iter().map(String::from).collect();
        assert_eq!(dirs, ["a b", "a b/c"]);
        assert_eq!(listing.size_bytes(), 130);
    }

    #[test]
    fn what_is_no_listing_is_an_error_and_leads_nowhere() {
        for bad in [
            "nonsense\0".to_owned(),
            line(&format!("100644 blob {OBJECT}"), "a"),
            line(&format!("100644 blob {OBJECT} 1"), "../a"),
            line(&format!("100644 blob {OBJECT} 1"), "/a"),
            line(&format!("100644 blob {OBJECT} 1"), "a//b"),
            line(&format!("040000 tree {OBJECT} -"), "a"),
            line(&format!("100600 blob {OBJECT} 1"), "a"),
            line(&format!("100644 blob {OBJECT} -1"), "a"),
        ] {
            assert!(Listing::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        let not_utf8 = [line(&format!("100644 blob {OBJECT} 1"), "").as_bytes(), b"\xff"].concat();
        assert!(Listing::parse(&not_utf8).is_err());
    }
}
