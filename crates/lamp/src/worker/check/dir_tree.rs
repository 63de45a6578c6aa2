//! A directory as the tree that the check looks at: listed once, files read by descriptor and beneath it, no
//! link followed.

use lamp_check::{Entry, EntryKind, Tree, Unreadable};
use lamp_fleet::Dir;
use lamp_fleet::error::DirError;
use lamp_fleet::file::Kind;
use lamp_fleet::walk::{Enter, Item};

use crate::errors::causes;

/// Most things that a tree may hold.
const ENTRIES_MAX: usize = 1_000_000;
/// Directories that hold the history of a tree, not the tree.
const HISTORY: [&str; 3] = [".git", ".hg", ".svn"];

/// A listed directory.
#[derive(Debug)]
pub(super) struct DirTree {
    dir: Dir,
    entries: Vec<Entry>,
    file_max_bytes: u64,
}

impl DirTree {
    /// Lists everything beneath `dir`; files longer than `file_max_bytes` are not read.
    pub(super) fn list(dir: Dir, file_max_bytes: u64) -> Result<Self, DirError> {
        let mut entries = Vec::new();
        dir.walk(&mut |item| {
            if entries.len() >= ENTRIES_MAX {
                return Ok::<Enter, DirError>(Enter::No);
            }
            let entry = entry(item);
            let enter = match entry.kind {
                EntryKind::Dir => Enter::Yes,
                EntryKind::File { .. } | EntryKind::Link { .. } | EntryKind::Unreadable { .. } => Enter::No,
            };
            let is_history = HISTORY.iter().any(|name| item.name == *name);
            entries.push(entry);
            Ok(if is_history { Enter::No } else { enter })
        })?;
        Ok(Self {
            dir,
            entries,
            file_max_bytes,
        })
    }
}

fn entry(item: &Item<'_>) -> Entry {
    let kind = match item.kind {
        Kind::File => item.meta().map(|meta| EntryKind::File {
            size_bytes: meta.size,
        }),
        // One that cannot be opened would end the walk.
        Kind::Dir => item.parent.open_dir(item.name).map(|_| EntryKind::Dir),
        Kind::Link => item.parent.read_link(item.name).map(|target| EntryKind::Link {
            target: String::from_utf8_lossy(&target).into_owned(),
        }),
        Kind::Fifo | Kind::Socket | Kind::Device | Kind::Unknown => {
            let why = Unreadable("it is neither a file nor a directory".to_owned());
            Ok(EntryKind::Unreadable { why })
        }
    };
    Entry {
        path: item.path.to_string_lossy().into_owned(),
        kind: kind.unwrap_or_else(|error| EntryKind::Unreadable {
            why: unreadable(&error),
        }),
    }
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
        let bytes = self.dir.read_file(&entry.path, self.file_max_bytes);
        bytes.map_err(|error| Unreadable(causes(&error.source).join(": ")))
    }
}
