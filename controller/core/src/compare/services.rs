//! Services behind backends and ports: to whom they lead, as they are written. Which endpoints these are shows only where
//! EndpointSlices are given, which are written by a cluster.

use super::{Change, Effect, Kind, Side, Subject, facts};
use crate::model::{Backend, BackendId, Model};
use crate::names::{Kind as ObjectKind, ObjectName, ObjectRef, shown};
use crate::state::{Service, ServicePort, ServiceType, Snapshot, TargetPort};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

/// Services that stand for a DNS name, on either side: addresses of theirs were looked up, or made up, and say nothing.
#[derive(Default)]
pub(super) struct External {
    /// By `namespace-service`.
    by_label: HashMap<String, Vec<ObjectName>>,
}

impl External {
    pub(super) fn new(old: &Snapshot, new: &Snapshot) -> Self {
        let mut external = Self::default();
        for service in old.services().chain(new.services()).filter(|service| service.service_type == ServiceType::ExternalName) {
            let name = &service.meta.name;
            external.by_label.entry(label(name)).or_default().push(name.clone());
        }
        external
    }

    /// Whether a backend is one of theirs.
    pub(super) fn has(&self, backend: &Backend) -> bool {
        let Some((label, port)) = backend.id.service_port().rsplit_once('-') else { return false };
        let (Some(names), Ok(port)) = (self.by_label.get(label), port.parse()) else { return false };
        names.iter().any(|name| BackendId::with_policy(name.namespace(), name.name(), port, &backend.policy) == backend.id)
    }

    /// The endpoints of a port of a Service, `namespace-service-port`, unless they are theirs.
    pub(super) fn endpoints(&self, label: &str, endpoints: &[SocketAddr]) -> String {
        let is_one = label.match_indices('-').any(|(at, _)| self.by_label.contains_key(&label[..at]));
        if is_one { String::new() } else { facts::endpoints(endpoints) }
    }
}

/// Compares the Services that are there before and after and in use.
pub(super) fn compare(old: Side<'_>, new: Side<'_>) -> Vec<Change> {
    let used: BTreeSet<&str> = labels(old.model()).chain(labels(new.model())).collect();
    let pairs = new.snapshot.services().filter_map(|after| Some((&**old.snapshot.service(&after.meta.name)?, &**after)));
    pairs.flat_map(|(before, after)| of_service(before, after, &used)).collect()
}

/// `namespace-service-port` of everything that is led to a Service.
fn labels(model: &Model) -> impl Iterator<Item = &str> {
    let backends = model.backends.keys().map(BackendId::service_port);
    let passed = model.passthrough.values().map(|passed| &*passed.name);
    backends.chain(model.streams.values().map(|stream| &*stream.name)).chain(passed)
}

fn label(service: &ObjectName) -> String {
    format!("{}-{}", service.namespace(), service.name())
}

fn of_service(old: &Service, new: &Service, used: &BTreeSet<&str>) -> Vec<Change> {
    let told = |name: String, from, to| Change {
        subject: Subject::Backend,
        hosts: Vec::new(),
        name: format!("Service {name}"),
        kind: Kind::Changed,
        from,
        to,
        by: Some(ObjectRef::new(ObjectKind::Service, new.meta.name.clone())),
        effect: Some(Effect::Unclear),
    };
    let (name, label) = (&new.meta.name, label(&new.meta.name));
    let (from, to) = (destination(old), destination(new));
    let mut changes = Vec::new();
    if from != to && is_used(&format!("{label}-"), used) {
        changes.push(told(name.to_string(), from, to));
    }
    // One that stands for a name has no pods whose ports would be meant.
    let is_same_kind = [old, new].map(|service| service.service_type == ServiceType::ExternalName);
    let is_same_kind = is_same_kind[0] == is_same_kind[1];
    for (before, after) in old.ports.iter().filter_map(|port| Some((port, same_port(port, new)?))) {
        let known = [before, after].into_iter().flat_map(names_of).any(|port| used.contains(&*format!("{label}-{port}")));
        if is_same_kind && before.target != after.target && known {
            changes.push(told(format!("{name}:{}", after.port), target(before), target(after)));
        }
    }
    changes
}

/// To whom a Service leads.
fn destination(service: &Service) -> String {
    match (service.service_type, &*service.selector) {
        (ServiceType::ExternalName, _) => format!("DNS name {}", shown(&service.external_name).trim_matches('"')),
        (_, "") => "endpoints that are written for it".to_owned(),
        (_, selector) => format!("pods with {}", shown(selector).trim_matches('"')),
    }
}

fn is_used(begin: &str, used: &BTreeSet<&str>) -> bool {
    used.range(begin..).next().is_some_and(|label| label.starts_with(begin))
}

fn same_port<'s>(port: &ServicePort, service: &'s Service) -> Option<&'s ServicePort> {
    service.ports.iter().find(|other| (other.port, &other.protocol) == (port.port, &port.protocol))
}

/// What a port goes by in labels.
fn names_of(port: &ServicePort) -> [String; 3] {
    let target = match &port.target {
        TargetPort::Number(number) => number.to_string(),
        TargetPort::Name(name) => name.to_string(),
    };
    [port.port.to_string(), port.name.to_string(), target]
}

fn target(port: &ServicePort) -> String {
    match &port.target {
        TargetPort::Number(number) => format!("targetPort {number}"),
        TargetPort::Name(name) => format!("targetPort {}", shown(name).trim_matches('"')),
    }
}
