//! A filesystem of a test's own, on a loop device, mounted nowhere: only descriptors lead to it, and it is
//! gone with the last of them, however the test ends.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use lamp_fleet::Dir;
use lamp_release::{Owner, Store};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
};
use tempfile::TempDir;

/// Debian's www-data.
pub(crate) const GROUP: u32 = 33;
/// Who owns what these tests store.
pub(crate) const OWNER: Owner = Owner { uid: 0, gid: GROUP };
/// The smallest XFS that mkfs makes.
const XFS_BYTES: u64 = 300 * 1024 * 1024;

/// What the filesystem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Shares by hard link.
    Ext4,
    /// Shares by reflink.
    Xfs,
    /// An XFS made without reflinks: shares by hard link too.
    XfsPlain,
}

/// A filesystem of one's own.
pub(crate) struct Disk {
    mount: OwnedFd,
    _image: TempDir,
}

impl Disk {
    /// A fresh filesystem, large enough for a small site.
    pub(crate) fn new(kind: Kind) -> Self {
        Self::sized(
            kind,
            if kind == Kind::Ext4 {
                64 * 1024 * 1024
            } else {
                XFS_BYTES
            },
        )
    }

    /// A fresh filesystem of that many bytes.
    pub(crate) fn sized(kind: Kind, bytes: u64) -> Self {
        need_root();
        let image = tempfile::tempdir().expect("a temporary directory");
        let file = image.path().join("disk");
        fs::File::create(&file)
            .expect("the image")
            .set_len(bytes)
            .expect("its length");
        make(kind, &file);
        let device = run("losetup", &["--find", "--show", path_text(&file)]);
        let mount = mount(kind, &device);
        // Held by the mount from here on, the device goes when the mount does.
        run("losetup", &["--detach", &device]);
        Self { mount, _image: image }
    }

    /// A directory of it as the fleet sees it.
    pub(crate) fn dir(&self, name: &str) -> Dir {
        dir_of(&self.mount, name)
    }

    /// A store on it.
    pub(crate) fn store(&self) -> Store {
        Store::create(self.dir("store"), OWNER).expect("a store")
    }

    /// A path to it that every process can follow that inherits the descriptor.
    pub(crate) fn path(&self) -> PathBuf {
        fcntl_setfd(&self.mount, FdFlags::empty()).expect("an inheritable descriptor");
        PathBuf::from(format!("/proc/self/fd/{}", self.mount.as_raw_fd()))
    }
}

/// The directory `name` beneath a mount, made if it is not there.
pub(crate) fn dir_of(mount: impl AsFd, name: &str) -> Dir {
    let fd = mount.as_fd().try_clone_to_owned().expect("a descriptor");
    let root = Dir::from_fd(fd, Path::new("/disk"))
        .open_dir(".")
        .expect("the root of the disk");
    root.ensure_dir(name, OWNER.dir()).expect("a directory")
}

/// Without root none of this can be made: the test fails, and says how to run it.
#[track_caller]
pub(crate) fn need_root() {
    let is_root = rustix::process::geteuid().is_root();
    assert!(
        is_root,
        "this test makes filesystems: run it as root, as in `sudo -E cargo test -p lamp-release`"
    );
}

fn make(kind: Kind, file: &Path) {
    let file = path_text(file);
    match kind {
        Kind::Ext4 => run("mkfs.ext4", &["-q", "-m", "0", file]),
        Kind::Xfs => run("mkfs.xfs", &["-q", "-m", "reflink=1", file]),
        Kind::XfsPlain => run("mkfs.xfs", &["-q", "-m", "reflink=0,rmapbt=0", file]),
    };
}

fn mount(kind: Kind, device: &str) -> OwnedFd {
    let name = if kind == Kind::Ext4 { "ext4" } else { "xfs" };
    let context = fsopen(name, FsOpenFlags::FSOPEN_CLOEXEC).expect("the kernel knows the filesystem");
    fsconfig_set_string(context.as_fd(), "source", device).expect("its device");
    fsconfig_create(context.as_fd()).expect("its superblock");
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes).expect("a mount")
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("a path of ours")
}

/// Runs a program to its end and answers what it printed.
#[track_caller]
pub(crate) fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; install util-linux, e2fsprogs and xfsprogs"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
