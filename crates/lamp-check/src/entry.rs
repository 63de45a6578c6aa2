//! Which files visitors may ask for: those that work when they are run first.
//!
//! A file that calls a function, or reads a constant, that only other files of the tree declare, and does not
//! include them, is a part of something; so is one that others include, unless they are its namesakes in
//! other directories (as a network's `users.php` includes that of one site).

use std::collections::{HashMap, HashSet};

use crate::constants::Constants;
use crate::facts::FileFacts;
use crate::graph::Graph;
use crate::place::file_name;
use crate::source::Source;

/// What the decision looks at.
#[derive(Clone, Copy)]
pub(crate) struct Tree<'t, 'f> {
    pub(crate) sources: &'t [Source],
    pub(crate) facts: &'f [FileFacts],
    pub(crate) constants: &'t Constants<'f>,
    pub(crate) graph: &'t Graph,
    /// Sources that stand for files of an installation: only ever included.
    pub(crate) samples: &'t HashSet<usize>,
}

/// Whether each source is an entry point.
pub(crate) fn entry_points(tree: Tree<'_, '_>) -> Vec<bool> {
    let functions = functions(tree.facts);
    let is_entry = |at: usize| tree.may_be_first(at) && tree.has_what_it_needs(at, &functions);
    (0..tree.sources.len()).map(is_entry).collect()
}

/// Who declares each function.
fn functions(facts: &[FileFacts]) -> HashMap<&str, Vec<usize>> {
    let mut functions: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, facts) in facts.iter().enumerate() {
        for name in &facts.functions {
            functions.entry(name).or_default().push(at);
        }
    }
    functions
}

impl Tree<'_, '_> {
    fn may_be_first(&self, at: usize) -> bool {
        let (source, outside) = (&self.sources[at], &self.facts[at].outside_functions);
        let is_of_the_site = !source.is_test && !source.is_library && !self.samples.contains(&at);
        is_of_the_site
            && outside.does_something
            && !outside.refuses_to_be_first
            && !outside.needs_an_object
            && self.is_nobodys_part(at)
    }

    fn is_nobodys_part(&self, at: usize) -> bool {
        let name = file_name(&self.sources[at].path);
        let mut includers = self.graph.includers(at);
        name == "index.php" || includers.all(|includer| file_name(&self.sources[includer].path) == name)
    }

    fn has_what_it_needs(&self, at: usize, functions: &HashMap<&str, Vec<usize>>) -> bool {
        let outside = &self.facts[at].outside_functions;
        let there = self.graph.run_with(at);
        let has_function = |name: &String| match functions.get(name.as_str()) {
            Some(declared_by) => declared_by.iter().any(|file| there[*file]),
            None => true,
        };
        let has_constant = |name: &String| {
            !self.constants.is_defined(name) || self.constants.definers(name).any(|file| there[file])
        };
        outside.calls.iter().all(has_function) && outside.constants.iter().all(has_constant)
    }
}
