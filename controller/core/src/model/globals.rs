//! What holds for every host, one file for each concern.

mod answers;
mod buffers;
mod clients;
mod listeners;
mod logs;
mod tls;
mod upstreams;
mod workers;

pub use answers::{Compression, CustomErrors, Limits, MediaType};
pub use buffers::Buffers;
pub use clients::{Blocking, BodyLimits, ClientTimeouts, Forwarding, RequestIds, TrustedAddressSource};
pub use listeners::Listeners;
pub use logs::{AccessLog, ErrorLevel, ErrorLog, LogEscape};
pub use tls::{Hsts, HttpsRedirectStatus, Tls};
pub use upstreams::{RetryPolicy, UpstreamKeepalive, UpstreamTimeouts};
pub use workers::{CpuAffinity, Workers};

use super::{BackendId, Balance, LocationRewrite, StreamSettings};
use crate::names::{HeaderName, VariableText};

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
    pub streams: StreamSettings,
    /// Processes, connections, drain time.
    pub workers: Workers,
}
