//! What stands in for things that files do not hold: the pods behind Services, and the addresses of names.
//!
//! Nobody is asked for the latter: what a command says would depend on the machine that it runs on, which knows nothing of
//! the names inside of a cluster, and whoever writes a manifest would decide what is looked up there.

use gatewright_core::model::digest_of;
use gatewright_core::names::ObjectName;
use gatewright_core::state::{self, Event, Service, ServicePort, ServiceType, Snapshot};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// One endpoint for each of these Services, at an address of a network that is set aside for documentation.
pub(super) fn pods(snapshot: &mut Snapshot, of: impl Fn(&Service) -> bool) {
    let is_meant = |service: &&Arc<Service>| service.service_type != ServiceType::ExternalName && of(service);
    let services: Vec<_> = snapshot.services().filter(is_meant).cloned().collect();
    for service in services {
        let name = &service.meta.name;
        let port = |port: &ServicePort| json!({"name": &*port.name, "port": port.port, "protocol": &*port.protocol});
        let ports: Vec<_> = service.ports.iter().map(port).collect();
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name.name(), "namespace": name.namespace(), "labels": {"kubernetes.io/service-name": name.name()}},
            "endpoints": [{"addresses": ["192.0.2.1"]}], "ports": ports,
        });
        if let Ok(Some(slice)) = state::decode(slice) {
            snapshot.apply(Event::Applied(slice));
        }
    }
}

/// Addresses for a DNS name: those of the Service that it means, if that is there and has any; else one that is made from
/// the name, of the network 2001:db8::/32, which is set aside for documentation.
pub(super) fn addresses(name: &str, snapshot: &Snapshot) -> Vec<IpAddr> {
    let lower = name.to_ascii_lowercase();
    if lower == "localhost" || lower.ends_with(".localhost") {
        return vec![Ipv4Addr::LOCALHOST.into()];
    }
    let known = service_of(&lower).and_then(|name| snapshot.service(&name)).map(|service| addresses_of(service, snapshot));
    known.filter(|known| !known.is_empty()).unwrap_or_else(|| vec![made_up(&lower)])
}

/// The Service that `SERVICE.NAMESPACE.svc`, with or without the domain of a cluster, means.
fn service_of(name: &str) -> Option<ObjectName> {
    let mut labels = name.split('.');
    let (service, namespace, kind) = (labels.next()?, labels.next()?, labels.next()?);
    (kind == "svc").then(|| ObjectName::new(namespace, service).ok())?
}

/// What the DNS of a cluster answers: the address of the Service, or those of its endpoints if it is headless.
fn addresses_of(service: &Service, snapshot: &Snapshot) -> Vec<IpAddr> {
    if let Some(address) = service.cluster_ip {
        return vec![address];
    }
    let groups = snapshot.slices_of(&service.meta.name).flat_map(|slice| &slice.groups);
    let ready = groups.flat_map(|group| &group.endpoints).filter(|endpoint| endpoint.ready);
    let mut all: Vec<IpAddr> = ready.map(|endpoint| endpoint.address).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn made_up(name: &str) -> IpAddr {
    const NETWORK: u128 = 0x2001_0db8 << 96;
    Ipv6Addr::from_bits(NETWORK | digest_of(&name) >> 32).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_the_same_everywhere() {
        let mut snapshot = Snapshot::default();
        for (name, ip) in [("auth", "10.9.0.7"), ("headless", "None"), ("pending", "")] {
            let spec = json!({"clusterIP": ip, "ports": [{"port": 80}]});
            let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"}, "spec": spec});
            snapshot.apply(Event::Applied(state::decode(service).unwrap().unwrap()));
        }
        let of = |name: &str, snapshot: &Snapshot| addresses(name, snapshot).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(of("auth.shop.svc.cluster.local", &snapshot), ["10.9.0.7"]);
        assert_eq!(of("AUTH.shop.svc", &snapshot), ["10.9.0.7"]);
        assert_eq!(of("a.localhost", &snapshot), ["127.0.0.1"]);
        for unknown in ["headless.shop.svc", "pending.shop.svc", "auth.other.svc", "auth.shop", "example.test"] {
            let found = addresses(unknown, &snapshot);
            assert!(matches!(found[..], [IpAddr::V6(ip)] if ip.segments()[..2] == [0x2001, 0xdb8]), "{unknown}: {found:?}");
        }
        assert_ne!(addresses("a.test", &snapshot), addresses("b.test", &snapshot));
        assert_eq!(addresses("a.test", &snapshot), addresses("A.test", &snapshot));
        pods(&mut snapshot, |_| true);
        assert_eq!(of("headless.shop.svc", &snapshot), ["192.0.2.1"]);
    }
}
