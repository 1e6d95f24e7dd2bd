//! Which request goes where: hosts, paths, redirects, answers of the proxy itself.

use crate::models::*;
use crate::world::*;
use gatewright_core::model::*;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

fn each(test: impl Fn(&dyn Fn(Draft) -> Proxy)) {
    for (program, version) in programs() {
        test(&|draft| Proxy::start(&draft.model(), &program, version));
    }
}

#[test]
fn hst_hosts_are_exact_then_wildcard_then_catch_all() {
    let (w, e) = (echo("w"), echo("e"));
    each(|start| {
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("w", &[w]).backend("e", &[e]);
        let proxy = start(draft.host("*.foo.com", vec![prefix("/", "w")]).host("bar.foo.com", vec![prefix("/x", "e")]));
        for (host, path, status, backend) in [
            ("bar.foo.com", "/x", 200, Some("e")),
            ("bar.foo.com", "/y", 404, None),
            ("a.foo.com", "/", 200, Some("w")),
            ("A_1-b.FOO.COM:8080", "/", 200, Some("w")),
            ("a.foo.com.", "/", 200, Some("w")),
            ("BAR.foo.com.:1", "/x", 200, Some("e")),
            ("baz.bar.foo.com", "/", 404, None),
            ("foo.com", "/", 404, None),
            ("afoo.com", "/", 404, None),
            ("a.fooxcom", "/", 404, None),
            ("10.0.0.1", "/", 404, None),
            ("_", "/", 404, None),
        ] {
            let answer = proxy.get(host, path, &[]);
            assert_eq!((answer.status, answer.backend()), (status, backend), "{host}{path}");
        }
        assert_eq!(proxy.send("GET / HTTP/1.0\r\n\r\n").status, 404);
        let absolute = proxy.send("GET http://bar.foo.com/x HTTP/1.1\r\nHost: bar.foo.com\r\nConnection: close\r\n\r\n");
        assert_eq!((absolute.backend(), absolute.sent("Host")), (Some("e"), vec!["bar.foo.com"]));
        // The request line counts, or nothing does.
        let mixed = proxy.send("GET http://bar.foo.com/x HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n");
        assert!(mixed.status == 400 || mixed.sent("Host") == ["bar.foo.com"], "{mixed:?}");
    });
}

#[test]
fn pth_paths_are_exact_then_longest_prefix_by_elements() {
    let backends = ["root", "aaa", "aaabbb", "slash", "exact", "exactslash"];
    let addresses = backends.map(echo);
    each(|start| {
        let mut draft = Draft { globals: globals(), ..Draft::default() };
        for (name, address) in backends.iter().zip(addresses) {
            draft = draft.backend(name, &[address]);
        }
        let proxy = start(draft.host(
            "h.test",
            vec![
                prefix("/", "root"),
                prefix("/aaa", "aaa"),
                prefix("/aaa/bbb", "aaabbb"),
                prefix("/slash/", "slash"),
                exact("/exact", "exact"),
                exact("/only/", "exactslash"),
            ],
        ));
        for (path, backend) in [
            ("/", "root"),
            ("/ccc", "root"),
            ("/aaa", "aaa"),
            ("/aaa/", "aaa"),
            ("/aaa?x=1", "aaa"),
            ("/aaa/ccc", "aaa"),
            ("/aaa/bbb", "aaabbb"),
            ("/aaa/bbb/ccc", "aaabbb"),
            ("/aaa/bbbxyz", "aaa"),
            ("/aaab", "root"),
            ("/AAA", "root"),
            ("/slash", "slash"),
            ("/slash/", "slash"),
            ("/exact", "exact"),
            ("/exact/", "root"),
            ("/only/", "exactslash"),
            ("/only", "root"),
            ("/only/x", "root"),
        ] {
            let answer = proxy.get("h.test", path, &[]);
            assert_eq!((answer.status, answer.backend()), (200, Some(backend)), "{path}");
        }
    });
}

#[test]
fn uri_paths_are_compared_decoded_and_forwarded_as_they_came() {
    let address = echo("foo");
    each(|start| {
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("foo", &[address]);
        let proxy = start(draft.host("h.test", vec![prefix("/foo", "foo"), prefix("/ü(x)$y'", "foo")]));
        for target in ["//foo", "/%66oo", "/foo%2fbar", "/x/../foo/y?z", "/foo/..%2ffoo", "/%c3%bc(x)$y'/a"] {
            let answer = proxy.get("h.test", target, &[]);
            assert_eq!(answer.request_line(), format!("GET {target} HTTP/1.1"), "{}", answer.status);
        }
        for (target, status) in
            [("/foo/../bar", 404), ("/../foo", 400), ("/foo/../..", 400), ("/%2e%2e/foo", 400), ("/foo%00", 400), ("/foo/%zz", 400)]
        {
            assert_eq!(proxy.get("h.test", target, &[]).status, status, "{target}");
        }
    });
}

#[test]
fn red_plain_requests_are_sent_to_https() {
    let address = echo("b");
    each(|start| {
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[address]);
        let mut keeping = redirected(prefix("/keep", "b"));
        keeping.https_redirect = Some(HttpsRedirect { keep_trailing_slash: true });
        let routes = vec![redirected(prefix("/", "b")), redirected(respond("/gone", 503)), prefix("/plain", "b"), keeping];
        let proxy = start(draft.host("h.test", routes));
        for (host, target, location) in [
            ("h.test", "/", "https://h.test"),
            ("h.test", "/foo/", "https://h.test/foo"),
            ("h.test", "/foo?a=/", "https://h.test/foo?a="),
            ("h.test", "/a?b=c&d", "https://h.test/a?b=c&d"),
            ("h.test:8080", "/", "https://h.test"),
            ("H.test", "/gone", "https://H.test/gone"),
            ("h.test", "/keep/", "https://h.test/keep/"),
            ("h.test", "/a%0d%0aX:%20y", "https://h.test/a%0d%0aX:%20y"),
        ] {
            let answer = proxy.get(host, target, &["X-Forwarded-Proto: https"]);
            assert_eq!((answer.status, answer.header("Location")), (308, Some(location)));
        }
        assert_eq!(proxy.get("h.test", "/plain", &[]).status, 200);
    });
}

#[test]
fn red_status_and_trusted_headers_decide_the_redirect() {
    let address = echo("b");
    each(|start| {
        let mut globals = globals();
        globals.https_redirect_status = HttpsRedirectStatus(301);
        globals.forwarding.trust_headers = true;
        let draft = Draft { globals, ..Draft::default() }.backend("b", &[address]);
        let proxy = start(draft.host("h.test", vec![redirected(prefix("/", "b"))]));
        let answer = proxy.get("h.test", "/", &["X-Forwarded-Host: example.com:80, f.com"]);
        assert_eq!((answer.status, answer.header("Location")), (301, Some("https://example.com")));
        assert_eq!(proxy.get("h.test", "/", &["X-Forwarded-Proto: https"]).status, 200);
    });
}

#[test]
fn closed_routes_answer_503_and_unknown_ones_404() {
    each(|start| {
        let proxy = start(Draft { globals: globals(), ..Draft::default() }.host("h.test", vec![respond("/closed", 503)]));
        assert_eq!(proxy.get("h.test", "/closed/x", &[]).status, 503);
        let answer = proxy.get("h.test", "/", &[]);
        assert_eq!((answer.status, answer.header("Server")), (404, crate::SERVER));
        assert_eq!(proxy.get("other.test", "/demo", &[]).status, 404);
        assert!(answer.headers("Strict-Transport-Security").is_empty());
    });
}

#[test]
fn endpoints_are_left_when_the_client_has_gone() {
    let left = |start: &dyn Fn(Draft) -> Proxy, header: &str| {
        let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
        endpoint.set_nonblocking(true).unwrap();
        let proxy = start(Draft::default().backend("b", &[endpoint.local_addr().unwrap()]).host("h.test", vec![prefix("/", "b")]));
        let mut client = TcpStream::connect(proxy.http()).unwrap();
        client.write_all(format!("GET / HTTP/1.1\r\nHost: h.test\r\n{header}\r\n").as_bytes()).unwrap();
        let mut asked = None;
        until("the request is there", || {
            asked = asked.take().or_else(|| endpoint.accept().ok());
            let Some((stream, _)) = &mut asked else { return false };
            stream.set_nonblocking(true).unwrap();
            stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0)
        });
        drop(client);
        let (mut stream, _) = asked.unwrap();
        let is_left = |read: std::io::Result<usize>| match read {
            Ok(count) => count == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        };
        until("the endpoint is left", || is_left(stream.read(&mut [0; 4096])));
    };
    each(|start| ["", "Connection: close\r\n"].into_iter().for_each(|header| left(start, header)));
}

#[test]
fn the_health_path_answers_unknown_hosts_only() {
    let address = echo("b");
    each(|start| {
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[address]);
        let proxy = start(draft.host("h.test", vec![]).host("", vec![prefix("/", "b")]));
        assert_eq!(proxy.get("10.0.0.1", "/healthz", &[]).body, "");
        assert_eq!(proxy.get("10.0.0.1", "/healthz", &[]).status, 200);
        assert_eq!(proxy.get("h.test", "/healthz", &[]).status, 404);
        assert_eq!(proxy.get("x.test", "/x", &[]).backend(), Some("b"));
    });
}

#[test]
fn unknown_hosts_show_how_the_proxy_is_to_those_who_may_see_it() {
    let address = echo("b");
    let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    each(|start| {
        let by = |clients: Option<&[&str]>, believed: bool, header: &str| {
            let mut globals = globals();
            if let Some(clients) = clients {
                globals.listeners.status_clients = networks(clients);
            }
            if believed {
                globals.forwarding.client_address = TrustedAddressSource::Header;
            }
            let draft = Draft { globals, ..Draft::default() }.backend("b", &[address]);
            let proxy = start(draft.host("h.test", vec![prefix("/", "b")]).host("", vec![prefix("/", "b")]));
            assert_eq!(proxy.get("h.test", "/nginx_status", &[]).backend(), Some("b"), "hosts have their own paths");
            assert_eq!(proxy.get("10.0.0.1", "/nginx_stat", &[]).backend(), Some("b"));
            proxy.get("10.0.0.1", "/nginx_status", &[header])
        };
        let seen = by(None, false, "X-Forwarded-For: 1.2.3.4");
        assert!(seen.status == 200 && (seen.body.starts_with("Active connections: ") || seen.body.contains("HAProxy")), "{seen:?}");
        for (clients, believed, header, status) in [
            (Some(&["10.1.2.3/32"][..]), false, "X-Forwarded-For: 10.1.2.3", 403),
            (Some(&[][..]), false, "X-Own: 1", 403),
            (Some(&["127.0.0.0/8", "::1/128"][..]), false, "X-Own: 1", 200),
            (None, true, "X-Forwarded-For: 10.1.2.3", 403),
            // The client that a header tells has asked through somebody who may not.
            (Some(&["10.1.2.3/32"][..]), true, "X-Forwarded-For: 10.1.2.3", 403),
            (Some(&["10.1.2.3/32", "127.0.0.1/32"][..]), true, "X-Forwarded-For: 10.1.2.3", 200),
        ] {
            assert_eq!(by(clients, believed, header).status, status, "{clients:?} {header}");
        }
    });
}

#[test]
fn a_status_path_that_a_route_or_the_health_check_has_taken_is_left_to_it() {
    let address = echo("b");
    each(|start| {
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[address]);
        let proxy = start(draft.host("", vec![prefix("/nginx_status", "b")]));
        assert_eq!(
            [proxy.get("x", "/nginx_status", &[]).backend(), proxy.get("x", "/nginx_status/", &[]).backend()],
            [Some("b"), Some("b")]
        );
        let mut globals = globals();
        globals.listeners.health_check_path = path("/nginx_status");
        let proxy = start(Draft { globals, ..Draft::default() });
        assert_eq!((proxy.get("x", "/nginx_status", &[]).status, &*proxy.get("x", "/nginx_status", &[]).body), (200, ""));
    });
}

#[test]
fn a_health_path_that_a_route_has_taken_is_left_to_it() {
    let address = echo("b");
    each(|start| {
        let mut globals = globals();
        globals.listeners.health_check_path = path("/live/");
        let draft = Draft { globals, ..Draft::default() }.backend("b", &[address]);
        let proxy = start(draft.host("", vec![prefix("/live", "b")]));
        assert_eq!(proxy.get("x", "/live/", &[]).backend(), Some("b"));
    });
}

#[test]
fn unknown_hosts_are_not_logged_and_known_ones_are() {
    each(|start| {
        let proxy = start(Draft { globals: globals(), ..Draft::default() }.host("h.test", vec![]));
        proxy.get("unknown.test", "/unknown", &[]);
        proxy.get("h.test", "/known", &["X-Request-ID: abc"]);
        until("the request is logged", || proxy.log("access.log").contains("\"GET /known HTTP/1.1\" 404"));
        let log = proxy.log("access.log");
        assert!(log.starts_with("127.0.0.1 - - [") && log.ends_with(" abc\n") && !log.contains("/unknown"), "{log}");
    });
}
