//! Who may pass, and how often.

use crate::AVOIDS_OFF;
use crate::models::*;
use crate::world::*;
use gatewright_core::model::*;
use std::sync::Arc;

pub fn each(test: impl Fn(&dyn Fn(Draft) -> Proxy)) {
    for (program, version) in programs() {
        test(&|draft| Proxy::start(&draft.model(), &program, version));
    }
}

pub fn guarded(route: Route, policy: RoutePolicy) -> Route {
    Route { policy: Arc::new(policy), ..route }
}

pub fn accounts(users: &[(&str, HashKind, &str)]) -> Accounts {
    let account = |(name, kind, text): &(&str, HashKind, &str)| Account {
        name: (*name).into(),
        hash: Ok(PasswordHash { kind: *kind, text: (*text).into() }),
    };
    Accounts::new(AccountsId::of_secret("shop", "users", false), users.iter().map(account).collect())
}

pub fn with_accounts(draft: Draft, accounts: Accounts) -> Draft {
    let credentials = Credentials { accounts: [(accounts.id.clone(), Arc::new(accounts))].into(), ..Credentials::default() };
    Draft { credentials, ..draft }
}

pub fn basic(realm: &str, accounts: &Accounts) -> RoutePolicy {
    RoutePolicy { basic_auth: Some(BasicAuth { realm: realm.to_owned(), accounts: accounts.id.clone() }), ..RoutePolicy::default() }
}

/// `anna:opensesame`, `ben:opensesame`
pub const ANNA: &str = "Authorization: Basic YW5uYTpvcGVuc2VzYW1l";
pub const BEN: &str = "Authorization: Basic YmVuOm9wZW5zZXNhbWU=";

#[test]
fn auth_type_basic_asks_for_a_password_and_keeps_it_from_the_endpoint() {
    let b = echo("b");
    each(|start| {
        let users = accounts(&[
            ("anna", HashKind::Crypt, "$2b$04$2fuS47vmW.HxqtSoLu9FZucuxuhL99TWBqLdU8OCAOXvewDlY.6ty"),
            ("ben", HashKind::Plain, "{PLAIN}opensesame"),
            ("cleo", HashKind::Plain, "{PLAIN}open \"the\" sésame"),
        ]);
        let routes = vec![
            guarded(prefix("/", "b"), basic("test auth", &users)),
            guarded(prefix("/off", "b"), basic("off", &users)),
            guarded(prefix("/empty", "b"), basic("", &users)),
            guarded(prefix("/dollar", "b"), basic("$http_x_any", &users)),
        ];
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[b]).host("h.test", routes);
        let proxy = start(with_accounts(draft, users));
        let challenge = |path: &str| {
            let answer = proxy.get("h.test", path, &["X-Any: evil"]);
            (answer.status, answer.header("WWW-Authenticate").map(str::to_owned))
        };
        let said = |text: &str| (401, Some(text.to_owned()));
        assert_eq!(challenge("/"), said("Basic realm=\"test auth\""));
        assert_eq!(challenge("/off"), said(if AVOIDS_OFF { "Basic realm=\"off \"" } else { "Basic realm=\"off\"" }));
        assert_eq!(challenge("/empty"), said("Basic realm=\"\""));
        assert_eq!(challenge("/dollar"), said("Basic realm=\"$http_x_any\""));
        assert_eq!(proxy.get("h.test", "/", &["Authorization: Basic YW5uYTp3cm9uZw=="]).status, 401);
        // `cleo:open "the" sésame`
        for user in [ANNA, BEN, "Authorization: Basic Y2xlbzpvcGVuICJ0aGUiIHPDqXNhbWU="] {
            let answer = proxy.get("h.test", "/", &[user]);
            assert_eq!((answer.status, answer.sent("Authorization").len()), (200, 0), "{user}");
            assert_eq!(answer.sent("X-Real-IP"), ["127.0.0.1"], "the other headers are there");
        }
    });
}

fn limited(rates: &[(u64, Period, u64)], connections: Option<u64>, exempt: &[&str]) -> RoutePolicy {
    let rates = rates.iter().map(|&(requests, period, burst)| RequestRate { requests, period, burst }).collect();
    let exempt = exempt.iter().map(|network| network.parse().unwrap()).collect();
    RoutePolicy { limits: Some(ClientLimits { rates, connections, exempt }), ..RoutePolicy::default() }
}

fn of_ingress(name: &str, route: Route) -> Route {
    use gatewright_core::names::{Kind, ObjectName, ObjectRef};
    Route { origin: Some(ObjectRef::new(Kind::Ingress, ObjectName::new("shop", name).unwrap())), ..route }
}

#[test]
fn limit_rpm_counts_each_ingress_by_itself_and_spares_the_exempt() {
    let b = echo("b");
    each(|start| {
        // One request a minute, so that a slow machine gains none.
        let (one, burst) = (Period::Minute, 3);
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[b]);
        let proxy = start(draft.host(
            "h.test",
            vec![
                of_ingress("a", guarded(prefix("/a", "b"), limited(&[(1, one, burst)], None, &[]))),
                of_ingress("a", guarded(prefix("/a2", "b"), limited(&[(1, one, burst)], None, &[]))),
                of_ingress("c", guarded(prefix("/c", "b"), limited(&[(1, one, 0)], None, &["10.0.0.0/8"]))),
                of_ingress("d", guarded(prefix("/d", "b"), limited(&[(1, one, burst)], Some(1), &["127.0.0.0/8", "::1/128"]))),
                of_ingress("e", prefix("/free", "b")),
            ],
        ));
        let passed = |paths: &[&str]| (0..10).filter(|n| proxy.get("h.test", paths[n % paths.len()], &[]).status == 200).count();
        assert_eq!(passed(&["/a", "/a2"]), 4, "the paths of an Ingress share a counter");
        assert_eq!(passed(&["/c"]), 1, "another Ingress has its own, and without burst one passes");
        assert_eq!((passed(&["/d"]), passed(&["/free"])), (10, 10));
        assert_eq!(proxy.get("h.test", "/a", &[]).status, 503);
    });
}

#[test]
fn limits_count_before_passwords() {
    let b = echo("b");
    each(|start| {
        let users = accounts(&[("anna", HashKind::Plain, "{PLAIN}opensesame")]);
        let policy = RoutePolicy { limits: limited(&[(1, Period::Minute, 1)], None, &[]).limits, ..basic("r", &users) };
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[b]);
        let proxy = start(with_accounts(draft.host("h.test", vec![guarded(prefix("/", "b"), policy)]), users));
        let statuses: Vec<_> = (0..3).map(|_| proxy.get("h.test", "/", &[]).status).collect();
        assert_eq!(statuses, [401, 401, 503]);
    });
}

#[test]
fn satisfy_any_does_not_open_a_route_with_a_password_only() {
    let b = echo("b");
    each(|start| {
        let users = accounts(&[("anna", HashKind::Plain, "{PLAIN}opensesame")]);
        let policy = RoutePolicy { satisfy: Some(Satisfy::Any), ..basic("r", &users) };
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[b]);
        let proxy = start(with_accounts(draft.host("h.test", vec![guarded(prefix("/", "b"), policy)]), users));
        assert_eq!((proxy.get("h.test", "/", &[]).status, proxy.get("h.test", "/", &[ANNA]).status), (401, 200));
    });
}

#[test]
fn a_route_without_endpoints_asks_nobody_who_they_are() {
    let b = echo("b");
    each(|start| {
        let users = accounts(&[("anna", HashKind::Plain, "{PLAIN}opensesame")]);
        let sources = |denied: &[&str], allowed: &[&str]| {
            let networks = |all: &[&str]| all.iter().map(|network| network.parse().unwrap()).collect();
            RoutePolicy { sources: Some(SourceRanges { denied: networks(denied), allowed: networks(allowed) }), ..RoutePolicy::default() }
        };
        let any = RoutePolicy { satisfy: Some(Satisfy::Any), sources: sources(&[], &["10.0.0.0/8"]).sources, ..basic("r", &users) };
        let guards = [basic("r", &users), any, sources(&["127.0.0.0/8"], &[]), sources(&[], &["10.0.0.0/8"])];
        let vacant = |route: Route| Route { action: Action::Vacant(id("none")), ..route };
        let routes = guards.iter().enumerate().flat_map(|(n, policy)| {
            let there = guarded(prefix(&format!("/there{n}"), "b"), policy.clone());
            [there, vacant(guarded(prefix(&format!("/none{n}"), "b"), policy.clone()))]
        });
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[b]).backend("none", &[]);
        let proxy = start(with_accounts(draft.host("h.test", routes.collect()), users));
        let statuses = |name: &str| [0, 1, 2, 3].map(|n| proxy.get("h.test", &format!("/{name}{n}"), &[]).status);
        assert_eq!((statuses("there"), statuses("none")), ([401, 401, 403, 403], [503; 4]));
        assert_eq!(proxy.get("h.test", "/none0", &[ANNA]).status, 503);
    });
}
