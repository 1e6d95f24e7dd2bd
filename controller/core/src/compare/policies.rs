//! Annotations of the Ingresses behind a route, and keys of the main ConfigMap: what they were and what they are.

use super::{Change, Kind, Subject, openness};
use crate::model::Route;
use crate::names::{ObjectRef, shown};
use crate::state::Ingress;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Annotations by the name behind the prefix.
type Annotations<'a> = BTreeMap<&'a str, &'a str>;

/// The annotations of the Ingresses of one side.
pub(super) struct Policies<'a> {
    of: HashMap<&'a crate::names::ObjectName, Annotations<'a>>,
}

impl<'a> Policies<'a> {
    pub(super) fn of(served: &'a [Arc<Ingress>], prefix: &str) -> Self {
        let own = |ingress: &'a Arc<Ingress>| {
            let all = ingress.meta.annotations.iter();
            all.filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.strip_prefix('/')?, &**value))).collect()
        };
        Self { of: served.iter().map(|ingress| (&ingress.meta.name, own(ingress))).collect() }
    }

    fn get(&self, origin: Option<&ObjectRef>) -> Option<&Annotations<'a>> {
        self.of.get(&origin?.name)
    }

    /// The names of what is asked for, for a route that is new.
    pub(super) fn names(&self, route: &Route) -> Vec<&'a str> {
        self.get(route.origin.as_ref()).map(|all| all.keys().copied().collect()).unwrap_or_default()
    }
}

/// Changes of policies, each said once for all hosts that it concerns.
#[derive(Default)]
pub(super) struct Collected<'a> {
    changes: BTreeMap<(Option<&'a ObjectRef>, Option<&'a ObjectRef>), Pair>,
}

#[derive(Default)]
struct Pair {
    hosts: BTreeSet<String>,
    /// Name, before, after.
    changed: Vec<(String, String, String)>,
}

impl<'a> Collected<'a> {
    /// Compares what stands behind a route that is there before and after. Whether anything is different.
    pub(super) fn take(&mut self, host: &str, before: (&'a Route, &Policies<'_>), after: (&'a Route, &Policies<'_>)) -> bool {
        let key = (before.0.origin.as_ref(), after.0.origin.as_ref());
        let pair = self.changes.entry(key).or_insert_with(|| {
            let empty = Annotations::new();
            let (old, new) = (before.1.get(key.0).unwrap_or(&empty), after.1.get(key.1).unwrap_or(&empty));
            Pair { hosts: BTreeSet::new(), changed: differences(old, new) }
        });
        pair.hosts.insert(host.to_owned());
        !pair.changed.is_empty()
    }

    pub(super) fn into_changes(self) -> impl Iterator<Item = Change> {
        self.changes.into_iter().flat_map(|((old, new), pair)| {
            let (by, hosts) = (new.or(old).cloned(), Vec::from_iter(pair.hosts));
            pair.changed.into_iter().map(move |(name, from, to)| change(Subject::Policy, hosts.clone(), &name, &from, &to, by.clone()))
        })
    }
}

/// Changes of the main ConfigMap.
pub(super) fn settings(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<Change> {
    let (old, new) = (texts(old), texts(new));
    differences(&old, &new).into_iter().map(|(name, from, to)| change(Subject::Setting, Vec::new(), &name, &from, &to, None)).collect()
}

fn texts(map: &BTreeMap<String, String>) -> Annotations<'_> {
    map.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn differences(old: &Annotations<'_>, new: &Annotations<'_>) -> Vec<(String, String, String)> {
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let value = |side: &Annotations<'_>, name: &str| side.get(name).copied().unwrap_or_default().to_owned();
    let all = names.into_iter().map(|name| (name.to_owned(), value(old, name), value(new, name)));
    all.filter(|(_, from, to)| from != to).collect()
}

fn change(subject: Subject, hosts: Vec<String>, name: &str, from: &str, to: &str, by: Option<ObjectRef>) -> Change {
    let kind = match (from.is_empty(), to.is_empty()) {
        (true, _) => Kind::Added,
        (_, true) => Kind::Removed,
        _ => Kind::Changed,
    };
    let text = |value: &str| if value.is_empty() { String::new() } else { shown(value) };
    let name_shown = shown(name).trim_matches('"').to_owned();
    Change { subject, hosts, name: name_shown, kind, from: text(from), to: text(to), by, effect: openness::effect(name, from, to) }
}
