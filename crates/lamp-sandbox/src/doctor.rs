//! What this machine lacks for sandboxes, each with its mend. (Being built.)

/// One thing that sandboxes need of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is needed, in words.
    pub name: String,
    /// Whether it is there.
    pub state: State,
}

/// Whether a needed thing is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is; with what was found.
    Fine {
        /// What was found, for people.
        found: String,
    },
    /// It is not.
    Lacking {
        /// What was tried, and what the machine said.
        why: String,
        /// What to do about it.
        mend: String,
    },
}

/// Tries each thing that sandboxes need; `state_parent` is where sandboxes will have their state.
pub fn checks(_state_parent: &std::path::Path) -> Vec<Check> {
    Vec::new()
}
