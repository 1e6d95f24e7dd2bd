//! What the commands without a cluster take, told by `hyperfine`: once for so many Ingresses alone, and once with the
//! Services, slices and Secrets that belong to them (the shape of [`gatewright_e2e::many`]).
//!
//! ```text
//! offline [SIZE]
//! ```
//!
//! `diff` compares with a folder in which a path of every hundredth Ingress is another one. Last stands the most memory that
//! any of the programs had. The program is that of the tests: `GATEWRIGHT` names a release build.

use gatewright_e2e::manifest::class;
use gatewright_e2e::many;
use gatewright_e2e::world::gatewright;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const SIZE: usize = 10_000;
/// Of so many Ingresses one differs.
const CHANGED: usize = 100;

fn main() {
    let size = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(SIZE);
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, is_wanted) in [("ingresses", is_ingress as fn(&Value) -> bool), ("everything", |_| true)] {
        println!("\n{size} Ingresses: {name}\n");
        let sides = ["old", "new"].map(|side| folder.path().join(name).join(side));
        for (side, every) in sides.iter().zip([None, Some(CHANGED)]) {
            fs::create_dir_all(side).expect("a folder can be made");
            fs::write(side.join("all.yaml"), manifest(size, is_wanted, every)).expect("it can be written");
        }
        measure(&sides.each_ref().map(|side| &**side));
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the kernel tells it");
    println!("\nmost memory of a program: {} MiB", usage.max_rss() / 1024);
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

fn measure([old, new]: &[&Path; 2]) {
    let (program, old, new) = (gatewright(), old.display(), new.display());
    let program = program.display();
    let commands = [
        ("lint", format!("{program} lint {old}")),
        ("render", format!("{program} render -f {old} -o {old}/../rendered")),
        ("render for HAProxy", format!("{program} render --proxy haproxy -f {old} -o {old}/../rendered-haproxy")),
        ("diff", format!("{program} diff {old} {new}")),
    ];
    let mut hyperfine = Command::new("hyperfine");
    // What is found ends with another code than 0, which is no failure here.
    hyperfine.args(["--ignore-failure", "--warmup", "1", "--runs", "5", "--style", "basic", "-N"]);
    for (name, command) in commands {
        hyperfine.args(["--command-name", name, &command]);
    }
    let status = hyperfine.status().expect("hyperfine is there; e2e/tools/setup hyperfine installs it");
    assert!(status.success(), "hyperfine: {status}");
}
