//! Seven ways to make an include wrong, each from a seed: five in its text, two in the tree beneath it.

use serde::Serialize;

use super::memory_tree::{Change, MemoryTree};
use super::scan::{Name, Site};
use super::seed::Seed;

/// A way to make an include wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    Suffix,
    SwappedLetters,
    Case,
    Directory,
    MissingSlash,
    DeletedTarget,
    RenamedTarget,
}

impl Way {
    pub(crate) const ALL: [Self; 7] = [
        Self::Suffix,
        Self::SwappedLetters,
        Self::Case,
        Self::Directory,
        Self::MissingSlash,
        Self::DeletedTarget,
        Self::RenamedTarget,
    ];

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Suffix => "another suffix",
            Self::SwappedLetters => "two letters swapped",
            Self::Case => "another case",
            Self::Directory => "another directory",
            Self::MissingSlash => "a slash missing",
            Self::DeletedTarget => "target deleted",
            Self::RenamedTarget => "target renamed",
        }
    }
}

/// A wrong include, and what would mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) change: Change,
    /// The path that a suggestion should name; `None`: nothing that stands in the tree mends it.
    pub(crate) mend: Option<String>,
}

/// The file that the site names by its text, told without the resolver: from its own directory or the root of the tree,
/// else the only file of the tree whose path ends so.
pub(crate) fn target(tree: &MemoryTree, site: &Site) -> Option<String> {
    let name = site.name.as_ref()?;
    let own = site.path.rsplit_once('/').map_or("", |(dir, _)| dir);
    let is_from_own = ["__DIR__", "dirname(__FILE__)"].iter().any(|start| {
        let expression = site.expression.trim_start_matches(['(', ' ']);
        expression
            .strip_prefix(start)
            .is_some_and(|rest| rest.trim_start().starts_with('.'))
    });
    let from_own = fold(&format!("{own}/{}", name.text));
    if is_from_own {
        return from_own.filter(|path| tree.read(path).is_some());
    }
    let is_alone = site.expression.trim_matches(['(', ')', ' ', '\'', '"']) == name.text;
    let tail = name
        .text
        .trim_start_matches("./")
        .trim_start_matches("../")
        .trim_start_matches('/');
    let tail = fold(tail)?;
    let mut ending = tree.files().filter(|path| {
        path.strip_suffix(tail.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    });
    match (ending.next(), ending.next()) {
        (Some(only), None) => Some(only.to_owned()),
        // Of several, one that is named as it is; what stands before a longer name may be anything.
        (Some(_), Some(_)) if is_alone => [fold(&tail), from_own]
            .into_iter()
            .flatten()
            .find(|path| tree.read(path).is_some()),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

fn fold(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The site made wrong this way; `None`: it cannot be (a name without a slash cannot lack one).
pub(crate) fn wrong(tree: &MemoryTree, site: &Site, way: Way, seed: &mut Seed) -> Option<Wrong> {
    let name = site.name.as_ref()?;
    let right = target(tree, site)?;
    let text = match way {
        Way::Suffix => suffix(&name.text, seed),
        Way::SwappedLetters => swapped(&name.text, seed),
        Way::Case => other_case(&name.text, seed),
        Way::Directory => other_directory(&name.text, seed),
        Way::MissingSlash => without_slash(&name.text, seed),
        Way::DeletedTarget => {
            let change = Change::Remove { path: right };
            return Some(Wrong { change, mend: None });
        }
        Way::RenamedTarget => {
            let to = renamed(tree, &right, seed)?;
            let change = Change::Rename {
                from: right,
                to: to.clone(),
            };
            return Some(Wrong {
                change,
                mend: Some(to),
            });
        }
    }?;
    let mut there = site.clone();
    there.name = Some(Name {
        start: name.start,
        text: text.clone(),
    });
    if text == name.text || target(tree, &there).is_some() {
        return None;
    }
    let change = Change::Write {
        path: site.path.clone(),
        bytes: with_text(tree.read(&site.path)?, name, &text),
    };
    Some(Wrong {
        change,
        mend: Some(right),
    })
}

fn with_text(source: &[u8], name: &Name, text: &str) -> Vec<u8> {
    [
        &source[..name.start],
        text.as_bytes(),
        &source[name.start + name.text.len()..],
    ]
    .concat()
}

fn suffix(name: &str, seed: &mut Seed) -> Option<String> {
    let (stem, ending) = name.rsplit_once('.')?;
    Some(match seed.below(5) {
        0 => format!("{name}p"),
        1 => format!("{stem}.{}", &ending[..ending.len() - 1]),
        2 => format!("{stem}.{}", if ending == "inc" { "php" } else { "inc" }),
        3 => format!("{name}.bak"),
        _ => stem.to_owned(),
    })
}

/// Where the last part of a path begins and where its ending does.
fn base(name: &str) -> (usize, usize) {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    (start, name.rfind('.').unwrap_or(name.len()).max(start))
}

fn swapped(name: &str, seed: &mut Seed) -> Option<String> {
    let (start, end) = base(name);
    let bytes = name.as_bytes();
    let differ =
        |at: &usize| bytes[*at] != bytes[at + 1] && bytes[*at].is_ascii() && bytes[at + 1].is_ascii();
    let places: Vec<usize> = (start..end.saturating_sub(1)).filter(differ).collect();
    let at = *seed.pick(&places)?;
    let mut bytes = bytes.to_vec();
    bytes.swap(at, at + 1);
    String::from_utf8(bytes).ok()
}

fn other_case(name: &str, seed: &mut Seed) -> Option<String> {
    let (start, end) = base(name);
    let letters: Vec<usize> = (start..end)
        .filter(|at| name.as_bytes()[*at].is_ascii_alphabetic())
        .collect();
    let at = *seed.pick(&letters)?;
    let mut bytes = name.as_bytes().to_vec();
    bytes[at] ^= 0x20;
    String::from_utf8(bytes).ok()
}

/// A directory too many, one too few, or a letter off.
fn other_directory(name: &str, seed: &mut Seed) -> Option<String> {
    let (start, _) = base(name);
    let (directory, file) = name.split_at(start);
    let parts: Vec<&str> = directory
        .split('/')
        .filter(|part| !part.is_empty() && !part.starts_with('.'))
        .collect();
    let Some(part) = seed.pick(&parts) else {
        return Some(format!("{directory}inc/{file}"));
    };
    let wrong = match seed.below(3) {
        0 => format!("{part}s"),
        1 => part[..part.len() - 1].to_owned(),
        _ => format!("{part}/{part}"),
    };
    let at = directory.find(part)?;
    Some(format!(
        "{}{wrong}{}{file}",
        &directory[..at],
        &directory[at + part.len()..]
    ))
}

fn without_slash(name: &str, seed: &mut Seed) -> Option<String> {
    let is_between_names = |at: &usize| !name[..*at].ends_with('.');
    let slashes: Vec<usize> = name
        .match_indices('/')
        .map(|(at, _)| at)
        .filter(is_between_names)
        .collect();
    let at = *seed.pick(&slashes)?;
    Some(format!("{}{}", &name[..at], &name[at + 1..]))
}

/// As people rename: another case, a letter off, a plural, another separator, another directory.
fn renamed(tree: &MemoryTree, path: &str, seed: &mut Seed) -> Option<String> {
    let (start, end) = base(path);
    let (directory, stem, ending) = (&path[..start], &path[start..end], &path[end..]);
    let to = match seed.below(5) {
        0 => other_case(path, seed)?,
        1 => swapped(path, seed)?,
        2 => format!("{directory}{stem}s{ending}"),
        3 if stem.contains('_') => format!("{directory}{}{ending}", stem.replace('_', "-")),
        3 if stem.contains('-') => format!("{directory}{}{ending}", stem.replace('-', "_")),
        _ => format!("{directory}moved/{stem}{ending}"),
    };
    (tree.read(&to).is_none()).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::super::scan::sites;
    use super::*;

    const CODE: &[u8] = b"<?php\nrequire ROOT . '/lib/mail.php';";

    fn tree() -> MemoryTree {
        let write = |(path, bytes): (&str, &[u8])| Change::Write {
            path: path.to_owned(),
            bytes: bytes.to_vec(),
        };
        let files = [
            ("index.php", CODE),
            ("lib/mail.php", b"<?php"),
            ("x/yy.php", b""),
            ("z/yy.php", b""),
        ];
        MemoryTree::default().with(&files.map(write)).expect("a tree")
    }

    #[test]
    fn each_way_makes_a_name_that_is_not_there() {
        let tree = tree();
        let site = sites("index.php", CODE).remove(0);
        let mut made = [0; Way::ALL.len()];
        for (way, number) in Way::ALL
            .into_iter()
            .flat_map(|way| (0..40).map(move |number| (way, number)))
        {
            // The first slash may be missing: the text still names the file.
            let Some(wrong) = wrong(&tree, &site, way, &mut Seed::new(number)) else {
                continue;
            };
            made[way as usize] += 1;
            let after = tree
                .with(std::slice::from_ref(&wrong.change))
                .expect("the change");
            let source = after.read("index.php").expect("the file");
            let named = sites("index.php", source).remove(0).name;
            let named = named.map(|name| name.text).unwrap_or_default();
            assert!(
                after.read(named.trim_start_matches('/')).is_none(),
                "{way:?} {number}: {named}"
            );
            let is_mended = wrong.mend.is_none_or(|mend| after.read(&mend).is_some());
            assert!(is_mended, "{way:?} {number}: the right name is there");
        }
        assert!(made.iter().all(|count| *count >= 10), "{made:?} of 40 each");
    }

    #[test]
    fn what_a_site_names_is_told_by_its_text() {
        let target_of = |code: &str| {
            let site = sites("x/aa.php", code.as_bytes()).remove(0);
            target(&tree(), &site)
        };
        assert_eq!(
            target_of("<?php require ROOT . 'lib/mail.php';").as_deref(),
            Some("lib/mail.php")
        );
        assert_eq!(
            target_of("<?php require __DIR__ . '/../lib/mail.php';").as_deref(),
            Some("lib/mail.php")
        );
        assert_eq!(
            target_of("<?php require __DIR__ . '/yy.php';").as_deref(),
            Some("x/yy.php")
        );
        assert_eq!(target_of("<?php require 'yy.php';").as_deref(), Some("x/yy.php"));
        assert_eq!(target_of("<?php require __DIR__ . '/mail.php';"), None);
        assert_eq!(target_of("<?php require 'PEAR/Mail.php';"), None);
    }
}
