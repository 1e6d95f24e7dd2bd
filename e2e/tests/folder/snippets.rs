//! Snippets: what their directives do, whichever proxy serves.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::echo::new_pod_that_keeps;
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::world::{World, who};
use serde_json::{Value, json};

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
    fn preflights_are_answered_with_headers_of_their_own(proxy) {
        let text = "if ($request_method = 'OPTIONS') {\n  add_header 'Access-Control-Allow-Origin' \"$http_origin\";\n\
                    add_header 'Access-Control-Max-Age' 1728000;\n  add_header 'Content-Length' 0;\n  return 204;\n}\n\
                    if ($arg_deny) { add_header X-Lost a; add_header X-Why denied always; return 403; }\n\
                    add_header 'Access-Control-Allow-Origin' '*' always;\nmore_set_headers \"X-All: yes\";";
        let _world = world(proxy, text);
        let all = |answer: &Answer| {
            ["Access-Control-Allow-Origin", "Access-Control-Max-Age", "X-Why", "X-Lost", "X-All"]
                .map(|name| answer.all(name).collect::<Vec<_>>().join("|"))
        };
        let preflight = send(&Request::new("OPTIONS", "/").header("Host", "h.test").header("Origin", "https://a.test")).unwrap();
        assert_eq!((preflight.status, all(&preflight)), (204, ["https://a.test", "1728000", "", "", "yes"].map(str::to_owned)));
        let denied = get("h.test", "/?deny=1").unwrap();
        assert_eq!((denied.status, all(&denied)), (403, ["", "", "denied", "", "yes"].map(str::to_owned)));
        let other = get("h.test", "/").unwrap();
        assert_eq!((other.word().as_str(), all(&other)), ("s", ["*", "", "", "", "yes"].map(str::to_owned)));
        assert_eq!(who("b.test", "/?deny=1"), "s", "other Ingresses are as they were");
    }

    fn endpoints_are_told_whom_a_request_came_through(proxy) {
        let _world = world(proxy, "proxy_set_header X-Through $proxy_add_x_forwarded_for;");
        let through = |given: &[&str]| {
            let request = given.iter().fold(Request::get("h.test", "/"), |request, value| request.header("X-Forwarded-For", value));
            send(&request).unwrap().received("X-Through").unwrap_or_default()
        };
        assert_eq!([through(&[]), through(&["9.9.9.9, 8.8.8.8"])], ["127.0.0.1", "9.9.9.9, 8.8.8.8, 127.0.0.1"]);
    }

    fn endpoints_and_clients_are_told_what_the_service_has_answered(proxy) {
        let text = "auth_request_set $user $upstream_http_x_auth_request_user;\nauth_request_set $Token $upstream_http_x_auth_request_access_token;\n\
                    auth_request_set $none $upstream_http_x_none;\nauth_request_set $auth_cookie $upstream_http_set_cookie;\n\
                    proxy_set_header X-User $user;\nproxy_set_header Authorization \"Bearer $Token\";\nproxy_set_header X-None $none;\n\
                    add_header X-Seen \"$user at $host\" always;\nadd_header X-Gone $none always;\nadd_header Set-Cookie $auth_cookie;";
        let service = new_pod_that_keeps("gate");
        let answers = "header=X-Auth-Request-User:eve&header=X-Auth-Request-Access-Token:t0&header=Set-Cookie:s=1";
        let of = |name: &str| ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation("configuration-snippet", text);
        let asking = |name: &str, query: &str| of(name).annotation("auth-url", &format!("http://{service}:8080/verify?{query}"));
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let told = asking("told", answers).annotation("auth-response-headers", "X-Auth-Request-User");
        let objects = [running("s"), vec![settings, told, asking("no", &format!("status=401&{answers}")), of("alone")]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let ask = |host: &str| {
            let forged = ["X-User", "X-None", "Authorization"].iter().fold(Request::get(host, "/"), |r, name| r.header(name, "forged"));
            send(&forged).unwrap()
        };
        let seen = |answer: &Answer| ["X-Seen", "X-Gone", "Set-Cookie"].map(|name| answer.header(name).unwrap_or("-").to_owned());
        let received = |answer: &Answer| {
            ["X-User", "X-Auth-Request-User", "Authorization", "X-None"].map(|name| answer.received(name).unwrap_or_else(|| "-".to_owned()))
        };
        let answer = ask("told.test");
        assert_eq!(answer.status, 200, "{:?}", world.diagnostics());
        assert_eq!((received(&answer), seen(&answer)), (["eve", "eve", "Bearer t0", "-"].map(str::to_owned), ["eve at told.test", "-", "s=1"].map(str::to_owned)));
        let denied = ask("no.test");
        assert_eq!((denied.status, seen(&denied)), (401, ["eve at no.test", "-", "-"].map(str::to_owned)));
        let alone = ask("alone.test");
        assert_eq!((alone.received("X-User"), alone.received("X-None"), alone.status), (None, None, 200), "nobody has answered");
    }

    fn signing_in_is_told_what_the_service_has_answered(proxy) {
        let named = "# these return values are used by the @error401 call\nauth_request_set $auth_resp_jwt $upstream_http_x_vouch_jwt;\n\
                     auth_request_set $auth_resp_err $upstream_http_x_vouch_err;\n\
                     auth_request_set $auth_resp_failcount $upstream_http_x_vouch_failcount;";
        let used = "auth_request_set $auth_resp_x_vouch_user $upstream_http_x_vouch_user;\n\
                    auth_request_set $name_upstream_1 $upstream_cookie_name_1;\nproxy_set_header X-User $auth_resp_x_vouch_user;";
        let url = "http://login.test/login?url=$scheme://$http_host$request_uri&failcount=$auth_resp_failcount&token=$auth_resp_jwt&error=$auth_resp_err";
        let service = new_pod_that_keeps("gate");
        let answers = "header=X-Vouch-Jwt:t0.a-b_c&header=X-Vouch-Failcount:2&header=X-Vouch-User:eve&header=Set-Cookie:name_1=c1";
        let asking = |name: &str, query: &str| {
            let asks = ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation("auth-url", &format!("http://{service}:8080/validate?{query}{answers}"));
            asks.annotation("auth-signin", url).annotation("auth-snippet", named).annotation("configuration-snippet", used)
        };
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let objects = [running("s"), vec![settings, asking("in", ""), asking("out", "status=401&")]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let answer = get("in.test", "/").unwrap();
        assert_eq!((answer.status, answer.received("X-User").as_deref(), answer.header("set-cookie")), (200, Some("eve"), Some("name_1=c1")), "{:?}", world.diagnostics());
        let (status, to) = location(&get("out.test", "/a").unwrap());
        let begin = "http://login.test/login?url=http://out.test/a&failcount=2&token=t0.a-b_c&error=&rd=http://out.test";
        assert!(status == 302 && to.starts_with(begin), "{status} {to} {:?}", world.diagnostics());
    }

    fn a_location_with_a_name_says_where_clients_sign_in(proxy) {
        let service = new_pod_that_keeps("gate");
        let asking = |name: &str, status: u16| {
            let asks = ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation("auth-url", &format!("http://{service}:8080/?status={status}"));
            asks.annotation("server-snippet", "location @login {\n  return 302 http://login.test/?to=$scheme://$http_host$request_uri;\n}")
                .annotation("configuration-snippet", "error_page 401 = @login;")
        };
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let objects = [running("s"), vec![settings, asking("in", 200), asking("out", 401), asking("no", 403)]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let seen = ["in.test", "out.test", "no.test"].map(|host| location(&get(host, "/a?b=c").unwrap()));
        assert_eq!((seen[0].0, seen[2].0), (200, 403), "{:?}", world.diagnostics());
        assert!(seen[1].0 == 302 && seen[1].1.starts_with("http://login.test/?to=http://out.test/a"), "{seen:?} {:?}", world.diagnostics());
    }

    fn texts_are_compared_with_case(proxy) {
        let _world = world(proxy, "if ($http_x_token != \"Secret\") { return 403; }\nif ($arg_a = b) { return 404; }\nif ($arg_a ~* ^c$) { return 410; }");
        let status = |token: &str, target: &str| send(&Request::get("h.test", target).header("X-Token", token)).unwrap().status;
        assert_eq!(["Secret", "SECRET", "secret", "Secret2"].map(|token| status(token, "/")), [200, 403, 403, 403]);
        assert_eq!(["/?a=b", "/?a=B", "/?a=C"].map(|target| status("Secret", target)), [404, 200, 410]);
    }

    fn forwarding_is_as_the_snippet_says(proxy) {
        let text = "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection \"upgrade\";\n\
                    gzip on;\ngzip_types text/plain application/json;\ngzip_min_length 1;\nproxy_pass_header Server;\n\
                    proxy_redirect http://inner.test/ https://outer.test/;\nproxy_next_upstream error timeout;\nproxy_next_upstream_tries 2;";
        let world = world(proxy, text);
        assert_eq!(location(&get("h.test", "/?status=302&header=Location:http://inner.test/a").unwrap()), (302, "https://outer.test/a".to_owned()));
        let zipped = send(&Request::get("h.test", "/?header=Server:own").header("Accept-Encoding", "gzip")).unwrap();
        let said = world.diagnostics();
        assert_eq!(zipped.header("content-encoding"), Some("gzip"), "{said:?}");
        if proxy.is_nginx() {
            assert_eq!(zipped.header("server"), Some("own"), "{said:?}");
        } else {
            assert!(said.iter().any(|line| line.contains("this proxy cannot follow proxy_pass_header, and does without")), "{said:?}");
        }
    }

    fn conditions_that_a_variable_counts_have_to_hold_all(proxy) {
        let text = "set $m A;\nif ($http_x_a) { set $m \"${m}B\"; }\nif ($arg_c !~ ^no) { set $m \"${m}C\"; }\n\
                    if ($m = ABC) { add_header X-Why both always; return 403 both; }\nif ($m = A) { return 410 none; }";
        let world = world(proxy, text);
        let ask = |header: &str, target: &str| {
            let answer = send(&Request::get("h.test", target).header("X-A", header)).unwrap();
            (answer.status, answer.header("x-why").map(str::to_owned))
        };
        let both = (403, Some("both".to_owned()));
        assert_eq!([ask("1", "/"), ask("1", "/?c=no"), ask("0", "/"), ask("", "/?c=no1")], [both, (200, None), (200, None), (410, None)], "{:?}", world.diagnostics());
    }

    fn methods_that_are_not_excepted_are_refused(proxy) {
        let world = world(proxy, "limit_except GET PUT { deny all; }");
        let status = |method: &str| send(&Request::new(method, "/").header("Host", "h.test")).unwrap().status;
        assert_eq!(["GET", "HEAD", "PUT", "POST", "DELETE", "PUTS"].map(status), [200, 200, 200, 403, 403, 403], "{:?}", world.diagnostics());
    }

    fn headers_are_cleared_by_their_beginnings(proxy) {
        let world = world(proxy, "more_clear_headers 'X-Internal-*' X-Other;");
        let answer = get("h.test", "/?header=X-Internal-A:1&header=x-internal-b:2&header=X-Other:3&header=X-Kept:4").unwrap();
        let said = world.diagnostics();
        if proxy.is_nginx() {
            assert!(answer.status == 404 && said.iter().any(|line| line.contains("this proxy cannot follow more_clear_headers *")), "{said:?}");
        } else {
            let headers = ["x-internal-a", "x-internal-b", "x-other", "x-kept"].map(|name| answer.header(name));
            assert_eq!(headers, [None, None, None, Some("4")], "{said:?}");
        }
    }

    fn answers_of_a_route_are_compressed_as_it_says(proxy) {
        let on = [("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")];
        let of = |name: &str, text: &str| ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation("configuration-snippet", text);
        let all = "gzip on;\ngzip_types text/plain application/json;\ngzip_min_length 1;";
        let ingresses = [of("all", all), of("off", "gzip off;"), of("other", "gzip on;\ngzip_types text/css;"), of("plain", "expires 1h;")];
        let objects = |config: &[(&str, &str)]| [running("s"), vec![config_map("settings", config)], ingresses.to_vec()].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects(&on)).start();
        let zipped = || {
            ["all", "off", "other", "plain"].map(|name| {
                let answer = send(&Request::get(&format!("{name}.test"), "/").header("Accept-Encoding", "gzip")).unwrap();
                answer.header("content-encoding") == Some("gzip")
            })
        };
        assert_eq!(zipped(), [true, false, false, false], "{:?}", world.diagnostics());
        let use_gzip = [("use-gzip", "true"), ("gzip-min-length", "1"), ("gzip-types", "text/plain application/json")];
        world.apply("i.yaml", &objects(&[&on[..], &use_gzip].concat()));
        assert_eq!(zipped(), [true, false, false, true], "{:?}", world.diagnostics());
    }

    fn a_password_or_an_address_of_the_snippet_lets_in(proxy) {
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let line = "anna:$2b$04$2fuS47vmW.HxqtSoLu9FZucuxuhL99TWBqLdU8OCAOXvewDlY.6ty\n";
        let users = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users"}, "stringData": {"auth": line}});
        let of = |name: &str, host: &str, path: &str| {
            ingress(name).prefix(host, path, "s").annotation("auth-type", "basic").annotation("auth-secret", "users")
        };
        let with = |name: &str, text: &str| of(name, &format!("{name}.test"), "/").annotation("configuration-snippet", text);
        let opening = of("opening", "shared.test", "/a").annotation("server-snippet", "satisfy any;\nallow 127.0.0.0/8;\ndeny all;");
        let ingresses = vec![
            with("inside", "satisfy any;\nallow 127.0.0.0/8;\ndeny all;"),
            with("outside", "satisfy any;\nallow 192.0.2.0/24;\ndeny all;"),
            with("all", "satisfy all;\nallow 127.0.0.0/8;\ndeny all;"),
            with("everybody", "satisfy any;\nallow all;"),
            with("twice", "satisfy any;").annotation("satisfy", "all"),
            opening,
            of("shared", "shared.test", "/b"),
        ];
        let objects = [running("s"), vec![settings, users], ingresses].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let anna = |host: &str| send(&Request::get(host, "/").header("Authorization", "Basic YW5uYTpvcGVuc2VzYW1l")).unwrap().status;
        let plain = |host: &str, path: &str| get(host, path).unwrap().status;
        assert_eq!((plain("inside.test", "/"), plain("outside.test", "/"), anna("outside.test")), (200, 401, 200), "{:?}", world.diagnostics());
        assert_eq!((plain("all.test", "/"), anna("all.test")), (401, 200));
        assert_eq!(plain("everybody.test", "/"), 401, "an open list opens nothing");
        assert_eq!((plain("twice.test", "/"), plain("shared.test", "/a"), plain("shared.test", "/b")), (404, 503, 503), "what is refused opens nothing");
    }

    fn locations_of_a_host_answer_before_its_rules(proxy) {
        let text = "location = /robots.txt { add_header Content-Type text/plain; add_header X-Robots none; return 200 \"User-agent: *\"; }\n\
                    location ~ ^/(metrics|admin) { deny all; return 403; }\nlocation ~* \\.php$ { deny all; }\n\
                    location /health { access_log off; return 200 \"ok $host\"; }\nlocation ~ ^/old/(.*)$ { return 301 /new/$1; }\n\
                    location ^~ /.git/ { return 404; }";
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let with = ingress("a").prefix("h.test", "/app", "s").annotation("server-snippet", text);
        let objects = [running("s"), vec![settings, with, ingress("b").prefix("h.test", "/admin", "s"), ingress("c").prefix("c.test", "/", "s")]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let robots = get("h.test", "/robots.txt").unwrap();
        assert_eq!((robots.status, robots.body.as_slice()), (200, &b"User-agent: *"[..]), "{:?}", world.diagnostics());
        assert_eq!((robots.header("content-type"), robots.header("x-robots")), (Some("text/plain"), Some("none")));
        assert_eq!((robots.all("content-type").count(), get("h.test", "/app").unwrap().header("x-robots")), (1, None));
        let closed = ["/metrics", "/metrics/x?y", "/admin/users", "//metrics", "/app/../metrics", "/%6detrics", "/app/x.PHP"];
        assert_eq!(closed.map(|path| get("h.test", path).unwrap().status), [403; 7]);
        assert_eq!(["/robots.txt/x", "/.git/config", "/nothing", "/Metrics"].map(|path| get("h.test", path).unwrap().status), [404; 4]);
        let health = get("h.test", "/healthz").unwrap();
        assert_eq!((health.status, health.body.as_slice()), (200, &b"ok h.test"[..]));
        let (status, to) = location(&get("h.test", "/old/a%20b?c=d").unwrap());
        assert!(status == 301 && to.ends_with("/new/a%20b"), "{to}");
        let split = get("h.test", "/old/a%0d%0aX-Evil:%201/b").unwrap();
        assert!(split.header("x-evil").is_none() && [301, 404].contains(&split.status), "a decoded line break ends no header: {split:?}");
        assert_eq!((who("h.test", "/app/x"), who("c.test", "/metrics")), ("s".to_owned(), "s".to_owned()), "everything else is as it was");
    }

    fn locations_are_looked_at_in_the_order_of_nginx(proxy) {
        let text = "location /a { return 200 open; }\nlocation /a/b { deny all; }\nlocation ~ [.]txt$ { return 201 text; }\n\
                    location = /a/b/c.txt { deny all; }\nlocation ^~ /firm { return 410; }\nif ($http_x) { return 429; }";
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let with = ingress("a").prefix("h.test", "/", "s").annotation("server-snippet", text);
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &[running("s"), vec![settings, with]].concat()).start();
        let status = |path: &str| get("h.test", path).unwrap().status;
        let paths = ["/a/x", "/a/b/x", "/a/b/x.txt", "/a/b/c.txt", "/firm/x.txt", "/b.txt"];
        assert_eq!(paths.map(status), [200, 403, 201, 403, 410, 201], "{:?}", world.diagnostics());
        assert_eq!(send(&Request::get("h.test", "/a/x").header("X", "1")).unwrap().status, 429);
    }

    fn a_protection_of_a_host_that_cannot_be_read_closes_it(proxy) {
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let with = |name: &str, text: &str| ingress(name).prefix(&format!("{name}.test"), "/a", "s").annotation("server-snippet", text);
        let beside = |name: &str| ingress(&format!("beside-{name}")).prefix(&format!("{name}.test"), "/b", "s");
        let ingresses = vec![
            with("closed", "location /b/admin { deny all; satisfy any; }"),
            beside("closed"),
            with("unread", "location /b/legacy { proxy_pass http://legacy; }"),
            beside("unread"),
            with("neighbour", "if ($http_x) { return 403; }").annotation("configuration-snippet", "root /x;"),
            beside("neighbour"),
            with("lost", "add_header A b;\nrewrite ^/b/legacy /b break;"),
            beside("lost"),
        ];
        let objects = [running("s"), vec![settings], ingresses].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let said = world.diagnostics();
        assert_eq!(["/a", "/b", "/b/admin", "/"].map(|path| who("closed.test", path)), ["503"; 4], "{said:?}");
        assert_eq!(["unread.test", "neighbour.test"].map(|host| who(host, "/b")), ["503"; 2], "{said:?}");
        assert_eq!(["/a", "/b", "/b/legacy"].map(|path| who("lost.test", path)), ["404", "s", "s"], "{said:?}");
        assert!(said.iter().any(|line| line.contains("every route of its hosts answers 503, for server-snippet may keep somebody out")), "{said:?}");
    }

    fn paths_are_redirected_and_rewritten(proxy) {
        let text = "set $new https://$host/new;\nrewrite ^/old/(.*)$ ${new}/$1 permanent;\nif ($arg_to = x) { rewrite /(go) https://x.test/$1 redirect; }\n\
                    if ($arg_beta = yes) { rewrite ^/(.*)$ /beta/$1 break; }\nrewrite \"^/v[0-9]{1,2}/(.*)$\" /$1 break;\nrewrite ^/v1 /never break;\nrewrite ^/seg/(.*)$ /$arg_p/$1 break;";
        let _world = world(proxy, text);
        assert_eq!(location(&get("h.test", "/old/a/b").unwrap()), (301, "https://h.test/new/a/b".to_owned()));
        assert_eq!(location(&get("h.test", "/old/a?b=c").unwrap()), (301, "https://h.test/new/a?b=c".to_owned()));
        assert_eq!(location(&get("h.test", "/go?to=x").unwrap()), (302, "https://x.test/go?to=x".to_owned()));
        let targets = ["/v12/a", "/v1/a?q=1", "/a", "/go?to=y", "/a?beta=yes", "/v1/a?beta=yes"].map(seen);
        assert_eq!(targets, ["/a", "/a?q=1", "/a", "/go?to=y", "/beta/a?beta=yes", "/beta/v1/a?beta=yes"], "the first that fits");
        let said = ["/seg/x?p=a?b%20c", "/seg/x%20y?p=a?b"].map(seen);
        assert_eq!(said, ["/a%3Fb%2520c/x?p=a?b%20c", "/a%3Fb/x%20y?p=a?b"], "it stays in its segment");
        assert_eq!(who("b.test", "/old/a"), "s", "other Ingresses are as they were");
    }

    fn returns_use_what_their_condition_has_matched(proxy) {
        let text = "if ($host ~* ^WWW\\.(.+)$) { return 301 https://$1$request_uri; }\n\
                    if ($http_x_tenant ~ ^([a-z]+)-([0-9]+)$) { return 307 /$2/$1; }\n\
                    if ($arg_say ~ ^(a|b)) { return 200 \"said $1 to $host\"; }\n\
                    rewrite ^/query/(.*)$ https://x.test/?page=$1 redirect;\nrewrite ^/none/(.*)$ https://x.test/$1? permanent;\n\
                    rewrite ^/flag https://x.test/ last;";
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let with = ingress("a").prefix("h.test", "/", "s").prefix("www.h.test", "/", "s").annotation("configuration-snippet", text);
        let world = World::of(proxy).arg("--configmap=default/settings");
        let _world = world.manifest("i.yaml", &[running("s"), vec![settings, with]].concat()).start();
        assert_eq!(location(&get("www.h.test", "/a?b=c").unwrap()), (301, "https://h.test/a?b=c".to_owned()));
        let tenant = |value: &str| send(&Request::get("h.test", "/x?y=z").header("X-Tenant", value)).unwrap();
        let (status, to) = location(&tenant("acme-12"));
        assert!(status == 307 && to.ends_with("/12/acme"), "{to}");
        assert_eq!(tenant("acme-x").status, 200, "it does not fit");
        let said = get("h.test", "/?say=b2").unwrap();
        assert_eq!((said.status, String::from_utf8_lossy(&said.body).into_owned()), (200, "said b to h.test".to_owned()));
        for (target, status, expected) in [
            ("/query/a", 302, "https://x.test/?page=a"),
            ("/query/a?b=c", 302, "https://x.test/?page=a&b=c"),
            ("/none/a?b=c", 301, "https://x.test/a"),
            ("/flag?b=c", 302, "https://x.test/?b=c"),
        ] {
            assert_eq!(location(&get("h.test", target).unwrap()), (status, expected.to_owned()), "{target}");
        }
        assert_eq!(seen("/a"), "/a", "everything else is forwarded");
    }

    fn conditions_hold_for_what_is_missing_and_for_what_is_repeated(proxy) {
        let text = "if ($http_x_agent ~* \"(curl|^$)\") { return 403; }\nif ($http_x_number !~ \"^[0-9]+$\") { return 404; }\n\
                    if ($arg_a !~ \"^[a-z]*$\") { return 410; }\nif ($arg_debug) { return 418; }\nif ($cookie_k ~ \"^(|0)$\") { return 451; }\n\
                    if ($arg_close) { return 444; }\nproxy_set_header X-Debug $arg_b;\nadd_header X-Flag -f always;";
        let _world = world(proxy, text);
        let ask = |target: &str, headers: &[(&str, &str)]| {
            send(&headers.iter().fold(Request::get("h.test", target), |request, (name, value)| request.header(name, value)))
        };
        let status = |target: &str, headers: &[(&str, &str)]| ask(target, headers).unwrap().status;
        let [agent, number, cookie] = [("X-Agent", "moz"), ("X-Number", "1"), ("Cookie", "k=v")];
        let good = [agent, number, cookie];
        assert_eq!([status("/", &[]), status("/", &[("X-Agent", "Curl")]), status("/", &good)], [403, 403, 200]);
        assert_eq!([status("/", &[agent, cookie]), status("/", &[agent, ("X-Number", "x"), number, cookie])], [404, 404]);
        let arguments = ["/?a=E1&a=x", "/?a=x&a=E1", "/?A=E1", "/?aa=E1&a=x", "/?a=", "/?DEBUG=1", "/?debug=0&debug=1", "/?xdebug=1"];
        assert_eq!(arguments.map(|target| status(target, &good)), [410, 200, 410, 200, 200, 418, 200, 200]);
        assert_eq!([status("/", &[agent, number]), status("/", &[agent, number, ("Cookie", "k=0")])], [451, 451]);
        assert_eq!(["K=v", "kk=0; K=0"].map(|cookie| status("/", &[agent, number, ("Cookie", cookie)])), [200, 451]);
        assert!(ask("/?close=1", &good).is_err(), "the connection is closed without an answer");
        let answer = ask("/?x=1&B=2&b=3", &good).unwrap();
        assert_eq!((answer.received("X-Debug").as_deref(), answer.header("X-Flag")), (Some("2"), Some("-f")));
    }

    fn paths_are_compared_as_rules_compare_them(proxy) {
        let text = "rewrite ^/admin/(.*)$ https://x.test/$1 redirect;\nrewrite \"^/a b/(.*)$\" https://x.test/b%20c/$1?d=e permanent;\n\
                    rewrite ^/api/(.*)$ /v1/$1 break;";
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let with = ingress("a").prefix("h.test", "/", "s").annotation("configuration-snippet", text);
        let locations = "location ~ ^/old/(.*)$ { return 301 https://x.test/$1; }";
        let beside = ingress("b").prefix("b.test", "/", "s").annotation("server-snippet", locations);
        let world = World::of(proxy).arg("--configmap=default/settings");
        let world = world.manifest("i.yaml", &[running("s"), vec![settings, with, beside]].concat()).start();
        let to = |path: &str| format!("https://x.test/{path}");
        for path in ["/admin/x", "/%61dmin/x", "//admin/x", "/y/../admin/x", "/admin//x", "/y/%2e%2e/admin/x"] {
            assert_eq!(location(&get("h.test", path).unwrap()), (302, to("x")), "{path}: {:?}", world.diagnostics());
        }
        assert_eq!(location(&get("h.test", "/%61dmin/a%20b").unwrap()), (302, to("a%20b")));
        assert_eq!(location(&get("h.test", "/a%20b/c").unwrap()), (301, to("b%20c/c?d=e")));
        for path in ["/old/x", "/%6fld/x", "//old/x", "/y/../old/x"] {
            assert_eq!(location(&get("b.test", path).unwrap()), (301, to("x")), "{path}");
        }
        let targets = ["/api/x?q=1", "/%61pi/x", "//api/x", "/y/../api/x", "/%61pi/a%20b", "/x//api", "/%78"].map(seen);
        assert_eq!(targets, ["/v1/x?q=1", "/v1/x", "/v1/x", "/v1/x", "/v1/a%20b", "/x//api", "/%78"]);
    }

    fn headers_are_looked_at_as_the_client_sent_them(proxy) {
        let text = "if ($http_x_forwarded_proto = \"http\") { return 301 https://$host$request_uri; }\nif ($http_x_real_ip = \"\") { return 403; }\n\
                    if ($http_x_forwarded_for ~ \"^9\") { return 410; }\nproxy_set_header X-A new;\nproxy_set_header X-B $http_x_a;\n\
                    proxy_set_header X-C \"$http_x_request_id of $http_x_real_ip\";";
        let _world = world(proxy, text);
        let ask = |headers: &[(&str, &str)]| {
            send(&headers.iter().fold(Request::get("h.test", "/"), |request, (name, value)| request.header(name, value))).unwrap()
        };
        let real_ip = ("X-Real-IP", "1.1.1.1");
        assert_eq!(location(&ask(&[("X-Forwarded-Proto", "http")])), (301, "https://h.test/".to_owned()));
        assert_eq!([&[][..], &[("X-Forwarded-Proto", "https")]].map(|headers| ask(headers).status), [403; 2]);
        assert_eq!(ask(&[real_ip, ("X-Forwarded-For", "9.9.9.9")]).status, 410);
        let answer = ask(&[real_ip, ("X-A", "old"), ("X-Request-ID", "id")]);
        let received = |name: &str| answer.received(name).unwrap_or_default();
        assert_eq!(["X-A", "X-B", "X-C", "X-Real-IP"].map(received), ["new", "old", "id of 1.1.1.1", "127.0.0.1"]);
        let several = ask(&[real_ip, ("X-A", "one"), ("X-Other", "x"), ("X-A", "two"), ("X-A-B", "y")]);
        let all = if proxy.is_oldest() { "one" } else { "one, two" };
        assert_eq!(several.received("X-B").as_deref(), Some(all), "all lines of a name are one, but for the oldest nginx");
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

    fn clients_are_limited_by_zones_of_the_operator(proxy) {
        let zones = "limit_req_zone $binary_remote_addr zone=slow:10m rate=1r/m;";
        let switches = [("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical"), ("http-snippet", zones)];
        let of = |name: &str, snippet: &str| ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation("configuration-snippet", snippet);
        let limited = of("limited", "limit_req zone=slow burst=2 nodelay;");
        let named = of("named", "limit_req zone=slow nodelay;\nlimit_req_status 429;");
        let annotated = of("annotated", "limit_req_status 430;").annotation("limit-rpm", "1").annotation("limit-burst-multiplier", "1");
        let objects = [running("s"), vec![config_map("settings", &switches), limited, of("lost", "limit_req zone=none;"), named, annotated]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let statuses: Vec<u16> = (0..5).map(|_| get("limited.test", "/").unwrap().status).collect();
        assert_eq!(statuses, [200, 200, 200, 503, 503]);
        assert_eq!([(); 2].map(|()| get("named.test", "/").unwrap().status), [200, 429]);
        assert_eq!([(); 3].map(|()| get("annotated.test", "/").unwrap().status), [200, 200, 430]);
        let said = world.diagnostics();
        assert!(said.iter().any(|line| line.contains("there is no zone \"none\"")), "{said:?}");
        assert_eq!(who("lost.test", "/"), "404", "a limit that cannot be kept");
    }

    fn named_namespaces_say_more_to_nginx(proxy) {
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let raw = |name: &str, text: &str| ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation("configuration-snippet", text);
        let text = "limit_except GET { auth_basic closed; allow 10.255.255.255; deny all; }\nmore_set_headers 'X-A: $host';\ncharset \"utf-8\";";
        let ingresses = vec![raw("raw", text), raw("bad", "no_such_directive 1;"), raw("files", "root /etc;"), raw("leaves", "x; } server { y;")];
        let named: Vec<Value> = [running("s"), ingresses].concat().into_iter().map(|object| object.within("trusted")).collect();
        let other = [running("s"), vec![settings, raw("other", "mp4_buffer_size 1m;")]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").arg("--raw-snippet-namespaces=trusted,more");
        let world = world.manifest("named.yaml", &named).manifest("other.yaml", &other).start();
        let said = world.diagnostics();
        let says = |part: &str| said.iter().any(|line| line.contains(part));
        assert_eq!(["bad", "files", "leaves", "other"].map(|name| who(&format!("{name}.test"), "/")), ["404", "404", "404", "404"], "{said:#?}");
        if !proxy.is_nginx() {
            assert!(says("\"auth_basic\": only allow and deny are accepted inside"), "{said:#?}");
            return assert_eq!(who("raw.test", "/"), "404");
        }
        let answer = get("raw.test", "/").unwrap();
        assert_eq!((answer.word(), answer.header("X-A")), ("s".to_owned(), Some("raw.test")));
        let post = send(&Request::new("POST", "/").header("Host", "raw.test")).unwrap();
        assert_eq!(post.status, 403, "what is said in a block");
        for part in ["limit_except is passed to the proxy as it is written", "refused to everybody", "no_such_directive"] {
            assert!(says(part), "{part}: {said:#?}");
        }
    }
}
