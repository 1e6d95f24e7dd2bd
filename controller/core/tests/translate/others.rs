//! What is of other namespaces, or of the controller, and is reached by no way round: cluster IPs, names, the admin port.

use crate::world::{World, annotated, ingress, service, slice, with};
use gatewright_core::diagnostic::Code;
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::state::Event;
use serde_json::{Value, json};

fn route() -> Value {
    ingress("a", 1, &[("h.test", &[("/", "Prefix", "e")])])
}

fn external(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "e"}, "spec": {"type": "ExternalName", "externalName": name}})
}

/// A Service of another namespace.
fn of_shop() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"clusterIP": "10.96.7.7", "clusterIPs": ["10.96.7.7", "fd00:96::7"], "ports": [{"port": 80}]}})
}

fn is_served(world: &mut World, refusal: Code) -> bool {
    let (served, told) = (world.picture() == ["h.test /* → default-e-80"], world.codes().contains(&refusal));
    assert_ne!(served, told, "what is not served is told");
    served
}

const SPELLINGS: [&str; 6] = ["10.96.7.7", "::ffff:10.96.7.7", "fd00:96::7", "64:ff9b::10.96.7.7", "2002:a60:707::1", "::10.96.7.7"];

#[test]
fn cluster_ips_of_other_namespaces_are_no_endpoints() {
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config", "namespace": "gw"}, "data": {"allow-cross-namespace-resources": "true"}});
    for ip in SPELLINGS {
        let [plain, _] = service("e", "10.0.0.1");
        for by_hand in [vec![plain, slice("e", "x", &[ip], true)], vec![external(ip)]] {
            let refusal = if by_hand.len() == 2 { Code::RefusedEndpoint } else { Code::RefusedExternalName };
            let mut world = World::new(&[by_hand, vec![route()]].concat());
            assert!(is_served(&mut world, refusal), "{ip}: nobody has it");
            world.apply(of_shop());
            assert!(!is_served(&mut world, refusal), "{ip}: of another namespace from now on");
            world.settings.config_map = Some(ObjectName::new("gw", "config").unwrap());
            world.apply(config.clone());
            assert!(is_served(&mut world, refusal), "{ip}: where that may be");
            world.settings.config_map = None;
            assert!(!is_served(&mut world, refusal), "{ip}");
            world.snapshot.apply(Event::Deleted(ObjectRef::new(Kind::Service, ObjectName::new("shop", "web").unwrap())));
            assert!(is_served(&mut world, refusal), "{ip}: nobody has it any more");
        }
    }
}

#[test]
fn one_cluster_ip_among_endpoints_is_left_out_alone() {
    let [plain, good] = service("e", "10.0.0.1");
    let mut world = World::new(&[plain, good, slice("e", "x", &["10.96.7.7"], true), route(), of_shop()]);
    let translation = world.translate();
    let endpoints: Vec<_> = translation.model.backends.values().flat_map(|backend| backend.endpoints.clone()).collect();
    assert_eq!(endpoints, ["10.0.0.1:8080".parse().unwrap()]);
    let told = translation.diagnostics.iter().find(|finding| finding.code == Code::RefusedEndpoint).expect("it is told");
    assert_eq!(
        told.message,
        "it has the endpoint 10.96.7.7, and endpoints may not have such addresses: it is of a Service of another namespace, which \
         allow-cross-namespace-resources does not allow"
    );
}

#[test]
fn a_cluster_ip_of_the_own_namespace_is_an_address_as_any_other() {
    let own = with(with(of_shop(), "/metadata", json!({"name": "web"})), "/spec/clusterIPs", json!(["10.96.7.7"]));
    for service in [vec![external("10.96.7.7")], vec![service("e", "10.0.0.1")[0].clone(), slice("e", "x", &["10.96.7.7"], true)]] {
        assert!(is_served(&mut World::new(&[service, vec![own.clone(), route()]].concat()), Code::RefusedEndpoint));
    }
}

#[test]
fn what_a_name_resolves_to_is_no_cluster_ip_of_another_namespace() {
    // The second is 10.96.7.7 to the system's resolver.
    for name in ["db.example", "173016839", "0xa600707", "012.0140.07.07"] {
        let mut world = World::new(&[external(name), route(), of_shop()]);
        world.snapshot.apply(Event::Resolved(name.into(), vec!["10.96.7.7".parse().unwrap()]));
        assert!(!is_served(&mut world, Code::RefusedExternalName), "{name}");
    }
}

#[test]
fn names_of_services_of_other_namespaces_are_known_in_short_and_in_any_domain() {
    for (name, may_be) in [
        ("web.shop", false),
        ("WEB.Shop.", false),
        ("p-0.web.shop", true),
        ("api.web.shop.", true),
        ("a.p-0.web.shop", true),
        ("web.shop.svc.corp.example", false),
        ("p-0.web.shop.svc.corp.example", false),
        ("10-1-2-3.shop.pod.corp.example", false),
        ("cart.shop", true),
        ("web.default", true),
        ("10-1-2-3.default.pod.corp.example", true),
        ("web.shop.example", true),
        ("www.shop.pod.example", true),
        ("web", true),
    ] {
        let mut world = World::new(&[external(name), route()]);
        world.snapshot.apply(Event::Resolved(name.into(), vec!["10.1.2.3".parse().unwrap()]));
        if !name.contains("pod") {
            assert!(is_served(&mut world, Code::RefusedExternalName), "{name}: nobody has it");
        }
        world.apply(of_shop());
        assert_eq!(is_served(&mut world, Code::RefusedExternalName), may_be, "{name}");
    }
}

#[test]
fn a_name_in_the_namespace_of_the_controller_is_of_another_one_unless_it_is_a_whole_name() {
    let headless = with(of_shop(), "/spec", json!({"clusterIP": "None", "ports": [{"port": 80}]}));
    for (name, own, may_be) in [
        ("web", "shop", false),
        ("WEB", "shop", false),
        ("p-0.web", "shop", false),
        ("web.", "shop", true),
        ("p-0.web.", "shop", true),
        ("cart", "shop", true),
        ("web", "default", true),
    ] {
        let mut world = World::new(&[external(name), route(), headless.clone()]);
        world.settings.own_namespace = Some(own.to_owned());
        world.snapshot.apply(Event::Resolved(name.into(), vec!["192.0.2.7".parse().unwrap()]));
        assert_eq!(is_served(&mut world, Code::RefusedExternalName), may_be, "{name}: a controller in {own}");
    }
}

#[test]
fn ext_3_a_name_with_a_dot_behind_is_asked_for_as_it_is() {
    for (name, asked) in [("up.example.", Some("up.example.")), ("up.example", Some("up.example")), ("up.example..", None), (".", None)] {
        let mut world = World::new(&[external(name), route()]);
        let wanted: Vec<_> = world.translate().wanted.dns_names.iter().map(ToString::to_string).collect();
        assert_eq!(wanted, asked.into_iter().collect::<Vec<_>>(), "{name}");
        let other = if name.ends_with('.') { name.trim_end_matches('.').to_owned() } else { format!("{name}.") };
        world.snapshot.apply(Event::Resolved(other.as_str().into(), vec!["192.0.2.7".parse().unwrap()]));
        assert_ne!(world.picture(), ["h.test /* → default-e-80"], "{name}: the answer for {other} is another one's");
        world.snapshot.apply(Event::Resolved(name.into(), vec!["192.0.2.8".parse().unwrap()]));
        assert_eq!(world.picture() == ["h.test /* → default-e-80"], asked.is_some(), "{name}");
    }
}

#[test]
fn a_longer_name_is_of_a_service_where_that_is_headless_or_it_leads_to_its_endpoints() {
    let headless = with(of_shop(), "/spec", json!({"clusterIP": "None", "ports": [{"port": 80}]}));
    for (name, service, address, may_be) in [
        ("api.web.shop", &of_shop(), "192.0.2.7", true),
        ("api.web.shop", &headless, "192.0.2.7", false),
        ("www.api.web.shop", &headless, "192.0.2.7", true),
        ("10-1-2-3.web.shop", &of_shop(), "10.1.2.3", false),
        ("http.tcp.web.shop", &headless, "10.1.2.3", false),
    ] {
        let mut world = World::new(&[external(name), route()]);
        world.snapshot.apply(Event::Resolved(name.into(), vec![address.parse().unwrap()]));
        assert!(is_served(&mut world, Code::RefusedExternalName), "{name}: nobody has it");
        world.apply(service.clone());
        let name_in_shop = json!({"name": "web-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}});
        world.apply(with(slice("web", "x", &["10.1.2.3"], true), "/metadata", name_in_shop));
        assert_eq!(is_served(&mut world, Code::RefusedExternalName), may_be, "{name}: {service}");
    }
}

#[test]
fn nobody_is_sent_to_the_admin_port() {
    let at = |ip: &str, port: u16| {
        let near = with(slice("e", "x", &[ip], true), "/ports", json!([{"port": port}]));
        let mut world = World::new(&[service("e", "10.0.0.1")[0].clone(), near, route()]);
        world.settings.own_addresses = vec!["10.0.0.9".parse().unwrap(), "fd00::9".parse().unwrap()];
        (world.settings.admin_port, world.settings.loopback_endpoints) = (Some(10254), true);
        is_served(&mut world, Code::RefusedEndpoint)
    };
    for ip in ["10.0.0.9", "fd00::9", "::ffff:10.0.0.9", "127.0.0.1", "127.9.9.9", "::1"] {
        assert_eq!([at(ip, 10254), at(ip, 10246)], [false, false], "{ip}");
    }
    assert!(at("10.0.0.9", 8080) && at("127.0.0.1", 8080) && at("10.0.0.8", 10254));
    for key in ["auth-url", "mirror-target"] {
        let mut world =
            World::new(&[service("e", "10.0.0.1").to_vec(), vec![annotated(route(), &[(key, "http://10.0.0.9:10254/metrics")])]].concat());
        world.settings.own_addresses = vec!["10.0.0.9".parse().unwrap()];
        world.settings.admin_port = Some(10254);
        assert!(world.codes().contains(&Code::RefusedServer), "{key}");
        world.settings.admin_port = None;
        assert!(!world.codes().contains(&Code::RefusedServer), "{key}");
    }
}

#[test]
fn only_what_the_cluster_notes_for_pods_of_the_namespace_may_be_all() {
    let noted = |by: &str, of: Value| {
        let object = with(
            slice("e", "x", &["10.0.0.2"], true),
            "/metadata/labels",
            json!({"kubernetes.io/service-name": "e", "endpointslice.kubernetes.io/managed-by": by}),
        );
        with(object, "/endpoints", json!([{"addresses": ["10.0.0.2"], "targetRef": of}]))
    };
    let pod = json!({"kind": "Pod", "name": "e-0", "namespace": "default"});
    let by_itself = "endpointslice-controller.k8s.io";
    let selecting = with(service("e", "")[0].clone(), "/spec/selector", json!({"app": "e"}));
    let is_one = |plain: &Value, object: Value| {
        let mut world = World::new(&[plain.clone(), object, route()]);
        assert!(is_served(&mut world, Code::RefusedEndpoint), "where that is not asked for");
        world.settings.only_pod_endpoints = true;
        is_served(&mut world, Code::RefusedEndpoint)
    };
    assert!(is_one(&selecting, noted(by_itself, pod.clone())));
    let mut world = World::new(&[
        with(selecting.clone(), "/spec/clusterIP", json!("10.96.0.9")),
        slice("e", "x", &["10.0.9.9"], true),
        annotated(route(), &[("service-upstream", "true")]),
    ]);
    let sent = |world: &mut World| {
        let backends = world.translate().model.backends;
        backends
            .values()
            .flat_map(|backend| backend.endpoints.iter().map(|one| one.ip().to_string()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    assert_eq!(sent(&mut world), ["10.96.0.9"]);
    world.settings.only_pod_endpoints = true;
    assert!(sent(&mut world).is_empty(), "whatever is behind the address of the Service");
    world.apply(noted(by_itself, pod.clone()));
    assert_eq!(sent(&mut world), ["10.0.0.2"], "what the cluster has noted");
    for (plain, object) in [
        (&selecting, slice("e", "x", &["10.0.0.2"], true)),
        (&selecting, noted("somebody", pod.clone())),
        (&selecting, noted(by_itself, json!({"kind": "Pod", "name": "e-0", "namespace": "shop"}))),
        (&selecting, noted(by_itself, json!({"kind": "Node", "name": "n"}))),
        (&selecting, noted(by_itself, Value::Null)),
        (&service("e", "")[0], noted(by_itself, pod)),
    ] {
        assert!(!is_one(plain, object.clone()), "{object}");
    }
}
