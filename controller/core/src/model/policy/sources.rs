//! Which addresses may ask.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Lists of addresses of clients. An address that is denied is answered with 403, and so is one that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SourceRanges {
    /// Not these; sorted.
    pub denied: Vec<IpNet>,
    /// Only these; sorted. Empty: all that are not denied.
    pub allowed: Vec<IpNet>,
}

impl SourceRanges {
    /// Two lists that have every address.
    #[must_use]
    pub fn everybody() -> [IpNet; 2] {
        [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())]
    }
}
