//! Whole translations, by the case ids of the Ingress semantics: objects in, a readable picture of the model out.

#![allow(
    clippy::unwrap_used,
    clippy::type_complexity,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may do all that, and fails by panicking"
)]

use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::model::{Action, Certificate, CertificateId, HostCertificate, PathMatch};
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::settings::Settings;
use gatewright_core::state::{Event, Snapshot, decode, decode_written};
use gatewright_core::translate::{Input, Quarantine, Translation, Translator};
use serde_json::{Value, json};
use std::sync::Arc;

/// A cluster of the test's own: objects and settings.
struct World {
    snapshot: Snapshot,
    settings: Settings,
    quarantine: Quarantine,
    translator: Translator,
    now_s: i64,
}

impl World {
    fn new(objects: &[Value]) -> Self {
        let mut world = Self {
            snapshot: Snapshot::default(),
            settings: Settings::default(),
            quarantine: Quarantine::default(),
            translator: Translator::default(),
            now_s: 0,
        };
        world.settings.take_all_without_class = true;
        objects.iter().for_each(|object| world.apply(object.clone()));
        world
    }

    fn apply(&mut self, object: Value) {
        let object = decode(object).expect("a readable object").expect("a known kind");
        self.snapshot.apply(Event::Applied(Box::new(object)));
    }

    fn translate(&mut self) -> Translation {
        self.translator.translate(Input {
            snapshot: &self.snapshot,
            settings: &self.settings,
            quarantine: &self.quarantine,
            self_signed: &self_signed(),
            now_s: self.now_s,
        })
    }

    /// `host path → target` lines, without the fallbacks that answer 404.
    fn picture(&mut self) -> Vec<String> {
        picture(&self.translate())
    }

    fn codes(&mut self) -> Vec<Code> {
        self.translate().diagnostics.iter().map(|d| d.code).collect()
    }
}

fn self_signed() -> Arc<Certificate> {
    Arc::new(Certificate { id: CertificateId::self_signed(), origin: "self-signed".to_owned(), pem: Arc::from(&b"pem"[..]), digest: 1 })
}

fn picture(translation: &Translation) -> Vec<String> {
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
fn services() -> Vec<Value> {
    (1..=4).flat_map(|n| service(&format!("s{n}"), &format!("10.0.0.{n}"))).collect()
}

fn service(name: &str, address: &str) -> [Value; 2] {
    [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80, "targetPort": 8080}]}}),
        slice(name, "a", &[address], true),
    ]
}

fn slice(service: &str, suffix: &str, addresses: &[&str], ready: bool) -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "ports": [{"port": 8080}],
        "metadata": {"name": format!("{service}-{suffix}"), "labels": {"kubernetes.io/service-name": service}},
        "endpoints": addresses.iter().map(|a| json!({"addresses": [a], "conditions": {"ready": ready}})).collect::<Vec<_>>()})
}

/// `("host", [("path", "Type", "service")])`; the age is the position in the year.
fn ingress(name: &str, age: u32, rules: &[(&str, &[(&str, &str, &str)])]) -> Value {
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

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer below the root");
    object.pointer_mut(parent).expect("the parent is there")[key] = value;
    object
}

fn default_backend(service: &str) -> Value {
    json!({"service": {"name": service, "port": {"number": 80}}})
}

fn secret(name: &str, hosts: &[&str]) -> Value {
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = hosts.iter().map(|h| (*h).to_owned()).collect();
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"tls.crt": certificate.pem(), "tls.key": key.serialize_pem()}})
}

#[track_caller]
fn check(objects: &[Value], expected: &[&str]) {
    let all = [services(), objects.to_vec()].concat();
    assert_eq!(World::new(&all).picture(), expected);
    let backwards: Vec<_> = all.into_iter().rev().collect();
    assert_eq!(World::new(&backwards).picture(), expected, "in the opposite order of arrival");
}

#[test]
fn mrg_1_to_4_hosts_merge_and_the_oldest_keeps_a_path() {
    let a = ingress("a", 1, &[("h.test", &[("/a", "Prefix", "s1")])]);
    check(
        &[a.clone(), ingress("b", 2, &[("h.test", &[("/b", "Prefix", "s2")])])],
        &["h.test =/a → default-s1-80", "h.test /a/* → default-s1-80", "h.test =/b → default-s2-80", "h.test /b/* → default-s2-80"],
    );
    check(
        &[a.clone(), ingress("b", 2, &[("h.test", &[("/a", "Prefix", "s2")])])],
        &["h.test =/a → default-s1-80", "h.test /a/* → default-s1-80"],
    );
    check(
        &[a.clone(), ingress("b", 2, &[("h.test", &[("/a", "ImplementationSpecific", "s2")])])],
        &["h.test =/a → default-s1-80", "h.test /a/* → default-s1-80"],
    );
    check(&[a, ingress("b", 2, &[("h.test", &[("/a", "Exact", "s2")])])], &["h.test =/a → default-s2-80", "h.test /a/* → default-s1-80"]);
}

#[test]
fn mrg_2_the_next_one_takes_over_when_the_oldest_goes() {
    let mut world = World::new(&services());
    world.apply(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]));
    world.apply(ingress("b", 2, &[("h.test", &[("/", "Prefix", "s2")])]));
    assert_eq!(world.picture(), ["h.test /* → default-s1-80"]);
    assert!(world.codes().contains(&Code::DuplicatePath));
    let gone = decode(ingress("a", 1, &[])).unwrap().unwrap().reference();
    world.snapshot.apply(Event::Deleted(gone));
    assert_eq!(world.picture(), ["h.test /* → default-s2-80"]);
}

#[test]
fn mrg_6_7_a_later_root_replaces_the_fallback_and_first_wins_per_path_and_type() {
    check(
        &[ingress("a", 1, &[("h.test", &[("/a", "Exact", "s1")])]), ingress("b", 2, &[("h.test", &[("/", "Prefix", "s2")])])],
        &["h.test =/a → default-s1-80", "h.test /* → default-s2-80"],
    );
    let all: Vec<_> = [("a", "Exact"), ("b", "Prefix"), ("c", "Exact"), ("d", "Prefix")]
        .iter()
        .zip(1..)
        .map(|((name, kind), n)| ingress(name, n, &[("h.test", &[("/a", *kind, format!("s{n}").as_str())])]))
        .collect();
    check(&all, &["h.test =/a → default-s1-80", "h.test /a/* → default-s2-80"]);
}

#[test]
fn def_3_to_13_default_backends() {
    let catch_all = |name: &str, age, service| with(ingress(name, age, &[]), "/spec", json!({"defaultBackend": default_backend(service)}));
    let with_default = |object, service| with(object, "/spec/defaultBackend", default_backend(service));
    check(&[catch_all("a", 1, "s1"), catch_all("b", 2, "s2")], &["_ /* → default-s1-80"]);
    check(&[with_default(ingress("a", 1, &[("h.test", &[])]), "s1")], &["h.test /* → default-s1-80"]);
    check(
        &[with_default(ingress("a", 1, &[("h.test", &[("/a", "Exact", "s1")])]), "s2")],
        &["h.test =/a → default-s1-80", "h.test /* → default-s2-80"],
    );
    check(
        &[
            ingress("a", 1, &[("h.test", &[("/a", "Exact", "s1")])]),
            with_default(ingress("b", 2, &[("h.test", &[("/b", "Exact", "s2")])]), "s3"),
        ],
        &["h.test =/a → default-s1-80", "h.test =/b → default-s2-80"],
    );
    check(&[with_default(ingress("a", 1, &[("", &[("/a", "Exact", "s1")])]), "s2")], &["_ =/a → default-s1-80"]);
    check(&[ingress("a", 1, &[("", &[("/", "Prefix", "s1")])]), catch_all("b", 2, "s2")], &["_ /* → default-s1-80"]);
    let forced = json!({"nginx.ingress.kubernetes.io/force-ssl-redirect": "true"});
    check(&[with(catch_all("a", 1, "s1"), "/metadata/annotations", forced)], &["_ /* → default-s1-80"]);
}

#[test]
fn s503_whatever_is_missing_answers_503_and_says_why() {
    let path = |service: &str, port: Value| {
        let backend = json!({"service": {"name": service, "port": port}});
        let rule = json!({"host": "h.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}});
        with(ingress("a", 1, &[]), "/spec", json!({"rules": [rule]}))
    };
    for (object, code) in [
        (path("ghost", json!({"number": 80})), Code::NoService),
        (path("s1", json!({"number": 81})), Code::NoPort),
        (path("s1", json!({"name": "web"})), Code::NoPort),
        (path("idle", json!({"number": 80})), Code::NoEndpoints),
        (path("own", json!({"number": 80})), Code::RefusedEndpoint),
    ] {
        let more = [service("idle", "10.0.0.9"), service("own", "127.0.0.1")].concat();
        let mut world = World::new(&[services(), more, vec![slice("idle", "a", &["10.0.0.9"], false), object]].concat());
        assert_eq!(world.picture(), ["h.test /* → 503"]);
        assert!(world.codes().contains(&code), "{:?}", world.translate().diagnostics);
    }
}

#[test]
fn s503_8_a_protection_that_cannot_be_read_closes_its_routes() {
    let ranges = |value: &str| annotated(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]), &[("whitelist-source-range", value)]);
    check(&[ranges("10.0.0.0/8")], &["h.test /* → default-s1-80"]);
    check(&[ranges("everybody")], &["h.test /* → 503"]);
}

#[test]
fn top_1_to_5_endpoints_of_the_own_zone_are_kept_where_the_hints_allow_it() {
    let hinted = |address: &str, zone: Option<&str>| match zone {
        Some(zone) => json!({"addresses": [address], "hints": {"forZones": [{"name": zone}]}}),
        None => json!({"addresses": [address]}),
    };
    let endpoints = |zone: Option<&str>, service: (&str, Value), zones: [Option<&str>; 2]| {
        let endpoints = json!([hinted("10.0.0.8", zones[0]), hinted("10.0.0.9", zones[1])]);
        let [plain, slice] = self::service("s", "10.0.0.8");
        let objects = [with(plain, service.0, service.1), with(slice, "/endpoints", endpoints)];
        let mut world = World::new(&[objects.to_vec(), vec![ingress("a", 1, &[("h.test", &[("/", "Prefix", "s")])])]].concat());
        world.settings.topology_zone = zone.map(str::to_owned);
        let model = world.translate().model;
        model.backends.values().flat_map(|b| &b.endpoints).map(|e| e.ip().to_string()).collect::<Vec<_>>()
    };
    let auto = || ("/metadata/annotations", json!({"service.kubernetes.io/topology-mode": "Auto"}));
    let close = || ("/spec/trafficDistribution", json!("PreferClose"));
    let (a, b) = (Some("a"), Some("b"));
    assert_eq!(endpoints(None, auto(), [a, b]), ["10.0.0.8", "10.0.0.9"], "TOP-1");
    assert_eq!(endpoints(a, auto(), [a, b]), ["10.0.0.8"], "TOP-2");
    assert_eq!(endpoints(a, auto(), [a, None]), ["10.0.0.8", "10.0.0.9"], "TOP-3");
    assert_eq!(endpoints(a, auto(), [b, b]), [""; 0], "TOP-4");
    assert_eq!(endpoints(a, close(), [b, b]), ["10.0.0.8", "10.0.0.9"], "TOP-5");
    assert_eq!(endpoints(a, close(), [a, b]), ["10.0.0.8"]);
    assert_eq!(endpoints(a, ("/metadata/labels", json!({})), [a, b]), ["10.0.0.8", "10.0.0.9"], "a Service that does not ask for it");
}

#[test]
fn prt_ports_by_number_name_and_target() {
    let endpoints = |ports: Value, wanted: Value, slices: &[Value]| {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": ports}});
        let backend = json!({"service": {"name": "s", "port": wanted}});
        let rule = json!({"host": "h.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}});
        let all = [vec![service, with(ingress("a", 1, &[]), "/spec", json!({"rules": [rule]}))], slices.to_vec()].concat();
        let model = World::new(&all).translate().model;
        model.backends.values().flat_map(|b| &b.endpoints).map(ToString::to_string).collect::<Vec<_>>()
    };
    let slice = |suffix: &str, address: &str, ports: Value| with(slice("s", suffix, &[address], true), "/ports", ports);
    let plain = [slice("a", "10.0.0.1", json!([{"name": "http", "port": 8080}, {"name": "alt", "port": 9090}]))];
    let ports = json!([{"name": "http", "port": 80, "targetPort": 8080}, {"name": "alt", "port": 8080, "targetPort": 9090}]);
    assert_eq!(endpoints(ports.clone(), json!({"number": 80}), &plain), ["10.0.0.1:8080"], "PRT-1");
    assert_eq!(endpoints(ports.clone(), json!({"name": "http"}), &plain), ["10.0.0.1:8080"], "PRT-2");
    assert_eq!(endpoints(ports, json!({"number": 8080}), &plain), ["10.0.0.1:9090"], "PRT-4");
    let one = json!([{"name": "http", "port": 80, "targetPort": 8080}]);
    assert_eq!(endpoints(one, json!({"number": 8080}), &plain), ["10.0.0.1:8080"], "PRT-3");
    let named = json!([{"name": "http", "port": 80, "targetPort": "web"}]);
    let two =
        [slice("a", "10.0.0.1", json!([{"name": "http", "port": 8080}])), slice("b", "10.0.0.2", json!([{"name": "http", "port": 8081}]))];
    assert_eq!(endpoints(named, json!({"number": 80}), &two), ["10.0.0.1:8080", "10.0.0.2:8081"], "PRT-5");
    let bare = [slice("a", "fd00::1", json!([]))];
    assert_eq!(
        endpoints(json!([{"port": 80, "targetPort": 8080}]), json!({"number": 80}), &bare),
        ["[fd00::1]:8080"],
        "no ports in the slice"
    );
}

#[test]
fn tls_certificates_and_redirects() {
    let tls = |object, sections: Value| with(object, "/spec/tls", sections);
    let plain = || ingress("a", 1, &[("a.w.test", &[("/", "Prefix", "s1")])]);
    let own = |translation: &Translation, host: &str| {
        let host = translation.model.hosts.iter().find(|(pattern, _)| pattern.to_string() == host).unwrap().1;
        (host.certificate.clone(), host.routes[0].https_redirect.is_some())
    };
    let id = |name: &str| HostCertificate::Own(CertificateId::of_secret("default", name));
    for (case, sections, expected, code) in [
        ("TLS-1", json!([{"hosts": ["a.w.test"], "secretName": "exact"}]), id("exact"), None),
        ("TLS-2", json!([{"hosts": ["a.w.test"], "secretName": "ghost"}]), HostCertificate::Default, Some(Code::NoSecret)),
        ("TLS-8", json!([{"hosts": ["a.w.test"], "secretName": "other"}]), HostCertificate::Default, Some(Code::UncoveredHost)),
        ("TLS-9", json!([{"secretName": "exact"}]), id("exact"), None),
        ("TLS-10", json!([{"hosts": ["*.w.test"], "secretName": "wild"}]), id("wild"), None),
        ("RED-6", json!([{}]), HostCertificate::Default, None),
        ("TLS bad name", json!([{"hosts": ["a.w.test"], "secretName": "../x"}]), HostCertificate::Default, Some(Code::BadSecretName)),
    ] {
        let secrets = [secret("exact", &["a.w.test"]), secret("wild", &["*.w.test"]), secret("other", &["o.test"])];
        let mut world = World::new(&[services(), secrets.to_vec(), vec![tls(plain(), sections)]].concat());
        let translation = world.translate();
        assert_eq!(own(&translation, "a.w.test"), (expected, true), "{case}");
        assert!(code.is_none_or(|code| translation.diagnostics.iter().any(|d| d.code == code)), "{case}: {:?}", translation.diagnostics);
    }
    let mut none = World::new(&[services(), vec![plain()]].concat());
    assert_eq!(own(&none.translate(), "a.w.test"), (HostCertificate::Unclaimed, false), "RED-5");
    let wild = tls(ingress("w", 2, &[("*.w.test", &[("/", "Prefix", "s2")])]), json!([{"hosts": ["*.w.test"], "secretName": "ghost"}]));
    none.apply(wild);
    assert_eq!(own(&none.translate(), "a.w.test"), (HostCertificate::Unclaimed, true), "RED-9");
    none.apply(with(plain(), "/metadata/annotations", json!({"nginx.ingress.kubernetes.io/ssl-redirect": "false"})));
    assert!(!own(&none.translate(), "a.w.test").1, "RED-17");
    let acme = ingress("acme", 3, &[("a.w.test", &[("/.well-known/acme-challenge/tok", "Exact", "s3")])]);
    none.apply(tls(plain(), json!([{}])));
    none.apply(acme);
    assert_eq!(none.picture()[0], "a.w.test =/.well-known/acme-challenge/tok → default-s3-80", "RED-16");
}

#[test]
fn cls_classes_are_decided_by_field_then_annotation_then_flag() {
    let class = |name: &str, controller: &str| json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name}, "spec": {"controller": controller}});
    let served = |settings: &dyn Fn(&mut Settings), field: Option<&str>, annotation: Option<&str>| {
        let mut object = ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]);
        if let Some(field) = field {
            object["spec"]["ingressClassName"] = field.into();
        }
        if let Some(annotation) = annotation {
            object["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": annotation});
        }
        let classes =
            vec![class("gatewright", "gatewright.dev/ingress"), class("other", "example.test/other"), class("foo", "k8s.io/other-class")];
        let mut world = World::new(&[services(), classes, vec![object]].concat());
        settings(&mut world.settings);
        !world.picture().is_empty()
    };
    let defaults = |_: &mut Settings| {};
    let without = |s: &mut Settings| s.watch_ingress_without_class = true;
    let flags = |s: &mut Settings| (s.ingress_class, s.controller_class) = ("testclass".to_owned(), "k8s.io/other-class".to_owned());
    let by_name = |s: &mut Settings| (s.ingress_class, s.ingress_class_by_name) = ("foo".to_owned(), true);
    let ignore = |s: &mut Settings| (s.ingress_class, s.ignore_classes) = ("testclass".to_owned(), true);
    let table: &[(&str, &dyn Fn(&mut Settings), Option<&str>, Option<&str>, bool)] = &[
        ("CLS-1", &defaults, Some("gatewright"), None, true),
        ("CLS-2", &defaults, Some("other"), None, false),
        ("CLS-3", &defaults, Some("ghost"), None, false),
        ("CLS-4", &defaults, None, Some("gatewright"), true),
        ("CLS-5", &defaults, None, Some("testclass"), false),
        ("CLS-6", &defaults, None, None, false),
        ("CLS-7", &without, None, None, true),
        ("CLS-8", &without, None, Some("testclass"), false),
        ("CLS-9", &without, Some("other"), None, false),
        ("CLS-10", &flags, None, Some("testclass"), true),
        ("CLS-11", &flags, Some("foo"), None, true),
        ("CLS-12", &by_name, Some("foo"), None, true),
        ("CLS-13", &by_name, Some("gatewright"), None, true),
        ("CLS-14", &ignore, None, Some("testclass"), true),
        ("CLS-15", &ignore, Some("gatewright"), None, false),
        ("CLS-16", &defaults, Some("gatewright"), Some("testclass"), true),
        ("CLS-19", &defaults, None, Some(""), false),
    ];
    for (case, settings, field, annotation, expected) in table {
        assert_eq!(served(settings, *field, *annotation), *expected, "{case}");
    }
}

#[test]
fn protections_that_cannot_be_given_close_the_route() {
    for annotation in ["auth-url", "auth-type", "whitelist-source-range", "limit-rps", "auth-tls-secret"] {
        let annotations = json!({format!("nginx.ingress.kubernetes.io/{annotation}"): "x"});
        check(
            &[with(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]), "/metadata/annotations", annotations)],
            &["h.test /* → 503"],
        );
    }
    for annotation in ["canary", "configuration-snippet"] {
        let annotations = json!({format!("nginx.ingress.kubernetes.io/{annotation}"): "true"});
        check(&[with(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]), "/metadata/annotations", annotations)], &[]);
    }
}

#[test]
fn ext_names_are_looked_up_and_filtered() {
    let external = |name: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "e"}, "spec": {"type": "ExternalName", "externalName": name}});
    let route = || ingress("a", 1, &[("h.test", &[("/", "Prefix", "e")])]);
    for refused in ["localhost", "x.localhost", "127.0.0.1", "169.254.169.254", "a.example; return 418", "::1"] {
        let mut world = World::new(&[external(refused), route()]);
        assert_eq!(world.picture(), ["h.test /* → 503"], "{refused}");
        assert!(world.codes().contains(&Code::RefusedExternalName), "{refused}");
    }
    let mut world = World::new(&[external("up.example."), route()]);
    let first = world.translate();
    assert_eq!(
        (picture(&first), first.wanted.dns_names.iter().map(|n| &**n).collect::<Vec<_>>()),
        (vec!["h.test /* → 503".to_owned()], vec!["up.example"])
    );
    world.snapshot.apply(Event::Resolved("up.example".into(), vec!["10.9.9.9".parse().unwrap(), "127.0.0.1".parse().unwrap()]));
    assert_eq!(world.picture(), ["h.test /* → default-e-80"]);
    let endpoints: Vec<_> = world.translate().model.backends.values().flat_map(|b| b.endpoints.clone()).collect();
    assert_eq!(endpoints, ["10.9.9.9:80".parse().unwrap()], "the loopback address is left out");
    world.settings.disable_external_names = true;
    assert_eq!(world.picture(), ["h.test /* → 503"], "EXT-7");
}

#[test]
fn uri_5_blanks_stand_in_paths_where_the_proxy_can_compare_with_them() {
    let of_type = |kind| ingress("a", 1, &[("h.test", &[("/a b", kind, "s1"), ("/c", "Exact", "s1")])]);
    let mut lines = World::new(&[services(), vec![of_type("ImplementationSpecific")]].concat()).picture();
    lines.sort_unstable();
    assert_eq!(lines, ["h.test /a b/* → default-s1-80", "h.test =/a b → default-s1-80", "h.test =/c → default-s1-80"]);
    check(&[of_type("Exact")], &["h.test =/c → default-s1-80"]);
    let mut world = World::new(&[services(), vec![of_type("ImplementationSpecific")]].concat());
    world.settings.blanks_in_paths = false;
    assert_eq!(world.picture(), ["h.test =/c → default-s1-80"]);
    assert!(world.codes().contains(&Code::BadPath));
}

#[test]
fn ext_8_a_headless_service_has_no_address_of_its_own() {
    let endpoints = |cluster_ip: &str| {
        let [plain, slice] = service("s", "10.0.0.8");
        let route = annotated(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s")])]), &[("service-upstream", "true")]);
        let model = World::new(&[with(plain, "/spec/clusterIP", json!(cluster_ip)), slice, route]).translate().model;
        model.backends.values().flat_map(|b| &b.endpoints).map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(endpoints("10.96.0.1"), ["10.96.0.1:80"]);
    assert_eq!(endpoints("None"), ["10.0.0.8:8080"], "EXT-8");
}

#[test]
fn what_has_the_wrong_type_costs_its_own_path_or_host() {
    let good = |n: usize| {
        json!({"host": format!("h{n}.test"), "http": {"paths": [
        {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s1", "port": {"number": 80}}}}]}})
    };
    let mut object = with(ingress("a", 1, &[]), "/spec", json!({"rules": (0..4).map(good).collect::<Vec<_>>()}));
    let second = &mut object["spec"]["rules"][1]["http"]["paths"];
    second[0]["backend"]["service"]["port"] = json!({"number": "80"});
    second.as_array_mut().unwrap().push(json!(["/x", "Prefix", {}]));
    object["spec"]["rules"][2] = json!(["h2.test"]);
    let (object, faults) = decode_written(object).unwrap().unwrap();
    let mut world = World::new(&services());
    world.snapshot.apply(Event::Applied(Box::new(object)));
    assert_eq!(world.picture(), ["h0.test /* → default-s1-80", "h3.test /* → default-s1-80"]);
    let fields: Vec<_> = faults.iter().map(|fault| &*fault.field).collect();
    let path = "spec.rules[1].http.paths";
    assert_eq!(fields, [&format!("{path}[0].backend.service.port.number"), &format!("{path}[1]"), "spec.rules[2]"]);
}

#[test]
fn a_backend_that_says_two_things_is_left_out() {
    let path = |path: &str, backend: Value| json!({"path": path, "pathType": "Prefix", "backend": backend});
    let service = |port: Value| json!({"name": "s1", "port": port});
    let paths = json!([
        path("/both", json!({"service": service(json!({"number": 80})), "resource": {"kind": "Bucket", "name": "b"}})),
        path("/ports", json!({"service": service(json!({"number": 80, "name": "http"}))})),
        path("/none", json!({"service": service(json!({}))})),
        path("/zero", json!({"service": service(json!({"number": 0}))})),
        path("/good", json!({"service": service(json!({"number": 80, "name": ""}))})),
    ]);
    let object = with(ingress("a", 1, &[]), "/spec", json!({"rules": [{"host": "h.test", "http": {"paths": paths}}]}));
    let mut world = World::new(&[services(), vec![object]].concat());
    let translation = world.translate();
    assert_eq!(picture(&translation), ["h.test =/good → default-s1-80", "h.test /good/* → default-s1-80"]);
    let said: Vec<_> = translation.diagnostics.iter().filter(|d| d.code == Code::BadBackend).map(|d| &*d.message).collect();
    assert_eq!(
        said,
        [
            "the backend names a Service and a resource",
            "the backend names port \"http\" and port 80; one of them is too many",
            "the backend names no port: neither a name nor a number other than 0",
            "the backend names no port: neither a name nor a number other than 0",
        ]
    );
}

/// The Ingress with annotations of the usual prefix.
fn annotated(ingress: Value, annotations: &[(&str, &str)]) -> Value {
    let all: serde_json::Map<String, Value> =
        annotations.iter().map(|(name, value)| (format!("nginx.ingress.kubernetes.io/{name}"), json!(value))).collect();
    with(ingress, "/metadata/annotations", Value::Object(all))
}

#[test]
fn rgx_1_to_6_paths_of_a_host_are_expressions_by_falling_length() {
    let plain = ingress("plain", 1, &[("t", &[("/foo/bar", "Prefix", "s1"), ("/foo/bar/", "Prefix", "s2")])]);
    let rewriting =
        annotated(ingress("rewriting", 2, &[("t", &[("/foo/bar/(.+)", "ImplementationSpecific", "s3")])]), &[("rewrite-target", "/$1")]);
    check(&[plain, rewriting], &["t ~/foo/bar/(.+) → default-s3-80", "t ~/foo/bar/ → default-s2-80", "t ~/foo/bar → default-s1-80"]);
    let regex = ingress("regex", 1, &[("t", &[("/foo/bar/bar", "Prefix", "s1"), ("/foo/bar/[A-Z0-9]{3}", "Prefix", "s2")])]);
    check(&[annotated(regex, &[("use-regex", "true")])], &["t ~/foo/bar/[A-Z0-9]{3} → default-s2-80", "t ~/foo/bar/bar → default-s1-80"]);
}

#[test]
fn rgx_7_exact_paths_of_others_become_expressions_and_other_hosts_do_not() {
    let exact = ingress("exact", 1, &[("t", &[("/api", "Exact", "s1")]), ("u", &[("/api", "Exact", "s1")])]);
    let rewriting = annotated(ingress("rewriting", 2, &[("t", &[("/x(/|$)(.*)", "Prefix", "s2")])]), &[("rewrite-target", "/$2")]);
    check(&[exact, rewriting], &["t ~/x(/|$)(.*) → default-s2-80", "t ~/api → default-s1-80", "u =/api → default-s1-80"]);
}

#[test]
fn rgx_8_a_target_that_is_the_path_itself_changes_nothing() {
    let same = annotated(ingress("same", 1, &[("t", &[("/foo", "Prefix", "s1")])]), &[("rewrite-target", "/foo")]);
    check(&[same], &["t =/foo → default-s1-80", "t /foo/* → default-s1-80"]);
}

#[test]
fn a_path_that_is_no_expression_costs_only_itself() {
    let plain = ingress("plain", 1, &[("t", &[("/a+*", "Prefix", "s1"), ("/b", "Prefix", "s2")])]);
    let regex = annotated(ingress("regex", 2, &[("t", &[("/c[0-9]", "Prefix", "s3")])]), &[("use-regex", "true")]);
    let objects = [services(), vec![plain, regex]].concat();
    let mut world = World::new(&objects);
    assert_eq!(world.picture(), ["t ~/c[0-9] → default-s3-80", "t ~/b → default-s2-80"]);
    assert!(world.codes().contains(&Code::BadPath));
}

#[test]
fn closed_routes_redirect_nobody() {
    let guarded =
        annotated(ingress("g", 1, &[("t", &[("/", "Prefix", "s1")])]), &[("allowlist-source-range", ""), ("permanent-redirect", "/x")]);
    let objects = [services(), vec![guarded]].concat();
    let model = World::new(&objects).translate().model;
    let host = model.hosts.values().last().unwrap();
    assert!(host.routes.iter().all(|route| route.action == Action::Respond(503) && route.policy.redirect.is_none()));
}

#[test]
fn aliases_give_way_to_hosts_and_to_the_first_who_has_them() {
    let one = annotated(ingress("one", 1, &[("a.test", &[("/", "Prefix", "s1")])]), &[("server-alias", "b.test, c.test, a.test")]);
    let two = annotated(ingress("two", 2, &[("b.test", &[("/", "Prefix", "s2")])]), &[("server-alias", "c.test, d.test")]);
    let objects = [services(), vec![one, two]].concat();
    let mut world = World::new(&objects);
    let model = world.translate().model;
    let aliases: Vec<String> = model
        .hosts
        .iter()
        .flat_map(|(host, it)| it.policy.aliases.iter().flatten().map(move |alias| format!("{} of {host}", alias.name)))
        .collect();
    assert_eq!(aliases, ["c.test of a.test", "d.test of b.test"]);
    assert_eq!(world.codes().iter().filter(|code| **code == Code::IgnoredAlias).count(), 2);
}

#[test]
fn an_alias_without_certificate_is_redirected_by_its_own_right() {
    let tls =
        with(ingress("one", 1, &[("a.test", &[("/", "Prefix", "s1")])]), "/spec/tls", json!([{"hosts": ["a.test"], "secretName": "pair"}]));
    let tls = annotated(tls, &[("server-alias", "b.test, c.test")]);
    check(&[secret("pair", &["a.test", "b.test"]), tls], &["a.test /* → default-s1-80 https", "c.test /* → default-s1-80"]);
}

#[test]
fn www_is_redirected_unless_it_is_a_host() {
    let on = &[("from-to-www-redirect", "true")];
    let one = annotated(ingress("one", 1, &[("a.test", &[("/", "Prefix", "s1")]), ("www.b.test", &[("/", "Prefix", "s1")])]), on);
    let both = annotated(ingress("both", 2, &[("c.test", &[("/", "Prefix", "s2")]), ("www.c.test", &[("/", "Prefix", "s2")])]), on);
    let objects = [services(), vec![one, both]].concat();
    let model = World::new(&objects).translate().model;
    let redirecting: Vec<String> = model
        .hosts
        .iter()
        .filter(|(_, host)| host.routes.iter().any(|route| route.policy.redirect.is_some()))
        .map(|(pattern, _)| pattern.to_string())
        .collect();
    assert_eq!(redirecting, ["b.test", "www.a.test"]);
}

#[test]
fn a_default_backend_stands_in_for_a_service_without_endpoints() {
    let down = annotated(ingress("down", 1, &[("t", &[("/", "Prefix", "nobody")])]), &[("default-backend", "s1")]);
    let objects = [services(), vec![down.clone()]].concat();
    let mut world = World::new(&objects);
    assert_eq!(world.picture(), ["t /* → default-s1-80"]);
    let model = world.translate().model;
    assert!(model.hosts.values().last().unwrap().routes[0].policy.stands_in.is_some());
    assert_eq!(World::new(&[down]).picture(), ["t /* → 503"], "nobody stands in for nobody");
}

#[test]
fn loopback_endpoints_need_a_switch() {
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "near", "labels": {"kubernetes.io/service-name": "near"}},
        "endpoints": [{"addresses": ["127.0.0.1"]}], "ports": [{"port": 8080}],
    });
    let near = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "near"}, "spec": {"ports": [{"port": 80}]}});
    let mut world = World::new(&[near, slice, ingress("a", 1, &[("h.test", &[("/", "Prefix", "near")])])]);
    assert_eq!(world.picture(), ["h.test /* → 503"]);
    assert!(world.codes().contains(&Code::RefusedEndpoint));
    world.settings.loopback_endpoints = true;
    assert_eq!(world.picture(), ["h.test /* → default-near-80"]);
}

#[test]
fn a_quarantined_ingress_is_served_in_its_last_accepted_version() {
    let mut world = World::new(&services());
    world.apply(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]));
    let good = Arc::clone(&world.translate().served[0]);
    world.apply(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s2")])]));
    let bad = Arc::clone(&world.translate().served[0]);
    world.quarantine.set_aside(&bad, "nginx refused it".to_owned(), Some(good));
    assert_eq!(world.picture(), ["h.test /* → default-s1-80"]);
    assert!(world.codes().contains(&Code::RefusedByProxy));
    world.apply(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s3")])]));
    assert_eq!(world.picture(), ["h.test /* → default-s3-80"], "another version gets a chance");
}

/// Translates with and without what is remembered.
fn same(world: &mut World, step: &str) {
    let remembered = world.translate();
    let memory = std::mem::take(&mut world.translator);
    let anew = world.translate();
    world.translator = memory;
    let texts = |t: &Translation| t.diagnostics.iter().map(Diagnostic::to_string).collect::<Vec<_>>();
    assert_eq!((picture(&remembered), texts(&remembered)), (picture(&anew), texts(&anew)), "{step}");
    let digests = |t: &Translation| {
        let (hosts, backends) = (t.model.hosts.values().map(|h| h.digest), t.model.backends.values().map(|b| b.digest));
        hosts.chain(backends).chain(t.model.certificates.values().map(|c| c.digest)).collect::<Vec<_>>()
    };
    assert_eq!((digests(&remembered), &remembered.wanted), (digests(&anew), &anew.wanted), "{step}");
    assert_eq!(remembered.served, anew.served, "{step}");
}

fn gone(kind: Kind, name: &str) -> Event {
    Event::Deleted(ObjectRef::new(kind, ObjectName::new("default", name).unwrap()))
}

#[test]
fn what_is_remembered_never_changes_the_result() {
    let mut world = World::new(&services());
    same(&mut world, "empty");
    world.apply(ingress("a", 2, &[("h.test", &[("/a", "Prefix", "s1"), ("/b", "Exact", "s2")]), ("i.test", &[("/", "Prefix", "ghost")])]));
    same(&mut world, "an Ingress comes");
    world.apply(ingress("b", 1, &[("h.test", &[("/a", "Prefix", "s3")])]));
    same(&mut world, "an older one takes a path");
    world.apply(slice("s3", "a", &[], true));
    same(&mut world, "endpoints go");
    world.apply(slice("s3", "a", &["10.0.0.7", "10.0.0.8"], true));
    same(&mut world, "others come");
    service("ghost", "10.0.0.5").into_iter().for_each(|object| world.apply(object));
    same(&mut world, "a Service appears");
    world.apply(with(ingress("b", 1, &[("h.test", &[("/a", "Prefix", "s3")])]), "/spec/tls", json!([{}])));
    same(&mut world, "TLS");
    world.snapshot.apply(gone(Kind::EndpointSlice, "s3-a"));
    same(&mut world, "a slice goes");
    world.snapshot.apply(gone(Kind::Ingress, "b"));
    same(&mut world, "the older one goes");
    world.snapshot.apply(gone(Kind::Service, "s1"));
    same(&mut world, "a Service goes");
}

#[test]
fn what_is_remembered_of_certificates_never_changes_the_result() {
    let mut world = World::new(&services());
    for (name, age) in [("a", 2), ("b", 3), ("c", 1)] {
        let host = format!("{name}.test");
        let rules = ingress(name, age, &[(&host, &[("/", "Prefix", "s1")])]);
        world.apply(with(rules, "/spec/tls", json!([{"hosts": [host], "secretName": "pair"}])));
        same(&mut world, "no Secret");
    }
    world.apply(secret("pair", &["*.test"]));
    same(&mut world, "a Secret comes");
    assert_eq!(world.codes(), [Code::NoClassInInput]);
    world.apply(secret("pair", &["*.test"]));
    same(&mut world, "it is renewed");
    world.now_s = i64::MAX;
    same(&mut world, "it ends");
    world.snapshot.apply(gone(Kind::Ingress, "c"));
    same(&mut world, "who was told goes");
    world.now_s = 0;
    same(&mut world, "back in time");
    world.apply(secret("pair", &["a.test"]));
    same(&mut world, "it is for one host only");
    world.snapshot.apply(gone(Kind::Secret, "pair"));
    same(&mut world, "it goes");
}

#[test]
fn what_is_remembered_of_agreements_never_changes_the_result() {
    let mut world = World::new(&services());
    let route = |name: &str, age, service: &str| ingress(name, age, &[(&format!("{name}.test"), &[("/", "Prefix", service)])]);
    for (name, age, service) in [("a", 1, "s1"), ("b", 2, "s1"), ("c", 3, "s2")] {
        world.apply(route(name, age, service));
    }
    same(&mut world, "plain");
    world.apply(annotated(route("b", 2, "s1"), &[("affinity", "cookie")]));
    same(&mut world, "one wants sessions");
    let canary = ingress("d", 4, &[("c.test", &[("/", "Prefix", "s3")])]);
    world.apply(annotated(canary.clone(), &[("canary", "true"), ("canary-weight", "10")]));
    same(&mut world, "a canary comes");
    world.apply(slice("s3", "a", &[], true));
    same(&mut world, "its endpoints go");
    world.apply(annotated(canary, &[("canary", "true"), ("canary-weight", "20")]));
    same(&mut world, "it wants more");
    world.snapshot.apply(gone(Kind::Ingress, "b"));
    same(&mut world, "no sessions");
    world.snapshot.apply(gone(Kind::Ingress, "d"));
    same(&mut world, "no canary");
    world.apply(annotated(route("c", 3, "s2"), &[("server-alias", "z.test,a.test")]));
    same(&mut world, "an alias");
    world.apply(route("z", 9, "s2"));
    same(&mut world, "it is a host now");
}

#[test]
fn a_snapshot_and_a_copy_that_goes_its_own_way_are_not_mixed_up() {
    let mut world = World::new(&services());
    world.apply(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]));
    same(&mut world, "one");
    let copy = world.snapshot.clone();
    world.apply(slice("s1", "a", &["10.0.1.1"], true));
    let mut other = std::mem::replace(&mut world.snapshot, copy);
    same(&mut world, "the copy");
    world.apply(slice("s1", "a", &["10.0.2.1"], true));
    same(&mut world, "the copy, changed");
    std::mem::swap(&mut other, &mut world.snapshot);
    same(&mut world, "the first again");
}

/// An Ingress `shop/front` for these hosts, with annotations.
fn guarded(hosts: &[&str], annotations: Value) -> Value {
    let rule = |host: &&str| {
        let backend = json!({"service": {"name": "cart", "port": {"number": 80}}});
        let path = |path: &str| json!({"path": path, "pathType": "Prefix", "backend": backend});
        json!({"host": host, "http": {"paths": [path("/"), path("/.well-known/acme-challenge")]}})
    };
    let rules: Vec<Value> = hosts.iter().map(rule).collect();
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "front", "namespace": "shop", "annotations": annotations}, "spec": {"rules": rules}})
}

fn cart() -> [Value; 2] {
    [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart", "namespace": "shop"},
            "spec": {"ports": [{"port": 80, "targetPort": 8080}]}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "cart-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "cart"}},
            "endpoints": [{"addresses": ["10.1.1.1"], "conditions": {"ready": true}}], "ports": [{"port": 8080, "protocol": "TCP"}]}),
    ]
}

/// For every route of a host its path, whether it is forwarded, and the host of the service that is asked.
fn asked(world: &mut World, host: &str) -> Vec<(String, bool, Option<String>)> {
    let translation = world.translate();
    let host = translation.model.hosts.values().find(|known| known.pattern.to_string() == host).unwrap();
    let route = |route: &gatewright_core::model::Route| {
        let service = route.policy.external_auth.as_ref().map(|auth| {
            assert!(route.action == Action::Respond(503) || translation.model.backends.contains_key(&auth.backend_id()));
            auth.url.host.to_string()
        });
        (route.rule_path.to_string(), matches!(route.action, Action::Forward(_)), service)
    };
    host.routes.iter().map(route).collect()
}

#[test]
fn a_service_that_decides_is_looked_up_and_closes_until_it_is_found() {
    let prefix = "nginx.ingress.kubernetes.io";
    let mut world = World::new(&cart());
    world.apply(guarded(&["a.test", "*.b.test"], json!({format!("{prefix}/auth-url"): "https://$host/verify"})));
    let acme = ("/.well-known/acme-challenge".to_owned(), true, None);
    let root = |open: bool| ("/".to_owned(), open, open.then(|| "a.test".to_owned()));
    assert_eq!(asked(&mut world, "a.test"), [acme.clone(), root(false)]);
    assert_eq!(asked(&mut world, "*.b.test"), [acme.clone(), root(false)]);
    assert!(world.translate().wanted.dns_names.contains("a.test"));
    let codes = world.codes();
    assert!(codes.contains(&Code::UnresolvedServer) && codes.contains(&Code::RefusedServer), "{codes:?}");
    for (addresses, open) in [(&["10.2.2.2"][..], true), (&["127.0.0.1"], false), (&[], false), (&["169.254.169.254", "10.2.2.2"], true)] {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        world.snapshot.apply(Event::Resolved("a.test".into(), addresses));
        assert_eq!(asked(&mut world, "a.test"), [acme.clone(), root(open)]);
    }
}

#[test]
fn a_service_for_all_is_asked_unless_an_ingress_has_its_own_or_none() {
    let prefix = "nginx.ingress.kubernetes.io";
    let config = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config", "namespace": "gw"}, "data": {"global-auth-url": value}});
    for (annotations, service) in [
        (json!({}), Some("10.9.9.9")),
        (json!({format!("{prefix}/enable-global-auth"): "false"}), None),
        (json!({format!("{prefix}/enable-global-auth"): "no"}), Some("10.9.9.9")),
        (json!({format!("{prefix}/auth-url"): "http://10.8.8.8/"}), Some("10.8.8.8")),
        (json!({format!("{prefix}/auth-url"): "http://10.8.8.8/", format!("{prefix}/enable-global-auth"): "false"}), Some("10.8.8.8")),
    ] {
        let mut world = World::new(&cart());
        world.settings.config_map = Some(gatewright_core::names::ObjectName::new("gw", "config").unwrap());
        world.apply(config("http://10.9.9.9/verify"));
        world.apply(guarded(&["a.test"], annotations.clone()));
        assert_eq!(asked(&mut world, "a.test")[1], ("/".to_owned(), true, service.map(str::to_owned)), "{annotations}");
        world.apply(config("nonsense"));
        assert!(!asked(&mut world, "a.test")[1].1, "a service for all that cannot be asked closes");
    }
}

#[test]
fn users_reach_the_model_and_paths_without_login_need_none() {
    let prefix = "nginx.ingress.kubernetes.io";
    let mut world = World::new(&cart());
    let annotations = json!({format!("{prefix}/auth-type"): "basic", format!("{prefix}/auth-secret"): "users"});
    world.apply(guarded(&["a.test"], annotations));
    let closed = |world: &mut World| asked(world, "a.test").iter().map(|(_, open, _)| !open).collect::<Vec<_>>();
    assert_eq!(closed(&mut world), [true, true]);
    assert!(world.translate().wanted.secrets.iter().any(|name| name.to_string() == "shop/users"));
    let users = |text: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": "shop"}, "stringData": {"auth": text}});
    world.apply(users("anna:{PLAIN}x"));
    assert_eq!(closed(&mut world), [false, false]);
    let before = world.translate().model;
    let host = |model: &gatewright_core::model::Model| model.hosts.values().last().unwrap().clone();
    let needs: Vec<_> = host(&before).routes.iter().map(|route| route.policy.basic_auth.is_some()).collect();
    assert_eq!(needs, [false, true]);
    world.apply(users("anna:{PLAIN}x\nben:{PLAIN}y"));
    let after = world.translate().model;
    assert_eq!(after.credentials.accounts.values().next().unwrap().list.len(), 2);
    assert_eq!(host(&after).digest, host(&before).digest, "new users change no host");
}

/// `host path → backend / canary` of every route with a canary.
fn canaries(world: &mut World) -> Vec<String> {
    let tail = |id: &gatewright_core::model::BackendId| id.service_port().to_owned();
    let translation = world.translate();
    let routes = translation.model.hosts.values().flat_map(|host| host.routes.iter().map(move |route| (&host.pattern, route)));
    let mut lines: Vec<_> = routes
        .filter_map(|(pattern, route)| {
            let Action::Forward(id) = &route.action else { return None };
            let canary = route.canary.as_ref()?;
            assert!(translation.model.backends.contains_key(&canary.backend));
            Some(format!("{pattern} {} → {} / {} {}", route.rule_path, tail(id), tail(&canary.backend), canary.rules.weight))
        })
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_canary_takes_requests_of_the_service_port_that_serves_its_path() {
    let canary = |name: &str, age, service, weight| {
        let rules: &[(&str, &[(&str, &str, &str)])] = &[("h.test", &[("/a", "ImplementationSpecific", service)])];
        annotated(ingress(name, age, rules), &[("canary", "true"), ("canary-weight", weight)])
    };
    let main = ingress("main", 5, &[("h.test", &[("/a", "Prefix", "s1"), ("/b", "Prefix", "s1"), ("/c", "Prefix", "s2")])]);
    let mut all = [services(), vec![main, canary("older", 1, "s3", "10"), canary("younger", 9, "s4", "20")]].concat();
    for _ in 0..2 {
        let mut world = World::new(&all);
        assert_eq!(
            world.picture(),
            [
                "h.test =/a → default-s1-80",
                "h.test /a/* → default-s1-80",
                "h.test =/b → default-s1-80",
                "h.test /b/* → default-s1-80",
                "h.test =/c → default-s2-80",
                "h.test /c/* → default-s2-80"
            ]
        );
        assert_eq!(canaries(&mut world), ["h.test /a → default-s1-80 / default-s3-80 10", "h.test /b → default-s1-80 / default-s3-80 10"]);
        assert_eq!(world.codes(), [Code::NoClassInInput]);
        all.reverse();
    }
}

#[test]
fn a_canary_of_another_namespace_is_refused_by_its_annotation() {
    let mut canary = annotated(ingress("canary", 2, &[("h.test", &[("/a", "Prefix", "s2")])]), &[("canary", "true")]);
    canary["metadata"]["namespace"] = "other".into();
    let mut world = World::new(&[services(), vec![ingress("main", 1, &[("h.test", &[("/a", "Prefix", "s1")])]), canary]].concat());
    assert!(canaries(&mut world).is_empty());
    let translation = world.translate();
    let refused = translation.diagnostics.iter().find(|finding| finding.code == Code::UnusedCanary).unwrap();
    assert_eq!(refused.field, "metadata.annotations[nginx.ingress.kubernetes.io/canary]");
    assert!(refused.message.contains("default/main"), "{refused}");
}

#[test]
fn a_canary_of_nothing_serves_nothing_and_is_told() {
    let canary = |paths| annotated(ingress("canary", 1, &[("h.test", paths)]), &[("canary", "true"), ("canary-weight", "50")]);
    let mut world = World::new(&[services(), vec![canary(&[("/a", "Exact", "s2")])]].concat());
    assert!(world.picture().is_empty() && world.codes().contains(&Code::UnusedCanary));
    world.apply(ingress("main", 2, &[("h.test", &[("/a", "Prefix", "s1")])]));
    assert!(canaries(&mut world).is_empty() && world.codes().contains(&Code::UnusedCanary), "another kind of path");
    world.apply(canary(&[("/a", "Prefix", "s1")]));
    assert!(canaries(&mut world).is_empty() && world.codes() == [Code::NoClassInInput], "the same Service port");
    world.apply(canary(&[("/a", "Prefix", "gone")]));
    assert!(canaries(&mut world).is_empty() && world.codes().contains(&Code::NoService), "no endpoints: all stay with the main one");
    world.apply(canary(&[("/a", "Prefix", "s2")]));
    assert_eq!(canaries(&mut world), ["h.test /a → default-s1-80 / default-s2-80 50"]);
}

#[test]
fn what_concerns_a_service_port_is_agreed_by_all_who_use_it() {
    let rules = |path: &'static str| ingress("x", 1, &[("h.test", &[(path, "Prefix", "s1")])]);
    let named = |object: Value, name: &str, age: u32| {
        let object = with(object, "/metadata/name", json!(name));
        with(object, "/metadata/creationTimestamp", json!(format!("2026-01-01T00:00:{age:02}Z")))
    };
    let plain = named(rules("/plain"), "plain", 1);
    let first = named(annotated(rules("/one"), &[("affinity", "cookie"), ("session-cookie-name", "one")]), "first", 2);
    let second =
        named(annotated(rules("/two"), &[("affinity", "cookie"), ("session-cookie-name", "two"), ("load-balance", "ewma")]), "second", 3);
    let translation = World::new(&[services(), vec![plain, first, second]].concat()).translate();
    assert_eq!(translation.model.backends.len(), 1, "one for all three");
    let backend = translation.model.backends.values().next().unwrap();
    assert_eq!(backend.policy.affinity.as_ref().unwrap().cookie, "two", "the youngest names the cookie");
    assert_eq!(backend.balance, gatewright_core::model::Balance::RoundRobin, "the oldest says how requests are spread");
    let host = translation.model.hosts.values().next_back().unwrap();
    let setting: Vec<_> =
        host.routes.iter().filter(|route| route.policy.session_cookie.is_some()).map(|route| route.rule_path.as_str()).collect();
    assert_eq!(setting, ["/one", "/two"]);
}

#[test]
fn the_address_of_the_service_may_stand_for_its_endpoints() {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s1"},
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 80, "targetPort": 8080}]}});
    let route = annotated(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]), &[("service-upstream", "true")]);
    let translation = World::new(&[services(), vec![service, route.clone()]].concat()).translate();
    assert_eq!(translation.model.backends.values().next().unwrap().endpoints, ["10.96.0.1:80".parse().unwrap()]);
    let headless = World::new(&[services(), vec![route]].concat()).translate();
    assert_eq!(headless.model.backends.values().next().unwrap().endpoints, ["10.0.0.1:8080".parse().unwrap()]);
}
