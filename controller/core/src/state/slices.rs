//! EndpointSlices by what they are looked for: themselves, their Service, or that they name none.

use super::EndpointSlice;
use crate::names::{ObjectName, ObjectRef};
use foldhash::HashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All EndpointSlices, and Endpoints read as such.
#[derive(Debug, Clone, Default)]
pub(super) struct Slices {
    all: HashMap<ObjectRef, Arc<EndpointSlice>>,
    /// By Service; those of one sorted by name.
    by_service: HashMap<ObjectName, Vec<Arc<EndpointSlice>>>,
    /// Those that name none.
    strays: BTreeMap<ObjectName, Arc<EndpointSlice>>,
}

impl Slices {
    /// Takes in a slice; the answer is the one that was there.
    pub(super) fn put(&mut self, reference: ObjectRef, slice: Arc<EndpointSlice>) -> Option<Arc<EndpointSlice>> {
        let before = self.all.insert(reference, Arc::clone(&slice));
        self.unlink(before.as_ref());
        if let Some(service) = &slice.service {
            let slices = self.by_service.entry(service.clone()).or_insert_with(|| Vec::with_capacity(1));
            let at = slices.partition_point(|other| key(other) < key(&slice));
            slices.insert(at, slice);
        } else if slice.stray_label.is_some() {
            self.strays.insert(slice.meta.name.clone(), slice);
        }
        before
    }

    /// Takes out a slice; the answer is it.
    pub(super) fn remove(&mut self, reference: &ObjectRef) -> Option<Arc<EndpointSlice>> {
        let before = self.all.remove(reference);
        self.unlink(before.as_ref());
        before
    }

    fn unlink(&mut self, slice: Option<&Arc<EndpointSlice>>) {
        let Some(slice) = slice else { return };
        let Some(service) = &slice.service else {
            self.strays.remove(&slice.meta.name);
            return;
        };
        if let Some(slices) = self.by_service.get_mut(service) {
            slices.retain(|other| !Arc::ptr_eq(other, slice));
            if slices.is_empty() {
                self.by_service.remove(service);
            }
        }
    }

    /// The slice of that name.
    pub(super) fn get(&self, reference: &ObjectRef) -> Option<&Arc<EndpointSlice>> {
        self.all.get(reference)
    }

    /// The slices of a Service, by name. Where it has EndpointSlices, its Endpoints are the same once more and left out.
    pub(super) fn of(&self, service: &ObjectName) -> impl Iterator<Item = &Arc<EndpointSlice>> {
        let slices = self.by_service.get(service);
        let has_slices = slices.is_some_and(|slices| slices.iter().any(|slice| !slice.from_endpoints));
        slices.into_iter().flatten().filter(move |slice| slice.from_endpoints != has_slices)
    }

    /// Those that name no Service and are nobody else's, by name.
    pub(super) fn strays(&self) -> impl Iterator<Item = &Arc<EndpointSlice>> {
        self.strays.values()
    }
}

/// How the slices of a Service are sorted.
fn key(slice: &EndpointSlice) -> (bool, &ObjectName) {
    (slice.from_endpoints, &slice.meta.name)
}
