//! TLS connections that are passed on as they are.
//!
//! What the outer port sends on begins with a PROXY protocol header, for the inner listener has to know who asks. Endpoints
//! must not see it, so their connections go through a second port of the loopback, which takes it off again.

use super::client::HashesView;
use super::seconds;
use crate::model::{Globals, Model, Passthrough};
use crate::names::HostName;
use serde::Serialize;

/// A connection lasts until one side ends it: what it carries has limits of its own.
const TIMEOUT_S: u64 = 86_400;

/// Peers of the inner ports.
pub(super) const INNER_PEERS: &str = "127.0.0.0/8";

/// Where TLS ends for all other hosts.
pub(super) fn terminated_address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// What `passthrough.tera` sees.
#[derive(Debug, Serialize)]
pub(in crate::dialect::nginx) struct PassthroughView<'m> {
    listens: Vec<String>,
    proxy_protocol: bool,
    trusted_peers: Vec<String>,
    inner_peers: &'static str,
    terminated: String,
    passed: String,
    timeout: String,
    hashes: HashesView,
    hosts: Vec<HostView<'m>>,
}

#[derive(Debug, Serialize)]
struct HostView<'m> {
    /// Begins with a backslash, which makes nginx take the rest as it is.
    key: String,
    id: String,
    origin: String,
    service: &'m str,
    endpoints: Vec<String>,
}

impl<'m> PassthroughView<'m> {
    /// `None`: HTTPS is all for us.
    pub(in crate::dialect::nginx) fn new(model: &'m Model) -> Option<Self> {
        let globals: &Globals = &model.globals;
        let listeners = &globals.listeners;
        let port = listeners.passthrough_port?;
        let trusted = globals.forwarding.trusted_peers.iter().filter(|_| listeners.proxy_protocol);
        let longest = model.passthrough.keys().map(|name| name.as_str().len()).max().unwrap_or(0);
        Some(Self {
            listens: super::host::addresses(listeners).iter().map(|host| format!("{host}:{}", listeners.https_port)).collect(),
            proxy_protocol: listeners.proxy_protocol,
            trusted_peers: trusted.map(|range| range.trunc().to_string()).collect(),
            inner_peers: INNER_PEERS,
            terminated: terminated_address(port),
            passed: format!("127.0.0.2:{port}"),
            timeout: seconds(TIMEOUT_S),
            hashes: HashesView::of(longest, model.passthrough.len()),
            hosts: model.passthrough.iter().map(HostView::new).collect(),
        })
    }
}

impl<'m> HostView<'m> {
    fn new((name, passed): (&HostName, &'m Passthrough)) -> Self {
        Self {
            key: format!("\\{name}"),
            id: format!("passed_{name}"),
            origin: super::host::name_of(&passed.origin),
            service: &passed.name,
            endpoints: passed.endpoints.iter().map(ToString::to_string).collect(),
        }
    }
}
