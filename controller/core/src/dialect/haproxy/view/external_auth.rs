//! A service decides whether a request may pass. HAProxy cannot ask it; the agent does, and is told how by a form.

use super::form::Form;
use super::section::page;
use crate::dialect::haproxy::expression::{Expression, answered, encoded};
use crate::dialect::haproxy::sections::{Asks, Section};
use crate::model::{AuthCache, AuthMethod, ExternalAuth, Globals, SignIn, Statuses};
use crate::names::{HeaderName, VariableText};
use serde::Serialize;

/// What `route/external_auth.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct ExternalAuthView {
    ask: Expression,
    /// Headers of the service's answer for the endpoint.
    headers: Vec<AnsweredView>,
    sign_in: Option<Expression>,
    /// Cookies of the service go to the client whatever the status is.
    always_set_cookie: bool,
    cookies: [&'static str; 4],
    forbidden: String,
    unauthorized: String,
    failed: String,
}

/// A header, and the variable that holds it.
#[derive(Debug, Serialize)]
struct AnsweredView {
    name: String,
    variable: String,
}

impl ExternalAuthView {
    /// `None`: nobody is asked.
    pub(super) fn new(section: &Section<'_>, globals: &Globals) -> Option<Self> {
        let policy = section.policy?;
        let auth = policy.external_auth.as_deref()?;
        let asks = section.key.asks?;
        let headers = auth.response_headers.iter().enumerate();
        let told = policy.told_answers();
        Some(Self {
            ask: form((auth, &told), &asks, Form::to(section.service), globals)?,
            headers: headers.map(|(n, name)| AnsweredView { name: name.as_str().to_owned(), variable: answered(n) }).collect(),
            sign_in: auth.sign_in.as_ref().and_then(|sign_in| page_to_sign_in(sign_in, &told, &asks)),
            always_set_cookie: auth.always_set_cookie,
            cookies: ["c0", "c1", "c2", "c3"],
            forbidden: page(403),
            unauthorized: page(401),
            failed: page(500),
        })
    }
}

/// What the agent is told; `None`: there is a variable that HAProxy has no word for. `told`: the headers that it is asked for.
fn form((auth, told): (&ExternalAuth, &[&HeaderName]), asks: &Asks<'_>, to: Form, globals: &Globals) -> Option<Expression> {
    let url = &auth.url;
    let mut target = Expression::encoded(&labelled(&url.path, asks))?;
    if let Some(query) = &url.query {
        target = target.and("%3F").and_all(&Expression::encoded(&labelled(query, asks))?);
    }
    let host = url.host.to_string();
    let mut form = to.text("host", &host).expression("target", &target);
    if url.tls {
        form = form.text("tls", &host);
    }
    form = form.text("method", auth.method.map_or("GET", AuthMethod::as_str));
    form = form.text("about", auth.redirect_target.as_deref().unwrap_or("1")).text("set.X-Sent-From", "nginx-ingress-controller");
    form = form.text("set.X-Forwarded-Proto", "");
    if auth.method.is_some() {
        form = form.expression("set.X-Original-URI", &Expression::default().and_fetch("pathq,url_enc"));
    }
    for (name, value) in &auth.request_headers {
        form = form.expression(&format!("set.{}", encoded(name.as_str())), &Expression::encoded(&labelled(value, asks))?);
    }
    if !told.is_empty() {
        let names: Vec<&str> = told.iter().map(|name| name.as_str()).collect();
        form = form.text("keep", &names.join(","));
    }
    let keepalive = &auth.keepalive;
    if keepalive.connections > 0 {
        form = form.text("pool", &format!("{},{},{}", keepalive.connections, keepalive.requests, keepalive.timeout_s));
    }
    if let Some(cache) = &auth.cache {
        form = form.expression("cache", &cache_name(cache, asks)?).text("times", &times(cache));
    }
    Some(form.limited(globals))
}

/// The host and the route, what the annotation says, and the client's certificate.
fn cache_name(cache: &AuthCache, asks: &Asks<'_>) -> Option<Expression> {
    let name = Expression::default().and_fetch("var(txn.host),url_enc").and(&format!("/{:032x}/", asks.name));
    let name = name.and_all(&Expression::encoded(&labelled(&cache.key, asks))?);
    Some(name.and("/").and_fetch("ssl_c_sha1,hex"))
}

fn times(cache: &AuthCache) -> String {
    let item = |time: &crate::model::CacheTime| {
        let statuses = match &time.statuses {
            Statuses::Any => "any".to_owned(),
            Statuses::These(statuses) if statuses.is_empty() => "200+301+302".to_owned(),
            Statuses::These(statuses) => statuses.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"),
        };
        format!("{statuses}:{}", time.seconds)
    };
    cache.times.iter().map(item).collect::<Vec<_>>().join(",")
}

fn page_to_sign_in(sign_in: &SignIn, told: &[&HeaderName], asks: &Asks<'_>) -> Option<Expression> {
    let url = Expression::with_answers(&labelled(&sign_in.url, asks), told)?;
    Some(match &sign_in.joint {
        None => url,
        Some(joint) => {
            let url = url.and(joint).and_fetch("var(txn.scheme)").and("://").and_fetch("var(txn.received_host)");
            url.and_fetch("pathq,url_enc")
        }
    })
}

/// A text of users in a route: variables that are its labels are what they are.
pub(super) fn labelled(text: &VariableText, asks: &Asks<'_>) -> VariableText {
    asks.labels.fill(text, asks.path)
}
