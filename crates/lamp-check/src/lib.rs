//! Release check: findings and the include graph of a PHP tree. Pure.
//!
//! [`check`] takes a [`Tree`] and what is known of its host ([`Setting`]) and answers a report: each PHP file is
//! parsed on its own, by a few threads, into its facts (`parse`, `walk`, `facts`); then, over all of them, names are
//! resolved (`names`, `constants`, `resolve`, `resolved`),
//! the include graph is made and its entry points are found (`graph`, `entry`), and what does not exist is
//! told with the nearest name that does (`rules`, `nearest`); so are names of the language (`symbols`) and what
//! composer's loaders bring (`autoload`). [`look`] answers what hangs on each file (`hanging`)
//! and what stays unknown (`unknown`), too. [`moves`] says whether what an earlier look came to still holds (`stands`,
//! `outline`). What is known of applications stands in
//! `applications`; each rule and its page, in `rule`.
//!
//! Invariant: a name is called wrong only if every way to read it leads to nothing inside the tree; what
//! cannot be told is no finding.

#[cfg(test)]
mod tests;

mod applications;
mod autoload;
mod cache;
mod constants;
mod effort;
mod entry;
mod facts;
mod frameworks;
mod graph;
mod hanging;
mod hashed;
mod includes;
mod looked;
mod lower;
mod meantime;
mod names;
mod nearest;
mod outline;
mod parse;
mod place;
mod read;
mod resolve;
mod resolved;
mod rule;
mod rules;
mod setting;
mod source;
mod stands;
mod surroundings;
mod symbols;
mod tree;
mod unknown;
mod value;
mod walk;

pub use cache::{ContentHash, FACTS_VERSION, FactsCache, Taken};
pub use hanging::IncludeGraph;
pub use includes::{IncludeSeen, Outcome, includes};
pub use looked::{Looked, Slip};
pub use rule::{Rule, nearest_rule, rule, rules};
pub use rules::{INCLUDE_NOT_FOUND, NOT_CHECKED, SYNTAX_ERROR, check, look};
pub use setting::{AllowOverride, ApacheSetting, Extensions, Modules, PhpVersion, Setting, SettingError};
pub use stands::{Moves, Stood, moves};
pub use surroundings::may_be_shown;
pub use tree::{Entry, EntryKind, Tree, Unreadable};
pub use value::Why;

/// What a check may use at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Threads that parse; each has a stack of [`STACK_BYTES`].
    pub threads: usize,
    /// Longest file that is parsed, in bytes; a longer one is said to be not checked.
    pub file_max_bytes: u64,
    /// Most findings that are told.
    pub findings_max: usize,
}

/// The stack of each thread that parses, in bytes.
pub const STACK_BYTES: usize = parse::STACK_BYTES;

impl Default for Limits {
    fn default() -> Self {
        Self {
            threads: 2,
            file_max_bytes: 4 * 1024 * 1024,
            findings_max: 5_000,
        }
    }
}
