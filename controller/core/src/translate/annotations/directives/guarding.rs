//! Whether a snippet that is not applied was to keep somebody out. What it says is judged by what it means; what cannot be
//! read may have been a protection.

use super::Meaning;
use super::lua;
use super::meaning::read_rest;
use super::others::is_named;
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

/// Names of directives that define what others limit by.
const ZONES: [&str; 2] = ["limit_conn_zone", "limit_req_zone"];

/// Whether a snippet for routes may keep somebody out of them.
pub(in crate::translate) fn may_keep_out(text: &str, zones: &LimitZones) -> bool {
    judged(text, zones).is_none_or(|meaning| meaning.keeps_out())
}

/// Directives of other modules that keep nobody out, whatever they say, named as those above: they concern answers, logs and
/// figures, or give other directives something to use.
const HARMLESS_ELSEWHERE: &[&str] = &[
    "js_body_filter",
    "js_fetch_",
    "js_header_filter",
    "js_import",
    "js_path",
    "js_shared_dict_zone",
    "js_var",
    "opentracing",
    "opentracing_",
    "vhost_traffic_status",
    "vhost_traffic_status_display",
    "vhost_traffic_status_display_",
    "vhost_traffic_status_filter",
    "vhost_traffic_status_filter_",
    "vhost_traffic_status_zone",
    "zstd",
    "zstd_",
];

/// The same of those that run Lua, each as a word, a file and a block.
const HARMLESS_LUA: &[&str] = &["body_filter_by_lua", "init_by_lua", "init_worker_by_lua", "log_by_lua"];

/// What is left of a snippet of the main ConfigMap, or of a class, without directives that keep nobody out, of which some have
/// no meaning here (`configmap-and-flags` 9): first only without those, then without any of them. Nothing is left of what is
/// no configuration.
pub(in crate::translate) fn rests(key: SnippetKey, text: &str, zones: &LimitZones) -> Vec<Meaning> {
    let Some(all) = without_those_of_others(text) else { return Vec::new() };
    // One may have its meaning by what stands in front of it, such as a variable.
    let mut meaning = Meaning::default();
    meaning.learn(&all);
    let has_meaning: Vec<bool> = all.iter().map(|directive| meaning.directive(directive).is_ok()).collect();
    let with_meaning = all.iter().zip(has_meaning).filter(|(directive, has_meaning)| *has_meaning || !is_harmless(directive));
    let first: Vec<Directive> = with_meaning.map(|(directive, _)| directive.clone()).collect();
    let second: Vec<Directive> = all.iter().filter(|directive| !is_harmless(directive)).cloned().collect();
    [first, second].into_iter().filter_map(|rest| read_rest(key, &rest, zones).ok()).collect()
}

/// Whether such a snippet that is not applied, not even in part, may keep somebody out of some route, or keep a header of
/// clients from endpoints, which may believe it. What is no configuration may have been a protection as well.
pub(in crate::translate) fn key_may_keep_out(text: &str, zones: &LimitZones) -> bool {
    let meaning = without_those_of_others(text).and_then(|directives| judged_of(&directives, zones));
    meaning.is_none_or(|meaning| meaning.tells_or_keeps_out())
}

/// The directives of a text that are none of other modules that keep nobody out; `None`: it is no configuration.
fn without_those_of_others(text: &str) -> Option<Vec<Directive>> {
    let mut directives = reader::read(&lua::without_code(text, HARMLESS_LUA)?).ok()?;
    directives.retain(|directive| !is_one_of(HARMLESS_ELSEWHERE, &directive.name));
    Some(directives)
}

/// The same for what the service that decides is told: it may decide by that.
pub(in crate::translate) fn may_be_decided_by(text: &str, zones: &LimitZones) -> bool {
    judged(text, zones).is_none_or(|meaning| meaning.tells_or_keeps_out())
}

/// The same for what belongs to protections: how they are joined, too.
pub(in crate::translate) fn concerns_protections(text: &str, zones: &LimitZones) -> bool {
    judged(text, zones).is_none_or(|meaning| meaning.keeps_out() || meaning.satisfy.is_some())
}

/// Whether a snippet of the main ConfigMap says something of who is kept out, or of what endpoints may believe, or defines
/// what others limit by.
pub(in crate::translate) fn key_protects(key: SnippetKey, text: &str) -> bool {
    let concerns = |meaning: Meaning| meaning.tells_or_keeps_out() || meaning.satisfy.is_some();
    let defines = |directive: &Directive| ZONES.contains(&&*directive.name);
    let read = reader::read(text).ok();
    key == SnippetKey::Auth || read.is_none_or(|all| all.iter().any(defines) || judged_of(&all, &LimitZones::new()).is_none_or(concerns))
}

/// What a text means beside all that is harmless; `None`: that is not known.
fn judged(text: &str, zones: &LimitZones) -> Option<Meaning> {
    judged_of(&reader::read(text).ok()?, zones)
}

fn judged_of(directives: &[Directive], zones: &LimitZones) -> Option<Meaning> {
    let mut meaning = Meaning::default();
    meaning.learn(directives);
    for directive in meaning.in_turn(directives).into_iter().filter(|directive| !is_harmless(directive)) {
        meaning.directive(directive).ok()?;
    }
    meaning.finish(directives, zones).ok()?;
    Some(meaning)
}

fn is_harmless(directive: &Directive) -> bool {
    // Only an error leads to a location with a name.
    let has_name = directive.name == "location" && directive.arguments.first().is_some_and(|own| own.starts_with('@'));
    has_name || is_elsewhere(directive) || is_one_of(HARMLESS, &directive.name)
}

/// Whether a name is among those of a list, or has one of its beginnings.
fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|own| is_named(own, name))
}

/// Whether it is a server of its own, at ports where no route is: nobody comes to a route through it.
pub(super) fn is_elsewhere(directive: &Directive) -> bool {
    let Some(block) = directive.block.as_ref().filter(|_| directive.name == "server") else { return false };
    let mut listens = block.iter().filter(|directive| directive.name == "listen").peekable();
    let port = |listen: &Directive| listen.arguments.first().and_then(|address| address.rsplit(':').next()?.parse::<u16>().ok());
    listens.peek().is_some() && listens.all(|listen| port(listen).is_some_and(|port| ![80, 443].contains(&port)))
}

impl Meaning {
    /// Whether it does, or endpoints are told something else than the client has said.
    fn tells_or_keeps_out(&self) -> bool {
        self.keeps_out() || !self.extra.request_headers.is_empty()
    }

    /// Whether somebody may get another answer than others, or none of an endpoint.
    pub(in crate::translate) fn keeps_out(&self) -> bool {
        let Extra { answers, rewrites, .. } = &self.extra;
        let chooses = rewrites.iter().any(|rewrite| rewrite.when.is_some()) || !self.searches.is_empty();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_defines_zones_or_tells_endpoints_something_is_worth_as_much_as_what_keeps_out() {
        let protects = |text: &str| key_protects(SnippetKey::Http, text);
        for text in
            ["limit_req_zone $remote_addr zone=a:1m rate=1r/s;", "more_clear_input_headers X-User;", "deny all;", "satisfy any;", "}"]
        {
            assert!(protects(text), "{text}");
        }
        assert!(!protects("add_header A b;") && key_protects(SnippetKey::Auth, "") && !protects(""));
    }

    #[test]
    fn a_snippet_for_all_that_cannot_be_read_is_skipped_only_where_all_of_it_is_known_to_keep_nobody_out() {
        let keeps_out = |text: &str| key_may_keep_out(text, &LimitZones::new());
        for open in [
            "vhost_traffic_status_zone;",
            "body_filter_by_lua_block { if ngx.status == 404 then return end }",
            "log_by_lua_block { local a = '}' -- }\n f({ [[ } ]], \"\\\"}\" }) }\nmore_set_headers 'A: b';",
            "init_by_lua_block { --[==[ } ]] ]==] local t = { {} } }",
            "log_by_lua 'f(\\'};\\')'; log_by_lua_file /etc/lua/log.lua; lua_shared_dict x 1m; lua_package_path '/etc/lua/?.lua;;';",
            "more_set_headers 'A: b';\nbrotli on; opentracing on; otel_trace on; geoip_country /x;",
            "js_import http.js; add_header X-Frame-Options DENY;",
            "map $http_x $y { default 1; } upstream x { server 192.0.2.1; } log_format x '$status';",
            "# body_filter_by_lua_block {\nadd_header X body_filter_by_lua_block;",
        ] {
            assert!(!keeps_out(open), "{open}");
        }
        for closed in [
            "add_header X \"a",
            "more_set_headers 'A: b';\nno_such_thing on;",
            "}",
            "rewrite_by_lua_block { ngx.exit(403) }",
            "server_rewrite_by_lua_block { ngx.exit(403) }",
            "content_by_lua_block { ngx.exit(403) }",
            "content_by_lua_file /etc/lua/login.lua;",
            "ssl_certificate_by_lua_block { ngx.exit(ngx.ERROR) }",
            "internal;",
            "js_content http.login;",
            "vhost_traffic_status_limit_traffic in:1G;",
            "allow 10.0.0.0/8; set_real_ip_from 192.0.2.1; real_ip_header X-Client;",
            "if ($cookie_user = '') { return 302 https://login.test/; } add_header X \"a;",
            "\"deny\" all; no_such_thing on;",
            "\"deny\" all; brotli on;",
            "body_filter_by_lua_block { a = '}",
            "body_filter_by_lua_block { } deny all;",
            "log_by_lua_file /etc/lua/log.lua",
            "log_by_lua_file /etc/lua/log.lua; deny all;",
            "log_by_lua_files x;",
            "header_filter_by_lua_block { ngx.exit(403) }",
            "header_filter_by_lua_file /etc/lua/a.lua;",
            "more_clear_input_headers X-User; brotli on;",
            "proxy_set_header X-User ''; vhost_traffic_status_zone;",
            "more_such x;",
            "body_filter_by_lua_block { -- }\n} deny all; log_by_lua_block {}",
            "deny 192.0.2.1; add_header X \"a",
            "allow all;\n}",
            "access_by_lua_block { ngx.exit(403) }",
            "auth_basic x;",
            "if ($geoip_country_code = XX) { return 403; }",
            "if ($bad) { return 403; } add_header X 'a",
            "deny 192.0.2.1;\nno_such_thing on;",
            "valid_referers none;",
            "modsecurity on;",
        ] {
            assert!(keeps_out(closed), "{closed}");
        }
        let page = "error_page 502 @maint; location @maint { return 503 '{}'; }";
        assert!(!may_keep_out(page, &LimitZones::new()) && may_keep_out("location /a { return 503; }", &LimitZones::new()));
        assert!(may_keep_out("no_such_thing on;", &LimitZones::new()), "an Ingress closes no more than its own hosts");
    }
}
