//! The side of the upstreams: timeouts, buffers, retries, headers.

use super::route::redirect;
use super::{MAX_BYTES, between, on_off, seconds};
use crate::model::{Globals, RetryPolicy};
use serde::Serialize;

/// Causes that nginx 1.22 and later take.
const CAUSES: &[&str] =
    &["error", "http_403", "http_404", "http_429", "http_500", "http_502", "http_503", "http_504", "invalid_header", "timeout"];

/// What `upstream.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct UpstreamView {
    /// `Connection` of a request that upgrades nothing.
    idle_connection: &'static str,
    server_header: bool,
    intercept_errors: bool,
    http_version: &'static str,
    /// The words behind `proxy_redirect`.
    redirect: Vec<String>,
    connect_timeout: String,
    read_timeout: String,
    send_timeout: String,
    buffer_responses: &'static str,
    buffer_requests: &'static str,
    buffers: u64,
    buffer_bytes: u64,
    busy_buffer_bytes: u64,
    temp_file_bytes: u64,
    retry_causes: Vec<&'static str>,
    tries: u64,
    retry_timeout: String,
}

impl UpstreamView {
    pub(super) fn new(globals: &Globals) -> Self {
        let (timeouts, retries) = (&globals.upstream_timeouts, &globals.retries);
        let buffers = between(2, globals.buffers.upstream_buffers, 1 << 10);
        let buffer_bytes = between(1 << 10, globals.buffers.upstream_bytes, 1 << 30);
        Self {
            idle_connection: if globals.upstream_keepalive.connections == 0 { "close" } else { "" },
            server_header: globals.backend_server_header,
            intercept_errors: globals.custom_errors.as_ref().is_some_and(|errors| errors.intercept_upstream),
            http_version: if globals.upstream_http_1_0 { "1.0" } else { "1.1" },
            redirect: redirect(&globals.location_rewrite),
            connect_timeout: seconds(timeouts.connect_s.max(1)),
            read_timeout: seconds(timeouts.read_s.max(1)),
            send_timeout: seconds(timeouts.send_s.max(1)),
            buffer_responses: on_off(globals.buffers.buffer_responses),
            buffer_requests: on_off(globals.buffers.buffer_requests),
            buffers,
            buffer_bytes,
            busy_buffer_bytes: busy_bytes(buffers, buffer_bytes, globals.buffers.busy_upstream_bytes),
            temp_file_bytes: match globals.buffers.temp_file_bytes {
                0 => 0,
                bytes => between(buffer_bytes, bytes, MAX_BYTES),
            },
            retry_causes: retry_causes(retries),
            tries: between(0, retries.tries, 1 << 20),
            retry_timeout: seconds(retries.timeout_s),
        }
    }
}

/// nginx refuses less than one buffer, and all of them: one has to be free to read into.
pub(super) fn busy_bytes(buffers: u64, buffer_bytes: u64, wanted: Option<u64>) -> u64 {
    match wanted {
        Some(bytes) => between(buffer_bytes, bytes, (buffers - 1) * buffer_bytes),
        None if buffers > 2 => 2 * buffer_bytes,
        None => buffer_bytes,
    }
}

pub(super) fn retry_causes(retries: &RetryPolicy) -> Vec<&'static str> {
    let mut causes: Vec<_> = CAUSES.iter().copied().filter(|cause| retries.causes.iter().any(|given| given == cause)).collect();
    match (causes.is_empty(), retries.non_idempotent) {
        (true, _) => causes.push("off"),
        (false, true) => causes.push("non_idempotent"),
        (false, false) => {}
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_causes_that_nginx_knows_are_named() {
        let policy = |causes: &[&str], non_idempotent| {
            let causes = causes.iter().map(|&c| c.to_owned()).collect();
            retry_causes(&RetryPolicy { causes, non_idempotent, ..RetryPolicy::default() })
        };
        assert_eq!(policy(&["timeout", "error", "x; y"], true), ["error", "timeout", "non_idempotent"]);
        assert_eq!(policy(&["off"], true), ["off"]);
    }
}
