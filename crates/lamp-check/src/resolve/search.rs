//! A name that does not say where it begins: PHP looks for it in the directory of the script that was started, in that of
//! the file itself, and in those that it is told to look in.

use super::directories::{Directories, Holders, climbed};
use super::reading::HOLE;
use super::{Missing, Resolver, Target};
use crate::place::{self, Place, fold};
use crate::value::Why;

/// Most paths that a name is said to be looked for at.
const PATHS_MAX: usize = 12;

/// What the directories answer that are asked for a name.
enum Answer {
    /// This, or why it cannot be told.
    Is(Target),
    /// None has it; it was looked for here, the likeliest first.
    Nowhere(Vec<String>),
}

impl Resolver<'_, '_> {
    pub(super) fn look_beside_scripts(&self, source: usize, path: &str) -> Target {
        let own = place::parent(&self.sources[source].path);
        let of_own = self.at(&format!("{own}/{path}"));
        let is_dotted = is_dotted(path);
        if matches!(of_own, Target::Found(_)) || (is_dotted && self.is_started[source]) {
            return of_own;
        }
        let directories = match is_dotted {
            true => &self.script_directories,
            false => &self.searched,
        };
        if path.contains(HOLE) {
            return self.look_for_pattern(directories, path, of_own);
        }
        match self.ask(directories, path) {
            Answer::Is(target) => target,
            Answer::Nowhere(_) if !is_dotted && self.include_path.is_none() => {
                Target::Undecided(Why::IncludePath)
            }
            Answer::Nowhere(paths) => self.missing_beside_scripts(of_own, paths, !is_dotted),
        }
    }

    fn look_for_pattern(&self, directories: &Directories, path: &str, of_own: Target) -> Target {
        let mut near = None;
        for directory in directories.paths() {
            let path = format!("{directory}/{path}");
            // From where it would climb out of the tree nothing of the tree is meant.
            if fold(&path.replace(HOLE, "x")).is_none() {
                continue;
            }
            if !self.effort.spend(1) {
                return Target::Undecided(Why::Bound);
            }
            match self.at(&path) {
                found @ Target::Found(_) => return found,
                nearly @ Target::NothingFits { .. } => near = near.or(Some(nearly)),
                Target::Missing(_) | Target::Undecided(_) => {}
            }
        }
        let of_own = Some(of_own).filter(|own| matches!(own, Target::NothingFits { .. }));
        near.or(of_own).unwrap_or(Target::Undecided(Why::Pattern))
    }

    /// Asks the directories; from where the path would climb out of the tree nothing of the tree is meant.
    fn ask(&self, directories: &Directories, path: &str) -> Answer {
        let (levels, below) = climbed(path);
        if below.is_empty() {
            return Answer::Is(Target::Undecided(Why::Outside));
        }
        let ordered = directories.above(levels, self.places);
        let first = below.split('/').next().unwrap_or_default();
        let holders = self.holders.get_or_init(|| Holders::new(self.places.entries()));
        let Some(asked) = ordered.that_may_hold(holders.of(first), &self.effort) else {
            return Answer::Is(Target::Undecided(Why::Bound));
        };
        let slash = if path.ends_with('/') { "/" } else { "" };
        let mut is_elsewhere = false;
        for number in &asked {
            match self.at(&format!("{}/{below}{slash}", ordered.paths[*number])) {
                found @ Target::Found(_) => return Answer::Is(found),
                Target::Missing(_) => {}
                Target::NothingFits { .. } | Target::Undecided(_) => is_elsewhere = true,
            }
        }
        if is_elsewhere {
            return Answer::Is(Target::Undecided(Why::Outside));
        }
        // Those that were not asked hold nothing of it; of them the first are enough to be named.
        let mut numbers = asked;
        numbers.extend(0..ordered.paths.len().min(PATHS_MAX));
        numbers.sort_unstable();
        numbers.dedup();
        let paths = numbers
            .iter()
            .map(|number| place::beneath(&ordered.paths[*number], &below));
        Answer::Nowhere(paths.collect())
    }

    /// Those first whose directory is there.
    fn missing_beside_scripts(&self, of_own: Target, others: Vec<String>, is_bare: bool) -> Target {
        let own = match of_own {
            Target::Missing(missing) => missing.paths.into_iter().next(),
            Target::Found(_) | Target::NothingFits { .. } | Target::Undecided(_) => None,
        };
        let mut paths: Vec<String> = own.into_iter().chain(others).collect();
        paths.sort_by_key(|path| self.places.find(place::parent(path)) != Place::Dir);
        paths.dedup();
        paths.truncate(PATHS_MAX);
        match paths.is_empty() {
            true => Target::Undecided(Why::Outside),
            false => Target::Missing(Missing { paths, is_bare }),
        }
    }
}

/// Looked for from where the script was started, and nowhere else.
pub(super) fn is_dotted(path: &str) -> bool {
    path.starts_with("./") || path.starts_with("../")
}

#[cfg(test)]
mod tests {
    use super::super::{Ground, LOOKS_MAX};
    use super::*;
    use crate::constants::Constants;
    use crate::effort::Effort;
    use crate::facts::{FileFacts, Guard, Include, Keyword, Spot};
    use crate::names::Names;
    use crate::place::Places;
    use crate::source::sources;
    use crate::tree::{Entry, EntryKind};
    use crate::value::Value;

    /// What so many scripts, each in a directory of its own with an `inc` in it, include of names that are not there; and
    /// how many looks are left of so many.
    fn targets(scripts: usize, prefix: &str, looks: u64) -> (Vec<Target>, u64) {
        let entry = |path: String, kind: EntryKind| Entry { path, kind };
        let of_script = |at: usize| {
            let file = EntryKind::File { size_bytes: 0 };
            [
                entry(format!("d{at}"), EntryKind::Dir),
                entry(format!("d{at}/inc"), EntryKind::Dir),
                entry(format!("d{at}/f.php"), file),
            ]
        };
        let entries: Vec<Entry> = (0..scripts).flat_map(of_script).collect();
        let (places, sources) = (Places::new(&entries), sources(&entries));
        let facts: Vec<FileFacts> = (0..scripts)
            .map(|at| {
                let mut facts = FileFacts::default();
                facts.outside_functions.acts = true;
                facts.includes = vec![Include {
                    keyword: Keyword::Require,
                    at: Spot { line: 1, column: 1 },
                    value: Value::Text(format!("{prefix}x{at}.php")),
                    guard: Guard::None,
                    outside_functions: true,
                    always: true,
                }];
                facts
            })
            .collect();
        let constants = Constants::new(&sources, &facts, &places);
        let names = Names::new(&sources, &facts);
        let mut resolver = Resolver::new(Ground {
            places: &places,
            sources: &sources,
            facts: &facts,
            constants: &constants,
            names: &names,
        });
        resolver.effort = Effort::new(looks);
        let each = facts.iter().enumerate();
        let targets = each.map(|(at, facts)| resolver.target(at, &facts.includes[0]));
        (targets.collect(), resolver.effort.left())
    }

    /// Asking each directory for each name would take the square of their number.
    #[test]
    fn missing_names_take_as_many_looks_as_there_are() {
        for scripts in [100, 400] {
            let (targets, left) = targets(scripts, "", LOOKS_MAX);
            assert!(targets.iter().all(|target| matches!(target, Target::Missing(_))));
            assert!(LOOKS_MAX - left <= 2 * scripts as u64, "{scripts}: {left}");
        }
    }

    /// Where each directory must be asked, the looks run out, and nothing is told of those that are left.
    #[test]
    fn without_looks_nothing_is_told() {
        let (targets, left) = targets(100, "inc/", 5_000);
        let told = targets.iter().filter(|target| target.is_told()).count();
        assert!((40..=50).contains(&told), "{told}");
        assert_eq!((left, &targets[99]), (0, &Target::Undecided(Why::Bound)));
    }
}
