//! A directory as the tree that the check looks at: listed once, files read by descriptor and beneath it, no
//! link followed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lamp_check::{Entry, EntryKind, Tree, Unreadable};
use lamp_fleet::Dir;
use lamp_fleet::error::DirError;
use lamp_fleet::file::Kind;
use lamp_fleet::walk::{Enter, Item};

use super::seal::{Seal, Sealer};
use crate::errors::causes;

/// Most things that a tree may hold.
const ENTRIES_MAX: usize = 1_000_000;
/// How many directories deep a tree is looked at; the walk itself goes a little deeper.
const DEPTH_MAX: usize = 200;
const _: () = assert!(DEPTH_MAX < lamp_fleet::walk::DEPTH_MAX);
/// Directories that hold the history of a tree, not the tree.
const HISTORY: [&str; 3] = [".git", ".hg", ".svn"];

/// A listed directory.
#[derive(Debug)]
pub(super) struct DirTree {
    dir: Dir,
    entries: Vec<Entry>,
    /// Of each entry that is a file, if its inode tells of its bytes.
    seals: Vec<Option<Seal>>,
    /// Where entries really are whose names are no UTF-8.
    odd: HashMap<usize, PathBuf>,
    file_max_bytes: u64,
}

impl DirTree {
    /// Lists everything beneath `dir`; files longer than `file_max_bytes` are not read.
    pub(super) fn list(dir: Dir, file_max_bytes: u64) -> Result<Self, DirError> {
        let mut entries = Vec::new();
        let mut seals = Vec::new();
        let sealer = Sealer::of(&dir);
        let mut odd = HashMap::new();
        dir.walk(&mut |item| {
            if entries.len() > ENTRIES_MAX {
                return Ok::<Enter, DirError>(Enter::No);
            }
            let Listed { entry, seal, opened } = match entries.len() {
                ENTRIES_MAX => one_too_many(item),
                _ => listed(item, sealer),
            };
            let is_history = HISTORY.iter().any(|name| item.name == *name);
            let enter = opened.filter(|_| !is_history).map_or(Enter::No, Enter::Opened);
            if Path::new(&entry.path) != item.path {
                odd.insert(entries.len(), item.path.to_owned());
            }
            entries.push(entry);
            seals.push(seal);
            Ok(enter)
        })?;
        Ok(Self {
            dir,
            entries,
            seals,
            odd,
            file_max_bytes,
        })
    }

    /// Of each entry, by what it is known to have the same bytes still.
    pub(super) fn seals(&self) -> &[Option<Seal>] {
        &self.seals
    }
}

/// One name of the tree.
struct Listed {
    entry: Entry,
    seal: Option<Seal>,
    /// A directory that can be looked into.
    opened: Option<Dir>,
}

/// Stands for all that comes after.
fn one_too_many(item: &Item<'_>) -> Listed {
    let why = format!("this and what comes after it: a tree is looked at up to {ENTRIES_MAX} names");
    Listed {
        entry: Entry {
            path: item.path.to_string_lossy().into_owned(),
            kind: EntryKind::Unreadable { why: Unreadable(why) },
        },
        seal: None,
        opened: None,
    }
}

fn listed(item: &Item<'_>, sealer: Sealer) -> Listed {
    let (mut seal, mut opened) = (None, None);
    let kind = match item.kind {
        Kind::File => item.meta().map(|meta| {
            seal = sealer.seal(&meta);
            EntryKind::File {
                size_bytes: meta.size,
            }
        }),
        Kind::Dir if item.path.components().count() > DEPTH_MAX => {
            let why = format!("it lies more than {DEPTH_MAX} directories deep");
            Ok(EntryKind::Unreadable { why: Unreadable(why) })
        }
        // One that cannot be opened would end the walk.
        Kind::Dir => item.parent.open_dir(item.name).map(|dir| {
            opened = Some(dir);
            EntryKind::Dir
        }),
        Kind::Link => item.parent.read_link(item.name).map(|target| EntryKind::Link {
            target: String::from_utf8_lossy(&target).into_owned(),
        }),
        Kind::Fifo | Kind::Socket | Kind::Device | Kind::Unknown => {
            let why = Unreadable("it is neither a file nor a directory".to_owned());
            Ok(EntryKind::Unreadable { why })
        }
    };
    let entry = Entry {
        path: item.path.to_string_lossy().into_owned(),
        kind: kind.unwrap_or_else(|error| EntryKind::Unreadable {
            why: unreadable(&error),
        }),
    };
    Listed { entry, seal, opened }
}

/// Why, without the place where the tree lies.
fn unreadable(error: &DirError) -> Unreadable {
    Unreadable(error.source.to_string())
}

impl Tree for DirTree {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn bytes(&self, index: usize) -> Result<Vec<u8>, Unreadable> {
        let gone = || Unreadable("it is not there any more".to_owned());
        let entry = self.entries.get(index).ok_or_else(gone)?;
        let path = self
            .odd
            .get(&index)
            .map_or(Path::new(&entry.path), PathBuf::as_path);
        let bytes = self.dir.read_file(path, self.file_max_bytes);
        bytes.map_err(|error| Unreadable(causes(&error.source).join(": ")))
    }
}
