//! By what a file is known to have the bytes that it had, without reading it: the number, length and times of its inode.
//!
//! Invariant: a seal is kept only if no later change of the bytes can leave it as it is. The kernel sets an inode's change
//! time at each change, and nobody else can set it; but its clock has ticks, and two changes within one have the same time.
//! So a seal is kept only of a file that was last changed well before the look began, as git does with its index; and only
//! on filesystems whose times are set by this kernel, not by some server's with a clock of its own. `docs/adr/0013` argues it.

use lamp_fleet::Dir;
use lamp_fleet::file::Meta;
use serde::{Deserialize, Serialize};

/// How long a file must have been left alone before a look for its seal to be kept: longer than the longest tick of any
/// filesystem, which is two seconds.
const SETTLED_NANOS: i128 = 3_000_000_000;

/// What the inode of a file says of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seal {
    ino: u64,
    size: u64,
    mtime_nanos: i128,
    ctime_nanos: i128,
}

/// Seals the files of one tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sealer {
    /// The filesystem of the tree's root, if this kernel sets its times.
    dev: Option<u64>,
}

impl Sealer {
    pub(super) fn of(root: &Dir) -> Self {
        let dev = root.own_meta().ok().map(|meta| meta.dev);
        Self {
            dev: dev.filter(|_| root.is_timed_here()),
        }
    }

    /// The seal of a file; `None`: its inode does not tell.
    pub(super) fn seal(self, meta: &Meta) -> Option<Seal> {
        (self.dev == Some(meta.dev)).then_some(Seal {
            ino: meta.ino,
            size: meta.size,
            mtime_nanos: meta.mtime_nanos,
            ctime_nanos: meta.ctime_nanos,
        })
    }
}

impl Seal {
    /// Whether a change after this moment, in nanoseconds since 1970, would show.
    pub(super) const fn is_settled_at(&self, now_nanos: i128) -> bool {
        self.ctime_nanos < now_nanos - SETTLED_NANOS && self.mtime_nanos < now_nanos - SETTLED_NANOS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i128 = 1_000_000_000;

    fn seal(mtime_nanos: i128, ctime_nanos: i128) -> Seal {
        Seal {
            ino: 1,
            size: 1,
            mtime_nanos,
            ctime_nanos,
        }
    }

    #[test]
    fn what_was_changed_just_now_is_not_settled() {
        let is_settled = |mtime, ctime| seal(mtime, ctime).is_settled_at(100 * SECOND);
        assert!(is_settled(90 * SECOND, 90 * SECOND));
        assert!(is_settled(0, 96 * SECOND));
        for just_now in [97 * SECOND, 99 * SECOND, 100 * SECOND, 200 * SECOND] {
            assert!(!is_settled(0, just_now), "{just_now}");
            assert!(!is_settled(just_now, 0), "{just_now}");
        }
    }
}
