//! The watcher of one site, for as long as the agent lives: probes each second, hears its log worker, asks both
//! releases of what looks bad, and says what follows.
//!
//! Read [`course`] (the loop), [`questions`] (asking, one question at a time), [`door`] (the side door as the
//! asking knows it), [`sweep`] (what is asked right after a switch), [`in_flight`] (which requests do not end), [`stuck`] (ending the workers that
//! are left at a release that was gone back from), [`recovery`] (pure: when all is well again, and
//! what is to be counted then). Beside it, what surrounds a site: [`disks`] and [`certificate`], and [`standing`], which writes down
//! what they find.
//!
//! Invariants: a verdict on a release that can still go back is told to whoever carries out its deployment before it
//! is written; nothing else is ever switched from here; a verdict is in the log, so that the next agent goes on.

pub mod certificate;
pub mod course;
pub mod disks;
pub mod door;
pub mod in_flight;
pub mod questions;
pub mod recovery;
pub mod standing;
pub mod stuck;
pub mod sweep;
pub mod warm;

use std::path::PathBuf;
use std::sync::Arc;

use lamp_model::name::SiteName;
use lamp_release::SiteConfig;
use lamp_release::config::Watching;
use lamp_watch::worker::{LogFile, Logs, Program, Worker};

use crate::asker::DoorKeeper;
use crate::hands::HandsError;
use crate::site_hands::Reach;

/// The hidden verb of the log worker.
const VERB: &str = "watch-worker";

/// What is needed to watch one site.
pub struct WatchPlan {
    /// Its name.
    pub site: SiteName,
    /// As lamp.toml describes it.
    pub config: SiteConfig,
    /// The key to its side door; `None`: releases cannot be asked, and nothing is ever found bad.
    pub door: Option<Arc<dyn DoorKeeper>>,
    /// Lamp's own program, which becomes the log worker.
    pub program: PathBuf,
    /// The agent's own state directory.
    pub state_dir: PathBuf,
}

impl WatchPlan {
    /// Whether there is more to it than the end of trouble.
    pub(crate) fn is_watched(&self) -> bool {
        match self.config.watch {
            Watching::On => true,
            Watching::Off => false,
        }
    }

    /// Starts the log worker on the logs as they stand now.
    fn worker(&self) -> Result<Worker, HandsError> {
        let program = Program {
            path: self.program.clone(),
            args: vec![VERB.into()],
        };
        let logs = Logs {
            access: self.log(self.config.access_log.as_path())?,
            error: match &self.config.error_log {
                Some(path) => Some(self.log(path.as_path())?),
                None => None,
            },
        };
        Ok(Worker::start(program, logs))
    }

    fn log(&self, path: &std::path::Path) -> Result<LogFile, HandsError> {
        let host = Reach(self.config.clone()).host();
        let (dir, name) = host.dir_of(path).map_err(|error| HandsError::failed(&error))?;
        let name = name.to_string_lossy().into_owned();
        Ok(LogFile { dir, name })
    }
}
