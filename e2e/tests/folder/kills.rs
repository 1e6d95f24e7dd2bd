//! Ends as of a crash, at any moment and in any order: traffic comes back with the newest state, and files are whole.

use gatewright_e2e::client::connect;
use gatewright_e2e::echo::new_pod;
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, ingress, service, slice, text};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::wait::{until_eq, until_some};
use gatewright_e2e::world::{World, gatewright, path, send, who};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::fs;
use std::process::Child;
use std::time::{Duration, SystemTime};

/// Numbers that follow from a seed, which is printed; `GATEWRIGHT_SEED` gives one.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let given = std::env::var("GATEWRIGHT_SEED").ok().and_then(|text| text.parse().ok());
        let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
        let seed = given.unwrap_or_else(|| u64::from(now()) | 1);
        println!("GATEWRIGHT_SEED={seed}");
        Self(seed)
    }

    /// Less than `bound`.
    fn roll(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    fn shuffle<T>(&mut self, mut list: Vec<T>) -> Vec<T> {
        for at in (1..list.len()).rev() {
            list.swap(at, self.roll(at + 1));
        }
        list
    }
}

fn one_host() -> Vec<Value> {
    [running("s"), vec![ingress("a").prefix("h.test", "/", "s")]].concat()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Controller,
    Supervisor,
    Proxy,
}

/// What runs: a supervisor of its own only where the controller is not its own one.
struct Parts<'w> {
    world: &'w World,
    supervisor: Option<Child>,
}

impl Parts<'_> {
    fn start(&mut self, part: Part) {
        let world = self.world;
        match part {
            Part::Controller => world.start_controller(),
            Part::Supervisor => {
                let words = [&path(&gatewright()), "supervise", "--state-dir", &path(&world.state()), "--proxy", world.proxy.kind, "--"];
                let program = path(&world.proxy.program());
                let words: Vec<String> = words.iter().copied().chain([&*program]).map(str::to_owned).collect();
                self.supervisor = Some(world.launch(&words));
            }
            // Whoever owns it does that.
            Part::Proxy => {}
        }
    }

    fn kill(&mut self, part: Part) {
        match part {
            Part::Controller => {
                self.world.end_controller(Signal::SIGKILL);
            }
            Part::Supervisor => {
                let mut supervisor = self.supervisor.take().expect("it runs");
                send(supervisor.id(), Signal::SIGKILL);
                supervisor.wait().unwrap();
            }
            // There may be none at the moment.
            Part::Proxy => {
                if let Some(pid) = noted_proxy(self.world) {
                    send(pid, Signal::SIGKILL);
                }
            }
        }
    }
}

fn noted_proxy(world: &World) -> Option<u32> {
    let note: Value = serde_json::from_slice(&fs::read(world.state().join("run/proxy.json")).ok()?).ok()?;
    note["pid"].as_u64().and_then(|pid| pid.try_into().ok())
}

/// What is published is there, and it is what the proxy has; nothing half done is left beside it.
pub(super) fn disk_is_whole(world: &World) {
    let main = world.state().join("current").join(if world.proxy.is_nginx() { "nginx.conf" } else { "haproxy.cfg" });
    let published = || {
        let text = fs::read_to_string(&main).ok()?;
        text.lines().next()?.strip_prefix("# Configuration checksum: ").map(str::to_owned)
    };
    let loaded = || {
        let answer = Request::get("localhost", "/gatewright/revision").send(&mut connect(10246).ok()?, true).ok()?;
        Some(String::from_utf8_lossy(&answer.body).trim().to_owned())
    };
    until_some("the proxy has what is published", || published().filter(|token| loaded().as_ref() == Some(token)));
    let unfinished = || {
        let entries = fs::read_dir(world.state().join("revisions")).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".tmp") && name != ".tmp-seed").collect::<Vec<_>>()
    };
    until_eq("nothing half done is left", &Vec::new(), unfinished);
}

fn any_part_may_be_killed(proxy: Proxy, mode: &str, parts: &[Part]) {
    const ROUNDS: usize = 10;
    const LONGEST_MS: usize = 400;
    let mut dice = Dice::new();
    let world = World::of(proxy).arg("--proxy-mode").arg(mode).build();
    // Two rounds of three have a change that no proxy takes over while it runs.
    let state = |round: usize| {
        let pods: Vec<_> = (0..=round % 2).map(|_| new_pod("s").into()).collect();
        let other = ingress("r").prefix(&format!("r{round}.test"), "/", "s");
        let other = if round.is_multiple_of(3) { other } else { other.to_be_loaded(round) };
        text(&[service("s"), slice("s", &pods), ingress("a").prefix("h.test", "/", "s"), other])
    };
    world.write("i.yaml", &state(0));
    let mut running = Parts { world: &world, supervisor: None };
    parts.iter().for_each(|part| running.start(*part));
    world.until_ready();
    let loads = world.loads_logged();
    for round in 1..=ROUNDS {
        world.write("i.yaml", &state(round));
        // The moment is what is tested, so it is waited for, not a condition.
        std::thread::sleep(Duration::from_millis(u64::try_from(dice.roll(LONGEST_MS)).unwrap()));
        let mut victims = dice.shuffle(parts.to_vec());
        victims.truncate(1 + dice.roll(parts.len()));
        println!("round {round}: {victims:?}");
        victims.iter().for_each(|part| running.kill(*part));
        dice.shuffle(victims).into_iter().for_each(|part| running.start(part));
        until_eq("the newest state is served", &"s".to_owned(), || who(&format!("r{round}.test"), "/"));
        until_eq("and only that", &"404".to_owned(), || who(&format!("r{}.test", round - 1), "/"));
        until_eq("what has not changed is served", &"s".to_owned(), || who("h.test", "/"));
        world.until_ready();
        disk_is_whole(&world);
    }
    // What a proxy that was started anew began with needs none.
    assert!(world.loads_logged() > loads, "some were loaded by a proxy that ran: {loads}");
    world.end_controller(Signal::SIGTERM);
    if let Some(mut supervisor) = running.supervisor {
        send(supervisor.id(), Signal::SIGTERM);
        supervisor.wait().unwrap();
    }
    until_eq("the end is one for all", &"nobody".to_owned(), || who("h.test", "/"));
}

on_every_proxy! {
    fn the_end_of_a_terminal_ends_the_proxy_too(proxy) {
        let world = World::of(proxy).manifest("i.yaml", &one_host()).start();
        assert_eq!(who("h.test", "/"), "s");
        assert_eq!(world.end_controller(Signal::SIGHUP), Some(0));
        assert_eq!(who("h.test", "/"), "nobody");
    }

    fn who_wants_to_outlive_the_terminal_does(proxy) {
        let world = World::of(proxy).manifest("i.yaml", &one_host()).build();
        let words = ["env", "--ignore-signal=HUP", &path(&gatewright()), "run", "--manifests", &path(&world.manifests()), "--state-dir", &path(&world.state())];
        let proxy = ["--proxy", proxy.kind, "--proxy-binary", &path(&proxy.program())];
        let mut controller = world.launch(&[words.as_slice(), &proxy].concat().iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        world.until_ready();
        send(controller.id(), Signal::SIGHUP);
        world.apply("more.yaml", &[ingress("more").prefix("more.test", "/", "s")]);
        assert_eq!([who("h.test", "/"), who("more.test", "/")], ["s", "s"]);
        send(controller.id(), Signal::SIGTERM);
        assert_eq!(controller.wait().unwrap().code(), Some(0));
        assert_eq!(who("h.test", "/"), "nobody");
    }

    fn controller_supervisor_and_proxy_may_be_killed_at_any_moment_and_in_any_order(proxy) {
        any_part_may_be_killed(proxy, "supervise", &[Part::Controller, Part::Supervisor, Part::Proxy]);
    }

    fn a_controller_and_its_child_may_be_killed_at_any_moment_and_in_any_order(proxy) {
        any_part_may_be_killed(proxy, "child", &[Part::Controller, Part::Proxy]);
    }
}
