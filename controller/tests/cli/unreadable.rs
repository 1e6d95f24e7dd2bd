//! Files and folders of an input that cannot be read: each costs itself.

use crate::world::{Folder, Ran, ingress, service};
use std::os::unix::fs::symlink;

/// A folder with one good file and one that nobody can read, not even root; and a link whose target has no possible name.
fn folder() -> Folder {
    let folder = Folder::new(&[("in/a.yaml", &(ingress("front", "a.test", "/", "gone") + &service("cart"))), ("in/sub/b.yaml", "a: [")]);
    symlink("/proc/self/mem", folder.path().join("in/memory.yaml")).unwrap();
    symlink("x".repeat(300), folder.path().join("in/long")).unwrap();
    symlink("..", folder.path().join("in/sub/around")).unwrap();
    folder
}

/// `CODE file severity` of everything that is no note.
fn said(ran: &Ran) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let list = ran.json()["diagnostics"].as_array().unwrap().clone();
    let serious = list.iter().filter(|one| one["severity"] != "note");
    serious.map(|one| format!("{} {} {}", text(&one["code"]), text(&one["place"]["file"]), text(&one["severity"]))).collect()
}

#[test]
fn lint_tells_what_cannot_be_read_beside_all_the_rest() {
    let folder = folder();
    let ran = folder.run(&["lint", "in", "--format", "json"]);
    let told = ["GW0303 in/a.yaml error", "GW0001 in/long error", "GW0001 in/memory.yaml error", "GW0001 in/sub/b.yaml error"];
    assert_eq!((ran.code, said(&ran)), (1, told.map(str::to_owned).to_vec()), "{ran:?}");
    let text = folder.run(&["lint", "in"]);
    assert!(text.out.contains("cannot be read: ") && text.out.contains("in/memory.yaml:1:1") && text.err.is_empty(), "{text:?}");
    let sarif = folder.run(&["lint", "in", "--format", "sarif"]);
    assert!(sarif.code == 1 && sarif.out.contains("in/memory.yaml"), "{sarif:?}");
    let denied = folder.run(&["lint", "in", "--allow", "GW0001", "--allow", "GW0303"]);
    assert_eq!(denied.code, 0, "{denied:?}");
}

#[test]
fn diff_and_render_tell_what_cannot_be_read_and_go_on() {
    let folder = folder();
    folder.write("before/a.yaml", ingress("front", "a.test", "/x", "cart") + &service("cart"));
    let rendered = folder.run(&["render", "-f", "in"]);
    assert!(rendered.code == 1 && rendered.out.contains("server_name a.test;") && rendered.err.contains("in/memory.yaml:1:1: error"));
    for (format, told) in
        [("text", "in/memory.yaml:1:1: error[GW0001]: cannot be read: "), ("markdown", "in/memory.yaml"), ("json", "in/memory.yaml")]
    {
        let ran = folder.run(&["diff", "before", "in", "--format", format]);
        assert!(ran.code == 1 && ran.out.contains(told) && ran.out.contains("a.test"), "{ran:?}");
    }
    let same = folder.run(&["diff", "in", "in"]);
    assert!(same.code == 0 && same.out.contains("not compared, as it cannot be read:"), "{same:?}");
}

#[test]
fn an_input_of_which_nothing_can_be_read_could_not_be_done() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("none")).unwrap();
    symlink("/proc/self/mem", folder.path().join("none/memory.yaml")).unwrap();
    for arguments in [
        &["lint", "none"][..],
        &["diff", "none", "in"],
        &["diff", "in", "none"],
        &["render", "-f", "none"],
        &["lint", "in/memory.yaml"],
        &["diff", "in", "in/memory.yaml"],
    ] {
        let ran = folder.run(arguments);
        assert!(ran.code == 2 && ran.err.contains("memory.yaml: ") && ran.out.is_empty(), "{arguments:?}: {ran:?}");
    }
}
