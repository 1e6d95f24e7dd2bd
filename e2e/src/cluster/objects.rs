//! Objects that the tests make, as YAML.

use super::pods::PORT;
use std::fmt::Write;

/// A Service on port 80, and the EndpointSlice of its pods.
#[must_use]
pub fn app(namespace: &str, name: &str, pods: &[&str]) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{ports: [{{name: http, port: 80, targetPort: {PORT}}}], clusterIP: None}}
---
{}",
        slice(namespace, name, pods)
    )
}

/// The EndpointSlice of a Service, which has the Service's name.
#[must_use]
pub fn slice(namespace: &str, service: &str, pods: &[&str]) -> String {
    let mut endpoints = String::new();
    for pod in pods {
        write!(endpoints, "{{addresses: [{pod}], conditions: {{ready: true}}}}, ").expect("writing to a String cannot fail");
    }
    format!(
        "apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {service}, namespace: {namespace}, labels: {{kubernetes.io/service-name: {service}}}}}
addressType: IPv4
ports: [{{name: http, port: {PORT}, protocol: TCP}}]
endpoints: [{endpoints}]
"
    )
}

/// An Ingress of this class with one host, whose every path goes to port 80 of a Service.
#[must_use]
pub fn ingress(namespace: &str, name: &str, class: &str, host: &str, service: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  ingressClassName: {class}
  rules: [{{host: {host}, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}]}}}}]
"
    )
}

/// A Secret of the given type with certificate and key.
#[must_use]
pub fn key_pair_secret(namespace: &str, name: &str, kind: &str, (certificate, key): &(String, String)) -> String {
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    format!(
        "apiVersion: v1
kind: Secret
metadata: {{name: {name}, namespace: {namespace}}}
type: {kind}
stringData:
  tls.crt: |
{}  tls.key: |
{}",
        indented(certificate),
        indented(key)
    )
}
