//! Backends that are there before and after; that one comes or goes shows in the routes to it.

use super::services::Services;
use super::{Change, Effect, Kind, Subject, facts, parts};
use crate::model::{Action, Backend, BackendId, Balance, Model, Route};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

/// Compares them by name, and those that are the same by other names.
pub(super) fn compare(old: &Model, new: &Model, renamed: &BTreeSet<(&BackendId, &BackendId)>, services: &Services) -> Vec<Change> {
    let same = old.backends.keys().map(|id| (id, id));
    let pairs = same.chain(renamed.iter().copied());
    let pairs: Vec<_> = pairs.filter_map(|(before, after)| Some((old.backends.get(before)?, new.backends.get(after)?))).collect();
    let named = if pairs.iter().any(|(before, after)| before != after) { named(new) } else { HashMap::new() };
    pairs.into_iter().flat_map(|(before, after)| pair(before, after, (services, &named))).collect()
}

/// What backends are called: by the Service that their routes are for.
type Named<'a> = HashMap<&'a BackendId, String>;

fn named(model: &Model) -> Named<'_> {
    let routes = model.hosts.values().flat_map(|host| &host.routes);
    routes.filter_map(of_route).collect()
}

fn of_route(route: &Route) -> Option<(&BackendId, String)> {
    match (&route.action, &route.service) {
        (Action::Forward(id), Some(service)) => Some((id, facts::service(service))),
        _ => None,
    }
}

fn pair(old: &Backend, new: &Backend, (services, named): (&Services, &Named<'_>)) -> Vec<Change> {
    // Of another policy, whose name is another one, the routes tell.
    let Backend { id, endpoints, balance, policy, digest: _ } = new;
    let mut out = Vec::new();
    let change = |from, to, effect| change(named.get(id).map_or_else(|| id.service_port(), String::as_str), (from, to), effect);
    // Other ports of the same are told of the Service.
    let ips = |of: &Backend| of.endpoints.iter().map(SocketAddr::ip).collect::<Vec<_>>();
    let is_told = services.have_other_ports(id) && old.id != *id && ips(old) == ips(new);
    let is_named = services.stands_for_name(old) || services.stands_for_name(new);
    if old.endpoints != *endpoints && !is_named && !is_told && !old.endpoints.is_empty() && !endpoints.is_empty() {
        out.push(change(facts::endpoints(&old.endpoints), facts::endpoints(endpoints), None));
    }
    let mut found = Vec::new();
    if old.id == *id {
        parts::of_backend(&old.policy, policy, &mut found);
    }
    if old.balance != *balance && old.id == *id {
        // A key of the main ConfigMap, which is told by itself, or of other parameters.
        out.push(change(balancing(old.balance).to_owned(), balancing(*balance).to_owned(), None));
    }
    out.extend(found.into_iter().map(|part| change(format!("one {}", part.name), format!("another {}", part.name), Some(Effect::Unclear))));
    out
}

/// As `load-balance` says it.
const fn balancing(balance: Balance) -> &'static str {
    match balance {
        Balance::RoundRobin => "load-balance round_robin",
        Balance::RandomTwo => "load-balance ewma",
    }
}

fn change(name: &str, (from, to): (String, String), effect: Option<Effect>) -> Change {
    Change { subject: Subject::Backend, hosts: Vec::new(), name: name.to_owned(), kind: Kind::Changed, from, to, by: None, effect }
}
