//! What the conformance suite of Kubernetes asks of an Ingress controller, demand by demand: `ingress-semantics` 30.

use gatewright_e2e::cluster::{Controller, Install, World, app, eventually, holds_for, key_pair_secret};
use gatewright_e2e::on_each_kind;
use gatewright_e2e::proxies::Proxy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const ADDRESS: &str = "192.0.2.99";

/// A controller of its own for one demand, with these Services, each of one pod, and what has to be there before it.
struct Suite {
    install: Install<'static>,
    controller: Controller<'static>,
}

impl Suite {
    fn new(proxy: Proxy, demand: &str, pods: &[(&str, &[&str])]) -> Self {
        let install = Install::of(proxy, World::shared(), &format!("conformance-{demand}"));
        for (service, pods) in pods {
            install.world.apply(&app(&install.name, service, pods));
        }
        let controller = install.start(&[&format!("--publish-status-address={ADDRESS}")]);
        controller.wait_live();
        Self { install, controller }
    }

    /// Creates an Ingress with this `spec` and the class of the suite, and waits until it has an address: demand 6.
    fn ingress(&self, name: &str, mut spec: Value) {
        let (world, ns) = (self.install.world, &*self.install.name);
        spec["ingressClassName"] = json!(ns);
        self.create(name, &spec);
        eventually(&format!("{name} has an address"), || {
            let addresses = world.addresses(ns, name);
            if addresses == [ADDRESS] { Ok(()) } else { Err(format!("{addresses:?}")) }
        });
    }

    fn create(&self, name: &str, spec: &Value) {
        let object = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": name, "namespace": self.install.name}, "spec": spec});
        self.install.world.apply_object(&object).unwrap();
    }

    /// Waits until a request is answered by a pod; `-`: by 404.
    fn serves(&self, host: &str, path: &str, pod: &str) {
        eventually(&format!("{host}{path} is answered by {pod}"), || {
            // As every client does, it follows a redirect to HTTPS.
            let plain = self.controller.get(host, path);
            let answer = if plain.status == 308 { self.controller.get_tls(host, path) } else { plain };
            let status = if pod == "-" { 404 } else { 200 };
            if (answer.status, answer.pod()) == (status, pod) { Ok(()) } else { Err(format!("{} {}", answer.status, answer.body)) }
        });
    }
}

fn backend(service: &str, port: &Value) -> Value {
    json!({"service": {"name": service, "port": port}})
}

/// A rule whose paths are of one type: path and Service of each.
fn rule(host: &str, path_type: &str, paths: &[(&str, &str)]) -> Value {
    let number = json!({"number": 80});
    let path = |(path, service): &(&str, &str)| json!({"path": path, "pathType": path_type, "backend": backend(service, &number)});
    let mut rule = json!({"http": {"paths": paths.iter().map(path).collect::<Vec<_>>()}});
    if !host.is_empty() {
        rule["host"] = json!(host);
    }
    rule
}

on_each_kind! {
    fn k_1_a_default_backend_answers_every_method_with_and_without_a_host_of_a_rule(proxy) {
        let suite = Suite::new(proxy, "default", &[("echo", &["10.244.9.1"])]);
        suite.ingress("default", json!({"defaultBackend": backend("echo", &json!({"number": 80}))}));
        suite.serves("any.test", "/", "10.244.9.1");
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            // Without a host of its own a client names the address.
            for host in ["my-host.test", "127.0.0.1"] {
                let answer = suite.controller.ask(method, host, "/some/path?a=b");
                let start = answer.head.lines().next().unwrap_or_default();
                assert!(start.starts_with("HTTP/1.1 200 "), "{method} {host}: {start}");
                for name in ["Content-Length", "Content-Type", "Date", "Server"] {
                    assert!(answer.header(name).is_some_and(|value| !value.is_empty()), "{method} {host}: {name} in {}", answer.head);
                }
                let received: Vec<_> = answer.body.lines().skip(1).collect();
                assert_eq!(received[0], format!("{method} /some/path?a=b HTTP/1.1"), "{method} {host}");
                let has = |line: &str| received.iter().any(|received| received.eq_ignore_ascii_case(line));
                assert!(has("User-Agent: e2e") && has(&format!("Host: {host}")), "{method} {host}: {received:?}");
            }
        }
    }

    fn k_2_hosts_hst_1_to_5_certificates_and_ports_by_name_and_number(proxy) {
        let services: [(&str, &[&str]); 2] = [("foo-bar-com", &["10.244.9.11"]), ("wildcard-foo-com", &["10.244.9.12"])];
        let suite = Suite::new(proxy, "hosts", &services);
        let (world, ns) = (suite.install.world, &*suite.install.name);
        let pair = world.authority().issue(&["foo.bar.com"]);
        world.apply(&key_pair_secret(ns, "conformance-tls", "kubernetes.io/tls", &pair));
        let path = |service: &str, port: Value| json!({"paths": [{"path": "/", "pathType": "Prefix", "backend": backend(service, &port)}]});
        suite.ingress("host-rules", json!({
            "tls": [{"hosts": ["foo.bar.com"], "secretName": "conformance-tls"}],
            "rules": [
                {"host": "*.foo.com", "http": path("wildcard-foo-com", json!({"number": 80}))},
                {"host": "foo.bar.com", "http": path("foo-bar-com", json!({"name": "http"}))},
            ],
        }));
        suite.serves("bar.foo.com", "/", "10.244.9.12");
        suite.serves("baz.bar.foo.com", "/", "-");
        suite.serves("foo.com", "/", "-");
        suite.serves("subdomain.bar.com", "/", "-");
        eventually("foo.bar.com is served over TLS with its certificate", || {
            let answer = suite.controller.get_tls("foo.bar.com", "/");
            let shown = answer.certificate == CertificateDer::from_pem_slice(pair.0.as_bytes()).unwrap().to_vec();
            if answer.pod() == "10.244.9.11" && shown { Ok(answer) } else { Err(format!("{} {}", answer.status, answer.body)) }
        });
        let answer = suite.controller.get_tls("foo.bar.com", "/");
        assert!(answer.body.to_lowercase().contains("host: foo.bar.com"), "the host of the request reaches the pod: {}", answer.body);
        let plain = suite.controller.get("foo.bar.com", "/path");
        assert_eq!((plain.status, plain.header("Location")), (308, Some("https://foo.bar.com/path")), "a client that follows it gets 200");
        assert_eq!(suite.controller.get_tls("foo.bar.com", "/path").status, 200);
    }

    fn k_3_an_ingress_of_an_unknown_class_has_no_address_and_no_route(proxy) {
        let suite = Suite::new(proxy, "class", &[("echo", &["10.244.9.21"])]);
        let (world, ns) = (suite.install.world, &*suite.install.name);
        suite.create("foreign", &json!({"ingressClassName": "some-invalid-class-name", "rules": [rule("foreign.test", "Prefix", &[("/", "echo")])]}));
        // One that came later is served and has its address, so the other one has been seen.
        suite.ingress("own", json!({"rules": [rule("own.test", "Prefix", &[("/", "echo")])]}));
        suite.serves("own.test", "/", "10.244.9.21");
        holds_for(Duration::from_secs(2), "it is left alone", || {
            let addresses = world.addresses(ns, "foreign");
            if addresses.is_empty() { suite.controller.expect_status("foreign.test", "/", 404) } else { Err(format!("{addresses:?}")) }
        });
    }

    fn k_4_lb_2_a_hundred_requests_reach_each_of_ten_pods(proxy) {
        let pods: Vec<String> = (1..=10).map(|n| format!("10.244.9.{}", 30 + n)).collect();
        let pods: Vec<&str> = pods.iter().map(String::as_str).collect();
        let suite = Suite::new(proxy, "balance", &[("echo", &pods)]);
        suite.ingress("load-balancing", json!({"rules": [rule("load-balancing.test", "Prefix", &[("/", "echo")])]}));
        eventually("the route is there", || suite.controller.expect_status("load-balancing.test", "/", 200));
        let seen: BTreeSet<_> = (0..100).map(|_| suite.controller.get("load-balancing.test", "/").pod().to_owned()).collect();
        assert_eq!(seen, pods.iter().map(ToString::to_string).collect());
    }

    fn k_5_paths_match_by_type_by_case_and_with_trailing_slashes(proxy) {
        let names = ["foo-exact", "foo-slash-exact", "foo-prefix", "slash", "aaa", "aaa-bbb", "mixed-exact", "mixed-prefix"];
        let addresses: Vec<[String; 1]> = (1..=names.len()).map(|n| [format!("10.244.9.{}", 50 + n)]).collect();
        let addresses: Vec<[&str; 1]> = addresses.iter().map(|[address]| [address.as_str()]).collect();
        let services: Vec<(&str, &[&str])> = names.iter().zip(&addresses).map(|(name, address)| (*name, &address[..])).collect();
        let suite = Suite::new(proxy, "paths", &services);
        let mut mixed = rule("mixed-path-rules", "Prefix", &[("/foo", "mixed-prefix"), ("/foo", "mixed-exact"), ("/aaa/bb", "aaa")]);
        mixed["http"]["paths"][1]["pathType"] = json!("Exact");
        suite.ingress("path-rules", json!({"rules": [
            rule("exact-path-rules", "Exact", &[("/foo", "foo-exact"), ("/bar/", "foo-slash-exact")]),
            rule("prefix-path-rules", "Prefix", &[("/foo", "foo-prefix"), ("/aaa/bbb", "aaa-bbb"), ("/ends/", "aaa"), ("/aaa/bb", "aaa")]),
            rule("nested-path-rules", "Prefix", &[("/", "slash"), ("/aaa", "aaa"), ("/aaa/bbb", "aaa-bbb")]),
            mixed,
        ]}));
        let pod = |name: &str| names.iter().position(|known| *known == name).map_or("-", |n| addresses[n][0]);
        suite.serves("exact-path-rules", "/foo", pod("foo-exact"));
        let wrong: Vec<_> = [
            ("exact-path-rules", "/foo", "foo-exact"),
            ("exact-path-rules", "/foo/", "-"),
            ("exact-path-rules", "/FOO", "-"),
            ("exact-path-rules", "/bar", "-"),
            ("exact-path-rules", "/bar/", "foo-slash-exact"),
            ("prefix-path-rules", "/foo", "foo-prefix"),
            ("prefix-path-rules", "/foo/", "foo-prefix"),
            ("prefix-path-rules", "/FOO", "-"),
            ("prefix-path-rules", "/aaa/bbb", "aaa-bbb"),
            ("prefix-path-rules", "/aaa/bbb/", "aaa-bbb"),
            ("prefix-path-rules", "/aaa/bbb/ccc", "aaa-bbb"),
            ("prefix-path-rules", "/aaa/bbbxyz", "-"),
            ("prefix-path-rules", "/aaa/bb", "aaa"),
            ("prefix-path-rules", "/ends", "aaa"),
            ("prefix-path-rules", "/ends/", "aaa"),
            ("prefix-path-rules", "/ccc", "-"),
            ("nested-path-rules", "/aaa/ccc", "aaa"),
            ("nested-path-rules", "/aaa/bbb", "aaa-bbb"),
            ("nested-path-rules", "/ccc", "slash"),
            ("mixed-path-rules", "/foo", "mixed-exact"),
            ("mixed-path-rules", "/foo/", "mixed-prefix"),
            ("mixed-path-rules", "/aaa/bbb", "-"),
        ]
        .into_iter()
        .filter_map(|(host, path, name)| {
            let answer = suite.controller.get(host, path);
            let right = answer.pod() == pod(name) && answer.status == if name == "-" { 404 } else { 200 };
            (!right).then(|| format!("{host}{path}: {} {}, not {name}", answer.status, answer.pod()))
        })
        .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    fn k_6_every_ingress_that_is_served_gets_an_address_also_where_something_is_wrong_with_it(proxy) {
        let suite = Suite::new(proxy, "status", &[("echo", &["10.244.9.71"])]);
        suite.ingress("plain", json!({"rules": [rule("plain.test", "Prefix", &[("/", "echo")])]}));
        suite.ingress("no-service", json!({"rules": [rule("no-service.test", "Prefix", &[("/", "missing")])]}));
        suite.ingress("no-secret", json!({
            "tls": [{"hosts": ["no-secret.test"], "secretName": "missing"}],
            "rules": [rule("no-secret.test", "Prefix", &[("/", "echo")])],
        }));
        suite.ingress("without-paths", json!({"rules": [{"host": "without-paths.test"}], "defaultBackend": backend("echo", &json!({"number": 80}))}));
    }
}
