//! Annotations that do nothing, which is said: empty ones, and those that belong to another one which is not there.

use super::{Given, key, unsupported};
use crate::diagnostic::{Code, Diagnostic};
use crate::names::ObjectRef;

/// By what others belong to: those that are read only beside it.
#[rustfmt::skip]
const BESIDE: &[(&str, &[&str])] = &[
    ("affinity", &["affinity-canary-behavior", "affinity-mode", "session-cookie-change-on-failure",
        "session-cookie-conditional-samesite-none", "session-cookie-domain", "session-cookie-expires", "session-cookie-max-age",
        "session-cookie-name", "session-cookie-path", "session-cookie-samesite", "session-cookie-secure"]),
    ("auth-tls-secret", &["auth-tls-error-page", "auth-tls-match-cn", "auth-tls-pass-certificate-to-upstream",
        "auth-tls-verify-client", "auth-tls-verify-depth"]),
    ("auth-type", &["auth-realm", "auth-secret", "auth-secret-type"]),
    ("auth-url", &["auth-always-set-cookie", "auth-cache-duration", "auth-cache-key", "auth-keepalive", "auth-keepalive-requests",
        "auth-keepalive-timeout", "auth-method", "auth-proxy-set-headers", "auth-request-redirect", "auth-response-headers",
        "auth-signin", "auth-signin-redirect-param", "auth-snippet"]),
    ("canary", &["canary-by-cookie", "canary-by-header", "canary-by-header-pattern", "canary-by-header-value", "canary-weight",
        "canary-weight-total"]),
    ("canary-by-header", &["canary-by-header-pattern", "canary-by-header-value"]),
    ("enable-cors", &["cors-allow-credentials", "cors-allow-headers", "cors-allow-methods", "cors-allow-origin",
        "cors-expose-headers", "cors-max-age"]),
    ("mirror-target", &["mirror-host", "mirror-request-body"]),
    ("proxy-redirect-from", &["proxy-redirect-to"]),
    ("proxy-ssl-secret", &["proxy-ssl-ciphers", "proxy-ssl-name", "proxy-ssl-protocols", "proxy-ssl-server-name", "proxy-ssl-verify",
        "proxy-ssl-verify-depth"]),
    ("upstream-hash-by", &["upstream-hash-by-subset", "upstream-hash-by-subset-size"]),
];

/// What is read only beside an annotation.
pub(super) fn beside(leader: &str) -> &'static [&'static str] {
    BESIDE.iter().find(|(name, _)| *name == leader).map_or(&[], |(_, others)| others)
}

/// Says it of those of which nothing has been said.
pub(super) fn tell(given: &Given<'_>, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) {
    let mut say = |name: &str, message: &str, help: &str| {
        let field = given.field(name);
        if diagnostics.iter().all(|said| said.field != field) {
            let finding = Diagnostic::new(Code::AnnotationNote, object.clone(), field, format!("{name}: {message}"));
            diagnostics.push(finding.help(help.to_owned()));
        }
    };
    for (name, value) in given.iter() {
        if value.trim().is_empty() && (key(name).is_some() || unsupported::verdict(name).is_some()) {
            say(name, "the value is empty, which is as good as none", "give it a value, or remove it");
        }
    }
    for (leader, others) in BESIDE.iter().filter(|(leader, _)| !given.says(leader)) {
        for name in others.iter().filter(|name| given.has(name)) {
            say(name, &format!("without {leader} it does nothing"), &format!("add {leader}, or remove it"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read_with};
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn each_name_is_one() {
        for name in BESIDE.iter().flat_map(|(leader, others)| std::iter::once(leader).chain(*others)) {
            assert!(key(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_does_nothing_is_said_once() {
        for (name, value, said) in [
            ("proxy-body-size", " ", "proxy-body-size: the value is empty, which is as good as none"),
            ("canary-weight", "5", "canary-weight: without canary it does nothing"),
            ("auth-tls-match-cn", "CN=a", "auth-tls-match-cn: without auth-tls-secret it does nothing"),
            ("proxy-ssl-verify", "on", "proxy-ssl-verify: without proxy-ssl-secret it does nothing"),
            ("auth-realm", "", "auth-realm: the value is empty, which is as good as none"),
            ("enable-modsecurity", "", "enable-modsecurity: the value is empty, which is as good as none"),
        ] {
            let problems = problems(&[(name, value)]);
            assert!(problems.len() == 1 && problems[0].contains(said), "{name}: {problems:?}");
        }
        assert_eq!(problems(&[("enable-cors", "false"), ("cors-max-age", "5")]), [""; 0], "it was switched off");
    }

    /// Of lists of addresses the entries say so.
    #[test]
    fn an_empty_value_is_none_but_for_lists_of_addresses() {
        const LISTS: [&str; 2] = ["allowlist-source-range", "denylist-source-range"];
        for name in super::super::verdict::names() {
            let (policies, said) = read_with(&Settings::default(), &[(name, "")]);
            let policies = policies.unwrap_or_else(|| panic!("{name}: it is left out, for {said:?}"));
            if LISTS.contains(&name) {
                assert!(policies.closed && said.len() == 1 && said[0].contains("an empty list is for nobody"), "{name}: {said:?}");
                continue;
            }
            assert_eq!(said, [format!("{name}: the value is empty, which is as good as none (served)")]);
            assert_eq!(policies, read_with(&Settings::default(), &[]).0.unwrap(), "{name}");
        }
    }

    #[test]
    fn a_protection_of_blanks_closes_and_so_does_an_empty_one_that_others_ask_for() {
        for name in ["auth-type", "auth-url", "auth-tls-secret", "limit-rps", "limit-rpm", "limit-connections"] {
            let (policies, said) = read_with(&Settings::default(), &[(name, " ")]);
            assert!(policies.is_some_and(|policies| policies.closed) && said.len() == 1, "{said:?}");
        }
        for (name, other) in
            ["auth-type", "auth-url", "auth-tls-secret"].into_iter().flat_map(|name| beside(name).iter().map(move |other| (name, *other)))
        {
            if other == "auth-snippet" {
                continue; // With one it is left out, for its risk.
            }
            let (policies, said) = read_with(&Settings::default(), &[(name, ""), (other, "off")]);
            let is_off = other == "auth-tls-verify-client";
            assert_eq!(policies.is_some_and(|policies| policies.closed), !is_off, "{name}, {other}: {said:?}");
            let why = format!("{name}: the value is empty, and {other} asks for it (");
            assert_eq!(said.iter().any(|said| said.starts_with(&why)), !is_off, "{said:?}");
            let (policies, said) = read_with(&Settings::default(), &[(name, ""), (other, "")]);
            assert!(policies.is_some_and(|policies| !policies.closed) && said.len() == 2, "{name}: {said:?}");
        }
    }
}
