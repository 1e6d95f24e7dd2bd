//! Which addresses may ask.

use ipnet::IpNet;

/// Lists of addresses of clients. An address that is denied is answered with 403, and so is one that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SourceRanges {
    /// Not these; sorted.
    pub denied: Vec<IpNet>,
    /// Only these; sorted. Empty: all that are not denied.
    pub allowed: Vec<IpNet>,
}
