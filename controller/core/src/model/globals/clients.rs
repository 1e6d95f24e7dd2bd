//! What is taken from clients: whom to believe, how long to wait, how much to read, whom to refuse.

use crate::names::TextPattern;
use ipnet::IpNet;

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

impl Default for RequestIds {
    fn default() -> Self {
        Self { generate: true }
    }
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

impl Default for ClientTimeouts {
    fn default() -> Self {
        Self { keep_alive_s: 75, keep_alive_requests: 1000, header_s: 60, body_s: 60 }
    }
}

/// Largest request bodies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BodyLimits {
    /// Largest body of a request, in bytes; 0: unlimited.
    pub request_bytes: u64,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { request_bytes: 1 << 20 }
    }
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
