//! Slips of whoever types a command: said, and not taken for something that was meant.

use crate::world::{Folder, ingress, service};

fn good() -> String {
    ingress("front", "a.test", "/", "cart") + &service("cart")
}

/// The offline commands with an input, and what they read it for.
const COMMANDS: [&[&str]; 4] =
    [&["lint", "in"], &["render", "-f", "in"], &["diff", "in", "in"], &["explain", "http://a.test/", "-f", "in"]];

#[test]
fn an_input_that_holds_nothing_is_told_by_every_command() {
    let folder = Folder::new(&[("in/readme.txt", "a"), ("in/empty.yaml", "# nothing\n")]);
    for command in COMMANDS {
        let ran = folder.run(command);
        assert!([0, 1].contains(&ran.code) && ran.err.contains(": in holds no manifest"), "{command:?}: {ran:?}");
    }
    let gone = folder.run(&["diff", "git:HEAD:gone", "in"]);
    assert!(gone.code == 2 && !gone.err.contains("holds no manifest"), "{gone:?}");
}

#[test]
fn a_standard_input_that_says_nothing_is_told() {
    let folder = Folder::new(&[("in/a.yaml", &good())]);
    let said = "nothing was read from the standard input";
    for command in [&["lint", "-f", "-"][..], &["render", "-f", "-"], &["diff", "-", "in"], &["explain", "http://a.test/", "-f", "-"]] {
        let ran = folder.run(command);
        assert!([0, 1].contains(&ran.code) && ran.err.contains(said), "{command:?}: {ran:?}");
        let beside = folder.run(&[command, &["-f", "in"]].concat());
        assert!(beside.err.contains(said), "{command:?}: {beside:?}");
    }
    let ran = folder.run(&["lint", "-f", "-"]);
    assert_eq!(
        (ran.code, &*ran.err),
        (0, "warning: nothing was read from the standard input; see whether the command that writes it has failed\n")
    );
    assert_eq!(folder.run(&["lint", "-f", "-", "--deny", "GW0009"]).code, 1);
    let comment = folder.run_with(&["lint", "-f", "-"], b"# nothing\n");
    assert!(comment.err.contains("the standard input holds no manifest") && !comment.err.contains(said), "{comment:?}");
    assert_eq!(folder.run_with(&["lint", "-f", "-"], good().as_bytes()).err, "");
}
