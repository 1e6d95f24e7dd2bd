//! What is rendered piece by piece: sections, and the lines of maps and certificate lists.

use super::clients;
use super::sections::{Context, Key};
use super::sources::{self, Source};
use super::view::{self, Line};
use crate::dialect::common::{authority_path, identity_path};
use crate::dialect::{Gather, Group, Memory, Parts, Piece, Place, Same, Version};
use crate::model::{CertificateId, Feature, Host, HostCertificate, Listeners, Model, Passthrough, PathMatch, Transport, digest_of};
use crate::names::{CipherList, HostAlias, HostName, HostPattern, RouteRegex};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where the key pair is.
pub(super) fn certificate_path(id: &CertificateId) -> String {
    format!("tls/{id}.pem")
}

/// All groups.
pub(super) fn groups<'m>(model: &'m Model, version: Version, memory: &mut Memory) -> Vec<Group<'m>> {
    let context = Arc::new(Context::new(model));
    let same = memory.compare(model);
    let mut groups = vec![
        sections(model, (&context, &mut memory.haproxy), version),
        names(model, ("hosts", "maps/hosts.map"), same),
        names(model, ("wildcards", "maps/wildcards.map"), same),
        paths(model, &context, ("exact", "maps/exact.map"), same),
        paths(model, &context, ("prefix", "maps/prefix.map"), same),
        expressions(model, &context),
        aliases(model),
        canaries(model, &context),
        certificates(model, same),
        default_certificate(model),
        streams(model),
    ];
    if model.globals.listeners.passthrough_port.is_some() {
        groups.extend([passed(model), passed_names(model)]);
    }
    groups
}

fn sections<'m>(model: &'m Model, (context, memory): (&Arc<Context<'m>>, &mut sources::Memory), version: Version) -> Group<'m> {
    let sections = memory.sources(model, context);
    let key = |source: &Source<'m>| source.backend.map_or("", |id| id.as_str());
    let (shared, context) = (digest_of(&(&*model.globals, &**context)), Arc::clone(context));
    Group {
        folder: "sections",
        gather: Gather::Beside("sections"),
        template: "backend.tera",
        place: Place::Hosts,
        shared,
        is_same: false,
        parts: Parts::later(move || {
            let pieces = sections.iter().map(|(source, digest)| Piece { key: key(source), digest: *digest }).collect();
            Parts::new(pieces, move |number| view::section(&sections[number].0.section(model, &context), &model.globals, version))
        }),
    }
}

/// Ports that are forwarded as they are; only TCP.
fn streams(model: &Model) -> Group<'_> {
    let parts = move || {
        let streams: Vec<_> = model.streams.values().filter(|stream| stream.transport == Transport::Tcp).collect();
        let pieces = streams.iter().map(|stream| Piece { key: &stream.name, digest: digest_of(stream) }).collect();
        Parts::new(pieces, move |number| view::stream(streams[number], &model.globals))
    };
    Group {
        folder: "streams",
        gather: Gather::Main,
        template: "stream.tera",
        place: Place::Streams,
        shared: digest_of(&*model.globals),
        is_same: false,
        parts: Parts::later(parts),
    }
}

/// Hosts whose TLS connections are passed on as they are.
fn passed(model: &Model) -> Group<'_> {
    let parts = move || {
        let hosts: Vec<(&HostName, &Passthrough)> = model.passthrough.iter().collect();
        let pieces = hosts.iter().map(|(name, passed)| Piece { key: name.as_str(), digest: digest_of(passed) }).collect();
        Parts::new(pieces, move |number| view::passed(hosts[number].0, hosts[number].1))
    };
    Group {
        folder: "passed",
        gather: Gather::Main,
        template: "passed.tera",
        place: Place::Streams,
        shared: 0,
        is_same: false,
        parts: Parts::later(parts),
    }
}

/// A line for each of them.
fn passed_names(model: &Model) -> Group<'_> {
    let parts = move || {
        let names: Vec<&HostName> = model.passthrough.keys().collect();
        let pieces = names.iter().map(|name| Piece { key: name.as_str(), digest: digest_of(name) }).collect();
        let line = move |number: usize| Line::new(names[number].to_string(), view::passthrough_id(names[number]));
        Parts::new(pieces, move |number| view::lines(vec![line(number)]))
    };
    map(("passthrough", "maps/passthrough.map"), 0, false, parts)
}

/// A line for each host of one kind.
fn names<'m>(model: &'m Model, (folder, path): (&'static str, &'static str), same: Same) -> Group<'m> {
    let is_own = move |pattern: &HostPattern| match pattern {
        HostPattern::Exact(_) => folder == "hosts",
        HostPattern::Wildcard(_) => folder == "wildcards",
        HostPattern::CatchAll => false,
    };
    let line = move |pattern: &HostPattern| match (pattern, folder) {
        (HostPattern::Exact(name), "hosts") => Some(Line::new(name.to_string(), name.to_string())),
        (HostPattern::Wildcard(parent), "wildcards") => Some(Line::new(format!(".{parent}"), pattern.to_string())),
        _ => None,
    };
    let of_alias = move |host: &HostPattern, alias: &HostAlias| match (alias, folder) {
        (HostAlias::Exact(name), "hosts") => Some(Line::new(name.to_string(), host.to_string())),
        _ => None,
    };
    let lines_of_host = move |host: &Host| {
        let aliases = host.policy.aliases.iter().flatten().filter_map(|alias| of_alias(&host.pattern, &alias.name));
        line(&host.pattern).into_iter().chain(aliases).collect::<Vec<_>>()
    };
    let has_lines = move |host: &Host| is_own(&host.pattern) || host.features.has(Feature::Aliases) && !lines_of_host(host).is_empty();
    let parts = move || {
        let hosts: Vec<&Arc<Host>> = model.hosts.values().filter(|host| has_lines(host)).collect();
        let pieces = hosts.iter().map(|host| Piece { key: key_of(&host.pattern), digest: host.digest });
        Parts::new(pieces.collect(), move |number| view::lines(lines_of_host(hosts[number])))
    };
    map((folder, path), 0, same.hosts, parts)
}

/// The lines of all routes of one kind of match, a piece for each host.
fn paths<'m>(model: &'m Model, context: &Arc<Context<'m>>, (folder, path): (&'static str, &'static str), same: Same) -> Group<'m> {
    let health = model.globals.listeners.health_check_path.as_str();
    let shared = digest_of(&(&**context, health));
    let context = Arc::clone(context);
    let parts = move || {
        let hosts: Vec<&Arc<Host>> = model.hosts.values().collect();
        let pieces = hosts.iter().map(|host| Piece { key: key_of(&host.pattern), digest: host.digest }).collect();
        Parts::new(pieces, move |number| {
            let host = hosts[number];
            let mut lines = lines_of(host, &context, folder == "exact");
            // Where paths are expressions, one of them takes every path.
            if host.pattern == HostPattern::CatchAll && folder == "prefix" && !is_of_expressions(host) {
                let taken = |path: &str| host.routes.iter().flat_map(|route| &route.matches).any(|m| m.text() == path);
                let own = [(health, "health"), (Listeners::STATUS_PATH, "status-page")];
                let own = own.into_iter().filter(|(path, name)| !taken(path) && (*name == "health" || *path != health));
                lines.extend(own.map(|(path, name)| Line::new(format!("_{path}"), name.to_owned())));
            }
            view::lines(lines)
        })
    };
    map((folder, path), shared, same.hosts, parts)
}

/// All routes of a host match by expressions, or none.
fn is_of_expressions(host: &Host) -> bool {
    matches!(host.routes.first().and_then(|route| route.matches.first()), Some(PathMatch::Regex(_)))
}

/// The lines of all routes of hosts of expressions, a piece for each host. The first that matches counts, and no two hosts
/// match the same texts.
fn expressions<'m>(model: &'m Model, context: &Arc<Context<'m>>) -> Group<'m> {
    let hosts: Vec<&Arc<Host>> = model.hosts.having(Feature::Expressions).filter(|host| is_of_expressions(host)).collect();
    let pieces = hosts.iter().map(|host| Piece { key: key_of(&host.pattern), digest: host.digest }).collect();
    let (shared, context) = (digest_of(&**context), Arc::clone(context));
    let view = move |number: usize| {
        let host: &'m Host = hosts[number];
        let begin = view::escaped(&host.pattern.to_string());
        let lines = host.routes.iter().flat_map(|route| {
            let name = context.value_of(host, route);
            let paths = route.matches.iter().filter_map(|m| if let PathMatch::Regex(path) = m { Some(path) } else { None });
            paths.map(|path| Line::expression(format!("^{begin}(?i:{})", behind(path)), name.clone())).collect::<Vec<_>>()
        });
        view::lines(lines.collect())
    };
    map(("expressions", "maps/expressions.map"), shared, false, move || Parts::new(pieces, view))
}

/// A path behind the name of its host. As nginx has it, only the first alternative is bound to the beginning of the path.
fn behind(path: &RouteRegex) -> String {
    let alternatives = path.alternatives();
    let (first, others) = alternatives.split_first().map_or(("", &[][..]), |(first, others)| (*first, others));
    let others = others.iter().map(|other| match other.strip_prefix('^') {
        Some(bound) => format!("|{bound}"),
        None => format!("|.*?(?:{other})"),
    });
    first.to_owned() + &others.collect::<String>()
}

/// A line for each alias that is an expression, or stands for any number of labels: these first, the longer before the
/// shorter, as nginx looks for them.
fn aliases(model: &Model) -> Group<'_> {
    let all = model
        .hosts
        .having(Feature::Aliases)
        .flat_map(|host| host.policy.aliases.iter().flatten().map(move |alias| (&host.pattern, &alias.name)));
    let mut found: Vec<(&HostPattern, &HostAlias)> = all.filter(|(_, alias)| !matches!(alias, HostAlias::Exact(_))).collect();
    found.sort_by_key(|(_, alias)| match alias {
        HostAlias::Wildcard(parent) => Reverse(parent.as_str().len()),
        HostAlias::Exact(_) | HostAlias::Regex(_) => Reverse(0),
    });
    let pieces = found.iter().map(|(pattern, alias)| Piece { key: key_of_alias(alias), digest: digest_of(&(pattern, alias)) }).collect();
    let view = move |number: usize| {
        let (pattern, alias) = found[number];
        let expression = match alias {
            HostAlias::Wildcard(parent) => format!("^.+[.]{}$", parent.as_str().replace('.', "[.]")),
            HostAlias::Exact(_) | HostAlias::Regex(_) => key_of_alias(alias).to_owned(),
        };
        view::lines(vec![Line::expression(expression, pattern.to_string())])
    };
    map(("aliases", "maps/aliases.map"), 0, false, move || Parts::new(pieces, view))
}

fn key_of_alias(alias: &HostAlias) -> &str {
    match alias {
        HostAlias::Exact(name) | HostAlias::Wildcard(name) => name.as_str(),
        HostAlias::Regex(expression) => expression.as_str(),
    }
}

/// A line for each section that a canary takes requests from. They are few, and one piece.
fn canaries<'m>(model: &'m Model, context: &Arc<Context<'m>>) -> Group<'m> {
    let digests: Vec<u128> = model.hosts.having(Feature::Canary).map(|host| host.digest).collect();
    let piece = (!digests.is_empty()).then(|| {
        let policies: Vec<u128> = model.backends.values().map(|backend| backend.policy.digest()).collect();
        Piece { key: "", digest: digest_of(&(digests, policies)) }
    });
    let shared = digest_of(&**context);
    let context = Arc::clone(context);
    let view = move |_| view::lines(view::canary_lines(model, &context));
    map(("canaries", "maps/canaries.map"), shared, false, move || Parts::new(piece.into_iter().collect(), view))
}

fn lines_of<'m>(host: &'m Host, context: &Context<'m>, exact: bool) -> Vec<Line> {
    let app_root = host.policy.app_root.as_ref().filter(|_| exact);
    let mut lines = Vec::new();
    if let Some(path) = app_root {
        lines.push(Line::new(format!("{}/", host.pattern), Key::of_app_root(path, host).name()));
    }
    for route in &host.routes {
        let matches = route.matches.iter().filter(|m| match m {
            PathMatch::Exact(_) => exact,
            PathMatch::Under(_) => !exact,
            PathMatch::Regex(_) => false,
        });
        // The root of the host is spoken for.
        let matches = matches.filter(|m| app_root.is_none() || m.text() != "/");
        let mut matches = matches.peekable();
        if matches.peek().is_some() {
            let name = context.value_of(host, route);
            lines.extend(matches.map(|m| Line::new(format!("{}{}", host.pattern, m.text()), name.clone())));
        }
    }
    lines
}

fn map<'m>(
    (folder, path): (&'static str, &'static str),
    shared: u128,
    is_same: bool,
    parts: impl FnOnce() -> Parts<'m> + Send + 'm,
) -> Group<'m> {
    Group { folder, gather: Gather::Whole(path), template: "map.tera", place: Place::Map, shared, is_same, parts: Parts::later(parts) }
}

/// The hosts whose certificate is decided. One that a TLS section names without a usable certificate has the default one,
/// even beside a wildcard with a better one; one that none names has that of its wildcard, which the proxy looks up.
fn certificates(model: &Model, same: Same) -> Group<'_> {
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
fn default_certificate(model: &Model) -> Group<'_> {
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

/// Decides the part of a file that a host goes to.
fn key_of(pattern: &HostPattern) -> &str {
    match pattern {
        HostPattern::CatchAll => "",
        HostPattern::Exact(name) | HostPattern::Wildcard(name) => name.as_str(),
    }
}
