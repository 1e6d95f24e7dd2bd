//! Processes that die, and processes that outlive each other.

use super::fixture::{TEST_NGINX, World, live, until};
use crate::proxy::launch::Launcher;
use crate::proxy::process::{Identity, children, stat};
use crate::proxy::state_dir::StateDir;
use crate::proxy::{Outcome, Proxy};
use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::dialect::nginx::NGINX;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(5);

async fn master(proxy: &Proxy) -> Identity {
    let pid = proxy.health().status().await.unwrap().pid.expect("the proxy runs");
    stat(pid).unwrap().identity
}

#[tokio::test]
async fn a_killed_master_is_replaced_and_its_workers_are_dismissed() {
    let world = World::new();
    let mut proxy = world.open().await;
    live(proxy.apply(&world.files("one", ""), "start").await);
    let old = master(&proxy).await;
    let workers = children(old.pid);
    kill(Pid::from_raw(old.pid), Signal::SIGKILL).unwrap();
    until("a new master", async || proxy.health().status().await.unwrap().pid.is_some_and(|pid| pid != old.pid)).await;
    until("the workers of the old one are gone", async || workers.iter().all(|worker| !worker.is_alive())).await;
    until("it serves again", async || world.body().await == "one").await;
    assert_eq!(proxy.health().status().await.unwrap().deaths, 1);
    live(proxy.apply(&world.files("two", ""), "test").await);
    assert_eq!(world.body().await, "two");
    proxy.drain(LIMIT).await;
}

#[tokio::test]
async fn a_proxy_that_outlived_its_controller_is_taken_over() {
    let world = World::new();
    let mut proxy = world.open().await;
    let files = world.files("one", "");
    live(proxy.apply(&files, "start").await);
    let old = master(&proxy).await;
    drop(proxy);
    let mut proxy = world.open().await;
    assert_eq!(world.body().await, "one");
    assert_eq!(proxy.live().map(|live| (live.revision, live.cause.as_str())), Some((1, "start")));
    assert_eq!(master(&proxy).await, old, "the same process goes on");
    assert!(matches!(proxy.apply(&files, "first sync").await, Outcome::Unchanged(_)));
    let second = live(proxy.apply(&world.files("two", ""), "test").await);
    assert_eq!((second.revision, world.body().await.as_str()), (2, "two"));
    assert_eq!(master(&proxy).await, old);
    proxy.drain(LIMIT).await;
    assert!(!old.is_alive() && world.get("/").await.is_none());
}

#[tokio::test]
async fn a_state_folder_that_was_removed_is_told_with_what_to_do_and_is_no_other_controllers() {
    let world = World::new();
    let mut proxy = world.open().await;
    live(proxy.apply(&world.files("one", ""), "start").await);
    let old = master(&proxy).await;
    std::fs::remove_dir_all(world.state()).unwrap();
    let refused = |outcome| match outcome {
        Outcome::Failed { error } => error.to_string(),
        other => panic!("{other:?}"),
    };
    let told = refused(proxy.apply(&world.files("two", ""), "test").await);
    assert!(told.contains("was removed or replaced") && told.contains("restart it"), "{told}");
    // Another one may have it by now.
    let other = crate::proxy::state_dir::claim(&world.state()).unwrap();
    assert_eq!(refused(proxy.apply(&world.files("two", ""), "test").await), told);
    assert_eq!(std::fs::read_dir(world.state().join("revisions")).unwrap().count(), 0, "nothing is written there");
    drop(other);
    assert_eq!((world.body().await.as_str(), master(&proxy).await), ("one", old));
    proxy.drain(LIMIT).await;
    drop(proxy);
    let mut proxy = world.open().await;
    live(proxy.apply(&world.files("two", ""), "test").await);
    assert_eq!(world.body().await, "two", "a restart mends it");
    proxy.drain(LIMIT).await;
}

#[tokio::test]
async fn revisions_that_were_removed_are_written_anew() {
    let world = World::new();
    let mut proxy = world.open().await;
    live(proxy.apply(&world.files("one", ""), "start").await);
    let old = master(&proxy).await;
    for (body, gone) in [("two", "revisions"), ("three", "current/hosts"), ("four", "current/nginx.conf")] {
        let gone = std::fs::canonicalize(world.state().join(gone)).unwrap();
        if gone.is_dir() { std::fs::remove_dir_all(gone) } else { std::fs::remove_file(gone) }.unwrap();
        live(proxy.apply(&world.files(body, ""), "test").await);
        assert_eq!(world.body().await, body);
    }
    assert_eq!(master(&proxy).await, old);
    proxy.drain(LIMIT).await;
}

#[tokio::test]
async fn a_run_folder_that_was_removed_is_told_apart_from_a_program_that_is_missing() {
    let told = async |breaks: &dyn Fn(&World)| {
        let world = World::new();
        let state = world.state();
        std::fs::create_dir(&state).unwrap();
        let program = world.dir.path().join("program");
        std::os::unix::fs::symlink("/bin/true", &program).unwrap();
        let launcher = Launcher::new(&TEST_NGINX, StateDir::at(&state).unwrap(), &state.join("run"), vec![program.display().to_string()]);
        breaks(&world);
        crate::causes::chain(&launcher.unwrap().version().await.unwrap_err())
    };
    let without_folder = told(&|world| std::fs::remove_dir_all(world.state().join("run")).unwrap()).await;
    assert!(without_folder.contains("without its folder") && without_folder.contains("restart gatewright"), "{without_folder}");
    let without_program = told(&|world| std::fs::remove_file(world.dir.path().join("program")).unwrap()).await;
    assert!(without_program.contains("could not run") && without_program.contains("program"), "{without_program}");
}

#[tokio::test]
async fn orphaned_workers_of_a_master_that_died_unseen_give_up_their_ports() {
    let world = World::new();
    let mut proxy = world.open().await;
    live(proxy.apply(&world.files("one", ""), "start").await);
    let old = master(&proxy).await;
    drop(proxy);
    tokio::task::yield_now().await;
    kill(Pid::from_raw(old.pid), Signal::SIGKILL).unwrap();
    until("the master is gone", async || !old.is_alive()).await;
    let proxy = world.open().await;
    until("a new master serves", async || world.body().await == "one" && proxy.health().status().await.unwrap().workers > 0).await;
    assert_ne!(master(&proxy).await.pid, old.pid);
    proxy.drain(LIMIT).await;
}

#[tokio::test]
async fn the_last_good_revision_serves_before_anything_is_applied() {
    let world = World::new();
    let mut proxy = world.open().await;
    live(proxy.apply(&world.files("last", ""), "start").await);
    proxy.drain(LIMIT).await;
    drop(proxy);
    let proxy = world.open().await;
    assert_eq!(proxy.live().map(|live| live.checked_at.clone()), Some(None));
    until("the last good revision serves", async || world.body().await == "last").await;
    proxy.drain(LIMIT).await;
}

#[tokio::test]
async fn draining_workers_are_counted() {
    use tokio::io::AsyncWriteExt;
    let world = World::new();
    let mut proxy = world.open().await;
    live(proxy.apply(&world.files("one", "client_header_timeout 20s; location /up { proxy_pass http://127.0.0.1:1; }"), "start").await);
    // A request whose body never ends keeps its worker.
    let mut slow = tokio::net::TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
    slow.write_all(b"POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n").await.unwrap();
    slow.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    live(proxy.apply(&world.files("two", ""), "test").await);
    let status = proxy.health().status().await.unwrap();
    assert_eq!((status.draining, status.workers), (1, 1));
    assert_eq!(status.memory, None, "nobody looks at memory for one of them");
    drop(slow);
    until("the old worker is gone", async || proxy.health().status().await.unwrap().draining == 0).await;
    proxy.drain(LIMIT).await;
}

#[tokio::test]
async fn a_reload_that_waits_goes_once_it_is_urgent() {
    use tokio::io::AsyncWriteExt;
    let world = World::new();
    let mut proxy = world.open().await;
    let mut slow = Vec::new();
    for n in 0..6 {
        proxy.throttle = crate::proxy::reload::ReloadThrottle::default();
        let text = format!("client_header_timeout 20s; location /up {{ proxy_pass http://127.0.0.1:1; }} location /{n} {{ return 204; }}");
        live(proxy.apply(&world.files("busy", &text), "test").await);
        // A request whose body never ends keeps its worker.
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
        stream.write_all(b"POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
        slow.push(stream);
        until("the request is there", async || world.get("/").await.is_some()).await;
    }
    let memory = proxy.health().status().await.unwrap().memory.expect("what old workers cost is known while there are many");
    assert!((100 << 10..100 << 20).contains(&memory.generation) && memory.limit > 100 << 20, "{memory:?}");
    let (begun, pause, urgency) = (std::time::Instant::now(), proxy.pause(false).await, proxy.urgency());
    assert!(proxy.pause(true).await * 3 < pause, "{pause:?}");
    let files = world.files("urgent", "");
    let urge = async { assert!(!urgency.send_replace(true)) };
    let (outcome, ()) = tokio::join!(proxy.apply(&files, "test"), urge);
    live(outcome);
    assert!(begun.elapsed() < pause, "{:?} of {pause:?}", begun.elapsed());
    drop(slow);
    proxy.drain(LIMIT).await;
}

#[test]
fn a_folder_that_haproxy_cannot_have_sockets_in_is_told_with_how_long_it_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(folder.path()).unwrap();
    let launcher = |dialect, name: &str| {
        let state = root.join(name);
        std::fs::create_dir_all(&state).unwrap();
        let state = StateDir::at(&state).unwrap();
        let run_dir = state.default_run_dir();
        Launcher::new(dialect, state, &run_dir, vec!["true".to_owned()]).map(|_| ()).map_err(|error| error.to_string())
    };
    let fits = 97 - root.as_os_str().len() - "//run/runtime.sock".len();
    let longest = "x".repeat(fits);
    for name in [&*longest, "a b", "it's", "%[src]", "#", "a;b", "\\x", "ü"] {
        assert_eq!(launcher(&HAPROXY, name), Ok(()), "{name}");
    }
    for name in [&*format!("{longest}x"), "${HOME}", "a,b", "a\nb"] {
        let said = launcher(&HAPROXY, name).unwrap_err();
        assert!(
            said.ends_with(
                "HAProxy cannot have a socket there; use a --state-dir of at most 80 bytes without $, commas and control characters"
            ),
            "{said}"
        );
        assert!(!said.contains('\n'), "{said}");
        assert_eq!(launcher(&NGINX, name), Ok(()), "nginx has none");
    }
}
