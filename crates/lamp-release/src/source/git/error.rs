//! Why a repository is no source of a release.

use std::io;
use std::time::Duration;

use lamp_fleet::{DirError, HostError};

use crate::programs::GIT;

/// Why a repository is no source of a release.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program is not there.
    #[error("the program {} is not installed", GIT.name)]
    NotInstalled,
    /// It is there and cannot be run.
    #[error("cannot run {}", GIT.name)]
    Start(#[source] io::Error),
    /// It did not do what it was asked.
    #[error("git could not {operation}: {said}")]
    Failed {
        /// What it was asked.
        operation: &'static str,
        /// What it said, plain and bounded.
        said: String,
    },
    /// It took longer than it may.
    #[error("git was to {operation} within {} s and had not done so", allowed.as_secs())]
    TooSlow {
        /// What it was asked.
        operation: &'static str,
        /// How long it may take.
        allowed: Duration,
    },
    /// More bytes than are taken.
    #[error("{what} is larger than {max_bytes} bytes")]
    TooLarge {
        /// What.
        what: &'static str,
        /// The bound.
        max_bytes: u64,
    },
    /// No repository at that place.
    #[error("{path} is no git repository: {why}")]
    NoRepository {
        /// Where.
        path: String,
        /// What it lacks.
        why: &'static str,
    },
    /// Names of commits in a format that is not read.
    #[error("{path} keeps its branches and tags in a reftable, which is not read here")]
    Reftable {
        /// Where.
        path: String,
    },
    /// No such commit.
    #[error("{repository} has no branch, tag or commit {reference}")]
    NoSuchReference {
        /// Where it was looked up.
        repository: String,
        /// As asked.
        reference: String,
    },
    /// Two things by one name.
    #[error("{reference} is a branch of {repository} and a tag too")]
    Ambiguous {
        /// Where it was looked up.
        repository: String,
        /// As asked.
        reference: String,
    },
    /// Another run of `lamp` reads the same repository.
    #[error("another lamp has been reading {repository} for {} s", waited.as_secs())]
    Busy {
        /// Which.
        repository: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// What git printed is not what it prints, or an object is not what its place says.
    #[error("{what} of the repository cannot be read")]
    Damaged {
        /// What.
        what: &'static str,
    },
    /// A file of the repository, or of our copy.
    #[error(transparent)]
    File(#[from] DirError),
    /// Its directory cannot be opened.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl GitError {
    /// What to do about it.
    pub fn way_out(&self) -> String {
        match self {
            Self::NotInstalled => format!("run `apt-get install {}`", GIT.package),
            Self::Start(_) => format!("see that `{} --version` works for the user who deploys", GIT.name),
            Self::Failed { .. } => {
                "see that the repository is there and whole, and that you may read it: ssh keys come from \
                 your agent or ~/.ssh, passwords for https from ~/.netrc; nothing is asked"
                    .to_owned()
            }
            Self::TooSlow { .. } | Self::Busy { .. } => {
                "try again; if it stays so, clone it yourself and deploy the directory: --from DIR".to_owned()
            }
            Self::TooLarge { .. } => "deploy a directory instead: --from DIR".to_owned(),
            Self::NoRepository { .. } => {
                "name the top of its work tree, or the bare repository: --from REPO@REF".to_owned()
            }
            Self::Reftable { .. } => "name the commit by its whole id: REPO@ID".to_owned(),
            Self::NoSuchReference { .. } => {
                "`git branch -a`, `git tag` and `git log` there show what there is".to_owned()
            }
            Self::Ambiguous { reference, .. } => {
                format!("write refs/heads/{reference} or refs/tags/{reference}")
            }
            Self::Damaged { .. } => "run `git fsck` there".to_owned(),
            Self::File(_) | Self::Host(_) => {
                "give the user who deploys the right to read the repository and to write to ~/.cache/lamp"
                    .to_owned()
            }
        }
    }
}
