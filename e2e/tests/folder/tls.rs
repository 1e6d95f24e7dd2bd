//! TLS: which certificate a handshake gets, redirects to HTTPS, HSTS.

use gatewright_e2e::client::{certificate, certificate_by_dhe, certificate_for_bytes, connect, get, get_over_tls, send, send_over_tls};
use gatewright_e2e::http1::{Answer, Request};
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, secret, secret_with};
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::tls::{self, Pair, key_file};
use gatewright_e2e::wait::until_eq;
use gatewright_e2e::world::{World, send as send_signal, who, who_over_tls};
use gatewright_e2e::{on_every_version, on_proxies};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::io::Write;

/// The `Location` of a redirect with its status.
fn redirect(request: &Request) -> (u16, String) {
    let answer = send(request).unwrap();
    (answer.status, answer.header("location").unwrap_or_default().to_owned())
}

on_every_version! {
    fn tls_1_to_19_the_secret_of_the_host_is_shown(proxy) {
        let site = Site::of(proxy, "tls");
        let own = |name: &str| site.host(name);
        let host = |name: &str, tls: &[&str], secret: &str| ingress(name).created(1).prefix(&own(name), "/", "s").tls(tls, secret);
        let [good, wild, common, expired] = [
            Pair::new(&[&own("good"), &own("by-san")]),
            Pair::new(&[&own("*.foo"), &own("*")]),
            Pair::for_common_name(&own("common")),
            Pair::expired(&[&own("expired")]),
        ];
        let (h, foreign) = (own("good"), Pair::new(&["not.foo"]));
        let objects = vec![
            secret("good", &good),
            secret("wild", &wild),
            secret("common", &common),
            secret("expired", &expired),
            secret("foreign", &foreign),
            secret_with("empty", "Opaque", "", ""),
            secret_with("mixed", "kubernetes.io/tls", &good.certificate, &wild.key),
            secret_with("garbage", "kubernetes.io/tls", "no pem", "no pem"),
            host("good", &[&h], "good"),
            host("missing", &[&own("missing")], "no-such-secret"),
            host("empty", &[&own("empty")], "empty"),
            host("mixed", &[&own("mixed")], "mixed"),
            host("garbage", &[&own("garbage")], "garbage"),
            host("foreign", &[&own("foreign")], "foreign"),
            host("by-san", &[], "good"),
            host("a.foo", &[&own("*.foo")], "wild"),
            ingress("wild").prefix(&own("*.w"), "/", "s").tls(&[&own("*.w")], "w"),
            secret("w", &Pair::new(&[&own("*.w")])),
            ingress("under-wild").prefix(&own("a.w"), "/", "s"),
            host("common", &[&own("common")], "common"),
            host("expired", &[&own("expired")], "expired"),
            host("older", &[&own("older")], "no-such-secret"),
            ingress("later").created(2).prefix(&own("older"), "/b", "s").tls(&[&own("older")], "wild"),
            ingress("no-tls").created(1).prefix(&own("both"), "/", "s"),
            ingress("with-tls").created(2).prefix(&own("both"), "/b", "s").tls(&[&own("both")], "wild"),
            ingress("plain").prefix(&own("plain"), "/", "s"),
        ];
        let w: Vec<u8> = {
            site.apply(&[running("s"), objects].concat());
            certificate(Some(&own("b.w"))).unwrap()
        };
        let fallback = certificate(None).unwrap();
        let shown = |name: &str| certificate(Some(&own(name))).unwrap();
        let cases = [
            ("TLS-1", "good", &good.der),
            ("TLS-2", "missing", &fallback),
            ("TLS-3", "empty", &fallback),
            ("a key of another certificate", "mixed", &fallback),
            ("no PEM", "garbage", &fallback),
            ("TLS-8, TLS-19", "foreign", &fallback),
            ("TLS-9", "by-san", &good.der),
            ("TLS-10", "a.foo", &wild.der),
            ("TLS-11", "a.w", &w),
            ("TLS-12", "older", &fallback),
            ("TLS-13", "both", &wild.der),
            ("TLS-14", "expired", &expired.der),
            ("TLS-15", "common", &common.der),
            ("no TLS section", "plain", &fallback),
        ];
        let wrong: Vec<_> = cases.iter().filter(|(_, name, wanted)| shown(name) != **wanted).map(|(id, ..)| id).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_ne!(w, fallback);
        assert_eq!(certificate(Some(&own("GOOD").to_uppercase())).unwrap(), good.der, "names have no case");
        for (name, wanted) in [("GOOD", &good.der), ("a.foo", &wild.der), ("b.w", &w), ("plain", &fallback)] {
            let name = own(name);
            let sent = [name.clone(), format!("{name}."), format!("{}.", name.to_uppercase())];
            assert_eq!(sent.map(|name| certificate_for_bytes(&name).unwrap()), [(); 3].map(|()| wanted.clone()), "TLS-16: {name}");
        }
        let hosts = ["good", "missing", "mixed", "foreign", "expired", "plain", "a.w"];
        assert_eq!(hosts.map(|name| who_over_tls(&own(name), "/")), hosts.map(|_| "s"), "whatever is shown, it is served");
        assert_eq!(send_over_tls(None, &Request::get("127.0.0.1", "/")).unwrap().status, 404, "TLS-17");
        let told = site.diagnostics();
        assert!(told.iter().any(|line| line.contains("tls/expired") && line.contains("is expired")), "TLS-14: {told:#?}");
        for part in ["tls/no-such-secret", "tls/empty", "tls/mixed", "tls/garbage", "tls/foreign"] {
            assert!(told.iter().any(|line| line.contains(part)), "{part}: {told:#?}");
        }
        let log = World::shared(proxy).log();
        for line in [told.iter().map(String::as_str).collect::<Vec<_>>().join("\n"), log] {
            let is_told = line.lines().any(|line| line.contains("tls/empty") && line.contains("it has no tls.crt"));
            assert!(is_told, "TLS-3: the Secret and what it lacks: {line}");
        }
    }

    fn tls_4_to_7_18_secrets_come_change_break_and_go(proxy) {
        let site = Site::of(proxy, "tls-4");
        let h = site.host("h");
        let [first, second] = [Pair::new(&[&h]), Pair::new(&[&h])];
        let apply = |secrets: &[Value]| {
            let ingress = ingress("a").prefix(&h, "/", "s").tls(&[&h], "s");
            site.apply(&[running("s"), secrets.to_vec(), vec![ingress]].concat());
            certificate(Some(&h)).unwrap()
        };
        let fallback = apply(&[]);
        assert_eq!(fallback, certificate(None).unwrap());
        assert_eq!(apply(&[secret("s", &first)]), first.der, "TLS-4");
        // Not idle, so it is nobody's to close.
        let mut open = tls::connect(connect(443).unwrap(), Some(&h), &[]).unwrap();
        let request = Request::get(&h, "/").bytes(true);
        let (begun, rest) = request.split_at(request.len() / 2);
        open.write_all(begun).unwrap();
        open.flush().unwrap();
        assert_eq!(apply(&[secret("s", &second)]), second.der, "TLS-5");
        assert_eq!(tls::shown(&open), first.der);
        open.write_all(rest).unwrap();
        open.flush().unwrap();
        assert_eq!(Answer::read(&mut open, false).unwrap().word(), "s", "TLS-5: the old connection is unharmed");
        assert_eq!(apply(&[secret_with("s", "kubernetes.io/tls", "garbage", "garbage")]), second.der, "TLS-6: the last good one stays");
        assert_eq!(apply(&[]), fallback, "TLS-7");
        assert_eq!(who(&h, "/"), "308");
        site.apply(&[running("s"), vec![ingress("a").prefix(&h, "/", "s")]].concat());
        assert_eq!(who(&h, "/"), "s", "TLS-18");
    }

    fn tls_8_21_the_default_certificate_is_configured(proxy) {
        let pair = Pair::new(&["fallback.test"]);
        let world = World::of(proxy).arg("--default-ssl-certificate=default/fallback").arg("--configmap=default/settings");
        let world = world.manifest("s.yaml", &[running("s"), vec![secret("fallback", &pair)]].concat()).start();
        world.apply("i.yaml", &[ingress("a").prefix("h.test", "/", "s").tls(&["h.test"], "missing")]);
        let shown = || [certificate(Some("h.test")).unwrap(), certificate(None).unwrap(), certificate(Some("x.test")).unwrap()];
        assert_eq!(shown(), [&pair.der, &pair.der, &pair.der].map(Clone::clone), "TLS-8");
        let renewed = Pair::new(&["fallback.test"]);
        world.apply("s.yaml", &[running("s"), vec![secret("fallback", &renewed)]].concat());
        assert_eq!(shown(), [&renewed.der, &renewed.der, &renewed.der].map(Clone::clone));
        world.apply("c.yaml", &[config_map("settings", &[("ssl-reject-handshake", "true")])]);
        assert!(certificate(Some("x.test")).is_err(), "TLS-21");
        assert_eq!(who_over_tls("h.test", "/"), "s", "TLS-21: known hosts are fine");
    }

    fn ciphers_with_dhe_are_there_where_ssl_dh_param_is(proxy) {
        let kind = "rsa";
        let host = format!("{kind}.curves.test");
        let params = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "dh"}, "stringData": {"dhparam.pem": key_file("ffdhe2048.pem")}});
        let route = ingress("a").prefix(&host, "/", "s").tls(&[&host], kind);
        let objects = [running("s"), vec![secret(kind, &Pair::of_kind(kind)), params, route]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings");
        let world = world.manifest("c.yaml", &[config_map("settings", &[])]).manifest("i.yaml", &objects).start();
        let wanted = Pair::of_kind(kind).der;
        assert_eq!((certificate_for_bytes(&host).unwrap(), certificate_by_dhe(&host).is_err()), (wanted.clone(), true));
        world.apply("c.yaml", &[config_map("settings", &[("ssl-dh-param", "default/dh")])]);
        assert_eq!(certificate_by_dhe(&host).unwrap(), wanted);
        world.apply("c.yaml", &[config_map("settings", &[])]);
        assert!(certificate_by_dhe(&host).is_err());
    }

    fn tls_15_certificates_that_only_clients_refuse_are_served(proxy) {
        let kinds = ["version-1", "unknown-critical"];
        let host = |kind: &str| format!("{kind}.curves.test");
        let route = |kind: &str| ingress(kind).prefix(&host(kind), "/", "s").tls(&[&host(kind)], kind);
        let objects = kinds.iter().flat_map(|kind| [secret(kind, &Pair::of_kind(kind)), route(kind)]);
        let world = World::of(proxy).manifest("s.yaml", &objects.chain(running("s")).collect::<Vec<_>>()).start();
        kinds.iter().for_each(|kind| assert_eq!(certificate_for_bytes(&host(kind)).unwrap(), Pair::of_kind(kind).der, "{kind}"));
        assert!(!world.diagnostics().iter().any(|line| line.starts_with("GW0403")), "{:#?}", world.diagnostics());
    }

    fn keys_of_kinds_that_only_the_proxy_can_check_are_served_and_a_broken_pair_costs_its_own_name(proxy) {
        let kinds = ["p521", "ed448", "rsa-pss", "secp256k1"];
        let host = |kind: &str| format!("{kind}.curves.test");
        let route = |kind: &str| ingress(kind).prefix(&host(kind), "/", "s").tls(&[&host(kind)], kind);
        let plain = Pair::new(&["plain.test"]);
        let neighbour = [secret("plain", &plain), ingress("plain").prefix("plain.test", "/", "s").tls(&["plain.test"], "plain")];
        let good = kinds.map(|kind| secret(kind, &Pair::of_kind(kind))).into_iter().chain(kinds.map(route));
        let world = World::of(proxy).manifest("s.yaml", &[running("s"), neighbour.to_vec(), good.collect()].concat()).start();
        let fallback = certificate(None).unwrap();
        let shown = |kind: &str| certificate(Some(&host(kind))).unwrap();
        // No client here speaks secp256k1.
        let all_good = |kinds: &[&str]| {
            kinds.iter().for_each(|kind| assert_eq!(shown(kind), Pair::of_kind(kind).der, "{kind}"));
            assert_eq!(certificate(Some("plain.test")).unwrap(), plain.der);
        };
        let told = |code: &str, kind: &str| world.diagnostics().iter().any(|line| line.starts_with(code) && line.contains(&format!("Secret default/{kind} ")));
        all_good(&kinds[..3]);
        kinds.iter().for_each(|kind| assert!(told("GW0407", kind) && !told("GW0403", kind), "{kind}: {:#?}", world.diagnostics()));

        // Nothing in the key tells whose it is, so it is the proxy who finds out.
        let mixed = |name: &str, kind: &str, key: &str| secret_with(name, "kubernetes.io/tls", &Pair::of_kind(kind).certificate, &key_file(key));
        let broken = [mixed("bad-ed", "ed448", "other-ed448.key"), route("bad-ed"), mixed("bad-ec", "p521", "other-p521-alone.key"), route("bad-ec")];
        world.apply("bad.yaml", &broken);
        assert_eq!([shown("bad-ed"), shown("bad-ec")], [&fallback; 2].map(Clone::clone));
        assert_eq!(["bad-ed", "bad-ec"].map(|kind| who_over_tls(&host(kind), "/")), ["s", "s"], "the route is fine");
        assert!(["bad-ed", "bad-ec"].iter().all(|kind| told("GW0403", kind)), "{:#?}", world.diagnostics());
        assert!(world.diagnostics().iter().all(|line| !line.starts_with("GW0701")), "it is no fault of the Ingress");
        all_good(&kinds[..3]);

        // One that was fine is renewed with a pair that is not.
        world.apply("bad.yaml", &[mixed("bad-ed", "ed448", "other-ed448.key"), route("bad-ed"), secret("bad-ec", &Pair::of_kind("p521")), route("bad-ec")]);
        assert_eq!([shown("bad-ed"), shown("bad-ec")], [fallback.clone(), Pair::of_kind("p521").der], "what is mended is served");
        let once = Pair::new(&["bad-ed.curves.test"]);
        world.apply("bad.yaml", &[secret("bad-ed", &once), route("bad-ed"), secret("bad-ec", &Pair::of_kind("p521")), route("bad-ec")]);
        world.apply("bad.yaml", &[mixed("bad-ed", "ed448", "other-ed448.key"), route("bad-ed"), mixed("bad-ec", "p521", "other-p521-alone.key"), route("bad-ec")]);
        let kept = || {
            assert_eq!([shown("bad-ed"), shown("bad-ec")], [once.der.clone(), Pair::of_kind("p521").der], "the last good ones stay");
            assert!(["bad-ed", "bad-ec"].iter().all(|kind| told("GW0403", kind)), "{:#?}", world.diagnostics());
            all_good(&kinds[..3]);
        };
        kept();
        world.end_controller(Signal::SIGTERM);
        world.start_controller();
        world.until_ready();
        kept();
        world.apply("bad.yaml", &[secret("bad-ed", &Pair::of_kind("ed448")), route("bad-ed"), route("bad-ec")]);
        assert_eq!([shown("bad-ed"), shown("bad-ec")], [Pair::of_kind("ed448").der, fallback], "what is gone is gone");
    }

    fn red_1_to_17_19_and_mrg_9_hosts_with_tls_redirect_to_it(proxy) {
        let site = Site::of(proxy, "red");
        let [h, plain, empty, other, forced, off] = ["h", "plain", "empty", "other", "forced", "off"].map(|name| site.host(name));
        let (wild, exact, moved) = (site.host("*.w"), site.host("a.w"), site.host("moved"));
        site.apply(&[running("s"), vec![
            ingress("h").prefix(&h, "/", "s").tls(&[&h], "missing"),
            ingress("acme").prefix(&h, "/.well-known/acme-challenge/tok", "s"),
            ingress("plain").prefix(&plain, "/", "s"),
            ingress("empty").prefix(&empty, "/", "s").tls(&[], ""),
            ingress("other").prefix(&other, "/", "s").tls(&["elsewhere.test"], ""),
            ingress("forced").prefix(&forced, "/", "s").annotation("force-ssl-redirect", "true"),
            ingress("off").prefix(&off, "/", "s").tls(&[&off], "").annotation("ssl-redirect", "false"),
            ingress("wild").prefix(&wild, "/", "s").tls(&[&wild], ""),
            ingress("exact").prefix(&exact, "/", "s"),
            ingress("moved").prefix(&moved, "/", "s").tls(&[&moved], "").annotation("permanent-redirect", "http://new.test/x"),
            ingress("mrg-9-a").created(1).prefix(&site.host("mrg9"), "/a", "s").tls(&[], ""),
            ingress("mrg-9-b").created(2).prefix(&site.host("mrg9"), "/b", "s"),
        ]].concat());
        let to = |target: &str| (308, format!("https://{h}{target}"));
        assert_eq!(redirect(&Request::get(&h, "/")), to(""), "RED-1, RED-4");
        assert_eq!(redirect(&Request::get(&h, "/foo/")), to("/foo"), "RED-2");
        assert_eq!(redirect(&Request::get(&h, "/foo?a=/")), to("/foo?a="), "RED-3");
        assert_eq!(redirect(&Request::get(&format!("{h}:8080"), "/a?b")), to("/a?b"), "RED-10");
        assert_eq!(redirect(&Request::get(&h, "/").header("X-Forwarded-Proto", "https")), to(""), "RED-13");
        assert_eq!(redirect(&Request::get(&h, "/").header("X-Forwarded-Host", "example.com")), to(""), "only the host that was asked for");
        assert_eq!([who(&plain, "/"), who(&off, "/")], ["s", "s"], "RED-5, RED-17");
        assert_eq!([&empty, &other, &exact, &forced].map(|host| who(host, "/")), ["308", "308", "308", "308"], "RED-6, 7, 9, 15");
        assert_eq!(who(&h, "/.well-known/acme-challenge/tok"), "s", "RED-16");
        assert_eq!(who(&site.host("mrg9"), "/b"), "308", "MRG-9");
        assert_eq!(redirect(&Request::get(&moved, "/a?b")), (301, "http://new.test/x".to_owned()), "RED-19: that of the annotation, at once");
        assert_eq!(who_over_tls(&h, "/foo/"), "s", "no redirect on TLS");
    }

    fn red_11_12_18_and_hst5_2_3_5_redirects_and_hsts_follow_the_settings(proxy) {
        let settings = [("use-forwarded-headers", "true"), ("http-redirect-code", "301"), ("hsts-max-age", "86400"), ("hsts-include-subdomains", "false")];
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &[config_map("settings", &settings)]).start();
        world.apply("i.yaml", &[running("s"), vec![ingress("a").prefix("h.test", "/", "s").tls(&["h.test"], "")]].concat());
        let seen = redirect(&Request::get("h.test", "/").header("X-Forwarded-Host", "example.com:80"));
        assert_eq!(seen, (301, "https://example.com".to_owned()), "RED-11, RED-18");
        let answer = send(&Request::get("h.test", "/").header("X-Forwarded-Proto", "https")).unwrap();
        assert_eq!((answer.word(), answer.header("Strict-Transport-Security")), ("s".to_owned(), None), "RED-12, HST5-5");
        assert_eq!(get_over_tls("h.test", "/").unwrap().header("Strict-Transport-Security"), Some("max-age=86400"), "HST5-2");
        world.apply("c.yaml", &[config_map("settings", &[("hsts-preload", "true"), ("hsts-max-age", "86400"), ("hsts-include-subdomains", "false")])]);
        assert_eq!(get_over_tls("h.test", "/").unwrap().header("Strict-Transport-Security"), Some("max-age=86400; preload"), "HST5-3");
    }

    fn hst5_1_4_answers_over_tls_say_so_once(proxy) {
        let site = Site::of(proxy, "hsts");
        let [h, dead] = ["h", "dead"].map(|name| site.host(name));
        site.apply(&[running("s"), vec![ingress("a").prefix(&h, "/", "s"), ingress("b").prefix(&dead, "/", "missing")]].concat());
        let hsts = |host: &str, target: &str| {
            let answer = get_over_tls(host, target).unwrap();
            answer.all("Strict-Transport-Security").map(str::to_owned).collect::<Vec<_>>()
        };
        let ours = ["max-age=31536000; includeSubDomains"];
        assert_eq!(hsts(&h, "/"), ours, "HST5-1");
        assert_eq!([hsts(&h, "/?status=500"), hsts(&dead, "/"), hsts("unknown.test", "/")], [ours, ours, ours], "errors too");
        assert_eq!(hsts(&h, "/?header=Strict-Transport-Security:max-age=1"), ours, "HST5-4");
        assert_eq!(get(&h, "/").unwrap().header("Strict-Transport-Security"), None);
    }

    fn hst5_12_2_a_name_that_only_leads_to_its_sibling_promises_nothing(proxy) {
        let site = Site::of(proxy, "hsts-www");
        let h = site.host("h");
        let with = format!("www.{h}");
        let pair = Pair::new(&[&h, &with]);
        let moved = ingress("a").prefix(&h, "/", "s").annotation("from-to-www-redirect", "true").tls(&[&h, &with], "pair");
        site.apply(&[running("s"), vec![secret("pair", &pair), moved]].concat());
        let answer = get_over_tls(&with, "/x").unwrap();
        assert_eq!((answer.status, answer.header("location")), (308, Some(format!("https://{h}:443/x").as_str())), "{:?}", site.diagnostics());
        assert_eq!(answer.header("Strict-Transport-Security"), None);
        assert!(get_over_tls(&h, "/x").unwrap().header("Strict-Transport-Security").is_some());
    }
}

on_proxies! {
    [haproxy_2_6 = HAPROXY_2_6, haproxy_3_0 = HAPROXY_3_0, haproxy_3_2 = HAPROXY_3_2]

    fn a_certificate_that_is_refused_only_when_it_is_to_be_used_leaves_the_one_before(proxy) {
        let good = Pair::new(&["x.curves.test"]);
        let route = |name: &str| ingress(name).prefix(&format!("{name}.curves.test"), "/", "s").tls(&[&format!("{name}.curves.test")], name);
        let others = [running("s"), vec![route("x"), route("y"), secret("y", &Pair::new(&["y.curves.test"]))]].concat();
        let shown = || certificate(Some("x.curves.test")).unwrap();
        let told = |world: &World| world.diagnostics().into_iter().filter(|line| line.contains("default/x")).collect::<Vec<_>>();
        // The one has a bad link above it, the other another one's key.
        let other_key = secret_with("x", "kubernetes.io/tls", &Pair::of_kind("ed448").certificate, &key_file("other-ed448.key"));
        for bad in [secret("x", &Pair::with_a_broken_link(&["x.curves.test"])), other_key] {
            let world = World::of(proxy).manifest("i.yaml", &others).manifest("x.yaml", &[secret("x", &good)]).start();
            assert_eq!((shown(), told(&world)), (good.der.clone(), Vec::<String>::new()));
            world.apply("x.yaml", std::slice::from_ref(&bad));
            let kept = || {
                assert_eq!([who_over_tls("x.curves.test", "/"), who_over_tls("y.curves.test", "/")], ["s", "s"]);
                assert_eq!(shown(), good.der, "the one before stays");
                let told = told(&world);
                assert!(told.len() == 1 && told[0].starts_with("GW0403 Ingress default/x: Secret default/x holds"), "{told:#?}");
            };
            kept();
            world.apply("z.yaml", &[ingress("z").prefix("z.test", "/", "s")]);
            assert_eq!(who("z.test", "/"), "s", "nobody else waits for it");
            kept();
            let master = world.proxy_pid();
            send_signal(master, Signal::SIGKILL);
            until_eq("another one serves", &"s".to_owned(), || if world.proxy_pid() == master { String::new() } else { who("z.test", "/") });
            kept();
            world.end_controller(Signal::SIGTERM);
            world.start_controller();
            world.until_ready();
            kept();
            let renewed = Pair::new(&["x.curves.test"]);
            world.apply("x.yaml", &[secret("x", &renewed)]);
            assert_eq!((shown(), told(&world)), (renewed.der, Vec::new()), "it is mended");
            drop(world);

            // Nothing was there before.
            let world = World::of(proxy).manifest("i.yaml", &others).manifest("x.yaml", &[bad]).start();
            assert_eq!([who_over_tls("x.curves.test", "/"), who_over_tls("y.curves.test", "/")], ["s", "s"]);
            assert_eq!(shown(), certificate(None).unwrap());
            assert!(told(&world).len() == 1, "{:#?}", told(&world));
        }
    }
}
