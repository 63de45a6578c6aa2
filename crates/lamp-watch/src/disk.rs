//! Whether a filesystem is nearly full, and how long its room will do. Pure.
//!
//! On a small filesystem a fixed amount would always be too much, on a large one a share: thresholds are shares with a least and a
//! most. What was called nearly full is so until there is clearly more room again, and never calms down before.

use std::collections::VecDeque;
use std::time::Duration;

use lamp_model::evidence::{RoomLeft, Trouble, Urgency};

/// How often filesystems are looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(30);
/// What more there must be than the threshold before it is well again, in parts of a hundred of it.
const WELL_AGAIN_PERCENT: u64 = 120;
/// Looks that the trend is told from: an hour.
const LOOKS_MAX: usize = 120;
/// The shortest time that a trend is told from.
const TREND_LEAST: Duration = Duration::from_secs(10 * 60);
/// A trend that would take longer says nothing.
const TREND_MOST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What a filesystem has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that are free for others than root.
    pub free_bytes: u64,
    /// All bytes that others than root could have: shares of a disk with a large reserve would be far too much.
    pub usable_bytes: u64,
    /// Inodes that are free.
    pub free_inodes: u64,
    /// All inodes; 0: the filesystem makes them as needed.
    pub total_inodes: u64,
}

/// A share of a filesystem that is too little.
struct Threshold {
    per_thousand: u64,
    least_bytes: u64,
    most_bytes: u64,
    /// The least is never more than this share of a small filesystem.
    least_per_thousand: u64,
    inodes_per_thousand: u64,
}

/// A day's logs, an upload or two, a release and its twin still fit.
const SOON: Threshold = Threshold {
    per_thousand: 50,
    least_bytes: GIB,
    most_bytes: 50 * GIB,
    least_per_thousand: 100,
    inodes_per_thousand: 50,
};

/// The next large write may fail: a sort of the database's on disk, a release.
const NOW: Threshold = Threshold {
    per_thousand: 20,
    least_bytes: 256 * MIB,
    most_bytes: 4 * GIB,
    least_per_thousand: 50,
    inodes_per_thousand: 10,
};

impl Threshold {
    fn bytes(&self, total: u64) -> u64 {
        let least = self.least_bytes.min(share(total, self.least_per_thousand));
        share(total, self.per_thousand).min(self.most_bytes).max(least)
    }

    fn inodes(&self, total: u64) -> u64 {
        share(total, self.inodes_per_thousand)
    }

    /// Whether there is less than `percent` of the threshold.
    fn lacks(&self, room: &Room, percent: u64) -> Lack {
        let below = |free: u64, threshold: u64| free < threshold.saturating_mul(percent) / 100;
        if below(room.free_bytes, self.bytes(room.usable_bytes)) {
            Lack::Bytes
        } else if below(room.free_inodes, self.inodes(room.total_inodes)) {
            Lack::Inodes
        } else {
            Lack::Nothing
        }
    }
}

const fn share(total: u64, per_thousand: u64) -> u64 {
    (total / 1000).saturating_mul(per_thousand)
}

/// What runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    Nothing,
    Bytes,
    Inodes,
}

/// What is wrong with the filesystem of `path`, if anything; `standing`: as it was called before.
pub fn judge(path: &str, room: &Room, standing: Option<Urgency>, trend: &Trend) -> Option<Trouble> {
    let (lack, urgency) = lack(room, standing)?;
    Some(Trouble::DiskNearlyFull {
        path: path.to_owned(),
        free_bytes: room.free_bytes,
        room: RoomLeft {
            total_bytes: Some(room.usable_bytes),
            free_inodes: (lack == Lack::Inodes).then_some(room.free_inodes),
            full_in_seconds: match lack {
                Lack::Bytes => trend.full_in().map(|left| left.as_secs()),
                Lack::Inodes | Lack::Nothing => None,
            },
        },
        urgency,
    })
}

fn lack(room: &Room, standing: Option<Urgency>) -> Option<(Lack, Urgency)> {
    let well_at = standing.map_or(100, |_| WELL_AGAIN_PERCENT);
    match (NOW.lacks(room, 100), SOON.lacks(room, well_at)) {
        (Lack::Nothing, Lack::Nothing) => None,
        (Lack::Nothing, lack) => Some((lack, standing.unwrap_or(Urgency::Soon))),
        (lack, _) => Some((lack, Urgency::Now)),
    }
}

/// How a filesystem fills.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trend {
    looks: VecDeque<(Duration, u64)>,
}

impl Trend {
    /// Takes a look in: so much was free at `at`, which counts from any one moment.
    pub fn look(&mut self, at: Duration, free_bytes: u64) {
        if self.looks.len() >= LOOKS_MAX {
            self.looks.pop_front();
        }
        self.looks.push_back((at, free_bytes));
    }

    /// When nothing is left, if it goes on as it went; `None`: it does not fill, or that cannot be told yet.
    pub fn full_in(&self) -> Option<Duration> {
        let ((began, had), (now, has)) = (self.looks.front()?, self.looks.back()?);
        let elapsed = now.checked_sub(*began).filter(|long| *long >= TREND_LEAST)?;
        let eaten = had.checked_sub(*has).filter(|eaten| *eaten > 0)?;
        let seconds = elapsed.as_secs_f64() * (*has as f64) / (eaten as f64);
        let left = Duration::try_from_secs_f64(seconds).ok()?;
        (left <= TREND_MOST).then_some(left)
    }
}

#[cfg(test)]
mod tests;
