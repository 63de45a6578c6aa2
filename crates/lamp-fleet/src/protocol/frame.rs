//! One frame: six bytes of head, then a JSON body; the files that it carries come as `SCM_RIGHTS`
//! beside its bytes.
//!
//! Head: the body's length as a big-endian `u32`, then the number of files as a big-endian `u16`.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of a frame's head.
pub const HEAD_BYTES: usize = 6;
/// Longest body, in bytes. A manifest takes about 150 bytes an entry: this is some 400,000 files.
pub const BODY_MAX_BYTES: usize = 64 << 20;
/// Most files beside one frame; the kernel's own bound is 253.
pub const FILES_MAX: usize = 128;

/// Why bytes are no frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Nothing was said.
    #[error("an empty frame")]
    Empty,
    /// Longer than any message is.
    #[error("a frame of {bytes} bytes; the longest has {BODY_MAX_BYTES}")]
    TooLong {
        /// The length as announced.
        bytes: usize,
    },
    /// More files than may come at once.
    #[error("a frame with {files} files; the most are {FILES_MAX}")]
    TooManyFiles {
        /// As announced.
        files: usize,
    },
    /// Not a message of this protocol.
    #[error("a frame that is no message of protocol version {}", super::VERSION)]
    NoMessage(#[source] serde_json::Error),
}

/// What a frame's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the body; 1 to [`BODY_MAX_BYTES`].
    pub body_bytes: usize,
    /// Files beside it; 0 to [`FILES_MAX`].
    pub files: usize,
}

impl Head {
    /// A head for a body of this many bytes with this many files.
    pub const fn try_new(body_bytes: usize, files: usize) -> Result<Self, FrameError> {
        if body_bytes == 0 {
            return Err(FrameError::Empty);
        }
        if body_bytes > BODY_MAX_BYTES {
            return Err(FrameError::TooLong { bytes: body_bytes });
        }
        if files > FILES_MAX {
            return Err(FrameError::TooManyFiles { files });
        }
        Ok(Self { body_bytes, files })
    }

    /// Reads a head.
    pub fn decode(head: [u8; HEAD_BYTES]) -> Result<Self, FrameError> {
        let [a, b, c, d, e, f] = head;
        let body_bytes = u32::from_be_bytes([a, b, c, d]);
        let files = u16::from_be_bytes([e, f]);
        Self::try_new(usize::try_from(body_bytes).unwrap_or(usize::MAX), files.into())
    }

    /// The head as it stands on the wire.
    pub fn encode(self) -> [u8; HEAD_BYTES] {
        let [a, b, c, d] = u32::try_from(self.body_bytes).unwrap_or(u32::MAX).to_be_bytes();
        let [e, f] = u16::try_from(self.files).unwrap_or(u16::MAX).to_be_bytes();
        [a, b, c, d, e, f]
    }
}

/// Reads a body.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(body).map_err(FrameError::NoMessage)
}

/// A whole frame, head and body, for a message with this many files.
pub fn encode<T: Serialize>(message: &T, files: usize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; HEAD_BYTES];
    serde_json::to_writer(&mut frame, message).map_err(FrameError::NoMessage)?;
    let head = Head::try_new(frame.len() - HEAD_BYTES, files)?;
    frame[..HEAD_BYTES].copy_from_slice(&head.encode());
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Reply, Request};

    #[test]
    fn a_head_reads_back_as_it_was_written() {
        for (body_bytes, files) in [(1, 0), (BODY_MAX_BYTES, FILES_MAX), (77, 3)] {
            let head = Head::try_new(body_bytes, files).expect("within the bounds");
            assert_eq!(Head::decode(head.encode()).expect("a head"), head);
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_before_a_byte_of_it_is_kept() {
        assert!(matches!(Head::decode([0; 6]), Err(FrameError::Empty)));
        assert!(matches!(Head::decode([255; 6]), Err(FrameError::TooLong { .. })));
        let files = Head::decode([0, 0, 0, 1, 255, 255]);
        assert!(matches!(files, Err(FrameError::TooManyFiles { .. })));
    }

    /// A small generator of our own (splitmix64), so that a seed means the same run for ever.
    struct Seeded(u64);

    impl Seeded {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }
    }

    #[test]
    fn damaged_messages_are_refused_and_never_panic() {
        let good = br#"{"verb":"rollback","site":"shop","to":"r1","dry_run":true}"#;
        assert!(
            decode::<Request>(good).is_ok(),
            "the control: whole, it is a message"
        );
        let mut refused = 0;
        for seed in 0..20_000 {
            let mut random = Seeded(seed);
            let mut bytes = good.to_vec();
            for _ in 0..=random.next() % 4 {
                let at = random.next() as usize % bytes.len();
                match random.next() % 3 {
                    0 => bytes[at] = random.next() as u8,
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, random.next() as u8),
                }
            }
            refused += usize::from(decode::<Request>(&bytes).is_err());
            let _ = decode::<Reply>(&bytes);
        }
        assert!(refused > 10_000, "{refused} of 20,000 damaged messages refused");
    }

    #[test]
    fn a_deep_nest_is_refused() {
        let nest = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(decode::<Request>(nest.as_bytes()).is_err());
    }
}
