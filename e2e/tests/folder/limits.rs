//! How often, how many at once and how fast: what a client gets who asks for more than its share. The entries of the
//! reference under 4.9.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::wait::until_eq;
use gatewright_e2e::world::World;
use serde_json::Value;
use std::time::{Duration, Instant};

fn status(host: &str, target: &str) -> u16 {
    get(host, target).map_or(0, |answer| answer.status)
}

/// The statuses of as many requests one after the other, and how long all of them took.
fn in_a_row(host: &str, count: usize) -> (Vec<u16>, Duration) {
    let begun = Instant::now();
    ((0..count).map(|_| status(host, "/")).collect(), begun.elapsed())
}

/// The statuses of as many requests at the same time, sorted.
fn at_once(host: &str, target: &str, count: usize) -> Vec<u16> {
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..count).map(|_| scope.spawn(|| status(host, target))).collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    statuses
}

fn limited(name: &str, limits: &[(&str, &str)]) -> Value {
    let ingress = ingress(name).prefix(&format!("{name}.test"), "/", "s");
    limits.iter().fold(ingress, |ingress, (key, value)| ingress.annotation(key, value))
}

on_every_proxy! {
    fn ann_4_9_a_client_gets_its_share_and_is_refused_as_the_settings_say(proxy) {
        let settings = config_map("settings", &[("limit-req-status-code", "429"), ("limit-conn-status-code", "509")]);
        let objects = [running("s"), vec![
            settings,
            limited("second", &[("limit-rps", "1")]),
            limited("once", &[("limit-rps", "1"), ("limit-burst-multiplier", "1")]),
            limited("both", &[("limit-rps", "100"), ("limit-rpm", "1")]),
            limited("exempt", &[("limit-rps", "1"), ("limit-connections", "1"), ("limit-whitelist", "127.0.0.0/8")]),
            limited("others", &[("limit-rps", "1"), ("limit-whitelist", "10.0.0.0/8")]),
            limited("both-lists", &[("limit-rpm", "1"), ("limit-whitelist", "127.0.0.0/8"), ("limit-allowlist", "10.0.0.0/8")]),
            limited("busy", &[("limit-connections", "3")]),
        ]].concat();
        let _world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        // One more may pass for each second that all of it takes.
        for (host, passes) in [("second.test", 6), ("once.test", 2), ("others.test", 6)] {
            let (statuses, took) = in_a_row(host, 20);
            let passed = statuses.iter().filter(|status| **status == 200).count();
            let later = usize::try_from(took.as_secs()).unwrap();
            assert!((passes..=passes + later).contains(&passed), "{host}: {statuses:?} in {took:?}");
            assert!(statuses[..passes].iter().all(|status| *status == 200), "{host}: {statuses:?}: the burst passes without delay");
            assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{host}: {statuses:?}");
            until_eq("one more passes later", &200, || status(host, "/"));
        }
        for host in ["both.test", "both-lists.test"] {
            let statuses = in_a_row(host, 10).0;
            assert_eq!((statuses[..6].to_vec(), statuses[6..].to_vec()), (vec![200; 6], vec![429; 4]), "{host}");
        }
        assert_eq!(in_a_row("exempt.test", 20).0, [200; 20]);
        assert_eq!(at_once("exempt.test", "/?wait_ms=500", 5), [200; 5]);
        assert_eq!(at_once("busy.test", "/?wait_ms=4000", 10), [[200; 3].to_vec(), vec![509; 7]].concat());
        assert_eq!(at_once("busy.test", "/?wait_ms=100", 3), [200; 3], "those before are over");
    }

    fn clients_are_told_apart_by_what_the_settings_say(proxy) {
        let settings = config_map("settings", &[("limit-conn-zone-variable", "$http_x_client")]);
        let exempt = limited("exempt", &[("limit-rpm", "1"), ("limit-whitelist", "127.0.0.0/8")]);
        let busy = limited("busy", &[("limit-connections", "1")]);
        let objects = [running("s"), vec![settings, limited("often", &[("limit-rpm", "1")]), exempt, busy]].concat();
        let _world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let passed = |host: &str, client: Option<&str>| {
            let request = || client.iter().fold(Request::get(host, "/"), |request, client| request.header("X-Client", client));
            let statuses = (0..8).map(|_| send(&request()).map_or(0, |answer| answer.status));
            statuses.filter(|status| *status == 200).count()
        };
        // They differ behind what a table of HAProxy holds of a text.
        let long = "k".repeat(100);
        for client in ["one", "two", &format!("{long}1"), &format!("{long}2")] {
            assert_eq!(passed("often.test", Some(client)), 6, "{client}");
        }
        assert_eq!(passed("often.test", None), 6, "who says nothing is told apart by its address");
        assert_eq!(passed("often.test", None), 0);
        assert_eq!(passed("exempt.test", Some("one")), 8, "addresses are exempt as before");
        // Of a key that is too long nginx counts nothing.
        for client in ["one".to_owned(), "k".repeat(300)] {
            let held = std::thread::scope(|scope| {
                let ask = || send(&Request::get("busy.test", "/?wait_ms=3000").header("X-Client", &client)).map_or(0, |answer| answer.status);
                let askers: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
                askers.into_iter().map(|asker| asker.join().unwrap()).filter(|status| *status == 200).count()
            });
            // With HAProxy two that come in the same moment may keep each other out.
            assert!(held == 1 || held == 0 && !proxy.is_nginx(), "{held} with {} characters", client.len());
            until_eq("one alone passes", &200, || send(&Request::get("busy.test", "/").header("X-Client", &client)).map_or(0, |answer| answer.status));
        }
    }

    fn ann_4_9_without_settings_too_much_is_503(proxy) {
        let site = Site::of(proxy, "limit-usual");
        let [often, busy, off] = ["often", "busy", "off"].map(|name| site.host(name));
        let none = ["limit-rps", "limit-rpm", "limit-connections"].iter().fold(ingress("off"), |none, key| none.annotation(key, "0"));
        site.apply(&[running("s"), vec![
            ingress("often").prefix(&often, "/", "s").annotation("limit-rpm", "2"),
            ingress("busy").prefix(&busy, "/", "s").annotation("limit-connections", "2"),
            none.prefix(&off, "/", "s"),
        ]].concat());
        let statuses = in_a_row(&often, 15).0;
        assert_eq!(statuses[..11], [200; 11]);
        assert!(statuses[12..].iter().all(|status| *status == 503), "{statuses:?}");
        assert_eq!(at_once(&busy, "/?wait_ms=3000", 6), [200, 200, 503, 503, 503, 503]);
        assert_eq!(at_once(&off, "/?wait_ms=100", 30), [200; 30]);
    }

    fn ann_4_9_a_body_comes_as_fast_as_was_said(proxy) {
        const BODY: &str = "/?bytes=61440";
        let site = Site::of(proxy, "limit-rate");
        let [slow, after, free] = ["slow", "after", "free"].map(|name| site.host(name));
        let rate = |name: &str| ingress(name).annotation("proxy-buffering", "on").annotation("limit-rate", "20");
        site.apply(&[running("s"), vec![
            rate("slow").prefix(&slow, "/", "s"),
            rate("after").prefix(&after, "/", "s").annotation("limit-rate-after", "55"),
            ingress("free").prefix(&free, "/", "s").annotation("proxy-buffering", "on"),
        ]].concat());
        let took = |host: &str| {
            let begun = Instant::now();
            let answer = get(host, BODY).unwrap();
            assert_eq!((answer.status, answer.body.len()), (200, 61440), "{host}");
            begun.elapsed()
        };
        // Three seconds' worth, of which a second's may come at once. A slow machine makes no answer faster.
        let least = Duration::from_millis(1500);
        let (limited, unlimited) = (took(&slow), took(&free));
        let said = |key: &str| site.diagnostics().iter().filter(|line| line.contains(&format!("{key} "))).count();
        match proxy.kind {
            "nginx" => assert!(limited > least && unlimited < limited && took(&after) < limited, "{limited:?} {unlimited:?}"),
            _ if proxy == Proxy::HAPROXY_2_6 => assert_eq!(said("limit-rate"), 2, "{:?}", site.diagnostics()),
            _ => {
                assert!(limited > least && took(&after) > least && unlimited < limited, "{limited:?} {unlimited:?}");
                assert_eq!((said("limit-rate"), said("limit-rate-after")), (0, 1), "{:?}", site.diagnostics());
            }
        }
    }
}
