//! Which endpoint a request goes to: canaries, sessions, hashes.

use crate::models::*;
use crate::world::*;
use gatewright_core::model::*;
use gatewright_core::names::{HeaderName, TextRegex, VariableText};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

fn each(draft: impl Fn(Draft) -> Draft, test: impl Fn(&Proxy)) {
    for (program, version) in programs() {
        let draft = draft(Draft { globals: globals(), ..Draft::default() });
        test(&Proxy::start(&draft.model(), &program, version));
    }
}

/// A backend with a policy.
fn backend_with(name: &str, endpoints: &[SocketAddr], policy: BackendPolicy) -> Backend {
    Backend::with_policy(id(name), endpoints.to_vec(), Balance::RoundRobin, Arc::new(policy))
}

fn rules() -> CanaryRules {
    CanaryRules { header: None, cookie: None, weight: 0, total: 100, is_sticky: true }
}

fn header(name: &str, test: CanaryHeaderTest) -> Option<CanaryHeader> {
    Some(CanaryHeader { name: HeaderName::new(name).unwrap(), test })
}

fn with_canary(route: Route, rules: CanaryRules) -> Route {
    Route { canary: Some(Arc::new(Canary { origin: ingress(), backend: id("canary"), rules })), ..route }
}

/// Runs a test with a route that has a canary by these rules.
fn canary(rules: &CanaryRules, test: impl Fn(&Proxy)) {
    let (main, other) = (echo("main"), echo("canary"));
    let route = |rules: &CanaryRules| with_canary(prefix("/a-b", "main"), rules.clone());
    each(|draft| draft.backend("main", &[main]).backend("canary", &[other]).host("h.test", vec![route(rules), prefix("/", "main")]), test);
}

#[test]
fn a_header_decides_before_a_cookie_and_a_cookie_before_chance() {
    let rules =
        CanaryRules { header: header("X-Canary", CanaryHeaderTest::Words), cookie: Some("my.Canary".to_owned()), weight: 100, ..rules() };
    canary(&rules, |proxy| {
        for (headers, backend) in [
            (&["X-Canary: always"][..], "canary"),
            (&["X-Canary: never"], "main"),
            (&["X-Canary: Never"], "canary"),
            (&["X-Canary: never", "Cookie: my.canary=always"], "main"),
            (&["X-Canary: x", "Cookie: a=b; my.canary=never"], "main"),
            (&["Cookie: xmy.canary=never"], "canary"),
            (&["Cookie: myxcanary=never"], "canary"),
            (&["Cookie: my.Canary=always"], "canary"),
            (&[], "canary"),
        ] {
            assert_eq!(proxy.get("h.test", "/a-b/x?y", headers).backend(), Some(backend), "{headers:?}");
        }
        assert_eq!(proxy.get("h.test", "/other", &["X-Canary: always"]).backend(), Some("main"));
        assert_eq!(proxy.get("h.test", "/a-b/%2f?y", &[]).request_line(), "GET /a-b/%2f?y HTTP/1.1", "as it came");
    });
}

#[test]
fn values_and_patterns_of_a_header_decide_only_when_they_match() {
    let value =
        CanaryRules { header: header("X-Canary", CanaryHeaderTest::Value("Do.it".to_owned())), cookie: Some("c".to_owned()), ..rules() };
    canary(&value, |proxy| {
        for (headers, backend) in [
            (&["X-Canary: Do.it"][..], "canary"),
            (&["X-Canary: do.it"], "main"),
            (&["X-Canary: Doxit"], "main"),
            (&["X-Canary: always"], "main"),
            (&["X-Canary: never", "Cookie: c=always"], "canary"),
        ] {
            assert_eq!(proxy.get("h.test", "/a-b", headers).backend(), Some(backend), "{headers:?}");
        }
    });
    let pattern = CanaryHeaderTest::Pattern(TextRegex::new("^Do[A-Z][a-z]+y$").unwrap());
    canary(&CanaryRules { header: header("X_Canary", pattern), weight: 100, ..rules() }, |proxy| {
        assert_eq!(proxy.get("h.test", "/a-b", &[]).backend(), Some("canary"), "chance decides");
    });
    let pattern = CanaryHeaderTest::Pattern(TextRegex::new("^Do[A-Z][a-z]+y$").unwrap());
    canary(&CanaryRules { header: header("X-Canary", pattern), ..rules() }, |proxy| {
        assert_eq!(proxy.get("h.test", "/a-b", &["X-Canary: DoCanary"]).backend(), Some("canary"));
        assert_eq!(proxy.get("h.test", "/a-b", &["X-Canary: Docanary"]).backend(), Some("main"));
    });
    let unusable = CanaryRules { header: header("X-Canary", CanaryHeaderTest::Never), cookie: Some("c".to_owned()), ..rules() };
    canary(&unusable, |proxy| {
        assert_eq!(proxy.get("h.test", "/a-b", &["X-Canary: x", "Cookie: c=always"]).backend(), Some("main"));
        assert_eq!(proxy.get("h.test", "/a-b", &["Cookie: c=always"]).backend(), Some("canary"));
    });
}

#[test]
fn weights_are_kept_by_and_large() {
    for (weight, total, low, high) in
        [(0, 100, 0, 0), (1, 100_000_000, 0, 2), (50, 100, 60, 140), (100, 200, 60, 140), (100, 100, 200, 200)]
    {
        canary(&CanaryRules { weight, total, ..rules() }, |proxy| {
            let hits = (0..200).filter(|_| proxy.get("h.test", "/a-b", &[]).backend() == Some("canary")).count();
            assert!((low..=high).contains(&hits), "{weight} of {total}: {hits}");
        });
    }
}

fn affinity(mode: AffinityMode, moves_on_failure: bool) -> BackendPolicy {
    let affinity = Affinity { cookie: "my-route".to_owned(), mode, moves_on_failure };
    BackendPolicy { affinity: Some(affinity), ..BackendPolicy::default() }
}

fn setting(route: Route, cookie: SessionCookie) -> Route {
    Route { policy: Arc::new(RoutePolicy { session_cookie: Some(cookie), ..RoutePolicy::default() }), ..route }
}

/// What a browser sends back.
fn cookie_of(answer: &Answer) -> String {
    let set = answer.headers("Set-Cookie");
    assert_eq!(set.len(), 1, "{}", answer.head);
    format!("Cookie: other=1; {}", set[0].split(';').next().unwrap())
}

#[test]
fn a_client_stays_with_its_endpoint_and_is_told_once() {
    let names = ["e0", "e1", "e2", "e3"];
    let endpoints = names.map(echo);
    for mode in [AffinityMode::Balanced, AffinityMode::Persistent] {
        each(
            |mut draft| {
                draft.backends.push(backend_with("b", &endpoints, affinity(mode, false)));
                let routes =
                    vec![setting(prefix("/set", "b"), SessionCookie::default()), prefix("/", "b"), redirected(prefix("/tls", "b"))];
                draft.host("h.test", routes)
            },
            |proxy| {
                let mut seen = BTreeMap::new();
                for _ in 0..20 {
                    let first = proxy.get("h.test", "/set/x", &[]);
                    let cookie = cookie_of(&first);
                    for path in ["/set", "/other"] {
                        let next = proxy.get("h.test", path, &[&cookie]);
                        assert_eq!((next.backend(), next.headers("Set-Cookie")), (first.backend(), vec![]), "{mode:?} {cookie}");
                    }
                    *seen.entry(first.backend().unwrap().to_owned()).or_insert(0) += 1;
                }
                assert!(seen.len() > 1, "{seen:?}");
                assert!(proxy.get("h.test", "/other", &[]).headers("Set-Cookie").is_empty(), "this path sets none");
                assert!(proxy.get("h.test", "/tls", &[]).headers("Set-Cookie").is_empty(), "nobody was asked");
            },
        );
    }
}

/// A cookie without the date that it expires at; there is one if the proxy can say one.
fn without_date(cookie: &str) -> String {
    let (dates, others): (Vec<&str>, Vec<&str>) = cookie.split("; ").partition(|part| part.starts_with("Expires="));
    assert_eq!(dates.len(), usize::from(crate::SAYS_EXPIRES), "{cookie}");
    assert!(dates.iter().all(|date| date.ends_with(" GMT")), "{cookie}");
    others.join("; ")
}

#[test]
fn the_cookie_has_the_attributes_that_were_asked_for() {
    let b = echo("b");
    let cookie = SessionCookie {
        max_age_s: Some(60),
        expires_s: Some(5),
        domain: Some("h.test".to_owned()),
        same_site: Some(SameSite::Strict),
        ..SessionCookie::default()
    };
    let secure = SessionCookie {
        always_secure: true,
        path: Some("/p".to_owned()),
        same_site: Some(SameSite::None),
        spares_old_clients: true,
        expires_s: Some(7),
        ..SessionCookie::default()
    };
    each(
        |mut draft| {
            draft.backends.push(backend_with("b", &[b], affinity(AffinityMode::Persistent, false)));
            draft.host("h.test", vec![setting(prefix("/one", "b"), cookie.clone()), setting(prefix("/two", "b"), secure.clone())])
        },
        |proxy| {
            let set = |path: &str, headers: &[&str]| without_date(proxy.get("h.test", path, headers).header("Set-Cookie").unwrap());
            let value = format!("my-route={}|{}", Affinity::endpoint_key(&id("b"), b), Affinity::backend_key(&id("b")));
            assert_eq!(set("/one/x", &[]), format!("{value}; Max-Age=60; Domain=h.test; Path=/one; HttpOnly; SameSite=Strict"));
            // nginx has no date for `Expires`, and says so many seconds.
            let age = if crate::SAYS_EXPIRES { "" } else { "; Max-Age=7" };
            let two = format!("{value}{age}; Path=/p; Secure; HttpOnly");
            assert_eq!(set("/two", &["User-Agent: Chrome/120.0"]), format!("{two}; SameSite=None"));
            assert_eq!(set("/two", &["User-Agent: Mozilla Chrome/51.0"]), two);
            assert_eq!(set("/two", &["User-Agent: (Macintosh; Intel Mac OS X 10_14_1) Safari/605"]), two);
            assert_eq!(set("/one", &["Cookie: my-route=unknown"]), set("/one", &[]), "an unknown key is replaced");
        },
    );
}

#[test]
fn a_client_moves_when_its_endpoint_fails_if_it_may() {
    let alive = echo("alive");
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for moves in [false, true] {
        each(
            |mut draft| {
                draft.backends.push(backend_with("b", &[alive, away], affinity(AffinityMode::Persistent, moves)));
                draft.host("h.test", vec![setting(prefix("/", "b"), SessionCookie::default())])
            },
            |proxy| {
                let key = |endpoint| format!("my-route={}|{}", Affinity::endpoint_key(&id("b"), endpoint), Affinity::backend_key(&id("b")));
                let answer = proxy.get("h.test", "/", &[&format!("Cookie: {}", key(away))]);
                if moves {
                    assert_eq!((answer.status, answer.backend()), (200, Some("alive")));
                    assert!(answer.header("Set-Cookie").unwrap().starts_with(&key(alive)), "{}", answer.head);
                } else {
                    assert_eq!(answer.status, 502);
                }
            },
        );
    }
}

#[test]
fn a_session_at_the_canary_lasts_if_it_is_sticky() {
    let (main, other) = (echo("main"), echo("canary"));
    for is_sticky in [true, false] {
        let rules = CanaryRules { header: header("X-Canary", CanaryHeaderTest::Words), is_sticky, ..rules() };
        each(
            |mut draft| {
                let policy = affinity(AffinityMode::Balanced, false);
                draft.backends.push(backend_with("main", &[main], policy.clone()));
                draft.backends.push(backend_with("canary", &[other], if is_sticky { policy } else { BackendPolicy::default() }));
                let route = setting(prefix("/", "main"), SessionCookie::default());
                draft.host("h.test", vec![with_canary(route, rules.clone())])
            },
            |proxy| {
                let forced = proxy.get("h.test", "/", &["X-Canary: always"]);
                assert_eq!(forced.backend(), Some("canary"));
                if is_sticky {
                    let cookie = cookie_of(&forced);
                    let next = proxy.get("h.test", "/", &[&cookie, "X-Canary: never"]);
                    assert_eq!((next.backend(), next.headers("Set-Cookie")), (Some("canary"), vec![]));
                } else {
                    assert!(forced.headers("Set-Cookie").is_empty());
                }
                let main = cookie_of(&proxy.get("h.test", "/", &[]));
                assert_eq!(proxy.get("h.test", "/", &[&main, "X-Canary: always"]).backend(), Some("main"));
            },
        );
    }
}

#[test]
fn equal_keys_go_to_the_same_endpoint_or_few_of_them() {
    let names = ["e0", "e1", "e2", "e3", "e4", "e5", "e6"];
    let endpoints = names.map(echo);
    for (subset, few) in [(None, 1), (Some(3), 3), (Some(2), 2), (Some(50), 7)] {
        let key = VariableText::parse("$arg_key").unwrap();
        each(
            |mut draft| {
                let policy = BackendPolicy { hash: Some(Hashing { key: key.clone(), subset }), ..BackendPolicy::default() };
                draft.backends.push(backend_with("b", &endpoints, policy));
                draft.host("h.test", vec![prefix("/", "b")])
            },
            |proxy| {
                let hit = |key: &str, count: usize| {
                    let get = |_| proxy.get("h.test", &format!("/?key={key}"), &[]).backend().unwrap().to_owned();
                    (0..count).map(get).collect::<std::collections::BTreeSet<_>>()
                };
                assert_eq!(hit("a", 120).len(), few, "{subset:?}");
                assert_eq!(hit("", 120).len(), few, "an empty key is a key");
                let spread: std::collections::BTreeSet<_> = (0..120).flat_map(|n| hit(&n.to_string(), 1)).collect();
                assert!(spread.len() > few.min(6), "{spread:?}");
            },
        );
    }
}
