//! What backends are told, WebSocket, HTTP/2, PROXY protocol.

use gatewright_e2e::client::{connect, get, get_over_http2, get_over_tls, send};
use gatewright_e2e::echo::new_pod;
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, service_with, slice_with};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::wait::until;
use gatewright_e2e::world::{World, who, workers_of};
use gatewright_e2e::{grpc, http2, tls, websocket};
use serde_json::json;
use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// A busy machine may end workers so much later than they were told.
const SLACK: Duration = Duration::from_secs(20);

/// Headers of a request as they came, in one line each.
fn received(answer: &Answer, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{name}: {}", answer.received(name).unwrap_or_else(|| "-".to_owned()))).collect()
}

/// Makes a WebSocket of a connection.
fn shake(stream: &mut dyn ReadWrite, host: &str) {
    stream.write_all(websocket::handshake(host, "/chat").as_bytes()).unwrap();
    assert_eq!(Answer::read(&mut &mut *stream, true).unwrap().status, 101);
}

/// Says something, and hears it.
fn talk(stream: &mut dyn ReadWrite, text: &str) {
    websocket::say(&mut &mut *stream, text).unwrap();
    assert_eq!(websocket::hear(&mut &mut *stream).unwrap(), text);
}

/// A request that claims much.
fn claiming(host: &str) -> Request {
    Request::get(host, "/")
        .header("X-Forwarded-For", "1.2.3.4")
        .header("X-Forwarded-Host", "myhost")
        .header("X-Forwarded-Port", "1234")
        .header("X-Forwarded-Proto", "myproto")
        .header("X-Forwarded-Scheme", "myproto")
}

const FORWARDED: [&str; 6] = ["Host", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Scheme"];

on_every_proxy! {
    fn connection_proxy_header_is_what_the_proxy_can_do_of_it(proxy) {
        let site = Site::of(proxy, "connection");
        let [close, keep] = ["close", "keep-alive"].map(|value| (site.host(value), ingress(value).annotation("connection-proxy-header", value)));
        site.apply(&[running("s"), vec![close.1.prefix(&close.0, "/", "s"), keep.1.prefix(&keep.0, "/", "s")]].concat());
        let told = |host: &str| send(&Request::get(host, "/").header("Upgrade", "websocket").header("X-Own", "1")).unwrap();
        let [closed, kept] = [&close.0, &keep.0].map(|host| received(&told(host), &["Connection", "X-Own"]));
        assert_eq!(closed, ["Connection: close", "X-Own: 1"]);
        let said = site.diagnostics().iter().filter(|line| line.contains("connection-proxy-header")).count();
        // HAProxy keeps connections without a word.
        let wanted = if proxy.kind == "nginx" { ("Connection: keep-alive", 0) } else { ("Connection: -", 1) };
        assert_eq!((kept[0].as_str(), said), wanted);
    }

    fn fwd_1_12_13_claims_of_clients_are_not_believed(proxy) {
        let site = Site::of(proxy, "fwd-1");
        let h = site.host("h");
        site.apply(&[running("s"), vec![ingress("a").prefix(&h, "/", "s")]].concat());
        let answer = send(&claiming(&h).header("Proxy", "x").header("X-Request-ID", "abc").header("X-Own", "kept")).unwrap();
        let wanted = [
            format!("Host: {h}"),
            "X-Forwarded-For: 127.0.0.1".to_owned(),
            format!("X-Forwarded-Host: {h}"),
            "X-Forwarded-Port: 80".to_owned(),
            "X-Forwarded-Proto: http".to_owned(),
            "X-Scheme: http".to_owned(),
        ];
        assert_eq!(received(&answer, &FORWARDED), wanted, "FWD-1");
        let names = ["X-Original-Forwarded-For", "X-Original-Forwarded-Host", "X-Forwarded-Scheme", "X-Real-IP", "Proxy", "X-Request-ID", "X-Own"];
        let wanted = [
            "X-Original-Forwarded-For: 1.2.3.4",
            "X-Original-Forwarded-Host: myhost",
            "X-Forwarded-Scheme: http",
            "X-Real-IP: 127.0.0.1",
            "Proxy: -",
            "X-Request-ID: abc",
            "X-Own: kept",
        ];
        assert_eq!(received(&answer, &names), wanted, "FWD-1, 12, 13");
        let id = get(&h, "/").unwrap().received("X-Request-ID").unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "FWD-13: {id}");
        until("FWD-13: the access log has the same", || site.world.log().lines().any(|line| line.contains("GET / ") && line.contains(&id)));
        let over_tls = get_over_tls(&h, "/").unwrap();
        assert_eq!(received(&over_tls, &FORWARDED[3..]), ["X-Forwarded-Port: 443", "X-Forwarded-Proto: https", "X-Scheme: https"]);
    }

    fn headers_of_the_connection_end_at_the_proxy(proxy) {
        let site = Site::of(proxy, "hops");
        let h = site.host("h");
        site.apply(&[running("s"), vec![ingress("a").prefix(&h, "/", "s")]].concat());
        let request = || Request::get(&h, "/").header("TE", "trailers").header("Keep-Alive", "timeout=5").header("X-Own", "1");
        let names = ["Connection", "Upgrade", "TE", "Keep-Alive", "X-Real-IP", "X-Own"];
        let plain = send(&request().header("Connection", "X-Real-IP, X-Forwarded-For, X-Own")).unwrap();
        let wanted = ["Connection: -", "Upgrade: -", "TE: -", "Keep-Alive: -", "X-Real-IP: 127.0.0.1", "X-Own: 1"];
        assert_eq!(received(&plain, &names), wanted);
        let upgrade = request().header("Connection", "upgrade, X-Own").header("Upgrade", "other");
        let upgrade = upgrade.send(&mut connect(80).unwrap(), false).unwrap();
        assert_eq!(received(&upgrade, &names[..3]), ["Connection: upgrade", "Upgrade: other", "TE: -"]);
    }

    fn lines_of_forwarded_for_are_told_as_one(proxy) {
        let site = Site::of(proxy, "for-lines");
        let h = site.host("h");
        site.apply(&[running("s"), vec![ingress("a").prefix(&h, "/", "s")]].concat());
        let request = ["1.2.3.4", "5.6.7.8, 9.9.9.9", "fd00::1"].iter().fold(Request::get(&h, "/"), |request, line| {
            request.header("X-Forwarded-For", line).header("X-Own", "X-Forwarded-For: 7.7.7.7")
        });
        let answer = send(&request).unwrap();
        let wanted = ["X-Original-Forwarded-For: 1.2.3.4, 5.6.7.8, 9.9.9.9, fd00::1", "X-Forwarded-For: 127.0.0.1"];
        assert_eq!(received(&answer, &["X-Original-Forwarded-For", "X-Forwarded-For"]), wanted);
    }

    fn requests_may_have_many_headers(proxy) {
        let site = Site::of(proxy, "many-headers");
        let h = site.host("h");
        site.apply(&[running("s"), vec![ingress("a").prefix(&h, "/", "s")]].concat());
        let request = (0..300).fold(Request::get(&h, "/"), |request, n| request.header(&format!("X-H{n}"), "x"));
        let answer = send(&request).unwrap();
        assert_eq!((answer.status, answer.received("X-H299").as_deref()), (200, Some("x")));
    }

    fn fwd_2_to_4_headers_are_believed_when_told_to(proxy) {
        let settings = |key: &str| config_map("settings", &[(key, "true")]);
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &[settings("use-forwarded-headers")]).start();
        world.apply("i.yaml", &[running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat());
        let wanted = [
            "Host: myhost", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: myhost", "X-Forwarded-Port: 1234", "X-Forwarded-Proto: myproto",
            "X-Scheme: myproto",
        ];
        assert_eq!(received(&send(&claiming("h.test")).unwrap(), &FORWARDED), wanted, "FWD-2");
        let several = send(&Request::get("h.test", "/").header("X-Forwarded-Host", "myhost.com, another.host")).unwrap();
        assert_eq!(received(&several, &["Host", "X-Forwarded-Host"]), ["Host: myhost.com", "X-Forwarded-Host: myhost.com"], "FWD-3");
        world.apply("c.yaml", &[settings("enable-real-ip")]);
        let wanted = ["Host: h.test", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: h.test", "X-Forwarded-Port: 80", "X-Forwarded-Proto: http", "X-Scheme: http"];
        assert_eq!(received(&send(&claiming("h.test")).unwrap(), &FORWARDED), wanted, "FWD-4");
    }

    fn fwd_5_6_other_ports_are_told(proxy) {
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat();
        let _world = World::of(proxy).arg("--http-port=1080").arg("--https-port=1443").manifest("i.yaml", &objects).start();
        let request = Request::get("h.test", "/");
        let plain = request.send(&mut connect(1080).unwrap(), true).unwrap();
        let secure = request.send(&mut tls::connect(connect(1443).unwrap(), Some("h.test"), &[]).unwrap(), true).unwrap();
        let port = |answer: &Answer| answer.received("X-Forwarded-Port");
        assert_eq!([port(&plain).as_deref(), port(&secure).as_deref()], [Some("1080"), Some("443")]);
    }

    fn fwd_7_to_9_and_red_14_the_proxy_protocol_tells_who_asks(proxy) {
        let secure = ingress("secure").prefix("secure.test", "/", "s").tls(&["secure.test"], "");
        let ingresses = vec![ingress("a").prefix("h.test", "/", "s"), secure, config_map("settings", &[("use-proxy-protocol", "true")])];
        let objects = [running("s"), ingresses].concat();
        let _world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let ask_host = |host: &str, port: u16, destination: u16| {
            let mut tcp = connect(port).unwrap();
            // In one packet, as everybody sends it.
            tcp.write_all(format!("PROXY TCP4 192.168.0.1 192.168.0.11 56324 {destination}\r\n").as_bytes()).unwrap();
            let request = Request::get(host, "/");
            if port == 443 { request.send(&mut tls::connect(tcp, Some(host), &[]).unwrap(), true) } else { request.send(&mut tcp, true) }.unwrap()
        };
        let ask = |port: u16, destination: u16| ask_host("h.test", port, destination);
        let names = ["X-Forwarded-Port", "X-Forwarded-Proto", "X-Scheme", "X-Forwarded-For"];
        let of = |port: &str, scheme: &str| {
            let told = [("Port", port), ("Proto", scheme)].map(|(name, value)| format!("X-Forwarded-{name}: {value}"));
            [&told[..], &[format!("X-Scheme: {scheme}"), "X-Forwarded-For: 192.168.0.1".to_owned()]].concat()
        };
        assert_eq!(received(&ask(80, 1234), &names), of("1234", "http"), "FWD-7");
        assert_eq!(received(&ask(80, 443), &names), of("443", "https"), "FWD-8");
        assert_eq!(received(&ask(443, 1234), &names), of("1234", "https"), "FWD-9");
        let status = |destination: u16| ask_host("secure.test", 80, destination).status;
        assert_eq!([status(443), status(80)], [200, 308], "RED-14: who came to port 443 came over TLS");
    }

    fn fwd_10_11_the_header_counts_behind_a_source_that_is_trusted(proxy) {
        let seen = |trusted: &str| {
            let settings = [("use-proxy-protocol", "true"), ("use-forwarded-headers", "true"), ("proxy-real-ip-cidr", trusted)];
            let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s"), config_map("settings", &settings)]].concat();
            let _world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
            let mut tcp = connect(80).unwrap();
            tcp.write_all(b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 1234\r\n").unwrap();
            let request = Request::get("h.test", "/").header("X-Forwarded-For", "192.168.0.111");
            request.send(&mut tcp, true).unwrap().received("X-Forwarded-For")
        };
        assert_eq!(seen("127.0.0.0/8").as_deref(), Some("192.168.0.1"), "FWD-10");
        assert_eq!(seen("127.0.0.0/8,192.168.0.1/32").as_deref(), Some("192.168.0.111"), "FWD-11");
    }

    fn grpc_1_a_unary_call_over_tls_reaches_its_backend(proxy) {
        let pod = new_pod("grpc");
        let world = World::of(proxy).manifest("s.yaml", &[
            service_with("grpc", &json!({"ports": [{"port": 50051}]})),
            slice_with("grpc-1", "grpc", &json!([{"addresses": [pod]}]), &json!([{"port": 50051}])),
            ingress("a").prefix("grpc.test", "/", "grpc:50051").annotation("backend-protocol", "GRPC"),
        ]).build();
        grpc::serve((pod, 50051).into());
        world.start_controller();
        world.until_ready();
        let reply = grpc::call(connect(443).unwrap(), "grpc.test", "/shop.Cart/Add", "one pear").unwrap();
        assert_eq!((&*reply.content_type, &*reply.status), ("application/grpc", "0"));
        assert_eq!(reply.message, "grpc.test /shop.Cart/Add one pear", "authority, method and message");
    }

    fn websockets_pass_and_stay_open(proxy) {
        let site = Site::of(proxy, "ws");
        let h = site.host("h");
        site.apply(&[running("s"), vec![ingress("a").prefix(&h, "/", "s")]].concat());
        let mut plain = connect(80).unwrap();
        let mut secure = tls::connect(connect(443).unwrap(), Some(&h), &["http/1.1"]).unwrap();
        shake(&mut plain, &h);
        shake(&mut secure, &h);
        talk(&mut plain, "before");
        talk(&mut secure, "before");
        let before = site.world.loads();
        let other = ingress("b").prefix(&site.host("b"), "/", "s").to_be_loaded(1);
        site.apply(&[running("s"), vec![ingress("a").prefix(&h, "/", "s"), other]].concat());
        assert!(site.world.loads() > before, "it was loaded");
        talk(&mut plain, "after a reload");
        talk(&mut secure, "after a reload");
    }

    fn an_old_worker_ends_in_time_though_websockets_are_open(proxy) {
        let settings = config_map("settings", &[("worker-shutdown-timeout", "2s")]);
        let objects = [running("s"), vec![ingress("a").prefix("h.test", "/", "s"), settings]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let mut plain = connect(80).unwrap();
        let mut secure = tls::connect(connect(443).unwrap(), Some("h.test"), &["http/1.1"]).unwrap();
        shake(&mut plain, "h.test");
        shake(&mut secure, "h.test");
        talk(&mut plain, "before");
        talk(&mut secure, "before");
        let (master, before) = (world.proxy_pid(), workers_of(world.proxy_pid()));
        world.load("b.yaml", &[ingress("b").prefix("b.test", "/", "s").to_be_loaded(1)]);
        let begun = Instant::now();
        world.until_gone(&before);
        // Whoever overlooks the setting ends them later by far: after minutes, unless told.
        assert!(begun.elapsed() < Duration::from_secs(2) + SLACK, "they were given {:?}", begun.elapsed());
        let ends = [websocket::hear(&mut plain), websocket::hear(&mut secure)].map(|heard| heard.unwrap_err().kind());
        assert!(ends.iter().all(|kind| [UnexpectedEof, ConnectionReset].contains(kind)), "they end with it: {ends:?}");
        assert_eq!((who("h.test", "/"), who("b.test", "/"), world.proxy_pid()), ("s".to_owned(), "s".to_owned(), master));
    }

    fn http_2_is_spoken_over_tls(proxy) {
        let site = Site::of(proxy, "h2");
        let h = site.host("h");
        site.apply(&[running("s"), vec![ingress("a").prefix(&h, "/", "s")]].concat());
        let answer = get_over_http2(&h, "/a?b=c").unwrap();
        assert_eq!((answer.word().as_str(), answer.echo()["target"].as_str()), ("s", Some("/a?b=c")));
        assert_eq!(answer.received("Host"), Some(h.clone()));
        assert_eq!(answer.received("X-Forwarded-Proto").as_deref(), Some("https"));
        assert_eq!(get_over_http2("unknown.test", "/").unwrap().status, 404);
        if !proxy.is_oldest() {
            assert_eq!(http2::get_in_clear(connect(80).unwrap(), &h, "/").unwrap().word(), "s", "with prior knowledge");
        }
    }

    fn sec_1_a_body_is_never_taken_for_a_request(proxy) {
        let site = Site::of(proxy, "sec-1");
        let [h, hidden, refused, intercepted] = ["h", "hidden", "refused", "intercepted"].map(|name| site.host(name));
        let asking = format!("http://{}:8080/?status=401", new_pod("gate"));
        let guarded = |name: &str, host: &str| ingress(name).prefix(host, "/", "s").annotation("auth-url", &asking);
        let ingresses = vec![
            ingress("a").prefix(&h, "/", "s").prefix(&hidden, "/", "s"),
            guarded("refused", &refused),
            guarded("intercepted", &intercepted).annotation("custom-http-errors", "401").annotation("default-backend", "pages"),
        ];
        site.apply(&[running("s"), running("pages"), ingresses].concat());
        let inner = format!("GET /smuggled HTTP/1.1\r\nHost: {hidden}\r\n\r\n");
        let with_body = |host: &str| Request::get(host, "/echo").body(inner.as_bytes());
        let mut stream = connect(80).unwrap();
        // On one connection, which stays open: the next answer is that of the next request.
        for (request, is_last, target) in [(with_body(&h), false, "/echo"), (Request::get(&h, "/last"), true, "/last")] {
            let answer = request.send(&mut stream, is_last).unwrap();
            assert_eq!((answer.word().as_str(), answer.echo()["target"].as_str()), ("s", Some(target)));
        }
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "nothing else is answered");

        // The body is not wanted, because the request may not pass; what is said of that comes from elsewhere.
        // HAProxy keeps its own page.
        for (host, status) in [(&refused, 401), (&intercepted, if proxy.is_nginx() { 200 } else { 401 })] {
            let mut stream = connect(80).unwrap();
            let answer = with_body(host).send(&mut stream, false).unwrap();
            assert_eq!(answer.status, status, "{answer:?}");
            assert!(status == 401 || answer.received("X-Code").as_deref() == Some("401"), "it is intercepted: {answer:?}");
            // It may be closed at once; if not, then the next answer is that of the next request.
            let _ = stream.write_all(&Request::get(&h, "/last").bytes(true));
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            let rest = String::from_utf8_lossy(&rest);
            assert!(!rest.contains("smuggled") && rest.matches("HTTP/1.1 ").count() <= 1, "SEC-1: {rest}");
        }
    }

    fn what_is_no_request_is_refused(proxy) {
        let site = Site::of(proxy, "odd");
        let h = site.host("h");
        site.apply(&[running("s"), vec![ingress("a").prefix(&h, "/", "s")]].concat());
        for (line, host, statuses) in [
            ("GET /", &*h, &[200][..]),
            ("OPTIONS /", &h, &[200]),
            ("TRACE /", &h, &[405]),
            (&format!("CONNECT {h}:80"), &h, &[400, 405]),
            ("get /", &h, &[400]),
            ("G3T /", &h, &[400]),
            ("GET /", "", &[400]),
            // nginx 1.22 takes what stands before the first colon.
            ("GET /", &format!("{h}:80:80"), if proxy.is_nginx() { &[200, 400] } else { &[400] }),
            ("GET /", &format!("{h}:8x"), if proxy.is_nginx() { &[200, 400] } else { &[400] }),
            ("GET /", &format!("eve@{h}"), if proxy.is_nginx() { &[400, 404] } else { &[400] }),
            ("GET /", &format!("{h}/a"), &[400]),
            ("GET /", &format!("{h}:80"), &[200]),
            ("GET /", &format!("{h}:"), &[200]),
            ("GET /", "[::1]:80", &[404]),
            ("GET /", "[::1", if proxy.is_nginx() { &[400, 404] } else { &[400] }),
        ] {
            let mut stream = connect(80).unwrap();
            stream.write_all(format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
            let answer = Answer::read(&mut stream, false).unwrap();
            assert!(statuses.contains(&answer.status), "{line} for {host:?}: {answer:?}");
        }
    }

    fn a_path_that_is_decoded_begins_no_header(proxy) {
        let site = Site::of(proxy, "decoded");
        let (h, p) = (site.host("h"), site.host("p"));
        let by_path = ingress("a").annotation("upstream-vhost", "$uri").prefix(&h, "/", "s");
        let by_group = ingress("b")
            .annotation("x-forwarded-prefix", "/$1")
            .annotation("rewrite-target", "/")
            .path(&p, "/a/([^/]*)", "ImplementationSpecific", "s");
        site.apply(&[running("s"), vec![by_path, by_group]].concat());
        for host in [&h, &p] {
            let answer = get(host, "/a/x%0d%0aX-Evil:1").unwrap();
            assert!(answer.status == 400 || answer.received("X-Evil").is_none(), "{host}: {answer:?}");
        }
        assert_eq!(get(&h, "/a").unwrap().received("Host").as_deref(), Some("/a"));
        assert_eq!(get(&p, "/a/b").unwrap().received("X-Forwarded-Prefix").as_deref(), Some("/b"));
    }

    fn large_bodies_pass_up_to_the_limit(proxy) {
        let site = Site::of(proxy, "body");
        let h = site.host("h");
        site.apply(&[running("s"), vec![ingress("a").prefix(&h, "/", "s")]].concat());
        let post = |length: usize| send(&Request::new("POST", "/").header("Host", &h).body(&vec![b'x'; length])).unwrap();
        assert_eq!(post(1 << 20).echo()["body"].as_str().map(str::len), Some(1 << 20));
        let too_much = Request::new("POST", "/").header("Host", &h).header("Content-Length", "2000000");
        assert_eq!(send(&too_much).unwrap().status, 413);
        let answer = get(&h, "/?bytes=5000000").unwrap();
        assert_eq!(answer.body.len(), 5_000_000);
    }
}

/// What both kinds of connections can do.
trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}
