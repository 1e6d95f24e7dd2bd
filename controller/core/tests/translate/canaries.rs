//! Canaries.

use crate::world::{World, annotated, ingress, services};
use gatewright_core::diagnostic::Code;
use gatewright_core::model::Action;

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
        assert_eq!(world.codes(), [Code::UnusedCanary, Code::NoClassInInput]);
        let told = world.translate().diagnostics.into_iter().find(|finding| finding.code == Code::UnusedCanary).unwrap();
        assert!(told.object.unwrap().name.name() == "younger" && told.message.contains("default/older (older)"), "{}", told.message);
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
