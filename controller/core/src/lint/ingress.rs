//! Ingress: `ingress-semantics` 1.1, as far as translation does not say it.

use super::others::{PORT_NAME, SERVICE_NAME, is_port_name};
use super::{Findings, items_of, text_of};
use crate::names::{HostPattern, is_dns_label, is_dns_subdomain, shown};
use serde_json::{Map, Value};

pub(super) fn check(object: &Value, is_v1: bool, findings: &mut Findings) {
    let nothing = Value::Null;
    let spec = object.get("spec").unwrap_or(&nothing);
    class(object, spec, findings);
    let default = if is_v1 { "defaultBackend" } else { "backend" };
    let is_there =
        |key: &str| spec.get(key).is_some_and(|value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()));
    if !is_there(default) && !is_there("rules") {
        findings.refused("spec", format!("the Ingress has neither rules nor a {default}"), "add one of them");
    }
    backend(spec.get(default), &format!("spec.{default}"), findings);
    for (r, rule) in items_of(spec, "rules") {
        host(text_of(rule, "host").unwrap_or_default(), format!("spec.rules[{r}].host"), findings);
        let Some(http) = rule.get("http").filter(|http| http.is_object()) else { continue };
        if items_of(http, "paths").next().is_none() && http.get("paths").is_none_or(|paths| paths.is_array() || paths.is_null()) {
            findings.refused(format!("spec.rules[{r}].http.paths"), "http has no paths", "add one, or leave http out");
        }
        for (p, item) in items_of(http, "paths") {
            let at = format!("spec.rules[{r}].http.paths[{p}]");
            path(item, &at, is_v1, findings);
            backend(item.get("backend"), &format!("{at}.backend"), findings);
        }
    }
    for (t, section) in items_of(spec, "tls") {
        for (h, name) in items_of(section, "hosts") {
            let field = format!("spec.tls[{t}].hosts[{h}]");
            match name.as_str() {
                Some("") => findings.refused(field, "the host has no name", "name it, or leave it out"),
                name => host(name.unwrap_or_default(), field, findings),
            }
        }
    }
}

/// The names of a Service and its port, in either version of the API.
fn backend(backend: Option<&Value>, at: &str, findings: &mut Findings) {
    let Some(backend) = backend else { return };
    let service = backend.get("service");
    let name = service.map_or_else(|| text_of(backend, "serviceName"), |service| text_of(service, "name"));
    if let Some(name) = name.filter(|name| !name.is_empty() && !is_dns_label(name)) {
        let field = if service.is_some() { "service.name" } else { "serviceName" };
        findings.refused(format!("{at}.{field}"), format!("{} cannot be the name of a Service", shown(name)), SERVICE_NAME);
    }
    let port =
        service.map_or_else(|| text_of(backend, "servicePort"), |service| service.get("port").and_then(|port| text_of(port, "name")));
    if let Some(port) = port.filter(|port| !port.is_empty() && !is_port_name(port)) {
        let field = if service.is_some() { "service.port.name" } else { "servicePort" };
        let is_number = port.bytes().all(|b| b.is_ascii_digit());
        let help = if is_number { "write number, without quotes" } else { PORT_NAME };
        findings.refused(format!("{at}.{field}"), format!("{} cannot be the name of a port", shown(port)), help);
    }
}

fn class(object: &Value, spec: &Value, findings: &mut Findings) {
    const ANNOTATION: &str = "kubernetes.io/ingress.class";
    let Some(class) = text_of(spec, "ingressClassName") else { return };
    if !is_dns_subdomain(class) {
        let message = format!("{} is not the name of an IngressClass", shown(class));
        findings.refused("spec.ingressClassName", message, "use lower-case letters, digits, '-' and '.'");
    }
    let annotation = object.pointer("/metadata/annotations").and_then(|all| text_of(all, ANNOTATION));
    if let Some(other) = annotation.filter(|other| *other != class) {
        let message = format!("class {} is another one than {} of spec.ingressClassName", shown(other), shown(class));
        findings.refused(format!("metadata.annotations[{ANNOTATION}]"), message, "remove the annotation");
    }
}

/// Translation folds upper case, because names compare without case; the API server does not. What else is wrong with a
/// name is told by translation.
fn host(text: &str, field: String, findings: &mut Findings) {
    if text.bytes().any(|b| b.is_ascii_uppercase()) && HostPattern::parse(text).is_ok() {
        findings.refused(field, format!("host {} has upper-case letters", shown(text)), "write it in lower case");
    }
}

fn path(item: &Value, at: &str, is_v1: bool, findings: &mut Findings) {
    let kind = text_of(item, "pathType");
    // One that is spelled in another way is told as an unknown field.
    let is_missing = |item: &Map<String, Value>| !item.iter().any(|(key, value)| key.eq_ignore_ascii_case("pathType") && !value.is_null());
    if is_v1 && item.as_object().is_some_and(is_missing) {
        let help = "write pathType: Prefix, or ImplementationSpecific as the old API versions meant it";
        findings.refused(format!("{at}.pathType"), "the path has no pathType", help);
    }
    if let Some(text) = text_of(item, "path").filter(|text| text.starts_with('/')) {
        written_path(text, kind, at, findings);
    } else if item.is_object() && matches!(kind, Some("Exact" | "Prefix")) && text_of(item, "path").unwrap_or_default().is_empty() {
        findings.refused(format!("{at}.path"), "a path of this type may not be empty", "write path: /");
    }
}

/// That no request comes to such a path of another type, and dot segments, are said by translation.
fn written_path(text: &str, kind: Option<&str>, at: &str, findings: &mut Findings) {
    let part = ["//", "%2f", "%2F"].into_iter().find(|part| text.contains(part));
    if let (Some("Exact" | "Prefix"), Some(part)) = (kind, part) {
        let message = format!("path {} contains {part}, which this type of path may not", shown(text));
        findings.refused(format!("{at}.path"), message, "remove it");
    }
}
