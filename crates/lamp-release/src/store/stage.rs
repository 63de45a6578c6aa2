//! Building a release beside the others, under a name that nothing serves.
//!
//! `staging/<id>` is made, and made durable, before the first immutable flag is lifted: it is the journal
//! entry. `staging/<id>.json`, written last, says that the tree is whole and every flag is set.

use std::fs::File;
use std::io;

use jiff::Timestamp;
use lamp_fleet::Dir;
use lamp_model::origin::Provenance;
use lamp_model::tree::{Entry, Node, RelPath};
use lamp_model::{Manifest, ReleaseId};

use super::place::{Placer, Wanted};
use super::{NewFile, RECORD_VERSION, Sharing, Store, StoredRelease, Survey, manifest_name, tree_hash};
use crate::error::StoreError;

/// A release that is to be stored.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Its id.
    pub release: ReleaseId,
    /// Its tree.
    pub manifest: Manifest,
    /// Where it comes from, in words.
    pub source: String,
    /// The repository, the commit, and who touched what, if it comes from git.
    pub provenance: Option<Box<Provenance>>,
    /// When it was asked for.
    pub at: Timestamp,
}

/// Hands over the bytes of new files.
///
/// Asked for each of [`Survey::new`] once and in that order; may be asked for another file of the manifest
/// in between, when a stored file that should have been shared turns out to be altered. The bytes are hashed
/// again while they are copied: a source that lies or changes is refused.
pub trait Supply {
    /// The file, open for reading; read from its start, whatever its position.
    fn file(&mut self, wanted: &NewFile) -> io::Result<File>;
}

impl<F: FnMut(&NewFile) -> io::Result<File>> Supply for F {
    fn file(&mut self, wanted: &NewFile) -> io::Result<File> {
        self(wanted)
    }
}

impl Store {
    /// Builds the tree of `incoming`. Done already is done; what a killed run left is cleared away first.
    pub fn stage(
        &self,
        incoming: &Incoming,
        survey: &Survey,
        supply: &mut dyn Supply,
    ) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let tree = tree_hash(&incoming.manifest);
        if self.has(&incoming.release)? {
            let stored = self.record(&incoming.release)?;
            return same_tree(stored.tree == tree, &incoming.release);
        }
        let journal = manifest_name(&incoming.release);
        if self.staging.find(&journal)?.is_some() {
            let staged = super::read_record(&self.staging, &journal, &incoming.release);
            if staged.is_ok_and(|staged| staged.tree == tree) {
                return Ok(());
            }
        }
        self.clear_staging()?;
        self.build(incoming, survey, supply)?;
        let record = StoredRelease {
            version: RECORD_VERSION,
            release: incoming.release.clone(),
            tree,
            size_bytes: incoming.manifest.size_bytes(),
            new_bytes: survey.cost.new_bytes,
            source: incoming.source.clone(),
            provenance: incoming.provenance.clone(),
            stored_at: incoming.at,
            guarded: self.sharing()? == Sharing::HardLink,
            manifest: incoming.manifest.clone(),
        };
        super::write_record(&self.staging, &journal, &record, self.owner.file(false))
    }

    fn build(&self, incoming: &Incoming, survey: &Survey, supply: &mut dyn Supply) -> Result<(), StoreError> {
        let top = self
            .staging
            .create_dir(incoming.release.as_str(), self.owner.dir())?;
        // The journal entry is on disk before any flag is lifted.
        self.staging.sync()?;
        let mut placer = Placer::new(self, survey, top.try_clone()?, supply)?;
        let mut level = Level {
            dirs: vec![(None, top)],
        };
        for entry in incoming.manifest.entries() {
            self.build_entry(entry, &mut level, &mut placer)?;
        }
        placer.finish()
    }

    fn build_entry(
        &self,
        Entry { path, node }: &Entry,
        level: &mut Level,
        placer: &mut Placer<'_>,
    ) -> Result<(), StoreError> {
        let dir = level.of(path)?;
        match node {
            Node::Dir {} => {
                let made = dir.create_dir(path.file_name(), self.owner.dir())?;
                level.dirs.push((Some(path.clone()), made));
            }
            Node::Link { target } => {
                dir.symlink(target, path.file_name())?;
                dir.own_link(path.file_name(), (self.owner.uid, self.owner.gid))?;
            }
            Node::File {
                size,
                hash,
                executable,
            } => {
                let file = NewFile {
                    path: path.clone(),
                    hash: *hash,
                    size: *size,
                };
                placer.place(
                    dir,
                    &Wanted {
                        file,
                        executable: *executable,
                    },
                )?;
            }
        }
        Ok(())
    }
}

fn same_tree(same: bool, release: &ReleaseId) -> Result<(), StoreError> {
    if same {
        return Ok(());
    }
    Err(StoreError::OtherTree {
        release: release.clone(),
    })
}

/// The open directories from the top of the tree down to where the work is.
struct Level {
    dirs: Vec<(Option<RelPath>, Dir)>,
}

impl Level {
    /// The directory that `path` lies in. A manifest names it just before what lies in it.
    fn of(&mut self, path: &RelPath) -> Result<&Dir, StoreError> {
        let parent = path.parent();
        while self.dirs.last().is_some_and(|(at, _)| *at != parent) {
            self.dirs.pop();
        }
        match self.dirs.last() {
            Some((_, dir)) => Ok(dir),
            None => Err(lamp_model::tree::ManifestError::Orphan(path.clone()).into()),
        }
    }
}
