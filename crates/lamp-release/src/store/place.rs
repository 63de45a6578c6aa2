//! Getting one file of a release into its place: shared with a stored one, or copied, or from the source.
//!
//! A file is shared only while nothing says that it was altered since it was stored: its times against
//! those of its release's manifest, its size, its owner, its flag. Otherwise its bytes are hashed first.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;

use lamp_fleet::file::{self, Flags, Guard, Kind, Meta};
use lamp_fleet::{Dir, DirError};
use lamp_model::ReleaseId;
use lamp_model::tree::{Hash, RelPath};
use rustix::io::Errno;

use super::survey::Origin;
use super::{NewFile, Owner, Sharing, Store, Supply, Survey, manifest_name};
use crate::error::StoreError;

/// Bytes copied at once.
pub(crate) const CHUNK_BYTES: usize = 128 * 1024;

/// Up to this many new files are synced one by one, more of them with the whole filesystem.
const SYNC_ONE_BY_ONE_MAX: usize = 64;

/// A file as the manifest wants it.
pub(super) struct Wanted {
    pub(super) file: NewFile,
    pub(super) executable: bool,
}

/// A stored release that lends files.
struct Lender {
    tree: Dir,
    /// When its manifest was written: what changed later was altered.
    sealed_nanos: i128,
}

/// A file that lies in the store with the wanted bytes.
struct Found {
    file: File,
    meta: Meta,
    executable: bool,
    /// Its flags, if it bears the immutable one.
    guarded: Option<Flags>,
}

/// Puts files into one staged tree.
pub(super) struct Placer<'a> {
    store: &'a Store,
    survey: &'a Survey,
    top: Dir,
    supply: &'a mut dyn Supply,
    sharing: Sharing,
    lenders: HashMap<ReleaseId, Lender>,
    /// Files of this very tree that later ones may share.
    fresh: HashMap<Hash, (RelPath, bool)>,
    /// Files whose bytes were written here: not on disk yet, and not guarded.
    written: Vec<RelPath>,
    buffer: Vec<u8>,
}

impl<'a> Placer<'a> {
    pub(super) fn new(
        store: &'a Store,
        survey: &'a Survey,
        top: Dir,
        supply: &'a mut dyn Supply,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            store,
            survey,
            top,
            supply,
            sharing: store.sharing()?,
            lenders: HashMap::new(),
            fresh: HashMap::new(),
            written: Vec::new(),
            buffer: vec![0; CHUNK_BYTES],
        })
    }

    /// Puts `wanted` into `dir`.
    pub(super) fn place(&mut self, dir: &Dir, wanted: &Wanted) -> Result<(), StoreError> {
        let found = match self.stored(&wanted.file)? {
            Some(stored) => Some(stored),
            None => self.fresh(&wanted.file.hash)?,
        };
        let Some(found) = found else {
            return self.place_new(dir, wanted);
        };
        let shared = match self.sharing {
            Sharing::HardLink => self.link(dir, wanted, &found)?,
            Sharing::Reflink => self.reflink(dir, wanted, &found)?,
            Sharing::Copy => false,
        };
        if shared {
            return Ok(());
        }
        let to = self.create(dir, wanted)?;
        self.copy(&found.file, &to, &wanted.file)
    }

    /// What was written is on disk, and guarded where inodes may be shared. Setting the flag writes a file's
    /// own bytes out, one file after the other: of many files the disk is better told at once.
    pub(super) fn finish(self) -> Result<(), StoreError> {
        let few = self.written.len() <= SYNC_ONE_BY_ONE_MAX;
        if !few {
            self.top.sync_filesystem()?;
        }
        for path in &self.written {
            let (open, _) = self.top.open_file(path.as_str())?;
            if few {
                file::sync(&open).map_err(|errno| self.top_error("make durable", path, errno))?;
            }
            if self.sharing == Sharing::HardLink {
                file::guard(&open, Guard::Immutable).map_err(|errno| flag_error("set", path, errno))?;
            }
        }
        Ok(())
    }

    fn top_error(&self, operation: &'static str, path: &RelPath, errno: Errno) -> StoreError {
        StoreError::from(DirError {
            operation,
            path: self.top.path().join(path.as_str()),
            source: errno.into(),
        })
    }

    fn place_new(&mut self, dir: &Dir, wanted: &Wanted) -> Result<(), StoreError> {
        let refused = |source| StoreError::Source {
            path: wanted.file.path.clone(),
            source,
        };
        let from = self.supply.file(&wanted.file).map_err(refused)?;
        let kind = file::meta(&from).map_err(|errno| refused(errno.into()))?.kind;
        if kind != Kind::File {
            // Reading a pipe or a device could take for ever.
            return Err(changed(&wanted.file.path, format!("it is a {} now", kind.word())));
        }
        let to = self.create(dir, wanted)?;
        self.copy(&from, &to, &wanted.file)?;
        let place = (wanted.file.path.clone(), wanted.executable);
        self.fresh.entry(wanted.file.hash).or_insert(place);
        Ok(())
    }

    fn create(&self, dir: &Dir, wanted: &Wanted) -> Result<File, StoreError> {
        // Its time is that of its storing: the source's could be older than the live release's, and a
        // browser's `If-Modified-Since` would then be answered with "not modified".
        let owned = self.store.owner().file(wanted.executable);
        Ok(dir.create_file(wanted.file.path.file_name(), owned)?)
    }

    fn fresh(&self, hash: &Hash) -> Result<Option<Found>, StoreError> {
        let Some((path, executable)) = self.fresh.get(hash) else {
            return Ok(None);
        };
        let (file, meta) = self.top.open_file(path.as_str())?;
        Ok(Some(Found {
            file,
            meta,
            executable: *executable,
            guarded: None,
        }))
    }

    /// The equal file of a stored release, unless it was altered there.
    fn stored(&mut self, wanted: &NewFile) -> Result<Option<Found>, StoreError> {
        let Some(origin) = self.survey.origins.get(&wanted.hash) else {
            return Ok(None);
        };
        let lender = self.lender(&origin.release)?;
        let opened = lender.tree.open_file(origin.path.as_str());
        let sealed_nanos = lender.sealed_nanos;
        let (file, meta) = match opened {
            Ok(opened) => opened,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let flags = file::flags(&file).map_err(|errno| flag_error("read", &origin.path, errno))?;
        let found = Found {
            file,
            meta,
            executable: origin.executable,
            guarded: Some(flags).filter(|flags| flags.is_immutable()),
        };
        let whole = meta.size == wanted.size
            && (is_untouched(&found, sealed_nanos, origin) || self.hashes_to(&found.file, wanted)?);
        Ok(whole.then_some(found))
    }

    fn lender(&mut self, release: &ReleaseId) -> Result<&Lender, StoreError> {
        if !self.lenders.contains_key(release) {
            let lender = Lender {
                tree: self.store.tree(release)?,
                sealed_nanos: self.store.manifests.meta(manifest_name(release))?.mtime_nanos,
            };
            self.lenders.insert(release.clone(), lender);
        }
        self.lenders
            .get(release)
            .ok_or_else(|| self.store.absent(release))
    }

    /// A second name for the same inode; `false` where that would not be the planned file.
    fn link(&mut self, dir: &Dir, wanted: &Wanted, found: &Found) -> Result<bool, StoreError> {
        if found.executable != wanted.executable
            || !is_owned(&found.meta, self.store.owner(), wanted.executable)
        {
            return Ok(false);
        }
        let name = wanted.file.path.file_name();
        let linked = match found.guarded {
            Some(flags) => with_flag_lifted(&found.file, flags, dir, name)?,
            None => {
                // New in this very tree, or found without its flag: the flag is set at the end.
                self.written.push(wanted.file.path.clone());
                dir.hard_link(&found.file, name)
            }
        };
        match linked {
            Ok(()) => Ok(true),
            Err(error) if error.is(Errno::MLINK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn reflink(&self, dir: &Dir, wanted: &Wanted, found: &Found) -> Result<bool, StoreError> {
        let to = self.create(dir, wanted)?;
        match file::reflink(&found.file, &to) {
            Ok(()) => Ok(true),
            Err(errno) => Err(StoreError::from(DirError {
                operation: "share the blocks of",
                path: dir.path().join(wanted.file.path.file_name()),
                source: errno.into(),
            })),
        }
    }

    fn hashes_to(&mut self, file: &File, wanted: &NewFile) -> Result<bool, StoreError> {
        let read = hash_file(file, wanted.size, &mut self.buffer, &mut |_| Ok(()));
        read.map(|hashed| hashed.is(wanted))
            .map_err(|source| StoreError::Source {
                path: wanted.path.clone(),
                source,
            })
    }

    fn copy(&mut self, from: &File, mut to: &File, wanted: &NewFile) -> Result<(), StoreError> {
        let mut write_error = None;
        let copied = hash_file(from, wanted.size, &mut self.buffer, &mut |bytes| {
            to.write_all(bytes).map_err(|error| {
                let kind = error.kind();
                write_error = Some(error);
                io::Error::from(kind)
            })
        });
        if let Some(source) = write_error {
            let path = self.top.path().join(wanted.path.as_str());
            return Err(StoreError::from(DirError {
                operation: "write",
                path,
                source,
            }));
        }
        match copied {
            Ok(hashed) if hashed.is(wanted) => {
                self.written.push(wanted.path.clone());
                Ok(())
            }
            Ok(_) => Err(changed(&wanted.path, "its bytes are others".to_owned())),
            Err(source) => Err(StoreError::Source {
                path: wanted.path.clone(),
                source,
            }),
        }
    }
}

fn changed(path: &RelPath, why: String) -> StoreError {
    StoreError::SourceChanged {
        path: path.clone(),
        why,
    }
}

/// Whether nothing altered the file since its release was stored.
///
/// Where files are shared by hard link, making a link touches the inode's change time, but the flag keeps
/// its bytes; elsewhere nothing touches either time.
fn is_untouched(found: &Found, sealed_nanos: i128, origin: &Origin) -> bool {
    if origin.guarded {
        found.guarded.is_some() && found.meta.mtime_nanos <= sealed_nanos
    } else {
        found.meta.ctime_nanos <= sealed_nanos
    }
}

fn is_owned(meta: &Meta, owner: Owner, executable: bool) -> bool {
    let wanted = owner.file(executable);
    (meta.uid, meta.gid, meta.mode) == (wanted.uid, wanted.gid, wanted.mode)
}

/// The flag is set again whatever the link said.
fn with_flag_lifted(
    file: &File,
    flags: Flags,
    dir: &Dir,
    name: &str,
) -> Result<Result<(), DirError>, StoreError> {
    let failed = |operation, errno: Errno| StoreError::Flag {
        operation,
        path: dir.path().join(name).display().to_string(),
        source: errno.into(),
    };
    file::set_guard(file, flags, Guard::Lifted).map_err(|errno| failed("lift", errno))?;
    let linked = dir.hard_link(file, name);
    file::set_guard(file, flags, Guard::Immutable).map_err(|errno| failed("set", errno))?;
    Ok(linked)
}

fn flag_error(operation: &'static str, path: &RelPath, errno: Errno) -> StoreError {
    StoreError::Flag {
        operation,
        path: path.to_string(),
        source: errno.into(),
    }
}

/// What was read of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hashed {
    pub(crate) hash: Hash,
    /// How many bytes that were.
    pub(crate) size: u64,
}

impl Hashed {
    fn is(&self, wanted: &NewFile) -> bool {
        (self.hash, self.size) == (wanted.hash, wanted.size)
    }
}

/// The hash of `file` from its start, each chunk given to `each`; one byte more than `size` at most is read,
/// so that a file which grows without end still ends here.
pub(crate) fn hash_file(
    file: &File,
    size: u64,
    buffer: &mut [u8],
    each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Hashed> {
    let mut hasher = blake3::Hasher::new();
    let mut at = 0;
    while at <= size {
        let left = usize::try_from(size - at).unwrap_or(usize::MAX).saturating_add(1);
        let asked = buffer.len().min(left);
        let read = match file.read_at(&mut buffer[..asked], at) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
        each(&buffer[..read])?;
        at += read as u64;
        if at == size && read < asked {
            // The byte more was not there: that is the end, and asking again would only say so.
            break;
        }
    }
    Ok(Hashed {
        hash: Hash::from_bytes(*hasher.finalize().as_bytes()),
        size: at,
    })
}
