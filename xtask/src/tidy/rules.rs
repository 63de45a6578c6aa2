//! The rules as they stand in `xtask/tidy.toml`.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

use crate::snapshot::Snapshot;

/// Where the rules stand.
pub(crate) const PATH: &str = "xtask/tidy.toml";

type Reasons = BTreeMap<String, String>;

/// All rules.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    pub(crate) edges: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(crate) later_edges: Vec<LaterEdge>,
    pub(crate) dev_only: DevOnly,
    pub(crate) doors: Vec<Door>,
    /// Package name to the crates that may name it; `*` is every crate.
    pub(crate) owners: BTreeMap<String, Vec<String>>,
    /// Package name to reason.
    pub(crate) banned: Reasons,
    pub(crate) licences: Licences,
    /// Package name to reason.
    pub(crate) duplicates: Reasons,
    pub(crate) words: Words,
    pub(crate) shape: Shape,
    pub(crate) applications: Applications,
    /// Program to Debian package, for what no table of a crate holds.
    #[serde(default)]
    pub(crate) programs: Reasons,
}

/// An edge that a decision record added.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LaterEdge {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) record: String,
}

/// Crates that are only ever dev-dependencies.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DevOnly {
    pub(crate) crates: Vec<String>,
}

/// An effect, and who may have it.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Door {
    pub(crate) name: String,
    /// A path, or the beginning of one.
    pub(crate) paths: Vec<String>,
    pub(crate) crates: Vec<String>,
    /// Single files beside the crates.
    #[serde(default)]
    pub(crate) files: Vec<String>,
    pub(crate) instead: String,
}

/// Which licences may be linked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Licences {
    pub(crate) allowed: Vec<String>,
}

/// Names that say nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) modules: Vec<String>,
    pub(crate) type_endings: Vec<String>,
}

/// How long a file or a function may be.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shape {
    pub(crate) file_lines_max: usize,
    pub(crate) function_lines_max: usize,
    #[serde(default)]
    pub(crate) longer: Reasons,
}

/// Where knowledge of real applications may stand.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Applications {
    pub(crate) table: String,
    pub(crate) everyday: Vec<String>,
}

impl Rules {
    /// Reads the rules of the project.
    pub(crate) fn read(snapshot: &Snapshot) -> anyhow::Result<Self> {
        let file = snapshot
            .file(PATH)
            .with_context(|| format!("{PATH} is missing"))?;
        toml::from_str(&file.text).with_context(|| PATH.to_owned())
    }
}
