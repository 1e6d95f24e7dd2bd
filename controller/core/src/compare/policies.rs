//! Annotations of the Ingresses behind a route, and keys of the main ConfigMap: what they were and what they are.

use super::parts::Part;
use super::{Change, Effect, Kind, Side, Subject, openness};
use crate::model::Route;
use crate::names::{ObjectRef, shown};
use crate::state::Ingress;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Annotations by the name behind the prefix.
type Annotations<'a> = BTreeMap<&'a str, &'a str>;

/// The annotations of the Ingresses of one side.
struct Policies<'a> {
    of: HashMap<&'a crate::names::ObjectName, Annotations<'a>>,
}

impl<'a> Policies<'a> {
    fn of(served: &'a [Arc<Ingress>], prefix: &str) -> Self {
        let own = |ingress: &'a Arc<Ingress>| {
            let all = ingress.meta.annotations.iter();
            all.filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.strip_prefix('/')?, &**value))).collect()
        };
        Self { of: served.iter().map(|ingress| (&ingress.meta.name, own(ingress))).collect() }
    }

    fn get(&self, origin: Option<&ObjectRef>) -> Option<&Annotations<'a>> {
        self.of.get(&origin?.name)
    }
}

/// Changes of policies, each said once for all hosts that it concerns.
pub(super) struct Collected<'a> {
    sides: (Policies<'a>, Policies<'a>),
    /// Keys of the main ConfigMap with another value.
    settings: BTreeSet<String>,
    changes: BTreeMap<Owners<'a>, Pair>,
    /// What no annotation or key tells of: hosts, and who has a say there.
    untold: BTreeMap<Part, (BTreeSet<String>, BTreeSet<&'a ObjectRef>)>,
}

/// Who asked before, and who asks now.
pub(super) type Owners<'a> = (Option<&'a ObjectRef>, Option<&'a ObjectRef>);

#[derive(Default)]
struct Pair {
    hosts: BTreeSet<String>,
    /// Name, before, after.
    changed: Vec<(String, String, String)>,
}

impl<'a> Collected<'a> {
    pub(super) fn new(old: Side<'a>, new: Side<'a>, prefix: &str) -> Self {
        let sides = (Policies::of(old.served, prefix), Policies::of(new.served, prefix));
        let settings = differences(&texts(old.config), &texts(new.config)).into_iter().map(|(name, ..)| name).collect();
        Self { sides, settings, changes: BTreeMap::new(), untold: BTreeMap::new() }
    }

    /// What is asked for, for a route that is new: names and values.
    pub(super) fn asked(&self, route: &Route) -> Vec<(&'a str, &'a str)> {
        let of = self.sides.1.get(route.origin.as_ref());
        of.into_iter().flatten().map(|(name, value)| (*name, *value)).collect()
    }

    /// Compares the annotations behind something that is there before and after.
    pub(super) fn take(&mut self, host: &str, owners: Owners<'a>) {
        let sides = &self.sides;
        let pair = self.changes.entry(owners).or_insert_with(|| {
            let empty = Annotations::new();
            let (old, new) = (sides.0.get(owners.0).unwrap_or(&empty), sides.1.get(owners.1).unwrap_or(&empty));
            Pair { hosts: BTreeSet::new(), changed: differences(old, new) }
        });
        pair.hosts.insert(host.to_owned());
    }

    /// Notes parts that are other ones, unless the annotations that were taken for one of these owners, or settings, tell.
    pub(super) fn note(&mut self, host: &str, owners: &[Owners<'a>], parts: Vec<Part>) {
        for part in parts {
            let annotations = owners.iter().filter_map(|owners| self.changes.get(owners)).flat_map(|pair| &pair.changed);
            let mut names = annotations.map(|(name, ..)| name).chain(&self.settings);
            if !names.any(|name| part.is_told_by(name)) {
                let (hosts, origins) = self.untold.entry(part).or_default();
                hosts.insert(host.to_owned());
                origins.extend(owners.iter().filter_map(|(old, new)| new.or(*old)));
            }
        }
    }

    pub(super) fn into_changes(self) -> impl Iterator<Item = Change> {
        let told = self.changes.into_iter().flat_map(|((old, new), pair)| {
            let (by, hosts) = (new.or(old).cloned(), Vec::from_iter(pair.hosts));
            pair.changed.into_iter().map(move |(name, from, to)| change(Subject::Policy, hosts.clone(), &name, &from, &to, by.clone()))
        });
        let untold = self.untold.into_iter().map(|(part, (hosts, origins))| {
            let by = if origins.len() == 1 { origins.first().map(|origin| (*origin).clone()) } else { None };
            another(Subject::Policy, Vec::from_iter(hosts), part, by)
        });
        told.chain(untold)
    }
}

/// A part that is another one, by an object or setting that stands behind what is written.
pub(super) fn another(subject: Subject, hosts: Vec<String>, part: Part, by: Option<ObjectRef>) -> Change {
    let (from, to) = ("one".to_owned(), "another, by an object or a setting behind it".to_owned());
    Change { subject, hosts, name: part.name.to_owned(), kind: Kind::Changed, from, to, by, effect: Some(Effect::Unclear) }
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
    let name_shown = shown(name).trim_matches('"').to_owned();
    let (from_shown, to_shown) = shown_apart(from, to);
    Change { subject, hosts, name: name_shown, kind, from: from_shown, to: to_shown, by, effect: openness::effect(name, from, to) }
}

/// Both values. Where only the end of long ones differs, the end is shown: else both would look the same.
fn shown_apart(from: &str, to: &str) -> (String, String) {
    const VISIBLE: usize = 60;
    const BEFORE: usize = 20;
    let same = from.chars().zip(to.chars()).take_while(|(a, b)| a == b).count();
    let text = |value: &str| match same {
        _ if value.is_empty() => String::new(),
        ..=VISIBLE => shown(value),
        _ => shown(&format!("…{}", value.chars().skip(same - BEFORE).collect::<String>())),
    };
    (text(from), text(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_long_values_never_look_the_same() {
        let list = (0..20).map(|n| format!("10.{n}.0.0/16")).collect::<Vec<_>>().join(",");
        let (from, to) = shown_apart(&list, &format!("{list},0.0.0.0/0"));
        assert_eq!((from.as_str(), to.as_str()), (r#""….0.0/16,10.19.0.0/16""#, r#""….0.0/16,10.19.0.0/16,0.0.0.0/0""#));
        assert_eq!(shown_apart("", &list), (String::new(), shown(&list)));
        assert_eq!(shown_apart("a", "b"), ("\"a\"".to_owned(), "\"b\"".to_owned()));
        for same in 0..200 {
            let (from, to) = shown_apart(&"ä".repeat(same), &("ä".repeat(same) + "b"));
            assert_ne!(from, to, "{same} characters");
        }
    }
}
