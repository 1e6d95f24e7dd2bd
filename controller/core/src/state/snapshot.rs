//! Everything that is known of the cluster at one moment.

use super::cluster_ips::ClusterIps;
use super::epochs::{Epochs, Kinds};
use super::ingresses::{Ingresses, IngressesToken};
use super::retained::RetainedConfigMaps;
use super::slices::Slices;
use super::{ConfigMap, EndpointSlice, Event, GatewrightParameters, Ingress, IngressClass, Meta, Namespace, Object, Secret, Service};
use crate::names::{Kind, ObjectName, ObjectRef};
use foldhash::HashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// What the cluster says. Equal histories of objects give equal snapshots, whatever the order of kinds and names.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    ingresses: Ingresses,
    others: Arc<Others>,
}

/// All but the Ingresses.
#[derive(Debug, Clone, Default)]
struct Others {
    classes: BTreeMap<ObjectName, Arc<IngressClass>>,
    services: HashMap<ObjectName, Arc<Service>>,
    cluster_ips: ClusterIps,
    slices: Slices,
    secrets: HashMap<ObjectName, Arc<Secret>>,
    config_maps: HashMap<ObjectName, Arc<ConfigMap>>,
    retained: RetainedConfigMaps,
    namespaces: HashMap<ObjectName, Arc<Namespace>>,
    parameters: BTreeMap<ObjectName, Arc<GatewrightParameters>>,
    addresses: HashMap<Box<str>, Arc<[IpAddr]>>,
    epochs: Epochs,
}

impl Others {
    /// A Service is this now; answers what it was.
    fn put_service(&mut self, name: &ObjectName, now: Option<Arc<Service>>) -> Option<Arc<Service>> {
        self.epochs.begin(Kinds::Services, name);
        if self.cluster_ips.replace(self.services.get(name).map(|before| &**before), now.as_deref()) {
            self.epochs.begin_all(Kinds::ClusterIps);
        }
        match now {
            Some(now) => self.services.insert(name.clone(), now),
            None => self.services.remove(name),
        }
    }

    /// What is known of the Service that has this slice is no longer what it was.
    fn begin_slices_of(&mut self, slice: &EndpointSlice) {
        if let Some(service) = &slice.service {
            self.epochs.begin(Kinds::Services, service);
        }
    }
}

impl Snapshot {
    /// Takes in what happened; true when something changed that translation looks at.
    pub fn apply(&mut self, event: Event) -> bool {
        match event {
            Event::Applied(object) => self.put(object),
            Event::Deleted(reference) => self.remove(&reference),
            Event::Resolved(name, addresses) => {
                let before = self.others().addresses.insert(name, addresses.clone().into());
                before.is_none_or(|before| *before != *addresses)
            }
        }
    }

    /// To be changed; copied first if another snapshot has them, too.
    fn others(&mut self) -> &mut Others {
        Arc::make_mut(&mut self.others)
    }

    fn put(&mut self, object: Object) -> bool {
        let reference = object.reference();
        match object {
            Object::Ingress(o) => self.ingresses.put(o),
            Object::IngressClass(o) => {
                let digest = o.digest;
                replaces(self.others().classes.insert(reference.name, o), |old| old.digest == digest)
            }
            Object::Service(o) => {
                let (digest, before) = (o.digest, self.others().put_service(&reference.name, Some(o)));
                replaces(before, |old| old.digest == digest)
            }
            Object::EndpointSlice(o) => self.put_slice(reference, o),
            Object::Secret(o) => self.put_secret(o),
            Object::ConfigMap(o) => {
                self.others().retained.put(&reference.name);
                let digest = o.digest;
                replaces(self.others().config_maps.insert(reference.name, o), |old| old.digest == digest)
            }
            Object::Namespace(o) => {
                self.others().epochs.begin_all(Kinds::Namespaces);
                let digest = o.digest;
                replaces(self.others().namespaces.insert(reference.name, o), |old| old.digest == digest)
            }
            Object::GatewrightParameters(o) => {
                let digest = o.digest;
                replaces(self.others().parameters.insert(reference.name, o), |old| old.digest == digest)
            }
        }
    }

    fn put_slice(&mut self, reference: ObjectRef, slice: Arc<EndpointSlice>) -> bool {
        let others = self.others();
        let before = others.slices.put(reference, Arc::clone(&slice));
        before.iter().chain([&slice]).for_each(|one| others.begin_slices_of(one));
        replaces(before, |old| old.digest == slice.digest)
    }

    fn put_secret(&mut self, secret: Arc<Secret>) -> bool {
        let name = secret.meta.name.clone();
        self.others().epochs.begin(Kinds::Secrets, &name);
        let secret = match self.others.secrets.get(&name) {
            Some(before) => Secret::following(secret, before),
            None => secret,
        };
        let digest = secret.digest;
        replaces(self.others().secrets.insert(name, secret), |old| old.digest == digest)
    }

    fn remove(&mut self, reference: &ObjectRef) -> bool {
        let name = &reference.name;
        match reference.kind {
            Kind::Ingress => self.ingresses.remove(name),
            Kind::IngressClass => self.others().classes.remove(name).is_some(),
            Kind::Service => self.others().put_service(name, None).is_some(),
            Kind::EndpointSlice | Kind::Endpoints => {
                let others = self.others();
                let before = others.slices.remove(reference);
                before.iter().for_each(|before| others.begin_slices_of(before));
                before.is_some()
            }
            Kind::Secret => {
                self.others().epochs.begin(Kinds::Secrets, name);
                self.others().secrets.remove(name).is_some()
            }
            Kind::ConfigMap => {
                let others = self.others();
                let before = others.config_maps.remove(name);
                before.iter().for_each(|before| others.retained.remove(before));
                before.is_some()
            }
            Kind::Namespace => {
                self.others().epochs.begin_all(Kinds::Namespaces);
                self.others().namespaces.remove(name).is_some()
            }
            Kind::GatewrightParameters => self.others().parameters.remove(name).is_some(),
        }
    }

    /// The same cluster with no Ingress but those that `keep` wants.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Ingress) -> bool) -> Self {
        Self { ingresses: self.ingresses.only(keep), others: Arc::clone(&self.others) }
    }

    /// The same cluster with `ingress` as the youngest of all, in place of its version that is there, and with no other
    /// Ingress but those that `keep` wants.
    #[must_use]
    pub fn around(&self, mut ingress: Ingress, keep: impl Fn(&Ingress) -> bool) -> Self {
        let mut around = self.only(|other| other.meta.name != ingress.meta.name && keep(other));
        ingress.meta.created_s = i64::MAX;
        around.ingresses.put(Arc::new(ingress));
        around
    }

    /// The metadata of an object, if it is there.
    #[must_use]
    pub fn meta(&self, object: &ObjectRef) -> Option<&Meta> {
        let name = &object.name;
        match object.kind {
            Kind::Ingress => self.ingresses.get(name).map(|o| &o.meta),
            Kind::IngressClass => self.others.classes.get(name).map(|o| &o.meta),
            Kind::Service => self.others.services.get(name).map(|o| &o.meta),
            Kind::EndpointSlice | Kind::Endpoints => self.others.slices.get(object).map(|o| &o.meta),
            Kind::Secret => self.others.secrets.get(name).map(|o| &o.meta),
            Kind::ConfigMap => self.others.config_maps.get(name).map(|o| &o.meta),
            Kind::Namespace => self.others.namespaces.get(name).map(|o| &o.meta),
            Kind::GatewrightParameters => self.others.parameters.get(name).map(|o| &o.meta),
        }
    }

    /// All Ingresses, oldest first; of the same second, the greater `namespace/name` first (`MRG-5`).
    pub fn ingresses_oldest_first(&self) -> impl Iterator<Item = &Arc<Ingress>> {
        self.ingresses.oldest_first()
    }

    /// Another one from each change of an Ingress on.
    #[must_use]
    pub const fn ingresses_token(&self) -> &IngressesToken {
        self.ingresses.token()
    }

    /// The Ingress of that name.
    #[must_use]
    pub fn ingress(&self, name: &ObjectName) -> Option<&Arc<Ingress>> {
        self.ingresses.get(name)
    }

    /// All IngressClasses, by name.
    pub fn classes(&self) -> impl Iterator<Item = &Arc<IngressClass>> {
        self.others.classes.values()
    }

    /// The IngressClass of that name.
    #[must_use]
    pub fn class(&self, name: &ObjectName) -> Option<&Arc<IngressClass>> {
        self.others.classes.get(name)
    }

    /// The Service of that name.
    #[must_use]
    pub fn service(&self, name: &ObjectName) -> Option<&Arc<Service>> {
        self.others.services.get(name)
    }

    /// All Services, in no order.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.others.services.values()
    }

    /// The slices of a Service, by name. Where it has EndpointSlices, its Endpoints are the same once more and left out.
    pub fn slices_of(&self, service: &ObjectName) -> impl Iterator<Item = &Arc<EndpointSlice>> {
        self.others.slices.of(service)
    }

    /// The slices that name no Service and are nobody else's, by name.
    pub fn stray_slices(&self) -> impl Iterator<Item = &Arc<EndpointSlice>> {
        self.others.slices.strays()
    }

    /// Whether this is a cluster IP of Services, none of them of this namespace.
    #[must_use]
    pub fn is_cluster_ip_of_others(&self, ip: IpAddr, namespace: &str) -> bool {
        self.others.cluster_ips.are_of_others(&ip, namespace)
    }

    /// The Secret of that name.
    #[must_use]
    pub fn secret(&self, name: &ObjectName) -> Option<&Arc<Secret>> {
        self.others.secrets.get(name)
    }

    /// Tokens of Secrets and Services, the latter together with their slices.
    #[must_use]
    pub fn epochs(&self) -> &Epochs {
        &self.others.epochs
    }

    /// The ConfigMap of that name.
    #[must_use]
    pub fn config_map(&self, name: &ObjectName) -> Option<&Arc<ConfigMap>> {
        self.others.config_maps.get(name)
    }

    /// When this ConfigMap is deleted, its last version is still known.
    pub fn keep_last(&mut self, config_map: &ObjectName) {
        self.others().retained.add(config_map);
    }

    /// The last version of a ConfigMap that is deleted and that [`Self::keep_last`] was asked to keep.
    #[must_use]
    pub fn deleted_config_map(&self, name: &ObjectName) -> Option<&Arc<ConfigMap>> {
        self.others.retained.get(name)
    }

    /// All ConfigMaps, in no order.
    pub fn config_maps(&self) -> impl Iterator<Item = &Arc<ConfigMap>> {
        self.others.config_maps.values()
    }

    /// The GatewrightParameters of that name.
    #[must_use]
    pub fn parameters_of(&self, name: &ObjectName) -> Option<&Arc<GatewrightParameters>> {
        self.others.parameters.get(name)
    }

    /// All GatewrightParameters, by name.
    pub fn parameters(&self) -> impl Iterator<Item = &Arc<GatewrightParameters>> {
        self.others.parameters.values()
    }

    /// The Namespace of that name.
    #[must_use]
    pub fn namespace(&self, name: &ObjectName) -> Option<&Arc<Namespace>> {
        self.others.namespaces.get(name)
    }

    /// The addresses of a DNS name, sorted; `None`: nobody has asked yet.
    #[must_use]
    pub fn addresses_of(&self, dns_name: &str) -> Option<&Arc<[IpAddr]>> {
        self.others.addresses.get(dns_name)
    }
}

/// Whether putting an object changed anything: there was none before, or not an equal one.
fn replaces<T>(before: Option<T>, is_same: impl FnOnce(&T) -> bool) -> bool {
    !before.is_some_and(|old| is_same(&old))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::decode;
    use serde_json::{Value, json};

    fn event(object: Value) -> Event {
        Event::Applied(decode(object).unwrap().unwrap())
    }

    fn ingress(name: &str, created: &str, version: u32) -> Event {
        event(json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"rules": [{"host": "h"}]},
            "metadata": {"name": name, "namespace": "default", "creationTimestamp": created, "resourceVersion": version.to_string()}}))
    }

    #[test]
    fn mrg_5_ties_of_age_go_to_the_greater_name() {
        let mut snapshot = Snapshot::default();
        for (name, created) in [("a", "2026-01-01T00:00:01Z"), ("b", "2026-01-01T00:00:01Z"), ("z", "2026-01-01T00:00:00Z")] {
            assert!(snapshot.apply(ingress(name, created, 1)));
        }
        let names: Vec<_> = snapshot.ingresses_oldest_first().map(|i| i.meta.name.name().to_owned()).collect();
        assert_eq!(names, ["z", "b", "a"]);
    }

    #[test]
    fn what_is_listed_again_is_no_change() {
        let mut snapshot = Snapshot::default();
        assert!(snapshot.apply(ingress("a", "2026-01-01T00:00:00Z", 1)));
        assert!(!snapshot.apply(ingress("a", "2026-01-01T00:00:00Z", 2)), "only the resource version changed");
        assert!(snapshot.apply(ingress("a", "2026-01-02T00:00:00Z", 3)));
        assert_eq!(snapshot.ingresses_oldest_first().count(), 1);
        let reference = ObjectRef::new(Kind::Ingress, ObjectName::new("default", "a").unwrap());
        assert!(snapshot.apply(Event::Deleted(reference.clone())) && !snapshot.apply(Event::Deleted(reference)));
        assert_eq!(snapshot.ingresses_oldest_first().count(), 0);
    }

    #[test]
    fn endpoints_count_only_without_slices() {
        let service = ObjectName::new("default", "s").unwrap();
        let endpoints =
            json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "s"}, "subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]});
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "endpoints": [],
            "metadata": {"name": "any-name", "labels": {"kubernetes.io/service-name": "s"}}});
        let mut snapshot = Snapshot::default();
        assert!(snapshot.apply(event(endpoints)));
        assert!(snapshot.slices_of(&service).all(|s| s.from_endpoints) && snapshot.slices_of(&service).count() == 1);
        assert!(snapshot.apply(event(slice)));
        assert!(snapshot.slices_of(&service).all(|s| !s.from_endpoints) && snapshot.slices_of(&service).count() == 1);
    }

    #[test]
    fn the_last_version_of_a_config_map_is_kept_where_it_was_asked_for() {
        let map = |name: &str| event(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": "v"}}));
        let names = ["kept", "other"].map(|name| ObjectName::new("default", name).unwrap());
        let mut snapshot = Snapshot::default();
        snapshot.keep_last(&names[0]);
        for name in &names {
            assert!(snapshot.apply(map(name.name())) && snapshot.deleted_config_map(name).is_none());
            assert!(snapshot.apply(Event::Deleted(ObjectRef::new(Kind::ConfigMap, name.clone()))) && snapshot.config_map(name).is_none());
        }
        let kept = names.each_ref().map(|name| snapshot.deleted_config_map(name).map(|map| map.data["k"].clone()));
        assert_eq!(kept, [Some("v".to_owned()), None]);
        assert!(snapshot.apply(map("kept")) && snapshot.deleted_config_map(&names[0]).is_none());
    }

    #[test]
    fn a_slice_that_changes_its_service_leaves_the_old_one() {
        let slice = |service: &str| {
            event(json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "endpoints": [],
                "metadata": {"name": "x", "labels": {"kubernetes.io/service-name": service}}}))
        };
        let mut snapshot = Snapshot::default();
        assert!(snapshot.apply(slice("one")) && snapshot.apply(slice("two")));
        assert_eq!(snapshot.slices_of(&ObjectName::new("default", "one").unwrap()).count(), 0);
        assert_eq!(snapshot.slices_of(&ObjectName::new("default", "two").unwrap()).count(), 1);
    }

    #[test]
    fn tls_6_a_broken_update_keeps_the_good_key_pair() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap().self_signed(&key).unwrap();
        let secret = |crt: &str| {
            event(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
                "stringData": {"tls.crt": crt, "tls.key": key.serialize_pem()}}))
        };
        let name = ObjectName::new("default", "s").unwrap();
        let mut snapshot = Snapshot::default();
        assert!(snapshot.apply(secret("garbage")));
        assert!(snapshot.secret(&name).unwrap().key_pair.is_err());
        assert!(snapshot.apply(secret(&certificate.pem())));
        let good = snapshot.secret(&name).unwrap().key_pair.clone().unwrap();
        assert!(snapshot.apply(secret("garbage")));
        let kept = snapshot.secret(&name).unwrap();
        assert_eq!((kept.key_pair.as_ref(), kept.kept_because.is_some()), (Ok(&good), true));
        assert!(!snapshot.apply(secret("garbage")), "still the same");
    }
}
