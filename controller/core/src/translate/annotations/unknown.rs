//! Annotations under the prefix that nothing is known of: what may have been meant.

use super::names;
use crate::names::nearest;

/// Names that older versions of ingress-nginx knew, and those that begin with one of them; and what would do today.
const GONE: &[(&str, &str)] = &[
    ("add-base-url", "remove it: ingress-nginx has dropped it in 0.22"),
    ("base-url-scheme", "remove it: ingress-nginx has dropped it in 0.22"),
    ("enable-influxdb", "remove it: ingress-nginx has dropped it in 1.7"),
    ("enable-opentracing", "use enable-opentelemetry"),
    ("global-rate-limit", "it limits nobody; use limit-rps or limit-rpm"),
    ("grpc-backend", "use backend-protocol: GRPC"),
    ("influxdb-", "remove it: ingress-nginx has dropped it in 1.7"),
    ("lua-resty-waf", "it protects nothing; ingress-nginx has dropped it in 0.27"),
    ("opentracing-trust-incoming-span", "use opentelemetry-trust-incoming-span"),
    ("secure-backends", "use backend-protocol: HTTPS"),
    ("secure-verify-ca-secret", "it checks nothing; use proxy-ssl-secret and proxy-ssl-verify"),
    ("session-cookie-hash", "remove it: ingress-nginx has dropped it in 0.24"),
];

/// What would do in place of an annotation that nothing is known of.
#[must_use]
pub fn help(name: &str) -> String {
    if let Some((_, help)) = GONE.iter().find(|(gone, _)| name.starts_with(gone)) {
        return (*help).to_owned();
    }
    nearest(name, names()).map_or_else(|| "remove it, or mend its name".to_owned(), |known| format!("write {known}"))
}

#[cfg(test)]
mod tests {
    use super::help;

    #[test]
    fn what_was_meant_is_found() {
        for (name, expected) in [
            ("Whitelist-Source-Range", "write whitelist-source-range"),
            ("whitelist-source-ranges", "write whitelist-source-range"),
            ("auth-tipe", "write auth-type"),
            ("rewriet-target", "write rewrite-target"),
            ("secure-backends", "use backend-protocol: HTTPS"),
            ("global-rate-limit-window", "it limits nobody; use limit-rps or limit-rpm"),
            ("of-our-own", "remove it, or mend its name"),
        ] {
            assert_eq!(help(name), expected, "{name}");
        }
    }
}
