//! Hosts whose TLS connections are passed on as they are.

use gatewright_e2e::client::{certificate, get_over_tls};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, secret, service_with, slice_with};
use gatewright_e2e::on_every_version;
use gatewright_e2e::site::running;
use gatewright_e2e::tls::{self, Pair};
use gatewright_e2e::wait::until_eq;
use gatewright_e2e::world::{World, who, who_over_tls};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

/// An address of the client that is not that of the loopback.
const CLIENT: &str = "10.244.0.7";

/// A Service whose pods speak TLS themselves, on a port of their own.
fn speaking_tls(name: &str) -> Vec<Value> {
    let ports = json!([{"name": "tls", "port": 443, "targetPort": 8443}]);
    let slice = slice_with(&format!("{name}-1"), name, &json!([{"addresses": ["10.244.0.9"]}]), &json!([{"name": "tls", "port": 8443}]));
    vec![service_with(name, &json!({"ports": ports})), slice]
}

/// What the pod is told about the client of a connection that begins with these bytes.
fn seen_address(host: &str, begin: &str) -> Option<String> {
    seen_address_at(CLIENT, host, begin)
}

/// The same at another address of ours.
fn seen_address_at(address: &str, host: &str, begin: &str) -> Option<String> {
    let mut tcp = TcpStream::connect((address, 443)).ok()?;
    tcp.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    tcp.write_all(begin.as_bytes()).ok()?;
    let mut stream = tls::connect(tcp, Some(host), &[]).ok()?;
    Request::get(host, "/").header("X-Forwarded-For", "192.0.2.9").send(&mut stream, true).ok()?.received("X-Real-IP")
}

fn says(world: &World, part: &str) -> bool {
    world.diagnostics().iter().any(|line| line.contains(part))
}

on_every_version! {
    fn pas_1_to_6_tls_connections_are_passed_on_by_name(proxy) {
        let world = World::of(proxy).arg("--enable-ssl-passthrough").arg("--ssl-passthrough-proxy-port=1442");
        let [own, terminated] = [Pair::new(&["p.test"]), Pair::new(&["q.test"])];
        let objects = [speaking_tls("own"), running("s"), vec![
            secret("q", &terminated),
            ingress("p").created(1).prefix("p.test", "/", "own:tls"),
            ingress("p-wish").created(2).prefix("p.test", "/other", "s").annotation("ssl-passthrough", "true"),
            ingress("q").prefix("q.test", "/", "s").tls(&["q.test"], "q"),
            ingress("wild").prefix("*.w.test", "/", "s").annotation("ssl-passthrough", "true"),
            ingress("rootless").prefix("rootless.test", "/a", "s").annotation("ssl-passthrough", "true"),
            ingress("redirected").prefix("t.test", "/", "own:tls").tls(&["t.test"], "").annotation("ssl-passthrough", "true"),
        ]].concat();
        let world = world.manifest("i.yaml", &objects).start();
        tls::start_pods("own", 8443, &own);
        if !proxy.forwards_tcp() {
            assert!(says(&world, "stream module"), "{:?}", world.diagnostics());
            return assert_eq!(certificate(Some("p.test")).unwrap(), certificate(None).unwrap(), "it is answered as others are");
        }
        assert_eq!((certificate(Some("p.test")).unwrap(), who_over_tls("p.test", "/")), (own.der.clone(), "own".to_owned()), "PAS-1, PAS-6");
        assert_eq!((certificate(Some("P.TEST")).unwrap(), who_over_tls("p.test", "/other")), (own.der, "own".to_owned()));
        assert_eq!((certificate(Some("q.test")).unwrap(), who_over_tls("q.test", "/")), (terminated.der, "s".to_owned()), "PAS-2");
        let fallback = certificate(None).unwrap();
        assert_eq!([certificate(Some("x.test")).unwrap(), certificate(Some("a.w.test")).unwrap()], [fallback.clone(), fallback], "PAS-3");
        assert_eq!(get_over_tls("x.test", "/").unwrap().status, 404, "PAS-3");
        assert_eq!([who_over_tls("a.w.test", "/"), who_over_tls("rootless.test", "/a")], ["s", "s"]);
        assert!(TcpStream::connect(("127.0.0.1", 1442)).is_ok() && TcpStream::connect((CLIENT, 1442)).is_err(), "PAS-4");
        assert_eq!([who("t.test", "/"), who("p.test", "/other")], ["308", "s"], "PAS-5: over plain HTTP it is a host as others are");
        assert_eq!(seen_address("q.test", ""), Some(CLIENT.to_owned()), "who asks is not forgotten on the way");
        assert_eq!(seen_address_at("::1", "q.test", ""), Some("::1".to_owned()), "nor over IPv6");
        let port = get_over_tls("q.test", "/").unwrap().received("X-Forwarded-Port");
        assert_eq!(port.as_deref(), Some("443"));
        for part in ["only TLS connections for one exact name", "no rule of it has the path /", "go to the Service of its path /"] {
            assert!(says(&world, part), "{part}: {:#?}", world.diagnostics());
        }
        let without = objects.iter().filter(|object| object["metadata"]["name"] != "p-wish").cloned().collect::<Vec<_>>();
        world.apply("i.yaml", &without);
        let fallback = certificate(None).unwrap();
        until_eq("without the wish it is terminated again", &fallback, || certificate(Some("p.test")).unwrap_or_default());
    }

    fn only_the_namespace_of_a_host_passes_it_on(proxy) {
        let foreign = |object: Value| object.within("other");
        let mut objects = [running("s"), vec![
            ingress("p").created(1).prefix("p.test", "/", "s"),
            foreign(ingress("wish").created(2).prefix("p.test", "/x", "own:tls").annotation("ssl-passthrough", "true")),
            ingress("half").created(1).prefix("half.test", "/a", "s").annotation("ssl-passthrough", "true"),
            foreign(ingress("root").created(2).prefix("half.test", "/", "own:tls")),
        ]].concat();
        objects.extend(speaking_tls("own").into_iter().map(foreign));
        let world = World::of(proxy).arg("--enable-ssl-passthrough").manifest("i.yaml", &objects).start();
        tls::start_pods("own", 8443, &Pair::new(&["p.test"]));
        assert_eq!([who_over_tls("p.test", "/"), who_over_tls("half.test", "/a")], ["s", "s"]);
        if proxy.forwards_tcp() {
            assert!(says(&world, "which alone decides") && says(&world, "its path / belongs to another namespace"), "{:#?}", world.diagnostics());
        }
    }

    fn without_the_flag_nothing_is_passed_on_and_that_is_said(proxy) {
        let objects = [running("s"), vec![ingress("p").prefix("p.test", "/", "s").annotation("ssl-passthrough", "true")]].concat();
        let world = World::of(proxy).manifest("i.yaml", &objects).start();
        assert_eq!(who_over_tls("p.test", "/"), "s");
        let why = if proxy.forwards_tcp() { "without --enable-ssl-passthrough" } else { "stream module" };
        assert!(says(&world, why), "{:?}", world.diagnostics());
    }

    fn addresses_of_the_proxy_protocol_come_through(proxy) {
        let seen_by = |range: &str| {
            let settings = config_map("settings", &[("use-proxy-protocol", "true"), ("proxy-real-ip-cidr", range)]);
            let objects = [running("s"), vec![settings, ingress("q").prefix("q.test", "/", "s")]].concat();
            let world = World::of(proxy).arg("--enable-ssl-passthrough").arg("--configmap=default/settings").manifest("i.yaml", &objects);
            let _world = world.start();
            seen_address("q.test", "PROXY TCP4 192.0.2.5 192.0.2.1 4000 443\r\n")
        };
        assert_eq!(seen_by("10.244.0.0/16"), Some("192.0.2.5".to_owned()));
        assert_eq!(seen_by("203.0.113.0/24"), Some(CLIENT.to_owned()), "nobody else is believed");
    }
}
