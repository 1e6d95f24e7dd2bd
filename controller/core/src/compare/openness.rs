//! Whether another value of a protection lets more or fewer requests through.

use super::Effect;
use ipnet::IpNet;
use std::net::IpAddr;

/// Names of annotations and ConfigMap keys: what begins with one of these is a protection.
const PROTECTIONS: [&str; 12] = [
    "auth-",
    "global-auth-",
    "whitelist-source-range",
    "allowlist-source-range",
    "denylist-source-range",
    "block-",
    "limit-",
    "enable-modsecurity",
    "enable-owasp",
    "modsecurity-",
    "proxy-ssl-verify",
    "satisfy",
];

/// What it means that a name has another value; empty: none. `None`: it is no protection.
pub(super) fn effect(name: &str, from: &str, to: &str) -> Option<Effect> {
    if name.starts_with("limit-") {
        return limit(name, from, to);
    }
    if name.contains("whitelist") || name.contains("allowlist") {
        return ranges(from, to);
    }
    if name == "denylist-source-range" {
        return denied(from, to);
    }
    // Whoever is passed on meets no protection of the proxy.
    if name == "ssl-passthrough" {
        return boolean(to, from);
    }
    match name {
        // Other origins, or all of them, may read what is answered.
        "enable-cors" => return boolean(to, from),
        "cors-allow-origin" => return origins(from, to),
        // Visitors land elsewhere.
        "permanent-redirect" | "temporal-redirect" => return (!to.is_empty()).then_some(Effect::Unclear),
        // What visitors are told keeps nobody out.
        "auth-realm" => return None,
        _ => {}
    }
    if !PROTECTIONS.iter().any(|known| name.starts_with(known)) {
        return None;
    }
    match (from.is_empty(), to.is_empty()) {
        (true, true) => None,
        _ if is_boolean(from) && is_boolean(to) => boolean(from, to),
        (true, false) => Some(Effect::Closes),
        (false, true) => Some(Effect::Opens),
        (false, false) => Some(Effect::Unclear),
    }
}

fn is_boolean(text: &str) -> bool {
    matches!(text, "" | "true" | "false")
}

fn boolean(from: &str, to: &str) -> Option<Effect> {
    match (from, to) {
        ("true", "false" | "") => Some(Effect::Opens),
        ("false" | "", "true") => Some(Effect::Closes),
        _ => None,
    }
}

/// More of what is limited opens; no limit at all opens most.
fn limit(name: &str, from: &str, to: &str) -> Option<Effect> {
    const LIMITS: [&str; 3] = ["limit-rps", "limit-rpm", "limit-connections"];
    if !LIMITS.contains(&name) {
        // What is let through unlimited, and how fast answers go, keeps nobody out.
        return None;
    }
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number > 0);
    match (number(from), number(to)) {
        (None, Some(_)) => Some(Effect::Closes),
        (Some(_), None) => Some(Effect::Opens),
        (Some(from), Some(to)) if from < to => Some(Effect::Opens),
        (Some(from), Some(to)) if from > to => Some(Effect::Closes),
        _ => None,
    }
}

/// Without a list, every origin may.
fn origins(from: &str, to: &str) -> Option<Effect> {
    let all = |text: &str| text.is_empty() || text.split(',').any(|origin| origin.trim() == "*");
    match (all(from), all(to)) {
        (false, true) => Some(Effect::Opens),
        (true, false) => Some(Effect::Closes),
        (true, true) => None,
        (false, false) => Some(Effect::Unclear),
    }
}

/// A list of who may come; an empty one lets everybody in.
fn ranges(from: &str, to: &str) -> Option<Effect> {
    match (from.is_empty(), to.is_empty()) {
        (true, true) => return None,
        (true, false) => return Some(Effect::Closes),
        (false, true) => return Some(Effect::Opens),
        (false, false) => {}
    }
    let (Some(old), Some(new)) = (networks(from), networks(to)) else { return Some(Effect::Unclear) };
    let holds = |outer: &[IpNet], inner: &[IpNet]| inner.iter().all(|net| outer.iter().any(|outer| outer.contains(net)));
    match (holds(&new, &old), holds(&old, &new)) {
        (true, true) => None,
        (true, false) => Some(Effect::Opens),
        (false, true) => Some(Effect::Closes),
        (false, false) => Some(Effect::Unclear),
    }
}

/// A list of who may not come.
fn denied(from: &str, to: &str) -> Option<Effect> {
    match (from.is_empty(), to.is_empty()) {
        (true, false) => Some(Effect::Closes),
        (false, true) => Some(Effect::Opens),
        _ => ranges(from, to).map(reversed),
    }
}

fn networks(text: &str) -> Option<Vec<IpNet>> {
    let network = |item: &str| item.parse::<IpNet>().ok().or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from));
    text.split([',', ' ']).map(str::trim).filter(|item| !item.is_empty()).map(network).collect()
}

const fn reversed(effect: Effect) -> Effect {
    match effect {
        Effect::Opens => Effect::Closes,
        Effect::Closes => Effect::Opens,
        Effect::Unclear => Effect::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_who_gets_in_and_who_no_longer_does() {
        use Effect::{Closes, Opens, Unclear};
        let table = [
            ("auth-url", "", "http://a/", Some(Closes)),
            ("auth-url", "http://a/", "", Some(Opens)),
            ("auth-url", "http://a/", "http://b/", Some(Unclear)),
            ("allowlist-source-range", "10.0.0.0/8", "10.0.0.0/8, 192.168.0.0/16", Some(Opens)),
            ("whitelist-source-range", "10.0.0.0/8", "10.1.0.0/16,10.2.0.1", Some(Closes)),
            ("allowlist-source-range", "10.0.0.0/8", "192.168.0.0/16", Some(Unclear)),
            ("allowlist-source-range", "10.0.0.0/8,10.1.0.0/16", "10.0.0.0/8", None),
            ("allowlist-source-range", "", "10.0.0.0/8", Some(Closes)),
            ("denylist-source-range", "", "10.0.0.0/8", Some(Closes)),
            ("denylist-source-range", "10.1.0.0/16", "10.0.0.0/8", Some(Closes)),
            ("denylist-source-range", "10.1.0.0/16", "", Some(Opens)),
            ("ssl-passthrough", "", "true", Some(Opens)),
            ("ssl-passthrough", "true", "false", Some(Closes)),
            ("limit-rps", "10", "20", Some(Opens)),
            ("limit-rps", "20", "10", Some(Closes)),
            ("limit-rps", "20", "", Some(Opens)),
            ("limit-rate", "20", "10", None),
            // The routes themselves tell whether they are redirected.
            ("ssl-redirect", "true", "false", None),
            ("enable-modsecurity", "true", "", Some(Opens)),
            ("enable-modsecurity", "", "false", None),
            ("proxy-read-timeout", "1", "2", None),
            ("enable-cors", "", "true", Some(Opens)),
            ("enable-cors", "true", "false", Some(Closes)),
            ("cors-allow-origin", "https://a.test", "*", Some(Opens)),
            ("cors-allow-origin", "https://a.test", "", Some(Opens)),
            ("cors-allow-origin", "*", "https://a.test", Some(Closes)),
            ("cors-allow-origin", "https://a.test", "https://b.test", Some(Unclear)),
            ("permanent-redirect", "https://a.test", "https://b.test", Some(Unclear)),
            ("permanent-redirect", "https://a.test", "", None),
            ("auth-realm", "", "shop", None),
            ("auth-realm", "shop", "other", None),
        ];
        for (name, from, to, expected) in table {
            assert_eq!(effect(name, from, to), expected, "{name}: {from:?} → {to:?}");
        }
    }
}
