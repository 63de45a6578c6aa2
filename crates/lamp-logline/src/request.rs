//! What a visitor asked for, as the access log quotes it: nothing of it is believed, some of it may be asked again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest path that is kept, in bytes.
pub const PATH_MAX_BYTES: usize = 2_048;

/// The request line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    /// Its method.
    pub method: Method,
    /// What it asks for.
    pub target: Target,
}

/// What is to be done with the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Safe: it may be repeated.
    Get,
    /// Safe, without a body.
    Head,
    /// Not safe.
    Post,
    /// Another, real or made up.
    Other,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A path of this site.
    Origin {
        /// As it was sent, without its query; begins with one slash, at most [`PATH_MAX_BYTES`] of visible ASCII.
        path: String,
        /// Whether a query followed.
        has_query: bool,
    },
    /// Anything else: another site's address, `*`, escapes, a path that is too long.
    Other,
}

impl RequestLine {
    /// Reads what the log has behind its trusted fields: the request line in quotes.
    pub fn parse(quoted: &[u8]) -> Option<Self> {
        let line = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let line = std::str::from_utf8(line).ok()?;
        let (method, rest) = line.split_once(' ')?;
        let target = rest.rsplit_once(' ').map_or(rest, |(target, _protocol)| target);
        Some(Self {
            method: Method::of(method),
            target: Target::of(target),
        })
    }

    /// The path, if the request is for one.
    pub fn path(&self) -> Option<&str> {
        match &self.target {
            Target::Origin { path, .. } => Some(path),
            Target::Other => None,
        }
    }
}

impl Method {
    fn of(text: &str) -> Self {
        match text {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            _ => Self::Other,
        }
    }
}

impl Target {
    fn of(text: &str) -> Self {
        let (path, has_query) = text
            .split_once('?')
            .map_or((text, false), |(path, _)| (path, true));
        let plain = path.len() <= PATH_MAX_BYTES
            && path.starts_with('/')
            && !path.starts_with("//")
            && path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#');
        if plain {
            let path = path.to_owned();
            Self::Origin { path, has_query }
        } else {
            Self::Other
        }
    }
}

/// A path that may be asked for with GET: of this site, without a query, without steps upwards.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AskablePath(String);

/// A text is no path that may be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a path that may be asked for")]
pub struct NotAskable;

impl AskablePath {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self, NotAskable> {
        let Target::Origin { path, has_query } = Target::of(text) else {
            return Err(NotAskable);
        };
        let climbs = path.split('/').any(|segment| {
            let plain = segment.to_ascii_lowercase().replace("%2e", ".");
            plain == "." || plain == ".."
        });
        let hides = ["%00", "%2f", "%5c"]
            .iter()
            .any(|hidden| path.to_ascii_lowercase().contains(hidden));
        if has_query || climbs || hides {
            return Err(NotAskable);
        }
        Ok(Self(path))
    }

    /// The path of a request that may be asked again as it was: a GET without a query.
    pub fn of(request: &RequestLine) -> Option<Self> {
        match (&request.method, &request.target) {
            (
                Method::Get,
                Target::Origin {
                    path,
                    has_query: false,
                },
            ) => Self::parse(path).ok(),
            _ => None,
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AskablePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AskablePath {
    type Error = NotAskable;
    fn try_from(text: String) -> Result<Self, NotAskable> {
        Self::parse(&text)
    }
}

impl From<AskablePath> for String {
    fn from(path: AskablePath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(request: &str, askable: Option<&str>) {
        let request = RequestLine::parse(format!("\"{request}\"").as_bytes());
        let path = request.as_ref().and_then(AskablePath::of);
        assert_eq!(path.as_ref().map(AskablePath::as_str), askable, "{request:?}");
    }

    #[test]
    fn only_a_plain_get_of_this_site_may_be_asked_again() {
        check("GET / HTTP/1.1", Some("/"));
        check(
            "GET /blog/2026/caf%C3%A9/ HTTP/2.0",
            Some("/blog/2026/caf%C3%A9/"),
        );
        check("GET /", Some("/"));
        for no in [
            "POST / HTTP/1.1",
            "HEAD / HTTP/1.1",
            "get / HTTP/1.1",
            "FOO /style.css HTTP/1.1",
            "GET /?x=1 HTTP/1.1",
            "GET //evil.example/ HTTP/1.1",
            "GET http://evil.example/ HTTP/1.1",
            "GET * HTTP/1.1",
            r"GET /\x01 HTTP/1.1",
            r#"GET /\" HTTP/1.1"#,
            "GET /a b HTTP/1.1",
            "GET /../etc/passwd HTTP/1.1",
            "GET /a/%2E%2e/b HTTP/1.1",
            "GET /a%2fb HTTP/1.1",
            "GET /a#b HTTP/1.1",
            "GET",
            "",
            "-",
        ] {
            check(no, None);
        }
        check(&format!("GET /{} HTTP/1.1", "a".repeat(PATH_MAX_BYTES)), None);
    }

    #[test]
    fn what_is_not_in_quotes_is_no_request() {
        for bad in ["", "\"", "GET / HTTP/1.1", "\"GET / HTTP/1.1", "\"\u{ff}"] {
            assert_eq!(RequestLine::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
