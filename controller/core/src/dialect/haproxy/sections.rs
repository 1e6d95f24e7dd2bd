//! Which backend sections there are: one for every pair of Service port and policy, and one for every answer of our own.

use super::lacks;
use crate::model::{
    Action, Backend, BackendId, Canary, CanaryRules, ClientAuth, Feature, Globals, Host, Model, PathMatch, Protocol, Route, RoutePolicy,
    digest_of,
};
use crate::names::variable::LABELS;
use crate::names::{HostPattern, ObjectRef, RouteRegex, UriPath, VariableText};
use std::sync::Arc;

/// What the sections of all routes depend on beside the route.
#[derive(Debug, Hash)]
pub(super) struct Context<'m> {
    /// Backends with a wish that is not known here, sorted.
    unknown_backends: Vec<&'m BackendId>,
    /// Backends that are spoken to over TLS if the client's connection is, sorted.
    auto_backends: Vec<&'m BackendId>,
    /// Statuses that the default backend answers in place of the proxy; sorted.
    error_statuses: Vec<u16>,
    /// Who that is; `None`: nobody is, and they are 404.
    error_backend: Option<&'m BackendId>,
    /// Those of endpoints are replaced as well.
    intercepts: bool,
    log_unknown_hosts: bool,
    /// Requests are counted, so the maps say under what.
    counts_requests: bool,
    /// The access log or headers name the route: its Ingress and Service, and perhaps its path.
    names: Option<Names>,
}

/// How log lines and headers of all routes name a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Names {
    has_path: bool,
}

impl Names {
    /// `None`: they do not.
    fn of(globals: &Globals) -> Option<Self> {
        let log = &globals.access_log;
        let format = log.format.as_ref().filter(|_| log.enabled);
        let headers = globals.request_headers.iter().chain(&globals.response_headers).map(|(_, text)| text);
        let naming: Vec<&VariableText> = format.into_iter().chain(headers).filter(|text| text.uses(LABELS)).collect();
        (!naming.is_empty()).then(|| Self { has_path: naming.iter().any(|text| text.uses(&["location_path"])) })
    }
}

impl<'m> Context<'m> {
    pub(super) fn new(model: &'m Model) -> Self {
        let globals: &Globals = &model.globals;
        let (mut unknown_backends, mut auto_backends) = (Vec::new(), Vec::new());
        for backend in model.backends.having(Feature::BackendPolicy) {
            unknown_backends.extend((!lacks::knows_backend(&backend.policy)).then_some(&backend.id));
            auto_backends.extend((backend.policy.protocol == Some(Protocol::AutoHttp)).then_some(&backend.id));
        }
        let custom = globals.custom_errors.as_ref();
        let mut error_statuses: Vec<u16> = custom.map(|custom| custom.statuses.clone()).unwrap_or_default();
        error_statuses.sort_unstable();
        Self {
            unknown_backends,
            auto_backends,
            error_statuses,
            error_backend: globals.default_backend.as_ref(),
            intercepts: custom.is_some_and(|custom| custom.intercept_upstream),
            log_unknown_hosts: globals.access_log.unknown_hosts,
            counts_requests: globals.listeners.metrics_port.is_some(),
            names: Names::of(globals),
        }
    }

    fn knows(&self, id: &BackendId) -> bool {
        self.unknown_backends.binary_search(&id).is_err()
    }

    /// Whether there are backends that are spoken to over TLS if the client's connection is.
    pub(super) const fn has_auto_backends(&self) -> bool {
        !self.auto_backends.is_empty()
    }

    /// Whether requests are counted.
    pub(super) const fn counts_requests(&self) -> bool {
        self.counts_requests
    }

    /// What a map says of a route: the name of its section, and what its requests are counted under, if they are:
    /// `section:namespace:Ingress:Service:path`.
    pub(super) fn value_of(&self, host: &Host, route: &'m Route) -> String {
        let name = Key::of(host, route, self).name();
        if !self.counts_requests {
            return name;
        }
        let Labels { namespace, ingress, service, port: _ } = Labels::of(route);
        format!("{name}:{namespace}:{ingress}:{service}:{}", percent_encoded(route.rule_path.as_str()))
    }

    fn is_auto(&self, id: &BackendId) -> bool {
        self.auto_backends.binary_search(&id).is_ok()
    }
}

impl<'m> Context<'m> {
    /// Statuses that another backend answers for a route, sorted. A route with a page to sign in has
    /// none but its own: 401 leads there.
    pub(super) fn errors<'c>(&'c self, policy: &'c RoutePolicy) -> &'c [u16] {
        match &policy.errors {
            Some(errors) => &errors.statuses,
            None if policy.external_auth.as_ref().is_some_and(|auth| auth.sign_in.is_some()) => &[],
            None => &self.error_statuses,
        }
    }

    pub(super) fn pages(&self, route: &'m Route) -> Option<Pages<'m>> {
        let own = route.policy.errors.as_ref();
        let intercepts = own.and_then(|errors| errors.intercept_upstream).unwrap_or(self.intercepts);
        let forwards = matches!(route.action, Action::Forward(_));
        let any = !self.errors(&route.policy).is_empty();
        let backend = own.and_then(|errors| errors.backend.as_ref()).or(self.error_backend);
        (forwards && intercepts && any).then(|| Pages { backend, labels: Labels::of(route) })
    }
}

impl Context<'_> {
    /// How log lines and headers name a route, and the path of its rule; `None`: they do not.
    pub(super) fn named<'r>(&self, route: &'r Route) -> Option<(Labels<'r>, &'r str)> {
        let Names { has_path } = self.names?;
        Some((Labels::of(route), if has_path { route.rule_path.as_str() } else { "" }))
    }
}

/// All that makes the sections of two routes differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<'m> {
    /// What is done at last.
    pub(super) does: Does<'m>,
    /// Plain-HTTP requests are sent to HTTPS first; whether one trailing slash is kept.
    pub(super) redirect: Option<bool>,
    /// Requests are not logged.
    pub(super) unlogged: bool,
    /// Content hash of what else is asked for, and of how the route is named in log lines and headers; 0: nothing.
    pub(super) policy: u128,
    /// The path that is rewritten, as an expression.
    pub(super) path: Option<&'m RouteRegex>,
    /// Content hash of what is asked about certificates of clients; 0: nothing.
    pub(super) client_auth: u128,
    /// What tells the clients of one Ingress from those of another one, where they are limited.
    pub(super) counted: Option<u128>,
    /// What others are told about the route: a service that decides who may pass, and a server that gets the requests, too.
    pub(super) asks: Option<Asks<'m>>,
    /// Who is asked for pages in place of the endpoints' error answers.
    pub(super) pages: Option<Pages<'m>>,
    /// What a backend is told that stands in for another one.
    pub(super) stands_in: Option<Labels<'m>>,
    /// The path of a cookie that is set.
    pub(super) cookie_path: Option<&'m str>,
    /// Some of the requests go elsewhere: where to, and a content hash of the rules.
    pub(super) canary: Option<(&'m BackendId, u128)>,
    /// Requests are tried again whatever their method.
    pub(super) repeats_all: bool,
    /// There are two sections, for endpoints that are spoken to in what the client speaks; whether this is the one over TLS.
    pub(super) over_tls: Option<bool>,
}

/// What is done with a request at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Does<'m> {
    /// It goes to the endpoints of a backend.
    Forward(&'m BackendId),
    /// It is answered with a status and our own page.
    Answer(u16),
    /// It is sent to a path of the same host.
    AppRoot(&'m UriPath),
    /// The default backend is told the status, and answers.
    Error { status: u16, backend: &'m BackendId, labels: Labels<'m> },
}

/// Who writes pages in place of error answers of endpoints, and what about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Pages<'m> {
    /// `None`: nobody does; these answers are 404.
    pub(super) backend: Option<&'m BackendId>,
    pub(super) labels: Labels<'m>,
}

/// A route that a service is asked about, or that another server gets the requests of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Asks<'m> {
    pub(super) labels: Labels<'m>,
    /// The path of its rule.
    pub(super) path: &'m str,
    /// Answers about other routes of the host have other names.
    pub(super) name: u128,
}

/// What error pages are told about the route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Labels<'m> {
    pub(super) namespace: &'m str,
    pub(super) ingress: &'m str,
    pub(super) service: &'m str,
    pub(super) port: &'m str,
}

impl Labels<'_> {
    /// The text with these names, and the path of the rule, in place of the variables that stand for them.
    pub(super) fn fill(&self, text: &VariableText, path: &str) -> VariableText {
        text.filled(|name| match name {
            "namespace" => Some(self.namespace),
            "ingress_name" => Some(self.ingress),
            "service_name" => Some(self.service),
            "service_port" => Some(self.port),
            "location_path" => Some(path),
            _ => None,
        })
    }
}

impl<'m> Key<'m> {
    /// The key of a route.
    pub(super) fn of(host: &Host, route: &'m Route, context: &Context<'m>) -> Self {
        let is_catch_all = host.pattern == HostPattern::CatchAll;
        let unlogged = (is_catch_all && route.origin.is_none() && !context.log_unknown_hosts)
            || route.policy.logging.is_some_and(|logging| logging.access == Some(false));
        if host.policy.client_auth == Some(ClientAuth::Denied) {
            return Self { unlogged, ..Self::only(Does::Answer(403)) };
        }
        let does = if lacks::knows(&route.policy, &host.policy, None) { Does::of(route, context) } else { Does::Answer(503) };
        let forwards_to = if let Does::Forward(id) = does { Some(id) } else { None };
        let canary = route.canary.as_deref().filter(|canary| forwards_to.is_some() && context.knows(&canary.backend));
        Self {
            does,
            redirect: route.https_redirect.map(|redirect| redirect.keep_trailing_slash),
            unlogged,
            policy: context.named(route).map_or_else(|| route.policy.digest(), |named| digest_of(&(route.policy.digest(), named))),
            path: route.policy.rewrite.as_ref().and_then(|_| route.matches.first()).and_then(PathMatch::regex),
            client_auth: client_auth_digest(host),
            counted: route.policy.limits.as_ref().map(|_| digest_of(&route.origin)),
            asks: Asks::of(route),
            pages: context.pages(route),
            stands_in: route.policy.stands_in.map(|_| Labels::of(route)),
            cookie_path: route.policy.session_cookie.as_ref().map(|_| route.rule_path.as_str()),
            canary: canary.map(|canary| (&canary.backend, shape_of(&canary.rules))),
            repeats_all: forwards_to.is_some()
                && route.policy.retries.as_ref().and_then(|retries| retries.causes.as_ref()).is_some_and(|own| own.non_idempotent),
            over_tls: forwards_to.filter(|id| context.is_auto(id)).map(|_| false),
        }
    }

    /// The key of the section that the canary of a route has, and the canary.
    pub(super) fn of_canary(&self, route: &'m Route, context: &Context<'m>) -> Option<(Self, &'m Canary)> {
        let (backend, _) = self.canary?;
        let over_tls = context.is_auto(backend).then_some(false);
        Some((Self { does: Does::Forward(backend), canary: None, over_tls, ..*self }, route.canary.as_deref()?))
    }

    /// The key of the section that sends requests to the root of a host's application.
    pub(super) fn of_app_root(path: &'m UriPath, host: &Host) -> Self {
        match host.policy.client_auth {
            Some(ClientAuth::Denied) => Self::only(Does::Answer(403)),
            _ => Self { client_auth: client_auth_digest(host), ..Self::only(Does::AppRoot(path)) },
        }
    }

    /// The key of a section that does nothing else.
    const fn only(does: Does<'m>) -> Self {
        Self {
            does,
            redirect: None,
            unlogged: false,
            policy: 0,
            path: None,
            client_auth: 0,
            counted: None,
            asks: None,
            pages: None,
            stands_in: None,
            cookie_path: None,
            canary: None,
            repeats_all: false,
            over_tls: None,
        }
    }

    /// Name of the section. Routes with different keys have different names. Its end says what the frontend has to know.
    pub(super) fn name(&self) -> String {
        let digest = digest_of(&Self { over_tls: self.over_tls.map(|_| false), ..*self });
        match self.does {
            Does::Forward(id) => {
                let all = if self.repeats_all { ".any" } else { "" };
                let auto = match self.over_tls {
                    None => "",
                    Some(false) => ".auto",
                    Some(true) => ".auto.tls",
                };
                format!("{id}.{digest:032x}{all}{auto}")
            }
            Does::Answer(status) => format!("answer-{status}.{digest:032x}"),
            Does::AppRoot(_) => format!("app-root.{digest:032x}"),
            Does::Error { status, .. } => format!("error-{status}.{digest:032x}"),
        }
    }

    /// The backend whose endpoints it has.
    pub(super) const fn backend(&self) -> Option<&'m BackendId> {
        match self.does {
            Does::Forward(id) | Does::Error { backend: id, .. } => Some(id),
            Does::Answer(_) | Does::AppRoot(_) => None,
        }
    }
}

/// With all that could mean something in a map encoded.
pub(super) fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encoded).collect()
}

fn client_auth_digest(host: &Host) -> u128 {
    host.policy.client_auth.as_ref().map_or(0, digest_of)
}

/// Content hash of canary rules, whatever their weight: that is no part of a name, so that it can change in a running proxy.
fn shape_of(rules: &CanaryRules) -> u128 {
    let CanaryRules { header, cookie, weight: _, total: _, is_sticky } = rules;
    digest_of(&(header, cookie, is_sticky))
}

impl<'m> Does<'m> {
    fn of(route: &'m Route, context: &Context<'m>) -> Self {
        // Where nobody else answers for it, a backend without endpoints has its section: servers come without a reload.
        let takes_over = context.error_statuses.binary_search(&503).is_ok();
        let status = match &route.action {
            Action::Vacant(id) if takes_over || !context.knows(id) => 503,
            Action::Vacant(id) => return Self::Forward(id),
            Action::Forward(id) if !context.knows(id) => 503,
            Action::Forward(id) => return Self::Forward(id),
            Action::Respond(status) => *status,
        };
        let own = route.policy.errors.as_ref().and_then(|errors| errors.backend.as_ref());
        match (context.errors(&route.policy).binary_search(&status), own.or(context.error_backend)) {
            (Err(_), _) => Self::Answer(status),
            (Ok(_), Some(backend)) => Self::Error { status, backend, labels: Labels::of(route) },
            (Ok(_), None) => Self::Answer(404),
        }
    }
}

impl<'m> Asks<'m> {
    /// `None`: nobody is asked.
    fn of(route: &'m Route) -> Option<Self> {
        let auth = route.policy.external_auth.as_ref();
        (auth.is_some() || route.policy.mirror.is_some()).then(|| Self {
            labels: Labels::of(route),
            path: route.rule_path.as_str(),
            name: auth.map_or(0, |auth| digest_of(&(&route.rule_path, &route.matches, auth))),
        })
    }
}

impl<'m> Labels<'m> {
    fn of(route: &'m Route) -> Self {
        let (namespace, ingress) = route.origin.as_ref().map_or(("", ""), |origin| (origin.name.namespace(), origin.name.name()));
        let (service, port) = route.service.as_ref().map_or(("", ""), |service| (&*service.service, &*service.port));
        Self { namespace, ingress, service, port }
    }
}

/// One section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'m> {
    pub(super) key: Key<'m>,
    /// The first route that it is for names it.
    pub(super) origin: Option<&'m ObjectRef>,
    pub(super) backend: Option<&'m Arc<Backend>>,
    /// What else is asked for; `None`: nothing.
    pub(super) policy: Option<&'m RoutePolicy>,
    /// What is asked about certificates of clients.
    pub(super) client_auth: Option<&'m ClientAuth>,
    /// The service that decides who may pass.
    pub(super) service: Option<&'m Arc<Backend>>,
    /// Who writes pages.
    pub(super) page_backend: Option<&'m Arc<Backend>>,
    /// Who gets the requests, too.
    pub(super) mirror: Option<&'m Arc<Backend>>,
    /// How log lines and headers name the route, and the path of its rule.
    pub(super) named: Option<(Labels<'m>, &'m str)>,
}

impl Section<'_> {
    /// Whether the endpoints of the route are asked.
    pub(super) const fn forwards(&self) -> bool {
        self.backend.is_some() && matches!(self.key.does, Does::Forward(_))
    }

    /// Whether something is done with a request before the endpoints are looked for, which without them shall not be: it is
    /// counted, somebody is asked whether it may pass, or gets a copy.
    pub(super) fn looks_for_vacancy(&self) -> bool {
        let is_busy = |policy: &RoutePolicy| policy.turns_away() || policy.mirror.is_some();
        matches!(self.key.does, Does::Forward(_)) && self.policy.is_some_and(is_busy)
    }
}
