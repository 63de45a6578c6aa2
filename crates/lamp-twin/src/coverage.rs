//! Which PHP files of a release ran in the twin: those that were opened while it was asked.
//!
//! The kernel tells (inotify) of every file opened beneath the release's directories as the twin sees them. Nothing of
//! production's configuration is changed for it. PHP opens a file to compile it, once; that a program only read the text of
//! one cannot be told apart.

use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use lamp_fleet::walk::Enter;
use lamp_fleet::{Dir, DirError, Kind};
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
    run: BTreeSet<(i32, Vec<u8>)>,
    /// PHP files that the release has.
    pub(crate) php_files: u64,
}

impl RunFiles {
    /// Watches the release in `tree`.
    pub(crate) fn watch(tree: &Dir) -> Result<Self, TwinError> {
        let failed = |errno: Errno| TwinError::system("watch which files of the release run", errno);
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(failed)?;
        add(&events, tree).map_err(failed)?;
        let (mut dirs, mut php_files) = (1, 0);
        tree.walk::<DirError>(&mut |item| {
            if item.kind == Kind::Dir && dirs < DIRS_MAX {
                dirs += 1;
                let dir = item.parent.open_dir(item.name)?;
                // A user's watches may be used up: then less is known, and the rehearsal goes on.
                let _unwatched = add(&events, &dir);
            }
            php_files += u64::from(item.kind == Kind::File && is_php(item.path));
            Ok(Enter::Yes)
        })?;
        Ok(Self {
            events,
            run: BTreeSet::new(),
            php_files,
        })
    }

    /// Takes what the kernel has told since it was asked last.
    pub(crate) fn take(&mut self) -> Result<(), TwinError> {
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(&self.events, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let is_file = !event.events().contains(ReadFlags::ISDIR);
                    let name = event
                        .file_name()
                        .map(std::ffi::CStr::to_bytes)
                        .filter(|_| is_file);
                    if let Some(name) = name.filter(|name| is_php(Path::new(&*String::from_utf8_lossy(name))))
                    {
                        self.run.insert((event.wd(), name.to_vec()));
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(TwinError::system("watch which files of the release run", errno)),
            }
        }
    }

    /// How many different PHP files ran.
    pub(crate) fn count(&self) -> u64 {
        self.run.len() as u64
    }
}

/// By descriptor: what stands in its place by now does not matter.
fn add(events: &OwnedFd, dir: &Dir) -> Result<(), Errno> {
    let path = format!("/proc/self/fd/{}", dir.as_fd().as_raw_fd());
    inotify::add_watch(events, path, WatchFlags::OPEN).map(drop)
}

fn is_php(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}
