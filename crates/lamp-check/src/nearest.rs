//! What a wrong name may have meant: the nearest name that exists.

use std::collections::HashSet;

use crate::place::{file_name, parent};
use crate::resolve::ROOT_NAME;
use crate::tree::{Entry, EntryKind};

/// Most letters that a name may be off; a third of it at most.
const DISTANCE_MAX: usize = 3;
/// Most letters that a path may be off that names another directory.
const PATH_DISTANCE_MAX: usize = 8;

/// A suggestion, and how sure it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Near {
    pub(crate) path: String,
    /// It differs by a slip of the keys, not by another word.
    pub(crate) is_a_slip: bool,
}

/// The file that `missing` may have meant: in the same directory, else of the same name elsewhere, else with a
/// path that differs by a letter or two. `taken` are files that the same code already names rightly.
pub(crate) fn nearest(entries: &[Entry], missing: &str, taken: &HashSet<&str>) -> Option<Near> {
    let missing = missing.strip_prefix(ROOT_NAME).unwrap_or(missing);
    let files = || {
        let files = entries
            .iter()
            .filter(|entry| matches!(entry.kind, EntryKind::File { .. } | EntryKind::Link { .. }));
        files.map(|entry| entry.path.as_str())
    };
    let beside = files().filter(|path| parent(path) == parent(missing));
    let beside = beside.filter_map(|path| score(file_name(missing), file_name(path), path, taken));
    let namesakes = files().filter(|path| file_name(path) == file_name(missing));
    let by_path = |path| Some((strsim::osa_distance(missing, path), path));
    let namesakes = namesakes
        .filter_map(by_path)
        .filter(|(distance, _)| *distance <= PATH_DISTANCE_MAX.max(missing.len() / 2));
    // Another directory, or a slash that is missing.
    let similar = files().filter(|path| missing.ends_with(file_name(path)));
    let similar = similar.filter_map(|path| score(missing, path, path, taken));
    best(beside).or_else(|| best(namesakes)).or_else(|| best(similar))
}

/// How far `name` is from what was meant, if it is near; a name that is taken only counts if it is very near.
fn score<'p>(meant: &str, name: &str, path: &'p str, taken: &HashSet<&str>) -> Option<(usize, &'p str)> {
    let most = DISTANCE_MAX.min(stem(meant).len() / 3);
    if name.len().abs_diff(meant.len()) > most {
        return None;
    }
    if name.eq_ignore_ascii_case(meant) {
        return Some((0, path));
    }
    let distance = strsim::osa_distance(meant, name);
    let most = if taken.contains(path) { 1 } else { most };
    (distance <= most).then_some((distance, path))
}

/// A path without the ending of its last name.
fn stem(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}

fn best<'p>(candidates: impl Iterator<Item = (usize, &'p str)>) -> Option<Near> {
    let (distance, path) = candidates.min()?;
    Some(Near {
        path: path.to_owned(),
        is_a_slip: distance <= 2,
    })
}
