//! Classes, functions and constants that nothing declares.

use lamp_model::finding::Severity;

use super::closed::{Closed, Kind};
use super::facts::{Resolved, Use, Used};
use super::index::{Index, Known, Name};
use super::near::nearest;
use super::{Told, UNDEFINED_CLASS, UNDEFINED_CONSTANT, UNDEFINED_FUNCTION};

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
        if closed > Closed::No {
            told.extend(of_kind().filter_map(|missing| missing.told(index, closed)));
        }
    }
    told
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
        Used::StaticMethod { .. } | Used::OwnMethod { .. } | Used::ClassConstant { .. } => return None,
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
        (Name::Nowhere, true) => resolved.name.rsplit('\\').next(),
        (Name::Nowhere, false) => index
            .knows_namespace_of(&resolved.name)
            .then_some(resolved.name.as_str()),
        (Name::Somehow | Name::Php(_), _) => None,
    }
}

impl Missing<'_> {
    /// Of its own namespace, else the global one.
    fn near<'n>(&self, names: impl Iterator<Item = &'n str>) -> Option<String> {
        let names: Vec<&str> = names.collect();
        nearest(self.whole, names.iter().copied()).or_else(|| nearest(self.name, names.into_iter()))
    }

    fn told(&self, index: &Index<'_>, closed: Closed) -> Option<Told> {
        let (rule, what, near) = match self.kind {
            Kind::Class => {
                let near = self.near(index.classes().chain(index.php.classes()));
                (UNDEFINED_CLASS, "class", near)
            }
            Kind::Function => {
                let near = self.near(index.functions().chain(index.php.functions()));
                (UNDEFINED_FUNCTION, "function", near)
            }
            Kind::Constant => {
                let near = self.near(index.constants().chain(index.php.constants()));
                (UNDEFINED_CONSTANT, "constant", near)
            }
        };
        if near.is_none() && closed != Closed::Yes {
            return None;
        }
        Some(Told {
            file: self.file,
            at: self.used.at,
            rule,
            // A name that resembles none may be one that only code which nobody comes by any more still knows.
            severity: match near {
                Some(_) => Severity::Error,
                None => Severity::Warning,
            },
            message: format!("nothing declares the {what} {}", self.name),
            target: self.name.to_owned(),
            suggestion: near,
        })
    }
}
