//! TLS connections that are passed on as they are. All others go to the inner listener over a connection that begins with a
//! PROXY protocol header.

use super::bind::{BindView, binds_of};
use super::real_ip::trusted_lines;
use super::seconds;
use super::stream::ServerView;
use crate::dialect::haproxy::expression::Expression;
use crate::dialect::haproxy::log::of_streams;
use crate::model::{Globals, Passthrough};
use crate::names::HostName;
use serde::Serialize;

/// A connection lasts until one side ends it: what it carries has limits of its own.
const TIMEOUT_S: u64 = 86_400;

/// Longest wait for the first bytes of a client, which tell the name.
const PATIENCE_S: u64 = 30;

/// Where TLS ends for all other hosts.
pub(super) fn terminated_address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// The name of the section of a host.
pub(in crate::dialect::haproxy) fn id(name: &HostName) -> String {
    format!("passed-{name}")
}

/// What `passthrough.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct PassthroughView {
    binds: Vec<BindView>,
    proxy_protocol: bool,
    /// In lines of a bounded number.
    trusted: Vec<Vec<String>>,
    logged: bool,
    /// What a line holds; `None`: the default format.
    log_format: Option<Expression>,
    timeout: String,
    patience: String,
    terminated: String,
}

impl PassthroughView {
    /// `None`: HTTPS is all for us.
    pub(super) fn new(globals: &Globals) -> Option<Self> {
        let listeners = &globals.listeners;
        Some(Self {
            terminated: terminated_address(listeners.passthrough_port?),
            binds: binds_of(listeners, listeners.https_port),
            proxy_protocol: listeners.proxy_protocol,
            trusted: trusted_lines(&globals.forwarding),
            logged: globals.streams.logged,
            log_format: globals.streams.log_format.as_ref().map(of_streams),
            timeout: seconds(TIMEOUT_S),
            patience: seconds(PATIENCE_S),
        })
    }
}

/// What `passed.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct PassedView {
    id: String,
    origin: String,
    timeout: String,
    servers: Vec<ServerView>,
}

impl PassedView {
    pub(super) fn new(name: &HostName, passed: &Passthrough) -> Self {
        Self {
            id: id(name),
            origin: passed.origin.name.to_string(),
            timeout: seconds(TIMEOUT_S),
            servers: passed.endpoints.iter().map(ServerView::new).collect(),
        }
    }
}
