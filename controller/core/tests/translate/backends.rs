//! Services, their ports and endpoints, and what becomes of a route without any.

use crate::world::{World, annotated, ingress, picture, service, services, slice, with};
use gatewright_core::diagnostic::Code;
use gatewright_core::state::Event;
use serde_json::{Value, json};

#[test]
fn s503_whatever_is_missing_answers_503_and_says_why() {
    let path = |service: &str, port: Value| {
        let backend = json!({"service": {"name": service, "port": port}});
        let rule = json!({"host": "h.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}});
        with(ingress("a", 1, &[]), "/spec", json!({"rules": [rule]}))
    };
    for (object, code) in [
        (path("ghost", json!({"number": 80})), Code::NoService),
        (path("s1", json!({"number": 81})), Code::NoPort),
        (path("s1", json!({"name": "web"})), Code::NoPort),
        (path("idle", json!({"number": 80})), Code::NoEndpoints),
        (path("own", json!({"number": 80})), Code::RefusedEndpoint),
    ] {
        let more = [service("idle", "10.0.0.9"), service("own", "127.0.0.1")].concat();
        let mut world = World::new(&[services(), more, vec![slice("idle", "a", &["10.0.0.9"], false), object]].concat());
        assert_eq!(world.picture(), ["h.test /* → 503"]);
        assert!(world.codes().contains(&code), "{:?}", world.translate().diagnostics);
    }
}

#[test]
fn top_1_to_5_endpoints_of_the_own_zone_are_kept_where_the_hints_allow_it() {
    let hinted = |address: &str, zone: Option<&str>| match zone {
        Some(zone) => json!({"addresses": [address], "hints": {"forZones": [{"name": zone}]}}),
        None => json!({"addresses": [address]}),
    };
    let endpoints = |zone: Option<&str>, service: (&str, Value), zones: [Option<&str>; 2]| {
        let endpoints = json!([hinted("10.0.0.8", zones[0]), hinted("10.0.0.9", zones[1])]);
        let [plain, slice] = self::service("s", "10.0.0.8");
        let objects = [with(plain, service.0, service.1), with(slice, "/endpoints", endpoints)];
        let mut world = World::new(&[objects.to_vec(), vec![ingress("a", 1, &[("h.test", &[("/", "Prefix", "s")])])]].concat());
        world.settings.topology_zone = zone.map(str::to_owned);
        let model = world.translate().model;
        model.backends.values().flat_map(|b| &b.endpoints).map(|e| e.ip().to_string()).collect::<Vec<_>>()
    };
    let auto = || ("/metadata/annotations", json!({"service.kubernetes.io/topology-mode": "Auto"}));
    let close = || ("/spec/trafficDistribution", json!("PreferClose"));
    let (a, b) = (Some("a"), Some("b"));
    assert_eq!(endpoints(None, auto(), [a, b]), ["10.0.0.8", "10.0.0.9"], "TOP-1");
    assert_eq!(endpoints(a, auto(), [a, b]), ["10.0.0.8"], "TOP-2");
    assert_eq!(endpoints(a, auto(), [a, None]), ["10.0.0.8", "10.0.0.9"], "TOP-3");
    assert_eq!(endpoints(a, auto(), [b, b]), [""; 0], "TOP-4");
    assert_eq!(endpoints(a, close(), [b, b]), ["10.0.0.8", "10.0.0.9"], "TOP-5");
    assert_eq!(endpoints(a, close(), [a, b]), ["10.0.0.8"]);
    assert_eq!(endpoints(a, ("/metadata/labels", json!({})), [a, b]), ["10.0.0.8", "10.0.0.9"], "a Service that does not ask for it");
}

#[test]
fn prt_ports_by_number_name_and_target() {
    let endpoints = |ports: Value, wanted: Value, slices: &[Value]| {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": ports}});
        let backend = json!({"service": {"name": "s", "port": wanted}});
        let rule = json!({"host": "h.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}});
        let all = [vec![service, with(ingress("a", 1, &[]), "/spec", json!({"rules": [rule]}))], slices.to_vec()].concat();
        let model = World::new(&all).translate().model;
        model.backends.values().flat_map(|b| &b.endpoints).map(ToString::to_string).collect::<Vec<_>>()
    };
    let slice = |suffix: &str, address: &str, ports: Value| with(slice("s", suffix, &[address], true), "/ports", ports);
    let plain = [slice("a", "10.0.0.1", json!([{"name": "http", "port": 8080}, {"name": "alt", "port": 9090}]))];
    let ports = json!([{"name": "http", "port": 80, "targetPort": 8080}, {"name": "alt", "port": 8080, "targetPort": 9090}]);
    assert_eq!(endpoints(ports.clone(), json!({"number": 80}), &plain), ["10.0.0.1:8080"], "PRT-1");
    assert_eq!(endpoints(ports.clone(), json!({"name": "http"}), &plain), ["10.0.0.1:8080"], "PRT-2");
    assert_eq!(endpoints(ports, json!({"number": 8080}), &plain), ["10.0.0.1:9090"], "PRT-4");
    let one = json!([{"name": "http", "port": 80, "targetPort": 8080}]);
    assert_eq!(endpoints(one, json!({"number": 8080}), &plain), ["10.0.0.1:8080"], "PRT-3");
    let named = json!([{"name": "http", "port": 80, "targetPort": "web"}]);
    let two =
        [slice("a", "10.0.0.1", json!([{"name": "http", "port": 8080}])), slice("b", "10.0.0.2", json!([{"name": "http", "port": 8081}]))];
    assert_eq!(endpoints(named, json!({"number": 80}), &two), ["10.0.0.1:8080", "10.0.0.2:8081"], "PRT-5");
    let bare = [slice("a", "fd00::1", json!([]))];
    assert_eq!(
        endpoints(json!([{"port": 80, "targetPort": 8080}]), json!({"number": 80}), &bare),
        ["[fd00::1]:8080"],
        "no ports in the slice"
    );
    let one = json!([{"name": "http", "port": 80, "targetPort": 8080}]);
    let other = [slice("a", "10.0.0.1", json!([{"name": "web", "port": 9999}]))];
    assert_eq!(endpoints(one, json!({"number": 80}), &other), ["10.0.0.1:8080"], "a name that no port of the Service has");
    let named = json!([{"name": "http", "port": 80, "targetPort": "http"}]);
    assert_eq!(endpoints(named, json!({"number": 80}), &other), [""; 0], "and no number to go by");
    let two = json!([{"name": "http", "port": 80, "targetPort": 8080}, {"name": "web", "port": 81, "targetPort": 9999}]);
    assert_eq!(endpoints(two, json!({"number": 80}), &other), [""; 0], "a slice for another port of the Service");
}

#[test]
fn ext_names_are_looked_up_and_filtered() {
    let external = |name: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "e"}, "spec": {"type": "ExternalName", "externalName": name}});
    let route = || ingress("a", 1, &[("h.test", &[("/", "Prefix", "e")])]);
    for refused in [
        "localhost",
        "x.localhost",
        "127.0.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "a.example; return 418",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
    ] {
        let mut world = World::new(&[external(refused), route()]);
        assert_eq!(world.picture(), ["h.test /* → 503"], "{refused}");
        assert!(world.codes().contains(&Code::RefusedExternalName), "{refused}");
    }
    let mut world = World::new(&[external("up.example."), route()]);
    let first = world.translate();
    assert_eq!(
        (picture(&first), first.wanted.dns_names.iter().map(|n| &**n).collect::<Vec<_>>()),
        (vec!["h.test /* → 503".to_owned()], vec!["up.example."])
    );
    world.snapshot.apply(Event::Resolved("up.example.".into(), vec!["10.9.9.9".parse().unwrap(), "127.0.0.1".parse().unwrap()]));
    assert_eq!(world.picture(), ["h.test /* → default-e-80"]);
    let endpoints: Vec<_> = world.translate().model.backends.values().flat_map(|b| b.endpoints.clone()).collect();
    assert_eq!(endpoints, ["10.9.9.9:80".parse().unwrap()], "the loopback address is left out");
    world.settings.disable_external_names = true;
    assert_eq!(world.picture(), ["h.test /* → 503"], "EXT-7");
}

#[test]
fn names_of_other_namespaces_are_reached_where_they_may_be() {
    let external = |name: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "e"}, "spec": {"type": "ExternalName", "externalName": name}});
    let config = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config", "namespace": "gw"}, "data": {"allow-cross-namespace-resources": value}});
    let picture = |name: &str, allowed: &str| {
        let mut world = World::new(&[external(name), ingress("a", 1, &[("h.test", &[("/", "Prefix", "e")])]), config("false")]);
        world.settings.config_map = Some(gatewright_core::names::ObjectName::new("gw", "config").unwrap());
        world.snapshot.apply(Event::Resolved(name.into(), vec!["10.96.7.7".parse().unwrap()]));
        world.picture();
        world.apply(config(allowed));
        (world.picture().join(""), world.codes().contains(&Code::RefusedExternalName))
    };
    let (refused, served) = (("h.test /* → 503".to_owned(), true), ("h.test /* → default-e-80".to_owned(), false));
    for name in ["web.shop.svc", "kubernetes.shop.svc.cluster.local", "p-0.Web.SHOP.SVC.Cluster.Local.", "10-96-7-7.shop.pod.cluster.local"]
    {
        assert_eq!((picture(name, "false"), picture(name, "true")), (refused.clone(), served.clone()), "{name}");
    }
    for name in ["web.default.svc", "p-0.web.default.svc.cluster.local.", "svc", "web.shop.svc.example.com", "web.shop", "cluster.local"] {
        assert_eq!(picture(name, "false"), served, "{name}");
    }
}

#[test]
fn ext_8_a_headless_service_has_no_address_of_its_own() {
    let endpoints = |cluster_ip: &str| {
        let [plain, slice] = service("s", "10.0.0.8");
        let route = annotated(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s")])]), &[("service-upstream", "true")]);
        let model = World::new(&[with(plain, "/spec/clusterIP", json!(cluster_ip)), slice, route]).translate().model;
        model.backends.values().flat_map(|b| &b.endpoints).map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(endpoints("10.96.0.1"), ["10.96.0.1:80"]);
    assert_eq!(endpoints("None"), ["10.0.0.8:8080"], "EXT-8");
}

#[test]
fn a_backend_that_says_two_things_is_left_out() {
    let path = |path: &str, backend: Value| json!({"path": path, "pathType": "Prefix", "backend": backend});
    let service = |port: Value| json!({"name": "s1", "port": port});
    let paths = json!([
        path("/both", json!({"service": service(json!({"number": 80})), "resource": {"kind": "Bucket", "name": "b"}})),
        path("/ports", json!({"service": service(json!({"number": 80, "name": "http"}))})),
        path("/none", json!({"service": service(json!({}))})),
        path("/zero", json!({"service": service(json!({"number": 0}))})),
        path("/good", json!({"service": service(json!({"number": 80, "name": ""}))})),
    ]);
    let object = with(ingress("a", 1, &[]), "/spec", json!({"rules": [{"host": "h.test", "http": {"paths": paths}}]}));
    let mut world = World::new(&[services(), vec![object]].concat());
    let translation = world.translate();
    assert_eq!(picture(&translation), ["h.test =/good → default-s1-80", "h.test /good/* → default-s1-80"]);
    let said: Vec<_> = translation.diagnostics.iter().filter(|d| d.code == Code::BadBackend).map(|d| &*d.message).collect();
    assert_eq!(
        said,
        [
            "the backend names a Service and a resource",
            "the backend names port \"http\" and port 80; one of them is too many",
            "the backend names no port: neither a name nor a number other than 0",
            "the backend names no port: neither a name nor a number other than 0",
        ]
    );
}

#[test]
fn a_default_backend_stands_in_for_a_service_without_endpoints() {
    let down = annotated(ingress("down", 1, &[("t", &[("/", "Prefix", "nobody")])]), &[("default-backend", "s1")]);
    let objects = [services(), vec![down.clone()]].concat();
    let mut world = World::new(&objects);
    assert_eq!(world.picture(), ["t /* → default-s1-80"]);
    let model = world.translate().model;
    assert!(model.hosts.values().last().unwrap().routes[0].policy.stands_in.is_some());
    assert_eq!(World::new(&[down]).picture(), ["t /* → 503"], "nobody stands in for nobody");
}

#[test]
fn an_endpoint_with_port_0_is_none() {
    let [plain, good] = service("s", "10.0.0.2");
    let zero = with(slice("s", "zero", &["10.0.0.1"], true), "/ports", json!([{"port": 0}]));
    let rule = ingress("a", 1, &[("h.test", &[("/", "Prefix", "s")])]);
    let mut alone = World::new(&[plain.clone(), zero.clone(), rule.clone()]);
    let findings = alone.translate().diagnostics;
    let told = findings.iter().find(|finding| finding.code == Code::RefusedEndpoint).expect("it is told");
    assert_eq!(told.message, "Service default/s has the endpoint 10.0.0.1:0, and 0 is not a port");
    let mut beside = World::new(&[plain, zero, good, rule]);
    let backends = beside.translate().model.backends;
    let endpoints: Vec<_> = backends.values().flat_map(|backend| backend.endpoints.clone()).collect();
    assert_eq!(endpoints, ["10.0.0.2:8080".parse().unwrap()]);
}

#[test]
fn loopback_endpoints_need_a_switch() {
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "near", "labels": {"kubernetes.io/service-name": "near"}},
        "endpoints": [{"addresses": ["127.0.0.1"]}], "ports": [{"port": 8080}],
    });
    let near = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "near"}, "spec": {"ports": [{"port": 80}]}});
    let mut world = World::new(&[near, slice, ingress("a", 1, &[("h.test", &[("/", "Prefix", "near")])])]);
    assert_eq!(world.picture(), ["h.test /* → 503"]);
    assert!(world.codes().contains(&Code::RefusedEndpoint));
    world.settings.loopback_endpoints = true;
    assert_eq!(world.picture(), ["h.test /* → default-near-80"]);
}

#[test]
fn what_concerns_a_service_port_is_agreed_by_all_who_use_it() {
    let rules = |path: &'static str| ingress("x", 1, &[("h.test", &[(path, "Prefix", "s1")])]);
    let named = |object: Value, name: &str, age: u32| {
        let object = with(object, "/metadata/name", json!(name));
        with(object, "/metadata/creationTimestamp", json!(format!("2026-01-01T00:00:{age:02}Z")))
    };
    let plain = named(rules("/plain"), "plain", 1);
    let first = named(annotated(rules("/one"), &[("affinity", "cookie"), ("session-cookie-name", "one")]), "first", 2);
    let second =
        named(annotated(rules("/two"), &[("affinity", "cookie"), ("session-cookie-name", "two"), ("load-balance", "ewma")]), "second", 3);
    let translation = World::new(&[services(), vec![plain, first, second]].concat()).translate();
    assert_eq!(translation.model.backends.len(), 1, "one for all three");
    let backend = translation.model.backends.values().next().unwrap();
    assert_eq!(backend.policy.affinity.as_ref().unwrap().cookie, "two", "the youngest names the cookie");
    assert_eq!(backend.balance, gatewright_core::model::Balance::RoundRobin, "the oldest says how requests are spread");
    let host = translation.model.hosts.values().next_back().unwrap();
    let setting: Vec<_> =
        host.routes.iter().filter(|route| route.policy.session_cookie.is_some()).map(|route| route.rule_path.as_str()).collect();
    assert_eq!(setting, ["/one", "/two"]);
}

#[test]
fn the_address_of_the_service_may_stand_for_its_endpoints() {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s1"},
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 80, "targetPort": 8080}]}});
    let route = annotated(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]), &[("service-upstream", "true")]);
    let translation = World::new(&[services(), vec![service, route.clone()]].concat()).translate();
    assert_eq!(translation.model.backends.values().next().unwrap().endpoints, ["10.96.0.1:80".parse().unwrap()]);
    let headless = World::new(&[services(), vec![route]].concat()).translate();
    assert_eq!(headless.model.backends.values().next().unwrap().endpoints, ["10.0.0.1:8080".parse().unwrap()]);
}
