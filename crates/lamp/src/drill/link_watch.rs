//! When the link `current` really changed: seen from outside, by the kernel's own notice of the rename.
//!
//! The product's word for it is not asked; a drill holds the answers of a site against this.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use lamp_lab::load::Nanos;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;

/// The name of the link that is watched.
const LINK: &[u8] = b"current";
/// How long the watch sleeps before it looks whether it is to end.
const LOOK_UP: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// Room for the notices of one read, in bytes.
const NOTICES_BYTES: usize = 4096;

/// A watch of one store. Dropping it ends its thread.
#[derive(Debug)]
pub struct LinkWatch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    renamed: Mutex<Vec<Nanos>>,
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
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("lamp-link-watch".into());
        let thread = thread.spawn(move || watch(&notices, &of_thread))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// The moments of all renames so far. Each is just after the rename it tells of.
    pub fn renames(&self) -> Vec<Nanos> {
        self.shared
            .renamed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for LinkWatch {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn watch(notices: &OwnedFd, shared: &Shared) -> io::Result<()> {
    let mut room = [MaybeUninit::uninit(); NOTICES_BYTES];
    while !shared.stopped.load(Ordering::Relaxed) {
        let mut wait = [PollFd::from_borrowed_fd(notices.as_fd(), PollFlags::IN)];
        if poll(&mut wait, Some(&LOOK_UP)).unwrap_or(0) > 0 {
            take(&mut inotify::Reader::new(notices, &mut room), shared)?;
        }
    }
    Ok(())
}

fn take(notices: &mut inotify::Reader<'_, &OwnedFd>, shared: &Shared) -> io::Result<()> {
    loop {
        match notices.next() {
            Ok(notice) if is_rename_to_link(&notice) => {
                shared
                    .renamed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(Nanos::now());
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn is_rename_to_link(notice: &inotify::Event<'_>) -> bool {
    let is_link = notice.file_name().is_some_and(|name| name.to_bytes() == LINK);
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
        let begun = Nanos::now();
        for target in ["a", "b"] {
            fs_err::os::unix::fs::symlink(target, &next).expect("linked");
            fs_err::rename(&next, &current).expect("renamed");
        }
        fs_err::write(&next, "x").expect("written");
        fs_err::rename(&next, store.path().join("other")).expect("renamed");
        for _ in 0..1_000 {
            if watch.renames().len() >= 2 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(
            watch
                .renames()
                .iter()
                .all(|at| *at >= begun && *at <= Nanos::now())
        );
        assert_eq!(watch.renames().len(), 2);
    }
}
