//! The files of a tree that are no PHP and matter all the same: which they are, and what each says.
//!
//! What a file says depends on its bytes and on its last name alone, so that it can be kept by what it holds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::apache::{self, Htaccess};
use super::assets;
use super::composer::{self, ComposerFacts};
use super::dotenv;
use super::dump;
use super::fault::Fault;
use super::ini::{self, Ini};
use super::marks::{self, Marks};
use super::templates::{self, Naming};
use crate::cache::{ContentHash, FactsCache, Taken};
use crate::facts::Spot;
use crate::place::file_name;
use crate::tree::{Entry, EntryKind, Tree};

/// Longest file that is looked through, in bytes; a longer one is no text that a person wrote.
const TEXT_MAX_BYTES: u64 = 256 * 1024;
/// The same of composer's files, which a machine writes as well.
const SETTINGS_MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Most bytes of a database dump that are looked at.
const DUMP_MAX_BYTES: usize = 64 * 1024;

/// Endings of text files that are served, run, or hold settings.
const TEXTS: [&str; 27] = [
    ".bash",
    ".cfg",
    ".conf",
    ".cnf",
    ".css",
    ".env",
    ".htm",
    ".html",
    ".ini",
    ".js",
    ".json",
    ".jsx",
    ".key",
    ".latte",
    ".mjs",
    ".neon",
    ".pem",
    ".properties",
    ".py",
    ".sh",
    ".sql",
    ".svg",
    ".toml",
    ".tpl",
    ".ts",
    ".twig",
    ".vue",
];
const MORE_TEXTS: [&str; 5] = [".xml", ".yaml", ".yml", ".blade.php", ".txt"];
/// Text that a machine wrote: nobody merges it, and nobody puts a secret there.
const WRITTEN_BY_MACHINES: [&str; 6] = [
    ".map",
    ".min.css",
    ".min.js",
    "-min.js",
    ".lock.json",
    "package-lock.json",
];
/// Names without an ending.
const NAMES: [&str; 6] = ["id_dsa", "id_ecdsa", "id_ed25519", "id_rsa", ".npmrc", ".netrc"];

/// Directories of translations: thousands of files in which nothing is run.
const TRANSLATIONS: [&str; 6] = ["i18n", "lang", "langs", "languages", "locale", "locales"];

/// A file beside PHP's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Beside<'t> {
    pub(super) path: &'t str,
    pub(super) facts: BesideFacts,
}

/// What it says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct BesideFacts {
    pub(super) marks: Marks,
    pub(super) form: Form,
    pub(super) namings: Vec<Naming>,
}

/// What it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Form {
    #[default]
    Text,
    Htaccess(Htaccess),
    /// A piece of the configuration of Apache itself.
    Snippet(Htaccess),
    Ini(Ini),
    Composer(ComposerFacts),
    /// Where a setting that is a secret has a value.
    Dotenv(Option<Spot>),
    /// Whether it holds what users of a site entered.
    Dump(Option<dump::Holds>),
}

/// Whether a file is looked at.
fn matters(entry: &Entry) -> bool {
    let EntryKind::File { size_bytes } = entry.kind else {
        return false;
    };
    let name = file_name(&entry.path);
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if dump::is_named_so(name) {
        return true;
    }
    if is_settings(name) {
        return size_bytes <= SETTINGS_MAX_BYTES;
    }
    size_bytes <= TEXT_MAX_BYTES
        && (NAMES.contains(&name) || ends(&TEXTS) || ends(&MORE_TEXTS))
        && !ends(&WRITTEN_BY_MACHINES)
        && !(name.ends_with(".json") && entry.path.split('/').any(|part| TRANSLATIONS.contains(&part)))
}

fn is_settings(name: &str) -> bool {
    matches!(
        name,
        ".htaccess" | ".user.ini" | "composer.json" | "composer.lock" | "installed.json"
    ) || dotenv::is_named_so(name)
}

/// Where the files are read from, and what is known of them.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t> {
    pub(super) tree: &'t dyn Tree,
    pub(super) cache: Option<&'t dyn FactsCache>,
}

/// Every file that matters, read by whichever threads have time for it.
pub(crate) struct Reading<'t> {
    reader: Reader<'t>,
    /// Of the tree's entries.
    mattering: Vec<usize>,
    next: AtomicUsize,
    done: Mutex<Vec<Beside<'t>>>,
}

impl<'t> Reading<'t> {
    pub(super) fn new(reader: Reader<'t>) -> Self {
        let entries = reader.tree.entries();
        let mattering: Vec<usize> = (0..entries.len()).filter(|at| matters(&entries[*at])).collect();
        Self {
            reader,
            next: AtomicUsize::new(0),
            done: Mutex::new(Vec::with_capacity(mattering.len())),
            mattering,
        }
    }

    /// Reads files for as long as there are any that nobody has begun with.
    pub(crate) fn take_part(&self) {
        let entries = self.reader.tree.entries();
        while let Some(at) = self.mattering.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let path = entries[*at].path.as_str();
            // What cannot be read is said elsewhere, if it is anything that is run.
            if let Some(facts) = self.reader.facts(*at, path) {
                let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
                done.push(Beside { path, facts });
            }
        }
    }

    /// What they say, by path, once everybody who took part is done.
    pub(crate) fn end(self) -> Vec<Beside<'t>> {
        self.take_part();
        let mut all = self.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.sort_by_key(|beside| beside.path);
        all
    }
}

impl Reader<'_> {
    fn facts(self, at: usize, path: &str) -> Option<BesideFacts> {
        if let Some(cache) = self.cache
            && let Some(hash) = cache.hash_of(at)
            && let Some(facts) = text_of(cache, &key(&hash, path))
        {
            cache.takes(at, Taken::Bytes(hash));
            return Some(facts);
        }
        let bytes = self.tree.bytes(at);
        let Some(cache) = self.cache else {
            return Some(read(path, &bytes.ok()?));
        };
        let Ok(bytes) = bytes else {
            cache.takes(at, Taken::Unread);
            return None;
        };
        let (hash, facts) = (ContentHash::of(&bytes), read(path, &bytes));
        cache.takes(at, Taken::Bytes(hash));
        keep_text(cache, &key(&hash, path), &facts);
        Some(facts)
    }
}

/// Under what a file that is nothing but text is kept: its path tells how its bytes are read.
fn key(hash: &ContentHash, path: &str) -> ContentHash {
    ContentHash::of(&[&hash.0, path.as_bytes()].concat())
}

/// The others are few.
fn keep_text(cache: &dyn FactsCache, key: &ContentHash, facts: &BesideFacts) {
    let BesideFacts { marks, form, namings } = facts;
    if *form == Form::Text
        && cache.get(key).is_none()
        && let Ok(encoded) = postcard::to_allocvec(&(marks, namings))
    {
        cache.put(*key, encoded);
    }
}

fn text_of(cache: &dyn FactsCache, key: &ContentHash) -> Option<BesideFacts> {
    let (marks, namings) = match postcard::take_from_bytes(cache.get(key)?) {
        Ok((facts, [])) => facts,
        Ok(_) | Err(_) => return None,
    };
    let form = Form::Text;
    Some(BesideFacts { marks, form, namings })
}

/// What one file says.
pub(super) fn read(path: &str, bytes: &[u8]) -> BesideFacts {
    let name = file_name(path);
    let form = match name {
        ".htaccess" => Form::Htaccess(apache::read(bytes)),
        ".user.ini" => Form::Ini(ini::read(bytes)),
        "composer.json" | "composer.lock" => Form::Composer(composer::read(path, bytes)),
        "installed.json" if path.ends_with("composer/installed.json") => {
            Form::Composer(composer::read(path, bytes))
        }
        _ if dotenv::is_named_so(name) => Form::Dotenv(dotenv::secret(bytes)),
        _ if dump::is_named_so(name) => {
            let head = &bytes[..bytes.len().min(DUMP_MAX_BYTES)];
            return BesideFacts {
                form: Form::Dump(dump::holds(head)),
                ..BesideFacts::default()
            };
        }
        _ if apache::is_snippet(path, bytes) => Form::Snippet(apache::read(bytes)),
        _ => Form::Text,
    };
    BesideFacts {
        marks: marks::look(bytes),
        form,
        namings: [templates::scan(path, bytes), assets::scan(path, bytes)].concat(),
    }
}

/// What is said of a merge that was not finished, by what the file is.
pub(super) fn conflict(beside: &Beside<'_>) -> Option<Fault> {
    let at = beside.facts.marks.conflict?;
    let name = file_name(beside.path);
    let is_run = matches!(beside.facts.form, Form::Htaccess(_) | Form::Composer(_))
        || [
            ".css",
            ".html",
            ".js",
            ".latte",
            ".mjs",
            ".svg",
            ".tpl",
            ".twig",
            ".blade.php",
        ]
        .iter()
        .any(|ending| name.ends_with(ending));
    let message = "a merge was not finished here: git's marks stand in the file";
    Some(if is_run && !super::is_apart(beside.path) {
        Fault::error("conflict-marker", at, message)
    } else {
        Fault::warning("conflict-marker", at, message)
    })
}
