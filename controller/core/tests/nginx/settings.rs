//! What the keys of the main ConfigMap do, each as it is written there.

use crate::models::*;
use crate::world::*;
use gatewright_core::model::*;
use gatewright_core::settings::{Settings, read};
use std::collections::BTreeMap;

/// Globals with ports of their own and what these keys say.
fn with(keys: &[(&str, &str)]) -> Globals {
    let data: BTreeMap<String, String> = keys.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    let (config, problems) = read(&Settings::default(), &data);
    assert!(problems.is_empty(), "{problems:?}");
    let (mut globals, own) = (config.globals, globals());
    globals.listeners.http_port = own.listeners.http_port;
    globals.listeners.https_port = own.listeners.https_port;
    globals.listeners.status_port = own.listeners.status_port;
    globals.listeners.addresses = own.listeners.addresses;
    globals.listeners.reuse_port = false;
    globals.workers.processes = Some(1);
    globals.workers.connections = 256;
    globals
}

/// Runs a test on every nginx, with one backend that echoes.
fn each(keys: &[(&str, &str)], test: impl Fn(&Proxy)) {
    let address = echo("b");
    for (program, version) in programs() {
        let draft = Draft { globals: with(keys), ..Draft::default() }.backend("b", &[address]);
        test(&Proxy::start(&draft.host("h.test", vec![prefix("/", "b"), redirected(prefix("/tls", "b"))]).model(), &program, version));
    }
}

#[test]
fn blocked_agents_and_referers_are_refused_everywhere() {
    let keys =
        [("block-user-agents", r"~*chrome\/68\.0\.3440\.106\ safari\/537\.36,AlphaBot"), ("block-referers", "~*example\\.com,qwerty")];
    each(&keys, |proxy| {
        for (header, status) in [
            ("User-Agent: AlphaBot", 403),
            ("User-Agent: alphabot", 403),
            ("User-Agent: AlphaBot/2", 200),
            ("User-Agent: Mozilla/5.0 Chrome/68.0.3440.106 Safari/537.36", 403),
            ("User-Agent: default", 200),
            ("Referer: http://www.EXAMPLE.com/", 403),
            ("Referer: qwerty", 403),
            ("Referer: qwerty123", 200),
            ("X-Other: qwerty", 200),
        ] {
            assert_eq!(proxy.get("h.test", "/", &[header]).status, status, "{header}");
        }
        assert_eq!(proxy.get("unknown.test", "/", &["Referer: qwerty"]).status, 403);
        assert_eq!(proxy.get("h.test", "/tls", &["Referer: qwerty"]).status, 403, "before any redirect");
    });
}

#[test]
fn keywords_of_maps_are_texts_when_users_write_them() {
    let long = "x".repeat(900);
    let agents = format!("default,include,hostnames,volatile,\"; }} #,$host,{long}");
    each(&[("block-user-agents", &agents)], |proxy| {
        for agent in ["default", "include", "hostnames", "volatile", "\"; } #", "$host", &long] {
            assert_eq!(proxy.get("h.test", "/", &[&format!("User-Agent: {agent}")]).status, 403, "{agent}");
        }
        assert_eq!(proxy.get("h.test", "/", &["User-Agent: h.test"]).status, 200);
    });
}

#[test]
fn blocked_addresses_are_refused_by_the_address_of_the_client() {
    each(&[("block-cidrs", "172.16.0.0/12,127.0.0.1")], |proxy| assert_eq!(proxy.get("h.test", "/", &[]).status, 403));
    each(&[("block-cidrs", "172.16.0.0/12,fd00::/8"), ("use-forwarded-headers", "true")], |proxy| {
        assert_eq!(proxy.get("h.test", "/", &[]).status, 200);
        assert_eq!(proxy.get("h.test", "/", &["X-Forwarded-For: 172.16.1.1"]).status, 403);
    });
}

#[test]
fn answers_are_compressed_as_told() {
    let keys = [
        ("use-gzip", "true"),
        ("gzip-level", "9"),
        ("gzip-min-length", "1"),
        ("gzip-types", "text/plain application/json text/html"),
        ("gzip-disable", "msie[1-6]\\."),
    ];
    let typed = typed_echo();
    for (program, version) in programs() {
        let draft = Draft { globals: with(&keys), ..Draft::default() }.backend("b", &[typed]);
        let proxy = Proxy::start(&draft.host("h.test", vec![prefix("/", "b")]).model(), &program, version);
        for (path, agent, encoding) in [
            ("/text/plain", "x", Some("gzip")),
            ("/text/html", "x", Some("gzip")),
            ("/application/xml", "x", None),
            ("/text/plain", "MSIE5.", None),
        ] {
            let answer = proxy.get("h.test", path, &["Accept-Encoding: gzip", &format!("User-Agent: {agent}")]);
            assert_eq!((answer.status, answer.header("Content-Encoding")), (200, encoding), "{path} {agent}");
        }
        assert_eq!(proxy.get("h.test", "/text/plain", &[]).header("Content-Encoding"), None);
    }
}

#[test]
fn every_type_is_compressed_with_a_star() {
    let typed = typed_echo();
    for (program, version) in programs() {
        let globals = with(&[("use-gzip", "true"), ("gzip-min-length", "1"), ("gzip-types", "*")]);
        let draft = Draft { globals, ..Draft::default() }.backend("b", &[typed]);
        let proxy = Proxy::start(&draft.host("h.test", vec![prefix("/", "b")]).model(), &program, version);
        assert_eq!(proxy.get("h.test", "/a/b", &["Accept-Encoding: gzip"]).header("Content-Encoding"), Some("gzip"));
    }
}

/// A backend whose answers have the type that the path names.
fn typed_echo() -> std::net::SocketAddr {
    backend(|head| {
        let kind = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
        let body = "a".repeat(2000);
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    })
}

#[test]
fn a_log_line_is_what_the_format_says() {
    let format = "%(x) \"$remote_addr\" $status ${namespace}/$ingress_name $service_name:$service_port $location_path 5$ $http_x_a; }\n";
    each(&[("log-format-upstream", format), ("log-format-escape-json", "true")], |proxy| {
        proxy.get("h.test", "/some", &["X-A: a\"b"]);
        let line = "%(x) \"127.0.0.1\" 200 shop/front cart:http / 5$ a\\\"b; }\n";
        until("the request is logged", || proxy.log("access.log").contains(line));
    });
}

#[test]
fn every_variable_that_a_format_may_have_is_known_to_every_nginx() {
    let names = gatewright_core::names::variable::all();
    for chunk in names.collect::<Vec<_>>().chunks(40) {
        let format: String = chunk.iter().map(|name| format!("${name} ")).collect();
        each(&[("log-format-upstream", &format), ("log-format-escape-none", "1")], |proxy| {
            proxy.get("h.test", "/", &[]);
            until("the request is logged", || !proxy.log("access.log").is_empty());
        });
    }
}

#[test]
fn skipped_targets_are_not_logged() {
    each(&[("skip-access-log-urls", "/quiet,~^/ping")], |proxy| {
        for target in ["/quiet", "/ping/x", "/quiet/not"] {
            proxy.get("h.test", target, &[]);
        }
        until("the last request is logged", || proxy.log("access.log").contains("GET /quiet/not HTTP"));
        assert_eq!(proxy.log("access.log").lines().count(), 1);
    });
}

#[test]
fn logs_go_to_syslog_when_told() {
    let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    each(&[("enable-syslog", "true"), ("syslog-host", "127.0.0.1"), ("syslog-port", &port)], |proxy| {
        proxy.get("h.test", "/to-syslog", &[]);
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&buffer).contains("GET /to-syslog") {
            buffer.fill(0);
            server.recv(&mut buffer).unwrap();
        }
        assert_eq!(proxy.log("access.log"), "");
    });
}

#[test]
fn requests_have_the_root_of_nginx_itself() {
    each(&[("log-format-upstream", "root is $document_root")], |proxy| {
        proxy.get("h.test", "/", &[]);
        let wanted = format!("root is {}\n", proxy.staged.dir.path().join("run/html").display());
        until("the request is noted", || proxy.log("access.log").contains(&wanted));
    });
}

#[test]
fn the_error_log_holds_what_its_level_says() {
    let refused = |proxy: &Proxy| {
        proxy.get("h.test", "/", &["Bad Header: x", "bad name\u{1}: y"]);
        proxy.get("h.test", "/x", &[]);
        proxy.log("error.log").contains("[info]")
    };
    each(&[("error-log-level", "info")], |proxy| until("something is noted", || refused(proxy)));
    each(&[("error-log-level", "crit")], |proxy| assert!(!refused(proxy)));
}

#[test]
fn header_lines_that_are_none_pass_on_request() {
    each(&[("ignore-invalid-headers", "false")], |proxy| assert_eq!(proxy.get("h.test", "/", &["X.Y: z"]).sent("X.Y"), ["z"]));
    each(&[], |proxy| assert!(proxy.get("h.test", "/", &["X.Y: z"]).sent("X.Y").is_empty()));
}

#[test]
fn answers_are_sent_no_faster_than_told() {
    // nginx counts whole seconds: this takes two at least, wherever in a second it begins.
    let large = backend(|_| {
        let body = "a".repeat(62_000);
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    });
    for (program, version) in programs() {
        let globals = with(&[("limit-rate", "20"), ("limit-rate-after", "1"), ("proxy-buffering", "on")]);
        let draft = Draft { globals, ..Draft::default() }.backend("b", &[large]);
        let proxy = Proxy::start(&draft.host("h.test", vec![prefix("/", "b")]).model(), &program, version);
        let begun = std::time::Instant::now();
        assert_eq!(proxy.get("h.test", "/", &[]).body.len(), 62_000);
        assert!(begun.elapsed() >= std::time::Duration::from_millis(900), "{:?}", begun.elapsed());
    }
}

#[test]
fn further_keys_are_taken_by_every_nginx() {
    each(
        &[
            ("worker-cpu-affinity", "auto"),
            ("max-worker-open-files", "20000"),
            ("enable-multi-accept", "false"),
            ("debug-connections", "10.0.0.0/8,::1"),
            ("default-type", "text/plain"),
            ("relative-redirects", "true"),
            ("ssl-early-data", "true"),
            ("proxy-busy-buffers-size", "12k"),
            ("proxy-max-temp-file-size", "0"),
            ("upstream-keepalive-time", "30m"),
            ("limit-req-status-code", "429"),
            ("limit-conn-status-code", "429"),
            ("ssl-ciphers", ""),
        ],
        |proxy| assert_eq!(proxy.get("h.test", "/", &[]).status, 200),
    );
}
