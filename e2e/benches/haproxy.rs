//! What changes cost with HAProxy, beside what HAProxy needs by itself: `cargo bench -p gatewright-e2e --bench haproxy`.
//!
//! Each size is a world with so many Ingresses of the shape of [`gatewright_e2e::many`]. Numbers as arguments are other
//! sizes. A changed folder is read when it has been quiet for 100 ms, which is in every time to traffic. The program under
//! test is that of the other tests: `GATEWRIGHT` names a release build.

use gatewright_e2e::client;
use gatewright_e2e::echo;
use gatewright_e2e::load::while_doing;
use gatewright_e2e::manifest::{IngressWords, ingress, service, slice, text};
use gatewright_e2e::many;
use gatewright_e2e::net::on_a_thread_of_its_own;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::world::{World, path};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// Changes of endpoints, and of hosts, that are measured.
const ENDPOINT_CHANGES: usize = 100;
const HOST_CHANGES: usize = 5;

/// Changes of endpoints, and loads, while requests flow; at this size alone.
const CHANGES_UNDER_LOAD: usize = 1_000;
const LOADS_UNDER_LOAD: u64 = 100;
const SIZE_UNDER_LOAD: usize = 1_000;

/// The controller keeps some time between loads, which is not to be measured.
const BETWEEN_LOADS: Duration = Duration::from_secs(5);

/// Commands for the runtime socket that are measured.
const COMMANDS: usize = 2_000;

fn main() {
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    println!("{:>8} {:>10} {:>30} {:>12}", "backends", "proxy", "what", "figure");
    for proxy in [Proxy::HAPROXY_2_6, Proxy::HAPROXY_3_2] {
        for &size in if given.is_empty() { &SIZES[..] } else { &given } {
            on_a_thread_of_its_own(|| measure(proxy, size));
        }
    }
}

fn measure(proxy: Proxy, size: usize) {
    let say =
        |what: &str, figure: String| println!("{size:>8} {:>10} {what:>30} {figure:>12}", proxy.variable.trim_start_matches("GATEWRIGHT_"));
    let world = World::of(proxy).manifest("hot.yaml", &hot(&[echo::new_pod("hot").into()])).build();
    world.write("many.yaml", &many::manifest(size));
    let begun = Instant::now();
    world.start_controller();
    until("everything is live", || client::admin_json("/api/v1/revision")["settled"] == true);
    say("from start to live", millis(begun.elapsed()));
    say("check by HAProxy", millis(median((0..3).map(|_| check(&world)).collect())));
    let of = |changes: &[Change], part: fn(&Change) -> Duration| millis(median(changes.iter().map(part).collect()));
    let plain: Vec<Change> = (0..HOST_CHANGES).map(|round| host_change(&world, &ingress("new"), &format!("p{round}"))).collect();
    say("new host to traffic", of(&plain, |change| change.total));
    let own = |round: usize| ingress("new").annotation("proxy-read-timeout", &(100 + round).to_string());
    let rested = |round: usize| {
        std::thread::sleep(BETWEEN_LOADS);
        host_change(&world, &own(round), &format!("l{round}"))
    };
    let loaded: Vec<Change> = (0..HOST_CHANGES).map(rested).collect();
    assert!(loaded.iter().all(|change| !change.load.is_zero()), "a policy of its own needs a load");
    say("one that needs a load", of(&loaded, |change| change.total));
    say("of that, check by HAProxy", of(&loaded, |change| change.check));
    say("of that, load by HAProxy", of(&loaded, |change| change.load));
    let mut changes = endpoint_changes(&world);
    changes.sort_unstable();
    say("endpoint to traffic, p50", millis(changes[changes.len() / 2]));
    say("endpoint to traffic, p99", millis(changes[changes.len() * 99 / 100]));
    if size == SIZE_UNDER_LOAD {
        let (lost, rate) = under_load(|| endpoints_change(&world));
        say("lost in 1000 endpoint changes", lost);
        say("requests/s meanwhile", rate);
        let (lost, rate) = under_load(|| hosts_change(&world));
        say("lost in 100 loads", lost);
        say("requests/s meanwhile", rate);
    }
    let (alone, joined) = commands_per_second(&world);
    say("commands/s, one a connection", format!("{alone:.0}"));
    say("commands/s, fifty a connection", format!("{joined:.0}"));
    say("memory of the controller", megabytes(world.controller_pid()));
    let workers = fs::read_to_string(format!("/proc/{0}/task/{0}/children", world.proxy_pid())).unwrap_or_default();
    let newest = workers.split_whitespace().filter_map(|pid| pid.parse().ok()).max();
    say("memory of HAProxy's worker", newest.map_or_else(String::new, megabytes));
}

fn hot(pods: &[IpAddr]) -> Vec<Value> {
    vec![service("hot"), slice("hot", pods), ingress("hot").prefix("hot.test", "/", "hot")]
}

/// Waits without the pace of the tests, which would be measured.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(600), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn check(world: &World) -> Duration {
    let files = ["run/launch.cfg", "current"].map(|file| path(&world.state().join(file)));
    let begun = Instant::now();
    let mut command = Command::new(world.proxy.program());
    command.args(["-c", "-q"]).args(files.iter().flat_map(|file| ["-f", file]));
    let status = command.stderr(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "HAProxy takes the files");
    begun.elapsed()
}

/// From a new Ingress to its first answer.
struct Change {
    total: Duration,
    /// What HAProxy needed by itself.
    check: Duration,
    load: Duration,
}

fn host_change(world: &World, object: &Value, name: &str) -> Change {
    let (host, before) = (format!("{name}.new.test"), world.revision());
    let begun = Instant::now();
    world.write("new.yaml", &text(&[object.clone().prefix(&host, "/", "hot")]));
    until("the host answers", || client::get(&host, "/").is_ok_and(|answer| answer.status == 200));
    let total = begun.elapsed();
    until("it is published", || world.revision() > before);
    let revision = client::admin_json("/api/v1/revision");
    let took = |part: &str| Duration::from_millis(revision[part].as_u64().unwrap_or(0));
    Change { total, check: took("check_ms"), load: took("load_ms") }
}

/// From a changed EndpointSlice to the first answer of the new endpoint, without a reload.
fn endpoint_changes(world: &World) -> Vec<Duration> {
    let master = world.proxy_pid();
    let pods: Vec<IpAddr> = (0..ENDPOINT_CHANGES).map(|_| echo::new_pod("hot").into()).collect();
    let taken = pods.iter().map(|pod| {
        let before = world.revision();
        let begun = Instant::now();
        world.write("hot.yaml", &text(&hot(&[*pod])));
        let wanted = pod.to_string();
        until("the new endpoint answers", || client::get("hot.test", "/").is_ok_and(|answer| answer.echo()["address"] == wanted.as_str()));
        let taken = begun.elapsed();
        until("it is published", || world.revision() > before);
        assert!(client::admin_json("/api/v1/revision")["load_ms"].is_null(), "endpoints need no load");
        taken
    });
    let taken = taken.collect();
    assert_eq!(world.proxy_pid(), master);
    taken
}

/// How many requests of how many were lost while something was done, and how many a second there were.
fn under_load(change: impl FnOnce()) -> (String, String) {
    let begun = Instant::now();
    let flow = while_doing("hot.test", "hot", change);
    let rate = flow.answered as f64 / begun.elapsed().as_secs_f64();
    flow.lost.iter().take(5).for_each(|why| eprintln!("lost: {why}"));
    (format!("{} of {}", flow.lost.len(), flow.answered + flow.lost.len()), format!("{rate:.0}"))
}

/// Pods come and go: there are always two, of which one stays until the next change.
fn endpoints_change(world: &World) {
    let pods: Vec<IpAddr> = (0..4).map(|_| echo::new_pod("hot").into()).collect();
    for round in 0..CHANGES_UNDER_LOAD {
        let before = world.revision();
        world.write("hot.yaml", &text(&hot(&[pods[round % 4], pods[(round + 1) % 4]])));
        until("it is published", || world.revision() > before);
    }
}

/// An answer of its own for a path of another host needs a load each time.
fn hosts_change(world: &World) {
    let loads = || client::admin_json("/api/v1/revision")["load_ms"].is_u64();
    let (mut loaded, mut round) = (0, 0);
    while loaded < LOADS_UNDER_LOAD {
        let before = world.revision();
        let timeout = (60 + round % 2).to_string();
        world.write("other.yaml", &text(&[ingress("other").prefix("other.test", "/", "hot").annotation("proxy-read-timeout", &timeout)]));
        until("it is published", || world.revision() > before);
        loaded += u64::from(loads());
        round += 1;
    }
}

fn commands_per_second(world: &World) -> (f64, f64) {
    let config = fs::read_to_string(world.state().join("current/sections-00.cfg")).expect("it is published");
    let section = config.split("\n\n").find(|section| section.contains("\n    server ")).expect("there is one with endpoints");
    let name = section.trim_start().split(' ').nth(1).expect("it has a name");
    let server = section.split("\n    server ").nth(1).and_then(|line| line.split(' ').next()).expect("it has a server");
    let command = format!("set server {name}/{server} state ready");
    let rate = |commands: usize, lines: usize| {
        let line = vec![command.as_str(); commands].join("; ");
        let begun = Instant::now();
        (0..lines).for_each(|_| ask(world, &line));
        (commands * lines) as f64 / begun.elapsed().as_secs_f64()
    };
    (rate(1, COMMANDS), rate(50, COMMANDS / 50))
}

fn ask(world: &World, line: &str) {
    let mut socket = UnixStream::connect(world.state().join("run/runtime.sock")).expect("HAProxy listens");
    socket.write_all(format!("{line}\n").as_bytes()).expect("HAProxy listens");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("HAProxy answers");
    assert_eq!(answer.trim(), "", "{line}");
}

fn median(mut taken: Vec<Duration>) -> Duration {
    taken.sort_unstable();
    taken[taken.len() / 2]
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

/// What a process holds in memory.
fn megabytes(pid: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0);
    format!("{} MiB", kilobytes / 1024)
}
