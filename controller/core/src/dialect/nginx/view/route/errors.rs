//! Error answers that another backend writes.

use super::super::headers::HeadersView;
use super::super::host::{ErrorView, HostContext};
use super::labels::LabelsView;
use crate::dialect::nginx::expression::Expression;
use crate::model::{ErrorPages, Route};
use serde::Serialize;

/// What `route/errors.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct ErrorPagesView {
    intercept: Option<&'static str>,
    pages: Vec<PageView>,
}

#[derive(Debug, Serialize)]
struct PageView {
    status: u16,
    location: String,
}

impl ErrorPagesView {
    /// Nobody writes the answers of a protection in another way if there is nobody to write them at all.
    pub(super) fn new(errors: &ErrorPages, route: &Route, context: &HostContext<'_>) -> Self {
        let kept = route.policy.is_guarded() && errors.backend.is_none() && context.error_backend.is_none();
        let statuses = errors.statuses.iter().filter(|status| !(kept && [401, 403].contains(*status)));
        let pages = statuses.map(|&status| PageView { status, location: location(errors, status) }).collect();
        Self { intercept: errors.intercept_upstream.map(super::super::on_off), pages }
    }
}

fn location(errors: &ErrorPages, status: u16) -> String {
    match &errors.backend {
        Some(backend) => format!("@error_{status}_{backend}"),
        None => format!("@error_{status}"),
    }
}

/// The locations that a route's error answers come from.
pub(in crate::dialect::nginx) fn locations<'m>(route: &'m Route, context: &HostContext<'m>) -> Vec<ErrorView<'m>> {
    let Some(errors) = &route.policy.errors else { return Vec::new() };
    let backend = errors.backend.as_ref().map(|id| id.as_str()).or(context.error_backend);
    let view = |&status: &u16| ErrorView { status, location: location(errors, status), backend, connection: context.error_connection };
    errors.statuses.iter().map(view).collect()
}

/// What a backend that stands in for another one is told.
pub(super) fn tell(headers: &mut HeadersView, route: &Route) {
    let labels = LabelsView::new(route);
    headers.send("X-Code", Expression::literal("503"));
    headers.send("X-Format", Expression::variable("http_accept"));
    for (name, value) in labels.headers() {
        headers.send(name, Expression::literal(value));
    }
}
