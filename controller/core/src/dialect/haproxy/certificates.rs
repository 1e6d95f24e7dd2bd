//! The lists of certificates: which one is shown for which name.

use super::groups::key_of;
use super::{clients, view};
use crate::dialect::common::{authority_path, identity_path};
use crate::dialect::{Gather, Group, Parts, Piece, Place, Same};
use crate::model::{CertificateId, Feature, Host, HostCertificate, Model, digest_of};
use crate::names::{CipherList, HostAlias, HostPattern};
use std::collections::BTreeSet;

/// Where the key pair is.
pub(super) fn certificate_path(id: &CertificateId) -> String {
    format!("tls/{id}.pem")
}

/// The hosts whose certificate is decided. One that a TLS section names without a usable certificate has the default one,
/// even beside a wildcard with a better one; one that none names has that of its wildcard, which the proxy looks up.
pub(super) fn certificates(model: &Model, same: Same) -> Group<'_> {
    let further = files_of_servers(model);
    let shared = digest_of(&(&model.default_certificate, &further));
    Group {
        folder: "certificates",
        gather: Gather::Whole("tls/hosts.list"),
        template: "certificate.tera",
        place: Place::CertificateList,
        shared,
        is_same: same.hosts,
        parts: Parts::later(move || certificate_lines(model, further)),
    }
}

fn certificate_lines(model: &Model, further: Vec<(String, Option<String>)>) -> Parts<'_> {
    let claimed = model.hosts.values().filter(|host| host.pattern != HostPattern::CatchAll);
    let claimed: Vec<(&Host, &CertificateId)> = claimed
        .filter_map(|host| match &host.certificate {
            HostCertificate::Unclaimed if clients::asked_for(host).is_some() || ciphers_of(host).is_some() => {
                Some((&**host, clients::certificate(model, host)))
            }
            HostCertificate::Unclaimed => None,
            HostCertificate::Default => Some((&**host, &model.default_certificate)),
            HostCertificate::Own(id) => Some((&**host, id)),
        })
        .collect();
    let digest = |host: &Host, id| digest_of(&(host.digest, id));
    let pieces = claimed.iter().map(|&(host, id)| Piece { key: key_of(&host.pattern), digest: digest(host, id) });
    let more = further.iter().map(|file| Piece { key: "", digest: digest_of(file) });
    let pieces = pieces.chain(more).collect();
    Parts::new(pieces, move |number| {
        let Some(&(host, id)) = claimed.get(number) else {
            let (path, authority) = further[number - claimed.len()].clone();
            return view::nameless_certificate(path, authority);
        };
        let asked = clients::asked_for(host);
        view::certificate(certificate_path(id), certified_names(host), host.origin.as_ref(), asked, ciphers_of(host))
    })
}

/// Certificates that endpoints are shown, and authorities of theirs, each beside some certificate. HAProxy looks for what
/// `server` lines name where it runs: a certificate before 3.0, and an authority behind the first line that names the
/// file of the agent. What it knows already it does not look for, and lines of this list it reads beside the main file.
fn files_of_servers(model: &Model) -> Vec<(String, Option<String>)> {
    let identities = model.credentials.identities.keys().map(|id| (identity_path(id), None));
    let checks = model.backends.having(Feature::BackendPolicy).filter_map(|backend| backend.policy.tls.as_ref()?.verify.as_ref());
    let authorities: BTreeSet<String> = checks.map(|verify| authority_path(&verify.authority)).collect();
    let beside = certificate_path(&model.default_certificate);
    identities.chain(authorities.into_iter().map(|path| (beside.clone(), Some(path)))).collect()
}

/// The names that the certificate of a host is shown for.
fn certified_names(host: &Host) -> Vec<String> {
    let is_asked = clients::asked_for(host).is_some();
    let aliases = host.policy.aliases.iter().flatten().filter(|alias| alias.certified || is_asked);
    let names = aliases.filter(|alias| !matches!(alias.name, HostAlias::Regex(_))).map(|alias| alias.name.to_string());
    // HAProxy compares names as they are sent, also when they end in a dot.
    std::iter::once(host.pattern.to_string()).chain(names).flat_map(|name| [format!("{name}."), name]).collect()
}

/// The ciphers of a host's own.
fn ciphers_of(host: &Host) -> Option<&CipherList> {
    host.policy.tls.as_ref().and_then(|tls| tls.ciphers.as_ref())
}

/// The first certificate of all is the one for unknown names; its own names mean nothing.
pub(super) fn default_certificate(model: &Model) -> Group<'_> {
    let id = &model.default_certificate;
    let catch_all = model.hosts.get(&HostPattern::CatchAll);
    let asked = catch_all.and_then(|host| clients::asked_for(host));
    let ciphers = catch_all.and_then(|host| ciphers_of(host));
    Group {
        folder: "default-certificate",
        gather: Gather::Whole("tls/default.list"),
        template: "certificate.tera",
        place: Place::CertificateList,
        shared: 0,
        is_same: false,
        parts: Parts::later(move || {
            let piece = Piece { key: "", digest: digest_of(&(id, asked, ciphers)) };
            Parts::new(vec![piece], move |_| view::certificate(certificate_path(id), vec![view::NO_NAME.to_owned()], None, asked, ciphers))
        }),
    }
}
