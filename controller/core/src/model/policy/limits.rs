//! How much one client may ask for.

use ipnet::IpNet;

/// Bounds for each client address. What a client has used counts for all routes of the same origin together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientLimits {
    /// How often; every one of them has to be kept. At most one for each period.
    pub rates: Vec<RequestRate>,
    /// Requests at once; at least 1.
    pub connections: Option<u64>,
    /// Clients without limits; sorted.
    pub exempt: Vec<IpNet>,
}

/// How often a client may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestRate {
    /// Requests in a period, in the long run; at least 1.
    pub requests: u64,
    /// How long the period is.
    pub period: Period,
    /// Requests that a client may be ahead of the rate, answered at once; may be 0.
    pub burst: u64,
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// One second.
    Second,
    /// One minute.
    Minute,
}

/// How fast an answer is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bandwidth {
    /// KiB per second for each answer; 0: unlimited; `None`: as the globals say.
    pub rate_kib: Option<u64>,
    /// KiB that are sent as fast as it goes; `None`: as the globals say.
    pub after_kib: Option<u64>,
}

impl Bandwidth {
    /// These settings, with those of `under` where they say nothing.
    #[must_use]
    pub fn over(self, under: Self) -> Self {
        Self { rate_kib: self.rate_kib.or(under.rate_kib), after_kib: self.after_kib.or(under.after_kib) }
    }
}
