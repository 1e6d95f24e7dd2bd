//! TLS to endpoints: what they are shown, and what they have to show.

use gatewright_e2e::client::{admin_json, connect, get};
use gatewright_e2e::grpc;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, service_with, slice_with, text};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::Site;
use gatewright_e2e::tls::{Authority, Pair};
use gatewright_e2e::tls_pod::{PORT, Terms, hex, new_pod};
use gatewright_e2e::world::{World, who, who_over_tls};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// A Service of pods that speak TLS.
fn service(name: &str, pods: &[Ipv4Addr]) -> Vec<Value> {
    let ports = json!([{"name": "https", "port": PORT}]);
    let endpoints = pods.iter().map(|pod| json!({"addresses": [pod]})).collect();
    let spec = json!({"ports": [{"name": "https", "port": 80, "targetPort": PORT}]});
    vec![service_with(name, &spec), slice_with(&format!("{name}-1"), name, &endpoints, &ports)]
}

/// What endpoints are shown, and who has to have signed theirs.
fn secret(own: &Pair, authority: &Pair) -> Value {
    let data = json!({"ca.crt": authority.certificate, "tls.crt": own.certificate, "tls.key": own.key});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "upstream"}, "stringData": data})
}

/// An Ingress for a Service over TLS, with the Secret of its namespace; its name is the first label of its host.
fn over_tls(namespace: &str, host: &str, service: &str, annotations: &[(&str, &str)]) -> Value {
    let name = host.split('.').next().unwrap_or(host);
    let named = ingress(name).prefix(host, "/", service).annotation("backend-protocol", "HTTPS");
    let named = named.annotation("proxy-ssl-secret", &format!("{namespace}/upstream"));
    annotations.iter().fold(named, |ingress, (name, value)| ingress.annotation(name, value))
}

const VERIFY: (&str, &str) = ("proxy-ssl-verify", "on");
const RIGHT: (&str, &str) = ("proxy-ssl-name", "in.test");
const WRONG: (&str, &str) = ("proxy-ssl-name", "out.test");
const TELLS: (&str, &str) = ("proxy-ssl-server-name", "on");

on_every_proxy! {
    fn proxy_ssl_verify_asks_for_a_certificate_of_the_name(proxy) {
        let site = Site::of(proxy, "proxy-ssl");
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let (mine, endpoint, stranger) = (ours.sign(&["proxy.test"]), ours.sign(&["in.test"]), theirs.sign(&["in.test"]));
        let pod = |own: &Pair| new_pod("s", &Terms { own, clients: Some(&ours.own), versions: &[] });
        let mut objects = [service("s", &[pod(&endpoint)]), service("stranger", &[pod(&stranger)])].concat();
        objects.push(secret(&mine, &ours.own));
        for (name, service, annotations) in [
            ("blind", "stranger", &[][..]),
            ("right", "s", &[VERIFY, RIGHT]),
            ("told", "s", &[VERIFY, RIGHT, TELLS]),
            ("wrong-name", "s", &[VERIFY, WRONG, TELLS]),
            ("no-name", "s", &[VERIFY]),
            ("wrong-authority", "stranger", &[VERIFY, RIGHT]),
        ] {
            objects.push(over_tls(site.namespace(), &site.host(name), service, annotations));
        }
        objects.push(ingress("without").prefix(&site.host("without"), "/", "s").annotation("backend-protocol", "HTTPS"));
        site.apply(&objects);
        let answer = |name: &str| get(&site.host(name), "/").unwrap().echo();
        let shown = hex(&mine.der);
        for (name, sni) in [("blind", None), ("right", None), ("told", Some("in.test"))] {
            assert_eq!(answer(name), json!({"service": "s", "sni": sni, "tls": "TLSv1_2", "client": shown}), "{name}");
        }
        for name in ["wrong-name", "no-name", "wrong-authority", "without"] {
            assert_eq!(who(&site.host(name), "/"), "502", "{name}");
        }
        assert!(site.diagnostics().iter().any(|line| line.contains("no-name") && line.contains("no certificate is for the name")));
    }

    fn proxy_ssl_verify_depth_bounds_the_authorities_between(proxy) {
        let site = Site::of(proxy, "proxy-ssl-depth");
        let root = Authority::new("root");
        let upper = root.below("upper");
        let lower = upper.below("lower");
        let mut endpoint = lower.sign(&["in.test"]);
        endpoint.certificate = [&endpoint, &lower.own, &upper.own].map(|pair| pair.certificate.as_str()).concat();
        let pod = new_pod("s", &Terms { own: &endpoint, clients: None, versions: &[] });
        let route = |name: &str, depth: &[(&str, &str)]| over_tls(site.namespace(), &site.host(name), "s", &[&[VERIFY, RIGHT], depth].concat());
        site.apply(&[service("s", &[pod]), vec![
            secret(&root.sign(&["proxy.test"]), &root.own),
            route("usual", &[]),
            route("two", &[("proxy-ssl-verify-depth", "2")]),
        ]].concat());
        // HAProxy follows every chain, and says so.
        let usual = if proxy.is_nginx() { "502" } else { "s" };
        let answered = ["usual", "two"].map(|name| get(&site.host(name), "/").unwrap());
        let answered = answered.map(|answer| answer.echo()["service"].as_str().map_or_else(|| answer.status.to_string(), str::to_owned));
        assert_eq!(answered, [usual, "s"]);
        let said = site.diagnostics().iter().filter(|line| line.contains("proxy-ssl-verify-depth")).count();
        assert_eq!(said, usize::from(!proxy.is_nginx()), "{:?}", site.diagnostics());
    }

    fn proxy_ssl_of_an_ingress_holds_for_its_neighbours_on_the_host(proxy) {
        let settings = |value: &str| config_map("settings", &[("proxy-ssl-location-only", value)]);
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &[settings("false")]).start();
        let ours = Authority::new("ours");
        let pod = new_pod("s", &Terms { own: &ours.sign(&["in.test"]), clients: Some(&ours.own), versions: &[] });
        let mine = ours.sign(&["proxy.test"]);
        let beside = |name: &str, path: &str| ingress(name).prefix("h.test", path, "s").annotation("backend-protocol", "HTTPS");
        let own = over_tls("default", "h.test", "s", &[VERIFY, RIGHT]);
        let foreign: Vec<Value> =
            [service("s", &[pod]), vec![beside("foreign", "/foreign")]].concat().into_iter().map(|object| object.within("other")).collect();
        let alone = ingress("alone").prefix("alone.test", "/", "s").annotation("backend-protocol", "HTTPS");
        let objects = [service("s", &[pod]), vec![secret(&mine, &ours.own), own, beside("beside", "/beside"), alone], foreign].concat();
        world.apply("i.yaml", &objects);
        let told = get("h.test", "/beside").unwrap().echo();
        assert_eq!(told["client"], json!(hex(&mine.der)), "{told}");
        assert_eq!(["h.test", "alone.test"].map(|host| who(host, "/")), ["s", "502"], "the pods ask for a certificate");
        assert_eq!(who("h.test", "/foreign"), "502", "nobody's certificate is shown to pods of another namespace");
        world.apply("c.yaml", &[settings("true")]);
        assert_eq!(["/", "/beside"].map(|target| who("h.test", target)), ["s", "502"]);
    }

    fn proxy_ssl_holds_for_grpc_calls_too(proxy) {
        const GRPC_PORT: u16 = 50051;
        let world = World::of(proxy).build();
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let (endpoint, stranger) = (ours.sign(&["in.test"]), theirs.sign(&["in.test"]));
        let mut objects = vec![secret(&ours.sign(&["proxy.test"]), &ours.own)];
        for (name, own, annotations) in [
            ("right", &endpoint, &[VERIFY, RIGHT, TELLS][..]),
            ("wrong", &stranger, &[VERIFY, RIGHT, TELLS]),
        ] {
            let pod = gatewright_e2e::echo::new_pod(name);
            grpc::serve_over_tls((pod, GRPC_PORT).into(), &Terms { own, clients: Some(&ours.own), versions: &[] });
            objects.push(service_with(name, &json!({"ports": [{"port": 80, "targetPort": GRPC_PORT}]})));
            objects.push(slice_with(&format!("{name}-1"), name, &json!([{"addresses": [pod]}]), &json!([{"port": GRPC_PORT}])));
            objects.push(over_tls("default", &format!("{name}.test"), name, annotations).annotation("backend-protocol", "GRPCS"));
        }
        world.write("grpc.yaml", &text(&objects));
        world.start_controller();
        world.until_ready();
        let reply = grpc::call(connect(443).unwrap(), "right.test", "/shop.Cart/Add", "one pear").unwrap();
        assert_eq!((&*reply.status, &*reply.message), ("0", "right.test /shop.Cart/Add one pear"));
        assert_eq!(who("wrong.test", "/"), "502");
    }

    fn auto_http_speaks_to_endpoints_as_clients_do(proxy) {
        let site = Site::of(proxy, "auto-http");
        let ours = Authority::new("ours");
        let pod = new_pod("s", &Terms { own: &ours.sign(&["in.test"]), clients: Some(&ours.own), versions: &[] });
        let of = |name: &str, annotations| over_tls(site.namespace(), &site.host(name), "s", annotations).annotation("backend-protocol", "AUTO_HTTP");
        let ingresses = vec![of("right", &[VERIFY, RIGHT]), of("wrong", &[VERIFY, WRONG]), secret(&ours.sign(&["proxy.test"]), &ours.own)];
        site.apply(&[service("s", &[pod]), ingresses].concat());
        // In this order: nginx goes on using connections with TLS, and does so for other requests as well.
        let [plain_right, plain_wrong] = ["right", "wrong"].map(|name| who(&site.host(name), "/"));
        assert!(plain_right != "s" && plain_wrong != "s", "without TLS, which this endpoint does not speak: {plain_right} {plain_wrong}");
        assert_eq!(["right", "wrong"].map(|name| who_over_tls(&site.host(name), "/")), ["s", "502"], "over TLS");
    }

    fn proxy_ssl_protocols_are_those_of_the_annotation(proxy) {
        let site = Site::of(proxy, "proxy-ssl-versions");
        let ours = Authority::new("ours");
        let own = ours.sign(&["in.test"]);
        let new_only = new_pod("s", &Terms { own: &own, clients: None, versions: &[&rustls::version::TLS13] });
        let any = new_pod("s", &Terms { own: &own, clients: None, versions: &[] });
        let mut objects = [service("new", &[new_only]), service("any", &[any]), vec![secret(&own, &ours.own)]].concat();
        for (name, service, annotations) in [
            ("default", "new", &[][..]),
            ("new", "new", &[("proxy-ssl-protocols", "TLSv1.3")]),
            ("both", "any", &[("proxy-ssl-protocols", "TLSv1.2 TLSv1.3")]),
            ("old", "any", &[("proxy-ssl-ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384")]),
            ("no-cipher", "any", &[("proxy-ssl-ciphers", "ECDHE-RSA-AES256-GCM-SHA384")]),
        ] {
            objects.push(over_tls(site.namespace(), &site.host(name), service, annotations));
        }
        site.apply(&objects);
        let version = |name: &str| get(&site.host(name), "/").unwrap().echo()["tls"].clone();
        assert_eq!(["new", "both", "old"].map(version), ["TLSv1_3", "TLSv1_3", "TLSv1_2"]);
        assert_eq!(["default", "no-cipher"].map(|name| who(&site.host(name), "/")), ["502", "502"]);
    }

    fn proxy_ssl_secrets_that_are_broken_close_and_renewed_ones_are_used(proxy) {
        let site = Site::of(proxy, "proxy-ssl-renewed");
        let (old, new) = (Authority::new("old"), Authority::new("new"));
        let endpoint = new.sign(&["in.test"]);
        let pod = new_pod("s", &Terms { own: &endpoint, clients: Some(&new.own), versions: &[] });
        let apply = |secret: Option<Value>| {
            let own = over_tls(site.namespace(), &site.host("h"), "s", &[VERIFY, RIGHT]);
            site.apply(&[service("s", &[pod]), secret.into_iter().collect(), vec![own]].concat());
            let answer = get(&site.host("h"), "/").unwrap();
            (answer.status, answer.echo()["client"].clone())
        };
        let closed = |what: &str| {
            let told = site.diagnostics();
            assert!(told.iter().any(|line| line.contains("proxy-ssl-renewed/h")), "{what}: {told:?}");
        };
        assert_eq!(apply(None).0, 503);
        closed("no Secret");
        let no_pem = json!({"ca.crt": "no pem", "tls.crt": "no pem", "tls.key": "no pem"});
        let broken = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "upstream"}, "stringData": no_pem});
        assert_eq!(apply(Some(broken)).0, 503);
        closed("no PEM");
        assert_eq!(apply(Some(secret(&old.sign(&["proxy.test"]), &old.own))).0, 502);
        for renewed in [new.sign(&["proxy.test"]), new.sign(&["proxy.test"])] {
            assert_eq!(apply(Some(secret(&renewed, &new.own))), (200, hex(&renewed.der).into()));
        }
    }

    fn proxy_ssl_works_beside_the_agent(proxy) {
        let world = World::of(proxy).start();
        let ours = Authority::new("ours");
        let (mine, endpoint) = (ours.sign(&["proxy.test"]), ours.sign(&["in.test"]));
        let pod = new_pod("s", &Terms { own: &endpoint, clients: Some(&ours.own), versions: &[] });
        let gate = gatewright_e2e::echo::new_pod("gate");
        let asks = ("auth-url", &*format!("http://{gate}:8080/"));
        let own = over_tls("default", "h.test", "s", &[VERIFY, RIGHT, asks]);
        world.apply("h.yaml", &[service("s", &[pod]), vec![secret(&mine, &ours.own), own]].concat());
        assert_eq!((who("h.test", "/"), world.diagnostics()), ("s".to_owned(), Vec::<String>::new()));
    }

    fn proxy_ssl_holds_for_endpoints_that_come_later(proxy) {
        let world = World::of(proxy).start();
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let mine = ours.sign(&["proxy.test"]);
        let pod = |own: &Pair| new_pod("s", &Terms { own, clients: Some(&ours.own), versions: &[] });
        let apply = |pod: Ipv4Addr| {
            let annotations = [VERIFY, RIGHT, TELLS, ("proxy-ssl-ciphers", "HIGH")];
            let own = over_tls("default", "h.test", "s", &annotations);
            world.apply("h.yaml", &[service("s", &[pod]), vec![secret(&mine, &ours.own), own]].concat());
            let loaded = admin_json("/api/v1/revision")["load_ms"].is_u64();
            (who("h.test", "/"), loaded || proxy.kind == "nginx")
        };
        let own = |who: &str| (who.to_owned(), proxy.kind == "nginx");
        let first = apply(pod(&ours.sign(&["in.test"]))).0;
        let later = [pod(&ours.sign(&["in.test"])), pod(&theirs.sign(&["in.test"])), pod(&ours.sign(&["out.test"]))].map(apply);
        assert_eq!((first.as_str(), later), ("s", ["s", "502", "502"].map(own)));
    }
}
