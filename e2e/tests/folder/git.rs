//! A folder that is a work tree of git: a checkout of another branch is one change.

use gatewright_e2e::load::while_doing;
use gatewright_e2e::manifest::{IngressWords, ingress, text};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::all_running;
use gatewright_e2e::wait::until_eq;
use gatewright_e2e::world::{World, who};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Files that a checkout changes.
const FILES: usize = 300;

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@a.test", "-c", "init.defaultBranch=a", "-c", "gc.auto=0"];
    let done = Command::new("git").current_dir(folder).args(identity).args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Commits a branch: every file holds an Ingress that is named after it, for the same hosts and to the Service of its name.
fn commit(world: &World, branch: &str) {
    let folder = world.manifests();
    git(&folder, &["checkout", "-q", "-B", branch]);
    for n in 0..FILES {
        let object = ingress(&format!("{branch}-{n}")).prefix(&format!("h{n}.test"), "/", branch);
        fs::write(folder.join(format!("i{n}.yaml")), text(&[object])).unwrap();
    }
    git(&folder, &["add", "i*.yaml"]);
    git(&folder, &["commit", "-q", "-m", branch]);
}

/// How many Ingresses of each branch a revision was made of: each is named beside what was made of it, or its host in a
/// map. What the main file does not name is not read by the proxy either.
fn branches(revision: &Path) -> [usize; 2] {
    let main = ["nginx.conf", "haproxy.cfg"].iter().find_map(|name| fs::read_to_string(revision.join(name)).ok()).unwrap_or_default();
    let mut text = main.clone();
    for folder in fs::read_dir(revision).into_iter().flatten().flatten().map(|entry| entry.path()) {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if main.contains(&*path.strip_prefix(revision).unwrap().to_string_lossy()) {
                text.push_str(&fs::read_to_string(path).unwrap_or_default());
            }
        }
    }
    ["a", "b"].map(|branch| {
        let service = format!("_default-{branch}-80");
        let comment = format!("# Ingress default/{branch}-");
        let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default().to_owned();
        let in_map = |line: &str| line.strip_prefix('h').filter(|rest| rest.contains(".test/ ") && rest.contains(&service)).map(number);
        let in_comment = |line: &str| line.split_once(&comment).map(|(_, rest)| number(rest));
        text.lines().filter_map(|line| in_comment(line).or_else(|| in_map(line))).collect::<BTreeSet<_>>().len()
    })
}

on_every_proxy! {
    fn a_checkout_of_another_branch_is_never_half_applied(proxy) {
        let other = ingress("busy").within("probe").prefix("busy.test", "/", "probe");
        let world = World::of(proxy).manifest("s.yaml", &all_running(&["a", "b"])).manifest("busy.yaml", &[other]).build();
        git(&world.manifests(), &["init", "-q"]);
        commit(&world, "b");
        commit(&world, "a");
        world.start_controller();
        world.until_ready();
        let ends = || [who("h0.test", "/"), who(&format!("h{}.test", FILES - 1), "/")];
        assert_eq!(ends(), ["a", "a"]);
        let (mut seen, mut answers) = (BTreeSet::new(), BTreeSet::new());
        let flow = while_doing(proxy, "busy.test", "probe", || {
            for branch in ["b", "a", "b", "a"] {
                git(&world.manifests(), &["checkout", "-q", branch]);
                until_eq("the branch is live", &[branch.to_owned(), branch.to_owned()], || {
                    seen.extend(fs::canonicalize(world.state().join("current")).map(|revision| branches(&revision)));
                    answers.extend(ends());
                    ends()
                });
            }
        });
        flow.none_was_lost();
        assert_eq!(answers, BTreeSet::from(["a".to_owned(), "b".to_owned()]), "every answer is one of a branch");
        let revisions = fs::read_dir(world.state().join("revisions")).unwrap().flatten().map(|entry| entry.path());
        seen.extend(revisions.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.')).map(|path| branches(&path)));
        assert_eq!(seen, BTreeSet::from([[FILES, 0], [0, FILES]]), "every revision is of one branch");
    }

    fn what_a_checkout_that_takes_its_time_has_written_waits_for_the_rest(proxy) {
        let world = World::of(proxy).manifest("s.yaml", &all_running(&["a"])).build();
        git(&world.manifests(), &["init", "-q"]);
        world.start_controller();
        world.until_ready();
        let before = world.revision();
        // As git does it: the lock is there before the first file is written, and goes after the last.
        let lock = world.manifests().join(".git/index.lock");
        fs::write(&lock, "").unwrap();
        world.write("one.yaml", &text(&[ingress("one").prefix("one.test", "/", "a")]));
        // Longer than any pause after which a folder counts as quiet, or as never to be.
        std::thread::sleep(std::time::Duration::from_secs(3));
        assert_eq!((who("one.test", "/"), world.revision()), ("404".to_owned(), before));
        world.write("two.yaml", &text(&[ingress("two").prefix("two.test", "/", "a")]));
        fs::remove_file(&lock).unwrap();
        until_eq("both are live", &["a".to_owned(), "a".to_owned()], || [who("one.test", "/"), who("two.test", "/")]);
        until_eq("the revision is verified", &(before + 1), || world.revision());
        world.until_ready();
        assert_eq!(world.revision(), before + 1, "at once");
    }
}
