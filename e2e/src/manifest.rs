//! Words for manifests: each function makes one object.

use crate::tls::Pair;
use serde_json::{Value, json};
use std::net::IpAddr;

/// The class of the Ingresses that these functions make.
pub const CLASS: &str = "gatewright";

/// Our IngressClass.
#[must_use]
pub fn class() -> Value {
    class_of(CLASS, "gatewright.dev/ingress")
}

/// An IngressClass of some controller.
#[must_use]
pub fn class_of(name: &str, controller: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name}, "spec": {"controller": controller}})
}

/// An Ingress of our class without rules. The functions below add them.
#[must_use]
pub fn ingress(name: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": name, "annotations": {}},
        "spec": {"ingressClassName": CLASS, "rules": []},
    })
}

/// Words on an Ingress.
pub trait IngressWords: Sized {
    /// Created this many seconds into 2026.
    #[must_use]
    fn created(self, second: u32) -> Self;
    /// Adds a path of a host; an empty host is none. `service` may name a port: `shop`, `shop:8080`, `shop:http`.
    #[must_use]
    fn path(self, host: &str, path: &str, path_type: &str, service: &str) -> Self;
    /// Adds a prefix.
    #[must_use]
    fn prefix(self, host: &str, path: &str, service: &str) -> Self {
        self.path(host, path, "Prefix", service)
    }
    /// Adds an entry of `spec.tls`; an empty name of the Secret is none.
    #[must_use]
    fn tls(self, hosts: &[&str], secret: &str) -> Self;
    /// Sets `spec.defaultBackend`.
    #[must_use]
    fn default_backend(self, service: &str) -> Self;
    /// Adds an annotation; the prefix is added to names without one.
    #[must_use]
    fn annotation(self, name: &str, value: &str) -> Self;
    /// Gives it a time of its own, another one in each round. Every proxy has to load that; hosts, paths and endpoints HAProxy
    /// is told of while it runs.
    #[must_use]
    fn to_be_loaded(self, round: usize) -> Self {
        self.annotation("proxy-read-timeout", &(100 + round).to_string())
    }
    /// Puts the object into a namespace.
    #[must_use]
    fn within(self, namespace: &str) -> Self;
}

impl IngressWords for Value {
    fn created(mut self, second: u32) -> Self {
        self["metadata"]["creationTimestamp"] = format!("2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60).into();
        self
    }

    fn path(mut self, host: &str, path: &str, path_type: &str, service: &str) -> Self {
        let mut rule = json!({"http": {"paths": [{"path": path, "pathType": path_type, "backend": {"service": backend(service)}}]}});
        if !host.is_empty() {
            rule["host"] = host.into();
        }
        list(&mut self["spec"]["rules"]).push(rule);
        self
    }

    fn tls(mut self, hosts: &[&str], secret: &str) -> Self {
        let mut entry = json!({"hosts": hosts});
        if !secret.is_empty() {
            entry["secretName"] = secret.into();
        }
        list(&mut self["spec"]["tls"]).push(entry);
        self
    }

    fn default_backend(mut self, service: &str) -> Self {
        self["spec"]["defaultBackend"] = json!({"service": backend(service)});
        self
    }

    fn annotation(mut self, name: &str, value: &str) -> Self {
        let name = if name.contains('/') { name.to_owned() } else { format!("nginx.ingress.kubernetes.io/{name}") };
        self["metadata"]["annotations"][name] = value.into();
        self
    }

    fn within(mut self, namespace: &str) -> Self {
        self["metadata"]["namespace"] = namespace.into();
        self
    }
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    if value.is_null() {
        *value = json!([]);
    }
    value.as_array_mut().expect("a list, or nothing yet")
}

fn backend(service: &str) -> Value {
    let (name, port) = service.split_once(':').unwrap_or((service, "80"));
    let port = port.parse::<u16>().map_or_else(|_| json!({"name": port}), |number| json!({"number": number}));
    json!({"name": name, "port": port})
}

/// A Service with the port `http`: 80 → 8080.
#[must_use]
pub fn service(name: &str) -> Value {
    service_with(name, &json!({"ports": [{"name": "http", "port": 80, "targetPort": 8080}]}))
}

/// A Service with any `spec`.
#[must_use]
pub fn service_with(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
}

/// An EndpointSlice of a Service: ready pods with the port `http`, 8080.
#[must_use]
pub fn slice(service: &str, pods: &[IpAddr]) -> Value {
    let endpoints = pods.iter().map(|pod| json!({"addresses": [pod]})).collect();
    slice_with(&format!("{service}-1"), service, &endpoints, &json!([{"name": "http", "port": 8080}]))
}

/// An EndpointSlice with any endpoints and ports.
#[must_use]
pub fn slice_with(name: &str, service: &str, endpoints: &Value, ports: &Value) -> Value {
    let is_v6 = endpoints[0]["addresses"][0].as_str().is_some_and(|address| address.contains(':'));
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
        "addressType": if is_v6 { "IPv6" } else { "IPv4" }, "endpoints": endpoints, "ports": ports,
    })
}

/// A Secret with a certificate.
#[must_use]
pub fn secret(name: &str, pair: &Pair) -> Value {
    secret_with(name, "kubernetes.io/tls", &pair.certificate, &pair.key)
}

/// A Secret of any type with anything in it.
#[must_use]
pub fn secret_with(name: &str, kind: &str, certificate: &str, key: &str) -> Value {
    let string_data = json!({"tls.crt": certificate, "tls.key": key});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": string_data})
}

/// A ConfigMap.
#[must_use]
pub fn config_map(name: &str, data: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<_, _> = data.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

/// The text of a manifest with these objects.
#[must_use]
pub fn text(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("---\n{object:#}\n")).collect()
}
