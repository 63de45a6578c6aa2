//! What can go wrong in the store, and the way out of it.

use lamp_fleet::DirError;
use lamp_model::tree::{Hash, RelPath};
use lamp_model::{ReleaseId, tree};

/// Why the store could not do it. What was stored before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file operation on the store.
    #[error(transparent)]
    File(DirError),
    /// The disk filled up.
    #[error("the disk of the store is full: {operation} {path}")]
    DiskFull {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: String,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// No store is there.
    #[error("{path} is no release store: it has no {missing}")]
    NoStore {
        /// Where.
        path: String,
        /// What a store would have.
        missing: &'static str,
    },
    /// Someone else changes it.
    #[error("the store {path} is being changed by another process")]
    Busy {
        /// Where.
        path: String,
    },
    /// No such release.
    #[error("the store {path} holds no release {release}")]
    NoRelease {
        /// Where.
        path: String,
        /// Which.
        release: ReleaseId,
    },
    /// It was not built, so it cannot be sealed.
    #[error("release {release} is not staged in {path}")]
    NotStaged {
        /// Where.
        path: String,
        /// Which.
        release: ReleaseId,
    },
    /// The name is taken by another tree.
    #[error("release {release} is stored already, with other contents")]
    OtherTree {
        /// Which.
        release: ReleaseId,
    },
    /// The manifest is not what was written.
    #[error("the manifest of release {release} is damaged: {why}")]
    Manifest {
        /// Whose.
        release: ReleaseId,
        /// In words.
        why: String,
    },
    /// The source could not hand over a file.
    #[error("the source does not hand over {path}")]
    Source {
        /// The file, inside the release.
        path: RelPath,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The source handed over something else than it had announced.
    #[error("{path} changed while it was being read: {why}")]
    SourceChanged {
        /// The file, inside the release.
        path: RelPath,
        /// What is different.
        why: String,
    },
    /// A stored release that should lend a file is not what was stored.
    #[error("{path} of the stored release {release} is not what was stored ({hash} was)")]
    Altered {
        /// The release.
        release: ReleaseId,
        /// Its file.
        path: RelPath,
        /// The hash that it should have.
        hash: Hash,
    },
    /// It is in use, and so not removed.
    #[error("release {release} is {why} and is not removed")]
    InUse {
        /// Which.
        release: ReleaseId,
        /// As in `live`.
        why: &'static str,
    },
    /// The kernel refused to set or lift the immutable flag.
    #[error("{operation} the immutable flag of {path}")]
    Flag {
        /// `set` or `lift`.
        operation: &'static str,
        /// Which file.
        path: String,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// A stored list of entries is no tree.
    #[error(transparent)]
    Tree(#[from] tree::ManifestError),
}

impl StoreError {
    /// What to do about it, as a sentence for people.
    pub fn way_out(&self) -> &'static str {
        match self {
            Self::File(_) => "look at the owner and the mode of that path, and at the disk's health",
            Self::DiskFull { .. } => {
                "nothing that was stored is touched: free space there (`lamp release prune`) and run it again"
            }
            Self::NoStore { .. } => "name the directory that holds `releases` as `store` in lamp.toml",
            Self::Busy { .. } => "wait until it is done, and run it again",
            Self::NoRelease { .. } => "`lamp release list` names those that it holds",
            Self::NotStaged { .. } => "run the deployment again from its start",
            Self::OtherTree { .. } => "run it again a second later: the id counts seconds",
            Self::Manifest { .. } => "deploy its source again; a damaged manifest proves nothing",
            Self::Source { .. } => "look whether the file is still there and may be read",
            Self::SourceChanged { .. } => {
                "run it again when nobody writes to the source; production is untouched"
            }
            Self::Altered { .. } => "`lamp release verify` names every such file; deploy from a whole source",
            Self::InUse { .. } => "switch to another release first",
            Self::Flag { .. } => "the agent needs CAP_LINUX_IMMUTABLE: run it as root, outside a container",
            Self::Tree(_) => "deploy its source again",
        }
    }
}

/// A full disk is told apart from every other failure.
impl From<DirError> for StoreError {
    fn from(error: DirError) -> Self {
        if error.is_full() {
            return Self::DiskFull {
                operation: error.operation,
                path: error.path.display().to_string(),
                source: error.source,
            };
        }
        Self::File(error)
    }
}
