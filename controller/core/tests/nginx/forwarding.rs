//! How requests are forwarded: protocols, retries, redirects of endpoints.

use crate::models::*;
use crate::world::*;
use gatewright_core::model::*;
use gatewright_core::names::{HeaderName, VariableText};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Runs a test on every version of the proxy, with one route to these endpoints.
fn each(endpoints: &[SocketAddr], backend: &BackendPolicy, route: &RoutePolicy, test: impl Fn(&Proxy)) {
    for (program, version) in programs() {
        let mut draft = Draft { globals: globals(), ..Draft::default() };
        draft.backends.push(Backend::with_policy(id("b"), endpoints.to_vec(), Balance::RoundRobin, Arc::new(backend.clone())));
        let route = Route { policy: Arc::new(route.clone()), ..prefix("/a", "b") };
        test(&Proxy::start(&draft.host("h.test", vec![route]).model(), &program, version));
    }
}

/// An endpoint that answers nothing, and the first bytes of each connection to it.
fn listening() -> (SocketAddr, Arc<Mutex<mpsc::Receiver<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = vec![0; 4096];
            let count = stream.read(&mut bytes).unwrap_or(0);
            bytes.truncate(count);
            if sender.send(bytes).is_err() {
                return;
            }
        }
    });
    (address, Arc::new(Mutex::new(heard)))
}

#[test]
fn every_protocol_is_spoken() {
    let cases: [(Option<Protocol>, &[u8]); 6] = [
        (None, b"GET /a HTTP/1.1\r\n"),
        (Some(Protocol::Https), b"\x16\x03"),
        (Some(Protocol::AutoHttp), b"GET /a HTTP/1.1\r\n"),
        (Some(Protocol::Grpc), b"PRI * HTTP/2.0\r\n"),
        (Some(Protocol::Grpcs), b"\x16\x03"),
        (Some(Protocol::FastCgi), b"\x01\x01"),
    ];
    for (protocol, begin) in cases {
        let (address, heard) = listening();
        let policy = BackendPolicy { protocol, ..BackendPolicy::default() };
        each(&[address], &policy, &RoutePolicy::default(), |proxy| {
            assert!(proxy.get("h.test", "/a", &[]).status >= 500, "nobody answers");
            let first = heard.lock().unwrap().recv_timeout(Duration::from_secs(30)).unwrap();
            assert!(first.starts_with(begin), "{protocol:?}: {first:?}");
        });
    }
}

/// An endpoint that answers plain HTTP and keeps its connections, and the first bytes of each.
fn keeping() -> (SocketAddr, Arc<Mutex<mpsc::Receiver<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let (mut bytes, mut is_first) = (vec![0; 4096], true);
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    if is_first && sender.send(bytes[..count].to_vec()).is_err() || !bytes.starts_with(b"GET") {
                        return;
                    }
                    is_first = false;
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                }
            });
        }
    });
    (address, Arc::new(Mutex::new(heard)))
}

#[test]
fn a_connection_without_tls_is_not_used_for_a_request_with_it() {
    let policy = Arc::new(BackendPolicy { protocol: Some(Protocol::AutoHttp), ..BackendPolicy::default() });
    for (program, version) in programs() {
        let (address, heard) = keeping();
        let mut draft = Draft { globals: globals(), ..Draft::default() };
        draft.backends.push(Backend::with_policy(id("b"), vec![address], Balance::RoundRobin, Arc::clone(&policy)));
        let proxy = Proxy::start(&draft.host("h.test", vec![prefix("/", "b")]).model(), &program, version);
        let next = || heard.lock().unwrap().recv_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!(proxy.get("h.test", "/", &[]).status, 200);
        assert!(next().starts_with(b"GET / HTTP/1.1\r\n"));
        let (_, answer) = crate::tls::visit_as(None, &proxy, "h.test", "h.test", &rustls::version::TLS13).unwrap();
        assert!(answer.status >= 500, "nobody answers TLS: {}", answer.status);
        assert!(next().starts_with(b"\x16\x03"));
    }
}

#[test]
fn fastcgi_endpoints_are_told_parameters() {
    let (address, heard) = listening();
    let fastcgi = FastCgi {
        index: Some("index.php".to_owned()),
        parameters: vec![("SCRIPT_FILENAME".to_owned(), VariableText::parse("/app$fastcgi_script_name").unwrap())],
    };
    let backend = BackendPolicy { protocol: Some(Protocol::FastCgi), ..BackendPolicy::default() };
    each(&[address], &backend, &RoutePolicy { fastcgi: Some(fastcgi), ..RoutePolicy::default() }, |proxy| {
        proxy.get("h.test", "/a/?x=y", &["Proxy: evil"]);
        let first = heard.lock().unwrap().recv_timeout(Duration::from_secs(30)).unwrap();
        let text = String::from_utf8_lossy(&first).into_owned();
        for parameter in ["SCRIPT_FILENAME/app/a/index.php", "QUERY_STRINGx=y", "REQUEST_METHODGET"] {
            assert!(text.contains(parameter), "{parameter}: {text}");
        }
        assert!(!text.contains("evil"));
    });
}

#[test]
fn endpoints_are_told_version_and_connection() {
    let b = echo("b");
    let policy = RoutePolicy { http_1_0: Some(true), connection: Some(ConnectionHeader::KeepAlive), ..RoutePolicy::default() };
    each(&[b], &BackendPolicy::default(), &policy, |proxy| {
        let answer = proxy.get("h.test", "/a", &["Connection: close"]);
        if crate::CHOOSES_CONNECTIONS {
            assert_eq!((answer.request_line(), answer.sent("Connection")), ("GET /a HTTP/1.0", vec!["keep-alive"]));
        }
        assert_eq!(answer.sent("Host"), ["h.test"], "the other headers are there");
    });
    let policy = RoutePolicy { connection: Some(ConnectionHeader::Close), ..RoutePolicy::default() };
    each(&[b], &BackendPolicy::default(), &policy, |proxy| {
        let upgrade =
            &["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
        let answer = proxy.get("h.test", "/a", upgrade);
        assert_eq!((answer.sent("Connection"), answer.status), (vec!["close"], 200), "nothing is upgraded");
    });
}

#[test]
fn the_location_of_an_endpoint_is_rewritten() {
    let redirecting = backend(|head| {
        let target = head.split("to=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    });
    let rewrite = LocationRewrite::Replace("http://inner.test/".to_owned(), "http://outer.test/x/".to_owned());
    let to_itself = |to: &str| Some(LocationRewrite::Replace("http://inner.test/".to_owned(), to.to_owned()));
    for (rewrite, given, got) in [
        (to_itself("/"), "http://inner.test/a/b?c=d", "http://h.test/a/b?c=d"),
        (to_itself("/x/"), "/inner", "/inner"),
        (Some(rewrite.clone()), "http://inner.test/a/b", "http://outer.test/x/a/b"),
        (Some(rewrite), "http://other.test/", "http://other.test/"),
        (Some(LocationRewrite::Off), "http://inner.test/a", "http://inner.test/a"),
        (None, "http://inner.test/a", "http://inner.test/a"),
    ] {
        let policy = RoutePolicy { location_rewrite: rewrite, ..RoutePolicy::default() };
        each(&[redirecting], &BackendPolicy::default(), &policy, |proxy| {
            assert_eq!(proxy.get("h.test", &format!("/a?to={given}"), &[]).header("Location"), Some(got));
        });
    }
}

#[test]
fn another_endpoint_is_tried_for_the_causes_that_were_asked_for() {
    let busy = backend(|_| "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned());
    let fine = echo("fine");
    let retries = |causes: &[&str], non_idempotent, tries| {
        let causes = causes.iter().map(|&cause| cause.to_owned()).collect();
        RoutePolicy {
            retries: Some(Retries { causes: Some(RetryCauses { causes, non_idempotent }), tries, timeout_s: Some(60) }),
            ..RoutePolicy::default()
        }
    };
    let statuses = |proxy: &Proxy, method: &str| {
        let request = format!("{method} /a HTTP/1.1\r\nHost: h.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        (0..8).map(|_| proxy.send(&request).status).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    for (policy, get, post) in [
        (retries(&["http_503"], false, None), vec![200], vec![200, 503]),
        (retries(&["http_503"], true, None), vec![200], vec![200]),
        (retries(&["http_503"], true, Some(1)), vec![200, 503], vec![200, 503]),
        (retries(&[], false, None), vec![200, 503], vec![200, 503]),
        (RoutePolicy::default(), vec![200, 503], vec![200, 503]),
    ] {
        each(&[busy, fine], &BackendPolicy::default(), &policy, |proxy| {
            assert_eq!((statuses(proxy, "GET"), statuses(proxy, "POST")), (get.clone(), post.clone()), "{policy:?}");
        });
    }
}

/// Headers of all requests and answers may say which route it is; of the fallback they know the path alone.
#[test]
fn headers_that_all_routes_have_know_the_route() {
    let b = echo("b");
    for (program, version) in programs() {
        let header = |name: &str, text: &str| (HeaderName::new(name).unwrap(), VariableText::parse(text).unwrap());
        let sent = vec![header("X-Ingress", "$namespace/$ingress_name at $location_path"), header("X-Method", "$request_method")];
        let answered = vec![header("X-Service", "$host: $service_name:$service_port"), header("X-Path", "$location_path")];
        for (requests, answers) in [(sent.clone(), vec![]), (vec![], answered.clone()), (sent, answered)] {
            let (is_sent, is_answered) = (!requests.is_empty(), !answers.is_empty());
            let globals = Globals { request_headers: requests, response_headers: answers, ..globals() };
            let draft = Draft { globals, ..Draft::default() }.backend("b", &[b]);
            let routes = vec![prefix("/a", "b"), prefix("/b", "b"), respond("/none", 404)];
            let proxy = Proxy::start(&draft.host("h.test", routes).model(), &program, version);
            for path in ["/a", "/b", "/none"] {
                let answer = proxy.get("h.test", path, &[]);
                if is_sent && path != "/none" {
                    assert_eq!(answer.sent("X-Ingress"), [format!("shop/front at {path}")], "{}", answer.body);
                    assert_eq!(answer.sent("X-Method"), ["GET"]);
                }
                if is_answered {
                    assert_eq!(answer.header("X-Path"), Some(path), "{}", answer.head);
                    assert!(path == "/none" || answer.header("X-Service") == Some("h.test: cart:http"), "{}", answer.head);
                }
            }
            let answer = proxy.get("nobody.test", "/", &[]);
            if is_answered {
                assert_eq!((answer.header("X-Path"), answer.header("X-Service")), (Some("/"), Some("nobody.test: :")), "{}", answer.head);
            }
        }
    }
}
