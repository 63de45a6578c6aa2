//! Copies a tree of files on one host, sharing bytes where the filesystem can: a database for a twin.

use std::fs::File;
use std::io;

use crate::dir::Dir;
use crate::error::DirError;
use crate::file::{self, Kind, Ownership};
use crate::walk::Enter;

/// How much was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Regular files.
    pub files: u64,
    /// Their bytes, shared ones too.
    pub bytes: u64,
}

/// Copies all files and directories of `from` into the empty `to`, whose owner all of them get; modes stay. Links, sockets and
/// pipes are passed over. Nothing is made durable.
pub fn tree(from: &Dir, to: &Dir) -> Result<Copied, DirError> {
    let owner = to.own_meta()?;
    let mut copied = Copied::default();
    from.walk::<DirError>(&mut |item| {
        let owned = |mode| Ownership {
            uid: owner.uid,
            gid: owner.gid,
            mode,
        };
        match item.kind {
            Kind::Dir => drop(to.create_dir(item.path, owned(item.meta()?.mode))?),
            Kind::File => {
                let (source, meta) = item.parent.open_file(item.name)?;
                let target = to.create_file(item.path, owned(meta.mode))?;
                contents(&source, target, meta.size).map_err(|error| to.error("copy", item.path, error))?;
                copied.files += 1;
                copied.bytes += meta.size;
            }
            Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device | Kind::Unknown => {}
        }
        Ok(Enter::Yes)
    })?;
    Ok(copied)
}

/// Bytes of all regular files beneath `dir`, as they lie on the disk.
pub fn disk_bytes(dir: &Dir) -> Result<u64, DirError> {
    let mut bytes = 0;
    dir.walk::<DirError>(&mut |item| {
        if item.kind == Kind::File {
            // It may be gone since it was listed.
            bytes += item.meta().map_or(0, |meta| meta.disk_bytes);
        }
        Ok(Enter::Yes)
    })?;
    Ok(bytes)
}

/// Shared where the filesystem can, else copied within the kernel; holes stay holes only where it is shared.
fn contents(from: &File, mut to: File, length: u64) -> io::Result<()> {
    if file::reflink(from, &to).is_ok() {
        return Ok(());
    }
    let copied = io::copy(&mut io::Read::take(from, length), &mut to)?;
    if copied < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::host::Host;

    #[test]
    fn a_copy_has_the_same_files_and_no_links() {
        let place = tempfile::tempdir().expect("a directory");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs_err::create_dir_all(from.join("a/b")).expect("made");
        fs_err::create_dir(&to).expect("made");
        fs_err::write(from.join("a/b/file"), "text").expect("written");
        fs_err::write(from.join("empty"), "").expect("written");
        fs_err::os::unix::fs::symlink("/etc/passwd", from.join("link")).expect("made");
        let open = |path: &Path| Host::local().dir(path).expect("opened");
        let copied = tree(&open(&from), &open(&to)).expect("copied");
        assert_eq!(copied, Copied { files: 2, bytes: 4 });
        assert_eq!(fs_err::read(to.join("a/b/file")).expect("read"), b"text");
        assert!(to.join("empty").exists() && !to.join("link").exists());
        assert!(disk_bytes(&open(&to)).expect("counted") > 0);
        // Into a place that is not empty nothing is copied over what stands there.
        assert!(tree(&open(&from), &open(&to)).is_err());
    }
}
