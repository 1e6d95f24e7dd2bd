//! The names in policies. One that names nothing would forbid nothing: where it is only written in another way it is mended,
//! and otherwise the policy is not taken.

use super::annotations;
use crate::names::{HostPattern, shown};
use crate::settings::{Limit, Pattern, Policy};
use std::collections::BTreeMap;

/// The policy with its names as they are compared; `prefix`: of annotations.
///
/// # Errors
/// Which of them names nothing, with its field.
pub(super) fn settled(mut policy: Policy, prefix: &str) -> Result<Policy, String> {
    for (n, rule) in policy.hosts.iter_mut().enumerate() {
        settle(&mut rule.names, &format!("hosts[{n}].names"), host)?;
        settle(&mut rule.namespaces, &format!("hosts[{n}].namespaces"), namespace)?;
        there(&rule.names, &format!("hosts[{n}].names"))?;
    }
    for (n, rule) in policy.annotations.iter_mut().enumerate() {
        let of_annotations = |text: &str| annotation(text, prefix);
        if let Some(namespaces) = &mut rule.namespaces {
            settle(namespaces, &format!("annotations[{n}].namespaces"), namespace)?;
            there(namespaces, &format!("annotations[{n}].namespaces"))?;
        }
        settle(rule.allowed.as_deref_mut().unwrap_or_default(), &format!("annotations[{n}].allowed"), of_annotations)?;
        settle(&mut rule.denied, &format!("annotations[{n}].denied"), of_annotations)?;
    }
    settle(policy.wildcard_hosts.as_deref_mut().unwrap_or_default(), "wildcardHosts", namespace)?;
    settle(policy.catch_all.as_deref_mut().unwrap_or_default(), "catchAll", namespace)?;
    policy.limits = limits(policy.limits, prefix)?;
    Ok(policy)
}

fn settle(patterns: &mut [Pattern], field: &str, read: impl Fn(&str) -> Result<String, String>) -> Result<(), String> {
    for (n, pattern) in patterns.iter_mut().enumerate() {
        let text = read(pattern.as_str()).map_err(|why| format!("{field}[{n}]: {} {why}", shown(pattern.as_str())))?;
        *pattern = Pattern::new(&text);
    }
    Ok(())
}

fn there(patterns: &[Pattern], field: &str) -> Result<(), String> {
    if patterns.is_empty() { Err(format!("{field}: it names nothing, so the entry is for nobody; remove it")) } else { Ok(()) }
}

/// As hosts of rules are: in lower case, without a dot behind.
fn host(text: &str) -> Result<String, String> {
    let lower = text.trim().to_ascii_lowercase();
    let name = lower.strip_suffix('.').unwrap_or(&lower);
    let of_names = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.*".contains(&b);
    let is_like_one = if name.contains('*') { name.bytes().all(of_names) } else { HostPattern::parse(name).is_ok() && !name.is_empty() };
    if is_like_one {
        Ok(name.to_owned())
    } else {
        Err("is like no host; use names such as shop.example, with * for any characters".to_owned())
    }
}

fn namespace(text: &str) -> Result<String, String> {
    let name = text.trim().to_ascii_lowercase();
    let of_names = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-*".contains(&b);
    let is_like_one = (1..=63).contains(&name.len()) && name.bytes().all(of_names);
    if is_like_one { Ok(name) } else { Err("is like no namespace; use names such as shop, with * for any characters".to_owned()) }
}

/// A name, a group, or a pattern of them, without the prefix.
fn annotation(text: &str, prefix: &str) -> Result<String, String> {
    let name = without_prefix(text, prefix);
    let pattern = Pattern::new(&name);
    let is_one = |known: &str| pattern.matches(known) || annotations::group_of(known).is_some_and(|group| pattern.matches(&group));
    if annotations::names().any(is_one) {
        return Ok(name);
    }
    let help = annotations::help_on_unknown(&name);
    Err(format!("is neither an annotation nor a group of them; {help}"))
}

fn without_prefix(text: &str, prefix: &str) -> String {
    let name = text.trim().to_ascii_lowercase();
    let own = name.strip_prefix(&prefix.to_ascii_lowercase()).and_then(|rest| rest.strip_prefix('/'));
    own.unwrap_or(&name).to_owned()
}

/// By the names of annotations, in what these count.
fn limits(given: BTreeMap<String, Limit>, prefix: &str) -> Result<BTreeMap<String, Limit>, String> {
    let mut limits = BTreeMap::new();
    for (given, limit) in given {
        let name = without_prefix(&given, prefix);
        let wrong = |why: String| format!("limits: {}: {}: {why}", shown(&given), shown(&limit.text));
        let value = annotations::most(&name, limit.text.trim()).map_err(wrong)?;
        if limits.insert(name, Limit { value, ..limit.clone() }).is_some() {
            return Err(wrong("the annotation is there twice; keep one of them".to_owned()));
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn settle(policy: &Value) -> Result<Policy, String> {
        settled(Policy::read(policy).unwrap(), "p.io")
    }

    #[test]
    fn names_are_taken_however_they_are_written() {
        for (written, meant) in [
            (
                json!({"hosts": [{"names": ["Shop.Example", "shop.example.", " a.example", "*.B.example"], "namespaces": [" Shop", "team-*"]}]}),
                json!({"hosts": [{"names": ["shop.example", "shop.example", "a.example", "*.b.example"], "namespaces": ["shop", "team-*"]}]}),
            ),
            (
                json!({"annotations": [{"namespaces": ["Team-*"], "denied": ["Mirror-Target", "p.io/auth-url ", "*-snippet", "MIRRORING"]}]}),
                json!({"annotations": [{"namespaces": ["team-*"], "denied": ["mirror-target", "auth-url", "*-snippet", "mirroring"]}]}),
            ),
            (json!({"limits": {"P.io/Limit-RPS": 5}}), json!({"limits": {"limit-rps": 5}})),
            (json!({"wildcardHosts": ["Shop"], "catchAll": []}), json!({"wildcardHosts": ["shop"], "catchAll": []})),
        ] {
            assert_eq!(settle(&written), Ok(Policy::read(&meant).unwrap()), "{written}");
        }
    }

    #[test]
    fn what_names_nothing_is_said_with_its_field() {
        for (policy, part) in [
            (
                json!({"hosts": [{"names": ["a.example", "https://b.example"], "namespaces": ["a"]}]}),
                "hosts[0].names[1]: \"https://b.example\"",
            ),
            (json!({"hosts": [{"names": [""], "namespaces": ["a"]}]}), "hosts[0].names[0]"),
            (json!({"hosts": [{"names": ["b\u{fc}cher.example"], "namespaces": ["a"]}]}), "hosts[0].names[0]"),
            (json!({"hosts": [{"names": [], "namespaces": ["a"]}]}), "hosts[0].names: it names nothing"),
            (json!({"hosts": [{"names": ["a.example"], "namespaces": ["a_b"]}]}), "hosts[0].namespaces[0]"),
            (json!({"annotations": [{"denied": ["mirror-targets"]}]}), "annotations[0].denied[0]: \"mirror-targets\" is neither"),
            (json!({"annotations": [{"denied": ["mirror-targets"]}]}), "write mirror-target"),
            (json!({"annotations": [{"denied": ["other.io/mirror-target"]}]}), "annotations[0].denied[0]"),
            (json!({"annotations": [{"allowed": ["mirors-*"]}]}), "annotations[0].allowed[0]"),
            (json!({"annotations": [{"namespaces": [], "denied": ["auth-url"]}]}), "annotations[0].namespaces"),
            (json!({"catchAll": ["a b"]}), "catchAll[0]"),
            (json!({"limits": {"proxy-body-siz": "1k"}}), "write proxy-body-size"),
            (json!({"limits": {"enable-cors": 1}}), "it has no greatest value"),
            (json!({"limits": {"limit-rps": 0}}), "a limit of 0 would be none"),
            (json!({"limits": {"limit-rps": 1, "p.io/limit-rps": 2}}), "there twice"),
        ] {
            let why = settle(&policy).unwrap_err();
            assert!(why.contains(part), "{policy}: {why}");
        }
    }
}
