//! What wakes the worker: anything that happens in the logs' directories, by inotify.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use lamp_fleet::Dir;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Bytes of events taken at once; what they say does not matter.
const EVENTS_BYTES: usize = 4 << 10;

/// Rings when something happens in one of the directories.
#[derive(Debug)]
pub(crate) struct Bell(AsyncFd<OwnedFd>);

impl Bell {
    /// A bell for these directories. The kernel may refuse one (`max_user_instances`): then the caller looks by the clock.
    pub(crate) fn new<'a>(dirs: impl Iterator<Item = &'a Dir>) -> io::Result<Self> {
        let bell = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let happens = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR;
        for dir in dirs {
            // By descriptor: the directory that was handed over, whatever stands at its path by now.
            let path = format!("/proc/self/fd/{}", std::os::fd::AsFd::as_fd(dir).as_raw_fd());
            inotify::add_watch(&bell, path, happens)?;
        }
        #[expect(
            deprecated,
            reason = "what it is deprecated for cannot happen: the descriptor is owned, and closed with the bell alone"
        )]
        let bell = AsyncFd::with_interest(bell, Interest::READABLE)?;
        Ok(Self(bell))
    }

    /// Waits for it to ring. May be dropped at any time.
    pub(crate) async fn ring(&self) -> io::Result<()> {
        let mut events = [0; EVENTS_BYTES];
        loop {
            let mut ready = self.0.readable().await?;
            match rustix::io::read(self.0.get_ref(), &mut events) {
                Ok(_) => return Ok(()),
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}
