//! What is odd about an object as it is written, before anybody reads it into types: fields that the API does not
//! know, and values that the API server would not take.
//!
//! A running controller never sees either, because the API server has dropped or refused them; files do hold them.
//! What translation says of an object anyway is not said here a second time.

mod fields;
mod ingress;
mod meta;
mod others;

use crate::diagnostic::{BadEndpoint, Code, Diagnostic};
use serde_json::Value;
use std::net::IpAddr;

/// Looks at one object of a kind that is used; nothing is said of others.
///
/// The findings name fields of the object, but not the object itself: it may have no usable name.
#[must_use]
pub fn check(object: &Value) -> Vec<Diagnostic> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let Some(shape) = fields::shape_of(version, kind) else { return Vec::new() };
    let mut findings = Findings::default();
    fields::check(object, shape, version, &mut findings);
    meta::check(object, &mut findings);
    match kind {
        "Ingress" => ingress::check(object, version == "networking.k8s.io/v1", &mut findings),
        "IngressClass" => others::ingress_class(object, &mut findings),
        "Service" => others::service(object, &mut findings),
        "Secret" => {
            others::keys(object, &mut findings);
            others::secret(object, &mut findings);
        }
        "ConfigMap" => others::keys(object, &mut findings),
        "EndpointSlice" => others::endpoint_slice(object, &mut findings),
        "Endpoints" => others::endpoints(object, &mut findings),
        _ => {}
    }
    findings.0
}

/// The part of [`check`] about fields that the API does not know: whoever reads files without an API server does without
/// what these say, and is told so.
#[must_use]
pub fn unknown_fields(object: &Value) -> Vec<Diagnostic> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let mut findings = Findings::default();
    if let Some(shape) = fields::shape_of(version, kind) {
        fields::check(object, shape, version, &mut findings);
    }
    findings.0
}

/// What was found; never more than anybody reads.
#[derive(Default)]
struct Findings(Vec<Diagnostic>);

impl Findings {
    fn say(&mut self, code: Code, field: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        let mut finding = Diagnostic::of_input(code, message).help(help);
        finding.field = field.into();
        self.push(finding);
    }

    fn push(&mut self, finding: Diagnostic) {
        const MOST: usize = 100;
        if self.0.len() < MOST {
            self.0.push(finding);
        }
    }

    /// The API server would refuse the object for this.
    fn refused(&mut self, field: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        self.say(Code::RefusedByApi, field, message, help);
    }

    /// The same for the address of an endpoint.
    fn refused_endpoint(&mut self, field: String, address: IpAddr) {
        let message = format!("{address} may not be the address of an endpoint");
        let finding = Diagnostic::of_input(Code::RefusedByApi, message).help("use an address that others can reach");
        let mut finding = finding.endpoint(Some(BadEndpoint { address, service: None }));
        finding.field = field;
        self.push(finding);
    }
}

/// The text of a field; `None` when it is missing or of another type.
fn text_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// The items of a list; none when it is missing or of another type.
fn items_of<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().enumerate()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `CODE field` of everything that is said.
    fn said(object: &Value) -> Vec<String> {
        check(object).iter().map(|finding| format!("{} {}", finding.code, finding.field)).collect()
    }

    fn ingress(spec: &Value) -> Value {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "a"}, "spec": spec})
    }

    #[test]
    fn a_good_object_is_left_in_peace() {
        let spec = json!({"ingressClassName": "nginx", "tls": [{"hosts": ["a.test"], "secretName": "s"}], "rules": [{"host": "a.test",
            "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}]});
        assert_eq!(said(&ingress(&spec)), [""; 0]);
        for kind in ["Pod", "Deployment", ""] {
            assert_eq!(said(&json!({"apiVersion": "v1", "kind": kind, "nonsense": 1})), [""; 0], "kinds of others are not judged");
        }
    }

    #[test]
    fn unknown_fields_are_found_at_every_depth() {
        let spec = json!({"ingressclassname": "x", "rules": [{"http": {"paths": [
            {"path": "/", "pathtype": "Prefix", "pathType": "Prefix", "backend": {"serviceName": "s", "servicePort": 80}}]}}]});
        let findings = check(&ingress(&spec));
        let told = |all: &[Diagnostic]| all.iter().filter(|f| f.code == Code::UnknownField).cloned().collect::<Vec<_>>();
        assert_eq!(unknown_fields(&ingress(&spec)), told(&findings), "and nothing else");
        let unknown: Vec<_> = findings.iter().filter(|f| f.code == Code::UnknownField).map(|f| (&*f.field, &*f.help)).collect();
        assert_eq!(
            unknown,
            [
                ("spec.ingressclassname", "write ingressClassName"),
                ("spec.rules[0].http.paths[0].backend.serviceName", "networking.k8s.io/v1 has service.name"),
                ("spec.rules[0].http.paths[0].backend.servicePort", "networking.k8s.io/v1 has service.port.number or service.port.name"),
                ("spec.rules[0].http.paths[0].pathtype", "write pathType"),
            ]
        );
    }

    #[test]
    fn what_the_api_server_refuses_is_found() {
        let with_path = |path: Value| ingress(&json!({"rules": [{"http": {"paths": [path]}}]}));
        let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
        let path = "spec.rules[0].http.paths[0]";
        let table = [
            (with_path(json!({"path": "/", "backend": backend})), format!("{path}.pathType")),
            (with_path(json!({"path": "/a//b", "pathType": "Exact", "backend": backend})), format!("{path}.path")),
            (with_path(json!({"path": "/a%2Fb", "pathType": "Prefix", "backend": backend})), format!("{path}.path")),
            (with_path(json!({"pathType": "Prefix", "backend": backend})), format!("{path}.path")),
            (ingress(&json!({"rules": [{"http": {"paths": []}}]})), "spec.rules[0].http.paths".to_owned()),
            (ingress(&json!({"rules": [{"http": {"paths": null}}]})), "spec.rules[0].http.paths".to_owned()),
            (ingress(&json!({"rules": [{}], "tls": [{"hosts": [""]}]})), "spec.tls[0].hosts[0]".to_owned()),
            (ingress(&json!({"rules": [{"host": "Shop.Test"}]})), "spec.rules[0].host".to_owned()),
            (ingress(&json!({"rules": [{}], "tls": [{"hosts": ["A.test"]}]})), "spec.tls[0].hosts[0]".to_owned()),
            (
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"ingressClassName": "x", "rules": [{}]},
                    "metadata": {"name": "a", "annotations": {"kubernetes.io/ingress.class": "y"}}}),
                "metadata.annotations[kubernetes.io/ingress.class]".to_owned(),
            ),
            (
                json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a_"}, "spec": {"ports": [{"port": 80}]}}),
                "metadata.name".to_owned(),
            ),
            (
                json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80, "name": "a"}, {"port": 81}]}}),
                "spec.ports[1].name".to_owned(),
            ),
            (
                json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 0}]}}),
                "spec.ports[0].port".to_owned(),
            ),
            (
                json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": "ExternalName"}}),
                "spec.externalName".to_owned(),
            ),
            (
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "type": "kubernetes.io/tls", "data": {"tls.crt": ""}}),
                "data[tls.key]".to_owned(),
            ),
            (
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "a"}, "spec": {"controller": "nginx"}}),
                "spec.controller".to_owned(),
            ),
            (
                json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "a"}, "addressType": "IPv4",
                    "endpoints": [{"addresses": ["127.0.0.1"]}]}),
                "endpoints[0].addresses[0]".to_owned(),
            ),
            (
                json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "a"}, "subsets": [{"addresses": [{"ip": "127.0.0.1"}]}]}),
                "subsets[0].addresses[0].ip".to_owned(),
            ),
            (
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"a b": "x"}}}),
                "metadata.annotations[a b]".to_owned(),
            ),
            (
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"a": "b c"}}}),
                "metadata.labels[a]".to_owned(),
            ),
            (ingress(&json!({})), "spec".to_owned()),
            (ingress(&json!({"rules": []})), "spec".to_owned()),
            (json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "a"}}), "spec".to_owned()),
            (config_map("a b"), "data[a b]".to_owned()),
            (config_map("..a"), "data[..a]".to_owned()),
        ];
        for (object, field) in table {
            assert_eq!(said(&object), [format!("GW0802 {field}")], "{object}");
        }
    }

    fn config_map(key: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {key: ""}})
    }

    #[test]
    fn names_and_types_that_the_api_server_refuses_are_found() {
        let backend = |service: &str, port: Value| ingress(&json!({"defaultBackend": {"service": {"name": service, "port": port}}}));
        let at = |field: &str| [format!("GW0802 {field}")];
        for name in ["80", "HTTP", "sixteen-letters-", "a-b-c-d-e-f-g-h-i", "a--b"] {
            assert_eq!(said(&backend("s", json!({"name": name}))), at("spec.defaultBackend.service.port.name"), "{name}");
        }
        for name in ["a.b", "A", "a_", &"a".repeat(64)] {
            assert_eq!(said(&backend(name, json!({"number": 80}))), at("spec.defaultBackend.service.name"), "{name}");
        }
        let service = |name: &str, spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec});
        for name in ["a.b", &"a".repeat(64)] {
            assert_eq!(said(&service(name, json!({"ports": [{"port": 80}]}))), at("metadata.name"), "{name}");
        }
        assert_eq!(said(&service("a", json!({"type": "externalname", "externalName": "b", "ports": [{"port": 80}]}))), at("spec.type"));
        let twice = json!({"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}, {"name": "c", "port": 80, "protocol": "UDP"}]});
        assert_eq!(said(&service("a", twice)), at("spec.ports[1]"));
        assert_eq!(said(&service("a", json!({"ports": [{"port": 80, "protocol": "tcp"}]}))), at("spec.ports[0].protocol"));
        assert_eq!(said(&service("a", json!({"ports": [{"port": 80, "targetPort": "Web"}]}))), at("spec.ports[0].targetPort"));
    }

    #[test]
    fn metadata_that_the_api_server_refuses_is_found() {
        let with = |meta: Value| said(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}));
        for (meta, field) in [
            (json!({"name": "a", "labels": {"A.B/c": "x"}}), "labels[A.B/c]"),
            (json!({"name": "a", "finalizers": ["kubernetes", "a"]}), "finalizers[1]"),
            (json!({"name": "a", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "b"}]}), "ownerReferences[0].uid"),
        ] {
            assert_eq!(with(meta), [format!("GW0802 metadata.{field}")]);
        }
        let fine = json!({"name": "a", "annotations": {"A.B/c": "x"}, "labels": {"a.b/C_d": ""}, "finalizers": ["a.test/b"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "b", "uid": "1"}]});
        assert_eq!(with(fine), [""; 0]);
    }

    #[test]
    fn kinds_beside_ingresses_are_judged_as_the_api_server_does() {
        let object = |kind: &str, version: &str, rest: Value| {
            let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}});
            object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            said(&object)
        };
        let service = |spec: Value| object("Service", "v1", json!({"spec": spec}));
        let secret = |kind: &str, key: &str| object("Secret", "v1", json!({"type": format!("kubernetes.io/{kind}"), "data": {key: ""}}));
        let slice = |names: [&str; 2]| {
            let ports = names.map(|name| json!({"name": name, "port": 80}));
            object("EndpointSlice", "discovery.k8s.io/v1", json!({"addressType": "IPv4", "endpoints": [], "ports": ports}))
        };
        let class = |spec: Value| object("IngressClass", "networking.k8s.io/v1", json!({"spec": spec}));
        let at = |field: &str| vec![format!("GW0802 {field}")];
        let ports = json!([{"port": 80}]);
        for (found, expected) in [
            (service(json!({"selector": {"a": "b"}})), at("spec.ports")),
            (service(json!({"ports": []})), at("spec.ports")),
            (service(json!({"clusterIP": "None"})), vec![]),
            (service(json!({"type": "ExternalName", "externalName": "b.test"})), vec![]),
            (service(json!({"ports": ports, "selector": {"a b": "c"}})), at("spec.selector[a b]")),
            (service(json!({"ports": ports, "selector": {"a": "b c"}})), at("spec.selector[a]")),
            (service(json!({"ports": ports, "sessionAffinity": "clientip"})), at("spec.sessionAffinity")),
            (service(json!({"ports": [{"port": 80, "appProtocol": "x y"}]})), at("spec.ports[0].appProtocol")),
            (service(json!({"ports": [{"port": 80, "appProtocol": "kubernetes.io/h2c"}]})), vec![]),
            (service(json!({"ports": [{"port": 80, "targetPort": 0}]})), vec![]),
            (service(json!({"ports": [{"port": 80, "nodePort": 30000}]})), at("spec.ports[0].nodePort")),
            (service(json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30000}]})), vec![]),
            (secret("basic-auth", "a"), at("data")),
            (secret("basic-auth", "password"), vec![]),
            (secret("dockerconfigjson", "a"), at("data[.dockerconfigjson]")),
            (slice(["", ""]), at("ports[1].name")),
            (slice(["a", "B"]), at("ports[1].name")),
            (slice(["a", "b"]), vec![]),
            (class(json!({"controller": "a.test/"})), at("spec.controller")),
            (class(Value::Null), at("spec.controller")),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_the_api_server_takes_is_left_in_peace() {
        let same = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"ingressClassName": "x", "rules": [{}]},
            "metadata": {"name": "a", "annotations": {"kubernetes.io/ingress.class": "x"}}});
        let port = ingress(&json!({"defaultBackend": {"service": {"name": "s-1", "port": {"name": "http-1"}}}}));
        let old = json!({"apiVersion": "extensions/v1beta1", "kind": "Ingress", "metadata": {"name": "a"},
            "spec": {"backend": {"serviceName": "s", "servicePort": "web"}}});
        let digit = ingress(&json!({"defaultBackend": {"service": {"name": "1a", "port": {"number": 80}}}}));
        for object in [same, port, old, digit, config_map("a_b.C-1")] {
            assert_eq!(said(&object), [""; 0], "{object}");
        }
    }

    #[test]
    fn a_host_with_forbidden_characters_is_not_mended_by_lower_case() {
        let with = |host: &str| said(&ingress(&json!({"rules": [{"host": host}], "tls": [{"hosts": [host]}]})));
        assert_eq!(with("*.Shop.test"), ["GW0802 spec.rules[0].host", "GW0802 spec.tls[0].hosts[0]"]);
        for host in ["%[env(HOME)].test", "A_B.test", "*.*.TEST"] {
            assert_eq!(with(host), [""; 0], "{host}: translation says what is wrong");
        }
    }

    #[test]
    fn odd_types_are_left_to_the_reader() {
        for spec in
            [json!(1), json!({"rules": 1}), json!({"rules": [1]}), json!({"rules": [{"http": {"paths": [null]}}]}), json!({"tls": {}})]
        {
            assert!(check(&ingress(&spec)).iter().all(|finding| finding.code != Code::UnknownField), "{spec}");
        }
    }
}
