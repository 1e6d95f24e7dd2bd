//! Service.

use super::fit::Fault;
use super::ingress::{LoadBalancerAddress, RawStatus};
use super::meta::{Meta, RawMeta};
use crate::model::digest_of;
use crate::names::BadText;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A Service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawService")]
pub struct Service {
    /// Name and the rest.
    pub meta: Meta,
    /// `spec.type`.
    pub service_type: ServiceType,
    /// `spec.clusterIP`; `None` for headless Services and those that have none yet.
    pub cluster_ip: Option<IpAddr>,
    /// That one, and those of `spec.clusterIPs`; sorted, each once.
    pub cluster_ips: Box<[IpAddr]>,
    /// `spec.externalName`, as written; empty unless the type is ExternalName.
    pub external_name: Box<str>,
    /// `spec.selector`: `label=value` of its pods, sorted, with commas; empty without one, and only whether there is one is part of the
    /// digest, for EndpointSlices say which pods these are.
    pub selector: Box<str>,
    /// `spec.externalIPs`, those that are addresses.
    pub external_ips: Vec<IpAddr>,
    /// `spec.ports`, those that can be read.
    pub ports: Vec<ServicePort>,
    /// Whether something of `spec` cannot be read; that is told where it stands.
    pub is_cut: bool,
    /// `spec.trafficDistribution`.
    pub traffic_distribution: Option<Box<str>>,
    /// `status.loadBalancer.ingress`; not part of the digest.
    pub addresses: Vec<LoadBalancerAddress>,
    /// Content hash of all that translation looks at.
    pub digest: u128,
}

/// `spec.type`; an unknown one counts as ClusterIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceType {
    /// `ClusterIP`, and whatever is not known.
    ClusterIp,
    /// `NodePort`.
    NodePort,
    /// `LoadBalancer`.
    LoadBalancer,
    /// `ExternalName`.
    ExternalName,
}

/// One of `spec.ports`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServicePort {
    /// `name`; empty: none.
    pub name: Box<str>,
    /// `port`.
    pub port: u16,
    /// `targetPort`; the port itself where it is missing.
    pub target: TargetPort,
    /// `protocol`: TCP where it is missing.
    pub protocol: Box<str>,
}

/// `targetPort`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetPort {
    /// A number.
    Number(u16),
    /// The name of a container port; EndpointSlices know its number.
    Name(Box<str>),
}

#[derive(Deserialize)]
struct RawService {
    metadata: RawMeta,
    #[serde(default)]
    spec: Option<RawSpec>,
    #[serde(default)]
    status: Option<RawStatus>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct RawSpec {
    #[serde(default)]
    r#type: Option<Box<str>>,
    #[serde(default, rename = "clusterIP")]
    cluster_ip: Option<Box<str>>,
    #[serde(default, rename = "clusterIPs")]
    cluster_ips: Option<Vec<Box<str>>>,
    #[serde(default)]
    external_name: Option<Box<str>>,
    #[serde(default, rename = "externalIPs")]
    external_ips: Option<Vec<Box<str>>>,
    #[serde(default)]
    selector: Option<BTreeMap<Box<str>, Box<str>>>,
    #[serde(default)]
    ports: Option<Vec<RawPort>>,
    #[serde(default)]
    traffic_distribution: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPort {
    #[serde(default)]
    name: Option<Box<str>>,
    port: u16,
    #[serde(default)]
    target_port: Option<RawTarget>,
    #[serde(default)]
    protocol: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawTarget {
    Number(u16),
    Name(Box<str>),
}

impl TryFrom<RawService> for Service {
    type Error = BadText;

    fn try_from(raw: RawService) -> Result<Self, BadText> {
        let spec = raw.spec.unwrap_or_default();
        let service_type = match spec.r#type.as_deref() {
            Some("NodePort") => ServiceType::NodePort,
            Some("LoadBalancer") => ServiceType::LoadBalancer,
            Some("ExternalName") => ServiceType::ExternalName,
            _ => ServiceType::ClusterIp,
        };
        let ips = spec.cluster_ip.iter().chain(spec.cluster_ips.iter().flatten());
        let ips: BTreeSet<IpAddr> = ips.filter(|_| service_type != ServiceType::ExternalName).filter_map(|ip| ip.parse().ok()).collect();
        let mut service = Self {
            cluster_ips: ips.into_iter().collect(),
            meta: raw.metadata.namespaced()?,
            service_type,
            cluster_ip: spec.cluster_ip.and_then(|ip| ip.parse().ok()),
            external_name: spec.external_name.filter(|_| service_type == ServiceType::ExternalName).unwrap_or_default(),
            selector: selector(&spec.selector.unwrap_or_default()),
            external_ips: spec.external_ips.unwrap_or_default().iter().filter_map(|ip| ip.parse().ok()).collect(),
            ports: spec.ports.unwrap_or_default().into_iter().map(ServicePort::from).collect(),
            is_cut: false,
            traffic_distribution: spec.traffic_distribution,
            addresses: raw.status.map(RawStatus::addresses).unwrap_or_default(),
            digest: 0,
        };
        service.digest = digest_of(&(
            (&service.meta.name, &service.meta.annotations, service_type, service.cluster_ip, &service.external_name),
            (&service.external_ips, &service.ports, &service.traffic_distribution, &service.cluster_ips),
            service.selector.is_empty(),
        ));
        Ok(service)
    }
}

impl Service {
    /// The same, of which these parts could not be read. Nobody misses its address for a port.
    pub(super) fn without(mut self, faults: &[Fault]) -> Self {
        self.is_cut = faults.iter().any(|fault| fault.field.starts_with("spec.") && fault.field != "spec.clusterIP");
        self.digest = digest_of(&(self.digest, self.is_cut));
        self
    }
}

fn selector(labels: &BTreeMap<Box<str>, Box<str>>) -> Box<str> {
    labels.iter().map(|(label, value)| format!("{label}={value}")).collect::<Vec<_>>().join(",").into()
}

/// The protocol of a port: TCP where it is missing or empty.
pub(super) fn protocol(written: Option<Box<str>>) -> Box<str> {
    written.filter(|written| !written.is_empty()).unwrap_or_else(|| "TCP".into())
}

impl From<RawPort> for ServicePort {
    fn from(raw: RawPort) -> Self {
        Self {
            name: raw.name.unwrap_or_default(),
            port: raw.port,
            target: match raw.target_port {
                Some(RawTarget::Number(0)) | None => TargetPort::Number(raw.port),
                Some(RawTarget::Number(number)) => TargetPort::Number(number),
                // A quoted number is a number, as for the API server's own int-or-string fields in old manifests.
                Some(RawTarget::Name(name)) => name.parse().map_or(TargetPort::Name(name), TargetPort::Number),
            },
            protocol: protocol(raw.protocol),
        }
    }
}
