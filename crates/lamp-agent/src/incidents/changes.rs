//! Which files of a release differ from the release before, who touched them last, and what hangs on them: learned from
//! the store as soon as it can be, long before anyone asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lamp_incident::ReleaseFacts;
use lamp_model::finding::BlastRadius;
use lamp_model::name::{ReleaseId, SiteName};
use lamp_model::origin::Provenance;
use lamp_model::reach::WholeGraph;
use lamp_model::state::{Deployment, Site, World};
use lamp_model::tree::Manifest;

use crate::desk::Desk;
use crate::hands::{Fact, HandsError};

/// Releases of which it is remembered, over all sites.
const RELEASES_MAX: usize = 64;

/// Something to learn of a release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    site: SiteName,
    release: ReleaseId,
    what: What,
}

/// What there is to learn. Each is learned by itself: a page waits for what is learned just before it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Which files differ from those of the release before, and who touched them.
    Files { before: Option<ReleaseId> },
    /// What hangs on them, once the gate has looked.
    Graph,
}

/// What is known of the files of releases.
pub struct Changes {
    desks: BTreeMap<SiteName, Arc<Desk>>,
    known: Mutex<Known>,
}

/// A release of a site.
type Key = (SiteName, ReleaseId);

#[derive(Default)]
struct Known {
    releases: BTreeMap<Key, Learned>,
    /// What hangs on the files of those that the gate has looked at.
    graphs: BTreeMap<Key, WholeGraph>,
    /// What was asked for already, found or not: a store that cannot be read is not read each second.
    asked: BTreeSet<Wanted>,
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
        let wanted: BTreeSet<Wanted> = world.sites.values().flat_map(wanted).collect();
        for wanted in self.unknown(wanted) {
            if let Some(desk) = self.desks.get(&wanted.site) {
                self.read(desk, &wanted).await;
            }
        }
    }

    /// Those that nobody has asked for; each is asked for once, as long as its deployment is the last.
    fn unknown(&self, wanted: BTreeSet<Wanted>) -> Vec<Wanted> {
        let mut known = self.known();
        let unknown = wanted.difference(&known.asked).cloned().collect();
        known.asked = wanted;
        unknown
    }

    async fn read(&self, desk: &Desk, wanted: &Wanted) {
        let Wanted { site, release, what } = wanted;
        let key = (site.clone(), release.clone());
        let learned = match what {
            What::Files { before } => files(desk, release, before.as_ref())
                .await
                .map(|learned| keep(&mut self.known().releases, key, learned)),
            What::Graph => desk.hands.graph(release).await.map(|graph| {
                if let Some(graph) = graph {
                    keep(&mut self.known().graphs, key, graph);
                }
            }),
        };
        if let Err(error) = learned {
            tracing::warn!(%site, %release, %error, "less is known of its files");
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep<T>(known: &mut BTreeMap<Key, T>, key: Key, learned: T) {
    known.insert(key, learned);
    while known.len() > RELEASES_MAX {
        known.pop_first();
    }
}

/// Of the deployment under way and of the last one, what can be learned by now.
fn wanted(site: &Site) -> impl Iterator<Item = Wanted> {
    let ended = site.last.as_ref().map(|last| &last.deployment);
    let deployments = site.active.as_ref().into_iter().chain(ended);
    deployments.flat_map(|deployment| of_deployment(site, deployment))
}

fn of_deployment(site: &Site, deployment: &Deployment) -> impl Iterator<Item = Wanted> {
    let known = site.releases.get(&deployment.to);
    let before = deployment.from.clone();
    let has_both = before
        .as_ref()
        .is_none_or(|before| site.releases.contains_key(before));
    let files = known.filter(|_| has_both).map(|_| What::Files { before });
    let graph = known.and_then(|known| known.gate.as_ref()).map(|_| What::Graph);
    let wanted = |what| Wanted {
        site: deployment.id.site().clone(),
        release: deployment.to.clone(),
        what,
    };
    files.into_iter().chain(graph).map(wanted)
}

async fn files(desk: &Desk, release: &ReleaseId, before: Option<&ReleaseId>) -> Result<Learned, HandsError> {
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
        let known = self.known();
        let learned = known.releases.get(&(site.clone(), release.clone()))?;
        Some(learned.files.contains(path))
    }

    fn commit(&self, site: &SiteName, release: &ReleaseId, path: Option<&str>) -> Option<String> {
        let known = self.known();
        let learned = known.releases.get(&(site.clone(), release.clone()))?;
        Some(learned.provenance.as_ref()?.commit_words(path))
    }

    fn blast_radius(&self, site: &SiteName, release: &ReleaseId, path: &str) -> Option<BlastRadius> {
        let known = self.known();
        let graph = known.graphs.get(&(site.clone(), release.clone()))?;
        graph.blast_radius(path)
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
