//! Whether a tree is a whole, so that a name which nothing in it declares is declared nowhere: an application, which declares
//! nearly all the names that it uses; not a plugin or a library, whose functions come from whatever it is put into.

use super::index::Index;
use crate::facts::FileFacts;
use crate::hashed::HashSet;

/// Beside so many names that the tree declares, one may be unknown.
const DECLARED_PER_UNKNOWN: usize = 50;

/// What kind of name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Class,
    Function,
    Constant,
}

/// How far the tree knows its own names of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closed {
    /// It is, or may be, a part of something else.
    No,
    /// All but one name; a name that resembles one that is there is a slip of the keys.
    ButForSlips,
    /// It declares so many names, and so few are unknown, that these few are declared nowhere.
    Yes,
}

impl Closed {
    /// `missing` are the names of this kind that nothing declares, each as often as it is used.
    pub(super) fn of(index: &Index<'_>, kind: Kind, missing: &[&str]) -> Self {
        let files = index.facts.iter().zip(index.sources);
        // What a file declares that was not read, or that PHP cannot read, is not known.
        let is_lost = |facts: &FileFacts| facts.syntax_error.is_some() || facts.not_checked.is_some();
        if files
            .into_iter()
            .any(|(facts, source)| !source.is_test && is_lost(facts))
        {
            return Self::No;
        }
        let declared = match kind {
            Kind::Class => index.classes().count(),
            Kind::Function => index.functions().count(),
            Kind::Constant => index.constants().count(),
        };
        let names: HashSet<String> = missing.iter().map(|name| name.to_ascii_lowercase()).collect();
        let is_enough_for = |unknown: usize| unknown * DECLARED_PER_UNKNOWN <= declared;
        match (
            is_enough_for(names.len()),
            is_enough_for(names.len().saturating_sub(1)),
        ) {
            (true, _) => Self::Yes,
            (false, true) => Self::ButForSlips,
            (false, false) => Self::No,
        }
    }
}
