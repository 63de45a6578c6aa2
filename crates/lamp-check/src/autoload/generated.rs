//! The loaders that composer has generated, read line by line as composer writes them. PHP runs `autoload_static.php`; the
//! other lists are what it ran before there was that one.
//!
//! A line that is written in any other way is left out.

use super::Files;
use super::loader::{Listed, Loader, Origin};
use crate::facts::Spot;
use crate::hashed::HashMap;
use crate::place::{beneath, fold, parent};

/// What the lines are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Files,
    Classes,
    Psr4,
    Psr0,
    Other,
}

/// The older lists, by their names.
const LISTS: [(&str, Section); 4] = [
    ("autoload_files.php", Section::Files),
    ("autoload_classmap.php", Section::Classes),
    ("autoload_psr4.php", Section::Psr4),
    ("autoload_namespaces.php", Section::Psr0),
];

/// The properties of `autoload_static.php`, as their lines begin.
const PROPERTIES: [(&str, Section); 6] = [
    ("public static $files ", Section::Files),
    ("public static $classMap ", Section::Classes),
    ("public static $prefixDirsPsr4 ", Section::Psr4),
    ("public static $fallbackDirsPsr4 ", Section::Psr4),
    ("public static $prefixesPsr0 ", Section::Psr0),
    ("public static $fallbackDirsPsr0 ", Section::Psr0),
];

pub(super) fn read(files: Files<'_>, vendor: &str) -> Loader {
    let composer = beneath(vendor, "composer");
    let path = beneath(&composer, "autoload_static.php");
    let mut reading = Reading::new(vendor, &composer);
    if let Some(text) = files.text(&path) {
        reading.read(&path, &text, Section::Other);
        return reading.loader;
    }
    for (name, section) in LISTS {
        let path = beneath(&composer, name);
        if let Some(text) = files.text(&path) {
            reading.read(&path, &text, section);
        }
    }
    reading.loader
}

struct Reading {
    loader: Loader,
    /// Directories by the words that stand for them.
    words: HashMap<&'static str, String>,
    /// Of the lines that follow.
    prefix: String,
}

impl Reading {
    fn new(vendor: &str, composer: &str) -> Self {
        let words = [("__DIR__", composer), ("$vendorDir", vendor)];
        Self {
            loader: Loader::new(Origin::Generated, vendor),
            words: words
                .into_iter()
                .map(|(word, path)| (word, path.to_owned()))
                .collect(),
            prefix: String::new(),
        }
    }

    fn read(&mut self, path: &str, text: &str, mut section: Section) {
        for (number, line) in (1..).zip(text.lines()) {
            let bare = line.trim_start();
            let property = PROPERTIES.iter().find(|(begin, _)| bare.starts_with(begin));
            if let Some((_, of)) = property {
                (section, self.prefix) = (*of, String::new());
            } else if bare.starts_with("public static ") {
                section = Section::Other;
            } else if let Some(base) = bare.strip_prefix("$baseDir = ") {
                self.base(base);
            } else {
                let column = u32::try_from(line.len() - bare.len() + 1).unwrap_or(u32::MAX);
                let at = Spot { line: number, column };
                let by = path.to_owned();
                self.line(section, bare, |path| Listed { by, at, path });
            }
        }
    }

    /// `dirname($vendorDir);`, with as many `dirname` as it takes.
    fn base(&mut self, written: &str) {
        let mut base = self.loader.vendor.clone();
        let mut rest = written.trim_end_matches([';', ')']);
        while let Some(inner) = rest.strip_prefix("dirname(") {
            if base.is_empty() {
                return;
            }
            (base, rest) = (parent(&base).to_owned(), inner);
        }
        if rest == "$vendorDir" {
            self.words.insert("$baseDir", base);
        }
    }

    fn line(&mut self, section: Section, line: &str, listed: impl FnOnce(String) -> Listed) {
        let (key, value) = match line.split_once(" =>") {
            Some((key, value)) => (literal(key).map(|(key, _)| key), value),
            None => return,
        };
        match section {
            Section::Files => {
                let file = self.path(value).map(|(path, _)| listed(path));
                self.loader.files.extend(file);
            }
            Section::Classes => {
                let file = self.path(value).map(|(path, _)| listed(path));
                self.loader.classes.extend(key.zip(file));
            }
            Section::Psr4 | Section::Psr0 => {
                if let Some(prefix) = key {
                    self.prefix = prefix;
                }
                for directory in self.paths(value) {
                    let prefixes = match section {
                        Section::Psr4 => &mut self.loader.psr4,
                        Section::Files | Section::Classes | Section::Psr0 | Section::Other => {
                            &mut self.loader.psr0
                        }
                    };
                    prefixes.add(&self.prefix, directory);
                }
            }
            Section::Other => {}
        }
    }

    /// Those of a line: one, or the elements of an `array(…)`.
    fn paths(&self, value: &str) -> Vec<String> {
        let value = value.trim_start();
        let mut rest = value.strip_prefix("array(").unwrap_or(value);
        let mut paths = Vec::new();
        while let Some((path, behind)) = self.path(rest) {
            paths.push(path);
            rest = behind.trim_start_matches([',', ' ']);
        }
        paths
    }

    /// The path that begins with one of the words and goes on with texts, and what stands behind it; nothing of one that
    /// leads out of the tree.
    fn path<'v>(&self, value: &'v str) -> Option<(String, &'v str)> {
        let value = value.trim_start();
        let (word, directory) = self.words.iter().find(|(word, _)| value.starts_with(**word))?;
        let mut path = directory.clone();
        let mut rest = &value[word.len()..];
        while let Some(more) = rest.strip_prefix(" . ") {
            let (text, behind) = literal(more)?;
            path += &text;
            rest = behind;
        }
        let is_whole = rest.is_empty() || rest.starts_with([',', ')']);
        Some((fold(&path).filter(|_| is_whole)?, rest))
    }
}

/// The text between single quotes at the beginning, and what stands behind it.
fn literal(written: &str) -> Option<(String, &str)> {
    let inner = written.strip_prefix('\'')?;
    let mut text = String::new();
    let mut letters = inner.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' => return Some((text, &inner[at + 1..])),
            '\\' => match letters.next()?.1 {
                escaped @ ('\\' | '\'') => text.push(escaped),
                other => text.extend(['\\', other]),
            },
            _ => text.push(letter),
        }
    }
    None
}
