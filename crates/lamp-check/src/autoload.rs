//! Where composer's loaders look for classes, and which files they load by themselves: as generated into
//! `vendor/composer` (`generated`), or, where nothing is generated yet, as it will be from `composer.json` and the list of
//! what is installed (`manifest`). What of that is not there is judged in `judge`; which files come by a loader, `edges` tells.
//!
//! Invariant: a loader knows only paths that begin in the tree; what is computed, or begins at the root of the
//! host, is left out.

mod edges;
mod generated;
mod judge;
mod loader;
mod manifest;
#[cfg(test)]
mod tests;

use lamp_model::finding::Severity;

use crate::Limits;
use crate::place::{Place, Places, beneath, file_name, parent};
use crate::rule::{Rule, page};
use crate::source::Source;
use crate::tree::Tree;
pub(crate) use edges::edges;
pub(crate) use judge::{Ground, judge};
use loader::Loader;

const FILE_NOT_FOUND: &str = "autoload-file-not-found";
const WRONG_PLACE: &str = "autoload-wrong-place";

/// The rules of this family.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: FILE_NOT_FOUND,
        severity: Severity::Error,
        says: "a file that composer's loader is to load and that is not there",
        page: page!("autoload-file-not-found"),
    },
    Rule {
        name: WRONG_PLACE,
        severity: Severity::Error,
        says: "a class that stands where composer's loader does not look",
        page: page!("autoload-wrong-place"),
    },
];

/// Every loader of composer's in a tree.
#[derive(Debug, Default)]
pub(crate) struct Autoload {
    loaders: Vec<Loader>,
}

impl Autoload {
    pub(crate) fn read(tree: &dyn Tree, places: &Places<'_>, sources: &[Source], limits: &Limits) -> Self {
        let files = Files { tree, places, limits };
        let is_generated = |source: &&Source| {
            file_name(&source.path) == "autoload_real.php" && file_name(parent(&source.path)) == "composer"
        };
        let vendors = sources
            .iter()
            .filter(is_generated)
            .filter(|source| !source.is_test)
            .map(|source| parent(parent(&source.path)));
        let mut loaders: Vec<Loader> = vendors.map(|vendor| generated::read(files, vendor)).collect();
        let known: Vec<String> = loaders.iter().map(|loader| loader.vendor.clone()).collect();
        loaders.extend(manifest::read(files, &known));
        Self { loaders }
    }

    /// The entry of the tree that a loader would load for this class.
    pub(crate) fn file_of(&self, class: &str, places: &Places<'_>) -> Option<usize> {
        let mut found = self.loaders.iter().map(|loader| loader.find(class, places));
        found.find_map(|place| match place {
            Some(Place::File(entry)) => Some(entry),
            Some(Place::Dir | Place::Nothing | Place::Elsewhere) | None => None,
        })
    }

    /// The entries of the tree that are loaded with each loader, and the file that does so.
    pub(crate) fn loaded_with(&self, places: &Places<'_>) -> Vec<(usize, usize)> {
        let of_loader = |loader: &Loader| {
            let real = beneath(&loader.vendor, "composer/autoload_real.php");
            let Place::File(from) = places.find(&real) else {
                return Vec::new();
            };
            let files = loader.files.iter().map(|file| places.find(&file.path));
            let files = files.filter_map(|place| match place {
                Place::File(to) => Some((from, to)),
                Place::Dir | Place::Nothing | Place::Elsewhere => None,
            });
            files.collect()
        };
        self.loaders.iter().flat_map(of_loader).collect()
    }
}

/// What is read, and how much of it.
#[derive(Clone, Copy)]
struct Files<'t> {
    tree: &'t dyn Tree,
    places: &'t Places<'t>,
    limits: &'t Limits,
}

impl Files<'_> {
    /// The text of a file of the tree; `None` of what is not there, is too long, or cannot be read.
    fn text(&self, path: &str) -> Option<String> {
        let Place::File(entry) = self.places.find(path) else {
            return None;
        };
        let crate::EntryKind::File { size_bytes } = self.places.entries().get(entry)?.kind else {
            return None;
        };
        if size_bytes > self.limits.file_max_bytes {
            return None;
        }
        let bytes = self.tree.bytes(entry).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}
