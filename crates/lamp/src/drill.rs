//! A drill: a site in a lab, deployed to by this very binary and its agent, under load.
//!
//! The demo, the tests of the whole and the bench run the same drill. Read [`stage`] (what is set up),
//! [`run`] (load on, switches made, load off), [`outage`] (a bad release at the gate, then forced through it),
//! [`link_watch`] (when the link really changed), [`lag`] (what visitors saw of a switch).
//!
//! Invariant: what is said of a run comes from the visitors' side and from the kernel, never from the
//! code under test; and nothing stays of a stage, however it ends.

pub mod lag;
pub mod link_watch;
pub mod outage;
pub mod run;
pub mod stage;

use std::path::PathBuf;

/// Why a drill could not be held.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The lab did not come up, or broke.
    #[error("the lab: {0}")]
    Lab(#[from] lamp_lab::LabError),
    /// The load could not be sent.
    #[error("the load: {0}")]
    Load(#[from] lamp_lab::LoadError),
    /// A file or process of the stage.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A text that Apache's configuration cannot hold.
    #[error(transparent)]
    Config(#[from] lamp_apache::TextError),
    /// A verb of this binary did not end as it had to.
    #[error("`lamp {verb}` ended with {status}: {said}")]
    Verb {
        /// Its command line.
        verb: String,
        /// How it ended.
        status: String,
        /// The last that it said.
        said: String,
    },
    /// The link changed more or less often than it was switched.
    #[error("{asked} switches were asked for, and the link at {store} changed {seen} times")]
    Switches {
        /// The store.
        store: PathBuf,
        /// How often it was asked for.
        asked: usize,
        /// How often it changed.
        seen: usize,
    },
    /// Someone pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}
