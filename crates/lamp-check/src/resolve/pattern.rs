//! A name with unknown parts against the files of the tree: one fits, one nearly fits, or none.

use super::Resolver;
use super::reading::HOLE;
use crate::place::{Place, file_name, parent};

/// Most letters that the known parts may be off to nearly fit.
const DISTANCE_MAX: usize = 2;
/// Fewest letters that must be known for anything to nearly fit.
const LETTERS_MIN: usize = 6;
/// Most files that are compared letter by letter.
const CANDIDATES_MAX: usize = 4_000;
/// How many looks it takes to compare one.
const LOOKS_PER_DISTANCE: u64 = 32;
/// Longest path that is compared letter by letter.
const PATH_MAX_BYTES: usize = 400;

/// How a name with unknown parts fits the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    /// A file fits, or it may lead where nobody can look.
    Fits,
    /// None does, and this one would if a letter or two were others.
    Nearly { pattern: String, near: String },
    /// None does.
    Nothing,
}

impl Resolver<'_, '_> {
    /// `path` is from the root of the tree and has a hole.
    pub(super) fn fit(&self, path: &str) -> Fit {
        let Some(pattern) = folded(path) else {
            return Fit::Nothing;
        };
        let known = &pattern[..pattern.find(HOLE).unwrap_or_default()];
        let directory = known.rsplit_once('/').map_or("", |(directory, _)| directory);
        let files = self.places.files();
        match self.places.find(directory) {
            Place::Elsewhere | Place::File(_) => return Fit::Nothing,
            Place::Dir | Place::Nothing => {}
        }
        let beneath = files.beneath(known);
        let mut looked_at = beneath.clone().take_while(|_| self.effort.spend(1));
        if looked_at.any(|file| fits(pattern.as_bytes(), file.as_bytes())) {
            return Fit::Fits;
        }
        let letters = pattern
            .chars()
            .filter(|letter| *letter != HOLE && *letter != '/')
            .count();
        let looks = (files.len() + self.places.count_doubtful()) as u64;
        if letters < LETTERS_MIN || !self.effort.spend(looks) || self.places.has_link_beneath(directory) {
            return Fit::Nothing;
        }
        let last = pattern.rsplit(HOLE).next().unwrap_or_default();
        let ending = files
            .beneath("")
            .filter(|file| last.len() > 4 && file.ends_with(last));
        let candidates = beneath.chain(ending).filter(|file| file.len() <= PATH_MAX_BYTES);
        let off = |file: &str| distance(&pattern, file);
        self.nearly(&pattern, candidates, DISTANCE_MAX, off)
    }

    /// The nearest of these files that is off by so many letters at most.
    fn nearly<'n>(
        &self,
        pattern: &str,
        candidates: impl Iterator<Item = &'n str>,
        most: usize,
        off: impl Fn(&str) -> usize,
    ) -> Fit {
        let candidates = candidates.take(CANDIDATES_MAX);
        let looked_at = candidates.take_while(|_| self.effort.spend(LOOKS_PER_DISTANCE));
        let near = looked_at
            .map(|file| (off(file), file))
            .filter(|(off, _)| *off <= most);
        match near.min_by_key(|(off, _)| *off) {
            // What was not looked at any more may be nearer.
            Some((_, near)) if !self.effort.is_spent() => Fit::Nearly {
                pattern: pattern.replace(HOLE, "*"),
                near: near.to_owned(),
            },
            Some(_) | None => Fit::Nothing,
        }
    }

    /// `path` begins with a hole; behind it at least a directory and a name must be known.
    pub(super) fn fit_ending(&self, path: &str) -> Fit {
        let ending = path.trim_start_matches(HOLE);
        let is_judged = ending.starts_with('/') && ending[1..].contains('/') && ending.contains('.');
        if !is_judged
            || ending.len() > PATH_MAX_BYTES
            || ending.contains([HOLE, '\0'])
            || ending.contains("/.")
        {
            return Fit::Nothing;
        }
        let files = self.places.files();
        if !self.effort.spend(2 * files.len() as u64) {
            return Fit::Nothing;
        }
        if files
            .beneath("")
            .any(|file| file.ends_with(ending) || file == &ending[1..])
        {
            return Fit::Fits;
        }
        // Of what is named, the file or its directory is right.
        let (directory, name) = (file_name(parent(ending)), file_name(ending));
        let is_like = |file: &&str| file_name(file) == name || file_name(parent(file)) == directory;
        let candidates = files
            .beneath("")
            .filter(is_like)
            .filter(|file| file.len() <= PATH_MAX_BYTES);
        let pattern = format!("{HOLE}{ending}");
        let off = |file: &str| distance(&pattern, &format!("/{file}"));
        let most = if ending.len() < 2 * LETTERS_MIN {
            1
        } else {
            DISTANCE_MAX
        };
        self.nearly(&pattern, candidates, most, off)
    }
}

/// Without `.` and `..`; `None`: it climbs above the root, or out of a part that is not known.
fn folded(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().filter(|part| !part.contains(HOLE))?;
            }
            part => parts.push(part),
        }
    }
    (parts.join("/").len() <= PATH_MAX_BYTES).then(|| parts.join("/"))
}

const HOLE_BYTES: &[u8] = "\u{FFFF}".as_bytes();

/// Whether `file` is `pattern` with something in each hole.
fn fits(pattern: &[u8], file: &[u8]) -> bool {
    let mut pieces = split(pattern);
    let (Some(first), Some(last)) = (pieces.next(), pieces.next_back()) else {
        return pattern == file;
    };
    let Some(mut left) = file.strip_prefix(first).and_then(|left| left.strip_suffix(last)) else {
        return false;
    };
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        match left.windows(piece.len()).position(|window| window == piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    true
}

fn split(pattern: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < pattern.len() {
        if pattern[at..].starts_with(HOLE_BYTES) {
            pieces.push(&pattern[start..at]);
            at += HOLE_BYTES.len();
            start = at;
        } else {
            at += 1;
        }
    }
    pieces.push(&pattern[start..]);
    pieces.into_iter()
}

/// How many letters of `file` differ from `pattern`, whatever its holes hold.
fn distance(pattern: &str, file: &str) -> usize {
    let file: Vec<char> = file.chars().collect();
    let mut row: Vec<usize> = (0..=file.len()).collect();
    for letter in pattern.chars() {
        if letter == HOLE {
            for at in 1..row.len() {
                row[at] = row[at].min(row[at - 1]);
            }
            continue;
        }
        let mut diagonal = row[0];
        row[0] += 1;
        for at in 1..row.len() {
            let changed = diagonal + usize::from(file[at - 1] != letter);
            diagonal = row[at];
            row[at] = changed.min(row[at] + 1).min(row[at - 1] + 1);
        }
    }
    row[file.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, file: &str, off: usize) {
        let pattern = pattern.replace('*', "\u{FFFF}");
        assert_eq!(distance(&pattern, file), off, "{pattern} {file}");
        assert_eq!(
            fits(pattern.as_bytes(), file.as_bytes()),
            off == 0,
            "{pattern} {file}"
        );
    }

    #[test]
    fn a_hole_holds_anything_and_the_rest_is_counted_by_letters() {
        check("lang/*.php", "lang/de.php", 0);
        check("lang/*.php", "lang/a/b.php", 0);
        check("lang/*.php", "lang/.php", 0);
        check("lang/*.phpp", "lang/de.php", 1);
        check("lnag/*.php", "lang/de.php", 2);
        check("a/*/b/*.php", "a/x/b/y.php", 0);
        check("a/*/b/*.php", "a/x/c/y.php", 1);
        check("a/*b", "a/b", 0);
        check("aa*aa", "aaa", 1);
    }
}
