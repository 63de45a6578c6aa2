//! Why there was no rehearsal.

use std::path::PathBuf;

use lamp_fleet::{DirError, HostError};
use lamp_http::BuildError;
use lamp_model::ReleaseId;
use lamp_release::switch::SwitchError;
use lamp_sandbox::{CommandError, SandboxError, StartError};

/// Why a release could not be rehearsed. Production is as it was, and nothing of the twin is left.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// Production's files could not be read.
    #[error("read production's configuration")]
    Production(#[source] HostError),
    /// A file of the twin or of its state could not be read or written.
    #[error(transparent)]
    File(#[from] DirError),
    /// A path of the twin could not be reached.
    #[error("reach into the twin")]
    Inside(#[source] HostError),
    /// The sandbox that production lives in does not run.
    #[error("reach the sandbox that production lives in")]
    NoProduction(#[source] SandboxError),
    /// No private range of users is left.
    #[error("all private ranges of users are taken by other twins of {}", parent.display())]
    NoUsers {
        /// Where they live.
        parent: PathBuf,
    },
    /// The sandbox did not start.
    #[error("build the twin")]
    Start(#[source] StartError),
    /// The sandbox did not do what it was asked.
    #[error("use the twin's sandbox")]
    Sandbox(#[from] SandboxError),
    /// A command could not be run.
    #[error("run a command for the twin")]
    Command(#[from] CommandError),
    /// The twin's certificate could not be made.
    #[error("make the twin's certificate")]
    Certificate(#[source] rcgen::Error),
    /// A service of the twin does not answer.
    #[error("the twin's {service} does not answer after {seconds} s; its last words: {said}")]
    Silent {
        /// Which.
        service: String,
        /// How long was waited.
        seconds: u64,
        /// The end of its log, secrets taken out.
        said: String,
    },
    /// The release could not be switched in the twin.
    #[error("switch the release in the twin")]
    Switch(#[source] SwitchError),
    /// Another release answered in the twin than the one that it was switched to.
    #[error("the twin was switched to {wanted}, and {found} answered")]
    OtherRelease {
        /// Which should have.
        wanted: ReleaseId,
        /// Which did.
        found: ReleaseId,
    },
    /// Production's own release does not answer in its twin.
    #[error(
        "the release that is live answers nothing in the twin, {path} first of all: nothing can be held against it"
    )]
    LiveFails {
        /// Where it failed first.
        path: String,
    },
    /// The kernel refused.
    #[error("{doing}")]
    System {
        /// What.
        doing: &'static str,
        /// What it said.
        #[source]
        source: std::io::Error,
    },
    /// No client of the twin could be made.
    #[error("make a client of the twin")]
    Client(#[from] BuildError),
    /// Too little memory is free.
    #[error("a twin needs {} MiB of free memory, {} MiB are free", needed_bytes >> 20, free_bytes >> 20)]
    NoMemory {
        /// What it needs.
        needed_bytes: u64,
        /// What there is.
        free_bytes: u64,
    },
    /// Too little disk is free for the copies of the database.
    #[error(
        "copies of the database need {} MiB at {}, {} MiB are free",
        needed_bytes >> 20, path.display(), free_bytes >> 20
    )]
    NoRoom {
        /// Where they are made.
        path: PathBuf,
        /// What they need.
        needed_bytes: u64,
        /// What there is.
        free_bytes: u64,
    },
    /// A program that copies databases is not installed.
    #[error("the database cannot be copied without {program}; type: apt install {package}")]
    NoProgram {
        /// Which.
        program: &'static str,
        /// What brings it.
        package: &'static str,
    },
    /// The database could not be copied.
    #[error("{doing} failed: {said}")]
    Database {
        /// The operation.
        doing: &'static str,
        /// The end of what it wrote, secrets taken out.
        said: String,
    },
    /// Not done in time.
    #[error("the rehearsal was not done within {seconds} s, while {at}")]
    TooSlow {
        /// The bound.
        seconds: u64,
        /// What it was at.
        at: &'static str,
    },
    /// A thread of the rehearsal ended unasked.
    #[error("a thread of the rehearsal ended before its work was done")]
    Interrupted,
}

impl TwinError {
    pub(crate) fn system(doing: &'static str, source: impl Into<std::io::Error>) -> Self {
        Self::System {
            doing,
            source: source.into(),
        }
    }
}
