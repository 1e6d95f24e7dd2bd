//! What the templates see: a field for everything they print or ask, chosen and sorted here.

mod backend;
mod blocking;
mod canary;
mod client;
mod client_auth;
mod escape;
mod headers;
mod host;
mod log;
mod main;
mod maps;
mod passthrough;
mod paths;
mod request;
mod route;
mod sticky;
mod stream;
mod upstream;

pub(super) use host::HostContext;
pub(super) use main::main;

use crate::dialect::nginx::features::Features;
use crate::model::{Backend, CertificateId, Globals, Host, MediaType, Model, Stream, UpstreamKeepalive};
use crate::names::HostPattern;
use serde::Serialize;
use std::collections::BTreeSet;

/// What one template sees.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct View<'m>(Of<'m>);

/// One for each template that is rendered by itself.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Of<'m> {
    Main(Box<main::MainView<'m>>),
    Host(Box<host::HostView<'m>>),
    Backend(Box<backend::BackendView>),
    Escape(escape::EscapeView),
    Stream(stream::StreamView<'m>),
    Passthrough(passthrough::PassthroughView<'m>),
    Certificate(CertificateView),
}

/// A line of a certificate map.
#[derive(Debug, Serialize)]
struct CertificateView {
    /// Begins with a backslash, which makes nginx take the rest as it is.
    key: String,
    path: String,
}

/// The view of a host.
pub(super) fn host<'m>(host: &'m Host, context: &HostContext<'m>) -> crate::dialect::View<'m> {
    nginx(Of::Host(Box::new(host::HostView::new(host, context))))
}

/// The view of a backend.
pub(super) fn backend<'m>(backend: &'m Backend, keepalive: &UpstreamKeepalive, features: Features) -> crate::dialect::View<'m> {
    nginx(Of::Backend(Box::new(backend::BackendView::new(backend, keepalive, features))))
}

/// The view of a port that is forwarded as it is.
pub(super) fn stream<'m>(stream: &'m Stream, globals: &Globals) -> crate::dialect::View<'m> {
    nginx(Of::Stream(stream::StreamView::new(stream, globals)))
}

/// TLS connections that are passed on as they are, if some may be.
pub(super) fn passthrough(model: &Model) -> Option<crate::dialect::View<'_>> {
    passthrough::PassthroughView::new(model).map(|view| nginx(Of::Passthrough(view)))
}

/// How targets are encoded, if somebody needs it.
pub(super) fn escape(model: &Model) -> Option<crate::dialect::View<'_>> {
    escape::EscapeView::new(model).map(|view| nginx(Of::Escape(view)))
}

/// The line that says which certificate a host has.
pub(super) fn certificate<'m>(pattern: &HostPattern, id: &CertificateId) -> crate::dialect::View<'m> {
    let line = CertificateView { key: format!("\\{pattern}"), path: super::groups::certificate_path(id) };
    nginx(Of::Certificate(line))
}

fn nginx(of: Of<'_>) -> crate::dialect::View<'_> {
    crate::dialect::View::Nginx(View(of))
}

/// Seconds as nginx writes them, cut to ten years so that no sum of them overflows.
fn seconds(seconds: u64) -> String {
    format!("{}s", seconds.min(315_360_000))
}

/// A size or count between two bounds that nginx takes.
fn between(low: u64, number: u64, high: u64) -> u64 {
    number.clamp(low, high)
}

/// Types beside that of web pages, which are meant anyway: nginx warns of those that are said twice, and knows no case.
fn beside_html(types: &[MediaType]) -> Vec<&str> {
    let mut known = BTreeSet::from(["text/html".to_owned()]);
    types.iter().map(MediaType::as_str).filter(|kind| known.insert(kind.to_ascii_lowercase())).collect()
}

/// Largest size in bytes that is printed.
const MAX_BYTES: u64 = 1 << 50;

/// A flag as nginx writes it.
const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
