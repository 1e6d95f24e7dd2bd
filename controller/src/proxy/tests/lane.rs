//! Changes without a reload under odd conditions: nobody serves, the socket belongs to a stranger, somebody else owns the proxy.

use super::fixture::{World, live, until};
use super::haproxy::{LIMIT, answering, apply, config, endpoint, files, files_with, programs, sorted};
use crate::proxy::runtime::ask;
use crate::proxy::{Mode, Outcome, Proxy, ProxyConfig};
use gatewright_core::dialect::Version;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_is_emptied_and_filled_without_a_reload() {
    for program in programs() {
        let world = World::new();
        let ports = [endpoint().await, endpoint().await];
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        assert!(apply(&mut proxy, &files(&world, &[], "", &[])).await.reloaded);
        for count in [1, 0, 2, 0, 1] {
            let live = apply(&mut proxy, &files(&world, &ports[..count], "", &[])).await;
            assert!(!live.reloaded, "{program}: {count}");
            assert_eq!(answering(&world, 6).await, sorted(&ports[..count]), "{program}: {count}");
        }
        proxy.drain(LIMIT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_endpoints_come_and_go_at_once() {
    for program in programs() {
        let world = World::new();
        let one = endpoint().await;
        // Nobody listens at the others, which the proxy finds out by itself.
        let many: Vec<u16> = (0..5000u16).map(|number| 40_000 + number).filter(|port| *port != one).chain([one]).collect();
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        apply(&mut proxy, &files(&world, &[one], "", &[])).await;
        assert!(!apply(&mut proxy, &files(&world, &many, "", &[])).await.reloaded, "{program}");
        assert!(!apply(&mut proxy, &files(&world, &[one], "", &[])).await.reloaded, "{program}");
        assert_eq!(answering(&world, 3).await, [one]);
        proxy.drain(LIMIT).await;
    }
}

/// What a stranger at the socket does with a command.
#[derive(Debug, Clone, Copy)]
enum Odd {
    SaysNothing,
    SaysNonsense,
    IsLate,
}

/// Takes the place of the proxy's socket.
fn take_over(socket: &Path, odd: Odd) {
    std::fs::remove_file(socket).unwrap();
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            match odd {
                Odd::SaysNothing => kept.push(stream),
                Odd::SaysNonsense => drop(stream.write_all(b"Unknown command.\n").await),
                Odd::IsLate => drop(tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(20)).await;
                    let _ = stream.write_all(b"New server registered.\n").await;
                })),
            }
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_hangs_or_says_nonsense_leads_to_a_reload() {
    for (program, odd) in programs().iter().flat_map(|program| [Odd::SaysNothing, Odd::SaysNonsense, Odd::IsLate].map(|odd| (program, odd)))
    {
        let world = World::new();
        let (one, two) = (endpoint().await, endpoint().await);
        let mut proxy = Proxy::open(config(&world, program)).await.unwrap();
        apply(&mut proxy, &files(&world, &[one], "", &[])).await;
        take_over(&world.state().join("run/runtime.sock"), odd);
        assert!(apply(&mut proxy, &files(&world, &[two], "", &[])).await.reloaded, "{program} {odd:?}");
        assert_eq!(answering(&world, 3).await, [two], "{program} {odd:?}");
        assert!(!apply(&mut proxy, &files(&world, &[one, two], "", &[])).await.reloaded, "{program} {odd:?}: it has a socket again");
        assert_eq!(answering(&world, 8).await, sorted(&[one, two]), "{program} {odd:?}");
        proxy.drain(LIMIT).await;
    }
}

/// Takes the place of the proxy's socket, and asks the proxy what it is asked, after a while; how often it was asked.
fn stand_before(world: &World, pause: Duration) -> Arc<AtomicUsize> {
    stand_before_until(world, pause, usize::MAX)
}

/// The same; after so many connections nobody is there any more.
fn stand_before_until(world: &World, pause: Duration, most: usize) -> Arc<AtomicUsize> {
    let socket = world.state().join("run/runtime.sock");
    let real = socket.with_extension("real");
    std::fs::rename(&socket, &real).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut asker, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut asked = UnixStream::connect(&real).await.unwrap();
            tokio::time::sleep(pause).await;
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut asker, &mut asked).await });
            if count.load(Ordering::SeqCst) == most {
                return;
            }
        }
    });
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_share_connections_and_each_of_their_answers_counts() {
    /// A thousand commands let endpoints come and a thousand let them go, two hundred on a connection.
    const CONNECTIONS: usize = 24;
    for program in programs() {
        let world = World::new();
        let ports = [endpoint().await, endpoint().await];
        let many: Vec<u16> = (0..500u16).map(|number| 40_000 + number).filter(|port| !ports.contains(port)).collect();
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        apply(&mut proxy, &files(&world, &ports, "", &[])).await;
        let asked = stand_before(&world, Duration::ZERO);
        assert!(!apply(&mut proxy, &files(&world, &[&ports[..], &many].concat(), "", &[])).await.reloaded, "{program}");
        assert!(!apply(&mut proxy, &files(&world, &ports[..1], "", &[])).await.reloaded, "{program}");
        assert_eq!(answering(&world, 3).await, ports[..1], "{program}");
        let asked = asked.load(Ordering::SeqCst);
        assert!(asked <= CONNECTIONS, "{program}: {asked} connections");
        // One of many is not there any more, which is seen among the answers of all others.
        assert!(!apply(&mut proxy, &files(&world, &[&ports[..], &many].concat(), "", &[])).await.reloaded, "{program}");
        let socket = world.state().join("run/runtime.sock");
        let gone = format!("set server app/127.0.0.1_{0} state maint; del server app/127.0.0.1_{0}", many[many.len() / 2]);
        assert!(ask(&socket, &gone, LIMIT).await.unwrap().contains("Server deleted."), "{program}");
        assert!(apply(&mut proxy, &files(&world, &ports[..1], "", &[])).await.reloaded, "{program}");
        assert_eq!(answering(&world, 3).await, ports[..1], "{program}");
        proxy.drain(LIMIT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_goes_in_the_middle_of_the_commands_leads_to_a_reload() {
    for program in programs() {
        let world = World::new();
        let one = endpoint().await;
        let many: Vec<u16> = (0..500u16).map(|number| 40_000 + number).filter(|port| *port != one).collect();
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        apply(&mut proxy, &files(&world, &many, "", &[])).await;
        let asked = stand_before_until(&world, Duration::ZERO, 2);
        assert!(apply(&mut proxy, &files(&world, &[one], "", &[])).await.reloaded, "{program}");
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{program}: it knew some of the commands");
        assert_eq!(answering(&world, 3).await, [one], "{program}");
        assert!(!apply(&mut proxy, &files(&world, &many, "", &[])).await.reloaded, "{program}: it has a socket again");
        proxy.drain(LIMIT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_is_late_with_every_answer_leads_to_a_reload() {
    let world = World::new();
    let one = endpoint().await;
    let many: Vec<u16> = (0..5000u16).map(|number| 40_000 + number).filter(|port| *port != one).chain([one]).collect();
    let mut proxy = Proxy::open(config(&world, "haproxy")).await.unwrap();
    apply(&mut proxy, &files(&world, &[one], "", &[])).await;
    stand_before(&world, Duration::from_secs(1));
    let begun = Instant::now();
    assert!(apply(&mut proxy, &files(&world, &many, "", &[])).await.reloaded, "more than thirty connections, a second each");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    proxy.drain(LIMIT).await;
}

/// Answers each request after a while.
async fn slow_endpoint() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 1024]).await;
                tokio::time::sleep(Duration::from_secs(4)).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow").await;
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_ends_with_the_endpoints_of_its_worker_and_a_busy_one_does_not() {
    async fn begin(world: &World) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        stream
    }
    /// Until it is all, or the connection ends.
    async fn heard(stream: &mut TcpStream, all: &str) -> String {
        let mut text = String::new();
        while text.is_empty() || !text.ends_with(all) {
            let mut part = [0; 4096];
            let length = timeout(LIMIT, stream.read(&mut part)).await.expect("it says something").unwrap();
            text.push_str(&String::from_utf8_lossy(&part[..length]));
            if length == 0 {
                break;
            }
        }
        text
    }
    for (program, is_ours) in programs().into_iter().flat_map(|program| [(program.clone(), true), (program, false)]) {
        let world = World::new();
        let (one, two, slow) = (endpoint().await, endpoint().await, slow_endpoint().await);
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        apply(&mut proxy, &files(&world, &[one], "", &[])).await;
        if !is_ours {
            // It is told by signals from here on.
            drop(proxy);
            let mode = Mode::Signal { pid_file: None, program: vec![program.clone()] };
            proxy = Proxy::open(ProxyConfig { mode, ..config(&world, &program) }).await.unwrap();
            assert!(matches!(proxy.apply(&files(&world, &[one], "", &[]), "test").await, Outcome::Unchanged(_)), "{program}");
        }
        let mut idle = begin(&world).await;
        assert!(heard(&mut idle, &one.to_string()).await.ends_with(&one.to_string()), "{program}");
        assert!(apply(&mut proxy, &files(&world, &[slow], "    maxconn 101\n", &[])).await.reloaded);
        let mut busy = begin(&world).await;
        assert!(apply(&mut proxy, &files(&world, &[slow], "    maxconn 102\n", &[])).await.reloaded);
        assert!(!apply(&mut proxy, &files(&world, &[two], "    maxconn 102\n", &[])).await.reloaded);
        assert_eq!(heard(&mut idle, "anything").await, "", "{program}: it is closed before anybody asks in vain");
        assert!(heard(&mut busy, "slow").await.ends_with("slow"), "{program}: what is on its way has its time");
        assert_eq!(answering(&world, 3).await, [two]);
        proxy.drain(LIMIT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_still_busy_comes_back_as_it_was_or_by_a_reload() {
    for program in programs() {
        let world = World::new();
        let (one, slow) = (endpoint().await, slow_endpoint().await);
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        let with = |how: &str| files_with(&world, (&[slow], how), "", &[]);
        for (how, reloaded) in [("pool-max-conn 8", false), ("pool-max-conn 9", true)] {
            apply(&mut proxy, &files(&world, &[one], "", &[])).await;
            apply(&mut proxy, &files(&world, &[slow], "", &[])).await;
            let mut busy = TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
            busy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            until("it is busy", async || {
                let said = ask(&world.state().join("run/runtime.sock"), "show servers conn app", LIMIT).await.unwrap_or_default();
                said.lines().any(|line| line.contains(&format!("127.0.0.1_{slow}")) && line.split(' ').nth(6) != Some("0"))
            })
            .await;
            assert!(!apply(&mut proxy, &files(&world, &[], "", &[])).await.reloaded, "{program}: it goes once it is not busy");
            assert_eq!(apply(&mut proxy, &with(how)).await.reloaded, reloaded, "{program}: {how}");
        }
        proxy.drain(LIMIT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_cannot_load_says_why_at_once() {
    for program in programs() {
        let world = World::new();
        let one = endpoint().await;
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        apply(&mut proxy, &files(&world, &[one], "", &[])).await;
        if proxy.program().await.unwrap().unwrap().version < Version(2, 7, 0) {
            // It says nothing, and is waited for.
            proxy.drain(LIMIT).await;
            continue;
        }
        // A check binds no ports, so it cannot know.
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bind = format!("    bind {}\n", taken.local_addr().unwrap());
        let begun = Instant::now();
        let Outcome::Failed { error } = proxy.apply(&files(&world, &[one], &bind, &[]), "test").await else { panic!("taken") };
        let said = crate::causes::chain(&error);
        assert!(said.starts_with("the proxy says: ") && said.to_lowercase().contains("cannot bind"), "{said}");
        assert!(begun.elapsed() < crate::proxy::reload::PATIENCE, "nobody waited for it");
        assert_eq!(answering(&world, 3).await, [one], "{program}: what was live goes on");
        drop(taken);
        live(proxy.apply(&files(&world, &[one], &bind, &[]), "test").await);
        proxy.drain(LIMIT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_of_somebody_else_is_changed_over_the_socket_beside_its_pid_file() {
    for program in programs() {
        let world = World::new();
        let (one, two) = (endpoint().await, endpoint().await);
        let mut starter = Proxy::open(config(&world, &program)).await.unwrap();
        apply(&mut starter, &files(&world, &[one], "", &[])).await;
        drop(starter);
        let mode = Mode::Signal { pid_file: None, program: vec![program.clone()] };
        let mut proxy = Proxy::open(ProxyConfig { mode, ..config(&world, &program) }).await.unwrap();
        assert!(matches!(proxy.apply(&files(&world, &[one], "", &[]), "test").await, Outcome::Unchanged(_)), "{program}");
        assert!(!apply(&mut proxy, &files(&world, &[one, two], "", &[])).await.reloaded, "{program}");
        assert_eq!(answering(&world, 8).await, sorted(&[one, two]), "{program}");
        proxy.drain(LIMIT).await;
    }
}
