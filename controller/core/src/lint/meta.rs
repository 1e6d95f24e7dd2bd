//! Labels and annotations, which all kinds have.

use super::{Findings, items_of, text_of};
use crate::names::{is_dns_subdomain, shown};
use serde_json::Value;

/// Largest sum of keys and values of the annotations of one object.
const MAX_ANNOTATION_BYTES: usize = 256 << 10;

pub(super) fn check(object: &Value, findings: &mut Findings) {
    let Some(meta) = object.get("metadata") else { return };
    let map = |key: &str| meta.get(key).and_then(Value::as_object).into_iter().flatten();
    let mut bytes = 0;
    for (key, value) in map("annotations") {
        bytes += key.len() + value.as_str().map_or(0, str::len);
        // The API server lowers these before it looks, and not those of labels.
        if !is_qualified_name(&key.to_ascii_lowercase()) {
            said_key(findings, "annotations", key);
        }
    }
    if bytes > MAX_ANNOTATION_BYTES {
        findings.refused("metadata.annotations", format!("the annotations have {bytes} bytes"), "the API server takes at most 262144");
    }
    for (key, value) in map("labels") {
        if !is_qualified_name(key) {
            said_key(findings, "labels", key);
        }
        if let Some(text) = value.as_str().filter(|text| !text.is_empty() && !is_label_value(text)) {
            let message = format!("{} is not the value of a label", shown(text));
            findings.refused(field("labels", key), message, LABEL_VALUE);
        }
    }
    finalizers(meta, findings);
}

/// What the value of a label may be.
pub(super) const LABEL_VALUE: &str = "use at most 63 letters, digits, '-', '_' and '.'";

fn finalizers(meta: &Value, findings: &mut Findings) {
    const STANDARD: [&str; 3] = ["orphan", "foregroundDeletion", "kubernetes"];
    for (n, name) in items_of(meta, "finalizers") {
        let name = name.as_str().unwrap_or_default();
        if !(STANDARD.contains(&name) || name.contains('/') && is_qualified_name(name)) {
            let message = format!("{} is not the name of a finalizer", shown(name));
            findings.refused(format!("metadata.finalizers[{n}]"), message, "use a DNS name, a slash and a word");
        }
    }
    for (n, owner) in items_of(meta, "ownerReferences") {
        for key in ["apiVersion", "kind", "name", "uid"].into_iter().filter(|key| text_of(owner, key).unwrap_or_default().is_empty()) {
            findings.refused(
                format!("metadata.ownerReferences[{n}].{key}"),
                format!("the owner has no {key}"),
                "add it, or remove the owner",
            );
        }
    }
}

fn said_key(findings: &mut Findings, map: &str, key: &str) {
    let message = format!("{} is not a key for {map}", shown(key));
    let help = "use a DNS name and a slash, or nothing, and then at most 63 letters, digits, '-', '_' and '.'";
    findings.refused(field(map, key), message, help);
}

fn field(map: &str, key: &str) -> String {
    format!("metadata.{map}[{}]", shown(key).trim_matches('"'))
}

pub(super) fn is_qualified_name(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_label_value(name),
        None => is_label_value(key),
    }
}

pub(super) fn is_label_value(text: &str) -> bool {
    let is_end = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && is_end(bytes.first().copied())
        && is_end(bytes.last().copied())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}
