//! Facts of files that were looked at before: what spares parsing a file whose bytes were seen already.
//!
//! Invariant: what is taken from a cache is what parsing the same bytes by the same rules would say, or it is not
//! taken. So a file is known by the hash of its bytes and by nothing else, whoever stores facts keeps
//! [`FACTS_VERSION`] beside them, and facts that cannot be read are made anew. Whoever stores them also answers for
//! nobody else having written them.

use crate::facts::FileFacts;

/// By which rules facts are made: facts of another version are of no use. Changes with this crate's sources and with
/// its parser.
pub const FACTS_VERSION: &str = env!("LAMP_CHECK_FACTS");

/// What a file is known by: the BLAKE3 hash of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

/// Keeps facts; asked by several threads at once.
pub trait FactsCache: Sync {
    /// What was put under this hash, by the same [`FACTS_VERSION`].
    fn get(&self, hash: &ContentHash) -> Option<&[u8]>;

    /// Keeps the facts of the file with this hash.
    fn put(&self, hash: ContentHash, facts: Vec<u8>);
}

/// The facts of a file with these bytes: those that are kept, else what `parse` makes of it, and that is kept.
pub(crate) fn remembered(
    cache: Option<&dyn FactsCache>,
    bytes: &[u8],
    parse: impl FnOnce() -> FileFacts,
) -> FileFacts {
    let Some(cache) = cache else { return parse() };
    let hash = ContentHash::of(bytes);
    if let Some(facts) = cache.get(&hash).and_then(decode) {
        return facts;
    }
    let facts = parse();
    // Why a file was not looked at need not be in its bytes.
    if facts.not_checked.is_none()
        && let Ok(encoded) = postcard::to_allocvec(&facts)
    {
        cache.put(hash, encoded);
    }
    facts
}

fn decode(facts: &[u8]) -> Option<FileFacts> {
    match postcard::take_from_bytes(facts) {
        Ok((facts, [])) => Some(facts),
        Ok(_) | Err(_) => None,
    }
}
