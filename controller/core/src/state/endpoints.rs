//! EndpointSlices, and Endpoints read as one.

use super::meta::{Meta, RawMeta};
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
    /// Whether this was written as `v1` Endpoints.
    pub from_endpoints: bool,
    /// The endpoints; one group for an EndpointSlice, one for each subset of Endpoints.
    pub groups: Vec<EndpointGroup>,
    /// Content hash of all that translation looks at.
    pub digest: u128,
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
    /// Its address.
    pub address: IpAddr,
    /// `conditions.ready`; true where it is not said.
    pub ready: bool,
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
    /// `protocol`: TCP where it is missing.
    pub protocol: Box<str>,
}

#[derive(Deserialize)]
struct RawSlice {
    metadata: RawMeta,
    #[serde(default)]
    endpoints: Option<Vec<RawEndpoint>>,
    #[serde(default)]
    ports: Option<Vec<RawPort>>,
}

#[derive(Deserialize)]
struct RawEndpoint {
    #[serde(default)]
    addresses: Vec<Box<str>>,
    #[serde(default)]
    conditions: Option<RawConditions>,
    #[serde(default)]
    hints: Option<RawHints>,
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
    ports: Option<Vec<RawPort>>,
}

#[derive(Deserialize)]
struct RawAddress {
    ip: Box<str>,
}

impl From<RawPort> for SlicePort {
    fn from(raw: RawPort) -> Self {
        Self { name: raw.name.unwrap_or_default(), port: raw.port, protocol: raw.protocol.unwrap_or_else(|| "TCP".into()) }
    }
}

impl TryFrom<RawSlice> for EndpointSlice {
    type Error = BadText;

    fn try_from(raw: RawSlice) -> Result<Self, BadText> {
        let meta = raw.metadata.namespaced()?;
        let service = meta.labels.get("kubernetes.io/service-name").and_then(|name| meta.name.beside(name).ok());
        let mut addresses = Addresses::default();
        for endpoint in raw.endpoints.unwrap_or_default() {
            let ready = endpoint.conditions.and_then(|c| c.ready).unwrap_or(true);
            let zones: Option<Box<[_]>> = endpoint.hints.and_then(|h| h.for_zones).map(|zones| zones.into_iter().map(|z| z.name).collect());
            endpoint.addresses.iter().for_each(|text| addresses.add(text, ready, zones.as_deref()));
        }
        let group = addresses.take_group(raw.ports);
        Ok(Self::new(meta, service, false, vec![group]))
    }
}

/// Addresses that are not ready are left out, as Endpoints keep them apart.
impl TryFrom<RawEndpoints> for EndpointSlice {
    type Error = BadText;

    fn try_from(raw: RawEndpoints) -> Result<Self, BadText> {
        let meta = raw.metadata.namespaced()?;
        let (mut addresses, mut groups) = (Addresses::default(), Vec::new());
        for subset in raw.subsets.unwrap_or_default() {
            subset.addresses.unwrap_or_default().iter().for_each(|address| addresses.add(&address.ip, true, None));
            groups.push(addresses.take_group(subset.ports));
        }
        let service = Some(meta.name.clone());
        Ok(Self::new(meta, service, true, groups))
    }
}

impl EndpointSlice {
    fn new(mut meta: Meta, service: Option<ObjectName>, from_endpoints: bool, groups: Vec<EndpointGroup>) -> Self {
        meta.labels.clear();
        meta.annotations.clear();
        let digest = digest_of(&(&service, from_endpoints, &groups));
        Self { meta, service, from_endpoints, groups, digest }
    }
}

/// Collects the addresses of one object. Names, as slices of type FQDN hold them, are left out.
#[derive(Default)]
struct Addresses {
    endpoints: Vec<Endpoint>,
}

impl Addresses {
    fn add(&mut self, text: &str, ready: bool, zones: Option<&[Box<str>]>) {
        if let Ok(address) = text.parse() {
            self.endpoints.push(Endpoint { address, ready, zones: zones.map(Box::from) });
        }
    }

    fn take_group(&mut self, ports: Option<Vec<RawPort>>) -> EndpointGroup {
        let mut endpoints = std::mem::take(&mut self.endpoints);
        endpoints.shrink_to_fit();
        EndpointGroup { endpoints, ports: ports.unwrap_or_default().into_iter().map(SlicePort::from).collect() }
    }
}
