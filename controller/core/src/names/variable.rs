//! Variables that texts may hold, by their nginx names without the dollar sign, and where each of them may stand.

/// Variables about the Ingress that a request is served for.
pub const LABELS: &[&str] = &["ingress_name", "location_path", "namespace", "service_name", "service_port"];

/// Whether a request always has the variable. Those of third-party modules and of other contexts are not among them.
#[must_use]
pub fn is_variable(name: &str) -> bool {
    const PREFIXES: &[&str] = &["arg_", "cookie_", "http_", "sent_http_", "upstream_cookie_", "upstream_http_"];
    let plain = name.len() <= 100 && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let family = PREFIXES.iter().any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()));
    plain && (family || VARIABLES.binary_search(&name).is_ok() || LABELS.contains(&name))
}

/// Whether a text that clients or endpoints get may have a variable: nobody shall learn where files of the proxy are.
#[must_use]
pub fn may_be_told(name: &str) -> bool {
    is_variable(name) && !["document_root", "request_filename"].contains(&name)
}

/// Whether a variable is known only when an endpoint has answered.
#[must_use]
pub fn is_of_answer(name: &str) -> bool {
    const NAMES: &[&str] = &["body_bytes_sent", "bytes_sent", "request_completion", "status"];
    ["sent_http_", "upstream_"].iter().any(|family| name.starts_with(family)) || NAMES.contains(&name)
}

/// What stands for the `*` of a host: the first label of the name that was asked for. Empty for hosts without.
pub const SUBDOMAIN: &str = "subdomain";

/// Whether a text of one route may have a variable, as it is known of what host that is.
#[must_use]
pub fn is_of_route(name: &str) -> bool {
    may_be_told(name) || name == SUBDOMAIN
}

/// Whether a connection or datagram that is forwarded as it is always has the variable.
#[must_use]
pub fn is_stream_variable(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "bytes_received",
        "bytes_sent",
        "connection",
        "hostname",
        "msec",
        "nginx_version",
        "pid",
        "protocol",
        "proxy_protocol_addr",
        "proxy_protocol_port",
        "remote_addr",
        "remote_port",
        "server_addr",
        "server_port",
        "session_time",
        "status",
        "time_iso8601",
        "time_local",
        "upstream_addr",
        "upstream_bytes_received",
        "upstream_bytes_sent",
        "upstream_connect_time",
        "upstream_first_byte_time",
        "upstream_session_time",
    ];
    NAMES.contains(&name)
}

/// Variables that may stand in a URL: what the client has asked for, as it was sent. None is decoded, for a line break
/// could come out of that, and none is a header beside `Host`.
#[must_use]
pub fn is_url_variable(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "args",
        "best_http_host",
        ESCAPED_TARGET,
        "host",
        "http_host",
        "is_args",
        "pass_access_scheme",
        "pass_port",
        "pass_server_port",
        "query_string",
        "remote_addr",
        "request_id",
        "request_method",
        "request_uri",
        "scheme",
        "server_name",
        "server_port",
    ];
    NAMES.contains(&name) || LABELS.contains(&name) || (name.starts_with("arg_") && is_variable(name))
}

/// The target of the request, percent-encoded so that it can be the value of a parameter.
pub const ESCAPED_TARGET: &str = "escaped_request_uri";

/// Every variable that has a name of its own.
pub fn all() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().chain(LABELS).copied()
}

/// Of nginx 1.22 and of our own templates; sorted.
const VARIABLES: &[&str] = &[
    "args",
    "best_http_host",
    "binary_remote_addr",
    "body_bytes_sent",
    "bytes_sent",
    "connection",
    "connection_requests",
    "connection_time",
    "content_length",
    "content_type",
    "document_root",
    "document_uri",
    "fastcgi_path_info",
    "fastcgi_script_name",
    "gzip_ratio",
    "host",
    "hostname",
    "http2",
    "https",
    "is_args",
    "limit_conn_status",
    "limit_req_status",
    "literal_dollar",
    "msec",
    "nginx_version",
    "pass_access_scheme",
    "pass_port",
    "pass_server_port",
    "pid",
    "pipe",
    "proxy_add_x_forwarded_for",
    "proxy_alternative_upstream_name",
    "proxy_host",
    "proxy_port",
    "proxy_protocol_addr",
    "proxy_protocol_port",
    "proxy_protocol_server_addr",
    "proxy_protocol_server_port",
    "proxy_upstream_name",
    "query_string",
    "realip_remote_addr",
    "realip_remote_port",
    "remote_addr",
    "remote_port",
    "remote_user",
    "req_id",
    "request",
    "request_body",
    "request_completion",
    "request_filename",
    "request_id",
    "request_length",
    "request_method",
    "request_time",
    "request_uri",
    "scheme",
    "server_addr",
    "server_name",
    "server_port",
    "server_protocol",
    "ssl_cipher",
    "ssl_ciphers",
    "ssl_client_escaped_cert",
    "ssl_client_fingerprint",
    "ssl_client_i_dn",
    "ssl_client_s_dn",
    "ssl_client_serial",
    "ssl_client_v_end",
    "ssl_client_v_remain",
    "ssl_client_v_start",
    "ssl_client_verify",
    "ssl_curves",
    "ssl_early_data",
    "ssl_protocol",
    "ssl_server_name",
    "ssl_session_id",
    "ssl_session_reused",
    "status",
    "the_real_ip",
    "time_iso8601",
    "time_local",
    "upstream_addr",
    "upstream_bytes_received",
    "upstream_bytes_sent",
    "upstream_cache_status",
    "upstream_connect_time",
    "upstream_header_time",
    "upstream_response_length",
    "upstream_response_time",
    "upstream_status",
    "uri",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(VARIABLES.windows(2).all(|w| w[0] < w[1]));
    }
}
