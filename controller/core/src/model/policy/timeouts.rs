//! How long the endpoints of a route may take.

/// Each in seconds, at least 1; `None`: as the globals say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Timeouts {
    /// To accept a connection.
    pub connect_s: Option<u64>,
    /// Between two reads.
    pub read_s: Option<u64>,
    /// Between two writes.
    pub send_s: Option<u64>,
}

impl Timeouts {
    /// These, and those of another wish where they say nothing.
    #[must_use]
    pub fn over(self, under: Self) -> Self {
        Self { connect_s: self.connect_s.or(under.connect_s), read_s: self.read_s.or(under.read_s), send_s: self.send_s.or(under.send_s) }
    }
}
