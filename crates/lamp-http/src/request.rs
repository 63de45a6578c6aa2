//! What is asked and what is answered.

pub use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
pub use reqwest::Url;

use crate::error::HttpError;

/// One request. Its path is sent as it stands, query included: a path that would be rewritten on the way
/// (`..`, a blank, a fragment) is refused, so that what was asked is what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Origin form, as in `/wp-login.php?action=lostpassword`.
    pub path: String,
    /// Further headers; `Host` is the client's.
    pub headers: HeaderMap,
}

impl Request {
    /// A request for `path` without further headers.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            headers: HeaderMap::new(),
        }
    }

    /// The same request with one header more.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The address of this request below `origin`.
    pub(crate) fn url(&self, origin: &Url) -> Result<Url, HttpError> {
        let refused = || HttpError::Path {
            path: self.path.chars().take(200).collect(),
        };
        if !self.path.starts_with('/') {
            return Err(refused());
        }
        let text = format!("{}{}", origin.as_str().trim_end_matches('/'), self.path);
        let url = Url::parse(&text).map_err(|_| refused())?;
        let unchanged = url.as_str() == text && url.fragment().is_none();
        unchanged.then_some(url).ok_or_else(refused)
    }
}

/// One complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// As in 200.
    pub status: StatusCode,
    /// As received.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text, bytes that are no UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's first value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, sent: bool) {
        let origin = Url::parse("https://shop.example:8443").expect("a url");
        assert_eq!(Request::new(path).url(&origin).is_ok(), sent, "{path:?}");
    }

    #[test]
    fn a_path_is_sent_as_it_stands_or_not_at_all() {
        for kept in [
            "/",
            "/a/b.php",
            "/a%20b?x=1&y=%2F",
            "//x",
            "/index.php/path/info",
            "/a?b=/../c",
        ] {
            check(kept, true);
        }
        for refused in [
            "",
            "a",
            "http://x/",
            "/../x",
            "/a/./b",
            "/a b",
            "/a#b",
            "/a\nb",
            "/%2e%2e/x",
        ] {
            check(refused, false);
        }
    }
}
