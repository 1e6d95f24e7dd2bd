//! The public frontend: listeners, what is believed about a request, what of an answer passes.

use super::addresses;
use super::bind::{BindView, binds};
use super::blocking::{BlockingView, TextView};
use super::canary::{self, RulesView};
use super::client_auth::{ErrorPathsView, error_paths};
use super::compression::GzipView;
use super::main::target_bytes;
use super::real_ip::RealIpView;
use super::route::HeaderView;
use super::section::page;
use crate::dialect::Version;
use crate::dialect::common::{LOOKALIKES, hsts, is_header_name};
use crate::dialect::haproxy::credentials::ticket_key_path;
use crate::dialect::haproxy::expression::{Expression, header};
use crate::dialect::haproxy::log::LogLine;
use crate::dialect::haproxy::path_expressions::questions;
use crate::dialect::haproxy::sections::Context;
use crate::dialect::haproxy::{owned, received};
use crate::model::{Globals, Listeners, Model};
use crate::names::variable::LABELS;
use crate::names::{HeaderName, VariableText};
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

/// A version that refuses a NUL in a header.
const REFUSES_NUL: Version = Version(3, 0, 0);

/// What the templates of the frontend see.
#[derive(Debug, Serialize)]
pub(super) struct PublicView<'m> {
    binds: Vec<BindView>,
    ticket_key: Option<String>,
    http2: bool,
    reject_unknown_names: bool,
    /// This version takes a NUL in a header for one of its characters.
    takes_nul: bool,
    /// The most that path and query may have.
    target_bytes: u64,
    /// What is said of longer ones.
    too_long: String,
    /// What is said of a version of HTTP that has no lines of text.
    unknown_version: String,
    /// What is said of a request that may end elsewhere for others, and of one that is encoded in another way than in chunks.
    unclear: String,
    unknown_encoding: String,
    early_data: bool,
    proxy_protocol: bool,
    access_log: bool,
    /// What a line of it holds; `None`: the default format.
    line: Option<LogLine>,
    /// Where lines are sent; `None`: to standard output.
    syslog: Option<String>,
    /// Where every request is told to, for metrics.
    counted: Option<String>,
    /// The level of requests that are not logged.
    unlogged_level: &'static str,
    /// Targets of requests that are not logged.
    unlogged: Vec<TextView<'m>>,
    real_ip: Option<RealIpView>,
    for_header: &'m str,
    host_header: &'m str,
    trust_headers: bool,
    append_peer: bool,
    original_uri_header: bool,
    generate_request_id: bool,
    /// Headers that are kept as they came.
    received: Vec<ReceivedView>,
    https_port: u16,
    underscores_in_headers: bool,
    lookalikes: &'static [&'static str],
    retry_idempotent_only: bool,
    canaries: Vec<RulesView>,
    /// Some backends are spoken to over TLS if the client's connection is.
    any_auto: bool,
    /// Numbers of the questions whether it is known which expression of a host matches.
    questions: Vec<String>,
    blocking: BlockingView<'m>,
    /// Clients without a good certificate, where some host has another path for them.
    error_paths: Vec<ErrorPathsView>,
    request_headers: Vec<HeaderView>,
    response_headers: Vec<AnsweredView>,
    hidden_headers: Vec<&'m str>,
    server_header: bool,
    hsts: Option<String>,
    /// The variable that is there where a route says that itself; `None`: none does.
    own_hsts: Option<String>,
    gzip: Option<GzipView<'m>>,
    /// Who may see the status of the proxy, in lines of a bounded number; none: nobody.
    status_clients: Vec<Vec<String>>,
    status_path: &'static str,
}

/// A header, and the variable that keeps it.
#[derive(Debug, Serialize)]
pub(super) struct ReceivedView {
    pub(super) variable: String,
    pub(super) header: String,
}

impl ReceivedView {
    fn new(name: &str) -> Self {
        Self { variable: format!("received_{name}"), header: header(name.trim_start_matches("http_")) }
    }
}

impl<'m> PublicView<'m> {
    pub(super) fn new(model: &'m Model, context: &Context<'m>, version: Version) -> Self {
        let globals: &Globals = &model.globals;
        let owned = owned::of_all(model);
        let (listeners, forwarding) = (&globals.listeners, &globals.forwarding);
        Self {
            binds: binds(listeners),
            ticket_key: globals.tls.ticket_key.as_ref().map(ticket_key_path),
            http2: listeners.http2,
            reject_unknown_names: globals.tls.reject_unknown_names,
            takes_nul: version < REFUSES_NUL,
            target_bytes: target_bytes(globals),
            too_long: page(414),
            unknown_version: page(505),
            unclear: page(400),
            unknown_encoding: page(501),
            early_data: globals.tls.early_data,
            proxy_protocol: listeners.proxy_protocol,
            access_log: globals.access_log.enabled,
            line: globals.access_log.format.as_ref().map(|format| LogLine::of(format, globals.access_log.escape)),
            syslog: globals.access_log.syslog.map(|server| server.to_string()),
            counted: listeners.metrics_port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string()),
            unlogged_level: unlogged_level(listeners),
            unlogged: globals.access_log.skipped_targets.iter().map(TextView::new).collect(),
            real_ip: RealIpView::new(forwarding, listeners.proxy_protocol),
            for_header: header_name(&forwarding.for_header, "X-Forwarded-For"),
            host_header: header_name(&forwarding.host_header, "X-Forwarded-Host"),
            trust_headers: forwarding.trust_headers,
            append_peer: forwarding.append_peer,
            original_uri_header: forwarding.original_uri_header,
            generate_request_id: globals.request_ids.generate,
            received: received::needed(model).into_iter().map(ReceivedView::new).collect(),
            https_port: listeners.https_port,
            underscores_in_headers: globals.underscores_in_headers,
            lookalikes: LOOKALIKES,
            retry_idempotent_only: !globals.retries.non_idempotent,
            canaries: canary::rules(model, context),
            any_auto: context.has_auto_backends(),
            questions: (0..questions(model)).map(|number| number.to_string()).collect(),
            blocking: BlockingView::new(&globals.blocking),
            error_paths: error_paths(model),
            request_headers: headers(&globals.request_headers),
            response_headers: globals.response_headers.iter().enumerate().filter_map(|header| AnsweredView::new(header, &owned)).collect(),
            hidden_headers: globals.hidden_headers.iter().map(String::as_str).filter(|name| is_header_name(name)).collect(),
            server_header: globals.backend_server_header,
            hsts: globals.hsts.as_ref().map(hsts),
            own_hsts: owned.contains(owned::HSTS).then(|| owned::variable(owned::HSTS)),
            gzip: globals.gzip.then(|| GzipView::new(&globals.compression, version)),
            status_clients: addresses::lines(&listeners.status_clients),
            status_path: Listeners::STATUS_PATH,
        }
    }
}

/// Which level keeps a request out of the access log: what is counted is told all the same.
pub(super) const fn unlogged_level(listeners: &Listeners) -> &'static str {
    if listeners.metrics_port.is_some() { "debug" } else { "silent" }
}

/// A header of answers.
#[derive(Debug, Serialize)]
pub(super) struct AnsweredView {
    name: String,
    value: Expression,
    /// The value has to be looked up, which only the request allows: the variable that keeps it.
    said: Option<String>,
    /// The variable that is there where a route has this one itself; `None`: none has.
    own: Option<String>,
}

impl AnsweredView {
    fn new((number, (name, value)): (usize, &(HeaderName, VariableText)), owned: &BTreeSet<String>) -> Option<Self> {
        let own = Some(name.lower_case()).filter(|name| owned.contains(name)).map(|name| owned::variable(&name));
        let said = value.literal().is_none().then(|| Self::variable(number));
        Some(Self { name: name.to_string(), value: Expression::of(&of_no_route(value))?, said, own })
    }

    /// The variable that keeps what the header of this number says.
    pub(super) fn variable(number: usize) -> String {
        format!("public_{number}")
    }
}

/// What a text says where no route is known; the sections of routes put theirs in its place.
fn of_no_route(text: &VariableText) -> VariableText {
    text.filled(|name| LABELS.contains(&name).then_some(""))
}

/// Headers for all routes. Translation has nothing in place of values that cannot be said; with one no client says the header.
fn headers(all: &[(HeaderName, VariableText)]) -> Vec<HeaderView> {
    let view = |(name, value): &(HeaderName, VariableText)| {
        let value = of_no_route(value);
        HeaderView::of(name.as_str(), Expression::of(&value).unwrap_or_default(), may_be_empty(&value))
    };
    all.iter().map(view).collect()
}

/// Whether a header may turn out to have no value. nginx sends none then.
pub(super) fn may_be_empty(value: &VariableText) -> bool {
    /// What every request has.
    const THERE: &[&str] = &[
        "best_http_host",
        "document_uri",
        "host",
        "msec",
        "pass_access_scheme",
        "pass_port",
        "remote_addr",
        "request_method",
        "request_uri",
        "scheme",
        "server_port",
        "server_protocol",
        "uri",
    ];
    value.literal().is_none() && value.may_be_empty() && !value.uses(THERE)
}

fn header_name<'m>(name: &'m str, fallback: &'m str) -> &'m str {
    if is_header_name(name) { name } else { fallback }
}
