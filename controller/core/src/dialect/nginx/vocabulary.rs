//! Which directives our templates may write, and where. Everything that loads code, reads files of others or runs
//! scripts is missing here, so a template (or a value that got through all other nets) cannot say it.

use super::grammar::{Directive, read};
use crate::dialect::{GrammarError, Place};
use crate::names::directive::touches_files_or_runs_code;

/// A context of nginx's grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Main,
    Events,
    Http,
    Server,
    Location,
    If,
    LocationIf,
    Upstream,
    Map,
    /// A map with all that belongs to it, and not only its lines.
    WholeMap,
    Geo,
    Split,
    Streams,
    StreamServer,
    StreamUpstream,
    StreamMap,
}

/// Checks a rendered file against the lists below.
///
/// # Errors
/// With the first directive that does not belong there.
pub(super) fn check(bytes: &[u8], place: Place) -> Result<(), GrammarError> {
    let context = match place {
        Place::Main => Context::Main,
        Place::Hosts => Context::Http,
        Place::Streams => Context::Streams,
        Place::Map | Place::CertificateList => Context::Map,
    };
    check_block(&read(bytes)?, context)
}

fn check_block(directives: &[Directive<'_>], context: Context) -> Result<(), GrammarError> {
    let mut is_raw = false;
    directives.iter().try_for_each(|directive| {
        let mark = directive.name == "set" && directive.args.first().is_some_and(|variable| variable == RAW);
        if mark && context == Context::Location {
            is_raw = directive.args.get(1).is_some_and(|word| word == "on");
            return Ok(());
        }
        if is_raw { check_raw(directive) } else { check_directive(directive, context) }
    })
}

/// Encloses what the operator lets an Ingress say as it is; nobody else can set it.
const RAW: &str = "$gw_raw";

/// What is said as it is reads no files, writes none and runs no code; translation says so to who writes it.
fn check_raw(directive: &Directive<'_>) -> Result<(), GrammarError> {
    let name = &*directive.name;
    if touches_files_or_runs_code(name) {
        return Err(GrammarError::about(directive.line, "nobody says the directive", name));
    }
    directive.block.iter().flatten().try_for_each(check_raw)
}

fn check_directive(directive: &Directive<'_>, context: Context) -> Result<(), GrammarError> {
    let refuse = |what| Err(GrammarError::about(directive.line, what, &directive.name));
    if directive.name == "include" && !directive.args.iter().all(|path| is_own_path(path)) {
        return refuse("a path that is not ours after");
    }
    if directive.name != "return" && directive.args.iter().any(|word| word.contains(char::is_control)) {
        return refuse("a control character in");
    }
    match (&directive.block, block_context(context, &directive.name)) {
        (Some(block), Some(inner)) => check_block(block, inner),
        (None, None) if may_say(context, &directive.name) => Ok(()),
        (Some(_), _) => refuse("no template opens the block"),
        (None, _) => refuse("no template says the directive"),
    }
}

/// Relative, inside the folder of the main file.
fn is_own_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_./".contains(&b);
    path.bytes().all(plain) && !path.starts_with('/') && !path.split('/').any(|part| part == "..")
}

fn block_context(context: Context, name: &str) -> Option<Context> {
    match (context, name) {
        (Context::Main, "events") => Some(Context::Events),
        (Context::Main, "http") => Some(Context::Http),
        (Context::Main, "stream") => Some(Context::Streams),
        (Context::Streams, "server") => Some(Context::StreamServer),
        (Context::Streams, "upstream") => Some(Context::StreamUpstream),
        (Context::Streams, "map") => Some(Context::StreamMap),
        (Context::Http, "server") => Some(Context::Server),
        (Context::Http, "upstream") => Some(Context::Upstream),
        (Context::Http, "map") => Some(Context::WholeMap),
        (Context::Http, "geo") => Some(Context::Geo),
        (Context::Http, "split_clients") => Some(Context::Split),
        (Context::Server, "location") => Some(Context::Location),
        (Context::Server, "if") => Some(Context::If),
        (Context::Location, "if") => Some(Context::LocationIf),
        _ => None,
    }
}

fn may_say(context: Context, name: &str) -> bool {
    match context {
        Context::Main => MAIN.contains(&name),
        Context::Events => EVENTS.contains(&name),
        Context::Http => HTTP.binary_search(&name).is_ok(),
        Context::Server => SERVER.contains(&name),
        Context::Location => LOCATION.contains(&name),
        Context::If => name == "return",
        Context::LocationIf => {
            ["access_log", "add_header", "expires", "fastcgi_pass", "grpc_pass", "proxy_pass", "return", "rewrite", "set"].contains(&name)
        }
        Context::Streams => STREAMS.contains(&name),
        Context::StreamServer => STREAM_SERVER.contains(&name),
        Context::StreamUpstream => name == "server",
        Context::StreamMap => name == "default" || is_map_key(name),
        Context::Upstream => UPSTREAM.contains(&name),
        Context::WholeMap if name == "volatile" => true,
        Context::WholeMap | Context::Map => MAP.contains(&name) || is_map_key(name),
        Context::Split => name == "*" || name.strip_suffix('%').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit() || b == b'.')),
        Context::Geo => name == "default" || name.parse::<ipnet::IpNet>().is_ok(),
    }
}

/// The empty key, a regular expression of ours, a literal behind a backslash, or a word no keyword can be: a scheme or number.
fn is_map_key(name: &str) -> bool {
    name.is_empty() || name.starts_with(['~', '\\']) || matches!(name, "http" | "https") || name.bytes().all(|b| b.is_ascii_digit())
}

const MAIN: &[&str] = &["error_log", "worker_cpu_affinity", "worker_processes", "worker_rlimit_nofile", "worker_shutdown_timeout"];
const EVENTS: &[&str] = &["debug_connection", "multi_accept", "worker_connections"];
const MAP: &[&str] = &["default", "hostnames", "include"];
const UPSTREAM: &[&str] = &["hash", "keepalive", "keepalive_requests", "keepalive_time", "keepalive_timeout", "random", "server"];

const STREAMS: &[&str] = &[
    "access_log",
    "include",
    "log_format",
    "map_hash_bucket_size",
    "map_hash_max_size",
    "proxy_next_upstream",
    "proxy_next_upstream_timeout",
    "proxy_next_upstream_tries",
    "proxy_responses",
    "proxy_timeout",
    "set_real_ip_from",
];
const STREAM_SERVER: &[&str] =
    &["access_log", "listen", "proxy_pass", "proxy_protocol", "proxy_timeout", "set_real_ip_from", "ssl_preread"];

/// Sorted.
const HTTP: &[&str] = &[
    "absolute_redirect",
    "access_log",
    "add_header",
    "client_body_buffer_size",
    "client_body_temp_path",
    "client_body_timeout",
    "client_header_buffer_size",
    "client_header_timeout",
    "client_max_body_size",
    "default_type",
    "fastcgi_temp_path",
    "gzip",
    "gzip_comp_level",
    "gzip_disable",
    "gzip_http_version",
    "gzip_min_length",
    "gzip_proxied",
    "gzip_types",
    "gzip_vary",
    "http2",
    "http2_max_concurrent_streams",
    "ignore_invalid_headers",
    "include",
    "keepalive_min_timeout",
    "keepalive_requests",
    "keepalive_timeout",
    "large_client_header_buffers",
    "limit_conn_status",
    "limit_conn_zone",
    "limit_rate",
    "limit_rate_after",
    "limit_req_status",
    "limit_req_zone",
    "log_format",
    "map_hash_bucket_size",
    "map_hash_max_size",
    "port_in_redirect",
    "proxy_buffer_size",
    "proxy_buffering",
    "proxy_buffers",
    "proxy_busy_buffers_size",
    "proxy_cache_path",
    "proxy_connect_timeout",
    "proxy_headers_hash_bucket_size",
    "proxy_headers_hash_max_size",
    "proxy_hide_header",
    "proxy_http_version",
    "proxy_ignore_headers",
    "proxy_intercept_errors",
    "proxy_max_temp_file_size",
    "proxy_next_upstream",
    "proxy_next_upstream_timeout",
    "proxy_next_upstream_tries",
    "proxy_pass_header",
    "proxy_read_timeout",
    "proxy_redirect",
    "proxy_request_buffering",
    "proxy_send_timeout",
    "proxy_set_header",
    "proxy_temp_path",
    "real_ip_header",
    "real_ip_recursive",
    "reset_timedout_connection",
    "root",
    "scgi_temp_path",
    "server_names_hash_bucket_size",
    "server_names_hash_max_size",
    "server_tokens",
    "set_real_ip_from",
    "ssl_buffer_size",
    "ssl_certificate_cache",
    "ssl_ciphers",
    "ssl_dhparam",
    "ssl_early_data",
    "ssl_ecdh_curve",
    "ssl_prefer_server_ciphers",
    "ssl_protocols",
    "ssl_session_cache",
    "ssl_session_ticket_key",
    "ssl_session_tickets",
    "ssl_session_timeout",
    "underscores_in_headers",
    "uwsgi_temp_path",
    "variables_hash_bucket_size",
    "variables_hash_max_size",
];

const SERVER: &[&str] = &[
    "access_log",
    "error_page",
    "listen",
    "proxy_set_header",
    "return",
    "server_name",
    "ssl_certificate",
    "ssl_certificate_key",
    "ssl_ciphers",
    "ssl_client_certificate",
    "ssl_crl",
    "ssl_prefer_server_ciphers",
    "ssl_reject_handshake",
    "ssl_session_cache",
    "ssl_verify_client",
    "ssl_verify_depth",
];

const LOCATION: &[&str] = &[
    "absolute_redirect",
    "access_log",
    "add_header",
    "allow",
    "auth_basic",
    "auth_basic_user_file",
    "auth_request",
    "auth_request_set",
    "charset",
    "client_body_buffer_size",
    "client_body_timeout",
    "client_max_body_size",
    "default_type",
    "deny",
    "error_page",
    "expires",
    "fastcgi_connect_timeout",
    "fastcgi_hide_header",
    "fastcgi_index",
    "fastcgi_param",
    "fastcgi_pass",
    "fastcgi_read_timeout",
    "fastcgi_send_timeout",
    "grpc_buffer_size",
    "gzip",
    "gzip_comp_level",
    "gzip_min_length",
    "gzip_proxied",
    "gzip_types",
    "gzip_vary",
    "grpc_connect_timeout",
    "grpc_hide_header",
    "grpc_next_upstream",
    "grpc_next_upstream_timeout",
    "grpc_next_upstream_tries",
    "grpc_pass",
    "grpc_read_timeout",
    "grpc_send_timeout",
    "grpc_set_header",
    "grpc_ssl_certificate",
    "grpc_ssl_certificate_key",
    "grpc_ssl_ciphers",
    "grpc_ssl_name",
    "grpc_ssl_protocols",
    "grpc_ssl_server_name",
    "grpc_ssl_trusted_certificate",
    "grpc_ssl_verify",
    "grpc_ssl_verify_depth",
    "internal",
    "limit_conn",
    "limit_conn_status",
    "limit_rate",
    "limit_rate_after",
    "limit_req",
    "limit_req_status",
    "mirror",
    "mirror_request_body",
    "port_in_redirect",
    "proxy_buffer_size",
    "proxy_buffering",
    "proxy_buffers",
    "proxy_busy_buffers_size",
    "proxy_cache",
    "proxy_cache_key",
    "proxy_cache_valid",
    "proxy_connect_timeout",
    "proxy_cookie_domain",
    "proxy_cookie_flags",
    "proxy_cookie_path",
    "proxy_hide_header",
    "proxy_http_version",
    "proxy_ignore_headers",
    "proxy_intercept_errors",
    "proxy_max_temp_file_size",
    "proxy_method",
    "proxy_next_upstream",
    "proxy_next_upstream_timeout",
    "proxy_next_upstream_tries",
    "proxy_pass",
    "proxy_pass_header",
    "proxy_pass_request_body",
    "proxy_read_timeout",
    "proxy_redirect",
    "proxy_request_buffering",
    "proxy_send_timeout",
    "proxy_set_header",
    "proxy_ssl_certificate",
    "proxy_ssl_certificate_key",
    "proxy_ssl_ciphers",
    "proxy_ssl_name",
    "proxy_ssl_protocols",
    "proxy_ssl_server_name",
    "proxy_ssl_trusted_certificate",
    "proxy_ssl_verify",
    "proxy_ssl_verify_depth",
    "return",
    "rewrite",
    "rewrite_log",
    "satisfy",
    "send_timeout",
    "set",
    "stub_status",
    "sub_filter",
    "sub_filter_once",
    "sub_filter_types",
    "try_files",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_list_is_sorted() {
        assert!(HTTP.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn directives_that_no_template_says_are_refused_by_line() {
        for (text, place, line) in [
            ("load_module x.so;", Place::Main, 1),
            ("http {\n  lua_package_path x;\n}", Place::Main, 2),
            ("server {\n location / {\n root /etc;\n } }", Place::Hosts, 3),
            ("server {\n location / {\n if ($a) {\n root /etc; } } }", Place::Hosts, 4),
            ("map $a $b {\n include /etc/passwd; }", Place::Hosts, 2),
            ("include ../x;", Place::Hosts, 1),
            ("volatile;", Place::Map, 1),
            ("server;", Place::Hosts, 1),
            ("gzip { }", Place::Hosts, 1),
            ("geo $a { include x; }", Place::Hosts, 1),
            ("server { location / {\n set $gw_raw on;\n mp4_buffer_size 1m;\n set $gw_raw off;\n mp4_buffer_size 1m; } }", Place::Hosts, 5),
            ("server { location / {\n set $gw_raw on;\n limit_except GET {\n include x; } } }", Place::Hosts, 4),
            ("server {\n set $gw_raw on;\n mp4_buffer_size 1m; }", Place::Hosts, 2),
        ] {
            assert_eq!(check(text.as_bytes(), place).unwrap_err().line, line, "{text}");
        }
        let message = check(b"perl_set x;", Place::Hosts).unwrap_err().to_string();
        assert_eq!(message, "line 1: no template says the directive \"perl_set\"");
    }

    #[test]
    fn map_keys_are_literals_or_our_own_regular_expressions() {
        assert!(check(b"default a; \"\\\\a.example\" b; \"~^x\" c; \"\" d; https e; 443 f;", Place::Map).is_ok());
        assert!(check(b"a.example b;", Place::Map).is_err());
    }
}
