//! How often may be asked: each kind of failure less and less often, all of them together not too often, and what visitors invent never at
//! the cost of what they are served.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use super::failure::Kind;

/// Most kinds that are told apart; beyond them nothing is asked that is not served.
const KINDS_MAX: usize = 1_000;
/// The shortest pause before the same is asked again; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Clients who had not met a failure when it was last asked about, and make it worth another question at once.
const NEW_CLIENTS_ENOUGH: usize = 3;
/// Clients remembered for one kind.
const CLIENTS_MAX: usize = 64;

/// What is known of the route that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Visitors were answered well on it.
    ServedBefore,
    /// It may be a visitor's invention.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Questions {
    kinds: HashMap<Kind, Asked>,
    served: Bucket,
    unknown: Bucket,
}

#[derive(Debug)]
struct Asked {
    last: Duration,
    pause: Duration,
    clients: HashSet<IpAddr>,
    new_clients: usize,
}

/// Tokens that come back with time.
#[derive(Debug)]
struct Bucket {
    tokens: u32,
    most: u32,
    every: Duration,
    filled: Duration,
}

impl Default for Questions {
    fn default() -> Self {
        Self {
            kinds: HashMap::new(),
            served: Bucket::new(10, Duration::from_millis(200)),
            unknown: Bucket::new(3, Duration::from_secs(1)),
        }
    }
}

impl Questions {
    /// Whether a failure of this kind, met by this client, may be asked about now; if so, it counts as asked.
    pub(super) fn may_ask(&mut self, kind: Kind, standing: Standing, client: IpAddr, now: Duration) -> bool {
        let is_due = match self.kinds.get_mut(&kind) {
            Some(asked) => asked.is_due(client, now),
            None => self.kinds.len() < KINDS_MAX || standing == Standing::ServedBefore,
        };
        let bucket = match standing {
            Standing::ServedBefore => &mut self.served,
            Standing::Unknown => &mut self.unknown,
        };
        if !is_due || !bucket.take(now) {
            return false;
        }
        if self.kinds.len() >= KINDS_MAX {
            self.kinds.clear();
        }
        self.kinds
            .entry(kind)
            .and_modify(|asked| asked.again(now))
            .or_insert_with(|| Asked::first(client, now));
        true
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.kinds.len()
    }
}

impl Asked {
    fn first(client: IpAddr, now: Duration) -> Self {
        Self {
            last: now,
            pause: PAUSE_FIRST,
            clients: HashSet::from([client]),
            new_clients: 0,
        }
    }

    fn is_due(&mut self, client: IpAddr, now: Duration) -> bool {
        if self.clients.len() < CLIENTS_MAX && self.clients.insert(client) {
            self.new_clients += 1;
        }
        let passed = now.saturating_sub(self.last);
        passed >= self.pause || (passed >= PAUSE_FIRST && self.new_clients >= NEW_CLIENTS_ENOUGH)
    }

    fn again(&mut self, now: Duration) {
        self.last = now;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        self.new_clients = 0;
    }
}

impl Bucket {
    const fn new(most: u32, every: Duration) -> Self {
        Self {
            tokens: most,
            most,
            every,
            filled: Duration::ZERO,
        }
    }

    fn take(&mut self, now: Duration) -> bool {
        let new = now.saturating_sub(self.filled).as_millis() / self.every.as_millis().max(1);
        if new > 0 {
            self.tokens = self
                .tokens
                .saturating_add(u32::try_from(new).unwrap_or(u32::MAX))
                .min(self.most);
            self.filled = now;
        }
        let has_one = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        has_one
    }
}
