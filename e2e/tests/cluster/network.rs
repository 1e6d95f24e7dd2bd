//! The NetworkPolicies of the chart against the Pods that they are about: what these listen on, and whom they call.

use crate::release::Release;
use gatewright_e2e::cluster::{Pod, Socket, app, eventually, ingress};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Protocol and port.
type Door = (String, u64);

/// What a policy lets in to the Pods of a workload, with the names of ports as these Pods have them.
fn let_in(policy: &Value, workload: &Value) -> BTreeSet<Door> {
    let containers = workload["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    let named: Vec<&Value> = containers.iter().filter_map(|container| container["ports"].as_array()).flatten().collect();
    let number = |port: &Value, protocol: &str| {
        let is_it = |own: &&&Value| own["name"] == *port && own["protocol"] == protocol;
        port.as_u64().or_else(|| named.iter().find(is_it)?["containerPort"].as_u64()).unwrap_or_else(|| panic!("the Pod has {port}"))
    };
    let rules = policy["spec"]["ingress"].as_array().unwrap();
    let ports = rules.iter().flat_map(|rule| rule["ports"].as_array().expect("a rule without ports lets everything in"));
    let door = |port: &Value| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        (protocol.to_owned(), number(&port["port"], protocol))
    };
    ports.map(door).collect()
}

/// What the containers of a Pod listen on for others than themselves.
fn doors(sockets: &BTreeSet<Socket>) -> BTreeSet<Door> {
    let open = sockets.iter().filter(|socket| socket.remote.is_none() && !socket.local.ip().is_loopback());
    open.map(|socket| (socket.protocol.to_owned(), u64::from(socket.local.port()))).collect()
}

fn sockets(pod: &Pod<'_>, containers: &[&str]) -> BTreeSet<Socket> {
    containers.iter().flat_map(|container| pod.sockets(container)).collect()
}

/// Whom the containers have called, with ports; themselves left out.
fn called(sockets: &BTreeSet<Socket>) -> BTreeSet<(IpAddr, u64)> {
    let own: BTreeSet<u16> = sockets.iter().filter(|socket| socket.remote.is_none()).map(|socket| socket.local.port()).collect();
    let calls = sockets.iter().filter(|socket| !own.contains(&socket.local.port()));
    let others = calls.filter_map(|socket| socket.remote).filter(|remote| !own.contains(&remote.port()));
    others.map(|remote| (remote.ip(), u64::from(remote.port()))).collect()
}

fn is_pod(address: IpAddr) -> bool {
    address.to_string().starts_with("10.244.")
}

/// Whether a policy lets its Pods call this address.
fn lets_out(policy: &Value, (address, port): (IpAddr, u64)) -> bool {
    let any_pod = json!([{"namespaceSelector": {}}]);
    policy["spec"]["egress"].as_array().unwrap().iter().any(|rule| {
        let ports = rule["ports"].as_array();
        let has_port = ports.is_none_or(|ports| ports.iter().any(|own| own["port"] == port));
        has_port && (rule["to"].is_null() || (rule["to"] == any_pod && is_pod(address)))
    })
}

/// Which of the Pods in the namespace a policy is about.
fn selected(release: &Release, policy: &Value) -> Vec<String> {
    release.world.pods_with(release.name, &policy["spec"]["podSelector"]["matchLabels"])
}

fn opens_what_is_listened_on(release: &Release, address: &str) {
    let (world, ns) = (release.world, release.name);
    world.apply(&app(ns, "app", &[address]));
    world.apply(&ingress(ns, "web", ns, &format!("{ns}.test"), "app"));
    let (policy, deployment) = (release.object("NetworkPolicy", ""), release.object("Deployment", ""));
    let expected = let_in(policy, deployment);
    let pod = release.pod(None);
    release.wait_ready();
    release.wait_pod(&format!("{ns}.test"), address);
    let names = ["controller", "proxy"];
    eventually("what is listened on is what the policy lets in", || {
        let open = doors(&sockets(&pod, &names));
        if open == expected { Ok(()) } else { Err(format!("{open:?}, and the policy has {expected:?}")) }
    });
    let calls = eventually("the API server and a Pod have been called", || {
        release.wait_pod(&format!("{ns}.test"), address);
        let calls = called(&sockets(&pod, &names));
        let pods = calls.iter().filter(|(remote, _)| is_pod(*remote)).count();
        if pods == 0 || pods == calls.len() { Err(format!("{calls:?}")) } else { Ok(calls) }
    });
    for call in calls {
        assert!(lets_out(policy, call), "{call:?} is cut off by {policy}");
    }
}

#[test]
fn the_policy_of_nginx_is_about_its_pods_and_opens_what_these_listen_on() {
    let values = [
        "controller.networkPolicy.enabled=true",
        "controller.metrics.enabled=true",
        "controller.admissionWebhooks.enabled=true",
        "controller.admissionWebhooks.port=15108",
        "defaultBackend.enabled=true",
        "tcp.15105=network-nginx/app:80",
        "udp.15106=network-nginx/names:53",
    ];
    let release = Release::install("network-nginx", 15_100, &values);
    // The API server would ask it about the Ingresses of all tests.
    release.world.delete("ValidatingWebhookConfiguration", "", "network-nginx-gatewright-admission");
    release.make_pods(2);
    for ending in ["", "-admission"] {
        let names = [0, 1].map(|number| format!("network-nginx-gatewright{ending}-{number}"));
        assert_eq!(selected(&release, release.object("NetworkPolicy", ending)), names);
    }
    for (service, ending) in [("", ""), ("-metrics", ""), ("-admission", "-admission"), ("-defaultbackend", "-defaultbackend")] {
        let names = [0, 1].map(|number| format!("network-nginx-gatewright{ending}-{number}"));
        let selector = &release.object("Service", service)["spec"]["selector"];
        assert_eq!(release.world.pods_with(release.name, selector), names, "Service {service}");
    }
    let names = app(release.name, "names", &["10.244.9.53"]).replace("name: http, port: 80,", "name: dns, protocol: UDP, port: 53,");
    release.world.apply(&names.replace("name: http, port: 8000, protocol: TCP", "name: dns, port: 8000, protocol: UDP"));
    opens_what_is_listened_on(&release, "10.244.9.51");

    let (policy, webhook) = (release.object("NetworkPolicy", "-admission"), release.object("Deployment", "-admission"));
    let pod = release.pod_of("-admission", None);
    let expected = let_in(policy, webhook);
    eventually("the webhook listens on what its policy lets in", || {
        let open = doors(&sockets(&pod, &["webhook"]));
        if open == expected { Ok(()) } else { Err(format!("{open:?}, and the policy has {expected:?}\n{}", pod.log("webhook"))) }
    });
    for call in called(&sockets(&pod, &["webhook"])) {
        assert!(lets_out(policy, call), "{call:?} is cut off by {policy}");
    }
}

#[test]
fn the_policy_of_haproxy_opens_what_its_pods_listen_on() {
    let values = ["controller.networkPolicy.enabled=true", "proxy.kind=haproxy", "tcp.15115=network-haproxy/app:80", "udp.15116=a/b:80"];
    opens_what_is_listened_on(&Release::install("network-haproxy", 15_110, &values), "10.244.9.52");
}
