//! What frameworks load because somebody names it: classes of MediaWiki's extensions, services of Drupal's modules,
//! providers of Laravel, bundles of Symfony, parts of CodeIgniter's applications, classes of Joomla's extensions.
//!
//! Invariant: only a path or a class that could stand nowhere but in this tree is told; what packages bring that are
//! not here is silent.

mod classes;
mod codeigniter;
mod drupal;
mod joomla;
mod mediawiki;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::BTreeSet;

use lamp_model::finding::{Finding, Severity};

pub(crate) use codeigniter::{Load, Part, Parts};

use crate::Limits;
use crate::autoload::Ground;
use crate::facts::Spot;
use crate::graph::Edge;
use crate::hashed::HashSet;
use crate::nearest::Neighbours;
use crate::place::Place;
use crate::rule::{Rule, page};
use crate::surroundings::fault::Fault;
use crate::tree::{EntryKind, Tree};

const NOT_FOUND: &str = "framework-part-not-found";

/// The rules of this family.
pub(crate) const RULES: &[Rule] = &[Rule {
    name: NOT_FOUND,
    severity: Severity::Error,
    says: "a class or a file that a framework is to load and that is not there",
    page: page!("framework-part-not-found"),
}];

/// What the check looks at.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'t, 'f> {
    pub(crate) tree: &'t dyn Tree,
    pub(crate) limits: &'t Limits,
    pub(crate) ground: Ground<'t, 'f>,
    pub(crate) parts: &'t Parts<'t>,
}

/// A path that is named and leads to nothing.
struct Missing<'t> {
    /// The file that names it.
    by: &'t str,
    at: Spot,
    path: String,
    message: String,
}

/// Everything that frameworks would not find.
pub(crate) fn judge(seen: Seen<'_, '_>) -> Vec<Finding> {
    let neighbours = OnceCell::new();
    let missing = mediawiki::missing(seen)
        .into_iter()
        .chain(drupal::missing(seen))
        .chain(joomla::missing(seen))
        .chain(codeigniter::missing(seen));
    let of_paths = missing.filter_map(|missing| {
        let near = neighbours
            .get_or_init(|| Neighbours::new(seen.ground.places.entries()))
            .nearest(std::slice::from_ref(&missing.path), &HashSet::default());
        let fault = Fault::warning(NOT_FOUND, missing.at, missing.message).naming(missing.path);
        let fault = match near {
            Some(near) => fault.suggesting(near.path),
            None => fault,
        };
        fault.finding(missing.by)
    });
    let of_classes = classes::faults(seen).into_iter();
    let of_classes = of_classes.filter_map(|(by, fault)| fault.finding(by));
    of_paths.chain(of_classes).collect()
}

/// Who loads whom by a framework's own way.
pub(crate) fn edges(ground: Ground<'_, '_>, parts: &Parts<'_>) -> BTreeSet<Edge> {
    codeigniter::edges(ground, parts)
}

impl<'t> Seen<'t, '_> {
    /// The files whose path passes, and that are no tests.
    fn paths(&self, passes: impl Fn(&str) -> bool) -> impl Iterator<Item = &'t str> {
        let files = self.ground.places.entries().iter();
        let files = files.filter(|entry| matches!(entry.kind, EntryKind::File { .. }));
        let paths = files.map(|entry| entry.path.as_str());
        paths.filter(move |path| passes(path) && !is_test(path))
    }

    /// What is to be told of a path that is named there, if nothing is by it.
    fn missing(
        &self,
        (by, at): (&'t str, Spot),
        path: String,
        message: impl FnOnce(&str) -> String,
    ) -> Option<Missing<'t>> {
        (self.ground.places.find(&path) == Place::Nothing).then(|| Missing {
            by,
            at,
            message: message(&path),
            path,
        })
    }

    /// The text of a file; `None` of one that is too long or cannot be read.
    fn text(&self, path: &str) -> Option<String> {
        let Place::File(entry) = self.ground.places.find(path) else {
            return None;
        };
        match self.ground.places.entries().get(entry)?.kind {
            EntryKind::File { size_bytes } if size_bytes <= self.limits.file_max_bytes => {
                let bytes = self.tree.bytes(entry).ok()?;
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            EntryKind::File { .. }
            | EntryKind::Dir
            | EntryKind::Link { .. }
            | EntryKind::Unreadable { .. } => None,
        }
    }
}

fn is_test(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part.to_ascii_lowercase().as_str(), "test" | "tests" | "fixtures"))
}

/// The place at this offset of a text.
fn spot(text: &str, offset: usize) -> Spot {
    let before = text.get(..offset).unwrap_or_default();
    let line_begins = before.rfind('\n').map_or(0, |at| at + 1);
    let number = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
    Spot {
        line: number(before.matches('\n').count()),
        column: number(before.len() - line_begins),
    }
}
