//! Which files of a release differ from the release before, and who touched them last: learned from the store as
//! soon as both releases are in it, long before anyone asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use lamp_incident::ReleaseFacts;
use lamp_model::name::{ReleaseId, SiteName};
use lamp_model::origin::Provenance;
use lamp_model::state::{Deployment, Site, World};
use lamp_model::tree::Manifest;

use crate::desk::Desk;
use crate::hands::{Fact, HandsError};

/// Releases of which it is remembered, over all sites.
const RELEASES_MAX: usize = 64;

/// A release, and the one before it.
type Pair = (SiteName, ReleaseId, Option<ReleaseId>);

/// What is known of the files of releases.
pub struct Changes {
    desks: BTreeMap<SiteName, Arc<Desk>>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    releases: BTreeMap<(SiteName, ReleaseId), Learned>,
    /// What was asked for already, found or not: a store that cannot be read is not read each second.
    asked: BTreeSet<Pair>,
}

/// What is known of one release.
struct Learned {
    /// The paths that differ from the release before.
    files: BTreeSet<String>,
    /// Where it came from, if from git.
    provenance: Option<Box<Provenance>>,
}

impl Changes {
    /// Of the releases of these sites.
    pub fn new(desks: BTreeMap<SiteName, Arc<Desk>>) -> Self {
        Self {
            desks,
            known: Mutex::default(),
        }
    }

    /// Learns what the deployments of this world bring.
    pub async fn learn(&self, world: &World) {
        let pairs: BTreeSet<Pair> = world.sites.values().flat_map(pairs).collect();
        for pair in self.unknown(pairs) {
            if let Some(desk) = self.desks.get(&pair.0) {
                self.read(desk, &pair).await;
            }
        }
    }

    /// Those that nobody has asked for; each is asked for once, as long as its deployment is the last.
    fn unknown(&self, pairs: BTreeSet<Pair>) -> Vec<Pair> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = pairs.difference(&known.asked).cloned().collect();
        known.asked = pairs;
        unknown
    }

    async fn read(&self, desk: &Desk, (site, release, before): &Pair) {
        match learned(desk, release, before.as_ref()).await {
            Ok(learned) => {
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known.releases.insert((site.clone(), release.clone()), learned);
                while known.releases.len() > RELEASES_MAX {
                    known.releases.pop_first();
                }
            }
            Err(error) => tracing::warn!(%site, %release, %error, "its manifest is not known"),
        }
    }
}

/// What the deployment under way and the last one bring, once it is stored.
fn pairs(site: &Site) -> impl Iterator<Item = Pair> {
    let stored = |release: &ReleaseId| site.releases.contains_key(release);
    let ended = site.last.as_ref().map(|last| &last.deployment);
    let deployments = site.active.as_ref().into_iter().chain(ended);
    let pair = |deployment: &Deployment| {
        (
            deployment.id.site().clone(),
            deployment.to.clone(),
            deployment.from.clone(),
        )
    };
    deployments
        .map(pair)
        .filter(move |(_, to, from)| stored(to) && from.as_ref().is_none_or(stored))
}

async fn learned(
    desk: &Desk,
    release: &ReleaseId,
    before: Option<&ReleaseId>,
) -> Result<Learned, HandsError> {
    let new = desk.hands.manifest(release).await?;
    let old = match before {
        Some(before) => Some(desk.hands.manifest(before).await?),
        None => None,
    };
    let provenance = match desk.hands.record(release).await? {
        Fact::Stored { provenance, .. } => provenance,
        Fact::Done | Fact::Gated { .. } | Fact::Switched { .. } => None,
    };
    Ok(Learned {
        files: differing(old.as_ref(), &new),
        provenance,
    })
}

/// The paths at which `new` has something else than `old`.
fn differing(old: Option<&Manifest>, new: &Manifest) -> BTreeSet<String> {
    let old: BTreeMap<_, _> = old
        .into_iter()
        .flat_map(Manifest::entries)
        .map(|entry| (&entry.path, &entry.node))
        .collect();
    let entries = new.entries().iter();
    let differs = entries.filter(|entry| old.get(&entry.path) != Some(&&entry.node));
    differs.map(|entry| entry.path.as_str().to_owned()).collect()
}

impl ReleaseFacts for Changes {
    fn is_changed(&self, site: &SiteName, release: &ReleaseId, path: &str) -> Option<bool> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let learned = known.releases.get(&(site.clone(), release.clone()))?;
        Some(learned.files.contains(path))
    }

    fn commit(&self, site: &SiteName, release: &ReleaseId, path: Option<&str>) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let learned = known.releases.get(&(site.clone(), release.clone()))?;
        Some(learned.provenance.as_ref()?.commit_words(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lamp_model::tree::{Entry, Hash, Node, RelPath};

    fn manifest(files: &[(&str, u8)]) -> Manifest {
        let entry = |(path, content): &(&str, u8)| Entry {
            path: RelPath::parse(path).expect("valid"),
            node: Node::File {
                size: 1,
                hash: Hash::from_bytes([*content; 32]),
                executable: false,
            },
        };
        Manifest::try_new(files.iter().map(entry).collect()).expect("valid")
    }

    #[test]
    fn what_differs_is_what_is_new_or_has_other_content() {
        let (old, new) = (
            manifest(&[("gone.php", 1), ("index.php", 1), ("same.php", 1)]),
            manifest(&[("added.php", 1), ("index.php", 2), ("same.php", 1)]),
        );
        let differ: Vec<_> = differing(Some(&old), &new).into_iter().collect();
        assert_eq!(differ, ["added.php", "index.php"]);
        assert_eq!(differing(None, &new).len(), 3);
        assert!(differing(Some(&new), &new).is_empty());
    }
}
