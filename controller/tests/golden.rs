//! Golden cases: `golden/CASE/in.yaml` and what comes of it, for people to read in review.
//!
//! ```text
//! golden/CASE/in.yaml           objects; a ConfigMap gatewright/settings is the main one
//!             nginx/hosts.conf  …and the other included files, without their built-in parts
//!             haproxy/sections.cfg, haproxy/maps.conf
//!             diagnostics.txt   what was said, and the exit code
//! ```
//!
//! What is rendered for each installed version is fed to that very proxy, too. A case whose name begins with `backend-`
//! keeps the backends as well, one with `globals-` the main file. `GATEWRIGHT_REFRESH=1` writes everything anew; the
//! difference is what users will get, so read it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::dialect::{Dialect, Launch, Version};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A proxy that the cases are rendered for.
struct Proxy {
    dialect: &'static Dialect,
    /// The version that the golden files are for.
    version: &'static str,
    /// Variables that may name programs; the one in `PATH` is there anyway.
    programs: &'static [&'static str],
}

#[rustfmt::skip]
const PROXIES: &[Proxy] = &[
    Proxy { dialect: &NGINX, version: "1.30.0", programs: &["GATEWRIGHT_NGINX_1_22", "GATEWRIGHT_NGINX_1_28", "GATEWRIGHT_NGINX_1_30"] },
    Proxy { dialect: &HAPROXY, version: "3.2.0", programs: &["GATEWRIGHT_HAPROXY_2_6", "GATEWRIGHT_HAPROXY_3_0", "GATEWRIGHT_HAPROXY_3_2"] },
];

#[test]
fn every_case_renders_as_it_is_written_down() {
    let refresh = std::env::var_os("GATEWRIGHT_REFRESH").is_some();
    let mut stale = Vec::new();
    for case in cases() {
        let mut found = BTreeMap::new();
        let mut said = String::new();
        for proxy in PROXIES {
            let out = tempfile::tempdir().unwrap();
            let text = render(&case, proxy, proxy.version, out.path());
            if said.is_empty() {
                said = text;
            } else if said != text {
                found.insert(format!("diagnostics-{}.txt", proxy.dialect.name), text);
            }
            found.extend(files(&case, proxy, out.path()));
        }
        found.insert("diagnostics.txt".to_owned(), said);
        if refresh {
            write(&case, &found);
        }
        let there = golden(&case);
        for name in found.keys().chain(there.keys()).filter(|name| found.get(*name) != there.get(*name)) {
            stale.push(format!("{}/{name}\n{}", case.display(), difference(there.get(name), found.get(name))));
        }
    }
    assert!(stale.is_empty(), "GATEWRIGHT_REFRESH=1 writes these anew:\n{}", stale.join("\n"));
}

#[test]
fn whatever_is_wrong_is_said_with_what_would_do() {
    let mut seen = 0;
    for case in cases() {
        for (name, text) in golden(&case).into_iter().filter(|(name, _)| name.starts_with("diagnostics")) {
            // A finding is a line at the margin, with more of it below.
            for finding in text.replace("\n    ", "\r").lines().filter(|line| line.contains(": error[") || line.contains(": warning[")) {
                assert!(finding.contains("\rhelp: "), "{}/{name}: {finding}", case.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 25, "so few findings are in the cases: {seen}");
}

#[test]
fn every_installed_proxy_takes_every_case() {
    let mut refused = Vec::new();
    let mut checked = 0;
    for proxy in PROXIES {
        for (program, version) in programs(proxy) {
            for case in cases() {
                refused.extend(refusal(&case, proxy, &program, version).map(|said| format!("{} {version}: {said}", case.display())));
                checked += 1;
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(checked > 0, "no proxy is installed");
}

#[test]
fn many_names_and_headers_of_all_lengths_are_taken_without_a_warning() {
    let case = tempfile::tempdir().unwrap();
    let mut text = String::from("apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n");
    let settings = "{proxy-set-headers: gatewright/headers, worker-processes: '3', worker-cpu-affinity: '1 10'}";
    text.push_str(&format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: gatewright}}\ndata: {settings}\n"
    ));
    text.push_str("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: headers, namespace: gatewright}\ndata:\n");
    for n in 0..300 {
        text.push_str(&format!("  X-{n}-{}: \"{n}\"\n", "h".repeat(n % 120 + 1)));
    }
    for n in 0..5000 {
        let host = format!("h{n}.{}.{}.example", "a".repeat(n % 60 + 1), "b".repeat(n % 47 + 1));
        text.push_str(&format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: i{n}}}\nspec: {{rules: [{{host: {host}, http: {{paths: \
             [{{path: /, pathType: Prefix, backend: {{service: {{name: s, port: {{number: 80}}}}}}}}]}}}}]}}\n"
        ));
    }
    fs::write(case.path().join("in.yaml"), text).unwrap();
    for proxy in PROXIES {
        let (program, version) = programs(proxy).into_iter().next().expect("one is installed");
        assert_eq!(refusal(case.path(), proxy, &program, version), None);
    }
}

#[test]
fn all_kinds_of_backends_are_taken_without_a_warning_with_and_without_endpoints() {
    let written = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all-kinds.yaml")).unwrap();
    let mut said = Vec::new();
    for endpoints in
        ["endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]", "endpoints: [{addresses: [10.0.0.1]}]", "endpoints: []"]
    {
        let case = tempfile::tempdir().unwrap();
        fs::write(case.path().join("in.yaml"), written.replace("endpoints: []", endpoints)).unwrap();
        for proxy in PROXIES {
            for (program, version) in programs(proxy) {
                let refusal = refusal(case.path(), proxy, &program, version);
                said.extend(refusal.map(|said| format!("{} {version}, {endpoints}: {said}", proxy.dialect.name)));
            }
        }
    }
    assert!(said.is_empty(), "{}", said.join("\n"));
}

/// What a proxy has to say against the files of a case.
fn refusal(case: &Path, proxy: &Proxy, program: &Path, version: Version) -> Option<String> {
    let out = tempfile::tempdir().unwrap();
    let (files, run_dir) = (out.path().join("files"), out.path().join("run"));
    fs::create_dir(&run_dir).unwrap();
    let rendered = render(case, proxy, &version.to_string(), &files);
    if rendered.contains("GW0701") {
        return Some(rendered);
    }
    let main_file = files.join(proxy.dialect.main_file);
    let launch =
        Launch { main_file: &main_file, run_dir: &run_dir, pid_file: &run_dir.join("pid"), worker_user: None, stream_module: None };
    for file in proxy.dialect.launch_files {
        fs::write(run_dir.join(file.name), (file.text)(&launch, None)).unwrap();
    }
    let printed = Command::new(program).current_dir(&run_dir).args((proxy.dialect.check_args)(&launch)).output().unwrap();
    let said = String::from_utf8_lossy(&[printed.stdout, printed.stderr].concat()).into_owned();
    (!printed.status.success() || warns(&said)).then_some(said)
}

/// Whether a check that passed has something to say all the same. Nobody could mend it: the files are ours.
fn warns(said: &str) -> bool {
    said.lines().any(|line| ["[warn]", "[WARNING]"].iter().any(|mark| line.contains(mark)))
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

/// Renders a case to a folder; what was said, and the exit code.
fn render(case: &Path, proxy: &Proxy, version: &str, out: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatewright"));
    command.current_dir(case).args(["render", "-f", "in.yaml", "--private-keys", "--proxy", proxy.dialect.name]);
    command.args(["--proxy-version", version]);
    let written = fs::read_to_string(case.join("in.yaml")).unwrap();
    if written.contains("{name: settings, namespace: gatewright}") {
        command.args(["--configmap", "gatewright/settings"]);
    }
    let flags = format!("# flags for {}: ", proxy.dialect.name);
    command.args(written.lines().find_map(|line| line.strip_prefix(&*flags)).unwrap_or_default().split_whitespace());
    // The same on machines with and without IPv6.
    command.args(["--http-port", "8080", "--https-port", "8443", "--ipv6", "false"]).arg("-o").arg(out);
    let printed = command.output().unwrap();
    let said = String::from_utf8(printed.stderr).unwrap();
    format!("{said}exit code {}\n", printed.status.code().unwrap())
}

/// The rendered files that are written down: of each folder one, and the main one where it is asked for.
fn files(case: &Path, proxy: &Proxy, out: &Path) -> BTreeMap<String, String> {
    let name = proxy.dialect.name;
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in tree(out) {
        let Ok(text) = String::from_utf8(text) else { continue };
        match path.split_once('/') {
            Some(("tls", _)) => {}
            Some(("backends", _)) if !is_of(case, "backend") => {}
            Some(("maps", file)) => {
                let text: String = text.lines().filter(|line| !line.starts_with('_')).map(|line| format!("{line}\n")).collect();
                let text = if text.is_empty() { text } else { format!("# {file}\n{text}") };
                files.entry(format!("{name}/maps.conf")).or_default().push_str(&without_hashes(&text));
            }
            Some((folder, _)) => files.entry(format!("{name}/{folder}.conf")).or_default().push_str(&without_built_in(&text)),
            None if is_of(case, "globals") => {
                files.insert(format!("{name}/{path}"), without_hashes(&text));
            }
            None if path.ends_with(".cfg") && path != "users.cfg" => {
                files.entry(format!("{name}/sections.cfg")).or_default().push_str(&without_hashes(&asked_for(&text)));
            }
            None => {}
        }
    }
    files.retain(|_, text| !text.trim().is_empty());
    files
}

/// The sections that somebody asked for.
fn asked_for(text: &str) -> String {
    let mut kept = String::new();
    let mut keep = false;
    for line in text.split_inclusive('\n') {
        if !line.starts_with([' ', '#', '\n']) {
            keep = line.starts_with("backend ") && line.contains("# Ingress ");
        }
        if keep && !line.trim().is_empty() {
            kept.push_str(line);
        }
    }
    kept
}

/// Whether the name of a case begins with this word.
fn is_of(case: &Path, word: &str) -> bool {
    case.file_name().unwrap().to_string_lossy().split('-').next() == Some(word)
}

/// The virtual hosts that somebody asked for.
fn without_built_in(text: &str) -> String {
    let mut kept = String::new();
    for block in text.split_inclusive("## end server _\n") {
        let (before, built_in) = block.split_at(block.find("## start server _\n").unwrap_or(block.len()));
        kept.push_str(before);
        if built_in.contains("# Ingress ") {
            kept.push_str(built_in);
        }
    }
    kept.trim_start().to_owned()
}

/// Hashes of 32 digits change with everything, and say nothing to people.
fn without_hashes(text: &str) -> String {
    let is_hash = |word: &str| word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let split = |line: &str| line.split_inclusive(|c: char| !c.is_ascii_hexdigit()).map(str::to_owned).collect::<Vec<_>>();
    let mut out = String::new();
    for word in text.split_inclusive('\n').flat_map(split) {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
        out.push_str(&if is_hash(bare) { word.replace(bare, "HASH") } else { word });
    }
    out
}

fn golden(case: &Path) -> BTreeMap<String, String> {
    let texts = tree(case).into_iter().filter(|(path, _)| path != "in.yaml");
    texts.map(|(path, text)| (path, String::from_utf8(text).unwrap())).collect()
}

fn write(case: &Path, files: &BTreeMap<String, String>) {
    for path in golden(case).keys() {
        fs::remove_file(case.join(path)).unwrap();
    }
    for (path, text) in files {
        let path = case.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Relative path → bytes of every file below a folder.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                if !relative.starts_with('.') {
                    found.insert(relative, fs::read(path).unwrap());
                }
            }
        }
    }
    found
}

/// The lines that only one of them has.
fn difference(there: Option<&String>, found: Option<&String>) -> String {
    let (there, found) = (there.map_or("", String::as_str), found.map_or("", String::as_str));
    let only = |mark: &'static str, a: &str, b: &str| -> Vec<String> {
        a.lines().filter(|line| !b.lines().any(|other| other == *line)).map(|line| format!("  {mark} {line}")).collect()
    };
    [only("-", there, found), only("+", found, there)].concat().join("\n")
}

/// The installed programs of a proxy, and their versions.
fn programs(proxy: &Proxy) -> Vec<(PathBuf, Version)> {
    let named = proxy.programs.iter().copied().filter_map(std::env::var_os).map(PathBuf::from);
    let all = named.chain([PathBuf::from(proxy.dialect.program)]);
    all.filter_map(|program| {
        let printed = Command::new(&program).args(proxy.dialect.version_args).output().ok()?;
        let text = [printed.stdout, printed.stderr].concat();
        Some((program, (proxy.dialect.version)(&String::from_utf8_lossy(&text))?))
    })
    .collect()
}
