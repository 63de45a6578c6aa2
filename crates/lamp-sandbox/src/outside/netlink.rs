//! The four requests to the kernel's network configuration that a sandbox needs (rtnetlink(7)).

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// Message types and flags of linux/rtnetlink.h and linux/netlink.h.
const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
const ERROR: u16 = 2;
const REQUEST_WITH_ANSWER: u16 = 0x1 | 0x4;
const CREATE: u16 = 0x400;
const UP: u32 = 0x1;
/// An address that nobody else can have need not be asked for (IFA_F_NODAD).
const NO_DUPLICATES: u8 = 0x02;
const ATTRIBUTE_ADDRESS: u16 = 1;
const ATTRIBUTE_LOCAL: u16 = 2;
const ATTRIBUTE_OUT: u16 = 4;
const TABLE_MAIN: u8 = 254;
const BY_ADMINISTRATOR: u8 = 4;
const SCOPE_EVERYWHERE: u8 = 0;
const UNICAST: u8 = 1;
const FAMILY_IPV4: u8 = 2;
const FAMILY_IPV6: u8 = 10;
/// The kernel's answer, request included.
const ANSWER_MAX_BYTES: usize = 8_192;

/// A line to the kernel about the network of this thread.
pub(super) struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    pub(super) fn open() -> io::Result<Self> {
        let socket = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok(Self { socket, sequence: 0 })
    }

    /// The number of a device.
    pub(super) fn index(&self, device: &str) -> io::Result<u32> {
        let any =
            rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
        Ok(rustix::net::netdevice::name_to_index(any.as_fd(), device)?)
    }

    /// Brings a device up.
    pub(super) fn raise(&mut self, device: u32) -> io::Result<()> {
        // Family, padding, type; number; flags; which flags change.
        let mut body = vec![0; 4];
        for word in [device, UP, UP] {
            body.extend(word.to_ne_bytes());
        }
        self.ask(NEW_LINK, 0, &body)
    }

    /// Gives a device an address of its own, alone on its network.
    pub(super) fn add_address(&mut self, device: u32, address: IpAddr) -> io::Result<()> {
        let (family, bytes) = bytes(address);
        let bits = u8::try_from(bytes.len() * 8).unwrap_or(u8::MAX);
        let mut body = vec![family, bits, NO_DUPLICATES, SCOPE_EVERYWHERE];
        body.extend(device.to_ne_bytes());
        attribute(&mut body, ATTRIBUTE_LOCAL, &bytes);
        attribute(&mut body, ATTRIBUTE_ADDRESS, &bytes);
        match self.ask(NEW_ADDRESS, CREATE, &body) {
            // It has it already, as lo has its own.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    /// Whatever has no other way, of the same kind as `like`, leaves through a device.
    pub(super) fn add_default_route(&mut self, device: u32, like: IpAddr) -> io::Result<()> {
        let (family, _) = bytes(like);
        let mut body = vec![
            family,
            0,
            0,
            0,
            TABLE_MAIN,
            BY_ADMINISTRATOR,
            SCOPE_EVERYWHERE,
            UNICAST,
        ];
        body.extend(0_u32.to_ne_bytes());
        attribute(&mut body, ATTRIBUTE_OUT, &device.to_ne_bytes());
        self.ask(NEW_ROUTE, CREATE, &body)
    }

    /// Sends one request and reads the kernel's answer to it.
    fn ask(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        self.sequence += 1;
        let length = u32::try_from(16 + body.len()).map_err(io::Error::other)?;
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend((REQUEST_WITH_ANSWER | flags).to_ne_bytes());
        message.extend(self.sequence.to_ne_bytes());
        message.extend(0_u32.to_ne_bytes());
        message.extend(body);
        let kernel = SocketAddrNetlink::new(0, 0);
        rustix::net::sendto(&self.socket, &message, SendFlags::empty(), &kernel)?;
        let mut answer = [0_u8; ANSWER_MAX_BYTES];
        let (read, _) = rustix::net::recv(&self.socket, &mut answer[..], RecvFlags::empty())?;
        refusal(answer.get(..read).unwrap_or_default())
    }
}

/// The error in an answer: behind 16 bytes of header, a negative number or 0.
fn refusal(answer: &[u8]) -> io::Result<()> {
    let odd = || io::Error::other("an answer that is none");
    let kind = answer
        .get(4..6)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u16::from_ne_bytes);
    let code = answer
        .get(16..20)
        .and_then(|bytes| bytes.try_into().ok())
        .map(i32::from_ne_bytes);
    match (kind, code) {
        (Some(ERROR), Some(0)) => Ok(()),
        (Some(ERROR), Some(code)) => Err(io::Error::from_raw_os_error(-code)),
        _ => Err(odd()),
    }
}

fn bytes(address: IpAddr) -> (u8, Vec<u8>) {
    match address {
        IpAddr::V4(address) => (FAMILY_IPV4, address.octets().to_vec()),
        IpAddr::V6(address) => (FAMILY_IPV6, address.octets().to_vec()),
    }
}

/// Length and kind, then the value; all that is sent here is a multiple of four bytes long.
fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    body.extend(length.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
}
