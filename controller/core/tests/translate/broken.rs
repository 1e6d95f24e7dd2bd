//! What cannot be read, and what the proxy refused.

use crate::world::{World, annotated, ingress, picture, services, with};
use gatewright_core::diagnostic::{Code, Outcome};
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::settings::POLICY_KEY;
use gatewright_core::state::{Event, decode_written};
use gatewright_core::translate::Setting;
use serde_json::{Value, json};
use std::sync::Arc;

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
    world.snapshot.apply(Event::Applied(object));
    assert_eq!(world.picture(), ["h0.test /* → default-s1-80", "h3.test /* → default-s1-80"]);
    let fields: Vec<_> = faults.iter().map(|fault| &*fault.field).collect();
    let path = "spec.rules[1].http.paths";
    assert_eq!(fields, [&format!("{path}[0].backend.service.port.number"), &format!("{path}[1]"), "spec.rules[2]"]);
}

#[test]
fn a_port_of_a_slice_that_cannot_be_read_is_not_every_port() {
    for ports in [json!([{"port": 70000}]), json!([{"port": "x"}]), json!([5])] {
        let mut world = World::new(&services());
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "ports": ports,
            "metadata": {"name": "odd", "labels": {"kubernetes.io/service-name": "odd"}}, "endpoints": [{"addresses": ["10.0.0.9"]}]});
        let (slice, faults) = decode_written(slice).unwrap().unwrap();
        assert_eq!(faults.len(), 1);
        world.snapshot.apply(Event::Applied(slice));
        world.apply(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "odd"}, "spec": {"ports": [{"port": 80}]}}));
        world.apply(ingress("a", 1, &[("h.test", &[("/", "Prefix", "odd")])]));
        assert_eq!(world.picture(), ["h.test /* → 503"], "{ports}");
    }
}

#[test]
fn an_annotation_that_is_null_is_empty_as_for_the_api_server() {
    let mut object = ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]);
    object["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/allowlist-source-range": null});
    let (object, faults) = decode_written(object).unwrap().unwrap();
    assert!(faults.is_empty());
    let mut world = World::new(&services());
    world.snapshot.apply(Event::Applied(object));
    assert_eq!(world.codes(), [Code::BadAnnotation, Code::NoClassInInput]);
    assert_eq!(world.picture(), ["h.test /* → 503"]);
}

#[test]
fn a_quarantined_ingress_is_served_in_its_last_accepted_version() {
    let mut world = World::new(&services());
    world.apply(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]));
    let served = world.translate().served;
    world.quarantine.accept(&served);
    world.apply(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s2")])]));
    let bad = Arc::clone(&world.translate().served[0]);
    world.quarantine.set_aside(&bad, "nginx refused it".to_owned());
    assert_eq!(world.picture(), ["h.test /* → default-s1-80"]);
    assert!(world.codes().contains(&Code::RefusedByProxy));
    world.apply(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s3")])]));
    assert_eq!(world.picture(), ["h.test /* → default-s3-80"], "another version gets a chance");
}

/// An Ingress `a` for this Service, with annotations.
fn version(service: &str, annotations: &[(&str, &str)]) -> Value {
    annotated(ingress("a", 1, &[("h.test", &[("/", "Prefix", service)])]), annotations)
}

/// What is made of a version, and what is said and done about it.
fn seen(world: &mut World, version: Value) -> (Vec<String>, Vec<(Code, Outcome)>) {
    world.apply(version);
    let translation = world.translate();
    world.quarantine.accept(&translation.served);
    let said = translation
        .diagnostics
        .iter()
        .filter(|finding| finding.code != Code::NoClassInInput)
        .map(|finding| (finding.code, finding.outcome));
    (picture(&translation), said.collect())
}

#[test]
fn an_update_that_annotations_do_not_let_be_served_leaves_the_version_before() {
    let mut world = World::new(&services());
    let [one, two] = ["s1", "s2"].map(|service| vec![format!("h.test /* → default-{service}-80")]);
    let bad = ("permanent-redirect-code", "moved");
    assert_eq!(seen(&mut world, version("s2", &[bad])), (vec![], vec![(Code::BadAnnotation, Outcome::SkippedObject)]), "it is new");
    assert_eq!(seen(&mut world, version("s1", &[])), (one.clone(), vec![]));
    let kept = (one.clone(), vec![(Code::BadAnnotation, Outcome::Quarantined)]);
    assert_eq!(seen(&mut world, version("s2", &[bad, ("proxy-body-size", "x")])), kept, "one finding says so");
    assert_eq!(seen(&mut world, version("s2", &[bad])), kept, "and another version is no better");
    assert_eq!(world.picture(), one, "nor is the same one later");
    let risky = version("s2", &[("configuration-snippet", "add_header A b;")]);
    assert_eq!(seen(&mut world, risky), (one, vec![(Code::RefusedAnnotation, Outcome::Quarantined)]));
    assert_eq!(seen(&mut world, version("s2", &[])), (two.clone(), vec![]));
    // What is remembered of readings follows what was accepted.
    world.quarantine.accept(&[]);
    assert_eq!(seen(&mut world, version("s1", &[bad])).0, Vec::<String>::new(), "after a restart nothing is known of the version before");
}

#[test]
fn an_update_with_text_that_no_honest_one_holds_leaves_the_version_before() {
    let mut world = World::new(&services());
    let bad = ingress("a", 1, &[("h.test", &[("/x; root /etc;", "ImplementationSpecific", "s2"), ("/", "Prefix", "s2")])]);
    assert_eq!(seen(&mut world, bad.clone()), (vec![], vec![(Code::RefusedText, Outcome::SkippedObject)]), "it is new");
    let one = vec!["h.test /* → default-s1-80".to_owned()];
    assert_eq!(seen(&mut world, version("s1", &[])), (one.clone(), vec![]));
    assert_eq!(seen(&mut world, bad.clone()), (one, vec![(Code::RefusedText, Outcome::Quarantined)]));
    let closing = annotated(bad, &[("whitelist-source-range", "10.0.0.0/8")]);
    assert_eq!(seen(&mut world, closing).0, Vec::<String>::new(), "but for one that is protected otherwise");
}

#[test]
fn the_version_before_never_stands_in_for_one_that_is_protected_otherwise() {
    let (bad, guard) = (("permanent-redirect-code", "moved"), ("whitelist-source-range", "10.0.0.0/8"));
    for (before, after, stays) in [
        (vec![], vec![bad, guard], false),
        (vec![], vec![bad, ("auth-type", "basic")], false),
        (vec![], vec![("configuration-snippet", "deny all;")], false),
        (vec![guard], vec![bad, ("whitelist-source-range", "10.0.0.0/7")], false),
        (vec![guard], vec![bad, guard], true),
        (vec![guard], vec![bad], false),
        (vec![("auth-realm", "x")], vec![bad], false),
        (vec![("app-root", "/a")], vec![bad], true),
    ] {
        let mut world = World::new(&services());
        let open = seen(&mut world, version("s1", &before)).0;
        assert_eq!(open.len(), 1);
        let expected = if stays { open } else { vec![] };
        assert_eq!(seen(&mut world, version("s1", &after)).0, expected, "{before:?} → {after:?}");
    }
    // One that only closes is served, and closed.
    let mut world = World::new(&services());
    seen(&mut world, version("s1", &[]));
    assert_eq!(seen(&mut world, version("s1", &[("whitelist-source-range", "x")])).0, ["h.test /* → 503"]);
}

#[test]
fn a_snippet_of_a_host_closes_it_where_no_version_before_stands_in() {
    let mut world = World::new(&services());
    world.settings.config_map = Some(ObjectName::new("default", "settings").unwrap());
    let data = json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"});
    world.apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}));
    let (guard, bad) = (("server-snippet", "deny all;"), ("configuration-snippet", "root /x;"));
    let closed = (vec!["h.test /* → 503".to_owned()], vec![(Code::BadAnnotation, Outcome::ClosedRoute)]);
    assert_eq!(seen(&mut world, version("s1", &[guard, bad])), closed);
    assert_eq!(seen(&mut world, version("s2", &[guard, bad])), closed, "a closed one stands in for none");
    let before = seen(&mut world, version("s1", &[guard])).0;
    assert!(before.len() == 1 && before != closed.0);
    assert_eq!(seen(&mut world, version("s2", &[guard, bad])), (before, vec![(Code::BadAnnotation, Outcome::Quarantined)]));
}

#[test]
fn an_ingress_that_was_made_anew_has_no_version_before() {
    let made = |service: &str, uid: &str, annotations: &[(&str, &str)]| with(version(service, annotations), "/metadata/uid", json!(uid));
    let mut world = World::new(&services());
    assert_eq!(seen(&mut world, made("s1", "1", &[])).0.len(), 1);
    assert_eq!(seen(&mut world, made("s1", "2", &[("permanent-redirect-code", "x")])).0, Vec::<String>::new());
}

/// The main ConfigMap, and the parameters of a class.
fn settings_objects(value: &str) -> [(ObjectRef, &'static str, serde_json::Value); 2] {
    let name = |name: &str| ObjectName::new("default", name).unwrap();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"http-redirect-code": value}});
    let parameters = json!({
        "apiVersion": "gatewright.dev/v1alpha1", "kind": "GatewrightParameters", "metadata": {"name": "edge"},
        "spec": {"settings": {"http-redirect-code": value}}
    });
    [
        (ObjectRef::new(Kind::ConfigMap, name("settings")), "data[http-redirect-code]", map),
        (ObjectRef::new(Kind::GatewrightParameters, name("edge")), "spec.settings[http-redirect-code]", parameters),
    ]
}

#[test]
fn a_refused_setting_has_its_last_accepted_value_or_its_default() {
    let class = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "edge"},
        "spec": {
            "controller": "gatewright.dev/ingress",
            "parameters": {"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": "edge"}
        }
    });
    for (number, (object, field, given)) in settings_objects("301").into_iter().enumerate() {
        let mut world = World::new(&[class.clone(), given]);
        world.settings.config_map = Some(ObjectName::new("default", "settings").unwrap());
        let seen = |world: &mut World| {
            let translation = world.translate();
            let refused = translation.diagnostics.iter().filter(|finding| finding.code == Code::RefusedByProxy);
            let refused = refused.map(|finding| (finding.object.clone(), finding.field.clone(), finding.outcome)).collect::<Vec<_>>();
            (translation.model.globals.https_redirect_status.0, refused)
        };
        let found = |outcome| vec![(Some(object.clone()), field.to_owned(), outcome)];
        let setting = Setting { object: object.clone(), key: "http-redirect-code".to_owned(), value: "301".to_owned() };
        assert_eq!(seen(&mut world), (301, Vec::new()));
        assert_eq!(world.translate().settings[&object]["http-redirect-code"], "301");
        world.quarantine.set_setting_aside(setting.clone(), "no".to_owned(), None, &world.snapshot);
        assert_eq!(seen(&mut world), (308, found(Outcome::KeptDefault)));
        assert!(!world.translate().settings[&object].contains_key("http-redirect-code"));
        world.quarantine.set_setting_aside(setting, "no".to_owned(), Some("307".to_owned()), &world.snapshot);
        assert_eq!(seen(&mut world), (307, found(Outcome::Quarantined)));
        world.apply(settings_objects("302")[number].2.clone());
        assert_eq!(seen(&mut world), (302, Vec::new()), "another value gets a chance");
    }
}

#[test]
fn settings_that_protect_are_known_wherever_they_are_said() {
    let object = settings_objects("301")[1].0.clone();
    let setting = |key: &str| Setting { object: object.clone(), key: key.to_owned(), value: "x".to_owned() };
    for key in ["whitelist-source-range", "global-auth-url", "auth-url", "auth-tls-secret", POLICY_KEY] {
        assert!(setting(key).protects(), "{key}");
    }
    for key in ["ssl-ciphers", "proxy-read-timeout", "permanent-redirect"] {
        assert!(!setting(key).protects(), "{key}");
    }
}
