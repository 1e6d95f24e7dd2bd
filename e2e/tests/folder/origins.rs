//! Pages of other origins, and who is told of them: the entries of the reference under 4.4, on every proxy.

use gatewright_e2e::client::send;
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, running};
use serde_json::Value;

const ALLOWED: &str = "Access-Control-Allow-Origin";

fn from(origin: &str, method: &str, host: &str, target: &str) -> Answer {
    send(&Request::new(method, target).header("Host", host).header("Origin", origin)).unwrap()
}

fn allowed(answer: &Answer) -> Option<String> {
    answer.header(ALLOWED).map(str::to_owned)
}

fn open(name: &str, host: &str) -> Value {
    ingress(name).prefix(host, "/", "s").annotation("enable-cors", "true")
}

on_every_proxy! {
    fn ann_4_4_what_is_told_is_what_was_written(proxy) {
        let site = Site::of(proxy, "cors-values");
        let [usual, own, bad] = ["usual", "own", "bad"].map(|name| site.host(name));
        site.apply(&[running("s"), vec![
            open("usual", &usual),
            open("own", &own)
                .annotation("cors-allow-origin", "https://a.test")
                .annotation("cors-allow-methods", "POST, GET")
                .annotation("cors-allow-headers", "DNT, User-Agent")
                .annotation("cors-expose-headers", "X-A, X-B")
                .annotation("cors-allow-credentials", "false")
                .annotation("cors-max-age", "600"),
            open("bad", &bad).annotation("cors-allow-methods", "*").annotation("cors-allow-headers", "*").annotation("cors-max-age", "soon"),
        ]].concat());
        let told = |answer: &Answer| {
            ["Origin", "Methods", "Headers", "Credentials"].map(|name| answer.header(&format!("Access-Control-Allow-{name}")).unwrap_or("-").to_owned())
        };
        let more = |answer: &Answer| ["Max-Age", "Expose-Headers"].map(|name| answer.header(&format!("Access-Control-{name}")).unwrap_or("-").to_owned());
        let methods = "GET, PUT, POST, DELETE, PATCH, OPTIONS";
        let headers = "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";
        for (method, status) in [("GET", 200), ("OPTIONS", 204)] {
            for host in [&usual, &bad] {
                let answer = from("https://any.test", method, host, "/");
                assert_eq!((answer.status, told(&answer), more(&answer)), (status, ["*", methods, headers, "true"].map(str::to_owned), ["1728000", "-"].map(str::to_owned)), "{host}");
            }
            let answer = from("https://a.test", method, &own, "/");
            assert_eq!((answer.status, told(&answer)), (status, ["https://a.test", "POST, GET", "DNT, User-Agent", "-"].map(str::to_owned)));
            assert_eq!(more(&answer), ["600", "X-A, X-B"]);
        }
        let other = from("https://b.test", "OPTIONS", &own, "/");
        assert_eq!((other.word().as_str(), allowed(&other)), ("s", None), "the request goes to the endpoint");
        let answer = from("https://a.test", "GET", &own, "/?status=503");
        assert_eq!((answer.status, allowed(&answer).as_deref()), (503, Some("https://a.test")));
    }

    fn ann_4_4_a_star_is_one_label_and_the_rest_is_as_it_is_written(proxy) {
        let site = Site::of(proxy, "cors-origins");
        let [star, list] = ["star", "list"].map(|name| site.host(name));
        site.apply(&[running("s"), vec![
            open("star", &star).annotation("cors-allow-origin", "http://*.origin.test:8080"),
            open("list", &list).annotation("cors-allow-origin", "tauri://localhost:3000, null,, https://a.b.test,"),
        ]].concat());
        let echoed = |host: &str, origin: &str| allowed(&from(origin, "GET", host, "/")).as_deref() == Some(origin);
        assert!(echoed(&star, "http://abc.origin.test:8080") && echoed(&star, "HTTP://ABC.origin.test:8080"));
        for origin in [
            "http://origin.test:8080", "http://a.b.origin.test:8080", "http://abc.origin.test", "https://abc.origin.test:8080",
            "http://abc.origin.test:8080.evil.test", "http://evil.test/http://abc.origin.test:8080",
        ] {
            assert_eq!(allowed(&from(origin, "GET", &star, "/")), None, "{origin}");
        }
        assert!(["tauri://localhost:3000", "null", "https://a.b.test"].iter().all(|origin| echoed(&list, origin)));
        assert!(!echoed(&list, "https://aXb.test") && !echoed(&list, "tauri://localhost"));
    }

    fn ann_4_4_what_the_endpoint_says_counts_for_other_origins(proxy) {
        let site = Site::of(proxy, "cors-endpoint");
        let host = site.host("a");
        site.apply(&[running("s"), vec![open("a", &host).annotation("cors-allow-origin", "https://a.test")]].concat());
        let target = "/?header=Access-Control-Allow-Origin:https://own.test";
        let all = |origin: &str| from(origin, "GET", &host, target).all(ALLOWED).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!([all("https://a.test"), all("https://b.test")], [["https://a.test"], ["https://own.test"]]);
    }

    fn red_20_and_ann_1_5_a_preflight_is_answered_before_anybody_is_asked(proxy) {
        let site = Site::of(proxy, "cors-first");
        let [closed, tls, nobody] = ["closed", "tls", "nobody"].map(|name| site.host(name));
        site.apply(&[running("s"), vec![
            open("closed", &closed).annotation("whitelist-source-range", "192.0.2.1"),
            open("tls", &tls).tls(&[&tls], ""),
            ingress("nobody").prefix(&nobody, "/", "missing").annotation("enable-cors", "true"),
        ]].concat());
        for (host, status) in [(&closed, 403), (&tls, 308), (&nobody, 503)] {
            assert_eq!(from("https://a.test", "OPTIONS", host, "/").status, 204, "{host}");
            let answer = from("https://a.test", "GET", host, "/");
            assert_eq!((answer.status, allowed(&answer).as_deref()), (status, Some("*")), "{host}");
        }
    }
}
