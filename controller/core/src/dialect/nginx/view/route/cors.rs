//! What pages of other origins may do.
//!
//! The origin of a request is looked up in a map, whose value is the origin if it is allowed. Each header is a map of that
//! value: the header's own, or that of the endpoint where the origin is not allowed.

use super::super::headers::HeadersView;
use crate::dialect::nginx::expression::Expression;
use crate::model::{Cors, Origins, Route, digest_of};
use serde::Serialize;

/// What `route/cors.tera` sees: when a request is answered at once. `None`: whenever it is `OPTIONS`.
#[derive(Debug, Serialize)]
pub(super) struct PreflightView {
    is_allowed: Option<Expression>,
}

impl PreflightView {
    pub(super) fn new(cors: &Cors) -> Self {
        Self { is_allowed: name_of(cors).map(|name| variable(&name, "preflight")) }
    }
}

/// The maps of one policy, for `host/cors.tera`.
#[derive(Debug, Serialize)]
pub(in crate::dialect::nginx) struct CorsMapsView {
    name: Expression,
    origin: Option<String>,
    origins: Vec<String>,
    preflight: Expression,
    method_and_origin: Expression,
    headers: Vec<HeaderMapView>,
}

#[derive(Debug, Serialize)]
struct HeaderMapView {
    name: Expression,
    value: Expression,
    endpoints: Expression,
}

impl CorsMapsView {
    /// `None`: the route needs none.
    pub(in crate::dialect::nginx) fn new(route: &Route) -> Option<(String, Self)> {
        let cors = route.policy.cors.as_ref()?;
        let Origins::These(origins) = &cors.origins else { return None };
        let name = name_of(cors)?;
        let headers = values(cors, &name).into_iter().map(|Allowed { suffix, header, value }| {
            let endpoints = Expression::variable(&format!("upstream_http_{}", header.to_ascii_lowercase().replace('-', "_")));
            HeaderMapView { name: variable(&name, suffix), value, endpoints }
        });
        let view = Self {
            origin: route.origin.as_ref().map(super::super::host::name_of),
            // Names are compared without case.
            origins: origins.iter().map(|origin| format!("~*{}", origin.expression())).collect(),
            preflight: variable(&name, "preflight"),
            method_and_origin: Expression::variable("request_method").and(":").and_variable(&name),
            headers: headers.collect(),
            name: Expression::variable(&name),
        };
        Some((name, view))
    }
}

/// Name of the variable that holds an allowed origin; `None`: every one is.
fn name_of(cors: &Cors) -> Option<String> {
    matches!(cors.origins, Origins::These(_)).then(|| format!("cors_{:016x}", digest_of(cors) >> 64))
}

fn variable(name: &str, suffix: &str) -> Expression {
    Expression::variable(&format!("{name}_{suffix}"))
}

/// A header of answers to origins that are allowed.
struct Allowed {
    /// Of the map that has its value.
    suffix: &'static str,
    header: &'static str,
    value: Expression,
}

/// In the order of ingress-nginx.
fn values(cors: &Cors, name: &str) -> Vec<Allowed> {
    let allowed = |suffix, header, value| Allowed { suffix, header, value };
    let origin = if cors.origins == Origins::Any { Expression::literal("*") } else { Expression::variable(name) };
    let mut values = vec![allowed("origin", "Access-Control-Allow-Origin", origin)];
    if cors.credentials {
        values.push(allowed("credentials", "Access-Control-Allow-Credentials", Expression::literal("true")));
    }
    values.push(allowed("methods", "Access-Control-Allow-Methods", Expression::literal(cors.methods.as_str())));
    values.push(allowed("headers", "Access-Control-Allow-Headers", Expression::literal(cors.headers.as_str())));
    if let Some(exposed) = &cors.exposed {
        values.push(allowed("exposed", "Access-Control-Expose-Headers", Expression::literal(exposed.as_str())));
    }
    values.push(allowed("max_age", "Access-Control-Max-Age", Expression::literal(&cors.max_age_s.to_string())));
    values
}

/// Adds the headers of answers.
pub(super) fn add_headers(headers: &mut HeadersView, cors: &Cors) {
    let name = name_of(cors);
    for Allowed { suffix, header, value } in values(cors, name.as_deref().unwrap_or_default()) {
        headers.answer(header, name.as_ref().map_or(value, |name| variable(name, suffix)));
    }
}
