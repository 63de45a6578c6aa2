//! Whether what an earlier look at a tree came to still holds: what spares looking again at a tree in which nothing
//! changed, or in which what changed says the same in other lines.
//!
//! A look is a function of what it takes of the tree ([`Taken`]): each name and what stands there, the facts of PHP files,
//! the bytes of some others. If all of that is the same, so is what it came to. If the facts of a file are the same but for
//! the places in it, and these come in the same order, it is the same but for those places: rules carry them from facts
//! to findings, and compare them for order and equality at most.
//!
//! Invariant: where it cannot be told, nothing stands, and the tree is looked at again.

use lamp_model::finding::{CheckReport, Finding};
use lamp_model::reach::UnknownInclude;
use serde::{Deserialize, Serialize};

use crate::Limits;
use crate::cache::{ContentHash, FactsCache, Taken, kept, remembered};
use crate::facts::{FileFacts, Spot};
use crate::hashed::HashMap;
use crate::outline::outline;
use crate::parse::{arena, parse};
use crate::symbols;
use crate::tree::{Entry, EntryKind, Tree};

/// Most files that are read before the tree is rather looked at again, by more than one thread.
const READ_MAX: usize = 100;
/// Where what is said of a file as a whole stands.
const TOP: Spot = Spot { line: 1, column: 1 };

/// One path of the tree as it was, and what was taken of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stood {
    /// What stood there.
    pub entry: Entry,
    /// What the look took of it.
    pub taken: Taken,
}

/// The places that became others since the earlier look.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// By path: each place that its facts had and the one that they have, sorted.
    by_path: HashMap<String, Vec<(Spot, Spot)>>,
}

/// What moved since a look that took all this of the tree; `None`: more than places is different. The cache is told what is
/// taken now, and asked for the facts of what was taken then.
pub fn moves(tree: &dyn Tree, limits: &Limits, cache: &dyn FactsCache, before: &[Stood]) -> Option<Moves> {
    let entries = tree.entries();
    let is_known = |at: usize| cache.hash_of(at).is_some();
    let stands = |(now, then): (&Entry, &Stood)| {
        now.path == then.entry.path
            && match then.taken {
                Taken::Name => now.kind == then.entry.kind,
                Taken::Facts(_) | Taken::Bytes(_) => matches!(now.kind, EntryKind::File { .. }),
                Taken::Unread => false,
            }
    };
    let each = || entries.iter().zip(before).enumerate();
    if entries.len() != before.len() || !entries.iter().zip(before).all(stands) {
        return None;
    }
    let to_read = each().filter(|(at, (_, then))| then.taken != Taken::Name && !is_known(*at));
    if to_read.count() > READ_MAX {
        return None;
    }
    let mut moves = Moves::default();
    for (at, (entry, then)) in each() {
        if let Some(spots) = (Now {
            tree,
            limits,
            cache,
            at,
        })
        .moved(then.taken)?
        {
            moves.by_path.insert(entry.path.clone(), spots);
        }
    }
    Some(moves)
}

/// One file, as it is now.
struct Now<'t> {
    tree: &'t dyn Tree,
    limits: &'t Limits,
    cache: &'t dyn FactsCache,
    at: usize,
}

impl Now<'_> {
    /// The places that moved in it, if any; `None`: it says something else.
    fn moved(&self, taken: Taken) -> Option<Option<Vec<(Spot, Spot)>>> {
        let (Taken::Facts(hash) | Taken::Bytes(hash)) = taken else {
            return Some(None);
        };
        if self.cache.hash_of(self.at) == Some(hash) {
            self.cache.takes(self.at, taken);
            return Some(None);
        }
        let bytes = self.tree.bytes(self.at).ok()?;
        if ContentHash::of(&bytes) == hash {
            self.cache.takes(self.at, taken);
            return Some(None);
        }
        if matches!(taken, Taken::Bytes(_)) || !self.is_short(&bytes) {
            return None;
        }
        let facts = remembered(Some(self.cache), (self.at, &bytes), || {
            parse(&mut arena(), &bytes)
        });
        if facts.not_checked.is_some() {
            return None;
        }
        spots(&kept(self.cache, &hash)?, &facts).map(Some)
    }

    fn is_short(&self, bytes: &[u8]) -> bool {
        let is_short = |length: u64| length <= self.limits.file_max_bytes;
        let listed = self.tree.entries().get(self.at).map(|entry| &entry.kind);
        matches!(listed, Some(EntryKind::File { size_bytes }) if is_short(*size_bytes))
            && u64::try_from(bytes.len()).is_ok_and(is_short)
    }
}

/// Where each place went, if that is all that is different, and their order is the same.
fn spots(then: &FileFacts, now: &FileFacts) -> Option<Vec<(Spot, Spot)>> {
    let (then, now) = (outline(then)?, outline(now)?);
    if then.said != now.said || then.spots.len() != now.spots.len() {
        return None;
    }
    let mut pairs: Vec<(Spot, Spot)> = then.spots.into_iter().zip(now.spots).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let is_in_order = |[a, b]: &[(Spot, Spot); 2]| a.0 < b.0 && a.1 < b.1;
    // The top stands for the whole file, too.
    let keeps_the_top = |(then, now): &(Spot, Spot)| (*then == TOP) == (*now == TOP);
    (pairs.array_windows().all(is_in_order) && pairs.iter().all(keeps_the_top)).then_some(pairs)
}

impl Moves {
    /// Whether every place is where it was.
    pub fn is_empty(&self) -> bool {
        self.by_path.is_empty()
    }

    /// Whether places of this file are others now.
    pub fn touches(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// Puts the findings of the earlier look where they are now; `None`: that cannot be told of each.
    pub fn report(&self, report: &mut CheckReport) -> Option<()> {
        if !self.is_empty() && report.findings.iter().any(names_a_line) {
            return None;
        }
        for finding in &mut report.findings {
            self.put(&finding.path, (&mut finding.line, &mut finding.column))?;
        }
        Some(())
    }

    /// The same of includes whose file cannot be told.
    pub fn unknown(&self, unknown: &mut [UnknownInclude]) -> Option<()> {
        unknown
            .iter_mut()
            .try_for_each(|include| self.put(&include.path, (&mut include.line, &mut include.column)))
    }

    fn put(&self, path: &str, (line, column): (&mut u32, &mut u32)) -> Option<()> {
        let then = Spot {
            line: *line,
            column: *column,
        };
        let Some(spots) = self.by_path.get(path).filter(|_| then != TOP) else {
            return Some(());
        };
        let at = spots.binary_search_by_key(&then, |(then, _)| *then).ok()?;
        (*line, *column) = (spots[at].1.line, spots[at].1.column);
        Some(())
    }
}

/// Whether a finding's words name a place, which may be in another file than the finding.
fn names_a_line(finding: &Finding) -> bool {
    finding.rule.as_str() == symbols::DECLARED_TWICE
}
