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
