//! One open file, or what is known of one: kind, mode, owner; its inode flags; sharing of its bytes.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{self, FileType, Gid, IFlags, Mode, Stat, Uid};
use rustix::io::Errno;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A unix socket.
    Socket,
    /// A block or character device.
    Device,
    /// Something that the kernel did not name.
    Unknown,
}

impl Kind {
    pub(crate) const fn of(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Dir,
            FileType::Symlink => Self::Link,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice | FileType::BlockDevice => Self::Device,
            FileType::Unknown => Self::Unknown,
        }
    }

    /// The word for people, without an article.
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Dir => "directory",
            Self::Link => "symbolic link",
            Self::Fifo => "named pipe",
            Self::Socket => "socket",
            Self::Device => "device",
            Self::Unknown => "thing of unknown kind",
        }
    }
}

/// What the inode says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// What it is.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky: the low 12 bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Length in bytes.
    pub size: u64,
    /// Names of this inode.
    pub links: u64,
    /// Inode number.
    pub ino: u64,
    /// Device of the filesystem.
    pub dev: u64,
    /// When its bytes last changed, nanoseconds since 1970.
    pub mtime_nanos: i128,
    /// When its inode last changed, nanoseconds since 1970.
    pub ctime_nanos: i128,
    /// Disk use in bytes.
    pub disk_bytes: u64,
}

impl Meta {
    /// What the kernel's `stat` says.
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        reason = "the widths of struct stat differ between architectures; none of these is negative"
    )]
    pub(crate) fn of(stat: &Stat) -> Self {
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self {
            kind: Kind::of(FileType::from_raw_mode(stat.st_mode)),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: stat.st_size as u64,
            links: stat.st_nlink as u64,
            ino: stat.st_ino as u64,
            dev: stat.st_dev as u64,
            mtime_nanos: nanos(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            ctime_nanos: nanos(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            disk_bytes: stat.st_blocks as u64 * 512,
        }
    }
}

/// What `file` is now.
pub fn meta(file: impl AsFd) -> Result<Meta, Errno> {
    fs::fstat(file).map(|stat| Meta::of(&stat))
}

/// The inode flags of a file, as they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(IFlags);

/// Whether an inode may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Immutable: not even root may write to it, link to it or unlink it.
    Immutable,
    /// As the mode says.
    Lifted,
}

impl Flags {
    /// Whether the immutable flag is among them.
    pub const fn is_immutable(self) -> bool {
        self.0.contains(IFlags::IMMUTABLE)
    }
}

/// The flags of `file`; none where the filesystem has no such thing.
pub fn flags(file: impl AsFd) -> Result<Flags, Errno> {
    match fs::ioctl_getflags(file) {
        Ok(flags) => Ok(Flags(flags)),
        Err(Errno::NOTTY | Errno::OPNOTSUPP) => Ok(Flags(IFlags::empty())),
        Err(other) => Err(other),
    }
}

/// Sets or lifts the immutable flag of a file whose other flags, `found` before, stay as they are.
pub fn set_guard(file: impl AsFd, found: Flags, guard: Guard) -> Result<(), Errno> {
    let mut wanted = found.0;
    wanted.set(IFlags::IMMUTABLE, guard == Guard::Immutable);
    fs::ioctl_setflags(file, wanted)
}

/// Sets or lifts the immutable flag, unless it is as wanted already.
pub fn guard(file: impl AsFd, guard: Guard) -> Result<(), Errno> {
    let found = Flags(fs::ioctl_getflags(&file)?);
    if found.is_immutable() == (guard == Guard::Immutable) {
        return Ok(());
    }
    set_guard(file, found, guard)
}

/// Makes the empty `to` share all bytes of `from` (copy on write); refused where the filesystem cannot.
pub fn reflink(from: impl AsFd, to: impl AsFd) -> Result<(), Errno> {
    fs::ioctl_ficlone(to, from)
}

/// Owner and mode, as planned for a stored file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}

/// Gives `file` this owner and mode, touching neither when they hold already.
pub fn own(file: BorrowedFd<'_>, wanted: Ownership) -> Result<(), Errno> {
    let found = meta(file)?;
    if (found.uid, found.gid) != (wanted.uid, wanted.gid) {
        let (uid, gid) = (Uid::from_raw(wanted.uid), Gid::from_raw(wanted.gid));
        fs::fchown(file, Some(uid), Some(gid))?;
    }
    if found.mode != wanted.mode {
        fs::fchmod(file, Mode::from_raw_mode(wanted.mode))?;
    }
    Ok(())
}

/// Its bytes and inode are on disk when this returns.
pub fn sync(file: impl AsFd) -> Result<(), Errno> {
    fs::fsync(file)
}
