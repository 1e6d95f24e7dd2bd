//! Paths that are expressions of which HAProxy may not come to know whether they match.

use crate::models::*;
use crate::world::*;
use gatewright_core::model::*;
use gatewright_core::names::{HostPattern, RouteRegex, RulePath, TextRegex, VariableText};
use std::sync::Arc;

/// It takes steps that grow with the square of what stands behind `/x/q`.
const SLOW: &str = "/(.*)/(.*)/x/q";

fn regex(expression: &str, action: Action) -> Route {
    let matches = vec![PathMatch::Regex(RouteRegex::new(expression).unwrap())];
    Route { matches, rule_path: RulePath::new(expression).unwrap(), action, ..fallback() }
}

fn draft(routes: Vec<Route>, policy: RoutePolicy) -> Draft {
    let with = |route: Route| Route { policy: Arc::new(policy.clone()), ..route };
    let host = Host::new(
        HostPattern::parse("h.test").unwrap(),
        Some(ingress()),
        HostCertificate::Unclaimed,
        routes.into_iter().map(with).collect(),
    );
    Draft { globals: globals(), hosts: vec![host], ..Draft::default() }.backend("b", &[echo("b")])
}

fn to_b() -> Action {
    Action::Forward(id("b"))
}

/// A path that the slow expression matches, after more and more steps.
fn path(segments: usize) -> String {
    format!("/a/p/x/q{}", "/a".repeat(segments))
}

#[test]
fn what_comes_to_an_end_among_others_does_so_alone() {
    for (program, version) in programs() {
        let routes = vec![regex(SLOW, Action::Respond(503)), regex("/", to_b())];
        let proxy = Proxy::start(&draft(routes, RoutePolicy::default()).model(), &program, version);
        let statuses: Vec<u16> = (0..50).map(|n| proxy.get("h.test", &path(n * 50), &[]).status).collect();
        let known = statuses.iter().take_while(|status| **status == 503).count();
        assert!(known > 1 && statuses[known..].iter().all(|status| *status == 500), "{statuses:?}");
        assert!(known < statuses.len(), "{statuses:?}");
    }
}

#[test]
fn many_expressions_are_asked_for_in_lines_that_have_an_end() {
    let route = |n: usize| {
        let (end, status) = if n.is_multiple_of(2) { ("(/[a-z]+)*$", 503) } else { ("(/[a-z]+)$", 404) };
        regex(&format!("/{}-{n:04}{end}", "p".repeat(45)), Action::Respond(status))
    };
    let routes: Vec<Route> = (0..1000).map(route).chain([regex(SLOW, Action::Respond(503)), regex("/", to_b())]).collect();
    for (program, version) in programs() {
        let model = draft(routes.clone(), RoutePolicy::default()).model();
        let files = files_of(&model, version);
        let maps = files.iter().filter(|(path, _)| path.starts_with("maps/"));
        let longest =
            maps.map(|(_, file)| String::from_utf8(file.bytes.whole().to_vec()).unwrap().lines().map(str::len).max().unwrap_or(0));
        assert!(longest.max().unwrap() <= 8 << 10);
        let proxy = Proxy::start(&model, &program, version);
        let path = |n: usize, end: &str| format!("/{}-{n:04}{end}", "p".repeat(45));
        let get = |path: &str| proxy.get("h.test", path, &[]).status;
        assert_eq!([get(&path(0, "/a/b")), get(&path(998, "/a")), get(&path(999, "/a")), get("/a/p/x/q")], [503, 503, 404, 503]);
        assert_eq!([get(&path(998, "/1")), get("/y")], [200, 200]);
        // Its rounds are too many for what is first, and for what is last.
        let rounds = "/a".repeat(7000);
        for n in [0, 998] {
            assert_ne!(get(&path(n, &rounds)), 200, "{n}");
        }
    }
}

#[test]
fn what_is_not_known_to_be_rewritten_gets_nowhere() {
    let text = |text: &str| VariableText::parse_with_groups(text).unwrap();
    let rewrite = Rewrite { target: text("/new/$1"), forwarded_prefix: None };
    let prefixed = Rewrite { forwarded_prefix: Some(text("/old/$2")), ..rewrite.clone() };
    let of = |rewrite| RoutePolicy { rewrite: Some(rewrite), ..RoutePolicy::default() };
    let path_rewrite = PathRewrite {
        when: None,
        path: TextRegex::new("^/(.*)/(.*)/x/q").unwrap(),
        target: text("/new/$1"),
        query: text(""),
        keeps_query: true,
    };
    let extra = |extra| RoutePolicy { extra: Some(Arc::new(extra)), ..RoutePolicy::default() };
    let answer = EarlyAnswer {
        when: None,
        also: Vec::new(),
        path: Some(path_rewrite.path.clone()),
        status: 302,
        text: text("/new/$1"),
        query: Query::Kept,
        headers: Vec::new(),
        expires: None,
        unlogged: false,
    };
    let policies = [
        (of(rewrite), 200),
        (of(prefixed), 200),
        (extra(Extra { rewrites: vec![path_rewrite], ..Extra::default() }), 200),
        (extra(Extra { answers: vec![answer], ..Extra::default() }), 302),
    ];
    for (program, version) in programs() {
        for (policy, usual) in &policies {
            let proxy = Proxy::start(&draft(vec![regex(SLOW, to_b())], policy.clone()).model(), &program, version);
            for n in (0..50).map(|n| n * 20) {
                for path in [path(n), path(n) + "%20"] {
                    let answer = proxy.get("h.test", &path, &[]);
                    let is_rewritten = answer.header("Location").map_or(answer.body.contains("GET /new/a "), |to| to.ends_with("/new/a"));
                    assert!(
                        answer.status == 500 || answer.status == *usual && is_rewritten,
                        "{usual} {n}: {} {}",
                        answer.status,
                        answer.body
                    );
                    assert!(n > 0 || answer.status == *usual);
                }
            }
            assert_eq!(proxy.get("h.test", &path(980), &[]).status, 500, "{usual}");
        }
    }
}
