//! Addresses that requests are never forwarded to: loopback, link-local, multicast and broadcast ones, and the metadata services of
//! clouds, in every spelling.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address may not be forwarded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forbidden {
    /// The IPv4 address that it leads to, where it is one of IPv6.
    leads_to: Option<Ipv4Addr>,
    /// What it is, or what that one is.
    is: &'static str,
}

/// As in `is loopback`, or `leads to 127.0.0.1, which is loopback`.
impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.leads_to {
            None => write!(f, "is {}", self.is),
            Some(v4) => write!(f, "leads to {v4}, which is {}", self.is),
        }
    }
}

/// Why this address may not be forwarded to: the ports of the proxy and the controller are on this machine, and what a
/// metadata service says is for it alone. `None`: it may.
pub(super) fn forbidden(ip: IpAddr) -> Option<Forbidden> {
    match ip {
        IpAddr::V4(v4) => kind_of_v4(v4).map(|is| Forbidden { leads_to: None, is }),
        IpAddr::V6(v6) => match kind_of_v6(v6) {
            Some(is) => Some(Forbidden { leads_to: None, is }),
            None => embedded(v6).into_iter().find_map(|v4| kind_of_v4(v4).map(|is| Forbidden { leads_to: Some(v4), is })),
        },
    }
}

/// The address itself, and those of IPv4 that it leads to.
pub(super) fn spellings(ip: IpAddr) -> impl Iterator<Item = IpAddr> {
    let embedded = if let IpAddr::V6(v6) = ip { embedded(v6) } else { Vec::new() };
    std::iter::once(ip).chain(embedded.into_iter().map(IpAddr::V4))
}

const METADATA: &str = "a cloud's metadata service";

/// Those that are not link-local: of Alibaba Cloud, of Azure's host, and of Oracle's older machines.
const METADATA_V4: [Ipv4Addr; 3] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];

/// Those of AWS (also for the Pods of EKS), Google Cloud, Oracle and Scaleway.
const METADATA_V6: [Ipv6Addr; 5] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

fn kind_of_v4(ip: Ipv4Addr) -> Option<&'static str> {
    let kinds = [
        (ip.is_loopback(), "loopback"),
        (ip.is_link_local(), "link-local"),
        (ip.is_unspecified(), "unspecified"),
        (ip.octets()[0] == 0, "of no network"),
        (ip.is_multicast(), "multicast"),
        (ip.is_broadcast(), "broadcast"),
        (METADATA_V4.contains(&ip), METADATA),
    ];
    kinds.into_iter().find_map(|(holds, kind)| holds.then_some(kind))
}

fn kind_of_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let kinds = [
        (ip.is_loopback(), "loopback"),
        (ip.is_unicast_link_local(), "link-local"),
        (ip.is_unspecified(), "unspecified"),
        (ip.is_multicast(), "multicast"),
        (METADATA_V6.contains(&ip), METADATA),
    ];
    kinds.into_iter().find_map(|(holds, kind)| holds.then_some(kind))
}

/// The IPv4 addresses that packets to this one may go to: mapped and compatible ones (RFC 4291), translated ones (RFC 2765),
/// those behind NAT64 (RFC 6052, and RFC 8215 with prefixes of every length), and 6to4 (RFC 3056).
fn embedded(ip: Ipv6Addr) -> Vec<Ipv4Addr> {
    let v4 = |high: u16, low: u16| vec![Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))];
    match ip.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        [0x64, 0xff9b, 1, ..] => behind_local_prefix(ip.octets()),
        _ => Vec::new(),
    }
}

/// Behind prefixes of 48, 56, 64 and 96 bits; behind all but the last the rest is zero, and so are bits 64 to 71.
fn behind_local_prefix(bytes: [u8; 16]) -> Vec<Ipv4Addr> {
    let is_zero = |from: usize| bytes[8] == 0 && bytes[from..].iter().all(|byte| *byte == 0);
    let places =
        [(is_zero(11), [6, 7, 9, 10]), (is_zero(12), [7, 9, 10, 11]), (is_zero(13), [9, 10, 11, 12]), (!is_zero(12), [12, 13, 14, 15])];
    places.into_iter().filter(|(may_be, _)| *may_be).map(|(_, at)| Ipv4Addr::from(at.map(|n: usize| bytes[n]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(ip: &str) -> Option<String> {
        forbidden(ip.parse().unwrap()).map(|why| why.to_string())
    }

    #[test]
    fn addresses_of_this_machine_and_of_metadata_are_forbidden_in_every_spelling() {
        for (ip, why) in [
            ("127.0.0.1", "is loopback"),
            ("169.254.169.254", "is link-local"),
            ("0.0.0.0", "is unspecified"),
            ("0.0.0.1", "is of no network"),
            ("224.0.0.1", "is multicast"),
            ("255.255.255.255", "is broadcast"),
            ("100.100.100.200", "is a cloud's metadata service"),
            ("168.63.129.16", "is a cloud's metadata service"),
            ("192.0.0.192", "is a cloud's metadata service"),
            ("::1", "is loopback"),
            ("::", "is unspecified"),
            ("fe80::1", "is link-local"),
            ("ff02::1", "is multicast"),
            ("fd00:ec2::254", "is a cloud's metadata service"),
            ("fd00:ec2::23", "is a cloud's metadata service"),
            ("fd20:ce::254", "is a cloud's metadata service"),
            ("::ffff:127.0.0.1", "leads to 127.0.0.1, which is loopback"),
            ("::ffff:0:127.0.0.1", "leads to 127.0.0.1, which is loopback"),
            ("::169.254.169.254", "leads to 169.254.169.254, which is link-local"),
            ("64:ff9b::a9fe:a9fe", "leads to 169.254.169.254, which is link-local"),
            ("64:ff9b:1::7f00:1", "leads to 127.0.0.1, which is loopback"),
            ("64:ff9b:1:2:3:4:7f00:1", "leads to 127.0.0.1, which is loopback"),
            ("64:ff9b:1:2:a9:fea9:fe00:0", "leads to 169.254.169.254, which is link-local"),
            ("64:ff9b:1:2a9:fe:a9fe::", "leads to 169.254.169.254, which is link-local"),
            ("64:ff9b:1:a9fe:a9:fe00::", "leads to 169.254.169.254, which is link-local"),
            ("64:ff9b::100.100.100.200", "leads to 100.100.100.200, which is a cloud's metadata service"),
            ("2002:a9fe:a9fe::", "leads to 169.254.169.254, which is link-local"),
            ("2002:7f00:1:2::3", "leads to 127.0.0.1, which is loopback"),
        ] {
            assert_eq!(said(ip).as_deref(), Some(why), "{ip}");
        }
    }

    #[test]
    fn neighbours_of_forbidden_addresses_are_not() {
        for ip in [
            "1.0.0.1",
            "10.0.0.1",
            "100.100.100.201",
            "192.0.0.191",
            "240.0.0.1",
            "::10.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:2::7f00:1",
            "64:ff9b:1::a00:1",
            "64:ff9b:1:a14:1e:2800::",
            "64:ff9b:1:2:a:0:100:0",
            "64:ff9b:1:7f00:0:100:a00:1",
            "64:ff9c::7f00:1",
            "2002:a00:1::7f00:1",
            "2003:7f00:1::",
            "fd00:ec2::1",
            "fd00::254",
            "2001:db8::1",
        ] {
            assert_eq!(said(ip), None, "{ip}");
        }
    }
}
