//! The fields of a line that Apache fills in itself: each up to the next blank, read in order, the first wrong one named.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Longest id of a request in the logs, in bytes: `mod_unique_id` makes 27, Apache itself 11.
pub const LOG_ID_MAX_BYTES: usize = 64;

/// Why bytes are no line of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unreadable {
    /// Longer than [`crate::LINE_MAX_BYTES`].
    #[error("a line longer than {} bytes", crate::LINE_MAX_BYTES)]
    TooLong,
    /// The first field that is not what it should be.
    #[error("no line of our format: {0} is not what it should be")]
    Field(&'static str),
}

/// What Apache calls a request in both logs: the join between its access line and its error lines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogId(String);

impl LogId {
    /// Reads an id: base64 of either alphabet, as Apache and `mod_unique_id` make it.
    pub fn parse(text: &str) -> Option<Self> {
        let is_id_byte =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'@' | b'_' | b'-');
        let valid = (2..=LOG_ID_MAX_BYTES).contains(&text.len()) && text.bytes().all(is_id_byte);
        valid.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is left of a line.
#[derive(Debug)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// A whole line.
    pub(crate) const fn new(line: &'a [u8]) -> Result<Self, Unreadable> {
        if line.len() > crate::LINE_MAX_BYTES {
            return Err(Unreadable::TooLong);
        }
        Ok(Self(line))
    }

    /// Takes the next field, up to a blank, as `read` understands it.
    pub(crate) fn next<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Unreadable> {
        let end = self.0.iter().position(|byte| *byte == b' ');
        let (text, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest.get(1..).unwrap_or_default();
        std::str::from_utf8(text)
            .ok()
            .and_then(read)
            .ok_or(Unreadable::Field(field))
    }

    /// Takes the next field, for which Apache writes `-` where there is none.
    pub(crate) fn optional<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Unreadable> {
        self.next(field, |text| {
            if text == "-" {
                Some(None)
            } else {
                read(text).map(Some)
            }
        })
    }

    /// What stands behind the trusted fields.
    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// A client, with or without its port.
pub(crate) fn client(text: &str) -> Option<IpAddr> {
    let bare = || text.parse::<IpAddr>().ok();
    bare().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_requests_are_plain() {
        for good in [
            "kfp0z33CIWQ",
            "awL0EoqfWm7iEMnQloJ4AAAAAAA",
            "+R2sz33BIWQ",
            "a@b_c-",
        ] {
            assert_eq!(LogId::parse(good).as_ref().map(LogId::as_str), Some(good));
        }
        for bad in ["", "-", "a b", "a\n", "a\"", "é", &"a".repeat(65)] {
            assert_eq!(LogId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn clients_come_with_and_without_a_port() {
        for (text, address) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:50412", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]:50412", "2001:db8::7"),
        ] {
            assert_eq!(client(text), address.parse().ok(), "{text}");
        }
        for bad in ["", "example.org", "192.0.2.7:x", "192.0.2.7 500"] {
            assert_eq!(client(bad), None, "{bad}");
        }
    }
}
