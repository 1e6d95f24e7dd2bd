//! Which endpoint a request goes to: canaries, sessions, hashes, and Services that grow and shrink.

use gatewright_e2e::client::{admin_json, get, send};
use gatewright_e2e::echo::new_pod;
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, ingress, service, slice, text};
use gatewright_e2e::site::{Site, all_running, running};
use gatewright_e2e::wait::until;
use gatewright_e2e::world::{World, who, workers_of};
use gatewright_e2e::{on_every_proxy, on_every_version};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The answer to a request with a header.
fn with(host: &str, target: &str, name: &str, value: &str) -> Answer {
    send(&Request::get(host, target).header(name, value)).unwrap()
}

/// Which pod answered.
fn pod(answer: &Answer) -> String {
    answer.echo()["address"].as_str().unwrap_or_default().to_owned()
}

fn pods(count: usize) -> Vec<IpAddr> {
    (0..count).map(|_| new_pod("s").into()).collect()
}

/// A Service with these pods, in slices as large as those of a cluster.
fn in_slices(pods: &[IpAddr]) -> Vec<Value> {
    const LARGEST: usize = 1000;
    let slice = |(n, pods): (usize, &[IpAddr])| {
        let mut slice = slice("s", pods);
        slice["metadata"]["name"] = format!("s-{n}").into();
        slice
    };
    std::iter::once(service("s")).chain(pods.chunks(LARGEST).enumerate().map(slice)).collect()
}

/// The pods that answer a number of requests.
fn answering(host: &str, requests: usize) -> BTreeSet<String> {
    (0..requests).map(|_| pod(&get(host, "/").unwrap())).collect()
}

on_every_proxy! {
    fn five_thousand_endpoints_of_one_service_come_and_go(proxy) {
        const MANY: usize = 5000;
        const REQUESTS: usize = 400;
        let pods = pods(MANY);
        let names: BTreeSet<String> = pods.iter().map(IpAddr::to_string).collect();
        let route = ingress("a").prefix("h.test", "/", "s");
        let world = World::of(proxy).manifest("s.yaml", &in_slices(&pods[..1])).manifest("i.yaml", std::slice::from_ref(&route)).start();
        world.sync("probe.yaml");
        let before = workers_of(world.proxy_pid());
        let all_take_turns = || {
            let seen = answering("h.test", REQUESTS);
            // Each worker of nginx begins anew.
            assert!(seen.len() >= REQUESTS / 4 && seen.is_subset(&names), "{}", seen.len());
        };
        world.apply("s.yaml", &in_slices(&pods));
        all_take_turns();
        if !proxy.is_nginx() {
            assert_eq!(workers_of(world.proxy_pid()), before, "the workers are those from before: nothing was reloaded");
        }
        world.load("i.yaml", &[route.to_be_loaded(1)]);
        all_take_turns();
        world.apply("s.yaml", &in_slices(&pods[MANY - 1..]));
        assert_eq!(answering("h.test", 20), BTreeSet::from([pods[MANY - 1].to_string()]));
    }

    fn a_canary_takes_the_requests_that_its_rules_name(proxy) {
        let site = Site::of(proxy, "canary");
        let host = site.host("a");
        let canary = |weight: &str| {
            ingress("canary")
                .prefix(&host, "/", "next")
                .annotation("canary", "true")
                .annotation("canary-by-header", "X-Canary")
                .annotation("canary-by-cookie", "try")
                .annotation("canary-weight", weight)
        };
        let main = [all_running(&["main", "next"]), vec![ingress("main").prefix(&host, "/", "main")]].concat();
        for (weight, other) in [("0", "main"), ("100", "next"), ("0", "main")] {
            site.apply(&[main.clone(), vec![canary(weight)]].concat());
            for (name, value, wanted) in [
                ("X-Canary", "always", "next"),
                ("X-Canary", "never", "main"),
                ("X-Canary", "perhaps", other),
                ("Cookie", "a=b; try=always", "next"),
                ("Cookie", "try=never", "main"),
                ("X-Else", "", other),
            ] {
                assert_eq!(with(&host, "/", name, value).word(), wanted, "{name}: {value}, weight {weight}");
            }
        }
        site.apply(&main);
        assert_eq!(with(&host, "/", "X-Canary", "always").word(), "main", "the canary is gone");
    }

    fn a_session_lasts_as_long_as_its_pod(proxy) {
        let site = Site::of(proxy, "sessions");
        for mode in ["balanced", "persistent"] {
            let host = site.host(mode);
            let sticky = ingress(mode)
                .prefix(&host, "/shop", mode)
                .annotation("affinity", "cookie")
                .annotation("affinity-mode", mode)
                .annotation("session-cookie-name", "ROUTE");
            let plain = ingress(&format!("{mode}-plain")).prefix(&host, "/", mode);
            let all: Vec<IpAddr> = pods(4);
            let with_pods = |some: &[IpAddr]| [service(mode), slice(mode, some), sticky.clone(), plain.clone()];
            site.apply(&with_pods(&all));
            let first = send(&Request::get(&host, "/shop")).unwrap();
            let set: Vec<&str> = first.all("set-cookie").collect();
            assert!(set.len() == 1 && set[0].contains("; Path=/shop; HttpOnly"), "{mode}: {set:?}");
            let cookie = set[0].split(';').next().unwrap();
            let lower = format!("xroute=1; {}; z=1", cookie.replace("ROUTE", "route"));
            for (target, cookies) in [("/shop", cookie), ("/shop/x", cookie), ("/elsewhere", cookie), ("/shop", &lower)] {
                let again = send(&Request::get(&host, target).header("Cookie", "a=b").header("Cookie", cookies)).unwrap();
                assert_eq!((pod(&again), again.header("set-cookie")), (pod(&first), None), "{mode} {target} {cookies}");
            }
            assert_eq!(send(&Request::get(&host, "/elsewhere")).unwrap().header("set-cookie"), None, "{mode}: this path sets none");
            let left: Vec<IpAddr> = all.iter().copied().filter(|own| own.to_string() != pod(&first)).collect();
            site.apply(&with_pods(&left));
            let moved = with(&host, "/shop", "Cookie", cookie);
            assert_eq!(moved.status, 200, "{mode}: the pod is gone");
            assert_ne!(pod(&moved), pod(&first), "{mode}: the pod is gone");
        }
    }

    fn ann_4_10_a_session_stays_among_more_pods_and_begins_anew_when_all_are_gone(proxy) {
        let site = Site::of(proxy, "persistent");
        let host = site.host("h");
        let (all, later) = (pods(15), pods(2));
        let sticky = ingress("a").prefix(&host, "/", "s").annotation("affinity", "cookie").annotation("affinity-mode", "persistent");
        let show = |some: &[IpAddr]| site.apply(&[service("s"), slice("s", some), sticky.clone()]);
        let cookie_of = |answer: &Answer| answer.header("set-cookie").map(|set| set.split(';').next().unwrap().to_owned());
        show(&all[..5]);
        let first = send(&Request::get(&host, "/")).unwrap();
        let cookie = cookie_of(&first).unwrap();
        let again = || with(&host, "/", "Cookie", &cookie);
        show(&all);
        for _ in 0..10 {
            let answer = again();
            assert_eq!((pod(&answer), cookie_of(&answer)), (pod(&first), None));
        }
        show(&[]);
        assert_eq!((again().status, cookie_of(&again())), (503, None));
        show(&later);
        let moved = again();
        let new = cookie_of(&moved).unwrap();
        assert!(later.iter().any(|own| own.to_string() == pod(&moved)) && new != cookie, "{new}");
        let kept = with(&host, "/", "Cookie", &new);
        assert_eq!((pod(&kept), cookie_of(&kept)), (pod(&moved), None));
    }

    fn equal_keys_go_to_one_pod(proxy) {
        let site = Site::of(proxy, "hashes");
        let host = site.host("a");
        // The oldest says how a Service is spread.
        let hashed = ingress("a").created(1).prefix(&host, "/", "s").annotation("upstream-hash-by", "$arg_key");
        let other = ingress("b").created(2).prefix(&site.host("b"), "/", "s");
        let all = pods(5);
        site.apply(&[service("s"), slice("s", &all), hashed.clone()]);
        let of = |key: usize| pod(&send(&Request::get(&host, &format!("/?key={key}"))).unwrap());
        let before: Vec<String> = (0..20).map(of).collect();
        assert!(before.iter().collect::<BTreeSet<_>>().len() > 1, "keys are spread");
        assert_eq!((0..20).map(of).collect::<Vec<_>>(), before, "each has its pod");
        // A new pod takes some of the keys, and the others stay where they are; also after a reload.
        site.apply(&[service("s"), slice("s", &[all, pods(1)].concat()), hashed, other]);
        let moved = (0..20).filter(|key| of(*key) != before[*key]).count();
        assert!(moved < 12, "{moved} of 20 keys have moved");
    }

    fn keys_are_what_requests_have_become(proxy) {
        let site = Site::of(proxy, "hashed-paths");
        let all: Vec<_> = (0..3).map(|_| pods(5)).collect();
        let names = ["moved", "asked", "both"];
        let of = |(number, key): (usize, &str)| {
            let name = names[number];
            let own = ingress(name).path(&site.host(name), "/a/([a-z]*)(\\d*)", "ImplementationSpecific", name);
            let own = own.annotation("upstream-hash-by", key).annotation("rewrite-target", "/to/$1");
            [service(name), slice(name, &all[number]), own]
        };
        site.apply(&["$uri", "$request_uri", "$uri$args"].into_iter().enumerate().flat_map(of).collect::<Vec<_>>());
        let asked = |name: &str, target: String| pod(&send(&Request::get(&site.host(name), &target)).unwrap());
        let seen = |name: &str, target: fn(u8) -> String| (0..20).map(|n| asked(name, target(n))).collect::<BTreeSet<_>>().len();
        // All of these lead to one path.
        assert_eq!(seen("moved", |n| format!("/a/x{n}")), 1);
        assert!(seen("moved", |n| format!("/a/{}", char::from(b'a' + n))) > 1, "paths are spread");
        assert!(seen("asked", |n| format!("/a/x{n}")) > 1);
        assert_eq!(seen("both", |n| format!("/a/x{n}?q")), 1);
        assert!(seen("both", |n| format!("/a/x?{n}")) > 1);
    }

    fn the_location_of_a_backend_leads_to_the_host(proxy) {
        let site = Site::of(proxy, "locations");
        let host = site.host("a");
        let rewritten = ingress("a")
            .prefix(&host, "/", "s")
            .annotation("proxy-redirect-from", "http://inner.test/")
            .annotation("proxy-redirect-to", "https://outer.test/x/");
        site.apply(&[running("s"), vec![rewritten]].concat());
        let answer = send(&Request::get(&host, "/?status=302&header=Location:http://inner.test/a")).unwrap();
        assert_eq!(answer.header("location"), Some("https://outer.test/x/a"));
        let answer = send(&Request::get(&host, "/?status=302&header=Location:http://other.test/a")).unwrap();
        assert_eq!(answer.header("location"), Some("http://other.test/a"));
    }
}

on_every_version! {
    fn scale_from_nothing_to_a_hundred_and_back(proxy) {
        let all = pods(100);
        let objects = |count: usize| vec![service("s"), slice("s", &all[..count]), ingress("a").prefix("busy.test", "/", "s")];
        let world = World::of(proxy).manifest("a.yaml", &objects(0)).start();
        for count in [1, 100, 3, 0, 2] {
            let before = world.revision();
            world.write("a.yaml", &text(&objects(count)));
            until("it is live", || world.revision() > before);
            let wanted = if count == 0 { "503" } else { "s" };
            until("it is served", || who("busy.test", "/") == wanted);
            // Of nginx a change of endpoints needs a load, of HAProxy it does not.
            assert_eq!(admin_json("/api/v1/revision")["load_ms"].is_null(), !proxy.is_nginx(), "{count}");
        }
    }
}
