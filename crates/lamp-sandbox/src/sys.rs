//! The crate's only unsafe code: system calls that no safe wrapper exists for.
//!
//! Every function is safe to call as it stands; what makes it so is said beside each `unsafe`.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::Pid;
use rustix::thread::UnshareFlags;

/// Which side of a fork this is.
pub(crate) enum Fork {
    /// The new process.
    Child,
    /// The old one; the new one's id.
    Parent(Pid),
}

/// Forks a process that has one thread; refuses in one that has more, where the child could find a lock
/// taken forever.
pub(crate) fn fork() -> io::Result<Fork> {
    if fs_err::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other(
            "a process with several threads cannot fork safely",
        ));
    }
    // SAFETY: one thread only, so memory and locks are whole in the child.
    let pid = check(unsafe { libc::fork() })?;
    Ok(Pid::from_raw(pid).map_or(Fork::Child, Fork::Parent))
}

/// Leaves the given namespaces for new ones.
pub(crate) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    let unsound = flags.contains(UnshareFlags::FILES);
    debug_assert!(!unsound, "descriptors stay shared");
    // SAFETY: unsound only with FILES, where another thread's descriptors would change meaning.
    unsafe { rustix::thread::unshare_unsafe(flags.difference(UnshareFlags::FILES)) }.map_err(Into::into)
}

/// Flags of `mount_setattr` (linux/mount.h).
pub(crate) mod attr {
    pub(crate) const READ_ONLY: u64 = 0x1;
    pub(crate) const NO_SUID: u64 = 0x2;
    pub(crate) const NO_DEVICES: u64 = 0x4;
    pub(super) const ID_MAP: u64 = 0x0010_0000;
}

/// Sets attributes of the mount `fd`; with `users`, the ids of its files are mapped into that user namespace.
pub(crate) fn set_mount_attributes(
    fd: BorrowedFd<'_>,
    attributes: u64,
    users: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let attr = libc::mount_attr {
        attr_set: attributes | users.map_or(0, |_| attr::ID_MAP),
        attr_clr: 0,
        propagation: 0,
        userns_fd: users.map_or(0, |users| u64::from(users.as_raw_fd().unsigned_abs())),
    };
    // SAFETY: the path is a C string, the structure lives through the call and its size is given.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    };
    check(answer).map(drop).map_err(|error| match error.raw_os_error() {
        Some(libc::EINVAL) if users.is_some() => io::Error::new(
            io::ErrorKind::Unsupported,
            "its file system cannot give its files other owners (an overlay cannot, ext4, XFS and Btrfs can); move it to one that can",
        ),
        _ => error,
    })
}

/// Brings the loopback device of this network namespace up.
pub(crate) fn raise_loopback() -> io::Result<()> {
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: all zeros is a valid request: an empty name and no flag.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *slot = byte.cast_signed();
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or_default();
    // SAFETY: the kernel reads one ifreq, which lives through the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }).map(drop)
}

/// Makes the opened /dev/net/tun the other end of a new device of this thread's network, for bare IP packets.
pub(crate) fn attach_tun(tun: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    // SAFETY: all zeros is a valid request: an empty name and no flag.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays zero, as the kernel wants it.
    for (slot, byte) in request
        .ifr_name
        .iter_mut()
        .take(libc::IFNAMSIZ - 1)
        .zip(name.bytes())
    {
        *slot = byte.cast_signed();
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_TUN | libc::IFF_NO_PI).unwrap_or_default();
    // SAFETY: the kernel reads and writes one ifreq, which lives through the call.
    check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF, &raw mut request) }).map(drop)
}

/// Blocks SIGCHLD and gives a descriptor that is readable when one is due.
pub(crate) fn child_deaths() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset before it is read; all pointers live through the calls.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        check(libc::sigemptyset(&raw mut set))?;
        check(libc::sigaddset(&raw mut set, libc::SIGCHLD))?;
        check(libc::sigprocmask(
            libc::SIG_BLOCK,
            &raw const set,
            std::ptr::null_mut(),
        ))?;
        let fd = check(libc::signalfd(
            -1,
            &raw const set,
            libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
        ))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Closes every descriptor but the standard three. For the first line of a program, when none is owned yet.
pub(crate) fn close_inherited() -> io::Result<()> {
    // SAFETY: called before anything of this process owns a descriptor above 2.
    check(unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) }).map(drop)
}

/// The command's program gets the standard three descriptors and no other, no signal blocked, and a session
/// of its own.
pub(crate) fn seal(command: &mut Command) {
    let in_child = || {
        // Marked, not closed: the standard library reports a failed exec by a descriptor of its own.
        // SAFETY: marking closes nothing now, and is a bare system call, safe between fork and exec.
        check(unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) })?;
        // A session of its own: a signal to one command's group reaches no other's.
        // SAFETY: bare system calls on plain values, safe between fork and exec.
        unsafe {
            let mut none: libc::sigset_t = std::mem::zeroed();
            check(libc::sigemptyset(&raw mut none))?;
            check(libc::sigprocmask(
                libc::SIG_SETMASK,
                &raw const none,
                std::ptr::null_mut(),
            ))?;
            check(libc::setsid()).map(drop)
        }
    };
    // SAFETY: the closure makes system calls only; it takes no lock and no memory.
    unsafe { command.pre_exec(in_child) };
}

fn check<T: PartialOrd + From<i8> + Copy>(answer: T) -> io::Result<T> {
    if answer < T::from(0) {
        return Err(io::Error::last_os_error());
    }
    Ok(answer)
}
