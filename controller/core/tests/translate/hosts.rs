//! Hosts, paths and default backends: who answers for what.

use crate::world::{World, check, default_backend, ingress, services, with};
use gatewright_core::diagnostic::Code;
use gatewright_core::settings::Settings;
use gatewright_core::state::{Event, decode};
use serde_json::{Value, json};

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
fn who_comes_second_is_told_why() {
    for (age, why) in [(1, "of the same age, and its name comes last in the alphabet"), (2, "older")] {
        let mut world = World::new(&services());
        world.apply(ingress("b", 1, &[("h.test", &[("/", "Prefix", "s1")])]));
        world.apply(ingress("a", age, &[("h.test", &[("/", "Prefix", "s2")])]));
        let all = world.translate().diagnostics;
        let told: Vec<_> = all.iter().filter(|one| one.code == Code::DuplicatePath).map(|one| (&one.object, &*one.message)).collect();
        let message = format!("host h.test path / is already served by Ingress default/b ({why}); this path is ignored");
        assert!(
            matches!(told[..], [(object, text)] if object.as_ref().is_some_and(|one| one.name.name() == "a") && text == message),
            "{told:?}"
        );
    }
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
fn def_7_8_who_has_a_default_backend_that_answers_for_nothing_is_told() {
    let with_default = |object, service| with(object, "/spec/defaultBackend", default_backend(service));
    let told = |objects: &[Value]| {
        let findings = World::new(&[&services(), objects].concat()).translate().diagnostics;
        let unused = findings.iter().filter(|finding| finding.code == Code::UnusedDefaultBackend);
        unused.map(|finding| format!("{}: {}", finding.object.as_ref().unwrap(), finding.message)).collect::<Vec<_>>()
    };
    let first = ingress("a", 1, &[("h.test", &[("/a", "Exact", "s1")])]);
    let second = with_default(ingress("b", 2, &[("h.test", &[("/b", "Exact", "s2")]), ("own.test", &[])]), "s3");
    let message =
        "Ingress default/b: host h.test was first of Ingress default/a (older), so its other paths do not go to this default backend";
    assert_eq!(told(&[first.clone(), second.clone()]), [message]);
    assert_eq!(told(std::slice::from_ref(&second)), [""; 0]);
    let root = ingress("c", 3, &[("h.test", &[("/", "Prefix", "s1")])]);
    assert_eq!(told(&[first, second, root]), [""; 0], "there are no other paths");
    let hostless = with_default(ingress("a", 1, &[("", &[("/a", "Exact", "s1")])]), "s2");
    assert_eq!(told(&[hostless]).len(), 1);
    let catch_all = with(ingress("a", 1, &[]), "/spec", json!({"defaultBackend": default_backend("s1")}));
    assert_eq!(told(&[catch_all]), [""; 0]);
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
fn uri_5_blanks_stand_in_paths_where_the_proxy_can_compare_with_them() {
    let of_type = |kind| ingress("a", 1, &[("h.test", &[("/a b", kind, "s1"), ("/c", "Exact", "s1")])]);
    let mut lines = World::new(&[services(), vec![of_type("ImplementationSpecific")]].concat()).picture();
    lines.sort_unstable();
    assert_eq!(lines, ["h.test /a b/* → default-s1-80", "h.test =/a b → default-s1-80", "h.test =/c → default-s1-80"]);
    check(&[of_type("Exact")], &["h.test =/c → default-s1-80"]);
    let mut world = World::new(&[services(), vec![of_type("ImplementationSpecific")]].concat());
    world.settings.path_limits.blanks = false;
    assert_eq!(world.picture(), ["h.test =/c → default-s1-80"]);
    assert!(world.codes().contains(&Code::BadPath));
}
