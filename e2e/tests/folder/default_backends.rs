//! Default backends, 404 and 503. Whoever answers for every host needs a world of its own.

use gatewright_e2e::client::{get, send, send_over_tls};
use gatewright_e2e::echo::new_pod;
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, service, service_with, slice, slice_with};
use gatewright_e2e::site::{Site, all_running, running};
use gatewright_e2e::world::{World, who, who_over_tls};
use gatewright_e2e::{on_every_proxy, on_every_version};
use serde_json::json;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

on_every_version! {
    fn def_1_3_to_8_10_12_13_hst_9_10_and_red_8_who_answers_for_unknown_hosts(proxy) {
        let world = World::of(proxy).manifest("services.yaml", &all_running(&["s", "s1", "s2"])).start();
        for method in METHODS {
            let status = |target: &str| send(&Request::new(method, target).header("Host", "x.test")).unwrap().status;
            assert_eq!([status("/"), status("/demo")], [404, 404], "DEF-1 {method}");
        }
        assert_eq!(who_over_tls("x.test", "/"), "404", "DEF-1 over TLS");
        assert_eq!(who("any.host", "/healthz"), "200", "load balancers ask here");

        world.apply("i.yaml", &[ingress("only").default_backend("s").annotation("ssl-redirect", "true").annotation("force-ssl-redirect", "true")]);
        for method in METHODS {
            let request = Request::new(method, "/some/path?q=1").header("Host", "x.test").header("User-Agent", "conformance");
            let answer = send(&request.body(b"abc")).unwrap();
            let echo = answer.echo();
            assert_eq!((answer.word(), answer.version.as_str()), ("s".to_owned(), "HTTP/1.1"), "DEF-3");
            assert_eq!((&echo["method"], &echo["target"], &echo["body"]), (&method.into(), &"/some/path?q=1".into(), &"abc".into()));
            assert_eq!(answer.received("User-Agent").as_deref(), Some("conformance"));
            for name in ["Content-Length", "Content-Type", "Date", "Server"] {
                assert!(answer.header(name).is_some(), "{name}");
            }
        }
        assert_eq!([who("other.test", "/"), who_over_tls("other.test", "/")], ["s", "s"], "DEF-12: never a redirect");

        world.apply("i.yaml", &[ingress("a").created(1).default_backend("s1"), ingress("b").created(2).default_backend("s2")]);
        assert_eq!(who("x.test", "/"), "s1", "DEF-4: the oldest");

        let without_paths = json!({"host": "h.test"});
        let mut def5 = ingress("a").default_backend("s");
        def5["spec"]["rules"] = json!([without_paths]);
        let mut def10 = ingress("b");
        def10["spec"]["rules"] = json!([{"host": "no-paths.test"}]);
        world.apply("i.yaml", &[def5, def10]);
        assert_eq!([who("h.test", "/any"), who("other.test", "/")], ["s", "404"], "DEF-5");
        assert_eq!(who("no-paths.test", "/"), "404", "DEF-10");

        let def6 = ingress("a").created(1).prefix("h.test", "/a", "s1").default_backend("s");
        world.apply("i.yaml", &[def6, ingress("b").created(2).prefix("h7.test", "/a", "s1")]);
        assert_eq!([who("h.test", "/a"), who("h.test", "/zzz"), who("other.test", "/")], ["s1", "s", "404"], "DEF-6");

        let later = ingress("b").created(2).prefix("h.test", "/b", "s2").default_backend("s");
        world.apply("i.yaml", &[ingress("a").created(1).prefix("h.test", "/a", "s1"), later]);
        assert_eq!([who("h.test", "/b"), who("h.test", "/zzz")], ["s2", "404"], "DEF-7");

        world.apply("i.yaml", &[ingress("a").prefix("", "/a", "s1").default_backend("s")]);
        assert_eq!([who("x.test", "/a"), who("x.test", "/zzz")], ["s1", "404"], "DEF-8");

        let old = ingress("a").created(1).prefix("", "/", "s1").tls(&[], "");
        world.apply("i.yaml", &[old, ingress("b").created(2).default_backend("s2"), ingress("c").prefix("a.test", "/a", "s")]);
        assert_eq!(who("x.test", "/"), "s1", "DEF-13, HST-10, RED-8: a rule beats a default backend, and has no redirect");
        assert_eq!([who("a.test", "/a"), who("a.test", "/b")], ["s", "404"], "HST-9");

        world.apply("i.yaml", &[ingress("a").default_backend("missing")]);
        assert_eq!(who("x.test", "/"), "503", "S503-5");
    }

    fn s503_1_to_8_what_cannot_be_forwarded_is_503(proxy) {
        let site = Site::of(proxy, "s503");
        let [h1, h2, h4, h6, h8, ok] = ["h1", "h2", "h4", "h6", "h8", "ok"].map(|name| site.host(name));
        let objects = vec![
            service("empty"),
            slice("empty", &[]),
            ingress("1").prefix(&h1, "/", "missing"),
            ingress("2").prefix(&h2, "/", "empty"),
            ingress("4").prefix(&h4, "/", "s:81"),
            ingress("6").prefix(&h6, "/", "missing").tls(&[&h6], ""),
            ingress("8").prefix(&h8, "/", "s").annotation("whitelist-source-range", "10.0.0.0/8, here"),
            ingress("ok").prefix(&ok, "/", "s"),
        ];
        let objects = [running("s"), objects].concat();
        site.apply(&objects);
        let seen = || [who(&h1, "/"), who(&h2, "/"), who(&h4, "/"), who(&h6, "/"), who(&ok, "/")];
        assert_eq!(seen(), ["503", "503", "503", "308", "s"], "S503-1, 2, 4, 6");
        assert_eq!([who_over_tls(&h6, "/"), who(&h8, "/")], ["503", "503"], "S503-8");
        let told = site.diagnostics();
        for part in ["s503/missing does not exist", "s503/empty has no ready endpoints", "no port 81", "whitelist-source-range"] {
            assert!(told.iter().any(|line| line.contains(part)), "{part}: {told:#?}");
        }
        let mut more = objects.clone();
        more.splice(2..4, [service("empty"), slice("empty", &[new_pod("empty").into()])]);
        more.extend(running("missing"));
        site.apply(&more);
        assert_eq!(seen(), ["missing", "empty", "503", "308", "s"], "S503-3, 7: without touching the Ingress");
        site.apply(&objects);
        assert_eq!(seen(), ["503", "503", "503", "308", "s"], "S503-3: and back");
    }
}

on_every_proxy! {
    fn the_status_of_the_proxy_is_shown_to_the_addresses_of_the_settings(proxy) {
        let settings = |clients: &str| config_map("settings", &[("nginx-status-ipv4-whitelist", clients)]);
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let seen = || ["/nginx_status", "/nginx_status/x"].map(|path| get("any.host", path).unwrap().status);
        assert_eq!((seen(), who_over_tls("any.host", "/nginx_status")), ([200, 200], "200".to_owned()), "from this machine");
        assert_eq!(who("h.test", "/nginx_status"), "s", "hosts have their own paths");
        world.apply("c.yaml", &[settings("10.9.9.9,192.0.2.0/24")]);
        assert_eq!((seen(), who_over_tls("any.host", "/nginx_status")), ([403, 403], "403".to_owned()));
        assert_eq!(who("any.host", "/healthz"), "200");
        world.apply("c.yaml", &[settings("10.9.9.9,127.0.0.0/8")]);
        assert_eq!(seen(), [200, 200]);
    }

    fn def_2_a_service_can_answer_for_all_that_nobody_serves(proxy) {
        let pods = |ready: bool| [service("fallback"), slice("fallback", &if ready { vec![new_pod("fallback").into()] } else { vec![] })];
        let flag = "--default-backend-service=default/fallback";
        let world = World::of(proxy).arg(flag).manifest("fallback.yaml", &pods(true)).start();
        let answer = get("x.test", "/a?b").unwrap();
        assert_eq!((answer.word().as_str(), answer.echo()["target"].as_str()), ("fallback", Some("/a?b")));
        assert_eq!(answer.received("X-Code"), None);
        assert_eq!(answer.received("X-Forwarded-Host").as_deref(), Some("x.test"));
        world.apply("i.yaml", &[all_running(&["s"]), vec![ingress("a").prefix("h.test", "/a", "s")]].concat());
        assert_eq!([who("h.test", "/a"), who("h.test", "/zzz")], ["s", "fallback"], "unmatched paths of known hosts too");
        world.apply("fallback.yaml", &pods(false));
        assert_eq!([who("x.test", "/"), who("h.test", "/zzz"), who("h.test", "/a")], ["404", "404", "s"]);
    }

    fn def_9_11_backends_that_are_no_services_cost_their_path(proxy) {
        let site = Site::of(proxy, "def-9");
        let (h, tls) = (site.host("h"), site.host("tls"));
        let mut resource = ingress("a").prefix(&h, "/", "x").prefix(&h, "/ok", "s");
        resource["spec"]["rules"][0]["http"]["paths"][0]["backend"] = json!({"resource": {"apiGroup": "x", "kind": "Bucket", "name": "b"}});
        site.apply(&[running("s"), vec![resource, ingress("b").prefix(&tls, "/a", "s").tls(&[&tls], "")]].concat());
        assert_eq!([who(&h, "/"), who(&h, "/ok")], ["404", "s"], "DEF-9");
        assert_eq!(who(&tls, "/zzz"), "308", "DEF-11");
        let request = Request::get(&tls, "/zzz");
        assert_eq!(send_over_tls(Some(&tls), &request).unwrap().status, 404, "DEF-11: and then");
    }

    fn a_service_without_ports_is_503_and_one_of_an_unknown_type_is_as_the_usual_one(proxy) {
        let site = Site::of(proxy, "s503-odd");
        let h = site.host("h");
        let services = [("none", json!({"ports": []})), ("odd", json!({"type": "Odd", "ports": [{"port": 80}]})), ("typed", json!({"type": 7, "ports": [{"port": 80}]}))];
        let mut objects = vec![services.iter().fold(ingress("a"), |ingress, (name, _)| ingress.prefix(&h, &format!("/{name}"), name))];
        for (name, spec) in &services {
            let endpoints = json!([{"addresses": [new_pod(name)]}]);
            objects.extend([service_with(name, spec), slice_with(&format!("{name}-1"), name, &endpoints, &json!([{"port": 8080}]))]);
        }
        site.apply(&objects);
        assert_eq!(["/none", "/odd", "/typed"].map(|path| who(&h, path)), ["503", "odd", "typed"]);
    }
}
