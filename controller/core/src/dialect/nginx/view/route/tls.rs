//! TLS to the endpoints of a route.

use super::super::host::HostContext;
use super::super::{between, on_off};
use crate::dialect::common::{authority_path, identity_path};
use crate::model::{Action, Protocol, Route, TlsVersions, UpstreamTls};
use serde::Serialize;

/// What `route/tls.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct UpstreamTlsView {
    /// The endpoints speak gRPC.
    grpc: bool,
    identity: Option<String>,
    authority: Option<String>,
    depth: u64,
    name: Option<String>,
    tells_name: &'static str,
    ciphers: Option<String>,
    versions: Vec<&'static str>,
}

impl UpstreamTlsView {
    /// `None`: there is nothing to say.
    pub(super) fn of(route: &Route, context: &HostContext<'_>) -> Option<Self> {
        let Action::Forward(id) = &route.action else { return None };
        let policy = &context.backend(id)?.policy;
        Some(Self::new(policy.tls.as_ref()?, policy.protocol))
    }

    fn new(tls: &UpstreamTls, protocol: Option<Protocol>) -> Self {
        Self {
            grpc: protocol == Some(Protocol::Grpcs),
            identity: tls.identity.as_ref().map(identity_path),
            authority: tls.verify.as_ref().map(|verify| authority_path(&verify.authority)),
            depth: tls.verify.as_ref().map_or(1, |verify| between(1, verify.depth.into(), 100)),
            name: tls.name.as_ref().map(ToString::to_string),
            tells_name: on_off(tls.tells_name),
            ciphers: tls.ciphers.as_ref().map(|ciphers| ciphers.closed()),
            versions: tls.versions.map(versions).unwrap_or_default(),
        }
    }
}

fn versions(versions: TlsVersions) -> Vec<&'static str> {
    let TlsVersions { tls12, tls13 } = versions;
    [(tls12, "TLSv1.2"), (tls13, "TLSv1.3")].into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect()
}
