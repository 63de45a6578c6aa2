//! What an answer means: 202 is taken, 400 is never taken, all else is another time.

use std::time::Duration;

use jiff::Timestamp;
use lamp_http::Answer;
use lamp_http::request::StatusCode;
use serde::Deserialize;

use crate::notifier::Said;
use crate::words::one_line;

/// Most of a receiver's words that are kept, in characters.
const WORDS_MAX_CHARS: usize = 500;

/// What PagerDuty says beside its status.
#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<String>,
}

/// Reads an answer that came at `now`.
pub(super) fn read(answer: &Answer, now: Timestamp) -> Said {
    if answer.status == StatusCode::ACCEPTED {
        return Said::Accepted;
    }
    let why = in_words(answer);
    let retry_after = answer.header("retry-after");
    let retry_after = retry_after.and_then(|text| wait_of(text, now));
    match answer.status {
        StatusCode::BAD_REQUEST => Said::Refused { why },
        StatusCode::TOO_MANY_REQUESTS => Said::TooMany { why, retry_after },
        _ => Said::NotNow { why, retry_after },
    }
}

fn in_words(answer: &Answer) -> String {
    let said = match serde_json::from_slice::<Words>(&answer.body) {
        Ok(Words { message, errors }) if errors.is_empty() => message,
        Ok(Words { message, errors }) => format!("{message}: {}", errors.join("; ")),
        Err(_) => answer.text(),
    };
    let status = answer.status.as_u16();
    let said = one_line(said.trim(), WORDS_MAX_CHARS);
    if said.is_empty() {
        return format!("answered {status}");
    }
    format!("answered {status}: {said}")
}

/// Seconds, or a date (RFC 9110, section 10.2.3).
fn wait_of(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Duration::try_from(date.timestamp().duration_since(now)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lamp_http::request::{HeaderMap, HeaderValue};

    const NOW: &str = "2026-11-22T06:40:00Z";

    #[track_caller]
    fn check(status: u16, retry_after: Option<&'static str>, body: &str, expected: Said) {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert("retry-after", HeaderValue::from_static(text));
        }
        let answer = Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers,
            body: body.into(),
        };
        assert_eq!(
            read(&answer, NOW.parse().expect("a time")),
            expected,
            "{status} {body}"
        );
    }

    fn not_now(why: &str, seconds: Option<u64>) -> Said {
        Said::NotNow {
            why: why.to_owned(),
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    fn too_many(seconds: Option<u64>) -> Said {
        Said::TooMany {
            why: "answered 429".to_owned(),
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    #[test]
    fn taken_is_202_alone_and_refused_is_400_alone() {
        check(
            202,
            None,
            r#"{"status":"success","message":"Event processed","dedup_key":"k"}"#,
            Said::Accepted,
        );
        let words = r#"{"status":"invalid event","message":"Event object is invalid","errors":["a is wrong","b too"]}"#;
        let why = "answered 400: Event object is invalid: a is wrong; b too".to_owned();
        check(400, None, words, Said::Refused { why });
        check(
            200,
            None,
            "<html>log in</html>",
            not_now("answered 200: <html>log in</html>", None),
        );
        check(302, None, "", not_now("answered 302", None));
        check(403, None, "", not_now("answered 403", None));
        check(500, None, "oops\nmore", not_now("answered 500: oops more", None));
    }

    #[test]
    fn a_wait_is_named_in_seconds_or_by_a_date() {
        check(429, None, "", too_many(None));
        check(429, Some("7"), "", too_many(Some(7)));
        check(429, Some("Sun, 22 Nov 2026 06:41:30 GMT"), "", too_many(Some(90)));
        check(429, Some("Sun, 22 Nov 2026 06:39:00 GMT"), "", too_many(None));
        check(429, Some("soon"), "", too_many(None));
        check(503, Some("30"), "", not_now("answered 503", Some(30)));
    }

    #[test]
    fn long_words_are_cut() {
        let body = "x".repeat(10_000);
        let why = format!("answered 500: {}…", "x".repeat(WORDS_MAX_CHARS - 1));
        check(500, None, &body, not_now(&why, None));
    }
}
