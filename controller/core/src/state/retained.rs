//! ConfigMaps whose last version counts when they are deleted, as that of all settings does in ingress-nginx.

use super::ConfigMap;
use crate::names::ObjectName;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The names, and the last versions of those that are deleted.
#[derive(Debug, Clone, Default)]
pub(super) struct RetainedConfigMaps(BTreeMap<ObjectName, Option<Arc<ConfigMap>>>);

impl RetainedConfigMaps {
    /// The last version of this one counts from now on.
    pub(super) fn add(&mut self, name: &ObjectName) {
        self.0.entry(name.clone()).or_default();
    }

    /// This one is there.
    pub(super) fn put(&mut self, name: &ObjectName) {
        if let Some(last) = self.0.get_mut(name) {
            *last = None;
        }
    }

    /// This was the last version.
    pub(super) fn remove(&mut self, last: &Arc<ConfigMap>) {
        if let Some(known) = self.0.get_mut(&last.meta.name) {
            *known = Some(Arc::clone(last));
        }
    }

    /// The last version of one that is deleted.
    pub(super) fn get(&self, name: &ObjectName) -> Option<&Arc<ConfigMap>> {
        self.0.get(name)?.as_ref()
    }
}
