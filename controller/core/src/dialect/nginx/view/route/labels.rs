//! What a route is called, for logs, error pages and variables of users.

use crate::dialect::nginx::expression::Expression;
use crate::model::Route;
use crate::names::{HostPattern, VariableText};
use serde::Serialize;

/// What error pages and log lines are told about the route.
#[derive(Debug, Serialize)]
pub(super) struct LabelsView<'m> {
    namespace: &'m str,
    ingress: &'m str,
    service: &'m str,
    port: &'m str,
    path: &'m str,
}

impl<'m> LabelsView<'m> {
    pub(super) fn new(route: &'m Route) -> Self {
        let (namespace, ingress) = route.origin.as_ref().map_or(("", ""), |origin| (origin.name.namespace(), origin.name.name()));
        let (service, port) = route.service.as_ref().map_or(("", ""), |service| (&*service.service, &*service.port));
        Self { namespace, ingress, service, port, path: route.rule_path.as_str() }
    }
}

/// How requests of the route are counted.
#[derive(Debug, Serialize)]
pub(super) struct CountedView {
    /// The host as Ingresses write it.
    host: String,
}

impl CountedView {
    pub(super) fn new(host: &HostPattern) -> Self {
        Self { host: host.to_string() }
    }
}

impl LabelsView<'_> {
    /// Name and value of the headers that tell a backend about the route.
    pub(super) const fn headers(&self) -> [(&'static str, &str); 4] {
        [("X-Namespace", self.namespace), ("X-Ingress-Name", self.ingress), ("X-Service-Name", self.service), ("X-Service-Port", self.port)]
    }
}

/// A text of users in a route: variables that are its labels are what they are, for they need not be set there.
pub(super) fn expression(text: &VariableText, route: &Route) -> Expression {
    Expression::of(&filled(text, route))
}

/// The text with what the labels are.
pub(super) fn filled(text: &VariableText, route: &Route) -> VariableText {
    let labels = LabelsView::new(route);
    text.filled(|name| match name {
        "namespace" => Some(labels.namespace),
        "ingress_name" => Some(labels.ingress),
        "service_name" => Some(labels.service),
        "service_port" => Some(labels.port),
        "location_path" => Some(labels.path),
        _ => None,
    })
}
