//! Messages between owner, keeper, first process and callers: JSON in packets, descriptors beside them.
//!
//! Both ends are root's own; what comes from inside a sandbox is bounded all the same.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest message, in bytes.
pub(crate) const MESSAGE_MAX_BYTES: usize = 128 * 1024;
/// Most descriptors beside one message.
const DESCRIPTORS_MAX: usize = 4;

/// A message and what came with it.
pub(crate) struct Received<T> {
    pub(crate) message: T,
    pub(crate) fds: Vec<OwnedFd>,
}

/// Two connected ends.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC;
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        flags,
        None,
    )?)
}

/// Listens at `name` in `dir`.
pub(crate) fn listen(dir: &Path, name: &str) -> io::Result<OwnedFd> {
    let socket = socket(SocketFlags::NONBLOCK)?;
    with_address(dir, name, |address| rustix::net::bind(&socket, address))?;
    rustix::net::listen(&socket, 64)?;
    Ok(socket)
}

/// Connects to `name` in `dir`.
pub(crate) fn connect(dir: &Path, name: &str) -> io::Result<OwnedFd> {
    let socket = socket(SocketFlags::empty())?;
    with_address(dir, name, |address| rustix::net::connect(&socket, address))?;
    Ok(socket)
}

/// Takes a caller that has connected; `None` if there is none.
pub(crate) fn accept(listener: &OwnedFd) -> io::Result<Option<OwnedFd>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    or_none(rustix::net::accept_with(listener, flags))
}

fn socket(more: SocketFlags) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | more;
    Ok(rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        flags,
        None,
    )?)
}

/// A socket's address holds 107 bytes; the way over an open directory is short however long its path is.
fn with_address(
    dir: &Path,
    name: &str,
    act: impl FnOnce(&SocketAddrUnix) -> rustix::io::Result<()>,
) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let dir = rustix::fs::open(
        dir,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let path = format!("/proc/self/fd/{}/{name}", dir.as_raw_fd());
    Ok(act(&SocketAddrUnix::new(
        Path::new(&path).as_os_str().as_bytes(),
    )?)?)
}

/// Sends `message` with `fds`. A closed other end is an error, not a signal.
pub(crate) fn send(socket: impl AsFd, message: &impl Serialize, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > MESSAGE_MAX_BYTES {
        return Err(io::Error::from_raw_os_error(libc::E2BIG));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::from_raw_os_error(libc::E2BIG));
    }
    let flags = SendFlags::NOSIGNAL;
    rustix::io::retry_on_intr(|| rustix::net::sendmsg(&socket, &[IoSlice::new(&bytes)], &mut beside, flags))?;
    Ok(())
}

/// Receives one message; `None` when the other end is closed.
pub(crate) fn receive<T: DeserializeOwned>(socket: impl AsFd) -> io::Result<Option<Received<T>>> {
    let mut bytes = vec![0; MESSAGE_MAX_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let got = rustix::io::retry_on_intr(|| {
        let mut into = [IoSliceMut::new(&mut bytes)];
        rustix::net::recvmsg(&socket, &mut into, &mut beside, RecvFlags::CMSG_CLOEXEC)
    });
    let length = match got {
        Ok(got) => got.bytes,
        Err(rustix::io::Errno::CONNRESET) => 0,
        Err(other) => return Err(other.into()),
    };
    let fds = beside.drain().filter_map(rights).flatten().collect();
    if length == 0 {
        return Ok(None);
    }
    let message = serde_json::from_slice(bytes.get(..length).unwrap_or_default())?;
    Ok(Some(Received { message, fds }))
}

fn rights(message: RecvAncillaryMessage<'_>) -> Option<Vec<OwnedFd>> {
    if let RecvAncillaryMessage::ScmRights(fds) = message {
        return Some(fds.collect());
    }
    None
}

fn or_none(answer: rustix::io::Result<OwnedFd>) -> io::Result<Option<OwnedFd>> {
    use rustix::io::Errno;
    match answer {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => Ok(None),
        Err(other) => Err(other.into()),
    }
}
