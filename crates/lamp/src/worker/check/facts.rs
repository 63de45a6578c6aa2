//! The facts of one tree's files, kept from one check to the next in one file.
//!
//! Who writes it: the worker reads strangers' code, so it only ever answers these bytes; whoever typed `lamp check`
//! puts them away, unread, under the name of this tree, in a directory that is its own ([`crate::cli::check`]). So a tree
//! whose code took over a worker could lie about itself the next time, and about no other; and the gate of a deployment
//! asks without kept facts.
//!
//! The file is safe to delete, and to tear: a head with the version of the rules, then records, each with a check sum over
//! the hash that it is found by and its bytes. What is cut off, altered or of another version is parsed again.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lamp_check::{ContentHash, FACTS_VERSION};

/// Largest file of facts that is read or answered, in bytes.
pub const FACTS_MAX_BYTES: usize = 128 << 20;

/// Most facts that are kept outside of the file.
const FRESH_MAX: usize = 100;

const HASH_BYTES: usize = 32;
const LENGTH_BYTES: usize = 4;
const SUM_BYTES: usize = 8;
/// What stands before the facts of a record.
const RECORD_HEAD_BYTES: usize = HASH_BYTES + LENGTH_BYTES + SUM_BYTES;

/// Facts as they were kept, and those that came since.
pub(super) struct Facts {
    bytes: Vec<u8>,
    known: HashMap<ContentHash, Record>,
    /// Facts that were kept elsewhere.
    fresh: Vec<Fresh>,
    learned: Mutex<Vec<Learned>>,
}

/// Facts that came since.
struct Learned {
    hash: ContentHash,
    /// Of its record, made by whoever learned it: all at the end would take as long as a tenth of a check.
    sum: [u8; SUM_BYTES],
    facts: Vec<u8>,
}

/// Facts that are not in the file yet.
struct Fresh {
    hash: ContentHash,
    facts: Vec<u8>,
    /// As of a [`Record`].
    is_used: AtomicBool,
}

impl Fresh {
    fn of((hash, facts): (ContentHash, Vec<u8>)) -> Self {
        let is_used = AtomicBool::new(false);
        Self { hash, facts, is_used }
    }
}

/// One record of what was kept.
struct Record {
    /// Where it stands, its head counted.
    range: Range<usize>,
    /// Whether a file of the tree still has these bytes.
    is_used: AtomicBool,
}

impl Facts {
    /// Reads what was kept; whatever cannot be read was not kept.
    pub(super) fn read(file: Option<File>) -> Self {
        let mut bytes = Vec::new();
        let most = u64::try_from(FACTS_MAX_BYTES).unwrap_or(u64::MAX);
        if file.is_some_and(|file| file.take(most).read_to_end(&mut bytes).is_err()) {
            bytes.clear();
        }
        Self::of(bytes)
    }

    fn of(bytes: Vec<u8>) -> Self {
        let mut known = HashMap::new();
        let mut at = head().len();
        if bytes.starts_with(head().as_bytes()) {
            while let Some((hash, range)) = record_at(&bytes, at) {
                at = range.end;
                let is_used = AtomicBool::new(false);
                known.insert(hash, Record { range, is_used });
            }
        }
        Self {
            bytes,
            known,
            fresh: Vec::new(),
            learned: Mutex::default(),
        }
    }

    /// With facts that were kept elsewhere, whole.
    pub(super) fn with_fresh(mut self, fresh: &[(ContentHash, Vec<u8>)]) -> Self {
        self.fresh = fresh.iter().cloned().map(Fresh::of).collect();
        self
    }

    /// Has what was put since it was read known as what was there then.
    pub(super) fn recall_the_learned(&mut self) {
        let learned = self.learned.get_mut().unwrap_or_else(PoisonError::into_inner);
        let learned = learned.drain(..).map(|learned| (learned.hash, learned.facts));
        self.fresh.extend(learned.map(Fresh::of));
    }

    /// Facts that are not in the file yet; of very many, the last.
    pub(super) fn fresh(&self) -> Vec<(ContentHash, Vec<u8>)> {
        let mut all = self.all_fresh(|_| true);
        all.drain(..all.len().saturating_sub(FRESH_MAX));
        all
    }

    fn all_fresh(&self, is_wanted: impl Fn(&Fresh) -> bool) -> Vec<(ContentHash, Vec<u8>)> {
        let before = self.fresh.iter().filter(|fresh| is_wanted(fresh));
        let before = before.map(|fresh| (fresh.hash, fresh.facts.clone()));
        let learned = self.learned();
        let learned = learned.iter().map(|one| (one.hash, one.facts.clone()));
        before.chain(learned).collect()
    }

    fn learned(&self) -> MutexGuard<'_, Vec<Learned>> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be kept of a look, in which all that is still needed was asked for: the file, if it is to be written anew,
    /// and what is not in it.
    pub(super) fn to_keep(&self) -> (Vec<u8>, Vec<(ContentHash, Vec<u8>)>) {
        let is_used = |fresh: &Fresh| fresh.is_used.load(Ordering::Relaxed);
        let fresh = self.learned().len() + self.fresh.iter().filter(|fresh| is_used(fresh)).count();
        if fresh == 0 || (fresh <= FRESH_MAX && !self.known.is_empty()) {
            return (Vec::new(), self.all_fresh(is_used));
        }
        (self.file().unwrap_or_default(), Vec::new())
    }

    /// The file with all facts that are used; `None`: it is longer than it may be.
    fn file(&self) -> Option<Vec<u8>> {
        let learned = self.learned();
        let room = learned.iter().map(|one| RECORD_HEAD_BYTES + one.facts.len());
        let mut bytes = Vec::with_capacity(head().len() + self.bytes.len() + room.sum::<usize>());
        bytes.extend_from_slice(head().as_bytes());
        for record in self.known.values() {
            if record.is_used.load(Ordering::Relaxed) {
                bytes.extend_from_slice(self.bytes.get(record.range.clone())?);
            }
        }
        let mut put = |hash: &ContentHash, sum: &[u8], facts: &[u8]| {
            bytes.extend_from_slice(&hash.0);
            bytes.extend_from_slice(&u32::try_from(facts.len()).ok()?.to_le_bytes());
            bytes.extend_from_slice(sum);
            bytes.extend_from_slice(facts);
            Some(())
        };
        for Fresh { hash, facts, is_used } in &self.fresh {
            if is_used.load(Ordering::Relaxed) {
                put(hash, &sum(hash, facts), facts)?;
            }
        }
        for Learned { hash, sum, facts } in learned.iter() {
            put(hash, sum, facts)?;
        }
        (bytes.len() <= FACTS_MAX_BYTES).then_some(bytes)
    }
}

impl Facts {
    /// What was put under this hash, by the same rules.
    pub(super) fn get(&self, hash: &ContentHash) -> Option<&[u8]> {
        if let Some(fresh) = self.fresh.iter().find(|fresh| fresh.hash == *hash) {
            fresh.is_used.store(true, Ordering::Relaxed);
            return Some(&fresh.facts);
        }
        let record = self.known.get(hash)?;
        let record_bytes = self.bytes.get(record.range.clone())?;
        let (before, facts) = record_bytes.split_at_checked(RECORD_HEAD_BYTES)?;
        let is_whole = before.ends_with(&sum(hash, facts));
        record.is_used.store(is_whole, Ordering::Relaxed);
        is_whole.then_some(facts)
    }

    /// Keeps the facts of the file with this hash.
    pub(super) fn put(&self, hash: ContentHash, facts: Vec<u8>) {
        let sum = sum(&hash, &facts);
        self.learned().push(Learned { hash, sum, facts });
    }
}

fn head() -> String {
    format!("lamp check facts 1 {FACTS_VERSION}\n")
}

fn record_at(bytes: &[u8], at: usize) -> Option<(ContentHash, Range<usize>)> {
    let record = bytes.get(at..)?;
    let (hash, rest) = record.split_first_chunk::<HASH_BYTES>()?;
    let (length, _) = rest.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let whole = RECORD_HEAD_BYTES.checked_add(length)?;
    (whole <= record.len()).then(|| (ContentHash(*hash), at..at + whole))
}

fn sum(hash: &ContentHash, facts: &[u8]) -> [u8; SUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&hash.0).update(facts);
    let mut sum = [0; SUM_BYTES];
    hasher.finalize_xof().fill(&mut sum);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(of: u8) -> ContentHash {
        ContentHash([of; 32])
    }

    /// A file with the facts of 1, 2 and 3.
    fn kept() -> Vec<u8> {
        let facts = Facts::of(Vec::new());
        for of in 1..=3 {
            facts.put(hash(of), vec![of; usize::from(of) * 10]);
        }
        facts.to_keep().0
    }

    fn known(bytes: &[u8]) -> Vec<u8> {
        let facts = Facts::of(bytes.to_vec());
        let is_known = |of: &u8| match facts.get(&hash(*of)) {
            Some(found) => {
                assert_eq!(
                    found,
                    vec![*of; usize::from(*of) * 10],
                    "other facts than were put"
                );
                true
            }
            None => false,
        };
        (0..=4).filter(is_known).collect()
    }

    #[test]
    fn what_is_put_is_there_the_next_time() {
        assert_eq!(known(&kept()), [1, 2, 3]);
        let facts = Facts::of(kept());
        assert!(facts.get(&hash(2)).is_some());
        assert_eq!(facts.to_keep(), (Vec::new(), Vec::new()), "nothing is new");
        facts.put(hash(0), Vec::new());
        let (file, fresh) = facts.to_keep();
        assert_eq!(
            (file, fresh.as_slice()),
            (Vec::new(), &[(hash(0), Vec::new())][..])
        );
        let next = Facts::of(kept()).with_fresh(&fresh);
        assert!(next.get(&hash(0)).is_some() && next.get(&hash(2)).is_some());
        for of in 100..=u8::MAX {
            next.put(hash(of), Vec::new());
        }
        let (file, fresh) = next.to_keep();
        assert_eq!(fresh, [], "too many beside the file");
        assert_eq!(known(&file), [0, 2], "what no file has any more is left out");
    }

    #[test]
    fn what_was_learned_is_recalled_at_once() {
        let mut facts = Facts::of(Vec::new());
        facts.put(hash(1), vec![1]);
        assert_eq!(facts.get(&hash(1)), None);
        facts.recall_the_learned();
        assert_eq!(facts.get(&hash(1)), Some(&[1][..]));
        assert_eq!(facts.fresh(), [(hash(1), vec![1])]);
    }

    /// Whoever is killed while writing leaves a part; a disk may leave anything.
    #[test]
    fn facts_torn_or_altered_anywhere_are_whole_or_not_there() {
        let whole = kept();
        for end in 0..whole.len() {
            let known = known(&whole[..end]);
            assert!([1, 2, 3].starts_with(&known), "{end}: {known:?}");
        }
        for at in 0..whole.len() {
            let mut altered = whole.clone();
            altered[at] ^= 0x10;
            assert!(known(&altered).len() < 3, "{at}");
        }
        assert_eq!(known(&[whole.as_slice(), &[0; 50]].concat()), [1, 2, 3]);
    }

    #[test]
    fn facts_of_other_rules_are_not_there() {
        let other = FACTS_VERSION.replace(|digit: char| digit.is_ascii_hexdigit(), "x");
        let kept = kept();
        let text = head().replace(FACTS_VERSION, &other);
        let other = [text.as_bytes(), &kept[head().len()..]].concat();
        assert_eq!(known(&other), [0; 0]);
    }
}
