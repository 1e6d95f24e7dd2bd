//! Ingresses by name and by age.

use super::Ingress;
use crate::names::ObjectName;
use foldhash::HashMap;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

/// All Ingresses.
#[derive(Debug, Clone, Default)]
pub(super) struct Ingresses {
    by_name: HashMap<ObjectName, Arc<Ingress>>,
    by_age: BTreeSet<Aged>,
    token: IngressesToken,
}

/// Tells that two snapshots have the same Ingresses.
#[derive(Debug, Clone, Default)]
pub struct IngressesToken(Arc<()>);

impl PartialEq for IngressesToken {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// An Ingress, sorted as [`by_age`] says.
#[derive(Debug, Clone)]
struct Aged(Arc<Ingress>);

impl Ord for Aged {
    fn cmp(&self, other: &Self) -> Ordering {
        by_age(&self.0, &other.0)
    }
}

impl PartialOrd for Aged {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Aged {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Aged {}

impl Ingresses {
    /// Takes in an Ingress; whether it is new, or other than the one that was there.
    pub(super) fn put(&mut self, ingress: Arc<Ingress>) -> bool {
        self.token = IngressesToken::default();
        let before = self.by_name.insert(ingress.meta.name.clone(), Arc::clone(&ingress));
        let digest = ingress.digest;
        let is_same = before.as_ref().is_some_and(|old| old.digest == digest);
        if let Some(before) = before {
            self.by_age.remove(&Aged(before));
        }
        self.by_age.insert(Aged(ingress));
        !is_same
    }

    /// Takes out an Ingress; whether it was there.
    pub(super) fn remove(&mut self, name: &ObjectName) -> bool {
        self.token = IngressesToken::default();
        self.by_name.remove(name).is_some_and(|old| self.by_age.remove(&Aged(old)))
    }

    /// Those that `keep` wants.
    pub(super) fn only(&self, keep: impl Fn(&Ingress) -> bool) -> Self {
        let by_age: BTreeSet<Aged> = self.by_age.iter().filter(|Aged(ingress)| keep(ingress)).cloned().collect();
        let by_name = by_age.iter().map(|Aged(ingress)| (ingress.meta.name.clone(), Arc::clone(ingress))).collect();
        Self { by_name, by_age, token: IngressesToken::default() }
    }

    /// The Ingress of that name.
    pub(super) fn get(&self, name: &ObjectName) -> Option<&Arc<Ingress>> {
        self.by_name.get(name)
    }

    /// All of them, as [`by_age`] sorts them.
    pub(super) fn oldest_first(&self) -> impl Iterator<Item = &Arc<Ingress>> {
        self.by_age.iter().map(|aged| &aged.0)
    }

    /// Another one from each change on.
    pub(super) const fn token(&self) -> &IngressesToken {
        &self.token
    }
}

/// The order of [`super::Snapshot::ingresses_oldest_first`].
#[must_use]
pub fn by_age(one: &Ingress, other: &Ingress) -> Ordering {
    let (own, others) = (&one.meta.name, &other.meta.name);
    let written = |name: &'_ ObjectName| [name.namespace(), "/", name.name()].concat();
    let greater_first = || {
        // The same, but where a namespace begins with the other one.
        if own.namespace() == others.namespace() { others.name().cmp(own.name()) } else { written(others).cmp(&written(own)) }
    };
    one.meta.created_s.cmp(&other.meta.created_s).then_with(greater_first)
}
