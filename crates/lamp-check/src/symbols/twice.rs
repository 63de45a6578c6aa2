//! Names that are declared twice: in one file, or in two files that a third always loads.

use lamp_model::finding::Severity;

use super::index::Index;
use super::{DECLARED_TWICE, Loads, Told};
use crate::facts::Spot;
use crate::hashed::{HashMap, HashSet};

/// A declaration that a file, once it is loaded, has always made.
#[derive(Clone, Copy)]
struct Declaration<'f> {
    what: &'static str,
    name: &'f str,
    file: usize,
    at: Spot,
}

pub(super) fn told(index: &Index<'_>, loads: &[Loads]) -> Vec<Told> {
    let by_file: Vec<Vec<Declaration<'_>>> = (0..index.facts.len())
        .map(|file| declarations(index, file))
        .collect();
    let mut together: HashMap<usize, Vec<usize>> = HashMap::default();
    for edge in loads {
        together.entry(edge.from).or_default().push(edge.to);
    }
    let mut said = HashSet::default();
    let mut told = Vec::new();
    for (file, own) in by_file.iter().enumerate() {
        let loaded = together.get(&file).map_or(&[][..], Vec::as_slice);
        let all = loaded.iter().filter_map(|file| by_file.get(*file)).flatten();
        for (first, second) in clashes(own.iter().chain(all)) {
            if said.insert((second.file, second.at)) {
                told.push(told_of(index, first, second));
            }
        }
    }
    told
}

/// Each second declaration of a name, with the first.
fn clashes<'f>(
    declarations: impl Iterator<Item = &'f Declaration<'f>>,
) -> Vec<(Declaration<'f>, Declaration<'f>)> {
    let mut first: HashMap<(&str, String), Declaration<'_>> = HashMap::default();
    let mut clashes = Vec::new();
    for one in declarations {
        let before = *first
            .entry((one.what, one.name.to_ascii_lowercase()))
            .or_insert(*one);
        // A file may be loaded by several ways.
        if (before.file, before.at) != (one.file, one.at) {
            clashes.push((before, *one));
        }
    }
    clashes
}

fn told_of(index: &Index<'_>, first: Declaration<'_>, second: Declaration<'_>) -> Told {
    let Declaration { what, name, .. } = second;
    let path = &index.sources[first.file].path;
    Told {
        file: second.file,
        at: second.at,
        rule: DECLARED_TWICE,
        severity: Severity::Error,
        message: format!(
            "the {what} {name} is declared already, in line {} of {path}",
            first.at.line
        ),
        target: name.to_owned(),
        suggestion: None,
    }
}

/// Functions and classes. PHP declares functions before the first line of the file runs, so that no `return` before them
/// helps; a class whose name is taken already, only when it comes by, so that one does.
fn declarations<'f>(index: &Index<'f>, file: usize) -> Vec<Declaration<'f>> {
    let facts = &index.facts[file];
    if index.sources[file].is_test || facts.syntax_error.is_some() {
        return Vec::new();
    }
    let functions = facts.symbols.functions.iter().filter(|function| function.always);
    let functions = functions.map(|function| ("function", &function.name, function.at));
    let classes = facts
        .symbols
        .classes
        .iter()
        .filter(|class| class.always && !facts.symbols.returns && !class.name.is_empty());
    let classes = classes.map(|class| ("class", &class.name, class.at));
    let all = functions.chain(classes);
    all.map(|(what, name, at)| Declaration { what, name, file, at })
        .collect()
}
