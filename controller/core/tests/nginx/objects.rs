//! Whatever people write into the objects of a cluster, the proxy takes the files that are made of them.
//!
//! What the proxy would refuse, the controller would find by its check and set aside; but that costs all of an object where
//! only a value is wrong. So none is known here. `PROPTEST_CASES=5000` and `PROPTEST_RNG_SEED` look further.

use crate::DIALECT;
use crate::world::*;
use gatewright_core::dialect::Version;
use gatewright_core::model::{Certificate, CertificateId};
use gatewright_core::names::ObjectName;
use gatewright_core::render::Renderer;
use gatewright_core::settings::{Settings, known_keys};
use gatewright_core::state::{Event, Snapshot, decode};
use gatewright_core::translate::annotations::{FEATURES, Feature};
use gatewright_core::translate::{Input, Quarantine, Translator};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What people write as a value: each is right for some annotation.
#[rustfmt::skip]
const VALUES: &[&str] = &[
    "true", "false", "on", "off", "0", "1", "-1", "5", "429", "503", "600", "3600", "86400", "4294967296", "1k", "8k", "1m", "10r", "1h", "10s",
    "x", "*", "~", "any", "all", "cookie", "basic", "digest", "persistent", "balanced", "sticky", "legacy", "Strict", "None", "auth-map",
    "auth-file", "users", "default/users", "other/users", "ca", "default/ca", "map", "default/map", "s1", "s2", "absent", "HTTP", "HTTPS", "GRPC",
    "GRPCS", "FCGI", "AUTO_HTTP", "optional", "optional_no_ca", "round_robin", "ewma", "ip_hash", "10.0.0.0/8", "192.0.2.1,2001:db8::/32",
    "::ffff:10.0.0.1", "0.0.0.0/0", "404,503", "404", "GET, POST", "GET", "X-A", "X-A, X-B", "X-A:1,X-B", "X-A: 1", "http://a.test", "https://x.test/p?a=$host",
    "http://10.0.0.9:8080/check?x=y", "http://s1.default.svc.cluster.local/auth", "https://x.test:8443/$1", "/", "/x", "/x/$1", "/$2/$1", "/a b",
    "$scheme://$host$request_uri", "$host", "$request_uri", "$remote_addr$http_x_a", "${uri}", "$cookie_a", "$arg_b", "$namespace-$service_name",
    "$best_http_host", "https://*.x.test", "https://x.test, http://y.test:80", "null", "^a.*b$", "^(a|b)+$", "[0-9]+", "(?i)x", "a{2,3}", "\\d+\\.\\w",
    "error timeout http_502", "http_502 http_504 non_idempotent", "TLSv1.2 TLSv1.3", "TLSv1.2", "HIGH:!aNULL", "ECDHE-RSA-AES128-GCM-SHA256",
    "x.test", "www.x.test", "x.test,*.y.test", "~^x[0-9]+$", "CN=x", "1.0", "1.1", "index.php", "users-realm", "Realm of \"x\"", "301", "308",
];

/// Directives that stand in snippets.
#[rustfmt::skip]
const DIRECTIVES: &[&str] = &[
    "add_header X-A \"b c\" always;", "add_header X-A $host;", "more_set_headers \"X-B: $request_id\";", "more_clear_headers Server;",
    "if ($request_method = POST) { return 403; }", "if ($http_x_a ~* \"^b\\d\") { return 302 https://x.test$request_uri; }", "proxy_set_header X-C $remote_addr;",
    "proxy_set_header Host x.test;", "rewrite ^/a/(.*)$ /b/$1 break;", "rewrite ^/c /d permanent;", "return 200 \"it's $uri\";", "return 301 https://y.test/;",
    "return 444;", "set $a \"x\";", "set $b $http_x_b;", "if ($a = x) { set $a y; }", "sub_filter 'a' \"b\";", "sub_filter_once off;", "deny 10.0.0.1;",
    "allow 192.0.2.0/24;", "deny all;", "allow all;", "limit_rate 10k;", "client_max_body_size 2m;", "proxy_read_timeout 5s;", "proxy_buffering off;",
    "proxy_buffers 4 8k;", "proxy_buffer_size 16k;", "proxy_hide_header X-D;", "expires 1h;", "expires -1;", "gzip off;", "default_type text/plain;",
    "proxy_cookie_path / \"/; Secure\";", "proxy_cookie_domain a.test b.test;", "proxy_redirect http://a.test/ /;", "location /z { return 204; }",
    "location ~ \\.php$ { deny all; }", "limit_except GET { deny all; }", "satisfy any;", "auth_basic off;", "auth_request off;", "error_page 404 /x;",
    "proxy_next_upstream error;", "proxy_intercept_errors on;", "keepalive_timeout 5;", "send_timeout 5s;", "etag off;", "charset utf-8;", "lua_x 1;",
];

/// What is put into a value, or stands for it.
#[rustfmt::skip]
const FRAGMENTS: &[&str] = &[
    "\"", "'", "\\", ";", "{", "}", "#", "$", "%", "%[src]", " ", "\n", "\r", "\t", "\0", "é", "~", "!", "(", ")", "[", "]", "*", "+", "?", "|", "^",
    ",", ":", "/", "//", "/../", "%2f", "%0a", "$1", "$host", "${x}", "@", "=", "&", "<", ">", "`", "--", "-f", " if ", "default", "include", "\u{2028}",
    "\u{202e}", "00", "99999999999999999999", "k", "s", "ms",
];

/// What makes others count.
#[rustfmt::skip]
const GROUPS: &[&[(&str, &str)]] = &[
    &[], &[], &[], &[("auth-type", "basic"), ("auth-secret", "users")], &[("auth-url", "http://10.0.0.9/check")], &[("rewrite-target", "/x/$1")], &[("use-regex", "true")],
    &[("permanent-redirect", "https://x.test")], &[("custom-http-errors", "503"), ("default-backend", "s2")], &[("auth-tls-secret", "default/ca")],
    &[("affinity", "cookie")], &[("enable-cors", "true")], &[("limit-rps", "5")], &[("backend-protocol", "HTTPS"), ("proxy-ssl-secret", "default/ca")],
    &[("mirror-target", "http://10.0.0.8/")], &[("upstream-hash-by", "$request_uri")], &[("backend-protocol", "FCGI")], &[("canary", "true"), ("canary-weight", "20")],
    &[("canary", "true"), ("canary-by-header", "X-A")], &[("backend-protocol", "GRPC")], &[("ssl-passthrough", "true")], &[("from-to-www-redirect", "true")],
];

#[rustfmt::skip]
const PATHS: &[&str] = &["/", "/a", "/a/b", "/a/", "/(.*)", "/x(/|$)(.*)", "/~u", "/a.b", "/a+b", "/[a-z]+/(\\d+)", "/ü", "/%20a", "/a{2}", "/a$", "/=x", "/^x", "/@y", "/a;b"];

/// An Ingress: the host by its number, a path, its type, and annotations.
type Wish = (usize, String, usize, Vec<(String, String)>);

fn changed(value: String, (at, fragment, how): (prop::sample::Index, &'static str, u8)) -> String {
    let at = at.index(value.chars().count() + 1);
    let at = value.char_indices().nth(at).map_or(value.len(), |(at, _)| at);
    match how {
        0..4 => value,
        4..7 => format!("{}{fragment}{}", &value[..at], &value[at..]),
        7 => fragment.to_owned(),
        8 => format!("{value}{}", fragment.repeat(400)),
        _ => value[..at].to_owned(),
    }
}

fn text(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), prop::sample::select(FRAGMENTS), 0..10_u8);
    (prop::sample::select(of), change).prop_map(|(value, change)| changed(value.to_owned(), change))
}

fn snippet() -> impl Strategy<Value = String> {
    prop::collection::vec(text(DIRECTIVES), 1..4).prop_map(|lines| lines.join("\n"))
}

fn wish() -> impl Strategy<Value = Wish> {
    let names: Vec<_> = FEATURES.iter().flat_map(|feature: &Feature| feature.keys).map(|key| key.name).collect();
    let snippets: Vec<_> = names.iter().copied().filter(|name| name.ends_with("-snippet")).collect();
    let plain = (prop::sample::select(names), text(VALUES)).prop_map(|(name, value)| (name.to_owned(), value));
    let snippet = (prop::sample::select(snippets), snippet()).prop_map(|(name, value)| (name.to_owned(), value));
    let group =
        prop::sample::select(GROUPS).prop_map(|group| group.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>());
    let annotations = (group, prop::collection::vec(prop_oneof![6 => plain, 1 => snippet], 0..4)).prop_map(|(a, b)| [a, b].concat());
    (0..60_usize, text(PATHS), 0..3_usize, annotations)
}

fn object(api: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "default"}});
    object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    object
}

/// What Ingresses name.
fn beside() -> Vec<Value> {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["ca".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
    let mut objects = vec![
        object("v1", "Secret", "users", json!({"stringData": {"auth": "u:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00"}})),
        object(
            "v1",
            "Secret",
            "ca",
            json!({"stringData": {"ca.crt": certificate, "tls.crt": certificate, "tls.key": key.serialize_pem()}}),
        ),
        object("v1", "ConfigMap", "map", json!({"data": {"X-A": "a \"b\"", "SCRIPT_FILENAME": "/x$fastcgi_script_name"}})),
    ];
    for (name, address) in [("s1", "10.0.0.1"), ("s2", "10.0.0.2")] {
        objects.push(object("v1", "Service", name, json!({"spec": {"ports": [{"port": 80, "targetPort": 8080}]}})));
        let slice = json!({"ports": [{"port": 8080}], "endpoints": [{"addresses": [address]}]});
        let mut slice = object("discovery.k8s.io/v1", "EndpointSlice", name, slice);
        slice["metadata"]["labels"] = json!({"kubernetes.io/service-name": name});
        objects.push(slice);
    }
    objects
}

fn ingress(number: usize, (host, path, kind, annotations): &Wish) -> Value {
    let path_type = ["Exact", "Prefix", "ImplementationSpecific"][*kind];
    let service = ["s1", "s2"][number % 2];
    let backend = json!({"service": {"name": service, "port": {"number": 80}}});
    let rule = json!({"host": format!("h{host}.test"), "http": {"paths": [{"path": path, "pathType": path_type, "backend": backend}]}});
    let mut ingress = object("networking.k8s.io/v1", "Ingress", &format!("i{number}"), json!({"spec": {"rules": [rule]}}));
    let annotations: BTreeMap<_, _> =
        annotations.iter().map(|(key, value)| (format!("nginx.ingress.kubernetes.io/{key}"), value)).collect();
    ingress["metadata"]["annotations"] = json!(annotations);
    ingress["metadata"]["creationTimestamp"] = json!(format!("2026-01-01T00:00:{:02}Z", number % 60));
    ingress
}

fn settings(version: Version) -> Settings {
    let mut settings = Settings {
        take_all_without_class: true,
        lacks: (DIALECT.lacks)(version),
        approximates: DIALECT.approximates,
        unknown_hashes: DIALECT.unknown_hashes,
        time_for_hashes: DIALECT.time_for_hashes,
        path_limits: (DIALECT.path_limits)(version),
        passes_behind_headers: DIALECT.passes_behind_headers,
        unknown_variables: (DIALECT.unknown_variables)(),
        unknown_directives: (DIALECT.unknown_directives)(version),
        config_map: Some(ObjectName::new("default", "main").unwrap()),
        ..Settings::default()
    };
    settings.listeners = globals().listeners;
    settings
}

/// What the proxy says against the files of these Ingresses, with these keys of the main ConfigMap.
fn refusal(beside: &[Value], wishes: &[Wish], keys: &[(String, String)], program: &Path, version: Version) -> Result<(), String> {
    let mut snapshot = Snapshot::default();
    let ingresses = wishes.iter().enumerate().map(|(number, wish)| ingress(number, wish));
    let allowing = [("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")];
    let keys = allowing.into_iter().chain(keys.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let main = object("v1", "ConfigMap", "main", json!({"data": keys.collect::<BTreeMap<_, _>>()}));
    for object in beside.iter().cloned().chain([main]).chain(ingresses) {
        snapshot.apply(Event::Applied(decode(object).unwrap().unwrap()));
    }
    let key = rcgen::generate_simple_self_signed(vec!["self.test".to_owned()]).unwrap();
    let pem = format!("{}{}", key.cert.pem(), key.signing_key.serialize_pem());
    let self_signed =
        Certificate { id: CertificateId::self_signed(), origin: "self-signed".to_owned(), pem: pem.into_bytes().into(), digest: 1 };
    let settings = settings(version);
    let translation = Translator::default().translate(Input {
        snapshot: &snapshot,
        settings: &settings,
        quarantine: &Quarantine::default(),
        self_signed: &Arc::new(self_signed),
        now_s: 1_790_000_000,
    });
    let mut renderer = Renderer::new(DIALECT, version, BTreeMap::new()).map_err(|error| error.to_string())?;
    let files = renderer.render(&translation.model).map_err(|error| format!("{error:?}"))?;
    Staged::new(&files, program).check()
}

/// Tries objects on every version of the proxy, the same ones each time unless others are asked for.
fn try_all<S: Strategy>(cases: u32, strategy: S, refusal: impl Fn(&S::Value, &Path, Version) -> Result<(), String>) {
    let config = ProptestConfig { failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() };
    let is_asked = |name| std::env::var_os(name).is_some();
    let cases = if is_asked("PROPTEST_CASES") { config.cases } else { cases };
    let rng_seed = if is_asked("PROPTEST_RNG_SEED") { config.rng_seed } else { RngSeed::Fixed(1) };
    for (program, version) in programs() {
        let mut runner = TestRunner::new(ProptestConfig { cases, rng_seed, ..config.clone() });
        let run = runner.run(&strategy, |objects| {
            refusal(&objects, &program, version).map_err(|told| TestCaseError::fail(format!("{version:?}: {told}")))
        });
        run.unwrap();
    }
}

#[test]
fn whatever_is_written_into_ingresses_the_proxy_takes_the_files() {
    let beside = beside();
    try_all(12, prop::collection::vec(wish(), 60), |wishes, program, version| refusal(&beside, wishes, &[], program, version));
}

#[test]
fn whatever_is_written_into_the_main_configmap_the_proxy_takes_the_files() {
    let beside = beside();
    let names: Vec<_> = known_keys().map(|(name, _)| name).collect();
    let value = prop_oneof![8 => text(VALUES), 1 => snippet()];
    let keys = prop::collection::vec((prop::sample::select(names), value).prop_map(|(name, value)| (name.to_owned(), value)), 1..12);
    try_all(40, (prop::collection::vec(wish(), 3), keys), |(wishes, keys), program, version| {
        refusal(&beside, wishes, keys, program, version)
    });
}
