//! `server` and `location` blocks.

use super::client_auth::{self, ClientAuthView};
use super::headers::HeadersView;
use super::maps::MapsView;
use super::paths;
use super::route::cors::CorsMapsView;
use super::route::{RouteView, errors};
use crate::dialect::nginx::expression::Expression;
use crate::dialect::nginx::features::Features;
use crate::dialect::nginx::groups::certificate_path;
use crate::model::{
    Backend, BackendId, Buffers, ClientAuth, Globals, Host, HostCertificate, Listeners, Model, RetryPolicy, UpstreamTimeouts,
};
use crate::names::variable::LABELS;
use crate::names::{HostAlias, HostPattern, ObjectRef, UriPath};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What all hosts share; part of the key that a host's text is remembered by.
#[derive(Debug, Hash)]
pub(in crate::dialect::nginx) struct HostContext<'m> {
    listens: Arc<[ListenView]>,
    errors: Arc<[ErrorView<'m>]>,
    pub(super) headers: HeadersView,
    pub(super) redirect_status: u16,
    pub(super) https_port: u16,
    pub(super) buffers: &'m Buffers,
    /// Who writes error answers when nobody else is named.
    pub(super) error_backend: Option<&'m str>,
    pub(super) error_connection: &'static str,
    blocking: bool,
    pub(super) log_unknown_hosts: bool,
    /// Something that all routes have in common says which of them it is.
    pub(super) says_labels: bool,
    pub(super) counts_requests: bool,
    reject_unknown_names: bool,
    health_check_path: &'m str,
    backends: Known<'m>,
    pub(super) retries: &'m RetryPolicy,
    pub(super) timeouts: &'m UpstreamTimeouts,
    pub(super) grpc_buffer_kib: u64,
    /// Clients with limits are told apart by something else than their addresses.
    pub(super) has_limit_key: bool,
}

/// One `listen` line.
#[derive(Debug, Clone, Hash, Serialize)]
struct ListenView {
    address: String,
    tls: bool,
    http2: bool,
    proxy_protocol: bool,
    reuse_port: bool,
}

/// One status that the default backend answers in place of the route.
#[derive(Debug, Clone, Hash, Serialize)]
pub(super) struct ErrorView<'m> {
    pub(super) status: u16,
    pub(super) location: String,
    /// `None`: nobody does; 404.
    pub(super) backend: Option<&'m str>,
    pub(super) connection: &'static str,
}

/// What `host.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct HostView<'m> {
    /// What the routes need before the host.
    maps: MapsView,
    name: String,
    server_name: String,
    aliases: Vec<String>,
    origin: Option<String>,
    listens: Arc<[ListenView]>,
    catch_all: Option<CatchAllView<'m>>,
    blocking: bool,
    errors: Arc<[ErrorView<'m>]>,
    /// Further locations that error answers come from, by name.
    error_locations: Vec<ErrorView<'m>>,
    cors_maps: Vec<CorsMapsView>,
    /// Where requests for `/` are sent.
    app_root: Option<Expression>,
    client_auth: Option<ClientAuthView<'m>>,
    tls: Option<HostTlsView>,
    routes: Vec<RouteView<'m>>,
}

/// How handshakes differ from those for all hosts. They do only in a server with a certificate of its own.
#[derive(Debug, Serialize)]
struct HostTlsView {
    /// File of the certificate, if the check has to look into it; `None`: by the name of the handshake.
    certificate: Option<String>,
    ciphers: Option<String>,
    own_order: Option<&'static str>,
}

impl HostTlsView {
    fn of(host: &Host) -> Option<Self> {
        let policy = &host.policy;
        let certificate = match &host.certificate {
            HostCertificate::Own(id) if id.is_unchecked() => Some(certificate_path(id)),
            _ => None,
        };
        let checks_clients = matches!(policy.client_auth, Some(ClientAuth::Checked(_)));
        let tls = policy.tls.as_ref();
        (tls.is_some() || checks_clients || certificate.is_some()).then(|| Self {
            certificate,
            ciphers: tls.and_then(|tls| tls.ciphers.as_ref()).map(|ciphers| ciphers.closed()),
            own_order: tls.and_then(|tls| tls.own_order).map(super::on_off),
        })
    }
}

/// What only the default server has.
#[derive(Debug, Serialize)]
struct CatchAllView<'m> {
    reject_unknown_names: bool,
    /// `None`: a route has taken the path.
    health_check_path: Option<&'m str>,
    /// The same.
    status_path: Option<&'static str>,
}

/// The backends of the model. A name tells all of a backend but its endpoints, and hosts do not depend on those.
#[derive(Debug)]
struct Known<'m>(&'m BTreeMap<BackendId, Arc<Backend>>);

impl std::hash::Hash for Known<'_> {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl<'m> HostContext<'m> {
    /// The backend of that name.
    pub(super) fn backend(&self, id: &BackendId) -> Option<&'m Backend> {
        self.backends.0.get(id).map(|backend| &**backend)
    }

    /// All of them.
    pub(super) const fn backends(&self) -> &'m BTreeMap<BackendId, Arc<Backend>> {
        self.backends.0
    }

    pub(in crate::dialect::nginx) fn new(model: &'m Model, features: Features) -> Self {
        let globals: &'m Globals = &model.globals;
        Self {
            listens: listens(globals, features).into(),
            errors: common_errors(globals).into(),
            headers: HeadersView::new(globals),
            redirect_status: globals.https_redirect_status.0,
            https_port: globals.listeners.https_port,
            buffers: &globals.buffers,
            error_backend: globals.default_backend.as_ref().map(|id| id.as_str()),
            error_connection: error_connection(globals),
            blocking: !globals.blocking.is_empty(),
            log_unknown_hosts: globals.access_log.unknown_hosts,
            says_labels: says_labels(globals),
            counts_requests: globals.listeners.metrics_port.is_some(),
            reject_unknown_names: globals.tls.reject_unknown_names,
            health_check_path: globals.listeners.health_check_path.as_str(),
            backends: Known(&model.backends),
            retries: &globals.retries,
            timeouts: &globals.upstream_timeouts,
            grpc_buffer_kib: globals.grpc_buffer_kib,
            has_limit_key: globals.limits.key.is_some(),
        }
    }

    /// Whether some error pages are written by the default backend.
    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }
}

fn says_labels(globals: &Globals) -> bool {
    let logged = globals.access_log.format.as_ref().is_some_and(|format| format.uses(LABELS));
    let mut headers = globals.request_headers.iter().chain(&globals.response_headers);
    logged || headers.any(|(_, value)| value.uses(LABELS))
}

/// The addresses that are listened on, as nginx writes them.
pub(super) fn addresses(listeners: &Listeners) -> Vec<String> {
    let mut hosts: Vec<String> =
        listeners.addresses.iter().map(|address| if address.is_ipv6() { format!("[{address}]") } else { address.to_string() }).collect();
    if hosts.is_empty() {
        hosts.push("*".to_owned());
        if listeners.ipv6 {
            hosts.push("[::]".to_owned());
        }
    }
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

fn listens(globals: &Globals, features: Features) -> Vec<ListenView> {
    let listeners = &globals.listeners;
    let hosts = addresses(listeners);
    let line = |host: &String, port: u16, tls: bool| ListenView {
        address: format!("{host}:{port}"),
        tls,
        http2: tls && listeners.http2 && !features.http2_directive,
        proxy_protocol: listeners.proxy_protocol,
        reuse_port: listeners.reuse_port,
    };
    let plain = hosts.iter().map(|host| line(host, listeners.http_port, false));
    let Some(port) = listeners.passthrough_port else {
        return hosts.iter().zip(plain).flat_map(|(host, plain)| [plain, line(host, listeners.https_port, true)]).collect();
    };
    let inner = line(&String::new(), port, true);
    plain.chain([ListenView { address: super::passthrough::terminated_address(port), proxy_protocol: true, ..inner }]).collect()
}

/// `Connection` of requests for error answers.
fn error_connection(globals: &Globals) -> &'static str {
    if globals.upstream_keepalive.connections == 0 { "close" } else { "" }
}

/// The locations that error answers of the routes come from, beside those of all hosts.
fn error_locations<'m>(host: &'m Host, context: &HostContext<'m>) -> Vec<ErrorView<'m>> {
    let known = |error: &ErrorView<'m>| context.errors.iter().any(|other| other.location == error.location);
    let errors = host.routes.iter().flat_map(|route| errors::locations(route, context)).filter(|error| !known(error));
    errors.map(|error| (error.location.clone(), error)).collect::<BTreeMap<_, _>>().into_values().collect()
}

fn common_errors(globals: &Globals) -> Vec<ErrorView<'_>> {
    let Some(custom) = &globals.custom_errors else { return Vec::new() };
    let connection = error_connection(globals);
    let mut statuses: Vec<u16> = custom.statuses.iter().copied().filter(|status| (300..=599).contains(status)).collect();
    statuses.sort_unstable();
    statuses.dedup();
    let backend = globals.default_backend.as_ref().map(|id| id.as_str());
    statuses.into_iter().map(|status| ErrorView { status, location: format!("@error_{status}"), backend, connection }).collect()
}

impl<'m> HostView<'m> {
    pub(super) fn new(host: &'m Host, context: &HostContext<'m>) -> Self {
        let is_catch_all = host.pattern == HostPattern::CatchAll;
        let extra = paths::against_slash_redirects(&host.routes);
        let client_auth = host.policy.client_auth.as_ref();
        let common = client_auth::headers(&context.headers, client_auth);
        let mut maps = MapsView::default();
        let slow = host.slow_expressions();
        let routes = host.routes.iter().zip(extra);
        let routes =
            routes.map(|(route, extra)| RouteView::new(route, (extra, slow), &host.pattern, &mut maps, (context, &common))).collect();
        let catch_all = is_catch_all.then(|| CatchAllView {
            reject_unknown_names: context.reject_unknown_names,
            health_check_path: Some(context.health_check_path).filter(|path| !paths::is_taken(&host.routes, path)),
            status_path: Some(Listeners::STATUS_PATH)
                .filter(|path| context.health_check_path != *path && !paths::is_taken(&host.routes, path)),
        });
        Self {
            maps,
            name: host.pattern.to_string(),
            server_name: server_name(&host.pattern),
            aliases: host.policy.aliases.iter().flatten().map(|alias| alias_name(&alias.name)).collect(),
            origin: host.origin.as_ref().map(name_of),
            listens: context.listens.clone(),
            catch_all,
            blocking: context.blocking,
            errors: context.errors.clone(),
            error_locations: error_locations(host, context),
            cors_maps: host.routes.iter().filter_map(CorsMapsView::new).collect::<BTreeMap<_, _>>().into_values().collect(),
            client_auth: client_auth.map(|auth| ClientAuthView::new(auth, &common)),
            app_root: host.policy.app_root.as_ref().map(app_root),
            tls: HostTlsView::of(host),
            routes,
        }
    }
}

/// By the scheme and the host, with its port, that the client has used.
fn app_root(path: &UriPath) -> Expression {
    Expression::variable("scheme").and("://").and_variable("http_host").and(path.as_str())
}

/// nginx's own wildcards reach deeper names as well; those of Ingresses cover one label.
fn server_name(pattern: &HostPattern) -> String {
    match pattern {
        HostPattern::Wildcard(parent) => format!(r"~^(?<subdomain>[0-9a-z_-]+)\.{}\z", parent.as_str().replace('.', r"\.")),
        HostPattern::CatchAll | HostPattern::Exact(_) => pattern.to_string(),
    }
}

/// The name of an alias as nginx writes it. Its own wildcards come before expressions, which our hosts with wildcards are.
fn alias_name(alias: &HostAlias) -> String {
    match alias {
        HostAlias::Exact(name) => name.to_string(),
        HostAlias::Wildcard(parent) => format!(r"~^(?:[0-9a-z_-]+\.)+{}\z", parent.as_str().replace('.', r"\.")),
        HostAlias::Regex(expression) => format!("~{}", expression.bounded()),
    }
}

/// Namespace and name of an object.
pub(super) fn name_of(object: &ObjectRef) -> String {
    object.name.to_string()
}
