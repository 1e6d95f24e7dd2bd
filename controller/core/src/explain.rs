//! What happens to one request, and why: which host, which route, what on the way, which answer.
//!
//! The proxies decide by what is rendered for them; this decides by the model, in the words of the model, and tests hold
//! the two together.

mod canary;
mod request;

use crate::model::{Action, BackendId, ClientAuth, Cors, EarlyAnswer, Host, HostCertificate, Listeners, Model, Origins, PathMatch, Route};
use crate::names::{HostAlias, HostName, HostPattern, ObjectRef, Origin, TextRegex};
use serde::Serialize;
use std::cmp::Reverse;

pub use request::{BadHeader, BadMethod, BadUrl, Request};

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
    /// The routes that fit; the first one takes the request, unless a proxy gives up before. Never empty.
    pub routes: Vec<Fit>,
    /// Expressions, and whose they are, of which a proxy may not find out whether they fit, and that come before the first
    /// route; it then answers with an error.
    pub untold: Vec<String>,
    /// The request is answered with a redirect to `https` first.
    pub https_redirect: bool,
    /// The route answers with a redirect in place of anything else.
    pub redirect: bool,
    /// Where the host sends requests for `/`, before anything else is looked at; `None`: the request is no such.
    pub app_root: Option<String>,
    /// What snippets of the route answer first; the last one whatever the request is like, if [`Explanation::status`] is its.
    pub early: Vec<Early>,
    /// Which requests of the route go to a canary, in words; `None`: there is none, or the proxy answers itself.
    pub canary: Option<String>,
    /// Whether this one does; `None`: there is no canary, or chance decides.
    pub to_canary: Option<bool>,
    /// The proxy answers 204 to a browser that asks whether a page of another origin may ask.
    pub preflight: bool,
    /// Whether it gets the proxy's own answer to health checks.
    pub health_check: bool,
    /// The proxy's own answer about how it is, for those who may see it; 403 for others.
    pub status_page: bool,
    /// Certificates of clients of the host were to be checked and cannot be, so everybody is answered 403.
    pub denied: bool,
    /// The backend that it is forwarded to, unless chance sends it to the canary; `None`: the proxy answers.
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
        let answered =
            self.health_check || self.status_page || self.preflight || self.early.iter().any(|answer| Some(answer.status) == self.status);
        self.passed_on.is_some() || self.untold.is_empty() && (redirected || answered || self.backend.is_some())
    }
}

/// A route that fits a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fit {
    /// What fits: `/path` for exactly that, `/path/*` for all below.
    pub path: String,
    /// The Ingress that asked for the route; `None`: no object did.
    pub origin: Option<ObjectRef>,
    /// The Service port that it names.
    pub service: Option<String>,
    /// Whether it is the route for all paths that no rule of the host names, and no object asked for it.
    #[serde(skip)]
    pub is_rest: bool,
}

/// What a snippet answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Early {
    /// The status.
    pub status: u16,
    /// Whether the answer depends on more than the path.
    pub depends: bool,
}

/// Where a request is forwarded to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forward {
    /// Name in the proxy's files.
    pub name: String,
    /// `address:port` of the endpoints, one of which gets the request; in the order of the backend, may be empty.
    pub endpoints: Vec<String>,
}

/// The certificate of a connection that is passed on.
const OF_ENDPOINTS: &str = "that of the endpoints, to which the connection is passed on";

/// Says what happens to a request.
#[must_use]
pub fn explain(model: &Model, request: &Request) -> Explanation {
    let (host, host_because, mut untold) = host_of(model, &request.host);
    let (fits, more) = fits(host, &request.path_bytes);
    untold.extend(more);
    // Every host has a route for every path; a model without is broken, and answers 404.
    let route = fits.first().map(|(_, route)| *route);
    let https_redirect = !request.secure && route.is_some_and(|route| route.https_redirect.is_some());
    let is_own = |own: &str| is_own(own, host, &fits, &request.path);
    let health_check = is_own(model.globals.listeners.health_check_path.as_str());
    let status_page = !health_check && is_own(Listeners::STATUS_PATH);
    let denied = !health_check && host.policy.client_auth == Some(ClientAuth::Denied);
    let app_root = host.policy.app_root.as_ref().filter(|_| !denied && request.path == "/").map(ToString::to_string);
    let preflight = !denied && !health_check && !status_page && app_root.is_none();
    let preflight = preflight && route.and_then(|route| route.policy.cors.as_ref()).is_some_and(|cors| is_preflight(cors, request));
    let early = route.map(|route| early(route, &request.path_bytes)).unwrap_or_default();
    let before_routes = match app_root {
        _ if denied => Some(403),
        _ if health_check || status_page => Some(200),
        Some(_) => Some(302),
        None => preflight.then_some(204),
    };
    let Answer { backend, status, to_canary } = before_routes.map_or_else(|| answer_of(model, route, &early, request), Answer::with_status);
    let canary = backend.as_ref().and(route).and_then(|route| route.canary.as_ref()).map(ToString::to_string);
    let passed = HostName::new(&request.host).ok().filter(|_| request.secure).and_then(|name| model.passthrough.get(&name));
    Explanation {
        host: host.pattern.to_string(),
        host_because,
        certificate: request.secure.then(|| if passed.is_some() { OF_ENDPOINTS.to_owned() } else { certificate(model, host) }),
        passed_on: passed.map(|passed| passed.endpoints.iter().map(ToString::to_string).collect()),
        path: request.path.clone(),
        routes: fits.into_iter().map(|(path, route)| fit(path, route)).collect(),
        untold,
        https_redirect: https_redirect && before_routes.is_none(),
        app_root,
        canary,
        to_canary,
        preflight,
        early,
        health_check,
        status_page,
        denied,
        redirect: !denied && !preflight && status != Some(503) && route.is_some_and(|route| route.policy.redirect.is_some()),
        backend,
        status,
    }
}

/// What answers a request at last; the fields are as in [`Explanation`].
struct Answer {
    backend: Option<Forward>,
    status: Option<u16>,
    to_canary: Option<bool>,
}

impl Answer {
    const fn with_status(status: u16) -> Self {
        Self { backend: None, status: Some(status), to_canary: None }
    }
}

/// The answer of a route, whose snippets answer `early`.
fn answer_of(model: &Model, route: Option<&Route>, early: &[Early], request: &Request) -> Answer {
    let Some(route) = route else { return Answer::with_status(404) };
    let id = match &route.action {
        Action::Respond(status) => return Answer::with_status(*status),
        Action::Vacant(_) => return Answer::with_status(503),
        Action::Forward(id) => id,
    };
    if let Some(answer) = early.last().filter(|answer| !answer.depends) {
        return Answer::with_status(answer.status);
    }
    let canary = route.canary.as_ref();
    let primary = model.backends.get(id).map(|backend| &**backend);
    let to_canary = canary.and_then(|canary| canary::takes(canary, id, primary, request));
    let to = canary.filter(|_| to_canary == Some(true)).map_or(id, |canary| &canary.backend);
    Answer { backend: Some(forward(model, to)), status: None, to_canary }
}

/// Whether the answer is for a browser that asks what pages of another origin may do, and may do something.
fn is_preflight(cors: &Cors, request: &Request) -> bool {
    let is_allowed = || match &cors.origins {
        Origins::Any => true,
        Origins::These(origins) => {
            let origin = request.header("origin").unwrap_or_default();
            let is = |own: &Origin| TextRegex::new(&own.expression()).is_ok_and(|own| own.occurs_in(&origin, true) == Some(true));
            origins.iter().any(is)
        }
    };
    request.method == "OPTIONS" && is_allowed()
}

fn forward(model: &Model, id: &BackendId) -> Forward {
    let endpoints = model.backends.get(id).map(|backend| backend.endpoints.iter().map(ToString::to_string).collect());
    Forward { name: id.to_string(), endpoints: endpoints.unwrap_or_default() }
}

/// The answers of snippets for a path, up to the first one that every request for it gets.
fn early(route: &Route, path: &[u8]) -> Vec<Early> {
    let all = route.policy.extra.iter().flat_map(|extra| &extra.answers);
    let mut out = Vec::new();
    for EarlyAnswer { when, status, path: expression, .. } in all {
        let fits = expression.as_ref().map_or(Some(true), |expression| expression.occurs_in(path, false));
        let depends = when.is_some() || fits.is_none();
        if fits != Some(false) {
            out.push(Early { status: *status, depends });
        }
        if fits == Some(true) && !depends {
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

/// Exact names before wildcards before aliases of many names before everything else: `ingress-semantics` 6. With the aliases of
/// which a proxy may not find out whether they fit.
fn host_of<'m>(model: &'m Model, name: &str) -> (&'m Host, &'static str, Vec<String>) {
    let get = |pattern: &HostPattern| model.hosts.get(pattern).map(|host| &**host);
    let exact = HostName::new(name).ok().map(HostPattern::Exact);
    if let Some(host) = exact.as_ref().and_then(get) {
        return (host, "a rule names this host", Vec::new());
    }
    let aliases = model.hosts.values().flat_map(|host| host.policy.aliases.iter().flatten().map(move |alias| (&**host, &alias.name)));
    let mut untold = Vec::new();
    let mut is_alias = |host: &Host, alias: &HostAlias| {
        let is = is_alias(alias, name);
        if is.is_none() {
            untold.push(format!("alias {alias} of host {}", host.pattern));
        }
        is == Some(true)
    };
    let aliases: Vec<_> = aliases.filter(|(host, alias)| is_alias(host, alias)).collect();
    let exact = aliases.iter().find(|(_, alias)| matches!(alias, HostAlias::Exact(_)));
    if let Some((host, _)) = exact {
        return (host, "it is an alias of this host", Vec::new());
    }
    let wildcard = name.split_once('.').and_then(|(_, parent)| HostName::new(parent).ok()).map(HostPattern::Wildcard);
    if let Some(host) = wildcard.as_ref().and_then(get) {
        return (host, "no rule names this host, and the wildcard covers it", Vec::new());
    }
    // A host comes before an alias that is more than one name; of these, the longest name before expressions.
    if let Some((host, alias)) = aliases.into_iter().min_by_key(|(_, alias)| rank(alias)) {
        untold.retain(|_| matches!(alias, HostAlias::Regex(_)));
        return (host, "an alias of this host fits it", untold);
    }
    let other = get(&HostPattern::CatchAll).expect("the catch-all is always there");
    (other, "no rule names this host, so it is unknown", untold)
}

fn rank(alias: &HostAlias) -> (bool, Reverse<usize>) {
    match alias {
        HostAlias::Exact(name) | HostAlias::Wildcard(name) => (false, Reverse(name.as_str().len())),
        HostAlias::Regex(_) => (true, Reverse(0)),
    }
}

fn is_alias(alias: &HostAlias, name: &str) -> Option<bool> {
    match alias {
        HostAlias::Exact(own) => Some(own.as_str() == name),
        HostAlias::Wildcard(parent) => Some(name.strip_suffix(parent.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))),
        HostAlias::Regex(_) if name.is_empty() => Some(false),
        HostAlias::Regex(expression) => expression.occurs_in(name, true),
    }
}

type Fitting<'m> = Vec<(&'m PathMatch, &'m Route)>;

/// The routes that fit, the one that takes the request first: exact, then the longest; of expressions, in the order of
/// the host. With the expressions before these of which a proxy may not find out whether they fit.
fn fits<'m>(host: &'m Host, path: &[u8]) -> (Fitting<'m>, Vec<String>) {
    let all = || host.routes.iter().flat_map(|route| route.matches.iter().map(move |own| (own, route)));
    let slow = all().filter(|(own, _)| matches!(own, PathMatch::Regex(expression) if expression.is_slow())).count();
    let fits = |own: &PathMatch| match own {
        PathMatch::Exact(exact) => Some(exact.as_str().as_bytes() == path),
        PathMatch::Under(prefix) => Some(path.starts_with(prefix.as_str().as_bytes())),
        PathMatch::Regex(expression) => expression.fits(path, slow),
    };
    let (mut found, mut untold) = (Vec::new(), Vec::new());
    for (own, route) in all() {
        match fits(own) {
            Some(true) => found.push((own, route)),
            Some(false) => {}
            // Literal paths are compared before, on hosts without expressions only.
            None if found.is_empty() => untold.push(whose(own, route)),
            None => {}
        }
    }
    found.sort_by_key(|(own, _)| match own {
        PathMatch::Exact(_) => (0, Reverse(0)),
        PathMatch::Under(path) => (1, Reverse(path.as_str().len())),
        PathMatch::Regex(_) => (2, Reverse(0)),
    });
    (found, untold)
}

fn whose(path: &PathMatch, route: &Route) -> String {
    let by = route.origin.as_ref().map(|origin| format!(" of {origin}")).unwrap_or_default();
    format!("path {}{by}", path.text())
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
        is_rest: service.is_none() && route.policy.redirect.is_none() && matches!(route.action, Action::Respond(404)),
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
