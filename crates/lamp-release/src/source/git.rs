//! A commit of a git repository as a release: read through a bare copy of our own, with the caller's rights.
//!
//! Invariant: nothing runs that a repository brings or configures. No work tree is made: objects are read from the tree
//! of the commit, without filters, attributes, hooks or submodules. Of a repository on this machine only names
//! ([`refs`]) and objects are read; one elsewhere is fetched over https or ssh ([`copy`]). [`program`] holds what
//! surrounds each run of git.

mod blobs;
mod copy;
mod error;
mod history;
mod listing;
mod program;
mod refs;

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lamp_fleet::Dir;
use lamp_model::origin::{Commit, CommitId, Origin, TOUCHED_PATHS_MAX, Touches};
use lamp_model::plain::PlainText;
use lamp_model::tree::{Entry, Hash, Node};
use lamp_model::{Manifest, RelPath};

use self::blobs::Blobs;
use self::copy::{Copy, THEIR_HEAD};
pub use self::error::GitError;
use self::history::Gathering;
use self::listing::{Blob, BlobKind, Listing};
use self::program::{Git, Run};
use self::refs::{LocalRepository, candidates};
use super::spec::{GitSpec, Place, Reference};
use super::{Bytes, Source, SourceError, is_php};
use crate::store::tree_hash;

/// Longest text of a tree, in bytes: two million entries.
const LISTING_MAX_BYTES: u64 = 512 << 20;
/// Longest answer that is one line, in bytes.
const LINE_MAX_BYTES: u64 = 64 << 10;
/// Longest text of a link, in bytes: the kernel's own bound.
const LINK_MAX_BYTES: u64 = 4_095;
/// Longest line of a history, in bytes.
const HISTORY_LINE_MAX_BYTES: u64 = 16 << 10;
/// Shortest abbreviation of a commit's id, in digits.
const ABBREVIATION_MIN: usize = 4;

/// What is kept of the caller's environment: where programs are, whose keys and passwords (`~/.netrc`) are used, and how
/// the network is reached.
pub const KEPT_VARIABLES: [&str; 10] = [
    "PATH",
    "HOME",
    "SSH_AUTH_SOCK",
    "GIT_SSL_CAINFO",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// How much of a repository is taken, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To fetch, or to wait for another who does.
    pub fetch_timeout: Duration,
    /// To read a tree, and its files.
    pub read_timeout: Duration,
    /// To look who touched what; what is not found by then stays unknown.
    pub history_timeout: Duration,
    /// The packs of one copy.
    pub copy_max_bytes: u64,
    /// The files of one commit.
    pub tree_max_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fetch_timeout: Duration::from_secs(15 * 60),
            read_timeout: Duration::from_secs(10 * 60),
            history_timeout: Duration::from_secs(10),
            copy_max_bytes: 8 << 30,
            tree_max_bytes: 16 << 30,
        }
    }
}

/// Where and how repositories are read.
#[derive(Debug)]
pub struct GitGround {
    /// The caller's caches: the copies are kept there.
    pub cache: Dir,
    /// The caller's environment; of it, [`KEPT_VARIABLES`] are used.
    pub variables: Vec<(OsString, OsString)>,
    /// The bounds.
    pub limits: Limits,
}

/// How a repository names its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObjectFormat {
    Sha1,
    Sha256,
}

impl ObjectFormat {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    const fn of_digits(digits: usize) -> Self {
        if digits == 64 { Self::Sha256 } else { Self::Sha1 }
    }
}

/// A commit whose files can be read.
pub(super) struct CommitTree {
    copy: Copy,
    commit: CommitId,
    /// Object and size of each file.
    objects: HashMap<RelPath, (String, u64)>,
    /// The run that hands over files, once one was asked for.
    blobs: Mutex<Option<Blobs>>,
}

impl std::fmt::Debug for CommitTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CommitTree({})", self.commit)
    }
}

impl Source {
    /// Reads a commit; the path of a repository on this machine is absolute.
    pub fn read_commit(spec: &GitSpec, ground: &GitGround) -> Result<Self, SourceError> {
        let (copy, commit) = copied(spec, ground)?;
        let listing = listing(&copy.git, &commit)?;
        let shown = shown(spec);
        if !listing.blobs.iter().any(|blob| is_php(&blob.path)) {
            return Err(SourceError::NoPhp { root: shown });
        }
        let entries = entries(&copy.git, &listing)?;
        let manifest = Manifest::try_new(entries).map_err(|source| SourceError::Tree {
            root: shown.clone(),
            source,
        })?;
        let origin = Origin {
            repository: PlainText::of(&place(spec)),
            reference: PlainText::of(spec.reference.as_str()),
            commit: described(&copy.git, &commit)?,
        };
        Ok(Self {
            tree: tree_hash(&manifest),
            hashed_bytes: listing.size_bytes(),
            origin: Some(origin),
            left_out: listing.left_out,
            submodules: listing.submodules,
            manifest,
            bytes: Bytes::Commit(Box::new(CommitTree {
                copy,
                commit,
                objects: listing.blobs.into_iter().map(object_of).collect(),
                blobs: Mutex::new(None),
            })),
        })
    }
}

fn object_of(blob: Blob) -> (RelPath, (String, u64)) {
    (blob.path, (blob.object, blob.size_bytes))
}

/// The repository, for people: no user's name and no password is in it.
fn place(spec: &GitSpec) -> String {
    match &spec.place {
        Place::Local(path) => path.display().to_string(),
        Place::Remote(address) => address.to_string(),
    }
}

fn shown(spec: &GitSpec) -> String {
    format!("{}@{}", place(spec), spec.reference)
}

/// Our copy, with the commit in it.
fn copied(spec: &GitSpec, ground: &GitGround) -> Result<(Copy, CommitId), GitError> {
    match &spec.place {
        Place::Local(path) => {
            let repository = LocalRepository::open(path)?;
            let named = named(spec, |name| repository.find(name))?;
            let mut copy = Copy::open(ground, &place(spec), ObjectFormat::of_digits(named.len()))?;
            copy.read_from(&repository.objects())?;
            let commit = peeled(&copy.git, spec, &named)?;
            copy.share();
            Ok((copy, commit))
        }
        Place::Remote(address) => {
            let mut copy = Copy::open(ground, address.as_str(), ObjectFormat::Sha1)?;
            copy.fetch(address, &spec.reference)?;
            let named = named(spec, |name| fetched(&copy.git, name))?;
            let commit = peeled(&copy.git, spec, &named)?;
            copy.share();
            Ok((copy, commit))
        }
    }
}

/// The id of the object that the reference names: by the repository's names, else by the digits that it is.
fn named(
    spec: &GitSpec,
    find: impl Fn(&str) -> Result<Option<CommitId>, GitError>,
) -> Result<String, GitError> {
    let reference = &spec.reference;
    if CommitId::parse(reference.as_str()).is_ok() {
        return Ok(reference.as_str().to_owned());
    }
    let mut found = Vec::new();
    for name in candidates(reference) {
        found.extend(find(&name)?);
    }
    match &found[..] {
        [one, other, ..] if one != other => Err(GitError::Ambiguous {
            repository: place(spec),
            reference: reference.to_string(),
        }),
        [one, ..] => Ok(one.to_string()),
        [] if is_abbreviation(reference) => Ok(reference.as_str().to_owned()),
        [] => Err(no_such(spec)),
    }
}

fn is_abbreviation(reference: &Reference) -> bool {
    let text = reference.as_str();
    text.len() >= ABBREVIATION_MIN && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn no_such(spec: &GitSpec) -> GitError {
    GitError::NoSuchReference {
        repository: place(spec),
        reference: spec.reference.to_string(),
    }
}

/// What a name stands for in our copy.
fn fetched(git: &Git, name: &str) -> Result<Option<CommitId>, GitError> {
    let name = if name == "HEAD" { THEIR_HEAD } else { name };
    let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", name];
    let found = git.ask(git.reading("look up a name", &args), LINE_MAX_BYTES)?;
    Ok(found.and_then(|id| CommitId::parse(String::from_utf8_lossy(&id).trim()).ok()))
}

/// The commit that an object is, or that a tag leads to.
fn peeled(git: &Git, spec: &GitSpec, object: &str) -> Result<CommitId, GitError> {
    let commit = format!("{object}^{{commit}}");
    let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
    let found = git.ask(git.reading("look up the commit", &args), LINE_MAX_BYTES)?;
    let found = found.ok_or_else(|| no_such(spec))?;
    CommitId::parse(String::from_utf8_lossy(&found).trim()).map_err(|_| no_such(spec))
}

fn listing(git: &Git, commit: &CommitId) -> Result<Listing, SourceError> {
    let args = ["ls-tree", "-r", "-z", "-l", "--full-tree", commit.as_str()];
    let text = git.output(git.reading("list its files", &args), LISTING_MAX_BYTES)?;
    let listing = Listing::parse(&text)?;
    let max_bytes = git.limits.tree_max_bytes;
    if listing.size_bytes() > max_bytes {
        return Err(GitError::TooLarge {
            what: "the commit",
            max_bytes,
        }
        .into());
    }
    Ok(listing)
}

fn described(git: &Git, commit: &CommitId) -> Result<Commit, GitError> {
    let args = ["log", "-1", "--no-walk", history::FORMAT, commit.as_str()];
    let text = git.output(git.reading("read the commit", &args), LINE_MAX_BYTES)?;
    let text = String::from_utf8_lossy(&text);
    let head = text.trim_end_matches('\n').strip_prefix('\u{1}');
    head.and_then(history::commit)
        .ok_or(GitError::Damaged { what: "the commit" })
}

/// Every path of the release; each object is read once.
fn entries(git: &Git, listing: &Listing) -> Result<Vec<Entry>, SourceError> {
    let dir = |path| Entry {
        path,
        node: Node::Dir {},
    };
    let mut entries: Vec<Entry> = listing.dirs().into_iter().map(dir).collect();
    let mut blobs = Blobs::start(git)?;
    let mut known = HashMap::new();
    for blob in &listing.blobs {
        match node(&mut blobs, &mut known, blob) {
            Ok(node) => entries.push(Entry {
                path: blob.path.clone(),
                node,
            }),
            Err(SourceError::Git(error)) => return Err(blobs.reason(error).into()),
            Err(error) => return Err(error),
        }
    }
    Ok(entries)
}

fn node<'a>(
    blobs: &mut Blobs,
    known: &mut HashMap<&'a str, Hash>,
    blob: &'a Blob,
) -> Result<Node, SourceError> {
    match blob.kind {
        BlobKind::Link => link(blobs, blob),
        BlobKind::File { executable } => Ok(Node::File {
            size: blob.size_bytes,
            hash: match known.get(blob.object.as_str()) {
                Some(hash) => *hash,
                None => {
                    let hash = hashed(blobs, blob)?;
                    known.insert(&blob.object, hash);
                    hash
                }
            },
            executable,
        }),
    }
}

fn hashed(blobs: &mut Blobs, blob: &Blob) -> Result<Hash, GitError> {
    let mut hasher = blake3::Hasher::new();
    blobs.read(&blob.object, blob.size_bytes, &mut |piece| {
        hasher.update(piece);
        Ok(())
    })?;
    Ok(Hash::from_bytes(*hasher.finalize().as_bytes()))
}

fn link(blobs: &mut Blobs, blob: &Blob) -> Result<Node, SourceError> {
    if blob.size_bytes > LINK_MAX_BYTES {
        return Err(GitError::TooLarge {
            what: "the text of a link",
            max_bytes: LINK_MAX_BYTES,
        }
        .into());
    }
    let mut text = Vec::new();
    blobs.read(&blob.object, blob.size_bytes, &mut |piece| {
        text.extend_from_slice(piece);
        Ok(())
    })?;
    let target = String::from_utf8(text).map_err(|_| SourceError::NotUtf8 {
        path: blob.path.to_string(),
    })?;
    Ok(Node::Link { target })
}

impl CommitTree {
    /// A file's bytes, in a file that has no name.
    pub(super) fn open(&self, path: &RelPath) -> Result<File, GitError> {
        let (object, size_bytes) = self
            .objects
            .get(path)
            .ok_or(GitError::Damaged { what: "a file" })?;
        let mut file = self.copy.nameless_file()?;
        let mut held = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut blobs = match held.take() {
            Some(blobs) => blobs,
            None => Blobs::start(&self.copy.git)?,
        };
        match blobs.read(object, *size_bytes, &mut |piece| file.write_all(piece)) {
            Ok(()) => *held = Some(blobs),
            Err(error) => return Err(blobs.reason(error)),
        }
        Ok(file)
    }

    /// Who last touched what differs from `live`, as far as that is found in time: of the first
    /// [`TOUCHED_PATHS_MAX`] files, PHP before others.
    pub(super) fn touches(&self, manifest: &Manifest, live: Option<&Manifest>) -> Touches {
        let mut differing = differing(manifest, live);
        differing.sort_by_key(|path| !is_php(path));
        differing.truncate(TOUCHED_PATHS_MAX);
        let gathered = self.gather(differing.into_iter().collect());
        gathered.unwrap_or_default()
    }

    /// Nothing depends on it: what cannot be read of a history (a shallow one ends early) stays unknown.
    fn gather(&self, files: BTreeSet<RelPath>) -> Option<Touches> {
        if files.is_empty() {
            return None;
        }
        let mut asked = format!("{}\n--\n", self.commit);
        asked.extend(files.iter().map(|path| format!("{path}\n")));
        let git = &self.copy.git;
        let mut running = git
            .start(Run {
                operation: "read its history",
                args: &HISTORY,
                allowed: git.limits.history_timeout,
                growing: None,
            })
            .ok()?;
        running.tell(asked.as_bytes()).ok()?;
        let mut gathering = Gathering::of(files);
        let mut lines = BufReader::new(&mut running.stdout);
        let mut line = Vec::new();
        while !gathering.is_complete() {
            line.clear();
            let mut bounded = std::io::Read::take(&mut lines, HISTORY_LINE_MAX_BYTES);
            match bounded.read_until(b'\n', &mut line) {
                Ok(1..) => gathering.take(&line),
                Ok(0) | Err(_) => break,
            }
        }
        Touches::try_from(gathering.touches()).ok()
    }
}

/// One pass over what touched the files that are asked for: of a merge, what it changed itself (`-c`).
const HISTORY: [&str; 9] = [
    "log",
    "-c",
    "--name-only",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    history::FORMAT,
    "--stdin",
];

/// Files and links that `live` does not hold alike. A name that holds a line's end cannot be asked for.
fn differing(manifest: &Manifest, live: Option<&Manifest>) -> Vec<RelPath> {
    let is_alike = |entry: &&Entry| live.and_then(|live| live.get(&entry.path)) == Some(*entry);
    let entries = manifest.entries().iter();
    let differing = entries.filter(|entry| !matches!(entry.node, Node::Dir {}) && !is_alike(entry));
    let askable = differing.filter(|entry| !entry.path.as_str().contains('\n'));
    askable.map(|entry| entry.path.clone()).collect()
}
