//! Facts about parts of the model, as texts for people.

use crate::model::{Action, Host, HostCertificate, Model, PathMatch, Route};
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
pub(super) fn answer(route: &Route) -> String {
    let service = route.service.as_ref().map(|service| format!("Service {}/{}:{}", service.namespace, service.service, service.port));
    match (&route.action, service) {
        (Action::Respond(status), Some(service)) => format!("{status} in place of {service}"),
        (Action::Vacant(_), Some(service)) => format!("503 in place of {service}"),
        (Action::Vacant(_), None) => "503".to_owned(),
        (Action::Respond(status), None) => status.to_string(),
        (Action::Forward(_), Some(service)) => service,
        (Action::Forward(backend), None) => backend.to_string(),
        #[allow(unreachable_patterns, reason = "further actions may come")]
        _ => "an answer of the proxy".to_owned(),
    }
}

/// Whether the requests of a route reach a backend.
pub(super) fn is_open(route: Option<&Route>) -> bool {
    route.is_some_and(|route| !matches!(route.action, Action::Respond(_) | Action::Vacant(_)))
}

/// What the handshakes for a host are answered with.
pub(super) fn certificate(host: &Host, model: &Model) -> String {
    match &host.certificate {
        HostCertificate::Own(id) => model.certificates.get(id).map_or_else(|| id.to_string(), |own| own.origin.clone()),
        HostCertificate::Default => "the default certificate".to_owned(),
        HostCertificate::Unclaimed => String::new(),
    }
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
