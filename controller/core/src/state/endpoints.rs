//! EndpointSlices, and Endpoints read as one.

use super::meta::{Meta, RawMeta};
use super::service::protocol;
use crate::model::digest_of;
use crate::names::{BadText, ObjectName};
use serde::Deserialize;
use std::net::IpAddr;

/// Some of a Service's endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawSlice")]
pub struct EndpointSlice {
    /// Name and the rest; without labels and annotations.
    pub meta: Meta,
    /// The Service they belong to, by the label `kubernetes.io/service-name`; `None`: nobody's.
    pub service: Option<ObjectName>,
    /// That label where it names no Service; empty without one. `None`: it names one, or another label one elsewhere.
    pub stray_label: Option<Box<str>>,
    /// Whether this was written as `v1` Endpoints.
    pub from_endpoints: bool,
    /// Whether the cluster's own controller says that it made it.
    pub is_managed: bool,
    /// The endpoints; one group for an EndpointSlice, one for each subset of Endpoints.
    pub groups: Vec<EndpointGroup>,
    /// What stands in the place of addresses and is none, as names do in slices of type FQDN.
    pub no_addresses: Option<Box<NoAddresses>>,
    /// Content hash of all that translation looks at.
    pub digest: u128,
}

/// Texts that are no addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NoAddresses {
    /// The first one.
    pub first: Box<str>,
    /// How many there are.
    pub count: usize,
}

/// Endpoints that have the same ports.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EndpointGroup {
    /// The endpoints, in the order of the object.
    pub endpoints: Vec<Endpoint>,
    /// The ports that all of them have.
    pub ports: Vec<SlicePort>,
}

/// One endpoint. Several addresses of one are several endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Address of the endpoint.
    pub address: IpAddr,
    /// `conditions.ready`; true where it is not said.
    pub ready: bool,
    /// `targetRef` names a Pod of the same namespace.
    pub is_of_pod: bool,
    /// `hints.forZones`, by name; `None` where there are no hints.
    pub zones: Option<Box<[Box<str>]>>,
}

/// One of `ports`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SlicePort {
    /// `name`; empty: none.
    pub name: Box<str>,
    /// `port`; `None` means every port.
    pub port: Option<u16>,
    /// `protocol`: TCP where it is missing; empty where the port cannot be read.
    pub protocol: Box<str>,
}

#[derive(Deserialize)]
struct RawSlice {
    metadata: RawMeta,
    #[serde(default)]
    endpoints: Option<Vec<RawEndpoint>>,
    #[serde(default)]
    ports: Option<Vec<Option<RawPort>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEndpoint {
    #[serde(default)]
    addresses: Vec<Box<str>>,
    #[serde(default)]
    conditions: Option<RawConditions>,
    #[serde(default)]
    hints: Option<RawHints>,
    #[serde(default)]
    target_ref: Option<RawTarget>,
}

#[derive(Deserialize)]
struct RawTarget {
    #[serde(default)]
    kind: Option<Box<str>>,
    #[serde(default)]
    namespace: Option<Box<str>>,
}

impl RawTarget {
    fn is_pod_of(&self, namespace: &str) -> bool {
        self.kind.as_deref() == Some("Pod") && self.namespace.as_deref() == Some(namespace)
    }
}

#[derive(Deserialize)]
struct RawConditions {
    #[serde(default)]
    ready: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHints {
    #[serde(default)]
    for_zones: Option<Vec<RawZone>>,
}

#[derive(Deserialize)]
struct RawZone {
    name: Box<str>,
}

#[derive(Deserialize)]
struct RawPort {
    #[serde(default)]
    name: Option<Box<str>>,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    protocol: Option<Box<str>>,
}

/// The object of kind Endpoints.
#[derive(Deserialize)]
pub(super) struct RawEndpoints {
    metadata: RawMeta,
    #[serde(default)]
    subsets: Option<Vec<RawSubset>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSubset {
    #[serde(default)]
    addresses: Option<Vec<RawAddress>>,
    #[serde(default)]
    ports: Option<Vec<Option<RawPort>>>,
}

#[derive(Deserialize)]
struct RawAddress {
    ip: Box<str>,
}

/// `None`: it cannot be read. That is no port of any protocol, where none at all would be every one.
impl From<Option<RawPort>> for SlicePort {
    fn from(raw: Option<RawPort>) -> Self {
        let Some(raw) = raw else { return Self { name: "".into(), port: None, protocol: "".into() } };
        Self { name: raw.name.unwrap_or_default(), port: raw.port, protocol: protocol(raw.protocol) }
    }
}

impl TryFrom<RawSlice> for EndpointSlice {
    type Error = BadText;

    fn try_from(raw: RawSlice) -> Result<Self, BadText> {
        let meta = raw.metadata.namespaced()?;
        let service = meta.labels.get(SERVICE_NAME).and_then(|name| meta.name.beside(name).ok());
        let is_foreign = meta.labels.keys().any(|key| &**key != SERVICE_NAME && key.ends_with("/service-name"));
        let is_stray = service.is_none() && !is_foreign;
        let stray_label = is_stray.then(|| meta.labels.get(SERVICE_NAME).cloned().unwrap_or_default());
        let mut addresses = Addresses::default();
        for endpoint in raw.endpoints.unwrap_or_default() {
            let ready = endpoint.conditions.and_then(|c| c.ready).unwrap_or(true);
            let zones: Option<Box<[_]>> = endpoint.hints.and_then(|h| h.for_zones).map(|zones| zones.into_iter().map(|z| z.name).collect());
            let is_of_pod = endpoint.target_ref.is_some_and(|target| target.is_pod_of(meta.name.namespace()));
            endpoint.addresses.iter().for_each(|text| addresses.add(text, (ready, is_of_pod), zones.as_deref()));
        }
        let groups = vec![addresses.take_group(raw.ports)];
        let is_managed = meta.labels.get(MANAGED_BY).is_some_and(|by| &**by == CONTROLLER);
        let no_addresses = addresses.others;
        Ok(Self { meta, service, stray_label, from_endpoints: false, is_managed, groups, no_addresses, digest: 0 }.reduced())
    }
}

/// Addresses that are not ready are left out, as Endpoints keep them apart.
impl TryFrom<RawEndpoints> for EndpointSlice {
    type Error = BadText;

    fn try_from(raw: RawEndpoints) -> Result<Self, BadText> {
        let meta = raw.metadata.namespaced()?;
        let (mut addresses, mut groups) = (Addresses::default(), Vec::new());
        for subset in raw.subsets.unwrap_or_default() {
            subset.addresses.unwrap_or_default().iter().for_each(|address| addresses.add(&address.ip, (true, false), None));
            groups.push(addresses.take_group(subset.ports));
        }
        let service = Some(meta.name.clone());
        let no_addresses = addresses.others;
        Ok(Self { meta, service, stray_label: None, from_endpoints: true, is_managed: false, groups, no_addresses, digest: 0 }.reduced())
    }
}

impl EndpointSlice {
    /// Without labels and annotations, and with its digest.
    fn reduced(mut self) -> Self {
        self.meta.labels.clear();
        self.meta.annotations.clear();
        self.digest =
            digest_of(&(&self.service, &self.stray_label, self.from_endpoints, self.is_managed, &self.groups, &self.no_addresses));
        self
    }
}

/// Says whose endpoints a slice has.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Says who made a slice, and what the cluster's own controller says there.
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const CONTROLLER: &str = "endpointslice-controller.k8s.io";

/// Collects the addresses of one object.
#[derive(Default)]
struct Addresses {
    endpoints: Vec<Endpoint>,
    others: Option<Box<NoAddresses>>,
}

impl Addresses {
    fn add(&mut self, text: &str, (ready, is_of_pod): (bool, bool), zones: Option<&[Box<str>]>) {
        match text.parse() {
            Ok(address) => self.endpoints.push(Endpoint { address, ready, is_of_pod, zones: zones.map(Box::from) }),
            Err(_) => self.others.get_or_insert_with(|| Box::new(NoAddresses { first: text.into(), count: 0 })).count += 1,
        }
    }

    fn take_group(&mut self, ports: Option<Vec<Option<RawPort>>>) -> EndpointGroup {
        let mut endpoints = std::mem::take(&mut self.endpoints);
        endpoints.shrink_to_fit();
        EndpointGroup { endpoints, ports: ports.unwrap_or_default().into_iter().map(SlicePort::from).collect() }
    }
}
