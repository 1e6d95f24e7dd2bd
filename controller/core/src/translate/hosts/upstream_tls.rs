//! `proxy-ssl-*` of one Ingress, for the endpoints of others of its host that speak TLS and say nothing of it: `annotations`
//! 1.4. Only within a namespace: nobody's certificate is shown to endpoints of somebody else.

use super::Builder;
use crate::model::{BackendPolicy, Protocol, UpstreamTls};
use crate::translate::reading::Reading;
use std::sync::Arc;

impl Builder<'_> {
    /// How the endpoints of an Ingress are spoken to where this host is asked for.
    pub(super) fn upstream(&self, reading: &Reading) -> Arc<BackendPolicy> {
        let own = &reading.policies.backend;
        let inherits = matches!(own.protocol, Some(Protocol::Https | Protocol::AutoHttp)) && !reading.class.config.upstream_tls_by_route;
        let neighbours = || if inherits { self.tls_of_neighbours(reading) } else { None };
        let tls = self.with_told_name(reading, own.tls.clone().or_else(neighbours));
        if tls == own.tls { Arc::clone(own) } else { Arc::new(BackendPolicy { tls, ..BackendPolicy::clone(own) }) }
    }

    /// The same with the name that a snippet of the Ingress, else that of the host from its namespace, tells. Certificates that
    /// are checked stay those for the name of the annotation.
    fn with_told_name(&self, reading: &Reading, tls: Option<Arc<UpstreamTls>>) -> Option<Arc<UpstreamTls>> {
        let speaks_tls = matches!(reading.policies.backend.protocol, Some(Protocol::Https | Protocol::AutoHttp | Protocol::Grpcs));
        let namespace = reading.origin.name.namespace();
        let of_host = || {
            let decides = self.claims.iter().map(|claim| &claim.reading).find(|other| other.policies.server_snippet.is_some())?;
            let snippet = decides.policies.server_snippet.as_ref()?;
            snippet.told_name().filter(|_| decides.origin.name.namespace() == namespace)
        };
        let Some(name) = reading.policies.told_name.as_ref().or_else(of_host).filter(|_| speaks_tls) else { return tls };
        if tls.as_ref().is_some_and(|tls| tls.verify.is_some()) {
            return tls;
        }
        let tls = tls.map(Arc::unwrap_or_clone).unwrap_or_default();
        Some(Arc::new(UpstreamTls { name: Some(name.clone()), tells_name: true, ..tls }))
    }

    /// That of the oldest one with authorities, else that of the youngest.
    fn tls_of_neighbours(&self, reading: &Reading) -> Option<Arc<UpstreamTls>> {
        let namespace = reading.origin.name.namespace();
        let neighbours = self.claims.iter().map(|claim| &claim.reading).filter(|other| other.origin.name.namespace() == namespace);
        let mut last = None;
        for tls in neighbours.map(|other| other.policies.backend.tls.as_ref()) {
            last = tls;
            // Versions are set where there are authorities.
            if tls.is_some_and(|tls| tls.versions.is_some()) {
                break;
            }
        }
        last.cloned()
    }
}
