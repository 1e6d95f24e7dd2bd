//! Ingress: `ingress-semantics` 1.1, as far as translation does not say it.

use super::{Findings, items_of, text_of};
use crate::diagnostic::Code;
use crate::names::{is_dns_subdomain, shown};
use serde_json::Value;

pub(super) fn check(object: &Value, is_v1: bool, findings: &mut Findings) {
    let Some(spec) = object.get("spec") else { return };
    class(object, spec, findings);
    for (r, rule) in items_of(spec, "rules") {
        host(text_of(rule, "host").unwrap_or_default(), format!("spec.rules[{r}].host"), findings);
        let Some(http) = rule.get("http").filter(|http| http.is_object()) else { continue };
        if items_of(http, "paths").next().is_none() && http.get("paths").is_none_or(Value::is_array) {
            findings.refused(format!("spec.rules[{r}].http.paths"), "http has no paths", "add one, or leave http out");
        }
        for (p, item) in items_of(http, "paths") {
            path(item, &format!("spec.rules[{r}].http.paths[{p}]"), is_v1, findings);
        }
    }
    for (t, section) in items_of(spec, "tls") {
        for (h, name) in items_of(section, "hosts") {
            host(name.as_str().unwrap_or_default(), format!("spec.tls[{t}].hosts[{h}]"), findings);
        }
    }
}

fn class(object: &Value, spec: &Value, findings: &mut Findings) {
    const ANNOTATION: &str = "kubernetes.io/ingress.class";
    let Some(class) = text_of(spec, "ingressClassName") else { return };
    if !is_dns_subdomain(class) {
        let message = format!("{} is not the name of an IngressClass", shown(class));
        findings.refused("spec.ingressClassName", message, "use lower-case letters, digits, '-' and '.'");
    }
    if object.pointer("/metadata/annotations").is_some_and(|all| all.get(ANNOTATION).is_some()) {
        let message = "the annotation and spec.ingressClassName cannot both be there when the Ingress is created";
        findings.refused(format!("metadata.annotations[{ANNOTATION}]"), message, "remove the annotation");
    }
}

/// Translation folds upper case, because names compare without case; the API server does not.
fn host(text: &str, field: String, findings: &mut Findings) {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        findings.refused(field, format!("host {} has upper-case letters", shown(text)), "write it in lower case");
    }
}

fn path(item: &Value, at: &str, is_v1: bool, findings: &mut Findings) {
    let kind = text_of(item, "pathType");
    if is_v1 && kind.is_none() && item.get("pathType").is_none_or(Value::is_null) && item.is_object() {
        let help = "write pathType: Prefix, or ImplementationSpecific as the old API versions meant it";
        findings.refused(format!("{at}.pathType"), "the path has no pathType", help);
    }
    if let Some(text) = text_of(item, "path").filter(|text| text.starts_with('/')) {
        written_path(text, kind, at, findings);
    } else if item.is_object() && matches!(kind, Some("Exact" | "Prefix")) && text_of(item, "path").unwrap_or_default().is_empty() {
        findings.refused(format!("{at}.path"), "a path of this type may not be empty", "write path: /");
    }
}

fn written_path(text: &str, kind: Option<&str>, at: &str, findings: &mut Findings) {
    let field = format!("{at}.path");
    // A dot segment is said by translation.
    let part = ["//", "%2f", "%2F"].into_iter().find(|part| text.contains(part));
    match (kind, part) {
        (Some("Exact" | "Prefix"), Some(part)) => {
            findings.refused(field, format!("path {} contains {part}, which this type of path may not", shown(text)), "remove it");
        }
        _ if part == Some("//") => {
            let message =
                format!("path {} is never reached: repeated slashes of a request are merged before paths are compared", shown(text));
            findings.say(Code::NeverReached, field, message, "write one slash");
        }
        _ if has_escape(text) => {
            let message = format!("path {} is never reached: requests are decoded before paths are compared", shown(text));
            findings.say(Code::NeverReached, field, message, "write the character itself in place of its percent escape");
        }
        _ => {}
    }
}

/// Whether a percent escape stands there that decoding takes away; `%25` stays a percent sign.
fn has_escape(text: &str) -> bool {
    text.match_indices('%').any(|(at, _)| {
        let digits = text.as_bytes().get(at + 1..at + 3);
        digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit) && d != b"00")
    })
}
