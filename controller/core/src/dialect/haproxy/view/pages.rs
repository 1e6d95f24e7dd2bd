//! Pages of another backend in place of error answers of endpoints. HAProxy cannot ask for them; the agent does.

use super::form::Form;
use super::section::page;
use crate::dialect::Version;
use crate::dialect::haproxy::agent::WITH_LINES;
use crate::dialect::haproxy::expression::Expression;
use crate::dialect::haproxy::sections::{Pages, Section};
use crate::model::{Backend, Globals};
use serde::Serialize;
use std::sync::Arc;

/// What `route/pages.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct PagesView {
    /// Statuses that are replaced, in lines of a bounded number.
    replaced: Vec<Vec<u16>>,
    /// `None`: nobody writes pages.
    ask: Option<Expression>,
    /// Headers of the page, with the variable that holds them.
    headers: [(&'static str, &'static str); 4],
    /// Statuses that a page may have.
    statuses: Vec<u16>,
    missing: String,
}

/// Headers of a page that reach the client.
const HEADERS: [(&str, &str); 4] = [("Content-Type", "h0"), ("Location", "h1"), ("Cache-Control", "h2"), ("Retry-After", "h3")];

/// Statuses that a page may have beside those that it replaces.
const STATUSES: &[u16] = &[
    200, 201, 202, 204, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 413, 414, 415, 416, 418, 422, 429,
    431, 451, 500, 501, 502, 503, 504,
];

impl PagesView {
    /// `None`: endpoints speak for themselves.
    pub(super) fn new(section: &Section<'_>, globals: &Globals, version: Version) -> Option<Self> {
        /// Words of a line, of the 64 that HAProxy takes.
        const WORDS: usize = 50;
        let pages = section.key.pages?;
        let own = section.policy.and_then(|policy| policy.errors.as_ref()).map(|errors| &errors.statuses);
        let replaced = own.or(globals.custom_errors.as_ref().map(|errors| &errors.statuses))?;
        let mut statuses: Vec<u16> = STATUSES.iter().chain(replaced).copied().filter(|status| (200..=599).contains(status)).collect();
        statuses.sort_unstable();
        statuses.dedup();
        Some(Self {
            replaced: replaced.chunks(WORDS).map(<[u16]>::to_vec).collect(),
            ask: section.page_backend.map(|backend| form(backend, &pages, globals, version < WITH_LINES)),
            headers: HEADERS,
            statuses,
            missing: page(404),
        })
    }
}

fn form(backend: &Arc<Backend>, pages: &Pages<'_>, globals: &Globals, flat: bool) -> Expression {
    let labels = &pages.labels;
    let mut form =
        Form::to(Some(backend)).fetch("host", "var(txn.best_host)").fetch("method", "method").fetch("target", "var(txn.page_target)");
    form = form.fetch("set.X-Original-URI", "var(txn.asked)").fetch("set.X-Format", "req.fhdr(accept)").text("set.Accept-Encoding", "");
    for (name, value) in [
        ("set.X-Namespace", labels.namespace),
        ("set.X-Ingress-Name", labels.ingress),
        ("set.X-Service-Name", labels.service),
        ("set.X-Service-Port", labels.port),
    ] {
        form = form.text(name, value);
    }
    // It has to fit into a buffer, together with the rest of the answer.
    let bytes = super::main::buffer_bytes(globals) / 2;
    form = form.text("keep", &HEADERS.map(|(name, _)| name).join(",")).text("body", &bytes.to_string());
    if flat {
        form = form.text("flat", "1");
    }
    form.limited(globals)
}
