//! Names that nothing declares, and declarations that PHP refuses: classes, functions, methods and constants over a whole tree.
//!
//! Each file's names are collected while it is read (`facts`); here they are put together (`index`, `hierarchy`) with what
//! PHP and its extensions bring (`php`), and judged: `undefined`, `members`, `versions`, `declared`.
//!
//! Invariant: a name is an error only if the tree could have known it. What is asked for first (`class_exists` and its
//! like), may be brought by an extension, belongs to a package that is not in the tree, or stands in a tree that is a part
//! of something else (`closed`), is silent.

mod closed;
mod declared;
pub(crate) mod facts;
mod hierarchy;
pub(crate) mod index;
mod members;
pub(crate) mod near;
mod php;
mod twice;
mod undefined;
mod versions;

use lamp_model::finding::{Finding, RuleName, Severity};

use crate::facts::Spot;
use crate::rule::{Rule, page};
use crate::setting::Setting;
use crate::source::Source;
use index::Index;

const UNDEFINED_CLASS: &str = "undefined-class";
const UNDEFINED_FUNCTION: &str = "undefined-function";
const UNDEFINED_CONSTANT: &str = "undefined-constant";
const UNDEFINED_METHOD: &str = "undefined-method";
const MISSING_EXTENSION: &str = "missing-extension";
const TOO_NEW: &str = "too-new-for-php";
pub(crate) const DECLARED_TWICE: &str = "declared-twice";
const ABSTRACT_NOT_IMPLEMENTED: &str = "abstract-not-implemented";
const INCOMPATIBLE_METHOD: &str = "incompatible-method";

/// The rules of this family.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: UNDEFINED_CLASS,
        severity: Severity::Error,
        says: "a class that nothing declares",
        page: page!("undefined-class"),
    },
    Rule {
        name: UNDEFINED_FUNCTION,
        severity: Severity::Error,
        says: "a function that nothing declares",
        page: page!("undefined-function"),
    },
    Rule {
        name: UNDEFINED_METHOD,
        severity: Severity::Error,
        says: "a method that its class does not have",
        page: page!("undefined-method"),
    },
    Rule {
        name: UNDEFINED_CONSTANT,
        severity: Severity::Error,
        says: "a constant that nothing defines",
        page: page!("undefined-constant"),
    },
    Rule {
        name: MISSING_EXTENSION,
        severity: Severity::Error,
        says: "a name of an extension that the host's PHP does not load",
        page: page!("missing-extension"),
    },
    Rule {
        name: TOO_NEW,
        severity: Severity::Error,
        says: "a function, class or construct that is newer than the host's PHP",
        page: page!("too-new-for-php"),
    },
    Rule {
        name: DECLARED_TWICE,
        severity: Severity::Error,
        says: "a function or class that is declared twice where both are loaded",
        page: page!("declared-twice"),
    },
    Rule {
        name: ABSTRACT_NOT_IMPLEMENTED,
        severity: Severity::Error,
        says: "a class that lacks a method it must implement",
        page: page!("abstract-not-implemented"),
    },
    Rule {
        name: INCOMPATIBLE_METHOD,
        severity: Severity::Error,
        says: "a method that PHP does not accept in place of its parent's",
        page: page!("incompatible-method"),
    },
];

/// What is said of a place.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    /// The file, among the tree's sources.
    file: usize,
    at: Spot,
    rule: &'static str,
    severity: Severity,
    message: String,
    /// The name that it is about.
    target: String,
    /// The name that may have been meant.
    suggestion: Option<String>,
}

/// One file loads another whenever it is run to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Loads {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// What the family looks at.
#[derive(Clone, Copy)]
pub(crate) struct Tree<'t, 'f> {
    pub(crate) sources: &'t [Source],
    pub(crate) index: &'t Index<'f>,
    pub(crate) setting: &'t Setting,
    pub(crate) loads: &'t [Loads],
}

/// Everything that is wrong with names; how much of the site hangs on each is left open.
pub(crate) fn check(tree: Tree<'_, '_>) -> Vec<Finding> {
    let (index, setting) = (tree.index, tree.setting);
    let told = [
        undefined::told(index),
        members::told(index, setting),
        versions::told(index, setting),
        declared::told(index, setting),
        twice::told(index, tree.loads),
    ];
    let each = told.into_iter().flatten();
    each.filter_map(|told| finding(tree.sources, told)).collect()
}

fn finding(sources: &[Source], told: Told) -> Option<Finding> {
    Some(Finding {
        rule: RuleName::parse(told.rule).ok()?,
        severity: told.severity,
        path: sources.get(told.file)?.path.clone(),
        line: told.at.line,
        column: told.at.column,
        message: told.message,
        target: Some(told.target),
        suggestion: told.suggestion,
        blast_radius: None,
    })
}
