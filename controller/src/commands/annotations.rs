//! `gatewright annotations`: the reference, from the list of features.

use super::offline::{End, exit};
use super::output::print;
use crate::args::{AnnotationsConfig, ListFormat};
use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::names::shown;
use gatewright_core::translate::annotations::{
    FEATURES, Key, OnBadValue, ProxyFacts, Scope, Verdict, help_on_unknown, markdown, names, tier, totals,
};
use serde_json::{Value, json};
use std::fmt::Write;
use std::process::ExitCode;

/// Prints; exit code 0, 1 for a name that nobody knows, 2 when that fails.
pub(crate) fn main(config: &AnnotationsConfig, warnings: &[String]) -> ExitCode {
    exit(warnings, || {
        // The lists speak of the oldest versions that are supported.
        let proxies = [&NGINX, &HAPROXY].map(|dialect| ProxyFacts {
            name: dialect.name,
            lacks: (dialect.lacks)(dialect.oldest),
            approximates: dialect.approximates,
        });
        // As it stands on an Ingress, a name has the prefix.
        let wanted: Vec<&str> = config.names.iter().filter_map(|name| name.rsplit('/').next()).collect();
        let is_meant = |name: &&str| wanted.is_empty() || wanted.contains(name);
        let found: Vec<&str> = names().filter(is_meant).collect();
        let text = match config.format {
            ListFormat::Markdown => markdown(&proxies),
            ListFormat::Text if wanted.is_empty() => format!("{}\n{}", all(&found, &proxies), totals(&proxies)),
            ListFormat::Text => all(&found, &proxies),
            ListFormat::Json => {
                format!("{:#}\n", json!({"version": 1, "annotations": found.iter().map(|name| entry(name, &proxies)).collect::<Vec<_>>()}))
            }
        };
        print(text.as_bytes())?;
        let unknown: Vec<_> = wanted.iter().filter(|name| !found.contains(name)).collect();
        unknown.iter().for_each(|name| {
            let alike: Vec<&str> = names().filter(|known| !name.is_empty() && known.contains(*name)).collect();
            let help = if alike.is_empty() { help_on_unknown(name) } else { format!("perhaps {} is meant", alike.join(" or ")) };
            super::output::say(format_args!("error: nothing is known of an annotation {}; {help}", shown(name)));
        });
        Ok(if unknown.is_empty() { End::Fine } else { End::Not })
    })
}

fn default(key: &Key) -> String {
    match (key.default, key.config_key) {
        ("", "") => "none".to_owned(),
        (default, "") => default.to_owned(),
        ("", config_key) => format!("that of the ConfigMap key {config_key}"),
        (default, config_key) => format!("{default}, or that of the ConfigMap key {config_key}"),
    }
}

/// The feature of an annotation, if one reads it.
fn key_of(name: &str) -> Option<(&'static str, &'static Key)> {
    FEATURES.iter().find_map(|feature| Some((feature.name, feature.keys.iter().find(|key| key.name == name)?)))
}

fn all(names: &[&str], proxies: &[ProxyFacts]) -> String {
    names.iter().map(|name| one(name, proxies)).collect::<Vec<_>>().join("\n")
}

fn one(name: &str, proxies: &[ProxyFacts]) -> String {
    let mut text = format!("{name}\n");
    if let Some((group, key)) = key_of(name) {
        let _ = writeln!(text, "    {}", key.doc);
        let _ = writeln!(text, "    group: {group}");
        let _ = writeln!(text, "    value: {}; default: {}; wrong value: {}{}", key.value, default(key), bad(key), refused(key));
    }
    if let Some(tier) = tier(name) {
        let _ = writeln!(text, "    tier: {tier}");
    }
    for proxy in proxies {
        let (verdict, how) = proxy.verdict(name);
        let how = if verdict == Verdict::Same { how } else { format!(" ({how})") };
        let _ = writeln!(text, "    {}: {verdict}{how}", proxy.name);
    }
    text
}

fn entry(name: &str, proxies: &[ProxyFacts]) -> Value {
    let verdict = |proxy: &ProxyFacts| {
        let (verdict, how) = proxy.verdict(name);
        (proxy.name.to_owned(), json!({"verdict": verdict.to_string(), "how": how}))
    };
    let proxies: serde_json::Map<String, Value> = proxies.iter().map(verdict).collect();
    let tier = tier(name).map(|tier| tier.to_string());
    let Some((feature, key)) = key_of(name) else { return json!({"name": name, "tier": tier, "proxies": proxies}) };
    json!({
        "name": key.name, "feature": feature, "doc": key.doc, "value": key.value.to_string(), "default": key.default,
        "configKey": key.config_key, "scope": format!("{:?}", key.scope).to_lowercase(), "tier": tier,
        "risk": format!("{:?}", key.risk).to_lowercase(), "onBadValue": bad(key),
        "refusedAtAdmission": key.is_refused, "proxies": proxies,
    })
}

const fn refused(key: &Key) -> &'static str {
    if key.is_refused { "; at admission the Ingress is refused" } else { "" }
}

const fn bad(key: &Key) -> &'static str {
    match key.on_bad_value {
        OnBadValue::CloseRoute if matches!(key.scope, Scope::Host) => "every request to the hosts is answered 403",
        OnBadValue::KeepDefault => "the default holds",
        OnBadValue::DropFeature => "the feature is left out",
        OnBadValue::CloseRoute => "the routes answer 503",
        OnBadValue::SkipIngress => "the Ingress is left out",
    }
}
