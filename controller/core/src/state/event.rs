//! What sources tell: that an object is there or gone, or what a DNS name stands for.

use super::{ConfigMap, EndpointSlice, GatewrightParameters, Ingress, IngressClass, Namespace, Secret, Service};
use crate::names::{Kind, ObjectRef};
use std::net::IpAddr;
use std::sync::Arc;

/// One object of a kind that is used. Cheap to clone: whoever keeps it shares it with all others who do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// An Ingress.
    Ingress(Arc<Ingress>),
    /// An IngressClass.
    IngressClass(Arc<IngressClass>),
    /// A Service.
    Service(Arc<Service>),
    /// An EndpointSlice, or Endpoints.
    EndpointSlice(Arc<EndpointSlice>),
    /// A Secret.
    Secret(Arc<Secret>),
    /// A ConfigMap.
    ConfigMap(Arc<ConfigMap>),
    /// A Namespace.
    Namespace(Arc<Namespace>),
    /// Settings of a class.
    GatewrightParameters(Arc<GatewrightParameters>),
}

impl Object {
    /// Kind, namespace and name.
    #[must_use]
    pub fn reference(&self) -> ObjectRef {
        let (kind, meta) = match self {
            Self::Ingress(o) => (Kind::Ingress, &o.meta),
            Self::IngressClass(o) => (Kind::IngressClass, &o.meta),
            Self::Service(o) => (Kind::Service, &o.meta),
            Self::EndpointSlice(o) if o.from_endpoints => (Kind::Endpoints, &o.meta),
            Self::EndpointSlice(o) => (Kind::EndpointSlice, &o.meta),
            Self::Secret(o) => (Kind::Secret, &o.meta),
            Self::ConfigMap(o) => (Kind::ConfigMap, &o.meta),
            Self::Namespace(o) => (Kind::Namespace, &o.meta),
            Self::GatewrightParameters(o) => (Kind::GatewrightParameters, &o.meta),
        };
        ObjectRef::new(kind, meta.name.clone())
    }
}

/// Something that happened in the cluster or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The object is there, in this version.
    Applied(Object),
    /// The object is gone.
    Deleted(ObjectRef),
    /// A DNS name has these addresses now, sorted; empty: it does not resolve.
    Resolved(Box<str>, Vec<IpAddr>),
}

impl Event {
    /// The namespace of the object; empty where it is in none.
    #[must_use]
    pub fn namespace(&self) -> String {
        match self {
            Self::Applied(object) => object.reference().name.namespace().to_owned(),
            Self::Deleted(reference) => reference.name.namespace().to_owned(),
            Self::Resolved(..) => String::new(),
        }
    }
}
