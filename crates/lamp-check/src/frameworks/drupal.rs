//! Drupal's modules: a service's class stands in `src` of the module that its namespace names.

use std::collections::HashMap;

use super::{Missing, Seen};
use crate::facts::Spot;
use crate::place::{Place, beneath, file_name, parent};

const MODULE: &str = ".info.yml";
const SERVICES: &str = ".services.yml";

/// Directories of modules by name; of a name that several have, nothing is known.
type Modules<'t> = HashMap<&'t str, Option<&'t str>>;

pub(super) fn missing<'t>(seen: Seen<'t, '_>) -> Vec<Missing<'t>> {
    let mut modules: Modules<'_> = HashMap::new();
    for path in seen.paths(|path| path.ends_with(MODULE)) {
        let name = file_name(path).trim_end_matches(MODULE);
        let known = modules.entry(name);
        known.and_modify(|dir| *dir = None).or_insert(Some(parent(path)));
    }
    let services = seen.paths(|path| path.ends_with(SERVICES));
    services
        .flat_map(|path| of_services(seen, path, &modules))
        .collect()
}

fn of_services<'t>(seen: Seen<'t, '_>, by: &'t str, modules: &Modules<'_>) -> Vec<Missing<'t>> {
    let Some(text) = seen.text(by).filter(|_| !modules.is_empty()) else {
        return Vec::new();
    };
    let classes = (1..).zip(text.lines()).filter_map(|(line, words)| {
        let class = class(words)?;
        let column = words.find(class).and_then(|at| u32::try_from(at + 1).ok())?;
        Some((class, Spot { line, column }))
    });
    let missing = classes.filter_map(|(class, at)| {
        let path = path(class, modules)?;
        (seen.ground.places.find(&path) == Place::Nothing).then(|| Missing {
            by,
            at,
            message: format!("Drupal is to make a service of {class}, whose file does not exist: {path}"),
            path,
        })
    });
    missing.collect()
}

/// The class of a line like `class: Drupal\node\Access`; one that begins with `%` is a parameter.
fn class(line: &str) -> Option<&str> {
    let bare = line.trim_start();
    let bare = bare.strip_prefix('{').unwrap_or(bare).trim_start();
    let value = bare.strip_prefix("class:")?.trim_start();
    let value = value.trim_start_matches(['\'', '"']);
    let is_of_a_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '\\');
    let end = value.find(|letter| !is_of_a_name(letter)).unwrap_or(value.len());
    Some(value[..end].trim_start_matches('\\')).filter(|class| !class.contains("\\\\"))
}

fn path(class: &str, modules: &Modules<'_>) -> Option<String> {
    let (module, rest) = class.strip_prefix("Drupal\\")?.split_once('\\')?;
    let directory = (*modules.get(module)?)?;
    Some(beneath(
        directory,
        &format!("src/{}.php", rest.replace('\\', "/")),
    ))
}
