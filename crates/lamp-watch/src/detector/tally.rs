//! What visitors went through: failed answers one by one, all others by the second.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::IpAddr;

use jiff::Timestamp;
use lamp_logline::AccessLine;
use lamp_model::ReleaseId;
use lamp_model::evidence::Impact;

use crate::message::Traffic;

/// Most failed answers that are remembered.
const FAILED_MAX: usize = 200_000;
/// Most seconds whose requests are remembered.
const SECONDS_MAX: usize = 24 * 60 * 60;

#[derive(Debug, Default)]
pub(super) struct Tally {
    failed: VecDeque<Failed>,
    seconds: BTreeMap<i64, HashMap<Option<ReleaseId>, u64>>,
    now: Traffic,
}

#[derive(Debug)]
struct Failed {
    ended_at: Timestamp,
    client: IpAddr,
    release: Option<ReleaseId>,
}

impl Tally {
    pub(super) fn add(&mut self, line: &AccessLine, has_failed: bool) {
        let ended_at = line.ended_at();
        let second = self.seconds.entry(ended_at.as_second()).or_default();
        *second.entry(line.release.clone()).or_default() += 1;
        if self.seconds.len() > SECONDS_MAX {
            self.seconds.pop_first();
        }
        if has_failed {
            if self.failed.len() >= FAILED_MAX {
                self.failed.pop_front();
            }
            self.failed.push_back(Failed {
                ended_at,
                client: line.client,
                release: line.release.clone(),
            });
        }
        self.now.requests += 1;
    }

    /// One of the requests just added was answered by the live release.
    pub(super) const fn add_live(&mut self, has_failed: bool) {
        if has_failed {
            self.now.failed += 1;
        } else {
            self.now.well += 1;
        }
    }

    pub(super) fn traffic(&mut self, live: Option<&ReleaseId>) -> Option<Traffic> {
        let traffic = std::mem::take(&mut self.now);
        (traffic.requests > 0).then(|| Traffic {
            release: live.cloned(),
            ..traffic
        })
    }

    /// Failed answers are exact; requests are counted from the beginning of the second of `since`.
    pub(super) fn impact(&self, release: Option<&ReleaseId>, since: Timestamp) -> Impact {
        let is_meant = |of: &Option<ReleaseId>| release.is_none() || of.as_ref() == release;
        let failed = || {
            self.failed
                .iter()
                .filter(|failed| failed.ended_at >= since && is_meant(&failed.release))
        };
        let clients: HashSet<IpAddr> = failed().map(|failed| failed.client).collect();
        let seconds = self.seconds.range(since.as_second()..);
        Impact {
            failed_requests: failed().count() as u64,
            failed_clients: clients.len() as u64,
            requests: seconds
                .flat_map(|(_, releases)| releases)
                .filter(|(of, _)| is_meant(of))
                .map(|(_, count)| count)
                .sum(),
            first_failed_at: failed().map(|failed| failed.ended_at).min(),
            last_failed_at: failed().map(|failed| failed.ended_at).max(),
        }
    }
}
