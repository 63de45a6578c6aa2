//! What was hashed before, so that an unchanged source is not read again.
//!
//! A file is taken as unchanged when its device, inode, size, change time and modification time are what
//! they were. A file that was touched within [`RACY`] of being hashed is never remembered: a second write
//! within the same tick of the filesystem's clock would not show (git calls such an entry racily clean).
//!
//! The cache is a convenience of whoever deploys: lost or damaged, everything is hashed. The store hashes
//! what is new to it again in any case.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use lamp_fleet::file::Ownership;
use lamp_fleet::{Dir, DirError, Meta};
use lamp_model::RelPath;
use lamp_model::tree::Hash;

/// How long before the hashing a file must have been at rest: the coarsest tick of a filesystem's clock.
pub const RACY: Duration = Duration::from_secs(2);
/// The first line of a cache file.
const HEAD: &str = "lamp stat cache 1";
/// Largest cache that is read, in bytes.
const CACHE_MAX_BYTES: u64 = 1 << 30;

/// What identifies a file's bytes without reading them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    dev: u64,
    ino: u64,
    size: u64,
    mtime_nanos: i128,
    ctime_nanos: i128,
}

impl Stamp {
    const fn of(meta: &Meta) -> Self {
        Self {
            dev: meta.dev,
            ino: meta.ino,
            size: meta.size,
            mtime_nanos: meta.mtime_nanos,
            ctime_nanos: meta.ctime_nanos,
        }
    }

    /// Touched so shortly before `now`, or after it, that a further write might not show.
    fn is_racy(&self, now: Timestamp) -> bool {
        let rested = now.as_nanosecond() - i128::try_from(RACY.as_nanos()).unwrap_or(i128::MAX);
        self.mtime_nanos.max(self.ctime_nanos) >= rested
    }
}

/// The hashes of one source's files, as of its last reading.
#[derive(Debug, Default)]
pub struct StatCache {
    known: HashMap<RelPath, (Stamp, Hash)>,
    learned: HashMap<RelPath, (Stamp, Hash)>,
}

impl StatCache {
    /// The file name under which the cache of the source at `path` is kept.
    pub fn name_for(path: &Path) -> String {
        let hash = blake3::hash(path.as_os_str().as_encoded_bytes());
        format!("{}.stat", Hash::from_bytes(*hash.as_bytes()).short())
    }

    /// What is kept in `dir` under `name`; empty when there is nothing, or nothing of use.
    pub fn load(dir: &Dir, name: &str) -> Self {
        let bytes = dir.read_file(name, CACHE_MAX_BYTES).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let mut records = text.split('\0');
        if records.next() != Some(HEAD) {
            return Self::default();
        }
        Self {
            known: records.filter_map(parse).collect(),
            learned: HashMap::new(),
        }
    }

    /// Keeps in `dir`, under `name`, what the last reading learned. Nothing is written when nothing changed.
    pub fn save(&self, dir: &Dir, name: &str) -> Result<(), DirError> {
        if self.learned == self.known {
            return Ok(());
        }
        let owner = dir.own_meta()?;
        let owned = Ownership {
            uid: owner.uid,
            gid: owner.gid,
            mode: 0o600,
        };
        let fresh = format!("{name}.new");
        dir.remove_file(&fresh)?;
        let mut file = dir.create_file(&fresh, owned)?;
        // Not synced: what a power cut takes is hashed again.
        file.write_all(self.text().as_bytes())
            .map_err(|source| DirError {
                operation: "write",
                path: dir.path().join(&fresh),
                source,
            })?;
        dir.rename(&fresh, name)
    }

    pub(super) fn find(&self, path: &RelPath, meta: &Meta) -> Option<Hash> {
        let (stamp, hash) = self.known.get(path)?;
        (*stamp == Stamp::of(meta)).then_some(*hash)
    }

    /// From here on only what is learned counts: files that are gone are forgotten.
    pub(super) fn begin(&mut self) {
        self.learned.clear();
    }

    pub(super) fn learn(&mut self, path: &RelPath, meta: &Meta, hash: Hash, now: Timestamp) {
        let stamp = Stamp::of(meta);
        if !stamp.is_racy(now) {
            self.learned.insert(path.clone(), (stamp, hash));
        }
    }

    fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (path, (stamp, hash)) in &self.learned {
            let Stamp {
                dev,
                ino,
                size,
                mtime_nanos,
                ctime_nanos,
            } = stamp;
            text.push_str(&format!(
                "\0{dev} {ino} {size} {mtime_nanos} {ctime_nanos} {hash} {path}"
            ));
        }
        text
    }
}

fn parse(record: &str) -> Option<(RelPath, (Stamp, Hash))> {
    let mut fields = record.splitn(7, ' ');
    let stamp = Stamp {
        dev: fields.next()?.parse().ok()?,
        ino: fields.next()?.parse().ok()?,
        size: fields.next()?.parse().ok()?,
        mtime_nanos: fields.next()?.parse().ok()?,
        ctime_nanos: fields.next()?.parse().ok()?,
    };
    let hash = Hash::parse(fields.next()?).ok()?;
    Some((RelPath::parse(fields.next()?).ok()?, (stamp, hash)))
}
