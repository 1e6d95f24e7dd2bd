//! Directives that have no meaning here, and what says the same.

use super::guarding::is_elsewhere;
use super::meaning::NO_MEANING;
use super::reader::Directive;
use crate::model::Globals;

/// Names, or beginnings of names that end with `_`, and what has their meaning; the first that fits.
const OTHERS: &[(&[&str], &str)] = &[
    (&["auth_basic"], "the annotation auth-type has one"),
    (&["auth_basic_user_file"], "the annotation auth-secret has one"),
    (&["auth_request"], "the annotation auth-url has one"),
    (&["mirror", "mirror_request_body"], "the annotation mirror-target has one"),
    (&["error_page", "proxy_intercept_errors"], "the annotation custom-http-errors has one"),
    (
        &["proxy_pass", "grpc_pass", "fastcgi_pass", "memcached_pass", "scgi_pass", "uwsgi_pass"],
        "the Services of the rules of an Ingress say who is asked",
    ),
    (&["proxy_ssl_"], "the annotations proxy-ssl-* have one"),
    (&["ssl_verify_client", "ssl_client_certificate"], "the annotation auth-tls-secret has one"),
    (&["ssl_ciphers"], "the annotation ssl-ciphers has one"),
    (&["fastcgi_param"], "the annotation fastcgi-params-configmap has one"),
    (&["server_name"], "the annotation server-alias has one"),
    (&["modsecurity", "modsecurity_"], "the annotation enable-modsecurity has one"),
    (&["log_format"], "the key log-format-upstream of the main ConfigMap has one"),
    (&["ssl_protocols"], "the key ssl-protocols of the main ConfigMap has one"),
    (&["real_ip_header"], "the key forwarded-for-header of the main ConfigMap has one"),
    (&["set_real_ip_from"], "the key proxy-real-ip-cidr of the main ConfigMap has one"),
];

/// Names, or beginnings of names that end with `_`, of directives that change nothing here: they concern files, caches and
/// kinds of connections that there are none of. Who is asked is not among it.
const NOTHING: &[&str] = &[
    "disable_symlinks",
    "etag",
    "if_modified_since",
    "log_not_found",
    "max_ranges",
    "memcached_",
    "open_file_cache",
    "open_file_cache_",
    "proxy_cache_",
    "proxy_ignore_headers",
    "proxy_no_cache",
    "proxy_temp_file_write_size",
    "scgi_",
    "sendfile",
    "source_charset",
    "uwsgi_",
];

/// Names of those that nobody is kept out by, and without which answers are the same; and why they have no effect.
const WITHOUT: &[(&[&str], &str)] = &[
    (&["client_header_timeout"], "the key client-header-timeout of the main ConfigMap holds for the proxy as a whole"),
    (&["client_header_buffer_size"], "the key client-header-buffer-size of the main ConfigMap holds for the proxy as a whole"),
    (&["large_client_header_buffers"], "the key large-client-header-buffers of the main ConfigMap holds for the proxy as a whole"),
    (&["underscores_in_headers"], "the key enable-underscores-in-headers of the main ConfigMap holds for the proxy as a whole"),
    (&["ignore_invalid_headers"], "the key ignore-invalid-headers of the main ConfigMap holds for the proxy as a whole"),
    (&["ssl_session_cache"], "the key ssl-session-cache of the main ConfigMap holds for the proxy as a whole"),
    (&["ssl_session_timeout"], "the key ssl-session-timeout of the main ConfigMap holds for the proxy as a whole"),
    (&["ssl_session_tickets"], "the key ssl-session-tickets of the main ConfigMap holds for the proxy as a whole"),
    (&["ssl_buffer_size"], "the key ssl-buffer-size of the main ConfigMap holds for the proxy as a whole"),
    (&["ssl_stapling", "ssl_stapling_"], "certificates are shown as their Secrets hold them"),
    (&["keepalive_timeout"], "the key keep-alive of the main ConfigMap holds for the proxy as a whole"),
    (&["keepalive_requests"], "the key keep-alive-requests of the main ConfigMap holds for the proxy as a whole"),
    (&["server_tokens"], "the key server-tokens of the main ConfigMap holds for the proxy as a whole"),
    (&["error_log"], "the key error-log-level of the main ConfigMap holds for the proxy as a whole"),
    (&["access_log"], "the keys of the main ConfigMap say where and what is logged; off is read"),
    (&["proxy_cache"], "no answers are kept, so endpoints are asked for each"),
    (&["proxy_force_ranges"], "endpoints say what of an answer is sent"),
    (&["proxy_ssl_session_reuse", "grpc_ssl_session_reuse"], "sessions with endpoints are taken up again as the proxy does it"),
    (
        &["fastcgi_buffer_size", "fastcgi_buffers", "fastcgi_busy_buffers_size", "fastcgi_keep_conn", "fastcgi_max_temp_file_size"],
        "FastCGI is spoken as the proxy does it",
    ),
    (
        &["opentelemetry", "opentelemetry_", "opentracing", "opentracing_", "otel_"],
        "stock proxies have no module for traces, and headers such as traceparent pass as they came",
    ),
    (&["rewrite_log"], "the annotation enable-rewrite-log asks for that log"),
    (&["limit_req_log_level", "limit_conn_log_level"], "who is turned away stands in the access log"),
    (&["brotli", "brotli_"], "stock proxies have no brotli; the directive gzip is read"),
    (&["gzip_proxied"], "answers to clients behind another proxy are compressed like those to others; any and off are read"),
    (&["gunzip", "gzip_static"], "answers are passed on as endpoints send them, or compressed by gzip"),
    (&["chunked_transfer_encoding"], "bodies are sent as the version of HTTP asks for"),
    (&["tcp_nodelay", "tcp_nopush", "aio", "output_buffers", "postpone_output"], "connections are as the proxy has them"),
    (&["proxy_headers_hash_", "variables_hash_", "types_hash_", "map_hash_"], "sizes of tables are found out"),
    (&["http2_max_", "http2_push", "http2_push_preload"], "HTTP/2 is spoken as the proxy does it"),
    (&["resolver", "resolver_timeout"], "names are looked up where the cluster does it"),
    (
        &["proxy_ignore_client_abort", "proxy_socket_keepalive", "grpc_socket_keepalive", "reset_timedout_connection", "lingering_"],
        "connections are ended as the proxy does it",
    ),
];

/// Switches among them whose stricter value protects: that, and whether the proxy as a whole is looser.
type Switch = (&'static str, &'static str, fn(&Globals) -> bool);
const STRICT: &[Switch] = &[
    ("ignore_invalid_headers", "on", |globals| globals.invalid_headers),
    ("ssl_session_tickets", "off", |globals| globals.tls.session_tickets),
    ("underscores_in_headers", "off", |globals| globals.underscores_in_headers),
];

/// The name of a switch that is given its stricter value.
pub(super) fn strict(name: &str, given: &[&str]) -> Option<&'static str> {
    let [value] = given else { return None };
    let is_it = |(own, strict, _): &&Switch| *own == name && value.eq_ignore_ascii_case(strict);
    STRICT.iter().find(is_it).map(|(own, ..)| *own)
}

/// The switches that have the looser value for the proxy as a whole.
pub(in crate::translate) fn looser_switches(globals: &Globals) -> Vec<&'static str> {
    STRICT.iter().filter(|(_, _, is_looser)| is_looser(globals)).map(|(name, ..)| *name).collect()
}

/// Why a block of the whole proxy does nothing by itself, if nothing is lost without it.
pub(super) fn idle_block(directive: &Directive) -> Option<&'static str> {
    const SERVER: &str = "no further ports are listened on; where a load balancer ends TLS and speaks the PROXY protocol, use-proxy-protocol \
                          with force-ssl-redirect redirects plain HTTP, if the ports of its Service lead to http";
    const KNOWN: &str = "snippets know $connection_upgrade as it is";
    const MAP: &str = "no snippet knows its variable, and one that asks for it is refused; write if and set into that one";
    directive.block.as_ref()?;
    match directive.name.as_str() {
        "server" if is_elsewhere(directive) => Some(SERVER),
        "map" if directive.arguments.get(1).is_some_and(|name| name.eq_ignore_ascii_case("$connection_upgrade")) => Some(KNOWN),
        "geo" | "map" | "split_clients" => Some(MAP),
        _ => None,
    }
}

/// Why the text of an error is not looked for under a path.
pub(super) const PAGES: &str = "errors have the text that they come with, or what custom-http-errors and default-backend say";

/// Why it is not said here whose errors are replaced.
pub(super) const INTERCEPTED: &str = "the annotations custom-http-errors and disable-proxy-intercept-errors say whose errors are replaced";

/// Why a directive that switches a protection off has no effect.
pub(super) const GUARDS: &str = "the annotations auth-type and auth-url say whom a route lets in";

/// Switches as they are anyway.
const DEFAULTS: &[(&str, &str)] = &[
    ("absolute_redirect", "on"),
    ("client_body_in_file_only", "off"),
    ("grpc_ssl_verify", "off"),
    ("merge_slashes", "on"),
    ("proxy_cache", "off"),
    ("proxy_pass_request_body", "on"),
    ("proxy_pass_request_headers", "on"),
    ("proxy_ssl_verify", "off"),
    ("server_name_in_redirect", "off"),
    ("ssi", "off"),
];

/// Whether a directive says what is so without it. Annotations that check more are not weakened by it.
pub(super) fn is_default(name: &str, value: &str) -> bool {
    DEFAULTS.contains(&(name, value))
}

/// Whether a directive changes nothing here.
pub(super) fn is_nothing(name: &str) -> bool {
    NOTHING.iter().any(|own| is_named(own, name)) && !name.ends_with("_pass")
}

/// Why a directive has no effect, if nothing is lost without it but comfort.
pub(super) fn does_without(name: &str) -> Option<&'static str> {
    WITHOUT.iter().find(|(names, _)| names.iter().any(|own| is_named(own, name))).map(|(_, why)| *why)
}

/// Whether it is this name, or begins so where that ends with `_`.
pub(super) fn is_named(own: &str, name: &str) -> bool {
    own == name || (own.ends_with('_') && name.starts_with(own))
}

/// Whether a directive is followed by a program.
pub(super) fn is_code(name: &str) -> bool {
    name.contains("_by_lua")
}

/// Why a directive is refused.
pub(super) fn unknown(name: &str) -> String {
    let other = other(name).or_else(|| is_code(name).then_some("no code is run here, and annotations say much of what it is used for"));
    format!("{NO_MEANING} that could be given on every proxy{}", other.map_or_else(String::new, |other| format!("; {other}")))
}

/// What has the meaning of a directive.
pub(super) fn other(name: &str) -> Option<&'static str> {
    OTHERS.iter().find(|(names, _)| names.iter().any(|own| is_named(own, name))).map(|(_, other)| *other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::known_keys;
    use crate::translate::annotations::key;

    #[test]
    fn what_says_the_same_is_there() {
        for (names, other) in OTHERS {
            let annotation = other.strip_prefix("the annotation ").and_then(|rest| rest.strip_suffix(" has one"));
            let setting = other.strip_prefix("the key ").and_then(|rest| rest.strip_suffix(" of the main ConfigMap has one"));
            assert!(annotation.is_none_or(|name| key(name).is_some() || name.starts_with("enable-")), "{names:?}: {other}");
            assert!(setting.is_none_or(|name| known_keys().any(|(known, _)| known == name)), "{names:?}: {other}");
        }
        for (name, strict_value, _) in STRICT {
            assert!(does_without(name).is_some_and(|why| why.starts_with("the key ")), "{name}");
            assert_eq!(strict(name, &[strict_value]), Some(*name));
        }
        for (names, why) in WITHOUT {
            let setting =
                why.strip_prefix("the key ").and_then(|rest| rest.strip_suffix(" of the main ConfigMap holds for the proxy as a whole"));
            assert!(setting.is_none_or(|name| known_keys().any(|(known, _)| known == name)), "{names:?}: {why}");
        }
        assert!(unknown("proxy_ssl_name").ends_with("; the annotations proxy-ssl-* have one"));
        assert!(unknown("access_by_lua_block").contains("; no code is run here"));
        assert!(unknown("root").ends_with("on every proxy"));
    }
}
