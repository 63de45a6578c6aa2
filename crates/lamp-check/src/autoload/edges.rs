//! Files that come by an autoloader: from the file that uses a class to the file that the class is loaded out of.
//!
//! Invariant: a file comes by an autoloader only if nothing includes it by its name, or if composer's loader finds
//! it; where it cannot be told which of several files comes, none does.

use std::collections::BTreeSet;

use super::Autoload;
use super::judge::{Ground, is_in};
use super::loader::Loader;
use crate::graph::Edge;
use crate::hashed::HashMap;
use crate::place::{Place, parent};
use crate::symbols::facts::{Certainty, Used};

/// The edges that autoloaders add to those of includes.
pub(crate) fn edges(autoload: &Autoload, ground: Ground<'_, '_>) -> BTreeSet<Edge> {
    let mut coming = Coming::new(autoload, ground);
    let mut edges = coming.by_themselves();
    for (from, used) in ground.index.uses() {
        if let Used::Class(name) = &used.what
            && let Some(to) = coming.source_of(name, from)
            && to != from
        {
            edges.insert(Edge {
                from,
                to,
                outside_functions: used.certainty == Certainty::Always,
            });
        }
    }
    edges
}

struct Coming<'t, 'f> {
    autoload: &'t Autoload,
    ground: Ground<'t, 'f>,
    by_entry: HashMap<usize, usize>,
    /// Sources with an autoloader that is not composer's.
    others: Vec<usize>,
    /// By class: each loader of composer's that finds it, and the source.
    found: HashMap<&'f str, Vec<(&'t Loader, usize)>>,
}

impl<'t, 'f> Coming<'t, 'f> {
    fn new(autoload: &'t Autoload, ground: Ground<'t, 'f>) -> Self {
        let sources = ground.sources.iter().enumerate();
        let is_composers = |path: &str| {
            let mut loaders = autoload.loaders.iter();
            loaders.any(|loader| parent(path) == super::beneath(&loader.vendor, "composer"))
        };
        let is_other = |at: &usize| {
            let source = &ground.sources[*at];
            ground.facts[*at].loads_classes && !source.is_test && !is_composers(&source.path)
        };
        Self {
            autoload,
            ground,
            by_entry: sources.map(|(at, source)| (source.entry, at)).collect(),
            others: (0..ground.sources.len()).filter(is_other).collect(),
            found: HashMap::default(),
        }
    }

    /// What composer's loaders require, whatever is used.
    fn by_themselves(&self) -> BTreeSet<Edge> {
        let pairs = self.autoload.loaded_with(self.ground.places).into_iter();
        let edge = |(from, to)| {
            Some(Edge {
                from: *self.by_entry.get(&from)?,
                to: *self.by_entry.get(&to)?,
                outside_functions: false,
            })
        };
        pairs.filter_map(edge).collect()
    }

    fn source_of(&mut self, class: &'f str, user: usize) -> Option<usize> {
        self.by_composer(class, user).or_else(|| self.by_another(class))
    }

    /// The loader beside whose packages the user stands, the nearest one; else the only one that finds the class.
    fn by_composer(&mut self, class: &'f str, user: usize) -> Option<usize> {
        let (loaders, by_entry, places) = (&self.autoload.loaders, &self.by_entry, self.ground.places);
        let found = self.found.entry(class).or_insert_with(|| {
            let find = |loader: &'t Loader| match loader.find(class, places)? {
                Place::File(entry) => Some((loader, *by_entry.get(&entry)?)),
                Place::Dir | Place::Nothing | Place::Elsewhere => None,
            };
            loaders.iter().filter_map(find).collect()
        });
        let user = &self.ground.sources[user].path;
        let around = found
            .iter()
            .filter(|(loader, _)| is_in(user, parent(&loader.vendor)));
        match (
            around.max_by_key(|(loader, _)| loader.vendor.len()),
            found.as_slice(),
        ) {
            (Some((_, source)), _) | (None, [(_, source)]) => Some(*source),
            (None, _) => None,
        }
    }

    /// A file that declares one class of this name and does nothing, that nothing includes, and for which an autoloader
    /// may stand: one of the site for every file, one of a library for what stands beside it.
    fn by_another(&self, class: &str) -> Option<usize> {
        let index = self.ground.index;
        let [only] = index.declaring(class) else {
            return None;
        };
        let source = &self.ground.sources[only.file];
        let is_declared_only = !self.ground.facts[only.file].outside_functions.acts;
        let may_load = |loader: &usize| {
            let loader = &self.ground.sources[*loader];
            !loader.is_library || is_in(&source.path, parent(&loader.path))
        };
        let comes = is_declared_only
            && !source.is_test
            && self.others.iter().any(may_load)
            && index.is_plain(class)
            && self.ground.graph.includers(only.file).next().is_none();
        comes.then_some(only.file)
    }
}
