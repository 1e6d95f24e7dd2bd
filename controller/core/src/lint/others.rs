//! Classes, Services, endpoints and Secrets.

use super::meta::{LABEL_VALUE, is_label_value, is_qualified_name};
use super::{Findings, items_of, text_of};
use crate::names::{is_dns_label, is_dns_subdomain, shown};
use base64::Engine;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

pub(super) fn ingress_class(object: &Value, findings: &mut Findings) {
    let Some(spec) = object.get("spec").filter(|spec| spec.is_object() || spec.is_null()) else { return };
    let controller = text_of(spec, "controller").unwrap_or_default();
    let (prefix, path) = controller.split_once('/').unwrap_or_default();
    if controller.len() > 250 || !is_dns_subdomain(prefix) || path.is_empty() {
        let message = format!("{} is not the name of a controller", shown(controller));
        findings.refused("spec.controller", message, "use a DNS name, a slash and a word, such as gatewright.dev/ingress");
    }
    let Some(parameters) = spec.get("parameters").filter(|parameters| parameters.is_object()) else { return };
    for key in ["kind", "name"] {
        if text_of(parameters, key).unwrap_or_default().is_empty() {
            findings.refused(format!("spec.parameters.{key}"), format!("the parameters have no {key}"), "add it");
        }
    }
    let namespace = text_of(parameters, "namespace").unwrap_or_default();
    match text_of(parameters, "scope").unwrap_or("Cluster") {
        "Cluster" if !namespace.is_empty() => {
            findings.refused("spec.parameters.namespace", "parameters of scope Cluster have no namespace", "write scope: Namespace");
        }
        "Namespace" if namespace.is_empty() => {
            findings.refused("spec.parameters.namespace", "parameters of scope Namespace need a namespace", "add it");
        }
        "Cluster" | "Namespace" => {}
        other => findings.refused("spec.parameters.scope", format!("{} is not a scope", shown(other)), "use Cluster or Namespace"),
    }
}

/// What a Service may be called.
pub(super) const SERVICE_NAME: &str = "use at most 63 lower-case letters, digits and '-'";
/// What a port may be called by others than its Service.
pub(super) const PORT_NAME: &str = "use at most 15 lower-case letters, digits and '-', with a letter";

/// RFC 6335 name of a service.
pub(super) fn is_port_name(name: &str) -> bool {
    const LONGEST: usize = 15;
    is_dns_label(name) && name.len() <= LONGEST && !name.contains("--") && name.bytes().any(|b| b.is_ascii_lowercase())
}

pub(super) fn service(object: &Value, findings: &mut Findings) {
    const TYPES: [&str; 4] = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"];
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    if !name.is_empty() && !is_dns_label(name) {
        findings.refused("metadata.name", format!("{} cannot be the name of a Service", shown(name)), SERVICE_NAME);
    }
    let Some(spec) = object.get("spec") else { return };
    if let Some(other) = text_of(spec, "type").filter(|text| !text.is_empty() && !TYPES.contains(text)) {
        findings.refused("spec.type", format!("{} is not a type of Services", shown(other)), format!("use one of {}", TYPES.join(", ")));
    }
    if text_of(spec, "type") == Some("ExternalName") && text_of(spec, "externalName").unwrap_or_default().is_empty() {
        findings.refused("spec.externalName", "a Service of type ExternalName needs an externalName", "name a host");
    }
    wanted_pods(spec, findings);
    ports(spec, findings);
}

fn ports(spec: &Value, findings: &mut Findings) {
    let ports: Vec<_> = items_of(spec, "ports").collect();
    let needs_none = text_of(spec, "type") == Some("ExternalName") || text_of(spec, "clusterIP") == Some("None");
    if ports.is_empty() && !needs_none && spec.get("ports").is_none_or(|ports| ports.is_array() || ports.is_null()) {
        findings.refused("spec.ports", "the Service has no ports", "add one");
    }
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for (n, port) in &ports {
        let at = format!("spec.ports[{n}]");
        service_port(port, &at, findings);
        let is_inside = matches!(text_of(spec, "type").unwrap_or_default(), "" | "ClusterIP");
        if is_inside && port.get("nodePort").and_then(Value::as_i64).is_some_and(|number| number != 0) {
            let message = "a Service of type ClusterIP has no port on nodes";
            findings.refused(format!("{at}.nodePort"), message, "remove it, or write type: NodePort");
        }
        let protocol = text_of(port, "protocol").unwrap_or("TCP");
        if let Some(number) = port.get("port").and_then(Value::as_i64).filter(|number| !numbers.insert((protocol, *number))) {
            findings.refused(at.clone(), format!("port {number} of {protocol} stands there twice"), "remove one of them");
        }
        let name = text_of(port, "name").unwrap_or_default();
        if name.is_empty() && ports.len() > 1 {
            findings.refused(format!("{at}.name"), "with several ports, each needs a name", "name it");
        } else if !name.is_empty() && !is_dns_label(name) {
            let message = format!("{} is not the name of a port", shown(name));
            findings.refused(format!("{at}.name"), message, "use at most 63 lower-case letters, digits and '-'");
        } else if !name.is_empty() && !names.insert(name) {
            findings.refused(format!("{at}.name"), format!("two ports have the name {}", shown(name)), "give each its own");
        }
    }
}

/// Which pods a Service leads to, and whether a client stays with one.
fn wanted_pods(spec: &Value, findings: &mut Findings) {
    for (key, value) in spec.get("selector").and_then(Value::as_object).into_iter().flatten() {
        let field = format!("spec.selector[{}]", shown(key).trim_matches('"'));
        if !is_qualified_name(key) {
            findings.refused(field, format!("{} is not the key of a label", shown(key)), LABEL_VALUE);
        } else if let Some(text) = value.as_str().filter(|text| !text.is_empty() && !is_label_value(text)) {
            findings.refused(field, format!("{} is not the value of a label", shown(text)), LABEL_VALUE);
        }
    }
    if let Some(other) = text_of(spec, "sessionAffinity").filter(|text| !matches!(*text, "" | "None" | "ClientIP")) {
        findings.refused("spec.sessionAffinity", format!("{} is not known", shown(other)), "use ClientIP or None");
    }
}

fn service_port(port: &Value, at: &str, findings: &mut Findings) {
    const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    // A target of 0 is the port itself.
    for (key, least) in [("port", 1), ("targetPort", 0)] {
        let is_port = |value: &Value| value.as_i64().is_none_or(|number| (least..=65535).contains(&number));
        if port.get(key).is_some_and(|value| !is_port(value)) {
            findings.refused(format!("{at}.{key}"), "the port is not a port number", "use a number from 1 to 65535");
        }
    }
    if let Some(name) = text_of(port, "targetPort").filter(|name| !name.is_empty() && !is_port_name(name)) {
        findings.refused(format!("{at}.targetPort"), format!("{} cannot be the name of a port", shown(name)), PORT_NAME);
    }
    if let Some(name) = text_of(port, "appProtocol").filter(|name| !name.is_empty() && !is_qualified_name(name)) {
        findings.refused(
            format!("{at}.appProtocol"),
            format!("{} cannot be the name of a protocol", shown(name)),
            "use a word, such as http",
        );
    }
    if let Some(other) = text_of(port, "protocol").filter(|text| !text.is_empty() && !PROTOCOLS.contains(text)) {
        findings.refused(format!("{at}.protocol"), format!("{} is not a protocol", shown(other)), "use TCP, UDP or SCTP");
    }
}

/// The keys of ConfigMaps and Secrets.
pub(super) fn keys(object: &Value, findings: &mut Findings) {
    const LONGEST: usize = 253;
    let is_key = |key: &str| {
        (1..=LONGEST).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !matches!(key, "." | "..")
            && !key.starts_with("..")
    };
    for map in ["data", "stringData", "binaryData"] {
        for (key, _) in object.get(map).and_then(Value::as_object).into_iter().flatten().filter(|(key, _)| !is_key(key)) {
            let field = format!("{map}[{}]", shown(key).trim_matches('"'));
            findings.refused(field, format!("{} cannot be a key", shown(key)), "use at most 253 letters, digits, '-', '_' and '.'");
        }
    }
    for (key, value) in object.get("binaryData").and_then(Value::as_object).into_iter().flatten() {
        if value.as_str().is_some_and(|text| !is_base64(text)) {
            let field = format!("binaryData[{}]", shown(key).trim_matches('"'));
            findings.refused(field, "the value is not Base64", "encode it, or write it as text under data");
        }
    }
}

/// Line breaks inside are fine.
fn is_base64(text: &str) -> bool {
    base64::engine::general_purpose::STANDARD.decode(text.replace(['\r', '\n'], "")).is_ok()
}

pub(super) fn secret(object: &Value, findings: &mut Findings) {
    let kind = text_of(object, "type").unwrap_or_default();
    let needed: &[&str] = match kind {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        _ => &[],
    };
    let has = |key: &str| ["data", "stringData"].iter().any(|map| object.get(map).is_some_and(|map| map.get(key).is_some()));
    for key in needed.iter().filter(|key| !has(key)) {
        let message = format!("a Secret of type {kind} needs {key}");
        findings.refused(format!("data[{key}]"), message, "add it, or change the type");
    }
    if kind == "kubernetes.io/basic-auth" && !has("username") && !has("password") {
        findings.refused("data", format!("a Secret of type {kind} needs a username or a password"), "add one, or change the type");
    }
}

pub(super) fn endpoint_slice(object: &Value, findings: &mut Findings) {
    if object.get("addressType").is_none_or(Value::is_null) {
        findings.refused("addressType", "the EndpointSlice has no addressType", "use IPv4, IPv6 or FQDN");
    }
    let mut names = BTreeSet::new();
    for (n, port) in items_of(object, "ports") {
        let (name, field) = (text_of(port, "name").unwrap_or_default(), format!("ports[{n}].name"));
        if !name.is_empty() && !is_dns_label(name) {
            let message = format!("{} is not the name of a port", shown(name));
            findings.refused(field, message, "use at most 63 lower-case letters, digits and '-'");
        } else if !names.insert(name) {
            findings.refused(field, format!("two ports have the name {}", shown(name)), "give each its own");
        }
    }
    let family = text_of(object, "addressType").unwrap_or_default();
    for (e, endpoint) in items_of(object, "endpoints") {
        for (a, address) in items_of(endpoint, "addresses") {
            let (text, field) = (address.as_str().unwrap_or_default(), format!("endpoints[{e}].addresses[{a}]"));
            if text.parse().is_ok_and(|ip: IpAddr| family == if ip.is_ipv4() { "IPv6" } else { "IPv4" }) {
                let help = "put it into a slice of its own addressType";
                findings.refused(field.clone(), format!("address {text} is none of type {family}"), help);
            }
            address_of_endpoint(text, field, findings);
        }
    }
}

pub(super) fn endpoints(object: &Value, findings: &mut Findings) {
    for (s, subset) in items_of(object, "subsets") {
        for key in ["addresses", "notReadyAddresses"] {
            for (a, address) in items_of(subset, key) {
                address_of_endpoint(text_of(address, "ip").unwrap_or_default(), format!("subsets[{s}].{key}[{a}].ip"), findings);
            }
        }
    }
}

fn address_of_endpoint(text: &str, field: String, findings: &mut Findings) {
    let Ok(ip) = text.parse::<IpAddr>() else { return };
    let is_local = match ip {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local(),
    };
    if is_local {
        findings.refused_endpoint(field, ip);
    }
}
