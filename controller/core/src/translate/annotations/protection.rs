//! Which annotations ask for a protection: what an older version of an Ingress may stand in for must not differ in these.

use super::{FEATURES, Feature, OnBadValue, Policies, key, snippets, unsupported};
use crate::settings::values::flag;
use std::collections::BTreeMap;
use std::sync::Arc;

type Annotations = BTreeMap<Box<str>, Box<str>>;

/// Whether two versions of an Ingress ask for the same protections, word by word.
pub(in crate::translate) fn protect_alike(prefix: &str, one: &Annotations, other: &Annotations) -> bool {
    protections(prefix, one).eq(protections(prefix, other))
}

/// What stands in for an Ingress that is left out though it keeps somebody out of its routes: they are closed. Its paths are
/// what they are in any case. A canary has no routes.
pub(in crate::translate) fn shut(prefix: &str, annotations: &Annotations, plain: &Policies) -> Option<Policies> {
    let is_on = |wanted: &str| own(prefix, annotations).any(|(name, value)| name == wanted && flag(value).is_ok_and(|is_on| is_on));
    let keeps_out = keeps_out(prefix, annotations) && !is_on("canary");
    let use_regex = is_on("use-regex") || own(prefix, annotations).any(|(name, value)| name == "rewrite-target" && !value.is_empty());
    keeps_out.then(|| Policies { closed: true, use_regex, route: Arc::default(), ..plain.clone() })
}

/// Whether some of these annotations keep somebody out.
pub(in crate::translate) fn keeps_out(prefix: &str, annotations: &Annotations) -> bool {
    own(prefix, annotations).any(|(name, value)| guards(name, value))
}

/// Whether some of these annotations ask for client certificates, which is about a whole host.
pub(in crate::translate) fn wants_certificates(prefix: &str, annotations: &Annotations) -> bool {
    own(prefix, annotations).any(|(name, value)| name == "auth-tls-secret" && !value.is_empty())
}

fn protections<'a>(prefix: &'a str, annotations: &'a Annotations) -> impl Iterator<Item = (&'a str, &'a str)> {
    own(prefix, annotations).filter(|(name, value)| protects(name, value))
}

/// Names without prefix, and values.
fn own<'a>(prefix: &'a str, annotations: &'a Annotations) -> impl Iterator<Item = (&'a str, &'a str)> {
    annotations.iter().filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?.strip_prefix('/')?, &**value)))
}

/// A feature that closes its routes when it cannot be read is a protection with all that belongs to it; and how several of
/// them are joined decides what each of them is worth.
pub(in crate::translate) fn protects(name: &str, value: &str) -> bool {
    let has = |feature: &Feature| feature.keys.iter().any(|key| key.name == name);
    let closes = |feature: &Feature| feature.keys.iter().any(|key| key.on_bad_value == OnBadValue::CloseRoute);
    let is_one = FEATURES.iter().any(|feature| closes(feature) && has(feature));
    is_one || name == "satisfy" || unsupported::protects(name) || snippets::protects(name, value)
}

/// Whether an annotation keeps somebody out by itself: without it requests would pass that do not.
pub(in crate::translate) fn guards(name: &str, value: &str) -> bool {
    let closes = key(name).is_some_and(|key| key.on_bad_value == OnBadValue::CloseRoute) && !matches!(value, "" | "false");
    let checks = name == "proxy-ssl-verify" && value.trim() == "on";
    closes || checks || unsupported::guards(name, value) || snippets::guards(name, value)
}

/// Whether the directives of a snippet may keep somebody out of a route.
#[must_use]
pub fn snippet_keeps_out(text: &str) -> bool {
    snippets::guards("configuration-snippet", text)
}

/// Whether they belong to a protection, or say how several are joined.
#[must_use]
pub fn snippet_concerns_protections(text: &str) -> bool {
    snippets::protects("configuration-snippet", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_guards_by_itself_is_told_from_what_belongs_to_it() {
        for (name, value) in [
            ("auth-type", "basic"),
            ("auth-url", "http://a"),
            ("limit-rps", "5"),
            ("proxy-ssl-verify", "on"),
            ("enable-modsecurity", "true"),
            ("modsecurity-snippet", "SecRuleEngine On"),
            ("configuration-snippet", "deny all;"),
            ("configuration-snippet", "rewrite ^/admin /forbidden last;"),
            ("configuration-snippet", "rewrite ^/admin https://login.test/ redirect;"),
            ("configuration-snippet", "limit_req zone=slow;"),
            ("configuration-snippet", "no_such_thing x;"),
            ("configuration-snippet", "no end"),
            ("configuration-snippet", "satisfy all;"),
            ("server-snippet", "if ($http_x) { return 302 https://login.test/; }"),
            ("server-snippet", "location /x { limit_except GET { deny all; } }"),
            ("auth-snippet", "proxy_set_header X-Role admin;"),
            ("auth-snippet", "proxy_pass_request_headers off;"),
        ] {
            assert!(guards(name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("auth-type", ""),
            ("auth-signin", "http://a"),
            ("proxy-ssl-verify", "off"),
            ("enable-modsecurity", "false"),
            ("modsecurity-snippet", "SecRuleEngine DetectionOnly"),
            ("configuration-snippet", "add_header A b;"),
            ("configuration-snippet", "add_header X-Why 'if authenticated: deny, return or allow'; # deny all"),
            ("configuration-snippet", "rewrite ^/old/(.*)$ /new/$1 break;"),
            ("configuration-snippet", "rewrite ^(/dashboard)$ $1/ redirect;"),
            ("configuration-snippet", "proxy_set_header Authorization $http_x_auth;\nproxy_read_timeout 5s;"),
            ("configuration-snippet", ""),
            ("server-snippet", "large_client_header_buffers 4 32k;\nadd_header A $nosuch;"),
            ("auth-snippet", "# deny all"),
            ("stream-snippet", "server { listen 9000; deny all; }"),
            ("proxy-body-size", "8m"),
            ("satisfy", "any"),
        ] {
            assert!(!guards(name, value), "{name}: {value}");
        }
    }

    fn of(pairs: &[(&str, &str)]) -> Annotations {
        pairs.iter().map(|(name, value)| (format!("p/{name}").into(), (*value).into())).collect()
    }

    #[test]
    fn protections_are_compared_and_nothing_else() {
        let alike = |one: &[_], other: &[_]| protect_alike("p", &of(one), &of(other));
        for (name, value) in [
            ("auth-type", "basic"),
            ("auth-url", "http://a"),
            ("auth-snippet", "proxy_set_header A b;"),
            ("whitelist-source-range", "10.0.0.0/8"),
            ("denylist-source-range", "10.0.0.0/8"),
            ("auth-tls-secret", "a/b"),
            ("limit-rps", "1"),
            ("satisfy", "any"),
            ("enable-modsecurity", "true"),
            ("proxy-ssl-verify", "on"),
            ("configuration-snippet", "deny all;"),
            ("server-snippet", "if ($a) { return 403; }"),
            ("configuration-snippet", "satisfy any;"),
        ] {
            assert!(!alike(&[(name, value)], &[]) && !alike(&[], &[(name, value)]), "{name}");
            assert!(alike(&[(name, value)], &[(name, value), ("permanent-redirect", "x")]), "{name}");
        }
        assert!(!alike(&[("auth-realm", "a")], &[("auth-realm", "b")]));
        for (name, value) in
            [("permanent-redirect", "x"), ("configuration-snippet", "add_header A 'return if deny';"), ("unknown", "x"), ("use-regex", "x")]
        {
            assert!(alike(&[(name, value)], &[]), "{name}");
        }
        let foreign = [("q/auth-type".into(), "basic".into())].into();
        assert!(protect_alike("p", &foreign, &Annotations::new()), "another prefix");
    }
}
