//! Which headers a route has: those of all routes, changed by what is asked for.

use super::super::headers::HeadersView;
use super::{cors, errors, rewrite};
use crate::dialect::nginx::expression::Expression;
use crate::model::Route;

/// What the location says: only the lists that differ from those of the `http` level.
pub(super) fn of(route: &Route, common: &HeadersView) -> HeadersView {
    if route.policy.is_empty() {
        return HeadersView::default();
    }
    whole(route, common).against(common)
}

/// All headers of a route.
pub(super) fn whole(route: &Route, common: &HeadersView) -> HeadersView {
    let mut headers = common.clone();
    if route.policy.basic_auth.is_some() {
        headers.send("Authorization", Expression::literal(""));
    }
    if let Some(host) = &route.policy.upstream_host {
        headers.send("Host", Expression::of(host));
    }
    if let Some(prefix) = rewrite::forwarded_prefix(route) {
        headers.send("X-Forwarded-Prefix", prefix);
    }
    if route.policy.stands_in.is_some() {
        errors::tell(&mut headers, route);
    }
    for (name, value) in route.policy.response_headers.iter().flatten() {
        headers.answer(name.as_str(), Expression::literal(value.as_str()));
    }
    if let Some(wish) = &route.policy.cors {
        cors::add_headers(&mut headers, wish);
    }
    if let Some(auth) = &route.policy.external_auth {
        super::external_auth::add_headers(&mut headers, auth);
    }
    headers
}
