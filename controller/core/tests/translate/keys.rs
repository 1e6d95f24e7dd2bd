//! What each key of the main ConfigMap does to the files of both proxies: the table is `keys.md`, beside this file.
//!
//! Two keys that were taken for each other would change each other's lines.

use crate::world::*;
use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::names::ObjectName;
use gatewright_core::render::Renderer;
use gatewright_core::settings::{Settings, known_keys};
use gatewright_core::translate::Input;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A line of the table.
struct Row {
    key: String,
    value: String,
    /// Keys that are there in any case.
    with: Vec<(String, String)>,
    /// What becomes of it on each proxy.
    expected: [String; 2],
}

impl Row {
    /// `None`: it is the head of the table, or no part of it.
    fn parse(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.strip_prefix("| `")?.strip_suffix('|')?.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [key, value, with, nginx, haproxy] = cells[..] else { panic!("a row of another shape: {line}") };
        let pair = |text: &str| text.trim().split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        Some(Self {
            key: key.to_owned(),
            value: value.to_owned(),
            with: with.split(';').filter_map(pair).collect(),
            expected: [nginx.to_owned(), haproxy.to_owned()],
        })
    }
}

fn rows() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/translate/keys.md");
    std::fs::read_to_string(path).unwrap().lines().filter_map(Row::parse).collect()
}

/// A proxy, the objects that it serves, and what it makes of them.
struct Proxy<'o> {
    objects: &'o [Value],
    settings: Settings,
    renderer: Renderer,
}

impl<'o> Proxy<'o> {
    fn new(dialect: &'static Dialect, version: Version, objects: &'o [Value]) -> Self {
        let named = |name| Some(ObjectName::new("default", name).unwrap());
        let mut settings = Settings {
            take_all_without_class: true,
            lacks: (dialect.lacks)(version),
            approximates: dialect.approximates,
            unknown_variables: (dialect.unknown_variables)(),
            unknown_directives: (dialect.unknown_directives)(version),
            config_map: named("main"),
            default_backend_service: named("s3"),
            tcp_services_config_map: named("tcp"),
            ..Settings::default()
        };
        settings.listeners.ipv6 = true;
        Self { objects, settings, renderer: Renderer::new(dialect, version, BTreeMap::new()).unwrap() }
    }

    /// How often each line stands in the files, and what is said of the keys.
    fn serve(&mut self, data: &[(String, String)]) -> (BTreeMap<String, i32>, Vec<String>) {
        let mut world = World::new(self.objects);
        world.settings = self.settings.clone();
        let data: BTreeMap<&str, &str> = data.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        world.apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "main"}, "data": data}));
        let translation = world.translator.translate(Input {
            snapshot: &world.snapshot,
            settings: &world.settings,
            quarantine: &world.quarantine,
            self_signed: &self_signed(),
            now_s: world.now_s,
        });
        let files = self.renderer.render(&translation.model).unwrap();
        let token = files.token();
        let mut lines = BTreeMap::new();
        for (path, file) in files.iter() {
            let text = String::from_utf8_lossy(&file.bytes.whole()).replace(&token, "TOKEN");
            for line in text.lines().chain([path]) {
                *lines.entry(line.trim().to_owned()).or_default() += 1;
            }
        }
        let said = translation.diagnostics.iter().filter_map(|finding| finding.field.strip_prefix("data[")?.strip_suffix(']'));
        (lines, said.map(str::to_owned).collect())
    }

    /// The lines that a key takes away, behind `-`, and those that it brings, behind `+`; and whether it is said.
    fn change(&mut self, row: &Row) -> (Vec<String>, bool) {
        let mut data = row.with.clone();
        let (mut lines, _) = self.serve(&data);
        data.push((row.key.clone(), row.value.clone()));
        let (after, said) = self.serve(&data);
        for (line, number) in after {
            *lines.entry(line).or_default() -= number;
        }
        let changed = lines.into_iter().filter(|(_, number)| *number != 0);
        let signed = changed.map(|(line, number)| format!("{}{line}", if number > 0 { '-' } else { '+' }));
        (signed.collect(), said.contains(&row.key))
    }
}

/// What does not happen as the table says.
fn mismatch(expected: &str, lines: &[String], is_said: bool) -> bool {
    let (word, _) = expected.split_once(':').unwrap_or((expected, ""));
    match (word, expected.chars().next()) {
        ("told", _) => !lines.is_empty() || !is_said,
        ("quiet", _) => !lines.is_empty() || is_said,
        (_, Some(sign @ ('+' | '-'))) => {
            let text = &expected[1..];
            !lines.iter().any(|line| line.starts_with(sign) && line[1..].contains(text))
        }
        _ => true,
    }
}

/// One Ingress for each kind of wish that keys have something to do with.
fn objects() -> Vec<Value> {
    let on = |name: &str, host: &str, service: &str| ingress(name, 1, &[(host, &[("/", "Prefix", service), ("/open", "Prefix", "s2")])]);
    let hash = "anna:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00";
    let map = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data});
    let secret_of = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data});
    let mut objects = services();
    objects.push(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s1"},
        "spec": {"clusterIP": "10.9.9.9", "ports": [{"port": 80, "targetPort": 8080}]}}));
    objects.extend([
        with(on("tls", "tls.test", "s1"), "/spec/tls", json!([{"hosts": ["tls.test"], "secretName": "tls"}])),
        secret("tls", &["tls.test"]),
        annotated(on("guarded", "guarded.test", "s1"), &[("auth-type", "basic"), ("auth-secret", "users")]),
        secret_of("users", json!({"auth": hash})),
        annotated(on("snippet", "snippet.test", "s1"), &[("configuration-snippet", "more_set_headers \"X-Snippet: yes\";")]),
        annotated(on("risky", "risky.test", "s1"), &[("server-alias", "alias.test")]),
        annotated(on("headers", "headers.test", "s1"), &[("custom-headers", "default/extra")]),
        map("extra", json!({"X-Extra": "yes"})),
        annotated(on("shared", "shared.test", "s1"), &[("auth-type", "basic"), ("auth-secret", "other/users"), ("auth-realm", "Shared")]),
        with(secret_of("users", json!({"auth": hash})), "/metadata/namespace", json!("other")),
        annotated(on("moved", "moved.test", "s1"), &[("permanent-redirect", "/new")]),
        annotated(on("worded", "worded.test", "s1"), &[("app-root", "/forbidden")]),
        annotated(on("grpc", "grpc.test", "s4"), &[("backend-protocol", "GRPC")]),
        annotated(on("limited", "limited.test", "s1"), &[("limit-rps", "5"), ("limit-connections", "7")]),
        annotated(on("upstream-tls", "both.test", "s1"), &[("backend-protocol", "HTTPS"), ("proxy-ssl-secret", "default/authority")]),
        annotated(ingress("upstream-tls-too", 2, &[("both.test", &[("/too", "Prefix", "s2")])]), &[("backend-protocol", "HTTPS")]),
        annotated(on("redirected", "redirected.test", "s1"), &[("force-ssl-redirect", "true")]),
        map("tcp", json!({"9000": "default/s4:80"})),
        map("set", json!({"X-Set": "one"})),
        map("add", json!({"X-Add": "two"})),
        secret_of("dh", json!({"dhparam.pem": dh_params()})),
    ]);
    let authority = secret("authority", &["authority.test"]);
    let pem = authority["stringData"]["tls.crt"].clone();
    objects.push(with(authority, "/stringData/ca.crt", pem));
    objects
}

/// Parameters that look like some.
fn dh_params() -> String {
    use base64::Engine;
    let prime = vec![0xfb; 256];
    let inside = [&[0x02, 0x82, 1, 1, 0][..], &prime, &[0x02, 0x01, 0x02]].concat();
    let der = [&[0x30, 0x82, (inside.len() >> 8) as u8, inside.len() as u8][..], &inside].concat();
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN DH PARAMETERS-----\n{}\n-----END DH PARAMETERS-----\n", lines.join("\n"))
}

#[test]
fn the_table_has_every_key_once() {
    let keys: Vec<String> = rows().into_iter().map(|row| row.key).collect();
    let known: Vec<&str> = known_keys().map(|(key, _)| key).collect();
    let missing: Vec<_> = known.iter().filter(|key| !keys.iter().any(|there| there == *key)).collect();
    let unknown: Vec<_> = keys.iter().filter(|key| !known.contains(&key.as_str())).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}, unknown: {unknown:?}");
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "one stands there twice");
}

#[test]
fn each_key_changes_what_the_table_says() {
    let objects = objects();
    let mut proxies =
        [(&NGINX, Version(1, 28, 0)), (&HAPROXY, Version(3, 2, 0))].map(|(dialect, version)| Proxy::new(dialect, version, &objects));
    let mut wrong = String::new();
    for row in rows() {
        for (proxy, expected) in proxies.iter_mut().zip(&row.expected) {
            let (lines, is_said) = proxy.change(&row);
            if mismatch(expected, &lines, is_said) {
                let said = if is_said { " (said)" } else { "" };
                let _ = writeln!(wrong, "{} = {:?}: wanted {expected:?}{said}", row.key, row.value);
                lines.iter().for_each(|line| _ = writeln!(wrong, "    {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
