//! When the link `current` really changed: seen from outside, by the kernel's own notice of the rename.
//!
//! The product's word for it is not asked; a drill holds the answers of a site against this. Whoever made
//! the rename may be dead before he could tell of it: what the link then names is what counts.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use lamp_lab::load::{Nanos, Switch, Switches};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;

/// The name of the link that is watched.
const LINK: &str = "current";
/// How long the watch sleeps before it looks whether it is to end; a rename's two moments are about this
/// far apart.
const LOOK_UP: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// Room for the notices of one read, in bytes.
const NOTICES_BYTES: usize = 4096;

/// One rename to the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// Before this it had certainly not been made.
    pub begun: Nanos,
    /// After this it certainly had.
    pub done: Nanos,
    /// What the link named just before `done`.
    pub to: PathBuf,
}

/// A watch of one store. Dropping it ends its thread.
#[derive(Debug)]
pub struct LinkWatch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    renamed: Mutex<Vec<Rename>>,
    stopped: AtomicBool,
}

impl LinkWatch {
    /// Watches the store in this directory.
    pub fn start(store: &Path) -> io::Result<Self> {
        let notices = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        // Alike notices in a row are told as one, cookies or not (inotify(7)); with both halves of a rename
        // watched, no two in a row are alike.
        let renames = inotify::WatchFlags::MOVED_FROM | inotify::WatchFlags::MOVED_TO;
        inotify::add_watch(&notices, store, renames)?;
        let shared = Arc::<Shared>::default();
        let mut watcher = Watcher {
            notices,
            link: store.join(LINK),
            quiet_at: Nanos::now(),
            shared: Arc::clone(&shared),
        };
        let thread = std::thread::Builder::new().name("lamp-link-watch".into());
        let thread = thread.spawn(move || watcher.watch())?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// All renames so far, in order.
    pub fn renames(&self) -> Vec<Rename> {
        self.shared
            .renamed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What the renames so far were, if each led from one of two releases to the other: `from` is the one that was live first. Both
    /// are markers of a load.
    pub fn between(&self, from: &str, to: &str) -> Switches {
        let mut switches = Switches::from(from.to_owned());
        let turns = [to, from].into_iter().cycle();
        let switched = |(rename, to): (Rename, &str)| Switch {
            begun: rename.begun,
            done: rename.done,
            to: to.to_owned(),
        };
        switches.then = self.renames().into_iter().zip(turns).map(switched).collect();
        switches
    }
}

impl Drop for LinkWatch {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What the thread has.
struct Watcher {
    notices: OwnedFd,
    link: PathBuf,
    /// Then no rename was left untold.
    quiet_at: Nanos,
    shared: Arc<Shared>,
}

impl Watcher {
    fn watch(&mut self) -> io::Result<()> {
        while !self.shared.stopped.load(Ordering::Relaxed) {
            let asked_at = Nanos::now();
            let mut wait = [PollFd::from_borrowed_fd(self.notices.as_fd(), PollFlags::IN)];
            match poll(&mut wait, Some(&LOOK_UP)) {
                Ok(0) => self.quiet_at = asked_at,
                Ok(_) => self.take()?,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    fn take(&self) -> io::Result<()> {
        let mut room = [MaybeUninit::uninit(); NOTICES_BYTES];
        let mut notices = inotify::Reader::new(&self.notices, &mut room);
        loop {
            match notices.next() {
                Ok(notice) if is_rename_to_link(&notice) => self.keep()?,
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// The link is read before the clock: whoever asks after `done` asks of what the link named.
    fn keep(&self) -> io::Result<()> {
        let to = fs_err::read_link(&self.link)?;
        let rename = Rename {
            begun: self.quiet_at,
            done: Nanos::now(),
            to,
        };
        let mut renamed = self.shared.renamed.lock().unwrap_or_else(PoisonError::into_inner);
        renamed.push(rename);
        Ok(())
    }
}

fn is_rename_to_link(notice: &inotify::Event<'_>) -> bool {
    let is_link = notice
        .file_name()
        .is_some_and(|name| name.to_bytes() == LINK.as_bytes());
    is_link && notice.events().contains(inotify::ReadFlags::MOVED_TO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rename_to_the_link_is_noticed_and_no_other() {
        let store = tempfile::tempdir().expect("a directory");
        let watch = LinkWatch::start(store.path()).expect("a watch");
        let (next, current) = (store.path().join("next"), store.path().join("current"));
        let mut made = Vec::new();
        for target in ["a", "b"] {
            let before = Nanos::now();
            fs_err::os::unix::fs::symlink(target, &next).expect("linked");
            fs_err::rename(&next, &current).expect("renamed");
            made.push((before, Nanos::now()));
        }
        fs_err::write(&next, "x").expect("written");
        fs_err::rename(&next, store.path().join("other")).expect("renamed");
        for _ in 0..1_000 {
            if watch.renames().len() >= 2 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let renames = watch.renames();
        assert_eq!(renames.len(), 2);
        for (rename, (before, after)) in renames.iter().zip(made) {
            assert!(rename.begun <= after && rename.done >= before, "{renames:?}");
        }
        assert_eq!(renames[1].to, Path::new("b"));
    }
}
