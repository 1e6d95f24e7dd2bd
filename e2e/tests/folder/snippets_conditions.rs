//! What snippets do for some requests only.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::world::World;
use serde_json::{Value, json};

/// A world that reads snippets, with one for each host: `a.test` and so on.
fn world(proxy: Proxy, snippets: &[(&str, &str)], further: Vec<Value>) -> World {
    let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
    let with = snippets
        .iter()
        .map(|(name, text)| ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation("configuration-snippet", text));
    let objects: Vec<Value> = running("s").into_iter().chain([settings]).chain(with).chain(further).collect();
    World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start()
}

on_every_proxy! {
    fn guards_compare_paths_letter_by_letter(proxy) {
        let guards = "location ~ ^/admin$ { deny all; }\nlocation ~* \\.php$ { deny all; }";
        let site = ingress("site").prefix("site.test", "/", "s").annotation("server-snippet", guards);
        let text = "if ($uri ~ \"^/secret$\") { return 403; }\nif ($document_uri ~ \"^/hidden[?]x$\") { return 403; }";
        let world = world(proxy, &[("a", text)], vec![site]);
        let statuses = |host: &str, targets: &[&str]| targets.iter().map(|target| get(host, target).unwrap().status).collect::<Vec<_>>();
        let guarded = ["/admin", "/admin%0a", "/%61dmin%0A", "/./admin%0a", "/x.php", "/x.php%0a", "/X.PH%50%0A"];
        assert_eq!(statuses("site.test", &guarded), [403; 7], "{:?}", world.diagnostics());
        assert_eq!(statuses("site.test", &["/admin%0a%0a", "/admin%250a", "/x.php%3f", "/x.php%0ab"]), [200; 4]);
        assert_eq!(statuses("a.test", &["/secret", "/secret%0a", "//secret%0A", "/hidden%3fx"]), [403; 4], "{:?}", world.diagnostics());
        assert_eq!(statuses("a.test", &["/secret%0a%0a", "/secret%250a", "/hidden;x"]), [200; 3]);
    }

    fn other_methods_are_for_some_addresses(proxy) {
        let snippets = [
            ("inside", "limit_except GET { allow 127.0.0.0/8; deny all; }"),
            ("outside", "limit_except GET { allow 192.0.2.0/24; allow 2001:db8::/32; deny all; }"),
            ("denied", "limit_except GET POST { deny 127.0.0.1; }"),
            ("other", "limit_except GET { deny 192.0.2.1; }"),
            ("all", "limit_except GET { allow all; }"),
        ];
        let world = world(proxy, &snippets, Vec::new());
        let statuses = |name: &str| {
            ["GET", "HEAD", "POST", "DELETE"].map(|method| send(&Request::new(method, "/").header("Host", &format!("{name}.test"))).unwrap().status)
        };
        for (name, expected) in [
            ("inside", [200, 200, 200, 200]),
            ("outside", [200, 200, 403, 403]),
            ("denied", [200, 200, 200, 403]),
            ("other", [200, 200, 200, 200]),
            ("all", [200, 200, 200, 200]),
        ] {
            assert_eq!(statuses(name), expected, "{name}: {:?}", world.diagnostics());
        }
    }

    fn answers_are_fresh_as_a_condition_says(proxy) {
        let text = "expires 1h;\nif ($request_uri ~* \\.(js|css)$) {\n  expires 30d;\n  add_header X-Kind static;\n}\nif ($arg_old) { expires -1; }";
        let world = world(proxy, &[("a", text)], Vec::new());
        let said = |target: &str| {
            let answer = get("a.test", target).unwrap();
            let age = answer.all("cache-control").collect::<Vec<_>>().join("|");
            (age, answer.header("expires").is_some(), answer.header("x-kind").map(str::to_owned))
        };
        let diagnostics = world.diagnostics();
        assert_eq!(said("/a.js"), ("max-age=2592000".to_owned(), true, Some("static".to_owned())), "{diagnostics:?}");
        assert_eq!(said("/a.html"), ("max-age=3600".to_owned(), true, None), "{diagnostics:?}");
        assert_eq!(said("/a.html?old=1"), ("no-cache".to_owned(), true, None), "{diagnostics:?}");
    }

    fn answers_in_place_of_endpoints_are_fresh_as_they_say(proxy) {
        let text = "location = /a.txt { expires 1h; add_header X-Kind text; return 200 a; }\nlocation = /b { expires max; return 301 https://b.test/; }\n\
                    location = /c { expires -1; return 404; }\nif ($arg_d) { expires epoch; return 200 d; }\nadd_header X-Of-Route yes;";
        let world = world(proxy, &[("a", text)], Vec::new());
        let said = |target: &str| {
            let answer = get("a.test", target).unwrap();
            let age = answer.all("cache-control").collect::<Vec<_>>().join("|");
            (answer.status, age, answer.header("expires").is_some(), ["x-kind", "x-of-route"].map(|name| answer.header(name).is_some()))
        };
        let diagnostics = world.diagnostics();
        for (target, status, age, headers) in [
            ("/a.txt", 200, "max-age=3600", [true, false]),
            ("/b", 301, "max-age=315360000", [false, true]),
            ("/c", 404, "", [false, false]),
            ("/x?d=1", 200, "no-cache", [false, true]),
            ("/x", 200, "", [false, true]),
        ] {
            assert_eq!(said(target), (status, age.to_owned(), !age.is_empty(), headers), "{target}: {diagnostics:?}");
        }
    }

    /// As nginx has it where a location is in another one.
    fn locations_of_routes_answer_for_their_paths(proxy) {
        let text = "location ~ ^/(metrics|admin) { deny all; }\nlocation = /ping { return 200 pong; }\nlocation ^~ /own { allow 192.0.2.1; deny all; }\n\
                    if ($arg_a) { return 410; }";
        let further = vec![ingress("b").prefix("a.test", "/b", "s"), ingress("c").prefix("a.test", "/admin/b", "s")];
        let world = world(proxy, &[("a", text)], further);
        let status = |path: &str| get("a.test", path).unwrap().status;
        let paths = ["/metrics", "/admin/x?a=1", "/%61dmin", "/ping?a=1", "/own/x", "/x?a=1", "/x", "/pings", "/b/metrics", "/admin/b"];
        assert_eq!(paths.map(status), [403, 403, 403, 200, 403, 410, 200, 200, 200, 200], "{:?}", world.diagnostics());
    }

    fn headers_have_what_conditions_set(proxy) {
        let env = "set $env prod;\nif ($http_x_env ~* stag) { set $env staging; }\nif ($cookie_env = dev) { set $env dev; }\n\
                   add_header X-Env $env always;\nproxy_set_header X-Env-In \"<$env>\";";
        let origin = "set $o '';\nif ($http_origin ~* ^https://(a|b)\\.test$) { set $o $http_origin; }\nadd_header Access-Control-Allow-Origin $o always;";
        let late = "more_set_headers \"X-Late: $late\";\nset $late no;\nif ($arg_a) { set $late yes; }";
        let named = "if ($host ~* ^(?<name>[a-z]+)\\.test$) { return 301 https://www.$name.test$request_uri; }";
        let world = world(proxy, &[("env", env), ("origin", origin), ("late", late), ("named", named)], Vec::new());
        let diagnostics = world.diagnostics();
        let env = |request: Request| {
            let answer = send(&request).unwrap();
            let told = answer.echo()["headers"].to_string().to_lowercase();
            let sent = ["prod", "staging", "dev"].into_iter().find(|env| told.contains(&format!("[\"x-env-in\",\"<{env}>\"]")));
            (answer.header("x-env").map(str::to_owned), sent)
        };
        let of = |env: &'static str| (Some(env.to_owned()), Some(env));
        assert_eq!(env(Request::get("env.test", "/")), of("prod"), "{diagnostics:?}");
        assert_eq!(env(Request::get("env.test", "/").header("X-Env", "Staging").header("X-Env-In", "evil")), of("staging"));
        assert_eq!(env(Request::get("env.test", "/").header("X-Env", "stag").header("Cookie", "env=dev")), of("dev"), "the last one counts");
        let allowed = |origin: &str| {
            let answer = send(&Request::get("origin.test", "/").header("Origin", origin)).unwrap();
            answer.header("access-control-allow-origin").map(str::to_owned)
        };
        assert_eq!((allowed("https://a.test"), allowed("https://evil.test")), (Some("https://a.test".to_owned()), None), "{diagnostics:?}");
        let late = |target: &str| get("late.test", target).unwrap().header("x-late").map(str::to_owned);
        assert_eq!([late("/"), late("/?a=1")], [Some("no".to_owned()), Some("yes".to_owned())]);
        let moved = get("named.test", "/x?y").unwrap();
        assert_eq!((moved.status, moved.header("location")), (301, Some("https://www.named.test/x?y")), "{diagnostics:?}");
    }

    fn what_is_set_in_a_condition_is_known_there(proxy) {
        let text = "if ($http_x_kind ~* \"(bad|evil)\") {\n  set $why blocked;\n  add_header X-Why $why always;\n  access_log off;\n  return 403 \"$why $1\";\n}\n\
                    if ($arg_m) { set $m 1; add_header X-M set always; }\nif ($m = 1) { more_set_headers 'X-N: also'; }";
        let world = world(proxy, &[("a", text)], Vec::new());
        let answer = send(&Request::get("a.test", "/").header("X-Kind", "very EVIL")).unwrap();
        assert_eq!((answer.status, &answer.body[..], answer.header("x-why")), (403, &b"blocked EVIL"[..], Some("blocked")), "{:?}", world.diagnostics());
        let plain = get("a.test", "/?m=1").unwrap();
        assert_eq!((plain.status, plain.header("x-m"), plain.header("x-n")), (200, None, Some("also")), "the last condition that holds decides");
    }

    fn locations_redirect_by_their_paths(proxy) {
        let text = "location /old/ { rewrite ^/old/(.+)$ /new/$1 permanent; }\nlocation ~ [.]php$ { rewrite ^ https://b.test/? redirect; }";
        let redirecting = ingress("r").prefix("r.test", "/", "s").annotation("server-snippet", text);
        let world = world(proxy, &[], vec![redirecting]);
        let said = |target: &str| {
            let answer = get("r.test", target).unwrap();
            (answer.status, answer.header("location").unwrap_or_default().to_owned())
        };
        for (target, status, location) in [
            ("/old/a?b=1", 301, "http://r.test/new/a?b=1"),
            ("/old/", 404, ""),
            ("/x.php?y", 302, "https://b.test/"),
            ("/other", 200, ""),
        ] {
            assert_eq!(said(target), (status, location.to_owned()), "{target}: {:?}", world.diagnostics());
        }
    }

    fn a_protection_is_not_switched_off(proxy) {
        let guarded = ingress("b").prefix("b.test", "/", "s").annotation("auth-type", "basic").annotation("auth-secret", "users");
        let guarded = guarded.annotation("configuration-snippet", "auth_basic off;\nauth_request off;\nclient_body_timeout 5s;\nsend_timeout 5s;");
        let users = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users"}, "stringData": {"auth": "anna:{PLAIN}x\n"}});
        let world = world(proxy, &[("a", "auth_basic off;\nadd_header A b;")], vec![guarded, users]);
        let said = world.diagnostics();
        assert_eq!(get("a.test", "/").unwrap().header("a"), Some("b"), "{said:?}");
        assert_eq!(get("b.test", "/").unwrap().status, 401, "{said:?}");
        assert!(said.iter().any(|line| line.contains("auth_basic has no effect: the annotations auth-type and auth-url")), "{said:?}");
        assert_eq!(said.iter().any(|line| line.contains("cannot follow send_timeout, and does without")), !proxy.is_nginx(), "{said:?}");
    }
}
