//! What the watcher saw, as evidence for a verdict: typed, bounded, without a visitor's own words except where
//! they were checked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::finding::CodePlace;
use crate::name::ReleaseId;

/// Longest message that an error's signature keeps, in bytes.
pub const MESSAGE_MAX_BYTES: usize = 500;

/// An error that PHP or Apache logged, without what differs from one request to the next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorSignature {
    /// Its kind.
    pub kind: ErrorKind,
    /// What it says; paths of the release are relative to it, numbers of requests and addresses are gone; at most
    /// [`MESSAGE_MAX_BYTES`], no control characters.
    pub message: String,
    /// The place that PHP named, if it lies in the release.
    pub place: Option<CodePlace>,
}

/// How bad a logged error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// PHP ends the request: fatal, uncaught, parse error.
    Fatal,
    /// PHP goes on.
    Warning,
    /// Apache's own.
    Apache,
}

/// The first failure that counts, and what was asked because of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The release that visitors met.
    pub release: Option<ReleaseId>,
    /// The path that was asked again: origin-form, no query.
    pub path: String,
    /// When the first visitor got a failed answer; `None`: no visitor did, a probe of ours failed.
    pub first_failed_at: Option<Timestamp>,
    /// When it was noticed.
    pub noticed_at: Timestamp,
    /// What the release answered when asked again, as in `answered 500`.
    pub answered: String,
    /// What the release before answered to the same; `None`: there is none, or it was not asked.
    pub before_answered: Option<String>,
    /// The first error of a kind that the release before never had.
    pub error: Option<ErrorSignature>,
    /// Requests of the release that did not end while it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hanging: Option<Hanging>,
    /// Failed requests of visitors seen so far.
    pub failed_requests: u64,
    /// The clients that they came from.
    pub failed_clients: u64,
}

/// Requests that do not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hanging {
    /// How many.
    pub requests: u64,
    /// How many of them have been computing all the time, while no request of the release ended: they wait for nobody, so nothing outside
    /// the release is to blame for them.
    pub computing: u64,
    /// For how long at least, in milliseconds.
    pub age_ms: u64,
}

impl std::fmt::Display for Hanging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            requests,
            computing,
            age_ms,
        } = self;
        write!(
            f,
            "{requests} request(s) of it have been going on for more than {age_ms} ms, {computing} of them without waiting for anything"
        )
    }
}

impl Evidence {
    /// What the release before answered, for people, as in `the release before answered 200`.
    pub fn before(&self) -> String {
        match &self.before_answered {
            Some(before) => format!("the release before {before}"),
            None => "there is no release before to ask".to_owned(),
        }
    }
}

/// What the watcher concludes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict", deny_unknown_fields)]
pub enum Verdict {
    /// The release fails where the one before answers: it goes back.
    Bad {
        /// What was seen.
        evidence: Box<Evidence>,
    },
    /// It fails, and going back would not mend it: a person is paged, nothing is switched.
    Hold {
        /// What is the matter.
        trouble: Box<Trouble>,
    },
}

/// What is the matter with a site when no release is to blame, or none is known to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "trouble", deny_unknown_fields)]
pub enum Trouble {
    /// Both releases fail, or there is only one.
    #[error("{} {}, and so does the release before", evidence.path, evidence.answered)]
    NotTheRelease {
        /// What was seen.
        evidence: Box<Evidence>,
    },
    /// Our own probes do not appear in the log that is followed.
    #[error("our own probes do not appear in {log}: the watcher is blind")]
    Blind {
        /// The log that is followed.
        log: String,
    },
    /// Requests do not end.
    #[error("{requests} request(s) have been going on for more than {age_ms} ms")]
    Hanging {
        /// How many.
        requests: u64,
        /// For how long at least, in milliseconds.
        age_ms: u64,
    },
    /// Requests fail that cannot be asked again: no safe GET among them.
    #[error("{failed_requests} request(s) failed, none of which can be asked again safely")]
    NotAskable {
        /// How many.
        failed_requests: u64,
    },
    /// A filesystem is nearly full.
    #[error("{}", disk_words(path, *free_bytes, room))]
    DiskNearlyFull {
        /// A path on it.
        path: String,
        /// What is left.
        free_bytes: u64,
        /// What else is known of its room.
        #[serde(default, skip_serializing_if = "is_default")]
        room: RoomLeft,
        /// How soon a person must see to it.
        #[serde(default, skip_serializing_if = "is_default")]
        urgency: Urgency,
    },
    /// The certificate that the site shows is no good, or soon will not be.
    #[error("{}", certificate_words(hostname, *until, *flaw))]
    Certificate {
        /// For which name.
        hostname: String,
        /// The end of its life.
        until: Timestamp,
        /// What is wrong with it.
        #[serde(default, skip_serializing_if = "is_default")]
        flaw: CertificateFlaw,
        /// How soon a person must see to it.
        #[serde(default, skip_serializing_if = "is_default")]
        urgency: Urgency,
    },
}

impl Trouble {
    /// What it is about, if not about what answers requests.
    pub fn subject(&self) -> Option<Subject> {
        match self {
            Self::DiskNearlyFull { path, .. } => Some(Subject::Disk { path: path.clone() }),
            Self::Certificate { hostname, .. } => Some(Subject::Certificate {
                hostname: hostname.clone(),
            }),
            Self::NotTheRelease { .. }
            | Self::Blind { .. }
            | Self::Hanging { .. }
            | Self::NotAskable { .. } => None,
        }
    }

    /// How soon a person must see to it: what visitors may be met by already has no time.
    pub const fn urgency(&self) -> Urgency {
        match self {
            Self::DiskNearlyFull { urgency, .. } | Self::Certificate { urgency, .. } => *urgency,
            Self::NotTheRelease { .. }
            | Self::Blind { .. }
            | Self::Hanging { .. }
            | Self::NotAskable { .. } => Urgency::Now,
        }
    }
}

/// What surrounds a site and has an incident of its own, so that its trouble hides no other and no other hides it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "subject", deny_unknown_fields)]
pub enum Subject {
    /// The filesystem that this path lies on.
    Disk {
        /// The path.
        path: String,
    },
    /// The certificate that is shown for this name.
    Certificate {
        /// The name.
        hostname: String,
    },
}

/// How soon a person must see to a trouble; the later one is the graver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// Within days.
    Soon,
    /// At once.
    #[default]
    Now,
}

/// What is known of a filesystem's room beside its free bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomLeft {
    /// All bytes that it has for others than root.
    #[serde(default)]
    pub total_bytes: Option<u64>,
    /// The free inodes, if it is those that run out.
    #[serde(default)]
    pub free_inodes: Option<u64>,
    /// After how many seconds nothing is left, as fast as it went lately.
    #[serde(default)]
    pub full_in_seconds: Option<u64>,
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateFlaw {
    /// Its life ends soon.
    #[default]
    EndsSoon,
    /// Its life is over.
    Over,
    /// Its life has not begun.
    NotYet,
    /// It is for other names.
    OtherName,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn disk_words(path: &str, free_bytes: u64, room: &RoomLeft) -> String {
    let of = |total| format!(" of {}", bytes(total));
    let left = match room.free_inodes {
        Some(inodes) => format!("{inodes} inodes"),
        None => format!(
            "{}{}",
            bytes(free_bytes),
            room.total_bytes.map_or_else(String::new, of)
        ),
    };
    let full = room.full_in_seconds.map_or_else(String::new, |seconds| {
        format!(", and is full in {} if it goes on so", rough_time(seconds))
    });
    format!("the filesystem of {path} has {left} free{full}")
}

fn certificate_words(hostname: &str, until: Timestamp, flaw: CertificateFlaw) -> String {
    let until = until.strftime("%Y-%m-%d %H:%M UTC");
    match flaw {
        CertificateFlaw::EndsSoon => format!("the certificate for {hostname} is valid until {until}"),
        CertificateFlaw::Over => format!("the certificate for {hostname} was valid until {until}"),
        CertificateFlaw::NotYet => {
            format!("the certificate for {hostname} is not valid yet (its end: {until})")
        }
        CertificateFlaw::OtherName => {
            format!("the certificate shown for {hostname} is for another name (its end: {until})")
        }
    }
}

/// Bytes for people: three digits and a binary unit.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = bytes as f64;
    let mut unit = 0;
    while scaled >= 1000.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{scaled:.1} {}", UNITS[unit]),
    }
}

/// A length of time for people, where no more than its order matters.
fn rough_time(seconds: u64) -> String {
    match seconds {
        ..7_200 => format!("about {} minutes", seconds / 60),
        7_200..172_800 => format!("about {} hours", seconds / 3_600),
        172_800.. => format!("about {} days", seconds / 86_400),
    }
}

/// What visitors went through in an incident, counted from the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Impact {
    /// Requests that got a failed answer.
    pub failed_requests: u64,
    /// Different clients that they came from.
    pub failed_clients: u64,
    /// Requests meanwhile, all in all.
    pub requests: u64,
    /// The first failed answer.
    pub first_failed_at: Option<Timestamp>,
    /// The last.
    pub last_failed_at: Option<Timestamp>,
}
