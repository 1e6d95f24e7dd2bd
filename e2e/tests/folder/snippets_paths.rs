//! Where snippets redirect to, and what they tell endpoints of the path that was asked for.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::until;
use gatewright_e2e::world::World;
use serde_json::Value;

/// Name of an Ingress, its snippet and its other annotations.
type Snippet = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// A world that reads snippets, with one for each host: `a.test` and so on.
fn world(proxy: Proxy, settings: &[(&str, &str)], snippets: &[Snippet]) -> World {
    let switches = [("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")];
    let settings = config_map("settings", &[&switches[..], settings].concat());
    let with = snippets.iter().map(|(name, text, annotations)| {
        let plain = ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation("configuration-snippet", text);
        annotations.iter().fold(plain, |ingress, (key, value)| ingress.annotation(key, value))
    });
    let objects: Vec<Value> = running("s").into_iter().chain([settings]).chain(with).collect();
    World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start()
}

fn location(host: &str, target: &str) -> String {
    get(host, target).unwrap().header("location").unwrap_or("-").to_owned()
}

const REDIRECTS: &[Snippet] = &[
    ("a", "rewrite ^/old/(.*)$ /new/$1 permanent; rewrite ^(/b)$ $1/ redirect; if ($arg_a ~ ^(/.*)) { return 302 $1; }", &[]),
    ("b", "if ($arg_a) { return 307 $request_uri/x; } return 301 /moved;", &[]),
    ("c", "rewrite ^/old/(.*)$ https://x.test/$1 permanent; if ($arg_a ~ ^(h.*)) { return 302 $1; } return 302 https://y.test/;", &[]),
];

on_every_proxy! {
    fn redirects_to_paths_name_the_host(proxy) {
        let world = world(proxy, &[], REDIRECTS);
        let said = world.diagnostics();
        for (host, target, expected) in [
            ("a.test", "/old/x?y=1", "http://a.test/new/x?y=1"),
            ("a.test", "/old/a%20b", "http://a.test/new/a%20b"),
            ("a.test", "/b", "http://a.test/b/"),
            ("b.test", "/c?a=1", "http://b.test/c?a=1/x"),
            ("b.test", "/c", "http://b.test/moved"),
            ("c.test", "/old/x", "https://x.test/x"),
            ("c.test", "/", "https://y.test/"),
        ] {
            assert_eq!(location(host, target), expected, "{host}{target}: {said:?}");
        }
    }

    fn what_a_snippet_rewrites_leads_out_of_nothing(proxy) {
        let world = world(proxy, &[], &[("a", "rewrite ^/a/(.*)$ /public/$1 break;", &[])]);
        for (target, asked) in [("/a/x%2fy", "/public/x"), ("/a/x/..%2f..%2fa/y", "/public/y"), ("/a/x%2e/../../a/y", "/public/y")] {
            let answer = get("a.test", target).unwrap();
            let echo = answer.echo();
            assert!(echo["target"].as_str().is_some_and(|sent| sent.starts_with(asked) && !sent.contains("..")), "{target}: {echo} {:?}", world.diagnostics());
        }
    }

    fn redirects_to_paths_stay_paths_where_that_is_said(proxy) {
        let world = world(proxy, &[("relative-redirects", "true")], REDIRECTS);
        let all = [location("a.test", "/old/x"), location("a.test", "/b"), location("b.test", "/c")];
        assert_eq!(all, ["/new/x", "/b/", "/moved"], "{:?}", world.diagnostics());
    }

    fn redirects_to_paths_lead_to_no_other_host(proxy) {
        let text = "absolute_redirect off;\nrewrite ^/(.*)/$ /$1 permanent;";
        let by_snippet = world(proxy, &[], &[("a", text, &[])]);
        let targets = ["//evil.test/%41/", "//evil.test/", "/%2fevil.test/", "//evil.test/%0a/"];
        for target in targets {
            assert!(!location("a.test", target).starts_with("//"), "{target}: {:?}", by_snippet.diagnostics());
        }
        assert_eq!(location("a.test", targets[0]), "/evil.test/A");
        if !proxy.is_nginx() {
            for target in ["/\\evil.test/", "/%5Cevil.test/%41/"] {
                assert!(!location("a.test", target).starts_with("/\\"), "{target}");
            }
        }
    }

    fn redirects_to_paths_lead_to_no_other_host_whoever_says_that_they_stay(proxy) {
        let of_all = world(proxy, &[("relative-redirects", "true")], &[("a", "rewrite ^/(.*)/$ /$1 permanent;", &[])]);
        for target in ["//evil.test/%41/", "/%2Fevil.test/"] {
            assert!(!location("a.test", target).starts_with("//"), "{target}: {:?}", of_all.diagnostics());
        }
    }

    fn what_is_rewritten_as_it_came_is_what_was_compared(proxy) {
        let world = world(proxy, &[], &[("a", "rewrite ^/old/(.*) /new/$1 break;", &[])]);
        for target in ["/old//x%0a", "/old/./x%0a", "/old/%2e/x%0A", "/old/y/../x%0a"] {
            let answer = get("a.test", target).unwrap();
            if proxy.is_nginx() {
                assert_eq!(answer.echo()["target"], "/new/x", "{target}");
            } else {
                assert_eq!(answer.status, 400, "{target}: {:?}", world.diagnostics());
            }
        }
    }

    fn endpoints_are_told_what_was_asked_for(proxy) {
        let text = "proxy_set_header X-Asked $request_uri;";
        let world = world(proxy, &[], &[("a", text, &[("rewrite-target", "/n")]), ("b", "proxy_set_header X-Asked $request_uri; rewrite ^/o /n break;", &[])]);
        for host in ["a.test", "b.test"] {
            let answer = get(host, "/o/p?q=1").unwrap();
            assert_eq!(answer.received("X-Asked").as_deref(), Some("/o/p?q=1"), "{host}: {:?}", world.diagnostics());
            assert_eq!(answer.echo()["target"], "/n?q=1");
        }
    }

    fn other_paths_have_queries(proxy) {
        let text = "rewrite ^/a/(.*)$ /b/$1?x=1 break;\nrewrite ^/d/(.*)$ /e?p=$1? break;\nrewrite ^/f$ /g? break;\n\
                    if ($arg_v = 2) { rewrite ^/(v.*)$ /w?from=$host&was=$1 break; }";
        let world = world(proxy, &[], &[("a", text, &[])]);
        let seen = |target: &str| get("a.test", target).unwrap().echo()["target"].as_str().unwrap_or("-").to_owned();
        for (asked, target) in [
            ("/a/c?y=2", "/b/c?x=1&y=2"),
            ("/a/c", "/b/c?x=1"),
            ("/a/c%20d", "/b/c%20d?x=1"),
            ("/d/z?y=2", "/e?p=z"),
            ("/d/a%26b?y=2", "/e?p=a%26b"),
            ("/d/a%23b%25c", "/e?p=a%23b%25c"),
            ("/f?y=2", "/g"),
            ("/v1?v=2", "/w?from=a.test&was=v1&v=2"),
            ("/v1?v=1", "/v1?v=1"),
            ("/h?y=2", "/h?y=2"),
        ] {
            assert_eq!(seen(asked), target, "{asked}: {:?}", world.diagnostics());
        }
    }

    fn the_paths_of_a_snippet_go_before_that_of_an_annotation(proxy) {
        let of = |name: &str| ingress(name).path("a.test", "/a/(.*)", "ImplementationSpecific", "s").annotation("rewrite-target", "/t/$1");
        let with = of("a").annotation("configuration-snippet", "rewrite ^/a/b$ /own break;\nrewrite ^/a/q$ /own?x=1 break;");
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let objects = [running("s"), vec![settings, with]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let seen = |target: &str| get("a.test", target).unwrap().echo()["target"].as_str().unwrap_or("-").to_owned();
        let all = ["/a/b?q=1", "/a/c?q=1", "/a/q?q=1", "/a/d%20e"].map(seen);
        assert_eq!(all, ["/own?q=1", "/t/c?q=1", "/own?x=1&q=1", "/t/d%20e"], "{:?}", world.diagnostics());
    }

    /// With `last` a request looks for its route once more, which is the same one here.
    fn paths_are_looked_for_again_where_the_same_route_is_found(proxy) {
        let last = "rewrite ^/old/(.*)$ /new/$1 last;\nrewrite ^/q$ /new/q?x=1;\nif ($http_x) { return 429; }";
        let objects: Vec<Value> = [running("s"), running("t")].concat();
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let of = |name: &str| ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation("configuration-snippet", last);
        let others = [settings, of("a"), of("b"), ingress("c").prefix("b.test", "/new", "t"), of("d"), ingress("e").prefix("d.test", "/newer", "t")];
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &[objects, others.to_vec()].concat()).start();
        let said = world.diagnostics();
        let seen = |host: &str, target: &str| get(host, target).unwrap().echo()["target"].as_str().unwrap_or("-").to_owned();
        for host in ["a.test", "d.test"] {
            for (asked, target) in [("/old/x?y=2", "/new/x?y=2"), ("/old/a%20b", "/new/a%20b"), ("/q?y=2", "/new/q?x=1&y=2"), ("/other", "/other")] {
                assert_eq!(seen(host, asked), target, "{host}{asked}: {said:?}");
            }
            assert_eq!(send(&Request::get(host, "/old/x").header("X", "1")).unwrap().status, 429);
        }
        assert_eq!((get("b.test", "/old/x").unwrap().status, get("b.test", "/new/x").unwrap().status), (503, 200), "it is of another one: {said:?}");
        assert_eq!(seen("d.test", "/newer/x"), "/newer/x");
    }

    fn headers_without_a_value_are_dropped(proxy) {
        let settings = [("proxy-set-headers", "default/in"), ("add-headers", "default/out"), ("global-allowed-response-headers", "X-Own,X-All")];
        let of = |name: &str| ingress(name).prefix(&format!("{name}.test"), "/", "s");
        let maps = [
            config_map("settings", &settings),
            config_map("in", &[("X-In", ""), ("X-Other", "o"), ("X-Asked", "$http_x_asked"), ("X-Named", "$arg_a$location_path")]),
            config_map("out", &[("X-Out", ""), ("X-Else", "e")]),
            config_map("own", &[("X-Own", ""), ("X-All", "a")]),
        ];
        let objects = [running("s"), maps.to_vec(), vec![of("a").annotation("custom-headers", "default/own"), of("b")]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let ask = |host: &str| {
            let request = gatewright_e2e::http1::Request::get(host, "/?header=X-Out:endpoint&header=X-Own:endpoint").header("X-In", "client");
            let answer = gatewright_e2e::client::send(&request).unwrap();
            let sent = ["X-Out", "X-Else", "X-Own", "X-All"].map(|name| answer.header(name).unwrap_or("-").to_owned());
            (sent, ["X-In", "X-Other", "X-Asked", "X-Named"].map(|name| answer.received(name).unwrap_or_else(|| "-".to_owned())))
        };
        let told = ["-", "o", "-", "/"].map(str::to_owned);
        assert_eq!(ask("a.test"), (["-", "e", "-", "a"].map(str::to_owned), told.clone()), "{:?}", world.diagnostics());
        assert_eq!(ask("b.test"), (["-", "e", "endpoint", "-"].map(str::to_owned), told));
    }

    fn headers_tell_the_path_that_endpoints_are_asked_for(proxy) {
        let settings = [
            ("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical"),
            ("proxy-set-headers", "default/in"), ("add-headers", "default/out"),
        ];
        let maps = [
            config_map("settings", &settings),
            config_map("in", &[("X-In", "$uri"), ("X-Named", "$service_name $document_uri"), ("X-Query", "$uri?$args")]),
            config_map("out", &[("X-Out", "$uri")]),
        ];
        let of = |name: &str| ingress(name).path(&format!("{name}.test"), "/a/(.*)", "ImplementationSpecific", "s");
        const OWN: &str = "proxy_set_header X-Own $uri;\nadd_header X-Sent \"$uri $host\" always;";
        let moved = of("moved").annotation("rewrite-target", "/t/$1").annotation("configuration-snippet", OWN);
        let some = ingress("some").prefix("some.test", "/", "s")
            .annotation("configuration-snippet", &format!("{OWN}\nrewrite ^/a/(.*)$ /t/$1?x=1 break;"));
        let stays = of("stays").annotation("use-regex", "true").annotation("configuration-snippet", OWN);
        let objects = [running("s"), maps.to_vec(), vec![moved, some, stays]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let told = |host: &str, target: &str| {
            let answer = get(host, target).unwrap();
            let received = ["X-In", "X-Named", "X-Query", "X-Own"].map(|name| answer.received(name).unwrap_or_default());
            let [out, sent] = ["X-Out", "X-Sent"].map(|name| answer.header(name).unwrap_or_default().to_owned());
            [&received[..], &[out, sent]].concat()
        };
        for (host, target, path, query) in [
            ("moved.test", "/a/b?q=1", "/t/b", "q=1"),
            ("moved.test", "/a/b%20c", "/t/b c", ""),
            ("moved.test", "/a/x//y", "/t/x/y", ""),
            ("moved.test", "/a/b%25c%3Bd", "/t/b%c;d", ""),
            ("some.test", "/a/b?q=1", "/t/b", "x=1&q=1"),
            ("some.test", "/a/%C3%A9", "/t/é", "x=1"),
            ("some.test", "/other//b?q=1", "/other/b", "q=1"),
            ("stays.test", "/a//b%20c?q=1", "/a/b c", "q=1"),
        ] {
            let wanted = [path.to_owned(), format!("s {path}"), format!("{path}?{query}"), path.to_owned(), path.to_owned(), format!("{path} {host}")];
            assert_eq!(told(host, target), wanted, "{host}{target} {:?}", world.diagnostics());
        }
    }

    fn what_was_asked_for_stays_so_beside_what_endpoints_are_asked_for(proxy) {
        let settings = [
            ("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical"),
            ("proxy-set-headers", "default/in"), ("add-headers", "default/out"),
            ("log-format-upstream", "told $request_uri $uri?$args;$arg_x;"),
        ];
        const BOTH: &str = "$request_uri $uri?$args";
        let maps = [config_map("settings", &settings), config_map("in", &[("X-In", BOTH)]), config_map("out", &[("X-Out", BOTH)])];
        let own = format!("proxy_set_header X-Own \"{BOTH}\";\nadd_header X-Sent \"{BOTH} $host\" always;");
        let of = |name: &str| ingress(name).path(&format!("{name}.test"), "/a/(.*)", "ImplementationSpecific", "s");
        let moved = of("moved").annotation("rewrite-target", "/t/$1").annotation("configuration-snippet", &own);
        let some = ingress("some").prefix("some.test", "/", "s")
            .annotation("configuration-snippet", &format!("{own}\nrewrite ^/a/(.*)$ /t/$1?x=1 break;"));
        let stays = of("stays").annotation("use-regex", "true").annotation("configuration-snippet", &own);
        let hidden = of("hidden").annotation("rewrite-target", "/t/$1").annotation("upstream-vhost", "$request_uri");
        let objects = [running("s"), maps.to_vec(), vec![moved, some, stays, hidden]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        for (host, target, path) in [
            ("moved.test", "/a/b?q=1", "/t/b?q=1"),
            ("moved.test", "/a/b%20c", "/t/b c?"),
            ("some.test", "/a/b?q=1", "/t/b?x=1&q=1"),
            ("some.test", "/b", "/b?"),
            ("stays.test", "/a//b?q=1", "/a/b?q=1"),
        ] {
            let answer = get(host, target).unwrap();
            let told = ["X-In", "X-Own"].map(|name| answer.received(name).unwrap_or_default());
            let sent = ["X-Out", "X-Sent"].map(|name| answer.header(name).unwrap_or_default().to_owned());
            let both = format!("{target} {path}");
            assert_eq!(told, [both.clone(), both.clone()], "{host}{target} {:?}", world.diagnostics());
            assert_eq!(sent, [both.clone(), format!("{both} {host}")], "{host}{target}");
            let query = path.split_once('?').unwrap().1;
            let args = if query.is_empty() { "-" } else { "" };
            let x = if query.starts_with("x=") { "1" } else { "-" };
            let line = format!("told {target} {path}{args};{x};");
            until("it is logged", || world.log().lines().any(|logged| logged == line));
        }
        assert_eq!(get("hidden.test", "/a/b?q=1").unwrap().received("host").as_deref(), Some("/a/b?q=1"), "{:?}", world.diagnostics());
    }
}
