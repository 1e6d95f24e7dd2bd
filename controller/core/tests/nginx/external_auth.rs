//! Who may pass: a service decides.

use crate::models::*;
use crate::protection::*;
use crate::world::*;
use gatewright_core::model::*;
use gatewright_core::names::{HeaderName, ServiceUrl, VariableText};
use gatewright_core::settings::Settings;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// A service that decides: 200 with `user:opensesame` in any spelling of ours, 401 otherwise, or what the path asks for.
/// It keeps what it was sent, one text for each request, and counts connections.
struct Gate {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Gate {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let gate = Self { address, seen: Arc::clone(&seen), connections: Arc::clone(&connections) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *connections.lock().unwrap() += 1;
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || serve(stream, &seen));
            }
        });
        gate
    }

    fn last(&self) -> Answer {
        Answer::parse(self.seen.lock().unwrap().last().unwrap())
    }

    /// The value of a header in the last request; `None`: it was not sent.
    fn saw(&self, name: &str) -> Option<String> {
        let head = format!("{}\r\n\r\n", self.last().head);
        Answer::parse(&head).header(name).map(str::to_owned)
    }

    fn request_line(&self) -> String {
        self.last().head.lines().next().unwrap().to_owned()
    }
}

fn serve(mut stream: std::net::TcpStream, seen: &Mutex<Vec<String>>) {
    loop {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let path = text.split(' ').nth(1).unwrap().to_owned();
        let status = match path.strip_prefix("/status/") {
            Some(status) => status[..3].to_owned(),
            None if text.to_lowercase().contains(&ANNA.to_lowercase()) => "200".to_owned(),
            None => "401".to_owned(),
        };
        let close = text.to_lowercase().contains("connection: close");
        seen.lock().unwrap().push(text);
        let extra = "X-User: anna\r\nSet-Cookie: token=abc\r\nWWW-Authenticate: Gate\r\nX-Accel-Redirect: /open\r\nLocation: http://x/\r\n";
        let answer = format!("HTTP/1.1 {status} X\r\n{extra}Content-Length: 0\r\n\r\n");
        if stream.write_all(answer.as_bytes()).is_err() || close {
            return;
        }
    }
}

/// External authentication as annotations ask for it.
fn asked(gate: SocketAddr, path: &str) -> ExternalAuth {
    ExternalAuth {
        url: ServiceUrl::parse(&format!("http://{gate}{path}")).unwrap(),
        method: None,
        sign_in: None,
        response_headers: Vec::new(),
        request_headers: Vec::new(),
        redirect_target: None,
        cache: None,
        always_set_cookie: false,
        keepalive: UpstreamKeepalive::none(),
    }
}

fn external(auth: ExternalAuth) -> RoutePolicy {
    RoutePolicy { external_auth: Some(Arc::new(auth)), ..RoutePolicy::default() }
}

/// The backend of a service on the loopback, which translation would refuse.
fn with_service(mut draft: Draft, auth: &ExternalAuth, gate: SocketAddr) -> Draft {
    if !draft.backends.iter().any(|backend| backend.id == auth.backend_id()) {
        let policy = Arc::new(auth.backend_policy());
        draft.backends.push(Backend::with_policy(auth.backend_id(), vec![gate], Balance::RoundRobin, policy));
    }
    draft
}

fn draft(b: SocketAddr) -> Draft {
    Draft { globals: globals(), ..Draft::default() }.backend("b", &[b])
}

fn text(text: &str) -> VariableText {
    VariableText::parse(text).unwrap()
}

#[test]
fn auth_url_lets_pass_what_the_service_lets_pass() {
    let b = echo("b");
    each(|start| {
        let gate = Gate::start();
        let mut routes = Vec::new();
        let mut with = draft(b);
        for (path, service) in
            [("/", "/verify"), ("/204", "/status/204"), ("/403", "/status/403"), ("/302", "/status/302"), ("/500", "/status/500")]
        {
            let auth = asked(gate.address, service);
            with = with_service(with, &auth, gate.address);
            routes.push(guarded(prefix(path, "b"), external(auth)));
        }
        let down = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let auth = asked(down, "/");
        with = with_service(with, &auth, down);
        routes.push(guarded(prefix("/down", "b"), external(auth)));
        routes.push(prefix("/open", "b"));
        let proxy = start(with.host("h.test", routes));
        for (path, status) in [("/", 401), ("/204", 200), ("/403", 403), ("/302", 500), ("/500", 500), ("/down", 500), ("/open", 200)] {
            assert_eq!(proxy.get("h.test", path, &[]).status, status, "{path}");
        }
        assert_eq!(proxy.get("h.test", "/", &[]).header("WWW-Authenticate"), Some("Gate"));
        let answer = proxy.get("h.test", "/x?a=b", &[ANNA]);
        assert_eq!((answer.status, answer.header("Set-Cookie"), answer.sent("Authorization").len()), (200, Some("token=abc"), 1));
        for target in ["//auth/x", "/auth/x", "/%2fauth/x"] {
            assert_eq!(proxy.get("h.test", target, &[]).status, 401, "{target}: locations of ours are not for clients");
        }
    });
}

#[test]
fn the_service_is_told_about_the_request_but_not_its_body() {
    let b = echo("b");
    each(|start| {
        let gate = Gate::start();
        let plain = asked(gate.address, "/verify;v=1?a=b&c=d");
        let posted = ExternalAuth {
            method: AuthMethod::new("POST"),
            redirect_target: Some("http://back.test/?x=1".to_owned()),
            request_headers: vec![
                (HeaderName::new("X-A").unwrap(), text("1'; return 418; #")),
                (HeaderName::new("X-Where").unwrap(), text("$host of $namespace")),
            ],
            ..asked(gate.address, "/$namespace/$ingress_name$request_uri?m=$request_method&rd=$escaped_request_uri")
        };
        let queried = asked(gate.address, "/q?rd=$escaped_request_uri&h=$host");
        let mut with = draft(b);
        for auth in [&plain, &posted, &queried] {
            with = with_service(with, auth, gate.address);
        }
        let routes = vec![
            guarded(prefix("/", "b"), external(plain)),
            guarded(prefix("/p", "b"), external(posted)),
            guarded(prefix("/q", "b"), external(queried)),
        ];
        let proxy = start(with.host("h.test", routes));
        let head = "Host: h.test\r\nX-Forwarded-Proto: https\r\nX-Mine: 1\r\nConnection: close\r\nContent-Length: 4\r\n";
        proxy.send(&format!("POST /a%20b?x=%41 HTTP/1.1\r\n{head}{ANNA}\r\n\r\nbody"));
        assert_eq!(gate.request_line(), "GET /verify;v=1?a=b&c=d HTTP/1.1");
        for (name, value) in [
            ("Host", Some("127.0.0.1")),
            ("X-Original-URL", Some("http://h.test/a%20b?x=%41")),
            ("X-Original-Method", Some("POST")),
            ("X-Sent-From", Some("nginx-ingress-controller")),
            ("X-Auth-Request-Redirect", Some("/a%20b?x=%41")),
            ("X-Real-IP", Some("127.0.0.1")),
            ("X-Mine", Some("1")),
            ("Authorization", ANNA.strip_prefix("Authorization: ")),
            ("X-Forwarded-Proto", None),
            ("Content-Length", None),
            ("X-Original-URI", None),
            ("Transfer-Encoding", None),
        ] {
            assert_eq!(gate.saw(name).as_deref(), value, "{name}");
        }
        let answer = proxy.get("h.test", "/p/x?a=b%20c", &[]);
        assert_eq!(answer.status, 401);
        assert_eq!(gate.request_line(), "POST /shop/front/p/x?a=b%20c?m=GET&rd=%2Fp%2Fx%3Fa%3Db%2520c HTTP/1.1");
        for (name, value) in [
            ("X-Original-URI", "/p/x?a=b%20c"),
            ("X-Auth-Request-Redirect", "http://back.test/?x=1"),
            ("X-A", "1'; return 418; #"),
            ("X-Where", "h.test of shop"),
        ] {
            assert_eq!(gate.saw(name).as_deref(), Some(value), "{name}");
        }
        proxy.get("h.test", "/q?u=1%0d%0aX:y", &[]);
        assert_eq!(gate.request_line(), "GET /q?rd=%2Fq%3Fu%3D1%250d%250aX%3Ay&h=h.test HTTP/1.1");
    });
}

#[test]
fn auth_response_headers_replace_those_of_the_client() {
    let b = echo("b");
    each(|start| {
        let gate = Gate::start();
        let names = ["X-User", "X-Absent"].map(|name| HeaderName::new(name).unwrap()).to_vec();
        let auth = ExternalAuth { response_headers: names, ..asked(gate.address, "/") };
        let with = with_service(draft(b), &auth, gate.address);
        let proxy = start(with.host("h.test", vec![guarded(prefix("/", "b"), external(auth))]));
        let answer = proxy.get("h.test", "/", &[ANNA, "X-User: eve", "X-Absent: eve"]);
        assert_eq!((answer.sent("X-User"), answer.sent("X-Absent").len()), (vec!["anna"], 0));
    });
}

#[test]
fn auth_signin_sends_401_to_a_page_and_back() {
    let b = echo("b");
    each(|start| {
        let gate = Gate::start();
        let signed = |url: &str, joint: Option<&str>, path: &str| ExternalAuth {
            sign_in: Some(SignIn { url: gatewright_core::names::url_text(url).unwrap(), joint: joint.map(str::to_owned) }),
            ..asked(gate.address, path)
        };
        let all = [
            ("/", signed("http://$host/auth/start", Some("?rd="), "/")),
            ("/own", signed("https://login.test/start?rd=$escaped_request_uri", None, "/")),
            ("/403", signed("https://login.test/", Some("?rd="), "/status/403")),
        ];
        let with = all.iter().fold(draft(b), |with, (_, auth)| with_service(with, auth, gate.address));
        let mut routes: Vec<_> = all.into_iter().map(|(path, auth)| guarded(prefix(path, "b"), external(auth))).collect();
        let closed = asked(gate.address, "/");
        routes.push(guarded(respond("/gone", 404), external(closed)));
        let proxy = start(with.host("h.test", routes));
        // Some proxies encode more than others; what comes out is the same.
        let plain = |text: String| {
            [("%28", "("), ("%29", ")"), ("%2A", "*"), ("%27", "'"), ("%21", "!")].iter().fold(text, |t, (c, p)| t.replace(c, p))
        };
        let location = |target: &str| {
            let answer = proxy.get("h.test", target, &[]);
            (answer.status, plain(answer.header("Location").unwrap_or_default().to_owned()))
        };
        let to = |text: &str| (302, text.to_owned());
        assert_eq!(location("/?a=b&c=d"), to("http://h.test/auth/start?rd=http://h.test%2F%3Fa%3Db%26c%3Dd"));
        assert_eq!(location("/own/%0d%0aX-Evil:1"), to("https://login.test/start?rd=%2Fown%2F%250d%250aX-Evil%3A1"));
        assert_eq!(location("/a+b;c@d,e$f(g)*'h!~"), to("http://h.test/auth/start?rd=http://h.test%2Fa%2Bb%3Bc%40d%2Ce%24f(g)*'h!~"));
        let long = format!("/{}?x={}", "d/".repeat(20), "%41".repeat(20));
        let escaped = format!("%2F{}%3Fx%3D{}", "d%2F".repeat(20), "%2541".repeat(20));
        assert_eq!(location(&long), to(&format!("http://h.test/auth/start?rd=http://h.test{escaped}")));
        assert_eq!(location("/403").0, 403);
        assert_eq!(proxy.get("h.test", "/", &[]).header("Set-Cookie"), Some("token=abc"));
        assert_eq!(proxy.get("h.test", "/gone", &[]).status, 401, "who may not pass is not told what there is");
        assert_eq!(proxy.get("h.test", "/gone", &[ANNA]).status, 404);
    });
}

#[test]
fn cookies_of_the_service_come_with_success_or_always() {
    let b = echo("b");
    each(|start| {
        let gate = Gate::start();
        let always = ExternalAuth { always_set_cookie: true, ..asked(gate.address, "/") };
        let plain = asked(gate.address, "/");
        let with = with_service(draft(b), &plain, gate.address);
        let routes = vec![guarded(prefix("/", "b"), external(plain)), guarded(prefix("/always", "b"), external(always))];
        let proxy = start(with.host("h.test", routes));
        let cookies = |path: &str| proxy.get("h.test", path, &[ANNA]).headers("Set-Cookie").len();
        assert_eq!([cookies("/"), cookies("/status/503"), cookies("/always/status/503")], [1, 0, 1]);
    });
}

#[test]
fn auth_cache_key_keeps_answers_for_a_route_and_its_credentials() {
    let b = echo("b");
    each(|start| {
        let gate = Gate::start();
        let times = vec![CacheTime { statuses: Statuses::These(vec![200, 401]), seconds: 1800 }];
        let cache = Some(AuthCache { key: text("fixed"), times });
        let auth = ExternalAuth { cache, ..asked(gate.address, "/status/200") };
        let with = with_service(draft(b), &auth, gate.address);
        let route = |path: &str| guarded(prefix(path, "b"), external(auth.clone()));
        let proxy = start(with.host("this.test", vec![route("/foo"), route("/bar")]).host("that.test", vec![route("/foo")]));
        let asked_for = |host: &str, path: &str, headers: &[&str]| {
            let before = gate.seen.lock().unwrap().len();
            assert_eq!(proxy.get(host, path, headers).status, 200);
            gate.seen.lock().unwrap().len() - before
        };
        assert_eq!(asked_for("this.test", "/foo", &[ANNA]), 1);
        until("the answer is kept", || asked_for("this.test", "/foo", &[ANNA]) == 0);
        for (host, path, headers) in [
            ("this.test", "/bar", &[ANNA][..]),
            ("that.test", "/foo", &[ANNA]),
            ("this.test", "/foo", &[BEN]),
            ("this.test", "/foo", &[]),
            ("this.test", "/foo", &[ANNA, "Cookie: session=1"]),
        ] {
            assert_eq!(asked_for(host, path, headers), 1, "{host}{path} {headers:?}");
        }
    });
}

#[test]
fn auth_keepalive_keeps_the_connection_to_the_service() {
    let b = echo("b");
    each(|start| {
        let gate = Gate::start();
        let keepalive = UpstreamKeepalive { connections: 10, requests: 1000, timeout_s: 60, ..UpstreamKeepalive::default() };
        let kept = ExternalAuth { keepalive, ..asked(gate.address, "/") };
        let with = with_service(draft(b), &kept, gate.address);
        let proxy = start(with.host("h.test", vec![guarded(prefix("/", "b"), external(kept))]));
        (0..3).for_each(|_| assert_eq!(proxy.get("h.test", "/", &[ANNA]).status, 200));
        assert_eq!(*gate.connections.lock().unwrap(), 1);
    });
}

#[test]
fn passwords_and_a_service_are_both_needed_or_one_of_them() {
    let b = echo("b");
    each(|start| {
        let gate = Gate::start();
        let users = accounts(&[("ben", HashKind::Plain, "{PLAIN}opensesame")]);
        let auth = asked(gate.address, "/");
        let both = RoutePolicy { external_auth: Some(Arc::new(auth.clone())), ..basic("r", &users) };
        let any = RoutePolicy { satisfy: Some(Satisfy::Any), ..both.clone() };
        let with = with_service(draft(b), &auth, gate.address);
        let routes = vec![guarded(prefix("/all", "b"), both), guarded(prefix("/any", "b"), any)];
        let proxy = start(with_accounts(with.host("h.test", routes), users));
        let status = |path: &str, headers: &[&str]| proxy.get("h.test", path, headers).status;
        assert_eq!([status("/any", &[]), status("/any", &[BEN]), status("/any", &[ANNA])], [401, 200, 200]);
        assert_eq!([status("/all", &[]), status("/all", &[BEN]), status("/all", &[ANNA])], [401, 401, 401]);
    });
}

#[test]
fn pages_for_errors_do_not_stand_in_for_the_service() {
    let b = echo("b");
    each(|start| {
        let gate = Gate::start();
        let auth = asked(gate.address, "/");
        let down = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let dead = asked(down, "/");
        let mut with = with_service(with_service(draft(b), &auth, gate.address), &dead, down);
        with.globals.custom_errors = Some(CustomErrors { statuses: vec![401, 403, 500, 502], intercept_upstream: true });
        with.globals.default_backend = Some(id("b"));
        let routes = vec![guarded(prefix("/", "b"), external(auth)), guarded(prefix("/dead", "b"), external(dead))];
        let proxy = start(with.host("h.test", routes));
        for path in ["/secret", "/dead/secret"] {
            let answer = proxy.get("h.test", path, &[]);
            assert!(!answer.body.contains("GET /secret") && !answer.body.contains("GET /dead"), "{path}: {answer:?}");
        }
        assert!(proxy.get("h.test", "/secret", &[ANNA]).body.contains("GET /secret"));
    });
}

#[test]
fn the_settings_of_all_routes_are_read() {
    let data = [
        ("global-auth-url", "http://10.0.0.1/verify"),
        ("global-auth-signin", "https://login.test/"),
        ("global-auth-signin-redirect-param", "back"),
    ];
    let data = data.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let (config, problems) = gatewright_core::settings::read(&Settings::default(), &data);
    let joint = config.global_auth.unwrap().sign_in.clone().unwrap().joint;
    assert_eq!((joint.as_deref(), problems.len()), (Some("?back="), 0));
}

#[test]
fn nobody_passes_while_nobody_can_ask() {
    let b = echo("b");
    each(|start| {
        let gate = Gate::start();
        let auth = asked(gate.address, "/");
        let with = with_service(draft(b), &auth, gate.address);
        let mut proxy = start(with.host("h.test", vec![guarded(prefix("/", "b"), external(auth)), prefix("/open", "b")]));
        assert_eq!(proxy.get("h.test", "/", &[ANNA]).status, 200);
        if proxy.lose_agent() {
            assert_eq!(proxy.get("h.test", "/", &[ANNA]).status, 500);
            assert_eq!(proxy.get("h.test", "/open", &[]).status, 200);
        }
    });
}
