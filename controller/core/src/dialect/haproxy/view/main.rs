//! The main file.

use super::passthrough::PassthroughView;
use super::protocol::PoolView;
use super::public::PublicView;
use super::retries::RetriesView;
use super::{Of, seconds, unanswered};
use crate::dialect::haproxy::expression::Expression;
use crate::dialect::haproxy::sections::Context;
use crate::dialect::haproxy::{agent, clients};
use crate::dialect::{Includes, Version, common};
use crate::model::{Globals, Model, Tls};
use serde::Serialize;

/// Room for what is added to the headers of a request.
const REWRITE_BYTES: u64 = 8 << 10;

/// What `haproxy.cfg.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct MainView<'m> {
    token: &'m str,
    version: String,
    global: GlobalView<'m>,
    defaults: DefaultsView,
    public: PublicView<'m>,
    passthrough: Option<PassthroughView>,
    status_address: String,
    /// The status port tells what HAProxy counts itself.
    exporter: bool,
    /// How long it is known what a client has used of its limits, in seconds; `None`: nobody is limited.
    limits_memory_s: Option<u64>,
    /// The agent has something to do.
    asks: bool,
    /// Some clients are asked for certificates.
    client_certificates: bool,
}

/// The first version that bounds what one HTTP/2 connection may ask for, and how often it may break the rules.
const COUNTS_REQUESTS: Version = Version(3, 0, 0);

/// What `global.tera` sees.
#[derive(Debug, Serialize)]
struct GlobalView<'m> {
    /// `None`: one for each processor.
    threads: Option<u32>,
    open_files: u64,
    /// Connections are taken one by one.
    accepts_one: bool,
    drain_timeout: String,
    old_workers: u32,
    buffer_bytes: u64,
    rewrite_bytes: u64,
    http2_max_streams: u32,
    /// Requests of one connection; `None`: this version does not count them.
    http2_max_requests: Option<u64>,
    /// `None`: nothing is compressed.
    gzip_level: Option<u64>,
    tls: TlsView<'m>,
}

#[derive(Debug, Serialize)]
struct TlsView<'m> {
    cached_sessions: u64,
    session_timeout: String,
    record_bytes: u64,
    lowest: &'static str,
    highest: &'static str,
    tickets: bool,
    ciphers: Option<&'m str>,
    curves: Option<&'m str>,
    dh_params: Option<String>,
}

/// What `defaults.tera` sees.
#[derive(Debug, Serialize)]
struct DefaultsView {
    header_timeout: String,
    body_timeout: String,
    keep_alive: String,
    close_clients: bool,
    connect_timeout: String,
    read_timeout: String,
    retries: RetriesView,
    reuse_connections: bool,
    /// Idle connections of each endpoint; `None`: there are none.
    pool: Option<PoolView>,
    /// Where nobody took a request.
    page: Expression,
    /// What becomes of such a 503 where an endpoint was there.
    reason: Expression,
    /// How the stream ended is known before that is told.
    tells_the_end: bool,
}

impl<'m> GlobalView<'m> {
    fn new(globals: &'m Globals, resumes: bool, version: Version) -> Self {
        /// Processors that a machine is taken to have where the number of workers follows from them.
        const PROCESSORS: u64 = 8;
        /// What every version can run with on every machine.
        const MOST_THREADS: u32 = 64;
        let workers = &globals.workers;
        let processes = workers.processes.map_or(PROCESSORS, u64::from);
        Self {
            threads: workers.processes.filter(|number| *number <= MOST_THREADS),
            // Two for each connection, and some for itself.
            open_files: workers.open_files.map_or_else(
                || workers.connections.saturating_mul(processes).saturating_mul(2).clamp(1 << 11, 1 << 20) + 1024,
                |files| files.saturating_mul(processes).clamp(1 << 11, 1 << 24),
            ),
            accepts_one: !workers.multi_accept,
            drain_timeout: seconds(workers.drain_timeout_s),
            old_workers: 100,
            buffer_bytes: buffer_bytes(globals),
            rewrite_bytes: REWRITE_BYTES,
            http2_max_streams: globals.listeners.http2_max_streams.clamp(1, 1 << 20),
            http2_max_requests: (version >= COUNTS_REQUESTS).then(|| globals.client_timeouts.keep_alive_requests.clamp(1, 1 << 30)),
            gzip_level: globals.gzip.then_some(globals.compression.level.clamp(1, 9)),
            tls: TlsView::new(&globals.tls, resumes),
        }
    }
}

impl<'m> TlsView<'m> {
    /// `resumes`: sessions may be. One that was made with another host has not shown the certificate that this one needs.
    fn new(tls: &'m Tls, resumes: bool) -> Self {
        /// A session takes about so many bytes.
        const SESSION_BYTES: u64 = 256;
        // Neither switched on: both, for a proxy without TLS serves nobody.
        let (lowest, highest) = match (tls.tls12, tls.tls13) {
            (true, false) => ("TLSv1.2", "TLSv1.2"),
            (false, true) => ("TLSv1.3", "TLSv1.3"),
            _ => ("TLSv1.2", "TLSv1.3"),
        };
        Self {
            cached_sessions: if resumes { (tls.session_cache_bytes / SESSION_BYTES).min(1 << 22) } else { 0 },
            session_timeout: seconds(tls.session_timeout_s),
            record_bytes: tls.buffer_bytes.clamp(1 << 10, 16 << 10),
            lowest,
            highest,
            tickets: tls.session_tickets && resumes,
            ciphers: Some(tls.ciphers.as_str()).filter(|ciphers| !ciphers.is_empty()),
            dh_params: tls.dh_params.as_ref().map(common::dh_params_path),
            curves: Some(tls.curves.as_str()).filter(|curves| !matches!(*curves, "" | "auto")),
        }
    }
}

impl DefaultsView {
    fn new(globals: &Globals, version: Version) -> Self {
        let (client, upstream) = (&globals.client_timeouts, &globals.upstream_timeouts);
        Self {
            header_timeout: seconds(client.header_s),
            body_timeout: seconds(client.body_s),
            keep_alive: seconds(client.keep_alive_s),
            close_clients: client.keep_alive_s == 0,
            connect_timeout: seconds(upstream.connect_s),
            read_timeout: seconds(upstream.read_s),
            retries: RetriesView::new(&globals.retries, version, None),
            reuse_connections: globals.upstream_keepalive.connections > 0,
            pool: Some(PoolView::new(&globals.upstream_keepalive)).filter(|_| globals.upstream_keepalive.connections > 0),
            page: unanswered::page(version),
            reason: Expression::default().and_fetch(unanswered::reason(version)),
            tells_the_end: version >= unanswered::TELLS_THE_END,
        }
    }
}

/// The view of the main file.
pub(in crate::dialect::haproxy) fn main<'m>(
    model: &'m Model,
    version: Version,
    _: &'m Includes,
    token: &'m str,
) -> crate::dialect::View<'m> {
    let globals = &*model.globals;
    let client_certificates = clients::any(model);
    super::haproxy(Of::Main(Box::new(MainView {
        token,
        version: version.to_string(),
        global: GlobalView::new(globals, !client_certificates, version),
        defaults: DefaultsView::new(globals, version),
        public: PublicView::new(model, &Context::new(model), version),
        passthrough: PassthroughView::new(globals),
        asks: agent::is_asked(model),
        client_certificates,
        limits_memory_s: super::limits::memory_s(model).map(|seconds| seconds.min(86_400)),
        exporter: globals.listeners.metrics_port.is_some() && globals.listeners.exporter,
        status_address: format!("127.0.0.1:{}", globals.listeners.status_port),
    })))
}

/// Size of a buffer, which holds all headers of a request.
pub(super) fn buffer_bytes(globals: &Globals) -> u64 {
    let headers = globals.buffers.large_client_headers.saturating_mul(globals.buffers.large_client_header_bytes);
    headers.clamp(8 << 10, 1 << 20) + REWRITE_BYTES
}

/// The most that path and query of a request may have: one large buffer of nginx, and what fits into ours when it is three
/// times as long, each byte encoded.
pub(super) fn target_bytes(globals: &Globals) -> u64 {
    globals.buffers.large_client_header_bytes.clamp(1 << 10, (buffer_bytes(globals) - REWRITE_BYTES) / 3)
}
