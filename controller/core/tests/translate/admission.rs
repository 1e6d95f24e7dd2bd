//! What the API server is told of Ingresses before it stores them: cases ADM of the Ingress semantics.

use crate::world::{World, self_signed};
use gatewright_core::names::ObjectName;
use gatewright_core::state::{Object, decode};
use gatewright_core::translate::Input;
use gatewright_core::translate::admission::{Verdict, review};
use gatewright_core::translate::annotations::names;
use serde_json::{Value, json};

const PREFIX: &str = "nginx.ingress.kubernetes.io";
const CLASS: &str = "gatewright";

fn class() -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": CLASS},
        "spec": {"controller": "gatewright.dev/ingress"}})
}

fn config(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "main", "namespace": "gw"}, "data": data})
}

fn ingress(name: &str, host: &str, paths: &[(&str, &str)], annotations: &[(&str, &str)]) -> Value {
    let path = |(path, kind): &(&str, &str)| json!({"path": path, "pathType": kind, "backend": {"service": {"name": "web", "port": {"number": 80}}}});
    let annotations: serde_json::Map<_, _> =
        annotations.iter().map(|(key, value)| (format!("{PREFIX}/{key}"), Value::from(*value))).collect();
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": name, "namespace": "shop", "annotations": annotations,
            "creationTimestamp": "2026-01-01T00:00:00Z", "uid": "01234567-89ab-cdef-0123-456789abcdef"},
        "spec": {"ingressClassName": CLASS,
            "rules": [{"host": host, "http": {"paths": paths.iter().map(path).collect::<Vec<_>>()}}]}})
}

/// A cluster with our class and these objects.
fn world(objects: &[Value]) -> World {
    let mut world = World::new(objects);
    world.apply(class());
    world.settings.take_all_without_class = false;
    world.settings.config_map = Some(ObjectName::new("gw", "main").unwrap());
    world
}

fn judged(world: &World, candidate: Value) -> Verdict {
    let Ok(Some(Object::Ingress(candidate))) = decode(candidate) else { panic!("no Ingress") };
    review(
        &candidate,
        Input {
            snapshot: &world.snapshot,
            settings: &world.settings,
            quarantine: &world.quarantine,
            self_signed: &self_signed(),
            now_s: world.now_s,
        },
    )
}

fn refused(world: &World, candidate: Value) -> String {
    let verdict = judged(world, candidate);
    assert!(!verdict.refusals.is_empty(), "taken, with {:?}", verdict.warnings);
    verdict.refusals.join("\n")
}

fn taken(world: &World, candidate: Value) -> Vec<String> {
    let verdict = judged(world, candidate);
    assert_eq!(verdict.refusals, Vec::<String>::new());
    verdict.warnings
}

#[test]
fn adm_1_a_path_of_another_ingress_is_refused() {
    let world = world(&[ingress("old", "a.test", &[("/", "Prefix")], &[])]);
    let text = refused(&world, ingress("new", "a.test", &[("/", "Prefix")], &[]));
    assert!(text.starts_with("spec.rules[0].http.paths[0].path: host a.test path / is already served by Ingress shop/old"), "{text}");
    taken(&world, ingress("new", "b.test", &[("/", "Prefix")], &[]));
    taken(&world, ingress("new", "a.test", &[("/", "Exact")], &[]));
}

#[test]
fn an_empty_value_is_no_reason_to_refuse() {
    let world = world(&[]);
    for name in names().filter(|name| !["allowlist-source-range", "denylist-source-range"].contains(name)) {
        let warnings = taken(&world, ingress("new", "a.test", &[("/", "Prefix")], &[(name, "")]));
        assert!(warnings.iter().any(|said| said.contains("the value is empty, which is as good as none")), "{name}: {warnings:?}");
    }
}

#[test]
fn adm_2_one_of_several_paths_is_enough() {
    let world = world(&[ingress("old", "a.test", &[("/one", "Prefix")], &[])]);
    let text = refused(&world, ingress("new", "a.test", &[("/two", "Prefix"), ("/one", "Prefix")], &[]));
    assert!(text.contains("paths[1]") && !text.contains("paths[0]"), "{text}");
}

#[test]
fn adm_3_a_canary_shares_the_path_of_its_main_ingress() {
    let world = world(&[ingress("old", "a.test", &[("/", "Prefix")], &[])]);
    taken(&world, ingress("new", "a.test", &[("/", "Prefix")], &[("canary", "true"), ("canary-weight", "10")]));
    refused(&world, ingress("new", "a.test", &[("/", "Prefix")], &[("canary", "false")]));
}

#[test]
fn adm_4_text_of_no_honest_ingress_is_refused_of_every_class() {
    let world = world(&[]);
    let mut candidate = ingress("new", "a.test", &[("/etc/nginx", "Prefix")], &[]);
    assert!(refused(&world, candidate.clone()).contains("/etc/nginx"));
    candidate["spec"]["ingressClassName"] = json!("other");
    assert!(refused(&world, candidate).contains("/etc/nginx"));
}

#[test]
fn adm_5_a_listed_word_in_an_annotation_is_refused() {
    let world = world(&[config(&json!({"annotation-value-word-blocklist": "evil,wicked"}))]);
    let text = refused(&world, ingress("new", "a.test", &[("/", "Prefix")], &[("upstream-vhost", "wicked.test")]));
    assert!(text.contains("wicked"), "{text}");
}

#[test]
fn adm_6_an_expression_is_taken_where_it_may_be_one() {
    const ODD: &str = "/foo/bar/[a-z]{3}";
    let strict = world(&[]);
    for kind in ["Exact", "Prefix"] {
        let text = refused(&strict, ingress("new", "a.test", &[(ODD, kind)], &[]));
        assert!(text.contains("is no plain path"), "{text}");
    }
    taken(&strict, ingress("new", "a.test", &[(ODD, "ImplementationSpecific")], &[("use-regex", "true")]));
    // Of itself it asks for none: it is one where another Ingress of its host does.
    let plain = ingress("new", "a.test", &[(ODD, "ImplementationSpecific")], &[]);
    let text = refused(&strict, plain.clone());
    assert!(text.contains("use-regex"), "{text}");
    taken(&world(&[ingress("old", "a.test", &[("/b", "Prefix")], &[("use-regex", "true")])]), plain);
    let lax = world(&[config(&json!({"strict-validate-path-type": "false"}))]);
    let warnings = taken(&lax, ingress("new", "a.test", &[("/a~b", "Prefix")], &[]));
    assert!(warnings.iter().any(|warning| warning.contains("is no plain path")), "{warnings:?}");
}

#[test]
fn adm_7_what_is_of_another_class_or_out_of_scope_is_no_concern() {
    let mut world = world(&[]);
    let mut candidate = ingress("new", "a.test", &[("/", "Prefix")], &[("server-snippet", "nonsense {")]);
    refused(&world, candidate.clone());
    world.settings.watch_namespace = Some("elsewhere".into());
    taken(&world, candidate.clone());
    world.settings.watch_namespace = None;
    candidate["spec"]["ingressClassName"] = json!("other");
    taken(&world, candidate);
}

#[test]
fn adm_9_the_path_of_certificate_challenges_is_taken() {
    let world = world(&[]);
    taken(&world, ingress("new", "a.test", &[("/.well-known/acme-challenge/", "Prefix")], &[]));
}

#[test]
fn adm_10_an_annotation_of_too_high_a_risk_is_refused_when_an_update_adds_it() {
    let plain = |annotations| ingress("own", "a.test", &[("/", "Prefix")], annotations);
    let risky = &[("auth-url", "http://auth.test/")][..];
    let world_of = |stored| world(&[config(&json!({"annotations-risk-level": "Medium"})), stored]);
    assert!(refused(&world_of(plain(&[])), plain(risky)).contains("risk"));
    let warnings = taken(&world_of(plain(risky)), plain(risky));
    assert!(warnings.iter().any(|warning| warning.contains("risk")), "what was there before is no reason: {warnings:?}");
}

#[test]
fn adm_11_a_uid_that_is_none_is_refused() {
    let world = world(&[]);
    for uid in ["", "x", "01234567-89AB-cdef-0123-456789abcdef", "0123456789ab-cdef-0123-4567-89abcdef"] {
        let mut candidate = ingress("new", "a.test", &[("/", "Prefix")], &[]);
        candidate["metadata"]["uid"] = json!(uid);
        assert!(refused(&world, candidate).contains("UUID"), "{uid}");
    }
}

#[test]
fn adm_12_an_own_update_without_conflicts_is_taken() {
    let own = |annotations| ingress("own", "a.test", &[("/", "Prefix"), ("/", "Prefix")], annotations);
    let later = ingress("later", "a.test", &[("/", "Prefix")], &[]);
    taken(&world(&[]), own(&[]));
    taken(&world(&[own(&[]), later]), own(&[("ssl-redirect", "false")]));
}

#[test]
fn values_that_ingress_nginx_refuses_are_refused_and_others_told() {
    let world = world(&[]);
    let with = |key, value| ingress("new", "a.test", &[("/", "Prefix")], &[(key, value)]);
    let text = refused(&world, with("permanent-redirect-code", "many"));
    assert!(text.contains("permanent-redirect-code") && text.contains("many"), "{text}");
    refused(&world, with("allowlist-source-range", "10.0.0.0/99"));
    let warnings = taken(&world, with("ssl-redirect", "maybe"));
    assert!(warnings.iter().any(|warning| warning.contains("ssl-redirect")), "{warnings:?}");
}

#[test]
fn what_may_still_come_is_no_reason_to_refuse() {
    let world = world(&[]);
    let mut candidate = ingress("new", "a.test", &[("/", "Prefix")], &[("auth-type", "basic"), ("auth-secret", "users")]);
    candidate["spec"]["tls"] = json!([{"hosts": ["a.test"], "secretName": "none"}]);
    let warnings = taken(&world, candidate).join("\n");
    for what in ["Secret shop/users does not exist", "Secret shop/none does not exist", "Service shop/web does not exist"] {
        assert!(warnings.contains(what), "{warnings}");
    }
}

#[test]
fn default_backends_and_snippets_and_other_prefixes_are_refused_where_they_are_switched_off() {
    let mut world = world(&[config(&json!({"annotations-risk-level": "Critical"}))]);
    let snippet = ingress("new", "a.test", &[("/", "Prefix")], &[("configuration-snippet", "deny all;")]);
    assert!(refused(&world, snippet).contains("snippets are not allowed"));
    let mut catch_all = ingress("new", "a.test", &[("/", "Prefix")], &[]);
    catch_all["spec"] = json!({"ingressClassName": CLASS, "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}});
    taken(&world, catch_all.clone());
    world.settings.disable_catch_all = true;
    assert!(refused(&world, catch_all).contains("--disable-catch-all"));
    world.settings.annotations_prefix = "own.test".to_owned();
    let text = refused(&world, ingress("new", "a.test", &[("/", "Prefix")], &[("ssl-redirect", "false")]));
    assert!(text.contains("write own.test/ssl-redirect"), "{text}");
}
