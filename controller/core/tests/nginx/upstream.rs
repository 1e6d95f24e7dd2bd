//! What backends are sent, and what of their answers reaches the client.

use crate::models::*;
use crate::world::*;
use gatewright_core::model::*;
use ipnet::IpNet;

/// A proxy with one backend that echoes, for every host and path.
fn each(change: impl Fn(&mut Globals), test: impl Fn(&Proxy)) {
    let address = echo("b");
    for (program, version) in programs() {
        let mut globals = globals();
        change(&mut globals);
        let draft = Draft { globals, ..Draft::default() }.backend("b", &[address]).host("h.test", vec![prefix("/", "b")]);
        test(&Proxy::start(&draft.model(), &program, version));
    }
}

const CLAIMS: &[&str] = &[
    "X-Forwarded-For: 1.2.3.4",
    "X-Forwarded-Host: myhost",
    "X-Forwarded-Port: 1234",
    "X-Forwarded-Proto: myproto",
    "X-Forwarded-Scheme: myproto",
    "X-Real-IP: 1.2.3.4",
    "X-Scheme: myproto",
    "X_Forwarded_For: 6.6.6.6",
    "Proxy: evil",
    "X-Other: kept",
];

#[test]
fn fwd_1_a_client_is_not_believed() {
    each(
        |_| {},
        |proxy| {
            let answer = proxy.get("h.test:81", "/a?b", CLAIMS);
            let port = proxy.http().port().to_string();
            for (name, value) in [
                ("Host", "h.test:81"),
                ("X-Forwarded-Host", "h.test:81"),
                ("X-Forwarded-For", "127.0.0.1"),
                ("X-Real-IP", "127.0.0.1"),
                ("X-Forwarded-Port", &port),
                ("X-Forwarded-Proto", "http"),
                ("X-Forwarded-Scheme", "http"),
                ("X-Scheme", "http"),
                ("X-Original-Forwarded-For", "1.2.3.4"),
                ("X-Original-Forwarded-Host", "myhost"),
                ("X-Other", "kept"),
            ] {
                assert_eq!(answer.sent(name), [value], "{name}");
            }
            for name in ["Proxy", "X-Original-URI", "X_Forwarded_For", "Connection", "Upgrade"] {
                assert!(answer.sent(name).is_empty(), "{name}");
            }
        },
    );
}

#[test]
fn fwd_2_and_3_a_trusted_client_is() {
    let trust = |globals: &mut Globals| {
        globals.forwarding.trust_headers = true;
        globals.forwarding.client_address = TrustedAddressSource::Header;
        globals.forwarding.original_uri_header = true;
    };
    each(trust, |proxy| {
        let answer = proxy.get("h.test", "/a?b", CLAIMS);
        for (name, value) in [
            ("Host", "myhost"),
            ("X-Forwarded-Host", "myhost"),
            ("X-Forwarded-For", "1.2.3.4"),
            ("X-Forwarded-Port", "1234"),
            ("X-Forwarded-Proto", "myproto"),
            ("X-Forwarded-Scheme", "myproto"),
            ("X-Original-URI", "/a?b"),
        ] {
            assert_eq!(answer.sent(name), [value], "{name}");
        }
        assert_eq!(proxy.get("h.test", "/", &["X-Forwarded-Host: myhost.com, another.host"]).sent("Host"), ["myhost.com"]);
        assert_eq!(proxy.get("h.test", "/", &[]).sent("X-Forwarded-Proto"), ["http"]);
    });
}

#[test]
fn fwd_4_only_the_address_is_believed_with_real_ip() {
    each(
        |globals| globals.forwarding.client_address = TrustedAddressSource::Header,
        |proxy| {
            let answer = proxy.get("h.test", "/", CLAIMS);
            assert_eq!(answer.sent("X-Forwarded-For"), ["1.2.3.4"]);
            assert_eq!((answer.sent("Host"), answer.sent("X-Forwarded-Proto")), (vec!["h.test"], vec!["http"]));
        },
    );
}

#[test]
fn an_appending_proxy_adds_the_peer() {
    let append = |globals: &mut Globals| {
        globals.forwarding.trust_headers = true;
        globals.forwarding.client_address = TrustedAddressSource::Header;
        globals.forwarding.append_peer = true;
    };
    each(append, |proxy| {
        let answer = proxy.get("h.test", "/", &["X-Forwarded-For: 1.2.3.4, 5.6.7.8"]);
        assert_eq!(answer.sent("X-Forwarded-For"), ["1.2.3.4, 5.6.7.8, 127.0.0.1"]);
        assert_eq!(answer.sent("X-Real-IP"), ["1.2.3.4"]);
        assert_eq!(proxy.get("h.test", "/", &[]).sent("X-Forwarded-For"), ["127.0.0.1"]);
    });
}

/// Sends a request behind a PROXY protocol header.
fn behind(proxy: &Proxy, source: &str, port: u16, headers: &str) -> Answer {
    let host = "Host: h.test\r\nConnection: close\r\n";
    proxy.send(&format!("PROXY TCP4 {source} 192.168.0.11 56324 {port}\r\nGET / HTTP/1.1\r\n{host}{headers}\r\n"))
}

#[test]
fn fwd_7_and_8_the_proxy_protocol_names_address_port_and_scheme() {
    let change = |globals: &mut Globals| {
        globals.listeners.proxy_protocol = true;
        globals.forwarding.client_address = TrustedAddressSource::ProxyProtocol;
    };
    each(change, |proxy| {
        let answer = behind(proxy, "192.168.0.1", 1234, "X-Forwarded-For: 1.2.3.4\r\n");
        for (name, value) in [("X-Forwarded-For", "192.168.0.1"), ("X-Forwarded-Port", "1234"), ("X-Forwarded-Proto", "http")] {
            assert_eq!(answer.sent(name), [value], "{name}");
        }
        let answer = behind(proxy, "192.168.0.1", 443, "");
        assert_eq!((answer.sent("X-Forwarded-Port"), answer.sent("X-Forwarded-Proto")), (vec!["443"], vec!["https"]));
    });
}

#[test]
fn fwd_10_and_11_the_header_counts_behind_a_trusted_source_only() {
    for (trusted, headers, seen) in [
        (&["127.0.0.0/8"][..], "X-Forwarded-For: 192.168.0.111\r\n", "192.168.0.1"),
        (&["127.0.0.0/8", "192.168.0.1/32"], "X-Forwarded-For: 192.168.0.111\r\n", "192.168.0.111"),
        (&["127.0.0.0/8", "192.168.0.1/32"], "X-Forwarded-For: 6.6.6.6, 192.168.0.111\r\n", "192.168.0.111"),
        (&["127.0.0.0/8", "192.168.0.1/32"], "", "192.168.0.1"),
        (&["192.168.0.1/32"], "X-Forwarded-For: 192.168.0.111\r\n", "127.0.0.1"),
    ] {
        let change = |globals: &mut Globals| {
            globals.listeners.proxy_protocol = true;
            globals.forwarding.trust_headers = true;
            globals.forwarding.client_address = TrustedAddressSource::HeaderBehindProxyProtocol;
            globals.forwarding.trusted_peers = trusted.iter().map(|t| t.parse::<IpNet>().unwrap()).collect();
        };
        each(change, |proxy| {
            let answer = behind(proxy, "192.168.0.1", 80, headers);
            assert_eq!((answer.sent("X-Forwarded-For"), answer.sent("X-Real-IP")), (vec![seen], vec![seen]), "{trusted:?} {headers}");
        });
    }
}

#[test]
fn fwd_13_every_request_has_an_id() {
    each(
        |_| {},
        |proxy| {
            assert_eq!(proxy.get("h.test", "/", &["X-Request-ID: abc"]).sent("X-Request-ID"), ["abc"]);
            assert_eq!(proxy.get("h.test", "/", &[]).sent("X-Request-ID")[0].len(), 32);
        },
    );
    each(|globals| globals.request_ids.generate = false, |proxy| assert!(proxy.get("h.test", "/", &[]).sent("X-Request-ID").is_empty()));
}

#[test]
fn an_upgrade_is_passed_on() {
    each(
        |_| {},
        |proxy| {
            let request = "GET / HTTP/1.1\r\nHost: h.test\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
            let answer = proxy.send(request);
            assert_eq!(
                (answer.sent("Connection").concat().to_lowercase(), answer.sent("Upgrade")),
                ("upgrade".to_owned(), vec!["websocket"])
            );
        },
    );
}

#[test]
fn names_with_underscores_pass_on_request_but_not_as_our_headers() {
    each(
        |globals| globals.underscores_in_headers = true,
        |proxy| {
            let answer = proxy.get("h.test", "/", &["a_b: c", "x_forwarded_for: 6.6.6.6"]);
            assert_eq!(answer.sent("a_b"), ["c"]);
            assert!(answer.sent("x_forwarded_for").is_empty());
        },
    );
}

#[test]
fn an_answer_decides_nothing_and_keeps_its_headers() {
    each(
        |globals| {
            globals.hidden_headers = vec!["x-powered-by".to_owned()];
            globals.hsts = Some(Hsts::default());
        },
        |proxy| {
            let answer = proxy.get("h.test", "/", &[]);
            assert_eq!((answer.status, answer.backend(), answer.headers("Server")), (200, Some("b"), crate::SERVER.into_iter().collect()));
            assert_eq!(answer.headers("Strict-Transport-Security"), ["max-age=1"]);
            assert!(answer.headers("X-Accel-Redirect").is_empty() && answer.headers("X-Powered-By").is_empty());
        },
    );
    each(|globals| globals.backend_server_header = true, |proxy| assert_eq!(proxy.get("h.test", "/", &[]).headers("Server"), ["echo"]));
}

#[test]
fn a_request_goes_to_another_endpoint_when_one_is_away() {
    let alive = echo("alive");
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (program, version) in programs() {
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[away, alive]).host("h.test", vec![prefix("/", "b")]);
        let proxy = Proxy::start(&draft.model(), &program, version);
        for _ in 0..6 {
            assert_eq!(proxy.get("h.test", "/", &[]).backend(), Some("alive"));
        }
    }
}

#[test]
fn a_body_above_the_limit_is_refused() {
    each(
        |globals| globals.body_limits.request_bytes = 10,
        |proxy| {
            let post = |n: usize| {
                let body = "x".repeat(n);
                proxy.send(&format!("POST / HTTP/1.1\r\nHost: h.test\r\nConnection: close\r\nContent-Length: {n}\r\n\r\n{body}")).status
            };
            assert_eq!((post(10), post(11)), (200, 413));
        },
    );
}

#[test]
fn err_1_to_5_intercepted_errors_are_answered_by_the_default_backend() {
    let (b, errors) = (echo("b"), echo("errors"));
    for (program, version) in programs() {
        for (intercept_upstream, default_backend) in [(true, true), (false, true), (true, false)] {
            let mut globals = globals();
            globals.custom_errors = Some(CustomErrors { statuses: vec![404, 503], intercept_upstream });
            globals.default_backend = default_backend.then(|| id("errors"));
            let draft = Draft { globals, ..Draft::default() }.backend("b", &[b]).backend("errors", &[errors]);
            let proxy = Proxy::start(&draft.host("h.test", vec![prefix("/", "b"), respond("/closed", 503)]).model(), &program, version);
            let own =
                proxy.send("POST /status/404?x HTTP/1.1\r\nHost: h.test\r\nAccept: a/b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let closed = proxy.get("h.test", "/closed", &[]);
            match (intercept_upstream, default_backend) {
                (true, true) => {
                    assert_eq!(own.status, 200);
                    assert!(own.request_line().starts_with("POST /"), "{}", own.body);
                    for (name, value) in [
                        ("X-Code", "404"),
                        ("X-Format", "a/b"),
                        ("X-Original-URI", "/status/404?x"),
                        ("X-Namespace", "shop"),
                        ("X-Ingress-Name", "front"),
                        ("X-Service-Name", "cart"),
                        ("X-Service-Port", "http"),
                        ("Host", "h.test"),
                    ] {
                        // Some proxies pass the page on one line.
                        assert!(own.body.contains(&format!("{name}: {value}")), "{name}: {}", own.body);
                    }
                    assert_eq!(closed.sent("X-Code"), ["503"]);
                    assert_eq!(proxy.get("unknown", "/", &[]).sent("X-Code"), ["404"]);
                }
                (false, true) => {
                    assert_eq!((own.status, own.backend(), closed.backend()), (404, Some("b"), Some("errors")));
                    let told = ["X-Code", "X-Namespace", "X-Ingress-Name", "X-Service-Name", "X-Service-Port", "Host"];
                    assert_eq!(told.map(|name| closed.sent(name)[0]), ["503", "shop", "front", "cart", "http", "h.test"]);
                }
                (false, false) => assert_eq!((closed.status, closed.backend()), (404, None)),
                (true, false) => assert_eq!((own.status, closed.status, closed.backend()), (404, 404, None)),
            }
        }
    }
}
