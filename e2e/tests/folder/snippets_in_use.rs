//! Snippets as people have them in their Ingresses, and what becomes of those that are not applied.

use gatewright_e2e::client::{get, get_over_tls, send};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::world::{World, who};
use serde_json::Value;

const SWITCHES: [(&str, &str); 2] = [("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")];

/// A world of these Ingresses that reads snippets; `config`: further keys of its ConfigMap.
fn world(proxy: Proxy, config: &[(&str, &str)], ingresses: Vec<Value>) -> World {
    let settings = config_map("settings", &[&SWITCHES, config].concat());
    let objects = [running("s"), vec![settings], ingresses].concat();
    World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start()
}

/// An Ingress for `NAME.test`.
fn of(name: &str, annotation: &str, value: &str) -> Value {
    ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation(annotation, value)
}

on_every_proxy! {
    fn variables_stand_for_the_conditions_that_set_them(proxy) {
        let agents = "set $agentflag 0;\n\nif ($http_user_agent ~* \"(Mobile)\" ){\n  set $agentflag 1;\n}\n\
                      if ( $agentflag = 1 ) {\n  return 301 https://m.example.com;\n}";
        let several = "if ($arg_a) { set $bad 1; }\nif ($http_x_b) { set $bad 1; }\nif ($bad) { return 403; }\n\
                       set $open 1;\nif ($arg_c) { set $open 0; }\nif ($open = 0) { return 410; }";
        let world = world(proxy, &[], vec![of("agents", "server-snippet", agents), of("several", "configuration-snippet", several)]);
        let agent = |name: &str| send(&Request::get("agents.test", "/").header("User-Agent", name)).unwrap();
        let mobile = agent("x mobile y");
        assert_eq!((mobile.status, mobile.header("location")), (301, Some("https://m.example.com")), "{:?}", world.diagnostics());
        assert_eq!(agent("curl").word(), "s");
        let status = |target: &str, b: &str| send(&Request::get("several.test", target).header("X-B", b)).unwrap().status;
        assert_eq!([status("/", ""), status("/?a=1", ""), status("/", "x"), status("/?c=1", ""), status("/?a=0", "0")], [200, 403, 403, 410, 200]);
    }

    fn answers_have_the_type_that_the_config_map_says(proxy) {
        let robots = "location = /robots.txt { return 200 \"User-agent: *\"; }\nlocation = /typed { default_type text/plain; return 200 ab; }\n\
                      location = /denied { deny all; }\nif ($arg_gone) { return 410; }\nif ($arg_why) { return 403 \"no $host\"; }";
        let hosts = vec![of("plain", "server-snippet", &robots.replace("default_type text/plain; ", ""))];
        for kind in ["text/html", "application/json"] {
            let world = world(proxy, &[("default-type", kind)], hosts.clone());
            let said = |target: &str| {
                let answer = get("plain.test", target).unwrap();
                (answer.status, answer.header("content-type").unwrap_or("-").to_owned(), String::from_utf8_lossy(&answer.body).into_owned())
            };
            let of_kind = |status: u16, text: &str| (status, kind.to_owned(), text.to_owned());
            assert_eq!(said("/robots.txt"), of_kind(200, "User-agent: *"), "{:?}", world.diagnostics());
            assert_eq!((said("/typed"), said("/?why=1")), (of_kind(200, "ab"), of_kind(403, "no plain.test")));
            for (target, status, title) in [("/denied", 403, "403 Forbidden"), ("/?gone=1", 410, "410 Gone")] {
                let (found, kind, body) = said(target);
                assert!(found == status && kind == "text/html" && body.contains(title), "{target}: {found} {kind} {body}");
            }
        }
        let world = world(proxy, &[("default-type", "text/xml")], vec![of("typed", "server-snippet", robots)]);
        let answer = get("typed.test", "/typed").unwrap();
        assert_eq!(answer.header("content-type"), Some("text/plain"), "{:?}", world.diagnostics());
    }

    fn paths_without_an_answer_are_404_for_whoever_may_ask(proxy) {
        let inside = "location /inside { allow 127.0.0.0/8; deny all; }\nlocation /outside { allow 10.0.0.0/8; deny all; }\n\
                      location /some { deny 127.0.0.1; }\nlocation /others { deny 10.0.0.1; access_log off; }\n\
                      location = /favicon.ico { log_not_found off; access_log off; }";
        let world = world(proxy, &[], vec![of("a", "server-snippet", inside)]);
        let status = |path: &str| get("a.test", path).unwrap().status;
        let paths = ["/inside/x", "/outside/x", "/some", "/others", "/favicon.ico", "/favicon.ico/x"];
        assert_eq!(paths.map(status), [404, 403, 403, 404, 404, 200], "{:?}", world.diagnostics());
    }

    fn cookies_and_texts_get_what_is_said_of_them(proxy) {
        let flags = "proxy_cookie_flags ~ secure httponly samesite=strict;\ncharset utf-8;";
        let named = "proxy_cookie_flags k nosecure samesite=none;";
        let path = "proxy_cookie_path / \"/; HTTPOnly; Secure; SameSite=strict\";";
        let hosts = [("flags", flags), ("named", named), ("path", path)].map(|(name, text)| of(name, "configuration-snippet", text));
        let world = world(proxy, &[], hosts.to_vec());
        let cookie = |host: &str, cookie: &str| {
            let answer = get(host, &format!("/?header=Set-Cookie:{cookie}")).unwrap();
            let cookie = answer.header("set-cookie").unwrap_or("-").replace(' ', "").to_ascii_lowercase();
            let (value, attributes) = cookie.split_once(';').unwrap_or((&cookie, ""));
            let mut attributes: Vec<_> = attributes.split(';').filter(|one| !one.is_empty()).map(str::to_owned).collect();
            attributes.sort();
            format!("{value} {}", attributes.join(" "))
        };
        let all = "httponly path=/ samesite=strict secure";
        assert_eq!(cookie("flags.test", "a=b;Path=/"), format!("a=b {all}"), "{:?}", world.diagnostics());
        assert_eq!(cookie("flags.test", "a=b;SameSite=Lax;Secure;Path=/"), format!("a=b {all}"));
        assert_eq!(cookie("path.test", "secure=b;Path=/"), format!("secure=b {all}"));
        assert_eq!(cookie("named.test", "k=b;Secure;Path=/"), "k=b path=/ samesite=none");
        assert_eq!(cookie("named.test", "kk=b;Secure;Path=/"), "kk=b path=/ secure");
        let kind = |of: &str| get("flags.test", &format!("/?header=Content-Type:{of}")).unwrap().header("content-type").unwrap_or("-").to_owned();
        assert_eq!(["text/plain", "image/png", "text/html;charset=koi8-r"].map(|of| kind(of).replace(' ', "")), ["text/plain;charset=utf-8", "image/png", "text/html;charset=koi8-r"]);
    }

    fn what_has_no_effect_is_told_and_served(proxy) {
        let server = "client_header_buffer_size 64k;\nlarge_client_header_buffers 4 128k;";
        let location = "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection 'upgrade';\n\
                        proxy_cache_bypass $http_upgrade;\netag off;\nchunked_transfer_encoding on;";
        let world = world(proxy, &[], vec![of("server", "server-snippet", server), of("location", "configuration-snippet", location)]);
        assert_eq!([who("server.test", "/"), who("location.test", "/")], ["s", "s"], "{:?}", world.diagnostics());
        let said = world.diagnostics();
        for name in ["client_header_buffer_size", "large_client_header_buffers", "chunked_transfer_encoding"] {
            assert!(said.iter().any(|line| line.contains(&format!("{name} has no effect: "))), "{name}: {said:?}");
        }
        assert!(!said.iter().any(|line| line.contains("etag") || line.contains("bypass")), "nothing is lost without them: {said:?}");
    }

    fn what_guides_of_applications_say_beside_is_told_and_served(proxy) {
        let minio = "ignore_invalid_headers off;\nclient_max_body_size 0;\nproxy_buffering off;\nlocation /cool { allow 10.0.0.0/8; deny all; return 403; }";
        let mattermost = "proxy_force_ranges on;\nproxy_cache mattermost_cache;\nproxy_cache_lock on;\nproxy_intercept_errors off;\n\
                          more_set_headers 'Server: none' 'X-A: b';\naccess_log /dev/stdout;";
        let world = world(proxy, &[], vec![of("minio", "server-snippet", minio), of("mattermost", "configuration-snippet", mattermost)]);
        assert_eq!([who("minio.test", "/"), who("mattermost.test", "/")], ["s", "s"], "{:?}", world.diagnostics());
        assert_eq!(get("minio.test", "/cool/x").unwrap().status, 403);
        let answer = get("mattermost.test", "/").unwrap();
        assert_eq!((answer.header("x-a"), answer.header("server") == Some("none")), (Some("b"), false));
        let said = world.diagnostics();
        for told in ["ignore_invalid_headers has no effect", "proxy_cache has no effect", "the header Server is the proxy's own"] {
            assert!(said.iter().any(|line| line.contains(told)), "{told}: {said:?}");
        }
    }

    fn texts_know_the_star_of_their_host_and_cookies_in_any_case(proxy) {
        let text = "proxy_set_header X-Tenant $subdomain;\nproxy_set_header X-Session $cookie_JSESSIONID;\n\
                    if ($arg_go) { return 302 https://app.test/$subdomain; }";
        let both = ingress("t").prefix("*.t.test", "/", "s").prefix("t.test", "/", "s").annotation("configuration-snippet", text);
        let world = world(proxy, &[], vec![both]);
        let told = |host: &str| {
            let answer = send(&Request::get(host, "/").header("Cookie", "JSESSIONID=x1").header("X-Tenant", "forged")).unwrap();
            ["X-Tenant", "X-Session"].map(|name| answer.received(name).unwrap_or_else(|| "-".to_owned()))
        };
        assert_eq!(told("acme.t.test"), ["acme", "x1"], "{:?}", world.diagnostics());
        assert_eq!(told("t.test"), ["-", "x1"], "a host without a star has none");
        assert_eq!(get("acme.t.test", "/?go=1").unwrap().header("location"), Some("https://app.test/acme"));
    }

    fn a_header_of_a_route_goes_before_that_of_all(proxy) {
        let text = "more_set_headers 'Strict-Transport-Security: max-age=1' 'X-Frame-Options: DENY';";
        let all = config_map("all", &[("X-Frame-Options", "SAMEORIGIN")]);
        let objects = vec![all, of("own", "configuration-snippet", text), ingress("other").prefix("other.test", "/", "s")];
        let world = world(proxy, &[("add-headers", "default/all")], objects);
        let names = ["strict-transport-security", "x-frame-options"];
        let said = |host: &str, target: &str| {
            let answer = get_over_tls(host, target).unwrap();
            names.map(|name| answer.all(name).collect::<Vec<_>>().join("|"))
        };
        for target in ["/", "/?status=500"] {
            assert_eq!(said("own.test", target), ["max-age=1", "DENY"], "{:?}", world.diagnostics());
        }
        assert_eq!(said("other.test", "/"), ["max-age=31536000; includeSubDomains", "SAMEORIGIN"]);
    }

    fn a_snippet_for_all_that_is_not_applied_closes_what_it_may_protect(proxy) {
        let status = |key: &str, text: &str| {
            let world = world(proxy, &[(key, text)], vec![ingress("h").prefix("h.test", "/", "s")]);
            let closes = world.diagnostics().iter().any(|line| line.contains(&format!("{key}: ")) && line.contains("every route answers 503"));
            (get("h.test", "/").unwrap().status, closes)
        };
        assert_eq!(status("location-snippet", "deny 192.0.2.0/24;\nno_such_thing on;"), (503, true));
        assert_eq!(status("server-snippet", "if ($http_x) { return 403; }\nauth_basic x;"), (503, true));
        assert_eq!(status("http-snippet", "add_header X \"a"), (503, true), "it may be anything");
        assert_eq!(status("server-snippet", "header_filter_by_lua_block { ngx.exit(403) }"), (503, true));
        assert_eq!(status("server-snippet", "body_filter_by_lua_block { ngx.arg[1] = 1 }"), (200, false));
        assert_eq!(status("location-snippet", "deny all; add_header X \"a"), (503, true));
        assert_eq!(status("http-snippet", "server { listen 2443; return 308 https://$host$request_uri; }"), (200, false));
        assert_eq!(status("http-snippet", "map $http_upgrade $connection_upgrade { default upgrade; '' close; }"), (200, false));
    }

    fn firewalls_close_and_traces_are_told(proxy) {
        let rules = |text: &str| of("rules", "modsecurity-snippet", text);
        let traced = of("traced", "enable-opentelemetry", "true").annotation("opentelemetry-operation-name", "shop");
        let firewalls = vec![of("wall", "enable-modsecurity", "true").annotation("enable-owasp-core-rules", "true"), of("off", "enable-modsecurity", "false")];
        let hosts = [firewalls, vec![rules("SecRuleEngine On\nSecRule ARGS x deny"), traced]].concat();
        let world = world(proxy, &[], hosts);
        let status = |host: &str| get(host, "/").unwrap().status;
        assert_eq!(["wall.test", "off.test", "rules.test", "traced.test"].map(status), [503, 200, 503, 200]);
        let said = world.diagnostics();
        for (object, text) in [("wall", "enable-modsecurity"), ("rules", "modsecurity-snippet"), ("traced", "enable-opentelemetry"), ("traced", "opentelemetry-operation-name")] {
            assert!(said.iter().any(|line| line.contains(&format!("default/{object}")) && line.contains(text)), "{object} {text}: {said:?}");
        }
        let id = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let answer = send(&Request::get("traced.test", "/").header("traceparent", id)).unwrap();
        assert_eq!(answer.received("traceparent").as_deref(), Some(id), "a trace of a client goes on");
    }
}
