//! Requests that could be taken for others: what endpoints get of them, byte for byte.

use gatewright_e2e::client::connect;
use gatewright_e2e::echo::new_pod;
use gatewright_e2e::manifest::{IngressWords, ingress, service_with, slice_with};
use gatewright_e2e::on_every_version;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::wait::until;
use gatewright_e2e::world::World;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// All that an endpoint gets. Nobody asks it before the one before has an answer.
type Heard = Arc<Mutex<String>>;

/// An endpoint that reads bytes, not requests: it answers whenever nothing more comes.
fn listen(address: SocketAddr) -> Heard {
    let (listener, heard) = (TcpListener::bind(address).unwrap(), Heard::default());
    let of_listener = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, heard) = (stream.unwrap(), Arc::clone(&of_listener));
            std::thread::spawn(move || hear(stream, &heard));
        }
    });
    heard
}

fn hear(mut stream: TcpStream, heard: &Heard) {
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let (mut buffer, mut is_new) = ([0; 4096], false);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
                is_new = true;
            }
            Err(_) if is_new => {
                is_new = false;
                if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err() {
                    return;
                }
            }
            Err(_) => {}
        }
    }
}

/// The statuses of all answers on a connection, until nothing more comes.
fn statuses(bytes: &str) -> Vec<u16> {
    let mut stream = connect(80).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(1500))).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let (mut answers, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        answers.extend_from_slice(&buffer[..length]);
    }
    let answers = String::from_utf8_lossy(&answers).into_owned();
    answers.match_indices("HTTP/1.1 ").filter_map(|(at, begin)| answers[at + begin.len()..][..3].parse().ok()).collect()
}

/// A request as it is on the wire: its line, its headers in lower case, its body.
fn told(request: &str) -> (&str, Vec<String>, &str) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    (lines.next().unwrap(), lines.map(str::to_lowercase).collect(), body)
}

/// Headers that say where a body ends, and for whom the request is.
fn telling(headers: &[String]) -> Vec<&str> {
    let tell = |line: &&String| ["content-length:", "transfer-encoding:", "host:"].iter().any(|name| line.starts_with(name));
    headers.iter().filter(tell).map(String::as_str).collect()
}

/// A host `h.test`, and all that its endpoint gets.
fn world(proxy: Proxy) -> (World, Heard) {
    let pod = new_pod("s");
    let objects = [
        service_with("s", &json!({"ports": [{"port": 50060}]})),
        slice_with("s-1", "s", &json!([{"addresses": [pod]}]), &json!([{"port": 50060}])),
        ingress("a").prefix("h.test", "/", "s:50060"),
    ];
    let world = World::of(proxy).manifest("i.yaml", &objects).build();
    let heard = listen((pod, 50060).into());
    world.start_controller();
    world.until_ready();
    (world, heard)
}

on_every_version! {
    fn sec_1_what_means_two_things_is_refused_or_means_one_to_the_endpoint(proxy) {
        let (_world, heard) = world(proxy);
        const POST: &str = "POST /first HTTP/1.1\r\nHost: h.test\r\n";
        const CHUNKS: &str = "4\r\nabcd\r\n0\r\n\r\n";
        const NEXT: &str = "GET /next HTTP/1.1\r\nHost: h.test\r\n\r\n";
        // HAProxy takes these for what they mean to all who follow the standard, and tells that to the endpoint; what was there
        // beside it is gone before its first rule. Whether the connection may go on is said last.
        let both = [
            (format!("{POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNKS}"), "transfer-encoding: chunked", CHUNKS, false),
            (format!("{POST}Transfer-Encoding: chunked\r\nContent-Length: 18\r\n\r\n{CHUNKS}"), "transfer-encoding: chunked", CHUNKS, false),
            (format!("{POST}Host: h.test\r\nContent-Length: 4\r\n\r\nabcd"), "content-length: 4", "abcd", true),
            (format!("{POST}Content-Length: 4, 4\r\n\r\nabcd"), "content-length: 4", "abcd", true),
            (format!("{POST}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd"), "content-length: 4", "abcd", true),
        ];
        for (first, length, body, goes_on) in both {
            heard.lock().unwrap().clear();
            // As the first and as a later request of a connection.
            for before in ["", NEXT] {
                let answers = statuses(&[before, &first, NEXT].concat());
                let wanted = if proxy.is_nginx() { &[400][..] } else { &[200, 200][usize::from(!goes_on)..] };
                let begun = usize::from(!before.is_empty());
                assert_eq!((answers.len() - begun, &answers[begun..]), (wanted.len(), wanted), "{first}");
            }
            let all = heard.lock().unwrap().clone();
            assert_eq!(all.matches("POST /first ").count(), if proxy.is_nginx() { 0 } else { 2 }, "{all:?}");
            assert_eq!(all.matches("GET /next ").count(), if goes_on && !proxy.is_nginx() { 3 } else { 1 }, "{all:?}");
            for (at, _) in all.match_indices("POST /first ") {
                let rest = all[at..].split("GET /next ").next().unwrap().split("POST /first ").nth(1).unwrap();
                let (line, headers, got) = told(rest);
                let mut tell = telling(&headers);
                tell.sort_unstable();
                let mut wanted = [length, "host: h.test"];
                wanted.sort_unstable();
                assert_eq!((line, &tell[..], got), ("HTTP/1.1", &wanted[..], body), "{first}");
            }
        }
        let refused = [
            format!("POST /first HTTP/1.0\r\nHost: h.test\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNKS}"),
            format!("{POST}Content-Length: 4, 5\r\n\r\nabcd"),
            format!("{POST}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd"),
            format!("{POST}Host: other.test\r\nContent-Length: 4\r\n\r\nabcd"),
            format!("{POST}Content-Length: +4\r\n\r\nabcd"),
            format!("{POST}Content-Length: 18446744073709551620\r\n\r\nabcd"),
            format!("{POST}Transfer-Encoding: chunked, chunked\r\n\r\n{CHUNKS}"),
            format!("{POST}Transfer-Encoding: chunked,\r\n\r\n{CHUNKS}"),
            format!("{POST}Transfer-Encoding: ,chunked\r\n\r\n{CHUNKS}"),
            format!("{POST}Transfer-Encoding: ,\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNKS}"),
            format!("{POST}Transfer-Encoding: chunked,\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNKS}"),
            format!("{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNKS}"),
            format!("{POST}Transfer-Encoding : chunked\r\n\r\n{CHUNKS}"),
            format!("{POST}Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n\r\nabcd"),
            format!("{POST}X-A: b\0c\r\nContent-Length: 4\r\n\r\nabcd"),
        ];
        heard.lock().unwrap().clear();
        for first in refused {
            let answers = statuses(&[&*first, NEXT].concat());
            let refuses = |status: &u16| matches!(status, 400 | 422 | 501);
            // Of two lengths that differ HAProxy 3.2 reads all, and ends the connection without a word.
            let is_silent = proxy == Proxy::HAPROXY_3_2 && first.contains("Length: 4\r\nContent-Length: 5");
            assert!(answers.len() == usize::from(!is_silent) && answers.iter().all(refuses), "{first}: {answers:?}");
        }
        until("nobody was told anything", || heard.lock().unwrap().is_empty());
    }

    fn trailers_are_left_out_by_nginx_and_passed_on_by_haproxy(proxy) {
        let (_world, heard) = world(proxy);
        let request = "POST /a HTTP/1.1\r\nHost: h.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Last: 1\r\n\r\n";
        assert_eq!(statuses(request), [200]);
        let all = heard.lock().unwrap().to_lowercase();
        assert_eq!((all.contains("abc"), all.contains("x-last: 1")), (true, !proxy.is_nginx()), "{all:?}");
    }
}
