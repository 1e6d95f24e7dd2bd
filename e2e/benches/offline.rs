//! What the commands without a cluster take, told by `hyperfine`: once for so many Ingresses alone, and once with the
//! Services, slices and Secrets that belong to them (the shape of [`gatewright_e2e::many`]).
//!
//! ```text
//! offline [SIZE]
//! ```
//!
//! `diff` compares with a folder in which a path of every hundredth Ingress is another one; one `lint` reads a file in which
//! one Ingress has as many findings as there are Ingresses elsewhere, and another one ten times as many Ingresses: what takes
//! more than ten times as long grows faster than its input. Each median stands beside its
//! [`Budget`], and so does the most memory that any of the programs had; where one is over, the exit code is 1. The program is
//! that of the tests: `GATEWRIGHT` names a release build.

use gatewright_e2e::budget::Budget;
use gatewright_e2e::manifest::class;
use gatewright_e2e::many;
use gatewright_e2e::world::gatewright;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

const SIZE: usize = 10_000;
/// Of so many Ingresses one differs.
const CHANGED: usize = 100;

/// What may be taken for [`gatewright_e2e::budget::DOCUMENTS`] of one side.
const LINT: Budget = Budget::seconds(1.5);
const RENDER: Budget = Budget::seconds(1.5);
const DIFF: Budget = Budget::seconds(3.0);
const MEMORY: Budget = Budget::mebibytes(400.0);

fn main() -> ExitCode {
    let size = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(SIZE);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut all_within = true;
    for (name, is_wanted) in [("ingresses", is_ingress as fn(&Value) -> bool), ("everything", |_| true)] {
        let sides = ["old", "new"].map(|side| folder.path().join(name).join(side));
        let mut documents = 0;
        for (side, every) in sides.iter().zip([None, Some(CHANGED)]) {
            let text = manifest(size, is_wanted, every);
            documents = text.lines().filter(|line| *line == "---").count();
            fs::create_dir_all(side).expect("a folder can be made");
            fs::write(side.join("all.yaml"), text).expect("it can be written");
        }
        println!("\n{size} Ingresses, {name}: {documents} documents\n");
        all_within &= measure(&commands(&sides.each_ref().map(|side| &**side)), documents);
    }
    let file = folder.path().join("findings.yaml");
    fs::write(&file, findings(size)).expect("it can be written");
    println!("\nan Ingress with {size} findings\n");
    let lint = |name, file: &Path| [(name, LINT, format!("{} lint {}", gatewright().display(), file.display()))];
    all_within &= measure(&lint("lint of findings", &file), size);
    let (file, many) = (folder.path().join("many.yaml"), size * 10);
    fs::write(&file, manifest(many, is_ingress, None)).expect("it can be written");
    println!("\n{many} Ingresses in one file\n");
    all_within &= measure(&lint("lint of many", &file), many);
    if all_within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn is_ingress(object: &Value) -> bool {
    object["kind"] == "Ingress"
}

/// `changed`: how many Ingresses have one among them with another path.
fn manifest(size: usize, is_wanted: fn(&Value) -> bool, changed: Option<usize>) -> String {
    let objects = (0..size).flat_map(|number| {
        let mut objects = many::objects(number);
        objects.retain(is_wanted);
        if changed.is_some_and(|every| number.is_multiple_of(every)) {
            let ingress = objects.iter_mut().find(|object| is_ingress(object)).expect("there is one");
            ingress["spec"]["rules"][0]["http"]["paths"][0]["path"] = "/other".into();
        }
        objects
    });
    std::iter::once(class()).chain(objects).map(|object| format!("---\n{object}\n")).collect()
}

/// An Ingress with so many paths, each to a Service that is not there.
fn findings(count: usize) -> String {
    let backend = serde_json::json!({"service": {"name": "gone", "port": {"number": 80}}});
    let path = |number| serde_json::json!({"path": format!("/p{number}"), "pathType": "Prefix", "backend": backend});
    let paths: Vec<Value> = (0..count).map(path).collect();
    let ingress = serde_json::json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "findings", "namespace": "shop"},
        "spec": {"rules": [{"host": "findings.test", "http": {"paths": paths}}]},
    });
    // As people write it: a line for each of the places.
    serde_yaml::to_string(&ingress).expect("it is plain data")
}

type Measured = (&'static str, Budget, String);

fn commands([old, new]: &[&Path; 2]) -> [Measured; 4] {
    let (program, old, new) = (gatewright(), old.display(), new.display());
    let program = program.display();
    [
        ("lint", LINT, format!("{program} lint {old}")),
        ("render", RENDER, format!("{program} render -f {old} -o {old}/../rendered")),
        ("render for HAProxy", RENDER, format!("{program} render --proxy haproxy -f {old} -o {old}/../rendered-haproxy")),
        ("diff", DIFF, format!("{program} diff {old} {new}")),
    ]
}

/// Prints what the commands take, and the most memory so far; whether all is within its budget.
fn measure(commands: &[Measured], documents: usize) -> bool {
    let medians = medians(commands.iter().map(|(name, _, command)| (*name, &**command)));
    let times = commands.iter().zip(medians).map(|((name, budget, _), median)| (*name, *budget, median));
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the kernel tells it");
    let kibibytes = u32::try_from(usage.max_rss()).map_or(f64::INFINITY, f64::from);
    let figures = times.chain([("memory of a program", MEMORY, kibibytes / 1024.0)]);
    let held = figures.map(|(what, budget, figure)| budget.of(documents).hold(what, figure));
    held.fold(true, |all, (is_within, line)| {
        println!("{line}");
        all && is_within
    })
}

/// Seconds that each command takes.
fn medians<'a>(commands: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<f64> {
    let told = tempfile::NamedTempFile::new().expect("a file can be made");
    let mut hyperfine = Command::new("hyperfine");
    // What is found ends with another code than 0, which is no failure here.
    hyperfine.args(["--ignore-failure", "--warmup", "1", "--runs", "5", "--style", "basic", "-N"]);
    hyperfine.arg("--export-json").arg(told.path());
    for (name, command) in commands {
        hyperfine.args(["--command-name", name, command]);
    }
    let status = hyperfine.status().expect("hyperfine is there; e2e/tools/setup hyperfine installs it");
    assert!(status.success(), "hyperfine: {status}");
    let told: Value = serde_json::from_reader(told.reopen().expect("it was written")).expect("hyperfine writes JSON");
    let results = told["results"].as_array().expect("it has results");
    for result in results {
        let codes = result["exit_codes"].as_array().expect("a result has exit codes");
        assert!(codes.iter().all(|code| *code == 0 || *code == 1), "it could not be done: {result}");
    }
    results.iter().map(|result| result["median"].as_f64().expect("a result has a median")).collect()
}
