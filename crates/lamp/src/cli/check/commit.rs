//! The tree of a commit, unpacked to be looked at: in the caller's own cache, closed to all but the worker, gone when it is
//! dropped; what a killed run has left, the next one removes.

use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use lamp_fleet::dir::DirLock;
use lamp_fleet::file::Ownership;
use lamp_fleet::{Dir, DirError};
use lamp_model::RelPath;
use lamp_model::tree::{Entry, Node};
use lamp_release::source::Source;
use rustix::process::{getegid, geteuid};

use crate::errors::causes;
use crate::source::cache_dir;

/// Most runs that unpack at the same time.
const AT_ONCE_MAX: u32 = 16;
/// A file longer than this is not looked at, and unpacked as a hole of its length.
const FILE_MAX_BYTES: u64 = 8 << 20;
/// The tree's name within its place.
const TREE: &str = "tree";

/// A tree that is there as long as this is.
#[derive(Debug)]
pub(super) struct Unpacked {
    path: PathBuf,
    place: Dir,
    _lock: DirLock,
}

impl Unpacked {
    /// What of the source lies beneath `inside`.
    pub(super) fn new(source: &Source, inside: &Path) -> Result<Self, String> {
        let cache = cache_dir().ok_or("there is no directory of your own for caches (XDG_CACHE_HOME)")?;
        let words = |error: DirError| causes(&error).join(": ");
        let (place, lock) = free_place(&cache).map_err(words)?;
        place.remove_all(TREE).map_err(words)?;
        // Within a directory of ours alone, so that the worker, who is handed it, may read it, and nobody else comes here.
        let tree = place.create_dir(TREE, owned(0o755)).map_err(words)?;
        let unpacked = Self {
            path: place.path().join(TREE),
            place,
            _lock: lock,
        };
        for entry in source.manifest.entries() {
            unpack(source, entry, inside, &tree)?;
        }
        Ok(unpacked)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.path
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        if let Err(error) = self.place.remove_all(TREE) {
            tracing::debug!(%error, "the unpacked commit stays until the next run");
        }
    }
}

fn free_place(cache: &Dir) -> Result<(Dir, DirLock), DirError> {
    let mut last = None;
    for number in 0..AT_ONCE_MAX {
        let place = cache.ensure_dir(format!("against-{number}"), owned(0o700))?;
        if let Some(lock) = place.try_lock()? {
            return Ok((place, lock));
        }
        last = Some(place);
    }
    let path = last.map_or_else(PathBuf::new, |place| place.path().to_owned());
    Err(DirError {
        operation: "lock",
        path,
        source: io::Error::from(io::ErrorKind::WouldBlock),
    })
}

fn owned(mode: u32) -> Ownership {
    Ownership {
        uid: geteuid().as_raw(),
        gid: getegid().as_raw(),
        mode,
    }
}

fn unpack(source: &Source, entry: &Entry, inside: &Path, tree: &Dir) -> Result<(), String> {
    let Ok(path) = Path::new(entry.path.as_str()).strip_prefix(inside) else {
        return Ok(());
    };
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    let words = |error: DirError| causes(&error).join(": ");
    match &entry.node {
        Node::Dir {} => tree.create_dir(path, owned(0o755)).map(drop).map_err(words),
        Node::Link { target } => tree.symlink(target, path).map_err(words),
        Node::File { size, .. } => {
            let file = tree.create_file(path, owned(0o644)).map_err(words)?;
            fill(source, &entry.path, *size, file)
                .map_err(|error| format!("{}: {error}", entry.path.as_str()))
        }
    }
}

fn fill(source: &Source, path: &RelPath, size_bytes: u64, mut file: std::fs::File) -> io::Result<()> {
    if size_bytes > FILE_MAX_BYTES {
        return file.set_len(size_bytes);
    }
    let mut bytes = source.open(path).map_err(io::Error::other)?;
    // It may have been read before.
    bytes.rewind()?;
    io::copy(&mut bytes.take(FILE_MAX_BYTES), &mut file).map(drop)
}
