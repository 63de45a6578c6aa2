//! What can go wrong with a sandbox, each naming the operation and the thing.

use std::io;
use std::path::PathBuf;

use crate::plan::PlanError;
use crate::step::Step;

/// Why a sandbox did not start. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The plan cannot be followed.
    #[error("the sandbox's plan cannot be followed")]
    Plan(#[from] PlanError),
    /// Another sandbox has this place.
    #[error("{} exists: a sandbox lives there, or `reap` must first remove what one left", path.display())]
    Taken {
        /// The state directory.
        path: PathBuf,
    },
    /// Another sandbox beside it has these users.
    #[error("the users from {base} on belong to another sandbox of {}", parent.display())]
    UsersTaken {
        /// The first of them.
        base: u32,
        /// Where that sandbox has its state directory.
        parent: PathBuf,
    },
    /// Not root.
    #[error("sandboxes need root: mounts, namespaces and control groups are made")]
    NotRoot,
    /// A system call or a file of the host refused.
    #[error("{doing} failed")]
    System {
        /// The operation and the thing.
        doing: String,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
    /// The keeper or the first process failed while building.
    #[error("the sandbox could not be built, after step {after:?}: {why}")]
    Build {
        /// The last step that was done.
        after: Step,
        /// The operation, the thing, and what the kernel says.
        why: String,
    },
    /// The keeper is gone without a word.
    #[error("{} ended while building the sandbox instead of keeping it: {words}", program.display())]
    KeeperGone {
        /// The init program.
        program: PathBuf,
        /// The end of its standard error, or that there was none.
        words: String,
    },
}

/// Why a running sandbox did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// There is none, or no more.
    #[error("no sandbox runs at {}", state_dir.display())]
    NotRunning {
        /// The state directory that was asked.
        state_dir: PathBuf,
    },
    /// Its journal is not one.
    #[error("{} is no journal of a sandbox", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// A system call or a file refused.
    #[error("{doing} failed")]
    System {
        /// The operation and the thing.
        doing: String,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
    /// Something of it is left after the bound on time.
    #[error("{} is not gone after {seconds} s: {left}", state_dir.display())]
    Left {
        /// The state directory.
        state_dir: PathBuf,
        /// How long was waited.
        seconds: u64,
        /// What is left.
        left: String,
    },
}

/// Why a command inside a sandbox did not run, or what ended it.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The sandbox is gone.
    #[error("{program}: the sandbox is gone")]
    SandboxGone {
        /// What was to run.
        program: String,
    },
    /// The program could not be executed.
    #[error("{program} could not be executed in the sandbox")]
    Spawn {
        /// What was to run.
        program: String,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
    /// Arguments and environment are too long together.
    #[error("{program}: arguments and environment are longer than {most} bytes together")]
    TooLong {
        /// What was to run.
        program: String,
        /// The bound.
        most: usize,
    },
    /// It ran longer than its bound, and was killed.
    #[error("{program} ran longer than {seconds} s in the sandbox and was killed")]
    TooSlow {
        /// What ran.
        program: String,
        /// The bound.
        seconds: u64,
    },
    /// The line to the sandbox broke.
    #[error("{program}: the line to the sandbox refused")]
    System {
        /// What was to run.
        program: String,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
}

/// An operation that the host's kernel refused; what all doings inside the crate fail with.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {source}")]
pub(crate) struct Refused {
    /// The operation and the thing.
    pub(crate) doing: String,
    /// What the kernel says.
    pub(crate) source: io::Error,
}

/// Says what was being done when the kernel refused.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Refused>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Refused> {
        self.map_err(|error| Refused {
            doing: what(),
            source: error.into(),
        })
    }
}

impl From<Refused> for StartError {
    fn from(Refused { doing, source }: Refused) -> Self {
        Self::System { doing, source }
    }
}

impl From<Refused> for SandboxError {
    fn from(Refused { doing, source }: Refused) -> Self {
        Self::System { doing, source }
    }
}
