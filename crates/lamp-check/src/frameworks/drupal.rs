//! Drupal's modules: the class of a service, of a form or of what answers a route stands in `src` of the module that its namespace
//! names, and the files of a library beneath the module that lists them.

use super::{Missing, Seen};
use crate::facts::Spot;
use crate::hashed::HashMap;
use crate::place::{beneath, file_name, fold, parent};

const MODULE: &str = ".info.yml";
/// Lists of classes, the keys behind which one stands there, and what Drupal does with it.
const LISTS: [(&str, &[&str], &str); 2] = [
    (".services.yml", &["class:"], "make a service of"),
    (".routing.yml", &["_controller:", "_form:"], "answer a route by"),
];
const LIBRARIES: &str = ".libraries.yml";

/// Directories of modules by name; of a name that several have, nothing is known.
type Modules<'t> = HashMap<&'t str, Option<&'t str>>;

pub(super) fn missing<'t>(seen: Seen<'t, '_>) -> Vec<Missing<'t>> {
    let mut modules: Modules<'_> = HashMap::default();
    for path in seen.paths(|path| path.ends_with(MODULE)) {
        let known = modules.entry(name(path, MODULE));
        known.and_modify(|dir| *dir = None).or_insert(Some(parent(path)));
    }
    if modules.is_empty() {
        return Vec::new();
    }
    let of_lists = LISTS.iter().flat_map(|list| {
        let paths = seen.paths(|path| path.ends_with(list.0));
        paths.flat_map(|path| of_list(seen, path, list, &modules))
    });
    let libraries =
        seen.paths(|path| path.ends_with(LIBRARIES) && modules.contains_key(name(path, LIBRARIES)));
    let of_libraries = libraries.flat_map(|path| of_libraries(seen, path));
    of_lists.chain(of_libraries).collect()
}

fn name<'p>(path: &'p str, ending: &str) -> &'p str {
    file_name(path).trim_end_matches(ending)
}

fn of_list<'t>(
    seen: Seen<'t, '_>,
    by: &'t str,
    (_, keys, done): &(&str, &[&str], &str),
    modules: &Modules<'_>,
) -> Vec<Missing<'t>> {
    let Some(text) = seen.text(by) else {
        return Vec::new();
    };
    let classes = (1..).zip(text.lines()).filter_map(|(line, words)| {
        let class = keys.iter().find_map(|key| class(words, key))?;
        let column = words.find(class).and_then(|at| u32::try_from(at + 1).ok())?;
        Some((class, Spot { line, column }))
    });
    let missing = classes.filter_map(|(class, at)| {
        let path = path(class, modules)?;
        seen.missing((by, at), path, |path| {
            format!("Drupal is to {done} {class}, whose file does not exist: {path}")
        })
    });
    missing.collect()
}

/// The style sheets and scripts of a module's libraries: `js/cart.js: {}` beneath `js:` or a group of `css:`.
fn of_libraries<'t>(seen: Seen<'t, '_>, by: &'t str) -> Vec<Missing<'t>> {
    let Some(text) = seen.text(by) else {
        return Vec::new();
    };
    let files = (1..).zip(text.lines()).filter_map(|(line, words)| {
        let (key, settings) = words.trim().split_once(": ")?;
        let file = key.trim_matches(['\'', '"']);
        let is_own = settings.trim_start().starts_with('{')
            && !settings.contains("external")
            && !file.starts_with('/')
            && !file.contains(':');
        let ends = [".css", ".js"].iter().any(|ending| file.ends_with(ending));
        let column = words.find(file).and_then(|at| u32::try_from(at + 1).ok())?;
        (is_own && ends).then_some((file, Spot { line, column }))
    });
    let missing = files.filter_map(|(file, at)| {
        let path = fold(&beneath(parent(by), file))?;
        seen.missing((by, at), path, |path| {
            format!("Drupal is to put this file into pages, and it does not exist: {path}")
        })
    });
    missing.collect()
}

/// The class of a line like `class: Drupal\node\Access` or `_controller: '\Drupal\node\Controller\Page::view'`; one that begins
/// with `%` is a parameter.
fn class<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let bare = line.trim_start();
    let bare = bare.strip_prefix('{').unwrap_or(bare).trim_start();
    let value = bare.strip_prefix(key)?.trim_start();
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
