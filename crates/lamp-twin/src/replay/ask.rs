//! Asking the site in the twin, and hearing what PHP says meanwhile.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lamp_fleet::{Dir, Kind};
use lamp_http::error::chain;
use lamp_http::{Answer, Client, HttpError, Request};
use lamp_logline::{AccessLine, clean};
use lamp_model::ReleaseId;
use lamp_model::clock::Clock;
use lamp_model::evidence::ErrorSignature;

use super::fatal;
use super::skeleton::Skeleton;
use crate::error::TwinError;
use crate::plan::RehearsalPlan;
use crate::twin::Twin;

/// Where Apache and php-fpm log, as Debian has it.
const LOG_DIRS: [&str; 2] = ["/var/log/apache2", "/var/log"];
/// What is read of one log after one request, in bytes; what is more is passed over.
const LOG_MAX_BYTES: u64 = 1 << 20;
/// Looks for the access log's line of a request that was answered, and the time between two.
const LINE_LOOKS_MAX: u32 = 50;
const LINE_LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Longest address of a redirect that is kept, in bytes.
const LOCATION_MAX_BYTES: usize = 300;

/// One answer, and what was logged because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) outcome: Outcome,
    /// Errors that ended the request.
    pub(crate) fatals: Vec<ErrorSignature>,
    pub(crate) took: Duration,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A complete answer.
    Answered(Answered),
    /// None in time.
    Hang {
        /// How long was waited.
        after: Duration,
    },
    /// The connection ended without one.
    Broken {
        /// In words.
        why: String,
    },
}

/// What counts of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// Where a redirect leads.
    pub(crate) location: Option<String>,
    /// The content's type, as in `text/html`.
    pub(crate) kind: String,
    pub(crate) skeleton: Skeleton,
    /// The page itself, for its links, if it is one.
    pub(crate) page: Option<String>,
}

impl Reply {
    /// The page, if the answer is one.
    pub(crate) fn page(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Answered(answered) => answered.page.as_deref(),
            Outcome::Hang { .. } | Outcome::Broken { .. } => None,
        }
    }
}

/// Asks the twin, one request at a time.
pub(crate) struct Asker<'a> {
    twin: &'a Twin,
    plan: &'a RehearsalPlan,
    client: Client,
    /// How far each log has been read.
    read: BTreeMap<PathBuf, u64>,
    clock: &'a dyn Clock,
    /// The release that is switched to, and when that was.
    release: Option<(ReleaseId, Timestamp)>,
}

impl<'a> Asker<'a> {
    pub(crate) fn new(
        twin: &'a Twin,
        plan: &'a RehearsalPlan,
        clock: &'a dyn Clock,
    ) -> Result<Self, TwinError> {
        let client = twin.client()?.timeout(plan.bounds.request_max);
        let client = client.body_max_bytes(plan.bounds.body_max_bytes).build()?;
        Ok(Self {
            twin,
            plan,
            client,
            read: BTreeMap::new(),
            clock,
            release: None,
        })
    }

    pub(crate) const fn request_max(&self) -> Duration {
        self.plan.bounds.request_max
    }

    /// From here on `release` answers.
    pub(crate) fn switch(&mut self, release: &ReleaseId) -> Result<(), TwinError> {
        self.twin.switch(release)?;
        self.release = Some((release.clone(), self.clock.now()));
        // What was logged until now is of no request that will be asked.
        self.logged().map(drop)
    }

    /// Asks for `path`; no redirect is followed.
    pub(crate) async fn ask(&mut self, path: &str, patience: Duration) -> Result<Reply, TwinError> {
        let begun = Instant::now();
        let outcome = match tokio::time::timeout(patience, self.client.get(Request::new(path))).await {
            Ok(Ok(answer)) => Outcome::Answered(answered(&answer)),
            Ok(Err(HttpError::TimedOut { after })) => Outcome::Hang { after },
            Ok(Err(error)) => Outcome::Broken {
                why: clean::one_line(&chain(&error), LOCATION_MAX_BYTES),
            },
            Err(_) => Outcome::Hang { after: patience },
        };
        let took = begun.elapsed();
        let logged = self.logged()?;
        let fatals = self
            .release
            .as_ref()
            .map(|(release, _)| fatal::fatals(&logged, release));
        Ok(Reply {
            outcome,
            fatals: fatals.unwrap_or_default(),
            took,
        })
    }

    /// What all error logs of the twin have more than when they were read last.
    fn logged(&mut self) -> Result<Vec<u8>, TwinError> {
        let mut new = Vec::new();
        for (dir, name) in self.error_logs() {
            let path = dir.path().join(&name);
            let from = self.read.get(&path).copied().unwrap_or_default();
            // What runs in the twin may have put anything in its place.
            let Ok((file, meta)) = dir.open_file(&name) else {
                continue;
            };
            let from = if meta.size < from { 0 } else { from };
            let more = usize::try_from((meta.size - from).min(LOG_MAX_BYTES)).unwrap_or_default();
            let at = new.len();
            new.resize(at + more, 0);
            let read = file
                .read_at(new.get_mut(at..).unwrap_or_default(), from)
                .unwrap_or_default();
            new.truncate(at + read);
            new.push(b'\n');
            self.read.insert(path, meta.size);
        }
        Ok(new)
    }

    /// They were all empty when the twin began, so whatever stands in them is of what was asked since.
    fn error_logs(&self) -> Vec<(Dir, PathBuf)> {
        let own = self.plan.site.error_log.as_ref().map(|path| path.as_path());
        let own_dir = own
            .and_then(Path::parent)
            .filter(|dir| LOG_DIRS.iter().all(|known| dir != &Path::new(known)));
        let dirs = LOG_DIRS.iter().map(Path::new).chain(own_dir);
        let mut logs = Vec::new();
        for dir in dirs.filter_map(|dir| self.twin.host().dir(dir).ok()) {
            for (name, kind) in dir.names().unwrap_or_default() {
                let text = name.to_string_lossy();
                if kind == Kind::File
                    && (text.contains("error") || text.contains("fpm"))
                    && let Ok(dir) = dir.try_clone()
                {
                    logs.push((dir, PathBuf::from(&name)));
                }
            }
        }
        logs
    }

    /// Refuses if the twin's own access log says that another release than `wanted` answered a request begun since the last
    /// switch; in words, if it says nothing.
    pub(crate) async fn unseen(&self, wanted: &ReleaseId) -> Result<Option<String>, TwinError> {
        let since = self.release.as_ref().map(|(_, at)| *at).unwrap_or_default();
        for _ in 0..LINE_LOOKS_MAX {
            let lines = self.access_lines();
            let mut answered = lines
                .into_iter()
                .filter(|line| line.begun_at > since)
                .filter_map(|line| line.release);
            if let Some(first) = answered.next() {
                return refuse_other(std::iter::once(first).chain(answered), wanted).map(|()| None);
            }
            // Apache writes the line when the answer is sent already.
            tokio::time::sleep(LINE_LOOK_AGAIN).await;
        }
        Ok(Some(
            "which release answered in the twin is not to be seen in its log".to_owned(),
        ))
    }

    /// What of the access log can be read: its end, if it is long.
    fn access_lines(&self) -> Vec<AccessLine> {
        let opened = self.twin.host().dir_of(self.plan.site.access_log.as_path()).ok();
        let Some((file, meta)) = opened.and_then(|(dir, name)| dir.open_file(name).ok()) else {
            return Vec::new();
        };
        let from = meta.size.saturating_sub(LOG_MAX_BYTES);
        let mut bytes = vec![0; usize::try_from(meta.size - from).unwrap_or_default()];
        let read = file.read_at(&mut bytes, from).unwrap_or_default();
        bytes.truncate(read);
        bytes
            .split(|byte| *byte == b'\n')
            .filter_map(|line| AccessLine::parse(line).ok())
            .collect()
    }
}

fn refuse_other(mut answered: impl Iterator<Item = ReleaseId>, wanted: &ReleaseId) -> Result<(), TwinError> {
    match answered.find(|release| release != wanted) {
        None => Ok(()),
        Some(found) => Err(TwinError::OtherRelease {
            wanted: wanted.clone(),
            found,
        }),
    }
}

fn answered(answer: &Answer) -> Answered {
    let kind = answer
        .header("content-type")
        .and_then(|kind| kind.split(';').next());
    let kind = kind.unwrap_or_default().trim().to_ascii_lowercase();
    let page = (kind == "text/html" || kind == "application/xhtml+xml").then(|| answer.text());
    Answered {
        status: answer.status.as_u16(),
        // Without its query, where nonces stand.
        location: answer
            .header("location")
            .map(|to| clean::one_line(to.split('?').next().unwrap_or_default(), LOCATION_MAX_BYTES)),
        kind: clean::one_line(&kind, LOCATION_MAX_BYTES),
        skeleton: page.as_deref().map(Skeleton::of).unwrap_or_default(),
        page,
    }
}
