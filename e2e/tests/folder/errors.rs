//! Errors that the default backend answers.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::echo::new_pod;
use gatewright_e2e::http1::{Answer, Request, read_head};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, service, slice_with, text};
use gatewright_e2e::site::{all_running, running};
use gatewright_e2e::world::{World, who};
use gatewright_e2e::{on_every_proxy, on_every_version};
use serde_json::json;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

/// Service `s` for `h.test`, none for `dead.test`; `e` may answer for errors.
fn world(proxy: gatewright_e2e::proxies::Proxy, flags: &[&str]) -> World {
    let settings = config_map("settings", &[("custom-http-errors", "404,503")]);
    let objects =
        [all_running(&["s", "e"]), vec![ingress("live").prefix("h.test", "/", "s"), ingress("dead").prefix("dead.test", "/", "missing")]];
    let builder = flags.iter().fold(World::of(proxy).arg("--configmap=default/settings"), |builder, flag| builder.arg(flag));
    builder.manifest("c.yaml", &[settings]).manifest("i.yaml", &objects.concat()).start()
}

/// Answers every request on this port with these bytes, and closes the connection.
fn pods_that_say(port: u16, bytes: &'static [u8]) {
    let listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || read_head(&mut stream).and_then(|_| stream.write_all(bytes)));
        }
    });
}

on_every_version! {
    fn what_goes_wrong_with_an_endpoint_has_its_own_status_and_page(proxy) {
        let world = World::of(proxy).manifest("s.yaml", &running("s")).start();
        pods_that_say(7001, b"HTTP/1.1 200 OK\r\nno\0header: 1\r\n\r\n");
        pods_that_say(7002, b"");
        let at = |name: &str, address: Ipv4Addr, port: u16, tries: &str| {
            let pod = json!([{"addresses": [address]}]);
            let route = ingress(name).prefix(&format!("{name}.test"), "/", name).annotation("proxy-next-upstream-tries", tries);
            let route = route.annotation("proxy-read-timeout", "1").annotation("proxy-connect-timeout", "1");
            [service(name), slice_with(&format!("{name}-1"), name, &pod, &json!([{"name": "http", "port": port}])), route]
        };
        let on_port = |name: &str, port: u16| at(name, new_pod(name), port, "1");
        let nowhere = Ipv4Addr::new(10, 245, 0, 1);
        let refused = [on_port("refuses", 7000), at("refuses-again", new_pod("refuses-again"), 7000, "3")];
        let silent = [at("silent", nowhere, 80, "1"), at("silent-again", nowhere, 80, "3")];
        let others = [on_port("talks", 7001), on_port("leaves", 7002), on_port("sleeps", 8080)];
        let objects = refused.into_iter().chain(silent).chain(others).collect::<Vec<_>>().concat();
        world.apply("i.yaml", &[objects, vec![ingress("nobody").prefix("nobody.test", "/", "missing")]].concat());
        for (host, target, status, page) in [
            ("refuses.test", "/", 502, "502 Bad Gateway"),
            ("refuses-again.test", "/", 502, "502 Bad Gateway"),
            ("silent.test", "/", 504, "504 Gateway Time-out"),
            ("silent-again.test", "/", 504, "504 Gateway Time-out"),
            ("talks.test", "/", 502, "502 Bad Gateway"),
            ("leaves.test", "/", 502, "502 Bad Gateway"),
            ("sleeps.test", "/?wait_ms=3000", 504, "504 Gateway Time-out"),
            ("nobody.test", "/", 503, "503 Service Temporarily Unavailable"),
            ("sleeps.test", "/?status=503", 503, "\"service\":\"sleeps\""),
        ] {
            let answer = get(host, target).unwrap();
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(answer.status == status && body.contains(page), "{host}{target}: {} {body}", answer.status);
        }
    }
}

/// Closes every connection to this port that has asked for something, and keeps the addresses that were asked.
fn pods_that_hang_up(port: u16) -> Arc<Mutex<Vec<IpAddr>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (listener, seen) = (TcpListener::bind(("0.0.0.0", port)).unwrap(), Arc::clone(&asked));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if read_head(&mut stream).is_ok() {
                seen.lock().unwrap().push(stream.local_addr().unwrap().ip());
            }
        }
    });
    asked
}

on_every_version! {
    fn without_a_bound_every_endpoint_is_tried_once(proxy) {
        let world = World::of(proxy).build();
        let asked = pods_that_hang_up(7001);
        let pods = [(); 4].map(|()| new_pod("s"));
        let endpoints: Vec<_> = pods.iter().map(|pod| json!({"addresses": [pod]})).collect();
        let slice = slice_with("s-1", "s", &json!(endpoints), &json!([{"name": "http", "port": 7001}]));
        let route = ingress("a").prefix("h.test", "/", "s").annotation("proxy-next-upstream-tries", "0");
        world.write("i.yaml", &text(&[service("s"), slice, route]));
        world.start_controller();
        world.until_ready();
        assert_eq!(who("h.test", "/"), "502");
        let mut seen = std::mem::take(&mut *asked.lock().unwrap());
        seen.sort_unstable();
        assert_eq!(seen, pods.map(IpAddr::from));
    }
}

on_every_proxy! {
    fn err_1_2_4_5_the_default_backend_answers_errors(proxy) {
        let world = world(proxy, &["--default-backend-service=default/e"]);
        // The query is passed on, so the answer to the error has the status of the error.
        let by = |answer: &Answer| answer.echo()["service"].as_str().unwrap_or_default().to_owned();
        let answer = send(&Request::get("h.test", "/a?status=404").header("Accept", "a/b")).unwrap();
        assert_eq!((answer.status, by(&answer).as_str()), (404, "e"), "ERR-1: its status and its body");
        let told = |name: &str| answer.received(name).unwrap_or_default();
        let names = ["X-Code", "X-Format", "X-Original-URI", "X-Namespace", "X-Ingress-Name", "X-Service-Name", "X-Service-Port", "Host"];
        assert_eq!(names.map(told), ["404", "a/b", "/a?status=404", "default", "live", "s", "80", "h.test"], "ERR-1");
        let answer = get("dead.test", "/x").unwrap();
        assert_eq!((answer.status, by(&answer).as_str(), answer.received("X-Code").as_deref()), (200, "e", Some("503")), "ERR-2");
        assert_eq!(by(&get("h.test", "/?status=500").unwrap()), "s", "of other errors nobody hears");
        let post = Request::new("POST", "/?status=404").header("Host", "h.test").body(b"text");
        let answer = send(&post).unwrap();
        assert_eq!((by(&answer).as_str(), answer.echo()["method"].as_str()), ("e", Some("POST")), "ERR-5");
        world.apply("c.yaml", &[config_map("settings", &[("custom-http-errors", "404,503"), ("disable-proxy-intercept-errors", "true")])]);
        let own = get("h.test", "/?status=404").unwrap();
        assert_eq!((own.status, by(&own).as_str(), who("dead.test", "/").as_str()), (404, "s", "e"), "ERR-4");
    }

    fn err_6_codes_that_are_no_errors_are_ignored_and_told(proxy) {
        let settings = config_map("settings", &[("custom-http-errors", "200,404,700,teapot")]);
        let objects = [all_running(&["s", "e"]), vec![settings, ingress("live").prefix("h.test", "/", "s")]].concat();
        let flags = ["--configmap=default/settings", "--default-backend-service=default/e"];
        let world = flags.iter().fold(World::of(proxy), |builder, flag| builder.arg(flag)).manifest("i.yaml", &objects).start();
        let by = |target: &str| get("h.test", target).unwrap().echo()["service"].as_str().unwrap_or_default().to_owned();
        assert_eq!([by("/"), by("/?status=404"), by("/?status=500")], ["s", "e", "s"], "the one that is an error counts");
        let told = world.diagnostics();
        for code in ["200", "700", "teapot"] {
            assert!(told.iter().any(|line| line.contains("ConfigMap default/settings") && line.contains(code)), "{code}: {told:#?}");
        }
    }

    fn err_3_without_a_default_backend_an_error_is_a_404(proxy) {
        let _world = world(proxy, &[]);
        assert_eq!([who("dead.test", "/"), who("h.test", "/?status=503"), who("h.test", "/")], ["404", "404", "s"]);
    }

    fn the_default_backend_is_told_what_was_asked_for_whatever_is_written_in_its_place(proxy) {
        let settings = config_map("settings", &[("custom-http-errors", "404,503")]);
        let moved = |name: &str| {
            let ingress = ingress(name).path(&format!("{name}.test"), "/a/(.*)", "ImplementationSpecific", name);
            ingress.annotation("rewrite-target", "/t/$1")
        };
        let objects = [all_running(&["live", "e"]), vec![settings, service("dead"), moved("live"), moved("dead")]].concat();
        let flags = ["--configmap=default/settings", "--default-backend-service=default/e"];
        let _world = flags.iter().fold(World::of(proxy), |builder, flag| builder.arg(flag)).manifest("i.yaml", &objects).start();
        for (host, target) in [("live.test", "/a/b?status=404"), ("dead.test", "/a/b?q")] {
            let answer = get(host, target).unwrap();
            let told = (answer.echo()["service"].as_str().unwrap_or_default().to_owned(), answer.received("X-Original-URI").unwrap_or_default());
            assert_eq!(told, ("e".to_owned(), target.to_owned()), "{host}");
        }
    }
}
