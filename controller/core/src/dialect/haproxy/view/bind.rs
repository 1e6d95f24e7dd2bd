//! The `bind` lines of frontends.

use super::passthrough::terminated_address;
use crate::model::Listeners;
use serde::Serialize;
use std::net::IpAddr;

/// One `bind` line.
#[derive(Debug, Serialize)]
pub(super) struct BindView {
    address: String,
    v6only: bool,
    tls: bool,
    /// It is where the passthrough sends all that it does not pass on.
    inner: bool,
}

/// The lines for a port without TLS.
pub(super) fn binds_of(listeners: &Listeners, port: u16) -> Vec<BindView> {
    let line = |(host, v6only): (String, bool)| BindView { address: format!("{host}:{port}"), v6only, tls: false, inner: false };
    addresses(listeners).into_iter().map(line).collect()
}

/// The addresses that are listened on, and whether they are of IPv6 alone.
fn addresses(listeners: &Listeners) -> Vec<(String, bool)> {
    let host = |address: &IpAddr| if address.is_ipv6() { (format!("[{address}]"), true) } else { (address.to_string(), false) };
    let mut hosts: Vec<(String, bool)> = listeners.addresses.iter().map(host).collect();
    if hosts.is_empty() {
        hosts.push(("*".to_owned(), false));
        if listeners.ipv6 {
            hosts.push(("[::]".to_owned(), true));
        }
    }
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// The lines for both ports of HTTP.
pub(super) fn binds(listeners: &Listeners) -> Vec<BindView> {
    let hosts = addresses(listeners);
    let line = |(host, v6only): &(String, bool), port: u16, tls: bool| BindView {
        address: format!("{host}:{port}"),
        v6only: *v6only,
        tls,
        inner: false,
    };
    let Some(port) = listeners.passthrough_port else {
        return hosts.iter().flat_map(|host| [line(host, listeners.http_port, false), line(host, listeners.https_port, true)]).collect();
    };
    let inner = BindView { address: terminated_address(port), v6only: false, tls: true, inner: true };
    hosts.iter().map(|host| line(host, listeners.http_port, false)).chain([inner]).collect()
}
