//! What cannot be read, and what the proxy refused.

use crate::world::{World, ingress, services, with};
use gatewright_core::diagnostic::{Code, Outcome};
use gatewright_core::names::ObjectName;
use gatewright_core::state::{Event, decode_written};
use serde_json::json;
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
    world.snapshot.apply(Event::Applied(Box::new(object)));
    assert_eq!(world.picture(), ["h0.test /* → default-s1-80", "h3.test /* → default-s1-80"]);
    let fields: Vec<_> = faults.iter().map(|fault| &*fault.field).collect();
    let path = "spec.rules[1].http.paths";
    assert_eq!(fields, [&format!("{path}[0].backend.service.port.number"), &format!("{path}[1]"), "spec.rules[2]"]);
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

#[test]
fn a_refused_setting_has_its_last_accepted_value_or_its_default() {
    let map = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"http-redirect-code": value}});
    let mut world = World::new(&[map("301")]);
    let name = ObjectName::new("default", "settings").unwrap();
    world.settings.config_map = Some(name);
    let seen = |world: &mut World| {
        let translation = world.translate();
        let refused = translation.diagnostics.iter().filter(|finding| finding.code == Code::RefusedByProxy);
        let refused = refused.map(|finding| (finding.field.clone(), finding.outcome)).collect::<Vec<_>>();
        (translation.model.globals.https_redirect_status.0, refused)
    };
    assert_eq!(seen(&mut world), (301, Vec::new()));
    world.quarantine.set_setting_aside("http-redirect-code", "301", "no".to_owned(), None);
    let field = "data[http-redirect-code]".to_owned();
    assert_eq!(seen(&mut world), (308, vec![(field.clone(), Outcome::KeptDefault)]));
    world.quarantine.set_setting_aside("http-redirect-code", "301", "no".to_owned(), Some("307".to_owned()));
    assert_eq!(seen(&mut world), (307, vec![(field, Outcome::Quarantined)]));
    world.apply(map("302"));
    assert_eq!(seen(&mut world), (302, Vec::new()), "another value gets a chance");
}
