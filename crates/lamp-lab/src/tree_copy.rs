//! Copies a directory of the host into a lab: files, links as links, modes and owners.

use std::io;
use std::path::Path;

use fs_err as fs;
use rustix::fs::{AtFlags, CWD, Gid, Uid, chownat};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// Copies what is in `from` into `to`, which exists, leaving out what `leave_out` names at the top.
///
/// Sockets, pipes and devices are no part of a configuration and are passed over.
pub(crate) fn copy(from: &Path, to: &Path, leave_out: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if !leave_out.iter().any(|name| entry.file_name() == *name) {
            copy_one(&entry, &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn copy_one(entry: &fs::DirEntry, to: &Path) -> io::Result<()> {
    let from = entry.path();
    let stat = entry.metadata()?;
    if stat.is_symlink() {
        return fs_err::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    if stat.is_dir() {
        fs::create_dir(to)?;
        copy(&from, to, &[])?;
    } else if stat.is_file() {
        fs::copy(&from, to)?;
    } else {
        return Ok(());
    }
    own(to, stat.uid(), stat.gid())?;
    fs::set_permissions(to, PermissionsExt::from_mode(stat.mode() & 0o7777))
}

/// Gives `path` to a user and a group; a link itself, not what it names.
pub(crate) fn own(path: &Path, uid: u32, gid: u32) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    Ok(chownat(
        CWD,
        path,
        Some(uid),
        Some(gid),
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}
