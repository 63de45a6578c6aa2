//! What a directory, or a commit of a repository, would be as a release: read with the caller's rights, hashed,
//! nothing skipped silently.
//!
//! [`spec`] reads what was named, [`git`] reads a commit; a directory is read here. What cannot be part of a release
//! is an error that names the path. Only the `.git` of a repository is left out, and that is said in
//! [`Source::left_out`]; submodules are not fetched, and are named in [`Source::submodules`].

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use lamp_fleet::walk::{Enter, Item};
use lamp_fleet::{Dir, DirError, Kind, Meta};
use lamp_model::origin::{Origin, Provenance};
use lamp_model::tree::{Entry, Hash, ManifestError, Node, RelPathError};
use lamp_model::{Manifest, RelPath};

use crate::store::{CHUNK_BYTES, NewFile, Supply, hash_file, tree_hash};

pub mod cache;
pub mod git;
pub mod spec;

pub use cache::StatCache;

/// Threads that hash at once, at most.
const THREADS_MAX: usize = 4;
/// What is left out of a release wherever it stands: a repository's own directory, or the file in its place.
const GIT: &str = ".git";

/// Where the bytes of a source are.
#[derive(Debug)]
enum Bytes {
    Dir(Dir),
    Commit(Box<git::CommitTree>),
}

/// A directory or a commit as the release that it would be.
#[derive(Debug)]
pub struct Source {
    bytes: Bytes,
    /// Every path of the release.
    pub manifest: Manifest,
    /// The hash that names the tree.
    pub tree: Hash,
    /// What was left out, by rule.
    pub left_out: Vec<RelPath>,
    /// Other repositories that a commit names: nothing of them is part of the release.
    pub submodules: Vec<RelPath>,
    /// The repository and the commit, if it is one.
    pub origin: Option<Origin>,
    /// Bytes that were read and hashed; the rest is as the cache knew it.
    pub hashed_bytes: u64,
}

/// Why a directory is no source of a release.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It may not be read, or went away.
    #[error("cannot {operation} {path}")]
    Unreadable {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Neither file, directory nor link.
    #[error("{path} is a {kind}, and a release holds files, directories and links only")]
    Special {
        /// Where.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A name or a link's text that is no UTF-8.
    #[error("{path:?} is not UTF-8")]
    NotUtf8 {
        /// Where, with the bytes that are none replaced.
        path: String,
    },
    /// A path that is too long.
    #[error(transparent)]
    Path(#[from] RelPathError),
    /// A link that leaves the release, or too many entries.
    #[error("{root} cannot be a release")]
    Tree {
        /// The source.
        root: String,
        /// What is wrong.
        #[source]
        source: ManifestError,
    },
    /// It changed while it was being read.
    #[error("{path} changed while it was being read")]
    Changed {
        /// Which file.
        path: String,
    },
    /// A repository that cannot be read.
    #[error(transparent)]
    Git(#[from] git::GitError),
    /// Not what this tool deploys.
    #[error("{root} is no PHP site: no file in it ends in .php")]
    NoPhp {
        /// The source.
        root: String,
    },
}

impl SourceError {
    /// What to do about it, as a sentence for people.
    pub fn way_out(&self) -> String {
        let words = match self {
            Self::Git(error) => return error.way_out(),
            Self::Unreadable { .. } => {
                "give the user who deploys the right to read it, or take it out of the source"
            }
            Self::Special { .. } => {
                "take it out of the source: it belongs to a running program, not to a release"
            }
            Self::NotUtf8 { .. } => "rename it: paths in a release are UTF-8",
            Self::Path(_) => "shorten it",
            Self::Tree {
                source: ManifestError::LinkLeaves { .. },
                ..
            } => {
                "make it lead to a place inside the source, or put a copy of its target in its place; \
                 what visitors upload stays outside, reached by an Alias in Apache's virtual host"
            }
            Self::Tree { .. } => "split the source",
            Self::Changed { .. } => "run it again when nobody writes to the source",
            Self::NoPhp { .. } => "name the directory that holds the site's code",
        };
        words.to_owned()
    }
}

impl From<DirError> for SourceError {
    fn from(error: DirError) -> Self {
        Self::Unreadable {
            operation: error.operation,
            path: error.path.display().to_string(),
            source: error.source,
        }
    }
}

/// A file of the source, before its hash is known.
struct Found {
    path: RelPath,
    meta: Meta,
}

/// What the walk has come upon.
#[derive(Default)]
struct Walked {
    entries: Vec<Entry>,
    files: Vec<Found>,
    left_out: Vec<RelPath>,
}

impl Source {
    /// Reads the directory `dir`. Files that `cache` knows unchanged are not read again; it learns the others.
    pub fn read(dir: Dir, cache: &mut StatCache, now: Timestamp) -> Result<Self, SourceError> {
        let mut walked = Walked::default();
        dir.walk(&mut |item: &Item<'_>| walked.visit(item))?;
        if !walked.files.iter().any(|file| is_php(&file.path)) {
            return Err(SourceError::NoPhp {
                root: dir.path().display().to_string(),
            });
        }
        let known: Vec<_> = walked
            .files
            .iter()
            .map(|file| cache.find(&file.path, &file.meta))
            .collect();
        let hashed = hash_unknown(&dir, &walked.files, &known)?;
        let mut hashed_bytes = 0;
        cache.begin();
        for ((file, known), hashed) in walked.files.into_iter().zip(known).zip(hashed) {
            hashed_bytes += if known.is_none() { file.meta.size } else { 0 };
            let hash = known.or(hashed).unwrap_or(Hash::ZERO);
            cache.learn(&file.path, &file.meta, hash, now);
            walked.entries.push(file.into_entry(hash));
        }
        let manifest = Manifest::try_new(walked.entries).map_err(|source| SourceError::Tree {
            root: dir.path().display().to_string(),
            source,
        })?;
        Ok(Self {
            tree: tree_hash(&manifest),
            bytes: Bytes::Dir(dir),
            manifest,
            left_out: walked.left_out,
            submodules: Vec::new(),
            origin: None,
            hashed_bytes,
        })
    }

    /// Opens a file of the source for reading.
    pub fn open(&self, path: &RelPath) -> Result<File, SourceError> {
        match &self.bytes {
            Bytes::Dir(dir) => Ok(dir.open_file(path.as_str())?.0),
            Bytes::Commit(commit) => Ok(commit.open(path)?),
        }
    }

    /// Where it came from, and who last touched what differs from `live`; `None`: a directory.
    pub fn provenance(&self, live: Option<&Manifest>) -> Option<Provenance> {
        match (&self.bytes, &self.origin) {
            (Bytes::Commit(commit), Some(origin)) => Some(Provenance {
                origin: origin.clone(),
                touches: commit.touches(&self.manifest, live),
            }),
            _ => None,
        }
    }
}

impl Supply for Source {
    fn file(&mut self, wanted: &NewFile) -> io::Result<File> {
        self.open(&wanted.path).map_err(|error| {
            if let SourceError::Unreadable { source, .. } = error {
                return source;
            }
            io::Error::other(error)
        })
    }
}

impl Walked {
    fn visit(&mut self, item: &Item<'_>) -> Result<Enter, SourceError> {
        let text = item.path.to_str().ok_or_else(|| not_utf8(item))?;
        let path = RelPath::parse(text)?;
        if path.file_name() == GIT {
            self.left_out.push(path);
            return Ok(Enter::No);
        }
        match item.kind {
            Kind::Dir => self.entries.push(Entry {
                path,
                node: Node::Dir {},
            }),
            Kind::File => self.files.push(Found {
                path,
                meta: item.meta()?,
            }),
            Kind::Link => {
                let text = item.parent.read_link(item.name)?;
                let target = String::from_utf8(text).map_err(|_| not_utf8(item))?;
                self.entries.push(Entry {
                    path,
                    node: Node::Link { target },
                });
            }
            Kind::Fifo | Kind::Socket | Kind::Device | Kind::Unknown => {
                return Err(SourceError::Special {
                    path: item.parent.path().join(item.name).display().to_string(),
                    kind: item.kind.word(),
                });
            }
        }
        Ok(Enter::Yes)
    }
}

fn not_utf8(item: &Item<'_>) -> SourceError {
    SourceError::NotUtf8 {
        path: item.parent.path().join(item.name).to_string_lossy().into_owned(),
    }
}

fn is_php(path: &RelPath) -> bool {
    path.file_name().to_ascii_lowercase().ends_with(".php")
}

impl Found {
    fn into_entry(self, hash: Hash) -> Entry {
        Entry {
            path: self.path,
            node: Node::File {
                size: self.meta.size,
                hash,
                executable: self.meta.mode & 0o100 != 0,
            },
        }
    }
}

/// The hashes of the files that are not known, each at its file's place; several threads, each the next one.
fn hash_unknown(
    dir: &Dir,
    files: &[Found],
    known: &[Option<Hash>],
) -> Result<Vec<Option<Hash>>, SourceError> {
    let todo: Vec<usize> = (0..files.len()).filter(|at| known[*at].is_none()).collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(todo.len()));
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(THREADS_MAX));
    std::thread::scope(|scope| {
        for _ in 0..threads.min(todo.len()) {
            scope.spawn(|| {
                let mut buffer = vec![0; CHUNK_BYTES];
                while let Some(at) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let hash = hash_one(dir, &files[*at], &mut buffer);
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((*at, hash));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    // The first in the order of paths is the one to name, whichever thread came upon it.
    done.sort_unstable_by_key(|(at, _)| *at);
    let mut hashes = vec![None; files.len()];
    for (at, hash) in done {
        hashes[at] = Some(hash?);
    }
    Ok(hashes)
}

fn hash_one(dir: &Dir, file: &Found, buffer: &mut [u8]) -> Result<Hash, SourceError> {
    let (open, meta) = dir.open_file(file.path.as_str())?;
    let changed = || SourceError::Changed {
        path: dir.path().join(file.path.as_str()).display().to_string(),
    };
    if meta != file.meta {
        return Err(changed());
    }
    let hashed = hash_file(&open, meta.size, buffer, &mut |_| Ok(())).map_err(|source| DirError {
        operation: "read",
        path: dir.path().join(file.path.as_str()),
        source,
    })?;
    if hashed.size != meta.size {
        return Err(changed());
    }
    Ok(hashed.hash)
}
