//! What holds of settings that cannot be read while the controller runs: what the proxy has taken before.

use crate::world::{World, annotated, ingress, picture, services};
use gatewright_core::diagnostic::Outcome;
use gatewright_core::names::ObjectName;
use serde_json::{Value, json};

fn config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "gw"}, "data": data})
}

/// A cluster with the host `h.test` and these settings.
fn world(data: &Value) -> World {
    let mut world = World::new(&[services(), vec![ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])])]].concat());
    world.settings.config_map = Some(ObjectName::new("gw", "config").unwrap());
    world.apply(config_map("config", data));
    world
}

/// The proxy takes what is there, and what of an object then holds is told.
fn take(world: &mut World) {
    let settings = world.translate().settings;
    world.quarantine.accept_settings(&settings);
}

/// What is said of the ConfigMaps, and what becomes of it.
fn told(world: &mut World) -> Vec<(String, Outcome)> {
    let found = world.translate().diagnostics.into_iter();
    found.filter(|one| one.field.starts_with("data[")).map(|one| (one.message, one.outcome)).collect()
}

const OPEN: [&str; 1] = ["h.test /* → default-s1-80"];
const CLOSED: [&str; 1] = ["h.test /* → 503"];

#[test]
fn a_bad_value_closes_only_where_none_was_taken_before() {
    for (key, good) in [("block-cidrs", "10.0.0.0/8"), ("whitelist-source-range", "10.0.0.0/8"), ("gatewright-policy", "{}")] {
        let mut first = world(&json!({key: "nonsense"}));
        assert!(first.picture().iter().all(|line| CLOSED.contains(&&**line)), "{key}");
        take(&mut first);
        assert!(first.picture().iter().all(|line| CLOSED.contains(&&**line)), "{key}: also when that is taken");
        first.apply(config_map("config", &json!({key: "worse"})));
        assert!(first.picture().iter().all(|line| CLOSED.contains(&&**line)), "{key}: whatever else is no better");
        first.apply(config_map("config", &json!({key: good})));
        assert_eq!(first.picture(), OPEN, "{key}");
        let before = first.translate().model.globals;
        take(&mut first);
        for bad in ["nonsense", "worse"] {
            first.apply(config_map("config", &json!({key: bad})));
            assert_eq!((first.picture(), first.translate().model.globals), (OPEN.map(str::to_owned).to_vec(), before.clone()), "{key}");
            let told = told(&mut first);
            assert!(told[0].0.ends_with(" before still counts") && told[0].1 == Outcome::Quarantined, "{told:?}");
            take(&mut first);
            assert_eq!(self::told(&mut first), told, "it is the same when it is taken");
        }
        first.apply(config_map("config", &json!({})));
        assert_ne!(first.translate().model.globals.blocking.addresses.len(), 1, "what is taken away is gone");
    }
}

#[test]
fn a_key_that_comes_with_a_bad_value_has_no_effect() {
    let mut world = world(&json!({}));
    take(&mut world);
    for key in ["block-cidrs", "global-auth-url", "denylist-source-range"] {
        world.apply(config_map("config", &json!({key: "nonsense"})));
        assert_eq!(world.picture(), OPEN, "{key}");
        let told = told(&mut world);
        assert!(told[0].0.ends_with("; as before, it has no effect") && told[0].1 == Outcome::KeptDefault, "{told:?}");
    }
}

#[test]
fn whoever_is_kept_out_stays_out_beside_a_bad_entry() {
    let mut world = world(&json!({"block-cidrs": "10.0.0.0/8, 192.0.2.1"}));
    take(&mut world);
    world.apply(config_map("config", &json!({"block-cidrs": "10.0.0.0//8, 198.51.100.0/24"})));
    let blocked: Vec<_> = world.translate().model.globals.blocking.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(blocked, ["10.0.0.0/8", "192.0.2.1/32", "198.51.100.0/24"]);
}

#[test]
fn a_snippet_that_may_keep_somebody_out_is_what_it_was() {
    let denies = "deny 192.0.2.0/24;";
    let mut world = world(&json!({"location-snippet": denies}));
    let of = |world: &mut World| world.translate().model.hosts.values().last().unwrap().routes[0].policy.sources.clone();
    let before = of(&mut world);
    assert!(before.is_some());
    take(&mut world);
    world.apply(config_map("config", &json!({"location-snippet": format!("{denies}\nno_such_thing on;")})));
    assert_eq!((of(&mut world), world.picture()), (before, OPEN.map(str::to_owned).to_vec()));
    let told = told(&mut world);
    assert!(told[0].0.contains("no_such_thing") && told[0].0.ends_with("; its value before still counts"), "{told:?}");
}

#[test]
fn a_header_that_cannot_be_sent_is_what_it_was() {
    let mut world = world(&json!({"proxy-set-headers": "gw/headers"}));
    world.apply(config_map("headers", &json!({"X-Test": "one"})));
    let sent = |world: &mut World| {
        let globals = world.translate().model.globals;
        globals.request_headers.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>()
    };
    let before = sent(&mut world);
    take(&mut world);
    world.apply(config_map("headers", &json!({"X-Test": "a\r\nX-Pwned: 1"})));
    assert_eq!(sent(&mut world), before);
    let told = told(&mut world);
    assert!(told[0].0.ends_with("; its value before still counts") && told[0].1 == Outcome::Quarantined, "{told:?}");
    world.apply(config_map("headers", &json!({"X-Other": "a\r\nX-Pwned: 1"})));
    assert!(sent(&mut world).is_empty());
}

#[test]
fn an_ingress_that_says_otherwise_stays_open() {
    for (key, annotation) in [
        ("whitelist-source-range", ("allowlist-source-range", "0.0.0.0/0")),
        ("denylist-source-range", ("denylist-source-range", "10.0.0.0/8")),
        ("global-auth-url", ("enable-global-auth", "false")),
        ("enable-modsecurity", ("enable-modsecurity", "false")),
    ] {
        let mut world = world(&json!({key: "true"}));
        assert_eq!(world.picture(), CLOSED, "{key}");
        world.apply(annotated(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]), &[annotation]));
        assert_eq!(picture(&world.translate()), OPEN, "{key}");
    }
}
