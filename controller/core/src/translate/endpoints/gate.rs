//! Which endpoints a Service may have: not those of this machine, of metadata services, of the controller, or of Services of
//! other namespaces.

use super::Reach;
use crate::settings::Settings;
use crate::state::{Endpoint, EndpointSlice, Service, Snapshot};
use crate::translate::forbidden::{Forbidden, forbidden, spellings};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// What the endpoints of a namespace have to pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gate<'a> {
    snapshot: &'a Snapshot,
    reach: Reach<'a>,
    namespace: &'a str,
}

/// Why an endpoint may not be one.
#[derive(Debug)]
pub(in crate::translate) enum EndpointRejection {
    NoPort,
    Forbidden(Forbidden),
    Own,
    OfOthers,
    OfNoPod,
}

impl<'a> Gate<'a> {
    pub(super) const fn new(namespace: &'a str, snapshot: &'a Snapshot, reach: Reach<'a>) -> Self {
        Self { snapshot, reach, namespace }
    }

    /// Whether whose endpoint it is need not be known, or is: only the cluster's own controller keeps the slices of Services that
    /// have a selector, and it takes from them what is not of their Pods.
    pub(super) fn knows(self, slice: &EndpointSlice, service: &Service, endpoint: &Endpoint) -> bool {
        !self.reach.settings.only_pod_endpoints || (slice.is_managed && endpoint.is_of_pod && !service.selector.is_empty())
    }

    pub(super) fn allows(self, endpoint: SocketAddr) -> bool {
        self.rejects(endpoint).is_none()
    }

    /// Why this one may not be forwarded to.
    pub(super) fn rejects(self, endpoint: SocketAddr) -> Option<EndpointRejection> {
        if endpoint.port() == 0 {
            return Some(EndpointRejection::NoPort);
        }
        let may_be_loopback = self.reach.settings.loopback_endpoints && endpoint.ip().is_loopback();
        let rejection =
            machine(endpoint, self.reach.settings).filter(|rejection| !may_be_loopback || matches!(rejection, EndpointRejection::Own));
        rejection.or_else(|| self.is_of_others(endpoint.ip()).then_some(EndpointRejection::OfOthers))
    }

    /// Whether it is the cluster IP of a Service of another namespace, and not to be reached by this way round.
    pub(super) fn is_of_others(self, ip: IpAddr) -> bool {
        !self.reach.other_namespaces && spellings(ip).any(|ip| self.snapshot.is_cluster_ip_of_others(ip, self.namespace))
    }
}

/// Why nobody is sent there, whoever says it.
pub(in crate::translate) fn machine(endpoint: SocketAddr, settings: &Settings) -> Option<EndpointRejection> {
    let is_here = |ip: IpAddr| ip.is_loopback() || settings.own_addresses.contains(&ip);
    let is_own_port = [settings.admin_port, Some(settings.listeners.status_port)].contains(&Some(endpoint.port()));
    if is_own_port && spellings(endpoint.ip()).any(is_here) {
        return Some(EndpointRejection::Own);
    }
    forbidden(endpoint.ip()).map(EndpointRejection::Forbidden)
}

/// As in `is loopback`.
impl fmt::Display for EndpointRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPort => f.write_str("has the port 0"),
            Self::Forbidden(why) => why.fmt(f),
            Self::Own => f.write_str("is the controller's own, with this port"),
            Self::OfNoPod => {
                f.write_str("is not one that the cluster itself has noted for a Pod of this namespace, as --only-pod-endpoints asks")
            }
            Self::OfOthers => f.write_str("is of a Service of another namespace, which allow-cross-namespace-resources does not allow"),
        }
    }
}
