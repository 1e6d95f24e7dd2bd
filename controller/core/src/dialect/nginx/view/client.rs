//! The side of the clients: limits, TLS, hash tables.

use super::{MAX_BYTES, beside_html, between, on_off, seconds};
use crate::dialect::common::dh_params_path;
use crate::dialect::nginx::credentials::ticket_key_path;
use crate::dialect::nginx::features::Features;
use crate::dialect::nginx::groups::certificate_path;
use crate::model::{Compression, Feature, Globals, Model, Tls};
use crate::names::{HostPattern, TextPattern, TextRegex};
use serde::Serialize;
use std::borrow::Cow;

/// What `client.tera` sees, beside the hash sizes.
#[derive(Debug, Serialize)]
pub(super) struct ClientView<'m> {
    server_tokens: &'static str,
    default_type: &'m str,
    absolute_redirect: &'static str,
    ignore_invalid_headers: &'static str,
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
    gzip: Option<GzipView<'m>>,
    limit_request_status: u16,
    limit_connection_status: u16,
    /// `100k`; `None`: as fast as it goes.
    rate: Option<String>,
    rate_after: Option<String>,
}

#[derive(Debug, Serialize)]
struct GzipView<'m> {
    level: u64,
    min_bytes: u64,
    types: Vec<&'m str>,
    excepted_agents: Option<Cow<'m, str>>,
}

impl<'m> ClientView<'m> {
    pub(super) fn new(globals: &'m Globals, features: Features) -> Self {
        let (timeouts, buffers, limits) = (&globals.client_timeouts, &globals.buffers, &globals.limits);
        let kib = |number: u64| (number > 0).then(|| format!("{}k", number.min(1 << 40)));
        Self {
            server_tokens: on_off(globals.server_tokens),
            default_type: globals.default_type.as_str(),
            absolute_redirect: on_off(!globals.relative_redirects),
            ignore_invalid_headers: on_off(!globals.invalid_headers),
            underscores_in_headers: on_off(globals.underscores_in_headers),
            keep_alive: seconds(timeouts.keep_alive_s),
            keep_alive_requests: between(1, timeouts.keep_alive_requests, 1 << 40),
            keep_alive_min: (features.certificate_cache && timeouts.keep_alive_s > 0).then_some("5s"),
            header_timeout: seconds(timeouts.header_s.max(1)),
            body_timeout: seconds(timeouts.body_s.max(1)),
            body_limit_bytes: between(0, globals.body_limits.request_bytes, MAX_BYTES),
            body_buffer_bytes: between(1 << 10, buffers.client_body_bytes, MAX_BYTES),
            header_buffer_bytes: between(1 << 10, buffers.client_header_bytes, 1 << 24),
            large_header_buffers: between(1, buffers.large_client_headers, 1 << 10),
            large_header_buffer_bytes: between(1 << 10, buffers.large_client_header_bytes, 1 << 24),
            http2_directive: globals.listeners.http2 && features.http2_directive,
            http2_max_streams: globals.listeners.http2.then_some(globals.listeners.http2_max_streams.max(1)),
            gzip: globals.gzip.then(|| GzipView::new(&globals.compression)),
            limit_request_status: limits.request_status.clamp(400, 599),
            limit_connection_status: limits.connection_status.clamp(400, 599),
            rate: kib(limits.rate_kib),
            rate_after: kib(limits.rate_after_kib),
        }
    }
}

impl<'m> GzipView<'m> {
    fn new(compression: &'m Compression) -> Self {
        let types = beside_html(&compression.types);
        Self {
            level: between(1, compression.level, 9),
            min_bytes: between(0, compression.min_bytes, 1 << 30),
            types: if compression.types.is_empty() { vec!["*"] } else { types },
            excepted_agents: compression.excepted_agents.as_ref().map(TextRegex::bounded),
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
    prefer_server_ciphers: &'static str,
    early_data: bool,
    dh_params: Option<String>,
    ticket_key: Option<String>,
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
            dh_params: tls.dh_params.as_ref().map(dh_params_path),
            ticket_key: tls.ticket_key.as_ref().map(ticket_key_path),
            session_cache: match tls.session_cache_bytes {
                0 => "none".to_owned(),
                bytes => format!("shared:tls_sessions:{}", between(1 << 16, bytes, 1 << 32)),
            },
            session_timeout: seconds(tls.session_timeout_s.max(1)),
            session_tickets: on_off(tls.session_tickets),
            prefer_server_ciphers: on_off(!tls.ciphers.is_empty()),
            early_data: tls.early_data,
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

/// Sizes of one of nginx's hash tables. A bucket that is too small for the longest name fails the whole file, and names
/// of which too many fall into one bucket are warned of.
#[derive(Debug, Serialize)]
pub(super) struct HashesView {
    bucket_size: usize,
    max_size: usize,
}

impl HashesView {
    pub(super) fn new(model: &Model) -> Self {
        let aliases = || model.hosts.having(Feature::Aliases).flat_map(|host| host.policy.aliases.iter().flatten());
        let names = model.hosts.keys().map(length_of_host).chain(aliases().map(|alias| length(&alias.name)));
        let longest = names.chain(exact_keys(&model.globals)).max().unwrap_or(0);
        Self::of(longest, model.hosts.len() + aliases().count())
    }

    /// With two buckets for each name, nine of the same one are never met.
    pub(super) fn of(longest: usize, count: usize) -> Self {
        const NAMES_OF_A_BUCKET: usize = 8;
        let bucket_size = (NAMES_OF_A_BUCKET * (longest + 24)).next_power_of_two().max(512);
        Self { bucket_size, max_size: (count * 2).next_power_of_two().max(2048) }
    }
}

/// How long the name of a host is as text.
fn length_of_host(host: &HostPattern) -> usize {
    match host {
        HostPattern::CatchAll => "_".len(),
        HostPattern::Exact(name) => name.as_str().len(),
        HostPattern::Wildcard(parent) => "*.".len() + parent.as_str().len(),
    }
}

/// How long something is as text.
fn length(shown: impl std::fmt::Display) -> usize {
    struct Length(usize);
    impl std::fmt::Write for Length {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut length = Length(0);
    std::fmt::Write::write_fmt(&mut length, format_args!("{shown}")).expect("counting never fails");
    length.0
}

/// How long the texts are that further maps are looked up by.
fn exact_keys(globals: &Globals) -> impl Iterator<Item = usize> {
    let (blocking, skipped) = (&globals.blocking, &globals.access_log.skipped_targets);
    blocking.user_agents.iter().chain(&blocking.referers).chain(skipped).map(|pattern| match pattern {
        TextPattern::Exact(text) => text.len(),
        TextPattern::Regex(_) | TextPattern::RegexIgnoringCase(_) => 0,
    })
}
