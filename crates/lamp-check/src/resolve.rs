//! From an include expression to the file that it names, or to why that cannot be told.
//!
//! `readings` says every way to read an expression, each a `reading`; here each is looked for in the tree, as PHP
//! would: by `search`, if it does not say where it begins. A name with unknown parts is looked for by `pattern`.

mod directories;
mod pattern;
mod reading;
mod readings;
mod search;

use std::cell::{Cell, OnceCell};
use std::collections::BTreeSet;

use crate::applications::{COMPOSER_INCLUDE_PATHS, COMPOSER_LOADER};
use crate::constants::Constants;
use crate::effort::Effort;
use crate::facts::{FileFacts, Include};
use crate::names::Names;
use crate::place::{self, Place, Places, fold};
use crate::source::{Source, position};
use crate::value::{Value, Why};
use directories::{Directories, Holders};
use pattern::Fit;
use reading::{Reading, Start};
use search::is_dotted;

/// How many parts of expressions are looked at for one include.
const STEPS_MAX: usize = 2_000;

/// Stands in a path for the name of the tree's root, which is not known.
pub(crate) const ROOT_NAME: &str = "<root>";

/// What an include expression names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// These files of the tree, as indices of its entries; none if a part of the name is unknown and some file fits.
    Found(Vec<usize>),
    /// A file that is not there.
    Missing(Missing),
    /// A name with unknown parts, `*`, that nothing fits; and a file that nearly does.
    NothingFits { pattern: String, near: String },
    /// Something outside the tree, or that only running the code can tell.
    Undecided(Why),
}

impl Target {
    /// Whether it is known which file is named, there or not.
    pub(crate) fn is_told(&self) -> bool {
        match self {
            Self::Found(files) => !files.is_empty(),
            Self::Missing(_) | Self::NothingFits { .. } => true,
            Self::Undecided(_) => false,
        }
    }
}

/// A name that leads to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Every path in the tree that it is looked for at, the likeliest first; never empty.
    pub(crate) paths: Vec<String>,
    /// It is looked for in the directories of the include path, some of which lie outside the tree.
    pub(crate) is_bare: bool,
}

impl Missing {
    fn at(path: String) -> Target {
        let (paths, is_bare) = (vec![path], false);
        Target::Missing(Self { paths, is_bare })
    }

    /// The likeliest path.
    pub(crate) fn path(&self) -> &str {
        self.paths.first().map_or("", String::as_str)
    }
}

/// How often it is looked, for all includes of a tree, at a place where a name may lead. Beyond, nothing is told of those
/// that do not say where they begin. A tree of ten thousand files takes some hundred thousand.
const LOOKS_MAX: u64 = 1 << 24;

/// What resolving needs to know of the tree.
#[derive(Debug)]
pub(crate) struct Resolver<'t, 'f> {
    places: &'t Places<'t>,
    sources: &'t [Source],
    facts: &'f [FileFacts],
    constants: &'t Constants<'f>,
    names: &'t Names<'f>,
    /// Which files do something when they are run first.
    is_script: Vec<bool>,
    /// Which files are run first and nothing else, so that `./` is their own directory.
    is_started: Vec<bool>,
    /// Where scripts start: `./` is looked for there.
    script_directories: Directories,
    /// Where bare names are looked for: there as well, and in the include path.
    searched: Directories,
    /// Where else bare names are looked for; `None`: in directories that only running the code can tell.
    include_path: Option<BTreeSet<String>>,
    /// What is left of [`STEPS_MAX`].
    steps_left: Cell<usize>,
    /// Why the first unknown part is unknown.
    why: Cell<Option<Why>>,
    /// Made when a name is first looked for in many directories.
    holders: OnceCell<Holders<'t>>,
    /// What is left of [`LOOKS_MAX`].
    effort: Effort,
}

/// From where a file is included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Included {
    Never,
    /// By files of its own directory.
    FromBeside,
    FromElsewhere,
}

/// A tree and what its files say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'t, 'f> {
    pub(crate) places: &'t Places<'t>,
    pub(crate) sources: &'t [Source],
    pub(crate) facts: &'f [FileFacts],
    pub(crate) constants: &'t Constants<'f>,
    pub(crate) names: &'t Names<'f>,
}

impl<'t, 'f> Resolver<'t, 'f> {
    /// Any file that does something may be a script that is started.
    pub(crate) fn new(ground: Ground<'t, 'f>) -> Self {
        let Ground {
            places,
            sources,
            constants,
            names,
            facts,
        } = ground;
        let parts = sources.iter().zip(facts);
        let is_script = parts.map(|(source, facts)| {
            let outside = &facts.outside_functions;
            !source.is_test && (outside.acts || outside.includes) && !outside.refuses_to_be_first
        });
        let mut resolver = Self {
            places,
            sources,
            facts,
            constants,
            names,
            is_script: is_script.collect(),
            is_started: vec![false; sources.len()],
            script_directories: Directories::default(),
            searched: Directories::default(),
            include_path: Some(BTreeSet::new()),
            steps_left: Cell::new(0),
            why: Cell::new(None),
            holders: OnceCell::new(),
            effort: Effort::new(LOOKS_MAX),
        };
        resolver.include_path = resolver.include_path_of(facts);
        let scripts = std::mem::take(&mut resolver.is_script);
        resolver.search(&scripts);
        resolver.is_script = scripts;
        resolver
    }

    /// With what is known of who includes whom: a script that others include is not started, but an index; one that only
    /// files beside it include is started beside them.
    pub(crate) fn knowing(mut self, included: &[Included]) -> Self {
        let is_index = |at: usize| place::file_name(&self.sources[at].path) == "index.php";
        let scripts = || self.is_script.iter().zip(included).enumerate();
        let remains = |(at, (script, included)): (usize, (&bool, &Included))| {
            *script && (*included == Included::Never || is_index(at))
        };
        let remaining: Vec<bool> = scripts().map(remains).collect();
        let is_started = |(at, (script, included)): (usize, (&bool, &Included))| {
            *script && *included != Included::FromElsewhere && self.starts_at_home(at)
        };
        let started: Vec<bool> = scripts().map(is_started).collect();
        self.search(&remaining);
        self.is_started = started;
        // A second look at the same includes.
        self.effort = Effort::new(LOOKS_MAX);
        self
    }

    /// Whether the file finds another by `./` in its own directory: then that is where it is started, if it is.
    fn starts_at_home(&self, source: usize) -> bool {
        let facts = &self.facts[source];
        let own = place::parent(&self.sources[source].path);
        let is_at_home = |include: &Include| {
            self.begin();
            let readings = self.all_readings(&include.value, source);
            let mut dotted = readings.iter().filter(|reading| is_dotted(&reading.path));
            dotted.any(|reading| matches!(self.at(&format!("{own}/{}", reading.path)), Target::Found(_)))
        };
        !facts.told.changes_directory && facts.includes.iter().any(is_at_home)
    }

    /// These scripts are what may be started: from where they lie, and from the root.
    fn search(&mut self, scripts: &[bool]) {
        let scripts = self.sources.iter().zip(scripts);
        let scripts = scripts.filter(|(_, is_script)| **is_script);
        let directories = scripts.map(|(source, _)| place::parent(&source.path));
        let directories: BTreeSet<&str> = directories.chain([""]).collect();
        let told = self.include_path.iter().flatten().map(String::as_str);
        self.searched = Directories::new(directories.iter().copied().chain(told));
        self.script_directories = Directories::new(directories);
    }

    /// Every directory of the tree that the include path is set to anywhere.
    fn include_path_of(&self, facts: &[FileFacts]) -> Option<BTreeSet<String>> {
        let mut directories = BTreeSet::new();
        for (source, facts) in facts
            .iter()
            .enumerate()
            .filter(|(at, _)| !self.sources[*at].is_test)
        {
            let (source, paths) = self
                .composers_list(source)
                .unwrap_or((source, &facts.told.include_paths));
            for part in paths.iter().flat_map(parts_of_include_path) {
                self.begin();
                for reading in self.all_readings(&part, source) {
                    match reading {
                        reading if reading.has_hole() => return None,
                        Reading {
                            start: Start::Root,
                            path,
                        } => directories.extend(fold(&path)),
                        Reading {
                            start: Start::Plain, ..
                        } => {}
                    }
                }
            }
        }
        Some(directories)
    }

    /// What Composer's loader sets the include path to: the list in the file beside it.
    fn composers_list(&self, loader: usize) -> Option<(usize, &'f Vec<Value>)> {
        let directory = self.sources[loader].path.strip_suffix(COMPOSER_LOADER)?;
        let list = format!("{directory}{COMPOSER_INCLUDE_PATHS}");
        let at = position(self.sources, &list)?;
        Some((at, &self.facts[at].told.returned_list))
    }

    fn begin(&self) {
        self.steps_left.set(STEPS_MAX);
        self.why.set(None);
    }

    /// What `include`, which stands in the file `source`, names.
    pub(crate) fn target(&self, source: usize, include: &Include) -> Target {
        self.begin();
        let readings = self.all_readings(&include.value, source);
        let targets: Vec<Target> = readings
            .iter()
            .map(|reading| self.look(source, reading))
            .collect();
        let mut found: Option<BTreeSet<usize>> = None;
        let mut undecided = None;
        let mut missing = None;
        for target in targets {
            match target {
                Target::Found(files) => found.get_or_insert_default().extend(files),
                Target::Missing(_) | Target::NothingFits { .. } => missing = missing.or(Some(target)),
                Target::Undecided(why) => undecided = undecided.or(Some(why)),
            }
        }
        match (found, undecided, missing) {
            (Some(found), _, _) => Target::Found(found.into_iter().collect()),
            (None, None, Some(missing)) => missing,
            (None, why, _) => Target::Undecided(why.unwrap_or(Why::Expression)),
        }
    }

    fn look(&self, source: usize, reading: &Reading) -> Target {
        let path = reading.path.as_str();
        match reading.start {
            _ if reading.is_unknown() => self.look_by_ending(path),
            Start::Root => self.look_from_root(path),
            Start::Plain if path.contains("://") || path.starts_with('/') => Target::Undecided(Why::Outside),
            Start::Plain if path.is_empty() || path.contains('\0') => Target::Undecided(Why::Expression),
            Start::Plain => self.look_beside_scripts(source, path),
        }
    }

    /// Nothing is known of where it begins: told only if no file of the tree ends so, and one nearly does.
    fn look_by_ending(&self, path: &str) -> Target {
        match self.fit_ending(path) {
            Fit::Nearly { pattern, near } => Target::NothingFits { pattern, near },
            Fit::Fits | Fit::Nothing => Target::Undecided(self.why.get().unwrap_or(Why::Expression)),
        }
    }

    fn look_from_root(&self, path: &str) -> Target {
        let first = path.chars().next();
        if path.is_empty() || first.is_some_and(|first| matches!(first, '-' | '_' | '.' | reading::HOLE)) {
            // The root itself, or a neighbour of it whose name begins as the root's does.
            return Target::Undecided(Why::Outside);
        }
        if first != Some('/') {
            // The slash is missing: the root's own name goes on into this one.
            return match path.contains(reading::HOLE) {
                true => Target::Undecided(Why::Pattern),
                false => Missing::at(format!("{ROOT_NAME}{path}")),
            };
        }
        self.at(path)
    }

    fn at(&self, path: &str) -> Target {
        if path.contains(reading::HOLE) {
            return match self.fit(path) {
                Fit::Fits => Target::Found(Vec::new()),
                Fit::Nearly { pattern, near } => Target::NothingFits { pattern, near },
                Fit::Nothing => Target::Undecided(self.why.get().unwrap_or(Why::Pattern)),
            };
        }
        match (self.places.find(path), fold(path)) {
            (Place::File(index), _) => Target::Found(vec![index]),
            (Place::Nothing, Some(path)) => Missing::at(path),
            // PHP opens no directory; a name that ends in a slash has lost its last part.
            (Place::Dir, Some(folded)) if !folded.is_empty() && !path.ends_with('/') => Missing::at(folded),
            (Place::Nothing | Place::Dir | Place::Elsewhere, _) => Target::Undecided(Why::Outside),
        }
    }
}

/// The directories of an include path, each an expression; without what it was before.
fn parts_of_include_path(value: &Value) -> Vec<Value> {
    let mut flat = Vec::new();
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        if let Value::Joined(parts) = value {
            left.extend(parts.iter().rev());
        } else if let Value::Text(text) = value {
            // A text of one directory alone has one piece.
            let pieces = text.split(':').map(|piece| Value::Text(piece.to_owned()));
            for (at, piece) in pieces.enumerate() {
                flat.extend((at > 0).then(separator));
                flat.push(piece);
            }
        } else {
            flat.push(value.clone());
        }
    }
    let parts = flat.split(|value| *value == separator());
    let wanted = parts.filter(|part| !part.is_empty() && *part != [Value::IncludePath]);
    wanted.map(|part| Value::Joined(part.to_vec())).collect()
}

fn separator() -> Value {
    Value::Constant("PATH_SEPARATOR".to_owned())
}
