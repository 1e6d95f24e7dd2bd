//! What the templates see: a field for everything they print or ask, chosen and sorted here.

mod addresses;
mod bind;
mod blocking;
mod canary;
mod client_auth;
mod compression;
mod external_auth;
mod extra;
mod form;
mod guards;
mod limits;
mod main;
mod mirror;
mod pages;
mod passthrough;
mod protocol;
mod public;
mod real_ip;
mod retries;
mod route;
mod section;
mod spread;
mod stream;
mod unanswered;

pub(super) use canary::lines as canary_lines;
pub(super) use client_auth::{error_path_lines, hosts_with_error_paths};
pub(super) use limits::has_bandwidth;
pub(super) use main::main;
pub(super) use passthrough::id as passthrough_id;
pub(super) use route::escaped;

use super::sections::Section;
use crate::dialect::Version;
use crate::dialect::common::{authority_path, revocations_path};
use crate::model::{ClientCertificates, Globals, Passthrough, Stream};
use crate::names::{CipherList, HostName, ObjectRef};
use serde::Serialize;

/// What one template sees.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct View<'m>(Of<'m>);

/// One for each template that is rendered by itself.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Of<'m> {
    Main(Box<main::MainView<'m>>),
    Section(Box<section::SectionView<'m>>),
    Lines(LinesView),
    Stream(stream::StreamView<'m>),
    Passed(passthrough::PassedView),
    Certificate(CertificateView),
}

/// Lines of a map.
#[derive(Debug, Serialize)]
struct LinesView {
    lines: Vec<Line>,
}

/// A line of a map.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) key: String,
    pub(super) value: String,
    /// The key is a regular expression.
    pub(super) is_expression: bool,
}

impl Line {
    /// A line with a key that is compared as it is.
    pub(super) const fn new(key: String, value: String) -> Self {
        Self { key, value, is_expression: false }
    }

    /// A line with a regular expression as its key.
    pub(super) const fn expression(key: String, value: String) -> Self {
        Self { key, value, is_expression: true }
    }
}

/// A line of a certificate list.
#[derive(Debug, Serialize)]
struct CertificateView {
    path: String,
    filters: Vec<String>,
    origin: Option<String>,
    /// Where the authority of clients' certificates is, and what it has revoked.
    authority: Option<String>,
    revocations: Option<String>,
    ciphers: Option<String>,
}

/// The view of a section.
pub(super) fn section<'m>(section: &Section<'m>, globals: &'m Globals, version: Version) -> crate::dialect::View<'m> {
    haproxy(Of::Section(Box::new(section::SectionView::new(section, globals, version))))
}

/// The view of a port that is forwarded as it is.
pub(super) fn stream<'m>(stream: &'m Stream, globals: &Globals) -> crate::dialect::View<'m> {
    haproxy(Of::Stream(stream::StreamView::new(stream, globals)))
}

/// The view of a host whose TLS connections are passed on as they are.
pub(super) fn passed<'m>(name: &HostName, passed: &Passthrough) -> crate::dialect::View<'m> {
    haproxy(Of::Passed(passthrough::PassedView::new(name, passed)))
}

/// The view of lines of a map.
pub(super) fn lines<'m>(lines: Vec<Line>) -> crate::dialect::View<'m> {
    haproxy(Of::Lines(LinesView { lines }))
}

/// The line that says which names a certificate is for, and whether its clients need one, too.
pub(super) fn certificate<'m>(
    path: String,
    filters: Vec<String>,
    origin: Option<&ObjectRef>,
    clients: Option<&ClientCertificates>,
    ciphers: Option<&CipherList>,
) -> crate::dialect::View<'m> {
    haproxy(Of::Certificate(CertificateView {
        path,
        filters,
        origin: origin.map(|origin| origin.name.to_string()),
        authority: clients.map(|clients| authority_path(&clients.authority)),
        revocations: clients.filter(|clients| clients.has_revocations).map(|clients| revocations_path(&clients.authority)),
        ciphers: ciphers.map(CipherList::closed),
    }))
}

/// The names of a certificate that is shown for none of them.
pub(super) const NO_NAME: &str = "!*";

/// A line that only makes files known.
pub(super) fn nameless_certificate<'m>(path: String, authority: Option<String>) -> crate::dialect::View<'m> {
    let filters = vec![NO_NAME.to_owned()];
    haproxy(Of::Certificate(CertificateView { path, filters, origin: None, authority, revocations: None, ciphers: None }))
}

fn haproxy(of: Of<'_>) -> crate::dialect::View<'_> {
    crate::dialect::View::Haproxy(View(of))
}

/// What its clock of milliseconds can hold.
const MOST_SECONDS: u64 = 2_147_483;

/// Seconds as HAProxy writes them: at least one.
fn seconds(seconds: u64) -> String {
    format!("{}s", seconds.clamp(1, MOST_SECONDS))
}
