//! Annotations of ingress-nginx that have no feature of their own here: what is done about each.
//!
//! A protection that cannot be given closes the route; everything else is said and served without.

use super::{Given, RoutePolicy, printable};
use crate::diagnostic::{Code, Diagnostic};
use crate::names::{ObjectRef, shown};

/// Each asks for a protection: whatever the value, the routes of the Ingress answer 503.
const PROTECTIONS: &[&str] = &[
    "auth-type",
    "auth-url",
    "auth-tls-secret",
    "whitelist-source-range",
    "allowlist-source-range",
    "denylist-source-range",
    "limit-rps",
    "limit-rpm",
    "limit-connections",
];

/// Each switches a protection on when it is true.
const PROTECTION_SWITCHES: &[&str] = &["enable-modsecurity", "enable-owasp-core-rules"];

/// Configuration text. Its risk is above the default level, so the whole Ingress is left out, as by ingress-nginx.
const SNIPPETS: &[&str] = &["auth-snippet", "configuration-snippet", "server-snippet", "stream-snippet"];

/// Only with `canary: "true"`: such an Ingress adds to the routes of another one, and must never take their place.
const CANARY: &[&str] = &[
    "canary",
    "canary-by-header",
    "canary-by-header-value",
    "canary-by-header-pattern",
    "canary-by-cookie",
    "canary-weight",
    "canary-weight-total",
];

/// Nothing is lost but what the annotation adds.
const OTHERS: &[&str] = &[
    "auth-secret",
    "auth-secret-type",
    "auth-realm",
    "auth-method",
    "auth-signin",
    "auth-signin-redirect-param",
    "auth-response-
    headers",
    "auth-request-redirect",
    "auth-proxy-set-headers",
    "auth-cache-key",
    "auth-cache-duration",
    "auth-keepalive",
    "auth-
    keepalive-share-vars",
    "auth-keepalive-requests",
    "auth-keepalive-timeout",
    "auth-always-set-cookie",
    "auth-tls-verify-
    client",
    "auth-tls-verify-depth",
    "auth-tls-error-page",
    "auth-tls-pass-certificate-to-upstream",
    "auth-tls-match-cn",
    "satisfy",
    "modsecurity-transaction-id",
    "modsecurity-snippet",
    "rewrite-target",
    "use-regex",
    "app-root",
    "permanent-
    redirect",
    "permanent-redirect-code",
    "temporal-redirect",
    "temporal-redirect-code",
    "relative-redirects",
    "from-to-www-
    redirect",
    "use-port-in-redirects",
    "server-alias",
    "backend-protocol",
    "service-upstream",
    "load-balance",
    "upstream-vhost",
    "x-forwarded-prefix",
    "connection-proxy-header",
    "proxy-http-version",
    "proxy-ssl-secret",
    "proxy-ssl-ciphers",
    "proxy-ssl-
    protocols",
    "proxy-ssl-name",
    "proxy-ssl-verify",
    "proxy-ssl-verify-depth",
    "proxy-ssl-server-name",
    "fastcgi-index",
    "fastcgi-params-configmap",
    "proxy-connect-timeout",
    "proxy-send-timeout",
    "proxy-read-timeout",
    "proxy-next-upstream",
    "proxy-next-upstream-timeout",
    "proxy-next-upstream-tries",
    "proxy-body-size",
    "client-body-buffer-size",
    "proxy-request-
    buffering",
    "proxy-buffering",
    "proxy-buffer-size",
    "proxy-buffers-number",
    "proxy-busy-buffers-size",
    "proxy-max-temp-file-
    size",
    "proxy-cookie-domain",
    "proxy-cookie-path",
    "proxy-redirect-from",
    "proxy-redirect-to",
    "enable-cors",
    "cors-allow-
    origin",
    "cors-allow-methods",
    "cors-allow-headers",
    "cors-expose-headers",
    "cors-allow-credentials",
    "cors-max-age",
    "enable-
    global-auth",
    "limit-burst-multiplier",
    "limit-allowlist",
    "limit-whitelist",
    "limit-rate",
    "limit-rate-after",
    "affinity",
    "affinity-mode",
    "affinity-canary-behavior",
    "session-cookie-name",
    "session-cookie-secure",
    "session-cookie-expires",
    "session-cookie-max-age",
    "session-cookie-path",
    "session-cookie-domain",
    "session-cookie-samesite",
    "session-cookie-
    conditional-samesite-none",
    "session-cookie-change-on-failure",
    "upstream-hash-by",
    "upstream-hash-by-subset",
    "upstream-hash-
    by-subset-size",
    "custom-http-errors",
    "disable-proxy-intercept-errors",
    "default-backend",
    "custom-headers",
    "ssl-ciphers",
    "ssl-prefer-server-ciphers",
    "ssl-passthrough",
    "mirror-target",
    "mirror-request-body",
    "mirror-host",
    "enable-access-log",
    "enable-rewrite-log",
    "enable-opentelemetry",
    "opentelemetry-trust-incoming-span",
    "opentelemetry-operation-name",
    "http2-push-preload",
];

/// Longest annotation value that anybody looks at, in bytes.
const MAX_VALUE_BYTES: usize = 64 << 10;

/// The names that this file answers for.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    [PROTECTIONS, PROTECTION_SWITCHES, SNIPPETS, CANARY, OTHERS].into_iter().flatten().copied()
}

/// Says each of them on the Ingress; true when the whole Ingress is left out.
pub(super) fn read(given: &Given<'_>, policy: &mut RoutePolicy, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let mut refused = false;
    let is_true = |name: &str| matches!(given.text(name), Some("1" | "t" | "T" | "TRUE" | "true" | "True"));
    for (name, value) in given.iter() {
        let finding = |code, message: String| Diagnostic::new(code, object.clone(), given.field(printable(name)), message);
        if PROTECTIONS.contains(&name) || (PROTECTION_SWITCHES.contains(&name) && is_true(name)) {
            policy.closed = true;
            let message = format!("{name} {} asks for a protection that is not supported", shown(value));
            diagnostics.push(finding(Code::UnsupportedProtection, message).help("remove it to serve the route without"));
        } else if SNIPPETS.contains(&name) {
            refused = true;
            let message = format!("{name}: configuration snippets are not accepted");
            diagnostics.push(finding(Code::RefusedAnnotation, message).help("use annotations that say the same, and remove it"));
        } else if CANARY.contains(&name) {
            if name == "canary" && is_true("canary") {
                refused = true;
                let message = "canary Ingresses are not supported; the main Ingress keeps all requests".to_owned();
                diagnostics.push(finding(Code::RefusedAnnotation, message).help("remove the Ingress, or its canary annotations"));
            }
        } else if value.len() > MAX_VALUE_BYTES {
            let message = format!("{} has {} bytes; at most {MAX_VALUE_BYTES} are read", printable(name), value.len());
            diagnostics.push(finding(Code::TooLarge, message).help("shorten it"));
        } else if OTHERS.contains(&name) {
            let message = format!("{name} {} is not supported; the route is served without", shown(value));
            diagnostics.push(finding(Code::UnsupportedAnnotation, message));
        }
    }
    refused
}
