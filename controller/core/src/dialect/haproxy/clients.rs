//! Which handshakes ask clients for certificates.

use crate::model::{CertificateId, ClientAuth, ClientCertificates, Feature, Host, HostCertificate, Model, VerifyClient};
use crate::names::HostPattern;

/// How the certificates of a host's clients are checked, if they are asked for one.
pub(super) fn asked_for(host: &Host) -> Option<&ClientCertificates> {
    match &host.policy.client_auth {
        Some(ClientAuth::Checked(checked)) if checked.verify != VerifyClient::Off => Some(checked),
        _ => None,
    }
}

/// Whether any client is asked for one.
pub(super) fn any(model: &Model) -> bool {
    model.hosts.having(Feature::ClientAuth).any(|host| asked_for(host).is_some())
}

/// What the handshakes for a name without a certificate of its own are answered with: that of its wildcard sibling, or the
/// default one.
pub(super) fn certificate<'m>(model: &'m Model, name: &HostPattern) -> &'m CertificateId {
    let sibling = name.covering_wildcard().and_then(|wildcard| model.hosts.get(&wildcard));
    match sibling.map(|host| &host.certificate) {
        Some(HostCertificate::Own(id)) => id,
        _ => &model.default_certificate,
    }
}
