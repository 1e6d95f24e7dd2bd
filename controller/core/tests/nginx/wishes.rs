//! What routes and hosts may ask for, as requests see it: redirects, rewriting, CORS, addresses, bodies, cookies, headers.

use crate::models::*;
use crate::world::*;
use gatewright_core::model::*;
use gatewright_core::names::{
    HeaderName, HeaderValue, HostAlias, HostName, HostPattern, Origin, RouteRegex, RulePath, UrlText, VariableText,
};
use std::sync::Arc;

fn each(test: impl Fn(&dyn Fn(Draft) -> Proxy)) {
    for (program, version) in programs() {
        test(&|draft| Proxy::start(&draft.model(), &program, version));
    }
}

fn wishing(route: Route, policy: RoutePolicy) -> Route {
    Route { policy: Arc::new(policy), ..route }
}

/// A route of a host of expressions.
fn regex(expression: &str, backend: &str, policy: RoutePolicy) -> Route {
    let matches = vec![PathMatch::Regex(RouteRegex::new(expression).unwrap())];
    Route { matches, rule_path: RulePath::new(expression).unwrap(), ..wishing(prefix("/", backend), policy) }
}

fn draft(routes: Vec<Route>) -> Draft {
    Draft { globals: globals(), ..Draft::default() }.host("h.test", routes)
}

fn text(text: &str) -> VariableText {
    VariableText::parse_with_groups(text).unwrap()
}

fn redirect(url: &str, status: u16, keep_relative: bool) -> RoutePolicy {
    let target = RedirectTarget::Url(UrlText::new(url).unwrap());
    RoutePolicy { redirect: Some(Redirect { status: RedirectStatus::Is(status), target, keep_relative }), ..RoutePolicy::default() }
}

#[test]
fn expressions_for_unknown_hosts_take_the_health_path_too() {
    let address = echo("b");
    for (program, version) in programs() {
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[address]);
        let routes = vec![regex("/h[a-z]+$", "b", RoutePolicy::default()), regex("/", "b", RoutePolicy::default())];
        let proxy = Proxy::start(&draft.host("", routes).model(), &program, version);
        for path in ["/healthz", "/healthz/x", "/nginx_status"] {
            assert_eq!(proxy.get("x.test", path, &[]).backend(), Some("b"), "{path}");
        }
    }
}

#[test]
fn red_19_redirects_come_before_the_one_to_https_and_keep_their_target() {
    each(|start| {
        let routes = vec![
            wishing(redirected(respond("/a", 404)), redirect("http://r.test/x?y=1", 301, false)),
            wishing(respond("/b", 503), redirect("/new", 308, true)),
            wishing(respond("/c", 503), redirect("http://r.test/", 300, false)),
        ];
        let proxy = start(draft(routes));
        for (path, status, location) in [("/a/z?q=1", 301, Some("http://r.test/x?y=1")), ("/b", 308, Some("/new")), ("/c", 300, None)] {
            let answer = proxy.get("h.test", path, &[]);
            assert_eq!((answer.status, answer.header("Location")), (status, location), "{path}");
        }
    });
}

#[test]
fn a_name_that_only_redirects_names_scheme_host_and_port() {
    each(|start| {
        let target = RedirectTarget::Host(HostName::new("h.test").unwrap());
        let redirect = Redirect { status: RedirectStatus::OfHttpsRedirect, target, keep_relative: false };
        let policy = RoutePolicy { redirect: Some(redirect), ..RoutePolicy::default() };
        let proxy = start(Draft { globals: globals(), ..Draft::default() }.host("www.h.test", vec![wishing(respond("/", 404), policy)]));
        let answer = proxy.get("www.h.test", "/foo/?a=b", &[]);
        let location = format!("http://h.test:{}/foo/?a=b", proxy.http().port());
        assert_eq!((answer.status, answer.header("Location")), (308, Some(location.as_str())));
        // ANN-4.1: whatever port the proxy listens on for it, clients reach HTTPS at 443.
        let (_, answer) = crate::tls::visit_as(None, &proxy, "www.h.test", "www.h.test", &rustls::version::TLS13).unwrap();
        assert_eq!((answer.status, answer.header("Location")), (308, Some("https://h.test:443")));
    });
}

#[test]
fn rgx_2_to_4_expressions_match_from_the_beginning_without_case_and_rewrite() {
    let (a, b) = (echo("a"), echo("b"));
    each(|start| {
        let rewrite = Rewrite { target: text("/new/$2"), forwarded_prefix: Some(text("/old$1")) };
        let policy = RoutePolicy { rewrite: Some(rewrite), ..RoutePolicy::default() };
        let routes = vec![
            regex("/something(/|$)(.*)", "a", policy),
            regex("/id/[0-9]{3}$", "b", RoutePolicy::default()),
            regex("/id/[0-9]+/post/[a-zA-Z]+$", "b", RoutePolicy::default()),
            regex("/number/[0-9]+$", "b", RoutePolicy::default()),
            Route { action: Action::Respond(404), ..regex("/", "b", RoutePolicy::default()) },
        ];
        let host = Host::new(HostPattern::parse("h.test").unwrap(), Some(ingress()), HostCertificate::Unclaimed, routes);
        let draft = Draft { globals: globals(), hosts: vec![host], ..Draft::default() };
        let proxy = start(draft.backend("a", &[a]).backend("b", &[b]));
        for (path, backend, line) in [
            ("/something", Some("a"), "GET /new/ HTTP/1.1"),
            ("/SOMETHING/x?q=1", Some("a"), "GET /new/x?q=1 HTTP/1.1"),
            ("/something/a%20b", Some("a"), "GET /new/a%20b HTTP/1.1"),
            ("/id/123", Some("b"), "GET /id/123 HTTP/1.1"),
            ("/ID/123", Some("b"), "GET /ID/123 HTTP/1.1"),
            ("/id/1234", None, ""),
            ("/number/1", Some("b"), "GET /number/1 HTTP/1.1"),
            ("/number/123a", None, ""),
            ("/id/123/post/abc", Some("b"), "GET /id/123/post/abc HTTP/1.1"),
            ("/id/123/post/abc123", None, ""),
            ("/id/abc/post/abc", None, ""),
            ("/x/something", None, ""),
        ] {
            let answer = proxy.get("h.test", path, &[]);
            assert_eq!(answer.backend(), backend, "{path}");
            if backend.is_some() {
                assert_eq!(answer.request_line(), line, "{path}");
            }
        }
        assert_eq!(proxy.get("h.test", "/something/x", &[]).sent("X-Forwarded-Prefix"), ["/old/"]);
    });
}

#[test]
fn aliases_are_names_of_the_host() {
    let a = echo("a");
    each(|start| {
        let alias = |name: &str| Alias { name: HostAlias::parse(name).unwrap(), certified: false };
        let policy =
            HostPolicy { aliases: Some(vec![alias("b.test"), alias("*.c.test"), alias("~^d[0-9]+\\.test$")]), ..HostPolicy::default() };
        let host = host("h.test", HostCertificate::Unclaimed, vec![prefix("/", "a")]).with_policy(policy);
        let proxy = start(Draft { globals: globals(), hosts: vec![host], ..Draft::default() }.backend("a", &[a]));
        for (name, status) in [("h.test", 200), ("B.test", 200), ("x.c.test", 200), ("d42.test", 200), ("d.test", 404), ("c.test", 404)] {
            assert_eq!(proxy.get(name, "/", &[]).status, status, "{name}");
        }
    });
}

#[test]
fn red_20_cors_answers_allowed_origins_and_leaves_others_to_the_endpoint() {
    let own = backend(|_| "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: own\r\nContent-Length: 0\r\n\r\n".to_owned());
    each(|start| {
        let cors = |origins| {
            let value = |text: &str| HeaderValue::new(text).unwrap();
            let (methods, headers) = (value("GET, POST"), value("X-A"));
            let cors = Cors { origins, methods, headers, exposed: Some(value("X-B")), credentials: true, max_age_s: 600 };
            RoutePolicy { cors: Some(cors), ..RoutePolicy::default() }
        };
        let these = Origins::These(vec![Origin::parse("http://*.o.test:8080").unwrap()]);
        let routes = vec![wishing(prefix("/any", "own"), cors(Origins::Any)), wishing(redirected(prefix("/some", "own")), cors(these))];
        let proxy = start(draft(routes).backend("own", &[own]));
        let allowed = |answer: &Answer| answer.headers("Access-Control-Allow-Origin").iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        assert_eq!(allowed(&proxy.get("h.test", "/any", &[])), ["*"]);
        let preflight = |path: &str, origin: &str| {
            proxy.send(&format!("OPTIONS {path} HTTP/1.1\r\nHost: h.test\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n"))
        };
        assert_eq!(preflight("/any", "http://x").status, 204);
        let good = preflight("/some", "http://A.o.test:8080");
        assert_eq!((good.status, allowed(&good)), (204, vec!["http://A.o.test:8080".to_owned()]), "it comes before the redirect");
        let twice =
            "GET /some HTTP/1.1\r\nHost: h.test\r\nOrigin: http://a.o.test:8080\r\nOrigin: http://evil.test\r\nConnection: close\r\n\r\n";
        assert_ne!(allowed(&proxy.send(twice)), ["http://evil.test"], "what is told is what was compared");
        for (name, value) in [("Methods", "GET, POST"), ("Headers", "X-A"), ("Credentials", "true")] {
            assert_eq!(good.header(&format!("Access-Control-Allow-{name}")), Some(value));
        }
        assert_eq!((good.header("Access-Control-Expose-Headers"), good.header("Access-Control-Max-Age")), (Some("X-B"), Some("600")));
        for other in ["http://o.test:8080", "http://a.b.o.test:8080", "http://a.o.test", "http://a.oxtest:8080"] {
            assert_eq!(preflight("/some", other).status, 308, "{other}");
        }
    });
}

#[test]
fn addresses_are_denied_then_allowed() {
    let a = echo("a");
    each(|start| {
        let only = |denied: &[&str], allowed: &[&str]| {
            let ranges = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
            let sources = SourceRanges { denied: ranges(denied), allowed: ranges(allowed) };
            RoutePolicy { sources: Some(sources), ..RoutePolicy::default() }
        };
        let mut draft = draft(vec![
            wishing(prefix("/allow", "a"), only(&[], &["18.0.0.0/8", "fd00::/8"])),
            wishing(prefix("/both", "a"), only(&["18.1.0.0/16"], &["18.0.0.0/8"])),
            wishing(prefix("/deny", "a"), only(&["18.0.0.0/8"], &[])),
        ]);
        draft.globals.forwarding.trust_headers = true;
        draft.globals.forwarding.client_address = TrustedAddressSource::Header;
        let proxy = start(draft.backend("a", &[a]));
        for (path, source, status) in [
            ("/allow", "18.4.0.1", 200),
            ("/allow", "fd00::1", 200),
            ("/allow", "10.0.0.1", 403),
            ("/both", "18.1.0.1", 403),
            ("/both", "18.4.0.1", 200),
            ("/both", "10.0.0.1", 403),
            ("/deny", "18.4.0.1", 403),
            ("/deny", "10.0.0.1", 200),
        ] {
            assert_eq!(proxy.get("h.test", path, &[&format!("X-Forwarded-For: {source}")]).status, status, "{path} {source}");
        }
    });
}

#[test]
fn cookies_of_endpoints_are_changed_where_domain_or_path_is_the_one() {
    let a = backend(|_| {
        let cookies =
            ["a=b; domain=IN.test; PATH=/one/x", "c=d; Domain=.in.test; Path=/ONE/x; Secure", "e=f; Domain=xin.test; Path=/two", "g=h"];
        let lines: String = cookies.iter().map(|cookie| format!("Set-Cookie: {cookie}\r\n")).collect();
        format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n")
    });
    each(|start| {
        let pair = |from: &str, to: &str| Some(CookieRewrite { from: UrlText::new(from).unwrap(), to: UrlText::new(to).unwrap() });
        let changed = RoutePolicy { cookie_domain: pair("in.test", "out.test"), cookie_path: pair("/one/", "/"), ..RoutePolicy::default() };
        let proxy = start(draft(vec![wishing(prefix("/", "a"), changed)]).backend("a", &[a]));
        let answer = proxy.get("h.test", "/", &[]);
        let wanted =
            ["a=b; domain=out.test; PATH=/x", "c=d; Domain=.out.test; Path=/ONE/x; Secure", "e=f; Domain=xin.test; Path=/two", "g=h"];
        assert_eq!(answer.headers("Set-Cookie"), wanted, "domains count without case, paths with it");
    });
}

#[test]
fn bodies_hosts_and_headers_are_those_that_were_asked_for() {
    let a = backend(|_| {
        "HTTP/1.1 200 OK\r\nX-Shop: theirs\r\nSet-Cookie: a=b; Domain=in.test; Path=/one/x\r\nContent-Length: 0\r\n\r\n".to_owned()
    });
    let e = echo("e");
    each(|start| {
        let pair = |from: &str, to: &str| Some(CookieRewrite { from: UrlText::new(from).unwrap(), to: UrlText::new(to).unwrap() });
        let changed = RoutePolicy {
            response_headers: Some(vec![(HeaderName::new("X-Shop").unwrap(), HeaderValue::new("100% \"$5\"").unwrap())]),
            cookie_domain: pair("in.test", "out.test"),
            cookie_path: pair("/one/", "/"),
            ..RoutePolicy::default()
        };
        let small = Buffering { body_limit_bytes: Some(10), ..Buffering::default() };
        let large = Buffering { body_limit_bytes: Some(0), ..Buffering::default() };
        let sized = |buffering| RoutePolicy { buffering: Some(buffering), ..RoutePolicy::default() };
        let named = RoutePolicy {
            upstream_host: Some(VariableText::parse("up.$host").unwrap()),
            stands_in: Some(StandsIn),
            ..RoutePolicy::default()
        };
        let routes = vec![
            wishing(prefix("/changed", "a"), changed),
            wishing(prefix("/small", "e"), sized(small)),
            wishing(prefix("/large", "e"), sized(large)),
            wishing(prefix("/named", "e"), named),
        ];
        let proxy = start(draft(routes).backend("a", &[a]).backend("e", &[e]));
        let answer = proxy.get("h.test", "/changed", &[]);
        assert_eq!(answer.headers("X-Shop"), ["100% \"$5\""]);
        assert_eq!(answer.headers("Set-Cookie"), ["a=b; Domain=out.test; Path=/x"]);
        let post = |path: &str, length: usize| {
            let body = "x".repeat(length);
            proxy
                .send(&format!("POST {path} HTTP/1.1\r\nHost: h.test\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"))
                .status
        };
        assert_eq!((post("/small", 10), post("/small", 11), post("/large", 100)), (200, 413, 200));
        let answer = proxy.get("h.test", "/named", &[]);
        assert_eq!(
            (answer.sent("Host"), answer.sent("X-Code"), answer.sent("X-Service-Name")),
            (vec!["up.h.test"], vec!["503"], vec!["cart"])
        );
        assert_eq!(answer.sent("X-Forwarded-Host"), ["h.test"]);
    });
}
