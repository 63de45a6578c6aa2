//! What the agent and its log worker say to each other: frames of `lamp_fleet::protocol`, one worker for each site.
//!
//! The first message is [`ToWorker::Watch`], with the logs' directories beside it as open descriptors: once it has them the worker gives up
//! all other rights. Nothing of a log's text comes back but what is checked and bounded here.

use jiff::Timestamp;
use lamp_logline::AskablePath;
use lamp_model::ReleaseId;
use lamp_model::evidence::{ErrorSignature, Impact};
use serde::{Deserialize, Serialize};

/// The version of these messages; both sides are one program, so another one is an error.
pub const VERSION: u32 = 1;
/// Most paths that one suspicion proposes to ask for.
pub const ASKS_MAX: usize = 3;
/// Longest shape of a route or name of a thing in a message, in bytes.
pub const TEXT_MAX_BYTES: usize = 200;

/// What the agent says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "say", deny_unknown_fields)]
pub enum ToWorker {
    /// Follow these logs. Beside it: the access log's directory and, if there is an error log, the directory of that.
    Watch {
        /// [`VERSION`].
        version: u32,
        /// The access log's name in its directory.
        access_log: String,
        /// The error log's.
        error_log: Option<String>,
    },
    /// What answers now.
    Live(Live),
    /// Count what visitors went through; answered by [`FromWorker::Impact`] of the same number.
    CountImpact {
        /// Whichever the agent likes.
        number: u64,
        /// Only answers of this release; `None`: of any.
        release: Option<ReleaseId>,
        /// Answers completed at this time or later.
        since: Timestamp,
    },
}

/// Which release answers visitors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// It; `None`: nothing is watched for failures, only counted.
    pub release: Option<ReleaseId>,
    /// Since when; earlier failures are its past, not news.
    pub since: Option<Timestamp>,
    /// The release before it, whose failures are no news either; `None`: there is none.
    pub before: Option<ReleaseId>,
}

/// What the worker says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "say", deny_unknown_fields)]
pub enum FromWorker {
    /// It has given up its rights and follows the logs.
    Ready,
    /// How a log is, at the beginning and whenever that changes.
    Log {
        /// Which.
        log: LogName,
        /// How.
        state: LogState,
    },
    /// The live release failed as it was never seen to: ask.
    Suspect(Box<Suspect>),
    /// A request of ours through the side door has been logged.
    Sighted(Box<Sighting>),
    /// What visitors did since the last time, once a second if they did anything.
    Traffic(Traffic),
    /// What was asked for.
    Impact {
        /// As asked.
        number: u64,
        /// The counts.
        impact: Impact,
    },
}

/// Which of a site's logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they say it")]
pub enum LogName {
    Access,
    Error,
}

impl std::fmt::Display for LogName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Access => "access log",
            Self::Error => "error log",
        })
    }
}

/// How a log is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "state", deny_unknown_fields)]
pub enum LogState {
    /// It is followed.
    #[error("is followed")]
    Followed,
    /// There is none.
    #[error("is not there: does the site's virtual host write it, and not to a pipe or to syslog?")]
    Missing,
    /// What stands there is no file.
    #[error("is no file but a {kind}")]
    NotAFile {
        /// What it is.
        kind: String,
    },
    /// It may not be read, or reading fails.
    #[error("cannot be read: {why}")]
    Unreadable {
        /// What the kernel says.
        why: String,
    },
    /// Its lines are not ours.
    #[error(
        "is not in our format ({field} is not what it should be); `lamp apache lines` prints the lines that write it"
    )]
    WrongFormat {
        /// The first field that is wrong.
        field: String,
    },
    /// More was written than can be read; the middle was passed over.
    #[error("is written faster than it is read: {bytes} bytes were passed over")]
    PassedOver {
        /// How much.
        bytes: u64,
    },
}

/// Why visitors' failures are worth a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspect {
    /// The release that failed.
    pub release: ReleaseId,
    /// The shape of the route, for people.
    pub route: String,
    /// What was answered.
    pub status: Option<u16>,
    /// The error that was logged for that request. Under php-fpm a visitor may have a hand in its words.
    pub error: Option<ErrorSignature>,
    /// When the failed answer was complete.
    pub first_failed_at: Timestamp,
    /// What may be asked, the best first; empty: nothing safe is known.
    pub asks: Vec<Ask>,
    /// Failed requests of this release so far, and the clients that they came from.
    pub failed_requests: u64,
    /// Different ones.
    pub failed_clients: u64,
}

impl Suspect {
    /// A suspicion that comes of a probe of ours instead of the log: no visitor has failed yet.
    pub fn of_probe(release: ReleaseId, path: AskablePath, at: Timestamp) -> Self {
        Self {
            release,
            route: path.to_string(),
            status: None,
            error: None,
            first_failed_at: at,
            asks: vec![Ask { path, was_well: true }],
            failed_requests: 0,
            failed_clients: 0,
        }
    }
}

/// A path that may be asked for, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// It.
    pub path: AskablePath,
    /// Whether visitors got 2xx or 3xx on it before. Only such a path can show that a site is down: a path that never
    /// answered may be a visitor's invention.
    pub was_well: bool,
}

/// A request through the side door, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// The release that answered.
    pub release: Option<ReleaseId>,
    /// The path, if it is one that may be asked for.
    pub path: Option<AskablePath>,
    /// What was answered.
    pub status: Option<u16>,
    /// When the request was received.
    pub begun_at: Timestamp,
    /// The worst error that was logged for it: no visitor has a hand in that.
    pub error: Option<ErrorSignature>,
}

/// What visitors did in about a second.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Requests that ended.
    pub requests: u64,
    /// Of these, failed ones of the live release.
    pub failed: u64,
    /// Of these, ones answered by the live release without a failure.
    pub well: u64,
    /// The release that was live.
    pub release: Option<ReleaseId>,
}
