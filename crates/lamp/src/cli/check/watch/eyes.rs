//! Sees that something in a tree changes (inotify(7)): a watch on every directory. What changed does not matter, nor that
//! the kernel may drop notices of many changes: one is enough, and then the whole tree is looked at anew.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use lamp_fleet::walk::{DEPTH_MAX, Enter, Item};
use lamp_fleet::{Dir, DirError, Kind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

use crate::errors::{Kind as TroubleKind, Trouble};

/// How long nothing more must happen before it is looked: an editor writes, renames and removes within this.
const SETTLED: Duration = Duration::from_millis(20);
/// How long it is waited at most while more happens.
const SETTLE_MAX: Duration = Duration::from_secs(1);
/// Bytes of notices taken at once.
const NOTICES_BYTES: usize = 16 << 10;
/// Directories in which a tree's history is written; the check does not look there.
const HISTORY: [&str; 3] = [".git", ".hg", ".svn"];

/// Watches on every directory of one tree.
pub(super) struct Eyes(OwnedFd);

impl Eyes {
    /// On all that stands in the tree now.
    pub(super) fn on(tree: &Path) -> Result<Self, Trouble> {
        Self::open(tree).map_err(|error| {
            let mut way_out = "the tree must be there and readable";
            if error.is(Errno::NOSPC) || error.is(Errno::MFILE) {
                way_out = "raise the kernel's bounds on watched directories: sysctl fs.inotify.max_user_watches \
                    fs.inotify.max_user_instances; or check without --watch";
            }
            let thing = format!("watch {}", tree.display());
            Trouble::new(TroubleKind::Environment, thing, &error, way_out)
        })
    }

    fn open(tree: &Path) -> Result<Self, DirError> {
        let failed = |errno: Errno| DirError {
            operation: "watch",
            path: tree.to_owned(),
            source: errno.into(),
        };
        let opened = fs_err::File::open(tree).map_err(|source| DirError {
            operation: "open",
            path: tree.to_owned(),
            source,
        })?;
        let dir = Dir::from_fd(opened.into_file().into(), tree);
        let eyes = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(failed)?;
        let happens = WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR;
        let watch = |parent: &Dir, name: &Path| {
            // By descriptor: a directory of the tree, whatever is renamed meanwhile.
            let parent = format!("/proc/self/fd/{}", std::os::fd::AsFd::as_fd(parent).as_raw_fd());
            inotify::add_watch(&eyes, Path::new(&parent).join(name), happens).map_err(failed)
        };
        watch(&dir, Path::new("."))?;
        dir.walk(&mut |item: &Item<'_>| {
            let is_looked_at = item.kind == Kind::Dir && !HISTORY.iter().any(|name| item.name == *name);
            if !is_looked_at || item.path.components().count() >= DEPTH_MAX - 1 {
                return Ok(Enter::No);
            }
            match watch(item.parent, Path::new(item.name)) {
                // Its files cannot be read either, which the check tells; or it is gone by now.
                Err(error)
                    if error.is(Errno::ACCESS) || error.is(Errno::NOENT) || error.is(Errno::NOTDIR) =>
                {
                    Ok(Enter::No)
                }
                watched => watched.map(|_| Enter::Yes),
            }
        })?;
        Ok(Self(eyes))
    }

    /// Until something has happened and nothing more does.
    pub(super) fn wait(&self) -> Result<(), Trouble> {
        let failed = |errno: Errno| {
            let error = std::io::Error::from(errno);
            Trouble::new(
                TroubleKind::Environment,
                "wait for a change",
                &error,
                "check without --watch",
            )
        };
        while !self.has_happened(None).map_err(failed)? {}
        let deadline = Instant::now() + SETTLE_MAX;
        while Instant::now() < deadline && self.has_happened(Some(SETTLED)).map_err(failed)? {}
        Ok(())
    }

    /// Whether anything happens within this time; without one, when it does.
    fn has_happened(&self, within: Option<Duration>) -> Result<bool, Errno> {
        let within = within.and_then(|within| Timespec::try_from(within).ok());
        match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], within.as_ref()) {
            Ok(0) | Err(Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(errno) => return Err(errno),
        }
        let mut notices = [0; NOTICES_BYTES];
        loop {
            match rustix::io::read(&self.0, &mut notices) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(true),
                Err(errno) => return Err(errno),
            }
        }
    }
}
