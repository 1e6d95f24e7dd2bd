//! Networks as HAProxy compares them.
//!
//! HAProxy takes an IPv6 client that has an IPv4 address in it (`::10.1.2.3`, 6to4) for that one as well, and every IPv4
//! client for an IPv6 one in `::ffff:0:0/96`. So all networks are written for the second form, in which no two clients are
//! the same: IPv4 networks below `::ffff:0:0/96`, and IPv6 networks without it.

use ipnet::{IpNet, Ipv6Net};
use std::net::Ipv6Addr;

/// Where IPv4 addresses are among the IPv6 ones, and the length of that prefix.
const MAPPED: u128 = 0xffff << 32;
const MAPPED_LENGTH: u8 = 96;

/// Networks in lines of a bounded number: HAProxy takes 64 words, with those that stand before and behind them.
pub(super) fn lines(networks: &[IpNet]) -> Vec<Vec<String>> {
    const WORDS: usize = 40;
    let written: Vec<String> = networks.iter().flat_map(written).map(|network| network.to_string()).collect();
    written.chunks(WORDS).map(<[String]>::to_vec).collect()
}

fn written(network: &IpNet) -> Vec<Ipv6Net> {
    match network {
        IpNet::V4(network) => part(MAPPED | u128::from(u32::from(network.network())), MAPPED_LENGTH + network.prefix_len()),
        IpNet::V6(network) if network.prefix_len() < MAPPED_LENGTH && network.contains(&Ipv6Addr::from(MAPPED)) => {
            // Each part is what lies beside the way to the IPv4 addresses, one bit deeper.
            (network.prefix_len() + 1..=MAPPED_LENGTH).flat_map(|length| part(MAPPED ^ (1 << (128 - length)), length)).collect()
        }
        IpNet::V6(network) => vec![network.trunc()],
    }
}

/// None when the length is no length of a prefix.
fn part(address: u128, length: u8) -> Vec<Ipv6Net> {
    Ipv6Net::new(address.into(), length).map(|network| network.trunc()).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn all(networks: &[&str]) -> Vec<Ipv6Net> {
        let networks: Vec<IpNet> = networks.iter().map(|network| network.parse().unwrap()).collect();
        lines(&networks).concat().iter().map(|network| network.parse().unwrap()).collect()
    }

    /// As HAProxy does with IPv6 networks.
    fn matches(networks: &[Ipv6Net], client: &str) -> bool {
        let client = match client.parse().unwrap() {
            IpAddr::V4(client) => client.to_ipv6_mapped(),
            IpAddr::V6(client) => client,
        };
        networks.iter().any(|network| network.contains(&client))
    }

    #[test]
    fn a_client_is_of_one_family() {
        let ten = all(&["10.0.0.0/8"]);
        assert_eq!(ten, ["::ffff:10.0.0.0/104".parse().unwrap()]);
        for (client, expected) in
            [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("11.0.0.0", false), ("::10.1.2.3", false), ("2002:a01:203::1", false)]
        {
            assert_eq!(matches(&ten, client), expected, "{client}");
        }
        for wide in ["::/0", "::/8", "::/80"] {
            let wide = all(&[wide]);
            for (client, expected) in [("127.0.0.1", false), ("::ffff:127.0.0.1", false), ("::1", true), ("::1:0:0", true)] {
                assert_eq!(matches(&wide, client), expected, "{client}");
            }
        }
        let everybody = all(&["::/0", "0.0.0.0/0"]);
        assert!(["0.0.0.0", "255.255.255.255", "::", "ffff::", "2001:db8::1"].iter().all(|client| matches(&everybody, client)));
    }

    #[test]
    fn long_lists_are_cut_into_lines() {
        let networks: Vec<IpNet> = (0..90).map(|n| format!("10.0.{n}.0/24").parse().unwrap()).collect();
        assert_eq!(lines(&networks).iter().map(Vec::len).collect::<Vec<_>>(), [40, 40, 10]);
        assert!(lines(&[]).is_empty());
    }
}
