//! What a wrong name may have meant: the nearest name that exists.

use std::collections::{HashMap, HashSet};

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
    /// Of the paths that lead to nothing, the one that is near to it.
    pub(crate) meant: String,
    /// It differs by a slip of the keys, not by another word.
    pub(crate) is_a_slip: bool,
}

/// How a file is near to a name that is not there, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    /// The same in another case, with other separators, or with another slash: off by nothing that is heard.
    Sounds,
    /// In the same directory, one letter off, or with another ending that is so many letters off.
    Letter(usize),
    /// Of the same name in another directory: so many parts of its path are others, and so many letters.
    Namesake(usize, usize),
    /// In the same directory, so many letters off.
    Letters(usize),
}

impl How {
    const fn is_a_slip(self) -> bool {
        match self {
            Self::Sounds | Self::Letter(_) => true,
            Self::Namesake(_, off) | Self::Letters(off) => off <= 2,
        }
    }
}

/// The files of a tree by what they may be taken for.
#[derive(Debug, Default)]
pub(crate) struct Neighbours<'t> {
    by_sound: HashMap<String, Vec<&'t str>>,
    by_directory: HashMap<&'t str, Vec<&'t str>>,
    by_name: HashMap<&'t str, Vec<&'t str>>,
}

impl<'t> Neighbours<'t> {
    pub(crate) fn new(entries: &'t [Entry]) -> Self {
        let mut neighbours = Self::default();
        let is_file = |entry: &&Entry| matches!(entry.kind, EntryKind::File { .. } | EntryKind::Link { .. });
        for file in entries.iter().filter(is_file).map(|entry| entry.path.as_str()) {
            neighbours.by_sound.entry(heard(file)).or_default().push(file);
            neighbours
                .by_directory
                .entry(parent(file))
                .or_default()
                .push(file);
            neighbours.by_name.entry(file_name(file)).or_default().push(file);
        }
        neighbours
    }

    /// The file that one of the `missing` paths may have meant. `taken` are files that the same code already names
    /// rightly.
    pub(crate) fn nearest(&self, missing: &[String], taken: &HashSet<&str>) -> Option<Near> {
        let near = |path: &String| {
            let (how, file) = self.nearest_to(&Meant::new(path), taken)?;
            Some((how, file, path.clone()))
        };
        // Of the same nearness, the path that is likelier to be meant.
        let (how, path, meant) = missing.iter().filter_map(near).min_by_key(|(how, _, _)| *how)?;
        Some(Near {
            path: path.to_owned(),
            meant,
            is_a_slip: how.is_a_slip(),
        })
    }

    fn nearest_to(&self, meant: &Meant<'_>, taken: &HashSet<&str>) -> Option<(How, &'t str)> {
        let sounds = self.by_sound.get(&heard(meant.path)).into_iter().flatten();
        let sounds = sounds.map(|file| (How::Sounds, *file));
        let beside = self.by_directory.get(meant.directory).into_iter().flatten();
        let beside = beside.filter_map(|file| Some((meant.beside(file, taken)?, *file)));
        let namesakes = self.by_name.get(meant.name).into_iter().flatten();
        let namesakes = namesakes.filter_map(|file| Some((meant.namesake(file)?, *file)));
        sounds.chain(beside).chain(namesakes).min()
    }
}

/// A path that leads to nothing.
struct Meant<'m> {
    path: &'m str,
    name: &'m str,
    directory: &'m str,
}

impl<'m> Meant<'m> {
    fn new(missing: &'m str) -> Self {
        let path = missing.strip_prefix(ROOT_NAME).unwrap_or(missing);
        Self {
            path,
            name: file_name(path),
            directory: parent(path),
        }
    }

    /// Of the same name in another directory.
    fn namesake(&self, file: &str) -> Option<How> {
        let off = strsim::osa_distance(self.path, file);
        (off <= PATH_DISTANCE_MAX.max(self.path.len() / 2))
            .then(|| How::Namesake(parts_off(self.directory, parent(file)), off))
    }

    /// In the same directory; a name that is taken only counts if it is very near.
    fn beside(&self, file: &str, taken: &HashSet<&str>) -> Option<How> {
        let name = file_name(file);
        let off = strsim::osa_distance(self.name, name);
        // Another ending, or one too many.
        if !stem(name).is_empty() && [stem(name), name].contains(&stem(self.name)) || stem(name) == self.name
        {
            return Some(How::Letter(off));
        }
        let most = DISTANCE_MAX.min(stem(self.name).len() / 3);
        match taken.contains(file) {
            true => (off == 1).then_some(How::Letters(1)),
            false if off > most => None,
            false if off == 1 => Some(How::Letter(1)),
            false => Some(How::Letters(off)),
        }
    }
}

/// How many parts of one directory must be left out, put in or misspelt to get the other.
fn parts_off(a: &str, b: &str) -> usize {
    let b: Vec<&str> = b.split('/').collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for part in a.split('/') {
        let mut diagonal = row[0];
        row[0] += 1;
        for at in 1..row.len() {
            // Another word is one part left out and another put in.
            let changed = match strsim::osa_distance(part, b[at - 1]) {
                0 => 0,
                off if off <= part.len() / 3 => 1,
                _ => 2,
            };
            let changed = diagonal + changed;
            diagonal = row[at];
            row[at] = changed.min(row[at] + 1).min(row[at - 1] + 1);
        }
    }
    row[b.len()]
}

/// A path as it is heard: without case and separators.
fn heard(path: &str) -> String {
    let letters = path.chars().filter(|letter| !matches!(letter, '/' | '-' | '_'));
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// A path without the ending of its last name.
fn stem(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
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
            "inc/lib/poller.php",
            "inc/poller.php",
            "inc/domail.php",
            "other/mailer.inc.php",
            "admin/menu.php",
            "a.php",
        ];
        let kind = EntryKind::File { size_bytes: 0 };
        let entry = |path: &&str| Entry {
            path: (*path).to_owned(),
            kind: kind.clone(),
        };
        let entries: Vec<Entry> = files.iter().map(entry).collect();
        let taken = HashSet::from(["inc/class-users.php"]);
        let near = Neighbours::new(&entries).nearest(&[missing.to_owned()], &taken);
        assert_eq!(near.map(|near| near.path).as_deref(), expected, "{missing}");
    }

    #[test]
    fn a_slip_of_the_keys_is_mended_and_another_word_is_not() {
        check("inc/mial.php", Some("inc/mail.php"));
        check("inc/Mail.php", Some("inc/mail.php"));
        check("inc/mail.phpp", Some("inc/mail.php"));
        check("inc/mail.inc", Some("inc/mail.php"));
        check("inc/mail", Some("inc/mail.php"));
        check("inc/mail.php.bak", Some("inc/mail.php"));
        check("inc/class_user.php", Some("inc/class-user.php"));
        check("inc/class-uesr.php", Some("inc/class-user.php"));
        check("incl/mail.php", Some("inc/mail.php"));
        check("menu.php", Some("admin/menu.php"));
        check("<root>a.php", Some("a.php"));
        check("incmail.php", Some("inc/mail.php"));
        check("inc/page.php", None);
        check("b.php", None);
        check("inc/session.php", None);
    }

    /// The file beside is three letters off; the slash alone is missing.
    #[test]
    fn a_missing_slash_is_nearer_than_letters() {
        check("inc/libpoller.php", Some("inc/lib/poller.php"));
    }

    /// A file that was moved keeps its name; one beside with two letters more is another.
    #[test]
    fn a_namesake_is_nearer_than_another_name_beside() {
        check("inc/menu.php", Some("admin/menu.php"));
        check("other/mail.php", Some("inc/mail.php"));
        assert_eq!(parts_off("inc", "inc/moved"), 1);
        assert_eq!(parts_off("inc", "bin"), 2);
        assert_eq!(parts_off("libs/a", "lib/a"), 1);
        assert_eq!(parts_off("lib/lib/a", "lib/a"), 1);
    }

    /// What the same code already names rightly is hardly what it meant here.
    #[test]
    fn a_name_that_is_taken_counts_if_it_is_very_near() {
        check("inc/class-userss.php", Some("inc/class-users.php"));
        check("inc/class-usxxs.php", Some("inc/class-user.php"));
    }

    #[test]
    fn of_several_paths_that_lead_to_nothing_the_near_one_is_meant() {
        let kind = EntryKind::File { size_bytes: 0 };
        let path = "inc/mail.php".to_owned();
        let missing = ["pages/inc/mial.php".to_owned(), "inc/mial.php".to_owned()];
        let entries = [Entry { path, kind }];
        let near = Neighbours::new(&entries).nearest(&missing, &HashSet::new());
        let near = near.expect("a near one");
        assert_eq!(
            (near.path.as_str(), near.meant.as_str()),
            ("inc/mail.php", "inc/mial.php")
        );
    }
}
