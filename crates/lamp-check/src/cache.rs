//! Facts of files that were looked at before: what spares parsing a file whose bytes were seen already. And what a check
//! takes of a tree, so that its outcome can be kept as well (`stands`).
//!
//! Invariant: what is taken from a cache is what parsing the same bytes by the same rules would say, or it is not
//! taken. So a file is known by the hash of its bytes and by nothing else, whoever stores facts keeps
//! [`FACTS_VERSION`] beside them, and facts that cannot be read are made anew. Whoever stores them also answers for
//! nobody else having written them.

use serde::{Deserialize, Serialize};

use crate::facts::FileFacts;
use crate::tree::{Entry, Tree, Unreadable};

/// By which rules facts are made: facts of another version are of no use. Changes with this crate's sources and with
/// its parser.
pub const FACTS_VERSION: &str = env!("LAMP_CHECK_FACTS");

/// What a file is known by: the BLAKE3 hash of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

/// What a check took of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Taken {
    /// That it is there, and its length.
    Name,
    /// What its bytes, of this hash, say as PHP.
    Facts(ContentHash),
    /// Its bytes, of this hash.
    Bytes(ContentHash),
    /// It could not be read: what that comes to may be another thing the next time.
    Unread,
}

/// Keeps facts; asked by several threads at once.
pub trait FactsCache: Sync {
    /// What was put under this hash, by the same [`FACTS_VERSION`].
    fn get(&self, hash: &ContentHash) -> Option<&[u8]>;

    /// Keeps the facts of the file with this hash.
    fn put(&self, hash: ContentHash, facts: Vec<u8>);

    /// The hash of the file at this index of the tree's entries, if it is known without reading the file.
    fn hash_of(&self, _entry: usize) -> Option<ContentHash> {
        None
    }

    /// Told, of each file at its index of the tree's entries, what the check takes of it; of some, several things.
    fn takes(&self, _entry: usize, _taken: Taken) {}
}

/// The facts of the file at this index, if they can be had without reading it.
pub(crate) fn recalled(cache: Option<&dyn FactsCache>, entry: usize) -> Option<FileFacts> {
    let cache = cache?;
    let hash = cache.hash_of(entry)?;
    let facts = kept(cache, &hash)?;
    cache.takes(entry, Taken::Facts(hash));
    Some(facts)
}

/// The facts that are kept under this hash.
pub(crate) fn kept(cache: &dyn FactsCache, hash: &ContentHash) -> Option<FileFacts> {
    cache.get(hash).and_then(decode)
}

/// The facts of the file at this index, with these bytes: those that are kept, else what `parse` makes of it, and that
/// is kept.
pub(crate) fn remembered(
    cache: Option<&dyn FactsCache>,
    (entry, bytes): (usize, &[u8]),
    parse: impl FnOnce() -> FileFacts,
) -> FileFacts {
    let Some(cache) = cache else { return parse() };
    let hash = ContentHash::of(bytes);
    if let Some(facts) = kept(cache, &hash) {
        cache.takes(entry, Taken::Facts(hash));
        return facts;
    }
    let facts = parse();
    // Why a file was not looked at need not be in its bytes.
    if facts.not_checked.is_some() {
        cache.takes(entry, Taken::Unread);
        return facts;
    }
    cache.takes(entry, Taken::Facts(hash));
    if let Ok(encoded) = postcard::to_allocvec(&facts) {
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

/// A tree of which the cache is told whose bytes are taken.
pub(crate) struct Watched<'t> {
    pub(crate) tree: &'t dyn Tree,
    pub(crate) cache: Option<&'t dyn FactsCache>,
}

impl Tree for Watched<'_> {
    fn entries(&self) -> &[Entry] {
        self.tree.entries()
    }

    fn bytes(&self, index: usize) -> Result<Vec<u8>, Unreadable> {
        let bytes = self.tree.bytes(index);
        if let Some(cache) = self.cache {
            let taken = match &bytes {
                Ok(bytes) => Taken::Bytes(ContentHash::of(bytes)),
                Err(_) => Taken::Unread,
            };
            cache.takes(index, taken);
        }
        bytes
    }
}
