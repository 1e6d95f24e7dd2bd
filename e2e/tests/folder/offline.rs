//! What `render` says and what `run` does are the same.

use gatewright_e2e::manifest::{IngressWords, ingress, secret};
use gatewright_e2e::on_every_version;
use gatewright_e2e::site::all_running;
use gatewright_e2e::tls::Pair;
use gatewright_e2e::world::{World, path};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// All files below a folder.
fn files(folder: &Path, below: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

on_every_version! {
    fn render_writes_what_run_publishes_byte_for_byte(proxy) {
        let default = "--default-ssl-certificate=default/fallback";
        let objects = vec![
            secret("fallback", &Pair::new(&["fallback.test"])),
            secret("h", &Pair::new(&["h.test"])),
            ingress("a").created(1).prefix("h.test", "/", "s1").prefix("h.test", "/b", "s2").tls(&["h.test"], "h"),
            ingress("b").created(2).prefix("*.w.test", "/", "s2").default_backend("s1"),
            ingress("c").prefix("", "/any", "missing"),
        ];
        let world = World::of(proxy).arg(default).manifest("i.yaml", &[all_running(&["s1", "s2"]), objects].concat()).start();
        let out = world.outside().join("rendered");
        let (input, output, program) = (path(&world.manifests()), path(&out), path(&proxy.program()));
        let rendered = world.output(&[
            "render", "-f", &input, "-o", &output, "--private-keys", "--proxy", proxy.kind, "--proxy-binary", &program, default,
        ]);
        let said = String::from_utf8_lossy(&rendered.stderr);
        assert!(matches!(rendered.status.code(), Some(0 | 1)), "{said}");
        assert!(said.contains("i.yaml:") && said.contains("default/missing"), "findings have a place: {said}");
        let (mut by_render, mut by_run) = (BTreeMap::new(), BTreeMap::new());
        files(&out, "", &mut by_render);
        files(&world.state().join("current"), "", &mut by_run);
        assert_eq!(by_render.keys().collect::<Vec<_>>(), by_run.keys().collect::<Vec<_>>());
        let different: Vec<_> = by_run.iter().filter(|(name, bytes)| by_render[*name] != **bytes).map(|(name, _)| name).collect();
        assert!(different.is_empty(), "{different:?}");
        let without_keys = world.output(&["render", "-f", &input, "--proxy", proxy.kind, "--proxy-binary", &program, default]);
        assert!(!String::from_utf8_lossy(&without_keys.stdout).contains("PRIVATE KEY"), "keys stay where they are");
    }
}
