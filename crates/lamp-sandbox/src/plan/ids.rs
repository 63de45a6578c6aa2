//! Which users of the host a sandbox's users are.
//!
//! Every twin has [`ID_RANGE`] users of the host to itself, so that no process of a twin shares a user with
//! one of production or of another twin: a shared user could starve, trace and signal it.

use serde::{Deserialize, Serialize};

/// How many users and groups a sandbox has.
pub const ID_RANGE: u32 = 65_536;
/// The first user of the first range. Above what container tools take (524,288 to 1,879,048,191) and
/// below 2^31, where some programs see negative numbers.
pub const FIRST_BASE: u32 = 0x7000_0000;
/// How many ranges there are.
pub const SLOTS: u16 = 4_096;

/// One private range of users and groups: user `n` inside is user `base + n` of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct IdMap {
    base: u32,
}

/// Why a number is no private range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdMapError {
    /// Not the start of one.
    #[error("{0} starts no private range of users")]
    Base(u32),
    /// There are not so many.
    #[error("there are {SLOTS} private ranges of users, {0} is none of them")]
    Slot(u16),
}

impl IdMap {
    /// The range number `slot`, from 0.
    pub fn slot(slot: u16) -> Result<Self, IdMapError> {
        if slot >= SLOTS {
            return Err(IdMapError::Slot(slot));
        }
        Ok(Self {
            base: FIRST_BASE + u32::from(slot) * ID_RANGE,
        })
    }

    /// The first range that none of `taken` is.
    pub fn first_free(taken: &[Self]) -> Option<Self> {
        let all = (0..SLOTS).filter_map(|slot| Self::slot(slot).ok());
        all.into_iter().find(|range| !taken.contains(range))
    }

    /// The host's user that root inside is.
    pub const fn base(self) -> u32 {
        self.base
    }

    /// The host's user that user `inside` is; `None` beyond the range.
    pub const fn on_host(self, inside: u32) -> Option<u32> {
        if inside < ID_RANGE {
            Some(self.base + inside)
        } else {
            None
        }
    }

    /// Whether the host's user `id` belongs to the range.
    pub const fn holds(self, id: u32) -> bool {
        id >= self.base && id - self.base < ID_RANGE
    }

    /// The line that the kernel's `uid_map` and `gid_map` take.
    pub fn line(self) -> String {
        format!("0 {} {ID_RANGE}\n", self.base)
    }
}

impl TryFrom<u32> for IdMap {
    type Error = IdMapError;
    fn try_from(base: u32) -> Result<Self, IdMapError> {
        let offset = base.checked_sub(FIRST_BASE).ok_or(IdMapError::Base(base))?;
        if offset % ID_RANGE != 0 {
            return Err(IdMapError::Base(base));
        }
        let slot = u16::try_from(offset / ID_RANGE).map_err(|_| IdMapError::Base(base))?;
        Self::slot(slot)
    }
}

impl From<IdMap> for u32 {
    fn from(map: IdMap) -> Self {
        map.base
    }
}
