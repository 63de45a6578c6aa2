//! The directories in which a name is looked for that does not say where it begins: those of scripts, and those of the
//! include path.
//!
//! Invariant: what is answered is what asking each of them in turn would answer. Asked are only those that hold the
//! first part of the name: a tree of as many directories as names would take its square to ask.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::effort::Effort;
use crate::hashed::{HashMap, HashSet};
use crate::place::{self, Places};
use crate::tree::Entry;

/// Directories in the order in which they are asked, each once.
#[derive(Debug, Default)]
pub(super) struct Directories {
    paths: Vec<String>,
    /// So many levels above them.
    above: RefCell<BTreeMap<usize, Rc<Ordered>>>,
}

/// Directories, and the number of each among them.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    pub(super) paths: Vec<String>,
    numbers: HashMap<String, usize>,
    /// The numbers of those that are reached through a link, or not there: nobody knows what they hold without asking.
    odd: Vec<usize>,
}

impl Directories {
    pub(super) fn new<'p>(paths: impl IntoIterator<Item = &'p str>) -> Self {
        let mut seen = BTreeSet::new();
        let paths = paths.into_iter().filter(|path| seen.insert(*path));
        Self {
            paths: paths.map(str::to_owned).collect(),
            above: RefCell::default(),
        }
    }

    pub(super) fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Those so many levels above each; of one that is not that deep in the tree, none.
    pub(super) fn above(&self, levels: usize, places: &Places<'_>) -> Rc<Ordered> {
        let mut above = self.above.borrow_mut();
        let ordered = above.entry(levels).or_insert_with(|| {
            let above = self.paths.iter().filter_map(|path| ancestor(path, levels));
            Rc::new(Ordered::new(above, places))
        });
        Rc::clone(ordered)
    }
}

impl Ordered {
    fn new<'p>(paths: impl Iterator<Item = &'p str>, places: &Places<'_>) -> Self {
        let mut ordered = Self::default();
        for path in paths {
            if ordered.numbers.contains_key(path) {
                continue;
            }
            let number = ordered.paths.len();
            if !places.is_plain_directory(path) {
                ordered.odd.push(number);
            }
            ordered.numbers.insert(path.to_owned(), number);
            ordered.paths.push(path.to_owned());
        }
        ordered
    }

    /// The numbers of those that may hold something that is in one of `holders`, in order. `None`: it takes more looks than
    /// are left.
    pub(super) fn that_may_hold(&self, holders: &[&str], effort: &Effort) -> Option<Vec<usize>> {
        if !effort.spend((holders.len() + self.odd.len()) as u64 + 1) {
            return None;
        }
        let holders = holders.iter().filter_map(|path| self.numbers.get(*path));
        let mut numbers: Vec<usize> = holders.chain(&self.odd).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        Some(numbers)
    }
}

/// In which directories something has a name, whatever it is; each once.
#[derive(Debug)]
pub(super) struct Holders<'t>(HashMap<&'t str, Vec<&'t str>>);

impl<'t> Holders<'t> {
    /// Directories count even if nothing but what lies in them tells of them.
    pub(super) fn new(entries: &'t [Entry]) -> Self {
        let mut holders: HashMap<&str, Vec<&str>> = HashMap::default();
        let mut seen: HashSet<&str> = HashSet::default();
        for entry in entries {
            let mut path = entry.path.as_str();
            while !path.is_empty() && seen.insert(path) {
                let (holder, name) = (place::parent(path), place::file_name(path));
                holders.entry(name).or_default().push(holder);
                path = holder;
            }
        }
        Self(holders)
    }

    pub(super) fn of(&self, name: &str) -> &[&'t str] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

fn ancestor(path: &str, levels: usize) -> Option<&str> {
    let mut path = path;
    for _ in 0..levels {
        if path.is_empty() {
            return None;
        }
        path = place::parent(path);
    }
    Some(path)
}

/// How many directories a relative path climbs first, and what follows; without `.` and what it climbs back.
pub(super) fn climbed(path: &str) -> (usize, String) {
    let mut levels = 0;
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => levels += 1,
            ".." => {}
            name => parts.push(name),
        }
    }
    (levels, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;
    use crate::tests::fuzz::{Random, over_seeds};
    use crate::tree::EntryKind;

    #[test]
    fn a_path_climbs_before_it_goes_down() {
        assert_eq!(climbed("a/b.php"), (0, "a/b.php".to_owned()));
        assert_eq!(climbed("./a//../b.php"), (0, "b.php".to_owned()));
        assert_eq!(climbed("../../a"), (2, "a".to_owned()));
        assert_eq!(climbed("a/../../b"), (1, "b".to_owned()));
        assert_eq!(climbed(".."), (1, String::new()));
    }

    #[test]
    fn what_is_above_several_is_asked_once_and_nothing_is_above_the_root() {
        let directories = Directories::new(["", "a", "a/b", "a/c", "d", "a"]);
        let above = |levels| directories.above(levels, &Places::new(&[])).paths.clone();
        assert_eq!(directories.paths(), ["", "a", "a/b", "a/c", "d"]);
        assert_eq!(above(1), ["", "a"]);
        assert_eq!(above(2), [""]);
        assert_eq!(above(3), [""; 0]);
    }

    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    fn path(random: &mut Random) -> String {
        let parts: Vec<&str> = (0..=random.below(3)).map(|_| *random.pick(&NAMES)).collect();
        parts.join("/")
    }

    /// Whatever the tree is: a directory that is not asked holds nothing by the name.
    #[test]
    fn whoever_has_the_name_is_asked_over_seeds() {
        over_seeds(2_000, |random| {
            let mut entries: BTreeMap<String, EntryKind> = BTreeMap::new();
            for _ in 0..random.below(12) {
                let kind = match random.below(3) {
                    0 => EntryKind::Dir,
                    1 => EntryKind::File { size_bytes: 0 },
                    _ => EntryKind::Link { target: path(random) },
                };
                entries.insert(path(random), kind);
            }
            let entries = entries.into_iter().map(|(path, kind)| Entry { path, kind });
            let entries: Vec<Entry> = entries.collect();
            let (places, holders) = (Places::new(&entries), Holders::new(&entries));
            let directories: Vec<String> = (0..6).map(|_| path(random)).collect();
            let directories = Directories::new(directories.iter().map(String::as_str));
            let ordered = directories.above(random.below(3), &places);
            for name in NAMES {
                let asked = ordered.that_may_hold(holders.of(name), &Effort::new(1_000));
                let asked = asked.expect("effort enough");
                assert!(asked.is_sorted(), "{asked:?}");
                for (number, directory) in ordered.paths.iter().enumerate() {
                    let is_there = places.find(&place::beneath(directory, name)) != Place::Nothing;
                    assert!(
                        !is_there || asked.contains(&number),
                        "{directory} {name} {entries:#?}"
                    );
                }
            }
        });
    }

    #[test]
    fn asked_are_those_that_may_hold_it_in_order() {
        let entry = |path: &str, kind| Entry {
            path: path.to_owned(),
            kind,
        };
        let link = EntryKind::Link {
            target: "a".to_owned(),
        };
        let entries = [
            entry("a", EntryKind::Dir),
            entry("b", EntryKind::Dir),
            entry("to-a", link),
        ];
        let places = Places::new(&entries);
        let ordered = Directories::new(["", "a", "b", "to-a"]).above(0, &places);
        let effort = Effort::new(4);
        assert_eq!(ordered.that_may_hold(&["b", "c"], &effort), Some(vec![2, 3]));
        assert_eq!(ordered.that_may_hold(&[], &effort), None, "the effort is spent");
    }
}
