//! `backend` sections.

use super::client_auth::ClientAuthView;
use super::extra::{PATH, is_moved};
use super::guards::GuardsView;
use super::mirror::MirrorView;
use super::pages::PagesView;
use super::protocol::{FastCgiView, server_options};
use super::public::{AnsweredView, may_be_empty, unlogged_level};
use super::retries::RetriesView;
use super::route::{RouteView, TRIMMED_TARGET, escaped};
use super::spread::{ServerView, SpreadView, servers};
use super::unanswered;
use crate::dialect::Version;
use crate::dialect::haproxy::expression::{AS_ASKED, Expression};
use crate::dialect::haproxy::lacks::FILTERS_BESIDE_FASTCGI;
use crate::dialect::haproxy::log;
use crate::dialect::haproxy::received;
use crate::dialect::haproxy::sections::{Does, Section};
use crate::model::{Backend, ConnectionHeader, Globals, LocationRewrite, Protocol, RoutePolicy};
use crate::names::variable::LABELS;
use crate::names::{HeaderName, VariableText};
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// What `backend.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct SectionView<'m> {
    name: String,
    origin: Option<String>,
    /// What keeps its requests out of the access log.
    log_level: Option<&'static str>,
    /// What log lines call the route.
    labels: Vec<LabelView<'m>>,
    /// Headers of all requests that name the route.
    named_requests: Vec<NamedView>,
    /// What headers of all answers say that name the route.
    named_answers: Vec<NamedView>,
    /// What was asked for is noted, since it is told once it has become something else.
    notes_asked: bool,
    /// Something tells what the path has become.
    tells_new_path: bool,
    /// What log lines tell of the query, once more.
    moved_notes: Vec<log::Note>,
    /// Headers of all requests that tell it.
    moved_requests: Vec<NamedView>,
    /// What headers of all answers say that tell it.
    moved_answers: Vec<NamedView>,
    https_redirect: Option<RedirectView>,
    /// The page of a redirect of ours, whose status is 302.
    found: String,
    /// Headers that texts look at.
    looked_at: BTreeSet<String>,
    /// Where the root of a host leads.
    app_root: Option<&'m str>,
    route: RouteView,
    /// Largest body that is taken at all; `None`: any.
    body_limit_bytes: Option<u64>,
    /// The page of a section that finds in a map that it has no endpoints.
    vacancy: Option<String>,
    client_auth: Option<ClientAuthView<'m>>,
    guards: Option<GuardsView>,
    pages: Option<PagesView>,
    answer: Option<AnswerView>,
    error: Option<ErrorView<'m>>,
    fastcgi: Option<FastCgiView>,
    mirror: Option<MirrorView>,
    forward: Option<ForwardView<'m>>,
}

#[derive(Debug, Serialize)]
struct RedirectView {
    status: u16,
    page: String,
    location: Expression,
}

impl RedirectView {
    fn new(keep_trailing_slash: bool, policy: Option<&RoutePolicy>, globals: &Globals) -> Self {
        let target = if keep_trailing_slash { "pathq" } else { TRIMMED_TARGET };
        let mut location = Expression::literal("https://").and_fetch("var(txn.bare_host)");
        if policy.is_some_and(|policy| policy.port_in_redirects == Some(true)) {
            location = location.and(&format!(":{}", globals.listeners.https_port));
        }
        let status = globals.https_redirect_status.0;
        Self { status, page: page(status), location: location.and_fetch(target) }
    }
}

#[derive(Debug, Serialize)]
struct AnswerView {
    status: u16,
    /// It is answered after the checks of who may pass.
    checked_first: bool,
    page: String,
}

/// What the default backend is told.
#[derive(Debug, Serialize)]
struct ErrorView<'m> {
    status: u16,
    headers: Vec<HeaderView<'m>>,
}

#[derive(Debug, Serialize)]
struct HeaderView<'m> {
    name: &'static str,
    value: &'m str,
}

/// The endpoints, and how they are asked.
#[derive(Debug, Serialize)]
struct ForwardView<'m> {
    /// Name for people: that of the Service port.
    upstream: &'m str,
    spread: SpreadView,
    /// What is noted before the first connection.
    timed_out: String,
    /// `None`: as for all.
    retries: Option<RetriesView>,
    location: Option<LocationView>,
    /// Backends are told which clients take trailers, as gRPC wants it.
    tells_trailers: bool,
    /// The connection is closed after the answer.
    closes: bool,
    /// What upgrades a connection is left out.
    upgrades_nothing: bool,
    /// Bytes per second of an answer.
    bandwidth: Option<u64>,
    servers: Vec<ServerView>,
    /// Further words of every `server` line.
    options: Vec<String>,
}

impl<'m> SectionView<'m> {
    pub(super) fn new(section: &Section<'m>, globals: &'m Globals, version: Version) -> Self {
        let key = &section.key;
        let turns_away = section.policy.is_some_and(RoutePolicy::turns_away);
        // Nobody to forward to, which the translator does not let happen: closed.
        let (answer, error) = match key.does {
            Does::Answer(status) => (Some(status), None),
            Does::AppRoot(_) => (None, None),
            _ if section.backend.is_none() => (Some(503), None),
            Does::Forward(_) => (None, None),
            Does::Error { status, labels, .. } => {
                let headers = [
                    ("X-Namespace", labels.namespace),
                    ("X-Ingress-Name", labels.ingress),
                    ("X-Service-Name", labels.service),
                    ("X-Service-Port", labels.port),
                ];
                let said = headers.into_iter().filter(|(_, value)| !value.is_empty());
                (None, Some(ErrorView { status, headers: said.map(|(name, value)| HeaderView { name, value }).collect() }))
            }
        };
        let fastcgi = FastCgiView::of(section);
        let is_alone = fastcgi.is_some() && version < FILTERS_BESIDE_FASTCGI;
        Self {
            name: key.name(),
            origin: section.origin.map(|origin| origin.name.to_string()),
            log_level: key.unlogged.then(|| unlogged_level(&globals.listeners)),
            labels: labels(section, globals),
            named_requests: named(&globals.request_headers, section, |_, header| header.to_string()),
            named_answers: named(&globals.response_headers, section, |number, _| AnsweredView::variable(number)),
            notes_asked: tells_asked(section, globals),
            moved_notes: if rewrites(section) { log::moved(&globals.access_log) } else { Vec::new() },
            tells_new_path: rewrites(section) && tells_path(section, globals),
            moved_requests: moved(&globals.request_headers, section, |_, header| header.to_string()),
            moved_answers: moved(&globals.response_headers, section, |number, _| AnsweredView::variable(number)),
            https_redirect: key.redirect.map(|keep| RedirectView::new(keep, section.policy, globals)),
            found: page(302),
            looked_at: received::looked_at(section.policy, section.backend.map(|backend| &**backend)),
            app_root: if let Does::AppRoot(path) = key.does { Some(path.as_str()) } else { None },
            route: RouteView::new(section, globals, version),
            body_limit_bytes: body_limit(section, globals),
            vacancy: section.looks_for_vacancy().then(|| page(503)),
            client_auth: ClientAuthView::new(section.client_auth, globals),
            guards: GuardsView::new(section, globals, is_alone),
            pages: if is_alone { None } else { PagesView::new(section, globals, version) },
            answer: answer.map(|status| AnswerView { status, checked_first: status == 404 && turns_away, page: page(status) }),
            error,
            fastcgi,
            mirror: if is_alone { None } else { MirrorView::new(section, globals) },
            forward: section.backend.map(|backend| ForwardView::new(section, backend, globals, version, is_alone)),
        }
    }
}

/// A word for a route, and the variable that keeps it.
#[derive(Debug, Serialize)]
struct LabelView<'m> {
    variable: String,
    value: &'m str,
}

/// Those that the format of the access log asks for. One without a value is not there.
fn labels<'m>(section: &Section<'m>, globals: &Globals) -> Vec<LabelView<'m>> {
    let Some((labels, path)) = section.named else { return Vec::new() };
    let all = [
        ("ingress_name", labels.ingress),
        ("location_path", path),
        ("namespace", labels.namespace),
        ("service_name", labels.service),
        ("service_port", labels.port),
    ];
    let is_asked = |name: &str| globals.access_log.format.as_ref().is_some_and(|format| format.uses(&[name]));
    let asked = all.into_iter().filter(|(name, value)| !value.is_empty() && is_asked(name));
    asked.map(|(name, value)| LabelView { variable: log::label(name), value }).collect()
}

/// A header or a variable, and what it says of a route.
#[derive(Debug, Serialize)]
struct NamedView {
    name: String,
    value: Expression,
    /// It may turn out to have no value, and a header is dropped then.
    may_be_empty: bool,
}

impl NamedView {
    /// `None`: it cannot be said.
    fn new(name: String, value: &VariableText) -> Option<Self> {
        Some(Self { name, value: Expression::of(value)?, may_be_empty: may_be_empty(value) })
    }
}

/// Headers of all routes that name the one that it is; the frontend, which writes the others, does not know it. `name`: what
/// their values are put into, by their numbers and names.
fn named(all: &[(HeaderName, VariableText)], section: &Section<'_>, name: fn(usize, &HeaderName) -> String) -> Vec<NamedView> {
    let Some((labels, path)) = &section.named else { return Vec::new() };
    let naming = all.iter().enumerate().filter(|(_, (_, text))| text.uses(LABELS));
    let view =
        |(number, (header, text)): (usize, &(HeaderName, VariableText))| NamedView::new(name(number, header), &labels.fill(text, path));
    naming.filter_map(view).collect()
}

/// Whether endpoints are asked for other paths than clients ask for.
pub(super) fn rewrites(section: &Section<'_>) -> bool {
    section.forwards() && section.policy.is_some_and(has_rewrites)
}

fn has_rewrites(policy: &RoutePolicy) -> bool {
    policy.rewrite.is_some() || policy.extra.as_ref().is_some_and(|extra| !extra.rewrites.is_empty())
}

/// What endpoints are picked by.
fn hash_key<'m>(section: &Section<'m>) -> Option<&'m VariableText> {
    section.backend.and_then(|backend| backend.policy.hash.as_ref()).map(|hash| &hash.key)
}

/// Scripts are always told what was asked for.
fn speaks_fastcgi(section: &Section<'_>) -> bool {
    section.backend.is_some_and(|backend| backend.policy.protocol == Some(Protocol::FastCgi))
}

/// Whether what was asked for is told where it may have become something else.
fn tells_asked(section: &Section<'_>, globals: &Globals) -> bool {
    let Some(policy) = section.policy.filter(|policy| has_rewrites(policy)) else { return false };
    let of_all = globals.request_headers.iter().chain(&globals.response_headers).map(|(_, text)| text);
    let headers = of_all.chain(policy.extra.iter().flat_map(|extra| extra.headers())).filter(|text| is_moved(text));
    let mut told = headers.chain(&policy.upstream_host).chain(hash_key(section));
    speaks_fastcgi(section) || told.any(|text| text.uses(AS_ASKED))
}

/// Whether a header or a log line tells the path.
fn tells_path(section: &Section<'_>, globals: &Globals) -> bool {
    let of_all = globals.request_headers.iter().chain(&globals.response_headers).map(|(_, text)| text);
    let of_route = section.policy.into_iter().flat_map(RoutePolicy::texts).chain(hash_key(section));
    let mut texts = of_all.chain(&globals.access_log.format).chain(of_route);
    texts.any(|text| text.uses(PATH))
}

/// Headers of all routes that tell what has become of path and query, as for [`named`]; the frontend knows only what these were.
fn moved(all: &[(HeaderName, VariableText)], section: &Section<'_>, name: fn(usize, &HeaderName) -> String) -> Vec<NamedView> {
    if !rewrites(section) {
        return Vec::new();
    }
    let (labels, path) = section.named.unwrap_or_default();
    let moved = all.iter().enumerate().filter(|(_, (_, text))| is_moved(text));
    let view = |(number, (header, text)): (usize, &(HeaderName, VariableText))| {
        let (text, may_be_empty) = (labels.fill(text, path), may_be_empty(text));
        Some(NamedView { name: name(number, header), value: Expression::of_moved(&text)?, may_be_empty })
    };
    moved.filter_map(view).collect()
}

/// Bodies are compared before the route answers anything, but not where the host as a whole answers, or the default
/// backend is told of an error.
///
/// HAProxy (2.6 to 3.2) counts the bytes of a body without a length in its buffer, and no further ones: behind `wait-for-body`,
/// 4097 bytes are more than 4096, and 2 MB are not more than 1 MiB. So such bodies are not limited, which is told.
fn body_limit(section: &Section<'_>, globals: &Globals) -> Option<u64> {
    if matches!(section.key.does, Does::AppRoot(_) | Does::Error { .. } | Does::Answer(403)) {
        return None;
    }
    let own = section.policy.and_then(|policy| policy.buffering.as_ref()).and_then(|wish| wish.body_limit_bytes);
    Some(own.unwrap_or(globals.body_limits.request_bytes).min(1 << 50)).filter(|&bytes| bytes > 0)
}

/// Our own page for a status.
pub(super) fn page(status: u16) -> String {
    known_page(status).unwrap_or_else(|| format!("<html><body><center><h1>{status}</h1></center></body></html>"))
}

/// The same for statuses that nginx has a page for, too.
pub(super) fn known_page(status: u16) -> Option<String> {
    let title = match status {
        301 => "301 Moved Permanently",
        302 => "302 Found",
        303 => "303 See Other",
        307 => "307 Temporary Redirect",
        308 => "308 Permanent Redirect",
        400 => "400 Bad Request",
        401 => "401 Authorization Required",
        402 => "402 Payment Required",
        403 => "403 Forbidden",
        404 => "404 Not Found",
        405 => "405 Not Allowed",
        406 => "406 Not Acceptable",
        408 => "408 Request Time-out",
        409 => "409 Conflict",
        410 => "410 Gone",
        411 => "411 Length Required",
        412 => "412 Precondition Failed",
        413 => "413 Request Entity Too Large",
        414 => "414 Request-URI Too Large",
        415 => "415 Unsupported Media Type",
        416 => "416 Requested Range Not Satisfiable",
        421 => "421 Misdirected Request",
        429 => "429 Too Many Requests",
        500 => "500 Internal Server Error",
        501 => "501 Not Implemented",
        502 => "502 Bad Gateway",
        503 => "503 Service Temporarily Unavailable",
        504 => "504 Gateway Time-out",
        505 => "505 HTTP Version Not Supported",
        507 => "507 Insufficient Storage",
        _ => return None,
    };
    Some(format!("<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"))
}

/// What becomes of headers that lead elsewhere: expressions, and what replaces them.
#[derive(Debug, Serialize)]
struct LocationView {
    location: (String, Expression),
    refresh: (String, Expression),
}

impl LocationView {
    /// As nginx does it, a place of the same host is told with scheme and host, unless such places are kept as they are.
    fn new(from: &str, to: &str, keep_relative: bool) -> Self {
        let from = escaped(from);
        let begin = if to.starts_with('/') && !keep_relative {
            Expression::default().and_fetch("ssl_fc,iif(https,http)").and("://").and_fetch("var(txn.received_host)")
        } else {
            Expression::default()
        };
        Self {
            location: (format!("^{from}(.*)$"), begin.and(to).and_group(1)),
            refresh: (format!("^((?i:.*url=)){from}(.*)$"), Expression::default().and_group(1).and(to).and_group(2)),
        }
    }
}

impl<'m> ForwardView<'m> {
    fn new(section: &Section<'m>, backend: &'m Backend, globals: &'m Globals, version: Version, is_alone: bool) -> Self {
        let policy = section.policy;
        let speed = policy.and_then(|policy| policy.bandwidth.as_ref());
        let own_retries = policy.and_then(|policy| policy.retries.as_ref());
        let wanted = own_retries.map_or_else(|| globals.retries.clone(), |own| own.over(&globals.retries));
        let retries = RetriesView::new(&wanted, version, Some(backend.endpoints.len() as u64));
        let location = policy.and_then(|policy| policy.location_rewrite.as_ref()).unwrap_or(&globals.location_rewrite);
        let connection = policy.and_then(|policy| policy.connection);
        Self {
            // Without the hash that makes it unique.
            upstream: backend.id.as_str().split_once('_').map_or("-", |(_, name)| name),
            spread: SpreadView::new(section, backend),
            timed_out: unanswered::mark(policy, &retries, globals, version),
            retries: (own_retries.is_some() || wanted.tries == 0).then_some(retries),
            location: match location {
                LocationRewrite::Off => None,
                LocationRewrite::Replace(from, to) => {
                    let keep_relative = policy.is_some_and(|policy| policy.relative_redirects == Some(true));
                    Some(LocationView::new(from, to, keep_relative || globals.relative_redirects))
                }
            },
            tells_trailers: matches!(backend.policy.protocol, Some(Protocol::Grpc | Protocol::Grpcs)),
            closes: connection == Some(ConnectionHeader::Close),
            upgrades_nothing: connection.is_some(),
            bandwidth: if is_alone { None } else { super::limits::bandwidth(speed, globals, version) },
            servers: servers(backend),
            options: server_options(backend, section.key.over_tls),
        }
    }
}

/// Name of an endpoint's server: letters, digits, `.`, `:` and `_`.
pub(super) fn server_name(endpoint: &SocketAddr) -> String {
    format!("{}_{}", endpoint.ip(), endpoint.port())
}
