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

/// What the handshakes for a host without a certificate of its own are answered with: that of its wildcard sibling, or the
/// default one.
pub(super) fn certificate<'m>(model: &'m Model, host: &Host) -> &'m CertificateId {
    let parent = if let HostPattern::Exact(name) = &host.pattern { name.as_str().split_once('.').map(|(_, parent)| parent) } else { None };
    let is_sibling = |pattern: &HostPattern| matches!(pattern, HostPattern::Wildcard(name) if Some(name.as_str()) == parent);
    let sibling = model.hosts.iter().find(|(pattern, _)| is_sibling(pattern)).map(|(_, host)| &host.certificate);
    if let Some(HostCertificate::Own(id)) = sibling { id } else { &model.default_certificate }
}
