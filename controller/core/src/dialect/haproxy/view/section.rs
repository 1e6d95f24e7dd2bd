//! `backend` sections.

use super::client_auth::ClientAuthView;
use super::guards::GuardsView;
use super::pages::PagesView;
use super::route::{RouteView, TRIMMED_TARGET};
use crate::dialect::Version;
use crate::dialect::haproxy::expression::Expression;
use crate::dialect::haproxy::sections::{Does, Section};
use crate::model::{Backend, Balance, Globals, RoutePolicy};
use serde::Serialize;
use std::net::SocketAddr;

/// What `backend.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct SectionView<'m> {
    name: String,
    origin: Option<String>,
    unlogged: bool,
    https_redirect: Option<RedirectView>,
    /// Where the root of a host leads.
    app_root: Option<&'m str>,
    route: RouteView,
    client_auth: Option<ClientAuthView<'m>>,
    guards: Option<GuardsView>,
    pages: Option<PagesView>,
    answer: Option<AnswerView>,
    error: Option<ErrorView<'m>>,
    forward: Option<ForwardView<'m>>,
}

#[derive(Debug, Serialize)]
struct RedirectView {
    status: u16,
    location: Expression,
}

impl RedirectView {
    fn new(keep_trailing_slash: bool, policy: Option<&RoutePolicy>, globals: &Globals) -> Self {
        let target = if keep_trailing_slash { "pathq" } else { TRIMMED_TARGET };
        let mut location = Expression::literal("https://").and_fetch("var(txn.bare_host)");
        if policy.is_some_and(|policy| policy.port_in_redirects == Some(true)) {
            location = location.and(&format!(":{}", globals.listeners.https_port));
        }
        Self { status: globals.https_redirect_status.0, location: location.and_fetch(target) }
    }
}

#[derive(Debug, Serialize)]
struct AnswerView {
    status: u16,
    /// It is answered after the checks of who may pass.
    checked_first: bool,
    page: String,
}

/// What the default backend is told.
#[derive(Debug, Serialize)]
struct ErrorView<'m> {
    status: u16,
    headers: Vec<HeaderView<'m>>,
}

#[derive(Debug, Serialize)]
struct HeaderView<'m> {
    name: &'static str,
    value: &'m str,
}

/// The endpoints, and how they are asked.
#[derive(Debug, Serialize)]
struct ForwardView<'m> {
    /// Name for people: that of the Service port.
    upstream: &'m str,
    balance: &'static str,
    /// `None`: any.
    body_limit_bytes: Option<u64>,
    /// Bytes per second of an answer.
    bandwidth: Option<u64>,
    servers: Vec<ServerView>,
    /// Further words of every `server` line.
    options: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ServerView {
    name: String,
    address: String,
}

impl<'m> SectionView<'m> {
    pub(super) fn new(section: &Section<'m>, globals: &Globals, version: Version) -> Self {
        let key = &section.key;
        let is_guarded = section.policy.is_some_and(RoutePolicy::is_guarded);
        // Nobody to forward to, which the translator does not let happen: closed.
        let (answer, error) = match key.does {
            Does::Answer(status) => (Some(status), None),
            Does::AppRoot(_) => (None, None),
            _ if section.backend.is_none() => (Some(503), None),
            Does::Forward(_) => (None, None),
            Does::Error { status, labels, .. } => {
                let headers = [
                    ("X-Namespace", labels.namespace),
                    ("X-Ingress-Name", labels.ingress),
                    ("X-Service-Name", labels.service),
                    ("X-Service-Port", labels.port),
                ];
                let said = headers.into_iter().filter(|(_, value)| !value.is_empty());
                (None, Some(ErrorView { status, headers: said.map(|(name, value)| HeaderView { name, value }).collect() }))
            }
        };
        Self {
            name: key.name(),
            origin: section.origin.map(|origin| origin.name.to_string()),
            unlogged: key.unlogged,
            https_redirect: key.redirect.map(|keep| RedirectView::new(keep, section.policy, globals)),
            app_root: if let Does::AppRoot(path) = key.does { Some(path.as_str()) } else { None },
            route: RouteView::new(section, globals),
            client_auth: ClientAuthView::new(section.client_auth),
            guards: GuardsView::new(section, globals),
            pages: PagesView::new(section, globals, version),
            answer: answer.map(|status| AnswerView { status, checked_first: status == 404 && is_guarded, page: page(status) }),
            error,
            forward: section.backend.map(|backend| ForwardView::new(backend, globals, section.policy, version)),
        }
    }
}

/// Our own page for a status.
pub(super) fn page(status: u16) -> String {
    let title = match status {
        400 => "400 Bad Request",
        401 => "401 Authorization Required",
        403 => "403 Forbidden",
        404 => "404 Not Found",
        421 => "421 Misdirected Request",
        429 => "429 Too Many Requests",
        500 => "500 Internal Server Error",
        503 => "503 Service Temporarily Unavailable",
        _ => return format!("<html><body><center><h1>{status}</h1></center></body></html>"),
    };
    format!("<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>")
}

impl<'m> ForwardView<'m> {
    fn new(backend: &'m Backend, globals: &Globals, policy: Option<&RoutePolicy>, version: Version) -> Self {
        let own_limit = policy.and_then(|policy| policy.buffering.as_ref()).and_then(|wish| wish.body_limit_bytes);
        let server = |endpoint: &SocketAddr| ServerView { name: server_name(endpoint), address: endpoint.to_string() };
        Self {
            // Without the hash that makes it unique.
            upstream: backend.id.as_str().split_once('_').map_or("-", |(_, name)| name),
            balance: match backend.balance {
                Balance::RoundRobin => "roundrobin",
                Balance::RandomTwo => "random(2)",
            },
            body_limit_bytes: Some(own_limit.unwrap_or(globals.body_limits.request_bytes).min(1 << 50)).filter(|&bytes| bytes > 0),
            bandwidth: super::limits::bandwidth(policy.and_then(|policy| policy.bandwidth.as_ref()), globals, version),
            servers: backend.endpoints.iter().map(server).collect(),
            options: server_options(globals),
        }
    }
}

/// Name of an endpoint's server: letters, digits, `.`, `:` and `_`.
pub(in crate::dialect::haproxy) fn server_name(endpoint: &SocketAddr) -> String {
    format!("{}_{}", endpoint.ip(), endpoint.port())
}

/// What follows the address on a `server` line, and in `add server`.
pub(in crate::dialect::haproxy) fn server_options(globals: &Globals) -> Vec<String> {
    let keepalive = &globals.upstream_keepalive;
    if keepalive.connections == 0 {
        return Vec::new();
    }
    let connections = keepalive.connections.clamp(1, 1 << 20);
    ["pool-max-conn".to_owned(), connections.to_string(), "pool-purge-delay".to_owned(), super::seconds(keepalive.timeout_s)].into()
}
