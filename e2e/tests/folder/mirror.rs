//! A second server gets the requests, too, and nobody notices.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::echo;
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::wait::until_eq;
use gatewright_e2e::world::who;
use serde_json::Value;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// Method, target and body of what a pod was asked.
type Seen = (String, String, String);

fn seen(pod: Ipv4Addr) -> Vec<Seen> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    echo::asked(pod).iter().map(|asked| (word(&asked["method"]), word(&asked["target"]), word(&asked["body"]))).collect()
}

fn one(method: &str, target: &str, body: &str) -> Seen {
    (method.to_owned(), target.to_owned(), body.to_owned())
}

/// The values of a header in what a pod was asked.
fn header(pod: Ipv4Addr, name: &str) -> Vec<String> {
    let is_named = |header: &&Value| header[0].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name));
    let all = echo::asked(pod);
    let headers = all.iter().flat_map(|asked| asked["headers"].as_array().into_iter().flatten());
    headers.filter(is_named).map(|header| header[1].as_str().unwrap_or_default().to_owned()).collect()
}

fn post(host: &str, target: &str, body: &[u8]) -> u16 {
    send(&Request::new("POST", target).header("Host", host).body(body)).map_or(0, |answer| answer.status)
}

on_every_proxy! {
    fn mirror_target_gets_every_request_that_is_forwarded_once(proxy) {
        let site = Site::of(proxy, "mirror");
        let [h, fixed, sent_on, denied] = ["h", "fixed", "sent-on", "denied"].map(|name| site.host(name));
        let [own, other] = ["own", "other"].map(echo::new_pod_that_keeps);
        let mirrored = |name: &str, host: &str, to: &str| ingress(name).prefix(host, "/", "s").annotation("mirror-target", to);
        let all = format!("http://{own}:8080$request_uri");
        site.apply(&[running("s"), vec![
            mirrored("h", &h, &all),
            mirrored("fixed", &fixed, &format!("http://{other}:8080/given")).annotation("mirror-host", "m.test").annotation("rewrite-target", "/new"),
            mirrored("sent-on", &sent_on, &all).annotation("permanent-redirect", "https://x.test"),
            mirrored("denied", &denied, &all).annotation("allowlist-source-range", "192.0.2.0/24"),
        ]].concat());
        assert_eq!([who(&sent_on, "/no"), who(&denied, "/no")], ["301", "403"]);
        let answer = send(&Request::get(&h, "/a?b=c").header("X-Mine", "1").header("Cookie", "k=v")).unwrap();
        assert_eq!((answer.word().as_str(), answer.received("X-Mine").as_deref()), ("s", Some("1")));
        assert_eq!(get(&fixed, "/x").unwrap().echo()["target"], "/new");
        until_eq("one request each", &(vec![one("GET", "/a?b=c", "")], vec![one("GET", "/given", "")]), || (seen(own), seen(other)));
        let told = ["X-Mine", "Cookie", "X-Forwarded-Host", "Host"].map(|name| header(own, name));
        assert_eq!(told, [vec!["1".to_owned()], vec!["k=v".to_owned()], vec![h.clone()], vec![own.to_string()]]);
        assert_eq!(header(other, "Host"), ["m.test"]);
    }

    fn mirror_request_body_goes_along_unless_it_is_off(proxy) {
        let site = Site::of(proxy, "mirror-bodies");
        let [on, off] = ["on", "off"].map(|name| site.host(name));
        let [with, without] = ["with", "without"].map(echo::new_pod_that_keeps);
        let mirrored = |name: &str, host: &str, pod| {
            ingress(name).prefix(host, "/", "s").annotation("mirror-target", &format!("http://{pod}:8080$request_uri"))
        };
        site.apply(&[running("s"), vec![
            mirrored("on", &on, with),
            mirrored("off", &off, without).annotation("mirror-request-body", "off"),
        ]].concat());
        let body = "four".repeat(1000);
        assert_eq!([post(&on, "/1", body.as_bytes()), post(&off, "/1", body.as_bytes())], [200, 200]);
        // Nobody promises that they arrive in the order of the requests.
        let arrive = |what: &str, wanted: &[Seen]| until_eq(what, &wanted.to_vec(), || seen(with));
        let (first, second) = (one("POST", "/1", &body), one("POST", "/2", "abcd"));
        arrive("a body", std::slice::from_ref(&first));
        let chunked = "POST /2 HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        let answer = gatewright_e2e::client::raw(&chunked.replace("HOST", &on)).unwrap();
        assert_eq!(answer.status, 200);
        arrive("a chunked body", &[first.clone(), second.clone()]);
        until_eq("no bodies", &vec![one("POST", "/1", "")], || seen(without));
        assert_eq!(header(without, "Content-Length"), Vec::<String>::new());
        // More than a buffer of HAProxy; the client gets its answer in any case.
        assert_eq!(post(&on, "/3", &vec![b'x'; 300_000]), 200);
        let large = (proxy.kind == "nginx").then(|| one("POST", "/3", &"x".repeat(300_000)));
        let mut all: Vec<_> = [first, second].into_iter().chain(large).collect();
        arrive("what fits", &all);
        assert_eq!(post(&on, "/4", b"last"), 200);
        all.push(one("POST", "/4", "last"));
        arrive("the last one", &all);
    }

    fn a_mirror_that_is_slow_or_away_costs_nobody_anything(proxy) {
        let site = Site::of(proxy, "mirror-away");
        let [slow, away] = ["slow", "away"].map(|name| site.host(name));
        let pod = echo::new_pod_that_keeps("mirror");
        let mirrored = |name: &str, host: &str, to: &str| ingress(name).prefix(host, "/", "s").annotation("mirror-target", to);
        site.apply(&[running("s"), vec![
            mirrored("slow", &slow, &format!("http://{pod}:8080/?wait_ms=20000")),
            // Port 1 is closed.
            mirrored("away", &away, &format!("http://{pod}:1/")),
        ]].concat());
        let begun = Instant::now();
        for host in [&slow, &away] {
            assert_eq!((0..20).map(|_| who(host, "/")).filter(|who| who == "s").count(), 20, "{host}");
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        until_eq("each of them", &20, || seen(pod).len());
    }
}
