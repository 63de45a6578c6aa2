//! One line of our own error log.

use std::net::IpAddr;

use jiff::civil::DateTime;
use lamp_model::ReleaseId;

use crate::clean;
use crate::field::{self, Fields, LogId, Unreadable};

/// Lines of at least this many bytes may have been cut by Apache, whose own bound is 8,192: what stands at their end is whatever a visitor
/// put there.
pub const CUT_FROM_BYTES: usize = 7_900;
/// Longest name of a module that is kept, in bytes.
const MODULE_MAX_BYTES: usize = 40;

/// One thing that Apache, or PHP through Apache, complained of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorLine {
    /// When, by the clock and zone of the host: Apache writes no other here.
    pub at: DateTime,
    /// How bad, as Apache ranks it; `None` for what belongs to no rank.
    pub severity: Option<Severity>,
    /// The worker.
    pub pid: Option<i32>,
    /// Who asked for what failed.
    pub client: Option<IpAddr>,
    /// The request's id in both logs; `None`: it belongs to no request.
    pub log_id: Option<LogId>,
    /// The module of Apache that logged it: `php`, `proxy_fcgi`, `core`.
    pub module: Option<String>,
    /// The release, as the note says that PHP too can write: the access line of the same request knows better.
    pub release: Option<ReleaseId>,
    /// What was said, escapes undone: other people's words, not yet fit to be shown.
    pub message: String,
    /// Whether its end may be missing.
    pub is_cut: bool,
}

/// Apache's ranks, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "Apache's own words")]
pub enum Severity {
    Emerg,
    Alert,
    Crit,
    Error,
    Warn,
    Notice,
    Info,
    Debug,
}

impl ErrorLine {
    /// Reads one line, without its end.
    pub fn parse(line: &[u8]) -> Result<Self, Unreadable> {
        let mut fields = Fields::new(line)?;
        let date = fields.next("the date", |text| text.parse().ok())?;
        let time = fields.next("the time", |text| text.parse().ok())?;
        Ok(Self {
            at: DateTime::from_parts(date, time),
            severity: fields.optional("the severity", Severity::read)?,
            pid: fields.optional("the process id", |text| text.parse().ok().filter(|pid| *pid > 0))?,
            client: fields.optional("the client", field::client)?,
            log_id: fields.optional("the request's id", LogId::parse)?,
            module: fields.optional("the module", module)?,
            release: fields.optional("the release", |text| ReleaseId::parse(text).ok())?,
            message: String::from_utf8_lossy(&clean::unescape(fields.rest())).into_owned(),
            is_cut: line.len() >= CUT_FROM_BYTES,
        })
    }
}

impl Severity {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "emerg" => Self::Emerg,
            "alert" => Self::Alert,
            "crit" => Self::Crit,
            "error" => Self::Error,
            "warn" => Self::Warn,
            "notice" => Self::Notice,
            "info" => Self::Info,
            text if text.starts_with("debug") || text.starts_with("trace") => Self::Debug,
            _ => return None,
        })
    }
}

fn module(text: &str) -> Option<String> {
    let valid = text.len() <= MODULE_MAX_BYTES
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    (valid && !text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        r"2026-11-22 13:54:05.105453 error 18 192.0.2.7:52700 8NJ4z33CIWQ php r1 PHP Fatal error:  a\nb\x1b";

    #[track_caller]
    fn refused(line: &str, field: &'static str) {
        let refused = ErrorLine::parse(line.as_bytes());
        assert_eq!(refused, Err(Unreadable::Field(field)), "{line}");
    }

    #[test]
    fn every_field_is_read() {
        let line = ErrorLine::parse(GOOD.as_bytes()).expect("a line of the format");
        assert_eq!(line.at.to_string(), "2026-11-22T13:54:05.105453");
        assert_eq!((line.severity, line.pid), (Some(Severity::Error), Some(18)));
        assert_eq!(line.client, "192.0.2.7".parse().ok());
        assert_eq!(line.log_id.as_ref().map(LogId::as_str), Some("8NJ4z33CIWQ"));
        assert_eq!(line.module.as_deref(), Some("php"));
        assert_eq!(line.release.as_ref().map(ReleaseId::as_str), Some("r1"));
        assert_eq!(line.message, "PHP Fatal error:  a\nb\u{1b}");
        let bare = "2026-11-22 13:54:03.829140 notice 15 - - core - AH00094: Command line";
        let line = ErrorLine::parse(bare.as_bytes()).expect("a line of the format");
        assert_eq!((line.client, line.log_id, line.release), (None, None, None));
    }

    #[test]
    fn what_is_no_line_is_refused_by_its_first_wrong_field() {
        refused("", "the date");
        refused("PHP message: raw standard error of a worker", "the date");
        // Apache's own format.
        refused(
            "[Sun Nov 22 13:54:03.829140 2026] [core:notice] [pid 15] AH00094: x",
            "the date",
        );
        refused("2026-11-22", "the time");
        refused("2026-11-22 25:00:00", "the time");
        refused("2026-11-22 13:54:05.1 fatal 18", "the severity");
        refused("2026-11-22 13:54:05.1 error -18", "the process id");
        refused("2026-11-22 13:54:05.1 error 18 x", "the client");
        refused("2026-11-22 13:54:05.1 error 18 ::1 a\"", "the request's id");
        refused("2026-11-22 13:54:05.1 error 18 ::1 abc php/8", "the module");
        refused("2026-11-22 13:54:05.1 error 18 ::1 abc php ../x", "the release");
    }

    #[test]
    fn a_line_as_long_as_apache_makes_them_counts_as_cut() {
        let long = format!("{GOOD}{}", "x".repeat(CUT_FROM_BYTES));
        let is_cut = |line: &str| ErrorLine::parse(line.as_bytes()).map(|line| line.is_cut);
        assert_eq!((is_cut(GOOD), is_cut(&long)), (Ok(false), Ok(true)));
    }
}
