//! After a crash: what `staging` still holds is finished or cleared away, and no flag stays lifted.

use lamp_fleet::Dir;
use lamp_fleet::file::{self, Guard};
use lamp_model::ReleaseId;

use super::prune::PRUNED;
use super::seal::{guard_all, remove_tree};
use super::{Store, manifest_name};
use crate::error::StoreError;

/// What recovery found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Releases that were being built: cleared away.
    pub abandoned: Vec<String>,
    /// Releases that were being removed: removed.
    pub pruned: Vec<String>,
}

impl Store {
    /// Puts right what a killed process left. Nothing left over costs one look into a directory.
    pub fn recover(&self) -> Result<Recovered, StoreError> {
        let _lock = self.lock()?;
        let recovered = self.clear_staging()?;
        self.drop_orphans(&self.manifests)?;
        self.drop_orphans(&self.graphs)?;
        Ok(recovered)
    }

    /// An entry in `staging` says that a flag may have been left lifted: every release is guarded again
    /// before the entry goes.
    pub(super) fn clear_staging(&self) -> Result<Recovered, StoreError> {
        let mut recovered = Recovered::default();
        let left = self.staging.names()?;
        if left.is_empty() {
            return Ok(recovered);
        }
        self.guard_every_release()?;
        for (name, _) in left {
            let name = name.to_string_lossy().into_owned();
            self.clear_entry(&name)?;
            match name.strip_suffix(PRUNED) {
                Some(release) => recovered.pruned.push(release.to_owned()),
                None if ReleaseId::parse(&name).is_ok() => recovered.abandoned.push(name),
                None => {}
            }
        }
        self.staging.sync()?;
        Ok(recovered)
    }

    fn clear_entry(&self, name: &str) -> Result<(), StoreError> {
        if self
            .staging
            .find(name)?
            .is_some_and(|meta| meta.kind == file::Kind::Dir)
        {
            return Ok(remove_tree(&self.staging, name)?);
        }
        if let Ok((open, _)) = self.staging.open_file(name) {
            // Only a probe of this store's own can bear the flag; where there is none, there is nothing to lift.
            let _ = file::guard(&open, Guard::Lifted);
        }
        Ok(self.staging.remove_file(name)?)
    }

    fn guard_every_release(&self) -> Result<(), StoreError> {
        for release in self.list()? {
            // A release without a manifest that can be read lends nothing and is named by `verify`.
            let Ok(record) = self.record(&release) else {
                continue;
            };
            if record.guarded {
                guard_all(&self.tree(&release)?, &record.manifest)?;
            }
        }
        Ok(())
    }

    /// A manifest or graph without a release: its release was about to be named, or has been removed.
    fn drop_orphans(&self, beside: &Dir) -> Result<(), StoreError> {
        for (name, _) in beside.names()? {
            let release = name
                .to_str()
                .and_then(|name| name.strip_suffix(".json"))
                .map(ReleaseId::parse);
            if let Some(Ok(release)) = release
                && !self.has(&release)?
            {
                beside.remove_file(manifest_name(&release))?;
            }
        }
        Ok(())
    }
}
