//! What is known to be answered in another way by nginx and by HAProxy. Every line of the guide's table is asked for here.

use gatewright_e2e::client::{connect, get_over_http2, raw};
use gatewright_e2e::http1::Answer;
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::{Site, running};
use std::io::{self, Write};

const GUIDE: &str = include_str!("../../../docs/guides/nginx-or-haproxy.md");

/// The proxies, in the order of [`Row::told`].
const PROXIES: [Proxy; 4] = [Proxy::NGINX_1_22, Proxy::NGINX_1_30, Proxy::HAPROXY_2_6, Proxy::HAPROXY_3_2];

/// A line of the guide, a request, and what is told of it.
struct Row {
    line: &'static str,
    port: u16,
    request: String,
    /// The status, or how a pod was asked; of each proxy.
    told: [&'static str; 4],
}

/// One that both nginx tell in one way, and both HAProxy in another.
fn row(line: &'static str, request: String, nginx: &'static str, haproxy: &'static str) -> Row {
    Row { line, port: 80, request, told: [nginx, nginx, haproxy, haproxy] }
}

/// `GET` of a target, and further header lines.
fn get(host: &str, target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n")
}

/// `POST` with further header lines, which say how long the body is.
fn post(host: &str, headers: &str, body: &str) -> String {
    format!("POST /a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n{body}")
}

/// The rows on what is asked for, and of whom.
fn of_targets(host: &str, guarded: &str) -> Vec<Row> {
    let in_all = |told| Row {
        line: "of more than all buffers together",
        port: 80,
        request: get(host, &format!("/{}", "a".repeat(40_000)), ""),
        told,
    };
    vec![
        row("a byte above 0x7f, not encoded", get(host, "/é", ""), "GET /é HTTP/1.1", "400"),
        row("`#`", get(host, "/a#b", ""), "GET /a#b HTTP/1.1", "400"),
        row("scheme and another host than `Host` says", get("unknown.test", &format!("http://{host}/a"), ""), "GET /a HTTP/1.1", "400"),
        Row {
            line: "scheme and host, no path, and a query",
            port: 80,
            request: get(host, &format!("http://{host}?a"), ""),
            told: ["GET /?a HTTP/1.1", "GET /?a HTTP/1.1", "400", "GET /?a HTTP/1.1"],
        },
        in_all(["414", "414", "400", "431"]),
        row("one that an expression takes long for", get(guarded, &format!("/open/shut{}", "/a".repeat(2500)), ""), "503", "500"),
        row("`HTTP/0.9`", "GET /a\r\n".to_owned(), "", "400"),
        row("`HTTP/1.0`", format!("GET /a HTTP/1.0\r\nHost: {host}\r\n\r\n"), "GET /a HTTP/1.1", "GET /a HTTP/1.0"),
        row("`HTTP/1.10`", get(host, "/a", "").replace("/1.1", "/1.10"), "GET /a HTTP/1.1", "400"),
        row("a tab in place of a blank in front of the target", get(host, "/a", "").replace(" /a", "\t/a"), "400", "GET /a HTTP/1.1"),
        row("a blank behind the version", get(host, "/a", "").replace("/1.1", "/1.1 "), "GET /a HTTP/1.1", "400"),
        Row {
            line: "`CONNECT`",
            port: 80,
            request: get(host, &format!("{host}:80"), "").replace("GET", "CONNECT"),
            told: ["400", "405", "405", "405"],
        },
        Row {
            line: "`Host` with a port that is no number",
            port: 80,
            request: get(&format!("{host}:a"), "/a", ""),
            told: ["GET /a HTTP/1.1", "400", "400", "400"],
        },
        Row {
            line: "`Host` with a character that no name has, such as `#`",
            port: 80,
            request: get(&format!("{host}#a"), "/a", ""),
            told: ["404", "400", "400", "400"],
        },
        Row { line: "`Host: [::1].`", port: 80, request: get("[::1].", "/a", ""), told: ["404", "400", "400", "400"] },
        Row { line: "plain HTTP at the port of HTTPS", port: 443, request: get(host, "/a", ""), told: ["400", "400", "", ""] },
    ]
}

/// The rows on headers and bodies.
fn of_headers(host: &str) -> Vec<Row> {
    let many = |count: usize, length: usize| (0..count).map(|n| format!("X-{n}: {}\r\n", "a".repeat(length))).collect::<String>();
    let lengths = |lines: &str| post(host, lines, "abc");
    let chunked = |lines: &str, trailers: &str| post(host, lines, &format!("3\r\nabc\r\n0\r\n{trailers}\r\n"));
    const ASKED: &str = "POST /a HTTP/1.1";
    vec![
        row("a line longer than one of `large-client-header-buffers`", get(host, "/a", &many(1, 9000)), "400", "GET /a HTTP/1.1"),
        Row {
            line: "lines longer than all of them together",
            port: 80,
            request: get(host, "/a", &many(5, 7000)),
            told: ["400", "400", "400", "431"],
        },
        row("more than 400 lines", get(host, "/a", &many(500, 1)), "GET /a HTTP/1.1", "400"),
        row("a line without a colon", get(host, "/a", "X\r\n"), "GET /a HTTP/1.1", "400"),
        row("a line with a name that is none, such as `X(`", get(host, "/a", "X(: a\r\n"), "GET /a HTTP/1.1", "400"),
        row("a line that is folded", get(host, "/a", "X: a\r\n b\r\n"), "400", "GET /a HTTP/1.1"),
        row("two `Host` lines that are the same", get(host, "/a", &format!("Host: {host}\r\n")), "400", "GET /a HTTP/1.1"),
        row("two `Content-Length` lines that are the same", lengths("Content-Length: 3\r\nContent-Length: 3\r\n"), "400", ASKED),
        row("`Content-Length` with a tab before the number", lengths("Content-Length: \t3\r\n"), "400", ASKED),
        row("`Content-Length` and `Transfer-Encoding`", chunked("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", ""), "400", ASKED),
        Row {
            line: "`Upgrade` and a body in chunks",
            port: 80,
            request: chunked("Transfer-Encoding: chunked\r\nUpgrade: websocket\r\n", "").replace(": close", ": upgrade"),
            told: [ASKED, ASKED, ASKED, "400"],
        },
        row("a trailer without a colon", chunked("Transfer-Encoding: chunked\r\n", "X\r\n"), ASKED, "400"),
        row("`Expect: 100-continue`", lengths("Content-Length: 3\r\nExpect: 100-continue\r\n"), "100", ASKED),
        row("`Transfer-Encoding: gzip`", lengths("Transfer-Encoding: gzip\r\n"), "501", "400"),
        row("`Transfer-Encoding: gzip, chunked`", chunked("Transfer-Encoding: gzip, chunked\r\n", ""), "501", "422"),
    ]
}

/// The status, or how a pod was asked; nothing where no answer comes.
fn told(row: &Row) -> String {
    let ask = || -> io::Result<Answer> {
        let mut stream = connect(row.port)?;
        // Whoever is refused early need not listen to the end.
        let _ = stream.write_all(row.request.as_bytes());
        Answer::read(&mut stream, false)
    };
    let asked = |answer: &Answer| {
        let echo = answer.echo();
        let [method, target, version] = ["method", "target", "version"].map(|key| echo[key].as_str().unwrap_or_default().to_owned());
        if method.is_empty() { answer.status.to_string() } else { format!("{method} {target} {version}") }
    };
    ask().map_or_else(|_| String::new(), |answer| asked(&answer))
}

/// The first cells of the lines of the guide's tables, without their heads.
fn lines() -> Vec<&'static str> {
    let cells = GUIDE.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.filter(|cell| !cell.starts_with("a request")).collect()
}

fn rows(host: &str, guarded: &str) -> Vec<Row> {
    of_targets(host, guarded).into_iter().chain(of_headers(host)).collect()
}

#[test]
fn every_line_of_the_guide_is_asked_for_and_no_other() {
    let (mut asked, mut lines): (Vec<_>, _) = (rows("h.test", "g.test").iter().map(|row| row.line).chain(LAST).collect(), lines());
    asked.sort_unstable();
    lines.sort_unstable();
    assert_eq!(lines, asked);
}

/// Lines that take more than one request, or another protocol.
const LAST: [&str; 3] = ["413, 414 and 405", "longer than one of `large-client-header-buffers`, over HTTP/2", "trailers behind chunks"];

on_every_proxy! {
    fn requests_that_are_answered_in_another_way_are_those_of_the_guide(proxy) {
        let site = Site::of(proxy, "differences");
        let [host, guarded] = ["h", "guarded"].map(|name| site.host(name));
        let shut = ingress("shut").path(&guarded, "/open/shut(/[a-z]+)*$", "ImplementationSpecific", "s").annotation("use-regex", "true")
            .annotation("auth-type", "basic").annotation("auth-secret", "nobody");
        site.apply(&[running("s"), vec![
            ingress("h").prefix(&host, "/", "s"), ingress("open").path(&guarded, "/open", "ImplementationSpecific", "s"), shut,
        ]].concat());
        let place = PROXIES.iter().position(|one| *one == proxy).unwrap();
        let differs = |row: &Row| (told(row) != row.told[place]).then(|| format!("{}: {:?}, not {:?}", row.line, told(row), row.told[place]));
        let wrong: Vec<_> = rows(&host, &guarded).iter().filter_map(differs).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    fn after_413_414_and_405_nginx_closes_and_haproxy_goes_on(proxy) {
        let site = Site::of(proxy, "differences-later");
        let host = site.host("h");
        site.apply(&[running("s"), vec![ingress("h").prefix(&host, "/", "s").annotation("proxy-body-size", "2")]].concat());
        let begin = format!(" HTTP/1.1\r\nHost: {host}\r\n");
        for (first, status) in [
            (format!("POST /a{begin}Content-Length: 3\r\n\r\nabc"), 413),
            (format!("GET /{}{begin}\r\n", "a".repeat(8500)), 414),
            (format!("TRACE /a{begin}\r\n"), 405),
        ] {
            let mut stream = connect(80).unwrap();
            stream.write_all(first.as_bytes()).unwrap();
            let answer = Answer::read(&mut stream, false).unwrap();
            let closes = answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
            assert_eq!((answer.status, closes), (status, proxy.is_nginx()));
            assert_eq!(answer.header("content-type"), Some("text/html"));
            if !closes {
                stream.write_all(get(&host, "/next", "").as_bytes()).unwrap();
                assert_eq!(Answer::read(&mut stream, false).unwrap().echo()["target"], "/next");
            }
        }
    }

    fn a_long_path_over_http2_is_too_long_for_haproxy(proxy) {
        let site = Site::of(proxy, "differences-long");
        let host = site.host("h");
        site.apply(&[running("s"), vec![ingress("h").prefix(&host, "/", "s").tls(&[&host], "")]].concat());
        let status = |length: usize| get_over_http2(&host, &format!("/{}", "a".repeat(length))).unwrap().status;
        assert_eq!([status(7000), status(8500)], [200, if proxy.is_nginx() { 200 } else { 414 }]);
    }

    fn what_is_no_host_and_no_target_is_refused(proxy) {
        let site = Site::of(proxy, "differences-none");
        let host = site.host("h");
        site.apply(&[running("s"), vec![
            ingress("h").prefix(&host, "/", "s"),
            ingress("any").path(&site.host("any"), "/a(/|$)(.*)", "ImplementationSpecific", "s").annotation("use-regex", "true")
                .annotation("rewrite-target", "/n/$2"),
        ]].concat());
        let status = |request: String| raw(&request).unwrap().status;
        for (other, wanted) in [(format!("{host}.."), 400), (".".to_owned(), 400), (":80".to_owned(), 400), ("a..b".to_owned(), 400),
            (format!(".{host}"), 404), (format!("{host}."), 200), (format!("{host}.:80"), 200), (format!("{host}:"), 200), ("[::1]:80".to_owned(), 404)] {
            assert_eq!(status(get(&other, "/a", "")), wanted, "{other}");
        }
        assert_eq!(status(get(&host, "*", "").replace("GET", "OPTIONS")), 400, "the proxy as a whole");
        for version in ["2.0", "3.0"] {
            assert_eq!(status(get(&host, "/a", "").replace("/1.1", &format!("/{version}"))), 505, "{version}");
        }
        // Over HTTP/2 there is no such target either.
        assert_ne!(get_over_http2(&host, "*").map_or(400, |answer| answer.status), 200);
        assert_eq!(status(get(&host, "/a\u{7f}", "")), 400);
        assert_eq!(status(get(&host, "/?a\u{7f}", "")), 400);
        for (target, wanted) in [("u@", 400), ("u:p@", 400), ("", 200)] {
            assert_eq!(status(get(&host, &format!("http://{target}{host}/a"), "")), wanted, "{target}");
        }
        assert_eq!(status(get(&host, &format!("http://{host}/a@b?c@d"), "")), 200);
        // A query without anything in it goes with what is rewritten, and stays where nothing is.
        let sent = |host: &str, target: &str| raw(&get(host, target, "")).unwrap().echo()["target"].as_str().unwrap_or_default().to_owned();
        assert_eq!(sent(&host, "/a?"), "/a?");
        for (target, wanted) in [("/a/b?", "/n/b"), ("/a/%20?", "/n/%20"), ("/a/b%01?", "/n/b%01"), ("/a/b??", "/n/b??"), ("/a/b?c", "/n/b?c")] {
            assert_eq!(sent(&site.host("any"), target), wanted, "{target}");
        }
    }
}
