//! What changes cost while requests flow, and what HAProxy needs for them by itself:
//! `cargo bench -p gatewright-e2e --bench changes`.
//!
//! Each size is a world with so many Ingresses of the shape of [`gatewright_e2e::many`]. Arguments say what is measured:
//!
//! | argument | meaning | default |
//! |---|---|---|
//! | `haproxy-2.6`, `haproxy-3.0`, `haproxy-3.2`, `nginx-1.22`, `nginx-1.28`, `nginx-1.30` | these proxies | the oldest and the newest HAProxy, the newest nginx |
//! | `100`, `1000`, … | these sizes | 100, 1 000 and 10 000 |
//! | `endpoints=N` | so many changes of endpoints, one after another | 100 |
//! | `changes=N` | so many changes of endpoints under load | 1 000, at 1 000 Ingresses alone; 100 with nginx |
//! | `loads=N` | so many loads under load | 100, at 1 000 Ingresses alone |
//! | `only=PART` | of `hosts`, `endpoints`, `load` and `commands` this part alone | all |
//!
//! So `haproxy-3.2 1000 changes=100 loads=5` takes a few minutes, and `haproxy-3.2 1000 only=endpoints` one. With nginx, every
//! change is a load, so that only what is done under load is measured, at sizes where something is. A changed folder is read when it has been quiet for
//! 100 ms, which is in every time to traffic; `of that, ours` is what the controller needs from then on until the proxy is
//! told. The program under test is that of the other tests: `GATEWRIGHT` names a release build.

use gatewright_e2e::client;
use gatewright_e2e::echo;
use gatewright_e2e::load::while_doing;
use gatewright_e2e::manifest::{IngressWords, ingress, service, slice, text};
use gatewright_e2e::many;
use gatewright_e2e::net::on_a_thread_of_its_own;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::world::{World, path, workers_of};
use serde_json::Value;
use std::fmt::Display;
use std::fs;
use std::io::{Read, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// Those that are measured by default.
const DEFAULT: [Proxy; 3] = [Proxy::HAPROXY_2_6, Proxy::HAPROXY_3_2, Proxy::NGINX_1_30];

/// Changes of endpoints, and of hosts, that are measured.
const ENDPOINT_CHANGES: usize = 100;
const HOST_CHANGES: usize = 5;

/// Changes of endpoints, and loads, while requests flow; at this size alone unless their number is given.
const CHANGES_UNDER_LOAD: usize = 1_000;
const LOADS_UNDER_LOAD: usize = 100;
const SIZE_UNDER_LOAD: usize = 1_000;

/// With nginx each of them is a load.
const CHANGES_UNDER_LOAD_OF_NGINX: usize = 100;

/// From the event until the proxy has been told of an endpoint.
const ENDPOINT_BUDGET: Duration = Duration::from_millis(10);

/// Endpoints of one Service that come and go at once.
const MANY_ENDPOINTS: usize = 1_000;

/// The controller keeps some time between loads, which is not to be measured.
const BETWEEN_LOADS: Duration = Duration::from_secs(5);

/// Commands for the runtime socket that are measured.
const COMMANDS: usize = 2_000;

/// What is asked for.
struct Wish {
    proxies: Vec<Proxy>,
    sizes: Vec<usize>,
    endpoints: usize,
    changes: Option<usize>,
    loads: Option<usize>,
    only: Option<String>,
}

impl Wish {
    /// Cargo gives arguments of its own, too.
    fn read(arguments: &[String]) -> Self {
        let number = |name: &str| arguments.iter().find_map(|argument| argument.strip_prefix(name)?.parse().ok());
        let proxies = Proxy::named(arguments, &DEFAULT).into_iter().map(|(_, proxy)| proxy).collect();
        let mut sizes: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
        if sizes.is_empty() {
            sizes = SIZES.to_vec();
        }
        let only = arguments.iter().find_map(|argument| argument.strip_prefix("only=")).map(str::to_owned);
        let endpoints = number("endpoints=").unwrap_or(ENDPOINT_CHANGES).max(1);
        Self { proxies, sizes, endpoints, changes: number("changes="), loads: number("loads="), only }
    }

    fn wants(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == part)
    }

    /// Changes and loads under load for a proxy and a size.
    fn under_load(&self, proxy: Proxy, size: usize) -> [usize; 2] {
        let changes = if proxy.is_nginx() { CHANGES_UNDER_LOAD_OF_NGINX } else { CHANGES_UNDER_LOAD };
        let usual = |number| if size == SIZE_UNDER_LOAD && self.wants("load") { number } else { 0 };
        [self.changes.unwrap_or(usual(changes)), self.loads.unwrap_or(usual(LOADS_UNDER_LOAD))]
    }
}

fn main() {
    let wish = Wish::read(&std::env::args().skip(1).collect::<Vec<_>>());
    println!("{:>8} {:>12} {:>40} {:>14}", "backends", "proxy", "what", "figure");
    for &proxy in &wish.proxies {
        for &size in wish.sizes.iter().filter(|size| !proxy.is_nginx() || wish.under_load(proxy, **size) != [0, 0]) {
            on_a_thread_of_its_own(|| measure(proxy, size, &wish));
        }
    }
}

/// Prints one figure.
struct Say(usize, Proxy);

impl Say {
    fn say(&self, what: &str, figure: impl Display) {
        let proxy = self.1.variable.trim_start_matches("GATEWRIGHT_");
        println!("{:>8} {proxy:>12} {what:>40} {figure:>14}", self.0, figure = figure.to_string());
    }

    /// The middle of all, and the one that one in a hundred is longer than.
    fn spread(&self, what: &str, mut taken: Vec<Duration>) {
        taken.sort_unstable();
        self.say(&format!("{what}, p50"), millis(taken[taken.len() / 2]));
        self.say(&format!("{what}, p99"), millis(taken[taken.len() * 99 / 100]));
    }
}

fn measure(proxy: Proxy, size: usize, wish: &Wish) {
    let say = Say(size, proxy);
    let world = World::of(proxy).arg("--log-level=debug").manifest("hot.yaml", &hot(&[echo::new_pod("hot").into()])).build();
    world.write("many.yaml", &many::manifest(size));
    let begun = Instant::now();
    world.start_controller();
    until("everything is live", || client::admin_json("/api/v1/revision")["settled"] == true);
    say.say("from start to live", millis(begun.elapsed()));
    if !proxy.is_nginx() {
        say.say("check by HAProxy", millis(median((0..3).map(|_| check(&world)).collect())));
        measure_without_load(&world, &say, wish);
    }
    let [changes, loads] = wish.under_load(proxy, size);
    if changes > 0 {
        let (lost, rate) = under_load(proxy, || endpoints_change(&world, changes));
        say.say(&format!("lost in {changes} endpoint changes (≤ 0)"), lost);
        say.say("requests/s meanwhile", rate);
    }
    if loads > 0 {
        let (lost, rate) = under_load(proxy, || hosts_change(&world, loads));
        say.say(&format!("lost in {loads} loads (≤ 0)"), lost);
        say.say("requests/s meanwhile", rate);
    }
    say.say("memory of the controller", megabytes(world.controller_pid()));
    let newest = workers_of(world.proxy_pid()).last().copied();
    say.say("memory of the proxy's newest worker", newest.map_or_else(String::new, megabytes));
}

fn measure_without_load(world: &World, say: &Say, wish: &Wish) {
    if wish.wants("hosts") {
        measure_hosts(world, say);
    }
    if wish.wants("endpoints") {
        measure_endpoints(world, say, wish.endpoints);
    }
    if wish.wants("commands") {
        let (alone, joined) = commands_per_second(world);
        say.say("HAProxy's commands/s, one a line", format!("{alone:.0}"));
        say.say("HAProxy's commands/s, fifty a line", format!("{joined:.0}"));
    }
}

fn measure_hosts(world: &World, say: &Say) {
    let of = |changes: &[Change], part: fn(&Change) -> Duration| millis(median(changes.iter().map(part).collect()));
    let plain: Vec<Change> = (0..HOST_CHANGES).map(|round| host_change(world, &ingress("new"), &format!("p{round}"))).collect();
    say.say("new host to traffic", of(&plain, |change| change.total));
    let own = |round: usize| ingress("new").to_be_loaded(round);
    let rested = |round: usize| {
        std::thread::sleep(BETWEEN_LOADS);
        host_change(world, &own(round), &format!("l{round}"))
    };
    let loaded: Vec<Change> = (0..HOST_CHANGES).map(rested).collect();
    assert!(loaded.iter().all(|change| !change.load.is_zero()), "a policy of its own needs a load");
    say.say("one that needs a load", of(&loaded, |change| change.total));
    say.say("of that, check by HAProxy", of(&loaded, |change| change.check));
    say.say("of that, load by HAProxy", of(&loaded, |change| change.load));
}

fn measure_endpoints(world: &World, say: &Say, changes: usize) {
    let seen = steps(world).len();
    say.spread("endpoint to traffic", endpoint_changes(world, changes));
    let ours = steps(world).split_off(seen);
    // Programs of before do not tell it.
    if !ours.is_empty() {
        let all: Vec<Duration> = ours.iter().map(Steps::all).collect();
        say.say(&format!("of that, ours ≤ {}", millis(ENDPOINT_BUDGET)), verdict(median(all.clone()) <= ENDPOINT_BUDGET));
        say.spread("of that, ours", all);
        for (what, part) in [("waiting", 0), ("translating, rendering", 1), ("writing files", 2), ("telling the proxy", 3)] {
            say.say(&format!("of that, {what}"), micros(median(ours.iter().map(|steps| steps.0[part]).collect())));
        }
    }
    // Changes come while the one before is still being checked.
    say.spread("one right after another, to traffic", crowded_changes(world, changes));
    let (total, told) = many_endpoints(world);
    say.say("1000 endpoints come, 1000 go", millis(total));
    if !told.is_zero() {
        say.say("endpoint operations/s", format!("{:.0}", (2 * MANY_ENDPOINTS) as f64 / told.as_secs_f64()));
    }
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

/// What a change cost the controller: waiting for its turn, making files, writing them, telling the proxy.
struct Steps([Duration; 4]);

impl Steps {
    fn all(&self) -> Duration {
        self.0.iter().sum()
    }
}

/// Those of all changes so far that needed no load.
fn steps(world: &World) -> Vec<Steps> {
    let log = world.log();
    let (mut found, mut made) = (Vec::new(), None);
    for line in log.lines().filter(|line| line.starts_with('{')) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        // Numbers of 128 bits are texts.
        let took = |part: &str| Duration::from_micros(line[part].to_string().trim_matches('"').parse().unwrap_or(0));
        if line["message"] == "made a candidate" {
            made = Some((took("waited_us"), took("took_us")));
        } else if line["message"] == "changed the running proxy"
            && let Some((waited, making)) = made.take()
        {
            found.push(Steps([waited, making, took("stage_us"), took("took_us")]));
        }
    }
    found
}

/// From a changed EndpointSlice to the first answer of the new endpoint, without a reload.
fn endpoint_changes(world: &World, changes: usize) -> Vec<Duration> {
    let master = world.proxy_pid();
    let pods: Vec<IpAddr> = (0..changes).map(|_| echo::new_pod("hot").into()).collect();
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

/// The same of changes that do not wait for the one before to be settled.
fn crowded_changes(world: &World, changes: usize) -> Vec<Duration> {
    let pods: Vec<IpAddr> = (0..changes).map(|_| echo::new_pod("hot").into()).collect();
    let taken = pods.iter().map(|pod| {
        let begun = Instant::now();
        world.write("hot.yaml", &text(&hot(&[*pod])));
        let wanted = pod.to_string();
        until("the new endpoint answers", || client::get("hot.test", "/").is_ok_and(|answer| answer.echo()["address"] == wanted.as_str()));
        begun.elapsed()
    });
    let taken = taken.collect();
    until("all is settled", || client::admin_json("/api/v1/revision")["settled"] == true);
    taken
}

/// How long it took until many endpoints that came, and as many that went, were published, and how long of that the proxy
/// was told of them.
fn many_endpoints(world: &World) -> (Duration, Duration) {
    let pods: Vec<IpAddr> = (0..=MANY_ENDPOINTS).map(|_| echo::new_pod("hot").into()).collect();
    let (seen, begun) = (steps(world).len(), Instant::now());
    for some in [&pods[..], &pods[..1]] {
        let before = world.revision();
        world.write("hot.yaml", &text(&hot(some)));
        until("it is published", || world.revision() > before);
    }
    let taken = begun.elapsed();
    (taken, steps(world).split_off(seen).iter().map(|steps| steps.0[3]).sum())
}

/// How many requests of how many were lost while something was done, and how many a second there were.
fn under_load(proxy: Proxy, change: impl FnOnce()) -> (String, String) {
    let begun = Instant::now();
    let flow = while_doing(proxy, "hot.test", "hot", change);
    let rate = flow.answered() as f64 / begun.elapsed().as_secs_f64();
    flow.lost.iter().take(5).for_each(|why| eprintln!("lost: {why}"));
    let (lost, all) = (flow.lost.len(), flow.answered() + flow.lost.len());
    (format!("{lost} of {all}, {}", verdict(lost == 0)), format!("{rate:.0}"))
}

/// Pods come and go: there are always two, of which one stays until the next change.
fn endpoints_change(world: &World, changes: usize) {
    let pods: Vec<IpAddr> = (0..4).map(|_| echo::new_pod("hot").into()).collect();
    for round in 0..changes {
        let before = world.revision();
        world.write("hot.yaml", &text(&hot(&[pods[round % 4], pods[(round + 1) % 4]])));
        until("it is published", || world.revision() > before);
    }
}

/// Another host is changed so that it needs a load each time.
fn hosts_change(world: &World, loads: usize) {
    for round in 0..loads {
        let before = world.loads();
        world.write("other.yaml", &text(&[ingress("other").prefix("other.test", "/", "hot").to_be_loaded(round)]));
        until("it is loaded", || world.loads() > before);
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

/// Whether a budget is kept.
const fn verdict(is_kept: bool) -> &'static str {
    if is_kept { "within" } else { "over" }
}

fn median(mut taken: Vec<Duration>) -> Duration {
    taken.sort_unstable();
    taken[taken.len() / 2]
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

fn micros(duration: Duration) -> String {
    format!("{} µs", duration.as_micros())
}

/// What a process holds in memory.
fn megabytes(pid: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0);
    format!("{} MiB", kilobytes / 1024)
}
