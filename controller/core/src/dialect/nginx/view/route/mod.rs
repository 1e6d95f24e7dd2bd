//! `location` blocks: one file for each thing that a route may ask for.

mod auth;
mod headers;
pub(super) mod limits;
mod timeouts;

use super::headers::HeadersView;
use super::host::{HostContext, name_of};
use crate::model::{Action, PathMatch, Route};
use serde::Serialize;

/// What `route.tera` sees, once for each match.
#[derive(Debug, Serialize)]
pub(super) struct RouteView<'m> {
    matches: Vec<MatchView<'m>>,
    origin: Option<String>,
    https_redirect: Option<HttpsRedirectView>,
    backend: Option<&'m str>,
    status: u16,
    unlogged: bool,
    labels: Option<LabelsView<'m>>,
    headers: HeadersView,
    timeouts: Option<timeouts::TimeoutsView>,
    auth: Option<auth::AuthView<'m>>,
    limits: Option<limits::LimitsView>,
    bandwidth: Option<limits::BandwidthView>,
}

#[derive(Debug, Serialize)]
struct MatchView<'m> {
    exact: bool,
    path: &'m str,
}

#[derive(Debug, Serialize)]
struct HttpsRedirectView {
    status: u16,
    keep_trailing_slash: bool,
}

/// What error pages and log lines are told about the route.
#[derive(Debug, Serialize)]
struct LabelsView<'m> {
    namespace: &'m str,
    ingress: &'m str,
    service: &'m str,
    port: &'m str,
    path: &'m str,
}

impl<'m> RouteView<'m> {
    /// `extra`: exact paths that the route takes beside its own.
    pub(super) fn new(route: &'m Route, extra: Vec<&'m str>, is_catch_all: bool, context: &HostContext<'m>) -> Self {
        let (backend, status) = match &route.action {
            Action::Forward(id) => (Some(id.as_str()), 0),
            Action::Respond(status) => (None, *status),
        };
        let given = route.matches.iter().map(|m| MatchView { exact: matches!(m, PathMatch::Exact(_)), path: m.path().as_str() });
        Self {
            matches: given.chain(extra.into_iter().map(|path| MatchView { exact: true, path })).collect(),
            origin: route.origin.as_ref().map(name_of),
            https_redirect: route
                .https_redirect
                .map(|redirect| HttpsRedirectView { status: context.redirect_status, keep_trailing_slash: redirect.keep_trailing_slash }),
            backend,
            status,
            unlogged: is_catch_all && route.origin.is_none() && !context.log_unknown_hosts,
            labels: (context.log_labels || context.has_errors()).then(|| LabelsView::new(route)),
            headers: headers::of(route, &context.headers),
            auth: auth::AuthView::new(&route.policy),
            limits: limits::LimitsView::new(route),
            bandwidth: route.policy.bandwidth.as_ref().map(limits::BandwidthView::new),
            timeouts: route.policy.timeouts.as_ref().map(timeouts::TimeoutsView::new),
        }
    }
}

impl<'m> LabelsView<'m> {
    fn new(route: &'m Route) -> Self {
        let (namespace, ingress) = route.origin.as_ref().map_or(("", ""), |origin| (origin.name.namespace(), origin.name.name()));
        let (service, port) = route.service.as_ref().map_or(("", ""), |service| (&*service.service, &*service.port));
        Self { namespace, ingress, service, port, path: route.rule_path.as_str() }
    }
}
