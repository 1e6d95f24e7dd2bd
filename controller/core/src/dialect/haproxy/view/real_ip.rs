//! How the address of a connection is replaced, and whose word is taken for that.

use super::addresses;
use crate::model::{Forwarding, TrustedAddressSource};
use ipnet::IpNet;
use serde::Serialize;

/// How the address of a connection is replaced.
#[derive(Debug, Serialize)]
pub(super) struct RealIpView {
    /// Peers whose word is taken, in lines of a bounded number.
    trusted: Vec<Vec<String>>,
    /// The source that a PROXY protocol header names counts.
    source_is_believed: bool,
    /// Entries of the header, in the order in which they are asked.
    header_positions: Vec<String>,
}

impl RealIpView {
    /// `None`: it is not.
    pub(super) fn new(forwarding: &Forwarding, proxy_protocol: bool) -> Option<Self> {
        use TrustedAddressSource as Source;
        let source = forwarding.client_address;
        if source == Source::Connection && !proxy_protocol {
            return None;
        }
        let trusted = trusted(forwarding);
        let by_header = matches!(source, Source::Header | Source::HeaderBehindProxyProtocol);
        Some(Self {
            trusted: peers(&trusted),
            source_is_believed: matches!(source, Source::ProxyProtocol | Source::HeaderBehindProxyProtocol),
            header_positions: if by_header { positions(&trusted) } else { Vec::new() },
        })
    }
}

/// Peers whose word is taken.
fn trusted(forwarding: &Forwarding) -> Vec<IpNet> {
    let mut trusted: Vec<IpNet> = forwarding.trusted_peers.iter().map(IpNet::trunc).collect();
    trusted.sort_unstable();
    trusted.dedup();
    trusted
}

/// Peers whose word is taken, in lines of a bounded number.
pub(super) fn trusted_lines(forwarding: &Forwarding) -> Vec<Vec<String>> {
    peers(&trusted(forwarding))
}

/// Nobody trusted is an address that no peer has.
fn peers(trusted: &[IpNet]) -> Vec<Vec<String>> {
    if trusted.is_empty() { vec![vec!["255.255.255.255".to_owned()]] } else { addresses::lines(trusted) }
}

/// The entries are asked from the last one on, for as long as the one before is trusted; where everybody is, only the
/// first one counts.
fn positions(trusted: &[IpNet]) -> Vec<String> {
    const MOST: i32 = 8;
    if trusted.iter().any(|range| range.prefix_len() == 0) { vec!["1".to_owned()] } else { (1..=MOST).map(|n| format!("-{n}")).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_an_address_that_no_peer_has() {
        assert_eq!(peers(&[]), [["255.255.255.255"]]);
    }

    #[test]
    fn the_header_is_read_from_its_end_unless_everybody_is_trusted() {
        assert_eq!(positions(&["10.0.0.0/8".parse().unwrap()]).first().map(String::as_str), Some("-1"));
        assert_eq!(positions(&["0.0.0.0/0".parse().unwrap()]), ["1"]);
    }
}
