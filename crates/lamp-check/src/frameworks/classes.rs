//! Classes that a list of settings hands to its framework, which makes an object of each.

use lamp_model::finding::Severity;

use super::{NOT_FOUND, Seen};
use crate::applications::{CLASS_LISTS, ClassList};
use crate::facts::Spot;
use crate::place::Place;
use crate::source::position;
use crate::surroundings::fault::Fault;
use crate::symbols::near::Candidates;

/// What is said, by the file that it is said of.
pub(super) fn faults(seen: Seen<'_, '_>) -> Vec<(&'static str, Fault)> {
    let is_here = |list: &&ClassList| matches!(seen.ground.places.find(list.known_by), Place::File(_));
    CLASS_LISTS
        .iter()
        .filter(is_here)
        .flat_map(|list| of_list(seen, list))
        .collect()
}

fn of_list(seen: Seen<'_, '_>, list: &'static ClassList) -> Vec<(&'static str, Fault)> {
    let Some(at) = position(seen.ground.sources, list.path) else {
        return Vec::new();
    };
    let named = seen.ground.facts[at].symbols.class_names.iter();
    let missing: Vec<&(String, Spot)> = named
        .filter(|(name, _)| seen.ground.index.is_missing_here(name))
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let classes = Candidates::new(seen.ground.index.classes());
    let fault = |(name, at): &(String, Spot)| fault(list, *at, name, classes.nearest(name));
    missing.into_iter().map(|one| (list.path, fault(one))).collect()
}

fn fault(list: &ClassList, at: Spot, name: &str, near: Option<&str>) -> Fault {
    let framework = list.framework;
    let message = format!("{framework} is to make a {name}, and nothing declares that class");
    let fault = Fault::warning(NOT_FOUND, at, message).naming(name);
    match near {
        Some(near) if list.are_all_made => Fault {
            severity: Severity::Error,
            ..fault.suggesting(near)
        },
        Some(near) => fault.suggesting(near),
        None => fault,
    }
}
