//! What hangs on each file of a release, as the gate found it: kept beside the release, so that whoever asks later what
//! a wrong line cost need not look at the code again.

use lamp_model::ReleaseId;
use lamp_model::reach::WholeGraph;

use super::{Store, manifest_name};
use crate::error::StoreError;

/// Largest graph that is read, in bytes.
const GRAPH_MAX_BYTES: u64 = 64 << 20;

impl Store {
    /// Keeps the graph of a stored release, in place of the one that was there.
    pub fn keep_graph(&self, release: &ReleaseId, graph: &WholeGraph) -> Result<(), StoreError> {
        if !self.has(release)? {
            return Err(self.absent(release));
        }
        let bytes = serde_json::to_vec(graph).map_err(|error| StoreError::Manifest {
            release: release.clone(),
            why: error.to_string(),
        })?;
        let owned = self.owner.file(false);
        Ok(self.graphs.put_file(manifest_name(release), &bytes, owned)?)
    }

    /// The graph of a release; `None`: the gate has not looked at it, or what lies there cannot be read.
    pub fn graph(&self, release: &ReleaseId) -> Option<WholeGraph> {
        let bytes = self
            .graphs
            .read_file(manifest_name(release), GRAPH_MAX_BYTES)
            .ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}
