//! What clients bring along and are given: cookies of sessions, and what sends them to a canary. The entries of the reference
//! under 4.10 and 4.12, on every proxy.

use gatewright_e2e::client::{get, send, send_over_tls};
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, ingress, service, slice};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, all_running, running};
use gatewright_e2e::world::who;
use serde_json::Value;

fn sticky(name: &str, host: &str, annotations: &[(&str, &str)]) -> Value {
    let all = [("affinity", "cookie"), ("session-cookie-name", "route")].into_iter().chain(annotations.iter().copied());
    all.fold(ingress(name).prefix(host, "/", "s"), |ingress, (name, value)| ingress.annotation(name, value))
}

/// The attributes of the one cookie that is set.
fn attributes(answer: &Answer) -> String {
    let all: Vec<&str> = answer.all("set-cookie").collect();
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].starts_with("route="), "{all:?}");
    all[0].split_once(';').map_or("", |(_, rest)| rest.trim()).to_owned()
}

fn with(host: &str, headers: &[(&str, &str)]) -> String {
    send(&headers.iter().fold(Request::get(host, "/"), |request, (name, value)| request.header(name, value))).unwrap().word()
}

/// Hosts of a site, each with a canary of these rules.
fn canaries(site: &Site, all: &[(&str, &[(&str, &str)])]) -> Vec<Value> {
    let mut objects = all_running(&["next"]);
    for (name, rules) in all {
        let host = site.host(name);
        objects.extend(running(name));
        objects.push(ingress(name).prefix(&host, "/", name));
        let canary = ingress(&format!("{name}-canary")).prefix(&host, "/", "next").annotation("canary", "true");
        objects.push(rules.iter().fold(canary, |canary, (rule, value)| canary.annotation(rule, value)));
    }
    objects
}

on_every_proxy! {
    fn ann_4_10_the_cookie_has_what_was_written(proxy) {
        let site = Site::of(proxy, "cookie-attributes");
        let host = |name: &str| site.host(name);
        site.apply(&[running("s"), vec![
            sticky("plain", &host("plain"), &[]),
            sticky("all", &host("all"), &[
                ("session-cookie-path", "/shop"), ("session-cookie-domain", "a.test"), ("session-cookie-max-age", "100"),
                ("session-cookie-secure", "true"), ("session-cookie-samesite", "Lax"),
            ]),
            sticky("unsafe", &host("unsafe"), &[("session-cookie-secure", "false"), ("session-cookie-samesite", "strict")]),
            sticky("bad", &host("bad"), &[
                ("session-cookie-path", "/a; Domain=evil.test"), ("session-cookie-domain", "a b"), ("session-cookie-max-age", "soon"),
                ("session-cookie-samesite", "Loose"),
            ]),
        ]].concat());
        assert_eq!(attributes(&get(&host("plain"), "/").unwrap()), "Path=/; HttpOnly");
        assert_eq!(attributes(&get(&host("all"), "/").unwrap()), "Max-Age=100; Domain=a.test; Path=/shop; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(attributes(&get(&host("unsafe"), "/").unwrap()), "Path=/; HttpOnly; SameSite=Strict");
        let over_tls = send_over_tls(Some(&host("unsafe")), &Request::get(&host("unsafe"), "/")).unwrap();
        assert_eq!(attributes(&over_tls), "Path=/; Secure; HttpOnly; SameSite=Strict");
        assert_eq!(attributes(&get(&host("bad"), "/").unwrap()), "Path=/; HttpOnly");
    }

    fn ann_4_10_the_cookie_ends_when_it_was_said_to(proxy) {
        let site = Site::of(proxy, "cookie-ends");
        let [expires, both] = ["expires", "both"].map(|name| site.host(name));
        site.apply(&[running("s"), vec![
            sticky("expires", &expires, &[("session-cookie-expires", "172800")]),
            sticky("both", &both, &[("session-cookie-expires", "60"), ("session-cookie-max-age", "259200")]),
        ]].concat());
        let said = attributes(&get(&expires, "/").unwrap());
        // nginx cannot compute a date.
        let wanted = if proxy.is_nginx() { "Max-Age=172800; " } else { "Expires=" };
        assert!(said.starts_with(wanted), "{said}");
        assert!(attributes(&get(&both, "/").unwrap()).contains("Max-Age=259200"));
    }

    fn ann_4_10_browsers_that_take_none_for_strict_are_spared(proxy) {
        let site = Site::of(proxy, "cookie-spared");
        let host = site.host("a");
        let spared = [("session-cookie-samesite", "None"), ("session-cookie-conditional-samesite-none", "true")];
        site.apply(&[running("s"), vec![sticky("a", &host, &spared)]].concat());
        let told = |agent: &str| attributes(&send(&Request::get(&host, "/").header("User-Agent", agent)).unwrap()).contains("SameSite=None");
        for old in [
            "Mozilla/5.0 (X11) Chrome/51.0.2704 Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 12_4 like Mac OS X) Safari/604.1",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) Version/12.1 Safari/605.1",
        ] {
            assert!(!told(old), "{old}");
        }
        for new in ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) Chrome/120.0 Safari/537.36", "Mozilla/5.0 Chrome/120.0", "curl/8"] {
            assert!(told(new), "{new}");
        }
    }

    fn ann_4_12_a_header_has_a_value_or_a_pattern(proxy) {
        let site = Site::of(proxy, "canary-headers");
        site.apply(&canaries(&site, &[
            ("value", &[("canary-by-header", "X-Try"), ("canary-by-header-value", "DoCanary"), ("canary-by-cookie", "try")]),
            ("pattern", &[("canary-by-header", "X-Try"), ("canary-by-header-pattern", "^Do[A-Z][a-z]+y$")]),
            ("broken", &[("canary-by-header", "X-Try"), ("canary-by-header-pattern", "[["), ("canary-by-cookie", "try")]),
        ]));
        let host = |name: &str| site.host(name);
        for (value, wanted) in [("DoCanary", "next"), ("docanary", "value"), ("always", "value"), ("never", "value")] {
            assert_eq!(with(&host("value"), &[("X-Try", value)]), wanted, "{value}");
        }
        assert_eq!(with(&host("value"), &[("X-Try", "never"), ("Cookie", "try=always")]), "next", "another value leaves it to the next rule");
        assert_eq!(with(&host("value"), &[("X-Try", "DoCanary"), ("Cookie", "try=never")]), "next");
        for (value, wanted) in [("DoCanary", "next"), ("Docanary", "pattern"), ("always", "pattern")] {
            assert_eq!(with(&host("pattern"), &[("X-Try", value)]), wanted, "{value}");
        }
        assert_eq!(with(&host("broken"), &[("X-Try", "any"), ("Cookie", "try=always")]), "broken", "a broken pattern is never the canary");
        assert_eq!(with(&host("broken"), &[("Cookie", "try=always")]), "next");
    }

    fn ann_4_12_weights_are_parts_of_a_total_of_at_least_a_hundred(proxy) {
        let site = Site::of(proxy, "canary-weights");
        site.apply(&canaries(&site, &[
            ("all", &[("canary-weight", "1000"), ("canary-weight-total", "1000")]),
            ("more", &[("canary-weight", "200")]),
            ("none", &[("canary-weight", "-1"), ("canary-weight-total", "1000")]),
            ("few", &[("canary-weight", "5"), ("canary-weight-total", "10")]),
            ("half", &[("canary-weight", "100"), ("canary-weight-total", "200")]),
        ]));
        let share = |name: &str| (0..200).filter(|_| who(&site.host(name), "/") == "next").count();
        assert_eq!(["all", "more", "none"].map(share), [200, 200, 0]);
        let (few, half) = (share("few"), share("half"));
        assert!(few < 40 && (55..145).contains(&half), "5 of at least 100: {few}, half: {half}");
    }

    fn ann_4_12_a_session_stays_where_it_began_unless_it_is_told_not_to(proxy) {
        let site = Site::of(proxy, "canary-sessions");
        let mut objects = running("next");
        for behavior in ["sticky", "legacy"] {
            let host = site.host(behavior);
            objects.extend(running(behavior));
            objects.push(ingress(behavior).prefix(&host, "/", behavior).annotation("affinity", "cookie").annotation("session-cookie-name", "route"));
            objects.push(
                ingress(&format!("{behavior}-canary")).prefix(&host, "/", "next").annotation("canary", "true")
                    .annotation("canary-by-header", "X-Try").annotation("affinity-canary-behavior", behavior),
            );
        }
        // One Service cannot be the canary of both with two minds about sessions.
        let legacy = objects.iter_mut().find(|object| object["metadata"]["name"] == "legacy-canary").unwrap();
        legacy["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = "other".into();
        objects.extend(running("other"));
        site.apply(&objects);
        let first = |behavior: &str| send(&Request::get(&site.host(behavior), "/").header("X-Try", "always")).unwrap();
        let sticky = first("sticky");
        let cookie = sticky.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        assert_eq!(sticky.word(), "next");
        assert!((0..20).all(|_| with(&site.host("sticky"), &[("Cookie", &cookie)]) == "next"));
        for cookie in [&cookie, &cookie.replace("route=", "ROUTE=")] {
            assert_eq!(with(&site.host("sticky"), &[("Cookie", cookie), ("X-Try", "never")]), "next", "the session comes first: {cookie}");
        }
        let legacy = first("legacy");
        assert_eq!((legacy.word().as_str(), legacy.header("set-cookie")), ("other", None));
        let main = get(&site.host("legacy"), "/").unwrap();
        let cookie = main.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        assert_eq!(with(&site.host("legacy"), &[("Cookie", &cookie), ("X-Try", "always")]), "legacy", "a session of the main one stays");
    }

    fn ann_4_12_nobody_is_sent_to_a_canary_without_endpoints(proxy) {
        let site = Site::of(proxy, "canary-empty");
        let [canary, main] = ["canary", "main"].map(|name| site.host(name));
        let all = |name: &str| ingress(name).annotation("canary", "true").annotation("canary-weight", "100");
        site.apply(&[all_running(&["s", "next"]), vec![
            service("empty"), slice("empty", &[]),
            ingress("a").prefix(&canary, "/", "s"), all("a-canary").prefix(&canary, "/", "empty"),
            ingress("b").prefix(&main, "/", "empty"), all("b-canary").prefix(&main, "/", "next"),
        ]].concat());
        assert_eq!([who(&canary, "/"), who(&main, "/")], ["s", "503"]);
    }
}
