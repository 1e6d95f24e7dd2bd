//! What the fields that are read have to be, by kind, and what one that is something else costs.

use super::fit::Shape::{
    self, Address, AddressOr, Any, Bool, Encoded, Fields, Filled, Hidden, List, NameOrPort, Number, Own, Parts, Places, Printed, Text,
    Time, Vital, VitalList, With, Word,
};
use crate::diagnostic::Outcome::{DefaultCertificate, KeptDefault, Served, SkippedEntry, SkippedHost, SkippedObject, SkippedPath};
use crate::names::Kind;

macro_rules! meta {
    ($annotations:expr) => {
        Fields(&[
            ("name", Text),
            ("namespace", Text),
            ("uid", Own(&Text, Served)),
            ("resourceVersion", Own(&Text, Served)),
            ("creationTimestamp", Own(&Time, Served)),
            ("annotations", $annotations),
            ("labels", Own(&Printed, Served)),
        ])
    };
}

const META: Shape = meta!(Own(&Printed, Served));

/// Not without its annotations: protections among them would be lost.
const META_OF_INGRESS: Shape = meta!(Printed);

const STATUS: Shape = Own(&Fields(&[("loadBalancer", Fields(&[("ingress", List(&Fields(&[("hostname", Text), ("ip", Text)])))]))]), Served);

const INGRESS: Shape = Fields(&[
    ("metadata", META_OF_INGRESS),
    (
        "spec",
        Fields(&[
            ("ingressClassName", Text),
            ("defaultBackend", Own(&BACKEND, SkippedPath)),
            // Not the list as a whole: without rules a default backend would answer for every host.
            ("rules", Places(&RULE, SkippedHost)),
            // Nor without any sections: its hosts would answer plain HTTP.
            ("tls", VitalList(&Places(&TLS, DefaultCertificate), DefaultCertificate)),
        ]),
    ),
    ("status", STATUS),
]);

const RULE: Shape = Fields(&[("host", Text), ("http", Fields(&[("paths", Places(&PATH, SkippedPath))]))]);
const PATH: Shape = Fields(&[("path", Text), ("pathType", Text), ("backend", BACKEND)]);
const TLS: Shape =
    Fields(&[("hosts", Own(&Places(&Text, DefaultCertificate), DefaultCertificate)), ("secretName", Own(&Text, DefaultCertificate))]);

const BACKEND: Shape = Fields(&[("service", Fields(&[("name", Text), ("port", PORT_REF)])), ("resource", Any)]);
const PORT_REF: Shape = Fields(&[("name", Text), ("number", Number(i64::MIN, i64::MAX))]);

/// Without what cannot be read of it, it is there all the same: where there is a class, Ingresses of none are not served.
const CLASS: Shape = Fields(&[("metadata", META), ("spec", Vital(&CLASS_SPEC, SkippedObject))]);

const CLASS_SPEC: Shape = Fields(&[("controller", Text), ("parameters", Vital(&CLASS_PARAMETERS, KeptDefault))]);

const CLASS_PARAMETERS: Shape =
    Fields(&[("apiGroup", Text), ("kind", Text), ("name", Text), ("scope", Word(&["Cluster", "Namespace"])), ("namespace", Text)]);

/// Without what cannot be read of it, it is there all the same: who names it is not told that it is not.
const SERVICE: Shape = Fields(&[
    ("metadata", META),
    (
        "spec",
        Fields(&[
            ("type", Own(&Word(&["ClusterIP", "NodePort", "LoadBalancer", "ExternalName", ""]), Served)),
            ("clusterIP", Own(&AddressOr("None"), Served)),
            ("externalName", Own(&Text, SkippedEntry)),
            ("selector", Own(&Printed, Served)),
            ("externalIPs", Own(&Parts(&Address, SkippedEntry), SkippedEntry)),
            ("ports", Own(&Parts(&SERVICE_PORT, SkippedEntry), SkippedEntry)),
            ("trafficDistribution", Own(&Text, Served)),
        ]),
    ),
    ("status", STATUS),
]);

const SERVICE_PORT: Shape = With("port", &[("name", Text), ("port", Number(0, 65535)), ("targetPort", NameOrPort), ("protocol", PROTOCOL)]);

const PROTOCOL: Shape = Word(&["TCP", "UDP", "SCTP", ""]);

const SLICE: Shape = Fields(&[
    ("metadata", META),
    ("addressType", Word(&["IPv4", "IPv6", "FQDN"])),
    ("endpoints", Parts(&ENDPOINT, SkippedEntry)),
    ("ports", Places(&ENDPOINT_PORT, SkippedEntry)),
]);

const ENDPOINT: Shape = With(
    "addresses",
    &[
        ("addresses", Filled(&Parts(&Address, SkippedEntry))),
        ("conditions", Fields(&[("ready", Bool)])),
        ("hints", Own(&Fields(&[("forZones", List(&With("name", &[("name", Text)])))]), Served)),
    ],
);

const ENDPOINT_PORT: Shape = Fields(&[("name", Text), ("port", Number(0, 65535)), ("protocol", PROTOCOL)]);

const ENDPOINTS: Shape = Fields(&[("metadata", META), ("subsets", Parts(&SUBSET, SkippedEntry))]);

const SUBSET: Shape =
    Fields(&[("addresses", Parts(&With("ip", &[("ip", Address)]), SkippedEntry)), ("ports", Places(&ENDPOINT_PORT, SkippedEntry))]);

/// What cannot be read of it stays where it is: without its list of revoked certificates, say, a Secret would let in too
/// many.
const SECRET: Shape = Fields(&[("metadata", META), ("data", Encoded), ("stringData", Hidden)]);

/// Without data that cannot be read, it is there all the same: who names it is told what is wrong.
const CONFIG_MAP: Shape = Fields(&[("metadata", META), ("data", Vital(&Printed, KeptDefault)), ("binaryData", Hidden)]);

const NAMESPACE: Shape = Fields(&[("metadata", META)]);

/// The rules are looked at by who reads them. It is there without what cannot be read, as a ConfigMap is.
const PARAMETERS: Shape =
    Fields(&[("metadata", META), ("spec", Vital(&Fields(&[("settings", Vital(&Printed, KeptDefault)), ("policy", Any)]), KeptDefault))]);

/// What an object of this kind has to be, in the shape of its newest API version.
pub(super) const fn of(kind: Kind) -> &'static Shape {
    match kind {
        Kind::Ingress => &INGRESS,
        Kind::IngressClass => &CLASS,
        Kind::Service => &SERVICE,
        Kind::EndpointSlice => &SLICE,
        Kind::Endpoints => &ENDPOINTS,
        Kind::Secret => &SECRET,
        Kind::ConfigMap => &CONFIG_MAP,
        Kind::Namespace => &NAMESPACE,
        Kind::GatewrightParameters => &PARAMETERS,
    }
}
