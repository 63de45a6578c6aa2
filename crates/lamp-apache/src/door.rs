//! The side door: the secret way to ask one request of a chosen release in production.
//!
//! The key stands in a root-only file of the agent's. Apache's memory, which PHP shares under mod_php, holds only
//! its SHA-1: of 256 random bits that is enough, nothing shorter can be guessed or searched.

use std::fmt;

use lamp_model::name::ReleaseId;

/// The request header that opens the side door; mod_lamp drops it before any other module reads it.
pub const DOOR_HEADER: &str = "X-Lamp-Door";

const KEY_BYTES: usize = 32;
const HASH_BYTES: usize = 20;

/// A text that is not a door key. The text is a secret and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the door key is not 64 hex digits (0-9, a-f)")]
pub struct DoorKeyError;

/// The secret that opens the side door: 256 random bits, written as 64 hex digits.
#[derive(Clone, PartialEq, Eq)]
pub struct DoorKey(String);

impl DoorKey {
    /// Reads a key as its file holds it, without the line's end.
    pub fn parse(text: &str) -> Result<Self, DoorKeyError> {
        let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != KEY_BYTES * 2 || !text.bytes().all(is_hex) {
            return Err(DoorKeyError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The key of 256 bits that the caller drew at random.
    pub fn from_random(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(hex(bytes))
    }

    /// The key in clear, for its file.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What Apache's configuration holds of it.
    pub fn hash(&self) -> DoorHash {
        let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, self.0.as_bytes());
        let mut hash = [0; HASH_BYTES];
        hash.copy_from_slice(digest.as_ref());
        DoorHash(hash)
    }

    /// Value of [`DOOR_HEADER`] that asks one request of `release`.
    pub fn header_value(&self, release: &ReleaseId) -> String {
        format!("{} {release}", self.0)
    }

    /// Value of [`DOOR_HEADER`] for a request that is answered as a visitor's is, and is logged as one of ours.
    pub fn as_visitors(&self) -> String {
        format!("{} -", self.0)
    }
}

impl fmt::Debug for DoorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DoorKey(..)")
    }
}

/// SHA-1 of a [`DoorKey`]'s hex text, as `LampDoorHash` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorHash([u8; HASH_BYTES]);

impl fmt::Display for DoorHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn the_hash_is_the_sha1_of_the_hex_text() {
        let mut bytes = [0; KEY_BYTES];
        (0..).zip(&mut bytes).for_each(|(value, byte)| *byte = value);
        let key = DoorKey::from_random(&bytes);
        assert_eq!(key.reveal(), KEY);
        // From `printf %s KEY | sha1sum`.
        assert_eq!(key.hash().to_string(), "4c6a606a90bd84c0402ee2a81783d6e844f28548");
        assert_eq!(DoorKey::parse(KEY), Ok(key));
    }

    #[test]
    fn only_64_lower_case_hex_digits_are_a_key() {
        for bad in [
            "",
            "00",
            &KEY[1..],
            &KEY.to_uppercase(),
            &format!("{KEY}\n"),
            &KEY.replace('0', "g"),
        ] {
            assert_eq!(DoorKey::parse(bad), Err(DoorKeyError), "{bad:?}");
        }
    }

    #[test]
    fn the_header_names_key_and_release_and_debug_shows_neither() {
        let key = DoorKey::parse(KEY).expect("valid");
        let release = ReleaseId::parse("20261122-1").expect("valid");
        assert_eq!(key.header_value(&release), format!("{KEY} 20261122-1"));
        assert_eq!(key.as_visitors(), format!("{KEY} -"));
        assert_eq!(format!("{key:?}"), "DoorKey(..)");
    }
}
