//! Where a route's requests are forwarded to.

use super::super::backend::target;
use super::super::host::HostContext;
use crate::dialect::nginx::expression::Expression;
use crate::model::{Action, Backend, Protocol, Route};
use serde::Serialize;

/// What `route.tera` sees of a backend.
#[derive(Debug, Serialize)]
pub(super) struct PassView {
    /// `proxy_pass`, `grpc_pass` or `fastcgi_pass`.
    directive: &'static str,
    /// With scheme, if the directive takes one.
    url: Expression,
}

/// What it sees of a canary.
#[derive(Debug, Serialize)]
pub(super) struct CanaryView<'m> {
    /// A variable: whether a request goes there.
    flag: Expression,
    /// What its requests are counted under, if they are counted.
    label: Option<&'m str>,
    pass: PassView,
}

impl PassView {
    fn new(backend: &Backend) -> Self {
        let (directive, scheme) = match backend.policy.protocol {
            None => ("proxy_pass", Expression::literal("http://")),
            Some(Protocol::Https) => ("proxy_pass", Expression::literal("https://")),
            Some(Protocol::AutoHttp) => ("proxy_pass", Expression::variable("scheme").and("://")),
            Some(Protocol::Grpc) => ("grpc_pass", Expression::literal("grpc://")),
            Some(Protocol::Grpcs) => ("grpc_pass", Expression::literal("grpcs://")),
            Some(Protocol::FastCgi) => ("fastcgi_pass", Expression::default()),
        };
        Self { directive, url: scheme.and_all(&target(backend)) }
    }

    /// `None`: nothing is forwarded.
    pub(super) fn of(route: &Route, context: &HostContext<'_>) -> Option<Self> {
        let Action::Forward(id) = &route.action else { return None };
        context.backend(id).map(Self::new)
    }
}

impl<'m> CanaryView<'m> {
    /// `flag`: the variable of the route's canary.
    pub(super) fn of(route: &Route, flag: Option<&Expression>, context: &HostContext<'m>) -> Option<Self> {
        let backend = context.backend(&route.canary.as_ref()?.backend)?;
        let label = context.counts_requests.then(|| backend.id.service_port());
        Some(Self { flag: flag?.clone(), label, pass: PassView::new(backend) })
    }
}
