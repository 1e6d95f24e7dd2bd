//! What is logged, what passes through untouched, and how hands are shaken: the entries of the reference under 4.14 and 4.17.

use gatewright_e2e::client::{connect, get, get_over_tls, send};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress, secret};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::tls::{Pair, agreed};
use gatewright_e2e::wait::{DEADLINE, until};
use gatewright_e2e::world::{World, who};
use nix::sys::signal::Signal;
use rustls::CipherSuite;
use std::io::{BufRead, BufReader, Read, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};

const AES_128: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
const AES_256: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;

fn with_one_host(proxy: Proxy) -> World {
    World::of(proxy).manifest("i.yaml", &[running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat()).build()
}

/// The lines that come from somewhere.
fn lines_of(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    lines
}

#[track_caller]
fn is_logged(lines: &Receiver<String>, target: &str) {
    assert_eq!(who("h.test", target), "s");
    while !lines.recv_timeout(DEADLINE).expect(target).contains(target) {}
}

on_every_proxy! {
    fn requests_are_logged_though_the_standard_output_is_a_socket(proxy) {
        let world = with_one_host(proxy);
        let controller = || {
            let (output, log) = UnixStream::pair().unwrap();
            world.start_controller_by(&[], OwnedFd::from(output).into());
            world.until_ready();
            lines_of(log)
        };
        let lines = controller();
        is_logged(&lines, "/socket");
        let master = world.proxy_pid();
        world.load("b.yaml", &[ingress("b").prefix("b.test", "/", "s").to_be_loaded(1)]);
        is_logged(&lines, "/loaded");
        world.end_controller(Signal::SIGKILL);
        drop(lines);
        assert_eq!([who("h.test", "/"), who("h.test", "/")], ["s", "s"], "without anybody who reads the log");
        let lines = controller();
        world.load("b.yaml", &[ingress("b").prefix("b.test", "/", "s").to_be_loaded(2)]);
        if proxy.is_nginx() {
            is_logged(&lines, "/taken-over");
        }
        assert_eq!(world.proxy_pid(), master);
        assert_eq!(who("h.test", "/last"), "s");
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
        let last = lines.iter().filter(|line| line.contains("/last")).count();
        assert_eq!(last, usize::from(proxy.is_nginx()), "the last lines are not lost");
    }

    fn ann_4_17_requests_are_not_logged_where_they_shall_not_be(proxy) {
        let site = Site::of(proxy, "access-log");
        let [logged, silent, broken, moved] = ["logged", "silent", "broken", "moved"].map(|name| site.host(name));
        let route = |name: &str, host: &str, value: &str| ingress(name).prefix(host, "/", "s").annotation("enable-access-log", value);
        site.apply(&[running("s"), vec![
            route("logged", &logged, "true"),
            route("silent", &silent, "false"),
            route("broken", &broken, "no"),
            route("moved", &moved, "false").annotation("permanent-redirect", "http://a.test/"),
        ]].concat());
        let lines = |target: &str| site.world.log().lines().filter(|line| line.contains(&format!("GET {target} "))).count();
        assert_eq!([who(&silent, "/silent-one"), who(&silent, "/silent-two?status=404"), who(&moved, "/silent-moved")], ["s", "404", "301"]);
        assert_eq!([who(&broken, "/broken-one"), who(&logged, "/logged-one")], ["s", "s"]);
        until("the others are logged", || [lines("/broken-one"), lines("/logged-one")] == [1, 1]);
        assert_eq!(["/silent-one", "/silent-two?status=404", "/silent-moved"].map(lines), [0; 3]);
        assert!(!site.world.log().contains("/silent-"), "not in another form, either");
    }

    fn ann_4_17_steps_of_rewriting_are_logged_by_nginx(proxy) {
        let site = Site::of(proxy, "rewrite-log");
        let [on, off] = ["on", "off"].map(|name| site.host(name));
        let route = |name: &str, host: &str, path: &str| {
            ingress(name).path(host, path, "ImplementationSpecific", "s").annotation("rewrite-target", "/$1")
        };
        site.apply(&[running("s"), vec![
            route("off", &off, "/left-out/(.*)"),
            route("on", &on, "/noted/(.*)").annotation("enable-rewrite-log", "true"),
        ]].concat());
        assert_eq!([who(&off, "/left-out/a"), who(&on, "/noted/a")], ["s", "s"]);
        let matched = |part: &str| site.world.log().lines().filter(|line| line.contains("matches \"") && line.contains(part)).count();
        if proxy.is_nginx() {
            until("the step is logged", || matched("/noted/a") > 0);
        } else {
            let said = site.diagnostics();
            assert_eq!(said.iter().filter(|line| line.contains("enable-rewrite-log")).count(), 1, "{said:?}");
        }
        assert_eq!(matched("/left-out/a"), 0);
    }

    fn ann_4_17_what_is_not_ours_passes_untouched(proxy) {
        const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let site = Site::of(proxy, "untouched");
        let [traced, pushed, refused] = ["traced", "pushed", "refused"].map(|name| site.host(name));
        site.apply(&[running("s"), vec![
            ingress("traced").prefix(&traced, "/", "s")
                .annotation("enable-opentelemetry", "true")
                .annotation("opentelemetry-trust-incoming-span", "false")
                .annotation("opentelemetry-operation-name", "ok_name"),
            ingress("pushed").prefix(&pushed, "/", "s").annotation("http2-push-preload", "true"),
            ingress("refused").prefix(&refused, "/", "s").annotation("http2-push-preload", "yes"),
        ]].concat());
        let told = send(&Request::get(&traced, "/").header("traceparent", PARENT).header("tracestate", "a=b")).unwrap();
        assert_eq!((told.received("traceparent").as_deref(), told.received("tracestate").as_deref()), (Some(PARENT), Some("a=b")));
        let said = site.diagnostics();
        let told = |key: &str| said.iter().filter(|line| line.contains(&format!(": {key} "))).count();
        let keys = ["enable-opentelemetry", "opentelemetry-trust-incoming-span", "opentelemetry-operation-name", "http2-push-preload"];
        assert_eq!(keys.map(told), [1, 1, 1, 0], "{said:?}");
        let answer = get(&pushed, "/?header=Link:/a.css;rel=preload").unwrap();
        assert_eq!((answer.word().as_str(), answer.header("link")), ("s", Some("/a.css;rel=preload")));
        assert_eq!(who(&refused, "/"), "404");
    }

    fn ann_4_17_a_firewall_that_nobody_has_is_told_and_closes_where_it_would_block(proxy) {
        let settings = config_map("settings", &[("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
        let cases = [
            ("on", "enable-modsecurity", "true", "503"),
            ("off", "enable-modsecurity", "false", "s"),
            ("rules", "enable-owasp-core-rules", "true", "s"),
            ("id", "modsecurity-transaction-id", "$request_id", "s"),
            ("looks", "modsecurity-snippet", "SecRuleEngine DetectionOnly", "s"),
            ("blocks", "modsecurity-snippet", "SecRuleEngine On", "503"),
            ("streams", "stream-snippet", "server { listen 8000; }", "404"),
        ];
        let of = |(name, key, value, _): (&str, &str, &str, &str)| ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation(key, value);
        let objects = [running("s"), vec![settings.clone()], cases.map(of).to_vec()].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let said = world.diagnostics();
        for (name, key, _, wanted) in cases {
            assert_eq!(who(&format!("{name}.test"), "/"), wanted, "{name}");
            let told = said.iter().filter(|line| line.contains(&format!("/{name}: ")) && line.contains(key)).count();
            assert_eq!(told, usize::from(name != "off"), "{name}: {said:?}");
        }
        drop(world);
        let objects = [running("s"), cases.map(of).to_vec()].concat();
        let _world = World::of(proxy).manifest("i.yaml", &objects).start();
        let answered = ["on", "off", "looks", "blocks", "streams"].map(|name| who(&format!("{name}.test"), "/"));
        assert_eq!(answered, ["503", "s", "404", "404", "404"], "snippets are too risky by default");
    }

    fn ann_4_14_hands_are_shaken_with_the_ciphers_of_the_host(proxy) {
        let site = Site::of(proxy, "ciphers");
        let names = ["strict", "server", "client"];
        let hosts = names.map(|name| site.host(name));
        let lists = ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"];
        let route = |n: usize, list: &str| {
            let route = ingress(names[n]).prefix(&hosts[n], "/", "s").tls(&[&hosts[n]], names[n]);
            route.annotation("ssl-ciphers", list)
        };
        let secrets = (0..3).map(|n| secret(names[n], &Pair::new(&[&hosts[n]]))).collect();
        site.apply(&[running("s"), secrets, vec![
            route(0, lists[0]),
            route(1, lists[1]).annotation("ssl-prefer-server-ciphers", "true"),
            route(2, lists[1]).annotation("ssl-prefer-server-ciphers", "false"),
        ]].concat());
        let agreed = |n: usize, offered: &[CipherSuite]| agreed(connect(443).unwrap(), &hosts[n], offered).ok();
        assert_eq!([agreed(0, &[AES_256]), agreed(0, &[AES_128])], [Some(AES_256), None]);
        assert_eq!(agreed(1, &[AES_128]), Some(AES_128));
        assert_eq!(agreed(1, &[AES_128, AES_256]), Some(AES_256), "the order of the host");
        // HAProxy has one order for all hosts, and says so.
        let of_client = if proxy.is_nginx() { AES_128 } else { AES_256 };
        assert_eq!(agreed(2, &[AES_128, AES_256]), Some(of_client));
        let said = site.diagnostics().iter().filter(|line| line.contains("ssl-prefer-server-ciphers")).count();
        assert_eq!(said, usize::from(!proxy.is_nginx()), "{:?}", site.diagnostics());
        assert_eq!(get_over_tls(&hosts[0], "/").unwrap().word(), "s", "TLS 1.3 has ciphers of its own");
    }
}

#[test]
fn requests_are_logged_though_the_standard_output_is_a_pipe_of_another_user() {
    gatewright_e2e::net::on_a_thread_of_its_own(|| {
        let world = with_one_host(Proxy::NGINX_1_22);
        std::fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0").unwrap();
        chown(world.state(), Some(65534), Some(65534)).unwrap();
        let (reader, writer) = pipe().unwrap();
        let lines = lines_of(reader);
        world.start_controller_by(&["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"], writer.into());
        world.until_ready();
        is_logged(&lines, "/pipe");
        world.load("b.yaml", &[ingress("b").prefix("b.test", "/", "s").to_be_loaded(1)]);
        is_logged(&lines, "/loaded");
        assert_eq!(world.end_controller(Signal::SIGTERM), Some(0));
    });
}
