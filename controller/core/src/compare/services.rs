//! Services behind backends and ports: to whom they lead, as they are written. Which endpoints these are shows only where
//! EndpointSlices are given, which are written by a cluster.

use super::{Change, Effect, Kind, Side, Subject, facts, texts};
use crate::model::{Backend, BackendId, Model};
use crate::names::{Kind as ObjectKind, ObjectName, ObjectRef, shown};
use crate::state::{Service, ServicePort, ServiceType, Snapshot, TargetPort};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

/// What has to be known of the Services of both sides to tell of endpoints, by `namespace-service`.
#[derive(Default)]
pub(super) struct Services {
    /// They stand for a DNS name on either side: addresses of theirs were looked up, or made up, and say nothing.
    external: HashMap<String, Vec<ObjectName>>,
    /// They have other ports.
    other_ports: HashSet<String>,
}

impl Services {
    pub(super) fn new(old: &Snapshot, new: &Snapshot) -> Self {
        let mut services = Self::default();
        for service in old.services().chain(new.services()).filter(|service| service.service_type == ServiceType::ExternalName) {
            let name = &service.meta.name;
            services.external.entry(label(name)).or_default().push(name.clone());
        }
        let is_other = |after: &&Arc<Service>| old.service(&after.meta.name).is_some_and(|before| before.ports != after.ports);
        services.other_ports = new.services().filter(is_other).map(|service| label(&service.meta.name)).collect();
        services
    }

    /// Whether a backend is one of a Service with other ports, which is told of the Service.
    pub(super) fn have_other_ports(&self, backend: &BackendId) -> bool {
        backend.service_port().rsplit_once('-').is_some_and(|(label, _)| self.other_ports.contains(label))
    }

    /// Whether a backend is one of a Service that stands for a name.
    pub(super) fn stands_for_name(&self, backend: &Backend) -> bool {
        let Some((label, port)) = backend.id.service_port().rsplit_once('-') else { return false };
        let (Some(names), Ok(port)) = (self.external.get(label), port.parse()) else { return false };
        names.iter().any(|name| BackendId::with_policy(name.namespace(), name.name(), port, &backend.policy) == backend.id)
    }

    /// The endpoints of a port of a Service, `namespace-service-port`, unless it stands for a name.
    pub(super) fn endpoints(&self, label: &str, endpoints: &[SocketAddr]) -> String {
        let is_one = label.match_indices('-').any(|(at, _)| self.external.contains_key(&label[..at]));
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
        let (from, to) = texts::shown_apart(&from, &to);
        changes.push(told(name.to_string(), bare(&from), bare(&to)));
    }
    // One that stands for a name has no pods whose ports would be meant.
    let [was_name, is_name] = [old, new].map(|service| service.service_type == ServiceType::ExternalName);
    for (before, after) in old.ports.iter().filter_map(|port| Some((port, same_port(port, new)?))) {
        let known = [before, after].into_iter().flat_map(names_of).any(|port| used.contains(&*format!("{label}-{port}")));
        if was_name == is_name && known && (before.port, &before.target) != (after.port, &after.target) {
            let other = before.port != after.port;
            changes.push(told(format!("{name}:{}", before.port), target(before, other), target(after, other)));
        }
    }
    changes
}

fn bare(quoted: &str) -> String {
    quoted.trim_matches('"').to_owned()
}

/// To whom a Service leads, as it is written.
fn destination(service: &Service) -> String {
    match (service.service_type, &*service.selector) {
        (ServiceType::ExternalName, _) => format!("DNS name {}", service.external_name),
        (_, "") => "endpoints that are written for it".to_owned(),
        (_, selector) => format!("pods with {selector}"),
    }
}

fn is_used(begin: &str, used: &BTreeSet<&str>) -> bool {
    used.range(begin..).next().is_some_and(|label| label.starts_with(begin))
}

/// The port of that number, else the one of that name.
fn same_port<'s>(port: &ServicePort, service: &'s Service) -> Option<&'s ServicePort> {
    let ports = || service.ports.iter().filter(|other| other.protocol == port.protocol);
    let named = || ports().find(|other| !port.name.is_empty() && other.name == port.name);
    ports().find(|other| other.port == port.port).or_else(named)
}

/// What a port goes by in labels.
fn names_of(port: &ServicePort) -> [String; 3] {
    let target = match &port.target {
        TargetPort::Number(number) => number.to_string(),
        TargetPort::Name(name) => name.to_string(),
    };
    [port.port.to_string(), port.name.to_string(), target]
}

/// Where requests for a port go; `with_number`: and which port this is.
fn target(port: &ServicePort, with_number: bool) -> String {
    let number = if with_number { format!("port {}, ", port.port) } else { String::new() };
    match &port.target {
        TargetPort::Number(target) => format!("{number}targetPort {target}"),
        TargetPort::Name(name) => format!("{number}targetPort {}", shown(name).trim_matches('"')),
    }
}
