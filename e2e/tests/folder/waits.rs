//! How long, how much and in which pieces: the entries of the reference under 4.3, and endpoints that take their time.

use gatewright_e2e::client::{connect, get, send};
use gatewright_e2e::echo::{asked, new_pod, new_pod_that_keeps};
use gatewright_e2e::http1::{Answer, Request, read_head};
use gatewright_e2e::manifest::{IngressWords, ingress, service, slice, slice_with};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, running};
use gatewright_e2e::wait::until;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Where pods of these tests listen.
const PORT: u16 = 7070;

/// A pod that attends to connections in its own way.
fn new_pod_that(service: &str, attend: impl Fn(TcpStream) + Send + Sync + 'static) -> Ipv4Addr {
    let address = new_pod(service);
    let (listener, attend) = (TcpListener::bind((address, PORT)).unwrap(), Arc::new(attend));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let attend = Arc::clone(&attend);
            std::thread::spawn(move || attend(stream));
        }
    });
    address
}

/// A Service of such pods.
fn of_pods(name: &str, pods: &[Ipv4Addr]) -> [Value; 2] {
    let endpoints: Vec<_> = pods.iter().map(|pod| json!({"addresses": [pod]})).collect();
    [service(name), slice_with(&format!("{name}-1"), name, &json!(endpoints), &json!([{"name": "http", "port": PORT}]))]
}

fn annotated(ingress: Value, pairs: &[(&str, &str)]) -> Value {
    pairs.iter().fold(ingress, |ingress, (key, value)| ingress.annotation(key, value))
}

/// The status of an answer to so many bytes, which are sent on while the answer is waited for.
fn posted(host: &str, bytes: usize) -> u16 {
    let stream = connect(80).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let request = Request::new("POST", "/").header("Host", host).body(&vec![b'x'; bytes]).bytes(true);
    // Who is refused need not take all of it.
    std::thread::spawn(move || writer.write_all(&request));
    Answer::read(&mut &stream, false).map_or(0, |answer| answer.status)
}

on_every_proxy! {
    fn ann_4_3_an_endpoint_that_takes_no_body_is_given_up(proxy) {
        let site = Site::of(proxy, "send-timeout");
        let h = site.host("h");
        let deaf = new_pod_that("deaf", |mut stream| {
            let _ = read_head(&mut stream);
            // It holds the connection, and reads nothing of the body, until the proxy goes.
            let (mut byte, patience) = ([0], Some(Duration::from_secs(60)));
            let _ = stream.set_read_timeout(patience);
            while stream.peek(&mut byte).is_ok_and(|count| count > 0) {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let route = annotated(ingress("a").prefix(&h, "/", "deaf"), &[
            ("proxy-body-size", "0"),
            ("proxy-send-timeout", "1"),
            ("proxy-next-upstream", "off"),
        ]);
        // HAProxy has one time for both, and says so.
        let route = if proxy.is_nginx() { route } else { route.annotation("proxy-read-timeout", "1") };
        site.apply(&[of_pods("deaf", &[deaf]).to_vec(), vec![route]].concat());
        let begun = Instant::now();
        let status = posted(&h, 64 << 20);
        // HAProxy has one time for both directions: when the one for sending runs out first, it takes the endpoint for one
        // that has gone, and 2.6 goes, too.
        let wanted: &[u16] = if proxy.is_nginx() { &[504] } else { &[504, 502, 0] };
        assert!(wanted.contains(&status), "{status}");
        assert!(begun.elapsed() < Duration::from_secs(30), "the usual time is a minute: {:?}", begun.elapsed());
        let told = site.diagnostics().iter().filter(|line| line.contains("proxy-send-timeout")).count();
        assert_eq!(told, usize::from(!proxy.is_nginx()));
    }

    fn ann_4_3_bodies_are_as_large_as_the_annotation_says(proxy) {
        let site = Site::of(proxy, "body-size");
        let sizes = [("usual", None), ("large", Some("8m")), ("broken", Some("15r")), ("any", Some("0")), ("small", Some("1k"))];
        let of = |(name, size): (&str, Option<&str>)| {
            let route = ingress(name).prefix(&site.host(name), "/", "s");
            size.map_or_else(|| route.clone(), |size| route.clone().annotation("proxy-body-size", size))
        };
        site.apply(&[running("s"), sizes.map(of).to_vec()].concat());
        assert_eq!(sizes.map(|(name, _)| posted(&site.host(name), 2 << 20)), [413, 200, 413, 200, 413]);
        assert_eq!(sizes.map(|(name, _)| posted(&site.host(name), 500)), [200; 5]);
        assert_eq!(posted(&site.host("large"), 9 << 20), 413);
    }

    fn ann_4_3_a_body_that_comes_slowly_is_kept_until_it_is_whole_or_sent_on(proxy) {
        let site = Site::of(proxy, "slow-body");
        let [on, off] = ["on", "off"].map(|name| site.host(name));
        let seen = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let pod = |name: &str, seen: &Arc<AtomicUsize>| {
            let seen = Arc::clone(seen);
            new_pod_that(name, move |mut stream| {
                let _ = read_head(&mut stream);
                let (mut body, mut buffer) = (Vec::new(), [0; 1024]);
                while !body.ends_with(b"0\r\n\r\n") && !body.ends_with(b"last") {
                    match stream.read(&mut buffer) {
                        Ok(count) if count > 0 => body.extend_from_slice(&buffer[..count]),
                        _ => return,
                    }
                    seen.store(body.len(), Ordering::Relaxed);
                }
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            })
        };
        let pods = [of_pods("on", &[pod("on", &seen[0])]), of_pods("off", &[pod("off", &seen[1])])].concat();
        let route = |name: &str, host: &str| ingress(name).prefix(host, "/", name).annotation("proxy-request-buffering", name);
        site.apply(&[pods, vec![route("on", &on), route("off", &off)]].concat());
        let begun = |host: &str| {
            let mut stream = connect(80).unwrap();
            let head = Request::new("POST", "/").header("Host", host).header("Transfer-Encoding", "chunked");
            stream.write_all(&[&head.bytes(true)[..], b"5\r\nfirst\r\n"].concat()).unwrap();
            stream
        };
        let mut streams = [begun(&on), begun(&off)];
        until("the first part is sent on", || seen[1].load(Ordering::Relaxed) > 0);
        if proxy.is_nginx() {
            assert_eq!(seen[0].load(Ordering::Relaxed), 0);
        } else {
            until("HAProxy sends every body on as it comes", || seen[0].load(Ordering::Relaxed) > 0);
        }
        for stream in &mut streams {
            stream.write_all(b"4\r\nlast\r\n0\r\n\r\n").unwrap();
            assert_eq!(Answer::read(stream, false).unwrap().status, 200);
        }
        assert!(seen.iter().all(|seen| seen.load(Ordering::Relaxed) >= 9));
    }

    fn ann_4_3_events_reach_the_client_one_by_one(proxy) {
        let site = Site::of(proxy, "events");
        let h = site.host("h");
        let heard = Arc::new(AtomicBool::new(false));
        let first_is_heard = Arc::clone(&heard);
        let pod = new_pod_that("events", move |mut stream| {
            let _ = read_head(&mut stream);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            let _ = stream.write_all(format!("{head}a\r\ndata: one\n\r\n").as_bytes());
            until("the client has the first", || first_is_heard.load(Ordering::Relaxed));
            let _ = stream.write_all(b"a\r\ndata: two\n\r\n0\r\n\r\n");
        });
        site.apply(&[of_pods("events", &[pod]).to_vec(), vec![ingress("a").prefix(&h, "/", "events")]].concat());
        let mut stream = connect(80).unwrap();
        stream.write_all(&Request::get(&h, "/").bytes(false)).unwrap();
        assert!(read_head(&mut stream).unwrap().starts_with(b"HTTP/1.1 200"));
        let (mut seen, mut byte) = (Vec::new(), [0]);
        while !seen.ends_with(b"one") {
            stream.read_exact(&mut byte).expect("it comes before the second is sent");
            seen.push(byte[0]);
        }
        heard.store(true, Ordering::Relaxed);
        while !seen.ends_with(b"two") {
            stream.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
    }

    fn ann_4_3_a_head_has_to_fit_into_a_buffer(proxy) {
        let site = Site::of(proxy, "head-size");
        let [usual, large] = ["usual", "large"].map(|name| site.host(name));
        site.apply(&[running("s"), vec![
            ingress("usual").prefix(&usual, "/", "s"),
            ingress("large").prefix(&large, "/", "s").annotation("proxy-buffer-size", "8k"),
        ]].concat());
        let long = "x".repeat(6000);
        let status = |host: &str| {
            let answer = get(host, &format!("/?bytes=1&header=X-Long:{long}")).unwrap();
            (answer.status, answer.header("x-long").is_some_and(|value| value == long))
        };
        // HAProxy has one size for all.
        let small = if proxy.is_nginx() { (502, false) } else { (200, true) };
        assert_eq!([status(&usual), status(&large)], [small, (200, true)]);
    }

    fn ann_4_3_no_further_endpoint_is_tried_when_the_time_is_over(proxy) {
        let site = Site::of(proxy, "tries");
        let [bounded, free] = ["bounded", "free"].map(|name| site.host(name));
        let pods = ["b", "f"].map(|name| [(); 3].map(|()| new_pod_that_keeps(name)));
        let of = |name: &str, pods: &[Ipv4Addr; 3]| [service(name), slice(name, &pods.map(Into::into))];
        let route = |name: &str, host: &str, to: &str| annotated(ingress(name).prefix(host, "/", to), &[("proxy-read-timeout", "1")]);
        site.apply(&[of("b", &pods[0]).to_vec(), of("f", &pods[1]).to_vec(), vec![
            route("bounded", &bounded, "b").annotation("proxy-next-upstream-timeout", "1"),
            route("free", &free, "f"),
        ]].concat());
        let tried = |host: &str, pods: &[Ipv4Addr]| {
            assert_eq!(get(host, "/?wait_ms=5000").unwrap().status, 504);
            pods.iter().map(|pod| asked(*pod).len()).sum::<usize>()
        };
        let tries = [tried(&bounded, &pods[0]), tried(&free, &pods[1])];
        let told = site.diagnostics().iter().filter(|line| line.contains("proxy-next-upstream-timeout")).count();
        if proxy.is_nginx() {
            assert!(tries[0] < 3 && tries[1] == 3 && told == 0, "{tries:?}");
        } else {
            assert_eq!((tries, told), ([3, 3], 1), "it has no such time, and says so");
        }
    }

    fn ann_4_2_the_better_of_two_endpoints_is_asked(proxy) {
        const CLIENTS: usize = 6;
        let site = Site::of(proxy, "ewma");
        let h = site.host("h");
        let asked = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let pod = |wait: u64, asked: &Arc<AtomicUsize>| {
            let asked = Arc::clone(asked);
            new_pod_that("pods", move |mut stream| {
                let _ = read_head(&mut stream);
                asked.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(wait));
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            })
        };
        let pods = [pod(1, &asked[0]), pod(1000, &asked[1])];
        let [balanced, refused] = [("a", "ewma", h.clone()), ("b", "least_conn", site.host("refused"))]
            .map(|(name, how, host)| ingress(name).prefix(&host, "/", "pods").annotation("load-balance", how));
        site.apply(&[of_pods("pods", &pods).to_vec(), vec![balanced, refused]].concat());
        let left = AtomicUsize::new(120);
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                        assert_eq!(get(&h, "/").unwrap().status, 200);
                    }
                });
            }
        });
        let [fast, slow] = asked.map(|count| count.load(Ordering::Relaxed));
        assert!(fast + slow == 120 && slow * 3 < fast * 2, "{fast} {slow}: without a choice it is half of them");
        assert_eq!(get(&site.host("refused"), "/").unwrap().status, 404, "the Ingress is left out");
    }

    fn ann_4_2_the_address_of_a_service_stands_for_its_pods(proxy) {
        let site = Site::of(proxy, "service-upstream");
        let [h, empty, off] = ["h", "empty", "off"].map(|name| site.host(name));
        let at = |name: &str, address: Ipv4Addr, port: u16| {
            let port = json!({"name": "http", "port": port, "targetPort": 8080});
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"clusterIP": address, "ports": [port]}})
        };
        let route = |name: &str, host: &str, to: &str| ingress(name).prefix(host, "/", to).annotation("service-upstream", "true");
        site.apply(&[
            at("s", new_pod("address"), 8081),
            slice("s", &[new_pod("pod").into()]),
            // Nobody listens on that port.
            at("none", new_pod("none"), 7999),
            route("h", &h, "s:8081"),
            route("empty", &empty, "none:7999"),
            at("t", new_pod("address"), 8081),
            slice("t", &[new_pod("pod").into()]),
            ingress("off").prefix(&off, "/", "t:8081").annotation("service-upstream", "false"),
        ]);
        let answered = [&h, &empty, &off].map(|host| send(&Request::get(host, "/")).unwrap().word());
        assert_eq!(answered, ["address", "502", "pod"]);
    }
}
