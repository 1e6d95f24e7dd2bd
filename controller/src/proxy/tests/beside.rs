//! Changes that come while the one before is checked: the proxy is brought on at once, and the disk follows.

use super::fixture::{World, until};
use super::haproxy::{LIMIT, answering, apply, config, endpoint, files, programs, sorted};
use crate::proxy::{BatchDelays, Candidate, Live, Outcome, Proxy};
use gatewright_core::render::FileSet;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A proxy whose checks wait while there is a file `hold`, and refuse while there is a file `refuse`.
struct Slow {
    world: World,
    folder: PathBuf,
    candidates: mpsc::Sender<Candidate>,
    /// Gives the proxy back when there are no more candidates.
    running: JoinHandle<Proxy>,
    master: i32,
}

/// A candidate on its way.
struct Coming {
    served: oneshot::Receiver<()>,
    outcome: oneshot::Receiver<(Outcome, BatchDelays)>,
}

impl Slow {
    /// With one endpoint live.
    async fn with(program: &str, endpoint: u16) -> Self {
        let world = World::new();
        let folder = world.state().with_extension("slow");
        fs::create_dir(&folder).unwrap();
        let script = folder.join("haproxy");
        let text = format!(
            "#!/bin/sh\nif [ \"$1\" = -c ]; then\n  while [ -e {0}/hold ]; do sleep 0.02; done\n  \
             [ ! -e {0}/refuse ] || {{ echo '[ALERT] (1) : config : refused'; exit 1; }}\nfi\nexec {program} \"$@\"\n",
            folder.display()
        );
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let mut proxy = Proxy::open(config(&world, script.to_str().unwrap())).await.unwrap();
        apply(&mut proxy, &files(&world, &[endpoint], "", &[])).await;
        let master = proxy.health().status().await.unwrap().pid.unwrap();
        let (candidates, mut coming) = mpsc::channel(1);
        let here = tokio::runtime::Handle::current();
        let running = tokio::task::spawn_blocking(move || {
            here.block_on(async {
                while let Some(candidate) = coming.recv().await {
                    proxy.bring(candidate, &mut coming).await;
                }
            });
            proxy
        });
        Self { world, folder, candidates, running, master }
    }

    fn on(&self, name: &str) {
        fs::write(self.folder.join(name), "").unwrap();
    }

    fn off(&self, name: &str) {
        fs::remove_file(self.folder.join(name)).unwrap();
    }

    async fn send(&self, endpoints: &[u16], settings: &str) -> Coming {
        let files: Arc<FileSet> = files(&self.world, endpoints, settings, &[]);
        let ((say_served, served), (answer, outcome)) = (oneshot::channel(), oneshot::channel());
        self.candidates.send(Candidate { files, cause: "test".to_owned(), served: say_served, outcome: answer }).await.unwrap();
        Coming { served, outcome }
    }

    /// Sends endpoints that the proxy serves though nothing is checked yet.
    async fn serve(&self, endpoints: &[u16]) -> Coming {
        let mut coming = self.send(endpoints, "").await;
        timeout(LIMIT, &mut coming.served).await.expect("nobody waits for a check").unwrap();
        assert_eq!(answering(&self.world, 8).await, sorted(endpoints));
        coming
    }

    /// Number of the revision on disk.
    fn on_disk(&self) -> u64 {
        let link = fs::read_link(self.world.state().join("current")).unwrap();
        link.file_name().unwrap().to_str().unwrap().split_once('-').unwrap().0.parse().unwrap()
    }

    async fn end(self) {
        let Self { world, folder, candidates, running, .. } = self;
        drop(candidates);
        running.await.unwrap().drain(LIMIT).await;
        fs::remove_dir_all(folder).unwrap();
        drop(world);
    }
}

impl Coming {
    async fn outcome(self) -> Outcome {
        self.outcome.await.unwrap().0
    }

    async fn live(self) -> Live {
        super::fixture::live(self.outcome().await)
    }

    fn is_open(&mut self) -> bool {
        self.outcome.try_recv().is_err()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_do_not_wait_for_the_check_of_those_before() {
    for program in programs() {
        let (one, two, three) = (endpoint().await, endpoint().await, endpoint().await);
        let slow = Slow::with(&program, one).await;
        let before = slow.on_disk();
        slow.on("hold");
        let mut first = slow.serve(&[two]).await;
        let second = slow.serve(&[two, three]).await;
        let third = slow.serve(&[three, one]).await;
        assert!(matches!(second.outcome().await, Outcome::Overtaken), "{program}: nobody has to check it any more");
        assert!(first.is_open() && slow.on_disk() == before, "{program}: nothing is published that was not checked");
        slow.off("hold");
        let (first, third) = (first.live().await, third.live().await);
        assert_eq!([first.reloaded, third.reloaded], [false; 2], "{program}");
        assert!(first.revision < third.revision && slow.on_disk() == third.revision, "{program}");
        assert_eq!(answering(&slow.world, 8).await, sorted(&[one, three]), "{program}");
        slow.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_a_reload_waits_for_what_is_checked_and_so_does_what_changes_nothing() {
    for program in programs() {
        let (one, two) = (endpoint().await, endpoint().await);
        let slow = Slow::with(&program, one).await;
        slow.on("hold");
        let first = slow.serve(&[two]).await;
        let mut loaded = slow.send(&[one], "    maxconn 77\n").await;
        assert!((&mut loaded.served).await.is_err(), "{program}: it is not served before it is loaded");
        assert_eq!(answering(&slow.world, 3).await, [two], "{program}");
        slow.off("hold");
        let (first, loaded) = (first.live().await, loaded.live().await);
        assert_eq!([first.reloaded, loaded.reloaded], [false, true], "{program}");
        assert_eq!(answering(&slow.world, 3).await, [one], "{program}");
        slow.on("hold");
        let second = slow.send(&[two], "    maxconn 77\n").await;
        let same = slow.send(&[two], "    maxconn 77\n").await;
        slow.off("hold");
        let (second, same) = (second.live().await, same.outcome().await);
        assert!(matches!(same, Outcome::Unchanged(live) if live.revision == second.revision), "{program}");
        slow.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_refused_takes_those_behind_along() {
    for program in programs() {
        let (one, two, three) = (endpoint().await, endpoint().await, endpoint().await);
        let slow = Slow::with(&program, one).await;
        let before = slow.on_disk();
        slow.on("hold");
        let (first, second) = (slow.serve(&[two]).await, slow.serve(&[three]).await);
        slow.on("refuse");
        slow.off("hold");
        assert!(matches!(first.outcome().await, Outcome::Refused(_)), "{program}");
        assert!(matches!(second.outcome().await, Outcome::Overtaken), "{program}: who tries again knows it all");
        until("it serves what is on disk", async || answering(&slow.world, 3).await == [one]).await;
        assert_eq!(slow.on_disk(), before, "{program}");
        slow.off("refuse");
        let again = slow.send(&[three], "").await.live().await;
        assert_eq!(slow.on_disk(), again.revision, "{program}");
        assert_eq!(answering(&slow.world, 3).await, [three], "{program}");
        slow.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_dies_meanwhile_comes_to_the_newest_in_the_end() {
    for program in programs() {
        let (one, two, three) = (endpoint().await, endpoint().await, endpoint().await);
        let slow = Slow::with(&program, one).await;
        slow.on("hold");
        let (first, second) = (slow.serve(&[two]).await, slow.serve(&[three]).await);
        kill(Pid::from_raw(slow.master), Signal::SIGKILL).unwrap();
        until("another one serves what is on disk", async || answering(&slow.world, 3).await == [one]).await;
        slow.off("hold");
        let (first, second) = (first.live().await, second.live().await);
        assert!(first.reloaded && second.reloaded, "{program}: neither was told to this one");
        assert_eq!((answering(&slow.world, 3).await, slow.on_disk()), (vec![three], second.revision), "{program}");
        slow.end().await;
    }
}
