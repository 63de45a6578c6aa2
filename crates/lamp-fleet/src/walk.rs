//! The one tree walker: directory by directory, by descriptor, in the order of names, no link followed.
//!
//! The visitor is told of everything that stands there, whatever it is; it alone decides what to enter.

use std::ffi::{OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::RawDir;
use rustix::io::Errno;

use crate::dir::Dir;
use crate::error::DirError;
use crate::file::{Kind, Meta};

/// How deep a tree may be: each level holds a descriptor open.
pub const DEPTH_MAX: usize = 256;

/// Bytes of directory entries asked of the kernel at once.
const NAMES_BUFFER_BYTES: usize = 32 * 1024;

/// One thing that the walk came upon.
#[derive(Debug)]
pub struct Item<'a> {
    /// The directory that it lies in.
    pub parent: &'a Dir,
    /// Its name there.
    pub name: &'a OsStr,
    /// Its path from where the walk began.
    pub path: &'a Path,
    /// What it is.
    pub kind: Kind,
}

impl Item<'_> {
    /// What its inode says.
    pub fn meta(&self) -> Result<Meta, DirError> {
        self.parent.meta(self.name)
    }
}

/// Whether the walk goes into a directory; of no matter for anything else.
#[derive(Debug)]
pub enum Enter {
    /// Its contents come next; if it cannot be opened, the walk ends.
    Yes,
    /// As [`Enter::Yes`], by what the visitor has opened to see whether it can be, and read nothing of.
    Opened(Dir),
    /// It is passed over.
    No,
}

/// A visitor: is told of each thing, a directory before what lies in it.
pub type Visit<'v, E> = dyn FnMut(&Item<'_>) -> Result<Enter, E> + 'v;

impl Dir {
    /// Walks everything beneath this directory, itself not counted.
    pub fn walk<E: From<DirError>>(&self, visit: &mut Visit<'_, E>) -> Result<(), E> {
        walk_level((self, self.names()?), &mut PathBuf::new(), DEPTH_MAX, visit)
    }

    /// The names in this directory and what they are, sorted.
    pub fn names(&self) -> Result<Vec<(OsString, Kind)>, DirError> {
        // A descriptor of its own: reading moves the descriptor's place in the directory.
        let fresh = self.open_dir(".")?;
        names_by(&fresh, self.path())
    }
}

fn walk_level<E: From<DirError>>(
    (dir, names): (&Dir, Vec<(OsString, Kind)>),
    path: &mut PathBuf,
    depth_left: usize,
    visit: &mut Visit<'_, E>,
) -> Result<(), E> {
    if depth_left == 0 {
        return Err(DirError::new("go deeper than 256 directories into", dir.path(), Errno::LOOP).into());
    }
    for (name, listed) in names {
        let kind = known_kind(dir, &name, listed)?;
        path.push(&name);
        let item = Item {
            parent: dir,
            name: &name,
            path,
            kind,
        };
        let beneath = match visit(&item)? {
            Enter::Yes if kind == Kind::Dir => Some(dir.open_dir(&name)?),
            Enter::Opened(beneath) => Some(beneath),
            Enter::Yes | Enter::No => None,
        };
        if let Some(beneath) = beneath {
            // Opened just now: nobody has read of it yet.
            let names = names_by(&beneath, beneath.path())?;
            walk_level((&beneath, names), path, depth_left - 1, visit)?;
        }
        path.pop();
    }
    Ok(())
}

/// Some filesystems do not say in the listing what a name is.
fn known_kind(dir: &Dir, name: &OsStr, listed: Kind) -> Result<Kind, DirError> {
    match listed {
        Kind::Unknown => dir.meta(name).map(|meta| meta.kind),
        Kind::File | Kind::Dir | Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device => Ok(listed),
    }
}

/// The names in a directory of whose descriptor nothing was read yet, sorted; an error calls it by `path`.
fn names_by(fresh: &Dir, path: &Path) -> Result<Vec<(OsString, Kind)>, DirError> {
    let mut names = read_names(fresh).map_err(|errno| DirError::new("list", path, errno))?;
    names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(names)
}

fn read_names(dir: &Dir) -> Result<Vec<(OsString, Kind)>, Errno> {
    let mut names = Vec::new();
    let mut buffer = vec![MaybeUninit::uninit(); NAMES_BUFFER_BYTES];
    let mut entries = RawDir::new(dir.as_fd(), &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push((OsStr::from_bytes(name).to_owned(), Kind::of(entry.file_type())));
        }
    }
    Ok(names)
}
