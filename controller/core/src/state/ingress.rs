//! Ingress, in the shape of `networking.k8s.io/v1`.

use super::meta::{Meta, RawMeta};
use crate::model::digest_of;
use crate::names::BadText;
use serde::Deserialize;

/// An Ingress. Field values are as the user wrote them; nothing is checked but their types.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawIngress")]
pub struct Ingress {
    /// Name, annotations and the rest.
    pub meta: Meta,
    /// `spec.ingressClassName`.
    pub class_name: Option<Box<str>>,
    /// `spec.defaultBackend`.
    pub default_backend: Option<Backend>,
    /// `spec.rules`; `None` in the place of one that cannot be read.
    pub rules: Vec<Option<Rule>>,
    /// `spec.tls`; `None` in the place of one that cannot be read.
    pub tls: Vec<Option<TlsSection>>,
    /// `status.loadBalancer.ingress`; not part of the digest.
    pub addresses: Vec<LoadBalancerAddress>,
    /// Content hash of all that translation looks at.
    pub digest: u128,
}

/// One of `spec.rules`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    /// `host`; empty: any host.
    pub host: Box<str>,
    /// `http.paths`, `None` in the place of one that cannot be read; `None` when there is no `http`.
    pub paths: Option<Vec<Option<Path>>>,
}

/// One of `http.paths`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Path {
    /// `path`; empty means `/`.
    #[serde(default)]
    pub path: Option<Box<str>>,
    /// `pathType`.
    #[serde(default)]
    pub path_type: Option<Box<str>>,
    /// `backend`.
    #[serde(default)]
    pub backend: Backend,
}

/// `backend` and `defaultBackend`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(from = "RawBackend")]
pub struct Backend {
    /// `service`.
    pub service: Option<ServiceBackend>,
    /// Whether there is a `resource`.
    pub has_resource: bool,
}

/// `backend.service`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceBackend {
    /// `name`.
    pub name: Box<str>,
    /// `port`.
    pub port: PortRef,
}

/// `backend.service.port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum PortRef {
    /// `number`.
    Number(i64),
    /// `name`.
    Name(Box<str>),
    /// Both, which the API server refuses.
    Both(Box<str>, i64),
    /// Neither.
    #[default]
    Missing,
}

/// One of `spec.tls`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TlsSection {
    /// `hosts`; `None` in the place of one that cannot be read.
    pub hosts: Vec<Option<Box<str>>>,
    /// `secretName`; empty: none.
    pub secret_name: Box<str>,
}

/// One of `status.loadBalancer.ingress`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct LoadBalancerAddress {
    /// `hostname`; empty: none.
    #[serde(default)]
    pub hostname: Box<str>,
    /// `ip`; empty: none.
    #[serde(default)]
    pub ip: Box<str>,
}

#[derive(Deserialize)]
pub(super) struct RawIngress {
    pub(super) metadata: RawMeta,
    #[serde(default)]
    pub(super) spec: Option<RawSpec>,
    #[serde(default)]
    pub(super) status: Option<RawStatus>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawSpec {
    #[serde(default)]
    pub(super) ingress_class_name: Option<Box<str>>,
    #[serde(default)]
    pub(super) default_backend: Option<Backend>,
    #[serde(default)]
    pub(super) rules: Option<Vec<Option<RawRule>>>,
    #[serde(default)]
    pub(super) tls: Option<Vec<Option<RawTls>>>,
}

#[derive(Deserialize)]
pub(super) struct RawRule {
    #[serde(default)]
    host: Option<Box<str>>,
    #[serde(default)]
    http: Option<RawHttp>,
}

#[derive(Deserialize)]
struct RawHttp {
    #[serde(default)]
    paths: Option<Vec<Option<Path>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawTls {
    #[serde(default)]
    hosts: Option<Vec<Option<Box<str>>>>,
    #[serde(default)]
    secret_name: Option<Box<str>>,
}

#[derive(Deserialize)]
struct RawBackend {
    #[serde(default)]
    service: Option<RawService>,
    #[serde(default)]
    resource: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct RawService {
    #[serde(default)]
    name: Box<str>,
    #[serde(default)]
    port: RawPort,
}

#[derive(Deserialize, Default)]
struct RawPort {
    #[serde(default)]
    name: Option<Box<str>>,
    #[serde(default)]
    number: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawStatus {
    #[serde(default)]
    load_balancer: RawLoadBalancer,
}

#[derive(Deserialize, Default)]
struct RawLoadBalancer {
    #[serde(default)]
    ingress: Option<Vec<LoadBalancerAddress>>,
}

impl RawStatus {
    pub(super) fn addresses(self) -> Vec<LoadBalancerAddress> {
        self.load_balancer.ingress.unwrap_or_default()
    }
}

impl From<RawBackend> for Backend {
    fn from(raw: RawBackend) -> Self {
        let service = raw.service.map(|service| ServiceBackend {
            name: service.name,
            port: match (service.port.name.filter(|name| !name.is_empty()), service.port.number.filter(|number| *number != 0)) {
                (Some(name), Some(number)) => PortRef::Both(name, number),
                (Some(name), None) => PortRef::Name(name),
                (None, Some(number)) => PortRef::Number(number),
                (None, None) => PortRef::Missing,
            },
        });
        Self { service, has_resource: raw.resource.is_some() }
    }
}

impl TryFrom<RawIngress> for Ingress {
    type Error = BadText;

    fn try_from(raw: RawIngress) -> Result<Self, BadText> {
        let spec = raw.spec.unwrap_or_default();
        let rules = spec.rules.unwrap_or_default().into_iter();
        let tls = spec.tls.unwrap_or_default().into_iter();
        let mut ingress = Self {
            meta: raw.metadata.namespaced()?,
            class_name: spec.ingress_class_name,
            default_backend: spec.default_backend,
            rules: rules
                .map(|r| r.map(|r| Rule { host: r.host.unwrap_or_default(), paths: r.http.map(|http| http.paths.unwrap_or_default()) }))
                .collect(),
            tls: tls
                .map(|t| t.map(|t| TlsSection { hosts: t.hosts.unwrap_or_default(), secret_name: t.secret_name.unwrap_or_default() }))
                .collect(),
            addresses: raw.status.map(RawStatus::addresses).unwrap_or_default(),
            digest: 0,
        };
        ingress.digest = ingress.content();
        Ok(ingress)
    }
}

impl Ingress {
    /// The Ingress after a change.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self.digest = self.content();
        self
    }

    fn content(&self) -> u128 {
        let meta = &self.meta;
        digest_of(&((&meta.name, meta.created_s, &meta.annotations), (&self.class_name, &self.default_backend, &self.rules, &self.tls)))
    }
}
