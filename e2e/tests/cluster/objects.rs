//! What happens to routes when objects change: endpoints, Services, settings, paths.

use gatewright_e2e::cluster::{Install, World, app, eventually, holds_for, ingress, slice};
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::{on_each_kind, on_every_proxy};
use serde_json::json;
use std::time::Duration;

#[test]
fn top_2_4_5_endpoints_of_the_zone_of_the_own_node_are_preferred() {
    let world = World::shared();
    let install = Install::on(Proxy::HAPROXY_2_6, world, "zones");
    let ns = "zones";
    install.pod("zones", "192.0.2.61");
    world.patch("Node", "", "node-of-zones", &json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "zone-a"}}}));
    for (host, pods) in [("auto", ["10.244.2.61", "10.244.2.62"]), ("close", ["10.244.2.63", "10.244.2.64"])] {
        world.apply(&app(ns, host, &pods));
        world.apply(&ingress(ns, host, "zones", &format!("{host}.test"), host));
    }
    world.patch("Service", ns, "auto", &json!({"metadata": {"annotations": {"service.kubernetes.io/topology-mode": "Auto"}}}));
    world.patch("Service", ns, "close", &json!({"spec": {"trafficDistribution": "PreferClose"}}));
    let hint = |name: &str, pods: [&str; 2], zones: [&str; 2]| {
        let of = |n: usize| json!({"addresses": [pods[n]], "conditions": {"ready": true}, "hints": {"forZones": [{"name": zones[n]}]}});
        world.patch("EndpointSlice", ns, name, &json!({"endpoints": [of(0), of(1)]}));
    };
    let (auto, close) = (["10.244.2.61", "10.244.2.62"], ["10.244.2.63", "10.244.2.64"]);
    hint("auto", auto, ["zone-b", "zone-a"]);
    hint("close", close, ["zone-b", "zone-a"]);
    let controller = install.start(&["--enable-topology-aware-routing", "--publish-status-address=192.0.2.61"]);
    controller.wait_live();
    assert_eq!(controller.revision()["revision"], 1, "there was none without the zone: {}", controller.log());
    let seen = |host: &str| (0..8).map(|_| controller.get(host, "/").pod().to_owned()).collect::<std::collections::BTreeSet<_>>();
    let only = |pod: &str| std::collections::BTreeSet::from([pod.to_owned()]);
    assert_eq!([seen("auto.test"), seen("close.test")], [only(auto[1]), only(close[1])], "TOP-2");
    hint("close", close, ["zone-b", "zone-b"]);
    eventually("all are used", || if seen("close.test").len() == 2 { Ok(()) } else { Err("TOP-5".to_owned()) });
    hint("auto", auto, ["zone-b", "zone-b"]);
    controller.wait_status("auto.test", "/", 503); // TOP-4
}

#[test]
fn a_node_without_a_zone_is_told_and_all_endpoints_are_used() {
    let world = World::shared();
    let install = Install::on(Proxy::NGINX_1_22, world, "zoneless");
    install.pod("zoneless", "192.0.2.71");
    world.apply(&app("zoneless", "app", &["10.244.2.71"]));
    world.apply(&ingress("zoneless", "web", "zoneless", "zoneless.test", "app"));
    let controller = install.start(&["--enable-topology-aware-routing"]);
    controller.wait_live();
    controller.wait_pod("zoneless.test", "10.244.2.71");
    assert!(controller.log().contains("has no label topology.kubernetes.io/zone"), "{}", controller.log());
}

on_every_proxy! {
    fn mrg_1_and_pth_5_hosts_are_shared_and_paths_chosen(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "paths");
        let (ns, other) = (&*install.name, &*format!("{}-two", install.name));
        world.apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {other}}}\n"));
        world.apply(&app(ns, "a", &["10.244.2.1"]));
        world.apply(&app(other, "b", &["10.244.2.2"]));
        world.apply(&ingress(ns, "a", ns, "paths.test", "a").replace("path: /,", "path: /a,"));
        world.apply(&ingress(other, "b", ns, "paths.test", "b").replace("path: /, pathType: Prefix", "path: /b, pathType: Exact"));
        let controller = install.start(&[]);
        controller.wait_live();
        for (path, status, pod) in [
            ("/a", 200, "10.244.2.1"),
            ("/a/x", 200, "10.244.2.1"),
            ("/ab", 404, "-"),
            ("/b", 200, "10.244.2.2"),
            ("/b/", 404, "-"),
            ("/", 404, "-"),
        ] {
            let answer = controller.get("paths.test", path);
            assert_eq!((answer.status, answer.pod()), (status, pod), "{path}");
        }
        controller.wait_status("other.test", "/a", 404); // HST-2
    }
}

on_each_kind! {
    fn s503_7_ext_6_and_rld_3_services_and_endpoints_come_and_go_without_touching_the_ingress(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "endpoints");
        let ns = &*install.name;
        world.apply(&ingress(ns, "web", ns, "web.test", "app"));
        let controller = install.start(&[]);
        controller.wait_live();
        controller.wait_status("web.test", "/", 503);
        let said = controller.diagnostics();
        assert!(said.iter().any(|text| text.starts_with(&format!("GW0303 {ns}/web"))), "{said:?}");
        world.apply(&app(ns, "app", &["10.244.2.11"]));
        controller.wait_pod("web.test", "10.244.2.11");
        // RLD-3: the endpoint is replaced, and no request fails meanwhile.
        world.apply(&slice(ns, "app", &["10.244.2.11", "10.244.2.12"]));
        controller.wait_pod("web.test", "10.244.2.12");
        world.apply(&slice(ns, "app", &["10.244.2.12"]));
        eventually("only the new pod answers", || {
            let answer = controller.get("web.test", "/");
            assert_eq!(answer.status, 200, "{}", answer.body);
            if controller.revision()["settled"] == true && answer.pod() == "10.244.2.12" { Ok(()) } else { Err(answer.body) }
        });
        world.apply(&slice(ns, "app", &[]));
        controller.wait_status("web.test", "/", 503);
        world.delete("Service", ns, "app");
        world.delete("Ingress", ns, "web");
        controller.wait_status("web.test", "/", 404);
    }

    fn rld_4_settings_change_while_running(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "settings");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.2.21"]));
        world.apply(&ingress(ns, "web", ns, "web.test", "app"));
        world.patch("ConfigMap", ns, "gatewright", &json!({"data": {"server-tokens": "true", "force-ssl-redirect": "true"}}));
        let controller = install.start(&[&format!("--configmap={ns}/gatewright")]);
        controller.wait_live();
        let answer = controller.get("web.test", "/");
        assert_eq!((answer.status, answer.header("Location")), (308, Some("https://web.test")), "the first revision has the settings");
        assert_eq!(controller.revision()["revision"], 1, "there was none without them: {}", controller.log());
        let checksum = || {
            let main = controller.revision()["main"].as_str().and_then(|main| std::fs::read_to_string(main).ok()).unwrap_or_default();
            main.lines().next().and_then(|line| line.strip_prefix("# Configuration checksum: ")).map(str::to_owned)
        };
        let (before, published) = (checksum(), controller.log().matches("\"published\"").count());
        assert!(before.is_some(), "{}", controller.revision());
        world.patch("ConfigMap", ns, "gatewright", &json!({"data": {"http-redirect-code": "301"}}));
        controller.wait_status("web.test", "/", 301);
        eventually("there is another checksum, and a line in the log", || {
            let now = checksum();
            let is_new = now.is_some() && now != before && controller.log().matches("\"published\"").count() > published;
            if is_new { Ok(()) } else { Err(format!("{before:?} {now:?} {}", controller.log())) }
        });
        world.patch("ConfigMap", ns, "gatewright", &json!({"data": {"force-ssl-redirect": null}}));
        controller.wait_pod("web.test", "10.244.2.21");
        world.patch("ConfigMap", ns, "gatewright", &json!({"data": {"http-redirect-code": "200"}}));
        eventually("a bad value is said", || {
            let said = controller.diagnostics();
            if said.iter().any(|text| text.starts_with(&format!("GW0601 {ns}/gatewright"))) { Ok(()) } else { Err(format!("{said:?}")) }
        });
        controller.wait_status("web.test", "/", 200);
    }

    fn rld_6_what_does_not_matter_reloads_nothing(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "quiet");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.2.31"]));
        world.apply(&ingress(ns, "web", ns, "web.test", "app"));
        let controller = install.start(&[&format!("--watch-namespace={ns}"), "--publish-status-address=192.0.2.3"]);
        controller.wait_live();
        eventually("the status is written", || if world.addresses(ns, "web").is_empty() { Err(String::new()) } else { Ok(()) });
        let lines = || controller.log().matches("\"published\"").count();
        let (before, published) = (controller.revision(), lines());
        world.patch("Ingress", ns, "web", &json!({"metadata": {"labels": {"a": "b"}}}));
        // What is said already makes the same files.
        world.patch("Ingress", ns, "web", &json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/enable-cors": "false"}}}));
        world.patch("Service", ns, "app", &json!({"metadata": {"labels": {"a": "b"}}}));
        world.apply(&format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: unrelated, namespace: {ns}}}\ndata: {{a: b}}\n"));
        world.apply(&format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: unrelated, namespace: {ns}}}\nstringData: {{a: b}}\n"));
        holds_for(Duration::from_secs(2), "nothing is published", || {
            let now = controller.revision();
            if now["revision"] == before["revision"] && lines() == published { Ok(()) } else { Err(now.to_string()) }
        });
    }

    fn one_bad_ingress_among_others_hurts_only_itself(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "neighbours");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.2.41"]));
        let controller = install.start(&[]);
        controller.wait_live();
        for n in 0..20 {
            world.apply(&ingress(ns, &format!("good-{n}"), ns, &format!("good-{n}.test"), "app"));
        }
        // SCP-5: what the API server takes as a path.
        let bad = ingress(ns, "bad", ns, "bad.test", "app").replace(
            "path: /, pathType: Prefix",
            "path: \"/bla{alias /var/run/secrets/;}location ~* ^/abcd\", pathType: ImplementationSpecific",
        );
        world.apply(&bad);
        for n in 0..20 {
            controller.wait_pod(&format!("good-{n}.test"), "10.244.2.41");
        }
        eventually("the bad one is said", || {
            let said = controller.diagnostics();
            if said.iter().any(|text| text.contains(&format!("{ns}/bad"))) { Ok(()) } else { Err(format!("{said:?}")) }
        });
        controller.wait_status("bad.test", "/bla", 404);
        controller.wait_live().wait_pod("good-0.test", "10.244.2.41");
    }
}
