//! What holds of settings that cannot be read while the controller runs: what the proxy has taken before.

use crate::world::{World, annotated, ingress, picture, services, with};
use gatewright_core::diagnostic::Outcome;
use gatewright_core::model::{Globals, SourceRanges};
use gatewright_core::names::{Kind, ObjectName, ObjectRef, VariableText};
use gatewright_core::state::{Event, decode_written};
use serde_json::{Value, json};
use std::sync::Arc;

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

/// What holds for the proxy as a whole, and who may come to the host.
fn holds(world: &mut World) -> (Arc<Globals>, Option<SourceRanges>) {
    let model = world.translate().model;
    let host = model.hosts.iter().find(|(pattern, _)| pattern.to_string() == "h.test").expect("the host").1;
    (model.globals, host.routes[0].policy.sources.clone())
}

const OPEN: [&str; 1] = ["h.test /* → default-s1-80"];
const CLOSED: [&str; 1] = ["h.test /* → 503"];

#[test]
fn a_bad_value_closes_only_where_none_was_taken_before() {
    let plain = holds(&mut world(&json!({})));
    for (key, good) in [("block-cidrs", "10.0.0.0/8"), ("whitelist-source-range", "10.0.0.0/8"), ("gatewright-policy", "{}")] {
        let mut first = world(&json!({key: "nonsense"}));
        assert_eq!(first.picture(), CLOSED, "{key}");
        take(&mut first);
        assert_eq!(first.picture(), CLOSED, "{key}: also when that is taken");
        first.apply(config_map("config", &json!({key: "worse"})));
        assert_eq!(first.picture(), CLOSED, "{key}: whatever else is no better");
        first.apply(config_map("config", &json!({key: good})));
        assert_eq!(first.picture(), OPEN, "{key}");
        let before = holds(&mut first);
        assert_eq!(before == plain, key == "gatewright-policy", "{key}: it does something");
        take(&mut first);
        for bad in ["nonsense", "worse"] {
            first.apply(config_map("config", &json!({key: bad})));
            assert_eq!((first.picture(), holds(&mut first)), (OPEN.map(str::to_owned).to_vec(), before.clone()), "{key}");
            let told = told(&mut first);
            assert!(told[0].0.ends_with(" before still counts") && told[0].1 == Outcome::Quarantined, "{told:?}");
            take(&mut first);
            assert_eq!(self::told(&mut first), told, "it is the same when it is taken");
        }
        first.apply(config_map("config", &json!({})));
        assert_eq!((first.picture(), holds(&mut first)), (OPEN.map(str::to_owned).to_vec(), plain.clone()), "{key}: it is gone");
    }
}

/// Each of them is bad as a whole, in part, or named without what it needs.
const BAD: [(&str, &str); 8] = [
    ("block-cidrs", "nonsense"),
    ("block-cidrs", "10.0.0.0/33,192.0.2.1"),
    ("denylist-source-range", "10.0.0.0//8"),
    ("denylist-source-range", "10.0.0.0/8,10.0.0.0//8"),
    ("whitelist-source-range", "nonsense"),
    ("global-auth-url", "htps://auth"),
    ("gatewright-policy", "{"),
    ("location-snippet", "deny 192.0.2.0/24; no_such_thing on;"),
];

/// Else a restart without the state folder would close what was open the moment before.
#[test]
fn a_protection_that_cannot_be_read_closes_whether_it_comes_to_a_running_controller_or_is_there_at_its_start() {
    for (key, bad) in BAD {
        let now = json!({key: bad, "proxy-body-size": "8m"});
        let at_start = told(&mut world(&now));
        assert_eq!((world(&now).picture(), at_start[0].1), (CLOSED.map(str::to_owned).to_vec(), Outcome::ClosedRoute), "{key}: {bad}");
        let befores = [json!({}), json!({key: ""}), json!({"proxy-body-size": "1m"}), json!({"ssl-protocols": "TLSv1.3"})];
        // A policy that says nothing is none that can be read.
        for before in befores.into_iter().filter(|before| *before != json!({"gatewright-policy": ""})) {
            let mut world = world(&before);
            take(&mut world);
            assert_eq!(world.picture(), OPEN);
            world.apply(config_map("config", &now));
            for _ in 0..2 {
                assert_eq!((world.picture(), told(&mut world)), (CLOSED.map(str::to_owned).to_vec(), at_start.clone()), "{key}: {before}");
                take(&mut world);
            }
            world.apply(config_map("config", &before));
            assert_eq!(world.picture(), OPEN, "{key}: it is gone");
        }
    }
}

#[test]
fn a_list_of_what_clients_say_of_themselves_closes_nothing() {
    for key in ["block-user-agents", "block-referers"] {
        let now = json!({key: "~("});
        let at_start = told(&mut world(&now));
        let mut world = world(&json!({}));
        take(&mut world);
        world.apply(config_map("config", &now));
        assert_eq!((world.picture(), told(&mut world)), (OPEN.map(str::to_owned).to_vec(), at_start.clone()), "{key}");
        assert_eq!(at_start[0].1, Outcome::KeptDefault, "{key}");
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

/// A list of what is let in is none the wider for an entry that is left out; one of what is kept out is.
#[test]
fn of_a_first_list_an_entry_that_cannot_be_read_closes_where_the_list_keeps_addresses_out() {
    for key in ["block-cidrs", "denylist-source-range"] {
        let mut first = world(&json!({key: "10.0.0.0/8,10.0.0.0//8"}));
        assert_eq!(first.picture(), CLOSED, "{key}");
        take(&mut first);
        for bad in ["10.0.0.0/8,10.0.0.0//8", "192.0.2.1,nonsense", "nonsense"] {
            first.apply(config_map("config", &json!({key: bad})));
            assert_eq!(first.picture(), CLOSED, "{key}: also when that is taken");
        }
        first.apply(config_map("config", &json!({key: "10.0.0.0/8"})));
        assert_eq!(first.picture(), OPEN, "{key}");
    }
    for key in ["whitelist-source-range", "block-user-agents", "block-referers", "hide-headers", "proxy-real-ip-cidr"] {
        assert_eq!(world(&json!({key: "10.0.0.0/8,a b~(,~("})).picture(), OPEN, "{key}");
    }
}

#[test]
fn whose_address_is_looked_at_is_what_it_was() {
    let good = json!({"use-forwarded-headers": "true", "forwarded-for-header": "X-Client", "whitelist-source-range": "10.0.0.0/8"});
    let mut world = world(&good);
    let before = holds(&mut world);
    take(&mut world);
    for (key, bad) in [("use-forwarded-headers", "ture"), ("forwarded-for-header", "X Client")] {
        world.apply(config_map("config", &with(good.clone(), &format!("/{key}"), json!(bad))));
        assert_eq!(holds(&mut world), before, "{key}");
        assert!(told(&mut world).iter().any(|(message, _)| message.ends_with("; its value before still counts")), "{key}");
    }
}

#[test]
fn a_policy_of_parameters_is_what_it_was() {
    let class = json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "own"}, "spec": {
        "controller": "gatewright.dev/ingress", "parameters": {"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": "p",
            "scope": "Namespace", "namespace": "gw"}}});
    let parameters = |spec: Value| {
        json!({"apiVersion": "gatewright.dev/v1alpha1", "kind": "GatewrightParameters",
            "metadata": {"name": "p", "namespace": "gw"}, "spec": spec})
    };
    let of_class =
        |name: &str| with(ingress(name, 1, &[(&format!("{name}.test"), &[("/", "Prefix", "s1")])]), "/spec/ingressClassName", json!("own"));
    let good = json!({"hosts": [{"names": ["b.test"], "namespaces": ["blog"]}]});
    let mut world = World::new(&[services(), vec![class, of_class("a"), of_class("b")]].concat());
    world.apply(parameters(json!({"policy": {"host": []}})));
    assert_eq!(world.picture(), ["a.test /* → 503", "b.test /* → 503"], "nothing is known of before");
    world.apply(parameters(json!({"policy": good})));
    let allowed = ["a.test /* → default-s1-80"];
    assert_eq!(world.picture(), allowed);
    take(&mut world);
    for bad in [json!({"policy": {"host": []}}), json!({"policy": []}), json!({"policy": {"annotations": [{"denied": ["no-such"]}]}})] {
        world.apply(parameters(bad.clone()));
        for _ in 0..2 {
            assert_eq!(world.picture(), allowed, "{bad}");
            let found = world.translate().diagnostics;
            let told: Vec<_> = found.iter().filter(|one| one.field == "spec.policy").collect();
            assert!(told.len() == 1 && told[0].message.ends_with("; the one before still counts"), "{bad}: {told:?}");
            take(&mut world);
        }
    }
    world.apply(parameters(json!({"policy": []})));
    let both = json!({"policy": [], "settings": {"gatewright-policy": good.to_string()}});
    world.apply(parameters(both));
    assert_eq!(world.picture(), ["a.test /* → 503"], "of two, the one beside the settings is not remembered");
    world.apply(parameters(json!({})));
    assert_eq!(world.picture(), ["a.test /* → default-s1-80", "b.test /* → default-s1-80"], "it is gone");
}

#[test]
fn what_kept_somebody_out_outlasts_a_config_map_that_is_gone_at_the_next_start() {
    let held = |world: &mut World| {
        let translation = world.translate();
        let told = translation.diagnostics.iter().find(|one| one.message.contains("--configmap")).map(|one| one.outcome);
        let keys: Vec<_> = translation.settings.values().flat_map(|data| data.keys().cloned()).collect();
        (keys.join(" "), holds(world).1.map_or(0, |sources| sources.denied.len()), told)
    };
    let start = |before: Value| {
        let mut world = world(&before);
        take(&mut world);
        world.snapshot.apply(Event::Deleted(ObjectRef::new(Kind::ConfigMap, ObjectName::new("gw", "config").unwrap())));
        world
    };
    let nothing = (String::new(), 0, Some(Outcome::KeptDefault));
    for before in [json!({}), json!({"denylist-source-range": "", "use-forwarded-headers": ""})] {
        assert_eq!(held(&mut start(before.clone())), nothing, "{before}: it said nothing");
    }
    for (key, value) in [
        ("use-forwarded-headers", "true"),
        ("proxy-real-ip-cidr", "10.0.0.0/8"),
        ("enable-real-ip", "true"),
        ("forwarded-for-header", "X-Client"),
        ("use-proxy-protocol", "true"),
        ("allow-snippet-annotations", "true"),
        ("annotation-value-word-blocklist", "evil"),
        ("proxy-read-timeout", "9"),
    ] {
        let mut world = start(json!({key: value}));
        for _ in 0..2 {
            assert_eq!(held(&mut world), (key.to_owned(), 0, Some(Outcome::Quarantined)), "Ingresses may have lists");
            take(&mut world);
        }
    }
    let mut world = start(json!({"denylist-source-range": "192.0.2.0/24", "use-forwarded-headers": "true", "proxy-read-timeout": "9"}));
    for _ in 0..2 {
        let expected = "denylist-source-range proxy-read-timeout use-forwarded-headers".to_owned();
        assert_eq!(held(&mut world), (expected, 1, Some(Outcome::Quarantined)));
        take(&mut world);
    }
    world.apply(config_map("config", &json!({})));
    assert_eq!(held(&mut world), (String::new(), 0, None), "it is there, and says nothing");
}

#[test]
fn a_snippet_of_an_ingress_is_applied_as_long_as_its_risk_is_taken() {
    let on = json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical", "whitelist-source-range": "10.0.0.0/8"});
    let guarded = annotated(
        ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]),
        &[("configuration-snippet", "allow 10.0.0.0/8; deny all;"), ("whitelist-source-range", "0.0.0.0/0")],
    );
    let mut world = world(&on);
    world.apply(guarded);
    let rules = |world: &mut World| world.translate().model.hosts.values().last().map(|host| format!("{:?}", host.routes[0].policy));
    let before = rules(&mut world);
    take(&mut world);
    world.apply(config_map("config", &with(on.clone(), "/allow-snippet-annotations", json!("ture"))));
    assert_eq!(rules(&mut world), before);
    assert!(told(&mut world)[0].0.ends_with("; its value before still counts"));
    world.apply(config_map("config", &on));
    take(&mut world);
    world.snapshot.apply(Event::Deleted(ObjectRef::new(Kind::ConfigMap, ObjectName::new("gw", "config").unwrap())));
    for _ in 0..2 {
        assert_eq!(rules(&mut world), before, "the ConfigMap is gone");
        take(&mut world);
    }
    world.quarantine.accept_settings(&std::collections::BTreeMap::new());
    world.apply(config_map("config", &with(on, "/allow-snippet-annotations", json!("ture"))));
    assert!(world.picture().is_empty(), "nothing is known of before: {:?}", world.picture());
}

#[test]
fn what_protects_a_class_outlasts_the_object_that_says_it() {
    let class = |given: Value| {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "own"},
            "spec": {"controller": "gatewright.dev/ingress", "parameters": given}})
    };
    let of_class = with(ingress("c", 1, &[("h.test", &[("/", "Prefix", "s1")])]), "/spec/ingressClassName", json!("own"));
    let data = json!({"whitelist-source-range": "10.0.0.0/8", "proxy-read-timeout": "9",
        "gatewright-policy": json!({"hosts": [{"names": ["b.test"], "namespaces": ["blog"]}]}).to_string()});
    let parameters = json!({"apiVersion": "gatewright.dev/v1alpha1", "kind": "GatewrightParameters",
        "metadata": {"name": "of-class", "namespace": "gw"}, "spec": {"settings": data.clone()}});
    for (kind, group, object) in
        [(Kind::ConfigMap, "", config_map("of-class", &data)), (Kind::GatewrightParameters, "gatewright.dev", parameters)]
    {
        let named = |name: &str| json!({"apiGroup": group, "kind": kind.as_str(), "name": name, "scope": "Namespace", "namespace": "gw"});
        let mut world = World::new(&[services(), vec![class(named("of-class")), of_class.clone()]].concat());
        let allowed = |world: &mut World| holds(world).1.map_or(0, |sources| sources.allowed.len());
        let lacks = |world: &mut World| {
            let found = world.translate().diagnostics.into_iter();
            found.filter(|one| one.field == "spec.parameters").map(|one| (one.message, one.outcome)).collect::<Vec<_>>()
        };
        let missing = |effect: &str, outcome| vec![(format!("{kind} gw/of-class does not exist; {effect}"), outcome)];
        let without = missing("the class is served without it", Outcome::Served);
        assert_eq!((allowed(&mut world), lacks(&mut world)), (0, without), "nothing is known of before");
        world.apply(object.clone());
        assert_eq!((allowed(&mut world), lacks(&mut world)), (1, vec![]));
        take(&mut world);
        world.snapshot.apply(Event::Deleted(ObjectRef::new(kind, ObjectName::new("gw", "of-class").unwrap())));
        for _ in 0..2 {
            let expected = missing("what it said last still counts", Outcome::Quarantined);
            assert_eq!((allowed(&mut world), lacks(&mut world)), (1, expected), "{kind}");
            let keys: Vec<_> = world.translate().settings.into_values().flat_map(std::collections::BTreeMap::into_keys).collect();
            assert_eq!(keys, ["gatewright-policy", "proxy-read-timeout", "whitelist-source-range"]);
            take(&mut world);
        }
        let mut other = world.quarantine.clone();
        std::mem::swap(&mut other, &mut world.quarantine);
        world.apply(class(named("other")));
        assert_eq!(allowed(&mut world), 0, "the class names another");
        take(&mut world);
        world.apply(class(named("of-class")));
        assert_eq!(allowed(&mut world), 0, "it was given up");
        world.quarantine = other;
        world.apply(with(object, if group.is_empty() { "/data" } else { "/spec/settings" }, json!({})));
        assert_eq!((allowed(&mut world), lacks(&mut world)), (0, vec![]), "it is there, and says nothing");
    }
}

/// An object as somebody wrote it who does not know what it has to be like.
fn write(world: &mut World, object: Value) {
    world.snapshot.apply(Event::Applied(decode_written(object).unwrap().unwrap().0));
}

#[test]
fn settings_that_cannot_be_read_close_until_they_can_be_also_when_they_go_and_come() {
    let good = json!({"denylist-source-range": "192.0.2.0/24"});
    let unread = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config", "namespace": "gw"}, "data": "text"});
    let denied = |world: &mut World| holds(world).1.map_or(0, |sources| sources.denied.len());
    let mut world = world(&good);
    world.snapshot.keep_last(&ObjectName::new("gw", "config").unwrap());
    take(&mut world);
    write(&mut world, unread.clone());
    assert_eq!(world.picture(), CLOSED);
    take(&mut world);
    world.snapshot.apply(gone(Kind::ConfigMap, "gw", "config"));
    assert_eq!(world.picture(), CLOSED, "what it said last still counts");
    take(&mut world);
    // The next start knows no more than what was remembered.
    let quarantine = world.quarantine.clone();
    for there in [false, true] {
        let mut next = self::world(&json!({}));
        next.quarantine = quarantine.clone();
        next.snapshot.apply(gone(Kind::ConfigMap, "gw", "config"));
        assert_eq!(next.picture(), CLOSED, "that it could not be read is remembered");
        if there {
            write(&mut next, unread.clone());
            assert_eq!(next.picture(), CLOSED);
        }
        next.apply(config_map("config", &json!({})));
        assert_eq!((next.picture(), denied(&mut next)), (OPEN.map(str::to_owned).to_vec(), 0), "it is there, and says nothing");
    }
    write(&mut world, unread);
    assert_eq!(world.picture(), CLOSED, "it is there again, and no better");
    world.apply(config_map("config", &good));
    assert_eq!((world.picture(), denied(&mut world)), (OPEN.map(str::to_owned).to_vec(), 1));
}

#[test]
fn parameters_that_cannot_be_read_close_their_class_also_when_they_go() {
    let class = |given: Value| {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "own"},
            "spec": {"controller": "gatewright.dev/ingress", "parameters": given}})
    };
    let of_class = with(ingress("c", 1, &[("h.test", &[("/", "Prefix", "s1")])]), "/spec/ingressClassName", json!("own"));
    let data = json!({"denylist-source-range": "192.0.2.0/24"});
    let parameters = json!({"apiVersion": "gatewright.dev/v1alpha1", "kind": "GatewrightParameters",
        "metadata": {"name": "of-class", "namespace": "gw"}, "spec": {"settings": data.clone()}});
    for (kind, group, good, field) in [
        (Kind::ConfigMap, "", config_map("of-class", &data), "/data"),
        (Kind::GatewrightParameters, "gatewright.dev", parameters, "/spec/settings"),
    ] {
        let named = json!({"apiGroup": group, "kind": kind.as_str(), "name": "of-class", "scope": "Namespace", "namespace": "gw"});
        let mut world = World::new(&[services(), vec![class(named), of_class.clone()]].concat());
        let denied = |world: &mut World| holds(world).1.map_or(0, |sources| sources.denied.len());
        world.apply(good.clone());
        take(&mut world);
        for _ in 0..2 {
            write(&mut world, with(good.clone(), field, json!("text")));
            assert_eq!(world.picture(), CLOSED, "{kind}");
            take(&mut world);
            world.snapshot.apply(gone(kind, "gw", "of-class"));
            assert_eq!(world.picture(), CLOSED, "{kind}: that it could not be read is remembered");
            take(&mut world);
        }
        world.apply(good.clone());
        assert_eq!((world.picture(), denied(&mut world)), (OPEN.map(str::to_owned).to_vec(), 1), "{kind}");
        world.apply(with(good, field, json!({})));
        assert_eq!((world.picture(), denied(&mut world)), (OPEN.map(str::to_owned).to_vec(), 0), "{kind}");
    }
}

/// What is forbidden is said and left out; but that it is forbidden takes nothing back.
#[test]
fn parameters_that_may_not_be_read_are_not_missing() {
    let data = json!({"denylist-source-range": "192.0.2.0/24"});
    for (kind, group, object) in
        [(Kind::ConfigMap, "", config_map("p", &data)), (Kind::GatewrightParameters, "gatewright.dev", parameters("gw", &data))]
    {
        let reference = ObjectRef::new(kind, ObjectName::new("gw", "p").unwrap());
        let given = json!({"apiGroup": group, "kind": kind.as_str(), "name": "p", "scope": "Namespace", "namespace": "gw"});
        let other = with(ingress("b", 1, &[("b.test", &[("/", "Prefix", "s2")])]), "/spec/ingressClassName", json!("plain"));
        let plain = json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "plain"},
            "spec": {"controller": "gatewright.dev/ingress"}});
        let mut world = World::new(&[services(), of_class(&given).to_vec(), vec![plain, other]].concat());
        let seen = |world: &mut World| {
            let found = world.translate().diagnostics.into_iter().filter(|one| one.field == "spec.parameters");
            let said: Vec<_> = found.map(|one| format!("{} {}: {} ({:?})", one.code, one.severity, one.message, one.outcome)).collect();
            let denied = holds(world).1.map_or(0, |sources| sources.denied.len());
            (world.picture(), denied, said)
        };
        let routes = |own: &str| vec!["b.test /* → default-s2-80".to_owned(), format!("h.test /* → {own}")];
        let without = format!("{kind} gw/p may not be read; the class is served without it");
        let kept = format!("{kind} gw/p may not be read any more; what it said last still counts");
        let missing = format!("{kind} gw/p does not exist; the class is served without it");
        world.settings.forbidden.insert(reference.clone());
        for _ in 0..2 {
            assert_eq!(seen(&mut world), (routes("default-s1-80"), 0, vec![format!("GW0006 warning: {without} (Served)")]));
            take(&mut world);
        }
        world.settings.forbidden.clear();
        assert_eq!(seen(&mut world), (routes("default-s1-80"), 0, vec![format!("GW0106 warning: {missing} (Served)")]), "there is none");
        world.apply(object.clone());
        assert_eq!(seen(&mut world), (routes("default-s1-80"), 1, vec![]));
        world.settings.forbidden.insert(reference.clone());
        let as_before = (routes("default-s1-80"), 1, vec![format!("GW0006 warning: {kept} (Quarantined)")]);
        assert_eq!(seen(&mut world), as_before, "it was read while this runs");
        take(&mut world);
        world.snapshot.apply(gone(kind, "gw", "p"));
        for _ in 0..2 {
            assert_eq!(seen(&mut world), as_before, "the last run has read it");
            take(&mut world);
        }
        world.settings.forbidden.clear();
        let field = if group.is_empty() { "/data" } else { "/spec/settings" };
        world.apply(with(object, field, json!({})));
        assert_eq!(seen(&mut world), (routes("default-s1-80"), 0, vec![]));
        take(&mut world);
        world.snapshot.apply(gone(kind, "gw", "p"));
        world.settings.forbidden.insert(reference);
        let open = (routes("default-s1-80"), 0, vec![format!("GW0006 warning: {kept} (Quarantined)")]);
        assert_eq!(seen(&mut world), open, "it is known to have said nothing");
    }
}

#[test]
fn config_maps_of_flags_that_may_not_be_read_are_not_missing() {
    let mut world = World::new(&services());
    let name = |map: &str| ObjectName::new("gw", map).unwrap();
    (world.settings.config_map, world.settings.tcp_services_config_map) = (Some(name("main")), Some(name("tcp")));
    let mut said = |forbidden: &[&str]| {
        world.settings.forbidden = forbidden.iter().map(|map| ObjectRef::new(Kind::ConfigMap, name(map))).collect();
        world.translate().diagnostics.iter().map(|finding| format!("{}; {}", finding.message, finding.help)).collect::<Vec<_>>()
    };
    let missing = "does not exist; every setting has its default; create it, or name another";
    assert!(said(&[]).iter().any(|said| said.ends_with(missing)));
    let found = said(&["main", "tcp"]);
    for (flag, rest) in [("configmap", "every setting has its default"), ("tcp-services-configmap", "nothing listens on TCP ports of it")] {
        let own =
            format!("the ConfigMap of --{flag} may not be read; {rest}; grant the verbs get, list and watch on it, or give it as a file");
        assert!(found.contains(&own), "{own}: {found:?}");
    }
    assert!(!found.iter().any(|said| said.contains("does not exist")), "{found:?}");
}

/// A class whose parameters are in namespace `gw`, and an Ingress of it.
fn of_class(parameters: &Value) -> [Value; 2] {
    let class = json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "own"},
        "spec": {"controller": "gatewright.dev/ingress", "parameters": parameters}});
    [class, with(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]), "/spec/ingressClassName", json!("own"))]
}

fn parameters(namespace: &str, settings: &Value) -> Value {
    json!({"apiVersion": "gatewright.dev/v1alpha1", "kind": "GatewrightParameters",
        "metadata": {"name": "p", "namespace": namespace}, "spec": {"settings": settings}})
}

/// The parameters `p`; without a namespace, those of scope Cluster.
fn named(namespace: Option<&str>) -> Value {
    let own = json!({"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": "p"});
    namespace.map_or(own.clone(), |namespace| with(with(own, "/scope", json!("Namespace")), "/namespace", json!(namespace)))
}

fn gone(kind: Kind, namespace: &str, name: &str) -> Event {
    Event::Deleted(ObjectRef::new(kind, ObjectName::new(namespace, name).unwrap()))
}

const ZONE: &str = "limit_req_zone $binary_remote_addr zone=a:1m rate=1r/m;";

/// What limits requests at the host.
fn limit(world: &mut World) -> bool {
    let model = world.translate().model;
    let host = model.hosts.iter().find(|(pattern, _)| pattern.to_string() == "h.test").expect("the host").1;
    host.routes[0].policy.limits.is_some()
}

#[test]
fn a_limit_of_a_class_by_a_zone_of_the_main_config_map_counts_when_it_comes() {
    let mut world = world(&json!({"http-snippet": ZONE}));
    of_class(&named(Some("gw"))).into_iter().chain([parameters("gw", &json!({}))]).for_each(|object| world.apply(object));
    assert!(!limit(&mut world));
    for _ in 0..2 {
        take(&mut world);
        world.apply(parameters("gw", &json!({"location-snippet": "limit_req zone=a;"})));
        let found = world.translate().diagnostics;
        assert!(limit(&mut world) && found.is_empty(), "{found:?}");
    }
    take(&mut world);
    world.apply(parameters("gw", &json!({"location-snippet": "limit_req zone=b;"})));
    assert!(limit(&mut world), "there is no such zone, and the limit before holds");
}

#[test]
fn zones_outlast_the_config_map_that_defines_them() {
    for burst in ["limit_req zone=a;", "limit_req zone=a burst=100 nodelay;"] {
        let mut world = world(&json!({"http-snippet": ZONE, "location-snippet": burst}));
        take(&mut world);
        world.snapshot.apply(gone(Kind::ConfigMap, "gw", "config"));
        for _ in 0..2 {
            assert!(limit(&mut world) && world.picture() == OPEN, "{:?}", world.picture());
            take(&mut world);
        }
    }
}

#[test]
fn parameters_that_were_found_in_some_namespace_are_remembered_there() {
    let said = json!({"whitelist-source-range": "10.0.0.0/8"});
    let mut world = World::new(&[services(), of_class(&named(None)).to_vec(), vec![parameters("platform", &said)]].concat());
    let allowed = |world: &mut World| holds(world).1.map_or(0, |sources| sources.allowed.len());
    assert_eq!(allowed(&mut world), 1);
    take(&mut world);
    world.apply(parameters("evil", &json!({})));
    assert_eq!(allowed(&mut world), 1, "another namespace has one of the name");
    take(&mut world);
    world.snapshot.apply(gone(Kind::GatewrightParameters, "evil", "p"));
    world.snapshot.apply(gone(Kind::GatewrightParameters, "platform", "p"));
    for _ in 0..2 {
        assert_eq!(allowed(&mut world), 1, "it is gone");
        take(&mut world);
    }
    world.apply(parameters("platform", &json!({})));
    assert_eq!(allowed(&mut world), 0, "it is there, and says nothing");
}

#[test]
fn what_cannot_be_read_closes_also_when_it_is_gone() {
    let binary = |name: &str| with(config_map(name, &json!({})), "/binaryData", json!({"whitelist-source-range": "MTAuMC4wLjAvOA=="}));
    let class = named(Some("gw"));
    let map = with(with(class.clone(), "/kind", json!("ConfigMap")), "/apiGroup", json!(""));
    let list = parameters("gw", &json!(["x"]));
    let [main, of_map] = ["config", "p"].map(|name| (Kind::ConfigMap, name, binary(name), config_map(name, &json!({}))));
    let of_list = (Kind::GatewrightParameters, "p", list, parameters("gw", &json!({})));
    for (given, (kind, name, bad, good)) in [(&class, main), (&map, of_map), (&class, of_list)] {
        let mut world = world(&json!({}));
        of_class(given).into_iter().chain([parameters("gw", &json!({}))]).for_each(|object| world.apply(object));
        world.snapshot.apply(Event::Applied(decode_written(bad).unwrap().unwrap().0));
        let of_class = |world: &mut World| {
            let model = world.translate().model;
            model.hosts.values().last().unwrap().routes.iter().any(|route| route.action == gatewright_core::model::Action::Respond(503))
        };
        assert!(of_class(&mut world), "{kind} {name}");
        take(&mut world);
        world.snapshot.apply(gone(kind, "gw", name));
        for _ in 0..2 {
            assert!(of_class(&mut world), "{kind} {name} is gone");
            take(&mut world);
        }
        world.apply(good);
        assert!(!of_class(&mut world), "{kind} {name} is there, and says nothing: {:?}", world.picture());
    }
}

#[test]
fn a_bad_list_in_the_place_of_one_that_could_not_be_read_closes() {
    let mut world = world(&json!({"whitelist-source-range": "10.0.0.0/8"}));
    take(&mut world);
    let binary = with(config_map("config", &json!({})), "/binaryData", json!({"whitelist-source-range": "MTAuMC4wLjAvOA=="}));
    world.apply(binary);
    assert_eq!(world.picture(), CLOSED);
    take(&mut world);
    world.apply(config_map("config", &json!({"whitelist-source-range": "10.0.0.0-10.1.1.1"})));
    for _ in 0..2 {
        assert_eq!(world.picture(), CLOSED);
        take(&mut world);
    }
    world.apply(config_map("config", &json!({})));
    assert_eq!(world.picture(), OPEN);
}

#[test]
fn headers_outlast_the_config_map_that_lists_them() {
    let mut world = world(&json!({"proxy-set-headers": "gw/headers"}));
    world.apply(config_map("headers", &json!({"X-Remote-User": ""})));
    let sent = |world: &mut World| world.translate().model.globals.request_headers.len();
    assert_eq!(sent(&mut world), 1);
    take(&mut world);
    world.snapshot.apply(gone(Kind::ConfigMap, "gw", "headers"));
    for _ in 0..2 {
        assert_eq!(sent(&mut world), 1);
        let message = "proxy-set-headers: ConfigMap gw/headers does not exist; what it said last still counts".to_owned();
        assert_eq!(told(&mut world), [(message, Outcome::Quarantined)]);
        take(&mut world);
    }
    world.apply(config_map("headers", &json!({})));
    assert_eq!(sent(&mut world), 0, "it is there, and empty");
}

#[test]
fn a_value_before_that_was_empty_is_none() {
    let mut world = world(&json!({"allow-snippet-annotations": "true"}));
    take(&mut world);
    world.apply(config_map("config", &json!({"allow-snippet-annotations": ""})));
    take(&mut world);
    world.apply(config_map("config", &json!({"allow-snippet-annotations": "ture"})));
    assert_eq!(told(&mut world), told(&mut self::world(&json!({"allow-snippet-annotations": "ture"}))), "as at a first start");
}

#[test]
fn a_protection_that_was_taken_out_on_purpose_does_not_come_back_for_what_keeps_nobody_out() {
    let mut first = world(&json!({"location-snippet": "deny 192.0.2.0/24;"}));
    take(&mut first);
    let harmless = json!({"location-snippet": "vhost_traffic_status_zone;"});
    first.apply(config_map("config", &harmless));
    assert!(holds(&mut first).1.is_none());
    assert_eq!(told(&mut first), told(&mut world(&harmless)), "as at a first start");
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
    let unsendable = "a\r\nX-Pwned: 1";
    world.apply(config_map(
        "headers",
        &json!({"X-Other": unsendable, "Host": unsendable, "TE": unsendable, "x-both": unsendable, "X-Both": "b",
            // The proxy tells its own, which no client says either.
            "X-Real-IP": unsendable, "x-forwarded-proto": unsendable, "ssl-client-verify": unsendable}),
    ));
    let text = |text: &str| format!("{:?}", VariableText::parse(text).unwrap());
    assert_eq!(sent(&mut world), [format!("X-Both={}", text("b")), format!("X-Other={}", text(""))], "no client says it");
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

#[test]
fn nobody_is_believed_by_a_list_that_was_never_read() {
    let trusted = |world: &mut World| world.translate().model.globals.forwarding.trusted_peers.len();
    for before in [json!({"use-forwarded-headers": "true", "proxy-real-ip-cidr": ""}), json!({"use-forwarded-headers": "true"}), json!({})]
    {
        let mut world = world(&before);
        take(&mut world);
        world.apply(config_map("config", &json!({"use-forwarded-headers": "true", "proxy-real-ip-cidr": "10.0.0.0/33"})));
        assert_eq!(trusted(&mut world), 0, "{before}");
        assert!(told(&mut world)[0].0.ends_with("; nobody is believed"), "{before}");
        take(&mut world);
        assert_eq!(trusted(&mut world), 0, "{before}: also when that is taken");
    }
}

#[test]
fn a_config_map_that_holds_headers_as_well_is_remembered_as_a_whole() {
    let mut world = world(&json!({"block-cidrs": "10.0.0.0/8", "proxy-set-headers": "gw/config"}));
    take(&mut world);
    world.apply(config_map("config", &json!({"block-cidrs": "10.0.0.0/33", "proxy-set-headers": "gw/config"})));
    let blocked = |world: &mut World| world.translate().model.globals.blocking.addresses.len();
    assert_eq!((blocked(&mut world), world.picture()), (1, OPEN.map(str::to_owned).to_vec()));
    take(&mut world);
    assert_eq!((blocked(&mut world), world.picture()), (1, OPEN.map(str::to_owned).to_vec()), "also when that is taken");
}

#[test]
fn headers_of_both_kinds_in_one_config_map_are_remembered() {
    let mut world = world(&json!({"proxy-set-headers": "gw/headers", "add-headers": "gw/headers"}));
    world.apply(config_map("headers", &json!({"Server": "one", "X-Test": "two"})));
    take(&mut world);
    world.apply(config_map("headers", &json!({"Server": "a\r\nX-Pwned: 1", "X-Test": "two"})));
    let sent: Vec<_> = world.translate().model.globals.request_headers.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(sent, ["Server", "X-Test"], "only answers have the proxy's own");
}
