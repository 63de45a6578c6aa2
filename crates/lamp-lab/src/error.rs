//! What can go wrong with a lab, each naming the operation and the thing.

use std::io;
use std::path::PathBuf;

use lamp_http::{BuildError, HttpError};
use lamp_sandbox::{CommandError, SandboxError, StartError};

use crate::service::Service;

/// Why a lab did not start, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The name cannot be a lab's.
    #[error("{text:?} is no name of a lab: letters a-z, digits and -, at most {max_bytes} bytes")]
    Name {
        /// As given.
        text: String,
        /// The bound.
        max_bytes: usize,
    },
    /// Programs that it runs are not here.
    #[error("a lab needs {}; type: make packages", list.join(", "))]
    Missing {
        /// Each with its path and the package that brings it.
        list: Vec<String>,
    },
    /// An unpacked application is not here.
    #[error("{what} is not unpacked at {}; type: make packages", path.display())]
    NotUnpacked {
        /// What.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// A user of the stack does not exist.
    #[error("/etc/passwd names no user {user}; type: make packages")]
    User {
        /// Who.
        user: &'static str,
    },
    /// The sandbox did not start.
    #[error("start the lab's sandbox")]
    Start(#[from] StartError),
    /// The sandbox did not do what it was asked.
    #[error("use the lab's sandbox")]
    Sandbox(#[from] SandboxError),
    /// A command inside could not be run.
    #[error("run a command in the lab")]
    Command(#[from] CommandError),
    /// A command inside failed.
    #[error("{doing} failed in the lab: {said}")]
    Failed {
        /// The operation.
        doing: String,
        /// The end of what it wrote.
        said: String,
    },
    /// A service does not answer.
    #[error("{service} does not answer after {seconds} s; its last words: {said}")]
    Silent {
        /// Which.
        service: Service,
        /// How long was waited.
        seconds: u64,
        /// The end of its log.
        said: String,
    },
    /// A file of the lab could not be made.
    #[error("lay out the lab's files")]
    Files(#[from] io::Error),
    /// The lab's certificates could not be made.
    #[error("make the lab's certificates")]
    Certificates(#[from] rcgen::Error),
    /// No such site in the plan.
    #[error("the lab has no site {site}")]
    NoSite {
        /// As asked.
        site: String,
    },
    /// No client of the lab could be made.
    #[error("make a client of the lab")]
    Client(#[from] BuildError),
    /// A page that must answer did not.
    #[error("ask {path} of the lab")]
    Page {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// A page answered something else than it must.
    #[error("{path} answered {status}: {said}")]
    PageSays {
        /// The path.
        path: String,
        /// Its status.
        status: u16,
        /// The beginning of its text.
        said: String,
    },
}

/// Why a load did not run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A thread could not begin.
    #[error("start a thread of the load")]
    Thread(#[source] io::Error),
    /// Its client could not be made.
    #[error("make a client of the load")]
    Client(#[source] BuildError),
}
