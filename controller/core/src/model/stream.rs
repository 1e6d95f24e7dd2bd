//! Ports that are forwarded as they are: TCP and UDP.

use crate::names::{ObjectRef, VariableText};
use std::net::SocketAddr;

/// What is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Transport {
    /// The protocol as the API spells it, such as `TCP`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }

    /// The protocol in lower case.
    #[must_use]
    pub const fn lower_case(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A port of the proxy, and where it leads. There is none without endpoints, so that nothing listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stream {
    /// What is forwarded.
    pub transport: Transport,
    /// The port of the proxy.
    pub port: u16,
    /// `namespace-service-port`, for logs.
    pub name: String,
    /// The ConfigMap that asks for it.
    pub origin: ObjectRef,
    /// Sorted, without duplicates; not empty.
    pub endpoints: Vec<SocketAddr>,
    /// Clients have to begin with a header of the PROXY protocol. TCP only.
    pub reads_proxy_header: bool,
    /// Endpoints get such a header. TCP only.
    pub sends_proxy_header: bool,
}

/// A host whose TLS connections are passed on as they are. There is none without endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Passthrough {
    /// The Ingress that asks for it.
    pub origin: ObjectRef,
    /// `namespace-service-port`, for logs.
    pub name: String,
    /// Sorted, without duplicates; not empty.
    pub endpoints: Vec<SocketAddr>,
}

/// How streams are forwarded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamSettings {
    /// Seconds without a byte after which a stream ends.
    pub timeout_s: u64,
    /// A connection that an endpoint does not take is offered to another one.
    pub tries_others: bool,
    /// Endpoints tried in all; 0: no bound.
    pub tries: u64,
    /// Seconds in all; 0: no bound.
    pub tries_timeout_s: u64,
    /// Datagrams that answer one; TCP knows no such thing.
    pub responses: u64,
    /// Streams are logged.
    pub logged: bool,
    /// How; `None`: as ingress-nginx does by itself.
    pub log_format: Option<VariableText>,
    /// The address in a PROXY header that is read is that of the client, if the peer is trusted.
    pub believes_proxy_header: bool,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            timeout_s: 600,
            tries_others: true,
            tries: 3,
            tries_timeout_s: 600,
            responses: 1,
            logged: true,
            log_format: None,
            believes_proxy_header: false,
        }
    }
}
