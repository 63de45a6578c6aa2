//! What a rehearsal shows of includes whose file the check could not tell: the files that came in by them complete
//! the graph of includes.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::reach::{UnknownInclude, WholeGraph};

/// Most files that are kept by name.
const LOADED_MAX: usize = 20;
/// Most files that are kept of those that may have loaded one.
const THROUGH_MAX: usize = 3;
/// Most includes that are added to a graph.
const ADDED_MAX: usize = 100_000;

/// A PHP file that a rehearsal saw opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The file, relative to the release.
    pub path: String,
    /// The route that was asked when it was opened first.
    pub route: String,
}

/// What a rehearsal showed of includes whose file the check could not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unfollowed {
    /// Includes of the release whose file cannot be told.
    pub includes: u64,
    /// Of these, the ones in files that ran.
    pub in_files_that_ran: u64,
    /// Files that ran though nothing that ran includes them in a way that can be told.
    pub loaded: u64,
    /// The first of them, in the order in which they were opened.
    pub first_loaded: Vec<Loaded>,
}

impl Unfollowed {
    /// Whether the check could follow everything, or nothing was rehearsed.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// A file that came in through an include whose file cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loaded {
    /// The file.
    pub path: String,
    /// The route that was asked when it was opened first.
    pub route: String,
    /// Some of the files that may have included it: those with such an include that had been opened by then.
    pub through: Vec<String>,
}

impl WholeGraph {
    /// Adds what ran, in the order in which it was opened: a file that nothing leads to is taken to be included by each
    /// file that may have, so that what hangs on it is never told too small.
    pub fn complete(&mut self, unknown: &[UnknownInclude], ran: &[Opened]) -> Unfollowed {
        let run = Run::new(self, unknown, ran);
        let loaded = run.loaded(self);
        let said = Unfollowed {
            includes: unknown.len() as u64,
            in_files_that_ran: run.files.iter().map(|file| file.unknown).sum(),
            loaded: loaded.len() as u64,
            first_loaded: loaded.iter().take(LOADED_MAX).map(|one| self.told(one)).collect(),
        };
        let mut left = ADDED_MAX;
        for one in loaded {
            let added = one.through.len().min(left);
            left -= added;
            self.includes_left_out += (one.through.len() - added) as u64;
            for from in &one.through[..added] {
                self.files[*from].includes.extend(u32::try_from(one.file));
            }
        }
        said
    }

    fn told(&self, one: &CameIn<'_>) -> Loaded {
        let through = one.through.iter().take(THROUGH_MAX);
        Loaded {
            path: self.files[one.file].path.clone(),
            route: one.route.to_owned(),
            through: through.map(|at| self.files[*at].path.clone()).collect(),
        }
    }
}

/// A file of a run, by its place in the graph.
struct Ran<'r> {
    file: usize,
    route: &'r str,
    /// Includes in it whose file cannot be told.
    unknown: u64,
}

/// A file that nothing leads to, and the files that may have included it.
struct CameIn<'r> {
    file: usize,
    route: &'r str,
    through: Vec<usize>,
}

/// What ran, in the order in which it was opened.
struct Run<'r> {
    files: Vec<Ran<'r>>,
}

impl<'r> Run<'r> {
    fn new(graph: &WholeGraph, unknown: &[UnknownInclude], ran: &'r [Opened]) -> Self {
        let numbers = graph.numbers();
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for include in unknown {
            *counts.entry(&include.path).or_default() += 1;
        }
        let files = ran.iter().filter_map(|opened| {
            Some(Ran {
                file: *numbers.get(opened.path.as_str())?,
                route: &opened.route,
                unknown: counts.get(opened.path.as_str()).copied().unwrap_or(0),
            })
        });
        Self {
            files: files.collect(),
        }
    }

    /// Those that are no entry point, and that no include of what ran leads to. A file stays compiled once it was
    /// opened, so that one that is opened later may have been included by any that ran.
    fn loaded(&self, graph: &WholeGraph) -> Vec<CameIn<'r>> {
        let includes = self.files.iter().flat_map(|ran| &graph.files[ran.file].includes);
        let followed: HashSet<usize> = includes.filter_map(|to| usize::try_from(*to).ok()).collect();
        let is_loaded =
            |ran: &Ran<'_>| !graph.files[ran.file].is_entry_point && !followed.contains(&ran.file);
        let each = self.files.iter().enumerate().filter(|(_, ran)| is_loaded(ran));
        each.map(|(at, ran)| CameIn {
            file: ran.file,
            route: ran.route,
            through: self.may_have_included(at),
        })
        .collect()
    }

    /// Files with such an include that had been opened before it for the same route; if there is none, for any.
    fn may_have_included(&self, at: usize) -> Vec<usize> {
        let before = || self.files[..at].iter().filter(|ran| ran.unknown > 0);
        let route = self.files[at].route;
        let same: Vec<usize> = before()
            .filter(|ran| ran.route == route)
            .map(|ran| ran.file)
            .collect();
        match same.is_empty() {
            true => before().map(|ran| ran.file).collect(),
            false => same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::BlastRadius;
    use crate::reach::{GraphFile, UnknownReason};

    /// `name`, `name*` (an entry point), and the names that it includes.
    fn graph(files: &[(&str, &[&str])]) -> WholeGraph {
        let names: Vec<&str> = files.iter().map(|(name, _)| name.trim_end_matches('*')).collect();
        let number = |of: &&str| names.iter().position(|name| name == of).expect("a file");
        let file = |(name, includes): &(&str, &[&str])| GraphFile {
            path: name.trim_end_matches('*').to_owned(),
            is_entry_point: name.ends_with('*'),
            includes: includes
                .iter()
                .map(|of| u32::try_from(number(of)).expect("few"))
                .collect(),
        };
        WholeGraph {
            files: files.iter().map(file).collect(),
            includes_left_out: 0,
        }
    }

    fn unknown(paths: &[&str]) -> Vec<UnknownInclude> {
        let one = |path: &&str| UnknownInclude {
            path: (*path).to_owned(),
            line: 1,
            column: 1,
            reason: UnknownReason::MadeWhileRunning,
        };
        paths.iter().map(one).collect()
    }

    fn ran(opened: &[(&str, &str)]) -> Vec<Opened> {
        let one = |(path, route): &(&str, &str)| Opened {
            path: (*path).to_owned(),
            route: (*route).to_owned(),
        };
        opened.iter().map(one).collect()
    }

    fn radius(graph: &WholeGraph, path: &str) -> Option<(u64, u64)> {
        let radius = graph.blast_radius(path);
        radius.map(|BlastRadius { entry_points, of }| (entry_points, of))
    }

    #[test]
    fn what_an_include_that_cannot_be_told_brought_in_hangs_on_the_file_that_it_stands_in() {
        let mut site = graph(&[
            ("index.php*", &["loader.php"]),
            ("feed.php*", &["loader.php"]),
            ("alone.php*", &[]),
            ("loader.php", &[]),
            ("theme.php", &["part.php"]),
            ("part.php", &[]),
        ]);
        assert_eq!(radius(&site, "part.php"), Some((0, 3)), "the control");
        let opened = [
            ("index.php", "/"),
            ("loader.php", "/"),
            ("theme.php", "/"),
            ("part.php", "/"),
        ];
        let said = site.complete(&unknown(&["loader.php", "never-run.php"]), &ran(&opened));
        assert_eq!((said.includes, said.in_files_that_ran, said.loaded), (2, 1, 1));
        let loaded = Loaded {
            path: "theme.php".to_owned(),
            route: "/".to_owned(),
            through: vec!["loader.php".to_owned()],
        };
        assert_eq!(said.first_loaded, [loaded]);
        for path in ["theme.php", "part.php"] {
            assert_eq!(radius(&site, path), Some((2, 3)), "{path}");
            assert_eq!(site.reaching(path).expect("a file"), ["index.php", "feed.php"]);
        }
    }

    #[test]
    fn a_file_may_have_been_included_by_what_was_opened_before_it_for_its_route_or_else_for_any() {
        let files: &[(&str, &[&str])] = &[
            ("a.php*", &[]),
            ("b.php*", &[]),
            ("of-a.php", &[]),
            ("of-b.php", &[]),
            ("late.php", &[]),
        ];
        let mut site = graph(files);
        let opened = [
            ("a.php", "/a"),
            ("of-a.php", "/a"),
            ("b.php", "/b"),
            ("of-b.php", "/b"),
            ("late.php", "/c"),
            ("outside/of/the/graph.php", "/c"),
        ];
        let said = site.complete(&unknown(&["a.php", "b.php"]), &ran(&opened));
        let through: Vec<_> = said
            .first_loaded
            .iter()
            .map(|one| one.through.join(" "))
            .collect();
        assert_eq!(through, ["a.php", "b.php", "a.php b.php"]);
        assert_eq!(radius(&site, "of-a.php"), Some((1, 2)));
        assert_eq!(radius(&site, "late.php"), Some((2, 2)));
        assert_eq!(radius(&site, "outside/of/the/graph.php"), None);
    }

    #[test]
    fn of_very_many_the_first_are_named_and_all_are_counted() {
        let names: Vec<String> = (0..50).map(|at| format!("{at}.php")).collect();
        let mut files: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
        files.push(("index.php*", &[]));
        let mut opened = vec![("index.php", "/")];
        opened.extend(names.iter().map(|name| (name.as_str(), "/")));
        let said = graph(&files).complete(&unknown(&["index.php"]), &ran(&opened));
        assert_eq!((said.loaded, said.first_loaded.len()), (50, LOADED_MAX));
    }
}
