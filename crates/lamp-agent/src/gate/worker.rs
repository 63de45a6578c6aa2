//! The code of a release, looked at by an unprivileged process of its own: what it reads is a stranger's. It is
//! handed the release's directory and nothing else, and answers one typed value.

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use lamp_model::name::ReleaseId;
use lamp_model::port::Answer;
use lamp_model::reach::Inspection;
use lamp_release::SiteConfig;
use lamp_release::store::RELEASES;
use lamp_sandbox::confine::{AnswerBounds, run_worker};

use super::Checker;
use crate::hands::{HandsError, all_causes};
use crate::site_hands::{Reach, blocking};

/// The hidden verb of the worker.
const VERB: [&str; 2] = ["check-worker", "--in-background"];
/// Longest time for one release: a hundred times what the largest known application takes.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Longest answer, in bytes.
const ANSWER_MAX_BYTES: usize = 16 << 20;

/// Looks at the releases of one site.
pub struct CheckWorker {
    program: PathBuf,
    reach: Reach,
}

impl CheckWorker {
    /// By `program`, which is lamp's own.
    pub const fn new(program: PathBuf, site: SiteConfig) -> Self {
        Self {
            program,
            reach: Reach(site),
        }
    }
}

impl Checker for CheckWorker {
    fn check<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, Inspection, String> {
        let path = self.reach.0.store.as_path().join(RELEASES).join(release.as_str());
        let (program, host) = (self.program.clone(), self.reach.host());
        let looking = blocking(move || {
            let tree = host.dir(path).map_err(|error| HandsError::failed(&error))?;
            let bounds = AnswerBounds {
                answer_max_bytes: ANSWER_MAX_BYTES,
                time_max: TIME_MAX,
            };
            let answer = run_worker(&program, &VERB, tree.as_fd(), &bounds);
            answer.map_err(|error| HandsError::failed(&error))
        });
        Box::pin(async move {
            let answer = looking.await.map_err(|error| error.to_string())?;
            serde_json::from_slice(&answer).map_err(|error| {
                let why = all_causes(&error);
                format!("the worker's answer is no report: {why}")
            })
        })
    }
}
