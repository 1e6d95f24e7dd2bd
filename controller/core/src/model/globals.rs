//! What holds for every host: listeners, TLS, forwarded headers, timeouts, logs.

use super::{BackendId, Balance, LocationRewrite};
use crate::names::{HeaderName, TextPattern, TextRegex, VariableText};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// Settings of the proxy as a whole. Each default is that of ingress-nginx 1.15.1 unless its field says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Globals {
    /// Addresses, ports and protocols.
    pub listeners: Listeners,
    /// Protocol versions, ciphers, sessions.
    pub tls: Tls,
    /// Strict-Transport-Security on TLS connections; `None`: not sent.
    pub hsts: Option<Hsts>,
    /// Status of the redirect to HTTPS: 301, 302, 307 or 308.
    pub https_redirect_status: HttpsRedirectStatus,
    /// Requests that are refused whatever they ask for.
    pub blocking: Blocking,
    /// Which headers of a client are believed.
    pub forwarding: Forwarding,
    /// `X-Request-ID`.
    pub request_ids: RequestIds,
    /// How long clients may take.
    pub client_timeouts: ClientTimeouts,
    /// How long upstreams may take.
    pub upstream_timeouts: UpstreamTimeouts,
    /// Largest request bodies.
    pub body_limits: BodyLimits,
    /// Buffers of headers and bodies.
    pub buffers: Buffers,
    /// When a request is tried on another endpoint.
    pub retries: RetryPolicy,
    /// What becomes of `Location` in the answers of endpoints.
    pub location_rewrite: LocationRewrite,
    /// Buffer of answers in gRPC, in kilobytes; 0: the proxy's own.
    pub grpc_buffer_kib: u64,
    /// Endpoints are spoken to in HTTP/1.0.
    pub upstream_http_1_0: bool,
    /// Idle connections to endpoints.
    pub upstream_keepalive: UpstreamKeepalive,
    /// How backends spread requests unless they say otherwise.
    pub balance: Balance,
    /// Error answers that the default backend writes; `None`: nobody does.
    pub custom_errors: Option<CustomErrors>,
    /// Backend of `--default-backend-service`; `None`: it has no endpoints, or is not configured.
    pub default_backend: Option<BackendId>,
    /// The proxy tells its version.
    pub server_tokens: bool,
    /// A backend's own `Server` header reaches the client.
    pub backend_server_header: bool,
    /// Response headers of backends that are dropped; header names, lower case, sorted.
    pub hidden_headers: Vec<String>,
    /// Headers that endpoints get beside those that the proxy sets.
    pub request_headers: Vec<(HeaderName, VariableText)>,
    /// Headers of every answer, in place of the endpoints'.
    pub response_headers: Vec<(HeaderName, VariableText)>,
    /// Header names with underscores are let through.
    pub underscores_in_headers: bool,
    /// Header lines that are none are let through.
    pub invalid_headers: bool,
    /// Redirects that the proxy itself makes name a path only, no scheme and host.
    pub relative_redirects: bool,
    /// Type of answers that have none of their own.
    pub default_type: MediaType,
    /// Responses are compressed.
    pub gzip: bool,
    /// How responses are compressed.
    pub compression: Compression,
    /// What the limits of routes answer, and how fast answers are sent.
    pub limits: Limits,
    /// Access log.
    pub access_log: AccessLog,
    /// Log of the proxy's own troubles.
    pub error_log: ErrorLog,
    /// How TCP and UDP ports are forwarded.
    pub streams: super::StreamSettings,
    /// Processes, connections, drain time.
    pub workers: Workers,
}

/// Status of the redirect to HTTPS; 308 unless set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HttpsRedirectStatus(pub u16);

impl Default for HttpsRedirectStatus {
    fn default() -> Self {
        Self(308)
    }
}

/// Addresses, ports and protocols of the public side, and the private port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listeners {
    /// Plain HTTP.
    pub http_port: u16,
    /// HTTPS.
    pub https_port: u16,
    /// On the loopback only: which revision answers, and connection counts.
    pub status_port: u16,
    /// On the loopback, UDP: where every request is told to, for metrics; `None`: nowhere.
    pub metrics_port: Option<u16>,
    /// Addresses to listen on; empty: all of them.
    pub addresses: Vec<IpAddr>,
    /// Listen on IPv6 addresses as well; the system must have them.
    pub ipv6: bool,
    /// Both public listeners demand a PROXY protocol header.
    pub proxy_protocol: bool,
    /// HTTP/2 is offered.
    pub http2: bool,
    /// Streams of one HTTP/2 connection.
    pub http2_max_streams: u32,
    /// Every worker has a listening socket of its own.
    pub reuse_port: bool,
    /// Public path that answers 200 for hosts without a virtual host of their own.
    pub health_check_path: crate::names::UriPath,
}

/// TLS towards clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tls {
    /// TLS 1.2 is offered.
    pub tls12: bool,
    /// TLS 1.3 is offered.
    pub tls13: bool,
    /// OpenSSL cipher list for TLS 1.2: letters, digits, `-`, `_`, `+`, `!`, `@`, `:`; empty: the library's own.
    pub ciphers: String,
    /// OpenSSL curve list, `auto` for the library's own.
    pub curves: String,
    /// Size of the session cache in bytes; 0: none.
    pub session_cache_bytes: u64,
    /// How long a session may be resumed, in seconds.
    pub session_timeout_s: u64,
    /// Session tickets are issued.
    pub session_tickets: bool,
    /// Size of TLS records in bytes.
    pub buffer_bytes: u64,
    /// Handshakes for unknown names are refused.
    pub reject_unknown_names: bool,
    /// Parameters for ciphers with Diffie-Hellman; `None`: there are no such ciphers.
    pub dh_params: Option<super::DhParams>,
    /// What tickets are encrypted with; `None`: each proxy has a key of its own.
    pub ticket_key: Option<super::TicketKey>,
    /// Requests in the first flight of a resumed TLS 1.3 session are taken, although they can be replayed.
    pub early_data: bool,
}

/// Strict-Transport-Security.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hsts {
    /// `max-age`, in seconds.
    pub max_age_s: u64,
    /// `includeSubDomains`.
    pub include_subdomains: bool,
    /// `preload`.
    pub preload: bool,
}

/// Which headers of a client are believed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Forwarding {
    /// `X-Forwarded-Proto`, `-Host` and `-Port` are believed.
    pub trust_headers: bool,
    /// Where the address of the client is read.
    pub client_address: TrustedAddressSource,
    /// Peers whose word on the client's address is taken; sorted.
    pub trusted_peers: Vec<IpNet>,
    /// Header with the addresses, such as `X-Forwarded-For`; a header name.
    pub for_header: String,
    /// Header that is copied to `X-Original-Forwarded-Host`; a header name.
    pub host_header: String,
    /// The peer is appended to the list in place of replacing it.
    pub append_peer: bool,
    /// `X-Original-URI` is sent upstream.
    pub original_uri_header: bool,
}

/// Where the address of the client is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TrustedAddressSource {
    /// It is the peer of the connection.
    #[default]
    Connection,
    /// The PROXY protocol header.
    ProxyProtocol,
    /// [`Forwarding::for_header`].
    Header,
    /// The header if the PROXY protocol source is trusted, else that source.
    HeaderBehindProxyProtocol,
}

/// `X-Request-ID`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestIds {
    /// A request without an id is given one.
    pub generate: bool,
}

/// How long clients may take, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientTimeouts {
    /// Between two requests of a connection; 0: connections are closed after one.
    pub keep_alive_s: u64,
    /// Requests of one connection.
    pub keep_alive_requests: u64,
    /// For the headers.
    pub header_s: u64,
    /// Between two reads of the body.
    pub body_s: u64,
}

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

/// Largest request bodies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BodyLimits {
    /// In bytes; 0: unlimited.
    pub request_bytes: u64,
}

/// Buffers of headers and bodies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Buffers {
    /// First buffer of a request's headers, in bytes.
    pub client_header_bytes: u64,
    /// Number of buffers for long header lines.
    pub large_client_headers: u64,
    /// Size of each, in bytes.
    pub large_client_header_bytes: u64,
    /// Part of a request body kept in memory, in bytes.
    pub client_body_bytes: u64,
    /// Buffer of the first part of an upstream's answer, and of each further one, in bytes.
    pub upstream_bytes: u64,
    /// How many further ones.
    pub upstream_buffers: u64,
    /// Answers are read as fast as they come, ahead of the client.
    pub buffer_responses: bool,
    /// Request bodies are read completely before they are sent on.
    pub buffer_requests: bool,
    /// Part of the buffers that may be on its way to the client while the rest is still read, in bytes; `None`: two buffers.
    pub busy_upstream_bytes: Option<u64>,
    /// Part of an answer that is kept on disk when the buffers are full, in bytes; 0: none.
    pub temp_file_bytes: u64,
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

/// Error answers that the default backend writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CustomErrors {
    /// Status codes, 300 to 599, sorted.
    pub statuses: Vec<u16>,
    /// Errors that a backend answers itself are replaced too.
    pub intercept_upstream: bool,
}

/// Access log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccessLog {
    /// Requests are logged.
    pub enabled: bool,
    /// Requests that no host of its own serves are logged.
    pub unknown_hosts: bool,
    /// What a line holds; `None`: the default format.
    pub format: Option<VariableText>,
    /// How values in a line of `format` are escaped.
    pub escape: LogEscape,
    /// Requests whose target, as it was sent, is like one of these are not logged.
    pub skipped_targets: Vec<TextPattern>,
    /// Where lines are sent by syslog; `None`: they go to standard output.
    pub syslog: Option<SocketAddr>,
}

/// How values in a log line are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LogEscape {
    /// Quotes, backslashes and control characters as `\\xXX`.
    #[default]
    Hexadecimal,
    /// As in JSON strings.
    Json,
    /// Not at all.
    None,
}

/// Log of the proxy's own troubles.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ErrorLog {
    /// The least that is logged.
    pub level: ErrorLevel,
    /// Where lines are sent by syslog; `None`: they go to standard error.
    pub syslog: Option<SocketAddr>,
}

/// How bad a trouble is, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[expect(missing_docs, reason = "the names of syslog")]
pub enum ErrorLevel {
    Debug,
    Info,
    #[default]
    Notice,
    Warn,
    Error,
    Crit,
    Alert,
    Emerg,
}

/// Requests that are refused with 403 whatever they ask for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Blocking {
    /// Addresses of clients; sorted.
    pub addresses: Vec<IpNet>,
    /// What `User-Agent` is like.
    pub user_agents: Vec<TextPattern>,
    /// What `Referer` is like.
    pub referers: Vec<TextPattern>,
}

impl Blocking {
    /// Whether nothing is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A media type such as `text/html`: a type and a subtype of letters, digits, `.`, `+`, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaType(String);

impl MediaType {
    /// Checks and keeps a media type; `None` for what is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let token = |text: &str| (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-_".contains(&b));
        let (kind, subtype) = text.split_once('/')?;
        (token(kind) && token(subtype)).then(|| Self(text.to_owned()))
    }

    /// The media type.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for MediaType {
    fn default() -> Self {
        Self("text/html".to_owned())
    }
}

/// How responses are compressed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Compression {
    /// 1, the fastest, to 9, the smallest.
    pub level: u64,
    /// Shorter answers are sent as they are, in bytes.
    pub min_bytes: u64,
    /// Types that are compressed beside `text/html`, sorted; empty: every type.
    pub types: Vec<MediaType>,
    /// Clients whose `User-Agent` is like this get answers as they are.
    pub excepted_agents: Option<TextRegex>,
}

/// What the limits of routes answer, and how fast answers are sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Status of requests above a limit of requests: 400 to 599.
    pub request_status: u16,
    /// Status of requests above a limit of connections: 400 to 599.
    pub connection_status: u16,
    /// Kilobytes per second that an answer is sent with; 0: as fast as it goes.
    pub rate_kib: u64,
    /// Kilobytes that are sent as fast as it goes before.
    pub rate_after_kib: u64,
}

/// Processes, connections, drain time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Workers {
    /// Number of workers; `None`: one for each processor.
    pub processes: Option<u32>,
    /// Connections of one worker.
    pub connections: u64,
    /// How long requests in flight may take after a reload or stop, in seconds.
    pub drain_timeout_s: u64,
    /// Open files of one worker; `None`: as the system has it.
    pub open_files: Option<u64>,
    /// A worker takes all waiting connections at once.
    pub multi_accept: bool,
    /// Which processor a worker runs on.
    pub cpu_affinity: CpuAffinity,
    /// Connections of these clients are logged in detail; sorted.
    pub debugged_clients: Vec<IpNet>,
}

/// Which processor a worker runs on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum CpuAffinity {
    /// Whichever the system picks.
    #[default]
    Any,
    /// One of its own, as far as there are enough.
    Spread,
    /// Those of its mask: `0` and `1`, the first processor last; one mask for each worker.
    Masks(Vec<String>),
}

impl Default for Listeners {
    fn default() -> Self {
        Self {
            http_port: 80,
            https_port: 443,
            status_port: 10246,
            metrics_port: None,
            addresses: Vec::new(),
            ipv6: false,
            proxy_protocol: false,
            http2: true,
            http2_max_streams: 128,
            reuse_port: true,
            health_check_path: crate::names::UriPath::new("/healthz").expect("a plain path"),
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            tls12: true,
            tls13: true,
            ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
                      ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:\
                      DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256"
                .to_owned(),
            curves: "auto".to_owned(),
            session_cache_bytes: 10 << 20,
            session_timeout_s: 600,
            session_tickets: false,
            buffer_bytes: 4 << 10,
            reject_unknown_names: false,
            dh_params: None,
            ticket_key: None,
            early_data: false,
        }
    }
}

impl Default for Hsts {
    fn default() -> Self {
        Self { max_age_s: 31_536_000, include_subdomains: true, preload: false }
    }
}

impl Default for Forwarding {
    fn default() -> Self {
        Self {
            trust_headers: false,
            client_address: TrustedAddressSource::Connection,
            trusted_peers: vec![IpNet::V4(ipnet::Ipv4Net::default())],
            for_header: "X-Forwarded-For".to_owned(),
            host_header: "X-Forwarded-Host".to_owned(),
            append_peer: false,
            original_uri_header: false,
        }
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self { generate: true }
    }
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        Self { keep_alive_s: 75, keep_alive_requests: 1000, header_s: 60, body_s: 60 }
    }
}

impl Default for UpstreamTimeouts {
    fn default() -> Self {
        Self { connect_s: 5, read_s: 60, send_s: 60 }
    }
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { request_bytes: 1 << 20 }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            client_header_bytes: 1 << 10,
            large_client_headers: 4,
            large_client_header_bytes: 8 << 10,
            client_body_bytes: 8 << 10,
            upstream_bytes: 4 << 10,
            upstream_buffers: 4,
            buffer_responses: false,
            buffer_requests: true,
            busy_upstream_bytes: None,
            temp_file_bytes: 1024 << 20,
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { causes: vec!["error".to_owned(), "timeout".to_owned()], tries: 3, timeout_s: 0, non_idempotent: false }
    }
}

impl Default for UpstreamKeepalive {
    fn default() -> Self {
        Self { connections: 32, timeout_s: 60, requests: 10_000, time_s: 3600 }
    }
}

impl Default for AccessLog {
    fn default() -> Self {
        Self { enabled: true, unknown_hosts: false, format: None, escape: LogEscape::default(), skipped_targets: Vec::new(), syslog: None }
    }
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            processes: None,
            connections: 16_384,
            drain_timeout_s: 240,
            open_files: None,
            multi_accept: true,
            cpu_affinity: CpuAffinity::Any,
            debugged_clients: Vec::new(),
        }
    }
}

impl Default for Compression {
    fn default() -> Self {
        const TYPES: &[&str] = &[
            "application/atom+xml",
            "application/javascript",
            "application/json",
            "application/rss+xml",
            "application/vnd.ms-fontobject",
            "application/x-font-ttf",
            "application/x-javascript",
            "application/x-web-app-manifest+json",
            "application/xhtml+xml",
            "application/xml",
            "font/opentype",
            "image/svg+xml",
            "image/x-icon",
            "text/css",
            "text/javascript",
            "text/plain",
            "text/x-component",
        ];
        let types = TYPES.iter().filter_map(|text| MediaType::new(text)).collect();
        Self { level: 1, min_bytes: 256, types, excepted_agents: None }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { request_status: 503, connection_status: 503, rate_kib: 0, rate_after_kib: 0 }
    }
}
