//! The store of one site: its releases, and how they share what is equal.
//!
//! ```text
//! releases/<id>/        a release: files root:<group> 0640 (0740 executable), directories 0750
//! manifests/<id>.json   its manifest, written before the release gets its name
//! graphs/<id>.json      what hangs on each of its files, once the gate has looked at it; safe to delete
//! staging/<id>/         being built; never served, and the journal of what is under way
//! current  last-good    links `releases/<id>`: see `switch`
//! ```
//!
//! What lies in `staging` *is* the journal: an entry there means that immutable flags may be lifted, and
//! [`Store::recover`] puts everything right again. The order of work is in [`stage`] (build), [`seal`]
//! (durable, immutable, named) and [`prune`].
//!
//! Invariant: what has its name under `releases` is whole, durable and never written to again.

use std::io::Write as _;
use std::sync::OnceLock;

use jiff::Timestamp;
use lamp_fleet::file::Ownership;
use lamp_fleet::{Dir, DirError};
use lamp_model::origin::Provenance;
use lamp_model::tree::Hash;
use lamp_model::{Manifest, ReleaseId};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

mod graph;
mod place;
mod prune;
mod recover;
mod seal;
mod share;
mod stage;
mod survey;

pub(crate) use place::{CHUNK_BYTES, hash_file};
pub use recover::Recovered;
pub use share::Sharing;
pub use stage::{Incoming, Supply};
pub use survey::{Cost, NewFile, Survey};

/// Where releases lie.
pub const RELEASES: &str = "releases";
/// Where their manifests lie.
pub const MANIFESTS: &str = "manifests";
/// Where lies what hangs on their files.
pub const GRAPHS: &str = "graphs";
/// Where a release is built, and what is under way is journalled.
pub const STAGING: &str = "staging";

/// Largest manifest that is read, in bytes.
const MANIFEST_MAX_BYTES: u64 = 1 << 30;
/// The version of manifests that this binary writes.
const RECORD_VERSION: u32 = 1;

/// Who owns what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// root, in production.
    pub uid: u32,
    /// The group that PHP runs in.
    pub gid: u32,
}

impl Owner {
    /// Directories: entered by owner and group, written by the owner alone.
    pub const fn dir(self) -> Ownership {
        self.with(0o750)
    }

    /// Files: read by owner and group.
    pub const fn file(self, executable: bool) -> Ownership {
        self.with(if executable { 0o740 } else { 0o640 })
    }

    const fn with(self, mode: u32) -> Ownership {
        Ownership {
            uid: self.uid,
            gid: self.gid,
            mode,
        }
    }
}

/// What stands beside a release: its manifest, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredRelease {
    /// Of this format.
    version: u32,
    /// Whose.
    pub release: ReleaseId,
    /// The hash of the manifest's canonical encoding.
    pub tree: Hash,
    /// Bytes of all files together.
    pub size_bytes: u64,
    /// Bytes that were new when it was stored.
    pub new_bytes: u64,
    /// Where it came from, in words.
    pub source: String,
    /// The repository, the commit, and who touched what, if it came from git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Box<Provenance>>,
    /// When it was built.
    pub stored_at: Timestamp,
    /// Whether its files bear the immutable flag, because they may have names in other releases too.
    pub guarded: bool,
    /// Every path.
    pub manifest: Manifest,
}

/// A release store.
#[derive(Debug)]
pub struct Store {
    root: Dir,
    releases: Dir,
    manifests: Dir,
    graphs: Dir,
    staging: Dir,
    owner: Owner,
    sharing: OnceLock<Sharing>,
}

/// The hash of a manifest's canonical encoding: what names a tree.
pub fn tree_hash(manifest: &Manifest) -> Hash {
    Hash::from_bytes(*blake3::hash(&manifest.canonical()).as_bytes())
}

/// The id of a release of this tree that is made at `at`: `YYYYMMDD-HHMMSS-` in UTC and 8 digits of the hash.
pub fn release_id(at: Timestamp, tree: &Hash) -> Result<ReleaseId, lamp_model::name::NameError> {
    let time = at.strftime("%Y%m%d-%H%M%S");
    ReleaseId::parse(&format!("{time}-{}", tree.short()))
}

impl Store {
    /// Makes a store in the directory `root`, or opens the one that is there.
    pub fn create(root: Dir, owner: Owner) -> Result<Self, StoreError> {
        for part in [RELEASES, MANIFESTS, GRAPHS, STAGING] {
            root.ensure_dir(part, owner.dir())?;
        }
        lamp_fleet::file::own(std::os::fd::AsFd::as_fd(&root), owner.dir())
            .map_err(|errno| root_error(&root, errno))?;
        root.sync()?;
        Self::open(root, owner)
    }

    /// Opens the store in the directory `root`.
    pub fn open(root: Dir, owner: Owner) -> Result<Self, StoreError> {
        Ok(Self {
            releases: part(&root, RELEASES)?,
            manifests: part(&root, MANIFESTS)?,
            graphs: part(&root, GRAPHS)?,
            staging: part(&root, STAGING)?,
            root,
            owner,
            sharing: OnceLock::new(),
        })
    }

    /// The store's own directory.
    pub const fn root(&self) -> &Dir {
        &self.root
    }

    /// Who owns what is stored.
    pub const fn owner(&self) -> Owner {
        self.owner
    }

    /// The links of this store.
    pub fn switch(&self) -> Result<crate::LinkSwitch, StoreError> {
        Ok(crate::LinkSwitch::new(self.root.try_clone()?))
    }

    /// What is left on its filesystem.
    pub fn space(&self) -> Result<lamp_fleet::dir::Space, StoreError> {
        Ok(self.root.space()?)
    }

    /// The releases that count as stored, oldest name first. What bears no release's name is passed over.
    pub fn list(&self) -> Result<Vec<ReleaseId>, StoreError> {
        let names = self.releases.names()?;
        let ids = names
            .iter()
            .filter_map(|(name, _)| ReleaseId::parse(name.to_str()?).ok());
        Ok(ids.collect())
    }

    /// Whether `release` counts as stored.
    pub fn has(&self, release: &ReleaseId) -> Result<bool, StoreError> {
        Ok(self.releases.find(release.as_str())?.is_some())
    }

    /// The tree of a stored release.
    pub fn tree(&self, release: &ReleaseId) -> Result<Dir, StoreError> {
        self.releases
            .open_dir(release.as_str())
            .map_err(|error| self.no_release(error, release))
    }

    /// The manifest of a stored release, held against its own hash.
    pub fn record(&self, release: &ReleaseId) -> Result<StoredRelease, StoreError> {
        if !self.has(release)? {
            return Err(self.absent(release));
        }
        read_record(&self.manifests, &manifest_name(release), release)
    }

    /// The stored release of exactly this tree, if there is one; the newest, if there are several.
    pub fn find_tree(&self, tree: &Hash) -> Result<Option<ReleaseId>, StoreError> {
        let same_name = |id: &ReleaseId| id.as_str().ends_with(&tree.short());
        for release in self.list()?.into_iter().rev().filter(same_name) {
            // A damaged manifest makes that release no candidate, and stops nobody from storing another.
            if self.record(&release).is_ok_and(|record| record.tree == *tree) {
                return Ok(Some(release));
            }
        }
        Ok(None)
    }

    fn absent(&self, release: &ReleaseId) -> StoreError {
        StoreError::NoRelease {
            path: self.root.path().display().to_string(),
            release: release.clone(),
        }
    }

    fn no_release(&self, error: DirError, release: &ReleaseId) -> StoreError {
        if error.is_not_found() {
            self.absent(release)
        } else {
            error.into()
        }
    }

    /// Keeps two processes from changing the store at once.
    fn lock(&self) -> Result<lamp_fleet::dir::DirLock, StoreError> {
        self.staging.try_lock()?.ok_or_else(|| StoreError::Busy {
            path: self.root.path().display().to_string(),
        })
    }
}

fn part(root: &Dir, name: &'static str) -> Result<Dir, StoreError> {
    root.open_dir(name).map_err(|error| {
        if error.is_not_found() {
            return StoreError::NoStore {
                path: root.path().display().to_string(),
                missing: name,
            };
        }
        error.into()
    })
}

fn root_error(root: &Dir, errno: rustix::io::Errno) -> StoreError {
    StoreError::File(DirError {
        operation: "set the owner of",
        path: root.path().to_owned(),
        source: errno.into(),
    })
}

fn manifest_name(release: &ReleaseId) -> String {
    format!("{release}.json")
}

fn read_record(dir: &Dir, name: &str, release: &ReleaseId) -> Result<StoredRelease, StoreError> {
    let damaged = |why: String| StoreError::Manifest {
        release: release.clone(),
        why,
    };
    let bytes = dir.read_file(name, MANIFEST_MAX_BYTES).map_err(|error| {
        if error.is_not_found() {
            damaged("it is missing".to_owned())
        } else {
            error.into()
        }
    })?;
    let record: StoredRelease = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if record.version != RECORD_VERSION {
        return Err(damaged(format!("it is of version {}", record.version)));
    }
    if record.release != *release || tree_hash(&record.manifest) != record.tree {
        return Err(damaged("its hash is not that of its entries".to_owned()));
    }
    Ok(record)
}

/// Writes the record whole; durable only once the filesystem is synced.
fn write_record(dir: &Dir, name: &str, record: &StoredRelease, owned: Ownership) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec(record).map_err(|error| StoreError::Manifest {
        release: record.release.clone(),
        why: error.to_string(),
    })?;
    dir.remove_file(name)?;
    let mut file = dir.create_file(name, owned)?;
    file.write_all(&bytes).map_err(|source| {
        StoreError::from(DirError {
            operation: "write",
            path: dir.path().join(name),
            source,
        })
    })
}
