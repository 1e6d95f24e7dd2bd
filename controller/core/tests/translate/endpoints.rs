//! Endpoints that nobody is sent to: what is said of them, and of what is silent.

use crate::world::{World, ingress, service, slice, with};
use gatewright_core::diagnostic::Code;
use gatewright_core::names::ObjectName;
use serde_json::{Value, json};

/// What is said of endpoints beside one that is good, which is served in any case.
fn said_beside_good(object: Value) -> Vec<String> {
    let [plain, good] = service("s", "10.0.0.2");
    let mut world = World::new(&[plain, good, object, ingress("a", 1, &[("h.test", &[("/", "Prefix", "s")])])]);
    let translation = world.translate();
    let endpoints: Vec<_> = translation.model.backends.values().flat_map(|backend| &backend.endpoints).map(ToString::to_string).collect();
    assert!(endpoints.contains(&"10.0.0.2:8080".to_owned()), "{endpoints:?}");
    translation.diagnostics.iter().filter(|finding| finding.field != "spec.ingressClassName").map(ToString::to_string).collect()
}

fn bad(addresses: &[&str]) -> Value {
    slice("s", "bad", addresses, true)
}

#[test]
fn what_is_refused_beside_good_ones_is_told_on_its_own_object() {
    let of_slice = "EndpointSlice default/s-bad";
    let not_ours = "use the addresses of Pods or machines that serve this";
    let names = "write addresses; names are looked up for a Service of type ExternalName only";
    let older = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "s"},
        "subsets": [{"addresses": [{"ip": "10.0.0.2"}, {"ip": "169.254.169.254"}], "ports": [{"port": 8080}]}]});
    for (object, expected) in [
        (
            bad(&["127.0.0.1", "10.0.0.3", "127.0.0.2"]),
            format!(
                "error GW0308 {of_slice} endpoints: it has the endpoint 127.0.0.1, and endpoints may not have such addresses: it is loopback; {not_ours} (entry left out)"
            ),
        ),
        (
            with(bad(&["64:ff9b::a9fe:a9fe", "64:ff9b::a00:3"]), "/addressType", json!("IPv6")),
            format!(
                "error GW0308 {of_slice} endpoints: it has the endpoint 64:ff9b::a9fe:a9fe, and endpoints may not have such addresses: \
                 it leads to 169.254.169.254, which is link-local; {not_ours} (entry left out)"
            ),
        ),
        (
            with(bad(&["fd00:ec2::254"]), "/addressType", json!("IPv6")),
            format!(
                "error GW0308 {of_slice} endpoints: it has the endpoint fd00:ec2::254, and endpoints may not have such addresses: \
                 it is a cloud's metadata service; {not_ours} (entry left out)"
            ),
        ),
        (
            with(bad(&["10.0.0.3"]), "/ports", json!([{"port": 0}])),
            format!(
                "error GW0308 {of_slice} ports: it has the endpoint 10.0.0.3:0, and 0 is not a port; \
                 give the EndpointSlice a port from 1 to 65535 (entry left out)"
            ),
        ),
        (
            with(bad(&["10.0.0.3"]), "/ports", json!([{"port": 8080, "protocol": "UDP"}, {"name": "x", "port": 9, "protocol": "SCTP"}])),
            format!(
                "warning GW0311 {of_slice} ports: it has no TCP port of Service default/s (it has: 8080/UDP, 9/SCTP (\"x\")); \
                 give the port the protocol TCP (entry left out)"
            ),
        ),
        (
            with(bad(&["up.example", "10.0.0.3", "other.example"]), "/addressType", json!("FQDN")),
            format!("warning GW0311 {of_slice} endpoints: \"up.example\" and 1 more are not addresses; {names} (entry left out)"),
        ),
    ] {
        assert_eq!(said_beside_good(object), [expected]);
    }
    let mut world = World::new(&[service("s", "")[0].clone(), older, ingress("a", 1, &[("h.test", &[("/", "Prefix", "s")])])]);
    let said: Vec<_> = world.translate().diagnostics.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|one| one.starts_with("error GW0308 Endpoints default/s subsets: it has the endpoint 169.254.169.254,")),
        "{said:?}"
    );
}

#[test]
fn what_is_only_not_for_us_is_no_mistake() {
    let idle = slice("s", "bad", &["10.0.0.3"], false);
    let metrics = with(bad(&["10.0.0.3"]), "/ports", json!([{"name": "metrics", "port": 9090}]));
    let six = with(with(bad(&["fd00::3"]), "/addressType", json!("IPv6")), "/ports", json!([{"port": 8080}]));
    let both = with(bad(&["10.0.0.3"]), "/ports", json!([{"port": 8080, "protocol": "UDP"}, {"port": 8080}]));
    let refused_and_idle = with(bad(&[]), "/endpoints", json!([{"addresses": ["127.0.0.1"], "conditions": {"ready": false}}]));
    let idle_names = with(bad(&[]), "/endpoints", json!([]));
    for object in [idle, metrics, six, both, refused_and_idle, idle_names] {
        assert_eq!(said_beside_good(object), Vec::<String>::new());
    }
    // A Service of DNS has its port twice, and only one of them is asked for.
    let ports = json!([{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 80, "targetPort": 53}]);
    let dns = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": ports}});
    let of_dns = json!([{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]);
    let objects = [dns, with(bad(&["10.0.0.3"]), "/ports", of_dns), ingress("a", 1, &[("h.test", &[("/", "Prefix", "s")])])];
    assert_eq!(World::new(&objects).picture(), ["h.test /* → default-s-80"]);
    assert_eq!(World::new(&objects).codes().len(), 1, "but for the note about classes");
}

#[test]
fn a_service_without_endpoints_is_told_why() {
    let hinted = json!([{"addresses": ["10.0.0.3"], "hints": {"forZones": [{"name": "b"}]}}]);
    let with_port = |port: Value| with(service("s", "")[0].clone(), "/spec/ports", json!([port]));
    let (plain, web) = (json!({"port": 80, "targetPort": 8080}), json!({"name": "web", "port": 80, "targetPort": "http"}));
    for (port, slices, why, help) in [
        (&plain, vec![], "it has no EndpointSlice", "see whether its selector is that of Pods, and they run"),
        (&plain, vec![bad(&[])], "its EndpointSlices are empty", "see whether its selector is that of Pods, and they run"),
        (
            &plain,
            vec![slice("s", "bad", &["10.0.0.3"], false)],
            "none of its endpoints is ready",
            "see what kubectl describe says of its Pods",
        ),
        (
            &plain,
            vec![with(bad(&["10.0.0.3"]), "/ports", json!([{"port": 8080, "protocol": "UDP"}]))],
            "its EndpointSlices have no TCP port (they have: 8080/UDP)",
            "give it the name and protocol that the port of the Service has",
        ),
        (
            &web,
            vec![with(bad(&["10.0.0.3"]), "/ports", json!([{"name": "other", "port": 8080}]))],
            "its EndpointSlices have no TCP port named \"web\" (they have: 8080/TCP (\"other\"))",
            "give it the name and protocol that the port of the Service has",
        ),
        (
            &web,
            vec![with(bad(&["10.0.0.3"]), "/ports", json!([]))],
            "its EndpointSlices have no TCP port named \"web\" (they have: none)",
            "name a port of the containers \"http\", or write its number as targetPort",
        ),
        (
            &plain,
            vec![bad(&["up.example"])],
            "\"up.example\" is not an address",
            "write addresses; names are looked up for a Service of type ExternalName only",
        ),
        (
            &plain,
            vec![with(bad(&[]), "/endpoints", hinted)],
            "all are for other zones",
            "leave out what keeps its traffic in a zone, or add Pods in this one",
        ),
    ] {
        let service = with(with_port(port.clone()), "/metadata/annotations", json!({"service.kubernetes.io/topology-mode": "auto"}));
        let mut world = World::new(&[vec![service, ingress("a", 1, &[("h.test", &[("/", "Prefix", "s")])])], slices].concat());
        world.settings.topology_zone = Some("a".to_owned());
        let translation = world.translate();
        let told: Vec<_> = translation.diagnostics.iter().map(ToString::to_string).filter(|one| !one.contains("GW0101")).collect();
        let expected = format!(
            "warning GW0305 Ingress default/a spec.rules[0].http.paths[0].backend: Service default/s has no ready endpoints: {why}; {help} \
             (route answers 503)"
        );
        assert_eq!(told, [expected]);
    }
}

#[test]
fn a_service_without_a_port_to_name_is_told_to_have_one() {
    let told = |ports: Value| {
        let service = with(service("s", "")[0].clone(), "/spec/ports", ports);
        let translation = World::new(&[service, ingress("a", 1, &[("h.test", &[("/", "Prefix", "s")])])]).translate();
        translation.diagnostics.iter().find(|finding| finding.code == Code::NoPort).unwrap().help.clone()
    };
    assert_eq!(told(json!([])), "add it to the Service");
    assert_eq!(told(json!([{"port": 80, "protocol": "UDP"}])), "add it to the Service");
    assert_eq!(told(json!([{"port": 81}])), "name one of them");
    assert_eq!(told(json!([{"port": 80, "protocol": "UDP"}, {"port": 81}])), "name one of TCP");
}

#[test]
fn a_slice_that_is_nobodys_is_told() {
    let labelled = |labels: Value| with(slice("s", "own", &["10.0.0.3"], true), "/metadata/labels", labels);
    let mut world = World::new(&[]);
    let told = |world: &mut World| world.translate().diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>();
    let help = "set the label kubernetes.io/service-name to the name of the Service";
    let about = "warning GW0311 EndpointSlice default/s-own metadata.labels:";
    world.apply(labelled(json!({"app": "x"})));
    let missing = format!("{about} it has no label kubernetes.io/service-name, so no Service has its endpoints; {help} (object left out)");
    assert_eq!(told(&mut world), [missing]);
    world.apply(labelled(json!({"kubernetes.io/service-name": "a b"})));
    assert_eq!(
        told(&mut world),
        [format!("{about} \"a b\" is not the name of a Service, so no Service has its endpoints; {help} (object left out)")]
    );
    world.settings.watch_namespace = Some("elsewhere".to_owned());
    assert_eq!(told(&mut world), [""; 0], "it is not ours to look at");
    world.settings.watch_namespace = None;
    for labels in [json!({"multicluster.kubernetes.io/service-name": "x"}), json!({"kubernetes.io/service-name": "nowhere"})] {
        world.apply(labelled(labels));
        assert_eq!(told(&mut world), [""; 0], "it is somebody else's");
    }
}

#[test]
fn tcp_services_tell_the_same() {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tcp"}, "data": {"9000": "default/s:80"}});
    let [plain, good] = service("s", "10.0.0.2");
    let mut world = World::new(&[plain.clone(), good, bad(&["127.0.0.1"]), map.clone()]);
    world.settings.tcp_services_config_map = Some(ObjectName::new("default", "tcp").unwrap());
    let translation = world.translate();
    assert_eq!(translation.model.streams.values().map(|stream| stream.endpoints.len()).collect::<Vec<_>>(), [1]);
    let said = |world: &mut World| world.translate().diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(said(&mut world).contains("GW0308 EndpointSlice default/s-bad endpoints: it has the endpoint 127.0.0.1"));
    let mut none = World::new(&[plain, map]);
    none.settings.tcp_services_config_map = world.settings.tcp_services_config_map;
    assert!(said(&mut none).contains("Service default/s has no ready endpoints: it has no EndpointSlice; nothing listens on TCP port"));
}
