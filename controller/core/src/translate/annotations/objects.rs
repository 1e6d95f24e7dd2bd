//! The Secrets, ConfigMaps and Services that annotations name.
//!
//! Whatever is looked up is written down: an Ingress is read again when one of these objects has changed, and the
//! sources are told that somebody wants it.

use crate::names::{Kind, ObjectName};
use crate::state::{ConfigMap, Secret, Service, Snapshot};
use std::sync::Arc;

/// The objects of one moment, and which of them were looked up.
#[derive(Debug)]
pub struct Objects<'a> {
    snapshot: &'a Snapshot,
    looked_up: Vec<LookedUp>,
}

/// An object that was looked up, and its content hash; `None`: it was not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::translate) struct LookedUp {
    pub(in crate::translate) kind: Kind,
    pub(in crate::translate) name: ObjectName,
    digest: Option<u128>,
}

impl LookedUp {
    /// Whether the object is still as it was.
    pub(in crate::translate) fn is_current(&self, snapshot: &Snapshot) -> bool {
        self.digest == digest(snapshot, self.kind, &self.name)
    }
}

fn digest(snapshot: &Snapshot, kind: Kind, name: &ObjectName) -> Option<u128> {
    match kind {
        Kind::Secret => snapshot.secret(name).map(|secret| secret.digest),
        Kind::ConfigMap => snapshot.config_map(name).map(|map| map.digest),
        Kind::Service => snapshot.service(name).map(|service| service.digest),
        _ => None,
    }
}

impl<'a> Objects<'a> {
    pub(in crate::translate) const fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, looked_up: Vec::new() }
    }

    /// The Secret of that name.
    pub fn secret(&mut self, name: &ObjectName) -> Option<&'a Arc<Secret>> {
        self.note(Kind::Secret, name);
        self.snapshot.secret(name)
    }

    /// The ConfigMap of that name, if it can be read.
    pub fn config_map(&mut self, name: &ObjectName) -> Option<&'a Arc<ConfigMap>> {
        self.note(Kind::ConfigMap, name);
        self.snapshot.config_map(name).filter(|map| map.cut_at.is_none())
    }

    /// Why an object that was looked up is not to be had, and what would do.
    pub(in crate::translate) fn lack_of(&self, kind: Kind, name: &ObjectName) -> (&'static str, &'static str) {
        match digest(self.snapshot, kind, name) {
            None => ("does not exist", "create it, or name another"),
            Some(_) => ("cannot be read", "mend it, or name another"),
        }
    }

    /// The Service of that name.
    pub fn service(&mut self, name: &ObjectName) -> Option<&'a Arc<Service>> {
        self.note(Kind::Service, name);
        self.snapshot.service(name)
    }

    fn note(&mut self, kind: Kind, name: &ObjectName) {
        let looked_up = LookedUp { kind, name: name.clone(), digest: digest(self.snapshot, kind, name) };
        if !self.looked_up.contains(&looked_up) {
            self.looked_up.push(looked_up);
        }
    }

    /// What was looked up.
    pub(in crate::translate) fn into_looked_up(self) -> Vec<LookedUp> {
        self.looked_up
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::snapshot;
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_looked_up_is_current_until_it_changes() {
        let map = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "shop"}, "data": {"k": value}});
        let name = ObjectName::new("shop", "m").unwrap();
        let (none, one, other) = (snapshot(&[]), snapshot(&[map("1")]), snapshot(&[map("2")]));
        let mut objects = Objects::new(&one);
        assert!(objects.config_map(&name).is_some() && objects.config_map(&name).is_some() && objects.secret(&name).is_none());
        let looked_up = objects.into_looked_up();
        assert_eq!(looked_up.len(), 2);
        let current = |snapshot| looked_up.iter().map(|one| one.is_current(snapshot)).collect::<Vec<_>>();
        assert_eq!(current(&one), [true, true]);
        assert_eq!((current(&other), current(&none)), (vec![false, true], vec![false, true]));
    }
}
