//! What the last check of a tree took of it and came to, in one file beside its facts.
//!
//! As the file of facts ([`super::facts`]) it is written by the tree's own worker through whoever asked, and is safe to
//! delete and to tear: one check sum stands over all of it, and one that does not fit is as none.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;

use lamp_check::{ContentHash, FACTS_VERSION, Stood, Taken, Tree};
use serde::{Deserialize, Serialize};

use super::dir_tree::DirTree;
use super::seal::Seal;

/// Largest file that is read or answered, in bytes.
pub const LAST_MAX_BYTES: usize = 128 << 20;
/// The BLAKE3 hash of what comes behind it.
const SUM_BYTES: usize = 32;

/// What is kept of a check beside the facts of its files.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Last {
    /// What was asked, of which program, by whom; empty: there is no answer.
    pub(super) asked: String,
    /// What was answered, as it was printed.
    pub(super) answer: String,
    /// What was taken of each entry.
    pub(super) stood: Vec<Stood>,
    /// By what each is known to have the same bytes still.
    pub(super) seals: Vec<Option<Seal>>,
    /// Facts that are not in the file of facts yet: to write that anew takes longer than a check.
    pub(super) fresh: Vec<(ContentHash, Vec<u8>)>,
}

/// The bytes of the file; none if there is none that can be read.
pub(super) fn read(file: Option<File>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let most = u64::try_from(LAST_MAX_BYTES).unwrap_or(u64::MAX);
    if file.is_some_and(|file| file.take(most).read_to_end(&mut bytes).is_err()) {
        bytes.clear();
    }
    bytes
}

/// Of each entry of the tree, the hash of its bytes, if it is sealed as it was.
pub(super) fn hashes(last: &Last, tree: &DirTree) -> Vec<Option<ContentHash>> {
    let each = last.stood.iter().zip(&last.seals);
    let known = each.filter_map(|(stood, seal)| match stood.taken {
        Taken::Facts(hash) | Taken::Bytes(hash) => Some((stood.entry.path.as_str(), ((*seal)?, hash))),
        Taken::Name | Taken::Unread => None,
    });
    let known: HashMap<&str, (Seal, ContentHash)> = known.collect();
    let now = tree.entries().iter().zip(tree.seals());
    now.map(|(entry, seal)| {
        let (then, hash) = known.get(entry.path.as_str())?;
        (seal.as_ref() == Some(then)).then_some(*hash)
    })
    .collect()
}

impl Last {
    /// What can be read of these bytes: all, or nothing.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let last = || {
            let (sum, body) = bytes
                .strip_prefix(head().as_bytes())?
                .split_first_chunk::<SUM_BYTES>()?;
            if blake3::hash(body).as_bytes() != sum {
                return None;
            }
            let last: Self = postcard::from_bytes(body).ok()?;
            (last.stood.len() == last.seals.len()).then_some(last)
        };
        last().unwrap_or_default()
    }

    /// Its bytes; `None`: they are more than may be.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        let body = postcard::to_allocvec(self).ok()?;
        let bytes = [head().as_bytes(), blake3::hash(&body).as_bytes(), &body].concat();
        (bytes.len() <= LAST_MAX_BYTES).then_some(bytes)
    }

    /// The tree as this check found it, without an answer. Began at `now_nanos`, it knows the files again that were left
    /// alone for long enough by then.
    pub(super) fn standing(tree: &DirTree, taken: &[Taken], now_nanos: Option<i128>) -> Self {
        let entries = tree.entries().iter().cloned().zip(taken.iter().copied());
        let is_settled = |seal: &Seal| now_nanos.is_some_and(|now| seal.is_settled_at(now));
        Self {
            stood: entries.map(|(entry, taken)| Stood { entry, taken }).collect(),
            seals: tree.seals().iter().map(|seal| seal.filter(is_settled)).collect(),
            ..Self::default()
        }
    }
}

fn head() -> String {
    format!("lamp check last 1 {FACTS_VERSION}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_torn_or_altered_anywhere_is_as_nothing() {
        let last = Last {
            asked: "this".to_owned(),
            answer: "that".to_owned(),
            fresh: vec![(ContentHash::of(b"x"), vec![1, 2, 3])],
            ..Last::default()
        };
        let whole = last.bytes().expect("short");
        assert_eq!(Last::of(&whole).answer, "that");
        for end in 0..whole.len() {
            assert_eq!(Last::of(&whole[..end]).asked, "", "{end}");
        }
        for at in 0..whole.len() {
            let mut altered = whole.clone();
            altered[at] ^= 0x10;
            assert_eq!(Last::of(&altered).asked, "", "{at}");
        }
        assert_eq!(Last::of(&[whole.as_slice(), b"x"].concat()).asked, "");
    }

    fn listed(dir: &std::path::Path) -> DirTree {
        let file = fs_err::File::open(dir).expect("a directory").into_file();
        DirTree::list(lamp_fleet::Dir::from_fd(file.into(), dir), 1_000).expect("a tree")
    }

    /// As if the files had been left alone for an hour when the check began.
    fn an_hour_on() -> Option<i128> {
        let clock = lamp_agent::clock::SystemClock::new().expect("a clock");
        let now = lamp_model::clock::Clock::now(&clock).as_nanosecond();
        Some(now + 3_600_000_000_000)
    }

    #[test]
    fn a_file_is_known_again_until_it_is_written_to() {
        let dir = tempfile::tempdir().expect("a directory");
        let (a, b) = (dir.path().join("a.php"), dir.path().join("b.php"));
        for path in [&a, &b] {
            fs_err::write(path, "<?php").expect("written");
        }
        let hash = ContentHash::of(b"<?php");
        let tree = listed(dir.path());
        let taken = [Taken::Facts(hash), Taken::Bytes(hash)];
        let known = |last: &Last| hashes(last, &listed(dir.path()));
        let just_now = an_hour_on().map(|now| now - 3_600_000_000_000);
        assert_eq!(known(&Last::standing(&tree, &taken, just_now)), [None; 2]);
        assert_eq!(known(&Last::standing(&tree, &taken, None)), [None; 2]);
        let last = Last::standing(&tree, &taken, an_hour_on());
        assert_eq!(known(&last), [Some(hash); 2]);
        let before = rustix::fs::stat(&a).expect("there");
        fs_err::write(&a, "<?phq").expect("written");
        let time = rustix::fs::Timespec {
            tv_sec: before.st_mtime,
            tv_nsec: before.st_mtime_nsec as _,
        };
        let times = rustix::fs::Timestamps {
            last_access: time,
            last_modification: time,
        };
        rustix::fs::utimensat(rustix::fs::CWD, &a, &times, rustix::fs::AtFlags::empty()).expect("set");
        assert_eq!(known(&last), [None, Some(hash)]);
        // Another file under a name that was known.
        fs_err::rename(&a, &b).expect("renamed");
        assert_eq!(known(&last), [None]);
    }
}
