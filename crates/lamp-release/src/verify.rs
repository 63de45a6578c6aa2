//! Holding a stored release against its manifest: every difference is named.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lamp_fleet::file::{self, Flags, Kind, Meta, Ownership};
use lamp_fleet::walk::Enter;
use lamp_fleet::{Dir, DirError};
use lamp_model::ReleaseId;
use lamp_model::tree::{Entry, Hash, Node};

use crate::error::StoreError;
use crate::store::{CHUNK_BYTES, Owner, Store, StoredRelease, hash_file};

/// Threads that hash at once, at most.
const THREADS_MAX: usize = 4;
/// How often a file that was found without its flag is looked at again.
const LOOKS_AGAIN: u32 = 8;
/// How long after the last look.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// One way in which a release is not what was stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The path inside the release; bytes that are no UTF-8 are replaced. `.` is the release itself.
    pub path: String,
    /// What is different there.
    pub what: What,
}

/// What is different at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Nothing is there.
    Missing,
    /// Something is there that the manifest does not name.
    Extra {
        /// What.
        kind: &'static str,
    },
    /// Something else than was stored.
    Kind {
        /// As the manifest says.
        stored: &'static str,
        /// As found.
        found: &'static str,
    },
    /// Other bytes.
    Bytes {
        /// As the manifest says.
        stored: Hash,
        /// As found.
        found: Hash,
    },
    /// Another length.
    Size {
        /// As the manifest says, in bytes.
        stored: u64,
        /// As found, in bytes.
        found: u64,
    },
    /// Another text of the link.
    LinkText {
        /// As the manifest says.
        stored: String,
        /// As found.
        found: String,
    },
    /// Other permission bits.
    Mode {
        /// As planned.
        planned: u32,
        /// As found.
        found: u32,
    },
    /// Another owner or group.
    Owner {
        /// As planned: user and group.
        planned: (u32, u32),
        /// As found: user and group.
        found: (u32, u32),
    },
    /// The flag that keeps the file from being altered is not set.
    NotImmutable,
    /// It cannot be read.
    Unreadable {
        /// What the kernel said.
        why: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::Extra { kind } => write!(f, "is a {kind} that was not stored"),
            Self::Kind { stored, found } => write!(f, "is a {found}, and a {stored} was stored"),
            Self::Bytes { stored, found } => {
                write!(
                    f,
                    "has other bytes ({}, and {} was stored)",
                    found.short(),
                    stored.short()
                )
            }
            Self::Size { stored, found } => write!(f, "has {found} bytes, and {stored} were stored"),
            Self::LinkText { stored, found } => write!(f, "leads to {found:?}, and {stored:?} was stored"),
            Self::Mode { planned, found } => write!(f, "has mode {found:04o}, and {planned:04o} is planned"),
            Self::Owner { planned, found } => {
                let ((uid, gid), (found_uid, found_gid)) = (planned, found);
                write!(
                    f,
                    "belongs to {found_uid}:{found_gid}, and {uid}:{gid} is planned"
                )
            }
            Self::NotImmutable => f.write_str("lacks the immutable flag"),
            Self::Unreadable { why } => write!(f, "cannot be read: {why}"),
        }
    }
}

/// Every difference between `release` and its manifest, by path; none means that it is what was stored.
pub fn verify(store: &Store, release: &ReleaseId) -> Result<Vec<Difference>, StoreError> {
    let record = store.record(release)?;
    let tree = store.tree(release)?;
    let checker = Checker {
        tree,
        owner: store.owner(),
        record: &record,
    };
    let mut differences = checker.check_all();
    checker.look_again(&mut differences);
    differences.extend(checker.extra()?);
    differences.extend(checker.top()?);
    differences.sort();
    Ok(differences)
}

/// One release under verification.
struct Checker<'a> {
    tree: Dir,
    owner: Owner,
    record: &'a StoredRelease,
}

impl Checker<'_> {
    /// Entries are taken by several threads, each the next one.
    fn check_all(&self) -> Vec<Difference> {
        let next = AtomicUsize::new(0);
        let found = Mutex::new(Vec::new());
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(THREADS_MAX));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mine = self.check_some(&next);
                    found.lock().unwrap_or_else(PoisonError::into_inner).extend(mine);
                });
            }
        });
        found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_some(&self, next: &AtomicUsize) -> Vec<Difference> {
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut differences = Vec::new();
        while let Some(entry) = self
            .record
            .manifest
            .entries()
            .get(next.fetch_add(1, Ordering::Relaxed))
        {
            let mut found = Vec::new();
            if let Err(error) = self.check(entry, &mut buffer, &mut found) {
                found.push(from_error(&error));
            }
            let path = entry.path.to_string();
            differences.extend(found.into_iter().map(|what| Difference {
                path: path.clone(),
                what,
            }));
        }
        differences
    }

    fn check(&self, entry: &Entry, buffer: &mut [u8], found: &mut Vec<What>) -> Result<(), DirError> {
        let path = entry.path.as_str();
        match &entry.node {
            Node::Dir {} => {
                let meta = self.tree.meta(path)?;
                if is_kind(&meta, Kind::Dir, found) {
                    check_owned(&meta, self.owner.dir(), found);
                }
            }
            Node::Link { target } => self.check_link(path, target, found)?,
            Node::File { .. } => self.check_file(entry, buffer, found)?,
        }
        Ok(())
    }

    fn check_file(&self, entry: &Entry, buffer: &mut [u8], found: &mut Vec<What>) -> Result<(), DirError> {
        let path = entry.path.as_str();
        match self.tree.open_file(path) {
            Ok(open) => self.check_open(entry, &open, buffer, found),
            Err(error) if error.is_not_found() => Err(error),
            // Only what is a file after all could not be opened for another reason.
            Err(error) if is_kind(&self.tree.meta(path)?, Kind::File, found) => Err(error),
            Err(_) => Ok(()),
        }
    }

    fn check_link(&self, path: &str, target: &str, found: &mut Vec<What>) -> Result<(), DirError> {
        let meta = self.tree.meta(path)?;
        if !is_kind(&meta, Kind::Link, found) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&self.tree.read_link(path)?).into_owned();
        if text != target {
            found.push(What::LinkText {
                stored: target.to_owned(),
                found: text,
            });
        }
        let planned = (self.owner.uid, self.owner.gid);
        if (meta.uid, meta.gid) != planned {
            found.push(What::Owner {
                planned,
                found: (meta.uid, meta.gid),
            });
        }
        Ok(())
    }

    fn check_open(
        &self,
        Entry { path, node }: &Entry,
        (open, meta): &(File, Meta),
        buffer: &mut [u8],
        found: &mut Vec<What>,
    ) -> Result<(), DirError> {
        let Node::File {
            size,
            hash: stored,
            executable,
        } = node
        else {
            return Ok(());
        };
        let failed = |source| DirError {
            operation: "read",
            path: self.tree.path().join(path.as_str()),
            source,
        };
        check_owned(meta, self.owner.file(*executable), found);
        if self.record.guarded
            && !file::flags(open)
                .map_err(|errno| failed(errno.into()))?
                .is_immutable()
        {
            found.push(What::NotImmutable);
        }
        if meta.size != *size {
            found.push(What::Size {
                stored: *size,
                found: meta.size,
            });
            return Ok(());
        }
        let hashed = hash_file(open, *size, buffer, &mut |_| Ok(())).map_err(failed)?;
        if hashed.hash != *stored {
            found.push(What::Bytes {
                stored: *stored,
                found: hashed.hash,
            });
        }
        Ok(())
    }

    /// Takes out what was only a passing moment: a file's flag is lifted while another release that is
    /// being stored, or removed, shares it.
    fn look_again(&self, differences: &mut Vec<Difference>) {
        for _ in 0..LOOKS_AGAIN {
            if !differences.iter().any(|found| found.what == What::NotImmutable) {
                return;
            }
            std::thread::sleep(LOOK_AGAIN_AFTER);
            differences.retain(|found| found.what != What::NotImmutable || !self.is_guarded(&found.path));
        }
    }

    fn is_guarded(&self, path: &str) -> bool {
        let opened = self.tree.open_file(path);
        opened.is_ok_and(|(file, _)| file::flags(&file).is_ok_and(Flags::is_immutable))
    }

    /// What lies in the release beyond its manifest.
    fn extra(&self) -> Result<Vec<Difference>, DirError> {
        let stored: HashSet<&str> = self
            .record
            .manifest
            .entries()
            .iter()
            .map(|entry| entry.path.as_str())
            .collect();
        let mut extra = Vec::new();
        self.tree.walk::<DirError>(&mut |item| {
            let path = item.path.to_string_lossy();
            if stored.contains(path.as_ref()) {
                return Ok(Enter::Yes);
            }
            let what = What::Extra {
                kind: item.kind.word(),
            };
            extra.push(Difference {
                path: path.into_owned(),
                what,
            });
            Ok(Enter::Yes)
        })?;
        Ok(extra)
    }

    fn top(&self) -> Result<Vec<Difference>, DirError> {
        let mut found = Vec::new();
        check_owned(&self.tree.own_meta()?, self.owner.dir(), &mut found);
        Ok(found
            .into_iter()
            .map(|what| Difference {
                path: ".".to_owned(),
                what,
            })
            .collect())
    }
}

fn from_error(error: &DirError) -> What {
    if error.is_not_found() {
        return What::Missing;
    }
    What::Unreadable {
        why: error.source.to_string(),
    }
}

fn is_kind(meta: &Meta, stored: Kind, found: &mut Vec<What>) -> bool {
    if meta.kind != stored {
        found.push(What::Kind {
            stored: stored.word(),
            found: meta.kind.word(),
        });
    }
    meta.kind == stored
}

fn check_owned(meta: &Meta, planned: Ownership, found: &mut Vec<What>) {
    if meta.mode != planned.mode {
        found.push(What::Mode {
            planned: planned.mode,
            found: meta.mode,
        });
    }
    if (meta.uid, meta.gid) != (planned.uid, planned.gid) {
        found.push(What::Owner {
            planned: (planned.uid, planned.gid),
            found: (meta.uid, meta.gid),
        });
    }
}
