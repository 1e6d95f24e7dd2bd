//! `upstream` blocks.

use super::{between, seconds};
use crate::model::{Backend, Balance, UpstreamKeepalive};
use serde::Serialize;

/// What `backend.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct BackendView<'m> {
    id: &'m str,
    random_two: bool,
    /// `10.0.0.1:80`, `[fd00::1]:80`.
    endpoints: Vec<String>,
    keep_alive: Option<KeepAliveView>,
}

#[derive(Debug, Serialize)]
struct KeepAliveView {
    connections: u64,
    timeout: String,
    requests: u64,
    time: String,
}

impl<'m> BackendView<'m> {
    pub(super) fn new(backend: &'m Backend, keepalive: &UpstreamKeepalive) -> Self {
        let keepalive = backend.policy.keepalive.as_ref().unwrap_or(keepalive);
        let keep_alive = (keepalive.connections > 0).then(|| KeepAliveView {
            connections: between(1, keepalive.connections, 1 << 20),
            timeout: seconds(keepalive.timeout_s),
            requests: between(1, keepalive.requests, 1 << 40),
            time: seconds(keepalive.time_s),
        });
        Self {
            id: backend.id.as_str(),
            random_two: backend.balance == Balance::RandomTwo,
            endpoints: backend.endpoints.iter().map(ToString::to_string).collect(),
            keep_alive,
        }
    }
}
