//! Paths: Exact, Prefix, ImplementationSpecific, and what a request path is before it is compared.

use gatewright_e2e::client::get;
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_version;
use gatewright_e2e::site::{Site, all_running, running};
use gatewright_e2e::world::{World, who};
use serde_json::{Value, json};

/// One case: the id, the rules as `(path, type, service)`, and the requests with who answers.
type Case = (&'static str, &'static [(&'static str, &'static str, &'static str)], &'static [(&'static str, &'static str)]);

/// What is asked for, and what an endpoint is asked for where `/a(/|$)(.*)` is rewritten to `/n/$2`.
const REWRITTEN: &[(&str, &str)] = &[
    ("/a", "/n/"),
    ("/a/b?c=%2F+%20", "/n/b?c=%2F+%20"),
    ("/a/b%2Fc", "/n/b/c"),
    ("/a%2fb", "/n/b"),
    ("/%61/b", "/n/b"),
    ("/a/b+c%2Bd", "/n/b+c+d"),
    ("/a/b%20c%41%7E%2e", "/n/b%20cA~."),
    ("/a/%C3%A9%80", "/n/%C3%A9%80"),
    ("/a/100%25%2525", "/n/100%25%2525"),
    ("/a/%21%22%24%26%27%28%29%2A%2C%3A%3B%3C%3D%3E%40", "/n/!%22$&'()*,:;%3C=%3E@"),
    ("/a/%5B%5C%5D%5E%60%7B%7C%7D", "/n/[%5C]%5E%60%7B%7C%7D"),
    ("/a/%5C1%5C2", "/n/%5C1%5C2"),
    ("/a/b//c/./d/../e", "/n/b/c/e"),
    ("/a/b%3Fc%23d?e", "/n/b%3Fc%23d?e"),
    ("/a/b%1Fc%7Fd", "/n/b%1Fc%7Fd"),
    ("/a/b%20", "/n/b%20"),
];

const CASES: &[Case] = &[
    ("pth-1", &[("/", "Prefix", "a")], &[("/", "a"), ("/x/y", "a"), ("/x?y=/z", "a")]),
    (
        "pth-2",
        &[("/foo", "Exact", "a")],
        &[("/foo", "a"), ("/foo?x=1", "a"), ("/bar", "404"), ("/foo/", "404"), ("/FOO", "404"), ("/", "404")],
    ),
    ("pth-5", &[("/foo/", "Exact", "a")], &[("/foo", "404"), ("/foo/", "a")]),
    ("pth-7", &[("/foo", "Prefix", "a")], &[("/foo", "a"), ("/foo/", "a"), ("/FOO", "404"), ("/foobar", "404")]),
    ("pth-8", &[("/foo/", "Prefix", "a")], &[("/foo", "a"), ("/foo/", "a"), ("/foo/x", "a"), ("/foox", "404")]),
    ("pth-10", &[("/aaa/bb", "Prefix", "a")], &[("/aaa/bbb", "404"), ("/aaa/bb", "a")]),
    (
        "pth-11",
        &[("/aaa/bbb", "Prefix", "a")],
        &[("/aaa/bbb", "a"), ("/aaa/bbb/", "a"), ("/aaa/bbb/ccc", "a"), ("/aaa/bbbxyz", "404"), ("/aaa", "404")],
    ),
    ("pth-12", &[("/aaa/bbb/", "Prefix", "a")], &[("/aaa/bbb", "a")]),
    (
        "pth-16",
        &[("/", "Prefix", "a"), ("/aaa", "Prefix", "b"), ("/aaa/bbb", "Prefix", "c")],
        &[("/aaa/ccc", "b"), ("/aaa/bbb", "c"), ("/ccc", "a")],
    ),
    ("pth-19", &[("/aaa", "Prefix", "a")], &[("/ccc", "404")]),
    ("pth-20", &[("/foo", "Prefix", "a"), ("/foo", "Exact", "b")], &[("/foo", "b"), ("/foo/x", "a")]),
    ("pth-21", &[("/", "Exact", "a"), ("/", "Prefix", "b")], &[("/", "a"), ("/bar", "b")]),
    (
        "pth-22",
        &[("/foo", "Exact", "a"), ("/foo", "Prefix", "b"), ("/", "Prefix", "c")],
        &[("/foobar", "c"), ("/foo", "a"), ("/foo/x", "b")],
    ),
    ("impl", &[("/foo", "ImplementationSpecific", "a")], &[("/foo", "a"), ("/foo/x", "a"), ("/foox", "404")]),
    ("empty", &[("", "ImplementationSpecific", "a")], &[("/", "a"), ("/x", "a")]),
    (
        "uri",
        &[("/foo", "Prefix", "a"), ("/a!b", "ImplementationSpecific", "b")],
        &[("//foo", "a"), ("/%66oo", "a"), ("/x/../foo/y?z", "a"), ("/foo%2fbar", "a"), ("/a%21b", "b"), ("/%46oo", "404")],
    ),
    (
        "odd",
        &[
            ("/q'uote", "ImplementationSpecific", "a"),
            ("/dollar$host", "ImplementationSpecific", "b"),
            ("/star*", "ImplementationSpecific", "c"),
            ("/üml", "ImplementationSpecific", "a"),
        ],
        &[("/q'uote", "a"), ("/dollar$host", "b"), ("/star*", "c"), ("/starry", "404"), ("/%C3%BCml", "a")],
    ),
];

on_every_version! {
    fn a_path_is_rewritten_decoded_and_sent_encoded(proxy) {
        let site = Site::of(proxy, "rewritten");
        let h = site.host("h");
        let route = ingress("a").path(&h, "/a(/|$)(.*)", "ImplementationSpecific", "a").annotation("use-regex", "true");
        site.apply(&[running("a"), vec![route.annotation("rewrite-target", "/n/$2")]].concat());
        let sent = |asked: &str| get(&h, asked).unwrap().echo()["target"].as_str().unwrap_or_default().to_owned();
        REWRITTEN.iter().for_each(|(asked, expected)| assert_eq!(sent(asked), *expected, "{asked}"));
        // All of it is rewritten. Where there is a control character, HAProxy rewrites what is encoded.
        assert_eq!(sent("/a/b%0Ac%2F"), if proxy.is_nginx() { "/n/b%0Ac/" } else { "/n/b%0Ac%2F" });
        assert_eq!(get(&h, "/a/b%00c").unwrap().status, 400);
        for asked in ["/a//x%0a", "/a/./x%0a", "/a/%2e/x%0A", "/a/y/../x%0a", "/%61/y/..%2fx%0A"] {
            let answer = get(&h, asked).unwrap();
            let nginx = proxy.is_nginx() && answer.echo()["target"] == "/n/x%0A";
            assert!(nginx || !proxy.is_nginx() && answer.status == 400, "{asked}: {} {}", answer.status, answer.echo());
        }
    }

    fn pth_1_to_22_paths_match_as_the_api_says(proxy) {
        let site = Site::of(proxy, "pth");
        let rules = |(name, rules, _): &Case| {
            let add = |ingress: Value, rule: &(&str, &str, &str)| ingress.path(&site.host(name), rule.0, rule.1, rule.2);
            rules.iter().fold(ingress(name), add)
        };
        site.apply(&[all_running(&["a", "b", "c"]), CASES.iter().map(rules).collect()].concat());
        let wrong: Vec<String> = CASES
            .iter()
            .flat_map(|(name, _, requests)| requests.iter().map(move |(target, wanted)| (name, target, wanted)))
            .map(|(name, target, wanted)| (name, target, wanted, who(&site.host(name), target)))
            .filter(|(_, _, wanted, seen)| seen != *wanted)
            .map(|(name, target, wanted, seen)| format!("{name} {target}: wanted {wanted}, saw {seen}"))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    fn a_path_that_is_new_is_its_own_letters_whatever_else_they_mean(proxy) {
        let site = Site::of(proxy, "letters");
        let h = site.host("h");
        let paths = ["/VERSION", "/@VERSION", "/$HOME", "/it's", "/TOKEN"];
        let route = |paths: &[&str]| paths.iter().fold(ingress("a").prefix(&h, "/plain", "a"), |route, path| route.prefix(&h, path, "a"));
        site.apply(&[running("a"), vec![route(&[])]].concat());
        // One more path to the same endpoints: HAProxy is told while it runs.
        site.apply(&[running("a"), vec![route(&paths)]].concat());
        paths.iter().for_each(|path| assert_eq!(who(&h, path), "a", "{path}"));
    }

    fn a_long_path_takes_nothing_but_its_own(proxy) {
        let site = Site::of(proxy, "long");
        let h = site.host("h");
        let long = |beginning: &str, bytes: usize| format!("{beginning}{}", "x".repeat(bytes - beginning.len()));
        let fine = [long("/fine", 254), long("/exact", 254)];
        // nginx before 1.26 knows the length of a location modulo 256.
        let too_long = [long("/", 256), long("/login", 262), long("/", 255), long("/login", 2000)];
        let kind = |n: usize| if n % 2 == 1 { "Exact" } else { "Prefix" };
        let all = fine.iter().chain(&too_long).enumerate();
        let rules = all.fold(ingress("new").created(2), |ingress, (n, path)| ingress.path(&h, path, kind(n), "new"));
        let old = ingress("old").created(1).prefix(&h, "/", "old").prefix(&h, "/login", "login");
        site.apply(&[all_running(&["old", "login", "new"]), vec![old, rules]].concat());
        for (path, wanted) in [("/", "old"), ("/x", "old"), ("/foo/bar", "old"), ("/login", "login"), ("/login/", "login"), ("/login/x", "login")] {
            assert_eq!(who(&h, path), wanted, "{path}");
        }
        fine.iter().for_each(|path| assert_eq!(who(&h, path), "new", "{path}"));
        let told = site.diagnostics().iter().filter(|line| line.contains("GW0202")).count();
        let served = too_long.iter().filter(|path| who(&h, path) == "new").count();
        assert!((told, served) == (0, 4) || (told, served) == (4, 0), "{told} told, {served} served");
    }

    fn a_path_that_is_too_long_is_refused_before_it_is_compared(proxy) {
        let site = Site::of(proxy, "paths-too-long");
        let [host, rewritten] = ["h", "rewritten"].map(|name| site.host(name));
        site.apply(&[running("s"), vec![
            ingress("open").prefix(&host, "/public", "s"),
            ingress("guard").prefix(&host, "/admin", "s").annotation("whitelist-source-range", "10.9.9.9/32"),
            ingress("rewritten").path(&rewritten, "/app(/|$)(.*)", "ImplementationSpecific", "s").annotation("rewrite-target", "/$2"),
        ]].concat());
        for count in [8190, 8300, 9000, 10_700] {
            for behind in ["/../../admin/x", "/%2e%2e/%2e%2e/admin/x", "/..%2f../admin/x"] {
                assert_eq!(who(&host, &format!("/public/{}{behind}", "%25".repeat(count))), "414", "{count} {behind}");
            }
        }
        for beginning in ["/app/a%41", "/app/", "/app//a%0a"] {
            assert_eq!(who(&rewritten, &format!("{beginning}{}", "%25".repeat(8300))), "414", "{beginning}");
        }
        let long = "%25".repeat(2600);
        assert_eq!([who(&host, &format!("/public/{long}")), who(&host, &format!("/public/{long}/../../admin/x"))], ["s", "403"]);
        let sent = get(&rewritten, &format!("/app/a%41{long}")).unwrap().echo();
        assert!(sent["target"] == format!("/aA{long}"), "encoded once");
        let controls = "%01".repeat(2600);
        assert_eq!([who(&host, &format!("/public/{controls}")), who(&host, &format!("/public/{controls}/../../admin/x"))], ["s", "403"]);
    }

    fn uri_1_to_4_the_backend_gets_the_target_byte_for_byte(proxy) {
        let site = Site::of(proxy, "uri-1");
        let host = site.host("h");
        site.apply(&[all_running(&["s"]), vec![ingress("a").prefix(&host, "/foo", "s")]].concat());
        for target in ["//foo", "/%66oo", "/x/../foo/y?z", "/foo?a=/../b&c=%20//", "/foo/;x=1"] {
            assert_eq!(get(&host, target).unwrap().echo()["target"], target);
        }
    }

    fn a_target_with_scheme_and_host_is_its_path(proxy) {
        let site = Site::of(proxy, "uri-absolute");
        let host = site.host("h");
        site.apply(&[all_running(&["s", "root"]), vec![ingress("a").prefix(&host, "/foo", "s").path(&host, "/", "Exact", "root")]].concat());
        for (target, sent) in [("", "/"), ("/", "/"), ("/foo?a=b://c", "/foo?a=b://c"), ("/x/../foo", "/x/../foo")] {
            assert_eq!(get(&host, &format!("http://{host}{target}")).unwrap().echo()["target"], sent, "{target}");
        }
        assert_eq!(get(&host, "/foo?a=b://c").unwrap().echo()["target"], "/foo?a=b://c");
    }

    fn uri_5_a_blank_is_compared_with_the_decoded_path(proxy) {
        let site = Site::of(proxy, "uri-5");
        let host = site.host("h");
        let rules = ingress("a").path(&host, "/a b", "ImplementationSpecific", "s").path(&host, "/c%20d", "ImplementationSpecific", "s");
        site.apply(&[all_running(&["s"]), vec![rules]].concat());
        assert_eq!(who(&host, "/c%20d"), "404", "a rule that is written with an escape never matches");
        if proxy.is_nginx() {
            assert_eq!([who(&host, "/a%20b"), who(&host, "/a%20bc")], ["s", "404"]);
            assert_eq!(get(&host, "/a%20b?x").unwrap().echo()["target"], "/a%20b?x");
        } else {
            assert_eq!(who(&host, "/a%20b"), "404");
            assert!(site.diagnostics().iter().any(|line| line.contains("/a b")), "it is told");
        }
    }

    fn leg_1_2_old_api_versions_mean_the_same(proxy) {
        let site = Site::of(proxy, "leg");
        let [old, older, name] = ["old", "older", "name"].map(|label| site.host(label));
        let legacy = |version: &str, host: &str, port: Value| {
            let path = json!({"path": "/a", "backend": {"serviceName": "s", "servicePort": port}});
            json!({
                "apiVersion": version, "kind": "Ingress",
                "metadata": {"name": host, "annotations": {"kubernetes.io/ingress.class": "gatewright"}},
                "spec": {"rules": [{"host": host, "http": {"paths": [path]}}]},
            })
        };
        let ingresses = vec![
            legacy("networking.k8s.io/v1beta1", &old, 80.into()),
            legacy("extensions/v1beta1", &older, 80.into()),
            legacy("extensions/v1beta1", &name, "http".into()),
        ];
        site.apply(&[all_running(&["s"]), ingresses].concat());
        for host in [&old, &older, &name] {
            assert_eq!([who(host, "/a"), who(host, "/a/b"), who(host, "/ab")], ["s", "s", "404"], "{host}");
        }
    }

    fn leg_3_a_backend_of_an_old_version_without_rules_is_for_all(proxy) {
        for version in ["networking.k8s.io/v1beta1", "extensions/v1beta1"] {
            let old = json!({
                "apiVersion": version, "kind": "Ingress",
                "metadata": {"name": "old", "annotations": {"kubernetes.io/ingress.class": "gatewright"}},
                "spec": {"backend": {"serviceName": "s", "servicePort": 80}},
            });
            let _world = World::of(proxy).manifest("i.yaml", &[all_running(&["s"]), vec![old]].concat()).start();
            assert_eq!([who("any.test", "/"), who("other.test", "/a")], ["s", "s"], "{version}");
        }
    }
}
