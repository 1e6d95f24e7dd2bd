//! Backends that are there before and after; that one comes or goes shows in the routes to it.

use super::services::Services;
use super::{Change, Effect, Kind, Subject, facts, parts};
use crate::model::{Backend, BackendId, Model};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Compares them by name, and those that are the same by other names.
pub(super) fn compare(old: &Model, new: &Model, renamed: &BTreeSet<(&BackendId, &BackendId)>, services: &Services) -> Vec<Change> {
    let same = old.backends.keys().map(|id| (id, id));
    let pairs = same.chain(renamed.iter().copied());
    pairs
        .filter_map(|(before, after)| Some((old.backends.get(before)?, new.backends.get(after)?)))
        .flat_map(|(b, a)| pair(b, a, services))
        .collect()
}

fn pair(old: &Backend, new: &Backend, services: &Services) -> Vec<Change> {
    // Of another policy, whose name is another one, the routes tell.
    let Backend { id, endpoints, balance, policy, digest: _ } = new;
    let mut out = Vec::new();
    // Other ports of the same are told of the Service.
    let ips = |of: &Backend| of.endpoints.iter().map(SocketAddr::ip).collect::<Vec<_>>();
    let is_told = services.have_other_ports(id) && old.id != *id && ips(old) == ips(new);
    let is_named = services.stands_for_name(old) || services.stands_for_name(new);
    if old.endpoints != *endpoints && !is_named && !is_told && !old.endpoints.is_empty() && !endpoints.is_empty() {
        out.push(change(id, facts::endpoints(&old.endpoints), facts::endpoints(endpoints), None));
    }
    let mut found = Vec::new();
    if old.id == *id {
        parts::of_backend(&old.policy, policy, &mut found);
    }
    if old.balance != *balance && old.id == *id {
        // A key of the main ConfigMap, which is told by itself, or of other parameters.
        let text = |balance| format!("balancing {balance:?}");
        out.push(change(id, text(old.balance), text(*balance), None));
    }
    out.extend(
        found.into_iter().map(|part| change(id, format!("one {}", part.name), format!("another {}", part.name), Some(Effect::Unclear))),
    );
    out
}

fn change(id: &BackendId, from: String, to: String, effect: Option<Effect>) -> Change {
    Change { subject: Subject::Backend, hosts: Vec::new(), name: id.to_string(), kind: Kind::Changed, from, to, by: None, effect }
}
