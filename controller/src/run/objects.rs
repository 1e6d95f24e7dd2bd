//! What metrics tell about the objects of a revision; made when it goes live.

use crate::report::{Objects, ServedCertificate, ServedIngress};
use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::model::{Certificate, CertificateId, HostCertificate, Model};
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
            Some(ServedCertificate { host: pattern.to_string(), secret: secret(certificate), leaf: self.leaf(certificate)? })
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

fn named(diagnostics: &[Diagnostic], is_meant: impl Fn(Code) -> bool) -> HashSet<&ObjectName> {
    let meant = diagnostics.iter().filter(|diagnostic| is_meant(diagnostic.code));
    meant
        .filter_map(|diagnostic| diagnostic.object.as_ref())
        .filter(|object| object.kind == Kind::Ingress)
        .map(|object| &object.name)
        .collect()
}

/// The Secret that a certificate names as its origin.
fn secret(certificate: &Certificate) -> Option<ObjectName> {
    ObjectName::parse(certificate.origin.strip_prefix("Secret ")?).ok()
}
