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
        let speaks_tls = matches!(own.protocol, Some(Protocol::Https | Protocol::AutoHttp));
        if own.tls.is_some() || !speaks_tls || reading.class.config.upstream_tls_by_route {
            return Arc::clone(own);
        }
        match self.tls_of_neighbours(reading) {
            Some(tls) => Arc::new(BackendPolicy { tls: Some(tls), ..BackendPolicy::clone(own) }),
            None => Arc::clone(own),
        }
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
