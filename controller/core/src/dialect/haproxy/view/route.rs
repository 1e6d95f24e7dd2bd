//! What is asked for the requests of a route.

use super::extra::{ExtraView, type_of_texts};
use super::limits::LimitsView;
use super::seconds;
use super::section::{page, rewrites};
use crate::dialect::Version;
use crate::dialect::haproxy::expression::{EncodedView, Expression};
use crate::dialect::haproxy::owned;
use crate::dialect::haproxy::sections::{Labels, Section};
use crate::model::{CookieFlags, CookieRewrite, Cors, Globals, Origins, Redirect, RedirectStatus, RedirectTarget, RoutePolicy, Timeouts};
use crate::names::RouteRegex;
use serde::Serialize;

/// The one status of a redirect whose answers have no body.
const NOT_MODIFIED: u16 = 304;

/// Path and query without one trailing slash.
pub(super) const TRIMMED_TARGET: &str = "pathq,regsub(/$,)";

/// What the templates of `route/` see.
#[derive(Debug, Serialize)]
pub(super) struct RouteView {
    timeouts: Option<TimeoutsView>,
    redirect: Option<RedirectView>,
    rewrite: Option<RewriteView>,
    upstream_host: Option<Expression>,
    cors: Option<CorsView>,
    limits: Option<LimitsView>,
    /// Expressions, and what stands in place of what they match in cookies.
    cookies: Vec<ReplacementView>,
    response_headers: Vec<HeaderView>,
    /// What a backend that stands in for another one is told.
    stands_in: Vec<HeaderView>,
    extra: Option<ExtraView>,
    /// Variables for headers that are its own, not those of all.
    own_headers: Vec<String>,
    /// Of texts that are answered in place of an endpoint.
    content_type: String,
}

#[derive(Debug, Serialize)]
struct TimeoutsView {
    connect: Option<String>,
    read: Option<String>,
}

#[derive(Debug, Serialize)]
struct RedirectView {
    status: u16,
    /// The text of a status that has no location.
    text: Option<String>,
    /// The status has neither.
    bare: bool,
    page: String,
    /// It leads to the same on another name of the host.
    to_other_name: bool,
    locations: Vec<LocationView>,
}

#[derive(Debug, Serialize)]
struct LocationView {
    location: Expression,
    plain_http_only: bool,
}

#[derive(Debug, Serialize)]
struct RewriteView {
    expression: String,
    /// Of which paths it is known whether it fits; it takes no fewer steps. `None`: of all.
    decided: Option<String>,
    /// For a path that is decoded, and encoded as a whole.
    decoded: Expression,
    /// For one that is as it came, and what of it is encoded before.
    target: Expression,
    encoded: Vec<EncodedView>,
    forwarded_prefix: Option<Expression>,
}

#[derive(Debug, Serialize)]
struct CorsView {
    /// Expressions of allowed origins; empty: all are.
    origins: Vec<String>,
    headers: Vec<HeaderView>,
}

#[derive(Debug, Serialize)]
struct ReplacementView {
    expression: String,
    replacement: String,
}

#[derive(Debug, Serialize)]
pub(super) struct HeaderView {
    name: String,
    value: Expression,
    /// It may turn out to have no value, and is dropped then.
    may_be_empty: bool,
}

impl HeaderView {
    pub(super) fn of(name: &str, value: Expression, may_be_empty: bool) -> Self {
        Self { name: name.to_owned(), value, may_be_empty }
    }

    fn new(name: &str, value: &str) -> Self {
        Self::of(name, Expression::literal(value), false)
    }
}

impl RouteView {
    /// Only of wishes that `lacks.rs` knows.
    pub(super) fn new(section: &Section<'_>, globals: &Globals, version: Version) -> Self {
        let nothing = RoutePolicy::default();
        let policy = section.policy.unwrap_or(&nothing);
        let headers = policy.response_headers.iter().flatten();
        Self {
            timeouts: policy.timeouts.as_ref().map(TimeoutsView::new),
            redirect: policy.redirect.as_ref().map(|redirect| RedirectView::new(redirect, globals)),
            // Nobody else is asked for another path.
            rewrite: section.forwards().then(|| RewriteView::new(policy, section.key.path)).flatten(),
            upstream_host: policy.upstream_host.as_ref().and_then(if rewrites(section) { Expression::of_moved } else { Expression::of }),
            cors: policy.cors.as_ref().map(CorsView::new),
            limits: policy
                .limits
                .as_ref()
                .zip(section.key.counted)
                .map(|(limits, counted)| LimitsView::new(limits, counted, policy.extra.as_deref(), globals)),
            cookies: cookies(policy),
            response_headers: headers.map(|(name, value)| HeaderView::new(name.as_str(), value.as_str())).collect(),
            extra: ExtraView::of(policy, globals, version).map(|extra| if section.forwards() { extra } else { extra.without_paths() }),
            own_headers: owned::of(policy, globals).iter().map(|name| owned::variable(name)).collect(),
            content_type: type_of_texts(policy, globals).to_owned(),
            stands_in: section.key.stands_in.map(|labels| told(&labels)).unwrap_or_default(),
        }
    }
}

impl TimeoutsView {
    fn new(timeouts: &Timeouts) -> Self {
        // The one for writes is lacking.
        let Timeouts { connect_s, read_s, send_s: _ } = timeouts;
        Self { connect: connect_s.map(seconds), read: read_s.map(seconds) }
    }
}

impl RedirectView {
    fn new(redirect: &Redirect, globals: &Globals) -> Self {
        let status = match redirect.status {
            RedirectStatus::Is(status) => status,
            RedirectStatus::OfHttpsRedirect => globals.https_redirect_status.0,
        };
        let keep_relative = redirect.keep_relative || globals.relative_redirects;
        let anywhere = |location| vec![LocationView { location, plain_http_only: false }];
        let (text, locations) = match &redirect.target {
            RedirectTarget::Url(_) if status == NOT_MODIFIED => (None, Vec::new()),
            RedirectTarget::Url(url) if ![301, 302, 303, 307, 308].contains(&status) => (Some(url.as_str().to_owned()), Vec::new()),
            RedirectTarget::Url(url) if url.as_str().starts_with('/') && !keep_relative => {
                let own = |scheme: &str| Expression::literal(scheme).and("://").and_fetch("var(txn.received_host)").and(url.as_str());
                let plain = LocationView { location: own("http"), plain_http_only: true };
                (None, vec![plain, LocationView { location: own("https"), plain_http_only: false }])
            }
            RedirectTarget::Url(url) => (None, anywhere(Expression::literal(url.as_str()))),
            RedirectTarget::Host(host) => {
                let location = Expression::default().and_fetch("var(txn.scheme)").and("://").and(host.as_str()).and(":");
                (None, anywhere(location.and_fetch("var(txn.port)").and_fetch(TRIMMED_TARGET)))
            }
        };
        let to_other_name = matches!(redirect.target, RedirectTarget::Host(_));
        let (bare, page) = (text.is_none() && locations.is_empty(), page(status));
        Self { status, bare, page, to_other_name, text, locations }
    }
}

impl RewriteView {
    fn new(policy: &RoutePolicy, path: Option<&RouteRegex>) -> Option<Self> {
        let (rewrite, path) = (policy.rewrite.as_ref()?, path?);
        let (target, encoded) = Expression::in_path(&rewrite.target, "rewritten", Expression::of)?;
        let (limits, before) = (path.limits_again(), if path.begins_path() { "" } else { ".*?" });
        let found = format!("{before}(?i:{path}).*");
        Some(Self {
            decided: path.is_unsure_again().then(|| format!("{limits}^(?:(?={found})|)")),
            expression: format!("{limits}^{found}"),
            decoded: Expression::of(&rewrite.target)?,
            target,
            encoded,
            forwarded_prefix: rewrite.forwarded_prefix.as_ref().and_then(Expression::of),
        })
    }
}

impl CorsView {
    fn new(cors: &Cors) -> Self {
        let (origins, allowed) = match &cors.origins {
            Origins::Any => (Vec::new(), Expression::literal("*")),
            Origins::These(origins) => {
                (origins.iter().map(|o| o.expression()).collect(), Expression::default().and_fetch("var(txn.origin)"))
            }
        };
        let mut headers = vec![HeaderView::of("Access-Control-Allow-Origin", allowed, false)];
        if cors.credentials {
            headers.push(HeaderView::new("Access-Control-Allow-Credentials", "true"));
        }
        headers.push(HeaderView::new("Access-Control-Allow-Methods", cors.methods.as_str()));
        headers.push(HeaderView::new("Access-Control-Allow-Headers", cors.headers.as_str()));
        if let Some(exposed) = &cors.exposed {
            headers.push(HeaderView::new("Access-Control-Expose-Headers", exposed.as_str()));
        }
        headers.push(HeaderView::new("Access-Control-Max-Age", &cors.max_age_s.to_string()));
        Self { origins, headers }
    }
}

fn cookies(policy: &RoutePolicy) -> Vec<ReplacementView> {
    // Names of attributes and domains count without case, paths with it.
    let replacement = |before: &str, end: &str, rewrite: &CookieRewrite| ReplacementView {
        expression: format!("{before}{}{end}", escaped(rewrite.from.as_str())),
        replacement: format!(r"\1{}\2", rewrite.to),
    };
    let domain = policy.cookie_domain.as_ref().map(|rewrite| replacement(r"(?i)^(.*;\s*domain=\.?)", r"((?:;.*)?)$", rewrite));
    let path = policy.cookie_path.as_ref().map(|rewrite| replacement(r"^((?i:.*;\s*path=))", "(.*)$", rewrite));
    let flags = policy.extra.iter().flat_map(|extra| &extra.cookie_flags).flat_map(flags);
    domain.into_iter().chain(path).chain(flags).collect()
}

/// Attributes that a cookie gets unless it has them, or loses.
fn flags(flags: &CookieFlags) -> Vec<ReplacementView> {
    let name = flags.cookie.as_ref().map_or_else(String::new, |name| format!("{}=", escaped(name)));
    let has = |attribute: &str| format!(r"(?i)^({name}[^;]*(?:;.*?)?);\s*{attribute}(?:=[^;]*?)?\s*((?:;.*)?)$");
    let lacks = |attribute: &str| format!(r"(?i)^({name}[^;]*(?:;(?!\s*{attribute}\s*(?:[;=]|$))[^;]*)*)$");
    let take = |attribute: &str| ReplacementView { expression: has(attribute), replacement: r"\1\2".to_owned() };
    let give = |attribute: &str, text: &str| ReplacementView { expression: lacks(attribute), replacement: format!(r"\1; {text}") };
    let switch = |set: Option<bool>, name: &str| set.map(|set| if set { give(name, name) } else { take(name) });
    let mut all: Vec<ReplacementView> = switch(flags.secure, "Secure").into_iter().chain(switch(flags.http_only, "HttpOnly")).collect();
    if let Some(same_site) = flags.same_site {
        all.push(take("SameSite"));
        all.extend(same_site.map(|same_site| give("SameSite", &format!("SameSite={}", same_site.as_str()))));
    }
    all
}

/// A text as an expression that matches just it.
pub(in crate::dialect::haproxy) fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| (c.is_ascii_punctuation() && c != '_' && c != '-' && c != '/').then_some('\\').into_iter().chain([c]))
        .collect()
}

fn told(labels: &Labels<'_>) -> Vec<HeaderView> {
    let mut headers = vec![HeaderView::new("X-Code", "503")];
    headers.push(HeaderView::of("X-Format", Expression::default().and_fetch("req.fhdr(accept)"), false));
    let all = [
        ("X-Namespace", labels.namespace),
        ("X-Ingress-Name", labels.ingress),
        ("X-Service-Name", labels.service),
        ("X-Service-Port", labels.port),
    ];
    headers.extend(all.into_iter().map(|(name, value)| HeaderView::new(name, value)));
    headers
}
