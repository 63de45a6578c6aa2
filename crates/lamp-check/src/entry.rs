//! Which files visitors may ask for: those that work when they are run first.
//!
//! A file that calls a function, uses a class or reads a constant that only other files of the tree declare,
//! and does not include them, is a part of something; so is one that many others include.

use crate::constants::Constants;
use crate::facts::FileFacts;
use crate::graph::{Graph, Room};
use crate::hashed::{HashMap, HashSet};
use crate::place::file_name;
use crate::source::Source;

/// Most other files that include a page which starts the application by itself all the same.
const INCLUDERS_MAX: usize = 4;
/// Fewest entry points that include a file for it to be what starts the application.
const STARTED_MIN: usize = 2;

/// What the decision looks at.
#[derive(Clone, Copy)]
pub(crate) struct Tree<'t, 'f> {
    pub(crate) sources: &'t [Source],
    pub(crate) facts: &'f [FileFacts],
    pub(crate) constants: &'t Constants<'f>,
    pub(crate) graph: &'t Graph,
    /// Sources that each installation has as its own, and what stands for them: only ever included.
    pub(crate) own_files: &'t HashSet<usize>,
}

/// Who declares a name.
type Declared<'f> = HashMap<&'f str, Vec<usize>>;

/// Whether each source is an entry point.
pub(crate) fn entry_points(tree: Tree<'_, '_>) -> Vec<bool> {
    let functions = declared(tree.facts, |facts| &facts.functions);
    let classes = declared(tree.facts, |facts| &facts.classes);
    let all = 0..tree.sources.len();
    let mut room = Room::default();
    let works = |at: &usize| {
        tree.may_be_first(*at)
            && tree.works_alone(
                *at,
                (&functions, &classes),
                tree.graph.at_hand_for(*at, &mut room),
            )
    };
    let working: Vec<usize> = all.clone().filter(works).collect();
    let (mut entries, included): (HashSet<usize>, HashSet<usize>) =
        working.into_iter().partition(|at| tree.is_nobodys_part(*at));
    let starters = tree.starters(&entries);
    entries.extend(
        included
            .into_iter()
            .filter(|at| tree.is_shown_by_others_too(*at, &starters)),
    );
    all.map(|at| entries.contains(&at)).collect()
}

fn declared(facts: &[FileFacts], names: impl Fn(&FileFacts) -> &Vec<String>) -> Declared<'_> {
    let mut declared: Declared<'_> = HashMap::default();
    for (at, facts) in facts.iter().enumerate() {
        for name in names(facts) {
            declared.entry(name).or_default().push(at);
        }
    }
    declared
}

impl Tree<'_, '_> {
    fn may_be_first(&self, at: usize) -> bool {
        let (source, outside) = (&self.sources[at], &self.facts[at].outside_functions);
        let is_of_the_site = !source.is_test && !source.is_library && !self.own_files.contains(&at);
        is_of_the_site
            && (outside.acts || outside.includes)
            && !outside.refuses_to_be_first
            && !outside.needs_an_object
    }

    /// What several entry points include by themselves.
    fn starters(&self, entries: &HashSet<usize>) -> HashSet<usize> {
        let mut started: HashMap<usize, usize> = HashMap::default();
        for from in entries {
            for to in self
                .graph
                .included_first(*from)
                .filter(|to| !self.are_namesakes(*from, *to))
            {
                *started.entry(to).or_default() += 1;
            }
        }
        let started = started.into_iter().filter(|(_, times)| *times >= STARTED_MIN);
        started.map(|(at, _)| at).collect()
    }

    /// Nobody includes it, but perhaps its namesakes in other directories, as a network's `users.php` includes
    /// that of one site.
    fn is_nobodys_part(&self, at: usize) -> bool {
        file_name(&self.sources[at].path) == "index.php" || self.other_includers(at) == 0
    }

    fn other_includers(&self, at: usize) -> usize {
        let others = self
            .graph
            .includers(at)
            .filter(|other| !self.are_namesakes(at, *other));
        others.collect::<HashSet<usize>>().len()
    }

    fn are_namesakes(&self, a: usize, b: usize) -> bool {
        file_name(&self.sources[a].path) == file_name(&self.sources[b].path)
    }

    /// A page that starts the application as others do, and is shown by a few files under other names as well.
    fn is_shown_by_others_too(&self, at: usize, starters: &HashSet<usize>) -> bool {
        !starters.contains(&at)
            && self.other_includers(at) <= INCLUDERS_MAX
            && self.graph.included_first(at).any(|to| starters.contains(&to))
    }

    /// Whether what it needs comes with it, and anything happens at all; `there` is what comes.
    fn works_alone(
        &self,
        at: usize,
        (functions, classes): (&Declared<'_>, &Declared<'_>),
        there: &Room,
    ) -> bool {
        let outside = &self.facts[at].outside_functions;
        let run = || there.all().map(|at| &self.facts[at]);
        let has = |declared: &Declared<'_>, name: &str| match declared.get(name) {
            Some(by) => by.iter().any(|file| there.has(*file)),
            None => true,
        };
        let has_constant = |name: &String| {
            !self.constants.is_defined(name) || self.constants.definers(name).any(|file| there.has(file))
        };
        run().any(|facts| facts.outside_functions.acts)
            && outside.calls.iter().all(|name| has(functions, name))
            && outside.constants.iter().all(has_constant)
            && (run().any(|facts| facts.loads_classes)
                || outside.uses_classes.iter().all(|name| has(classes, name)))
    }
}
