//! Which PHP files of a release ran in the twin: those that were opened while it was asked.
//!
//! The kernel tells (inotify) of every file opened beneath the release's directories as the twin sees them. Nothing of
//! production's configuration is changed for it. PHP opens a file to compile it, once; that a program only read the text of
//! one cannot be told apart. In which order they were opened is kept, and for which route: that completes what the
//! check could not tell of includes.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use lamp_fleet::walk::Enter;
use lamp_fleet::{Dir, DirError, Kind};
use lamp_model::opened::Opened;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::error::TwinError;

/// Directories that are watched; what lies in others counts as never run.
const DIRS_MAX: usize = 4_096;
/// Endings of PHP files.
const ENDINGS: [&str; 3] = ["php", "phtml", "inc"];

/// The files that ran.
#[derive(Debug)]
pub(crate) struct RunFiles {
    events: OwnedFd,
    /// The directories that are watched, relative to the release.
    dirs: HashMap<i32, PathBuf>,
    known: HashSet<(i32, Vec<u8>)>,
    opened: Vec<Opened>,
    /// PHP files that the release has.
    pub(crate) php_files: u64,
}

impl RunFiles {
    /// Watches the release in `tree`.
    pub(crate) fn watch(tree: &Dir) -> Result<Self, TwinError> {
        let failed = |errno: Errno| TwinError::system("watch which files of the release run", errno);
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(failed)?;
        let root = add(&events, tree).map_err(failed)?;
        let mut dirs = HashMap::from([(root, PathBuf::new())]);
        let mut php_files = 0;
        tree.walk::<DirError>(&mut |item| {
            if item.kind == Kind::Dir && dirs.len() < DIRS_MAX {
                let dir = item.parent.open_dir(item.name)?;
                // A user's watches may be used up: then less is known, and the rehearsal goes on.
                if let Ok(watch) = add(&events, &dir) {
                    dirs.insert(watch, item.path.to_owned());
                }
            }
            php_files += u64::from(item.kind == Kind::File && is_php(item.path));
            Ok(Enter::Yes)
        })?;
        Ok(Self {
            events,
            dirs,
            known: HashSet::new(),
            opened: Vec::new(),
            php_files,
        })
    }

    /// Takes what the kernel has told since it was asked last, while this route was asked.
    pub(crate) fn take(&mut self, route: &str) -> Result<(), TwinError> {
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(&self.events, &mut buffer);
        let mut fresh = Vec::new();
        loop {
            match reader.next() {
                Ok(event) => {
                    let is_file = !event.events().contains(ReadFlags::ISDIR);
                    let name = event
                        .file_name()
                        .map(std::ffi::CStr::to_bytes)
                        .filter(|_| is_file);
                    if let Some(name) = name.filter(|name| is_php(Path::new(&*String::from_utf8_lossy(name))))
                        && self.known.insert((event.wd(), name.to_vec()))
                    {
                        fresh.push((event.wd(), name.to_vec()));
                    }
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(TwinError::system("watch which files of the release run", errno)),
            }
        }
        let paths = fresh.iter().filter_map(|(watch, name)| {
            let path = self.dirs.get(watch)?.join(OsStr::from_bytes(name));
            // A name that is no text is no name of the check's either.
            Some(path.to_str()?.to_owned())
        });
        self.opened.extend(paths.map(|path| Opened {
            path,
            route: route.to_owned(),
        }));
        Ok(())
    }

    /// The PHP files that ran, each once, in the order in which they were opened.
    pub(crate) fn opened(self) -> Vec<Opened> {
        self.opened
    }
}

/// By descriptor: what stands in its place by now does not matter.
fn add(events: &OwnedFd, dir: &Dir) -> Result<i32, Errno> {
    let path = format!("/proc/self/fd/{}", dir.as_fd().as_raw_fd());
    inotify::add_watch(events, path, WatchFlags::OPEN)
}

fn is_php(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}
