//! What is rendered piece by piece and included by the main file: hosts, backends, lines of the certificate maps.

use super::features::Features;
use super::view::{self, HostContext};
use crate::dialect::{Gather, Group, Piece, Place, Version};
use crate::model::{CertificateId, Host, HostCertificate, Model, digest_of};
use crate::names::HostPattern;
use std::sync::Arc;

/// `server` blocks.
pub(super) const HOSTS: &str = "hosts";
/// `upstream` blocks.
pub(super) const BACKENDS: &str = "backends";
/// Certificates of exact names.
pub(super) const CERTIFICATES: &str = "certificates";
/// Certificates of wildcards.
pub(super) const WILDCARD_CERTIFICATES: &str = "wildcard-certificates";

/// Where the key pair is; the path never changes, so that a renewed one is served without a reload.
pub(super) fn certificate_path(id: &CertificateId) -> String {
    format!("tls/{id}.pem")
}

/// All groups.
pub(super) fn groups(model: &Model, version: Version) -> Vec<Group<'_>> {
    let features = Features::of(version);
    let (exact, wildcards) = claimed(model).partition(|(host, _)| matches!(host.pattern, HostPattern::Exact(_)));
    vec![backends(model), hosts(model, features), certificates(CERTIFICATES, exact), certificates(WILDCARD_CERTIFICATES, wildcards)]
}

fn hosts(model: &Model, features: Features) -> Group<'_> {
    let context = HostContext::new(model, features);
    let hosts: Vec<&Arc<Host>> = model.hosts.values().collect();
    Group {
        folder: HOSTS,
        gather: Gather::Included,
        template: "host.tera",
        place: Place::Hosts,
        shared: digest_of(&context),
        pieces: hosts.iter().map(|host| Piece { key: key_of(&host.pattern), digest: host.digest }).collect(),
        view: Box::new(move |number| view::host(hosts[number], &context)),
    }
}

fn backends(model: &Model) -> Group<'_> {
    let keepalive = &model.globals.upstream_keepalive;
    let backends: Vec<_> = model.backends.values().collect();
    Group {
        folder: BACKENDS,
        gather: Gather::Included,
        template: "backend.tera",
        place: Place::Hosts,
        shared: digest_of(keepalive),
        pieces: backends.iter().map(|backend| Piece { key: backend.id.as_str(), digest: backend.digest }).collect(),
        view: Box::new(move |number| view::backend(backends[number], keepalive)),
    }
}

fn certificates<'m>(folder: &'static str, claimed: Vec<(&'m Host, &'m CertificateId)>) -> Group<'m> {
    Group {
        folder,
        gather: Gather::Included,
        template: "certificate.tera",
        place: Place::Map,
        shared: 0,
        pieces: claimed.iter().map(|(host, id)| Piece { key: key_of(&host.pattern), digest: digest_of(&(&host.pattern, id)) }).collect(),
        view: Box::new(move |number| view::certificate(&claimed[number].0.pattern, claimed[number].1)),
    }
}

/// The hosts whose certificate is decided. One that a TLS section names without a usable certificate has the default one,
/// even beside a wildcard with a better one; one that none names has that of its wildcard, which the proxy looks up.
fn claimed(model: &Model) -> impl Iterator<Item = (&Host, &CertificateId)> {
    model.hosts.values().filter(|host| host.pattern != HostPattern::CatchAll).filter_map(|host| match &host.certificate {
        HostCertificate::Unclaimed => None,
        HostCertificate::Default => Some((&**host, &model.default_certificate)),
        HostCertificate::Own(id) => Some((&**host, id)),
    })
}

/// Decides the file that a host goes to.
fn key_of(pattern: &HostPattern) -> &str {
    match pattern {
        HostPattern::CatchAll => "",
        HostPattern::Exact(name) | HostPattern::Wildcard(name) => name.as_str(),
    }
}
