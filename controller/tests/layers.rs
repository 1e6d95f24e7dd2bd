//! Who may import whom. The table is the one of the core's architecture page, with the shell's rooms beside it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A room, and the rooms that it may name beside itself. Rooms of the core are written `core::room` in the shell.
type Row = (&'static str, &'static [&'static str]);

const CORE: &[Row] = &[
    ("names", &[]),
    ("cores", &[]),
    ("diagnostic", &["names"]),
    ("model", &["names"]),
    // Settings are read into the words of the model: a ConfigMap key that a proxy obeys is a field of `Globals`.
    ("settings", &["model", "names"]),
    // Key pairs are checked where Secrets are read, and are then what the model holds. What a part that does not fit costs
    // is known where objects are read.
    ("state", &["model", "diagnostic", "names"]),
    ("lint", &["diagnostic", "names"]),
    ("translate", &["state", "model", "diagnostic", "settings", "names", "cores"]),
    ("compare", &["state", "model", "names", "settings", "translate"]),
    ("explain", &["model", "names"]),
    ("review", &["state", "model", "diagnostic", "names"]),
    ("dialect", &["model", "names"]),
    ("render", &["model", "dialect", "names", "cores"]),
];

const SHELL: &[Row] = &[
    (
        "source",
        &[
            "args",
            "causes",
            "connection",
            "cores",
            "core::state",
            "core::settings",
            "core::names",
            "core::diagnostic",
            "core::translate",
            "core::lint",
            "core::model",
        ],
    ),
    // Asked by the API server; whoever knows the cluster answers.
    ("admission", &["args", "bind", "causes", "core::names", "core::state", "core::translate"]),
    // Ports of our own.
    ("bind", &[]),
    // The way to the API server, for those who read from it and those who write to it.
    ("connection", &["args"]),
    // How much is done side by side.
    ("cores", &["core::cores"]),
    // What an error says, for all who tell it.
    ("causes", &[]),
    // The signals that end a command that stays.
    ("stop_signals", &[]),
    ("proxy", &["causes", "stop_signals", "core::render", "core::dialect", "core::settings", "core::names", "core::model"]),
    ("report", &["args", "bind", "causes", "connection", "proxy", "core::diagnostic", "core::names", "core::settings", "core::state"]),
];

#[test]
fn rooms_of_the_core_import_what_the_table_allows() {
    check(&root().join("core/src"), CORE);
}

#[test]
fn rooms_of_the_shell_import_what_the_table_allows() {
    check(&root().join("src"), SHELL);
}

#[test]
fn the_kubernetes_client_is_known_to_sources_and_reports_only() {
    assert_known_to(&root().join("src"), "kube::", &["source", "report", "connection.rs", "main.rs"]);
    assert_known_to(&root().join("core/src"), "kube::", &[]);
}

#[test]
fn the_template_engine_is_known_to_one_file() {
    assert_known_to(&root().join("core/src"), "tera::", &["render/engine.rs"]);
    assert_known_to(&root().join("src"), "tera::", &[]);
}

/// Names of ingress-nginx that are part of what users write and read, whichever proxy serves.
const OF_INGRESS_NGINX: &[&str] = &[
    "ingress-nginx",
    "nginx-ingress-controller",
    "nginx_ingress_controller",
    "nginx.ingress.kubernetes.io",
    "nginx-status-ipv",
    "nginx_process_",
    "nginx_status",
    "nginx_version",
    "/etc/nginx",
    "/var/log/nginx",
];

#[test]
fn a_proxy_is_known_to_its_dialect_and_the_proxy_room_only() {
    // Keys and annotations whose values are written in the language of nginx, whichever proxy serves, say so.
    let texts = ["affinity.rs", "fastcgi.rs", "snippets.rs"].map(|name| format!("translate/annotations/{name}"));
    let texts: Vec<&str> = texts.iter().map(String::as_str).chain(["settings/keys/"]).collect();
    assert_no_proxy_is_known(&root().join("core/src"), &[&["dialect"], &texts[..]].concat());
    // The flags that choose one, and the reference that tells what each can do.
    assert_no_proxy_is_known(&root().join("src"), &["proxy", "args/", "commands/annotations.rs"]);
}

fn assert_no_proxy_is_known(source: &Path, allowed: &[&str]) {
    let files = files(source);
    for allowed in allowed {
        assert!(
            files.iter().any(|(name, text)| name.starts_with(allowed) && knows_a_proxy(text).is_some()),
            "{allowed} needs no permission"
        );
    }
    for (name, text) in files.iter().filter(|(name, _)| !allowed.iter().any(|allowed| name.starts_with(allowed))) {
        assert_eq!(knows_a_proxy(text), None, "{name} knows a proxy; ask its dialect");
    }
}

/// The first line that names one.
fn knows_a_proxy(text: &str) -> Option<String> {
    let names = |line: &str| ["nginx", "haproxy"].iter().any(|proxy| line.contains(proxy));
    let without = |line: &str| OF_INGRESS_NGINX.iter().fold(line.to_lowercase(), |line, name| line.replace(name, ""));
    text.lines().find(|line| names(&without(line))).map(str::to_owned)
}

/// What would make a result of the core depend on more than its arguments, or tell it to somebody else.
const OUTSIDE: &[&str] = &[
    "tokio::",
    "tracing::",
    "fs::",
    "env::",
    "process::",
    "stdin()",
    "stdout()",
    "stderr()",
    "print!",
    "println!",
    "eprintln!",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixStream",
    "SystemTime",
    "Instant",
    "Timestamp::now",
];

#[test]
fn the_core_is_pure() {
    for outside in OUTSIDE {
        assert_known_to(&root().join("core/src"), outside, &[]);
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn check(source: &Path, table: &[Row]) {
    for (room, allowed) in table {
        let files: Vec<_> = files(source).into_iter().filter(|(name, _)| room_of(name) == *room).collect();
        assert!(!files.is_empty(), "{room} has no file in {}", source.display());
        for (name, text) in files {
            for used in imports(&text) {
                let named = used == *room || allowed.contains(&used.as_str()) || !is_room(&used);
                assert!(named, "{name} uses {used}, but {room} may use only {allowed:?}");
            }
        }
    }
}

/// Modules beside the rooms (`args`, `templates`…) count as rooms too; macros and types at a crate's root do not.
fn is_room(name: &str) -> bool {
    name.starts_with("core::") || name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

fn assert_known_to(source: &Path, path: &str, rooms: &[&str]) {
    for (name, text) in files(source) {
        let known = rooms.iter().any(|room| name == *room || room_of(&name) == *room);
        assert!(known || !mentions(&text, path), "{name} uses {path}, which only {rooms:?} may");
    }
}

fn mentions(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// What a file names of its own crate, and of the core.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (prefix, shown_as) in [("crate::", ""), ("gatewright_core::", "core::")] {
        for (at, _) in text.match_indices(prefix) {
            let rest = &text[at + prefix.len()..];
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap_or_default().split(',').map(str::trim).collect(),
                None => vec![rest],
            };
            let first = |name: &str| name.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default().to_owned();
            found.extend(names.into_iter().map(first).filter(|name| !name.is_empty()).map(|name| format!("{shown_as}{name}")));
        }
    }
    found
}

/// The first part of a file's path, without its ending.
fn room_of(name: &str) -> &str {
    name.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// Relative path and text of every file, without comments, tests and what follows them.
fn files(source: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![source.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
                let name = path.strip_prefix(source).unwrap().to_str().unwrap().to_owned();
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n"));
                found.push((name, lines.collect()));
            }
        }
    }
    found.sort();
    found
}
