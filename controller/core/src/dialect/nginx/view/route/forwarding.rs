//! How a route's requests are forwarded: retries, versions, and what other protocols than HTTP need.

use super::super::headers::HeadersView;
use super::super::host::HostContext;
use super::super::upstream::retry_causes;
use super::super::{between, seconds};
use crate::dialect::nginx::expression::Expression;
use crate::model::{FastCgi, LocationRewrite, Protocol, RetryPolicy, Route};
use serde::Serialize;

/// What `route/forwarding.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct ForwardingView {
    retries: Option<RetriesView>,
    http_version: Option<&'static str>,
    /// `off`, or a text and what replaces it.
    redirect: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct RetriesView {
    causes: Vec<&'static str>,
    tries: u64,
    timeout: String,
}

/// What `route/grpc.tera` sees: nothing of the side of HTTP holds for gRPC.
#[derive(Debug, Serialize)]
pub(super) struct GrpcView {
    headers: HeadersView,
    connect_timeout: String,
    read_timeout: String,
    send_timeout: String,
    retries: RetriesView,
    buffer_bytes: Option<u64>,
}

/// What `route/fastcgi.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct FastCgiView {
    index: Option<String>,
    parameters: Vec<(String, Expression)>,
    headers: HeadersView,
    connect_timeout: String,
    read_timeout: String,
    send_timeout: String,
}

impl RetriesView {
    fn new(retries: &RetryPolicy) -> Self {
        Self { causes: retry_causes(retries), tries: between(0, retries.tries, 1 << 20), timeout: seconds(retries.timeout_s) }
    }
}

impl ForwardingView {
    /// `None`: nothing is asked for.
    pub(super) fn of(route: &Route, context: &HostContext<'_>) -> Option<Self> {
        let policy = &route.policy;
        let view = Self {
            retries: policy.retries.as_ref().map(|retries| RetriesView::new(&retries.over(context.retries))),
            http_version: policy.http_1_0.map(|old| if old { "1.0" } else { "1.1" }),
            redirect: policy.location_rewrite.as_ref().map(redirect),
        };
        (view.retries.is_some() || view.http_version.is_some() || view.redirect.is_some()).then_some(view)
    }
}

/// The words behind `proxy_redirect`.
pub(in crate::dialect::nginx::view) fn redirect(rewrite: &LocationRewrite) -> Vec<String> {
    match rewrite {
        LocationRewrite::Off => vec!["off".to_owned()],
        LocationRewrite::Replace(from, to) => vec![from.clone(), to.clone()],
    }
}

/// Connect, read, send.
fn times(route: &Route, context: &HostContext<'_>) -> [String; 3] {
    let (own, common) = (route.policy.timeouts.clone().unwrap_or_default(), context.timeouts);
    let time = |own: Option<u64>, common: u64| seconds(own.unwrap_or(common).max(1));
    [time(own.connect_s, common.connect_s), time(own.read_s, common.read_s), time(own.send_s, common.send_s)]
}

impl GrpcView {
    /// `None`: the endpoints do not speak gRPC. `headers`: all of the route.
    pub(super) fn of(route: &Route, protocol: Option<Protocol>, headers: &HeadersView, context: &HostContext<'_>) -> Option<Self> {
        if !matches!(protocol, Some(Protocol::Grpc | Protocol::Grpcs)) {
            return None;
        }
        let [connect_timeout, read_timeout, send_timeout] = times(route, context);
        let retries = route.policy.retries.clone().unwrap_or_default().over(context.retries);
        // HTTP/2 has no connections of that kind.
        let headers = headers.without(&["Connection", "Upgrade"]);
        let buffer_bytes = (context.grpc_buffer_kib > 0).then(|| between(1, context.grpc_buffer_kib, 1 << 20) << 10);
        Some(Self { headers, connect_timeout, read_timeout, send_timeout, retries: RetriesView::new(&retries), buffer_bytes })
    }
}

impl FastCgiView {
    /// `None`: the endpoints do not speak FastCGI.
    pub(super) fn of(route: &Route, protocol: Option<Protocol>, headers: &HeadersView, context: &HostContext<'_>) -> Option<Self> {
        if protocol != Some(Protocol::FastCgi) {
            return None;
        }
        let [connect_timeout, read_timeout, send_timeout] = times(route, context);
        let FastCgi { index, parameters } = route.policy.fastcgi.clone().unwrap_or_default();
        let parameters = parameters.iter().map(|(name, value)| (name.clone(), Expression::of(value))).collect();
        Some(Self { index, parameters, headers: headers.clone(), connect_timeout, read_timeout, send_timeout })
    }
}
