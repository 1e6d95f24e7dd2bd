//! Session affinity: which endpoint a client's cookie picks, and the cookie that a new client gets.

use super::maps::{MapsView, escaped, tag};
use crate::dialect::nginx::expression::Expression;
use crate::model::{Affinity, AffinityMode, Backend, BackendId, Canary, Route, SameSite, SessionCookie};
use crate::names::HostPattern;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What of a backend's variables is meant.
fn variable(id: &BackendId, what: &str) -> String {
    format!("session_{}_{what}", tag(&[id.as_str()]))
}

/// The text that picks an endpoint by its hash: the client's key, or a fresh one.
pub(super) fn key(id: &BackendId) -> Expression {
    Expression::variable(&variable(id, "key"))
}

/// The upstream with just one endpoint.
pub(super) fn single_upstream(id: &BackendId, endpoint: SocketAddr) -> String {
    format!("{}_{}", tag(&[id.as_str(), &endpoint.to_string()]), id.service_port())
}

/// The variable that names the upstream, where it is not one for all.
pub(super) fn target(id: &BackendId) -> String {
    variable(id, "target")
}

/// What the cookie of a client says to a backend.
pub(super) fn backend_maps(backend: &Backend, affinity: &Affinity) -> MapsView {
    let mut maps = MapsView::default();
    let (id, yes, no) = (&backend.id, Expression::literal("1"), Expression::literal(""));
    let cookie = maps.cookie(&affinity.cookie);
    match affinity.mode {
        AffinityMode::Balanced => {
            let given = ("~^([^|]+)".to_owned(), Expression::variable("1"));
            maps.map(&variable(id, "key"), cookie.clone(), Expression::variable("request_id"), vec![given]);
            maps.map(&variable(id, "new"), cookie, yes, vec![("~^[^|]".to_owned(), no)]);
        }
        AffinityMode::Persistent => {
            let named = |endpoint: &SocketAddr| format!("~^{}(?:[|]|\\z)", Affinity::endpoint_key(id, *endpoint));
            let singles = backend.endpoints.iter().map(|e| (named(e), Expression::literal(&single_upstream(id, *e)))).collect();
            maps.map(&target(id), cookie.clone(), Expression::literal(id.as_str()), singles);
            let known = backend.endpoints.iter().map(|e| (named(e), no.clone())).collect();
            maps.map(&variable(id, "new"), cookie, yes, known);
            // Of several endpoints that were tried, the last one answered.
            let answered = |endpoint: &SocketAddr| format!("~(?:^|[ ]){}\\z", escaped(&endpoint.to_string()));
            let keys = backend.endpoints.iter().map(|e| (answered(e), Expression::literal(&Affinity::endpoint_key(id, *e)))).collect();
            maps.map(&variable(id, "node"), Expression::variable("upstream_addr"), no, keys);
        }
    }
    maps
}

/// The variable with the cookie that a client of this route is told, empty when there is nothing to tell.
pub(super) fn route_cookie(
    host: &HostPattern,
    route: &Route,
    backends: &BTreeMap<BackendId, std::sync::Arc<Backend>>,
    flag: Option<&Expression>,
    maps: &mut MapsView,
) -> Option<Expression> {
    let cookie = route.policy.session_cookie.as_ref()?;
    let crate::model::Action::Forward(id) = &route.action else { return None };
    let affinity = backends.get(id)?.policy.affinity.as_ref()?;
    let canary = route.canary.as_deref().map(|canary: &Canary| &canary.backend);
    let canary_affinity = canary.and_then(|id| Some((id, backends.get(id)?.policy.affinity.as_ref()?)));
    let is_new = |id: &BackendId| Expression::variable(&variable(id, "new"));
    let mut source = Expression::default().and_all(&is_new(id)).and(",");
    source = canary_affinity.map_or(source.clone(), |(id, _)| source.and_all(&is_new(id))).and(",");
    source = flag.map_or(source.clone(), |flag| source.and_all(flag)).and(",").and_variable("upstream_addr");
    let value = |id, affinity| cookie_value(id, affinity, cookie, route.rule_path.as_str());
    let mut entries = vec![("~^1,[^,]*,,.".to_owned(), value(id, affinity))];
    if affinity.moves_on_failure && affinity.mode == AffinityMode::Persistent {
        entries.push(("~^[^,]*,[^,]*,,[^,]+,".to_owned(), value(id, affinity)));
    }
    if let Some((id, affinity)) = canary_affinity {
        entries.push(("~^[^,]*,1,1,.".to_owned(), value(id, affinity)));
    }
    let name = format!("session_{}", tag(&[&host.to_string(), route.rule_path.as_str(), &format!("{:?}", route.matches)]));
    maps.map(&name, source, Expression::literal(""), entries);
    Some(Expression::variable(&name))
}

/// `name=key|backend key; Expires=…`: `annotations` 4.10 has the order.
fn cookie_value(id: &BackendId, affinity: &Affinity, cookie: &SessionCookie, rule_path: &str) -> Expression {
    let key = match affinity.mode {
        AffinityMode::Balanced => "request_id".to_owned(),
        AffinityMode::Persistent => variable(id, "node"),
    };
    let mut value = Expression::literal(&affinity.cookie).and("=").and_variable(&key).and("|").and(&Affinity::backend_key(id));
    // nginx has no arithmetic for the date of `Expires`; browsers take both alike.
    if let Some(age) = cookie.max_age_s.or(cookie.expires_s) {
        value = value.and(&format!("; Max-Age={age}"));
    }
    if let Some(domain) = &cookie.domain {
        value = value.and("; Domain=").and(domain);
    }
    value = value.and("; Path=").and(cookie.path.as_deref().unwrap_or(rule_path));
    value = if cookie.always_secure { value.and("; Secure") } else { value.and_variable("session_secure") };
    value = value.and("; HttpOnly");
    match cookie.same_site {
        Some(SameSite::None) if cookie.spares_old_clients => value.and_variable("session_same_site_none"),
        Some(same_site) => value.and("; SameSite=").and(same_site.as_str()),
        None => value,
    }
}
