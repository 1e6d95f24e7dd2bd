//! What a start and changes cost with a real API server, at a number of Ingresses of the shape of [`gatewright_e2e::many`].
//!
//! ```text
//! kubernetes [PROXY]... [SIZE]...
//! ```
//!
//! A proxy is one of [`Proxy::BY_NAME`]; by default the newest of each kind is measured, with 10 000 Ingresses. All times are
//! in seconds. `lists` is what a start takes beside its steps: to log in, and until all lists are complete. A change is one
//! path of one Ingress or one endpoint of one Service, from the request to the API server to the first new answer. Memory is
//! the controller's after all of that, and the most it ever had.

use gatewright_e2e::budget::Budget;
use gatewright_e2e::cluster::{Controller, Install, World, app, ingress, slice};
use gatewright_e2e::many;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::steps::{Steps, memory};
use gatewright_e2e::wait::until_measured as until;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const SIZE: usize = 10_000;
const DEFAULT: [Proxy; 2] = [Proxy::NGINX_1_30, Proxy::HAPROXY_3_2];
/// Those of the Service that changes.
const PODS: [&str; 2] = ["10.244.250.1", "10.244.250.2"];
/// What is changed.
const HOT: &str = "hot";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let size = words.iter().find_map(|word| word.parse().ok()).unwrap_or(SIZE);
    let world = World::start();
    for (name, proxy) in Proxy::named(&words, &DEFAULT) {
        println!("\n{name}, {size} Ingresses in a cluster");
        measure(&Install::of(proxy, &world, "many"), size);
    }
}

/// Makes all objects, a kind at a time.
fn fill(install: &Install<'_>, size: usize) {
    let mut kinds: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut object in (0..size).flat_map(many::objects) {
        object["metadata"]["namespace"] = json!(install.name);
        match object["kind"].as_str().expect("objects have a kind") {
            "Ingress" => object["spec"]["ingressClassName"] = json!(install.name),
            "EndpointSlice" => object["ports"][0]["port"] = json!(8000),
            _ => {}
        }
        kinds.entry(object["kind"].to_string()).or_default().push(object);
    }
    kinds.values().for_each(|objects| install.world.create_all(objects));
    install.world.apply(&app(&install.name, HOT, &PODS[..1]));
    install.world.apply(&ingress(&install.name, HOT, &install.name, "hot.test", HOT));
}

fn measure(install: &Install<'_>, size: usize) {
    fill(install, size);
    let begun = Instant::now();
    let since = || begun.elapsed().as_secs_f64();
    let controller = install.start(&["--publish-status-address=192.0.2.1"]);
    until("the last host answers", || [200, 308].contains(&controller.get(&many::host(size - 1), "/api").status));
    let answer = since();
    let [make, stage, check, load] = steps(&controller).sums().map(|millis| millis / 1e3);
    let (ours, lists) = (make + stage, answer - make - stage - check - load);
    println!("    start: lists {lists:.2}, ours {ours:.2}, check {check:.2}, load {load:.2}; first answer {answer:.2}");
    until("every Ingress has its address", || {
        let all = install.world.objects("Ingress", &install.name);
        all.iter().all(|ingress| !ingress["status"]["loadBalancer"]["ingress"].is_null())
    });
    println!("    every address: {:.1}", since());
    changes(&controller, "a path changes", |round| path(install, &controller, round));
    changes(&controller, "an endpoint changes", |round| endpoint(install, &controller, round));
    let [now, peak] = memory(controller.pid());
    println!("    memory: {now:.0} MiB, at most {peak:.0} MiB");
    for (_, line) in [Budget::seconds(0.5).hold("ours at start", ours), Budget::mebibytes(200.0).hold("memory", now)] {
        println!("    {line}");
    }
}

/// Prints what each change takes, and what of it the steps take.
fn changes(controller: &Controller<'_>, what: &str, change: impl Fn(usize)) {
    const ROUNDS: usize = 3;
    rest(controller);
    let before = steps(controller);
    let mut times = [0.0; ROUNDS];
    for (round, time) in times.iter_mut().enumerate() {
        let begun = Instant::now();
        change(round + 1);
        *time = begun.elapsed().as_secs_f64();
        rest(controller);
    }
    let [make, stage, check, load] = steps(controller).means_since(&before).map(|millis| millis / 1e3);
    println!("    {what}: {times:.3?}; make {make:.3}, stage {stage:.3}, check {check:.3}, load {load:.3}");
}

/// A path of the hot Ingress becomes another one.
fn path(install: &Install<'_>, controller: &Controller<'_>, round: usize) {
    let path = format!("/r{round}");
    let backend = json!({"service": {"name": HOT, "port": {"number": 80}}});
    let rules = json!([{"host": "hot.test", "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}]);
    install.world.patch("Ingress", &install.name, HOT, &json!({"spec": {"rules": rules}}));
    until("the path is served", || controller.get("hot.test", &path).status == 200);
}

/// The hot Service has another pod.
fn endpoint(install: &Install<'_>, controller: &Controller<'_>, round: usize) {
    let pod = PODS[round % PODS.len()];
    install.world.apply(&slice(&install.name, HOT, &[pod]));
    until("the pod answers", || controller.get("hot.test", "/r3").pod() == pod);
}

/// Waits until the next load would begin at once: loads keep a distance, which is not what is measured here.
fn rest(controller: &Controller<'_>) {
    const SHORTEST: Duration = Duration::from_secs(2);
    const LOADS: u32 = 4;
    let mut load = Duration::ZERO;
    until("all is settled", || {
        let view = controller.revision();
        load = Duration::from_millis(view["load_ms"].as_u64().unwrap_or_default());
        view["settled"] == true
    });
    std::thread::sleep(SHORTEST.max(load * LOADS));
}

fn steps(controller: &Controller<'_>) -> Steps {
    Steps::of(&controller.metrics().expect("the controller answers"))
}
