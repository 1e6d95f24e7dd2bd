//! What is believed about a request: addresses, host, scheme, port.

use super::passthrough::INNER_PEERS;
use crate::dialect::common::is_header_name;
use crate::model::{Forwarding, Globals, TrustedAddressSource};
use serde::Serialize;
use std::collections::BTreeSet;

/// What `request.tera` and `upstream.tera` see.
#[derive(Debug, Serialize)]
pub(super) struct ForwardingView {
    /// Variable of the header with the client's addresses.
    for_variable: String,
    /// Variable of the header with the client's host.
    host_variable: String,
    /// Variable of the connection's port.
    port_variable: &'static str,
    /// Variable of the address that an appending proxy adds.
    peer_variable: &'static str,
    trust_headers: bool,
    append_peer: bool,
    proxy_protocol: bool,
    original_uri_header: bool,
    generate_request_id: bool,
    /// Ports that are 443 for everybody else.
    https_ports: Vec<u16>,
}

impl ForwardingView {
    /// Variable of the header with the client's addresses.
    pub(super) fn for_variable(&self) -> &str {
        &self.for_variable
    }

    /// Variable of the header with the client's host.
    pub(super) fn host_variable(&self) -> &str {
        &self.host_variable
    }

    pub(super) fn new(globals: &Globals) -> Self {
        let forwarding = &globals.forwarding;
        let proxy_protocol = globals.listeners.proxy_protocol;
        let replaced = RealIpView::new(forwarding, None).is_some();
        Self {
            for_variable: header_variable(&forwarding.for_header, "X-Forwarded-For"),
            host_variable: header_variable(&forwarding.host_header, "X-Forwarded-Host"),
            port_variable: if proxy_protocol { "proxy_protocol_server_port" } else { "server_port" },
            peer_variable: match (proxy_protocol, replaced) {
                (true, _) => "proxy_protocol_addr",
                (false, true) => "realip_remote_addr",
                (false, false) => "remote_addr",
            },
            trust_headers: forwarding.trust_headers,
            append_peer: forwarding.append_peer,
            proxy_protocol,
            original_uri_header: forwarding.original_uri_header,
            generate_request_id: globals.request_ids.generate,
            https_ports: std::iter::once(globals.listeners.https_port).chain(globals.listeners.passthrough_port).collect(),
        }
    }
}

/// The variable of a request header, of `fallback` for what is no header name.
fn header_variable(name: &str, fallback: &str) -> String {
    let name = if is_header_name(name) { name } else { fallback };
    format!("http_{}", name.to_ascii_lowercase().replace('-', "_"))
}

/// How the address of a connection is replaced.
#[derive(Debug, Serialize)]
pub(super) struct RealIpView {
    header: String,
    trusted_peers: Vec<String>,
    behind_proxy_protocol: bool,
}

impl RealIpView {
    /// `None`: it is not. On an inner listener it is replaced by the one that the outer port has told; translation has seen to it
    /// that no header is believed beside that.
    pub(super) fn new(forwarding: &Forwarding, inner_port: Option<u16>) -> Option<Self> {
        let header = if is_header_name(&forwarding.for_header) { forwarding.for_header.as_str() } else { "X-Forwarded-For" };
        let header = match forwarding.client_address {
            TrustedAddressSource::Connection if inner_port.is_none() => return None,
            TrustedAddressSource::Connection | TrustedAddressSource::ProxyProtocol => "proxy_protocol",
            TrustedAddressSource::Header | TrustedAddressSource::HeaderBehindProxyProtocol => header,
        };
        let trusted = forwarding.trusted_peers.iter().filter(|_| forwarding.client_address != TrustedAddressSource::Connection);
        let mut trusted_peers: Vec<_> = trusted.map(ipnet::IpNet::trunc).collect();
        trusted_peers.sort_unstable();
        trusted_peers.dedup();
        let inner = inner_port.map(|_| INNER_PEERS.to_owned());
        Some(Self {
            header: header.to_owned(),
            trusted_peers: trusted_peers.iter().map(ToString::to_string).chain(inner).collect(),
            behind_proxy_protocol: forwarding.client_address == TrustedAddressSource::HeaderBehindProxyProtocol,
        })
    }
}

/// Who may see the status of the proxy.
#[derive(Debug, Serialize)]
pub(super) struct StatusClientsView {
    /// The address of the connection is no longer `$remote_addr`.
    peer_is_replaced: bool,
    peers: Vec<String>,
    clients: Vec<String>,
}

impl StatusClientsView {
    /// An address that a header tells is not enough, whoever may tell addresses: the connection has to come from one as well.
    pub(super) fn new(globals: &Globals) -> Self {
        let listeners = &globals.listeners;
        let clients: BTreeSet<String> = listeners.status_clients.iter().map(ToString::to_string).collect();
        let inner = listeners.passthrough_port.map(|_| INNER_PEERS.to_owned());
        Self {
            peer_is_replaced: RealIpView::new(&globals.forwarding, listeners.passthrough_port).is_some(),
            peers: clients.iter().cloned().chain(inner).collect::<BTreeSet<_>>().into_iter().collect(),
            clients: clients.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_variables_and_other_texts_the_default() {
        assert_eq!(header_variable("CF-Connecting-IP", "X"), "http_cf_connecting_ip");
        assert_eq!(header_variable("a b", "X-Forwarded-For"), "http_x_forwarded_for");
        assert_eq!(header_variable("", "X-Forwarded-For"), "http_x_forwarded_for");
    }
}
