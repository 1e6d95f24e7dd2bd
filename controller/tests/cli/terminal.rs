//! What a person at a terminal sees: colours, and what takes long.

use crate::inputs::kubeconfig;
use crate::world::{Folder, ingress, service};
use nix::fcntl::OFlag;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};

/// Runs the program on a terminal of its own; what is written there comes through the pipe.
fn on_a_terminal(folder: &Folder, line: &str, variables: &[(&str, &str)]) -> Child {
    let program = env!("CARGO_BIN_EXE_gatewright");
    let mut command = Command::new("script");
    command.args(["-qec", &format!("{program} {line}"), "/dev/null"]).current_dir(folder.path());
    command.env("NGINX_BINARY", "/nonexistent/nginx").env("TERM", "xterm").env_remove("NO_COLOR").envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
}

fn shown(mut child: Child) -> String {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    child.wait().unwrap();
    text
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let folder = Folder::new(&[("in.yaml", &ingress("front", "a.test", "/", "gone"))]);
    let lint = |flags: &str, variables: &[(&str, &str)]| shown(on_a_terminal(&folder, &format!("lint in.yaml {flags}"), variables));
    let has_colours = |text: &str| text.contains("\u{1b}[");
    for (flags, variables, coloured) in [
        ("", &[][..], true),
        ("", &[("NO_COLOR", "1")], false),
        ("", &[("NO_COLOR", "")], true),
        ("", &[("TERM", "dumb")], false),
        ("--color never", &[], false),
        ("--color always", &[("NO_COLOR", "1")], true),
    ] {
        let text = lint(flags, variables);
        assert!(text.contains("in.yaml") && has_colours(&text) == coloured, "{flags} {variables:?}: {text:?}");
    }
    assert!(!has_colours(&folder.run(&["lint", "in.yaml"]).out), "a pipe is no terminal");
}

#[test]
fn what_takes_long_is_told_and_wiped_away() {
    let folder = Folder::new(&[]);
    assert!(Command::new("mkfifo").arg(folder.path().join("slow.yaml")).status().unwrap().success());
    let mut child = on_a_terminal(&folder, "lint slow.yaml", &[]);
    let mut out = child.stdout.take().unwrap();
    let (mut text, mut buffer) = (String::new(), [0; 256]);
    while !text.contains("reading, 1 s") {
        let read = out.read(&mut buffer).unwrap();
        assert!(read > 0, "it ended: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    std::fs::write(folder.path().join("slow.yaml"), ingress("front", "a.test", "/", "cart") + &service("cart")).unwrap();
    out.read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success(), "{text}");
    let (_, after) = text.rsplit_once(" s").unwrap();
    assert!(text.contains("\r\u{1b}[K") && after.contains("0 errors") || text.ends_with("\r\u{1b}[K"), "{text:?}");
}

#[test]
fn nobody_is_told_how_far_it_is_where_no_terminal_is() {
    let folder = Folder::new(&[]);
    for name in ["slow.yaml", "shown.yaml"] {
        assert!(Command::new("mkfifo").arg(folder.path().join(name)).status().unwrap().success());
    }
    let mut command = folder.command(&["lint", "slow.yaml"]);
    let mut piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The one on a terminal began later, and tells that as much time has passed.
    let mut child = on_a_terminal(&folder, "lint shown.yaml", &[]);
    let (mut out, mut text, mut buffer) = (child.stdout.take().unwrap(), String::new(), [0; 256]);
    while !text.contains("reading, 1 s") {
        let read = out.read(&mut buffer).unwrap();
        assert!(read > 0, "it ended: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    for name in ["slow.yaml", "shown.yaml"] {
        // Fails where nobody reads it any more, and would wait for a reader for ever without the flag.
        let mut pipe = OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(folder.path().join(name)).unwrap();
        pipe.write_all((ingress("front", "a.test", "/", "cart") + &service("cart")).as_bytes()).unwrap();
    }
    out.read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success(), "{text}");
    let (mut said, mut found) = (String::new(), String::new());
    piped.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    piped.stdout.take().unwrap().read_to_string(&mut found).unwrap();
    assert!(piped.wait().unwrap().success());
    assert_eq!(said, "");
    assert!(found.contains("0 errors") && !found.contains(['\r', '\u{1b}']), "{found:?}");
}

#[test]
fn a_cluster_that_does_not_answer_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Connections are kept, and nothing is said.
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    let folder = Folder::new(&[("kubeconfig", &kubeconfig(port))]);
    let ran = folder.run(&["lint", "cluster", "--kubeconfig", "kubeconfig"]);
    let told = format!("the API server 127.0.0.1:{port} has not answered within 20 s when asked for Ingress");
    assert!(ran.code == 2 && ran.err.contains(&told), "{ran:?}");
}
