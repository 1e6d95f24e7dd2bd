//! `stream` blocks: ports that are forwarded as they are.

use super::{between, seconds};
use crate::dialect::nginx::expression::Expression;
use crate::model::{Globals, Stream, StreamSettings, Transport};
use serde::Serialize;

/// What `stream.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct StreamView<'m> {
    /// Name of the upstream.
    id: String,
    origin: String,
    service: &'m str,
    udp: bool,
    listens: Vec<String>,
    reads_proxy_header: bool,
    sends_proxy_header: bool,
    endpoints: Vec<String>,
}

/// What `streams.tera` sees: what holds for all of them.
#[derive(Debug, Serialize)]
pub(super) struct StreamsView<'m> {
    timeout: String,
    tries_others: &'static str,
    tries: u64,
    tries_timeout: String,
    responses: u64,
    /// `None`: as ingress-nginx does by itself.
    log_format: Option<Expression>,
    /// `None`: nothing is logged.
    log_target: Option<String>,
    trusted_peers: Vec<String>,
    files: Vec<&'m str>,
}

impl<'m> StreamView<'m> {
    pub(super) fn new(stream: &'m Stream, globals: &Globals) -> Self {
        let udp = stream.transport == Transport::Udp;
        Self {
            id: format!("{}-{}", stream.transport.lower_case(), stream.port),
            origin: super::host::name_of(&stream.origin),
            service: &stream.name,
            udp,
            listens: super::host::addresses(&globals.listeners).iter().map(|host| format!("{host}:{}", stream.port)).collect(),
            reads_proxy_header: stream.reads_proxy_header && !udp,
            sends_proxy_header: stream.sends_proxy_header && !udp,
            endpoints: stream.endpoints.iter().map(ToString::to_string).collect(),
        }
    }
}

impl<'m> StreamsView<'m> {
    /// `None`: there are none.
    pub(super) fn new(globals: &Globals, files: impl Iterator<Item = &'m String>) -> Option<Self> {
        let files: Vec<&str> = files.map(String::as_str).collect();
        let StreamSettings { timeout_s, tries_others, tries, tries_timeout_s, responses, logged, believes_proxy_header, .. } =
            globals.streams;
        let trusted = globals.forwarding.trusted_peers.iter().filter(|_| believes_proxy_header);
        (!files.is_empty()).then(|| Self {
            timeout: seconds(timeout_s.max(1)),
            tries_others: super::on_off(tries_others),
            tries: between(0, tries, 1 << 20),
            tries_timeout: seconds(tries_timeout_s),
            responses: between(0, responses, 1 << 20),
            log_format: globals.streams.log_format.as_ref().map(Expression::of),
            log_target: logged.then(|| super::log::target(globals)),
            trusted_peers: trusted.map(|range| range.trunc().to_string()).collect(),
            files,
        })
    }
}
