//! Which releases may be removed: a pure decision, with its reason for each.
//!
//! Only proven-good releases count toward what is kept, so a row of failed deployments evicts no release
//! that one could go back to. What a link of the store or a way back leads to is never removed.

use std::cmp::Reverse;
use std::num::NonZeroU32;

use jiff::Timestamp;
use lamp_model::ReleaseId;

/// A stored release as the log knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub release: ReleaseId,
    /// When it counted as stored.
    pub stored_at: Timestamp,
    /// When it was last proven good.
    pub proven_at: Option<Timestamp>,
}

/// What is in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InUse {
    /// What answers requests.
    pub live: Option<ReleaseId>,
    /// Where a rollback leads.
    pub rollback_target: Option<ReleaseId>,
    /// What answers when `current` is broken.
    pub last_good: Option<ReleaseId>,
    /// Where the armed way back leads.
    pub armed: Option<ReleaseId>,
    /// What a deployment under way brings.
    pub coming: Option<ReleaseId>,
}

/// What becomes of one release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Keep(KeepReason),
    /// It may go.
    Prune(PruneReason),
}

/// Why a release stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepReason {
    /// It answers requests.
    Live,
    /// A rollback leads to it.
    RollbackTarget,
    /// It answers when `current` is broken.
    LastGood,
    /// The armed way back leads to it.
    Armed,
    /// A deployment under way brings it.
    Coming,
    /// It is among the newest proven ones, as many as are to be kept.
    ProvenRecently,
    /// It is the newest one that was never proven, kept to be looked at.
    NewestUnproven,
}

/// Why a release may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneReason {
    /// Enough newer ones are proven good.
    EnoughNewer,
    /// It was never proven good, and a newer unproven one is there to be looked at.
    NeverProven,
}

/// The fate of every release, in the order given.
pub fn decide(releases: &[Candidate], in_use: &InUse, keep: NonZeroU32) -> Vec<(ReleaseId, Fate)> {
    let recent = newest_proven(releases, keep);
    let newest_unproven = releases
        .iter()
        .filter(|release| release.proven_at.is_none())
        .max_by_key(|release| (release.stored_at, &release.release))
        .map(|release| &release.release);
    let fate = |candidate: &Candidate| {
        if let Some(reason) = in_use.reason(&candidate.release) {
            return Fate::Keep(reason);
        }
        match candidate.proven_at {
            Some(_) if recent.contains(&&candidate.release) => Fate::Keep(KeepReason::ProvenRecently),
            Some(_) => Fate::Prune(PruneReason::EnoughNewer),
            None if newest_unproven == Some(&candidate.release) => Fate::Keep(KeepReason::NewestUnproven),
            None => Fate::Prune(PruneReason::NeverProven),
        }
    };
    releases
        .iter()
        .map(|candidate| (candidate.release.clone(), fate(candidate)))
        .collect()
}

/// Those that may go, in the order given.
pub fn to_prune(fates: &[(ReleaseId, Fate)]) -> Vec<ReleaseId> {
    let doomed = fates.iter().filter(|(_, fate)| matches!(fate, Fate::Prune(_)));
    doomed.map(|(release, _)| release.clone()).collect()
}

fn newest_proven(releases: &[Candidate], keep: NonZeroU32) -> Vec<&ReleaseId> {
    let mut proven: Vec<_> = releases
        .iter()
        .filter(|release| release.proven_at.is_some())
        .collect();
    proven.sort_by_key(|release| Reverse((release.proven_at, &release.release)));
    let keep = usize::try_from(keep.get()).unwrap_or(usize::MAX);
    proven
        .into_iter()
        .take(keep)
        .map(|release| &release.release)
        .collect()
}

impl InUse {
    fn reason(&self, release: &ReleaseId) -> Option<KeepReason> {
        let uses = [
            (&self.live, KeepReason::Live),
            (&self.rollback_target, KeepReason::RollbackTarget),
            (&self.last_good, KeepReason::LastGood),
            (&self.armed, KeepReason::Armed),
            (&self.coming, KeepReason::Coming),
        ];
        uses.into_iter()
            .find(|(used, _)| used.as_ref() == Some(release))
            .map(|(_, reason)| reason)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(n: usize) -> ReleaseId {
        ReleaseId::parse(&format!("r{n}")).expect("a name")
    }

    /// One letter per release, oldest first: `g` proven good, `-` never proven.
    fn stored(row: &str) -> Vec<Candidate> {
        let at = |n: usize| Timestamp::from_second(1_000 + n as i64).expect("a time");
        let one = |(n, letter): (usize, char)| Candidate {
            release: id(n),
            stored_at: at(n),
            proven_at: (letter == 'g').then(|| at(n)),
        };
        row.chars().enumerate().map(one).collect()
    }

    #[track_caller]
    fn check(row: &str, live: usize, keep: u32, expected: &str) {
        let in_use = InUse {
            live: Some(id(live)),
            ..InUse::default()
        };
        let fates = decide(
            &stored(row),
            &in_use,
            NonZeroU32::new(keep).expect("more than none"),
        );
        let letter = |(_, fate): &(ReleaseId, Fate)| match fate {
            Fate::Keep(_) => 'k',
            Fate::Prune(_) => 'x',
        };
        assert_eq!(fates.iter().map(letter).collect::<String>(), expected, "{row}");
    }

    #[test]
    fn failed_releases_evict_no_good_one() {
        check("gggggg", 5, 5, "xkkkkk");
        check("ggg---", 2, 3, "kkkxxk");
        check("g-g-g-", 4, 2, "xxkxkk");
        check("gggggg", 0, 2, "kxxxkk");
        check("------", 0, 1, "kxxxxk");
        check("g", 0, 1, "k");
    }

    proptest! {
        #[test]
        fn what_is_in_use_stays_and_enough_good_ones_do(
            row in "[g-]{1,30}",
            keep in 1_u32..8,
            used in prop::collection::vec(0_usize..30, 5),
        ) {
            let releases = stored(&row);
            let in_use = InUse {
                live: Some(id(used[0])),
                rollback_target: Some(id(used[1])),
                last_good: Some(id(used[2])),
                armed: Some(id(used[3])),
                coming: Some(id(used[4])),
            };
            let fates = decide(&releases, &in_use, NonZeroU32::new(keep).expect("more than none"));
            let doomed = to_prune(&fates);
            prop_assert!(used.iter().all(|n| !doomed.contains(&id(*n))));
            let good = |release: &&Candidate| release.proven_at.is_some();
            let good_count = releases.iter().filter(good).count();
            let kept = releases.iter().filter(good).filter(|good| !doomed.contains(&good.release)).count();
            prop_assert!(kept >= good_count.min(keep as usize));
            prop_assert!(kept <= keep as usize + in_use_count(&in_use));
        }
    }

    fn in_use_count(in_use: &InUse) -> usize {
        [
            &in_use.live,
            &in_use.rollback_target,
            &in_use.last_good,
            &in_use.armed,
            &in_use.coming,
        ]
        .len()
    }
}
