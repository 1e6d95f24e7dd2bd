//! What is rendered piece by piece and included by the main file: hosts, backends, lines of the certificate maps.

use super::features::Features;
use super::view::{self, HostContext};
use crate::dialect::{Gather, Group, Memory, Piece, Place, Version};
use crate::model::{CertificateId, Feature, Host, HostCertificate, Model, digest_of};
use crate::names::{HostAlias, HostName, HostPattern};
use std::sync::Arc;

/// `server` blocks.
pub(super) const HOSTS: &str = "hosts";
/// `server` blocks of hosts that have expressions among their aliases. They stand behind all others, since nginx takes
/// the first expression that matches, and a host comes before an alias.
pub(super) const PATTERN_HOSTS: &str = "pattern-hosts";
/// `upstream` blocks.
pub(super) const BACKENDS: &str = "backends";
/// How targets of requests are encoded.
pub(super) const ESCAPE: &str = "escape";
/// Ports that are forwarded as they are.
pub(super) const STREAMS: &str = "streams";
/// TLS connections that are passed on as they are.
pub(super) const PASSTHROUGH: &str = "passthrough";
/// Certificates of exact names.
pub(super) const CERTIFICATES: &str = "certificates";
/// Certificates of wildcards.
pub(super) const WILDCARD_CERTIFICATES: &str = "wildcard-certificates";

/// Where the key pair is; the path never changes, so that a renewed one is served without a reload.
pub(super) fn certificate_path(id: &CertificateId) -> String {
    format!("tls/{id}.pem")
}

/// All groups.
pub(super) fn groups<'m>(model: &'m Model, version: Version, _: &mut Memory) -> Vec<Group<'m>> {
    let features = Features::of(version);
    let (exact, wildcards) = claimed(model).partition(|claimed| !claimed.is_wildcard);
    let by_pattern: Vec<_> = model.hosts.having(Feature::Aliases).filter(|host| has_pattern_alias(host)).collect();
    let is_by_name = |host: &&Arc<Host>| by_pattern.is_empty() || !has_pattern_alias(host);
    let hosts_by_name = model.hosts.values().filter(is_by_name).collect();
    let mut groups = vec![
        backends(model),
        hosts(HOSTS, hosts_by_name, model, features),
        hosts(PATTERN_HOSTS, by_pattern, model, features),
        certificates(CERTIFICATES, exact),
        certificates(WILDCARD_CERTIFICATES, wildcards),
        streams(model),
    ];
    groups.extend(escape(model));
    groups.extend(passthrough(model));
    groups
}

fn has_pattern_alias(host: &Host) -> bool {
    host.policy.aliases.iter().flatten().any(|alias| !matches!(alias.name, HostAlias::Exact(_)))
}

fn hosts<'m>(folder: &'static str, hosts: Vec<&'m Arc<Host>>, model: &'m Model, features: Features) -> Group<'m> {
    let context = HostContext::new(model, features);
    Group {
        folder,
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
    // nginx takes no upstream without servers.
    let backends: Vec<_> = model.backends.values().filter(|backend| !backend.endpoints.is_empty()).collect();
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

fn streams(model: &Model) -> Group<'_> {
    let streams: Vec<_> = model.streams.values().collect();
    Group {
        folder: STREAMS,
        gather: Gather::Included,
        template: "stream.tera",
        place: Place::Streams,
        shared: digest_of(&model.globals.listeners),
        pieces: streams.iter().map(|stream| Piece { key: &stream.name, digest: digest_of(stream) }).collect(),
        view: Box::new(move |number| view::stream(streams[number], &model.globals)),
    }
}

/// One piece: its maps are blocks around all hosts.
fn passthrough(model: &Model) -> Option<Group<'_>> {
    view::passthrough(model)?;
    Some(Group {
        folder: PASSTHROUGH,
        gather: Gather::Included,
        template: "passthrough.tera",
        place: Place::Streams,
        shared: digest_of(&(&model.globals.listeners, &model.globals.forwarding)),
        pieces: vec![Piece { key: "", digest: digest_of(&model.passthrough) }],
        view: Box::new(move |_| view::passthrough(model).expect("it was there before")),
    })
}

/// Always the same text, so its one piece never changes.
fn escape(model: &Model) -> Option<Group<'_>> {
    view::escape(model)?;
    Some(Group {
        folder: ESCAPE,
        gather: Gather::Included,
        template: "escape.tera",
        place: Place::Hosts,
        shared: 0,
        pieces: vec![Piece { key: "", digest: 0 }],
        view: Box::new(move |_| view::escape(model).expect("it was there before")),
    })
}

fn certificates<'m>(folder: &'static str, claimed: Vec<Claimed<'m>>) -> Group<'m> {
    Group {
        folder,
        gather: Gather::Included,
        template: "certificate.tera",
        place: Place::Map,
        shared: 0,
        pieces: claimed.iter().map(|claimed| Piece { key: claimed.name.as_str(), digest: digest_of(claimed) }).collect(),
        view: Box::new(move |number| {
            let Claimed { name, is_wildcard, certificate } = claimed[number];
            let pattern = if is_wildcard { HostPattern::Wildcard(name.clone()) } else { HostPattern::Exact(name.clone()) };
            view::certificate(&pattern, certificate)
        }),
    }
}

/// A name whose certificate is decided; a wildcard's is that of the name below.
#[derive(Clone, Copy, Hash)]
struct Claimed<'m> {
    name: &'m HostName,
    is_wildcard: bool,
    certificate: &'m CertificateId,
}

/// The names whose certificate is decided: hosts, and aliases that the certificate of their host is for. A host that a TLS
/// section names without a usable certificate has the default one, even beside a wildcard with a better one; one that none
/// names has that of its wildcard, which the proxy looks up.
fn claimed(model: &Model) -> impl Iterator<Item = Claimed<'_>> {
    model.hosts.values().flat_map(|host| {
        let certificate = match &host.certificate {
            HostCertificate::Unclaimed => None,
            HostCertificate::Default => Some(&model.default_certificate),
            HostCertificate::Own(id) => Some(id),
        };
        let aliases = host.policy.aliases.iter().flatten().filter(|alias| alias.certified);
        let names = std::iter::once(name_of_host(&host.pattern)).chain(aliases.map(|alias| name_of_alias(&alias.name))).flatten();
        names.filter_map(move |(name, is_wildcard)| Some(Claimed { name, is_wildcard, certificate: certificate? }))
    })
}

fn name_of_host(pattern: &HostPattern) -> Option<(&HostName, bool)> {
    match pattern {
        HostPattern::CatchAll => None,
        HostPattern::Exact(name) => Some((name, false)),
        HostPattern::Wildcard(parent) => Some((parent, true)),
    }
}

fn name_of_alias(alias: &HostAlias) -> Option<(&HostName, bool)> {
    match alias {
        HostAlias::Exact(name) => Some((name, false)),
        HostAlias::Wildcard(parent) => Some((parent, true)),
        HostAlias::Regex(_) => None,
    }
}

/// Decides the file that a host goes to.
fn key_of(pattern: &HostPattern) -> &str {
    match pattern {
        HostPattern::CatchAll => "",
        HostPattern::Exact(name) | HostPattern::Wildcard(name) => name.as_str(),
    }
}
