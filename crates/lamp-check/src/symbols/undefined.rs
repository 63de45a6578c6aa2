//! Classes, functions and constants that nothing declares.

use lamp_model::finding::Severity;

use super::closed::{Closed, Kind};
use super::facts::{Resolved, Use, Used};
use super::index::{Index, Known, Name};
use super::near::Candidates;
use super::{Told, UNDEFINED_CLASS, UNDEFINED_CONSTANT, UNDEFINED_FUNCTION};
use crate::hashed::{HashMap, HashSet};

/// A name that nothing declares, and where it is used.
struct Missing<'f> {
    file: usize,
    used: &'f Use,
    kind: Kind,
    /// As people would look for it.
    name: &'f str,
    /// With its namespace.
    whole: &'f str,
}

pub(super) fn told(index: &Index<'_>) -> Vec<Told> {
    let uses = index.uses();
    let missing: Vec<Missing<'_>> = uses
        .filter_map(|(file, used)| missing(index, file, used))
        .collect();
    let mut told = Vec::new();
    for kind in [Kind::Class, Kind::Function, Kind::Constant] {
        let of_kind = || missing.iter().filter(|missing| missing.kind == kind);
        let names: Vec<&str> = of_kind().map(|missing| missing.name).collect();
        if names.is_empty() {
            continue;
        }
        let closed = Closed::of(index, kind, &names);
        let may_be_made = kind == Kind::Constant && index.makes_any_constant;
        let mut nears = Nears::new(index, kind);
        if closed > Closed::No {
            told.extend(of_kind().filter_map(|missing| missing.told(nears.of(missing), closed, may_be_made)));
        } else {
            let slips = lone_slips(index, kind, of_kind(), &mut nears);
            told.extend(slips.into_iter().filter_map(|(missing, near)| {
                let told = missing.told(Some(near), Closed::ButForSlips, may_be_made)?;
                let severity = Severity::Warning;
                Some(Told { severity, ..told })
            }));
        }
    }
    told
}

/// Slips in a tree that is, or may be, a part of something else: a name that one file alone uses, beside one of the tree's own that is
/// used, too, and is one stroke of a key away.
fn lone_slips<'m, 'f: 'm, 'n>(
    index: &Index<'f>,
    kind: Kind,
    missing: impl Iterator<Item = &'m Missing<'f>> + Clone,
    nears: &mut Nears<'n, 'f>,
) -> Vec<(&'m Missing<'f>, &'n str)> {
    let mut files: HashMap<&str, usize> = HashMap::default();
    for missing in missing.clone() {
        *files.entry(missing.name).or_default() += 1;
    }
    let one_stroke = |one: &str, other: &str| {
        strsim::osa_distance(&one.to_ascii_lowercase(), &other.to_ascii_lowercase()) == 1
    };
    let alone = missing.filter(|missing| files.get(missing.name) == Some(&1));
    let mut slips: Vec<(&Missing<'f>, &str)> = alone
        .filter_map(|missing| Some((missing, nears.of(missing)?)))
        .filter(|(missing, near)| one_stroke(missing.name, near))
        .collect();
    if !slips.is_empty() {
        let used = used_names(index, kind);
        slips.retain(|(_, near)| used.contains(&near.to_ascii_lowercase()));
    }
    slips
}

/// Names that the tree declares and uses, lower-case.
fn used_names(index: &Index<'_>, kind: Kind) -> HashSet<String> {
    let used = index.uses().filter_map(|(_, used)| match (&used.what, kind) {
        (Used::Class(name), Kind::Class) => {
            matches!(index.class(name), Known::Tree(..)).then_some(name.as_str())
        }
        (Used::Function(resolved), Kind::Function) => {
            (index.function(resolved) == Name::Somehow).then(|| as_written(resolved))
        }
        (Used::Constant(resolved), Kind::Constant) => {
            (index.constant(resolved) == Name::Somehow).then(|| as_written(resolved))
        }
        _ => None,
    });
    used.map(str::to_ascii_lowercase).collect()
}

fn missing<'f>(index: &Index<'f>, file: usize, used: &'f Use) -> Option<Missing<'f>> {
    let (kind, name, whole) = match &used.what {
        Used::Class(name) => (Kind::Class, class(index, name)?, name),
        Used::Function(resolved) => {
            let name = written(index, index.function(resolved), resolved)?;
            (Kind::Function, name, &resolved.name)
        }
        Used::Constant(resolved) => {
            let name = written(index, index.constant(resolved), resolved)?;
            (Kind::Constant, name, &resolved.name)
        }
        Used::Method { .. } | Used::OwnMethod { .. } | Used::ClassConstant { .. } => return None,
    };
    Some(Missing {
        file,
        used,
        kind,
        name,
        whole,
    })
}

/// A class of a namespace in which the tree declares nothing is a package's that is not here.
fn class<'f>(index: &Index<'_>, name: &'f str) -> Option<&'f str> {
    let is_missing = matches!(index.class(name), Known::Nowhere) && index.knows_namespace_of(name);
    is_missing.then_some(name)
}

/// The name as people would look for it.
fn written<'f>(index: &Index<'_>, found: Name, resolved: &'f Resolved) -> Option<&'f str> {
    match (found, resolved.or_global) {
        (Name::Nowhere, true) => Some(as_written(resolved)),
        (Name::Nowhere, false) => index
            .knows_namespace_of(&resolved.name)
            .then_some(as_written(resolved)),
        (Name::Somehow | Name::Php(_), _) => None,
    }
}

/// Without its namespace, if PHP looks for it in the global one as well.
fn as_written(resolved: &Resolved) -> &str {
    match resolved.or_global {
        true => resolved.name.rsplit('\\').next().unwrap_or(&resolved.name),
        false => &resolved.name,
    }
}

/// What the missing names of one kind may have meant; the same one is often used again and again.
struct Nears<'n, 'f> {
    candidates: Candidates<'n>,
    known: HashMap<&'f str, Option<&'n str>>,
}

impl<'n, 'f> Nears<'n, 'f> {
    fn new(index: &'n Index<'f>, kind: Kind) -> Self {
        let candidates = match kind {
            Kind::Class => Candidates::new(index.classes().chain(index.php.classes())),
            Kind::Function => Candidates::new(index.functions().chain(index.php.functions())),
            Kind::Constant => Candidates::new(index.constants().chain(index.php.constants())),
        };
        Self {
            candidates,
            known: HashMap::default(),
        }
    }

    /// Of its own namespace, else the global one.
    fn of(&mut self, missing: &Missing<'f>) -> Option<&'n str> {
        let candidates = &self.candidates;
        let nearest = || {
            let global = || match missing.name == missing.whole {
                true => None,
                false => candidates.nearest(missing.name),
            };
            candidates.nearest(missing.whole).or_else(global)
        };
        *self.known.entry(missing.whole).or_insert_with(nearest)
    }
}

impl Missing<'_> {
    fn told(&self, near: Option<&str>, closed: Closed, may_be_made: bool) -> Option<Told> {
        let (rule, what) = match self.kind {
            Kind::Class => (UNDEFINED_CLASS, "class"),
            Kind::Function => (UNDEFINED_FUNCTION, "function"),
            Kind::Constant => (UNDEFINED_CONSTANT, "constant"),
        };
        if near.is_none() && (closed != Closed::Yes || may_be_made) {
            return None;
        }
        Some(Told {
            file: self.file,
            at: self.used.at,
            rule,
            // A name that resembles none may be one that only code which nobody comes by any more still knows.
            severity: match near {
                Some(_) if !may_be_made => Severity::Error,
                Some(_) | None => Severity::Warning,
            },
            message: match may_be_made {
                true => format!("nothing declares the {what} {} by its name", self.name),
                false => format!("nothing declares the {what} {}", self.name),
            },
            target: self.name.to_owned(),
            suggestion: near.map(str::to_owned),
        })
    }
}
