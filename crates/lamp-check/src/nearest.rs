//! What a wrong name may have meant: the nearest name that exists.

use crate::effort::Effort;
use crate::hashed::{HashMap, HashSet};
use crate::place::{file_name, parent};
use crate::resolve::ROOT_NAME;
use crate::tree::{Entry, EntryKind};

/// Most letters that a name may be off; a third of it at most.
const DISTANCE_MAX: usize = 3;
/// Most letters that a path may be off that names another directory.
const PATH_DISTANCE_MAX: usize = 8;
/// Most pairs of letters that are held against each other over a tree; of names that are wrong beyond that, nothing is
/// said but that they are. A hundred wrong names beside five thousand files each take about as many.
const PAIRS_MAX: u64 = 1 << 28;

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
#[derive(Debug)]
pub(crate) struct Neighbours<'t> {
    /// Of those that sound the same, the first.
    by_sound: HashMap<String, &'t str>,
    /// With the letters of its name; the shortest first.
    by_directory: HashMap<&'t str, Vec<(usize, &'t str)>>,
    by_name: HashMap<&'t str, Vec<&'t str>>,
    /// By their paths, and by their paths without the ending.
    by_stem: HashMap<&'t str, Vec<&'t str>>,
    /// Pairs of letters.
    effort: Effort,
}

impl<'t> Neighbours<'t> {
    pub(crate) fn new(entries: &'t [Entry]) -> Self {
        let mut neighbours = Self {
            by_sound: HashMap::default(),
            by_directory: HashMap::default(),
            by_name: HashMap::default(),
            by_stem: HashMap::default(),
            effort: Effort::new(PAIRS_MAX),
        };
        let is_file = |entry: &&Entry| matches!(entry.kind, EntryKind::File { .. } | EntryKind::Link { .. });
        for file in entries.iter().filter(is_file).map(|entry| entry.path.as_str()) {
            neighbours.add(file);
        }
        for beside in neighbours.by_directory.values_mut() {
            beside.sort_unstable();
        }
        neighbours
    }

    fn add(&mut self, file: &'t str) {
        let name = file_name(file);
        let first = self.by_sound.entry(heard(file)).or_insert(file);
        *first = file.min(*first);
        let beside = self.by_directory.entry(parent(file)).or_default();
        beside.push((name.chars().count(), file));
        self.by_name.entry(name).or_default().push(file);
        self.by_stem.entry(file).or_default().push(file);
        let stem = stem_of_path(file);
        if stem.len() < file.len() {
            self.by_stem.entry(stem).or_default().push(file);
        }
    }

    /// The file that one of the `missing` paths may have meant. `taken` are files that the same code already names
    /// rightly.
    pub(crate) fn nearest(&self, missing: &[String], taken: &HashSet<&str>) -> Option<Near> {
        if self.effort.is_spent() {
            return None;
        }
        let near = |path: &String| {
            let (how, file) = self.nearest_to(&Meant::new(path), taken)?;
            Some((how, file, path.clone()))
        };
        // Of the same nearness, the path that is likelier to be meant.
        let nearest = missing.iter().filter_map(near).min_by_key(|(how, _, _)| *how);
        // What was not looked at may be nearer.
        let (how, path, meant) = nearest.filter(|_| !self.effort.is_spent())?;
        Some(Near {
            path: path.to_owned(),
            meant,
            is_a_slip: how.is_a_slip(),
        })
    }

    fn nearest_to(&self, meant: &Meant<'_>, taken: &HashSet<&str>) -> Option<(How, &'t str)> {
        let sounds = self.by_sound.get(&heard(meant.path));
        let sounds = sounds.map(|file| (How::Sounds, *file));
        let may_compare = |file: &&'t str| self.may_compare(meant.name, file_name(file));
        let stems = [stem_of_path(meant.path), meant.path];
        let of_stem = stems.into_iter().flat_map(|stem| files(self.by_stem.get(stem)));
        let endings = of_stem.take_while(may_compare);
        let endings = endings.map(|file| (meant.with_another_ending(file), file));
        let beside = self.about_as_long(meant).iter().map(|(_, file)| *file);
        let beside = beside.take_while(may_compare);
        let beside = beside.filter_map(|file| Some((meant.beside(file, taken)?, file)));
        let namesakes = files(self.by_name.get(meant.name));
        let namesakes = namesakes.take_while(|file| self.may_compare(meant.path, file));
        let namesakes = namesakes.filter_map(|file| Some((meant.namesake(file)?, file)));
        sounds
            .into_iter()
            .chain(endings)
            .chain(beside)
            .chain(namesakes)
            .min()
    }

    /// The files of its directory whose names are not too long and not too short to be near.
    fn about_as_long(&self, meant: &Meant<'_>) -> &[(usize, &'t str)] {
        let beside = self
            .by_directory
            .get(meant.directory)
            .map_or(&[][..], Vec::as_slice);
        let (wanted, off) = (meant.name.chars().count(), meant.most_letters_off().max(1));
        let first = beside.partition_point(|(letters, _)| letters + off < wanted);
        let end = beside.partition_point(|(letters, _)| *letters <= wanted + off);
        &beside[first..end]
    }

    /// Whether the effort is left to hold the one against the other.
    fn may_compare(&self, a: &str, b: &str) -> bool {
        self.effort.spend((a.len() * b.len()) as u64 + 1)
    }
}

fn files<'s, 't>(files: Option<&'s Vec<&'t str>>) -> impl Iterator<Item = &'t str> + use<'s, 't> {
    files.into_iter().flatten().copied()
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

    /// In the same directory, with another ending, or with one too many.
    fn with_another_ending(&self, file: &str) -> How {
        How::Letter(strsim::osa_distance(self.name, file_name(file)))
    }

    fn most_letters_off(&self) -> usize {
        DISTANCE_MAX.min(stem(self.name).len() / 3)
    }

    /// In the same directory; a name that is taken only counts if it is very near.
    fn beside(&self, file: &str, taken: &HashSet<&str>) -> Option<How> {
        let off = strsim::osa_distance(self.name, file_name(file));
        match taken.contains(file) {
            true => (off == 1).then_some(How::Letters(1)),
            false if off > self.most_letters_off() => None,
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

/// A name without its ending.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// A path without the ending of its last name; itself, if nothing else of that name is left.
fn stem_of_path(path: &str) -> &str {
    match stem(file_name(path)).len() {
        0 => path,
        left => &path[..path.len() - (file_name(path).len() - left)],
    }
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
        let taken = std::iter::once("inc/class-users.php").collect();
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
        let near = Neighbours::new(&entries).nearest(&missing, &HashSet::default());
        let near = near.expect("a near one");
        assert_eq!(
            (near.path.as_str(), near.meant.as_str()),
            ("inc/mail.php", "inc/mial.php")
        );
    }

    /// Each of so many names beside so many files: the work is counted, and when it is done nothing is near any more.
    #[test]
    fn names_are_compared_so_often_and_no_more() {
        let kind = EntryKind::File { size_bytes: 0 };
        let entry = |at: usize| Entry {
            path: format!("inc/file{at:03}.php"),
            kind: kind.clone(),
        };
        let entries: Vec<Entry> = (0..1_000).map(entry).collect();
        let mut neighbours = Neighbours::new(&entries);
        let pairs_of_one = 1_000 * (11 * 11 + 1);
        neighbours.effort = Effort::new(pairs_of_one * 5 / 2);
        let near = |at: usize| {
            let missing = [format!("inc/fiel{at:03}.php")];
            neighbours
                .nearest(&missing, &HashSet::default())
                .map(|near| near.path)
        };
        assert_eq!(near(1).as_deref(), Some("inc/file001.php"));
        assert_eq!(near(2).as_deref(), Some("inc/file002.php"));
        assert_eq!([near(3), near(4)], [None, None]);
        assert_eq!(neighbours.effort.left(), 0);
    }
}
