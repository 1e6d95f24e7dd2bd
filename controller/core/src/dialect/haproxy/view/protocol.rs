//! What endpoints are spoken to in.

use super::section::rewrites;
use crate::dialect::common::{authority_path, identity_path};
use crate::dialect::haproxy::expression::Expression;
use crate::dialect::haproxy::sections::Section;
use crate::model::{Backend, Protocol, TlsVersions, UpstreamKeepalive};
use serde::Serialize;

/// What `fastcgi.tera` sees: endpoints that speak FastCGI.
#[derive(Debug, Serialize)]
pub(super) struct FastCgiView {
    index: Option<String>,
    /// The script that is asked for: the path, and the index behind a slash.
    directory: Expression,
    parameters: Vec<ParameterView>,
}

/// What was asked for.
const REQUEST_URI: &str = "REQUEST_URI";

/// The path that endpoints are asked for.
const SCRIPT_NAME: &str = "SCRIPT_NAME";

/// HAProxy (2.6 to 3.2) ends where `set-param` looks up an argument of the query itself: what is looked up is noted before
/// in a variable.
#[derive(Debug, Serialize)]
struct ParameterView {
    name: String,
    /// What is looked up for it, if anything is.
    noted: Option<NotedView>,
    value: Expression,
}

#[derive(Debug, Serialize)]
struct NotedView {
    variable: String,
    value: Expression,
}

impl ParameterView {
    fn new(number: usize, name: &str, value: Expression) -> Self {
        if !value.looks_up() {
            return Self { name: name.to_owned(), noted: None, value };
        }
        let variable = format!("parameter_{number}");
        let told = Expression::default().and_fetch(&format!("var(txn.{variable})"));
        Self { name: name.to_owned(), noted: Some(NotedView { variable, value }), value: told }
    }
}

impl FastCgiView {
    /// `None`: the endpoints do not speak FastCGI, or there are none: HAProxy refuses a section that has an application and
    /// no server of it. So the first endpoint needs a reload, as it is more than a new server.
    pub(super) fn of(section: &Section<'_>) -> Option<Self> {
        section.backend.filter(|backend| backend.policy.protocol == Some(Protocol::FastCgi) && !backend.endpoints.is_empty())?;
        let wish = section.policy.and_then(|policy| policy.fastcgi.clone()).unwrap_or_default();
        // One with a variable that is not known here is told by `lacks.rs`.
        let read = if rewrites(section) { Expression::of_moved } else { Expression::of };
        let parameters = wish.parameters.iter().enumerate();
        let parameters = parameters.filter_map(|(number, (name, value))| Some(ParameterView::new(number, name, read(value)?)));
        let mut parameters: Vec<ParameterView> = parameters.collect();
        let says = |own: &str| wish.parameters.iter().any(|(name, _)| name == own);
        let mut tell = |name: &str, variable: &str| {
            let value = Expression::default().and_fetch(&format!("var(txn.{variable})"));
            parameters.push(ParameterView { name: name.to_owned(), noted: None, value });
        };
        // HAProxy itself would say what has become of it.
        if rewrites(section) && !says(REQUEST_URI) {
            tell(REQUEST_URI, "asked");
        }
        // And would make the one of the other.
        if (rewrites(section) || says(REQUEST_URI)) && !says(SCRIPT_NAME) {
            tell(SCRIPT_NAME, "script");
        }
        let directory = Expression::default().and_fetch("path,url_dec").and(wish.index.as_deref().unwrap_or_default());
        Some(Self { index: wish.index, directory, parameters })
    }
}

/// What follows the address on every `server` line, beside what `default-server` says for all.
pub(super) fn server_options(backend: &Backend, over_tls: Option<bool>) -> Vec<String> {
    let mut options = match (backend.policy.protocol, over_tls) {
        (None | Some(Protocol::AutoHttp), None | Some(false)) => Vec::new(),
        (None | Some(Protocol::AutoHttp), Some(true)) | (Some(Protocol::Https), _) => tls_options(backend),
        (Some(Protocol::Grpc), _) => words("proto h2"),
        (Some(Protocol::Grpcs), _) => [tls_options(backend), words("alpn h2 proto h2")].concat(),
        (Some(Protocol::FastCgi), _) => words("proto fcgi"),
    };
    if let Some(keepalive) = &backend.policy.keepalive {
        let PoolView { connections, purge_delay, max_reuse } = PoolView::new(keepalive);
        options.extend(["pool-max-conn".to_owned(), connections.to_string(), "pool-purge-delay".to_owned(), purge_delay]);
        options.extend(max_reuse.into_iter().flat_map(|number| ["max-reuse".to_owned(), number]));
    }
    options
}

/// Idle connections of an endpoint.
#[derive(Debug, Serialize)]
pub(super) struct PoolView {
    connections: u64,
    purge_delay: String,
    /// How often one is used again, which only those of HTTP/2 count; `None`: as often as it likes.
    max_reuse: Option<String>,
}

impl PoolView {
    pub(super) fn new(keepalive: &UpstreamKeepalive) -> Self {
        let UpstreamKeepalive { connections, timeout_s, requests, time_s: _ } = *keepalive;
        Self {
            connections: connections.min(1 << 20),
            purge_delay: super::seconds(timeout_s),
            max_reuse: (requests != UpstreamKeepalive::default().requests).then(|| (requests.clamp(1, 1 << 30) - 1).to_string()),
        }
    }
}

/// How endpoints are spoken to over TLS.
fn tls_options(backend: &Backend) -> Vec<String> {
    let Some(tls) = &backend.policy.tls else { return words("ssl verify none") };
    let mut options = match &tls.verify {
        None => words("ssl verify none"),
        Some(verify) => {
            // Without a name it would be no matter whose certificate it is; no certificate is for that of the backend.
            let name = tls.name.as_ref().map_or_else(|| backend.id.to_string(), ToString::to_string);
            [words("ssl verify required ca-file"), vec![authority_path(&verify.authority), "verifyhost".to_owned(), name]].concat()
        }
    };
    let mut say = |keyword: &str, value: String| options.extend([keyword.to_owned(), value]);
    if let Some(identity) = &tls.identity {
        say("crt", identity_path(identity));
    }
    if let Some(name) = tls.name.as_ref().filter(|_| tls.tells_name) {
        say("sni", format!("str({name})"));
    }
    if let Some(ciphers) = &tls.ciphers {
        say("ciphers", ciphers.closed());
    }
    let (lowest, highest) = match tls.versions {
        Some(TlsVersions { tls12: true, tls13: true }) => ("TLSv1.2", "TLSv1.3"),
        Some(TlsVersions { tls12: true, tls13: false }) => ("TLSv1.2", "TLSv1.2"),
        Some(TlsVersions { tls12: false, tls13: true }) => ("TLSv1.3", "TLSv1.3"),
        Some(TlsVersions { tls12: false, tls13: false }) | None => return options,
    };
    say("ssl-min-ver", lowest.to_owned());
    say("ssl-max-ver", highest.to_owned());
    options
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}
