//! How this filesystem lets two releases share a file: found out by trying, once per store.

use lamp_fleet::file::{self, Guard};
use lamp_fleet::{Dir, DirError};
use rustix::io::Errno;

use super::{Owner, Store};
use crate::error::StoreError;

/// How an unchanged file gets into the next release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Its blocks are shared until one side writes: XFS, btrfs.
    Reflink,
    /// One inode with several names, immutable so that no release can alter another: ext4.
    HardLink,
    /// Not at all: its bytes are copied.
    Copy,
}

impl Sharing {
    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reflink => "reflinks",
            Self::HardLink => "hard links with the immutable flag",
            Self::Copy => "copies",
        }
    }
}

const PROBE: &str = ".probe";
const PROBE_TWIN: &str = ".probe-twin";

impl Store {
    /// How releases of this store share files. Tried out on first use.
    pub fn sharing(&self) -> Result<Sharing, StoreError> {
        if let Some(known) = self.sharing.get() {
            return Ok(*known);
        }
        let found = probe(&self.staging, self.owner)?;
        Ok(*self.sharing.get_or_init(|| found))
    }

    /// Forces a way of sharing: for tests that hold one against another.
    #[must_use]
    pub fn with_sharing(self, sharing: Sharing) -> Self {
        Self {
            sharing: sharing.into(),
            ..self
        }
    }
}

fn probe(staging: &Dir, owner: Owner) -> Result<Sharing, StoreError> {
    clear(staging)?;
    let found = probe_reflink(staging, owner)?;
    let found = match found {
        Some(sharing) => Some(sharing),
        None => probe_hard_link(staging)?,
    };
    clear(staging)?;
    Ok(found.unwrap_or(Sharing::Copy))
}

fn probe_reflink(staging: &Dir, owner: Owner) -> Result<Option<Sharing>, StoreError> {
    let mut from = staging.create_file(PROBE, owner.file(false))?;
    let to = staging.create_file(PROBE_TWIN, owner.file(false))?;
    std::io::Write::write_all(&mut from, b"?").map_err(|source| at(staging, source))?;
    let shared = file::reflink(&from, &to).is_ok();
    staging.remove_file(PROBE_TWIN)?;
    Ok(shared.then_some(Sharing::Reflink))
}

/// A filesystem that accepts the flag and ignores it would let one release alter another: so the flag must
/// be seen to refuse a link.
fn probe_hard_link(staging: &Dir) -> Result<Option<Sharing>, StoreError> {
    let (from, _) = staging.open_file(PROBE)?;
    if file::guard(&from, Guard::Immutable).is_err() {
        return Ok(None);
    }
    let refused = staging
        .hard_link(&from, PROBE_TWIN)
        .is_err_and(|error| error.is(Errno::PERM));
    let lifted = file::guard(&from, Guard::Lifted).is_ok();
    let linked = staging.hard_link(&from, PROBE_TWIN).is_ok();
    Ok((refused && lifted && linked).then_some(Sharing::HardLink))
}

fn clear(staging: &Dir) -> Result<(), StoreError> {
    if let Ok((left, _)) = staging.open_file(PROBE) {
        // Left by a process that was killed in the middle of this; it may be immutable.
        file::guard(&left, Guard::Lifted).or_else(|errno| match errno {
            Errno::NOTTY | Errno::OPNOTSUPP | Errno::PERM => Ok(()),
            other => Err(at(staging, other)),
        })?;
    }
    staging.remove_file(PROBE_TWIN)?;
    Ok(staging.remove_file(PROBE)?)
}

fn at(staging: &Dir, source: impl Into<std::io::Error>) -> StoreError {
    StoreError::from(DirError {
        operation: "try how files can be shared at",
        path: staging.path().join(PROBE),
        source: source.into(),
    })
}
