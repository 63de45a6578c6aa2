//! Who includes whom, by name or by an autoloader that a class is asked of, as `lamp check` tells it: what hangs on a file, what the most hangs on, and what stays unknown.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::finding::{BlastRadius, CheckReport};

/// Names, of which not all may be listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// The first of them.
    pub names: Vec<String>,
    /// How many there are.
    pub count: u64,
}

impl Listed {
    /// The first `most` of these names.
    pub fn new(mut names: Vec<String>, most: usize) -> Self {
        let count = names.len() as u64;
        names.truncate(most);
        Self { names, count }
    }

    /// How many are not listed.
    pub fn left_out(&self) -> u64 {
        self.count.saturating_sub(self.names.len() as u64)
    }
}

/// What hangs on one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependents {
    /// The file.
    pub path: String,
    /// Files that include it, or use a class for which an autoloader does.
    pub directly: Listed,
    /// Files that reach it only through others.
    pub through_others: Listed,
    /// Entry points that reach it, itself counted if it is one.
    pub entry_points: Listed,
    /// Entry points that there are.
    pub of: u64,
    /// Files that it includes.
    pub includes: Listed,
}

/// How much hangs on one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// The file.
    pub path: String,
    /// The share of the site.
    pub blast_radius: BlastRadius,
    /// Files that include it.
    pub directly: u64,
}

/// A file of the whole graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphFile {
    /// The file.
    pub path: String,
    /// Whether visitors may ask for it.
    pub is_entry_point: bool,
    /// What it includes, as places in [`WholeGraph::files`].
    pub includes: Vec<u32>,
}

/// The graph of includes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholeGraph {
    /// By path.
    pub files: Vec<GraphFile>,
    /// Includes that are not told: there are too many.
    pub includes_left_out: u64,
}

impl WholeGraph {
    /// Entry points that reach the file at this path, itself counted if it is one, in the order of their paths; `None`:
    /// it is no file of the graph.
    pub fn reaching(&self, path: &str) -> Option<Vec<&str>> {
        let numbers = self.numbers();
        let start = *numbers.get(path)?;
        let mut back: Vec<Vec<usize>> = vec![Vec::new(); self.files.len()];
        for (from, file) in self.files.iter().enumerate() {
            let includes = file.includes.iter().filter_map(|to| usize::try_from(*to).ok());
            for to in includes.filter(|to| *to < self.files.len()) {
                back[to].push(from);
            }
        }
        let mut is_met = vec![false; self.files.len()];
        is_met[start] = true;
        let mut ahead = vec![start];
        while let Some(at) = ahead.pop() {
            let fresh = back[at]
                .iter()
                .filter(|from| !std::mem::replace(&mut is_met[**from], true));
            ahead.extend(fresh);
        }
        let met = self.files.iter().zip(is_met).filter(|(_, is_met)| *is_met);
        let entries = met.filter(|(file, _)| file.is_entry_point);
        Some(entries.map(|(file, _)| file.path.as_str()).collect())
    }

    /// How much of the site hangs on the file at this path; `None`: it is no file of the graph.
    pub fn blast_radius(&self, path: &str) -> Option<BlastRadius> {
        let entry_points = self.reaching(path)?.len() as u64;
        let of = self.files.iter().filter(|file| file.is_entry_point).count() as u64;
        Some(BlastRadius { entry_points, of })
    }

    pub(crate) fn numbers(&self) -> HashMap<&str, usize> {
        let each = self.files.iter().enumerate();
        each.map(|(at, file)| (file.path.as_str(), at)).collect()
    }
}

/// All that the gate asks of a check: what is wrong, what hangs on each file, and what could not be followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inspection {
    /// What is wrong.
    pub report: CheckReport,
    /// Who includes whom.
    pub graph: WholeGraph,
    /// Includes whose file cannot be told.
    pub unknown: Vec<UnknownInclude>,
}

/// An include whose file cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnknownInclude {
    /// The file that it stands in.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in bytes, from 1.
    pub column: u32,
    /// Why.
    pub reason: UnknownReason,
}

/// Why the file of an include cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason", deny_unknown_fields)]
pub enum UnknownReason {
    /// A part of the name is made while the code runs.
    MadeWhileRunning,
    /// A part of the name is a constant that no file of the tree defines.
    ForeignConstant {
        /// Its name.
        name: String,
    },
    /// A part of the name is a variable that other files may change.
    SharedVariable {
        /// Its name.
        name: String,
    },
    /// PHP looks for it along the include_path, or beside the script that was asked for.
    SearchedFor,
    /// It leads out of the tree, or to something that is no file.
    OutsideTheTree,
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MadeWhileRunning => f.write_str("a part of the name is made while the code runs"),
            Self::ForeignConstant { name } => {
                write!(
                    f,
                    "a part of the name is the constant {name}, which no file of the tree defines"
                )
            }
            Self::SharedVariable { name } => {
                write!(f, "a part of the name is ${name}, which other files may change")
            }
            Self::SearchedFor => f.write_str(
                "PHP looks for it along the include_path, or beside the script that was asked for",
            ),
            Self::OutsideTheTree => f.write_str("it leads out of the tree, or to something that is no file"),
        }
    }
}
