//! What `run` costs with a real proxy beside it, at 100, 1 000 and 10 000 Ingresses of the shape of
//! [`gatewright_e2e::many`].
//!
//! ```text
//! figures [PROXY]... [SIZE]...
//! ```
//!
//! A proxy is one of [`Proxy::BY_NAME`]; by default the oldest and the newest of each kind are measured.
//! The controller's times are its own, from `/metrics`; the proxy's check and load of the same files stand beside them.
//! `start` is from the first instruction of the controller to the first answer of the last host, and `of it ours` from
//! complete lists to staged files; `change` is from a written file to the first new answer. Last stands what nginx needs
//! for the same hosts in a file as one writes it by hand. Below each line stand the budgets, and whether they are kept.

mod plain;

use gatewright_e2e::client;
use gatewright_e2e::manifest::{IngressWords, ingress, text};
use gatewright_e2e::many;
use gatewright_e2e::net::on_a_thread_of_its_own;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::steps::{Steps, memory};
use gatewright_e2e::wait::until_measured as until;
use gatewright_e2e::world::{World, who};
use nix::sys::signal::Signal;
use std::fmt::{self, Display};
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [100, 1_000, 10_000];
/// Those that are measured by default.
const DEFAULT: [Proxy; 4] = [Proxy::NGINX_1_22, Proxy::NGINX_1_30, Proxy::HAPROXY_2_6, Proxy::HAPROXY_3_2];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    println!("{HEAD}");
    for (name, proxy) in Proxy::named(&words, &DEFAULT) {
        for &size in if sizes.is_empty() { &SIZES[..] } else { &sizes } {
            on_a_thread_of_its_own(|| {
                let figures = measure(proxy, size);
                println!("{name:<12} {size:>9} {figures}");
                figures.budgets(size).iter().for_each(|budget| println!("{budget}"));
            });
        }
    }
}

const HEAD: &str = "\
                       |  start   of it ours  |           one change                | controller MiB | by hand
proxy        ingresses |      s  make + stage |   all = make + stage + check + load |  now   peak    | check + load
                       |                   ms |          (ours, ms)   (the proxy's) |                | (ms)";

/// One line of the table, in milliseconds and MiB.
struct Figures {
    start: f64,
    first_make: f64,
    first_stage: f64,
    /// From a written file to the first new answer.
    change: f64,
    make: f64,
    stage: f64,
    check: f64,
    load: f64,
    memory: [f64; 2],
    /// Check and load of a file as one writes it by hand; nginx alone.
    by_hand: Option<[f64; 2]>,
}

impl Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first_make, first_stage, change, make, stage, check, load, memory: [now, peak], .. } = self;
        write!(f, "| {:>6.2} {first_make:>6.0} {first_stage:>7.0} ", self.start / 1e3)?;
        write!(f, "| {change:>5.0} {make:>6.0} {stage:>7.0} {check:>7.0} {load:>6.0} | {now:>4.0} {peak:>6.0}    | ")?;
        self.by_hand.map_or(Ok(()), |[check, load]| write!(f, "{check:>5.0} {load:>6.0}"))
    }
}

/// A figure, and what it may be.
struct Budget {
    what: &'static str,
    figure: f64,
    unit: &'static str,
    bound: f64,
    /// The bound is the least, not the most.
    is_least: bool,
}

impl Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, figure, unit, bound, is_least } = self;
        let (sign, is_kept) = if *is_least { ("≥", figure >= bound) } else { ("≤", figure <= bound) };
        write!(f, "    {what:<64} {figure:>8.1} {unit:<3} {sign} {bound} {unit}: {}", if is_kept { "within" } else { "over" })
    }
}

impl Figures {
    /// The share of the way from an event to new traffic is one at every size; all else is asked of the largest.
    fn budgets(&self, size: usize) -> Vec<Budget> {
        let most = |what, figure, unit, bound| Budget { what, figure, unit, bound, is_least: false };
        let (ours, proxys) = (self.make + self.stage, self.check + self.load);
        let share = "event to new traffic: the share that is not the proxy's check and load";
        let mut budgets = vec![most(share, ours / (ours + proxys) * 100.0, "%", 10.0)];
        if size >= 10_000 {
            budgets.push(most("one Ingress changes: from the event to staged files", ours, "ms", 20.0));
            budgets.push(most("start: from complete lists to staged files", self.first_make + self.first_stage, "ms", 500.0));
            budgets.push(most("memory of the controller", self.memory[0], "MiB", 200.0));
            let times = self.by_hand.map(|by_hand| by_hand.iter().sum::<f64>() / proxys);
            let what = "check and load, against the same hosts written by hand";
            budgets.extend(times.map(|figure| Budget { what, figure, unit: "×", bound: 3.0, is_least: true }));
        }
        budgets
    }
}

fn measure(proxy: Proxy, size: usize) -> Figures {
    let world = World::of(proxy).manifest("hot.yaml", &running("hot")).build();
    world.write("many.yaml", &many::manifest(size));
    let last = many::host(size - 1);
    let start = timed(|| {
        world.start_controller();
        until("the last host answers", || client::get(&last, "/api").is_ok_and(|answer| [200, 308].contains(&answer.status)));
    });
    world.until_ready();
    let before = steps();
    let [first_make, first_stage, ..] = before.sums();
    let changes: Vec<Duration> = (0..changes_at(size)).map(|round| change(&world, round)).collect();
    until("the last change is settled", || client::admin_json("/api/v1/revision")["settled"] == true);
    let [make, stage, check, load] = steps().means_since(&before);
    let [now, peak] = memory(world.controller_pid());
    world.end_controller(Signal::SIGTERM);
    let by_hand = proxy.is_nginx().then(|| plain::measure(&world, size)).map(|plain| [millis(plain.check), millis(plain.load)]);
    let (start, change) = (millis(start), millis(median(changes)));
    Figures { start, first_make, first_stage, change, make, stage, check, load, memory: [now, peak], by_hand }
}

/// How many changes of one Ingress: fewer where the distance that loads keep is a minute.
const fn changes_at(size: usize) -> u32 {
    if size < 10_000 { 10 } else { 4 }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Waits until the next load would begin at once: loads keep a distance, which is not what is measured here.
fn rest() {
    /// That of quick loads, and more; see `Pace` of the controller.
    const SHORTEST: Duration = Duration::from_secs(2);
    const LOADS: u32 = 4;
    let mut load = Duration::ZERO;
    until("the last change is settled", || {
        let view = client::admin_json("/api/v1/revision");
        load = Duration::from_millis(view["load_ms"].as_u64().unwrap_or_default());
        view["settled"] == true
    });
    std::thread::sleep(SHORTEST.max(load * LOADS));
}

/// Another path on one host, until it is served.
fn change(world: &World, round: u32) -> Duration {
    rest();
    let path = format!("/r{round}");
    let manifest = text(&[ingress("more").prefix("more.test", &path, "hot")]);
    timed(|| {
        world.write("more.yaml", &manifest);
        until("the change is served", || who("more.test", &path) == "hot");
    })
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn steps() -> Steps {
    let answer = client::admin("/metrics").expect("the controller answers");
    Steps::of(&String::from_utf8_lossy(&answer.body))
}
