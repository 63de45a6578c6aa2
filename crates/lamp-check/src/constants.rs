//! What a constant holds: as its own file says, else as any file of the tree but the tests says.

use crate::applications::{ROOT_CONSTANTS, ROOT_VARIABLES};
use crate::facts::FileFacts;
use crate::hashed::HashMap;
use crate::place::{self, Place, Places};
use crate::source::Source;
use crate::value::Value;

/// Where a constant is given a value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Definition<'f> {
    /// The file, as an index of the tree's sources.
    pub(crate) source: usize,
    pub(crate) value: &'f Value,
}

/// The definitions of every constant.
#[derive(Debug)]
pub(crate) struct Constants<'f> {
    definitions: HashMap<&'f str, Vec<Definition<'f>>>,
    /// Constants that an application sets to one of its directories; absolute from the root of the tree.
    roots: HashMap<&'static str, Vec<String>>,
}

impl<'f> Constants<'f> {
    pub(crate) fn new(sources: &[Source], facts: &'f [FileFacts], places: &Places<'_>) -> Self {
        let mut definitions: HashMap<&str, Vec<Definition<'_>>> = HashMap::default();
        for (source, facts) in facts.iter().enumerate().filter(|(at, _)| !sources[*at].is_test) {
            for (name, value) in &facts.constants {
                let definition = Definition { source, value };
                definitions.entry(name).or_default().push(definition);
            }
        }
        Self {
            definitions,
            roots: roots(places),
        }
    }

    /// The directories that this constant or variable stands for in every installation.
    pub(crate) fn roots(&self, name: &str) -> Option<&[String]> {
        self.roots.get(name).map(Vec::as_slice)
    }

    /// The definitions that hold in a file: its own, or all.
    pub(crate) fn definitions(&self, name: &str, in_source: usize) -> Vec<Definition<'f>> {
        let all = self.definitions.get(name).map_or(&[][..], Vec::as_slice);
        let own: Vec<Definition<'f>> = all
            .iter()
            .filter(|one| one.source == in_source)
            .copied()
            .collect();
        if own.is_empty() { all.to_vec() } else { own }
    }

    pub(crate) fn is_defined(&self, name: &str) -> bool {
        self.definitions.contains_key(name)
    }

    /// The sources that define it.
    pub(crate) fn definers(&self, name: &str) -> impl Iterator<Item = usize> {
        self.definitions
            .get(name)
            .into_iter()
            .flatten()
            .map(|one| one.source)
    }
}

fn roots(places: &Places<'_>) -> HashMap<&'static str, Vec<String>> {
    let mut roots: HashMap<&'static str, Vec<String>> = HashMap::default();
    for row in ROOT_CONSTANTS {
        let beside = places.entries().iter().map(|entry| entry.path.as_str());
        let beside = beside.filter(|path| place::file_name(path) == row.beside);
        let directories = beside
            .filter(|path| matches!(places.find(path), Place::File(_)))
            .map(|path| match place::parent(path) {
                "" => "/".to_owned(),
                directory => format!("/{directory}/"),
            });
        let directories: Vec<String> = directories.collect();
        if !directories.is_empty() {
            roots.insert(row.name, directories);
        }
    }
    for row in ROOT_VARIABLES {
        let behind_root = format!("/{}", row.known_by);
        let known = places
            .entries()
            .iter()
            .filter_map(|entry| match entry.path.strip_suffix(row.known_by) {
                Some("") => Some(""),
                _ => entry.path.strip_suffix(behind_root.as_str()),
            });
        let directories = known.map(|root| match root {
            "" => row.directory.to_owned(),
            root => format!("/{root}{}", row.directory),
        });
        let directories: Vec<String> = directories.collect();
        if !directories.is_empty() {
            roots.insert(row.name, directories);
        }
    }
    roots
}
