//! Settings that cannot be used: what of them holds, and what held before.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::echo::new_pod;
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, text};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::until_eq;
use gatewright_e2e::world::World;
use nix::sys::signal::Signal;
use serde_json::Value;

fn settings(data: &[(&str, &str)]) -> Value {
    config_map("settings", &[&[("use-forwarded-headers", "true")], data].concat())
}

/// A host `h.test`, one that everybody may ask, and these settings.
fn world(proxy: Proxy, data: &[(&str, &str)]) -> World {
    let open = ingress("o").prefix("open.test", "/", "s").annotation("whitelist-source-range", "0.0.0.0/0");
    let objects = [running("s"), vec![ingress("h").prefix("h.test", "/", "s"), open]].concat();
    World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &[settings(data)]).manifest("i.yaml", &objects).start()
}

/// What a client of this address gets.
fn from(address: &str) -> [u16; 2] {
    ["h.test", "open.test"].map(|host| send(&Request::get(host, "/").header("X-Forwarded-For", address)).unwrap().status)
}

on_every_proxy! {
    fn what_keeps_out_is_what_it_was_until_it_can_be_read_again(proxy) {
        let world = world(proxy, &[("block-cidrs", "192.0.2.0/24")]);
        let told = || world.diagnostics().iter().any(|line| line.contains("block-cidrs: "));
        assert_eq!((from("192.0.2.1"), told()), ([403, 403], false));
        for (list, other) in [("nonsense", 200), ("nonsense,198.51.100.0/24", 403), ("nonsense", 403)] {
            world.apply("c.yaml", &[settings(&[("block-cidrs", list)])]);
            assert_eq!((from("192.0.2.1"), from("198.51.100.1"), told()), ([403, 403], [other, other], true), "{list}");
        }
        world.apply("c.yaml", &[settings(&[])]);
        assert_eq!((from("192.0.2.1"), told()), ([200, 200], false));
        // Every route answers 503 then, also to whoever asks whether the edit is live.
        world.write("c.yaml", &text(&[settings(&[("block-cidrs", "nonsense")])]));
        until_eq("nothing was said before, as at a first start", &([503, 503], true), || (from("198.51.100.1"), told()));
    }

    fn who_may_ask_is_who_might_until_it_can_be_read_again(proxy) {
        let world = world(proxy, &[("whitelist-source-range", "nonsense")]);
        assert_eq!(from("127.0.0.1"), [503, 200], "nothing is known of who may ask");
        world.write("j.yaml", &text(&[ingress("j").prefix("j.test", "/", "s")]));
        until_eq("so it is when that has been taken", &(503, [503, 200]), || (get("j.test", "/").unwrap().status, from("127.0.0.1")));
        for (list, other) in [("127.0.0.0/8", 403), ("all", 403), ("all,127.0.0.0/8,192.0.2.0/24", 200), ("all", 200)] {
            world.apply("c.yaml", &[settings(&[("whitelist-source-range", list)])]);
            assert_eq!([from("127.0.0.1"), from("192.0.2.1")], [[200, 200], [other, 200]], "{list}");
        }
    }

    fn a_restart_knows_what_was_taken_before(proxy) {
        let world = world(proxy, &[("block-cidrs", "192.0.2.0/24")]);
        assert_eq!(from("192.0.2.1"), [403, 403]);
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
        world.write("c.yaml", &text(&[settings(&[("block-cidrs", "nonsense")])]));
        world.start_controller();
        world.until_ready();
        world.apply("j.yaml", &[ingress("j").prefix("j.test", "/", "s")]);
        assert_eq!([from("192.0.2.1"), from("127.0.0.1")], [[403, 403], [200, 200]], "{:?}", world.diagnostics());
        // Of another list nothing is known, with or without a restart.
        world.write("c.yaml", &text(&[settings(&[("block-cidrs", "nonsense"), ("whitelist-source-range", "nonsense")])]));
        until_eq("the new list closes", &[503, 200], || from("127.0.0.1"));
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
        world.start_controller();
        world.until_ready();
        until_eq("so it does after a start", &([503, 200], 403), || (from("127.0.0.1"), from("192.0.2.1")[1]));
    }

    fn a_bad_entry_of_a_first_list_closes_where_it_may_keep_somebody_out(proxy) {
        for (key, listed, other) in [
            ("block-cidrs", [503, 503], [503, 503]),
            ("denylist-source-range", [503, 503], [503, 503]),
            ("whitelist-source-range", [200, 200], [403, 200]),
        ] {
            let world = world(proxy, &[(key, "nonsense,192.0.2.0/24")]);
            assert_eq!([from("192.0.2.1"), from("127.0.0.1")], [listed, other], "{key}");
            assert!(world.diagnostics().iter().any(|line| line.contains(key) && line.contains("nonsense")), "{key}");
        }
    }

    fn attack_262_a_bad_global_auth_url_asks_whom_it_asked(proxy) {
        let auth = new_pod("auth");
        let url = format!("http://{auth}:8080/?status=401");
        let world = world(proxy, &[("global-auth-url", &url)]);
        let asked = || get("h.test", "/").unwrap().status;
        assert_eq!(asked(), 401);
        // The service says no to whoever asks whether an edit is live, too.
        let edit = |url: &str| world.write("c.yaml", &text(&[settings(&[("global-auth-url", url)])]));
        let told = |url: &str| world.diagnostics().iter().any(|line| line.contains(url) && line.contains("its value before still counts"));
        for bad in ["nonsense", "ftp://auth.example/", "http://[::1"] {
            edit(bad);
            until_eq(bad, &(true, 401), || (told(bad), asked()));
        }
        let start_anew = || {
            world.start_controller();
            world.until_ready();
        };
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
        start_anew();
        until_eq("a start changes nothing, and it is told as long as it is so", &(true, 401), || (told("http://[::1"), asked()));
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
        std::fs::write(world.state().join("settings.json"), "{").unwrap();
        start_anew();
        until_eq("nothing is known of before", &(false, 503), || (told("http://[::1"), asked()));
        edit(&url);
        until_eq("it is mended", &401, asked);
        edit("");
        until_eq("it is gone", &200, asked);
    }

    fn sizes_that_no_machine_has_are_told_and_leave_their_default(proxy) {
        let sizes = [("large-client-header-buffers", "1000 1g"), ("ssl-session-cache-size", "900g"), ("max-worker-connections", "9999999")];
        let world = world(proxy, &sizes);
        let long = send(&Request::get("h.test", "/").header("X-Long", &"x".repeat(7000))).unwrap();
        assert_eq!((long.status, from("127.0.0.1")), (200, [200, 200]));
        let said = world.diagnostics();
        for (key, _) in sizes {
            assert!(said.iter().any(|line| line.contains(&format!("{key}: ")) && line.contains("more than can be used")), "{key}: {said:?}");
        }
    }

    fn what_settings_said_outlasts_their_objects(proxy) {
        let world = world(proxy, &[
            ("http-snippet", "more_clear_input_headers X-User;\nvhost_traffic_status_zone;\nlimit_req_zone $binary_remote_addr zone=a:1m rate=1r/m;"),
            ("proxy-set-headers", "default/headers"),
            ("location-snippet", "limit_req zone=a burst=1000 nodelay;"),
            ("annotation-value-word-blocklist", "evil"),
        ]);
        world.apply("s.yaml", &[config_map("headers", &[("X-Role", "")])]);
        world.apply("j.yaml", &[ingress("j").prefix("j.test", "/", "s").annotation("upstream-vhost", "evil.test")]);
        let seen = || {
            let answer = send(&Request::get("h.test", "/").header("X-User", "admin").header("X-Role", "admin").header("X-Else", "e")).unwrap();
            let received = if answer.status == 200 { ["X-User", "X-Role", "X-Else"].map(|name| answer.received(name)) } else { [const { None }; 3] };
            (answer.status, received, get("j.test", "/").unwrap().status)
        };
        let expected = (200, [None, None, Some("e".to_owned())], 404);
        assert_eq!(seen(), expected, "{:?}", world.diagnostics());
        ["s.yaml", "c.yaml"].iter().for_each(|file| world.remove(file));
        world.apply("k.yaml", &[ingress("k").prefix("k.test", "/", "s")]);
        assert_eq!(seen(), expected, "{:?}", world.diagnostics());
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
        world.start_controller();
        world.until_ready();
        world.apply("l.yaml", &[ingress("l").prefix("l.test", "/", "s")]);
        assert_eq!(seen(), expected, "{:?}", world.diagnostics());
        world.apply("c.yaml", &[config_map("settings", &[])]);
        let all = ["admin", "admin", "e"].map(|value| Some(value.to_owned()));
        assert_eq!(seen(), (200, all, 200), "it is there, and says nothing: {:?}", world.diagnostics());
    }

    fn headers_for_endpoints_are_what_they_were(proxy) {
        let world = world(proxy, &[("proxy-set-headers", "default/headers")]);
        world.apply("s.yaml", &[config_map("headers", &[("X-Test", "one")])]);
        let received = |name: &str| get("h.test", "/").unwrap().received(name);
        assert_eq!(received("X-Test").as_deref(), Some("one"));
        world.apply("s.yaml", &[config_map("headers", &[("X-Test", "a\r\nX-Pwned: 1"), ("X-Other", "y")])]);
        assert_eq!(["X-Test", "X-Other", "X-Pwned"].map(received), [Some("one".to_owned()), Some("y".to_owned()), None]);
    }

    fn a_header_for_endpoints_that_cannot_be_said_is_nobodys(proxy) {
        let settings = settings(&[
            ("proxy-set-headers", "default/headers"), ("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical"),
        ]);
        // HAProxy has no word for the length of a request.
        let length = "$request_length";
        let headers = config_map("headers", &[("X-Length", length), ("X-Bad", "$nonsense"), ("Host", length), ("X-Named", "$namespace $nonsense")]);
        let snippet = format!("proxy_set_header X-Snippet {length};");
        let route = ingress("h").prefix("h.test", "/", "s").annotation("configuration-snippet", &snippet);
        let objects = [running("s"), vec![settings, headers, route]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let names = ["X-Length", "X-Bad", "X-Named", "X-Snippet"];
        let request = names.iter().fold(Request::get("h.test", "/"), |request, name| request.header(name, "client"));
        let answer = send(&request).unwrap();
        let received = names.map(|name| answer.received(name));
        let is_length = |told: &Option<String>| told.as_ref().is_some_and(|told| told.parse::<u32>().is_ok());
        let [whole, bad, named, snippet] = &received;
        assert_eq!([bad, named], [&None, &None], "{:?}", world.diagnostics());
        if proxy.is_nginx() {
            assert!(is_length(whole) && is_length(snippet), "{received:?}");
        } else {
            assert_eq!([whole, snippet], [&None, &None]);
            assert_eq!(answer.received("Host").as_deref(), Some("h.test"), "a request has one");
        }
        let said = world.diagnostics();
        let has = |count, text: &str| assert_eq!(said.iter().filter(|line| line.contains(text)).count(), count, "{text}: {said:?}");
        has(if proxy.is_nginx() { 2 } else { 3 }, "endpoints do not get it from clients either");
        has(if proxy.is_nginx() { 0 } else { 1 }, "so the header X-Snippet is not sent");
    }
}
