//! The hash chain: each record's hash covers the one before, so nothing in the middle can be changed,
//! removed or put in unnoticed.
//!
//! hash = BLAKE3(hash before, 32 bytes | place, u64 little-endian | record id, 16 bytes |
//! version, u32 little-endian | body, UTF-8 to the end). Before the first record stands [`Hash::ZERO`].

use lamp_model::event::{RecordId, Seq};
use lamp_model::port::{Head, ReadError};
use lamp_model::stored::{DecodeError, Stored, decode};
use lamp_model::tree::Hash;

/// The head of an empty log.
pub const EMPTY: Head = Head {
    seq: Seq(0),
    hash: Hash::ZERO,
};

/// A record as it stands in a log, not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// Its place.
    pub seq: Seq,
    /// Its own id.
    pub id: RecordId,
    /// The version of its body.
    pub version: u32,
    /// Its body, as [`lamp_model::stored`] describes.
    pub body: String,
    /// The chain's hash up to and with it, as it was written.
    pub hash: Hash,
}

/// The chain's hash with a record behind `before`.
pub fn link(before: &Hash, seq: Seq, id: RecordId, version: u32, body: &str) -> Hash {
    let covered = [
        before.as_bytes().as_slice(),
        &seq.0.to_le_bytes(),
        &id.0,
        &version.to_le_bytes(),
        body.as_bytes(),
    ];
    Hash::from_bytes(*blake3::hash(&covered.concat()).as_bytes())
}

/// Holds `raw` against the head before it, and reads it.
pub fn verify(before: Head, raw: Raw) -> Result<Stored, ReadError> {
    let expected = before.seq.next();
    let broken = |why: String| Err(ReadError::Broken { seq: expected, why });
    if raw.seq != expected {
        return broken(format!("it is missing, the next one is {}", raw.seq));
    }
    if link(&before.hash, raw.seq, raw.id, raw.version, &raw.body) != raw.hash {
        return broken("its hash does not follow from it and the record before".to_owned());
    }
    match decode(raw.version, raw.id, &raw.body) {
        Ok(record) => Ok(Stored {
            seq: raw.seq,
            record,
            hash: raw.hash,
        }),
        Err(newer @ DecodeError::Newer { .. }) => Err(ReadError::Unavailable {
            why: format!("record {expected}: {newer}"),
        }),
        Err(malformed @ DecodeError::Malformed { .. }) => broken(malformed.to_string()),
    }
}

/// Holds consecutive records behind `before` against the chain, and reads them.
pub fn verify_all(mut before: Head, raws: impl IntoIterator<Item = Raw>) -> Result<Vec<Stored>, ReadError> {
    let mut read = Vec::new();
    for raw in raws {
        let stored = verify(before, raw)?;
        before = Head {
            seq: stored.seq,
            hash: stored.hash,
        };
        read.push(stored);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use lamp_model::stored::VERSION;

    use super::*;

    /// The format spelt out: a change of it would orphan every log there is.
    #[test]
    fn the_hash_covers_exactly_what_is_said() {
        let mut bytes = vec![1; 32];
        bytes.extend([5, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([9; 16]);
        bytes.extend([1, 0, 0, 0]);
        bytes.extend(b"{}");
        let linked = link(&Hash::from_bytes([1; 32]), Seq(5), RecordId([9; 16]), 1, "{}");
        assert_eq!(linked.as_bytes(), blake3::hash(&bytes).as_bytes());
    }

    #[test]
    fn a_record_of_a_newer_version_is_refused_with_the_way_out() {
        let mut raw = Raw {
            seq: Seq(1),
            id: RecordId([0; 16]),
            version: 99,
            body: "?".to_owned(),
            hash: Hash::ZERO,
        };
        raw.hash = link(&EMPTY.hash, raw.seq, raw.id, raw.version, &raw.body);
        let error = verify(EMPTY, raw).expect_err("too new");
        let expected = format!(
            "the log cannot be read: record 1: the record is of version 99, and this lamp reads up to {VERSION}: \
             use the newer lamp that wrote it"
        );
        assert_eq!(error.to_string(), expected);
    }
}
