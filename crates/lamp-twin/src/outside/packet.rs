//! One IP packet of a twin to another machine: whom it calls, and the packet that refuses it. Pure.
//!
//! TCP is refused by a reset (RFC 9293), the rest by "port unreachable" (RFC 792, RFC 4443): a caller is told at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Protocol numbers.
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP_OF_IPV6: u8 = 58;
const IPV6_HEADER_BYTES: usize = 40;
const RESET_AND_ACKNOWLEDGE: u8 = 0x14;
const SYN: u8 = 0x02;
/// Of a refused packet as much is sent back as fits into the least that every network takes (RFC 4443).
const QUOTED_MAX_BYTES: usize = 500;
/// Longest name that is told of a question for one.
const NAME_MAX_BYTES: usize = 120;
const NAME_SERVICE: u16 = 53;

/// A call outside.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// For people.
    pub(super) told: String,
    /// What refuses it.
    pub(super) refusal: Option<Vec<u8>>,
}

/// The parts of a packet that count.
struct Packet<'a> {
    from: IpAddr,
    to: IpAddr,
    protocol: u8,
    payload: &'a [u8],
    whole: &'a [u8],
}

/// Reads a packet; `None` for what is no call, as the kernel's own questions for neighbours.
pub(super) fn read(bytes: &[u8]) -> Option<Call> {
    let packet = match bytes.first()? >> 4 {
        4 => Packet::v4(bytes)?,
        6 => Packet::v6(bytes)?,
        _ => return None,
    };
    let is_multicast = match packet.to {
        IpAddr::V4(to) => to.is_multicast(),
        IpAddr::V6(to) => to.is_multicast(),
    };
    if is_multicast || matches!(packet.protocol, ICMP | ICMP_OF_IPV6) && !packet.is_echo() {
        return None;
    }
    Some(Call {
        told: packet.told(),
        refusal: packet.refusal(),
    })
}

impl<'a> Packet<'a> {
    fn v4(bytes: &'a [u8]) -> Option<Self> {
        let header_bytes = usize::from(bytes.first()? & 0x0f) * 4;
        let address = |at: usize| {
            Some(IpAddr::V4(Ipv4Addr::from(
                <[u8; 4]>::try_from(bytes.get(at..at + 4)?).ok()?,
            )))
        };
        Some(Self {
            from: address(12)?,
            to: address(16)?,
            protocol: *bytes.get(9)?,
            payload: bytes.get(header_bytes.max(20)..)?,
            whole: bytes,
        })
    }

    fn v6(bytes: &'a [u8]) -> Option<Self> {
        let address = |at: usize| {
            Some(IpAddr::V6(Ipv6Addr::from(
                <[u8; 16]>::try_from(bytes.get(at..at + 16)?).ok()?,
            )))
        };
        Some(Self {
            from: address(8)?,
            to: address(24)?,
            protocol: *bytes.get(6)?,
            payload: bytes.get(IPV6_HEADER_BYTES..)?,
            whole: bytes,
        })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let pair: [u8; 2] = self.payload.get(at..at + 2)?.try_into().ok()?;
        Some(u16::from_be_bytes(pair))
    }

    fn is_echo(&self) -> bool {
        matches!(
            (self.protocol, self.payload.first()),
            (ICMP, Some(8)) | (ICMP_OF_IPV6, Some(128))
        )
    }

    fn told(&self) -> String {
        let to = match self.to {
            IpAddr::V4(to) => to.to_string(),
            IpAddr::V6(to) => format!("[{to}]"),
        };
        let port = self.u16(2);
        match (self.protocol, port) {
            (TCP, Some(port)) => format!("{to}:{port}/tcp"),
            (UDP, Some(NAME_SERVICE)) => match name_asked(self.payload.get(8..).unwrap_or_default()) {
                Some(name) => format!("{to}:53/udp asking for {name}"),
                None => format!("{to}:53/udp"),
            },
            (UDP, Some(port)) => format!("{to}:{port}/udp"),
            (ICMP | ICMP_OF_IPV6, _) => format!("{to}/icmp"),
            (other, _) => format!("{to}/protocol {other}"),
        }
    }

    fn refusal(&self) -> Option<Vec<u8>> {
        match self.protocol {
            TCP => self.reset(),
            ICMP | ICMP_OF_IPV6 => None,
            _ => Some(self.unreachable()),
        }
    }

    /// A reset that acknowledges what came.
    fn reset(&self) -> Option<Vec<u8>> {
        let sequence = u32::from_be_bytes(self.payload.get(4..8)?.try_into().ok()?);
        let is_syn = self.payload.get(13)? & SYN != 0;
        let mut segment = Vec::with_capacity(20);
        segment.extend(self.payload.get(2..4)?);
        segment.extend(self.payload.get(..2)?);
        segment.extend([0; 4]);
        segment.extend(sequence.wrapping_add(u32::from(is_syn)).to_be_bytes());
        segment.extend([5 << 4, RESET_AND_ACKNOWLEDGE, 0, 0, 0, 0, 0, 0]);
        let sum = checksum(&[&self.pseudo_header(TCP, segment.len()), &segment]);
        segment.get_mut(16..18)?.copy_from_slice(&sum);
        Some(self.back(TCP, &segment))
    }

    /// "Port unreachable", with the beginning of what came.
    fn unreachable(&self) -> Vec<u8> {
        let (protocol, kind, code) = match self.to {
            IpAddr::V4(_) => (ICMP, 3, 3),
            IpAddr::V6(_) => (ICMP_OF_IPV6, 1, 4),
        };
        let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
        message.extend(self.whole.iter().take(QUOTED_MAX_BYTES));
        let pseudo = match self.to {
            IpAddr::V4(_) => Vec::new(),
            IpAddr::V6(_) => self.pseudo_header(protocol, message.len()),
        };
        let sum = checksum(&[&pseudo, &message]);
        if let Some(place) = message.get_mut(2..4) {
            place.copy_from_slice(&sum);
        }
        self.back(protocol, &message)
    }

    /// The addresses that a sum goes over too, those of an answer.
    fn pseudo_header(&self, protocol: u8, length: usize) -> Vec<u8> {
        let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        let mut header = [octets(self.to), octets(self.from)].concat();
        match self.to {
            IpAddr::V4(_) => header.extend([0, protocol]),
            IpAddr::V6(_) => header.extend([0, 0]),
        }
        header.extend(length);
        if self.to.is_ipv6() {
            header.extend([0, 0, 0, protocol]);
        }
        header
    }

    /// A packet from whom the call was for to the caller.
    fn back(&self, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let addresses = [octets(self.to), octets(self.from)].concat();
        let mut packet = match self.to {
            IpAddr::V4(_) => {
                let length = u16::try_from(20 + payload.len())
                    .unwrap_or(u16::MAX)
                    .to_be_bytes();
                let mut header = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, protocol, 0, 0];
                header.extend(addresses);
                let sum = checksum(&[&header]);
                header[10..12].copy_from_slice(&sum);
                header
            }
            IpAddr::V6(_) => {
                let length = u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes();
                let mut header = vec![0x60, 0, 0, 0, length[0], length[1], protocol, 64];
                header.extend(addresses);
                header
            }
        };
        packet.extend(payload);
        packet
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The internet's sum over all parts, each of an even length but the last (RFC 1071).
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = words
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or_default()))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!u16::try_from(sum).unwrap_or_default()).to_be_bytes()
}

/// The name that a question to the name service is for (RFC 1035).
fn name_asked(message: &[u8]) -> Option<String> {
    let mut rest = message.get(12..)?;
    let mut labels = Vec::new();
    loop {
        let (length, behind) = rest.split_first()?;
        if *length == 0 {
            break;
        }
        let label = behind.get(..usize::from(*length)).filter(|_| *length < 64)?;
        let plain = label
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
        labels.push(plain.then(|| String::from_utf8_lossy(label).into_owned())?);
        rest = behind.get(usize::from(*length)..)?;
    }
    let name = labels.join(".");
    (!name.is_empty() && name.len() <= NAME_MAX_BYTES).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![
            0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 198, 18, 0, 1, 203, 0, 113, 7,
        ];
        packet.extend(payload);
        packet
    }

    fn told(packet: &[u8]) -> Option<String> {
        read(packet).map(|call| call.told)
    }

    #[test]
    fn calls_are_told_by_address_port_and_name() {
        let syn = [
            0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 0x02, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(told(&v4(TCP, &syn)).as_deref(), Some("203.0.113.7:443/tcp"));
        assert_eq!(
            told(&v4(UDP, &[0, 9, 0, 9, 0, 8, 0, 0])).as_deref(),
            Some("203.0.113.7:9/udp")
        );
        let mut question = vec![0, 9, 0, 53, 0, 0, 0, 0];
        question.extend([0; 12]);
        question.extend(b"\x03api\x07example\x00\x00\x01\x00\x01");
        assert_eq!(
            told(&v4(UDP, &question)).as_deref(),
            Some("203.0.113.7:53/udp asking for api.example")
        );
        question[21] = 0x1b;
        assert_eq!(told(&v4(UDP, &question)).as_deref(), Some("203.0.113.7:53/udp"));
        assert_eq!(told(&v4(ICMP, &[8, 0])).as_deref(), Some("203.0.113.7/icmp"));
    }

    #[test]
    fn what_is_no_call_is_passed_over_and_nothing_is_too_short() {
        let mut multicast = v4(UDP, &[0; 8]);
        multicast[16] = 224;
        assert_eq!(told(&multicast), None);
        let whole = v4(TCP, &[0; 20]);
        for length in 0..whole.len() {
            let _read = read(&whole[..length]);
            let mut six = whole[..length].to_vec();
            six.resize(length, 0);
            if let Some(first) = six.first_mut() {
                *first = 0x60;
            }
            let _read = read(&six);
        }
    }

    #[test]
    fn a_reset_answers_a_syn_with_right_sums() {
        let syn = [
            0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 0x02, 0, 0, 0, 0, 0, 0,
        ];
        let call = read(&v4(TCP, &syn)).expect("a call");
        let back = call.refusal.expect("a refusal");
        assert_eq!(&back[12..20], [203, 0, 113, 7, 198, 18, 0, 1]);
        let segment = &back[20..];
        assert_eq!(&segment[..4], [0x01, 0xbb, 0x9c, 0x40]);
        assert_eq!(&segment[8..14], [0, 0, 0, 10, 0x50, RESET_AND_ACKNOWLEDGE]);
        // A sum over what holds its own sum is nothing.
        assert_eq!(checksum(&[&back[..20]]), [0, 0]);
        let mut pseudo = back[12..20].to_vec();
        pseudo.extend([0, TCP, 0, 20]);
        assert_eq!(checksum(&[&pseudo, segment]), [0, 0]);
    }
}
