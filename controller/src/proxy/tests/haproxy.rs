//! A real HAProxy, of every version there is: loads, refusals, deaths, and changes without a reload.

use super::fixture::{World, apply_while_asked, live, until};
use crate::proxy::{Live, Mode, Outcome, Proxy, ProxyConfig, SuperviseConfig, supervise};
use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::render::{File, FileSet};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// The programs to test with; the one in `PATH` is always there.
pub(super) fn programs() -> Vec<String> {
    let others = ["GATEWRIGHT_HAPROXY_3_0", "GATEWRIGHT_HAPROXY_3_2"].into_iter().filter_map(|name| std::env::var(name).ok());
    std::iter::once("haproxy".to_owned()).chain(others).collect()
}

pub(super) fn config(world: &World, program: &str) -> ProxyConfig {
    ProxyConfig { dialect: &HAPROXY, mode: Mode::Child { program: vec![program.to_owned()], run_dir: None }, ..world.config() }
}

/// A configuration in the shape of the templates: one section with these endpoints.
pub(super) fn files(world: &World, endpoints: &[u16], settings: &str, more: &[(&str, &str)]) -> Arc<FileSet> {
    files_with(world, (endpoints, "pool-max-conn 8"), settings, more)
}

/// The same; `how`: what is said of each endpoint.
pub(super) fn files_with(world: &World, (endpoints, how): (&[u16], &str), settings: &str, more: &[(&str, &str)]) -> Arc<FileSet> {
    let servers: String = endpoints.iter().map(|port| format!("    server 127.0.0.1_{port} 127.0.0.1:{port} {how}\n")).collect();
    let tls = more.iter().any(|(path, _)| path.starts_with("tls/"));
    let bind = if tls { format!("    bind 127.0.0.1:{} ssl crt-list tls/hosts.list\n", world.tls_port) } else { String::new() };
    let text = |token: &str| {
        format!(
            "# Configuration checksum: {token}\nglobal\n    default-path config\n    expose-experimental-directives\n    \
             set-var proc.token str({token})\n    fd-hard-limit 2000\n    hard-stop-after 5s\n\ndefaults common\n    mode http\n    \
             timeout client 10s\n    timeout server 10s\n    timeout connect 5s\n    retries 3\n    option redispatch 1\n    \
             retry-on conn-failure empty-response\n\nfrontend public\n    bind 127.0.0.1:{}\n{bind}{settings}    \
             option idle-close-on-response\n    default_backend app\n\nfrontend status\n    bind 127.0.0.1:{}\n    \
             http-request return status 200 content-type text/plain lf-string '%[var(proc.token)]' if {{ path -m str -- /gatewright/revision }}\n\n\
             backend health   # built in\n    http-request return status 200\n\nbackend app   # built in\n    balance roundrobin\n{servers}\n",
            world.port, world.status_port
        )
    };
    let plain = |text: &str| File { bytes: text.as_bytes().into(), secret: false, read_live: false };
    let mut files: BTreeMap<String, File> = more.iter().map(|(path, text)| ((*path).to_owned(), plain(text))).collect();
    let hash = xxhash_rust::xxh3::xxh3_128(format!("{}{more:?}", text("")).as_bytes());
    files.insert("haproxy.cfg".to_owned(), plain(&text(&format!("{hash:032x}"))));
    files.entry("users.cfg".to_owned()).or_insert_with(|| plain("# nobody\n"));
    Arc::new(FileSet::new("haproxy.cfg", files, hash))
}

/// A server that answers its port; it closes every connection.
pub(super) async fn endpoint() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let text = port.to_string();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    port
}

/// The endpoints that answer a number of requests.
pub(super) async fn answering(world: &World, requests: usize) -> Vec<u16> {
    let mut seen = Vec::new();
    for _ in 0..requests {
        seen.extend(world.body().await.parse::<u16>());
    }
    seen.sort_unstable();
    seen.dedup();
    seen
}

/// Waits until each of these has answered, and checks that nobody else has. Another client takes turns too, so how many
/// requests that needs is not said.
async fn all_answer(world: &World, ports: &[u16]) {
    let mut seen = std::collections::BTreeSet::new();
    until("each endpoint answers", async || {
        seen.extend(answering(world, 1).await);
        seen.len() >= ports.len()
    })
    .await;
    assert!(seen.iter().eq(&sorted(ports)), "{seen:?} and not {ports:?}");
}

pub(super) fn sorted(ports: &[u16]) -> Vec<u16> {
    let mut ports = ports.to_vec();
    ports.sort_unstable();
    ports
}

/// Applies, and says whether the proxy had to reload.
pub(super) async fn apply(proxy: &mut Proxy, files: &Arc<FileSet>) -> Live {
    live(proxy.apply(files, "test").await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn haproxy_serves_reloads_refuses_and_comes_back() {
    for program in programs() {
        let world = World::new();
        let (one, two) = (endpoint().await, endpoint().await);
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        assert!(apply(&mut proxy, &files(&world, &[one], "", &[])).await.reloaded, "{program}");
        assert_eq!(answering(&world, 3).await, [one]);
        let changed = files(&world, &[one], "    http-response set-header X-A b\n", &[]);
        assert!(apply(&mut proxy, &changed).await.reloaded, "{program}: a setting needs a reload");
        let Outcome::Refused(refused) = proxy.apply(&files(&world, &[one], "    nonsense on\n", &[]), "test").await else {
            panic!("taken")
        };
        assert!(refused.message.contains("nonsense") && refused.file.as_deref() == Some("haproxy.cfg"), "{refused:?}");
        assert_eq!(answering(&world, 3).await, [one], "{program}: what was live goes on");
        // Killed right after a change without a reload: the disk says the same.
        assert!(!apply(&mut proxy, &files(&world, &[two], "    http-response set-header X-A b\n", &[])).await.reloaded, "{program}");
        let pid = proxy.health().status().await.unwrap().pid.unwrap();
        assert!(std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
        until("another one serves", async || {
            proxy.health().status().await.is_ok_and(|status| status.pid.is_some_and(|now| now != pid))
                && world.body().await == two.to_string()
        })
        .await;
        proxy.drain(LIMIT).await;
        assert!(world.get("/").await.is_none(), "{program}: drained");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_reloads_lose_no_request() {
    for program in programs() {
        let world = World::new();
        let one = endpoint().await;
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        apply(&mut proxy, &files(&world, &[one], "", &[])).await;
        for n in 1..=20 {
            let changed = files(&world, &[one], &format!("    http-response set-header X-Round {n}\n"), &[]);
            assert!(apply_while_asked(&world, &mut proxy, &changed).await.reloaded, "{program}: {n}");
            assert_eq!(answering(&world, 1).await, [one], "{program}: {n}");
        }
        proxy.drain(LIMIT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_come_and_go_without_a_reload_and_without_a_lost_request() {
    for program in programs() {
        let world = Arc::new(World::new());
        let mut ports = Vec::new();
        for _ in 0..8 {
            ports.push(endpoint().await);
        }
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        apply(&mut proxy, &files(&world, &ports[..1], "", &[])).await;
        let (done, lost, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let client = tokio::spawn({
            let (world, done, lost, asked) = (Arc::clone(&world), Arc::clone(&done), Arc::clone(&lost), Arc::clone(&asked));
            async move {
                while !done.load(Ordering::SeqCst) {
                    let good = world.get("/").await.is_some_and(|(status, _)| status == 200);
                    lost.fetch_add(usize::from(!good), Ordering::SeqCst);
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        for count in [2, 4, 8, 5, 1, 8, 3] {
            let live = apply(&mut proxy, &files(&world, &ports[..count], "", &[])).await;
            assert!(!live.reloaded, "{program}: {count}");
            all_answer(&world, &ports[..count]).await;
        }
        // Others altogether, and back.
        for range in [5..8, 0..2] {
            assert!(!apply(&mut proxy, &files(&world, &ports[range.clone()], "", &[])).await.reloaded);
            all_answer(&world, &ports[range]).await;
        }
        done.store(true, Ordering::SeqCst);
        client.await.unwrap();
        assert_eq!(lost.load(Ordering::SeqCst), 0, "{program}: of {} requests", asked.load(Ordering::SeqCst));
        proxy.drain(LIMIT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_runtime_socket_the_proxy_reloads_and_then_has_one_again() {
    for program in programs() {
        let world = World::new();
        let (one, two) = (endpoint().await, endpoint().await);
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        apply(&mut proxy, &files(&world, &[one], "", &[])).await;
        for round in 0..3 {
            std::fs::remove_file(world.state().join("run/runtime.sock")).unwrap();
            assert!(apply(&mut proxy, &files(&world, &[two], "", &[])).await.reloaded, "{program} {round}");
            assert_eq!(answering(&world, 3).await, [two]);
            assert!(!apply(&mut proxy, &files(&world, &[one, two], "", &[])).await.reloaded, "{program} {round}");
            assert_eq!(answering(&world, 8).await, sorted(&[one, two]));
            assert!(!apply(&mut proxy, &files(&world, &[one], "", &[])).await.reloaded, "{program} {round}");
        }
        proxy.drain(LIMIT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_idle_clients_are_not_waited_for_is_no_alert() {
    for program in programs() {
        let world = World::new();
        let said = world.dir.path().join("said");
        let script = format!("exec {program} \"$@\" 2>>{}", said.display());
        let mode = Mode::Child { program: ["sh", "-c", &script, "sh"].map(str::to_owned).to_vec(), run_dir: None };
        let mut proxy = Proxy::open(ProxyConfig { mode, ..config(&world, &program) }).await.unwrap();
        apply(&mut proxy, &files(&world, &[endpoint().await], "", &[])).await;
        let mut idle = tokio::net::TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
        let mut answer = [0; 1024];
        assert!(idle.read(&mut answer).await.unwrap() > 0);
        proxy.drain(4 * LIMIT).await;
        let said = std::fs::read_to_string(said).unwrap();
        assert!(said.contains("Exiting Master process") && !said.contains("ALERT"), "{program}: {said}");
        until("the connection is closed", async || matches!(idle.read(&mut answer).await, Ok(0) | Err(_))).await;
        assert!(world.get("/").await.is_none(), "{program}: nobody listens");
    }
}

/// Certificate and key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_that_the_master_forgets_is_asked_for_again() {
    /// The oldest version forgets about every second pair of signals.
    const ROUNDS: usize = 6;
    for program in programs() {
        let world = World::new();
        let one = endpoint().await;
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        apply(&mut proxy, &files(&world, &[one], "", &[])).await;
        let link = world.state().join("current");
        for round in 0..ROUNDS {
            let pid = proxy.health().status().await.unwrap().pid.unwrap();
            let before = std::fs::read_link(&link).unwrap();
            // It moves right before the reload is asked for.
            let another = async {
                until("the link moves", async || std::fs::read_link(&link).is_ok_and(|now| now != before)).await;
                kill(Pid::from_raw(pid), Signal::SIGUSR2).unwrap();
            };
            let files = files(&world, &[one], &format!("    maxconn {}\n", 100 + round), &[]);
            let (live, ()) = tokio::join!(apply(&mut proxy, &files), another);
            assert!(live.reloaded, "{program}: {round}");
            assert_eq!(answering(&world, 3).await, [one], "{program}: {round}");
        }
        proxy.drain(LIMIT).await;
    }
}

fn key_pair(name: &str) -> String {
    let pair = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    format!("{}{}", pair.cert.pem(), pair.signing_key.serialize_pem())
}

/// What the proxy says about the certificate that it serves.
async fn served(world: &World) -> String {
    let mut socket = tokio::net::UnixStream::connect(world.state().join("run/runtime.sock")).await.unwrap();
    socket.write_all(b"show ssl cert tls/x.pem\n").await.unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).await.unwrap();
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_served_without_a_reload_and_a_bad_one_is_refused() {
    for program in programs() {
        let world = World::new();
        let one = endpoint().await;
        let with = |pem: &str| files(&world, &[one], "", &[("tls/hosts.list", "tls/x.pem x.test\n"), ("tls/x.pem", pem)]);
        let mut proxy = Proxy::open(config(&world, &program)).await.unwrap();
        apply(&mut proxy, &with(&key_pair("old.test"))).await;
        assert!(served(&world).await.contains("old.test"), "{program}");
        assert!(!apply(&mut proxy, &with(&key_pair("new.test"))).await.reloaded, "{program}");
        assert!(served(&world).await.contains("new.test"), "{program}");
        let bad = key_pair("bad.test").replace("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAA");
        let Outcome::Refused(refused) = proxy.apply(&with(&bad), "test").await else { panic!("{program}: taken") };
        assert!(!refused.message.is_empty());
        assert!(served(&world).await.contains("new.test"), "{program}: the old one stays");
        assert!(matches!(live(proxy.apply(&with(&key_pair("last.test")), "test").await), Live { revision: 4.., .. }));
        assert!(served(&world).await.contains("last.test"), "{program}");
        proxy.drain(LIMIT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_elsewhere_takes_the_short_way_too() {
    for program in programs() {
        let world = World::new();
        let (one, two) = (endpoint().await, endpoint().await);
        let mode = Mode::Supervise { socket: None };
        let mut proxy = Proxy::open(ProxyConfig { mode, ..config(&world, &program) }).await.unwrap();
        let running = tokio::spawn(supervise(SuperviseConfig {
            dialect: &HAPROXY,
            state_dir: world.state(),
            run_dir: None,
            socket: None,
            allowed_users: Vec::new(),
            program: vec![program.clone()],
            grace: Duration::ZERO,
            drain_timeout: LIMIT,
        }));
        let socket: PathBuf = world.state().join("run/supervise.sock");
        until("the supervisor listens", async || tokio::net::UnixStream::connect(&socket).await.is_ok()).await;
        assert!(apply(&mut proxy, &files(&world, &[one], "", &[])).await.reloaded);
        assert!(!apply(&mut proxy, &files(&world, &[one, two], "", &[])).await.reloaded, "{program}");
        assert_eq!(answering(&world, 8).await, sorted(&[one, two]));
        assert!(Path::new(&world.state().join("current/haproxy.cfg")).exists());
        proxy.drain(LIMIT).await;
        running.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hashes_of_users_that_stay_the_same_are_not_computed_at_each_check() {
    const HASH: &str = "$2b$04$ZuadeK7Vkepvxi.k4QrzpeZWvWU9fnjzL1Fa0H0kblFK6FyNba7fq";
    for program in programs() {
        let world = World::new();
        let (one, two) = (endpoint().await, endpoint().await);
        // Tells which files each check is asked to read: the folder as a whole, or its files one by one and without the users.
        let asked = world.state().join("asked");
        let script = format!("[ \"$1\" != -c ] || echo \"$@\" >>{}; exec {program} \"$@\"", asked.display());
        let mode = Mode::Child { program: ["sh", "-c", &script, "sh"].map(str::to_owned).to_vec(), run_dir: None };
        let mut proxy = Proxy::open(ProxyConfig { mode, ..config(&world, &program) }).await.unwrap();
        let users_are_read = || {
            let all = std::fs::read_to_string(&asked).unwrap();
            let files: Vec<&str> = all.lines().last().unwrap().split(" -f ").skip(1).collect();
            assert!(files.iter().all(|file| Path::new(file).is_absolute()), "{files:?}");
            files.iter().any(|file| Path::new(file).extension().is_none())
        };
        let with = |endpoints: &[u16], hash: &str| {
            let users = format!("userlist users-1\n    user u password '{hash}'\n");
            files(&world, endpoints, "", &[("users.cfg", &users)])
        };
        apply(&mut proxy, &with(&[one], HASH)).await;
        assert!(users_are_read(), "{program}");
        assert!(!apply(&mut proxy, &with(&[one, two], HASH)).await.reloaded);
        assert!(!users_are_read(), "{program}: they are those of before");
        // What stands beside them is looked at.
        let users = format!("userlist users-1\n    user u password '{HASH}'\n");
        let broken = files(&world, &[one], "    nonsense\n", &[("users.cfg", &users)]);
        let outcome = proxy.apply(&broken, "test").await;
        assert!(matches!(&outcome, Outcome::Refused(refused) if refused.message.contains("nonsense")), "{program}: {outcome:?}");
        apply(&mut proxy, &with(&[two], HASH)).await;
        assert!(!users_are_read(), "{program}: what is refused changes nothing");
        apply(&mut proxy, &with(&[two], &HASH.replace("Fy", "Fz"))).await;
        assert!(users_are_read(), "{program}: others are");
        proxy.drain(LIMIT).await;
    }
}
