//! Services and endpoints: ports, conditions, external names, balancing.

use gatewright_e2e::client::get;
use gatewright_e2e::echo::{name, new_pod};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, service, service_with, slice, slice_with};
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::wait::until_eq;
use gatewright_e2e::world::{World, who};
use gatewright_e2e::{on_every_proxy, on_every_version};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The ports of all pods that answer, over a few requests.
fn ports(host: &str, target: &str) -> BTreeSet<u64> {
    (0..8).filter_map(|_| get(host, target).ok()?.echo()["port"].as_u64()).collect()
}

fn ready(address: &str, conditions: Value) -> Value {
    json!({"addresses": [address], "conditions": conditions})
}

on_every_version! {
    fn prt_1_to_8_ports_are_found_by_number_and_name(proxy) {
        let site = Site::of(proxy, "prt");
        let h = site.host("h");
        let pod = || json!([{"addresses": [new_pod("s")]}]);
        let spec = |ports: Value| json!({"ports": ports});
        let long = "s".repeat(63);
        let mut objects = vec![
            // PRT-1 to PRT-3
            service("plain"),
            slice("plain", &[new_pod("plain").into()]),
            // PRT-4
            service_with("two", &spec(json!([{"name": "a", "port": 80, "targetPort": 8080}, {"name": "b", "port": 8080, "targetPort": 9090}]))),
            slice_with("two-1", "two", &pod(), &json!([{"name": "a", "port": 8080}, {"name": "b", "port": 9090}])),
            // PRT-5
            service_with("named", &spec(json!([{"name": "web", "port": 80, "targetPort": "web"}]))),
            slice_with("named-1", "named", &pod(), &json!([{"name": "web", "port": 8080}])),
            slice_with("named-2", "named", &pod(), &json!([{"name": "web", "port": 8081}])),
            // PRT-6
            service_with("headless", &json!({"clusterIP": "None", "ports": [{"port": 80, "targetPort": 8080}]})),
            slice_with("headless-1", "headless", &pod(), &json!([{"port": 8080}])),
            // PRT-7, PRT-8: found by label, whatever the name
            service(&long),
            slice_with("any-name", &long, &pod(), &json!([{"name": "http", "port": 8080}])),
            // A port of UDP is none of ours.
            service_with("udp", &spec(json!([{"name": "dns", "port": 80, "protocol": "UDP"}]))),
            slice_with("udp-1", "udp", &pod(), &json!([{"name": "dns", "port": 8080, "protocol": "UDP"}])),
        ];
        let paths = [
            ("/1", "plain"), ("/2", "plain:http"), ("/3", "plain:8080"), ("/4", "two:8080"), ("/5", "named"), ("/5n", "named:web"),
            ("/6", "headless"), ("/8", &long), ("/udp", "udp"),
        ];
        objects.push(paths.iter().fold(ingress("a"), |ingress, (path, service)| ingress.prefix(&h, path, service)));
        site.apply(&objects);
        let wanted: [(&str, &[u64]); 9] = [
            ("/1", &[8080]), ("/2", &[8080]), ("/3", &[8080]), ("/4", &[9090]), ("/5", &[8080, 8081]), ("/5n", &[8080, 8081]),
            ("/6", &[8080]), ("/8", &[8080]), ("/udp", &[]),
        ];
        for (path, wanted) in wanted {
            assert_eq!(ports(&h, path), wanted.iter().copied().collect(), "{path}");
        }
        assert_eq!(who(&h, "/udp"), "503");
    }

    fn an_endpoint_with_port_0_costs_its_own_path(proxy) {
        let site = Site::of(proxy, "zero");
        let h = site.host("h");
        let zero = |service: &str| slice_with(&format!("{service}-0"), service, &json!([{"addresses": [new_pod("zero")]}]), &json!([{"name": "http", "port": 0}]));
        let rules = ingress("a").prefix(&h, "/good", "good").prefix(&h, "/zero", "zero").prefix(&h, "/both", "both");
        site.apply(&[running("good"), running("both"), vec![service("zero"), zero("zero"), zero("both"), rules]].concat());
        assert_eq!([who(&h, "/good"), who(&h, "/zero"), who(&h, "/both")], ["good", "503", "both"]);
        let told = site.diagnostics();
        assert!(told.iter().any(|line| line.contains("0 is not a port")), "{told:#?}");
    }

    fn only_ready_endpoints_are_used(proxy) {
        let site = Site::of(proxy, "ready");
        let h = site.host("h");
        let [good, bad] = [new_pod("good").to_string(), new_pod("bad").to_string()];
        let apply = |endpoints: Value| {
            let slice = slice_with("s-1", "s", &endpoints, &json!([{"name": "http", "port": 8080}]));
            site.apply(&[service("s"), slice, ingress("a").prefix(&h, "/", "s")]);
            (0..6).map(|_| who(&h, "/")).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        assert_eq!(apply(json!([ready(&good, json!({})), ready(&bad, json!({"ready": false}))])), ["good"]);
        assert_eq!(apply(json!([ready(&good, json!({"ready": null}))])), ["good"], "nothing said means ready");
        let leaving = json!({"ready": false, "serving": true, "terminating": true});
        assert_eq!(apply(json!([ready(&good, json!({"ready": true})), ready(&bad, leaving.clone())])), ["good"]);
        assert_eq!(apply(json!([ready(&bad, leaving)])), ["503"], "a pod that goes takes nothing new, even the last one");
        assert_eq!(apply(json!([ready(&good, json!({})), ready(&bad, json!({}))])), ["bad", "good"]);
    }

    fn the_old_endpoints_object_works_too(proxy) {
        let site = Site::of(proxy, "endpoints");
        let h = site.host("h");
        let [pod, away] = [new_pod("s"), new_pod("away")];
        let subsets = json!([{"addresses": [{"ip": pod}], "notReadyAddresses": [{"ip": away}], "ports": [{"name": "http", "port": 8080}]}]);
        let endpoints = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "s"}, "subsets": subsets});
        site.apply(&[service("s"), endpoints, ingress("a").prefix(&h, "/", "s")]);
        assert_eq!((0..4).map(|_| who(&h, "/")).collect::<BTreeSet<_>>(), BTreeSet::from(["s".to_owned()]));
    }

    fn external_ips_stand_in_for_endpoints_in_a_folder(proxy) {
        let site = Site::of(proxy, "external-ips");
        let h = site.host("h");
        let spec = json!({"ports": [{"port": 8080}], "externalIPs": [new_pod("s")]});
        site.apply(&[service_with("s", &spec), ingress("a").prefix(&h, "/", "s:8080")]);
        assert_eq!(who(&h, "/"), "s");
    }

    fn dual_stack_endpoints_are_merged(proxy) {
        let site = Site::of(proxy, "dual");
        let h = site.host("h");
        let v6 = "fd00:244::d";
        name(v6.parse().unwrap(), "six");
        let six = slice_with("s-6", "s", &json!([{"addresses": [v6]}]), &json!([{"name": "http", "port": 8080}]));
        let fqdn = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "FQDN",
            "metadata": {"name": "s-f", "labels": {"kubernetes.io/service-name": "s"}},
            "endpoints": [{"addresses": ["x.example"]}], "ports": [{"name": "http", "port": 8080}],
        });
        site.apply(&[service("s"), slice("s", &[new_pod("four").into()]), six, fqdn, ingress("a").prefix(&h, "/", "s")]);
        assert_eq!((0..8).map(|_| who(&h, "/")).collect::<BTreeSet<_>>(), BTreeSet::from(["four".to_owned(), "six".to_owned()]));
    }

    fn lb_1_requests_go_to_the_pods_in_turn(proxy) {
        let world = World::of(proxy).arg("--configmap=default/settings");
        let pods: Vec<_> = (0..3).map(|_| new_pod("s").into()).collect();
        let objects = [config_map("settings", &[("worker-processes", "1")]), service("s"), slice("s", &pods), ingress("a").prefix("h.test", "/", "s")];
        let _world = world.manifest("i.yaml", &objects).start();
        let mut shares = BTreeMap::new();
        for _ in 0..600 {
            *shares.entry(get("h.test", "/").unwrap().echo()["address"].to_string()).or_insert(0) += 1;
        }
        assert_eq!(shares.into_values().collect::<Vec<u32>>(), [200, 200, 200]);
    }

    fn lb_2_every_pod_gets_its_share(proxy) {
        let site = Site::of(proxy, "lb-2");
        let h = site.host("h");
        let pods: Vec<_> = (0..10).map(|_| new_pod("s").into()).collect();
        site.apply(&[service("s"), slice("s", &pods), ingress("a").prefix(&h, "/", "s")]);
        let seen: BTreeSet<_> = (0..100).map(|_| get(&h, "/").unwrap().echo()["address"].to_string()).collect();
        assert_eq!(seen.len(), 10);
    }

    fn a_pod_that_does_not_answer_costs_no_request(proxy) {
        let site = Site::of(proxy, "retry");
        let h = site.host("h");
        // Port 1 is closed.
        let slices = [
            slice_with("s-1", "s", &json!([{"addresses": [new_pod("dead")]}]), &json!([{"name": "http", "port": 1}])),
            slice_with("s-2", "s", &json!([{"addresses": [new_pod("alive")]}]), &json!([{"name": "http", "port": 8080}])),
        ];
        site.apply(&[vec![service_with("s", &json!({"ports": [{"name": "http", "port": 80, "targetPort": "http"}]}))], slices.to_vec(), vec![
            ingress("a").prefix(&h, "/", "s"),
        ]].concat());
        for _ in 0..20 {
            assert_eq!(who(&h, "/"), "alive");
        }
    }

    fn ext_8_a_headless_service_is_its_pods_whatever_service_upstream_says(proxy) {
        let site = Site::of(proxy, "ext-8");
        let h = site.host("h");
        let headless = service_with("s", &json!({"clusterIP": "None", "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}));
        let route = ingress("a").prefix(&h, "/", "s").annotation("service-upstream", "true");
        site.apply(&[headless, slice("s", &[new_pod("first").into(), new_pod("second").into()]), route]);
        assert_eq!((0..8).map(|_| who(&h, "/")).collect::<BTreeSet<_>>(), BTreeSet::from(["first".to_owned(), "second".to_owned()]));
    }

    fn ext_1_to_6_external_names_are_looked_up(proxy) {
        let world = World::of(proxy).build();
        let [first, second] = [new_pod("first"), new_pod("second")];
        world.hosts(&format!("{first} first.example first.example. short\n{second} second.example"));
        let external = |name: &str, target: &str, ports: Value| {
            service_with(name, &json!({"type": "ExternalName", "externalName": target, "ports": ports}))
        };
        let declared = || json!([{"name": "web", "port": 80, "targetPort": 8080}]);
        let objects = |target: &str| {
            vec![
                external("undeclared", "short", Value::Null),
                external("declared", target, declared()),
                external("dot", "first.example.", declared()),
                external("invalid", "invalid.hostname", declared()),
                external("own", "localhost", declared()),
                external("literal", "127.0.0.1", declared()),
                ingress("a")
                    .prefix("h.test", "/1", "undeclared:8080")
                    .prefix("h.test", "/2", "declared:web")
                    .prefix("h.test", "/3", "dot")
                    .prefix("h.test", "/4", "invalid")
                    .prefix("h.test", "/own", "own")
                    .prefix("h.test", "/literal", "literal"),
                ingress("later").prefix("later.test", "/", "later"),
            ]
        };
        world.start_controller();
        world.until_ready();
        world.apply("e.yaml", &objects("first.example"));
        // Looked up beside the translation, so they follow.
        until_eq("EXT-1", &"first".to_owned(), || who("h.test", "/1"));
        until_eq("EXT-2", &"first".to_owned(), || who("h.test", "/2"));
        until_eq("EXT-3", &"first".to_owned(), || who("h.test", "/3"));
        assert_eq!([who("h.test", "/4"), who("h.test", "/own"), who("h.test", "/literal")], ["503", "503", "503"], "EXT-4");
        assert_eq!(who("later.test", "/"), "503", "EXT-6");
        world.apply("e.yaml", &objects("second.example"));
        until_eq("EXT-5", &"second".to_owned(), || who("h.test", "/2"));
        // The same Services, of whose names others are told now.
        world.hosts(&format!("{second} first.example first.example. short\n{first} second.example"));
        for (path, wanted) in [("/1", "second"), ("/2", "first"), ("/3", "second")] {
            until_eq("EXT-5: the answer of the DNS is another one", &wanted.to_owned(), || who("h.test", path));
        }
        world.hosts(&format!("{first} first.example first.example. short\n{second} second.example"));
        until_eq("EXT-5: and the one before", &"second".to_owned(), || who("h.test", "/2"));
        world.apply("later.yaml", &[external("later", "second.example", declared())]);
        until_eq("EXT-6: it came", &"second".to_owned(), || who("later.test", "/"));
        world.remove("later.yaml");
        until_eq("EXT-6: it went", &"503".to_owned(), || who("later.test", "/"));
    }
}

on_every_proxy! {
    fn top_1_to_5_endpoints_of_a_zone_are_preferred_where_the_hints_allow_it(proxy) {
        let endpoint = |word: &str, zone: Option<&str>| match zone {
            Some(zone) => json!({"addresses": [new_pod(word)], "hints": {"forZones": [{"name": zone}]}}),
            None => json!({"addresses": [new_pod(word)]}),
        };
        let (here, there) = (Some("a"), Some("b"));
        let cases = [
            ("top-2", [here, there], json!("topology-mode"), "x"),
            ("top-3", [here, None], json!("topology-mode"), "xy"),
            ("top-4", [there, there], json!("topology-mode"), ""),
            ("top-5", [there, there], json!("PreferClose"), "xy"),
            ("close", [here, there], json!("PreferClose"), "x"),
            ("plain", [here, there], Value::Null, "xy"),
        ];
        let objects = cases.iter().flat_map(|(name, zones, kind, _)| {
            let mut spec = json!({"ports": [{"port": 80, "targetPort": 8080}]});
            if kind == "PreferClose" {
                spec["trafficDistribution"] = kind.clone();
            }
            let mut service = service_with(name, &spec);
            if kind == "topology-mode" {
                service["metadata"]["annotations"] = json!({"service.kubernetes.io/topology-mode": "Auto"});
            }
            let endpoints = json!([endpoint("x", zones[0]), endpoint("y", zones[1])]);
            let slice = slice_with(&format!("{name}-1"), name, &endpoints, &json!([{"port": 8080}]));
            [service, slice, ingress(name).prefix(&format!("{name}.test"), "/", name)]
        });
        let objects: Vec<_> = objects.collect();
        let seen = |name: &str| (0..20).map(|_| who(&format!("{name}.test"), "/")).collect::<BTreeSet<_>>();
        let all = |words: &str| if words.is_empty() { BTreeSet::from(["503".to_owned()]) } else { words.chars().map(String::from).collect() };
        let flags = ["--enable-topology-aware-routing", "--topology-zone=a"];
        let world = flags.iter().fold(World::of(proxy), |world, flag| world.arg(flag)).manifest("i.yaml", &objects).start();
        for (name, _, _, words) in &cases {
            assert_eq!(seen(name), all(words), "{name}");
        }
        drop(world);
        let _world = World::of(proxy).manifest("i.yaml", &objects).start();
        for (name, ..) in &cases {
            assert_eq!(seen(name), all("xy"), "TOP-1: {name}");
        }
    }

    fn endpoints_at_the_cluster_ip_of_another_namespace_are_refused(proxy) {
        let mut settings = config_map("settings", &[]);
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &[settings.clone()]).start();
        // Whatever has the address stands for all that is behind the cluster IP.
        let [address, pod] = [new_pod("shop"), new_pod("own")];
        let owner = |namespace: &str| {
            service_with("web", &json!({"clusterIP": address, "clusterIPs": [address], "ports": [{"port": 8080}]})).within(namespace)
        };
        let by_hand = |pods: &[IpAddr]| vec![service("s"), slice("s", pods), ingress("a").prefix("h.test", "/", "s")];
        let seen = || (0..8).map(|_| who("h.test", "/")).collect::<BTreeSet<_>>();
        let only = |name: &str| BTreeSet::from([name.to_owned()]);
        world.apply("o.yaml", &[owner("shop")]);
        world.apply("s.yaml", &by_hand(&[address.into()]));
        assert_eq!(seen(), only("503"));
        let told = || world.diagnostics().iter().any(|line| line.contains("is of a Service of another namespace"));
        assert!(told(), "{:?}", world.diagnostics());
        world.apply("s.yaml", &by_hand(&[address.into(), pod.into()]));
        assert_eq!((seen(), told()), (only("own"), true), "beside a Pod it is left out alone");
        settings["data"] = json!({"allow-cross-namespace-resources": "true"});
        world.apply("c.yaml", &[settings.clone()]);
        assert_eq!((seen(), told()), (BTreeSet::from(["own".to_owned(), "shop".to_owned()]), false), "where that may be");
        settings["data"] = json!({});
        world.apply("c.yaml", &[settings]);
        world.apply("s.yaml", &by_hand(&[address.into()]));
        assert_eq!(seen(), only("503"));
        world.apply("o.yaml", &[owner("default")]);
        assert_eq!((seen(), told()), (only("shop"), false), "the own namespace has it");
    }

    fn ext_3_a_name_with_a_dot_behind_is_looked_up_as_a_whole_one(proxy) {
        let world = World::of(proxy).build();
        // To the hosts file these are two names, as they are to search domains.
        world.hosts(&format!("{} db.example.\n{} db.example", new_pod("whole"), new_pod("searched")));
        world.start_controller();
        world.until_ready();
        let external = |name: &str, target: &str| {
            service_with(name, &json!({"type": "ExternalName", "externalName": target, "ports": [{"port": 80, "targetPort": 8080}]}))
        };
        let route = ingress("a").prefix("h.test", "/whole", "whole").prefix("h.test", "/searched", "searched");
        world.apply("e.yaml", &[external("whole", "db.example."), external("searched", "db.example"), route]);
        for name in ["whole", "searched"] {
            until_eq(name, &name.to_owned(), || who("h.test", &format!("/{name}")));
        }
    }

    fn ext_7_external_names_can_be_switched_off(proxy) {
        let world = World::of(proxy).arg("--disable-svc-external-name").build();
        world.hosts(&format!("{} first.example", new_pod("first")));
        let spec = json!({"type": "ExternalName", "externalName": "first.example", "ports": [{"port": 80, "targetPort": 8080}]});
        world.start_controller();
        world.until_ready();
        let ingress = ingress("a").prefix("h.test", "/e", "e").prefix("h.test", "/s", "s");
        world.apply("e.yaml", &[running("s"), vec![service_with("e", &spec), ingress]].concat());
        assert_eq!([who("h.test", "/e"), who("h.test", "/s")], ["503", "s"]);
    }
}
