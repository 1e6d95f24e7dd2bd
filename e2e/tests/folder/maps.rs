//! Ends as of a crash between two maps of HAProxy that change one after the other: what is met is as before or as then, and
//! comes back as then.

use super::kills::disk_is_whole;
use gatewright_e2e::manifest::{IngressWords, ingress, text};
use gatewright_e2e::on_proxies;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::until;
use gatewright_e2e::world::{World, send, who};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Stands before HAProxy's runtime socket and passes everything on, until so many maps are others. HAProxy has that one then,
/// and whoever asked gets no answer, to that and to everything later.
struct Gate {
    socket: PathBuf,
    real: PathBuf,
    passes: usize,
    commits: AtomicUsize,
    is_shut: AtomicBool,
    /// Whoever gets no answer.
    kept: Mutex<Vec<UnixStream>>,
}

impl Gate {
    fn put_before(world: &World, passes: usize) -> Arc<Self> {
        let socket = world.state().join("run/runtime.sock");
        let real = socket.with_extension("real");
        fs::rename(&socket, &real).unwrap();
        let listener = UnixListener::bind(&socket).unwrap();
        let (commits, is_shut) = (AtomicUsize::new(0), AtomicBool::new(false));
        let gate = Arc::new(Self { socket, real, passes, commits, is_shut, kept: Mutex::default() });
        let of_listener = Arc::clone(&gate);
        std::thread::spawn(move || {
            for asker in listener.incoming().flatten() {
                let gate = Arc::clone(&of_listener);
                std::thread::spawn(move || gate.pass(asker));
            }
        });
        gate
    }

    fn is_shut(&self) -> bool {
        self.is_shut.load(Ordering::SeqCst)
    }

    /// HAProxy listens again where it did.
    fn remove(&self) {
        // It may do so already.
        let _ = fs::rename(&self.real, &self.socket);
    }

    fn pass(self: &Arc<Self>, mut asker: UnixStream) {
        let asked = (!self.is_shut()).then(|| UnixStream::connect(&self.real).ok()).flatten();
        let Some(mut asked) = asked else { return self.kept.lock().unwrap().push(asker) };
        let (mut commands, mut to_proxy, gate) = (asker.try_clone().unwrap(), asked.try_clone().unwrap(), Arc::clone(self));
        std::thread::spawn(move || gate.count(&mut commands, &mut to_proxy));
        let mut answers = Vec::new();
        let _ = asked.read_to_end(&mut answers);
        if self.commits.load(Ordering::SeqCst) >= self.passes {
            self.kept.lock().unwrap().push(asker);
            self.is_shut.store(true, Ordering::SeqCst);
            return;
        }
        let _ = asker.write_all(&answers).and_then(|()| asker.shutdown(Shutdown::Both));
    }

    fn count(&self, commands: &mut UnixStream, to_proxy: &mut UnixStream) {
        const COMMIT: &str = "commit map ";
        let (mut said, mut buffer) = (String::new(), [0; 4096]);
        while let Ok(length @ 1..) = commands.read(&mut buffer) {
            let before = said.matches(COMMIT).count();
            said.push_str(&String::from_utf8_lossy(&buffer[..length]));
            self.commits.fetch_add(said.matches(COMMIT).count() - before, Ordering::SeqCst);
            if to_proxy.write_all(&buffer[..length]).is_err() {
                return;
            }
        }
    }
}

/// Who ends between two maps; nobody may, and then only the socket hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Nobody,
    Controller,
    Proxy,
    Both,
}

impl Ends {
    const ALL: [Self; 4] = [Self::Nobody, Self::Controller, Self::Proxy, Self::Both];

    fn happen(self, world: &World, gate: &Gate) {
        let proxy = world.proxy_pid();
        if matches!(self, Self::Controller | Self::Both) {
            world.end_controller(Signal::SIGKILL);
        }
        if self != Self::Nobody {
            gate.remove();
        }
        if matches!(self, Self::Proxy | Self::Both) {
            send(proxy, Signal::SIGKILL);
        }
        if matches!(self, Self::Controller | Self::Both) {
            world.start_controller();
        }
    }
}

/// What is changed from round to round, without a reload.
struct Changes {
    manifest: fn(usize) -> Vec<Value>,
    /// Host, path, and what answers there in a round.
    met: &'static [(&'static str, &'static str, [&'static str; 2])],
    /// So many maps are replaced in a round.
    commits: usize,
}

impl Changes {
    /// What is met is as before or as then; nobody may be there meanwhile.
    fn are_of_some_round(&self) {
        for (host, path, answers) in self.met {
            let seen = who(host, path);
            assert!(seen == "nobody" || answers.contains(&&*seen), "{host}{path}: {seen}");
        }
    }

    fn are_of_round(&self, round: usize) -> bool {
        self.met.iter().all(|(host, path, answers)| who(host, path) == answers[round % 2])
    }
}

fn each_moment_between_two_maps_is_survived(proxy: Proxy, changes: &Changes) {
    let world = World::of(proxy).manifest("s.yaml", &running("s")).manifest("i.yaml", &(changes.manifest)(0)).start();
    let mut round = 0;
    // What a change needs that was not there before is loaded.
    for warm in [1, 0] {
        world.apply("i.yaml", &(changes.manifest)(warm));
    }
    for ends in Ends::ALL {
        for passes in 1..=changes.commits {
            round += 1;
            world.until_ready();
            assert!(changes.are_of_round(round - 1), "round {round}");
            let (before, loads) = (world.published(), world.loads_logged());
            let gate = Gate::put_before(&world, passes);
            world.write("i.yaml", &text(&(changes.manifest)(round)));
            until("the maps are others up to this one, or all", || gate.is_shut() || world.published() != before);
            assert!(gate.is_shut(), "{ends:?}: map {passes} of round {round} was replaced without a reload");
            assert_eq!((world.published(), world.loads_logged()), (before, loads), "what is published is as before");
            (0..5).for_each(|_| changes.are_of_some_round());
            ends.happen(&world, &gate);
            until("the newest state is published", || {
                changes.are_of_some_round();
                world.published() != before
            });
            until("and served", || changes.are_of_round(round));
            world.until_ready();
            disk_is_whole(&world);
        }
    }
}

on_proxies! {
    [haproxy_2_6 = HAPROXY_2_6, haproxy_3_2 = HAPROXY_3_2]

    fn a_guard_whose_path_becomes_an_expression_is_never_open(proxy) {
        each_moment_between_two_maps_is_survived(proxy, &Changes {
            manifest: |round| {
                let use_regex = if round.is_multiple_of(2) { "false" } else { "true" };
                let guard = ingress("guard").path("h.test", "/admin", "ImplementationSpecific", "s");
                vec![
                    ingress("open").prefix("h.test", "/", "s"), ingress("other").prefix("other.test", "/", "s"),
                    guard.annotation("denylist-source-range", "127.0.0.0/8").annotation("use-regex", use_regex),
                ]
            },
            met: &[("h.test", "/admin", ["403", "403"]), ("h.test", "/ADMIN", ["s", "403"]), ("h.test", "/x", ["s", "s"]), ("other.test", "/", ["s", "s"])],
            commits: 3,
        });
    }

    fn hosts_that_come_and_go_are_never_without_their_guard(proxy) {
        each_moment_between_two_maps_is_survived(proxy, &Changes {
            manifest: |round| {
                let host = if round.is_multiple_of(2) { "a.test" } else { "b.test" };
                vec![
                    ingress("any").prefix("", "/", "s"),
                    ingress("open").prefix(host, "/", "s"),
                    ingress("guard").path(host, "/admin", "Exact", "s").annotation("denylist-source-range", "127.0.0.0/8"),
                ]
            },
            met: &[("a.test", "/admin", ["403", "s"]), ("b.test", "/admin", ["s", "403"]), ("c.test", "/admin", ["s", "s"])],
            commits: 5,
        });
    }
}
