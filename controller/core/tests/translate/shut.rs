//! What Ingresses guard that are left out: nobody of their namespace answers in their place.

use crate::world::{World, annotated, check, default_backend, ingress, services, with};
use gatewright_core::diagnostic::{Code, Outcome};
use serde_json::{Value, json};

/// An Ingress that its snippet, of a risk that is not allowed, does not let be served.
fn refused(name: &str, paths: &[(&str, &str, &str)], annotations: &[(&str, &str)]) -> Value {
    annotated(ingress(name, 2, &[("h.test", paths)]), &[annotations, &[("configuration-snippet", "add_header A b;")]].concat())
}

const LIST: &[(&str, &str)] = &[("whitelist-source-range", "10.0.0.0/8")];

fn open(paths: &[(&str, &str, &str)]) -> Value {
    ingress("open", 3, &[("h.test", paths)])
}

#[test]
fn what_a_refused_ingress_guards_is_closed_where_others_of_its_namespace_would_answer() {
    let admin: &[_] = &[("/admin", "Prefix", "s2"), ("/admin/exact", "Exact", "s2")];
    let closed = ["h.test =/admin/exact → 503", "h.test =/admin → 503", "h.test /admin/* → 503", "h.test /* → default-s1-80"];
    let everywhere = open(&[("/", "Prefix", "s1")]);
    check(&[everywhere.clone(), refused("shut", admin, LIST)], &closed);
    // Whichever protection it is, and a snippet that may keep somebody out by itself.
    for guard in [("auth-url", "http://10.0.0.9/"), ("limit-rps", "5"), ("server-snippet", "deny all;")] {
        check(&[everywhere.clone(), refused("shut", admin, &[guard])], &closed);
    }
    let only_its_default =
        with(ingress("open", 1, &[("h.test", &[("/x", "Prefix", "s1")])]), "/spec/defaultBackend", default_backend("s1"));
    check(
        &[only_its_default, refused("shut", admin, LIST)],
        &[&closed[..3], &["h.test =/x → default-s1-80", "h.test /x/* → default-s1-80"], &closed[3..]].concat(),
    );
}

#[test]
fn nobody_is_closed_for_what_guards_nothing_and_in_whose_place_nobody_answers() {
    let everywhere = open(&[("/", "Prefix", "s1")]);
    for harmless in [&[][..], &[("proxy-body-size", "8m")], &[("whitelist-source-range", "10.0.0.0/8"), ("canary", "True")]] {
        check(&[everywhere.clone(), refused("shut", &[("/admin", "Prefix", "s2")], harmless)], &["h.test /* → default-s1-80"]);
    }
    let admin = refused("shut", &[("/admin", "Prefix", "s2")], LIST);
    check(std::slice::from_ref(&admin), &[]);
    let beside = open(&[("/admins", "Prefix", "s1"), ("/admin/x", "Prefix", "s1"), ("/admin", "Exact", "s1")]);
    check(
        &[beside, admin],
        &[
            "h.test =/admin/x → default-s1-80",
            "h.test /admin/x/* → default-s1-80",
            "h.test =/admins → default-s1-80",
            "h.test /admins/* → default-s1-80",
            "h.test =/admin → default-s1-80",
        ],
    );
}

#[test]
fn a_path_keeps_its_place_before_younger_ones_of_its_namespace() {
    let shut = refused("shut", &[("/admin", "Prefix", "s2"), ("/b/", "Prefix", "s2")], LIST);
    let served = |target: &str| [format!("h.test =/admin → {target}"), format!("h.test /admin/* → {target}")];
    let rest = ["h.test =/b → 503", "h.test /b/* → 503", "h.test /* → default-s1-80"].map(str::to_owned);
    let paths: &[_] = &[("/admin", "Prefix", "s1"), ("/", "Prefix", "s1")];
    for (name, age, target) in [("open", 3, "503"), ("open", 1, "default-s1-80"), ("other/open", 3, "503")] {
        let other = ingress(name, age, &[("h.test", paths)]);
        let mut world = World::new(&[services(), vec![other, shut.clone()]].concat());
        let expected: Vec<_> = match name {
            // Nothing of its own namespace is there. The Service of the other one has no endpoints.
            "other/open" => [&served("503")[..], &["h.test /* → 503".to_owned()]].concat(),
            _ => [&served(target)[..], &rest].concat(),
        };
        assert_eq!(world.picture(), expected, "{name} {age}");
    }
}

#[test]
fn of_two_prefixes_that_differ_in_the_slash_the_one_with_it_answers_below() {
    let team = open(&[("/team/", "Prefix", "s1")]);
    let foreign = ingress("evil/x", 4, &[("h.test", &[("/team", "Prefix", "s1")])]);
    let mut world = World::new(&[services(), vec![team, foreign, refused("shut", &[("/team/adm", "Prefix", "s2")], LIST)]].concat());
    assert!(world.picture().contains(&"h.test /team/adm/* → 503".to_owned()), "{:?}", world.picture());
}

#[test]
fn client_certificates_of_a_host_outlast_their_ingress() {
    let everywhere = open(&[("/", "Prefix", "s1")]);
    let foreign = ingress("other/x", 4, &[("h.test", &[("/x", "Prefix", "s1")])]);
    let shut = refused("shut", &[("/admin", "Prefix", "s2")], &[("auth-tls-secret", "default/ca")]);
    let mut world = World::new(&[services(), vec![everywhere, foreign, shut]].concat());
    let lines = world.picture();
    assert!(lines.contains(&"h.test /* → 503".to_owned()) && lines.contains(&"h.test /admin/* → 503".to_owned()), "{lines:?}");
    let told = world.translate().diagnostics;
    let told: Vec<_> = told.iter().filter(|finding| finding.message.contains("503 for all of namespace default")).collect();
    assert!(told.len() == 1 && told[0].outcome == Outcome::ClosedRoute, "{told:?}");
}

#[test]
fn a_wildcard_of_the_namespace_does_not_answer_for_a_host_that_is_guarded() {
    let wildcard = |name: &str| ingress(name, 3, &[("*.w.test", &[("/", "Prefix", "s1")])]);
    let shut = with(refused("shut", &[("/admin", "Prefix", "s2")], LIST), "/spec/rules/0/host", json!("x.w.test"));
    let mut world = World::new(&[services(), vec![wildcard("open"), shut.clone()]].concat());
    let expected = ["x.w.test =/admin → 503", "x.w.test /admin/* → 503", "x.w.test /* → default-s1-80", "*.w.test /* → default-s1-80"];
    assert_eq!(world.picture(), expected);
    let told = world.translate().diagnostics;
    assert!(told.iter().any(|finding| finding.message.contains("host x.w.test answers 503 for /admin")), "{told:?}");
    // It is mended, and then nobody of the namespace has the wildcard.
    world.apply(with(
        annotated(ingress("shut", 2, &[("h.test", &[("/admin", "Prefix", "s2")])]), LIST),
        "/spec/rules/0/host",
        json!("x.w.test"),
    ));
    assert_eq!(world.picture(), ["x.w.test =/admin → default-s2-80", "x.w.test /admin/* → default-s2-80", expected[3]]);
    let mut world = World::new(&[services(), vec![wildcard("other/open"), shut]].concat());
    assert_eq!(world.picture(), ["*.w.test /* → 503"], "the Service of the other namespace has no endpoints");
}

#[test]
fn text_that_is_refused_stands_nowhere_and_opens_nothing() {
    let everywhere = open(&[("/", "Prefix", "s1"), ("/longer/than/those", "Prefix", "s1")]);
    let paths: &[_] = &[("/admin", "Prefix", "s2"), ("/etc/passwd", "Prefix", "s2")];
    let shut = annotated(ingress("shut", 2, &[("h.test", paths)]), LIST);
    let mut world = World::new(&[services(), vec![everywhere, shut]].concat());
    let expected = ["h.test =/longer/than/those → default-s1-80", "h.test /longer/than/those/* → default-s1-80", "h.test /* → 503"];
    assert_eq!(world.picture(), expected);
    assert!(world.codes().contains(&Code::RefusedText));
}

#[test]
fn no_namespace_closes_what_is_of_another_one() {
    let everywhere = open(&[("/", "Prefix", "s1")]);
    let foreign = refused("evil/shut", &[("/admin", "Prefix", "s2")], LIST);
    check(&[everywhere.clone(), foreign], &["h.test /* → default-s1-80"]);
    // Whose route would answer decides, and not who else has routes there.
    let shared = ingress("other/beside", 4, &[("h.test", &[("/beside", "Prefix", "s1")])]);
    let own = refused("shut", &[("/admin", "Prefix", "s2"), ("/beside/x", "Prefix", "s2")], LIST);
    check(
        &[everywhere.clone(), shared, own],
        &["h.test =/beside → 503", "h.test /beside/* → 503", "h.test =/admin → 503", "h.test /admin/* → 503", "h.test /* → default-s1-80"],
    );
    let paths: &[_] = &[("/beside.*", "ImplementationSpecific", "s1")];
    let regex = annotated(ingress("other/regex", 4, &[("h.test", paths)]), &[("use-regex", "true")]);
    let own = refused("shut", &[("/admin.*", "ImplementationSpecific", "s2")], LIST);
    check(&[everywhere, regex, own], &["h.test ~/beside.* → 503", "h.test ~/admin.* → 503", "h.test ~/ → default-s1-80"]);
}

#[test]
fn expressions_are_closed_among_expressions() {
    let rewriting = annotated(ingress("open", 3, &[("h.test", &[("/(.*)", "ImplementationSpecific", "s1")])]), &[("use-regex", "true")]);
    let shut = refused("shut", &[("/admin.*", "ImplementationSpecific", "s2")], &[LIST, &[("use-regex", "true")]].concat());
    check(&[rewriting, shut.clone()], &["h.test ~/admin.* → 503", "h.test ~/(.*) → default-s1-80"]);
    // As it would be if it was served, it makes the paths of the host expressions.
    let everywhere = open(&[("/", "Prefix", "s1")]);
    check(&[everywhere.clone(), shut], &["h.test ~/admin.* → 503", "h.test ~/ → default-s1-80"]);
    let rewritten = &[LIST, &[("rewrite-target", "/$2")]].concat();
    let shut = refused("shut", &[("/admin(/|$)(.*)", "ImplementationSpecific", "s2")], rewritten);
    check(&[everywhere, shut], &["h.test ~/admin(/|$)(.*) → 503", "h.test ~/ → default-s1-80"]);
}

#[test]
fn a_default_backend_that_is_not_allowed_opens_nothing() {
    let guarded = annotated(ingress("shut", 2, &[("h.test", &[("/admin", "Prefix", "s2")])]), LIST);
    let objects = [services(), vec![open(&[("/", "Prefix", "s1")]), with(guarded, "/spec/defaultBackend", default_backend("s2"))]].concat();
    let mut world = World::new(&objects);
    world.settings.disable_catch_all = true;
    assert_eq!(world.picture(), ["h.test =/admin → 503", "h.test /admin/* → 503", "h.test /* → default-s1-80"]);
}

#[test]
fn it_is_told_on_the_ingress_and_follows_every_change() {
    let everywhere = open(&[("/", "Prefix", "s1")]);
    let shut = refused("shut", &[("/admin", "Prefix", "none"), ("/b", "Prefix", "none")], LIST);
    let mut world = World::new(&[services(), vec![everywhere.clone()]].concat());
    let plain = world.picture();
    world.apply(shut);
    let translation = world.translate();
    let told: Vec<_> =
        translation.diagnostics.iter().map(|one| (one.code, one.outcome, one.object.as_ref().unwrap().name.name())).collect();
    let code = Code::RefusedAnnotation;
    assert_eq!(told[..2], [(code, Outcome::SkippedObject, "shut"), (code, Outcome::ClosedRoute, "shut")], "{told:?}");
    assert!(
        translation.diagnostics[1].message.contains("host h.test answers 503 for /admin and what else"),
        "{:?}",
        translation.diagnostics
    );
    assert_eq!(world.picture().len(), 5);
    // Mended, and gone again; a translator that begins anew says the same.
    let mended = annotated(ingress("shut", 2, &[("h.test", &[("/admin", "Prefix", "s2")])]), LIST);
    for (now, target) in [(mended, "default-s2-80"), (refused("shut", &[("/admin", "Prefix", "s2")], LIST), "503")] {
        world.apply(now);
        let expected = [format!("h.test =/admin → {target}"), format!("h.test /admin/* → {target}"), plain[0].clone()];
        assert_eq!(world.picture(), expected);
        let kept = std::mem::take(&mut world.translator);
        assert_eq!(world.picture(), expected);
        world.translator = kept;
    }
    world.apply(with(refused("shut", &[("/admin", "Prefix", "s2")], &[]), "/spec/rules/0/host", json!("h.test")));
    assert_eq!(world.picture(), plain);
}
