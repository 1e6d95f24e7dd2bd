//! Whether a snippet that is not applied was to keep somebody out. What it says is judged by what it means; what cannot be
//! read may have been a protection.

use super::Meaning;
use super::reader::{self, Directive};
use crate::model::{EarlyAnswer, Extra, Query, Satisfy};
use crate::names::TextPart;
use crate::settings::{LimitZones, SnippetKey};

/// Names, or beginnings of names that end with `_`, of directives that keep nobody out, whatever they say: they name
/// something, or concern answers and the way of requests to endpoints only.
const HARMLESS: &[&str] = &[
    "absolute_redirect",
    "access_log",
    "add_header",
    "add_trailer",
    "aio",
    "alias",
    "brotli",
    "brotli_",
    "charset",
    "charset_",
    "chunked_transfer_encoding",
    "client_body_buffer_size",
    "client_body_timeout",
    "client_header_buffer_size",
    "client_header_timeout",
    "default_type",
    "error_log",
    "error_page",
    "etag",
    "expires",
    "geo",
    "geoip2",
    "geoip2_",
    "geoip_",
    "gunzip",
    "gzip",
    "gzip_",
    "ignore_invalid_headers",
    "index",
    "js_set",
    "keepalive_",
    "large_client_header_buffers",
    "limit_conn_log_level",
    "limit_conn_status",
    "limit_conn_zone",
    "limit_rate",
    "limit_rate_after",
    "limit_req_log_level",
    "limit_req_status",
    "limit_req_zone",
    "log_format",
    "log_not_found",
    "lua_",
    "map",
    "map_hash_",
    "more_clear_headers",
    "more_set_headers",
    "open_file_cache",
    "open_file_cache_",
    "opentelemetry",
    "opentelemetry_",
    "otel_",
    "perl_set",
    "port_in_redirect",
    "proxy_buffer_size",
    "proxy_buffering",
    "proxy_buffers",
    "proxy_busy_buffers_size",
    "proxy_cache",
    "proxy_cache_",
    "proxy_connect_timeout",
    "proxy_cookie_",
    "proxy_headers_hash_",
    "proxy_hide_header",
    "proxy_http_version",
    "proxy_intercept_errors",
    "proxy_max_temp_file_size",
    "proxy_ignore_headers",
    "proxy_next_upstream",
    "proxy_next_upstream_",
    "proxy_no_cache",
    "proxy_pass_header",
    "proxy_read_timeout",
    "proxy_redirect",
    "proxy_request_buffering",
    "proxy_send_timeout",
    "proxy_ssl_name",
    "proxy_ssl_server_name",
    "resolver",
    "resolver_timeout",
    "rewrite_log",
    "root",
    "send_timeout",
    "sendfile",
    "server_name",
    "server_tokens",
    "split_clients",
    "sub_filter",
    "sub_filter_",
    "tcp_nodelay",
    "tcp_nopush",
    "try_files",
    "types_hash_",
    "underscores_in_headers",
    "upstream",
    "variables_hash_",
];

/// Whether a snippet for routes may keep somebody out of them.
pub(in crate::translate) fn may_keep_out(text: &str, zones: &LimitZones) -> bool {
    judged(text, zones).is_none_or(|meaning| meaning.keeps_out())
}

/// The same for what the service that decides is told: it may decide by that.
pub(in crate::translate) fn may_be_decided_by(text: &str, zones: &LimitZones) -> bool {
    judged(text, zones).is_none_or(|meaning| meaning.keeps_out() || !meaning.extra.request_headers.is_empty())
}

/// The same for what belongs to protections: how they are joined, too.
pub(in crate::translate) fn concerns_protections(text: &str, zones: &LimitZones) -> bool {
    judged(text, zones).is_none_or(|meaning| meaning.keeps_out() || meaning.satisfy.is_some())
}

/// Whether a snippet of the main ConfigMap says something of who is kept out.
pub(in crate::translate) fn key_protects(key: SnippetKey, text: &str) -> bool {
    key == SnippetKey::Auth || concerns_protections(text, &LimitZones::new())
}

/// What a text means beside all that is harmless; `None`: that is not known.
fn judged(text: &str, zones: &LimitZones) -> Option<Meaning> {
    let (directives, mut meaning) = (reader::read(text).ok()?, Meaning::default());
    meaning.learn(&directives);
    for directive in directives.iter().filter(|directive| !is_harmless(directive)) {
        meaning.directive(directive).ok()?;
    }
    meaning.finish(&directives, zones).ok()?;
    Some(meaning)
}

fn is_harmless(directive: &Directive) -> bool {
    let name = directive.name.as_str();
    is_elsewhere(directive) || HARMLESS.iter().any(|own| *own == name || (own.ends_with('_') && name.starts_with(own)))
}

/// Whether it is a server of its own, at ports where no route is: nobody comes to a route through it.
fn is_elsewhere(directive: &Directive) -> bool {
    let Some(block) = directive.block.as_ref().filter(|_| directive.name == "server") else { return false };
    let mut listens = block.iter().filter(|directive| directive.name == "listen").peekable();
    let port = |listen: &Directive| listen.arguments.first().and_then(|address| address.rsplit(':').next()?.parse::<u16>().ok());
    listens.peek().is_some() && listens.all(|listen| port(listen).is_some_and(|port| ![80, 443].contains(&port)))
}

impl Meaning {
    /// Whether somebody may get another answer than others, or none of an endpoint.
    pub(in crate::translate) fn keeps_out(&self) -> bool {
        let Extra { answers, rewrites, .. } = &self.extra;
        let chooses = rewrites.iter().any(|rewrite| rewrite.when.is_some());
        let limits = !self.rules.is_empty() || !self.limit_uses.is_empty() || self.satisfy == Some(Satisfy::All);
        chooses || limits || answers.iter().any(|answer| !only_moves(answer))
    }
}

/// Whether all that it does is to send everybody to another path of the same host, which has what was asked for in it.
fn only_moves(answer: &EarlyAnswer) -> bool {
    let starts_here = match answer.text.parts().first() {
        Some(TextPart::Text(text)) => text.starts_with('/') && !text.starts_with("//"),
        Some(TextPart::Group(_)) => true,
        _ => false,
    };
    answer.when.is_none() && answer.path.is_some() && answer.query == Query::Kept && starts_here && answer.text.has_groups()
}
