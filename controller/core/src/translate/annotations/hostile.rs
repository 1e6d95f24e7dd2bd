//! Values of attackers and mistakes, each beside what makes its annotation count: one finding for each bad value, and no
//! protection is lost by it.

use super::testing::{read_configured, snapshot};
use super::{FEATURES, Key, OnBadValue, Policies, Value};
use crate::names::Kind;
use crate::settings::Settings;
use crate::state::Snapshot;
use serde_json::{Value as Json, json};

/// Bad for every annotation but those of [`FINE`], and of snippets what is none of their directives.
const HOSTILE: [(&str, &str); 9] = [
    ("control", "a\u{1}b"),
    ("line", "a\r\nb"),
    ("quote", "a\"b"),
    ("brace", "a{b}"),
    ("dollar", "$nope_x"),
    ("percent", "%[src]"),
    ("words", "no such thing !"),
    ("long", LONG),
    ("minus", "-1"),
];

/// Longer than any value may be.
const LONG: &str = match std::str::from_utf8(&[b'x'; 20_000]) {
    Ok(text) => text,
    Err(_) => panic!("letters are text"),
};

/// Which of them an annotation takes by its entry: `-` and digits are letters of a name, a negative limit is none, and
/// braces are parts of variables and expressions.
const FINE: &[(&str, &[&str])] = &[
    ("auth-cache-key", &["brace", "minus"]),
    ("auth-keepalive", &["minus"]),
    ("auth-keepalive-requests", &["minus"]),
    ("auth-keepalive-timeout", &["minus"]),
    ("auth-realm", &["quote", "brace", "dollar", "percent", "words", "minus"]),
    ("auth-request-redirect", &["minus"]),
    ("auth-response-headers", &["minus"]),
    ("auth-signin-redirect-param", &["minus"]),
    ("canary-by-cookie", &["minus"]),
    ("canary-by-header", &["minus"]),
    ("canary-by-header-pattern", &["dollar", "minus"]),
    ("canary-by-header-value", &["quote", "brace", "dollar", "percent", "words", "minus"]),
    ("cors-allow-headers", &["minus"]),
    ("cors-expose-headers", &["minus"]),
    ("cors-max-age", &["minus"]),
    ("fastcgi-index", &["minus"]),
    ("limit-connections", &["minus"]),
    ("limit-rate", &["minus"]),
    ("limit-rate-after", &["minus"]),
    ("limit-rpm", &["minus"]),
    ("limit-rps", &["minus"]),
    ("mirror-host", &["brace", "minus"]),
    ("opentelemetry-operation-name", &["long", "minus"]),
    ("permanent-redirect", &["minus"]),
    ("proxy-redirect-from", &["minus"]),
    ("proxy-redirect-to", &["minus"]),
    ("session-cookie-domain", &["minus"]),
    ("session-cookie-expires", &["minus"]),
    ("session-cookie-max-age", &["minus"]),
    ("session-cookie-name", &["minus"]),
    ("session-cookie-path", &["minus"]),
    ("upstream-hash-by", &["brace", "minus"]),
    ("upstream-hash-by-subset-size", &["minus"]),
    ("upstream-vhost", &["brace", "minus"]),
    ("x-forwarded-prefix", &["minus"]),
];

/// Annotations without which one of a group does nothing.
fn companions(name: &str) -> &'static [(&'static str, &'static str)] {
    match name {
        "auth-type" | "auth-secret" | "auth-secret-type" | "auth-realm" | "satisfy" => &[("auth-type", "basic"), ("auth-secret", "users")],
        "auth-cache-duration" => &[("auth-url", "http://a.test/"), ("auth-cache-key", "$host")],
        "permanent-redirect-code" => &[("permanent-redirect", "https://x.test/")],
        "temporal-redirect-code" => &[("temporal-redirect", "https://x.test/")],
        "x-forwarded-prefix" => &[("rewrite-target", "/x")],
        "default-backend" => &[("custom-http-errors", "503")],
        "proxy-redirect-to" => &[("proxy-redirect-from", "http://a/")],
        _ if name.starts_with("auth-tls-") => &[("auth-tls-secret", "shop/ca")],
        _ if name.starts_with("auth-") => &[("auth-url", "http://a.test/")],
        _ if name.starts_with("session-cookie-") || name.starts_with("affinity") => &[("affinity", "cookie")],
        "canary-by-header-pattern" | "canary-by-header-value" => &[("canary", "true"), ("canary-by-header", "X-A")],
        _ if name.starts_with("canary-") => &[("canary", "true")],
        "cors-allow-origin"
        | "cors-allow-methods"
        | "cors-allow-headers"
        | "cors-expose-headers"
        | "cors-allow-credentials"
        | "cors-max-age" => &[("enable-cors", "true")],
        _ if name.starts_with("limit-") => &[("limit-rps", "5")],
        _ if name.starts_with("proxy-ssl-") => &[("backend-protocol", "HTTPS"), ("proxy-ssl-secret", "shop/ca")],
        _ if name.starts_with("mirror-") => &[("mirror-target", "http://a.test/")],
        _ if name.starts_with("upstream-hash-by") => &[("upstream-hash-by", "$request_uri")],
        _ if name.starts_with("fastcgi-") => &[("backend-protocol", "FCGI")],
        _ if name.starts_with("opentelemetry-") => &[("enable-opentelemetry", "true")],
        _ => &[],
    }
}

/// A value next to what makes it count.
fn beside<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let others = companions(name).iter().copied().filter(|(other, _)| *other != name);
    others.chain([(name, value)]).collect()
}

fn world() -> Snapshot {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["ca".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
    let secret = |namespace: &str, name: &str, data: &Json| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": data});
    let map = |namespace: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map", "namespace": namespace}, "data": {"X-A": "1"}});
    let (users, ca) = (json!({"auth": "u:{PLAIN}w\n"}), json!({"ca.crt": certificate}));
    let objects = ["shop", "other"].map(|namespace| [secret(namespace, "users", &users), secret(namespace, "ca", &ca), map(namespace)]);
    snapshot(&objects.concat())
}

/// What annotations ask for, and what is said about them, where snippets are allowed.
fn read(world: &Snapshot, pairs: &[(&str, &str)]) -> (Option<Policies>, Vec<String>) {
    const SNIPPETS: [(&str, &str); 2] = [("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")];
    read_configured(&Settings::default(), &SNIPPETS, world, pairs)
}

fn keys() -> impl Iterator<Item = &'static Key> {
    FEATURES.iter().flat_map(|feature| feature.keys)
}

/// Those of them of which it is said what they mean.
const TAKEN_AND_TOLD: [(&str, &str); 3] = [("limit-connections", "minus"), ("limit-rpm", "minus"), ("limit-rps", "minus")];

/// The annotations whose loss would let somebody in.
fn protects(key: &Key) -> bool {
    const BEGINNINGS: [&str; 7] = ["auth-", "allowlist-", "whitelist-", "denylist-", "limit-", "proxy-ssl-", "satisfy"];
    BEGINNINGS.iter().any(|begins| key.name.starts_with(begins))
}

fn closes(key: &Key) -> bool {
    matches!(key.on_bad_value, OnBadValue::CloseRoute | OnBadValue::SkipIngress)
}

/// Whether nothing is served, or all of it is closed.
fn is_closed(policies: Option<&Policies>) -> bool {
    policies.is_none_or(|policies| policies.closed)
}

#[test]
fn what_makes_an_annotation_count_is_fine_itself() {
    let world = world();
    for key in keys() {
        let pairs = companions(key.name);
        let (policies, said) = read(&world, pairs);
        assert!(!is_closed(policies.as_ref()) && said.is_empty(), "{pairs:?}: {said:?}");
    }
}

#[test]
fn a_bad_value_is_said_once_and_lets_nobody_in() {
    let world = world();
    let mut wrong = Vec::new();
    for key in keys() {
        let fine = FINE.iter().find(|(name, _)| *name == key.name).map_or(&[][..], |(_, fine)| fine);
        for (what, value) in HOSTILE {
            let (policies, said) = read(&world, &beside(key.name, value));
            let is_bad = !fine.contains(&what);
            let wanted = usize::from(is_bad || TAKEN_AND_TOLD.contains(&(key.name, what)));
            if said.len() != wanted || said.iter().any(|text| !text.starts_with(key.name) || text.len() > 1200) {
                wrong.push(format!("{} {what}: {said:?}", key.name));
            }
            if is_bad && closes(key) && protects(key) && !is_closed(policies.as_ref()) {
                wrong.push(format!("{} {what}: lets everybody in", key.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Good values that stand beside a bad one, of other groups than most of them.
const NEIGHBOURS: [(&str, &str); 8] = [
    ("enable-cors", "true"),
    ("limit-rpm", "7"),
    ("proxy-read-timeout", "77"),
    ("allowlist-source-range", "10.0.0.0/8"),
    ("affinity", "cookie"),
    ("auth-url", "http://a.test/"),
    ("proxy-body-size", "7m"),
    ("custom-http-errors", "404"),
];

#[test]
fn a_bad_value_takes_nothing_from_its_neighbours() {
    let world = world();
    let mut wrong = Vec::new();
    for key in keys() {
        // Of two names for one thing, the newer counts.
        let newer = |name: &str| (key.name, name) == ("whitelist-source-range", "allowlist-source-range");
        let own = |name: &str| name == key.name || companions(key.name).iter().any(|(other, _)| *other == name);
        let others = NEIGHBOURS.iter().copied().filter(|(name, _)| !own(name) && !newer(name));
        let pairs: Vec<_> = others.chain(beside(key.name, "a\u{1}b")).collect();
        let (policies, said) = read(&world, &pairs);
        if said.len() != 1 || !said[0].starts_with(key.name) {
            wrong.push(format!("{}: {said:?}", key.name));
        }
        let Some(policies) = policies else { continue };
        // Without a list of origins that can be read, no page is let in.
        let spared = |name: &str| (key.name, name) == ("cors-allow-origin", "enable-cors");
        let named = |name: &str| !spared(name) && pairs.iter().any(|(other, _)| *other == name) && key.name != name;
        let route = &policies.route;
        let kept = [
            ("proxy-read-timeout", route.timeouts.as_ref().is_some_and(|timeouts| timeouts.read_s == Some(77))),
            ("allowlist-source-range", route.sources.is_some()),
            ("limit-rpm", route.limits.is_some()),
            ("enable-cors", route.cors.is_some()),
            ("auth-url", route.external_auth.is_some()),
        ];
        // A closed route asks for nothing else.
        let lost: Vec<_> = kept.iter().filter(|(name, there)| named(name) && !there && !policies.closed).map(|(name, _)| name).collect();
        if !lost.is_empty() {
            wrong.push(format!("{}: {lost:?} are lost", key.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_object_that_is_not_there_or_of_somebody_else_is_said_once_and_lets_nobody_in() {
    let world = world();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for key in keys().filter(|key| matches!(key.value, Value::Object(_))) {
        for value in ["shop/none", "none", "other/ca", "other/users", "other/map", "/", "shop/", "/ca", "a/b/c", "../../ca"] {
            let (policies, said) = read(&world, &beside(key.name, value));
            seen += 1;
            if said.len() != 1 || !said[0].starts_with(key.name) {
                wrong.push(format!("{} {value}: {said:?}", key.name));
            }
            // A Service for pages is done without.
            if closes(key) && key.value != Value::Object(Kind::Service) && !is_closed(policies.as_ref()) {
                wrong.push(format!("{} {value}: is served", key.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 60, "so few annotations name objects: {seen}");
}
