//! Addresses, ports and protocols of the public side.

use crate::names::UriPath;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses, ports and protocols of the public side, and the private port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listeners {
    /// Plain HTTP.
    pub http_port: u16,
    /// HTTPS.
    pub https_port: u16,
    /// On the loopback only, where the HTTPS port looks at the name that a connection asks for: TLS of all hosts but those that
    /// are passed on as they are. Every connection begins with a PROXY protocol header. `None`: HTTPS is all for us.
    pub passthrough_port: Option<u16>,
    /// On the loopback only: which revision answers, and connection counts.
    pub status_port: u16,
    /// On the loopback, UDP: where every request is told to, for metrics; `None`: nowhere.
    pub metrics_port: Option<u16>,
    /// What the proxy has counted itself is told on the private port, to whoever wants metrics. Not every program can.
    pub exporter: bool,
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
    pub health_check_path: UriPath,
    /// Who may see how the proxy is, on the public path [`Listeners::STATUS_PATH`] of hosts without a virtual host of their own:
    /// both the connection and the client that it speaks for are among these networks. Sorted; empty: nobody.
    pub status_clients: Vec<IpNet>,
}

impl Listeners {
    /// Where unknown hosts show how the proxy is.
    pub const STATUS_PATH: &str = "/nginx_status";
}

impl Default for Listeners {
    fn default() -> Self {
        Self {
            http_port: 80,
            https_port: 443,
            passthrough_port: None,
            status_port: 10246,
            metrics_port: None,
            exporter: true,
            addresses: Vec::new(),
            ipv6: false,
            proxy_protocol: false,
            http2: true,
            http2_max_streams: 128,
            reuse_port: true,
            health_check_path: UriPath::new("/healthz").expect("a plain path"),
            status_clients: [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].map(IpNet::from).to_vec(),
        }
    }
}
