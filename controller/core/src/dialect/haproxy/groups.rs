//! What is rendered piece by piece: sections, and the lines of maps and certificate lists.

use super::certificates::{certificates, default_certificate};
use super::map_order;
use super::path_expressions;
use super::sections::{Context, Key};
use super::sources::Source;
use super::view::{self, Line};
use crate::dialect::{Gather, Group, Memory, Parts, Piece, Place, Same, Version};
use crate::model::{BackendId, Feature, Host, Listeners, Model, Passthrough, PathMatch, Transport, digest_of};
use crate::names::{HostAlias, HostName, HostPattern, TextRegex};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

/// All groups.
pub(super) fn groups<'m>(model: &'m Model, version: Version, memory: &mut Memory) -> Vec<Group<'m>> {
    let context = Arc::new(Context::new(model));
    let same = memory.compare(model);
    let sources = Arc::new(memory.haproxy.sources(model, &context));
    let mut groups = vec![
        sections(model, (&context, &sources), version),
        vacant(model, (&context, &sources)),
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
    if path_expressions::may_be_unknown(model) {
        groups.push(decided(model));
    }
    groups.extend(error_paths(model));
    if model.globals.listeners.passthrough_port.is_some() {
        groups.extend([passed(model), passed_names(model)]);
    }
    groups
}

/// Where all sections come from, and their content hashes.
type Sources<'m> = Arc<Vec<(Source<'m>, u128)>>;

fn sections<'m>(model: &'m Model, (context, sections): (&Arc<Context<'m>>, &Sources<'m>), version: Version) -> Group<'m> {
    let sections = Arc::clone(sections);
    let (shared, context) = (digest_of(&(&*model.globals, &**context)), Arc::clone(context));
    Group {
        folder: "sections",
        gather: Gather::Beside("sections"),
        template: "backend.tera",
        place: Place::Hosts,
        shared,
        is_same: false,
        parts: Parts::later(move || {
            let pieces = sections.iter().map(|(source, digest)| Piece { key: source.backend_key(), digest: *digest }).collect();
            Parts::new(pieces, move |number| view::section(&sections[number].0.section(model, &context), &model.globals, version))
        }),
    }
}

/// A line for each section without endpoints that has something to do with a request before it says so. Who else could tell, a
/// count of servers, may be 0 for a moment while one of them changes.
fn vacant<'m>(model: &'m Model, (context, sections): (&Arc<Context<'m>>, &Sources<'m>)) -> Group<'m> {
    let (sections, context) = (Arc::clone(sections), Arc::clone(context));
    let parts = move || {
        let empty: BTreeSet<&BackendId> = model.backends.having(Feature::Vacant).map(|backend| &backend.id).collect();
        let candidates = sections.iter().filter(|(source, _)| !empty.is_empty() && source.backend.is_some_and(|id| empty.contains(id)));
        let found: Vec<(Source<'m>, Key<'m>)> = candidates
            .map(|(source, _)| (source, source.section(model, &context)))
            .filter(|(_, section)| section.looks_for_vacancy())
            .map(|(source, section)| (*source, section.key))
            .collect();
        let pieces = found.iter().map(|(source, key)| Piece { key: source.backend_key(), digest: digest_of(key) }).collect();
        Parts::new(pieces, move |number| view::lines(vec![Line::new(found[number].1.name(), "vacant".to_owned())]))
    };
    map(("vacant", "maps/vacant.map"), 0, false, parts)
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
        view::lines(path_expressions::lines(host, |route| context.value_of(host, route)))
    };
    map(("expressions", "maps/expressions.map"), shared, false, move || Parts::new(pieces, view))
}

/// The lines of those where it may be unknown whether one matches.
fn decided(model: &Model) -> Group<'_> {
    let hosts: Vec<&Arc<Host>> = model.hosts.having(Feature::UnsureExpressions).filter(|host| is_of_expressions(host)).collect();
    let pieces = hosts.iter().map(|host| Piece { key: key_of(&host.pattern), digest: host.digest }).collect();
    let view = move |number: usize| view::lines(path_expressions::decided(hosts[number]));
    map(("decided", "maps/decided.map"), 0, false, move || Parts::new(pieces, view))
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
            // Names are compared in lower case, as nginx compares them with an expression without it.
            HostAlias::Regex(expression) => caseless(expression).bounded().into_owned(),
            HostAlias::Exact(_) => key_of_alias(alias).to_owned(),
        };
        view::lines(vec![Line::expression(expression, pattern.to_string())])
    };
    map(("aliases", "maps/aliases.map"), 0, false, move || Parts::new(pieces, view))
}

fn caseless(expression: &TextRegex) -> TextRegex {
    let has_capitals = expression.as_str().contains(|c: char| c.is_ascii_uppercase());
    let without = has_capitals.then(|| TextRegex::new(&format!("(?i){expression}")).ok()).flatten();
    without.unwrap_or_else(|| expression.clone())
}

fn key_of_alias(alias: &HostAlias) -> &str {
    match alias {
        HostAlias::Exact(name) | HostAlias::Wildcard(name) => name.as_str(),
        HostAlias::Regex(expression) => expression.as_str(),
    }
}

/// A line for each host where clients without a good certificate get another path; `None`: there is none.
fn error_paths(model: &Model) -> Option<Group<'_>> {
    let hosts: Vec<&Host> = view::hosts_with_error_paths(model).collect();
    let pieces: Vec<Piece<'_>> = hosts.iter().map(|host| Piece { key: key_of(&host.pattern), digest: host.digest }).collect();
    let is_needed = !pieces.is_empty();
    let view = move |number: usize| view::lines(view::error_path_lines(hosts[number]));
    is_needed.then(|| map(("error-paths", map_order::ERROR_PATHS), 0, false, move || Parts::new(pieces, view)))
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

/// Decides the part of a file that a host goes to.
pub(super) fn key_of(pattern: &HostPattern) -> &str {
    match pattern {
        HostPattern::CatchAll => "",
        HostPattern::Exact(name) | HostPattern::Wildcard(name) => name.as_str(),
    }
}
