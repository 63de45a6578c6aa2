//! One line of our own access log.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use lamp_model::ReleaseId;

use crate::field::{self, Fields, LogId, Unreadable};
use crate::request::RequestLine;

/// What one request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLine {
    /// The final status; `None` when nothing was answered.
    pub status: Option<u16>,
    /// The release that answered; `None` for a request that came to none.
    pub release: Option<ReleaseId>,
    /// The worker, as Apache's host numbers it.
    pub pid: i32,
    /// When the request was received.
    pub begun_at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// Whether it came with the side door's key: one of ours, asked of a chosen release (`1`) or as visitors ask (`2`).
    pub is_door: bool,
    /// Who asked, by the address of the connection.
    pub client: IpAddr,
    /// What the error log calls the request; `None`: nothing was logged there because of it.
    pub log_id: Option<LogId>,
    /// What answered it in Apache.
    pub handler: Handler,
    /// What was asked; `None` if it cannot be read. Written by whoever asked.
    pub request: Option<RequestLine>,
}

/// What answers a request in Apache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handler {
    /// None in particular: a file, a redirect, a refusal.
    Plain,
    /// PHP, inside Apache or behind it.
    Php,
    /// Another.
    Other,
}

impl AccessLine {
    /// Reads one line, without its end.
    pub fn parse(line: &[u8]) -> Result<Self, Unreadable> {
        let mut fields = Fields::new(line)?;
        Ok(Self {
            status: fields.optional("the status", status)?,
            release: fields.optional("the release", |text| ReleaseId::parse(text).ok())?,
            pid: fields.next("the process id", |text| text.parse().ok().filter(|pid| *pid > 0))?,
            begun_at: fields.next("the begin", |text| {
                Timestamp::from_microsecond(text.parse().ok()?).ok()
            })?,
            took: fields.next("the duration", |text| {
                text.parse().ok().map(Duration::from_micros)
            })?,
            is_door: fields
                .optional("the door", |text| matches!(text, "1" | "2").then_some(()))?
                .is_some(),
            client: fields.next("the client", field::client)?,
            log_id: fields.optional("the request's id", LogId::parse)?,
            handler: fields.next("the handler", handler)?,
            request: RequestLine::parse(fields.rest()),
        })
    }

    /// When the answer was complete.
    pub fn ended_at(&self) -> Timestamp {
        self.begun_at.checked_add(self.took).unwrap_or(self.begun_at)
    }

    /// Whether the server failed at it: 5xx, whatever the method.
    pub fn is_server_error(&self) -> bool {
        self.status.is_some_and(|status| status >= 500)
    }

    /// Whether it was answered well: 2xx or 3xx.
    pub fn is_well(&self) -> bool {
        self.status.is_some_and(|status| (200..400).contains(&status))
    }
}

fn status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| (100..=999).contains(status))
}

/// Apache quotes the request line and nothing else of ours: a quote here is another format's.
fn handler(text: &str) -> Option<Handler> {
    Some(match text {
        "-" => Handler::Plain,
        text if text.is_empty() || text.contains('"') => return None,
        text if text.contains("httpd-php") || text.contains("fcgi://") => Handler::Php,
        _ => Handler::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Method, Target};

    const GOOD: &str = r#"500 20261122-101650-3f9a1c2b 4711 1795342610123456 812 - 192.0.2.7 kfp0z33CIWQ application/x-httpd-php "GET /a/b.php?x=1 HTTP/1.1""#;

    fn read(line: &str) -> AccessLine {
        AccessLine::parse(line.as_bytes()).expect("a line of the format")
    }

    #[track_caller]
    fn refused(line: &str, field: &'static str) {
        let refused = AccessLine::parse(line.as_bytes());
        assert_eq!(refused, Err(Unreadable::Field(field)), "{line}");
    }

    #[test]
    fn every_field_is_read() {
        let line = read(GOOD);
        assert_eq!((line.status, line.pid), (Some(500), 4711));
        assert_eq!(
            line.release.as_ref().map(ReleaseId::as_str),
            Some("20261122-101650-3f9a1c2b")
        );
        assert_eq!(line.begun_at.as_microsecond(), 1_795_342_610_123_456);
        assert_eq!(line.ended_at().as_microsecond(), 1_795_342_610_124_268);
        assert_eq!(line.client.to_string(), "192.0.2.7");
        assert_eq!(line.log_id.as_ref().map(LogId::as_str), Some("kfp0z33CIWQ"));
        assert_eq!((line.handler, line.is_door), (Handler::Php, false));
        let request = line.request.expect("a request");
        assert_eq!(request.method, Method::Get);
        assert_eq!(
            request.target,
            Target::Origin {
                path: "/a/b.php".to_owned(),
                has_query: true
            }
        );
        assert!(read(&GOOD.replace(" - ", " 1 ")).is_door);
        assert!(read(&GOOD.replace(" - ", " 2 ")).is_door);
    }

    #[test]
    fn what_is_not_there_is_a_dash() {
        let line = read(r#"408 - 12 5 6 - 2001:db8::1 - - "-""#);
        assert_eq!((line.release, line.log_id), (None, None));
        assert_eq!((line.handler, line.request), (Handler::Plain, None));
        let fcgi = r#"200 r1 12 5 6 - ::1 - proxy:unix:/run/fpm.sock|fcgi://localhost "GET / HTTP/2.0""#;
        assert_eq!(read(fcgi).handler, Handler::Php);
    }

    #[test]
    fn what_is_no_line_is_refused_by_its_first_wrong_field() {
        refused("", "the status");
        refused("ok rel 1 2 3 - ::1 - - ", "the status");
        refused("99 rel 1 2 3 - ::1 - - ", "the status");
        refused("200", "the release");
        refused("200 ../x 1 2 3 -", "the release");
        refused("200 rel 0 2 3 -", "the process id");
        refused("200 rel 1 now 3 -", "the begin");
        refused("200 rel 1 99999999999999999999 3 -", "the begin");
        refused("200 rel 1 9223372036854775807 3 -", "the begin");
        refused("200 rel 1 2 -3 -", "the duration");
        refused("200 rel 1 2 3 yes", "the door");
        refused("200 rel 1 2 3 - www.example", "the client");
        refused("200 rel 1 2 3 - ::1 a\"b", "the request's id");
        // The format before this one: without the request's id.
        refused(
            r#"200 rel 1 2 3 - ::1 application/x-httpd-php "GET / HTTP/1.1""#,
            "the handler",
        );
        // Apache's `combined`.
        refused(
            r#"192.0.2.7 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-""#,
            "the status",
        );
        let long = "2".repeat(crate::LINE_MAX_BYTES + 1);
        assert_eq!(AccessLine::parse(long.as_bytes()), Err(Unreadable::TooLong));
    }

    #[test]
    fn what_a_visitor_writes_changes_no_field_before_it() {
        let honest = read(GOOD);
        for request in [
            r#""GET / HTTP/1.1" 200 other 1 1 1 1"#,
            r#""500 other 1 2 3 1 ::1 - - \"GET / HTTP/1.1\"""#,
            r#""\n500 other 1 2 3 1 ::1 - - ""#,
            "",
            "\"",
        ] {
            let forged = format!("{}{request}", &GOOD[..GOOD.find('"').expect("there")]);
            let line = read(&forged);
            assert_eq!(
                AccessLine {
                    request: honest.request.clone(),
                    ..line
                },
                honest,
                "{forged}"
            );
        }
    }
}
