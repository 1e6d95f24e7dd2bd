//! What holds for every host: listeners, TLS, forwarded headers, timeouts, logs.

use super::{BackendId, Balance};
use ipnet::IpNet;
use std::net::IpAddr;

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
    /// Header names with underscores are let through.
    pub underscores_in_headers: bool,
    /// Responses are compressed.
    pub gzip: bool,
    /// Access log.
    pub access_log: AccessLog,
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
}

impl Default for Listeners {
    fn default() -> Self {
        Self {
            http_port: 80,
            https_port: 443,
            status_port: 10246,
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
        Self { connections: 32, timeout_s: 60, requests: 10_000 }
    }
}

impl Default for AccessLog {
    fn default() -> Self {
        Self { enabled: true, unknown_hosts: false }
    }
}

impl Default for Workers {
    fn default() -> Self {
        Self { processes: None, connections: 16_384, drain_timeout_s: 240 }
    }
}
