//! Snippets: what their directives do, whichever proxy serves.

use gatewright_e2e::client::get;
use gatewright_e2e::http1::Answer;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::world::{World, who};
use serde_json::Value;

/// A world that reads snippets, with a host `h.test` that has this one and serves `/` and `/other`.
fn world(proxy: gatewright_e2e::proxies::Proxy, snippet: &str) -> World {
    let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
    let with = ingress("a").prefix("h.test", "/", "s").annotation("configuration-snippet", snippet);
    let objects: Vec<Value> = [running("s"), vec![settings, with, ingress("b").prefix("b.test", "/", "s")]].concat();
    World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start()
}

fn location(answer: &Answer) -> (u16, String) {
    (answer.status, answer.header("location").unwrap_or_default().to_owned())
}

fn seen(target: &str) -> String {
    get("h.test", target).unwrap().echo()["target"].as_str().unwrap_or("-").to_owned()
}

on_every_proxy! {
    fn paths_are_redirected_and_rewritten(proxy) {
        let text = "set $new https://$host/new;\nrewrite ^/old/(.*)$ ${new}/$1 permanent;\nif ($arg_to = x) { rewrite /(go) https://x.test/$1 redirect; }\n\
                    if ($arg_beta = yes) { rewrite ^/(.*)$ /beta/$1 break; }\nrewrite \"^/v[0-9]{1,2}/(.*)$\" /$1 break;\nrewrite ^/v1 /never break;";
        let _world = world(proxy, text);
        assert_eq!(location(&get("h.test", "/old/a/b").unwrap()), (301, "https://h.test/new/a/b".to_owned()));
        assert_eq!(location(&get("h.test", "/old/a?b=c").unwrap()), (301, "https://h.test/new/a?b=c".to_owned()));
        assert_eq!(location(&get("h.test", "/go?to=x").unwrap()), (302, "https://x.test/go?to=x".to_owned()));
        let targets = ["/v12/a", "/v1/a?q=1", "/a", "/go?to=y", "/a?beta=yes", "/v1/a?beta=yes"].map(seen);
        assert_eq!(targets, ["/a", "/a?q=1", "/a", "/go?to=y", "/beta/a?beta=yes", "/beta/v1/a?beta=yes"], "the first that fits");
        assert_eq!(who("b.test", "/old/a"), "s", "other Ingresses are as they were");
    }

    fn answers_get_their_type_age_and_cookies(proxy) {
        let text = "if ($http_x_none) { return 403; }\nif ($arg_text) { return 200 '{}'; }\ndefault_type application/json;\nexpires 1h;\n\
                    proxy_cookie_path /a /b;";
        let _world = world(proxy, text);
        let said = get("h.test", "/?text=1").unwrap();
        assert_eq!((said.status, said.header("content-type"), said.body.as_slice()), (200, Some("application/json"), &b"{}"[..]));
        let answer = get("h.test", "/?header=Set-Cookie:k=v;Path=/a/x&header=Cache-Control:private").unwrap();
        assert_eq!(answer.header("cache-control"), Some("max-age=3600"));
        assert!(answer.header("expires").is_some_and(|date| date.ends_with(" GMT")), "{answer:?}");
        assert_eq!(answer.header("set-cookie").map(|cookie| cookie.replace(' ', "")).as_deref(), Some("k=v;Path=/b/x"));
        assert_eq!(get("h.test", "/?status=404").unwrap().header("cache-control"), None, "only of answers that went well");
    }

    fn bodies_are_changed_by_nginx_alone(proxy) {
        let world = world(proxy, "sub_filter_types *;\nsub_filter '\"service\":\"s\"' '\"service\":\"replaced for $host\"';");
        if proxy.is_nginx() {
            assert_eq!(who("h.test", "/"), "replaced for h.test");
        } else {
            let said = world.diagnostics();
            assert!(said.iter().any(|line| line.contains("this proxy cannot follow sub_filter")), "{said:?}");
            assert_eq!(who("h.test", "/"), "404");
        }
    }
}
