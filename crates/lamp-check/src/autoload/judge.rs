//! What composer's loaders are to load and is not there, and classes that stand where none of them looks.

use std::cell::OnceCell;

use lamp_model::finding::{Finding, Severity};

use super::loader::{Listed, Loader, Origin};
use super::{Autoload, FILE_NOT_FOUND, WRONG_PLACE};
use crate::facts::FileFacts;
use crate::graph::Graph;
use crate::hashed::{HashMap, HashSet};
use crate::nearest::Neighbours;
use crate::place::{Place, Places, is_beneath};
use crate::resolve::Target;
use crate::resolved::Resolved;
use crate::source::Source;
use crate::surroundings::fault::Fault;
use crate::symbols::facts::{Use, Used};
use crate::symbols::index::Index;

/// Most letters that the path of a class is off where it was meant to be at the place.
const SLIP_MAX: usize = 2;

/// What the loaders are held against.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'t, 'f> {
    pub(crate) places: &'t Places<'t>,
    pub(crate) sources: &'t [Source],
    pub(crate) facts: &'f [FileFacts],
    pub(crate) index: &'t Index<'f>,
    /// Of includes.
    pub(crate) graph: &'t Graph,
    pub(crate) resolved: &'t Resolved<'f>,
}

/// Everything that is wrong with what is loaded by composer.
pub(crate) fn judge(autoload: &Autoload, ground: Ground<'_, '_>) -> Vec<Finding> {
    if autoload.loaders.is_empty() {
        return Vec::new();
    }
    let judge = Judge {
        autoload,
        ground,
        neighbours: OnceCell::new(),
        used: used(ground),
    };
    let mut faults = judge.files();
    faults.extend(judge.classes());
    let findings = faults
        .into_iter()
        .filter_map(|(path, fault)| fault.finding(&path));
    findings.collect()
}

/// The first use of each class, by its name as it is used.
fn used<'f>(ground: Ground<'_, 'f>) -> HashMap<&'f str, (usize, &'f Use)> {
    let mut used = HashMap::default();
    for (file, one) in ground.index.uses() {
        if let Used::Class(name) = &one.what
            && !ground.sources[file].is_aside
        {
            used.entry(name.as_str()).or_insert((file, one));
        }
    }
    used
}

struct Judge<'t, 'f> {
    autoload: &'t Autoload,
    ground: Ground<'t, 'f>,
    neighbours: OnceCell<Neighbours<'t>>,
    used: HashMap<&'f str, (usize, &'f Use)>,
}

impl Judge<'_, '_> {
    fn files(&self) -> Vec<(String, Fault)> {
        let mut faults = Vec::new();
        let mut said = HashSet::default();
        let is_used: HashSet<String> = self.used.keys().map(|name| name.to_ascii_lowercase()).collect();
        for loader in &self.autoload.loaders {
            for file in loader.files.iter().filter(|file| self.is_missing(file)) {
                if said.insert(file.path.as_str()) {
                    faults.push(self.file(loader, file));
                }
            }
            let scanned = loader.scanned.iter().filter(|listed| self.is_missing(listed));
            faults.extend(scanned.map(|listed| self.scanned(listed)));
            let mut classes: Vec<(&String, &Listed)> = loader.classes.iter().collect();
            classes.sort_by_key(|(_, listed)| listed.at);
            for (class, listed) in classes.into_iter().filter(|(_, listed)| self.is_missing(listed)) {
                let severity = match is_used.contains(&class.to_ascii_lowercase()) {
                    true if !self.may_come_otherwise(loader, class) => Severity::Error,
                    true | false => Severity::Warning,
                };
                faults.push(self.class(class, listed, severity));
            }
        }
        faults
    }

    fn is_missing(&self, listed: &Listed) -> bool {
        self.ground.places.find(&listed.path) == Place::Nothing
    }

    /// PHP requires such a file whenever the loader is.
    fn file(&self, loader: &Loader, listed: &Listed) -> (String, Fault) {
        let path = &listed.path;
        let message = match loader.origin {
            Origin::Generated => {
                format!("composer's loader requires a file that does not exist: {path}")
            }
            Origin::ToBeGenerated => {
                format!("composer's loader will require a file that does not exist: {path}")
            }
            Origin::GeneratedBefore => {
                format!(
                    "once composer generates its loader again, it will require a file that does not exist: {path}"
                )
            }
        };
        let severity = match loader.origin {
            Origin::Generated | Origin::ToBeGenerated => Severity::Error,
            Origin::GeneratedBefore => Severity::Warning,
        };
        self.fault(listed, severity, message)
    }

    fn scanned(&self, listed: &Listed) -> (String, Fault) {
        let path = &listed.path;
        let message =
            format!("composer is to look for classes in what does not exist, and refuses to: {path}");
        self.fault(listed, Severity::Warning, message)
    }

    fn class(&self, class: &str, listed: &Listed, severity: Severity) -> (String, Fault) {
        let path = &listed.path;
        let message =
            format!("composer's loader has the class {class} in a file that does not exist: {path}");
        self.fault(listed, severity, message)
    }

    fn fault(&self, listed: &Listed, severity: Severity, message: String) -> (String, Fault) {
        let neighbours = || Neighbours::new(self.ground.places.entries());
        let near = self
            .neighbours
            .get_or_init(neighbours)
            .nearest(std::slice::from_ref(&listed.path), &HashSet::default());
        let fault = Fault {
            severity,
            ..Fault::error(FILE_NOT_FOUND, listed.at, message).naming(&listed.path)
        };
        let fault = match near {
            Some(near) => fault.suggesting(near.path),
            None => fault,
        };
        (listed.by.clone(), fault)
    }

    /// Whether another loader has a class, or code includes the file that declares it, or may.
    fn may_come_otherwise(&self, loader: &Loader, class: &str) -> bool {
        let places = self.ground.places;
        let others = self.autoload.loaders.iter();
        let mut others = others.filter(|other| !std::ptr::eq(*other, loader));
        if others.any(|other| other.find(class, places).is_some()) {
            return true;
        }
        match self.ground.index.declaring(class) {
            [] => false,
            // Of a file that has moved, only the loader knew.
            [only] => self.is_loaded(only.file),
            _ => true,
        }
    }
}

// Classes that stand elsewhere.
impl Judge<'_, '_> {
    fn classes(&self) -> Vec<(String, Fault)> {
        let mut uses: Vec<(&str, usize, &Use)> = self
            .used
            .iter()
            .map(|(name, (file, used))| (*name, *file, *used))
            .collect();
        uses.sort_by_key(|(name, file, used)| (*file, used.at, *name));
        let is_sure = !self.has_other_ways();
        let mut said = HashSet::default();
        let mut faults = Vec::new();
        for (name, file, used) in uses {
            if let Some((stands, expected)) = self.elsewhere(name)
                && file != stands
                && said.insert(stands)
            {
                let severity = match is_sure && !self.ground.sources[stands].is_library {
                    true => Severity::Error,
                    false => Severity::Note,
                };
                let stands = &self.ground.sources[stands].path;
                let message = format!(
                    "composer's loader looks for {name} in {expected}, and the class stands in {stands}"
                );
                let fault = Fault::error(WRONG_PLACE, used.at, message);
                let fault = fault.naming(expected).suggesting(stands);
                faults.push((
                    self.ground.sources[file].path.clone(),
                    Fault { severity, ..fault },
                ));
            }
        }
        faults
    }

    /// The source in which a class stands, and the path that it was meant to have, if no loader finds it there and nothing
    /// else loads it.
    fn elsewhere(&self, name: &str) -> Option<(usize, String)> {
        let [only] = self.ground.index.declaring(name) else {
            return None;
        };
        let loaders = &self.autoload.loaders;
        // By the name that it is declared by: one that is used in another case may be loaded already.
        let name = self.ground.index.class_at(*only).name.as_str();
        let places = self.ground.places;
        let is_found = loaders.iter().any(|loader| loader.find(name, places).is_some());
        if is_found || !self.ground.index.is_plain(name) {
            return None;
        }
        let stands = &self.ground.sources[only.file].path;
        let owners = loaders.iter().filter(|loader| loader.owns(name));
        let looked_for = owners.flat_map(|loader| loader.looked_for(name));
        let expected = looked_for.min_by_key(|path| off(path, stands))?;
        let is_a_slip = off(&expected, stands) <= SLIP_MAX;
        (is_a_slip && !self.is_loaded(only.file)).then_some((only.file, expected))
    }

    /// Whether something else than the use of this class brings the file: an include, a loader's list, or another of its
    /// classes.
    fn is_loaded(&self, file: usize) -> bool {
        let source = &self.ground.sources[file];
        let is_it = |listed: &Listed| self.ground.places.find(&listed.path) == Place::File(source.entry);
        let lists = |loader: &Loader| {
            loader.files.iter().any(is_it)
                || loader.classes.values().any(is_it)
                || loader.scanned.iter().any(|at| is_in(&source.path, &at.path))
        };
        let brings = |class: &str| self.autoload.file_of(class, self.ground.places) == Some(source.entry);
        let mut classes = self.ground.facts[file].symbols.classes.iter();
        self.ground.graph.includers(file).next().is_some()
            || self.autoload.loaders.iter().any(lists)
            || classes.any(|class| brings(&class.name))
    }

    /// Whether the site's own code has another loader, or includes whose file cannot be told.
    fn has_other_ways(&self) -> bool {
        let each = self.ground.sources.iter().zip(self.ground.facts).enumerate();
        let mut own = each.filter(|(_, (source, _))| !source.is_library && !source.is_test);
        own.any(|(at, (_, facts))| {
            let mut named = self.ground.resolved.targets[at].iter();
            facts.loads_classes || named.any(|named| matches!(named.target, Target::Undecided(_)))
        })
    }
}

/// So many letters is one path off another; none, if only by their case.
fn off(one: &str, other: &str) -> usize {
    if one.len().abs_diff(other.len()) > SLIP_MAX {
        return usize::MAX;
    }
    strsim::osa_distance(&one.to_lowercase(), &other.to_lowercase())
}

pub(super) fn is_in(path: &str, listed: &str) -> bool {
    path == listed || is_beneath(path, listed)
}
