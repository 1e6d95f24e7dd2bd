//! The status of Ingresses and who writes it: `ingress-semantics` 19 and 20.

use gatewright_e2e::cluster::{Controller, Install, Setup, World, app, eventually, holds_for, ingress};
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::{on_each_kind, on_proxies};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// One Ingress named `web` in the namespace of the installation.
fn with_ingress<'w>(proxy: Proxy, world: &'w World, name: &str, pod: &str) -> Install<'w> {
    filled(Install::on(proxy, world, name), pod)
}

fn filled<'w>(install: Install<'w>, pod: &str) -> Install<'w> {
    let (world, name) = (install.world, &*install.name);
    world.apply(&app(name, "app", &[pod]));
    world.apply(&ingress(name, "web", name, &format!("{name}.test"), "app"));
    install
}

fn service(namespace: &str, name: &str, spec: &str) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n")
}

fn wait_addresses(world: &World, namespace: &str, expected: &[&str]) {
    eventually(&format!("the status holds {expected:?}"), || {
        let addresses = world.addresses(namespace, "web");
        if addresses == expected { Ok(()) } else { Err(format!("{addresses:?}")) }
    });
}

fn holder(world: &World, namespace: &str) -> String {
    let lease = world.object("Lease", namespace, "gatewright-leader");
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn leads(controller: &Controller<'_>) -> bool {
    controller.metric("nginx_ingress_controller_leader_election_status") == Some(1.0)
}

#[test]
fn the_status_can_be_left_alone_at_the_end_or_always() {
    let world = World::shared();
    let install = with_ingress(Proxy::NGINX_1_22, world, "kept", "10.244.5.41");
    install.pod("kept", "192.0.2.41");
    let mut controller = install.start(&["--update-status-on-shutdown=false"]);
    wait_addresses(world, "kept", &["192.0.2.41"]);
    controller.stop();
    assert_eq!(world.addresses("kept", "web"), ["192.0.2.41"]);
    world.patch_status("Ingress", "kept", "web", &json!({"loadBalancer": {"ingress": null}}));
    let mut controller = install.start(&["--update-status=false"]);
    controller.wait_live();
    eventually("it leads", || if leads(&controller) { Ok(()) } else { Err(controller.log()) });
    controller.stop();
    assert!(world.addresses("kept", "web").is_empty());
}

#[test]
fn two_replicas_hand_over_the_lease_and_only_the_leader_writes() {
    let world = World::shared();
    let install = with_ingress(Proxy::HAPROXY_2_6, world, "pair", "10.244.5.51");
    install.pod("pair-a", "192.0.2.51");
    install.pod("pair-b", "192.0.2.52");
    // So it shows who has written.
    let replica = |pod, flags| install.start_with(Setup { pod: Some(pod), flags, ..Setup::default() });
    let mut a = replica("pair-a", &["--publish-status-address=192.0.2.51"]);
    eventually("the first one leads", || if leads(&a) { Ok(()) } else { Err(a.log()) });
    let b = replica("pair-b", &["--publish-status-address=192.0.2.52"]);
    b.wait_live().wait_pod("pair.test", "10.244.5.51");
    wait_addresses(world, "pair", &["192.0.2.51"]);
    assert!(!leads(&b) && holder(world, "pair") == "pair-a");
    // Both see that it is gone.
    world.patch_status("Ingress", "pair", "web", &json!({"loadBalancer": {"ingress": null}}));
    wait_addresses(world, "pair", &["192.0.2.51"]);
    holds_for(Duration::from_secs(2), "the other one does not write", || {
        let addresses = world.addresses("pair", "web");
        if addresses == ["192.0.2.51"] { Ok(()) } else { Err(format!("{addresses:?}")) }
    });
    // A crash: the other one takes over once the Lease has run out.
    a.kill();
    eventually("the second one leads", || if leads(&b) && holder(world, "pair") == "pair-b" { Ok(()) } else { Err(b.log()) });
    wait_addresses(world, "pair", &["192.0.2.52"]);
    let lease = world.object("Lease", "pair", "gatewright-leader");
    assert_eq!(lease["spec"]["leaseTransitions"], 1, "{lease}");
    // Somebody deletes the Lease.
    world.delete("Lease", "pair", "gatewright-leader");
    eventually("it is taken again", || if holder(world, "pair") == "pair-b" { Ok(()) } else { Err(b.log()) });
}

#[test]
fn without_an_election_the_instance_leads_and_needs_no_lease() {
    let world = World::shared();
    let install = with_ingress(Proxy::HAPROXY_3_0, world, "alone", "10.244.5.61");
    install.forbid_leases();
    let _controller = install.start(&["--disable-leader-election", "--publish-status-address=192.0.2.61"]);
    wait_addresses(world, "alone", &["192.0.2.61"]);
}

#[test]
fn a_lease_that_may_not_be_written_is_said_with_the_verb_and_traffic_flows() {
    let world = World::shared();
    let install = with_ingress(Proxy::NGINX_1_28, world, "unelected", "10.244.5.71");
    install.forbid_leases();
    let controller = install.start(&["--publish-status-address=192.0.2.71"]);
    controller.wait_live().wait_pod("unelected.test", "10.244.5.71");
    eventually("the reason is in the log", || {
        let log = controller.log();
        let parts = ["cannot get resource", "leases", "coordination.k8s.io", "--disable-leader-election"];
        if parts.iter().all(|part| log.contains(part)) { Ok(()) } else { Err(log) }
    });
    assert!(world.addresses("unelected", "web").is_empty());
}

on_each_kind! {
    fn the_status_is_written_only_once_the_configuration_is_live(proxy) {
        let world = World::shared();
        let install = filled(Install::of(proxy, world, "early"), "10.244.5.81");
        let ns = &*install.name;
        // The proxy refuses what this template says.
        let templates = tempfile::tempdir().unwrap();
        let template = templates.path().join("status.tera");
        let refused = if proxy.is_nginx() { "\n    keepalive_timeout nonsense;\n" } else { "\n    timeout client nonsense\n" };
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../templates/{}/status.tera", proxy.kind));
        fs::write(&template, fs::read_to_string(built_in).unwrap() + refused).unwrap();
        let flag = format!("--templates={}", templates.path().display());
        let controller = install.start(&["--publish-status-address=192.0.2.81", &flag]);
        eventually("it leads", || if leads(&controller) { Ok(()) } else { Err(controller.log()) });
        eventually("it could not go live", || {
            let revision = controller.revision();
            if revision["trouble"].as_str().is_some_and(|text| !text.is_empty()) { Ok(()) } else { Err(revision.to_string()) }
        });
        holds_for(Duration::from_secs(2), "nothing is written", || {
            let addresses = world.addresses(ns, "web");
            if addresses.is_empty() { Ok(()) } else { Err(format!("{addresses:?}")) }
        });
        fs::remove_file(template).unwrap();
        wait_addresses(world, ns, &["192.0.2.81"]);
    }

    fn sta_1_2_and_7_given_addresses_are_written_and_restored(proxy) {
        let world = World::shared();
        let install = filled(Install::of(proxy, world, "given"), "10.244.5.1");
        let ns = &*install.name;
        let controller = install.start(&["--publish-status-address=a.example, 192.0.2.5"]);
        wait_addresses(world, ns, &["a.example", "192.0.2.5"]);
        assert!(leads(&controller));
        world.patch_status("Ingress", ns, "web", &json!({"loadBalancer": {"ingress": null}}));
        wait_addresses(world, ns, &["a.example", "192.0.2.5"]);
    }
}

on_proxies! {
    [nginx_1_22 = NGINX_1_22, haproxy_2_6 = HAPROXY_2_6]

    fn sta_3_to_5_the_addresses_of_a_service_are_followed(proxy) {
        let world = World::shared();
        let install = filled(Install::of(proxy, world, "balanced"), "10.244.5.11");
        let ns = &*install.name;
        world.apply(&service(ns, "front", "{type: LoadBalancer, ports: [{port: 80}]}"));
        let controller = install.start(&[&format!("--publish-service={ns}/front")]);
        controller.wait_live();
        assert!(world.addresses(ns, "web").is_empty(), "the load balancer is pending");
        let pending = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.11"}]}});
        world.patch_status("Service", ns, "front", &pending);
        wait_addresses(world, ns, &["192.0.2.11"]);
        world.patch("Service", ns, "front", &json!({"spec": {"externalIPs": ["192.0.2.12"]}}));
        wait_addresses(world, ns, &["192.0.2.11", "192.0.2.12"]);
        world.patch_status("Service", ns, "front", &json!({"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}}));
        world.patch("Service", ns, "front", &json!({"spec": {"externalIPs": null}}));
        wait_addresses(world, ns, &["lb.example"]);
        world.patch("Service", ns, "front", &json!({"spec": {"type": "NodePort"}}));
        let service = world.object("Service", ns, "front");
        let own = service["spec"]["clusterIP"].as_str().unwrap();
        wait_addresses(world, ns, &[own]);
        world.patch("Service", ns, "front", &json!({"spec": {"externalIPs": ["192.0.2.13"]}}));
        wait_addresses(world, ns, &["192.0.2.13"]);
    }

    fn sta_6_and_10_nodes_are_published_and_stay_when_one_of_two_replicas_stops(proxy) {
        let world = World::shared();
        let install = filled(Install::of(proxy, world, "nodes"), "10.244.5.21");
        let ns = &*install.name;
        let [first, second] = ["a", "b"].map(|replica| format!("{ns}-{replica}"));
        install.pod(&first, "192.0.2.21");
        install.pod(&second, "192.0.2.22");
        let mut a = install.start_with(Setup { pod: Some(&first), ..Setup::default() });
        wait_addresses(world, ns, &["192.0.2.21", "192.0.2.22"]);
        a.stop();
        assert_eq!(world.addresses(ns, "web").len(), 2, "another replica is there");
    }
}

on_proxies! {
    [nginx_1_30 = NGINX_1_30, haproxy_3_2 = HAPROXY_3_2]

    fn sta_9_the_last_replica_empties_the_status(proxy) {
        let world = World::shared();
        let install = filled(Install::of(proxy, world, "last"), "10.244.5.31");
        let ns = &*install.name;
        install.pod(ns, "192.0.2.31");
        let mut controller = install.start(&[]);
        wait_addresses(world, ns, &["192.0.2.31"]);
        controller.stop();
        assert!(world.addresses(ns, "web").is_empty(), "{}", controller.log());
        assert_eq!(holder(world, ns), "", "the Lease is given back");
    }
}
