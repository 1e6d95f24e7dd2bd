//! How endpoints are spoken to: time, further tries, idle connections.

/// How long upstreams may take, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UpstreamTimeouts {
    /// To accept a connection.
    pub connect_s: u64,
    /// Between two reads.
    pub read_s: u64,
    /// Between two writes.
    pub send_s: u64,
}

impl Default for UpstreamTimeouts {
    fn default() -> Self {
        Self { connect_s: 5, read_s: 60, send_s: 60 }
    }
}

/// When a request is tried on another endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RetryPolicy {
    /// Causes as nginx names them (`error`, `timeout`, `http_502` …), sorted; empty: never.
    pub causes: Vec<String>,
    /// Endpoints tried in all; 0: no bound.
    pub tries: u64,
    /// Seconds in all; 0: no bound.
    pub timeout_s: u64,
    /// Requests with methods such as POST are tried again as well.
    pub non_idempotent: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { causes: vec!["error".to_owned(), "timeout".to_owned()], tries: 3, timeout_s: 0, non_idempotent: false }
    }
}

/// Idle connections to endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UpstreamKeepalive {
    /// Per worker and backend; 0: connections are closed after each request. Default 32, for ingress-nginx has one pool
    /// of 320 for all backends and stock proxies one for each.
    pub connections: u64,
    /// Idle seconds.
    pub timeout_s: u64,
    /// Requests of one connection.
    pub requests: u64,
    /// Seconds after which a connection takes no further request.
    pub time_s: u64,
}

impl UpstreamKeepalive {
    /// No connection is kept.
    #[must_use]
    pub fn none() -> Self {
        Self { connections: 0, ..Self::default() }
    }
}

impl Default for UpstreamKeepalive {
    fn default() -> Self {
        Self { connections: 32, timeout_s: 60, requests: 10_000, time_s: 3600 }
    }
}
