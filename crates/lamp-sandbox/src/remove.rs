//! Removes a directory tree that strangers may have written: beneath one descriptor, over no link, onto no
//! other filesystem.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, IFlags, Mode, OFlags};
use rustix::io::Errno;

/// Deepest nesting that is followed.
const DEPTH_MAX: usize = 256;

/// Removes `path` and all below it. One that is not there is no error; a filesystem mounted below is one.
pub(crate) fn tree(path: &Path) -> io::Result<()> {
    let dir = match open_dir(CWD, path) {
        Ok(dir) => dir,
        Err(Errno::NOENT) => return Ok(()),
        Err(other) => return Err(other.into()),
    };
    let device = rustix::fs::fstat(&dir)?.st_dev;
    empty(&dir, device, DEPTH_MAX)?;
    drop(dir);
    Ok(rustix::fs::unlinkat(CWD, path, AtFlags::REMOVEDIR)?)
}

fn open_dir(at: BorrowedFd<'_>, name: impl rustix::path::Arg) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, name, flags, Mode::empty())
}

fn empty(dir: &OwnedFd, device: u64, depth: usize) -> io::Result<()> {
    if rustix::fs::fstat(dir)?.st_dev != device {
        return Err(io::Error::other("another filesystem is mounted below"));
    }
    if depth == 0 {
        return Err(io::Error::other("directories are nested too deep"));
    }
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if [c".", c".."].contains(&name) {
            continue;
        }
        if is_dir(dir, &entry)? {
            empty(&open_dir(dir.as_fd(), name)?, device, depth - 1)?;
            unlink(dir, name, AtFlags::REMOVEDIR)?;
        } else {
            unlink(dir, name, AtFlags::empty())?;
        }
    }
    Ok(())
}

fn is_dir(dir: &OwnedFd, entry: &rustix::fs::DirEntry) -> io::Result<bool> {
    if entry.file_type() != FileType::Unknown {
        return Ok(entry.file_type() == FileType::Directory);
    }
    let stat = rustix::fs::statat(dir, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

/// A release's files are immutable: the flag is lifted from what is to go, and from the directory it is in.
fn unlink(dir: &OwnedFd, name: &std::ffi::CStr, flags: AtFlags) -> io::Result<()> {
    match rustix::fs::unlinkat(dir, name, flags) {
        Err(Errno::PERM) => {}
        other => return Ok(other?),
    }
    lift_flags(dir.as_fd())?;
    let open = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    if let Ok(file) = rustix::fs::openat(dir, name, open, Mode::empty()) {
        lift_flags(file.as_fd())?;
    }
    Ok(rustix::fs::unlinkat(dir, name, flags)?)
}

fn lift_flags(file: BorrowedFd<'_>) -> io::Result<()> {
    let flags = rustix::fs::ioctl_getflags(file)?;
    Ok(rustix::fs::ioctl_setflags(
        file,
        flags - IFlags::IMMUTABLE - IFlags::APPEND,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_removed_and_never_followed() {
        let outside = tempfile::tempdir().expect("made");
        fs_err::write(outside.path().join("kept"), "x").expect("written");
        let inside = tempfile::tempdir().expect("made");
        let tree_path = inside.path().join("own");
        fs_err::create_dir_all(tree_path.join("a/b")).expect("made");
        fs_err::write(tree_path.join("a/b/file"), "y").expect("written");
        fs_err::os::unix::fs::symlink(outside.path(), tree_path.join("a/link")).expect("linked");

        tree(&tree_path).expect("removed");

        assert!(!tree_path.exists());
        assert!(outside.path().join("kept").exists());
        tree(&tree_path).expect("not there is no error");
    }
}
