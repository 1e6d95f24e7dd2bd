//! What metrics tell about the objects of a revision; made when it goes live.

use super::maker::secret_of;
use crate::report::{KnownRoutes, Objects, Requests, RouteId, RouteLabels, ServedCertificate, ServedIngress};
use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::model::{Certificate, CertificateId, Host, HostCertificate, MapToken, Model, Route};
use gatewright_core::names::{HostPattern, Kind, ObjectName};
use gatewright_core::state::{Ingress, Leaf};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Certificates that were read for the revision before.
#[derive(Debug, Default)]
pub(super) struct Leaves(HashMap<CertificateId, (u128, Option<Arc<Leaf>>)>);

impl Leaves {
    /// What is told about a revision.
    pub(super) fn objects(&mut self, model: &Model, served: &[Arc<Ingress>], diagnostics: &[Diagnostic]) -> Objects {
        let missing = named(diagnostics, |code| code == Code::NoService);
        let empty = named(diagnostics, |code| {
            matches!(code, Code::NoPort | Code::NoEndpoints | Code::UnresolvedExternalName | Code::RefusedEndpoint)
        });
        let ingress = |ingress: &Arc<Ingress>| ServedIngress {
            name: ingress.meta.name.clone(),
            lacks_service: missing.contains(&ingress.meta.name),
            lacks_endpoint: empty.contains(&ingress.meta.name),
        };
        Objects { ingresses: served.iter().map(ingress).collect(), certificates: self.certificates(model) }
    }

    fn certificates(&mut self, model: &Model) -> Vec<ServedCertificate> {
        self.0.retain(|id, _| model.certificates.contains_key(id));
        let of_host = |(pattern, certificate): (&HostPattern, &HostCertificate)| match certificate {
            HostCertificate::Own(id) => Some(id.clone()),
            HostCertificate::Default => Some(model.default_certificate.clone()),
            HostCertificate::Unclaimed => (*pattern == HostPattern::CatchAll).then(|| model.default_certificate.clone()),
        };
        let hosts = model.hosts.iter().filter_map(|(pattern, host)| Some((pattern, of_host((pattern, &host.certificate))?)));
        let shown = hosts.filter_map(|(pattern, id)| {
            let certificate = model.certificates.get(&id)?;
            Some(ServedCertificate { host: pattern.to_string(), secret: secret_of(certificate), leaf: self.leaf(certificate)? })
        });
        shown.collect()
    }

    fn leaf(&mut self, certificate: &Certificate) -> Option<Arc<Leaf>> {
        let known = self.0.entry(certificate.id.clone()).or_insert((0, None));
        if known.1.is_none() || known.0 != certificate.digest {
            *known = (certificate.digest, Leaf::of_pem(&certificate.pem).map(Arc::new));
        }
        known.1.clone()
    }
}

/// The routes that requests were counted for in the revision before.
#[derive(Debug, Default)]
pub(super) struct Routes {
    token: MapToken<HostPattern, Host>,
    /// Sorted by pattern.
    hosts: Vec<(Arc<Host>, Box<[RouteId]>)>,
    known: KnownRoutes,
}

impl Routes {
    /// The routes that requests are counted for.
    pub(super) fn of(&mut self, model: &Model, requests: &Requests) -> KnownRoutes {
        if self.token.is_of(&model.hosts) {
            return self.known.clone();
        }
        let mut before = std::mem::take(&mut self.hosts).into_iter().peekable();
        for (pattern, host) in &model.hosts {
            let is_same = |(kept, _): &(Arc<Host>, Box<[RouteId]>)| Arc::ptr_eq(kept, host);
            while before.next_if(|kept| !is_same(kept) && kept.0.pattern < *pattern).is_some() {}
            let kept = before.next_if(is_same);
            self.hosts.push(kept.unwrap_or_else(|| (Arc::clone(host), routes(host, requests))));
        }
        self.known = self.hosts.iter().flat_map(|(_, routes)| routes).copied().collect();
        self.token = model.hosts.token();
        self.known.clone()
    }
}

fn routes(host: &Host, requests: &Requests) -> Box<[RouteId]> {
    let host_name = host.pattern.to_string();
    let of_route = |route: &Route| {
        let (namespace, ingress) = route.origin.as_ref().map_or(("", ""), |origin| (origin.name.namespace(), origin.name.name()));
        let service = route.service.as_ref().map_or("", |service| &*service.service);
        let path = route.rule_path.as_str();
        let labels = RouteLabels { host: &host_name, namespace, ingress, service, path, canary: "" };
        let canary = route.canary.as_ref().map(|canary| requests.id(RouteLabels { canary: canary.backend.service_port(), ..labels }));
        std::iter::once(requests.id(labels)).chain(canary)
    };
    host.routes.iter().flat_map(of_route).collect()
}

fn named(diagnostics: &[Diagnostic], is_meant: impl Fn(Code) -> bool) -> HashSet<&ObjectName> {
    let meant = diagnostics.iter().filter(|diagnostic| is_meant(diagnostic.code));
    meant
        .filter_map(|diagnostic| diagnostic.object.as_ref())
        .filter(|object| object.kind == Kind::Ingress)
        .map(|object| &object.name)
        .collect()
}
