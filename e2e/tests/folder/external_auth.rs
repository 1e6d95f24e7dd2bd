//! The service that decides who may pass, and all that is said to it and taken from it: the entries of the reference under
//! 4.5 and 4.6 whose answers can be asked for, on every proxy.

use gatewright_e2e::client::{connect, get, send, send_over_tls};
use gatewright_e2e::echo::{asked, new_pod_that_keeps};
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::wait::{until, until_eq};
use gatewright_e2e::world::{World, who};
use serde_json::{Value, json};
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

/// The header of the last request that a pod was sent.
fn told(service: Ipv4Addr, name: &str) -> Option<String> {
    let all = asked(service);
    let headers = all.last()?["headers"].as_array()?;
    let own = headers.iter().find(|header| header[0].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name)))?;
    own[1].as_str().map(str::to_owned)
}

/// An Ingress that asks a pod, whose answer is as the query says.
fn asking(name: &str, host: &str, service: Ipv4Addr, query: &str) -> Value {
    ingress(name).prefix(host, "/", "s").annotation("auth-url", &format!("http://{service}:8080/verify?{query}"))
}

fn cookies(answer: &Answer) -> Vec<&str> {
    answer.all("set-cookie").collect()
}

/// Who has connected for each request that a pod was sent.
fn clients(service: Ipv4Addr) -> Vec<String> {
    asked(service).iter().map(|asked| asked["client"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The statuses of as many requests on one connection.
fn on_one_connection(host: &str, count: usize) -> Vec<u16> {
    let mut stream = connect(80).unwrap();
    (0..count).map(|_| Request::get(host, "/").send(&mut stream, false).unwrap().status).collect()
}

fn with_password(host: &str, credentials: &str) -> u16 {
    send(&Request::get(host, "/").header("Authorization", &format!("Basic {credentials}"))).unwrap().status
}

on_every_proxy! {
    fn ann_4_6_the_service_is_told_what_was_asked_for(proxy) {
        let site = Site::of(proxy, "auth-told");
        let service = new_pod_that_keeps("gate");
        let [plain, posted, further] = ["plain", "posted", "further"].map(|name| site.host(name));
        let objects = |value: &str| [running("s"), vec![
            config_map("headers", &[("My-Header", value), ("X-Of", "$host")]),
            asking("plain", &plain, service, "q=1"),
            asking("posted", &posted, service, "").annotation("auth-method", "POST"),
            asking("further", &further, service, "")
                .annotation("auth-proxy-set-headers", &format!("{}/headers", site.namespace()))
                .annotation("auth-request-redirect", "https://x.test/y?z=1"),
        ]].concat();
        site.apply(&objects("42"));
        let put = Request::new("PUT", "/a?b=c").header("Host", &plain).header("X-Client", "d").header("X-Forwarded-Proto", "gopher");
        assert_eq!(send(&put.body(b"hello")).unwrap().word(), "s");
        let last = asked(service).pop().unwrap();
        assert_eq!((last["method"].as_str(), last["target"].as_str(), last["body"].as_str()), (Some("GET"), Some("/verify?q=1"), Some("")));
        let said = [
            "Host", "X-Original-URL", "X-Original-Method", "X-Sent-From", "X-Auth-Request-Redirect", "X-Client", "X-Forwarded-Proto",
        ].map(|name| told(service, name).unwrap_or_else(|| "-".to_owned()));
        let url = format!("http://{plain}/a?b=c");
        assert_eq!(said, [&service.to_string(), &url, "PUT", "nginx-ingress-controller", "/a?b=c", "d", "-"]);
        assert_eq!(who(&posted, "/a?b"), "s");
        assert_eq!(asked(service).pop().unwrap()["method"], "POST");
        assert_eq!(["X-Original-URI", "X-Scheme"].map(|name| told(service, name).unwrap_or_default()), ["/a?b", "http"]);
        let answer = get(&further, "/").unwrap();
        assert_eq!((answer.word().as_str(), answer.received("My-Header")), ("s", None), "they are for the service alone");
        let said = ["My-Header", "X-Of", "X-Auth-Request-Redirect"].map(|name| told(service, name).unwrap_or_default());
        assert_eq!(said, ["42", &further, "https://x.test/y?z=1"]);
        site.apply(&objects("43"));
        until_eq("the ConfigMap is read again", &Some("43".to_owned()), || {
            assert_eq!(who(&further, "/"), "s");
            told(service, "My-Header")
        });
    }

    fn ann_4_6_the_service_is_told_of_the_client_s_own_path_and_query(proxy) {
        let site = Site::of(proxy, "auth-asked");
        let service = new_pod_that_keeps("gate");
        let [url, query, own, key] = ["url", "query", "own", "key"].map(|name| site.host(name));
        let asking = |name: &str, host: &str, target: &str| {
            ingress(name).prefix(host, "/", "s").annotation("auth-url", &format!("http://{service}:8080{target}"))
        };
        let headers = [
            ("Host", "own.test"),
            ("X-Sent-From", "me"),
            ("X-Arg", "$arg_c/$is_args$args/$query_string"),
            ("X-Path", "$uri"),
            ("X-Of", "$namespace"),
        ];
        site.apply(&[running("s"), vec![
            config_map("headers", &headers),
            asking("url", &url, "/verify/$arg_c"),
            asking("query", &query, "/verify?was=$arg_c&all=$args"),
            asking("own", &own, "/verify?x=y")
                .annotation("auth-proxy-set-headers", &format!("{}/headers", site.namespace()))
                .annotation("rewrite-target", "/other"),
            asking("key", &key, "/verify?status=$arg_c").annotation("auth-cache-key", "$arg_c$namespace"),
        ]].concat());
        let target = || asked(service).pop().unwrap()["target"].as_str().unwrap().to_owned();
        assert_eq!((who(&url, "/a?c=401"), target()), ("s".to_owned(), "/verify/401".to_owned()));
        assert_eq!((who(&query, "/a?c=1&d=2"), target()), ("s".to_owned(), "/verify?was=1&all=c=1&d=2".to_owned()));
        assert_eq!(who(&own, "/a%20b?c=1&d=2"), "s");
        let said = ["Host", "X-Sent-From", "X-Arg", "X-Path", "X-Of"].map(|name| told(service, name).unwrap_or_default());
        assert_eq!(said, ["own.test", "me", "1/?c=1&d=2/c=1&d=2", "/a b", site.namespace()]);
        assert_eq!(["/?c=200", "/?c=403", "/?c=200", "/?c=403"].map(|target| who(&key, target)), ["s", "403", "s", "403"]);
    }

    fn ann_4_6_nothing_of_a_target_is_another_parameter_of_the_page_to_sign_in(proxy) {
        let site = Site::of(proxy, "auth-long");
        let (service, host) = (new_pod_that_keeps("gate"), site.host("a"));
        site.apply(&[running("s"), vec![
            asking("a", &host, service, "status=401").annotation("auth-signin", "http://$host/start"),
        ]].concat());
        let back = |target: &str| {
            let location = get(&host, target).unwrap().header("location").unwrap().to_owned();
            location.strip_prefix(&format!("http://{host}/start?rd=http://{host}")).unwrap_or_else(|| panic!("{location}")).to_owned()
        };
        assert_eq!(back(&format!("/{}", "a&".repeat(30))), format!("%2F{}", "a%26".repeat(30)));
        for filler in ["&", "a&", "&%", "=&"] {
            let back = back(&format!("/?{}&rd=https://evil.test/", filler.repeat(64).replace('%', "%25")));
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "%-._~!*'()".contains(c);
            assert!(back.chars().all(is_plain), "{filler}: {back}");
            assert!(back.starts_with("%2F%3F"), "{filler}: {back}");
        }
    }

    fn ann_4_6_cookies_of_the_service_reach_the_client(proxy) {
        let site = Site::of(proxy, "auth-cookies");
        let service = new_pod_that_keeps("gate");
        let [usual, always, bad] = ["usual", "always", "bad"].map(|name| site.host(name));
        let query = "header=Set-Cookie:token=abc";
        site.apply(&[running("s"), vec![
            asking("usual", &usual, service, query),
            asking("always", &always, service, query).annotation("auth-always-set-cookie", "true"),
            asking("bad", &bad, service, query).annotation("auth-always-set-cookie", "perhaps"),
        ]].concat());
        let set = |host: &str, target: &str| get(host, target).unwrap().all("set-cookie").map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(set(&usual, "/"), ["token=abc"]);
        assert_eq!(set(&usual, "/?status=302"), ["token=abc"]);
        assert_eq!([set(&usual, "/?status=503"), set(&usual, "/?status=404")], [Vec::<String>::new(), vec![]]);
        assert_eq!([set(&always, "/"), set(&always, "/?status=503")], [["token=abc"], ["token=abc"]]);
        assert_eq!(who(&bad, "/"), "503", "a protection is not lost by a mistake");
        let both = get(&usual, "/?header=Set-Cookie:own=1").unwrap();
        assert!(cookies(&both).contains(&"own=1") && cookies(&both).contains(&"token=abc"), "{:?}", cookies(&both));
    }

    fn ann_4_6_whoever_is_not_let_in_is_sent_to_sign_in(proxy) {
        let site = Site::of(proxy, "auth-sign-in");
        let service = new_pod_that_keeps("gate");
        let no = |name: &str, url: &str| asking(name, &site.host(name), service, "status=401").annotation("auth-signin", url);
        site.apply(&[running("s"), vec![
            no("host", "http://$host/start"),
            no("query", "https://login.test/start?x=1"),
            no("own", "https://$host/start?rd=$escaped_request_uri"),
            no("named", "https://login.test/").annotation("auth-signin-redirect-param", "orig"),
            no("cors", "https://login.test/").annotation("enable-cors", "true"),
            asking("forbidden", &site.host("forbidden"), service, "status=403").annotation("auth-signin", "https://login.test/"),
        ]].concat());
        let led = |name: &str, target: &str| {
            let answer = get(&site.host(name), target).unwrap();
            (answer.status, answer.header("location").unwrap_or("-").to_owned())
        };
        let host = |name: &str| site.host(name);
        assert_eq!(led("host", "/?a=b&c=d"), (302, format!("http://{0}/start?rd=http://{0}%2F%3Fa%3Db%26c%3Dd", host("host"))));
        assert_eq!(led("query", "/x"), (302, format!("https://login.test/start?x=1&rd=http://{}%2Fx", host("query"))));
        assert_eq!(led("own", "/x?y=z"), (302, format!("https://{}/start?rd=%2Fx%3Fy%3Dz", host("own"))));
        assert_eq!(led("named", "/x"), (302, format!("https://login.test/?orig=http://{}%2Fx", host("named"))));
        assert_eq!(led("forbidden", "/x").0, 403);
        let over_tls = send_over_tls(Some(&host("named")), &Request::get(&host("named"), "/x")).unwrap();
        assert_eq!(over_tls.header("location"), Some(&*format!("https://login.test/?orig=https://{}%2Fx", host("named"))));
        let answer = send(&Request::get(&host("cors"), "/").header("Origin", "https://a.test")).unwrap();
        assert_eq!((answer.status, answer.header("Access-Control-Allow-Origin")), (302, Some("*")));
    }

    fn ann_4_6_the_service_of_all_routes_is_asked_as_the_config_map_says(proxy) {
        let service = new_pod_that_keeps("gate");
        let settings = config_map("settings", &[
            ("global-auth-url", &format!("http://{service}:8080/verify?header=X-User:anna")),
            ("global-auth-method", "POST"),
            ("global-auth-response-headers", "X-User"),
            ("global-auth-request-redirect", "http://r.test/"),
            ("global-auth-snippet", "proxy_set_header My-Header 42;"),
        ]);
        let objects = [running("s"), vec![
            settings,
            ingress("a").prefix("a.test", "/", "s"),
            ingress("free").prefix("free.test", "/", "s").annotation("enable-global-auth", "false"),
            asking("own", "own.test", service, "status=403"),
        ]].concat();
        let _world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let answer = send(&Request::get("a.test", "/").header("X-User", "eve")).unwrap();
        assert_eq!((answer.word().as_str(), answer.received("X-User").as_deref()), ("s", Some("anna")));
        let said = ["X-Auth-Request-Redirect", "My-Header"].map(|name| told(service, name).unwrap_or_default());
        assert_eq!((asked(service).pop().unwrap()["method"].as_str(), said), (Some("POST"), ["http://r.test/".to_owned(), "42".to_owned()]));
        let count = asked(service).len();
        assert_eq!((who("free.test", "/"), asked(service).len()), ("s".to_owned(), count), "nobody is asked");
        assert_eq!(who("own.test", "/"), "403");
    }

    fn ann_4_5_users_may_be_the_keys_of_a_secret(proxy) {
        let site = Site::of(proxy, "auth-map");
        let [map, off] = ["map", "off"].map(|name| site.host(name));
        let secret = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data});
        let guarded = |name: &str, host: &str| ingress(name).prefix(host, "/", "s").annotation("auth-type", "basic").annotation("auth-secret", name);
        let objects = |password: &str| [running("s"), vec![
            secret("map", json!({"anna": password, "ben": ""})),
            secret("off", json!({"auth": "anna:{PLAIN}a\n"})),
            guarded("map", &map).annotation("auth-secret-type", "auth-map"),
            guarded("off", &off).annotation("auth-realm", "off"),
        ]].concat();
        site.apply(&objects("{PLAIN}a"));
        // anna:a, anna:b, ben: and nothing
        let statuses = || ["YW5uYTph", "YW5uYTpi", "YmVuOg=="].map(|credentials| with_password(&map, credentials));
        assert_eq!(statuses(), [200, 401, 401]);
        assert_eq!(get(&map, "/").unwrap().header("WWW-Authenticate"), Some("Basic realm=\"\""));
        assert_eq!([get(&off, "/").unwrap().status, with_password(&off, "YW5uYTph")], [401, 200], "a realm of this name is one");
        site.apply(&objects("{PLAIN}b"));
        until_eq("the Secret is read again", &[401, 200, 401], statuses);
    }

    fn ann_4_6_a_service_that_hangs_is_waited_for_as_long_as_the_settings_say(proxy) {
        let objects = |service: Ipv4Addr| [running("s"), vec![
            asking("quick", "quick.test", service, "wait_ms=10"),
            // The time of an annotation is that of the endpoints.
            asking("slow", "slow.test", service, "wait_ms=1500").annotation("proxy-read-timeout", "60"),
            asking("hangs", "hangs.test", service, "wait_ms=60000"),
        ]].concat();
        let settings = |seconds: &str| config_map("settings", &[("proxy-read-timeout", seconds)]);
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &[settings("1")]).start();
        world.apply("i.yaml", &objects(new_pod_that_keeps("gate")));
        let begun = Instant::now();
        assert_eq!([who("quick.test", "/"), who("hangs.test", "/"), who("slow.test", "/")], ["s", "500", "500"]);
        assert!(begun.elapsed() < Duration::from_secs(25), "a second each: {:?}", begun.elapsed());
        world.apply("c.yaml", &[settings("50")]);
        assert_eq!(who("slow.test", "/"), "s");
        world.apply("i.yaml", &[running("s"), vec![asking("long", "long.test", new_pod_that_keeps("gate"), "wait_ms=33000")]].concat());
        let mut stream = TcpStream::connect(("127.0.0.1", 80)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(&Request::get("long.test", "/").bytes(true)).unwrap();
        assert_eq!(Answer::read(&mut stream, false).unwrap().word(), "s", "half a minute is not too long");
    }

    fn ann_4_6_answers_are_kept_for_the_time_of_the_annotation(proxy) {
        let site = Site::of(proxy, "auth-cache");
        let [short, long, bogus] = ["short", "long", "bogus"].map(|name| site.host(name));
        let gates = [(); 3].map(|()| new_pod_that_keeps("gate"));
        let kept = |name: &str, host: &str, gate: Ipv4Addr, time: &str| {
            asking(name, host, gate, "").annotation("auth-cache-key", "$remote_addr").annotation("auth-cache-duration", time)
        };
        site.apply(&[running("s"), vec![
            kept("short", &short, gates[0], "200 1s"),
            kept("long", &long, gates[1], "200 401 1h"),
            kept("bogus", &bogus, gates[2], "bogus"),
        ]].concat());
        let count = |gate: Ipv4Addr| asked(gate).len();
        assert_eq!([(); 5].map(|()| who(&long, "/")), ["s"; 5]);
        assert_eq!(count(gates[1]), 1, "the first answer counts for all");
        assert_eq!(who(&short, "/"), "s");
        until("it is asked again when its answer is old", || {
            assert_eq!(who(&short, "/"), "s");
            count(gates[0]) > 1
        });
        assert_eq!((who(&bogus, "/"), count(gates[2])), ("503".to_owned(), 0));
        let with_other = send(&Request::get(&long, "/").header("Authorization", "Basic YTpi")).unwrap();
        assert_eq!((with_other.word().as_str(), count(gates[1])), ("s", 2), "nobody passes with another one's answer");
    }

    fn ann_4_6_connections_to_the_service_are_used_as_the_annotations_say(proxy) {
        let site = Site::of(proxy, "auth-keepalive");
        let names = ["kept", "once", "idle", "off"];
        let hosts = names.map(|name| site.host(name));
        let gates = names.map(|_| new_pod_that_keeps("gate"));
        let own: [&[(&str, &str)]; 4] = [
            &[("auth-keepalive", "10"), ("auth-keepalive-share-vars", "true")],
            &[("auth-keepalive", "10"), ("auth-keepalive-requests", "1")],
            &[("auth-keepalive", "10"), ("auth-keepalive-timeout", "1")],
            &[],
        ];
        let route = |n: usize| own[n].iter().fold(asking(names[n], &hosts[n], gates[n], "bytes=0"), |route, (key, value)| route.annotation(key, value));
        site.apply(&[running("s"), (0..4).map(route).collect()].concat());
        let connections = |n: usize| {
            let mut all = clients(gates[n]);
            assert_eq!(all.len(), 3, "{}", names[n]);
            all.sort();
            all.dedup();
            all.len()
        };
        for n in [0, 1, 3] {
            assert_eq!(on_one_connection(&hosts[n], 3), [200; 3], "{}", names[n]);
        }
        assert_eq!([connections(0), connections(1), connections(3)], [1, 3, 3]);
        let mut stream = connect(80).unwrap();
        for _ in 0..3 {
            let request = Request::get(&hosts[2], "/");
            // A reload for somebody else ends connections that are idle.
            let answer = request.send(&mut stream, false).or_else(|_| {
                stream = connect(80)?;
                request.send(&mut stream, false)
            });
            assert_eq!(answer.unwrap().status, 200);
            let idle = Instant::now();
            until("it is idle for longer than it may", || idle.elapsed() > Duration::from_millis(2100));
        }
        assert_eq!(connections(2), 3);
    }

    fn ann_4_6_service_and_endpoint_see_one_request(proxy) {
        let site = Site::of(proxy, "auth-ids");
        let (host, gate) = (site.host("h"), new_pod_that_keeps("gate"));
        site.apply(&[running("s"), vec![asking("a", &host, gate, "").annotation("auth-keepalive-share-vars", "true")]].concat());
        let own = get(&host, "/").unwrap().received("X-Request-ID").unwrap();
        assert_eq!((own.len(), told(gate, "X-Request-ID").as_ref()), (32, Some(&own)));
        let given = send(&Request::get(&host, "/").header("X-Request-ID", "abc")).unwrap();
        assert_eq!((given.received("X-Request-ID").as_deref(), told(gate, "X-Request-ID").as_deref()), (Some("abc"), Some("abc")));
    }

    fn ann_4_6_a_snippet_tells_the_service_more(proxy) {
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let gate = new_pod_that_keeps("gate");
        let told_more = asking("a", "h.test", gate, "").annotation("auth-snippet", "proxy_set_header Foo-Header 42;");
        let _world = World::of(proxy)
            .arg("--configmap=default/settings")
            .manifest("i.yaml", &[running("s"), vec![settings, told_more]].concat())
            .start();
        let answer = get("h.test", "/").unwrap();
        assert_eq!((answer.word().as_str(), answer.received("Foo-Header")), ("s", None));
        assert_eq!(told(gate, "Foo-Header").as_deref(), Some("42"));
    }

    fn a_snippet_says_where_clients_sign_in(proxy) {
        let service = new_pod_that_keeps("gate");
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let with = |name: &str, query: &str, text: &str| asking(name, &format!("{name}.test"), service, query).annotation("configuration-snippet", text);
        let to = "error_page 401 =302 https://auth.test/?rd=$scheme://$http_host$request_uri;";
        let answered = "auth_request_set $to $upstream_http_location;\nerror_page 401 =302 $to;";
        let objects = [running("s"), vec![
            settings,
            with("url", "status=401", to),
            with("forbidden", "status=403", to),
            with("let-in", "status=200", to),
            with("answered", "status=401&header=Location:https://auth.test/from-there", answered),
        ]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let led = |host: &str| {
            let answer = get(host, "/a?b=c").unwrap();
            (answer.status, answer.header("location").unwrap_or_default().to_owned())
        };
        assert_eq!(led("url.test"), (302, "https://auth.test/?rd=http://url.test/a?b=c".to_owned()), "{:?}", world.diagnostics());
        assert_eq!(led("answered.test"), (302, "https://auth.test/from-there".to_owned()));
        assert_eq!((led("forbidden.test").0, led("let-in.test").0), (403, 200));
    }

    fn ann_4_8_a_password_lets_in_whom_the_service_sends_to_sign_in(proxy) {
        let site = Site::of(proxy, "satisfy-sign-in");
        let [any, all] = ["any", "all"].map(|name| site.host(name));
        let users = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users"}, "stringData": {"auth": "anna:{PLAIN}a\n"}});
        let route = |name: &str, host: &str| {
            asking(name, host, new_pod_that_keeps("gate"), "status=401")
                .annotation("auth-signin", "https://login.test/")
                .annotation("auth-type", "basic")
                .annotation("auth-secret", "users")
                .annotation("satisfy", name)
        };
        site.apply(&[running("s"), vec![users, route("any", &any), route("all", &all)]].concat());
        let asked = |host: &str, credentials: &str| with_password(host, credentials);
        // anna:a, anna:b
        assert_eq!([asked(&any, "YW5uYTph"), asked(&any, "YW5uYTpi"), asked(&all, "YW5uYTph")], [200, 302, 302]);
        assert_eq!(get(&any, "/").unwrap().header("location"), Some(&*format!("https://login.test/?rd=http://{any}%2F")));
    }

    fn ann_4_4_who_may_not_pass_is_told_whom_the_page_may_be_of(proxy) {
        let site = Site::of(proxy, "cors-password");
        let host = site.host("h");
        let users = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users"}, "stringData": {"auth": "anna:{PLAIN}a\n"}});
        let route = ingress("a").prefix(&host, "/", "s").annotation("auth-type", "basic").annotation("auth-secret", "users");
        site.apply(&[running("s"), vec![users, route.annotation("enable-cors", "true")]].concat());
        let answer = |method: &str| send(&Request::new(method, "/").header("Host", &host).header("Origin", "https://a.test")).unwrap();
        let seen = ["GET", "OPTIONS"].map(|method| {
            let answer = answer(method);
            (answer.status, answer.header("Access-Control-Allow-Origin").unwrap_or("-").to_owned(), answer.body.is_empty())
        });
        assert_eq!(seen, [(401, "*".to_owned(), false), (204, "*".to_owned(), true)]);
    }

    fn ann_4_5_what_cannot_be_asked_for_closes(proxy) {
        let site = Site::of(proxy, "digest");
        let names = ["digest", "missing", "foreign", "Basic"];
        let hosts = names.map(|name| site.host(name));
        let users = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users"}, "stringData": {"auth": "anna:{PLAIN}a\n"}});
        let route = |n: usize, kind: &str, secret: &str| {
            ingress(&names[n].to_lowercase()).prefix(&hosts[n], "/", "s").annotation("auth-type", kind).annotation("auth-secret", secret)
        };
        site.apply(&[running("s"), vec![
            users,
            route(0, "digest", "users"),
            route(1, "basic", "nobody"),
            route(2, "basic", "elsewhere/users"),
            route(3, "Basic", "users"),
        ]].concat());
        let answered = hosts.each_ref().map(|host| with_password(host, "YW5uYTph"));
        assert_eq!(answered, [503; 4]);
        let said = site.diagnostics();
        assert!(names.iter().all(|name| said.iter().filter(|line| line.contains(&format!("/{}:", name.to_lowercase()))).count() == 1), "{said:?}");
    }
}
