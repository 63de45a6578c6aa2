//! What one PHP file says, on its own: what it includes, defines, calls, and whether it can be read at all.
//!
//! Facts follow from a file's bytes alone, not from its path: they are kept by the hash of the bytes (`cache`).

use serde::{Deserialize, Serialize};

use crate::surroundings::php::PhpFacts;
use crate::symbols::facts::SymbolFacts;
use crate::value::{Told, Value};

/// Everything that the rules need to know of one file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileFacts {
    /// Where PHP would stop reading it.
    pub(crate) syntax_error: Option<Said>,
    /// Why it was not looked at, in words.
    pub(crate) not_checked: Option<String>,
    pub(crate) includes: Vec<Include>,
    /// Constants, by `define` or `const`, wherever in the file.
    pub(crate) constants: Vec<(String, Value)>,
    /// Functions, lower-case, that it declares without first asking whether they exist.
    pub(crate) functions: Vec<String>,
    /// Classes and their like, lower-case, that it declares without first asking whether they exist.
    pub(crate) classes: Vec<String>,
    /// Whether it brings a way to load classes when they are first used.
    pub(crate) loads_classes: bool,
    /// What other files need of it to read names.
    pub(crate) told: Told,
    /// What it does when PHP runs it.
    pub(crate) outside_functions: OutsideFunctions,
    pub(crate) surroundings: PhpFacts,
    pub(crate) symbols: SymbolFacts,
}

/// What stands outside functions and classes, and so happens when the file is run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutsideFunctions {
    /// Whether anything happens but declarations and includes.
    pub(crate) acts: bool,
    /// Whether it includes anything.
    pub(crate) includes: bool,
    /// Whether it ends at once unless another file was there first, as by `defined('X') || exit`.
    pub(crate) refuses_to_be_first: bool,
    /// Whether it uses `$this`, so that it only runs inside a method.
    pub(crate) needs_an_object: bool,
    /// Functions that it calls, lower-case.
    pub(crate) calls: Vec<String>,
    /// Classes that it uses, lower-case.
    pub(crate) uses_classes: Vec<String>,
    /// Constants that it reads.
    pub(crate) constants: Vec<String>,
    /// Variables that it writes.
    pub(crate) variables: Vec<String>,
}

/// Words at a place of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) at: Spot,
    pub(crate) words: String,
}

/// A place in a file: both from 1, the column in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Spot {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// One include expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Include {
    pub(crate) keyword: Keyword,
    /// Where the included name begins.
    pub(crate) at: Spot,
    pub(crate) value: Value,
    pub(crate) guard: Guard,
    /// Whether it stands outside functions.
    pub(crate) outside_functions: bool,
    /// Whether the file comes by it whenever it is run to its end.
    pub(crate) always: bool,
}

/// The four ways to include, and that of Joomla's loader: it includes the file as soon as its class is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Keyword {
    Include,
    IncludeOnce,
    Require,
    RequireOnce,
    Register,
}

impl Keyword {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Include => "include",
            Self::IncludeOnce => "include_once",
            Self::Require => "require",
            Self::RequireOnce => "require_once",
            Self::Register => "JLoader::register",
        }
    }

    /// Whether a missing file ends the request.
    pub(crate) const fn is_required(self) -> bool {
        match self {
            Self::Require | Self::RequireOnce => true,
            Self::Include | Self::IncludeOnce | Self::Register => false,
        }
    }
}

/// What the code says about the file perhaps not being there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Guard {
    /// Nothing.
    None,
    /// It is included only if something is, or is not, declared: the file may be an optional part.
    OnSymbol,
    /// It is expected to be missing: `@`, or a test whether it exists.
    MayBeMissing,
}
