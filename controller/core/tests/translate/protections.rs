//! What protects: it closes where it cannot be given, and is asked where it can.

use crate::world::{NOW_S, World, annotated, check, ingress, service, services, with};
use gatewright_core::diagnostic::Code;
use gatewright_core::model::{Action, Backend};
use gatewright_core::names::ObjectName;
use gatewright_core::state::Event;
use serde_json::{Value, json};
use std::sync::Arc;

#[test]
fn s503_8_a_protection_that_cannot_be_read_closes_its_routes() {
    let ranges = |value: &str| annotated(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]), &[("whitelist-source-range", value)]);
    check(&[ranges("10.0.0.0/8")], &["h.test /* → default-s1-80"]);
    check(&[ranges("everybody")], &["h.test /* → 503"]);
}

#[test]
fn protections_that_cannot_be_given_close_the_route() {
    for annotation in ["auth-url", "auth-type", "whitelist-source-range", "limit-rps", "auth-tls-secret"] {
        let annotations = json!({format!("nginx.ingress.kubernetes.io/{annotation}"): "x"});
        check(
            &[with(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]), "/metadata/annotations", annotations)],
            &["h.test /* → 503"],
        );
    }
    for annotation in ["canary", "configuration-snippet"] {
        let annotations = json!({format!("nginx.ingress.kubernetes.io/{annotation}"): "true"});
        check(&[with(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]), "/metadata/annotations", annotations)], &[]);
    }
}

#[test]
fn closed_routes_redirect_nobody() {
    let guarded =
        annotated(ingress("g", 1, &[("t", &[("/", "Prefix", "s1")])]), &[("allowlist-source-range", ""), ("permanent-redirect", "/x")]);
    let objects = [services(), vec![guarded]].concat();
    let model = World::new(&objects).translate().model;
    let host = model.hosts.values().last().unwrap();
    assert!(host.routes.iter().all(|route| route.action == Action::Respond(503) && route.policy.redirect.is_none()));
}

/// An Ingress `shop/front` for these hosts, with annotations.
fn guarded(hosts: &[&str], annotations: Value) -> Value {
    let rule = |host: &&str| {
        let backend = json!({"service": {"name": "cart", "port": {"number": 80}}});
        let path = |path: &str| json!({"path": path, "pathType": "Prefix", "backend": backend});
        json!({"host": host, "http": {"paths": [path("/"), path("/.well-known/acme-challenge")]}})
    };
    let rules: Vec<Value> = hosts.iter().map(rule).collect();
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "front", "namespace": "shop", "annotations": annotations}, "spec": {"rules": rules}})
}

fn cart() -> [Value; 2] {
    [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart", "namespace": "shop"},
            "spec": {"ports": [{"port": 80, "targetPort": 8080}]}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "cart-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "cart"}},
            "endpoints": [{"addresses": ["10.1.1.1"], "conditions": {"ready": true}}], "ports": [{"port": 8080, "protocol": "TCP"}]}),
    ]
}

/// For every route of a host its path, whether it is forwarded, and the host of the service that is asked.
fn asked(world: &mut World, host: &str) -> Vec<(String, bool, Option<String>)> {
    let translation = world.translate();
    let host = translation.model.hosts.values().find(|known| known.pattern.to_string() == host).unwrap();
    let route = |route: &gatewright_core::model::Route| {
        let service = route.policy.external_auth.as_ref().map(|auth| {
            assert!(route.action == Action::Respond(503) || translation.model.backends.contains_key(&auth.backend_id()));
            auth.url.host.to_string()
        });
        (route.rule_path.to_string(), matches!(route.action, Action::Forward(_)), service)
    };
    host.routes.iter().map(route).collect()
}

#[test]
fn a_service_that_decides_is_looked_up_and_closes_until_it_is_found() {
    let prefix = "nginx.ingress.kubernetes.io";
    let mut world = World::new(&cart());
    world.apply(guarded(&["a.test", "*.b.test"], json!({format!("{prefix}/auth-url"): "https://$host/verify"})));
    let acme = ("/.well-known/acme-challenge".to_owned(), true, None);
    let root = |open: bool| ("/".to_owned(), open, open.then(|| "a.test".to_owned()));
    assert_eq!(asked(&mut world, "a.test"), [acme.clone(), root(false)]);
    assert_eq!(asked(&mut world, "*.b.test"), [acme.clone(), root(false)]);
    assert!(world.translate().wanted.dns_names.contains("a.test"));
    let codes = world.codes();
    assert!(codes.contains(&Code::UnresolvedServer) && codes.contains(&Code::RefusedServer), "{codes:?}");
    for (addresses, open) in [(&["10.2.2.2"][..], true), (&["127.0.0.1"], false), (&[], false), (&["169.254.169.254", "10.2.2.2"], true)] {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        world.snapshot.apply(Event::Resolved("a.test".into(), addresses));
        assert_eq!(asked(&mut world, "a.test"), [acme.clone(), root(open)]);
    }
}

#[test]
fn a_service_for_all_is_asked_unless_an_ingress_has_its_own_or_none() {
    let prefix = "nginx.ingress.kubernetes.io";
    let config = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config", "namespace": "gw"}, "data": {"global-auth-url": value}});
    for (annotations, service) in [
        (json!({}), Some("10.9.9.9")),
        (json!({format!("{prefix}/enable-global-auth"): "false"}), None),
        (json!({format!("{prefix}/enable-global-auth"): "no"}), Some("10.9.9.9")),
        (json!({format!("{prefix}/auth-url"): "http://10.8.8.8/"}), Some("10.8.8.8")),
        (json!({format!("{prefix}/auth-url"): "http://10.8.8.8/", format!("{prefix}/enable-global-auth"): "false"}), Some("10.8.8.8")),
    ] {
        let mut world = World::new(&cart());
        world.settings.config_map = Some(gatewright_core::names::ObjectName::new("gw", "config").unwrap());
        world.apply(config("http://10.9.9.9/verify"));
        world.apply(guarded(&["a.test"], annotations.clone()));
        assert_eq!(asked(&mut world, "a.test")[1], ("/".to_owned(), true, service.map(str::to_owned)), "{annotations}");
        world.apply(config("nonsense"));
        let routes: Vec<bool> = asked(&mut world, "a.test").iter().map(|(_, open, _)| *open).collect();
        assert_eq!(
            routes,
            [true, service != Some("10.9.9.9")],
            "{annotations}: a service for all that cannot be asked closes what it is for"
        );
    }
}

#[test]
fn users_reach_the_model_and_paths_without_login_need_none() {
    let prefix = "nginx.ingress.kubernetes.io";
    let mut world = World::new(&cart());
    let annotations = json!({format!("{prefix}/auth-type"): "basic", format!("{prefix}/auth-secret"): "users"});
    world.apply(guarded(&["a.test"], annotations));
    let closed = |world: &mut World| asked(world, "a.test").iter().map(|(_, open, _)| !open).collect::<Vec<_>>();
    assert_eq!(closed(&mut world), [true, true]);
    assert!(world.translate().wanted.secrets.iter().any(|name| name.to_string() == "shop/users"));
    let users = |text: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": "shop"}, "stringData": {"auth": text}});
    world.apply(users("anna:{PLAIN}x"));
    assert_eq!(closed(&mut world), [false, false]);
    let before = world.translate().model;
    let host = |model: &gatewright_core::model::Model| model.hosts.values().last().unwrap().clone();
    let needs: Vec<_> = host(&before).routes.iter().map(|route| route.policy.basic_auth.is_some()).collect();
    assert_eq!(needs, [false, true]);
    world.apply(users("anna:{PLAIN}x\nben:{PLAIN}y"));
    let after = world.translate().model;
    assert_eq!(after.credentials.accounts.values().next().unwrap().list.len(), 2);
    assert_eq!(host(&after).digest, host(&before).digest, "new users change no host");
}

#[test]
fn the_time_for_hashes_is_for_the_users_of_all_namespaces() {
    let users = |namespace: &str, name: &str, count: usize| {
        let text: String = (0..count).map(|n| format!("u{n}:$2b$12$x\n")).collect();
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": {"auth": text}})
    };
    let route = |namespace: &str, name: &str, age: u32| {
        let plain = annotated(
            ingress(name, age, &[(&format!("{name}.test"), &[("/", "Prefix", "s1")])]),
            &[("auth-type", "basic"), ("auth-secret", name)],
        );
        with(plain, "/metadata/namespace", json!(namespace))
    };
    let mut world = World::new(&[users("evil", "a", 9), users("evil", "b", 9), users("shop", "c", 2)]);
    for (namespace, name, age) in [("evil", "a", 1), ("evil", "b", 2), ("shop", "c", 3)] {
        world.apply(route(namespace, name, age));
    }
    let mut left = |time_ms: u64| {
        world.settings.time_for_hashes = Some(std::time::Duration::from_millis(time_ms));
        let translation = world.translate();
        let mut counts: Vec<_> = translation.model.credentials.accounts.values().map(|accounts| accounts.list.len()).collect();
        counts.sort_unstable();
        let said = translation.diagnostics.iter().filter(|finding| finding.code == Code::LacksFeature);
        (counts, said.map(|finding| format!("{} {}", finding.object.as_ref().unwrap(), finding.message)).collect::<Vec<_>>().join("; "))
    };
    assert_eq!(left(6000), (vec![2, 9, 9], String::new()));
    let (counts, said) = left(1300);
    let why = "auth-secret: this proxy computes all hashes at each load, and has no time for";
    assert_eq!(counts, [0, 2, 4], "half of what is left to each, and nothing for the younger Secret");
    assert_eq!(
        said,
        format!(
            "Ingress evil/a {why} \"u4\", \"u5\", \"u6\" and 2 more, who cannot log in; \
             Ingress evil/b {why} \"u0\", \"u1\", \"u2\" and 6 more, who cannot log in"
        )
    );
}

#[test]
fn a_name_for_endpoints_is_told_to_those_of_its_namespace() {
    let mut world = World::new(&services());
    world.settings.config_map = Some(ObjectName::new("default", "settings").unwrap());
    let data = json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"});
    world.apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}));
    for object in service("s5", "10.0.0.5") {
        world.apply(with(object, "/metadata/namespace", json!("elsewhere")));
    }
    let speaks_tls = ("backend-protocol", "HTTPS");
    let named = ("server-snippet", "proxy_ssl_server_name on;\nproxy_ssl_name a.test;");
    world.apply(annotated(ingress("first", 1, &[("h.test", &[("/", "Prefix", "s1")])]), &[speaks_tls, named]));
    world.apply(annotated(ingress("second", 2, &[("h.test", &[("/b", "Prefix", "s2")])]), &[speaks_tls]));
    world.apply(annotated(ingress("elsewhere/third", 3, &[("h.test", &[("/c", "Prefix", "s5")])]), &[speaks_tls]));
    let model = world.translate().model;
    let told = |ip: &str| {
        let of = |backend: &&Arc<Backend>| backend.endpoints.iter().any(|endpoint| endpoint.ip().to_string() == ip);
        let policy = &model.backends.values().find(of).unwrap().policy;
        policy.tls.as_ref().and_then(|tls| tls.name.as_ref()).map(ToString::to_string)
    };
    assert_eq!(["10.0.0.1", "10.0.0.2", "10.0.0.5"].map(told), [Some("a.test".to_owned()), Some("a.test".to_owned()), None]);
}

/// Certificates of clients of one host, as several Ingresses want them: `annotations` 1.4.
mod client_certificates {
    use super::*;
    use gatewright_core::diagnostic::{Outcome, Severity};

    const SECRET: (&str, &str) = ("auth-tls-secret", "default/ca");

    /// Secrets `ca` in `default` and `other`, of the same authority, and `another` in `other`.
    fn authorities() -> Vec<Value> {
        let pem = || {
            let key = rcgen::KeyPair::generate().unwrap();
            rcgen::CertificateParams::new(vec!["ca".to_owned()]).unwrap().self_signed(&key).unwrap().pem()
        };
        let secret = |namespace: &str, name: &str, pem: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": {"ca.crt": pem}});
        let one = pem();
        vec![secret("default", "ca", &one), secret("other", "ca", &one), secret("other", "another", &pem())]
    }

    /// `default/new` with `/admin`, and the older `other/old` with `/x`: the targets of both, and what is said to `new`.
    fn of(old: &[(&str, &str)], new: &[(&str, &str)]) -> ([String; 2], Vec<(Severity, Code, Outcome, String, String)>) {
        let old = annotated(ingress("other/old", 1, &[("h.test", &[("/x", "Exact", "s1")])]), old);
        let new = annotated(ingress("new", 2, &[("h.test", &[("/admin", "Exact", "s2")])]), new);
        let moved = |object: Value| with(object, "/metadata/namespace", json!("other"));
        let objects = [services(), service("s1", "10.0.1.1").map(moved).to_vec(), authorities(), vec![old, new]].concat();
        let mut world = World::new(&objects);
        let translation = world.translate();
        let route = |path: &str| {
            let routes = world.picture();
            let line = routes.iter().find(|line| line.contains(&format!("={path} "))).unwrap();
            line.rsplit_once("→ ").unwrap().1.to_owned()
        };
        let targets = ["/x", "/admin"].map(route);
        let is_meant = |one: &&gatewright_core::diagnostic::Diagnostic| {
            one.object.as_ref().is_some_and(|object| object.name.name() == "new") && one.code != Code::SharedHost
        };
        let told = translation.diagnostics.iter().filter(is_meant);
        (targets, told.map(|one| (one.severity, one.code, one.outcome, one.field.clone(), one.message.clone())).collect())
    }

    #[test]
    fn who_would_be_let_in_by_the_wish_of_another_ingress_meets_503() {
        let verify = |how| ("auth-tls-verify-client", how);
        let required: &[(&str, &str)] = &[SECRET];
        for (old, new) in [
            (&[("auth-tls-secret", "other/ca"), verify("off")][..], required),
            (&[("auth-tls-secret", "other/ca"), verify("optional")], required),
            (&[("auth-tls-secret", "other/ca"), verify("optional_no_ca")], required),
            (&[("auth-tls-secret", "other/ca"), verify("optional_no_ca")], &[SECRET, verify("optional")]),
            (&[("auth-tls-secret", "other/another")], required),
            (&[("auth-tls-secret", "other/ca"), ("auth-tls-verify-depth", "2")], required),
            (&[("auth-tls-secret", "other/ca")], &[SECRET, ("auth-tls-match-cn", "CN=a")]),
            (&[("auth-tls-secret", "other/ca"), ("auth-tls-match-cn", "CN=.")], &[SECRET, ("auth-tls-match-cn", "CN=a")]),
            (
                &[("auth-tls-secret", "other/another"), ("auth-tls-match-cn", "CN=a")],
                &[SECRET, verify("off"), ("auth-tls-match-cn", "CN=a")],
            ),
        ] {
            let (targets, told) = of(old, new);
            assert_eq!(targets, ["other-s1-80", "503"], "{old:?}, {new:?}");
            let [(severity, code, outcome, field, message)] = &told[..] else { panic!("{old:?}, {new:?}: {told:?}") };
            assert_eq!((*severity, *code, *outcome), (Severity::Error, Code::BadAnnotation, Outcome::ClosedRoute));
            assert_eq!(field, "metadata.annotations[nginx.ingress.kubernetes.io/auth-tls-secret]");
            assert!(message.contains("host h.test") && message.contains("Ingress other/old (older)"), "{message}");
        }
    }

    #[test]
    fn what_keeps_out_as_many_is_served_and_told_where_it_is_something_else() {
        for (old, new, is_told) in [
            (&[("auth-tls-secret", "other/ca")][..], &[SECRET][..], false),
            (&[], &[SECRET], false),
            (&[("auth-tls-secret", "other/ca")], &[], false),
            (&[("auth-tls-secret", "other/ca")], &[SECRET, ("auth-tls-verify-client", "optional")], true),
            (&[("auth-tls-secret", "other/another")], &[SECRET, ("auth-tls-verify-client", "off")], true),
            (&[("auth-tls-secret", "other/ca"), ("auth-tls-match-cn", "CN=a")], &[SECRET], true),
            (&[("auth-tls-secret", "other/ca")], &[SECRET, ("auth-tls-error-page", "/error")], true),
            (&[("auth-tls-secret", "other/ca")], &[SECRET, ("auth-tls-pass-certificate-to-upstream", "true")], true),
        ] {
            let (targets, told) = of(old, new);
            assert_eq!(targets, ["other-s1-80", "default-s2-80"], "{old:?}, {new:?}");
            let expected = is_told.then_some((Severity::Error, Code::BadAnnotation, Outcome::Served));
            let told: Vec<_> = told.iter().map(|(severity, code, outcome, ..)| (*severity, *code, *outcome)).collect();
            assert_eq!(told, Vec::from_iter(expected), "{old:?}, {new:?}");
        }
        // Nobody comes in at all.
        let (_, told) = of(&[("auth-tls-secret", "other/none")], &[SECRET]);
        assert!(matches!(&told[..], [(Severity::Error, Code::BadAnnotation, Outcome::DeniedHost, ..)]), "{told:?}");
    }

    #[test]
    fn two_rules_for_one_host_are_told_once() {
        let old = annotated(ingress("old", 1, &[("h.test", &[("/x", "Exact", "s1")])]), &[SECRET, ("auth-tls-verify-client", "off")]);
        let new = annotated(ingress("new", 2, &[("h.test", &[("/a", "Exact", "s2")]), ("h.test", &[("/b", "Exact", "s2")])]), &[SECRET]);
        let mut world = World::new(&[services(), authorities(), vec![old, new]].concat());
        assert_eq!(world.codes(), [Code::BadAnnotation, Code::NoClassInInput]);
        assert_eq!(world.picture(), ["h.test =/a → 503", "h.test =/b → 503", "h.test =/x → default-s1-80"]);
    }

    #[test]
    fn the_time_of_an_authority_is_told_as_it_comes_and_goes() {
        let pem = |from: i64, to: i64| {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut parameters = rcgen::CertificateParams::new(vec!["ca".to_owned()]).unwrap();
            let at = |day: i64| std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(NOW_S + day * 86_400).unwrap());
            (parameters.not_before, parameters.not_after) = (at(from).into(), at(to).into());
            parameters.self_signed(&key).unwrap().pem()
        };
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ca"}, "stringData": {"ca.crt": pem(-9, 30) + &pem(-9, 60)}});
        let wish = annotated(ingress("a", 1, &[("h.test", &[("/", "Prefix", "s1")])]), &[SECRET]);
        let mut world = World::new(&[services(), vec![secret, wish]].concat());
        for (day, told) in [
            (-10, "2 of 2 authorities in Secret \"default/ca\" are not valid yet"),
            (0, ""),
            (19, ""),
            (21, "1 of 2 authorities in Secret \"default/ca\" is valid for less than ten days more"),
            (31, "1 of 2 authorities in Secret \"default/ca\" is expired: clients"),
            (61, "2 of 2 authorities in Secret \"default/ca\" are expired: clients"),
            (5, ""),
        ] {
            world.now_s = NOW_S + day * 86_400;
            let found: Vec<_> = world.translate().diagnostics.into_iter().filter(|one| one.code == Code::ExpiredCertificate).collect();
            let is_told = found.iter().all(|one| {
                one.message.contains(told) && one.field.ends_with("/auth-tls-secret]") && one.object.as_ref().unwrap().name.name() == "a"
            });
            assert!(found.len() == usize::from(!told.is_empty()) && is_told, "{day}: {found:?}");
            assert_eq!(world.picture(), ["h.test /* → default-s1-80"]);
        }
    }

    #[test]
    fn connections_are_not_passed_by_a_route_that_is_closed_for_them() {
        fn wishes<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
            [&[SECRET][..], more].concat()
        }
        let of = |verify: &str| {
            let old =
                annotated(ingress("old", 1, &[("h.test", &[("/x", "Prefix", "s1")])]), &wishes(&[("auth-tls-verify-client", verify)]));
            let new = annotated(ingress("new", 2, &[("h.test", &[("/", "Prefix", "s2")])]), &wishes(&[("ssl-passthrough", "true")]));
            let mut world = World::new(&[services(), authorities(), vec![old, new]].concat());
            world.settings.listeners.passthrough_port = Some(442);
            world.translate().model.passthrough.len()
        };
        assert_eq!((of("on"), of("off")), (1, 0));
    }
}

#[test]
fn who_guards_a_path_is_told_that_tls_connections_are_passed_on() {
    let front = ingress("front", 1, &[("h.test", &[("/", "Prefix", "s1")])]);
    let list: &[(&str, &str)] = &[("whitelist-source-range", "10.0.0.0/8")];
    let wish = annotated(ingress("wish", 3, &[("h.test", &[("/x", "Prefix", "s2")])]), &[list, &[("ssl-passthrough", "true")]].concat());
    let plain = annotated(ingress("plain", 2, &[("h.test", &[("/y", "Prefix", "s2")])]), &[("ssl-redirect", "false")]);
    let of = |front: Value, port: Option<u16>| {
        let mut world = World::new(&[services(), vec![front, plain.clone(), wish.clone()]].concat());
        world.settings.listeners.passthrough_port = port;
        let told = world.translate().diagnostics.into_iter().filter(|one| one.message.contains("keeps nobody out"));
        told.map(|one| format!("{} {} {}: {}", one.severity, one.object.unwrap(), one.field, one.message)).collect::<Vec<_>>()
    };
    assert_eq!(
        of(annotated(front.clone(), list), Some(442)),
        ["warning Ingress default/front metadata.annotations[nginx.ingress.kubernetes.io/whitelist-source-range]: whitelist-source-range \
             keeps nobody out who comes by TLS: such connections for host h.test are passed on as they are, as Ingress default/wish asks \
             with ssl-passthrough"]
    );
    assert_eq!(of(front.clone(), Some(442)), [""; 0], "nobody is kept out");
    assert_eq!(of(annotated(front, list), None), [""; 0], "nothing is passed on");
}
