//! A cluster of a test: objects, settings, and a picture of what is made of them.

use gatewright_core::diagnostic::{Code, Severity};
use gatewright_core::model::{Action, Certificate, CertificateId, PathMatch};
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::settings::Settings;
use gatewright_core::state::{Event, Snapshot, decode};
use gatewright_core::translate::{Input, Quarantine, Translation, Translator};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// A time at which the certificates of tests are valid.
pub(crate) const NOW_S: i64 = 1_700_000_000;

/// A cluster of the test's own: objects and settings.
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    pub(crate) settings: Settings,
    pub(crate) quarantine: Quarantine,
    pub(crate) translator: Translator,
    pub(crate) now_s: i64,
}

impl World {
    pub(crate) fn new(objects: &[Value]) -> Self {
        let mut world = Self {
            snapshot: Snapshot::default(),
            settings: Settings::default(),
            quarantine: Quarantine::default(),
            // More than one, so that what is read side by side is seen to be the same.
            translator: Translator::default().on(NonZeroUsize::new(3).expect("it is three").into()),
            now_s: NOW_S,
        };
        world.settings.take_all_without_class = true;
        objects.iter().for_each(|object| world.apply(object.clone()));
        world
    }

    pub(crate) fn apply(&mut self, object: Value) {
        let object = decode(object).expect("a readable object").expect("a known kind");
        self.snapshot.apply(Event::Applied(object));
    }

    pub(crate) fn translate(&mut self) -> Translation {
        let translation = self.translator.translate(Input {
            snapshot: &self.snapshot,
            settings: &self.settings,
            quarantine: &self.quarantine,
            self_signed: &self_signed(),
            now_s: self.now_s,
        });
        let mut serious = translation.diagnostics.iter().filter(|finding| finding.severity != Severity::Note);
        // Some messages of values say it themselves.
        let silent = serious.find(|finding| !finding.tells_what_would_do());
        assert!(silent.is_none(), "nothing tells what would do: {}", silent.unwrap());
        translation
    }

    /// `host path → target` lines, without the fallbacks that answer 404.
    pub(crate) fn picture(&mut self) -> Vec<String> {
        picture(&self.translate())
    }

    pub(crate) fn codes(&mut self) -> Vec<Code> {
        self.translate().diagnostics.iter().map(|d| d.code).collect()
    }
}

pub(crate) fn self_signed() -> Arc<Certificate> {
    Arc::new(Certificate { id: CertificateId::self_signed(), origin: "self-signed".to_owned(), pem: Arc::from(&b"pem"[..]), digest: 1 })
}

pub(crate) fn picture(translation: &Translation) -> Vec<String> {
    let mut lines = Vec::new();
    for (pattern, host) in &translation.model.hosts {
        for route in &host.routes {
            if route.action == Action::Respond(404) && route.https_redirect.is_none() {
                continue;
            }
            let target = match &route.action {
                Action::Forward(id) => id.as_str().split_once('_').map_or("?", |(_, tail)| tail).to_owned(),
                Action::Respond(status) => status.to_string(),
                Action::Vacant(_) => "503".to_owned(),
            };
            let redirect = if route.https_redirect.is_some() { " https" } else { "" };
            for path_match in &route.matches {
                let path = match path_match {
                    PathMatch::Exact(path) => format!("={path}"),
                    PathMatch::Under(path) => format!("{path}*"),
                    PathMatch::Regex(expression) => format!("~{expression}"),
                };
                lines.push(format!("{pattern} {path} → {target}{redirect}"));
            }
        }
    }
    lines
}

/// Services s1 … s4 of namespace `default`, with one endpoint each.
pub(crate) fn services() -> Vec<Value> {
    (1..=4).flat_map(|n| service(&format!("s{n}"), &format!("10.0.0.{n}"))).collect()
}

pub(crate) fn service(name: &str, address: &str) -> [Value; 2] {
    [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80, "targetPort": 8080}]}}),
        slice(name, "a", &[address], true),
    ]
}

pub(crate) fn slice(service: &str, suffix: &str, addresses: &[&str], ready: bool) -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "ports": [{"port": 8080}],
        "metadata": {"name": format!("{service}-{suffix}"), "labels": {"kubernetes.io/service-name": service}},
        "endpoints": addresses.iter().map(|a| json!({"addresses": [a], "conditions": {"ready": ready}})).collect::<Vec<_>>()})
}

/// `("host", [("path", "Type", "service")])`; the age is the position in the year.
pub(crate) fn ingress(name: &str, age: u32, rules: &[(&str, &[(&str, &str, &str)])]) -> Value {
    let backend = |service: &str| json!({"service": {"name": service, "port": {"number": 80}}});
    let rules: Vec<_> = rules
        .iter()
        .map(|(host, paths)| {
            let paths: Vec<_> =
                paths.iter().map(|(path, kind, s)| json!({"path": path, "pathType": kind, "backend": backend(s)})).collect();
            if paths.is_empty() { json!({"host": host}) } else { json!({"host": host, "http": {"paths": paths}}) }
        })
        .collect();
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"rules": rules},
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": format!("2026-01-01T00:00:{age:02}Z")}})
}

pub(crate) fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer below the root");
    object.pointer_mut(parent).expect("the parent is there")[key] = value;
    object
}

pub(crate) fn default_backend(service: &str) -> Value {
    json!({"service": {"name": service, "port": {"number": 80}}})
}

pub(crate) fn secret(name: &str, hosts: &[&str]) -> Value {
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = hosts.iter().map(|h| (*h).to_owned()).collect();
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"tls.crt": certificate.pem(), "tls.key": key.serialize_pem()}})
}

#[track_caller]
pub(crate) fn check(objects: &[Value], expected: &[&str]) {
    let all = [services(), objects.to_vec()].concat();
    assert_eq!(World::new(&all).picture(), expected);
    let backwards: Vec<_> = all.into_iter().rev().collect();
    assert_eq!(World::new(&backwards).picture(), expected, "in the opposite order of arrival");
}

/// The Ingress with annotations of the usual prefix.
pub(crate) fn annotated(ingress: Value, annotations: &[(&str, &str)]) -> Value {
    let all: serde_json::Map<String, Value> =
        annotations.iter().map(|(name, value)| (format!("nginx.ingress.kubernetes.io/{name}"), json!(value))).collect();
    with(ingress, "/metadata/annotations", Value::Object(all))
}

pub(crate) fn gone(kind: Kind, name: &str) -> Event {
    Event::Deleted(ObjectRef::new(kind, ObjectName::new("default", name).unwrap()))
}
