//! Routes whose endpoints are all gone: the order of the reference under 1.5.

use gatewright_e2e::client::get;
use gatewright_e2e::echo::{asked, new_pod, new_pod_that_keeps};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, service, slice};
use gatewright_e2e::on_every_version;
use gatewright_e2e::wait::until;
use gatewright_e2e::world::{World, workers_of};
use serde_json::{Value, json};
use std::net::IpAddr;

on_every_version! {
    fn ann_1_5_without_endpoints_nobody_is_asked_counted_or_copied(proxy) {
        let [gate, copies] = [new_pod_that_keeps("gate"), new_pod_that_keeps("copies")];
        let pod: IpAddr = new_pod("s").into();
        let route = |name: &str| ingress(name).prefix(&format!("{name}.test"), "/", "s");
        let users = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users"}, "stringData": {"auth": "anna:{PLAIN}a\n"}});
        let routes = [
            config_map("settings", &[("limit-req-status-code", "429")]),
            users,
            route("asked").annotation("auth-url", &format!("http://{gate}:8080/")),
            route("limited").annotation("limit-rpm", "1").annotation("limit-burst-multiplier", "1"),
            route("copied").annotation("mirror-target", &format!("http://{copies}:8080/")),
            route("denied").annotation("denylist-source-range", "0.0.0.0/0"),
            route("closed").annotation("auth-type", "basic").annotation("auth-secret", "users"),
            route("secure").annotation("force-ssl-redirect", "true").annotation("auth-url", &format!("http://{gate}:8080/")),
            route("moved").annotation("permanent-redirect", "http://a.test/").annotation("auth-url", &format!("http://{gate}:8080/")),
        ];
        let with = |pods: &[IpAddr]| -> Vec<Value> { [&[service("s"), slice("s", pods)], &routes[..]].concat() };
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &with(&[])).start();
        let statuses = |names: &[&str]| names.iter().map(|name| get(&format!("{name}.test"), "/").unwrap().status).collect::<Vec<_>>();
        let all = ["asked", "limited", "limited", "limited", "copied", "denied", "closed", "secure", "moved"];
        let vacant = [503, 503, 503, 503, 503, 503, 503, 308, 301];
        assert_eq!(statuses(&all), vacant);
        assert_eq!([asked(gate), asked(copies)].map(|asked| asked.len()), [0, 0], "nobody was told");

        // With its first probe HAProxy loads a section.
        world.sync("probe.yaml");
        let before = workers_of(world.proxy_pid());
        for round in 1..=2 {
            world.apply("i.yaml", &with(&[pod]));
            // One, and the burst of one.
            let limited = if round == 1 { [200, 200, 429] } else { [429; 3] };
            let served = [&[200], &limited[..], &[200, 403, 401, 308, 301]].concat();
            assert_eq!(statuses(&all), served, "none of the requests before was counted");
            until("the copy is there", || asked(copies).len() == round);
            world.apply("i.yaml", &with(&[]));
            let told = [asked(gate), asked(copies)].map(|asked| asked.len());
            assert_eq!(statuses(&all), vacant);
            assert_eq!([asked(gate), asked(copies)].map(|asked| asked.len()), told, "nobody is told any more");
        }
        if !proxy.is_nginx() {
            assert_eq!(workers_of(world.proxy_pid()), before, "nothing was reloaded");
        }
    }
}
