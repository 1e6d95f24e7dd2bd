//! What the keys of the main ConfigMap do, each as it is written there.

use crate::models::*;
use crate::world::*;
use crate::{COMPRESSES_BY_LENGTH_SINCE, DIALECT, HAS_LEVELS, LIMITS_SPEED_SINCE, SENDS_FASTER_FIRST};
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

/// Runs a test on every version of the proxy, with one backend that echoes.
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
    let agents = format!("default,include,hostnames,volatile,'\"; }} #',$host,{long}");
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
fn a_list_of_addresses_is_appended_to_only_where_it_is_believed() {
    let full = ("compute-full-forwarded-for", "true");
    let sent = |keys: &[(&str, &str)], expected: &str| {
        each(keys, |proxy| {
            assert_eq!(proxy.get("h.test", "/", &["X-Forwarded-For: 1.2.3.4"]).sent("X-Forwarded-For"), [expected], "{keys:?}")
        });
    };
    sent(&[full], "127.0.0.1");
    sent(&[full, ("enable-real-ip", "true")], "1.2.3.4");
    sent(&[full, ("use-forwarded-headers", "true")], "1.2.3.4, 127.0.0.1");
}

#[test]
fn no_time_at_all_is_the_least_that_a_client_can_have() {
    each(&[("client-header-timeout", "0"), ("client-body-timeout", "")], |proxy| {
        let post = "POST / HTTP/1.1\r\nHost: h.test\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
        assert_eq!((proxy.get("h.test", "/", &[]).status, proxy.send(post).status), (200, 200));
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
            let varies = answer.headers("Vary").iter().any(|names| names.eq_ignore_ascii_case("accept-encoding"));
            assert!(varies || encoding.is_none(), "{path} {agent}: {}", answer.head);
        }
        assert_eq!(proxy.get("h.test", "/text/plain", &[]).header("Content-Encoding"), None);
    }
}

#[test]
fn short_answers_are_sent_as_they_are() {
    let typed = typed_echo();
    for (program, version) in programs() {
        for (length, encoding) in [("2500", None), ("1500", Some("gzip"))] {
            let draft = Draft { globals: with(&[("use-gzip", "1"), ("gzip-min-length", length)]), ..Draft::default() };
            let proxy = Proxy::start(&draft.backend("b", &[typed]).host("h.test", vec![prefix("/", "b")]).model(), &program, version);
            let encoding = if version < COMPRESSES_BY_LENGTH_SINCE { Some("gzip") } else { encoding };
            let answer = proxy.get("h.test", "/text/plain", &["Accept-Encoding: gzip"]);
            assert_eq!(answer.header("Content-Encoding"), encoding, "{length} of 2000 bytes with {version}");
        }
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
fn a_log_line_tells_of_request_and_answer() {
    let names = [
        ("method", "$request_method"),
        ("line", "$request"),
        ("target", "$request_uri"),
        ("path", "$uri"),
        ("query", "$args"),
        ("argument", "$arg_b"),
        ("cookie", "$cookie_c"),
        ("agent", "$http_user_agent"),
        ("none", "$http_none"),
        ("host", "$host"),
        ("proto", "$server_protocol"),
        ("scheme", "$scheme"),
        ("for", "$http_x_forwarded_for"),
        ("proxied", "$proxy_protocol_addr"),
        ("seconds", "$request_time"),
        ("now", "$msec"),
        ("iso", "$time_iso8601"),
        ("endpoint", "$upstream_addr"),
        ("of endpoint", "$upstream_status"),
        ("by endpoint", "$upstream_http_x_backend"),
        ("sent", "$sent_http_x_backend"),
        ("endpoint's seconds", "$upstream_response_time"),
        ("header's seconds", "$upstream_header_time"),
    ];
    let format: Vec<String> = names.iter().map(|(key, variable)| format!("\"{key}\": \"{variable}\"")).collect();
    let format = format!("{{{}, \"status\": $status}}", format.join(", "));
    each(&[("log-format-upstream", &format), ("log-format-escape-json", "true")], |proxy| {
        let headers = ["Cookie: a=1; c=x", "User-Agent: \"a\\b/ü\"", "X-Forwarded-For: 192.0.2.1"];
        proxy.get("h.test", "/a%20b%22?b=1&c=2", &headers);
        proxy.get("h.test", "/tls", &[]);
        until("both are logged", || proxy.log("access.log").lines().count() == 2);
        let lines: Vec<serde_json::Value> = proxy.log("access.log").lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let text = |line: usize, key: &str| lines[line][key].as_str().unwrap().to_owned();
        for (key, value) in [
            ("method", "GET"),
            ("line", "GET /a%20b%22?b=1&c=2 HTTP/1.1"),
            ("target", "/a%20b%22?b=1&c=2"),
            ("path", "/a b\""),
            ("query", "b=1&c=2"),
            ("argument", "1"),
            ("cookie", "x"),
            ("agent", "\"a\\b/ü\""),
            ("none", ""),
            ("host", "h.test"),
            ("proto", "HTTP/1.1"),
            ("scheme", "http"),
            ("for", "192.0.2.1"),
            ("proxied", ""),
            ("of endpoint", "200"),
            ("by endpoint", "b"),
            ("sent", "b"),
        ] {
            assert_eq!(text(0, key), value, "{key}");
        }
        assert!(text(0, "endpoint").starts_with("127.0.0.1:"), "{}", lines[0]);
        let is_seconds = |text: &str| text.split_once('.').is_some_and(|(whole, rest)| whole.parse::<u64>().is_ok() && rest.len() == 3);
        for key in ["seconds", "now", "endpoint's seconds", "header's seconds"] {
            assert!(is_seconds(&text(0, key)), "{key}: {}", lines[0]);
        }
        assert!(text(0, "iso").starts_with("20") && text(0, "iso").contains('T') && text(0, "iso").ends_with("+00:00"), "{}", lines[0]);
        assert_eq!((lines[0]["status"].as_u64(), lines[1]["status"].as_u64()), (Some(200), Some(308)));
        for key in ["endpoint", "of endpoint", "by endpoint", "sent", "endpoint's seconds", "header's seconds"] {
            assert_eq!(text(1, key), "", "{key} of a redirect");
        }
    });
}

#[test]
fn a_log_line_names_its_own_route() {
    let address = echo("b");
    let globals = || with(&[("log-format-upstream", "$namespace $location_path $service_name $proxy_upstream_name")]);
    for (program, version) in programs() {
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[address]);
        let routes = vec![prefix("/", "b"), prefix("/a-b", "b"), respond("/none", 404)];
        let proxy = Proxy::start(&draft.host("h.test", routes).model(), &program, version);
        for target in ["/", "/a-b/c", "/none"] {
            proxy.get("h.test", target, &[]);
        }
        until("all are logged", || proxy.log("access.log").lines().count() == 3);
        let lines = "shop / cart shop-b-80\nshop /a-b cart shop-b-80\nshop /none cart ";
        assert!(proxy.log("access.log").starts_with(lines), "{}", proxy.log("access.log"));
    }
}

#[test]
fn values_in_a_log_line_end_nothing_and_its_text_is_text() {
    let format = r#"100% %ST %{+Q}r %%   $$ \x "$http_x_a" ${status}ms "$http_none""#;
    each(&[("log-format-upstream", format)], |proxy| {
        proxy.get("h.test", "/", &[r#"X-A: a"b\c %[src] %ST"#]);
        let line = "100% %ST %{+Q}r %%   $$ \\x \"a\\x22b\\x5Cc %[src] %ST\" 200ms \"-\"\n";
        until("the request is logged", || !proxy.log("access.log").is_empty());
        assert_eq!(proxy.log("access.log"), line);
    });
    each(&[("log-format-upstream", "<$http_x_a>"), ("log-format-escape-none", "true")], |proxy| {
        proxy.get("h.test", "/", &[r#"X-A: a"b\c"#]);
        proxy.get("h.test", "/", &[]);
        until("the requests are logged", || proxy.log("access.log") == "<a\"b\\c>\n<>\n");
    });
}

#[test]
fn every_variable_that_a_format_may_have_is_known_to_every_version() {
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
fn nothing_is_logged_where_nothing_is_to_be() {
    for key in ["disable-access-log", "disable-http-access-log"] {
        each(&[(key, "true")], |proxy| {
            proxy.get("h.test", "/", &[]);
            assert_eq!(proxy.log("access.log"), "", "{key}");
        });
    }
    each(&[("enable-access-log-for-default-backend", "true")], |proxy| {
        proxy.get("unknown.test", "/somewhere", &[]);
        until("a request of no host is logged", || proxy.log("access.log").contains("GET /somewhere HTTP"));
    });
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
fn requests_have_the_root_of_nginx_itself_or_none() {
    each(&[("log-format-upstream", "root is $document_root")], |proxy| {
        proxy.get("h.test", "/", &[]);
        let root = proxy.staged.dir.path().join("run/html").display().to_string();
        let wanted = format!("root is {}\n", if DIALECT.program == "nginx" { &root } else { "-" });
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
    if !HAS_LEVELS {
        return each(&[("error-log-level", "info")], |proxy| assert!(!refused(proxy), "what is told to be lacking is there"));
    }
    each(&[("error-log-level", "info")], |proxy| until("something is noted", || refused(proxy)));
    each(&[("error-log-level", "crit")], |proxy| assert!(!refused(proxy)));
}

#[test]
fn header_lines_that_are_none_pass_on_request() {
    let passed: &[&str] = if HAS_LEVELS { &["z"] } else { &[] };
    each(&[("ignore-invalid-headers", "false")], |proxy| assert_eq!(proxy.get("h.test", "/", &["X.Y: z"]).sent("X.Y"), passed));
    each(&[], |proxy| assert!(proxy.get("h.test", "/", &["X.Y: z"]).sent("X.Y").is_empty()));
}

#[test]
fn answers_are_sent_no_faster_than_told() {
    // nginx counts whole seconds: this takes two at least, wherever in a second it begins. HAProxy takes three.
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
        let least = if SENDS_FASTER_FIRST { 900 } else { 1_900 };
        let is_slow = begun.elapsed() >= std::time::Duration::from_millis(least);
        assert_eq!(is_slow, version >= LIMITS_SPEED_SINCE, "{:?} with {version}", begun.elapsed());
    }
}

#[test]
fn further_keys_are_taken_by_every_version() {
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
