//! A service decides whether a request may pass: it is asked by a request of its own to a location of its own.

use super::super::headers::{HeaderView, HeadersView};
use super::asked::{Asked, NotedView};
use super::{headers, labels};
use crate::dialect::nginx::expression::Expression;
use crate::model::{AuthCache, ExternalAuth, Route, SignIn, Statuses, digest_of};
use crate::names::{HeaderName, VariableText, variable};
use serde::Serialize;

/// What `route/auth.tera` sees of it.
#[derive(Debug, Serialize)]
pub(super) struct ExternalAuthView {
    /// What the question looks at.
    noted: Vec<NotedView>,
    /// Where the service is asked.
    location: String,
    /// Variables, and what of the service's answer goes into them.
    variables: Vec<VariableView>,
    /// Where 401 goes.
    sign_in: Option<String>,
}

#[derive(Debug, Serialize)]
struct VariableView {
    variable: Expression,
    value: Expression,
}

/// What `route/auth_location.tera` sees: the location that asks the service.
#[derive(Debug, Serialize)]
pub(super) struct AuthLocationView {
    location: String,
    /// With scheme and backend.
    target: Expression,
    /// The query, where it has variables and the rest has none: so the proxy knows the backend before any request.
    query: Option<Expression>,
    method: Option<&'static str>,
    headers: Vec<HeaderView>,
    /// Name of the service for TLS.
    tls_name: Option<String>,
    cache: Option<CacheView>,
}

#[derive(Debug, Serialize)]
struct CacheView {
    key: Expression,
    times: Vec<CacheTimeView>,
}

#[derive(Debug, Serialize)]
struct CacheTimeView {
    statuses: Vec<String>,
    time: String,
}

/// What `route/sign_in.tera` sees: the location that sends clients to sign in.
#[derive(Debug, Serialize)]
pub(super) struct SignInView {
    name: String,
    headers: HeadersView,
    url: Expression,
}

/// Variables that hold headers of the service's answer are numbered: names of variables have to be short.
fn header_variable(number: usize) -> String {
    format!("auth_header_{number}")
}

/// The cookies of the service.
pub(super) const COOKIE: &str = "auth_cookie";

/// A name for the locations of this route and service alone: what is kept of another service's answers is not found by it.
fn name(route: &Route, auth: &ExternalAuth) -> String {
    format!("{:032x}", digest_of(&(&route.rule_path, &route.matches, auth)))
}

/// Double slashes of clients are merged, so no request of theirs is for this.
fn location(name: &str) -> String {
    format!("//auth/{name}")
}

fn sign_in_name(name: &str) -> String {
    format!("@sign_in_{name}")
}

impl ExternalAuthView {
    pub(super) fn new(route: &Route, auth: &ExternalAuth) -> Self {
        let name = name(route, auth);
        let from = |variable: &str, header: &str| VariableView {
            variable: Expression::variable(variable),
            value: Expression::variable(&format!("upstream_http_{}", header.to_ascii_lowercase().replace('-', "_"))),
        };
        let told = route.policy.told_answers();
        let headers = told.iter().enumerate().map(|(n, header)| from(&header_variable(n), header.as_str()));
        Self {
            noted: Asked::of(auth).noted(),
            location: location(&name),
            variables: std::iter::once(from(COOKIE, "Set-Cookie")).chain(headers).collect(),
            sign_in: auth.sign_in.as_ref().map(|_| sign_in_name(&name)),
        }
    }
}

/// A text of a route, with what the service has answered.
pub(super) fn expression(text: &VariableText, route: &Route) -> Expression {
    let told = super::asked(route).map_or_else(Vec::new, |_| route.policy.told_answers());
    let number = |header: &HeaderName| told.iter().position(|known| known.is_same(header));
    Expression::with_answers(text, |header| number(header).map(header_variable))
}

/// Gives the headers of a route those of the service's answer.
pub(super) fn add_headers(headers: &mut HeadersView, auth: &ExternalAuth) {
    for (number, header) in auth.response_headers.iter().enumerate() {
        headers.send(header.as_str(), Expression::variable(&header_variable(number)));
    }
    headers.add("Set-Cookie", Expression::variable(COOKIE), auth.always_set_cookie);
}

impl AuthLocationView {
    pub(super) fn new(route: &Route, auth: &ExternalAuth, common: &HeadersView) -> Self {
        let (name, asked) = (name(route, auth), Asked::of(auth));
        let url = &auth.url;
        let scheme = if url.tls { "https://" } else { "http://" };
        let mut target = Expression::literal(scheme).and(auth.backend_id().as_str()).and_all(&asked.text(&url.path, route));
        let written = url.query.as_ref().map(|query| asked.text(query, route));
        let apart = url.path.literal().is_some();
        let (query, joined) = written.map_or((None, None), |query| if apart { (Some(query), None) } else { (None, Some(query)) });
        if let Some(joined) = joined {
            target = target.and("?").and_all(&joined);
        }
        Self {
            location: location(&name),
            target,
            query,
            method: auth.method.map(crate::model::AuthMethod::as_str),
            headers: request_headers(route, auth, common, &asked),
            tls_name: url.tls.then(|| url.host.to_string()),
            cache: auth.cache.as_ref().map(|cache| CacheView::new(cache, &name, &asked.text(&cache.key, route))),
        }
    }
}

/// What the service is told: all that endpoints are told of the client, and which request it is about.
fn request_headers(route: &Route, auth: &ExternalAuth, common: &HeadersView, asked: &Asked) -> Vec<HeaderView> {
    let mut headers = common.clone();
    let original = Expression::variable("scheme").and("://").and_variable("named_host").and_variable("request_uri");
    headers.send("Host", Expression::literal(&auth.url.host.to_string()));
    headers.send("X-Original-URL", original);
    headers.send("X-Original-Method", Expression::variable("request_method"));
    headers.send("X-Sent-From", Expression::literal("nginx-ingress-controller"));
    let target = auth.redirect_target.as_deref().map_or_else(|| Expression::variable("request_uri"), Expression::literal);
    headers.send("X-Auth-Request-Redirect", target);
    if auth.method.is_some() {
        headers.send("X-Original-URI", Expression::variable("request_uri"));
    }
    for name in ["X-Forwarded-Proto", "Content-Length", "Upgrade"] {
        headers.send(name, Expression::literal(""));
    }
    headers.send("Connection", Expression::literal(if auth.keepalive.connections > 0 { "" } else { "close" }));
    for (name, value) in &auth.request_headers {
        headers.send(name.as_str(), asked.header(value, route));
    }
    headers.into_request()
}

impl CacheView {
    /// Whatever the key is, nobody passes with the answer to another one's credentials.
    fn new(cache: &AuthCache, name: &str, key: &Expression) -> Self {
        let key = Expression::variable("host").and(&format!(" {name} ")).and_all(key);
        let key = ["http_authorization", "http_cookie", "ssl_client_fingerprint"]
            .iter()
            .fold(key, |key, variable| key.and(" ").and_variable(variable));
        let time = |time: &crate::model::CacheTime| CacheTimeView {
            statuses: match &time.statuses {
                Statuses::Any => vec!["any".to_owned()],
                Statuses::These(statuses) => statuses.iter().map(ToString::to_string).collect(),
            },
            time: super::super::seconds(time.seconds),
        };
        Self { key, times: cache.times.iter().map(time).collect() }
    }
}

impl SignInView {
    pub(super) fn new(route: &Route, auth: &ExternalAuth, sign_in: &SignIn, common: &HeadersView) -> Self {
        let mut url = expression(&labels::filled(&sign_in.url, route), route);
        if let Some(joint) = &sign_in.joint {
            let back =
                Expression::variable("pass_access_scheme").and("://").and_variable("named_host").and_variable(variable::ESCAPED_TARGET);
            url = url.and(joint).and_all(&back);
        }
        let mut headers = headers::whole(route, common);
        headers.keep_response();
        Self { name: sign_in_name(&name(route, auth)), headers, url }
    }
}

/// Whether something in the model needs the escaped target of the request.
pub(in crate::dialect::nginx::view) fn escapes_targets(auth: &ExternalAuth) -> bool {
    let uses = |text: &VariableText| text.uses(&[variable::ESCAPED_TARGET]);
    let url = &auth.url;
    let sign_in = auth.sign_in.as_ref().is_some_and(|sign_in| sign_in.joint.is_some() || uses(&sign_in.url));
    sign_in || uses(&url.path) || url.query.as_ref().is_some_and(uses)
}
