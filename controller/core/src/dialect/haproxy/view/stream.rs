//! Ports that are forwarded as they are.

use super::seconds;
use super::section::server_name;
use crate::dialect::haproxy::expression::Expression;
use crate::dialect::haproxy::log::of_streams;
use crate::model::{Globals, Stream};
use serde::Serialize;

/// What `stream.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct StreamView<'m> {
    name: String,
    origin: String,
    service: &'m str,
    binds: Vec<super::bind::BindView>,
    logged: bool,
    /// What a line holds; `None`: the default format.
    log_format: Option<Expression>,
    reads_proxy_header: bool,
    timeout: String,
    retries: u64,
    servers: Vec<ServerView>,
    sends_proxy_header: bool,
}

/// A `server` line.
#[derive(Debug, Serialize)]
pub(super) struct ServerView {
    name: String,
    address: String,
}

impl ServerView {
    pub(super) fn new(endpoint: &std::net::SocketAddr) -> Self {
        Self { name: server_name(endpoint), address: endpoint.to_string() }
    }
}

impl<'m> StreamView<'m> {
    pub(super) fn new(stream: &'m Stream, globals: &Globals) -> Self {
        let settings = &globals.streams;
        Self {
            name: format!("{}-{}", stream.transport.lower_case(), stream.port),
            origin: stream.origin.name.to_string(),
            service: &stream.name,
            binds: super::bind::binds_of(&globals.listeners, stream.port),
            logged: settings.logged,
            log_format: settings.log_format.as_ref().map(of_streams),
            reads_proxy_header: stream.reads_proxy_header,
            timeout: seconds(settings.timeout_s),
            retries: if settings.tries_others { settings.tries.clamp(1, 11) - 1 } else { 0 },
            servers: stream.endpoints.iter().map(ServerView::new).collect(),
            sends_proxy_header: stream.sends_proxy_header,
        }
    }
}
