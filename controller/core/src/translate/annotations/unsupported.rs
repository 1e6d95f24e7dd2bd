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
    /// It asks for a protection when it has one of these values, beside another annotation if one is named. The first
    /// value is the usual one.
    Switch(&'static [&'static str], Option<&'static str>),
    /// Configuration text. Its risk is above the default level, so the whole Ingress is left out, as by ingress-nginx.
    Snippet,
    /// Nothing is lost but what the annotation adds.
    Told,
}

use Way::{Snippet, Switch, Told};

const TRUE: Way = Switch(&["true", "True", "TRUE", "t", "T", "1"], None);

/// By name. Whoever adds a feature takes its names out.
#[rustfmt::skip]
const WAYS: &[(&str, Way)] = &[
    ("auth-snippet", Snippet),
    ("configuration-snippet", Snippet),
    ("enable-modsecurity", TRUE),
    ("enable-opentelemetry", Told),
    ("enable-owasp-core-rules", TRUE),
    ("http2-push-preload", Told),
    ("mirror-host", Told),
    ("mirror-request-body", Told),
    ("mirror-target", Told),
    ("modsecurity-snippet", Told),
    ("modsecurity-transaction-id", Told),
    ("opentelemetry-operation-name", Told),
    ("opentelemetry-trust-incoming-span", Told),
    ("proxy-ssl-ciphers", Told),
    ("proxy-ssl-name", Told),
    ("proxy-ssl-protocols", Told),
    ("proxy-ssl-secret", Told),
    ("proxy-ssl-server-name", Told),
    ("proxy-ssl-verify", Switch(&["on"], Some("proxy-ssl-secret"))),
    ("proxy-ssl-verify-depth", Told),
    ("server-snippet", Snippet),
    ("ssl-ciphers", Told),
    ("ssl-passthrough", Told),
    ("ssl-prefer-server-ciphers", Told),
    ("stream-snippet", Snippet),
    ("use-port-in-redirects", Told),
];

/// The names that this file answers for.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WAYS.iter().map(|(name, _)| *name)
}

/// Each name, and what is done about it.
pub(super) fn described() -> impl Iterator<Item = (&'static str, String)> {
    WAYS.iter().map(|(name, way)| {
        let what = match way {
            Switch(values, beside) => {
                let beside = beside.map(|other| format!(" beside `{other}`")).unwrap_or_default();
                format!("when `{}`{beside}, the routes of the Ingress answer 503", values[0])
            }
            Snippet => "the Ingress is left out".to_owned(),
            Told => "the route is served without".to_owned(),
        };
        (*name, what)
    })
}

/// Says each of them on the Ingress; true when the whole Ingress is left out.
pub(super) fn read(given: &Given<'_>, policies: &mut Policies, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let mut refused = false;
    for (name, value) in given.iter() {
        let finding = |code, message: String| Diagnostic::new(code, object.clone(), given.field(printable(name)), message);
        let way = WAYS.iter().find(|(own, _)| *own == name).map(|(_, way)| *way);
        match way {
            Some(Switch(values, beside)) if values.contains(&value.trim()) && beside.is_none_or(|other| given.has(other)) => {
                policies.closed = true;
                let message = format!("{name} {} asks for a protection that is not supported", shown(value));
                diagnostics.push(finding(Code::UnsupportedProtection, message).help("remove it to serve the route without"));
            }
            Some(Snippet) => {
                refused = true;
                let message = format!("{name}: configuration snippets are not accepted");
                diagnostics.push(finding(Code::RefusedAnnotation, message).help("use annotations that say the same, and remove it"));
            }
            Some(Switch(..)) => {}
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

#[cfg(test)]
mod tests {
    use super::super::testing::read_with;
    use crate::settings::Settings;

    fn closed(annotations: &[(&str, &str)]) -> Option<bool> {
        read_with(&Settings::default(), annotations).0.map(|policies| policies.closed)
    }

    #[test]
    fn a_protection_closes_when_it_is_asked_for() {
        let secret = ("proxy-ssl-secret", "shop/upstream");
        assert_eq!(closed(&[("enable-modsecurity", "true")]), Some(true));
        assert_eq!(closed(&[("enable-modsecurity", "false")]), Some(false));
        assert_eq!(closed(&[secret, ("proxy-ssl-verify", "on")]), Some(true));
        assert_eq!(closed(&[secret, ("proxy-ssl-verify", "off")]), Some(false));
        assert_eq!(closed(&[("proxy-ssl-verify", "on")]), Some(false), "without the Secret it asks for nothing");
    }

    #[test]
    fn a_snippet_costs_its_ingress() {
        assert_eq!(closed(&[("configuration-snippet", "return 418;")]), None);
    }
}
