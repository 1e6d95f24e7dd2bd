//! Whatever changes, and in whatever order: what is made with all that is remembered is what is made from nothing.

use crate::world::{NOW_S, World, annotated, default_backend, gone, ingress, secret, service, services, slice, with};
use gatewright_core::dialect::Dialect;
use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::model::{Feature, Model};
use gatewright_core::names::{Kind, ObjectName};
use gatewright_core::render::Renderer;
use gatewright_core::state::Event;
use gatewright_core::translate::{Translation, Translator};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const HOSTS: [&str; 7] = ["a.test", "www.a.test", "b.test", "c.test", "*.test", "*.c.test", ""];
const SERVICES: [&str; 4] = ["s1", "s2", "s3", "ghost"];
const PATHS: [(&str, &str); 4] = [("/", "Prefix"), ("/a", "Prefix"), ("/a", "Exact"), ("/a/b", "ImplementationSpecific")];
const SECRETS: [(&str, &[&str]); 3] = [("one", &["a.test", "www.a.test"]), ("all", &["*.test", "*.c.test"]), ("other", &["other.test"])];

/// What somebody asks for; most ask for nothing.
const WISHES: [&[(&str, &str)]; 23] = [
    &[],
    &[],
    &[],
    &[],
    &[("server-alias", "c.test,d.test")],
    &[("server-alias", "~^x[0-9]+$")],
    &[("from-to-www-redirect", "true")],
    &[("canary", "true"), ("canary-weight", "10")],
    &[("affinity", "cookie")],
    &[("ssl-passthrough", "true")],
    &[("auth-url", "http://10.0.9.9/check")],
    &[("auth-url", "http://who.test/check"), ("auth-cache-key", "$remote_user")],
    &[("mirror-target", "http://10.0.9.8/")],
    &[("default-backend", "s3"), ("custom-http-errors", "404,503")],
    &[("auth-type", "basic"), ("auth-secret", "users")],
    &[("limit-rps", "5"), ("backend-protocol", "HTTPS")],
    &[("use-regex", "true"), ("rewrite-target", "/x")],
    &[("backend-protocol", "AUTO_HTTP"), ("app-root", "/app")],
    &[("auth-tls-secret", "default/all")],
    &[("proxy-read-timeout", "never"), ("no-such-thing", "1")],
    &[("enable-global-auth", "false")],
    // Left out, though they keep somebody out.
    &[("configuration-snippet", "add_header A b;"), ("limit-rps", "5")],
    &[("configuration-snippet", "add_header A b;"), ("auth-url", "http://10.0.9.9/check"), ("use-regex", "true")],
];

/// The key pairs, made once: each has two.
static PAIRS: LazyLock<Vec<[Value; 2]>> =
    LazyLock::new(|| SECRETS.iter().map(|(name, hosts)| [secret(name, hosts), secret(name, hosts)]).collect());

/// Something that happens.
#[derive(Debug, Clone)]
enum Edit {
    Ingress { name: usize, age: u32, rules: Vec<(usize, Vec<(usize, usize)>)>, wish: usize, tls: Option<usize>, default: Option<usize> },
    NoIngress(usize),
    Service(usize),
    NoService(usize),
    Endpoints(usize, u8),
    NoEndpoints(usize),
    Secret(usize, usize),
    NoSecret(usize),
    Users(u8),
    Resolved(u8),
    Class(bool),
    Settings(bool),
    Time(i64),
    SetAside(usize),
    Forgive,
}

fn edit() -> impl Strategy<Value = Edit> {
    let rule = (0..HOSTS.len(), prop::collection::vec((0..PATHS.len(), 0..SERVICES.len()), 0..3));
    let maybe = |number: usize| prop::option::weighted(0.3, 0..number);
    let rules = prop::collection::vec(rule, 0..3);
    let ingress = (0..6_usize, 0..4_u32, rules, 0..WISHES.len(), maybe(SECRETS.len() + 1), maybe(SERVICES.len()))
        .prop_map(|(name, age, rules, wish, tls, default)| Edit::Ingress { name, age, rules, wish, tls, default });
    let of_service = 0..SERVICES.len();
    prop_oneof![
        8 => ingress,
        2 => (0..6_usize).prop_map(Edit::NoIngress),
        1 => of_service.clone().prop_map(Edit::Service),
        1 => of_service.clone().prop_map(Edit::NoService),
        4 => (of_service.clone(), 0..4_u8).prop_map(|(service, number)| Edit::Endpoints(service, number)),
        1 => of_service.prop_map(Edit::NoEndpoints),
        2 => (0..SECRETS.len(), 0..2_usize).prop_map(|(name, version)| Edit::Secret(name, version)),
        1 => (0..SECRETS.len()).prop_map(Edit::NoSecret),
        1 => (0..3_u8).prop_map(Edit::Users),
        1 => (0..3_u8).prop_map(Edit::Resolved),
        1 => any::<bool>().prop_map(Edit::Class),
        1 => any::<bool>().prop_map(Edit::Settings),
        1 => prop::sample::select(vec![NOW_S, 0, i64::MAX]).prop_map(Edit::Time),
        1 => (0..6_usize).prop_map(Edit::SetAside),
        1 => Just(Edit::Forgive),
    ]
}

fn name_of(number: usize) -> String {
    format!("i{number}")
}

fn ingress_of(name: usize, age: u32, rules: &[(usize, Vec<(usize, usize)>)]) -> Value {
    let paths = |paths: &[(usize, usize)]| {
        paths.iter().map(|(path, service)| (PATHS[*path].0, PATHS[*path].1, SERVICES[*service])).collect::<Vec<_>>()
    };
    let rules: Vec<_> = rules.iter().map(|(host, of_host)| (HOSTS[*host], paths(of_host))).collect();
    let rules: Vec<_> = rules.iter().map(|(host, paths)| (*host, paths.as_slice())).collect();
    ingress(&name_of(name), age, &rules)
}

fn happens(world: &mut World, edit: &Edit) {
    match edit {
        Edit::Ingress { name, age, rules, wish, tls, default } => {
            let mut object = annotated(ingress_of(*name, *age, rules), WISHES[*wish]);
            if let Some(tls) = tls {
                let hosts: Vec<_> = rules.iter().map(|(host, _)| HOSTS[*host]).filter(|host| !host.is_empty()).collect();
                let name = SECRETS.get(*tls).map_or("missing", |(name, _)| name);
                object = with(object, "/spec/tls", json!([{"hosts": hosts, "secretName": name}]));
            }
            if let Some(default) = default {
                object = with(object, "/spec/defaultBackend", default_backend(SERVICES[*default]));
            }
            world.apply(object);
        }
        Edit::NoIngress(name) => _ = world.snapshot.apply(gone(Kind::Ingress, &name_of(*name))),
        Edit::Service(number) => service(SERVICES[*number], "10.0.0.9").into_iter().for_each(|object| world.apply(object)),
        Edit::NoService(number) => _ = world.snapshot.apply(gone(Kind::Service, SERVICES[*number])),
        Edit::Endpoints(service, number) => {
            let addresses: Vec<String> = (0..*number).map(|n| format!("10.0.1.{n}")).collect();
            let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
            world.apply(slice(SERVICES[*service], "a", &addresses, true));
        }
        Edit::NoEndpoints(service) => _ = world.snapshot.apply(gone(Kind::EndpointSlice, &format!("{}-a", SERVICES[*service]))),
        Edit::Secret(number, version) => world.apply(PAIRS[*number][*version].clone()),
        Edit::NoSecret(number) => _ = world.snapshot.apply(gone(Kind::Secret, SECRETS[*number].0)),
        Edit::Users(0) => _ = world.snapshot.apply(gone(Kind::Secret, "users")),
        Edit::Users(number) => world.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users"},
            "stringData": {"auth": format!("anna:$apr1$salt{number}$aaaaaaaaaaaaaaaaaaaaaa")}})),
        Edit::Resolved(number) => {
            let addresses = (0..*number).map(|n| std::net::IpAddr::from([10, 0, 8, n])).collect();
            world.snapshot.apply(Event::Resolved("who.test".into(), addresses));
        }
        Edit::Class(true) => world.apply(json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
            "metadata": {"name": "nginx"}, "spec": {"controller": "example.com/other"}})),
        Edit::Class(false) => _ = world.snapshot.apply(gone(Kind::IngressClass, "nginx")),
        Edit::Settings(true) => world.apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "main"},
            "data": {"global-auth-url": "http://10.0.9.7:8080/check"}})),
        Edit::Settings(false) => _ = world.snapshot.apply(gone(Kind::ConfigMap, "main")),
        Edit::Time(now_s) => world.now_s = *now_s,
        Edit::SetAside(number) => {
            let found = world.snapshot.ingresses_oldest_first().find(|found| found.meta.name.name() == name_of(*number)).cloned();
            found.iter().for_each(|found| world.quarantine.set_aside(found, "no".to_owned()));
        }
        Edit::Forgive => world.quarantine.forget_others(|_| None),
    }
}

/// All of a translation.
fn whole(translation: &Translation) -> String {
    let Translation { model, diagnostics, wanted, served, settings, parameters, configured } = translation;
    format!("{model:#?}\n{diagnostics:#?}\n{wanted:#?}\n{served:#?}\n{settings:#?}\n{parameters:#?}\n{configured:#?}")
}

fn counts(model: &Model) -> Vec<usize> {
    let of_hosts = [Feature::Aliases, Feature::Expressions, Feature::Canary, Feature::Limits, Feature::ExternalAuth, Feature::Mirror];
    let of_hosts = of_hosts.into_iter().chain([Feature::ErrorPages, Feature::ClientAuth, Feature::HostTls]);
    let of_backends = [Feature::BackendPolicy, Feature::Vacant].map(|feature| model.backends.count_of(feature));
    of_hosts.map(|feature| model.hosts.count_of(feature)).chain(of_backends).collect()
}

fn renderer(dialect: &'static Dialect) -> Renderer {
    Renderer::new(dialect, dialect.newest, BTreeMap::new()).unwrap()
}

/// What is made with all that is remembered, after each edit and at the end, against what is made from nothing.
fn check(edits: &[Edit]) -> Result<(), TestCaseError> {
    let mut world = World::new(&services());
    world.settings.config_map = Some(ObjectName::new("default", "main").unwrap());
    let mut renderers = [&NGINX, &HAPROXY].map(renderer);
    for (step, edit) in edits.iter().enumerate() {
        happens(&mut world, edit);
        let remembered = world.translate();
        let memory = std::mem::take(&mut world.translator);
        let anew = world.translate();
        world.translator = memory;
        prop_assert_eq!(whole(&remembered), whole(&anew), "step {}: {:?}", step, edit);
        prop_assert_eq!(counts(&remembered.model), counts(&anew.model), "step {}: {:?}", step, edit);
        let files = renderers.each_mut().map(|renderer| renderer.render(&remembered.model).unwrap());
        if step % 8 == 7 || step + 1 == edits.len() {
            world.quarantine.accept(&remembered.served);
            let fresh = [&NGINX, &HAPROXY].map(|dialect| renderer(dialect).render(&anew.model).unwrap());
            prop_assert!(files == fresh, "step {}: {:?}", step, edit);
        }
    }
    // Nothing is left over where nothing is left.
    for name in 0..6 {
        happens(&mut world, &Edit::NoIngress(name));
    }
    let empty = world.translate();
    world.translator = Translator::default();
    prop_assert_eq!(whole(&empty), whole(&world.translate()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_remembered_never_changes_the_result_of_any_edits(edits in prop::collection::vec(edit(), 1..40)) {
        check(&edits)?;
    }
}

#[test]
fn what_is_remembered_holds_for_a_clock_that_is_set_back_too() {
    let ingress = Edit::Ingress { name: 0, age: 0, rules: vec![(0, Vec::new())], wish: 0, tls: Some(0), default: None };
    check(&[Edit::Secret(0, 0), ingress, Edit::Time(0), Edit::Time(NOW_S), Edit::Time(i64::MAX), Edit::Time(NOW_S)]).unwrap();
}
