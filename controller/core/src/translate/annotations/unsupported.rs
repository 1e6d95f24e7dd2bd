//! Annotations of ingress-nginx that have no feature of their own here: what is done about each.
//!
//! A protection that cannot be given closes the route; everything else is said and served without.

use super::given::MAX_VALUE_BYTES;
use super::{Given, Policies, is_read, printable};
use crate::diagnostic::{Code, Diagnostic};
use crate::names::{ObjectRef, shown};

/// What is done about an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It asks for a protection when it is true.
    Switch,
    /// Configuration text. Its risk is above the default level, so the whole Ingress is left out, as by ingress-nginx.
    Snippet,
    /// Only with `canary: "true"`: such an Ingress adds to the routes of another one, and must never take their place.
    Canary,
    /// Nothing is lost but what the annotation adds.
    Told,
}

use Way::{Canary, Snippet, Switch, Told};

/// By name. Whoever adds a feature takes its names out.
#[rustfmt::skip]
const WAYS: &[(&str, Way)] = &[
    ("affinity", Told),
    ("affinity-canary-behavior", Told),
    ("affinity-mode", Told),
    ("auth-snippet", Snippet),
    ("backend-protocol", Told),
    ("canary", Canary),
    ("canary-by-cookie", Canary),
    ("canary-by-header", Canary),
    ("canary-by-header-pattern", Canary),
    ("canary-by-header-value", Canary),
    ("canary-weight", Canary),
    ("canary-weight-total", Canary),
    ("configuration-snippet", Snippet),
    ("connection-proxy-header", Told),
    ("enable-modsecurity", Switch),
    ("enable-opentelemetry", Told),
    ("enable-owasp-core-rules", Switch),
    ("fastcgi-index", Told),
    ("fastcgi-params-configmap", Told),
    ("http2-push-preload", Told),
    ("load-balance", Told),
    ("mirror-host", Told),
    ("mirror-request-body", Told),
    ("mirror-target", Told),
    ("modsecurity-snippet", Told),
    ("modsecurity-transaction-id", Told),
    ("opentelemetry-operation-name", Told),
    ("opentelemetry-trust-incoming-span", Told),
    ("proxy-http-version", Told),
    ("proxy-next-upstream", Told),
    ("proxy-next-upstream-timeout", Told),
    ("proxy-next-upstream-tries", Told),
    ("proxy-redirect-from", Told),
    ("proxy-redirect-to", Told),
    ("proxy-ssl-ciphers", Told),
    ("proxy-ssl-name", Told),
    ("proxy-ssl-protocols", Told),
    ("proxy-ssl-secret", Told),
    ("proxy-ssl-server-name", Told),
    ("proxy-ssl-verify", Told),
    ("proxy-ssl-verify-depth", Told),
    ("server-snippet", Snippet),
    ("service-upstream", Told),
    ("session-cookie-change-on-failure", Told),
    ("session-cookie-conditional-samesite-none", Told),
    ("session-cookie-domain", Told),
    ("session-cookie-expires", Told),
    ("session-cookie-max-age", Told),
    ("session-cookie-name", Told),
    ("session-cookie-path", Told),
    ("session-cookie-samesite", Told),
    ("session-cookie-secure", Told),
    ("ssl-ciphers", Told),
    ("ssl-passthrough", Told),
    ("ssl-prefer-server-ciphers", Told),
    ("stream-snippet", Snippet),
    ("upstream-hash-by", Told),
    ("upstream-hash-by-subset", Told),
    ("upstream-hash-by-subset-size", Told),
    ("use-port-in-redirects", Told),
];

/// The names that this file answers for.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WAYS.iter().map(|(name, _)| *name)
}

/// Each name, and what is done about it.
pub(super) fn described() -> impl Iterator<Item = (&'static str, &'static str)> {
    WAYS.iter().map(|(name, way)| {
        let what = match way {
            Switch => "when true, the routes of the Ingress answer 503",
            Snippet => "the Ingress is left out",
            Canary => "with `canary: \"true\"` the Ingress is left out",
            Told => "the route is served without",
        };
        (*name, what)
    })
}

/// Says each of them on the Ingress; true when the whole Ingress is left out.
pub(super) fn read(given: &Given<'_>, policies: &mut Policies, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let mut refused = false;
    for (name, value) in given.iter() {
        let finding = |code, message: String| Diagnostic::new(code, object.clone(), given.field(printable(name)), message);
        let is_true = matches!(value, "1" | "t" | "T" | "TRUE" | "true" | "True");
        let way = WAYS.iter().find(|(own, _)| *own == name).map(|(_, way)| *way);
        match way {
            Some(Switch) if is_true => {
                policies.closed = true;
                let message = format!("{name} {} asks for a protection that is not supported", shown(value));
                diagnostics.push(finding(Code::UnsupportedProtection, message).help("remove it to serve the route without"));
            }
            Some(Snippet) => {
                refused = true;
                let message = format!("{name}: configuration snippets are not accepted");
                diagnostics.push(finding(Code::RefusedAnnotation, message).help("use annotations that say the same, and remove it"));
            }
            Some(Canary) if name == "canary" && is_true => {
                refused = true;
                let message = "canary Ingresses are not supported; the main Ingress keeps all requests".to_owned();
                diagnostics.push(finding(Code::RefusedAnnotation, message).help("remove the Ingress, or its canary annotations"));
            }
            Some(Switch | Canary) => {}
            _ if value.len() > MAX_VALUE_BYTES && !is_read(name) => {
                let message = format!("{} has {} bytes; at most {MAX_VALUE_BYTES} are read", printable(name), value.len());
                diagnostics.push(finding(Code::TooLarge, message).help("shorten it"));
            }
            Some(Told) => {
                let message = format!("{name} {} is not supported; the route is served without", shown(value));
                diagnostics.push(finding(Code::UnsupportedAnnotation, message));
            }
            None => {}
        }
    }
    refused
}
