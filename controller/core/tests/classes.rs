//! The settings of classes, and the policies in them: objects in, what becomes of the routes out.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may do all that, and fails by panicking"
)]

use gatewright_core::diagnostic::{Code, Diagnostic, Outcome, Severity};
use gatewright_core::model::{Action, Certificate, CertificateId, Route};
use gatewright_core::names::{HostPattern, ObjectName};
use gatewright_core::settings::Settings;
use gatewright_core::state::{Event, Snapshot, decode};
use gatewright_core::translate::{Input, Quarantine, Translation, Translator};
use serde_json::{Value, json};
use std::sync::Arc;

fn class(name: &str, parameters: &Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
        "spec": {"controller": "gatewright.dev/ingress", "parameters": parameters}})
}

/// Parameters that a class names in a namespace.
fn named(kind: &str, namespace: &str, name: &str) -> Value {
    let group = if kind == "ConfigMap" { Value::Null } else { json!("gatewright.dev") };
    json!({"apiGroup": group, "kind": kind, "name": name, "scope": "Namespace", "namespace": namespace})
}

fn parameters(namespace: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "gatewright.dev/v1alpha1", "kind": "GatewrightParameters",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

fn config_map(namespace: &str, name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data})
}

/// An Ingress of namespace `shop` for host `NAME.test`.
fn ingress(name: &str, class: &str, annotations: &[(&str, &str)]) -> Value {
    let annotations: serde_json::Map<_, _> =
        annotations.iter().map(|(name, value)| (format!("nginx.ingress.kubernetes.io/{name}"), json!(value))).collect();
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "namespace": "shop", "annotations": annotations},
        "spec": {"ingressClassName": class, "rules": [rule(&format!("{name}.test"))]}})
}

fn rule(host: &str) -> Value {
    json!({"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}})
}

fn app() -> [Value; 2] {
    [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "shop"}, "spec": {"ports": [{"port": 80}]}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "ports": [{"port": 80}], "endpoints": [{"addresses": ["10.0.0.1"]}],
            "metadata": {"name": "s", "namespace": "shop", "labels": {"kubernetes.io/service-name": "s"}}}),
    ]
}

/// A running controller of namespace `system`, with the main ConfigMap `system/main`.
struct World {
    snapshot: Snapshot,
    settings: Settings,
    translator: Translator,
}

impl World {
    fn new(objects: &[Value]) -> Self {
        let settings = Settings {
            own_namespace: Some("system".to_owned()),
            config_map: ObjectName::new("system", "main").ok(),
            ..Settings::default()
        };
        let mut world = Self { snapshot: Snapshot::default(), settings, translator: Translator::default() };
        let main = config_map("system", "main", &json!({}));
        app().iter().chain([&main]).chain(objects).for_each(|object| _ = world.apply(object.clone()));
        world
    }

    fn apply(&mut self, object: Value) -> bool {
        self.snapshot.apply(Event::Applied(decode(object).unwrap().unwrap()))
    }

    fn translate(&mut self) -> Translation {
        let input = Input {
            snapshot: &self.snapshot,
            settings: &self.settings,
            quarantine: &Quarantine::default(),
            self_signed: &Arc::new(Certificate {
                id: CertificateId::self_signed(),
                origin: "self-signed".to_owned(),
                pem: Arc::from(&b"pem"[..]),
                digest: 1,
            }),
            now_s: 0,
        };
        let kept = self.translator.translate(input);
        let fresh = Translator::default().translate(input);
        assert_eq!((&kept.model.hosts, &kept.diagnostics), (&fresh.model.hosts, &fresh.diagnostics), "what is kept changes nothing");
        // What a policy only reports is done all the same.
        let is_reported = |finding: &Diagnostic| finding.code == Code::AgainstPolicy && finding.outcome == Outcome::Served;
        let mut serious = kept.diagnostics.iter().filter(|finding| finding.severity != Severity::Note && !is_reported(finding));
        let silent = serious.find(|finding| !finding.tells_what_would_do());
        assert!(silent.is_none(), "nothing tells what would do: {}", silent.unwrap());
        kept
    }
}

fn route<'a>(translation: &'a Translation, host: &str) -> &'a Route {
    &translation.model.hosts[&HostPattern::parse(host).unwrap()].routes[0]
}

fn read_timeout(translation: &Translation, host: &str) -> Option<u64> {
    route(translation, host).policy.timeouts.as_ref().and_then(|timeouts| timeouts.read_s)
}

fn said(translation: &Translation) -> Vec<String> {
    translation.diagnostics.iter().map(ToString::to_string).collect()
}

#[test]
fn classes_have_settings_of_their_own_side_by_side() {
    let mut world = World::new(&[
        config_map("system", "main", &json!({"proxy-read-timeout": "10", "ssl-redirect": "false"})),
        class("slow", &named("GatewrightParameters", "system", "slow")),
        class("fast", &named("ConfigMap", "teams", "fast")),
        class("plain", &Value::Null),
        parameters("system", "slow", &json!({"settings": {"proxy-read-timeout": "600", "force-ssl-redirect": "true"}})),
        config_map("teams", "fast", &json!({"proxy-read-timeout": "5"})),
        ingress("a", "slow", &[]),
        ingress("b", "fast", &[]),
        ingress("c", "plain", &[]),
        ingress("d", "slow", &[("proxy-read-timeout", "7"), ("force-ssl-redirect", "false")]),
    ]);
    let translation = world.translate();
    assert_eq!(said(&translation), [""; 0]);
    let timeouts = ["a.test", "b.test", "c.test", "d.test"].map(|host| read_timeout(&translation, host));
    assert_eq!(timeouts, [Some(600), Some(5), None, Some(7)], "the Ingress goes before the class");
    assert_eq!(translation.model.globals.upstream_timeouts.read_s, 10, "the main ConfigMap is for the rest");
    let redirects = ["a.test", "b.test", "c.test", "d.test"].map(|host| route(&translation, host).https_redirect.is_some());
    assert_eq!(redirects, [true, false, false, false]);
    assert!(world.apply(parameters("system", "slow", &json!({"settings": {"proxy-read-timeout": "60"}}))));
    let translation = world.translate();
    assert_eq!((read_timeout(&translation, "a.test"), route(&translation, "a.test").https_redirect.is_some()), (Some(60), false));
}

#[test]
fn of_scope_cluster_are_those_in_the_namespace_of_the_controller() {
    let cluster = |kind: &str, group: &str| json!({"apiGroup": group, "kind": kind, "name": "p", "scope": "Cluster"});
    for (parameters_of, object) in [
        (cluster("GatewrightParameters", "gatewright.dev"), parameters("system", "p", &json!({"settings": {"proxy-read-timeout": "9"}}))),
        (cluster("ConfigMap", ""), config_map("system", "p", &json!({"proxy-read-timeout": "9"}))),
    ] {
        let mut world = World::new(&[class("own", &parameters_of), object, ingress("a", "own", &[])]);
        assert_eq!(read_timeout(&world.translate(), "a.test"), Some(9));
    }
    let mut files = World::new(&[
        class("own", &cluster("GatewrightParameters", "gatewright.dev")),
        parameters("anywhere", "p", &json!({"settings": {"proxy-read-timeout": "9"}})),
        ingress("a", "own", &[]),
    ]);
    files.settings.own_namespace = None;
    files.settings.take_all_without_class = true;
    assert_eq!(read_timeout(&files.translate(), "a.test"), Some(9), "files have no controller");
    files.apply(parameters("elsewhere", "p", &json!({})));
    assert!(said(&files.translate())[0].contains("several namespaces hold a GatewrightParameters \"p\""));
}

#[test]
fn parameters_that_are_unknown_or_missing_are_said_on_the_class_and_it_is_served() {
    let tutorial = json!({"apiGroup": "k8s.example.com", "kind": "IngressParameters", "name": "external-lb"});
    let mut world = World::new(&[
        class("tutorial", &tutorial),
        class("late", &named("GatewrightParameters", "teams", "late")),
        ingress("a", "tutorial", &[]),
        ingress("b", "late", &[]),
    ]);
    let translation = world.translate();
    assert_eq!(
        said(&translation),
        [
            "warning GW0105 IngressClass tutorial spec.parameters.kind: parameters of kind \"IngressParameters\" of \"k8s.example.com\" are \
             not known here; the class is served without them; name a ConfigMap, or a GatewrightParameters of gatewright.dev (served)",
            "warning GW0106 IngressClass late spec.parameters: GatewrightParameters teams/late does not exist; the class is served without \
             it; create it; it is used as soon as it is there (served)",
        ]
    );
    for host in ["a.test", "b.test"] {
        assert!(matches!(route(&translation, host).action, Action::Forward(_)), "{host}");
    }
    assert!(translation.wanted.parameters.contains(&ObjectName::new("teams", "late").unwrap()), "it is looked for");
    world.apply(parameters("teams", "late", &json!({"settings": {"proxy-read-timeout": "9"}})));
    let translation = world.translate();
    assert_eq!((read_timeout(&translation, "b.test"), translation.diagnostics.len()), (Some(9), 1));
}

#[test]
fn what_holds_for_the_proxy_as_a_whole_is_decided_once() {
    let cluster = json!({"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": "p"});
    let mut world = World::new(&[
        config_map("system", "main", &json!({"keep-alive": "11"})),
        class("a", &named("ConfigMap", "teams", "a")),
        class("b", &cluster),
        config_map("teams", "a", &json!({"server-tokens": "true", "block-cidrs": "10.0.0.0/8", "allow-cross-namespace-resources": "true"})),
        parameters("system", "p", &json!({"settings": {"keep-alive": "22", "keep-alive-requests": "33"}})),
        ingress("a", "a", &[]),
        ingress("b", "b", &[]),
    ]);
    let translation = world.translate();
    let globals = &translation.model.globals;
    assert_eq!((globals.client_timeouts.keep_alive_s, globals.client_timeouts.keep_alive_requests, globals.server_tokens), (11, 33, false));
    let fields: Vec<_> = translation.diagnostics.iter().map(|d| (d.code.to_string(), d.field.clone())).collect();
    let expected = [
        ("GW0503", "data[block-cidrs]"),
        ("GW0602", "spec.settings[keep-alive]"),
        ("GW0602", "data[server-tokens]"),
        ("GW0602", "data[allow-cross-namespace-resources]"),
    ];
    assert_eq!(fields.len(), expected.len(), "{fields:?}");
    for (code, field) in expected {
        assert!(fields.contains(&(code.to_owned(), field.to_owned())), "{fields:?}");
    }
    assert_eq!(route(&translation, "a.test").action, Action::Respond(503), "a protection that is not given closes its class");
    assert!(matches!(route(&translation, "b.test").action, Action::Forward(_)));
}

#[test]
fn objects_that_parameters_name_are_read_too() {
    let own = json!({"settings": {"add-headers": "system/out", "proxy-set-headers": "system/none", "ssl-dh-param": "system/none"}});
    let mut world = World::new(&[
        class("own", &json!({"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": "p"})),
        class("theirs", &named("ConfigMap", "teams", "a")),
        parameters("system", "p", &own),
        config_map("teams", "a", &json!({"add-headers": "teams/out"})),
        config_map("system", "out", &json!({"X-Out": "yes"})),
        ingress("a", "own", &[]),
        ingress("b", "theirs", &[]),
    ]);
    let translation = world.translate();
    let headers = &translation.model.globals.response_headers;
    assert_eq!(headers.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>(), ["X-Out"]);
    let said = said(&translation);
    for part in
        ["spec.settings[proxy-set-headers]: proxy-set-headers: ConfigMap system/none", "spec.settings[ssl-dh-param]", "data[add-headers]"]
    {
        assert!(said.iter().any(|text| text.contains(part)), "{part}: {said:#?}");
    }
    assert_eq!(said.len(), 3, "{said:#?}");
}

#[test]
fn settings_among_binary_data_are_told_as_not_read() {
    let binary = |namespace: &str, name: &str, data: Value, key: &str| {
        let mut map = config_map(namespace, name, &data);
        map["binaryData"] = json!({key: "dHJ1ZQ=="});
        map
    };
    let mut world = World::new(&[
        binary("system", "main", json!({"add-headers": "system/out"}), "ssl-redirect"),
        class("one", &named("ConfigMap", "teams", "a")),
        class("two", &named("ConfigMap", "teams", "a")),
        binary("teams", "a", json!({}), "proxy-read-timeout"),
        binary("system", "out", json!({"X-Out": "yes"}), "X-More"),
        binary("system", "tcp", json!({}), "9000"),
        binary("system", "others", json!({}), "anything"),
        ingress("a", "one", &[]),
    ]);
    world.settings.tcp_services_config_map = ObjectName::new("system", "tcp").ok();
    let (help, begin) = ("is binary, and no such value is read; write it as text under data", "error GW0601 ConfigMap");
    let expected = [
        format!("{begin} system/main binaryData[ssl-redirect]: the value of \"ssl-redirect\" {help} (default kept)"),
        format!("{begin} system/out binaryData[X-More]: the value of \"X-More\" {help} (entry left out)"),
        format!("{begin} system/tcp binaryData[9000]: the value of \"9000\" {help} (port stays closed)"),
        format!("{begin} teams/a binaryData[proxy-read-timeout]: the value of \"proxy-read-timeout\" {help} (default kept)"),
    ];
    assert_eq!(said(&world.translate()), expected);
    let mut mended = binary("system", "main", json!({"add-headers": "system/out"}), "x");
    mended["binaryData"] = json!(null);
    assert!(world.apply(mended) && said(&world.translate()) == expected[1..]);
}

#[test]
fn the_service_of_all_routes_is_sent_what_its_snippet_says() {
    let headers = |snippet: &str, url: &str| {
        let main = config_map("system", "main", &json!({"global-auth-url": url, "global-auth-snippet": snippet}));
        let translation = World::new(&[main, class("own", &json!(null)), ingress("a", "own", &[])]).translate();
        let auth = route(&translation, "a.test").policy.external_auth.clone();
        (auth.map(|auth| auth.request_headers.len()), said(&translation).join("\n"))
    };
    assert_eq!(headers("proxy_set_header My-Header 42;", "http://10.0.0.9/"), (Some(1), String::new()));
    let closing = "only proxy_set_header is accepted here; every route answers 503";
    assert!(headers("proxy_set_header A $nosuch;", "http://10.0.0.9/").1.contains("; every route answers 503"));
    assert!(headers("return 200;", "http://10.0.0.9/").1.contains(closing));
    assert!(!headers("return 200;", "").1.contains("503"), "nobody is asked");
    let (count, text) = headers("return 200;", "http://10.0.0.9/");
    assert!(
        count.is_none()
            && text.contains("data[global-auth-snippet]: global-auth-snippet: line 1, column 1: \"return\": only proxy_set_header"),
        "{text}"
    );
    let main = json!({"global-auth-url": "http://10.0.0.9/", "global-auth-snippet": "proxy_set_header X-C $msec;"});
    let mut world = World::new(&[config_map("system", "main", &main), class("own", &json!(null)), ingress("a", "own", &[])]);
    world.settings.unknown_variables = vec!["msec"];
    let text = said(&world.translate()).join("\n");
    assert!(text.contains("this proxy has no $msec; every route answers 503"), "it may decide by the header: {text}");
    let (count, text) = headers("proxy_set_header My-Header 42;", "");
    assert!(count.is_none() && text.contains("there is no global-auth-url"), "{text}");
}

#[test]
fn a_snippet_of_the_config_map_that_is_stricter_than_its_keys_is_refused() {
    let said = |underscores: &str| {
        let data = json!({"enable-underscores-in-headers": underscores, "server-snippet": "underscores_in_headers off;"});
        let main = config_map("system", "main", &data);
        said(&World::new(&[main, class("own", &json!(null)), ingress("a", "own", &[])]).translate()).join("\n")
    };
    assert!(said("true").contains("holds for the proxy as a whole, and says otherwise"), "{}", said("true"));
    assert!(said("false").contains("underscores_in_headers has no effect"), "{}", said("false"));
}

#[test]
fn bad_values_are_said_on_the_parameters_and_not_on_every_ingress() {
    let mut world = World::new(&[
        class("own", &named("GatewrightParameters", "teams", "p")),
        parameters("teams", "p", &json!({"settings": {"proxy-read-timeout": "soon", "no-such-key": "1", "proxy-send-timeout": "8"}})),
        ingress("a", "own", &[]),
        ingress("b", "own", &[]),
    ]);
    let translation = world.translate();
    let said = said(&translation);
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said.iter().all(|text| text.contains("GatewrightParameters teams/p spec.settings[")), "{said:#?}");
    assert_eq!(route(&translation, "a.test").policy.timeouts.as_ref().unwrap().send_s, Some(8));
}

fn policed(policy: &Value, ingresses: &[Value]) -> World {
    let objects = [class("own", &named("GatewrightParameters", "system", "p")), parameters("system", "p", &json!({"policy": policy}))];
    World::new(&[&objects, ingresses].concat())
}

#[test]
fn what_a_policy_refuses_is_left_out_and_the_host_is_served() {
    let policy = json!({
        "annotations": [{"namespaces": ["shop"], "denied": ["app-root", "auth-*"]}],
        "limits": {"proxy-read-timeout": 60, "proxy-body-size": "8m"},
    });
    let mut world = policed(
        &policy,
        &[
            ingress("a", "own", &[("app-root", "/x"), ("proxy-read-timeout", "3600"), ("proxy-send-timeout", "3600")]),
            ingress("b", "own", &[("auth-url", "http://10.0.0.9/")]),
            ingress("c", "own", &[("proxy-read-timeout", "50"), ("proxy-body-size", "0")]),
        ],
    );
    let translation = world.translate();
    assert!(translation.diagnostics.iter().all(|d| d.code.to_string() == "GW0104"), "{:#?}", said(&translation));
    assert_eq!((read_timeout(&translation, "a.test"), read_timeout(&translation, "c.test")), (Some(60), Some(50)));
    assert!(translation.model.hosts[&HostPattern::parse("a.test").unwrap()].policy.app_root.is_none());
    assert!(matches!(route(&translation, "a.test").action, Action::Forward(_)));
    assert_eq!(route(&translation, "b.test").action, Action::Respond(503), "a protection that may not be used closes");
    let limit = route(&translation, "c.test").policy.buffering.as_ref().and_then(|buffering| buffering.body_limit_bytes);
    assert_eq!(limit, Some(8 << 20), "without a bound is above the limit");
}

#[test]
fn a_limit_of_a_time_may_have_a_unit() {
    let mut world = policed(
        &json!({"limits": {"proxy-read-timeout": "2m", "proxy-next-upstream-timeout": "1m"}}),
        &[
            ingress("a", "own", &[("proxy-read-timeout", "3600")]),
            ingress("b", "own", &[("proxy-read-timeout", "120")]),
            ingress("c", "own", &[("proxy-next-upstream-timeout", "600")]),
        ],
    );
    let translation = world.translate();
    assert_eq!((read_timeout(&translation, "a.test"), read_timeout(&translation, "b.test")), (Some(120), Some(120)));
    assert_eq!(route(&translation, "c.test").policy.retries.as_ref().and_then(|retries| retries.timeout_s), Some(60));
    assert_eq!(translation.diagnostics.len(), 2, "{:#?}", said(&translation));
}

#[test]
fn a_protection_that_may_not_be_used_closes_whatever_asks_for_it() {
    let denied = json!(["enable-modsecurity", "proxy-ssl-verify", "auth-signin", "satisfy"]);
    let mut world = policed(
        &json!({"annotations": [{"denied": denied}]}),
        &[
            ingress("a", "own", &[("enable-modsecurity", "true")]),
            ingress("b", "own", &[("proxy-ssl-verify", "on")]),
            ingress("c", "own", &[("enable-modsecurity", "false"), ("proxy-ssl-verify", "off")]),
            ingress("d", "own", &[("auth-signin", "https://a.test/"), ("satisfy", "any")]),
        ],
    );
    let translation = world.translate();
    let is_closed = |host: &str| route(&translation, host).action == Action::Respond(503);
    assert_eq!(["a.test", "b.test", "c.test", "d.test"].map(is_closed), [true, true, false, false], "{:#?}", said(&translation));
}

#[test]
fn a_snippet_that_may_not_be_used_closes_if_it_may_keep_somebody_out() {
    let cases = [
        ("configuration-snippet", "rewrite ^/old/(.*)$ /new/$1 break;\nadd_header X-Why 'return if allowed';", false),
        ("configuration-snippet", "rewrite ^/admin /forbidden last;", true),
        ("configuration-snippet", "if ($http_x) { return 302 https://login.test/; }", true),
        ("server-snippet", "client_header_buffer_size 64k;", false),
        ("server-snippet", "location /admin { deny all; }", true),
        ("auth-snippet", "proxy_set_header X-Role admin;", true),
        ("auth-snippet", "# nothing", false),
    ];
    for (name, text, closes) in cases {
        let mut world = policed(&json!({"annotations": [{"denied": ["*-snippet"]}]}), &[ingress("a", "own", &[(name, text)])]);
        let translation = world.translate();
        assert_eq!(route(&translation, "a.test").action == Action::Respond(503), closes, "{name}: {text}: {:#?}", said(&translation));
        assert_eq!(translation.diagnostics.len(), 1, "{name}: {text}: {:#?}", said(&translation));
    }
}

#[test]
fn a_snippet_of_the_config_map_that_is_not_applied_closes_if_it_may_keep_somebody_out() {
    let cases = [
        ("http-snippet", "deny 10.0.0.0/8; no_such_thing x;", true),
        ("http-snippet", "limit_req zone=nowhere;", true),
        ("http-snippet", "server { listen 80; server_name a.test; return 403; }", true),
        ("http-snippet", "server { server_name a.test; return 403; }", true),
        ("http-snippet", "server { listen 2443; listen [::]:2443; return 308 https://$host$request_uri; }", false),
        ("http-snippet", "map $http_x $y { default 1; }\nproxy_cache_path /tmp keys_zone=a:1m;", false),
        ("http-snippet", "lua_shared_dict x 1m; lua_package_path '/etc/lua/?.lua;;';", false),
        ("http-snippet", "perl_set $x y; add_header X-Why 'deny all';", false),
        ("server-snippet", "rewrite ^/a /b break;", false),
        ("server-snippet", "if ($http_x) { return 403; }\nrewrite ^/a /b break;", true),
        ("server-snippet", "auth_basic x;", true),
        ("location-snippet", "location /a { deny all; }", true),
        ("location-snippet", "add_header A $nosuch;", false),
        ("location-snippet", "no end", true),
        ("location-snippet", "deny 10.0.0.0/8; no end", true),
        ("http-snippet", "vhost_traffic_status_zone;", false),
        ("server-snippet", "rewrite_by_lua_block { ngx.exit(403) }", true),
        ("server-snippet", "header_filter_by_lua_block { if a then ngx.exit(403) end }", true),
        ("server-snippet", "body_filter_by_lua_block { if a then b() end }", false),
        ("location-snippet", "internal;", true),
        ("location-snippet", "no_such_thing on;", true),
        ("location-snippet", "more_set_headers 'Server: x';", false),
        ("location-snippet", "proxy_ssl_name a.test;", false),
        ("server-snippet", "proxy_ssl_name a.test;\nproxy_ssl_server_name on;", false),
    ];
    for (key, text, closes) in cases {
        let main = config_map("system", "main", &json!({key: text}));
        let translation = World::new(&[main, class("own", &json!(null)), ingress("a", "own", &[])]).translate();
        assert_eq!(route(&translation, "a.test").action == Action::Respond(503), closes, "{key}: {text}: {:#?}", said(&translation));
        let told = said(&translation);
        assert!(told.len() == 1 && told[0].contains(&format!("ConfigMap system/main data[{key}]: {key}: ")), "{text}: {told:#?}");
        assert_eq!(told[0].contains("; every route answers 503, for it may keep somebody out"), closes, "{text}: {told:#?}");
    }
}

#[test]
fn a_snippet_of_parameters_that_is_not_applied_closes_its_class_alone() {
    let translation = World::new(&[
        class("own", &named("GatewrightParameters", "teams", "p")),
        class("other", &json!(null)),
        parameters("teams", "p", &json!({"settings": {"location-snippet": "deny 10.0.0.0/8; no_such_thing x;"}})),
        ingress("a", "own", &[]),
        ingress("b", "other", &[]),
    ])
    .translate();
    let is_closed = |host: &str| route(&translation, host).action == Action::Respond(503);
    assert_eq!(["a.test", "b.test"].map(is_closed), [true, false], "{:#?}", said(&translation));
}

#[test]
fn hosts_belong_to_whom_the_policy_says() {
    let policy = json!({"hosts": [{"names": ["b.test", "*.b.test"], "namespaces": ["blog"]}], "wildcardHosts": [], "catchAll": []});
    let mut both = ingress("a", "own", &[("server-alias", "x.b.test")]);
    both["spec"]["rules"] = json!([rule("a.test"), rule("b.test"), rule("*.c.test"), rule("")]);
    both["spec"]["tls"] = json!([{"hosts": ["b.test"], "secretName": "stolen"}]);
    let mut default = ingress("d", "own", &[]);
    default["spec"] = json!({"ingressClassName": "own", "defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}});
    let mut world = policed(&policy, &[both.clone(), default.clone()]);
    let translation = world.translate();
    let forwarded = |translation: &Translation| -> Vec<String> {
        let hosts = translation.model.hosts.iter();
        hosts.filter(|(_, host)| matches!(host.routes[0].action, Action::Forward(_))).map(|(name, _)| name.to_string()).collect()
    };
    assert_eq!(forwarded(&translation), ["a.test"], "{:#?}", said(&translation));
    assert!(translation.model.hosts.values().all(|host| host.policy.aliases.is_none()));
    assert_eq!(translation.diagnostics.iter().filter(|d| d.code.to_string() == "GW0104").count(), 6, "{:#?}", said(&translation));
    let mut report = policy;
    report["reportOnly"] = json!(true);
    let mut world = policed(&report, &[both, default]);
    let translation = world.translate();
    assert_eq!(forwarded(&translation), ["_", "a.test", "b.test", "x.b.test", "*.c.test"]);
    assert!(translation.diagnostics.iter().filter(|d| d.code.to_string() == "GW0104").all(|d| d.to_string().starts_with("warning")));
}

#[test]
fn a_name_that_redirects_belongs_to_whom_the_policy_says() {
    let policy = json!({"hosts": [{"names": ["b.test", "www.c.test"], "namespaces": ["blog"]}]});
    let asking = |name: &str, host: &str| {
        let mut ingress = ingress(name, "own", &[("from-to-www-redirect", "true")]);
        ingress["spec"]["rules"] = json!([rule(host)]);
        ingress
    };
    let mut twice = asking("b", "www.b.test");
    twice["spec"]["rules"] = json!([rule("www.b.test"), rule("www.b.test")]);
    let all = [asking("a", "www.a.test"), twice, asking("c", "c.test")];
    let redirecting = |translation: &Translation| -> Vec<String> {
        let hosts = translation.model.hosts.iter();
        hosts.filter(|(_, host)| host.routes[0].policy.redirect.is_some()).map(|(name, _)| name.to_string()).collect()
    };
    let translation = policed(&policy, &all).translate();
    assert_eq!(redirecting(&translation), ["a.test"]);
    assert_eq!(translation.diagnostics.iter().filter(|d| d.code.to_string() == "GW0104").count(), 2, "{:#?}", said(&translation));
    let mut report = policy;
    report["reportOnly"] = json!(true);
    assert_eq!(redirecting(&policed(&report, &all).translate()), ["a.test", "b.test", "www.c.test"]);
}

#[test]
fn no_way_to_write_a_number_goes_past_a_limit() {
    let limits = json!({"proxy-read-timeout": 2, "limit-rps": 5, "limit-rate": 5, "proxy-buffers-number": 4});
    let cases = [("proxy-read-timeout", "+600"), ("limit-rps", "+100"), ("limit-rps", "-1"), ("limit-rate", "+500"), ("limit-rate", "-5")];
    for (name, value) in cases.into_iter().chain([("proxy-buffers-number", "+99")]) {
        let translation = policed(&json!({"limits": limits}), &[ingress("a", "own", &[(name, value)])]).translate();
        let policy = &route(&translation, "a.test").policy;
        let amounts = [
            policy.timeouts.as_ref().and_then(|timeouts| timeouts.read_s),
            policy.limits.as_ref().map(|limits| limits.rates[0].requests),
            policy.bandwidth.as_ref().and_then(|bandwidth| bandwidth.rate_kib),
            policy.buffering.as_ref().and_then(|buffering| buffering.upstream_buffers),
        ];
        assert_eq!(amounts.into_iter().flatten().collect::<Vec<_>>(), [limits[name].as_u64().unwrap()], "{name}: {value}");
        assert_eq!(translation.diagnostics.len(), 1, "{name}: {value}: {:#?}", said(&translation));
    }
}

#[test]
fn parameters_in_the_hands_of_a_namespace_keep_to_the_limits() {
    let policy = json!({"limits": {"proxy-read-timeout": 60}}).to_string();
    let translation = World::new(&[
        config_map("system", "main", &json!({"gatewright-policy": policy})),
        class("own", &named("GatewrightParameters", "teams", "p")),
        parameters("teams", "p", &json!({"settings": {"proxy-read-timeout": "3600", "proxy-send-timeout": "3600"}})),
        ingress("a", "own", &[]),
    ])
    .translate();
    assert_eq!(read_timeout(&translation, "a.test"), Some(60));
    assert_eq!(route(&translation, "a.test").policy.timeouts.as_ref().unwrap().send_s, Some(3600));
    let told = said(&translation);
    assert!(told.len() == 1 && told[0].contains("GW0104") && told[0].contains("spec.settings[proxy-read-timeout]"), "{told:#?}");
}

#[test]
fn parameters_in_the_hands_of_a_namespace_let_nobody_do_more_than_the_main_config_map() {
    let main = json!({"annotation-value-word-blocklist": "evil,bad", "annotations-risk-level": "Low", "location-snippet": "deny 192.0.2.1;",
        "server-snippet": "deny 192.0.2.2;", "global-allowed-response-headers": "X-A"});
    let refused = |namespace: &str, settings: &Value| {
        let named = match namespace {
            "system" => json!({"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": "p", "scope": "Cluster"}),
            _ => named("GatewrightParameters", namespace, "p"),
        };
        let own = parameters(namespace, "p", &json!({"settings": settings}));
        let snippets = ingress("b", "own", &[("configuration-snippet", "return 418 x;")]);
        let vhost = ingress("a", "own", &[("upstream-vhost", "evil.test")]);
        let mut world = World::new(&[config_map("system", "main", &main), class("own", &named), own, vhost, snippets]);
        let translation = world.translate();
        let (all, serves) = (said(&translation), |host: &str| translation.model.hosts.contains_key(&HostPattern::parse(host).unwrap()));
        let told = all.iter().filter(|one| one.contains("GW0602 GatewrightParameters") || one.contains("GW0503 GatewrightParameters"));
        let keys = told.map(|one| one.split(['[', ']']).nth(1).unwrap().to_owned()).collect::<Vec<_>>();
        (keys.join(" "), ["a.test", "b.test"].map(serves), all)
    };
    for (settings, keys) in [
        (json!({"annotation-value-word-blocklist": ""}), "annotation-value-word-blocklist"),
        (json!({"annotation-value-word-blocklist": "evil,other"}), "annotation-value-word-blocklist"),
        (
            json!({"annotations-risk-level": "Critical", "allow-snippet-annotations": "true"}),
            "allow-snippet-annotations annotations-risk-level",
        ),
        (json!({"annotations-risk-level": "no such"}), "annotations-risk-level"),
        (json!({"strict-validate-path-type": "false"}), "strict-validate-path-type"),
        (json!({"global-allowed-response-headers": "X-A,X-B"}), "global-allowed-response-headers"),
        (json!({"server-snippet": "", "location-snippet": "add_header A b;"}), "location-snippet server-snippet"),
        (
            json!({"annotation-value-word-blocklist": "bad,evil,other", "annotations-risk-level": "Low", "location-snippet": "deny 192.0.2.1;",
            "allow-snippet-annotations": "false", "global-allowed-response-headers": ""}),
            "",
        ),
    ] {
        let (told, served, all) = refused("teams", &settings);
        assert_eq!((told.as_str(), served), (keys, [false, false]), "{settings}: {all:#?}");
        assert_eq!(refused("system", &settings).0, "", "{settings}: the operator decides");
    }
    let told = refused("teams", &json!({"server-snippet": "deny 192.0.2.2;\nadd_header A b;"})).2;
    let why =
        "server-snippet would stand in place of the directives that the main ConfigMap has in this key; the main ConfigMap decides it";
    assert!(told.iter().any(|one| one.contains(why)), "{told:#?}");
    let open = json!({"annotation-value-word-blocklist": "", "annotations-risk-level": "Critical", "allow-snippet-annotations": "true"});
    let (_, served, all) = refused("system", &open);
    assert_eq!(served, [true, true], "the operator decides: {all:#?}");
}

#[test]
fn a_snippet_of_all_is_applied_but_for_what_keeps_nobody_out() {
    for (key, text) in [
        ("http-snippet", "more_clear_input_headers X-Remote-User;\nvhost_traffic_status_zone;"),
        ("server-snippet", "proxy_set_header X-Remote-User \"\"; body_filter_by_lua_block { f() }"),
        (
            "location-snippet",
            "sub_filter_last_modified on; zstd on; js_import a.js; map $a $b { c d; }\nproxy_set_header X-Remote-User \"\";",
        ),
        ("location-snippet", "set $user nobody; proxy_set_header X-Remote-User $user; add_header X-Keep $user; vhost_traffic_status on;"),
    ] {
        let main = config_map("system", "main", &json!({key: text}));
        let translation = World::new(&[main, class("own", &json!(null)), ingress("a", "own", &[])]).translate();
        let route = route(&translation, "a.test");
        let told = said(&translation);
        let headers = route.policy.extra.as_ref().map(|extra| extra.request_headers.len());
        assert_eq!((matches!(route.action, Action::Forward(_)), headers), (true, Some(1)), "{text}: {told:#?}");
        assert!(told.len() == 1 && told[0].contains("GW0601") && told[0].contains("; the directives beside such count"), "{told:#?}");
    }
}

#[test]
fn snippets_keep_the_limits_of_annotations() {
    let on = config_map("system", "main", &json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"}));
    let text = "client_max_body_size 5m; proxy_read_timeout 1d; limit_rate 0; proxy_send_timeout 5s; proxy_next_upstream_tries 0;";
    for (snippet, report_only) in [("configuration-snippet", false), ("server-snippet", false), ("configuration-snippet", true)] {
        let limits = json!({"proxy-body-size": "1k", "proxy-read-timeout": 2, "limit-rate": 7, "proxy-next-upstream-tries": 2});
        let mut world =
            policed(&json!({"limits": limits, "reportOnly": report_only}), &[ingress("a", "own", &[(snippet, text)]), on.clone()]);
        let translation = world.translate();
        let policy = &route(&translation, "a.test").policy;
        let (timeouts, buffering) = (policy.timeouts.as_ref().unwrap(), policy.buffering.as_ref().unwrap());
        let (rate, tries) = (policy.bandwidth.as_ref().unwrap().rate_kib, policy.retries.as_ref().unwrap().tries);
        let got = [buffering.body_limit_bytes, timeouts.read_s, timeouts.send_s, rate, tries].map(Option::unwrap);
        assert_eq!(got, if report_only { [5 << 20, 86_400, 5, 0, 0] } else { [1024, 2, 5, 7, 2] }, "{snippet}");
        let told = said(&translation);
        let of_policy = told.iter().filter(|line| line.contains("GW0104"));
        assert!(told.len() == 4 && of_policy.clone().count() == 4, "{snippet}: {told:#?}");
        assert!(of_policy.clone().all(|line| line.starts_with("warning") == report_only && line.contains(snippet)), "{told:#?}");
    }
}

#[test]
fn a_policy_with_a_name_that_names_nothing_closes() {
    for (policy, part) in [
        (json!({"annotations": [{"denied": ["mirror-targets"]}]}), "write mirror-target"),
        (json!({"limits": {"proxy-body-siz": "1k"}}), "write proxy-body-size"),
        (json!({"limits": {"limit-rps": 0}}), "deny the annotation instead"),
    ] {
        let of_class = policed(&policy, &[ingress("a", "own", &[])]).translate();
        let main = config_map("system", "main", &json!({"gatewright-policy": policy.to_string()}));
        let of_all = World::new(&[main, class("own", &json!(null)), ingress("a", "own", &[])]).translate();
        for translation in [of_class, of_all] {
            assert_eq!(route(&translation, "a.test").action, Action::Respond(503), "{policy}");
            let told = said(&translation);
            assert!(told.len() == 1 && told[0].contains(part) && told[0].contains("every route answers 503"), "{policy}: {told:#?}");
        }
    }
    let mended = json!({"hosts": [{"names": ["A.Test."], "namespaces": ["blog"]}], "annotations": [{"denied": ["Auth-URL"]}]});
    let translation = policed(&mended, &[ingress("a", "own", &[]), ingress("b", "own", &[("auth-url", "http://10.0.0.9/")])]).translate();
    assert!(!translation.model.hosts.contains_key(&HostPattern::parse("a.test").unwrap()));
    assert_eq!(route(&translation, "b.test").action, Action::Respond(503));
}

#[test]
fn a_policy_that_cannot_be_read_closes_and_that_of_the_main_config_map_holds_for_every_class() {
    let main = |policy: &str| config_map("system", "main", &json!({"gatewright-policy": policy}));
    let objects = |policy: &str| {
        [
            main(policy),
            class("own", &named("ConfigMap", "teams", "p")),
            config_map("teams", "p", &json!({"gatewright-policy": "{}"})),
            ingress("a", "own", &[("app-root", "/x")]),
        ]
    };
    let translation = World::new(&objects("annotations: []")).translate();
    assert_eq!(route(&translation, "a.test").action, Action::Respond(503));
    let text = said(&translation).join("\n");
    assert!(text.contains("ConfigMap system/main data[gatewright-policy]: the policy cannot be read"), "{text}");
    let translation = World::new(&objects(r#"{"annotations": [{"denied": ["app-root"]}]}"#)).translate();
    assert!(translation.model.hosts[&HostPattern::parse("a.test").unwrap()].policy.app_root.is_none());
}

#[test]
fn a_limit_that_is_only_reported_is_not_said_to_be_used() {
    let told = |report_only: bool| {
        let policy = json!({"limits": {"proxy-body-size": "1k"}, "reportOnly": report_only});
        let translation = policed(&policy, &[ingress("a", "own", &[("proxy-body-size", "5m")])]).translate();
        said(&translation).join("\n")
    };
    assert!(told(true).contains("\"5m\" is above the limit of 1k, which is not enforced (served)"), "{}", told(true));
    assert!(told(false).contains("\"5m\" is above the limit of 1k, which is used"), "{}", told(false));
}
