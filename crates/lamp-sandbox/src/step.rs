//! The steps in which a sandbox is built, so that a crash drill can stop at any of them.

use serde::{Deserialize, Serialize};

/// One step of the build. [`Step::ALL`] has them in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The owner has made the state directory; no process runs yet.
    StateDir,
    /// The keeper runs and holds the state directory's lock.
    Keeper,
    /// The journal names the control groups, and they stand.
    Cgroups,
    /// The user namespace stands, its limits lowered.
    Users,
    /// The first process inside runs, in its own namespaces.
    Namespaces,
    /// The root is mounted, not yet entered.
    Root,
    /// The root is entered; nothing of the host's mounts is left.
    Entered,
    /// Rights are dropped and the filter is on.
    Confined,
    /// Commands are served.
    Serving,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 9] = [
        Self::StateDir,
        Self::Keeper,
        Self::Cgroups,
        Self::Users,
        Self::Namespaces,
        Self::Root,
        Self::Entered,
        Self::Confined,
        Self::Serving,
    ];
}
