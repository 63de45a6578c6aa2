//! What a check says: where, which rule, what is wrong, how to mend it.

use std::fmt;

/// One thing that a check refuses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Relative to the workspace.
    pub(crate) path: String,
    /// From 1; 0 means the whole file.
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    pub(crate) says: String,
    pub(crate) mend: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.path)?;
        if self.line > 0 {
            write!(out, ":{}", self.line)?;
        }
        write!(out, ": [{}] {}\n    mend: {}", self.rule, self.says, self.mend)
    }
}
