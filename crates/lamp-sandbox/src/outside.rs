//! The way that leads outside, in a sandbox that has none: a device that whoever asks for it holds the other end of.
//!
//! Every packet that the inside sends to another machine comes out of the descriptor, and what is written to the
//! descriptor comes in. No packet leaves the host. The device ends with the descriptor, and with the sandbox.

mod netlink;

use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::error::{Doing, Refused, SandboxError};
use crate::sandbox::Sandbox;
use crate::sys;
use netlink::Netlink;

/// What the device is called, inside.
const DEVICE: &str = "outside";
/// The inside's own addresses on it: for benchmarks (RFC 2544) and of a private network (RFC 4193), so nobody's.
const OWN: [&str; 2] = ["198.18.0.1", "fd6c:616d:7000::1"];

impl Sandbox {
    /// Makes all that the inside sends to other machines come out of the answer, as IP packets, one a read; and gives the inside the
    /// addresses `local` as its own.
    ///
    /// Before it is called the inside reaches nothing but itself. Where the kernel has no IPv6, that stays so for IPv6.
    pub fn outside(&self, local: &[IpAddr]) -> Result<OwnedFd, SandboxError> {
        let net = self.net()?;
        // A thread that joins a namespace stays there: it is never the caller's.
        let made = std::thread::scope(|scope| {
            let thread = scope.spawn(|| make(&net, local));
            let ended = || std::io::Error::other("its thread ended");
            thread
                .join()
                .unwrap_or_else(|_| Err(ended()).doing(|| "joining the sandbox's network".to_owned()))
        });
        Ok(made?)
    }
}

fn make(net: &OwnedFd, local: &[IpAddr]) -> Result<OwnedFd, Refused> {
    let joining = || "joining the sandbox's network".to_owned();
    move_into_link_name_space(net.as_fd(), Some(LinkNameSpaceType::Network)).doing(joining)?;
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opening = || "opening /dev/net/tun".to_owned();
    let tun = rustix::fs::open("/dev/net/tun", flags, Mode::empty()).doing(opening)?;
    sys::attach_tun(tun.as_fd(), DEVICE).doing(|| format!("making the device {DEVICE}"))?;
    let mut netlink = Netlink::open().doing(|| "asking for the sandbox's network".to_owned())?;
    let loopback = netlink
        .index("lo")
        .doing(|| "looking for the loopback device".to_owned())?;
    for address in local {
        netlink
            .add_address(loopback, *address)
            .doing(|| format!("giving the sandbox the address {address}"))?;
    }
    lead_out(&mut netlink)?;
    Ok(tun)
}

fn lead_out(netlink: &mut Netlink) -> Result<(), Refused> {
    let doing = || format!("leading the sandbox's packets to {DEVICE}");
    let device = netlink.index(DEVICE).doing(doing)?;
    netlink.raise(device).doing(doing)?;
    for own in OWN.iter().filter_map(|own| own.parse::<IpAddr>().ok()) {
        let led = netlink
            .add_address(device, own)
            .and_then(|()| netlink.add_default_route(device, own));
        // A kernel without IPv6 has no way for it either.
        if own.is_ipv4() {
            led.doing(doing)?;
        }
    }
    Ok(())
}
