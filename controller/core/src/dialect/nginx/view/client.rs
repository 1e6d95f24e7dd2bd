//! The side of the clients: limits, TLS, hash tables.

use super::{MAX_BYTES, between, on_off, seconds};
use crate::dialect::nginx::features::Features;
use crate::dialect::nginx::groups::certificate_path;
use crate::model::{Globals, Model, Tls};
use serde::Serialize;

/// What `client.tera` sees, beside the hash sizes.
#[derive(Debug, Serialize)]
pub(super) struct ClientView {
    server_tokens: &'static str,
    underscores_in_headers: &'static str,
    keep_alive: String,
    keep_alive_requests: u64,
    keep_alive_min: Option<&'static str>,
    header_timeout: String,
    body_timeout: String,
    body_limit_bytes: u64,
    body_buffer_bytes: u64,
    header_buffer_bytes: u64,
    large_header_buffers: u64,
    large_header_buffer_bytes: u64,
    http2_directive: bool,
    http2_max_streams: Option<u32>,
    gzip: bool,
}

impl ClientView {
    pub(super) fn new(globals: &Globals, features: Features) -> Self {
        let (timeouts, buffers) = (&globals.client_timeouts, &globals.buffers);
        Self {
            server_tokens: on_off(globals.server_tokens),
            underscores_in_headers: on_off(globals.underscores_in_headers),
            keep_alive: seconds(timeouts.keep_alive_s),
            keep_alive_requests: between(1, timeouts.keep_alive_requests, 1 << 40),
            keep_alive_min: (features.certificate_cache && timeouts.keep_alive_s > 0).then_some("5s"),
            header_timeout: seconds(timeouts.header_s),
            body_timeout: seconds(timeouts.body_s),
            body_limit_bytes: between(0, globals.body_limits.request_bytes, MAX_BYTES),
            body_buffer_bytes: between(1 << 10, buffers.client_body_bytes, MAX_BYTES),
            header_buffer_bytes: between(1 << 10, buffers.client_header_bytes, 1 << 24),
            large_header_buffers: between(1, buffers.large_client_headers, 1 << 10),
            large_header_buffer_bytes: between(1 << 10, buffers.large_client_header_bytes, 1 << 24),
            http2_directive: globals.listeners.http2 && features.http2_directive,
            http2_max_streams: globals.listeners.http2.then_some(globals.listeners.http2_max_streams.max(1)),
            gzip: globals.gzip,
        }
    }
}

/// What `tls.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct TlsView<'m> {
    protocols: Vec<&'static str>,
    ciphers: Option<&'m str>,
    curves: &'m str,
    session_cache: String,
    session_timeout: String,
    session_tickets: &'static str,
    buffer_bytes: u64,
    /// Number of certificates that are kept parsed.
    certificate_cache: Option<usize>,
    default_certificate: String,
}

impl<'m> TlsView<'m> {
    pub(super) fn new(model: &'m Model, features: Features) -> Self {
        let tls = &model.globals.tls;
        Self {
            protocols: protocols(tls),
            ciphers: Some(tls.ciphers.as_str()).filter(|ciphers| !ciphers.is_empty()),
            curves: if tls.curves.is_empty() { "auto" } else { &tls.curves },
            session_cache: match tls.session_cache_bytes {
                0 => "none".to_owned(),
                bytes => format!("shared:tls_sessions:{}", between(1 << 16, bytes, 1 << 32)),
            },
            session_timeout: seconds(tls.session_timeout_s.max(1)),
            session_tickets: on_off(tls.session_tickets),
            buffer_bytes: between(1 << 10, tls.buffer_bytes, 1 << 20),
            certificate_cache: features.certificate_cache.then(|| model.certificates.len().next_power_of_two().max(1024) * 2),
            default_certificate: certificate_path(&model.default_certificate),
        }
    }
}

/// Neither switched on: both, for a proxy without TLS serves nobody.
fn protocols(tls: &Tls) -> Vec<&'static str> {
    match (tls.tls12, tls.tls13) {
        (true, false) => vec!["TLSv1.2"],
        (false, true) => vec!["TLSv1.3"],
        _ => vec!["TLSv1.2", "TLSv1.3"],
    }
}

/// Sizes of nginx's hash tables. A bucket that is too small for the longest name fails the whole file.
#[derive(Debug, Serialize)]
pub(super) struct HashesView {
    bucket_size: usize,
    max_size: usize,
}

impl HashesView {
    pub(super) fn new(model: &Model) -> Self {
        let longest = model.hosts.keys().map(|pattern| pattern.to_string().len()).max().unwrap_or(0);
        Self { bucket_size: (longest + 24).next_power_of_two().max(64), max_size: (model.hosts.len() * 2).next_power_of_two().max(2048) }
    }
}
