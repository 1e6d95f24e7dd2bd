//! The fields that the API knows, of the kinds that are used.

use super::Findings;
use crate::diagnostic::Code;
use crate::names::{nearest, shown};
use serde_json::Value;

/// What a value may hold.
#[derive(Debug)]
pub(super) enum Shape {
    /// Whatever it is, it is not looked into.
    Any,
    /// A list of these.
    List(&'static Self),
    /// These fields.
    Fields(&'static [(&'static str, Self)]),
}

use Shape::{Any, Fields, List};

macro_rules! leaves {
    ($($name:literal)*) => { Fields(&[$(($name, Any)),*]) };
}

const META: Shape = leaves!("name" "namespace" "generateName" "labels" "annotations" "uid" "resourceVersion" "generation" "creationTimestamp"
    "deletionTimestamp" "deletionGracePeriodSeconds" "finalizers" "ownerReferences" "managedFields" "selfLink");

const RESOURCE: Shape = leaves!("apiGroup" "kind" "name");

const BACKEND: Shape = Fields(&[("service", Fields(&[("name", Any), ("port", leaves!("name" "number"))])), ("resource", RESOURCE)]);

const OLD_BACKEND: Shape = Fields(&[("serviceName", Any), ("servicePort", Any), ("resource", RESOURCE)]);

const TLS: Shape = List(&leaves!("hosts" "secretName"));

const INGRESS: Shape = Fields(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", META),
    ("spec", Fields(&[("ingressClassName", Any), ("defaultBackend", BACKEND), ("tls", TLS), ("rules", List(&RULE))])),
    ("status", Any),
]);

const RULE: Shape = Fields(&[("host", Any), ("http", Fields(&[("paths", List(&PATH))]))]);
const PATH: Shape = Fields(&[("path", Any), ("pathType", Any), ("backend", BACKEND)]);

const OLD_INGRESS: Shape = Fields(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", META),
    ("spec", Fields(&[("ingressClassName", Any), ("backend", OLD_BACKEND), ("tls", TLS), ("rules", List(&OLD_RULE))])),
    ("status", Any),
]);

const OLD_RULE: Shape = Fields(&[("host", Any), ("http", Fields(&[("paths", List(&OLD_PATH))]))]);
const OLD_PATH: Shape = Fields(&[("path", Any), ("pathType", Any), ("backend", OLD_BACKEND)]);

const INGRESS_CLASS: Shape = Fields(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", META),
    ("spec", Fields(&[("controller", Any), ("parameters", leaves!("apiGroup" "kind" "name" "namespace" "scope"))])),
]);

const SERVICE: Shape = Fields(&[("apiVersion", Any), ("kind", Any), ("metadata", META), ("spec", Fields(SERVICE_SPEC)), ("status", Any)]);

const SERVICE_SPEC: &[(&str, Shape)] = &[
    ("ports", List(&leaves!("name" "port" "targetPort" "protocol" "nodePort" "appProtocol"))),
    ("selector", Any),
    ("clusterIP", Any),
    ("clusterIPs", Any),
    ("type", Any),
    ("externalIPs", Any),
    ("sessionAffinity", Any),
    ("loadBalancerIP", Any),
    ("loadBalancerSourceRanges", Any),
    ("externalName", Any),
    ("externalTrafficPolicy", Any),
    ("healthCheckNodePort", Any),
    ("publishNotReadyAddresses", Any),
    ("sessionAffinityConfig", Any),
    ("ipFamilies", Any),
    ("ipFamilyPolicy", Any),
    ("allocateLoadBalancerNodePorts", Any),
    ("loadBalancerClass", Any),
    ("internalTrafficPolicy", Any),
    ("trafficDistribution", Any),
];

const ENDPOINT_SLICE: Shape = Fields(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", META),
    ("addressType", Any),
    ("endpoints", List(&ENDPOINT)),
    ("ports", List(&leaves!("name" "port" "protocol" "appProtocol"))),
]);

const ENDPOINT: Shape = Fields(&[
    ("addresses", Any),
    ("conditions", leaves!("ready" "serving" "terminating")),
    ("hostname", Any),
    ("targetRef", Any),
    ("deprecatedTopology", Any),
    ("nodeName", Any),
    ("zone", Any),
    ("hints", Any),
]);

const ENDPOINTS: Shape = Fields(&[("apiVersion", Any), ("kind", Any), ("metadata", META), ("subsets", List(&SUBSET))]);

const SUBSET: Shape = Fields(&[
    ("addresses", List(&leaves!("ip" "hostname" "nodeName" "targetRef"))),
    ("notReadyAddresses", List(&leaves!("ip" "hostname" "nodeName" "targetRef"))),
    ("ports", List(&leaves!("name" "port" "protocol" "appProtocol"))),
]);

const SECRET: Shape = Fields(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", META),
    ("data", Any),
    ("stringData", Any),
    ("type", Any),
    ("immutable", Any),
]);

const CONFIG_MAP: Shape =
    Fields(&[("apiVersion", Any), ("kind", Any), ("metadata", META), ("data", Any), ("binaryData", Any), ("immutable", Any)]);

const PARAMETERS: Shape = Fields(&[("apiVersion", Any), ("kind", Any), ("metadata", META), ("spec", leaves!("settings" "policy"))]);

const NAMESPACE: Shape = Fields(&[("apiVersion", Any), ("kind", Any), ("metadata", META), ("spec", Any), ("status", Any)]);

/// What the API knows of a kind; `None` for kinds that are not used.
pub(super) fn shape_of(version: &str, kind: &str) -> Option<&'static Shape> {
    Some(match (version, kind) {
        ("networking.k8s.io/v1", "Ingress") => &INGRESS,
        ("networking.k8s.io/v1beta1" | "extensions/v1beta1", "Ingress") => &OLD_INGRESS,
        ("networking.k8s.io/v1" | "networking.k8s.io/v1beta1", "IngressClass") => &INGRESS_CLASS,
        ("v1", "Service") => &SERVICE,
        ("discovery.k8s.io/v1", "EndpointSlice") => &ENDPOINT_SLICE,
        ("v1", "Endpoints") => &ENDPOINTS,
        ("v1", "Secret") => &SECRET,
        ("v1", "ConfigMap") => &CONFIG_MAP,
        ("v1", "Namespace") => &NAMESPACE,
        ("gatewright.dev/v1alpha1", "GatewrightParameters") => &PARAMETERS,
        _ => return None,
    })
}

/// Says every field that is not in the shape.
pub(super) fn check(value: &Value, shape: &Shape, version: &str, findings: &mut Findings) {
    Walk { version, findings }.look(value, shape, String::new());
}

struct Walk<'a> {
    version: &'a str,
    findings: &'a mut Findings,
}

impl Walk<'_> {
    /// The depth of recursion is bounded by that of the shape.
    fn look(&mut self, value: &Value, shape: &Shape, path: String) {
        match (shape, value) {
            (List(shape), Value::Array(items)) => {
                for (n, item) in items.iter().enumerate() {
                    self.look(item, shape, format!("{path}[{n}]"));
                }
            }
            (Fields(fields), Value::Object(map)) => {
                for (key, value) in map {
                    let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                    match fields.iter().find(|(name, _)| name == key) {
                        Some((_, Any)) => {}
                        Some((_, shape)) => self.look(value, shape, at(key)),
                        None => {
                            let message = format!("field {} is not known; kubectl refuses it, and other clients lose it", shown(key));
                            let shown_key = shown(key);
                            self.findings.say(Code::UnknownField, at(shown_key.trim_matches('"')), message, self.advice(key, fields));
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn advice(&self, key: &str, fields: &[(&str, Shape)]) -> String {
        let moved = MOVED.iter().find(|(old, _)| *old == key).filter(|_| self.version == "networking.k8s.io/v1");
        if let Some((_, new)) = moved {
            return format!("networking.k8s.io/v1 has {new}");
        }
        nearest(key, fields.iter().map(|(name, _)| *name)).map_or_else(|| "remove it".to_owned(), |name| format!("write {name}"))
    }
}

/// Fields of the old API versions and of other places, and what v1 has in their place.
const MOVED: &[(&str, &str)] = &[
    ("serviceName", "service.name"),
    ("servicePort", "service.port.number or service.port.name"),
    ("backend", "defaultBackend"),
    ("ingressClass", "ingressClassName"),
];
