//! What a translator remembers never changes what it says.

use crate::world::{NOW_S, World, annotated, gone, ingress, picture, secret, service, services, slice, with};
use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::names::Kind;
use gatewright_core::translate::Translation;
use serde_json::json;

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
    world.now_s = NOW_S;
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
