//! Backends that are there before and after; that one comes or goes shows in the routes to it.

use super::services::External;
use super::{Change, Effect, Kind, Subject, facts, parts};
use crate::model::{Backend, BackendId, Model};
use std::collections::BTreeSet;

/// Compares them by name, and those that are the same by other names.
pub(super) fn compare(old: &Model, new: &Model, renamed: &BTreeSet<(&BackendId, &BackendId)>, external: &External) -> Vec<Change> {
    let same = old.backends.keys().map(|id| (id, id));
    let pairs = same.chain(renamed.iter().copied());
    pairs
        .filter_map(|(before, after)| Some((old.backends.get(before)?, new.backends.get(after)?)))
        .flat_map(|(b, a)| pair(b, a, external))
        .collect()
}

fn pair(old: &Backend, new: &Backend, external: &External) -> Vec<Change> {
    // Of another policy, whose name is another one, the routes tell.
    let Backend { id, endpoints, balance, policy, digest: _ } = new;
    let mut out = Vec::new();
    let is_named = external.has(old) || external.has(new);
    if old.endpoints != *endpoints && !is_named && !old.endpoints.is_empty() && !endpoints.is_empty() {
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
