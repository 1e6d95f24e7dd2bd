//! The service that decides who may pass, and all that is said to it and taken from it: the entries of the reference under
//! 4.5 and 4.6 whose answers can be asked for, on every proxy.

use gatewright_e2e::client::{get, send, send_over_tls};
use gatewright_e2e::echo::{asked, new_pod_that_keeps};
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::wait::until_eq;
use gatewright_e2e::world::{World, who};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

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
}
