//! `gatewright annotations`: the reference, from the list of features.

use super::offline::{End, exit};
use super::output::print;
use crate::args::{AnnotationsConfig, ListFormat};
use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::translate::annotations::{FEATURES, Key, OnBadValue, markdown};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Prints; exit code 0, 1 for a name that nobody knows, 2 when that fails.
pub(crate) fn main(config: &AnnotationsConfig, warnings: &[String]) -> ExitCode {
    exit(warnings, || {
        let is_meant = |key: &&Key| config.names.is_empty() || config.names.iter().any(|name| name == key.name);
        let keys: Vec<(&str, &Key)> =
            FEATURES.iter().flat_map(|feature| feature.keys.iter().filter(is_meant).map(|key| (feature.name, key))).collect();
        let text = match config.format {
            // The page speaks of the oldest versions that are supported.
            ListFormat::Markdown => markdown(&[&NGINX, &HAPROXY].map(|proxy| (proxy.name, (proxy.lacks)(proxy.oldest)))),
            ListFormat::Text => keys.iter().map(|(_, key)| one(key)).collect::<Vec<_>>().join("\n"),
            ListFormat::Json => {
                format!("{:#}\n", json!({"version": 1, "annotations": keys.iter().map(|(f, key)| entry(f, key)).collect::<Vec<_>>()}))
            }
        };
        print(text.as_bytes())?;
        let known = |name: &String| keys.iter().any(|(_, key)| key.name == *name);
        let unknown: Vec<_> = config.names.iter().filter(|name| !known(name)).collect();
        unknown.iter().for_each(|name| super::output::say(format_args!("{name}: not among the annotations that are supported")));
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

fn one(key: &Key) -> String {
    format!("{}\n    {}\n    value: {}; default: {}; wrong value: {}\n", key.name, key.doc, key.value, default(key), bad(key.on_bad_value))
}

fn entry(feature: &str, key: &Key) -> Value {
    json!({
        "name": key.name, "feature": feature, "doc": key.doc, "value": key.value.to_string(), "default": key.default,
        "configKey": key.config_key, "scope": format!("{:?}", key.scope).to_lowercase(), "tier": format!("{:?}", key.tier),
        "risk": format!("{:?}", key.risk).to_lowercase(), "onBadValue": bad(key.on_bad_value),
    })
}

const fn bad(answer: OnBadValue) -> &'static str {
    match answer {
        OnBadValue::KeepDefault => "the default holds",
        OnBadValue::DropFeature => "the feature is left out",
        OnBadValue::CloseRoute => "the routes answer 503",
        OnBadValue::SkipIngress => "the Ingress is left out",
    }
}
