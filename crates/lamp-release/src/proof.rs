//! The proof that the switch reached every worker: from our own access log and the living workers.
//!
//! Every worker that lives at the end of the bake has answered its latest request since the switch from the
//! new release, or has had none. A request begun before the switch may rightly end from the release before.
//!
//! Not one line of the new release in the log means that we are blind, and that is never "good".

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use lamp_fleet::{DirError, Host, HostError};
use lamp_model::ReleaseId;
use lamp_model::clock::Clock;
use lamp_model::event::Reason;

pub mod line;

use line::{LINE_MAX_BYTES, Line};

/// How long a line of the new release is waited for: Apache writes it behind the answer.
const LINE_WAIT: Duration = Duration::from_secs(2);
/// How often the log is looked at while waiting.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Most of the log that is read for one proof, in bytes; more than that in one bake is not a site of one host.
const LOG_MAX_BYTES: u64 = 1 << 30;
/// Bytes read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Where the log ended when the switch was about to be made.
#[derive(Debug)]
pub struct LogMark {
    path: PathBuf,
    /// The file as it was: still readable after a rotation.
    file: Option<File>,
    offset: u64,
}

/// What is to be proven.
#[derive(Debug)]
pub struct Claim<'a> {
    /// Every worker answers from this release.
    pub release: &'a ReleaseId,
    /// Since then, by the wall clock that Apache stamps its requests with.
    pub switched_at: Timestamp,
    /// Where Apache writes its process id.
    pub apache_pid_file: &'a Path,
}

/// What the workers were seen to do since the switch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkersProof {
    /// Their latest request was answered from the new release.
    pub answered_new: Vec<i32>,
    /// They have had no request since the switch.
    pub idle: Vec<i32>,
    /// Their latest request was answered from another release.
    pub behind: Vec<i32>,
}

/// Why nothing could be proven.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The host.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The log.
    #[error("read the access log {}", path.display())]
    Log {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No line of the new release is in it, though our own probes asked for it.
    #[error("the access log {} shows no request that release {release} answered, though our own probes were", path.display())]
    Blind {
        /// Which log.
        path: PathBuf,
        /// Which release.
        release: ReleaseId,
    },
    /// Our own probes were answered all the time, or not, but never by the release.
    #[error(
        "release {release} answered nobody: the probe of {probe} {answer}, and the access log {} does not show it",
        path.display()
    )]
    Unmet {
        /// Which log.
        path: PathBuf,
        /// Which release.
        release: ReleaseId,
        /// The path asked for.
        probe: String,
        /// What came back last, as in `answered 404`.
        answer: String,
    },
}

impl ProofError {
    /// What to do about it, as a sentence for people.
    pub const fn way_out(&self) -> &'static str {
        match self {
            Self::Host(_) | Self::Log { .. } => "name Apache's own log and pid file in lamp.toml",
            Self::Blind { .. } | Self::Unmet { .. } => {
                "look whether Apache was reloaded since the lines of `lamp apache lines SITE` are in the site's virtual host, and \
                 whether BufferedLogs is off"
            }
        }
    }
}

impl From<DirError> for ProofError {
    fn from(error: DirError) -> Self {
        Self::Host(error.into())
    }
}

impl WorkersProof {
    /// Fit to be confirmed, or the reason to go back.
    pub fn verdict(&self) -> Result<(), Reason> {
        if self.behind.is_empty() {
            return Ok(());
        }
        Err(Reason::WorkersBehind {
            pids: self.behind.clone(),
        })
    }
}

/// Which of the living workers answered from where, as the log's lines say.
pub fn judge(living: &[i32], seen: &Seen) -> WorkersProof {
    let mut proof = WorkersProof::default();
    for pid in living {
        match seen.latest.get(pid) {
            None => proof.idle.push(*pid),
            Some(Answered::New) => proof.answered_new.push(*pid),
            Some(Answered::Other) => proof.behind.push(*pid),
        }
    }
    proof
}

/// From where a worker's latest request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    New,
    Other,
}

/// What the log's lines say of each worker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    latest: BTreeMap<i32, Answered>,
}

impl Seen {
    /// Takes one line in. Side-door requests chose their release, and requests without one chose none.
    pub fn take(&mut self, line: &Line, release: &ReleaseId, switched_at: Timestamp) {
        let Some(answered) = &line.release else {
            return;
        };
        if line.is_door || line.begun_micros <= i128::from(switched_at.as_microsecond()) {
            return;
        }
        let answered = if answered == release {
            Answered::New
        } else {
            Answered::Other
        };
        self.latest.insert(line.pid, answered);
    }

    fn has_new(&self) -> bool {
        self.latest.values().any(|answered| *answered == Answered::New)
    }
}

/// Notes where the log ends now. A log that is not there yet begins at its start.
pub fn mark(host: &Host, path: &Path) -> Result<LogMark, ProofError> {
    let (dir, name) = host.dir_of(path)?;
    let (file, offset) = match dir.open_file(name) {
        Ok((file, meta)) => (Some(file), meta.size),
        Err(error) if error.is_not_found() => (None, 0),
        Err(error) => return Err(error.into()),
    };
    Ok(LogMark {
        path: path.to_owned(),
        file,
        offset,
    })
}

/// Whether the log shows, from `mark` on, that the release answered anybody.
pub fn has_answered(host: &Host, mark: &LogMark, claim: &Claim<'_>) -> Result<bool, ProofError> {
    Ok(mark.read(host, claim)?.has_new())
}

/// Reads the log from `mark` on, and holds it against the workers that live now.
pub async fn prove(
    host: &Host,
    mark: &LogMark,
    claim: &Claim<'_>,
    clock: &dyn Clock,
) -> Result<WorkersProof, ProofError> {
    let begun = clock.boot_time();
    loop {
        let seen = mark.read(host, claim)?;
        if seen.has_new() {
            let apache = host.pid_in(claim.apache_pid_file)?;
            return Ok(judge(&host.children_of(apache)?, &seen));
        }
        if clock
            .boot_time()
            .since(&begun)
            .is_none_or(|waited| waited >= LINE_WAIT)
        {
            return Err(ProofError::Blind {
                path: mark.path.clone(),
                release: claim.release.clone(),
            });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

impl LogMark {
    /// What the lines since the mark say: the rest of the file that was noted, and all of a newer one.
    fn read(&self, host: &Host, claim: &Claim<'_>) -> Result<Seen, ProofError> {
        let mut seen = Seen::default();
        let mut take = |line: &[u8]| {
            if let Ok(line) = line::parse(line) {
                seen.take(&line, claim.release, claim.switched_at);
            }
        };
        let failed = |source| ProofError::Log {
            path: self.path.clone(),
            source,
        };
        let (dir, name) = host.dir_of(&self.path)?;
        let now = match dir.open_file(name) {
            Ok(opened) => Some(opened),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        let marked = self
            .file
            .as_ref()
            .map(|file| (file, lamp_fleet::file::meta(file)));
        if let Some((file, meta)) = marked {
            let meta = meta.map_err(|errno| failed(errno.into()))?;
            // A log that was cut to nothing and begun anew is shorter than it was.
            let from = if meta.size < self.offset { 0 } else { self.offset };
            each_line(file, from, &mut take).map_err(failed)?;
            if now
                .as_ref()
                .is_some_and(|(_, now)| (now.dev, now.ino) == (meta.dev, meta.ino))
            {
                return Ok(seen);
            }
        }
        if let Some((file, _)) = now {
            each_line(&file, 0, &mut take).map_err(failed)?;
        }
        Ok(seen)
    }
}

/// Gives every complete line from `offset` on to `take`; a line that is too long is passed over.
fn each_line(file: &File, offset: u64, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut splitter = line::Splitter::new(LINE_MAX_BYTES);
    let mut at = offset;
    while at - offset < LOG_MAX_BYTES {
        match file.read_at(&mut chunk, at) {
            Ok(0) => break,
            Ok(read) => {
                splitter.take(&chunk[..read], take);
                at += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows `PID RELEASE SECONDS-AFTER-THE-SWITCH`, with ` door` behind a side-door request.
    #[track_caller]
    fn check(living: &[i32], rows: &[&str], (new, idle, behind): (&[i32], &[i32], &[i32])) {
        let switched_at: Timestamp = "2026-11-22T10:00:00Z".parse().expect("a time");
        let release = ReleaseId::parse("new").expect("a name");
        let mut seen = Seen::default();
        for row in rows {
            let words: Vec<_> = row.split(' ').collect();
            let after: i64 = words[2].parse().expect("seconds");
            let begun = switched_at.as_microsecond() + after * 1_000_000;
            let door = if words.get(3) == Some(&"door") { "1" } else { "-" };
            let text = format!(
                "200 {} {} {begun} 5 {door} 192.0.2.7 php \"GET /\"",
                words[1], words[0]
            );
            seen.take(
                &line::parse(text.as_bytes()).expect("a line"),
                &release,
                switched_at,
            );
        }
        let expected = WorkersProof {
            answered_new: new.to_vec(),
            idle: idle.to_vec(),
            behind: behind.to_vec(),
        };
        assert_eq!(judge(living, &seen), expected);
        assert_eq!(expected.verdict().is_ok(), behind.is_empty());
    }

    #[test]
    fn every_living_worker_is_judged_by_its_latest_request_since_the_switch() {
        check(&[1, 2], &["1 new 1", "2 new 2"], (&[1, 2], &[], &[]));
        check(&[1, 2], &["1 new 1"], (&[1], &[2], &[]));
        check(&[1, 2], &["1 new 1", "2 old 2"], (&[1], &[], &[2]));
        // Begun before the switch, ended behind it: rightly old.
        check(&[1], &["1 old -1"], (&[], &[1], &[]));
        check(&[1], &["1 old 1", "1 new 2"], (&[1], &[], &[]));
        check(&[1], &["1 new 1", "1 old 2"], (&[], &[], &[1]));
        // The side door chose its release, and a request without one chose none.
        check(&[1], &["1 old 1 door", "1 - 2"], (&[], &[1], &[]));
        // A worker that has ended answers no more.
        check(&[2], &["1 old 1"], (&[], &[2], &[]));
    }
}
