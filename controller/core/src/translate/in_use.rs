//! Counts how many users each thing has. After a change, only what somebody began or ceased to use is looked at.

use crate::model::{Featured, SharedMap};
use crate::names::ObjectName;
use foldhash::HashMap;
use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::Arc;

/// Values in use.
#[derive(Debug)]
pub(super) struct InUse<K, V> {
    map: SharedMap<K, V>,
    counts: HashMap<K, usize>,
}

impl<K, V> Default for InUse<K, V> {
    fn default() -> Self {
        Self { map: SharedMap::default(), counts: HashMap::default() }
    }
}

impl<K: Ord + Hash + Clone, V: Featured> InUse<K, V> {
    /// One more uses it. Of different values the last one counts; what is equal stays where it is.
    pub(super) fn take(&mut self, key: &K, value: &Arc<V>, is_same: impl Fn(&V, &V) -> bool) {
        let count = self.counts.entry(key.clone()).or_default();
        *count += 1;
        if *count == 1 || self.map.get(key).is_none_or(|there| !is_same(there, value)) {
            self.map.insert(key.clone(), Arc::clone(value));
        }
    }

    /// One of its users is gone. Whoever changes from one value to another takes that one first.
    pub(super) fn leave(&mut self, key: &K) {
        let Some(count) = self.counts.get_mut(key) else { return };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(key);
            self.map.remove(key);
        }
    }

    /// All of them.
    pub(super) fn map(&self) -> SharedMap<K, V> {
        self.map.clone()
    }
}

/// Names in use.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Arc<BTreeSet<ObjectName>>,
    counts: HashMap<ObjectName, usize>,
    others: BTreeSet<ObjectName>,
}

impl Names {
    /// One more uses it.
    pub(super) fn take(&mut self, name: &ObjectName) {
        let count = self.counts.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 {
            Arc::make_mut(&mut self.names).insert(name.clone());
        }
    }

    /// One of its users is gone.
    pub(super) fn leave(&mut self, name: &ObjectName) {
        let Some(count) = self.counts.get_mut(name) else { return };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(name);
            Arc::make_mut(&mut self.names).remove(name);
        }
    }

    /// All of them, and these of the moment.
    pub(super) fn with(&mut self, others: &BTreeSet<ObjectName>) -> Arc<BTreeSet<ObjectName>> {
        others.iter().for_each(|name| self.take(name));
        let before = std::mem::replace(&mut self.others, others.clone());
        before.iter().for_each(|name| self.leave(name));
        Arc::clone(&self.names)
    }
}
