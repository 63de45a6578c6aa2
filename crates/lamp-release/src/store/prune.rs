//! Removing a release: out of its name first, then file by file.

use lamp_model::ReleaseId;
use lamp_model::port::Live;

use super::seal::remove_tree;
use super::{Store, manifest_name};
use crate::error::StoreError;
use crate::switch::SwitchError;

/// What a release is called in `staging` while it is being removed. No release id holds a full stop.
pub(super) const PRUNED: &str = ".pruned";

impl Store {
    /// Removes `release`, unless one of the store's links leads to it. Done already is done.
    ///
    /// Who decides what may go is [`crate::retention`]; this refusal stands behind it.
    pub fn prune(&self, release: &ReleaseId) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        self.refuse_in_use(release)?;
        let doomed = format!("{release}{PRUNED}");
        if self.has(release)? {
            self.releases
                .rename_into(release.as_str(), &self.staging, &doomed)?;
            self.staging.sync()?;
            self.releases.sync()?;
        }
        remove_tree(&self.staging, &doomed)?;
        for beside in [&self.manifests, &self.graphs] {
            beside.remove_file(manifest_name(release))?;
            beside.sync()?;
        }
        Ok(self.staging.sync()?)
    }

    fn refuse_in_use(&self, release: &ReleaseId) -> Result<(), StoreError> {
        let links = self.switch()?;
        let uses = [
            (lamp_model::port::Switch::live(&links), "live"),
            (links.last_good(), "the last good one"),
            (links.armed(), "the way back of a deployment under way"),
        ];
        for (link, why) in uses {
            let leads_to = link.map_err(|error| match error {
                SwitchError::File(error) => StoreError::from(error),
                SwitchError::NoRelease { .. } | SwitchError::Stale { .. } | SwitchError::NotArmed { .. } => {
                    self.absent(release)
                }
            })?;
            if leads_to == Live::Release(release.clone()) {
                return Err(StoreError::InUse {
                    release: release.clone(),
                    why,
                });
            }
        }
        Ok(())
    }
}
