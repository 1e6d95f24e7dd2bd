//! Snippets of hosts that give requests another path, by which routes are looked for.

use gatewright_e2e::client::get;
use gatewright_e2e::echo::{asked, new_pod_that_keeps};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::all_running;
use gatewright_e2e::world::World;
use serde_json::Value;

fn world(proxy: Proxy, settings: &[(&str, &str)], ingresses: Vec<Value>) -> World {
    let switches = [("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")];
    let settings = config_map("settings", &[&switches[..], settings].concat());
    let objects: Vec<Value> = all_running(&["s", "other"]).into_iter().chain([settings]).chain(ingresses).collect();
    World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start()
}

/// Who was sent what.
fn seen(host: &str, target: &str) -> String {
    let answer = get(host, target).unwrap();
    match answer.status {
        200 => format!("{} {}", answer.word(), answer.echo()["target"].as_str().unwrap_or("-")),
        status => status.to_string(),
    }
}

/// That of the chart of Nextcloud.
const NEXTCLOUD: &str = r"
server_tokens off;
proxy_hide_header X-Powered-By;
rewrite ^/.well-known/webfinger /index.php/.well-known/webfinger last;
rewrite ^/.well-known/nodeinfo /index.php/.well-known/nodeinfo last;
rewrite ^/.well-known/host-meta /public.php?service=host-meta last;
rewrite ^/.well-known/host-meta.json /public.php?service=host-meta-json;
location = /.well-known/carddav {
  return 301 $scheme://$host/remote.php/dav;
}
location = /robots.txt {
  allow all;
  log_not_found off;
  access_log off;
}
location ~ ^/(?:build|tests|config|lib|3rdparty|templates|data)/ {
  deny all;
}
";

on_every_proxy! {
    fn the_route_is_found_by_the_new_path(proxy) {
        let nextcloud = ingress("nextcloud").prefix("nc.test", "/", "s").prefix("nc.test", "/index.php", "other").annotation("server-snippet", NEXTCLOUD);
        let world = world(proxy, &[], vec![nextcloud]);
        for (target, expected) in [
            ("/", "s /"),
            ("/.well-known/webfinger?resource=a%20b", "other /index.php/.well-known/webfinger?resource=a%20b"),
            ("/.well-known/./webfinger/x", "other /index.php/.well-known/webfinger"),
            ("//.well-known/%77ebfinger", "other /index.php/.well-known/webfinger"),
            ("/.well-known/host-meta", "s /public.php?service=host-meta"),
            ("/.well-known/host-meta?a=b", "s /public.php?service=host-meta&a=b"),
            ("/.well-known/carddav", "301"),
            ("/robots.txt", "404"),
            ("/data/x", "403"),
        ] {
            assert_eq!(seen("nc.test", target), expected, "{target}: {:?}", world.diagnostics());
        }
    }

    fn each_is_for_what_the_ones_before_it_made(proxy) {
        let text = "rewrite ^/a$ /b?x=1;\nrewrite ^/b$ /c?y=2;\nrewrite ^/c$ /d?z=3? last;\nrewrite ^/d$ /e last;\nrewrite ^/q /r? last;";
        let plain = ingress("plain").prefix("a.test", "/", "s").prefix("a.test", "/d", "other").annotation("server-snippet", text);
        let alike = ingress("alike").prefix("b.test", "/", "s");
        let by_expression = ingress("expressions").path("c.test", "/(d|p)/?(.*)", "ImplementationSpecific", "other").annotation("rewrite-target", "/$1/x$2")
            .prefix("c.test", "/", "s").annotation("server-snippet", "rewrite ^/a$ /d last;");
        let world = world(proxy, &[], vec![plain, alike, by_expression]);
        for (host, target, expected) in [
            ("a.test", "/a", "other /d?z=3"),
            ("a.test", "/a?own=1", "other /d?z=3"),
            ("a.test", "/b?own=1", "other /d?z=3"),
            ("a.test", "/d?own=1", "s /e?own=1"),
            ("a.test", "/q?own=1", "s /r"),
            ("a.test", "/x?own=1", "s /x?own=1"),
            ("b.test", "/a?own=1", "s /a?own=1"),
            ("c.test", "/a?own=1", "other /d/x?own=1"),
            ("c.test", "/p/%41", "other /p/xA"),
        ] {
            assert_eq!(seen(host, target), expected, "{host}{target}: {:?}", world.diagnostics());
        }
    }

    /// What keeps somebody out is that of the route that is found; the service that decides is asked as ever.
    fn no_guard_is_passed(proxy) {
        let gate = new_pod_that_keeps("gate");
        let verify = |query: &str| format!("http://{gate}:8080/verify?{query}");
        let snippet = "rewrite ^/to/closed /closed last; rewrite ^/to/asked /asked last; rewrite ^/to/secret /secret last; rewrite verify|auth|mirror /open last;";
        let world = world(proxy, &[], vec![
            ingress("open").prefix("a.test", "/", "s").annotation("server-snippet", snippet),
            ingress("closed").prefix("a.test", "/closed", "other").annotation("whitelist-source-range", "192.0.2.1/32"),
            ingress("asked").prefix("a.test", "/asked", "other").annotation("auth-url", &verify("status=401")),
            ingress("secret").prefix("a.test", "/secret", "other").annotation("configuration-snippet", "if ($uri ~ ^/secret) { return 403; }"),
            ingress("all").prefix("b.test", "/", "s").prefix("b.test", "/open", "other").annotation("auth-url", &verify("status=401"))
                .annotation("server-snippet", "rewrite .* /open last;"),
            ingress("let-in").prefix("c.test", "/", "s").prefix("c.test", "/open", "other").annotation("auth-url", &verify("q=1"))
                .annotation("server-snippet", "rewrite .* /open last;"),
        ]);
        for (host, target, expected) in [
            ("a.test", "/to/closed", "403"),
            ("a.test", "/to/asked", "401"),
            ("a.test", "/to/secret", "403"),
            ("a.test", "/auth", "s /open"),
            ("b.test", "/x", "401"),
            ("c.test", "/x?y=z", "other /open?y=z"),
        ] {
            assert_eq!(seen(host, target), expected, "{host}{target}: {:?}", world.diagnostics());
        }
        let last = asked(gate).pop().unwrap();
        let headers = last["headers"].as_array().unwrap();
        let url = headers.iter().find(|header| header[0].as_str().is_some_and(|own| own.eq_ignore_ascii_case("x-original-url"))).unwrap();
        assert_eq!((last["target"].as_str(), url[1].as_str()), (Some("/verify?q=1"), Some("http://c.test/x?y=z")));
    }

    /// nginx: the expression's `.` takes no line break.
    fn line_breaks_are_read_alike(proxy) {
        let text = "rewrite ^/a.*b$ /new last;\nrewrite ^/c$ /new last;\nlocation ~ ^/d.*e$ { return 403; }";
        let world = world(proxy, &[], vec![ingress("a").prefix("a.test", "/", "s").annotation("server-snippet", text)]);
        for (target, expected) in [("/axb", "s /new"), ("/a%0ab", "s /a%0ab"), ("/c", "s /new"), ("/dxe", "403"), ("/d%0ae", "s /d%0ae")] {
            assert_eq!(seen("a.test", target).to_ascii_lowercase(), expected, "{target}: {:?}", world.diagnostics());
        }
    }

    fn a_redirect_repeats_what_was_asked_for(proxy) {
        let settings = [("force-ssl-redirect", "true")];
        let text = "rewrite ^/a /b?x=1 last;\nadd_header X-Asked $request_uri; add_header X-Path $uri; proxy_set_header X-Told $request_uri;";
        let world = world(proxy, &[], vec![
            ingress("a").prefix("a.test", "/", "s").annotation("server-snippet", text).annotation(settings[0].0, "true"),
            ingress("b").prefix("b.test", "/", "s").annotation("server-snippet", text),
        ]);
        let answer = get("a.test", "/a?y=2").unwrap();
        assert_eq!(answer.header("location"), Some("https://a.test/a?y=2"), "{:?}", world.diagnostics());
        let answer = get("b.test", "/a?y=2").unwrap();
        assert_eq!((answer.header("x-asked"), answer.header("x-path")), (Some("/a?y=2"), Some("/b")), "{:?}", world.diagnostics());
        assert_eq!((answer.received("X-Told").as_deref(), answer.echo()["target"].as_str()), (Some("/a?y=2"), Some("/b?x=1&y=2")));
    }
}
