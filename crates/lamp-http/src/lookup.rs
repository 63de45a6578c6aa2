//! The addresses of a host name. A [`crate::Client`] looks none up by itself: it is given one address, and asks
//! that one only.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Most addresses of one name that are looked at.
pub const ADDRESSES_MAX: usize = 16;

/// Where `host` is reached at `port`, as the machine's resolver says, within `most`; never empty.
pub async fn addresses(host: &str, port: u16, most: Duration) -> io::Result<Vec<SocketAddr>> {
    let asked = tokio::time::timeout(most, tokio::net::lookup_host((host, port))).await;
    let found =
        asked.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the resolver does not answer"))??;
    let found: Vec<_> = found.take(ADDRESSES_MAX).collect();
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(found)
}

/// Whether an address is one of the public internet: not of this host, its link, a private net, a group of
/// hosts, or one set aside (RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4.octets()),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public_v4(v4.octets()),
            // Global unicast is 2000::/3; 2001:db8::/32 is for manuals, 2002::/16 wraps an IPv4 address.
            None => {
                let [a, b, ..] = v6.segments();
                a & 0xe000 == 0x2000 && (a, b) != (0x2001, 0xdb8) && a != 0x2002
            }
        },
    }
}

const fn is_public_v4(octets: [u8; 4]) -> bool {
    !matches!(
        octets,
        [0 | 10 | 127, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [224..=255, ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(public: bool, addresses: &[&str]) {
        for text in addresses {
            let address = text.parse().expect("an address");
            assert_eq!(is_public(address), public, "{text}");
        }
    }

    #[test]
    fn what_only_this_host_or_its_nets_can_reach_is_not_public() {
        check(
            false,
            &[
                "127.0.0.1",
                "10.1.2.3",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
            ],
        );
        check(
            false,
            &[
                "169.254.169.254",
                "100.64.0.1",
                "0.0.0.0",
                "224.0.0.1",
                "255.255.255.255",
            ],
        );
        check(
            false,
            &[
                "::1",
                "::",
                "fe80::1",
                "fd00::1",
                "ff02::1",
                "::ffff:10.0.0.1",
                "2002:a00:1::1",
            ],
        );
        check(
            true,
            &[
                "1.1.1.1",
                "172.32.0.1",
                "192.0.1.1",
                "100.128.0.1",
                "2606:4700::1111",
                "::ffff:8.8.8.8",
            ],
        );
    }

    #[tokio::test]
    async fn a_literal_needs_no_resolver_and_a_name_that_cannot_be_is_an_error() {
        let most = Duration::from_secs(5);
        let found = addresses("127.0.0.1", 80, most).await.expect("a literal");
        assert_eq!(found, ["127.0.0.1:80".parse().expect("an address")]);
        assert!(addresses("name with blanks", 80, most).await.is_err());
    }
}
