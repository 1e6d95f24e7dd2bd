//! What happens to one request, and why: which host, which route, what on the way, which answer.
//!
//! The proxies decide by what is rendered for them; this decides by the model, in the words of the model, and tests hold
//! the two together.

use crate::model::{Action, BackendId, ClientAuth, EarlyAnswer, Host, HostCertificate, Listeners, Model, PathMatch, Route};
use crate::names::{HostAlias, HostName, HostPattern, ObjectRef, RouteRegex};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use std::cmp::Reverse;

/// A request as a client makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Over TLS.
    pub secure: bool,
    /// Host without port, lower case; empty for a literal address.
    pub host: String,
    /// As a proxy compares it: decoded, slashes merged, dot segments resolved; begins with a slash.
    pub path: String,
}

/// Why a text is not a URL that can be explained: in the house style.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadUrl(&'static str);

impl Request {
    /// Reads `http://host/path`, `https://…`, or, for plain HTTP, the same without the scheme.
    ///
    /// # Errors
    /// When the scheme is another one, or the host or path cannot be in a request.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let (secure, rest) = match url.split_once("://") {
            None => (false, url),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some(_) => return Err(BadUrl("the scheme is neither http nor https")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let path = target.split(['?', '#']).next().unwrap_or_default();
        Ok(Self { secure, host: host(authority)?, path: normalised(if path.is_empty() { "/" } else { path })? })
    }
}

fn host(authority: &str) -> Result<String, BadUrl> {
    if authority.is_empty() {
        return Err(BadUrl("the URL names no host"));
    }
    if let Some(literal) = authority.strip_prefix('[') {
        let (address, port) = literal.split_once(']').ok_or(BadUrl("the address in the URL has no end"))?;
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        let is_good = is_port && address.parse::<std::net::Ipv6Addr>().is_ok();
        return if is_good { Ok(String::new()) } else { Err(BadUrl("what is in brackets is not an IPv6 address")) };
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    if port.parse::<u16>().is_err() {
        return Err(BadUrl("the port is not a number from 0 to 65535"));
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if host.parse::<std::net::IpAddr>().is_ok() {
        return Ok(String::new());
    }
    // Clients do send names with an underscore.
    HostName::new(&host.replace('_', "-")).map(|_| host).map_err(|_| BadUrl("the host is not a DNS name"))
}

/// Decodes percent escapes once, merges slashes and resolves dot segments.
fn normalised(path: &str) -> Result<String, BadUrl> {
    let is_whole = |escape: &[u8]| matches!(escape, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    if !path.match_indices('%').all(|(at, _)| is_whole(&path.as_bytes()[at + 1..])) {
        return Err(BadUrl("a percent escape is broken"));
    }
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    if bytes.contains(&0) {
        return Err(BadUrl("a path cannot hold a NUL character"));
    }
    let text = String::from_utf8_lossy(&bytes);
    let is_folder = ["/", "/.", "/.."].iter().any(|end| text.ends_with(end));
    let mut segments: Vec<&str> = Vec::new();
    for segment in text.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
        if segment != ".." {
            segments.push(segment);
        } else if segments.pop().is_none() {
            return Err(BadUrl("the path leads above the root"));
        }
    }
    let mut out = format!("/{}", segments.join("/"));
    if is_folder && out.len() > 1 {
        out.push('/');
    }
    Ok(out)
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The virtual host that takes it, `_` for the one of unknown hosts.
    pub host: String,
    /// Why it does.
    pub host_because: &'static str,
    /// What the handshake is answered with; `None` without TLS.
    pub certificate: Option<String>,
    /// The connection is passed on to one of these as it is, and the request is none that the proxy sees.
    pub passed_on: Option<Vec<String>>,
    /// The path as it is compared.
    pub path: String,
    /// The routes that fit; the first one takes the request. Never empty.
    pub routes: Vec<Fit>,
    /// The request is answered with a redirect to `https` first.
    pub https_redirect: bool,
    /// The route answers with a redirect in place of anything else.
    pub redirect: bool,
    /// Where the host sends requests for `/`, before anything else is looked at; `None`: the request is no such.
    pub app_root: Option<String>,
    /// What snippets of the route answer first; the last one whatever the request is like, if [`Explanation::status`] is its.
    pub early: Vec<Early>,
    /// Which requests of the route go elsewhere.
    pub canary: Option<String>,
    /// The proxy's own answer to whoever asks whether it is there.
    pub health_check: bool,
    /// The proxy's own answer about how it is, for those who may see it; 403 for others.
    pub status_page: bool,
    /// Certificates of clients of the host were to be checked and cannot be, so everybody is answered 403.
    pub denied: bool,
    /// The backend that it is forwarded to; `None`: the proxy answers.
    pub backend: Option<Forward>,
    /// Status that the proxy answers with, when it does not forward.
    pub status: Option<u16>,
}

impl Explanation {
    /// Whether the request gets what somebody has asked for: an endpoint, a redirect, an answer of a snippet, or what the
    /// proxy tells of itself. Else it gets an error of the proxy.
    #[must_use]
    pub fn is_served(&self) -> bool {
        let redirected = self.https_redirect || self.redirect || self.app_root.is_some();
        let answered = self.health_check || self.status_page || self.early.iter().any(|answer| Some(answer.status) == self.status);
        self.passed_on.is_some() || redirected || answered || self.backend.is_some()
    }
}

/// A route that fits a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fit {
    /// What fits: `/path` for exactly that, `/path/*` for all below.
    pub path: String,
    /// Who asked for it; `None`: nobody.
    pub origin: Option<ObjectRef>,
    /// The Service port that it names.
    pub service: Option<String>,
}

/// What a snippet answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Early {
    /// The status.
    pub status: u16,
    /// Whether it depends on more than the path.
    pub depends: bool,
}

/// Where a request is forwarded to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forward {
    /// Name in the proxy's files.
    pub name: String,
    /// One of these gets it.
    pub endpoints: Vec<String>,
}

/// The certificate of a connection that is passed on.
const OF_ENDPOINTS: &str = "that of the endpoints, to which the connection is passed on";

/// Says what happens to a request.
#[must_use]
pub fn explain(model: &Model, request: &Request) -> Explanation {
    let (host, host_because) = host_of(model, &request.host);
    let fits = fits(host, &request.path);
    // Every host has a route for every path; a model without is broken, and answers 404.
    let route = fits.first().map(|(_, route)| *route);
    let https_redirect = !request.secure && route.is_some_and(|route| route.https_redirect.is_some());
    let is_own = |own: &str| is_own(own, host, &fits, &request.path);
    let health_check = is_own(model.globals.listeners.health_check_path.as_str());
    let status_page = !health_check && is_own(Listeners::STATUS_PATH);
    let denied = !health_check && host.policy.client_auth == Some(ClientAuth::Denied);
    let app_root = host.policy.app_root.as_ref().filter(|_| !denied && request.path == "/").map(ToString::to_string);
    let early = route.map(|route| early(route, &request.path)).unwrap_or_default();
    let (backend, status) = match route.map(|route| &route.action) {
        _ if denied => (None, Some(403)),
        _ if health_check || status_page => (None, Some(200)),
        _ if app_root.is_some() => (None, Some(302)),
        Some(Action::Respond(status)) => (None, Some(*status)),
        Some(Action::Vacant(_)) => (None, Some(503)),
        None => (None, Some(404)),
        Some(Action::Forward(id)) => match early.last().filter(|answer| !answer.depends) {
            Some(answer) => (None, Some(answer.status)),
            None => (Some(forward(model, id)), None),
        },
    };
    let passed = HostName::new(&request.host).ok().filter(|_| request.secure).and_then(|name| model.passthrough.get(&name));
    Explanation {
        host: host.pattern.to_string(),
        host_because,
        certificate: request.secure.then(|| if passed.is_some() { OF_ENDPOINTS.to_owned() } else { certificate(model, host) }),
        passed_on: passed.map(|passed| passed.endpoints.iter().map(ToString::to_string).collect()),
        path: request.path.clone(),
        routes: fits.into_iter().map(|(path, route)| fit(path, route)).collect(),
        https_redirect: https_redirect && !denied && app_root.is_none() && !health_check && !status_page,
        app_root,
        canary: backend.as_ref().and(route).and_then(|route| route.canary.as_ref()).map(ToString::to_string),
        early,
        health_check,
        status_page,
        denied,
        redirect: !denied && status != Some(503) && route.is_some_and(|route| route.policy.redirect.is_some()),
        backend,
        status,
    }
}

fn forward(model: &Model, id: &BackendId) -> Forward {
    let endpoints = model.backends.get(id).map(|backend| backend.endpoints.iter().map(ToString::to_string).collect());
    Forward { name: id.to_string(), endpoints: endpoints.unwrap_or_default() }
}

/// The answers of snippets for a path, up to the first one that every request for it gets.
fn early(route: &Route, path: &str) -> Vec<Early> {
    let all = route.policy.extra.iter().flat_map(|extra| &extra.answers);
    let fitting = all.filter(|answer| answer.path.as_ref().is_none_or(|expression| finds(&expression.to_string(), path)));
    let mut out = Vec::new();
    for EarlyAnswer { when, status, .. } in fitting {
        out.push(Early { status: *status, depends: when.is_some() });
        if when.is_none() {
            break;
        }
    }
    out
}

/// Unknown hosts answer on paths of the proxy's own, such as that of health checks, unless a route is more to the point.
fn is_own(own: &str, host: &Host, fits: &[(&PathMatch, &Route)], path: &str) -> bool {
    let is_closer = |fit: &PathMatch| matches!(fit, PathMatch::Exact(_)) || fit.text().len() > own.len();
    host.pattern == HostPattern::CatchAll && path.starts_with(own) && !fits.first().is_some_and(|(fit, _)| is_closer(fit))
}

/// Exact names before wildcards before aliases of many names before everything else: `ingress-semantics` 6.
fn host_of<'m>(model: &'m Model, name: &str) -> (&'m Host, &'static str) {
    let get = |pattern: &HostPattern| model.hosts.get(pattern).map(|host| &**host);
    let exact = HostName::new(name).ok().map(HostPattern::Exact);
    if let Some(host) = exact.as_ref().and_then(get) {
        return (host, "a rule names this host");
    }
    let aliases = model.hosts.values().flat_map(|host| host.policy.aliases.iter().flatten().map(move |alias| (&**host, &alias.name)));
    let aliases: Vec<_> = aliases.filter(|(_, alias)| is_alias(alias, name)).collect();
    let exact = aliases.iter().find(|(_, alias)| matches!(alias, HostAlias::Exact(_)));
    if let Some((host, _)) = exact {
        return (host, "it is an alias of this host");
    }
    let wildcard = name.split_once('.').and_then(|(_, parent)| HostName::new(parent).ok()).map(HostPattern::Wildcard);
    if let Some(host) = wildcard.as_ref().and_then(get) {
        return (host, "no rule names this host, and the wildcard covers it");
    }
    // A host comes before an alias that is more than one name; of these, the longest name before expressions.
    if let Some((host, _)) = aliases.into_iter().min_by_key(|(_, alias)| rank(alias)) {
        return (host, "an alias of this host fits it");
    }
    let other = get(&HostPattern::CatchAll).expect("the catch-all is always there");
    (other, "no rule names this host, so it is unknown")
}

fn rank(alias: &HostAlias) -> (bool, Reverse<usize>) {
    match alias {
        HostAlias::Exact(name) | HostAlias::Wildcard(name) => (false, Reverse(name.as_str().len())),
        HostAlias::Regex(_) => (true, Reverse(0)),
    }
}

fn is_alias(alias: &HostAlias, name: &str) -> bool {
    match alias {
        HostAlias::Exact(own) => own.as_str() == name,
        HostAlias::Wildcard(parent) => name.strip_suffix(parent.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        HostAlias::Regex(expression) => !name.is_empty() && finds(&format!("(?i){}", expression.as_str()), name),
    }
}

/// The routes that fit, the one that takes the request first: exact, then the longest; of expressions, in the order of
/// the host.
fn fits<'m>(host: &'m Host, path: &str) -> Vec<(&'m PathMatch, &'m Route)> {
    let fits = |own: &PathMatch| match own {
        PathMatch::Exact(exact) => exact.as_str() == path,
        PathMatch::Under(prefix) => path.starts_with(prefix.as_str()),
        PathMatch::Regex(expression) => matches(expression, path),
    };
    let all = host.routes.iter().flat_map(|route| route.matches.iter().map(move |own| (own, route)));
    let mut found: Vec<_> = all.filter(|(own, _)| fits(own)).collect();
    found.sort_by_key(|(own, _)| match own {
        PathMatch::Exact(_) => (0, Reverse(0)),
        PathMatch::Under(path) => (1, Reverse(path.as_str().len())),
        PathMatch::Regex(_) => (2, Reverse(0)),
    });
    found
}

/// Whether an expression matches the beginning of a path, with the flags that proxies give it. One that only proxies can read
/// matches nothing.
fn matches(expression: &RouteRegex, path: &str) -> bool {
    finds(&format!("(?{})^(?:{expression})", expression.flags()), path)
}

fn finds(expression: &str, path: &str) -> bool {
    const MAX_BYTES: usize = 1 << 20;
    regex::RegexBuilder::new(expression).size_limit(MAX_BYTES).build().is_ok_and(|built| built.is_match(path))
}

fn fit(path: &PathMatch, route: &Route) -> Fit {
    let service = route.service.as_ref();
    Fit {
        path: match path {
            PathMatch::Exact(path) => path.to_string(),
            PathMatch::Under(path) => format!("{path}*"),
            PathMatch::Regex(expression) => format!("~{expression}"),
        },
        origin: route.origin.clone(),
        service: service.map(|service| format!("{}/{}:{}", service.namespace, service.service, service.port)),
    }
}

/// The host's own, else that of its wildcard sibling, else the default one.
fn certificate(model: &Model, host: &Host) -> String {
    let sibling = || host.pattern.covering_wildcard().and_then(|wildcard| model.hosts.get(&wildcard));
    let decided = match &host.certificate {
        HostCertificate::Unclaimed => sibling().map_or(&HostCertificate::Unclaimed, |sibling| &sibling.certificate),
        own => own,
    };
    let name = |id| model.certificates.get(id).map_or_else(String::new, |certificate| certificate.origin.clone());
    match decided {
        HostCertificate::Own(id) => name(id),
        HostCertificate::Unclaimed | HostCertificate::Default => format!("{} (the default)", name(&model.default_certificate)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_what_a_proxy_compares() {
        let parsed = |url: &str| Request::parse(url).map(|request| (request.secure, request.host, request.path));
        let is = |secure, host: &str, path: &str| Ok((secure, host.to_owned(), path.to_owned()));
        assert_eq!(parsed("https://User:x@Shop.Example.:8443/a//b/./c/../%64?q#f"), is(true, "shop.example", "/a/b/d"));
        assert_eq!(parsed("shop.example"), is(false, "shop.example", "/"));
        assert_eq!(parsed("http://shop.example?x"), is(false, "shop.example", "/"));
        assert_eq!(parsed("http://a_b.example/a%2Fb/"), is(false, "a_b.example", "/a/b/"));
        assert_eq!(parsed("http://10.0.0.1/x/.."), is(false, "", "/"));
        assert_eq!(parsed("http://[::1]:80/"), is(false, "", "/"));
        for bad in [
            "ftp://a/",
            "http:///x",
            "http://a/../..",
            "http://a/%",
            "http://a/%zz",
            "http://a/%00",
            "http://a b/",
            "http://a:b/",
            "http://[::1",
            "http://[x]/",
            "http://[::1]x/",
        ] {
            assert!(Request::parse(bad).is_err(), "{bad}");
        }
    }
}
