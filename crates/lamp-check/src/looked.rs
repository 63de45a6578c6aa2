//! All that a check comes to: the report, and what people ask beside it.

use lamp_model::finding::{CheckReport, Finding};
use lamp_model::reach::UnknownInclude;

use crate::hanging::IncludeGraph;
use crate::hashed::HashSet;

/// What a check of one tree came to, with what is asked beside the findings.
#[derive(Debug)]
pub struct Looked {
    /// What is wrong.
    pub report: CheckReport,
    /// Who includes whom.
    pub graph: IncludeGraph,
    /// Includes whose file cannot be told, by path and line; of very many, the first.
    pub unknown: Vec<UnknownInclude>,
    pub(crate) slips: HashSet<Slip>,
}

/// A place at which a name is wrong by a slip of the keys, and can be read in one way only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slip {
    pub(crate) path: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Looked {
    /// Whether the suggestion of this finding is what was meant, and not merely what is nearest.
    pub fn is_slip(&self, finding: &Finding) -> bool {
        self.slips.contains(&Slip {
            path: finding.path.clone(),
            line: finding.line,
            column: finding.column,
        })
    }
}
