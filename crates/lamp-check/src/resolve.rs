//! From an include expression to the file that it names, or to why that cannot be told.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::constants::Constants;
use crate::facts::{FileFacts, Include, Value};
use crate::place::{self, Place, Places, fold};
use crate::source::Source;

/// Most ways to read one expression; beyond, nothing is said of it.
const READINGS_MAX: usize = 24;
/// How deep constants are followed through each other.
const DEPTH_MAX: usize = 24;
/// How many parts of expressions are looked at for one include.
const STEPS_MAX: usize = 2_000;

/// Stands in a path for the name of the tree's root, which is not known.
pub(crate) const ROOT_NAME: &str = "<root>";

/// What an include expression names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// These files of the tree, as indices of its entries.
    Found(Vec<usize>),
    /// A file that is not there, by its path in the tree.
    Missing(String),
    /// Something outside the tree, or that only running the code can tell.
    Undecided,
}

/// One way to read an expression.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Reading {
    /// What stands behind the path of the tree's root.
    FromRoot(String),
    /// A text as it is.
    Plain(String),
    /// Cannot be told.
    Unknown,
}

/// What resolving needs to know of the tree.
#[derive(Debug)]
pub(crate) struct Resolver<'t, 'f> {
    places: &'t Places<'t>,
    sources: &'t [Source],
    constants: &'t Constants<'f>,
    /// Where scripts start: `./` and bare names are looked for there.
    script_directories: BTreeSet<&'t str>,
    /// Variables that files write outside functions, and so into whoever includes them; by file.
    shared_variables: BTreeSet<(&'f str, usize)>,
    /// What is left of [`STEPS_MAX`].
    steps_left: Cell<usize>,
    /// Whether bare names are looked for in directories that only running the code can tell.
    include_path_is_known: bool,
}

impl<'t, 'f> Resolver<'t, 'f> {
    pub(crate) fn new(
        places: &'t Places<'t>,
        sources: &'t [Source],
        facts: &'f [FileFacts],
        constants: &'t Constants<'f>,
    ) -> Self {
        let parts = || {
            sources
                .iter()
                .zip(facts)
                .enumerate()
                .filter(|(_, (source, _))| !source.is_test)
        };
        let scripts = parts().filter(|(_, (_, facts))| {
            let outside = &facts.outside_functions;
            (outside.acts || outside.includes) && !outside.refuses_to_be_first
        });
        let written = parts().flat_map(|(at, (_, facts))| {
            let variables = facts.outside_functions.variables.iter();
            variables.map(move |name| (name.as_str(), at))
        });
        Self {
            places,
            sources,
            constants,
            script_directories: scripts
                .map(|(_, (source, _))| place::parent(&source.path))
                .collect(),
            shared_variables: written.collect(),
            steps_left: Cell::new(0),
            include_path_is_known: !parts().any(|(_, (_, facts))| facts.changes_include_path),
        }
    }

    /// What `include`, which stands in the file `source`, names.
    pub(crate) fn target(&self, source: usize, include: &Include) -> Target {
        self.steps_left.set(STEPS_MAX);
        let readings = self.readings(&include.value, source, DEPTH_MAX);
        let mut found = BTreeSet::new();
        let mut missing = None;
        let mut undecided = readings.is_empty();
        for reading in &readings {
            match self.look(source, reading) {
                Target::Found(files) => found.extend(files),
                Target::Missing(path) => missing = missing.or(Some(path)),
                Target::Undecided => undecided = true,
            }
        }
        match (found.is_empty(), undecided, missing) {
            (false, _, _) => Target::Found(found.into_iter().collect()),
            (true, false, Some(path)) => Target::Missing(path),
            (true, _, _) => Target::Undecided,
        }
    }

    fn look(&self, source: usize, reading: &Reading) -> Target {
        match reading {
            Reading::FromRoot(path) => self.look_from_root(path),
            Reading::Plain(path) if path.contains("://") || path.starts_with('/') => Target::Undecided,
            Reading::Plain(path) if path.is_empty() || path.contains('\0') => Target::Undecided,
            Reading::Plain(path) => self.look_beside_scripts(source, path),
            Reading::Unknown => Target::Undecided,
        }
    }

    fn look_from_root(&self, path: &str) -> Target {
        let first = path.chars().next();
        if path.is_empty() || first.is_some_and(|first| matches!(first, '-' | '_' | '.')) {
            // The root itself, or a neighbour of it whose name begins as the root's does.
            return Target::Undecided;
        }
        if first != Some('/') {
            // The slash is missing: the root's own name goes on into this one.
            return Target::Missing(format!("{ROOT_NAME}{path}"));
        }
        self.at(path)
    }

    fn at(&self, path: &str) -> Target {
        match (self.places.find(path), fold(path)) {
            (Place::File(index), _) => Target::Found(vec![index]),
            (Place::Nothing, Some(path)) => Target::Missing(path),
            (Place::Nothing | Place::Dir | Place::Elsewhere, _) => Target::Undecided,
        }
    }

    /// PHP looks in the directory of the script that was started and in that of the file itself.
    fn look_beside_scripts(&self, source: usize, path: &str) -> Target {
        let own = place::parent(&self.sources[source].path);
        let of_own = self.at(&format!("{own}/{path}"));
        if matches!(of_own, Target::Found(_)) {
            return of_own;
        }
        let others = self.script_directories.iter();
        let others: Vec<Target> = others.map(|dir| self.at(&format!("{dir}/{path}"))).collect();
        let is_dotted = path.starts_with("./") || path.starts_with("../");
        if let Some(found) = others.iter().find(|target| matches!(target, Target::Found(_))) {
            return found.clone();
        }
        let all_missing = others.iter().all(|target| matches!(target, Target::Missing(_)));
        if all_missing && (is_dotted || self.include_path_is_known) {
            of_own
        } else {
            Target::Undecided
        }
    }

    fn readings(&self, value: &Value, source: usize, depth: usize) -> Vec<Reading> {
        let steps_left = self.steps_left.get().saturating_sub(1);
        self.steps_left.set(steps_left);
        let Some(depth) = depth.checked_sub(1).filter(|_| steps_left > 0) else {
            return vec![Reading::Unknown];
        };
        let of = |value: &Value| self.readings(value, source, depth);
        let readings = match value {
            Value::Text(text) => vec![Reading::Plain(text.clone())],
            Value::Dir => vec![from_root(place::parent(&self.sources[source].path))],
            Value::File => vec![from_root(&self.sources[source].path)],
            Value::Constant(name) => self.constant(name, source, depth),
            Value::Joined(parts) => parts
                .iter()
                .map(of)
                .fold(vec![Reading::Plain(String::new())], |left, right| {
                    joined(&left, &right)
                }),
            Value::Dirname { of: inner, levels } => of(inner)
                .into_iter()
                .map(|reading| dirname(reading, *levels))
                .collect(),
            Value::WithSlash(inner) => of(inner).into_iter().map(with_slash).collect(),
            Value::Either(values) => values.iter().flat_map(of).collect(),
            Value::Shared { variable, value } => {
                let mut readings = of(value);
                if self.is_written_elsewhere(variable, source) {
                    readings.push(Reading::Unknown);
                }
                readings
            }
            Value::Unknown => vec![Reading::Unknown],
        };
        bounded(readings)
    }

    fn constant(&self, name: &str, source: usize, depth: usize) -> Vec<Reading> {
        if name == "DIRECTORY_SEPARATOR" {
            return vec![Reading::Plain("/".to_owned())];
        }
        if let Some(roots) = self.constants.roots(name) {
            return roots.iter().cloned().map(Reading::FromRoot).collect();
        }
        let definitions = self.constants.definitions(name, source);
        if definitions.is_empty() {
            return vec![Reading::Unknown];
        }
        let each = definitions.iter();
        bounded(
            each.flat_map(|one| self.readings(one.value, one.source, depth))
                .collect(),
        )
    }

    fn is_written_elsewhere(&self, variable: &str, source: usize) -> bool {
        let others = self
            .shared_variables
            .range((variable, 0)..=(variable, usize::MAX));
        others.into_iter().any(|(_, writer)| *writer != source)
    }
}

fn from_root(path: &str) -> Reading {
    Reading::FromRoot(if path.is_empty() {
        String::new()
    } else {
        format!("/{path}")
    })
}

/// Each left with each right.
fn joined(left: &[Reading], right: &[Reading]) -> Vec<Reading> {
    let pairs = left
        .iter()
        .flat_map(|left| right.iter().map(move |right| (left, right)));
    bounded(pairs.map(|(left, right)| join(left, right)).collect())
}

fn join(left: &Reading, right: &Reading) -> Reading {
    match (left, right) {
        (Reading::FromRoot(left), Reading::Plain(right)) => Reading::FromRoot(format!("{left}{right}")),
        (Reading::Plain(left), Reading::Plain(right)) => Reading::Plain(format!("{left}{right}")),
        (Reading::Plain(left), Reading::FromRoot(_)) if left.is_empty() => right.clone(),
        _ => Reading::Unknown,
    }
}

/// PHP's `dirname`.
fn dirname(reading: Reading, levels: u32) -> Reading {
    (0..levels.min(64)).fold(reading, |reading, _| match reading {
        Reading::FromRoot(path) => match path.trim_end_matches('/') {
            "" => Reading::Unknown,
            path => from_root(place::parent(path.trim_start_matches('/'))),
        },
        Reading::Plain(path) => match path.trim_end_matches('/').rsplit_once('/') {
            Some((parent, _)) if !parent.is_empty() => Reading::Plain(parent.to_owned()),
            Some(_) => Reading::Plain("/".to_owned()),
            None => Reading::Plain(".".to_owned()),
        },
        Reading::Unknown => Reading::Unknown,
    })
}

fn with_slash(reading: Reading) -> Reading {
    let ended = |path: String| format!("{}/", path.trim_end_matches('/'));
    match reading {
        Reading::FromRoot(path) => Reading::FromRoot(ended(path)),
        Reading::Plain(path) => Reading::Plain(ended(path)),
        Reading::Unknown => Reading::Unknown,
    }
}

/// Without repetitions; of too many, none.
fn bounded(mut readings: Vec<Reading>) -> Vec<Reading> {
    readings.sort_unstable();
    readings.dedup();
    if readings.len() > READINGS_MAX {
        return vec![Reading::Unknown];
    }
    readings
}
