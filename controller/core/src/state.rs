//! What the cluster says: the objects that Gatewright uses, trimmed to what it uses, and indexes over them.
//!
//! Sources turn whatever they watch into [`Event`]s; [`Snapshot::apply`] takes them in any order. Nothing in here
//! decides what an object means.

mod accounts;
mod api;
mod authority;
mod certificate;
mod cluster_ips;
mod config_map;
mod dependencies;
mod dh_params;
mod endpoints;
mod epochs;
mod event;
mod fit;
mod ingress;
mod ingress_class;
mod ingresses;
mod leaf;
mod legacy;
mod meta;
mod namespace;
mod parameters;
mod private_key;
mod retained;
mod secret;
mod service;
mod shapes;
mod slices;
mod snapshot;

pub use api::{DecodeError, decode, decode_written};
pub use authority::AuthorityError;
pub use certificate::{CertificateError, KeyPair};
pub use config_map::ConfigMap;
pub use dependencies::dependency_digest;
pub use endpoints::{Endpoint, EndpointGroup, EndpointSlice, NoAddresses, SlicePort};
pub use epochs::{Epoch, Epochs, Kinds, NameParts, UsersOfNames};
pub use event::{Event, Object};
pub use fit::{Fault, name_of_type};
pub use ingress::{Backend, Ingress, LoadBalancerAddress, Path, PortRef, Rule, ServiceBackend, TlsSection};
pub use ingress_class::IngressClass;
pub use ingresses::{IngressesToken, by_age};
pub use leaf::Leaf;
pub use meta::Meta;
pub use namespace::Namespace;
pub use parameters::{ClassParameters, GatewrightParameters, ParametersScope};
pub use secret::{Secret, Unreadable};
pub use service::{Service, ServicePort, ServiceType, TargetPort};
pub use snapshot::Snapshot;
