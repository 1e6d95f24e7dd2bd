//! Comparisons: whatever makes another model is told.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use gatewright_core::compare::{Side, compare};
use gatewright_core::model::{Certificate, CertificateId, Listeners, Model, digest_of};
use gatewright_core::names::ObjectName;
use gatewright_core::settings::Settings;
use gatewright_core::state::{Event, Snapshot, decode};
use gatewright_core::translate::annotations::FEATURES;
use gatewright_core::translate::{Input, Quarantine, Translation, Translator};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const PREFIX: &str = "nginx.ingress.kubernetes.io";
/// Values of every type that an annotation can have.
const VALUES: &[&str] = &[
    "true",
    "false",
    "1",
    "7",
    "50",
    "3s",
    "100k",
    "10.0.0.0/8",
    "503",
    "basic",
    "digest",
    "all",
    "any",
    "on",
    "off",
    "cookie",
    "sticky",
    "balanced",
    "persistent",
    "Strict",
    "Lax",
    "ewma",
    "round_robin",
    "HTTPS",
    "GRPC",
    "AJP",
    "FCGI",
    "optional",
    "x.test",
    "X-Name",
    "GET",
    "/path",
    "/path/$1",
    "http://10.9.0.1/x",
    "https://x.test/y",
    "shop/users",
    "shop/map",
    "users",
    "map",
    "error timeout",
    "$request_uri",
    "$remote_addr",
    "sec",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "TLSv1.2",
    "1.0",
    "text",
    "CN=a",
    "return 403;",
    "add_header X-A b;",
    "200 5m",
    "/a",
];

fn ingress(name: &str, host: &str, annotations: &[(&str, &str)]) -> Value {
    let annotations: BTreeMap<String, &str> = annotations.iter().map(|(key, value)| (format!("{PREFIX}/{key}"), *value)).collect();
    let backend = json!({"service": {"name": name, "port": {"number": 80}}});
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": name, "namespace": "shop", "annotations": annotations},
        "spec": {"rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}})
}

fn others() -> Vec<Value> {
    let service = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"clusterIP": "10.7.0.1", "ports": [{"port": 80}]}})
    };
    let slice = |name: &str, ip: &str| {
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "namespace": "shop", "labels": {"kubernetes.io/service-name": name}},
            "endpoints": [{"addresses": [ip]}], "ports": [{"port": 80}]})
    };
    vec![
        service("front"),
        slice("front", "10.1.0.1"),
        service("new"),
        slice("new", "10.1.0.2"),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": "shop"},
            "stringData": {"auth": "anna:$apr1$xyz$abc\n"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map", "namespace": "shop"}, "data": {"X-Name": "value"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "main", "namespace": "shop"}, "data":
            {"allow-snippet-annotations": "true", "annotations-risk-level": "Critical", "global-allowed-response-headers": "X-Name"}}),
    ]
}

fn translate(ingresses: [Value; 2], settings: &Settings) -> Translation {
    let mut snapshot = Snapshot::default();
    for object in others().into_iter().chain(ingresses) {
        snapshot.apply(Event::Applied(decode(object).unwrap().unwrap()));
    }
    snapshot.apply(Event::Resolved("x.test".into(), vec!["10.9.9.9".parse().unwrap()]));
    let pem = Arc::from(&b"pem"[..]);
    let self_signed = Arc::new(Certificate { id: CertificateId::self_signed(), origin: "self-signed".to_owned(), pem, digest: 1 });
    let quarantine = Quarantine::default();
    Translator::default().translate(Input { snapshot: &snapshot, settings, quarantine: &quarantine, self_signed: &self_signed, now_s: 0 })
}

/// Content of everything that a proxy is given.
fn content(model: &Model) -> u128 {
    let Model { globals, hosts, backends, certificates: _, streams: _, passthrough, credentials, default_certificate: _ } = model;
    let accounts: Vec<_> = credentials.accounts.keys().collect();
    digest_of(&(globals, hosts, backends, passthrough, accounts))
}

#[test]
fn whatever_an_annotation_changes_is_told() {
    let config_map = ObjectName::new("shop", "main").ok();
    let listeners = Listeners { passthrough_port: Some(442), ..Listeners::default() };
    let settings = Settings { take_all_without_class: true, config_map, listeners, ..Settings::default() };
    let snapshot = Snapshot::default();
    // What makes other annotations mean something.
    let front = [("auth-type", "basic"), ("auth-secret", "users"), ("affinity", "cookie")];
    let canary = [("canary", "true"), ("canary-weight", "10")];
    let base = translate([ingress("front", "a.test", &front), ingress("new", "a.test", &canary)], &settings);
    let mut effective = BTreeSet::new();
    for key in FEATURES.iter().flat_map(|feature| feature.keys) {
        for value in VALUES {
            let with = |own: &[(&'static str, &'static str)]| {
                let others = own.iter().copied().filter(|(name, _)| *name != key.name);
                others.chain([(key.name, *value)]).collect::<Vec<_>>()
            };
            // The canary's own say something of it alone.
            let ingresses = if key.name.starts_with("canary") {
                [ingress("front", "a.test", &front), ingress("new", "a.test", &with(&canary))]
            } else {
                [ingress("front", "a.test", &with(&front)), ingress("new", "a.test", &canary)]
            };
            let other = translate(ingresses, &settings);
            if content(&base.model) == content(&other.model) {
                continue;
            }
            effective.insert(key.name);
            for (old, new) in [(&base, &other), (&other, &base)] {
                let [old, new] = [old, new].map(|translation| Side { translation, snapshot: &snapshot, settings: &settings });
                assert!(!compare(old, new).is_empty(), "{}: {value} is missed", key.name);
            }
        }
    }
    assert!(effective.len() > 85, "{} annotations made another model: {effective:?}", effective.len());
}

#[test]
fn whatever_makes_other_routes_is_told() {
    let kinds: [&[(&str, &str)]; 3] =
        [&[], &[("use-regex", "true")], &[("use-regex", "true"), ("auth-type", "basic"), ("auth-secret", "users")]];
    let paths: [&[&str]; 8] = [&["/"], &["/a"], &["/a/"], &["/a", "/a/b"], &["/a(.*)"], &["/.*"], &["/a$", "/"], &["/a$", "/.*"]];
    let settings = Settings { take_all_without_class: true, ..Settings::default() };
    let base = ingress("new", "a.test", &[]);
    let of = |kind: &&[(&str, &str)], paths: &&[&str], path_type: &str, host: &str| {
        let mut front = ingress("front", host, kind);
        let backend = front["spec"]["rules"][0]["http"]["paths"][0]["backend"].clone();
        let path = |path: &&str| json!({"path": path, "pathType": path_type, "backend": backend});
        front["spec"]["rules"][0]["http"]["paths"] = paths.iter().map(path).collect();
        translate([front, base.clone()], &settings)
    };
    let mut all = Vec::new();
    for (kind, paths) in kinds.iter().flat_map(|kind| paths.iter().map(move |paths| (kind, paths))) {
        all.extend(["Prefix", "Exact"].map(|path_type| of(kind, paths, path_type, "a.test")));
        all.push(of(kind, paths, "Prefix", "*.test"));
    }
    let snapshot = Snapshot::default();
    let side = |translation| Side { translation, snapshot: &snapshot, settings: &settings };
    let digests: Vec<u128> = all.iter().map(|translation| digest_of(&translation.model.hosts)).collect();
    let mut different = 0;
    for (n, old) in all.iter().enumerate() {
        for (m, new) in all.iter().enumerate() {
            let changes = compare(side(old), side(new));
            assert_eq!(changes.is_empty(), digests[n] == digests[m], "{:#?}\nand\n{:#?}\n{changes:#?}", old.model.hosts, new.model.hosts);
            different += usize::from(!changes.is_empty());
        }
    }
    assert!(different > 2000, "{different}");
}
