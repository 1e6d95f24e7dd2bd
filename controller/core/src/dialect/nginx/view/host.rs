//! `server` and `location` blocks.

use super::paths;
use crate::dialect::nginx::features::Features;
use crate::model::{Action, Globals, Host, Model, Route};
use crate::names::{HostPattern, ObjectRef};
use serde::Serialize;
use std::sync::Arc;

/// What all hosts share; part of the key that a host's text is remembered by.
#[derive(Debug, Hash)]
pub(in crate::dialect::nginx) struct HostContext<'m> {
    listens: Arc<[ListenView]>,
    errors: Arc<[ErrorView<'m>]>,
    redirect_status: u16,
    log_unknown_hosts: bool,
    reject_unknown_names: bool,
    health_check_path: &'m str,
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
struct ErrorView<'m> {
    status: u16,
    location: String,
    /// `None`: nobody does; 404.
    backend: Option<&'m str>,
    connection: &'static str,
}

/// What `host.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct HostView<'m> {
    name: String,
    server_name: String,
    origin: Option<String>,
    listens: Arc<[ListenView]>,
    catch_all: Option<CatchAllView<'m>>,
    errors: Arc<[ErrorView<'m>]>,
    routes: Vec<RouteView<'m>>,
}

/// What only the default server has.
#[derive(Debug, Serialize)]
struct CatchAllView<'m> {
    reject_unknown_names: bool,
    /// `None`: a route has taken the path.
    health_check_path: Option<&'m str>,
}

/// What `route.tera` sees, once for each match.
#[derive(Debug, Serialize)]
struct RouteView<'m> {
    matches: Vec<MatchView<'m>>,
    origin: Option<String>,
    redirect: Option<RedirectView>,
    backend: Option<&'m str>,
    status: u16,
    unlogged: bool,
    labels: Option<LabelsView<'m>>,
}

#[derive(Debug, Serialize)]
struct MatchView<'m> {
    exact: bool,
    path: &'m str,
}

#[derive(Debug, Serialize)]
struct RedirectView {
    status: u16,
    keep_trailing_slash: bool,
}

/// What error pages are told about the route.
#[derive(Debug, Serialize)]
struct LabelsView<'m> {
    namespace: &'m str,
    ingress: &'m str,
    service: &'m str,
    port: &'m str,
}

impl<'m> HostContext<'m> {
    pub(in crate::dialect::nginx) fn new(model: &'m Model, features: Features) -> Self {
        let globals: &'m Globals = &model.globals;
        Self {
            listens: listens(globals, features).into(),
            errors: errors(globals).into(),
            redirect_status: globals.https_redirect_status.0,
            log_unknown_hosts: globals.access_log.unknown_hosts,
            reject_unknown_names: globals.tls.reject_unknown_names,
            health_check_path: globals.listeners.health_check_path.as_str(),
        }
    }
}

fn listens(globals: &Globals, features: Features) -> Vec<ListenView> {
    let listeners = &globals.listeners;
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
    let line = |host: &String, port: u16, tls: bool| ListenView {
        address: format!("{host}:{port}"),
        tls,
        http2: tls && listeners.http2 && !features.http2_directive,
        proxy_protocol: listeners.proxy_protocol,
        reuse_port: listeners.reuse_port,
    };
    hosts.iter().flat_map(|host| [line(host, listeners.http_port, false), line(host, listeners.https_port, true)]).collect()
}

fn errors(globals: &Globals) -> Vec<ErrorView<'_>> {
    let Some(custom) = &globals.custom_errors else { return Vec::new() };
    let connection = if globals.upstream_keepalive.connections == 0 { "close" } else { "" };
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
        let routes = host.routes.iter().zip(extra).map(|(route, extra)| RouteView::new(route, extra, is_catch_all, context)).collect();
        let catch_all = is_catch_all.then(|| CatchAllView {
            reject_unknown_names: context.reject_unknown_names,
            health_check_path: Some(context.health_check_path).filter(|path| !paths::is_taken(&host.routes, path)),
        });
        Self {
            name: host.pattern.to_string(),
            server_name: server_name(&host.pattern),
            origin: host.origin.as_ref().map(name_of),
            listens: context.listens.clone(),
            catch_all,
            errors: context.errors.clone(),
            routes,
        }
    }
}

/// nginx's own wildcards reach deeper names as well; those of Ingresses cover one label.
fn server_name(pattern: &HostPattern) -> String {
    match pattern {
        HostPattern::Wildcard(parent) => format!(r"~^(?<subdomain>[0-9a-z_-]+)\.{}\z", parent.as_str().replace('.', r"\.")),
        HostPattern::CatchAll | HostPattern::Exact(_) => pattern.to_string(),
    }
}

fn name_of(object: &ObjectRef) -> String {
    object.name.to_string()
}

impl<'m> RouteView<'m> {
    fn new(route: &'m Route, extra: Vec<&'m str>, is_catch_all: bool, context: &HostContext<'m>) -> Self {
        let (backend, status) = match &route.action {
            Action::Forward(id) => (Some(id.as_str()), 0),
            Action::Respond(status) => (None, *status),
        };
        let given =
            route.matches.iter().map(|m| MatchView { exact: matches!(m, crate::model::PathMatch::Exact(_)), path: m.path().as_str() });
        Self {
            matches: given.chain(extra.into_iter().map(|path| MatchView { exact: true, path })).collect(),
            origin: route.origin.as_ref().map(name_of),
            redirect: route
                .https_redirect
                .map(|redirect| RedirectView { status: context.redirect_status, keep_trailing_slash: redirect.keep_trailing_slash }),
            backend,
            status,
            unlogged: is_catch_all && route.origin.is_none() && !context.log_unknown_hosts,
            labels: (!context.errors.is_empty()).then(|| LabelsView::new(route)),
        }
    }
}

impl<'m> LabelsView<'m> {
    fn new(route: &'m Route) -> Self {
        let (namespace, ingress) = route.origin.as_ref().map_or(("", ""), |origin| (origin.name.namespace(), origin.name.name()));
        let (service, port) = route.service.as_ref().map_or(("", ""), |service| (&*service.service, &*service.port));
        Self { namespace, ingress, service, port }
    }
}
