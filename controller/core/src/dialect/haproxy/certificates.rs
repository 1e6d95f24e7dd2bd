//! The lists of certificates: which one is shown for which name.

use super::groups::key_of;
use super::{clients, view};
use crate::dialect::common::{authority_path, identity_path};
use crate::dialect::{Gather, Group, Parts, Piece, Place, Same};
use crate::model::{Alias, CertificateId, Feature, Host, HostCertificate, Model, digest_of};
use crate::names::{CipherList, HostAlias, HostPattern};
use std::collections::BTreeSet;

/// Where the key pair is.
pub(super) fn certificate_path(id: &CertificateId) -> String {
    format!("tls/{id}.pem")
}

/// The names whose certificate is decided. A host that a TLS section names without a usable certificate has the default one,
/// even beside a wildcard with a better one; one that none names has that of its wildcard, which the proxy looks up. Where
/// unknown names are turned away, every known one is listed.
pub(super) fn certificates(model: &Model, same: Same) -> Group<'_> {
    let further = files_of_servers(model);
    let shared = digest_of(&(&model.default_certificate, &further, model.globals.tls.reject_unknown_names));
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

/// A certificate, and for whom it is shown: a host, or one alias of it.
struct Shown<'m> {
    id: &'m CertificateId,
    host: &'m Host,
    alias: Option<&'m HostAlias>,
}

impl<'m> Shown<'m> {
    fn of_host(model: &'m Model, host: &'m Host) -> Option<Self> {
        let is_listed = model.globals.tls.reject_unknown_names || clients::asked_for(host).is_some() || ciphers_of(host).is_some();
        let id = match &host.certificate {
            HostCertificate::Unclaimed if is_listed => clients::certificate(model, &host.pattern),
            HostCertificate::Unclaimed => return None,
            HostCertificate::Default => &model.default_certificate,
            HostCertificate::Own(id) => id,
        };
        Some(Self { id, host, alias: None })
    }

    /// Aliases that the host's own certificate is not for.
    fn of_aliases(model: &'m Model, host: &'m Host) -> Vec<Self> {
        let all = host.policy.aliases.iter().flatten();
        let others = all.filter(|alias| model.globals.tls.reject_unknown_names && !is_certified(host, alias));
        let shown = others.filter_map(|alias| {
            let pattern = match &alias.name {
                HostAlias::Exact(name) => HostPattern::Exact(name.clone()),
                HostAlias::Wildcard(parent) => HostPattern::Wildcard(parent.clone()),
                HostAlias::Regex(_) => return None,
            };
            Some(Self { id: clients::certificate(model, &pattern), host, alias: Some(&alias.name) })
        });
        shown.collect()
    }

    fn names(&self) -> Vec<String> {
        self.alias.map_or_else(|| certified_names(self.host), |alias| dotted(alias.to_string()).into())
    }
}

fn certificate_lines(model: &Model, further: Vec<(String, Option<String>)>) -> Parts<'_> {
    let hosts = model.hosts.values().filter(|host| host.pattern != HostPattern::CatchAll);
    let shown: Vec<Shown<'_>> =
        hosts.flat_map(|host| Shown::of_host(model, host).into_iter().chain(Shown::of_aliases(model, host))).collect();
    let digest = |shown: &Shown<'_>| digest_of(&(shown.host.digest, shown.alias, shown.id));
    let pieces = shown.iter().map(|one| Piece { key: key_of(&one.host.pattern), digest: digest(one) });
    let more = further.iter().map(|file| Piece { key: "", digest: digest_of(file) });
    let pieces = pieces.chain(more).collect();
    Parts::new(pieces, move |number| {
        let Some(one) = shown.get(number) else {
            let (path, authority) = further[number - shown.len()].clone();
            return view::nameless_certificate(path, authority);
        };
        let asked = clients::asked_for(one.host);
        view::certificate(certificate_path(one.id), one.names(), one.host.origin.as_ref(), asked, ciphers_of(one.host))
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
    let aliases = host.policy.aliases.iter().flatten().filter(|alias| is_certified(host, alias));
    let names = aliases.filter(|alias| !matches!(alias.name, HostAlias::Regex(_))).map(|alias| alias.name.to_string());
    std::iter::once(host.pattern.to_string()).chain(names).flat_map(dotted).collect()
}

/// Whether the certificate of a host is the one of this alias of it, too.
fn is_certified(host: &Host, alias: &Alias) -> bool {
    alias.certified || clients::asked_for(host).is_some()
}

/// A name, as HAProxy compares it: as it is sent, which may end in a dot.
fn dotted(name: String) -> [String; 2] {
    [format!("{name}."), name]
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
