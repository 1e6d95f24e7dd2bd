//! What is rendered piece by piece and included by the main file: hosts, backends, lines of the certificate maps.

use super::features::Features;
use super::view::{self, HostContext};
use crate::dialect::{Gather, Group, Memory, Parts, Piece, Place, Same, Version};
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
pub(super) fn groups<'m>(model: &'m Model, version: Version, memory: &mut Memory) -> Vec<Group<'m>> {
    let features = Features::of(version);
    let same = memory.compare(model);
    let mut groups = vec![
        backends(model, features, same),
        hosts((HOSTS, false), model, features, same),
        hosts((PATTERN_HOSTS, true), model, features, same),
        certificates((CERTIFICATES, false), model, same),
        certificates((WILDCARD_CERTIFICATES, true), model, same),
        streams(model),
    ];
    groups.extend(escape(model));
    groups.extend(passthrough(model));
    groups
}

fn has_pattern_alias(host: &Host) -> bool {
    host.policy.aliases.iter().flatten().any(|alias| !matches!(alias.name, HostAlias::Exact(_)))
}

/// Those with expressions among their aliases, or the others.
fn hosts<'m>((folder, by_pattern): (&'static str, bool), model: &'m Model, features: Features, same: Same) -> Group<'m> {
    let context = HostContext::new(model, features);
    let shared = digest_of(&context);
    let parts = move || {
        let by_name = |host: &&Arc<Host>| !host.features.has(Feature::Aliases) || !has_pattern_alias(host);
        let hosts: Vec<&Arc<Host>> = if by_pattern {
            model.hosts.having(Feature::Aliases).filter(|host| has_pattern_alias(host)).collect()
        } else {
            model.hosts.values().filter(by_name).collect()
        };
        let pieces = hosts.iter().map(|host| Piece { key: key_of(&host.pattern), digest: host.digest }).collect();
        Parts::new(pieces, move |number| view::host(hosts[number], &context))
    };
    Group {
        folder,
        gather: Gather::Included,
        template: "host.tera",
        place: Place::Hosts,
        shared,
        is_same: same.hosts,
        parts: Parts::later(parts),
    }
}

fn backends(model: &Model, features: Features, same: Same) -> Group<'_> {
    let keepalive = &model.globals.upstream_keepalive;
    let parts = move || {
        // nginx takes no upstream without servers.
        let backends: Vec<_> = model.backends.values().filter(|backend| !backend.endpoints.is_empty()).collect();
        let pieces = backends.iter().map(|backend| Piece { key: backend.id.as_str(), digest: backend.digest }).collect();
        Parts::new(pieces, move |number| view::backend(backends[number], keepalive, features))
    };
    Group {
        folder: BACKENDS,
        gather: Gather::Included,
        template: "backend.tera",
        place: Place::Hosts,
        shared: digest_of(keepalive),
        is_same: same.backends,
        parts: Parts::later(parts),
    }
}

fn streams(model: &Model) -> Group<'_> {
    let parts = move || {
        let streams: Vec<_> = model.streams.values().collect();
        let pieces = streams.iter().map(|stream| Piece { key: &stream.name, digest: digest_of(stream) }).collect();
        Parts::new(pieces, move |number| view::stream(streams[number], &model.globals))
    };
    Group {
        folder: STREAMS,
        gather: Gather::Included,
        template: "stream.tera",
        place: Place::Streams,
        shared: digest_of(&model.globals.listeners),
        is_same: false,
        parts: Parts::later(parts),
    }
}

/// One piece: its maps are blocks around all hosts.
fn passthrough(model: &Model) -> Option<Group<'_>> {
    view::passthrough(model)?;
    let piece = || Piece { key: "", digest: digest_of(&model.passthrough) };
    Some(Group {
        folder: PASSTHROUGH,
        gather: Gather::Included,
        template: "passthrough.tera",
        place: Place::Streams,
        shared: digest_of(&(&model.globals.listeners, &model.globals.forwarding)),
        is_same: false,
        parts: Parts::later(move || Parts::new(vec![piece()], |_| view::passthrough(model).expect("it was there before"))),
    })
}

/// Always the same text, so its one piece never changes.
fn escape(model: &Model) -> Option<Group<'_>> {
    view::escape(model)?;
    let piece = Piece { key: "", digest: 0 };
    Some(Group {
        folder: ESCAPE,
        gather: Gather::Included,
        template: "escape.tera",
        place: Place::Hosts,
        shared: 0,
        is_same: false,
        parts: Parts::later(move || Parts::new(vec![piece], |_| view::escape(model).expect("it was there before"))),
    })
}

/// Those of wildcards, or of exact names.
fn certificates<'m>((folder, of_wildcards): (&'static str, bool), model: &'m Model, same: Same) -> Group<'m> {
    let parts = move || {
        let claimed: Vec<Claimed<'m>> = claimed(model).filter(|claimed| claimed.is_wildcard == of_wildcards).collect();
        let pieces = claimed.iter().map(|claimed| Piece { key: claimed.name.as_str(), digest: digest_of(claimed) }).collect();
        Parts::new(pieces, move |number| {
            let Claimed { name, is_wildcard, certificate } = claimed[number];
            let pattern = if is_wildcard { HostPattern::Wildcard(name.clone()) } else { HostPattern::Exact(name.clone()) };
            view::certificate(&pattern, certificate)
        })
    };
    Group {
        folder,
        gather: Gather::Included,
        template: "certificate.tera",
        place: Place::Map,
        shared: digest_of(&model.default_certificate),
        is_same: same.hosts,
        parts: Parts::later(parts),
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
