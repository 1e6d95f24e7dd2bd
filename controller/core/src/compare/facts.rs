//! Facts about parts of the model, as texts for people.

use crate::model::{
    Action, ClientAuth, Host, HostCertificate, Model, PathMatch, Redirect, RedirectStatus, RedirectTarget, Route, ServiceRef, VerifyClient,
};
use crate::names::shown;
use std::net::SocketAddr;

/// `/path` for exactly that, `/path/*` for all below, `~/path` for an expression.
pub(super) fn path(path: &PathMatch) -> String {
    match path {
        PathMatch::Exact(path) => path.to_string(),
        PathMatch::Under(path) => format!("{path}*"),
        PathMatch::Regex(expression) => format!("~{expression}"),
    }
}

/// What the requests of a route get.
pub(super) fn answer(route: &Route, model: &Model) -> String {
    let service = route.service.as_ref().map(service);
    match (&route.action, service) {
        (Action::Respond(404), None) if route.policy.redirect.is_some() => {
            route.policy.redirect.as_ref().map(|redirect| redirected(redirect, model)).unwrap_or_default()
        }
        (Action::Respond(status), Some(service)) => format!("{status} in place of {service}"),
        (Action::Vacant(_), Some(service)) => format!("503 in place of {service}"),
        (Action::Vacant(_), None) => "503".to_owned(),
        (Action::Respond(status), None) => status.to_string(),
        (Action::Forward(_), Some(service)) => service,
        (Action::Forward(backend), None) => format!("default backend {}", backend.service_port()),
        #[allow(unreachable_patterns, reason = "further actions may come")]
        _ => "an answer of the proxy".to_owned(),
    }
}

/// A port of a Service, as it is written.
pub(super) fn service(service: &ServiceRef) -> String {
    format!("Service {}/{}:{}", service.namespace, service.service, service.port)
}

fn redirected(redirect: &Redirect, model: &Model) -> String {
    let status = match redirect.status {
        RedirectStatus::Is(status) => status,
        RedirectStatus::OfHttpsRedirect => model.globals.https_redirect_status.0,
    };
    match &redirect.target {
        RedirectTarget::Host(host) => format!("{status} to the same on {host}"),
        RedirectTarget::Url(url) => format!("{status} to {}", shown(&url.to_string())),
    }
}

/// Whether no backend gets the requests of a route, whatever else is asked for.
pub(super) const fn is_closed(route: &Route) -> bool {
    matches!(route.action, Action::Respond(_) | Action::Vacant(_))
}

/// Whether that is so, and the requests are not sent elsewhere either.
pub(super) fn is_shut(route: &Route) -> bool {
    is_closed(route) && route.policy.redirect.is_none()
}

/// Whether two routes lead to the same port of the same Service, however it is written.
pub(super) fn is_same_port(routes: [&Route; 2]) -> bool {
    let service = |route: &'_ Route| route.service.as_ref().map(|service| (service.namespace.clone(), service.service.clone()));
    let is_same = service(routes[0]) == service(routes[1]);
    is_same && matches!((&routes[0].action, &routes[1].action), (Action::Forward(old), Action::Forward(new)) if old == new)
}

/// Whether one of the routes of a host is.
pub(super) fn has_closed(host: &Host) -> bool {
    host.routes.iter().any(is_closed)
}

/// Whether the answer of a route is anybody's, and not just that of a host without a route for such requests.
pub(super) fn says_something(route: &Route) -> bool {
    !is_closed(route) || route.origin.is_some() && (route.service.is_some() || route.policy.redirect.is_some())
}

/// What the handshakes for a host are answered with.
pub(super) fn certificate(host: &Host, model: &Model) -> String {
    match &host.certificate {
        HostCertificate::Own(id) => model.certificates.get(id).map_or_else(|| id.to_string(), |own| own.origin.clone()),
        HostCertificate::Default => "the default certificate".to_owned(),
        HostCertificate::Unclaimed => String::new(),
    }
}

/// What a host wants of the certificates of its clients.
pub(super) fn client_certificates(auth: Option<&ClientAuth>) -> String {
    let Some(auth) = auth else { return "none asked for".to_owned() };
    let ClientAuth::Checked(checked) = auth else { return "nobody let in".to_owned() };
    let how = match checked.verify {
        VerifyClient::Required => "required",
        VerifyClient::Optional => "optional",
        VerifyClient::OptionalOfAny => "optional, of any authority",
        VerifyClient::Off => "none asked for",
    };
    let subject = checked.subject.as_ref().map(|subject| format!(", for {}", shown(subject.as_str()))).unwrap_or_default();
    how.to_owned() + &subject
}

/// The first endpoints, and how many more there are.
pub(super) fn endpoints(all: &[SocketAddr]) -> String {
    const SHOWN: usize = 3;
    let mut out = all.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = all.len().checked_sub(SHOWN) {
        out.push_str(&format!(" and {more} more"));
    }
    out
}
