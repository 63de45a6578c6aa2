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
    if name.eq_ignore_ascii_case(meant) {
        return Some((0, path));
    }
    // Another ending, or one too many.
    if !stem(name).is_empty() && [stem(name), name].contains(&stem(meant)) {
        return Some((1, path));
    }
    if name.len().abs_diff(meant.len()) > most {
        return None;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(missing: &str, expected: Option<&str>) {
        let files = [
            "inc/mail.php",
            "inc/class-user.php",
            "inc/class-users.php",
            "admin/menu.php",
            "a.php",
        ];
        let kind = EntryKind::File { size_bytes: 0 };
        let entry = |path: &&str| Entry {
            path: (*path).to_owned(),
            kind: kind.clone(),
        };
        let entries: Vec<Entry> = files.iter().map(entry).collect();
        let near = nearest(&entries, missing, &HashSet::from(["inc/class-users.php"]));
        assert_eq!(near.map(|near| near.path).as_deref(), expected, "{missing}");
    }

    #[test]
    fn a_slip_of_the_keys_is_mended_and_another_word_is_not() {
        check("inc/mial.php", Some("inc/mail.php"));
        check("inc/Mail.php", Some("inc/mail.php"));
        check("inc/mail.phpp", Some("inc/mail.php"));
        check("inc/mail.inc", Some("inc/mail.php"));
        check("inc/mail.php.bak", Some("inc/mail.php"));
        check("inc/class-uesr.php", Some("inc/class-user.php"));
        check("incl/mail.php", Some("inc/mail.php"));
        check("menu.php", Some("admin/menu.php"));
        check("<root>a.php", Some("a.php"));
        check("incmail.php", Some("inc/mail.php"));
        check("inc/page.php", None);
        check("b.php", None);
        check("inc/session.php", None);
    }

    /// What the same code already names rightly is hardly what it meant here.
    #[test]
    fn a_name_that_is_taken_counts_if_it_is_very_near() {
        check("inc/class-userss.php", Some("inc/class-users.php"));
        check("inc/class-usxxs.php", Some("inc/class-user.php"));
    }
}
