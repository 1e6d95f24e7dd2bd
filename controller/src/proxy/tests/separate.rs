//! The supervisor as a process of its own: who may ask, what may be asked, and who outlives whom.

use super::fixture::{TEST_NGINX, World, live, until};
use crate::proxy::supervise::SuperviseError;
use crate::proxy::wire::{Answer, Ask, receive, say};
use crate::proxy::{Mode, Outcome, Port, Proxy, ProxyConfig, SuperviseConfig, supervise};
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

const LIMIT: Duration = Duration::from_secs(5);

fn config(world: &World, allowed_users: Vec<u32>) -> SuperviseConfig {
    SuperviseConfig {
        dialect: &TEST_NGINX,
        state_dir: world.state(),
        run_dir: None,
        socket: None,
        allowed_users,
        program: vec!["nginx".into()],
        grace: Duration::ZERO,
        drain_timeout: LIMIT,
    }
}

fn socket(world: &World) -> PathBuf {
    world.state().join("run/supervise.sock")
}

/// Starts a supervisor and waits until it listens.
async fn supervisor(world: &World, allowed_users: Vec<u32>) -> JoinHandle<Result<(), SuperviseError>> {
    let running = tokio::spawn(supervise(config(world, allowed_users)));
    until("the supervisor listens", async || UnixStream::connect(socket(world)).await.is_ok()).await;
    running
}

async fn open(world: &World) -> Proxy {
    Proxy::open(ProxyConfig { mode: Mode::Supervise { socket: None }, ..world.config() }).await.unwrap()
}

async fn ask(world: &World, ask: Ask) -> Answer {
    let mut stream = UnixStream::connect(socket(world)).await.unwrap();
    // A stranger is answered and left before it has asked.
    let _ = say(&mut stream, &ask).await;
    receive(&mut stream).await.unwrap()
}

#[tokio::test]
async fn a_supervisor_elsewhere_checks_reloads_and_quits() {
    let world = World::new();
    let mut proxy = open(&world).await;
    let Outcome::Failed { error } = proxy.apply(&world.files("one", ""), "start").await else { panic!("nobody is there") };
    assert!(error.to_string().contains("supervise.sock"), "{error}");
    let running = supervisor(&world, Vec::new()).await;
    live(proxy.apply(&world.files("one", ""), "start").await);
    assert_eq!(world.body().await, "one");
    let Outcome::Refused(refused) = proxy.apply(&world.files("bad", "\nnonsense on;"), "test").await else { panic!("taken") };
    assert!(refused.message.contains("unknown directive") && refused.line == Some(2), "{refused:?}");
    live(proxy.apply(&world.files("two", ""), "test").await);
    let pid = proxy.health().status().await.unwrap().pid;
    drop(proxy);
    let mut proxy = open(&world).await;
    assert!(matches!(proxy.apply(&world.files("two", ""), "restart").await, Outcome::Unchanged(_)));
    assert_eq!(proxy.health().status().await.unwrap().pid, pid, "the proxy does not notice a new controller");
    proxy.drain(LIMIT).await;
    running.await.unwrap().unwrap();
    assert!(world.get("/").await.is_none());
}

#[tokio::test]
async fn a_supervisor_that_was_killed_finds_its_proxy_again() {
    let world = World::new();
    let mut proxy = open(&world).await;
    let running = supervisor(&world, Vec::new()).await;
    live(proxy.apply(&world.files("one", ""), "start").await);
    let pid = proxy.health().status().await.unwrap().pid;
    running.abort();
    let _ = running.await;
    until("the socket is dead", async || proxy.health().status().await.is_err()).await;
    assert_eq!(world.body().await, "one", "the proxy goes on");
    let running = supervisor(&world, Vec::new()).await;
    assert_eq!(proxy.health().status().await.unwrap().pid, pid);
    live(proxy.apply(&world.files("two", ""), "test").await);
    proxy.drain(LIMIT).await;
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn another_user_is_refused_whatever_it_asks() {
    let world = World::new();
    let proxy = open(&world).await;
    let own = nix::unistd::geteuid().as_raw();
    let running = supervisor(&world, vec![own + 4711]).await;
    let Answer::Error { message } = ask(&world, Ask::Status).await else { panic!("it was answered") };
    assert!(message.contains(&format!("user {own} may not ask")), "{message}");
    assert!(proxy.program().await.is_err());
    running.abort();
}

#[tokio::test]
async fn only_revisions_of_the_state_folder_can_be_checked() {
    let world = World::new();
    let mut proxy = open(&world).await;
    let running = supervisor(&world, Vec::new()).await;
    live(proxy.apply(&world.files("one", ""), "start").await);
    let revisions = world.state().join("revisions");
    let link = format!("7-{:032x}", 7);
    std::os::unix::fs::symlink("/etc", revisions.join(&link)).unwrap();
    for revision in ["../..", "/etc", "..", ".tmp-seed", "", "1-2/../../..", link.as_str(), &format!("8-{:032x}", 8)] {
        let answer = ask(&world, Ask::Check { revision: revision.to_owned(), limit_ms: 1000 }).await;
        assert!(matches!(&answer, Answer::Error { message } if message.contains("revision")), "{revision}: {answer:?}");
    }
    let name = proxy.state.published().unwrap().to_string();
    assert_eq!(ask(&world, Ask::Check { revision: name, limit_ms: 60_000 }).await, Answer::Done);
    proxy.drain(LIMIT).await;
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_taken_port_is_told_where_the_proxy_would_run_before_there_is_anything_to_serve() {
    let world = World::new();
    let mut proxy = open(&world).await;
    let running = supervisor(&world, Vec::new()).await;
    let other = std::net::TcpListener::bind(("127.0.0.1", world.port)).unwrap();
    let ports = [Port { flag: "http-port".into(), number: world.port, local: false }];
    let told = proxy.health().ports(&ports).await.unwrap();
    assert!(matches!(&told[..], [one] if one.starts_with(&format!("--http-port: port {} is in use", world.port))), "{told:?}");
    drop(other);
    assert!(proxy.health().ports(&ports).await.unwrap().is_empty());
    live(proxy.apply(&world.files("one", ""), "start").await);
    assert!(proxy.health().ports(&ports).await.unwrap().is_empty(), "what the proxy itself holds is not taken");
    proxy.drain(LIMIT).await;
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn two_supervisors_do_not_share_a_run_folder() {
    let world = World::new();
    let _proxy = open(&world).await;
    let running = supervisor(&world, Vec::new()).await;
    let error = supervise(config(&world, Vec::new())).await.unwrap_err();
    assert!(error.to_string().contains("in use by another supervisor"), "{error}");
    running.abort();
}
