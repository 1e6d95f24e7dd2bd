//! Directives that have no meaning here, and what says the same.

use super::directives::NO_MEANING;

/// Names, or beginnings of names that end with `_`, and what has their meaning; the first that fits.
const OTHERS: &[(&[&str], &str)] = &[
    (&["auth_basic"], "the annotation auth-type has one"),
    (&["auth_basic_user_file"], "the annotation auth-secret has one"),
    (&["auth_request"], "the annotation auth-url has one"),
    (&["mirror", "mirror_request_body"], "the annotation mirror-target has one"),
    (&["proxy_intercept_errors", "error_page"], "the annotation custom-http-errors has one"),
    (&["proxy_pass", "grpc_pass", "fastcgi_pass"], "the Services of the rules of an Ingress say who is asked"),
    (&["proxy_ssl_"], "the annotations proxy-ssl-* have one"),
    (&["ssl_verify_client", "ssl_client_certificate"], "the annotation auth-tls-secret has one"),
    (&["ssl_ciphers"], "the annotation ssl-ciphers has one"),
    (&["fastcgi_param"], "the annotation fastcgi-params-configmap has one"),
    (&["server_name"], "the annotation server-alias has one"),
    (&["opentelemetry_", "otel_"], "the annotation enable-opentelemetry has one"),
    (&["modsecurity", "modsecurity_"], "the annotation enable-modsecurity has one"),
    (&["rewrite_log"], "the annotation enable-rewrite-log has one"),
    (&["client_body_timeout"], "the key client-body-timeout of the main ConfigMap has one"),
    (&["client_header_timeout"], "the key client-header-timeout of the main ConfigMap has one"),
    (&["client_header_buffer_size"], "the key client-header-buffer-size of the main ConfigMap has one"),
    (&["large_client_header_buffers"], "the key large-client-header-buffers of the main ConfigMap has one"),
    (&["keepalive_timeout"], "the key keep-alive of the main ConfigMap has one"),
    (&["keepalive_requests"], "the key keep-alive-requests of the main ConfigMap has one"),
    (&["limit_req_status"], "the key limit-req-status-code of the main ConfigMap has one"),
    (&["limit_conn_status"], "the key limit-conn-status-code of the main ConfigMap has one"),
    (&["log_format"], "the key log-format-upstream of the main ConfigMap has one"),
    (&["access_log"], "off is read; the keys of the main ConfigMap say what is logged"),
    (&["error_log"], "the key error-log-level of the main ConfigMap has one"),
    (&["server_tokens"], "the key server-tokens of the main ConfigMap has one"),
    (&["ssl_protocols"], "the key ssl-protocols of the main ConfigMap has one"),
    (&["underscores_in_headers"], "the key enable-underscores-in-headers of the main ConfigMap has one"),
    (&["ignore_invalid_headers"], "the key ignore-invalid-headers of the main ConfigMap has one"),
    (&["real_ip_header"], "the key forwarded-for-header of the main ConfigMap has one"),
    (&["set_real_ip_from"], "the key proxy-real-ip-cidr of the main ConfigMap has one"),
    (&["brotli", "brotli_"], "the directive gzip has one"),
];

/// Whether a directive is followed by a program.
pub(super) fn is_code(name: &str) -> bool {
    name.contains("_by_lua")
}

/// Why a directive is refused.
pub(super) fn unknown(name: &str) -> String {
    let is_it = |own: &&str| *own == name || (own.ends_with('_') && name.starts_with(*own));
    let other = OTHERS.iter().find(|(names, _)| names.iter().any(&is_it)).map(|(_, other)| *other);
    let other = other.or_else(|| is_code(name).then_some("no code is run here, and annotations say much of what it is used for"));
    format!("{NO_MEANING} that could be given on every proxy{}", other.map_or_else(String::new, |other| format!("; {other}")))
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
        assert!(unknown("proxy_ssl_name").ends_with("; the annotations proxy-ssl-* have one"));
        assert!(unknown("access_by_lua_block").contains("; no code is run here"));
        assert!(unknown("root").ends_with("on every proxy"));
    }
}
