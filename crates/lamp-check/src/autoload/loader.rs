//! One loader of composer's: what it knows, and where it looks for a class. The order is that of composer's `ClassLoader`:
//! the class map; then PSR-4, the longest prefix first; then PSR-0.

use std::collections::BTreeMap;

use crate::facts::Spot;
use crate::hashed::HashMap;
use crate::place::{Place, Places, beneath};

/// A file that a loader is to load, and where that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// The file that says so.
    pub(super) by: String,
    pub(super) at: Spot,
    /// From the root of the tree.
    pub(super) path: String,
}

/// How a loader came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// PHP runs it as it stands in the tree.
    Generated,
    /// Composer is yet to generate it from what the tree says.
    ToBeGenerated,
    /// The same, and an earlier one stands in the tree: only what is listed by name is known of it.
    GeneratedBefore,
}

/// Directories in which the classes of a prefix are looked for.
#[derive(Debug, Default)]
pub(super) struct Prefixes(BTreeMap<String, Vec<String>>);

impl Prefixes {
    pub(super) fn add(&mut self, prefix: &str, directory: String) {
        self.0.entry(prefix.to_owned()).or_default().push(directory);
    }

    fn directories(&self, prefix: &str) -> &[String] {
        self.0.get(prefix).map_or(&[], Vec::as_slice)
    }
}

/// What one loader knows.
#[derive(Debug)]
pub(super) struct Loader {
    pub(super) origin: Origin,
    /// The directory of its packages.
    pub(super) vendor: String,
    /// By the exact name of the class.
    pub(super) classes: HashMap<String, Listed>,
    pub(super) files: Vec<Listed>,
    pub(super) psr4: Prefixes,
    pub(super) psr0: Prefixes,
    /// Files and directories out of which a class map is yet to be made.
    pub(super) scanned: Vec<Listed>,
}

impl Loader {
    pub(super) fn new(origin: Origin, vendor: &str) -> Self {
        Self {
            origin,
            vendor: vendor.to_owned(),
            classes: HashMap::default(),
            files: Vec::new(),
            psr4: Prefixes::default(),
            psr0: Prefixes::default(),
            scanned: Vec::new(),
        }
    }

    /// Where it finds a class: the first place that is more than nothing; `None`: nowhere, or it knows nothing of it.
    pub(super) fn find(&self, class: &str, places: &Places<'_>) -> Option<Place> {
        if let Some(listed) = self.classes.get(class) {
            return Some(places.find(&listed.path)).filter(|place| *place != Place::Nothing);
        }
        let mut found = self.looked_for(class).into_iter().map(|path| places.find(&path));
        found.find(|place| *place != Place::Nothing)
    }

    /// The paths at which it looks for a class that its class map does not name, in its order.
    pub(super) fn looked_for(&self, class: &str) -> Vec<String> {
        let mut paths = Vec::new();
        let beginnings = class.rmatch_indices('\\').map(|(at, _)| at + 1);
        for begin in beginnings.chain([0]) {
            let rest = class[begin..].replace('\\', "/");
            let directories = self.psr4.directories(&class[..begin]).iter();
            paths.extend(directories.map(|directory| beneath(directory, &format!("{rest}.php"))));
        }
        if !self.psr0.0.is_empty() {
            let file = psr0(class);
            let prefixes = self.psr0.0.iter().rev();
            let fitting = prefixes.filter(|(prefix, _)| class.starts_with(prefix.as_str()));
            paths.extend(fitting.flat_map(|(_, to)| to).map(|to| beneath(to, &file)));
        }
        paths
    }

    /// Whether one of its prefixes, which is not the empty one, fits.
    pub(super) fn owns(&self, class: &str) -> bool {
        let mut beginnings = class.rmatch_indices('\\').map(|(at, _)| &class[..=at]);
        let mut older = self.psr0.0.keys();
        beginnings.any(|prefix| !self.psr4.directories(prefix).is_empty())
            || older.any(|prefix| !prefix.is_empty() && class.starts_with(prefix.as_str()))
    }
}

/// Under PSR-0 an underscore in the last part of the name is a directory, too.
fn psr0(class: &str) -> String {
    match class.rsplit_once('\\') {
        Some((namespace, last)) => format!("{}/{}.php", namespace.replace('\\', "/"), last.replace('_', "/")),
        None => format!("{}.php", class.replace('_', "/")),
    }
}
