//! Which headers a route has: those of all routes, changed by what is asked for.

use super::super::headers::HeadersView;
use super::{cors, errors, extra, rewrite};
use crate::dialect::nginx::expression::Expression;
use crate::model::{AnswerHeader, RedirectTarget, Route};

/// All headers of a route.
pub(super) fn of(route: &Route, cookie: Option<Expression>, common: &HeadersView) -> HeadersView {
    let mut headers = whole(route, common);
    if let Some(cookie) = cookie {
        headers.add("Set-Cookie", cookie, true);
    }
    if let Some(connection) = route.policy.connection {
        headers.send("Connection", Expression::literal(connection.as_str()));
    }
    headers
}

/// All headers of a route, but for those that its client or endpoint is told about sessions and connections.
pub(super) fn whole(route: &Route, common: &HeadersView) -> HeadersView {
    of_answers(route, common, |_| true)
}

/// The headers of an answer that has some of its own: those of the route, but for what answers of endpoints are given beside
/// theirs.
pub(super) fn of_answer(route: &Route, common: &HeadersView, own: &[AnswerHeader]) -> HeadersView {
    let mut headers = of_answers(route, common, |header| header.replaces);
    extra::add_answer_headers(&mut headers, route, own.iter());
    headers.keep_response();
    headers
}

fn of_answers(route: &Route, common: &HeadersView, has: impl Fn(&AnswerHeader) -> bool) -> HeadersView {
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
    extra::add_headers(&mut headers, route, has);
    for (name, value) in route.policy.response_headers.iter().flatten() {
        headers.answer(name.as_str(), Expression::literal(value.as_str()));
    }
    if let Some(wish) = &route.policy.cors {
        cors::add_headers(&mut headers, wish);
    }
    if let Some(auth) = super::asked(route) {
        super::external_auth::add_headers(&mut headers, auth);
    }
    // A name that only leads to its sibling promises nothing: `ingress-semantics` 12.2.
    if route.policy.redirect.as_ref().is_some_and(|redirect| matches!(redirect.target, RedirectTarget::Host(_))) {
        headers.answer("Strict-Transport-Security", Expression::literal(""));
    }
    headers
}
