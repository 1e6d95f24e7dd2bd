//! Texts of users that would mean something in a proxy's own files: they reach clients as they are, or are told.

use gatewright_e2e::client::get;
use gatewright_e2e::manifest::{IngressWords, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::running;
use gatewright_e2e::world::World;
use serde_json::json;

/// Variables of the environment, formats, escapes, comments, blocks, conditions.
const TEXTS: &[&str] = &[
    "%[src]",
    "%[env(HOME)]",
    "%{+Q}o",
    "%",
    "%%",
    "%ci",
    "\"${HOME}\"",
    "${HOME}",
    "$HOME",
    "$host",
    "$$",
    "a\\b",
    "\\",
    "\\x41\\n",
    "a#b",
    "# c",
    "{",
    "}",
    "{ src }",
    "a; return 418",
    "'",
    "it's \"so\"",
    "`id`",
    "x if TRUE",
    "--",
    "-f /etc/passwd",
];

on_every_proxy! {
    fn headers_of_answers_are_what_is_written(proxy) {
        let name = |n: usize| format!("X-Text-{n}");
        let names: Vec<String> = (0..TEXTS.len()).map(name).collect();
        let headers: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(TEXTS.iter().copied()).collect();
        let settings = config_map("settings", &[("global-allowed-response-headers", &names.join(","))]);
        let route = ingress("a").prefix("h.test", "/", "s").annotation("custom-headers", "default/headers");
        let objects = [running("s"), vec![settings, config_map("headers", &headers), route]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        assert_eq!(world.diagnostics(), Vec::<String>::new());
        let answer = get("h.test", "/").unwrap();
        assert_eq!(answer.word(), "s");
        let seen: Vec<_> = names.iter().map(|name| answer.header(name)).collect();
        assert_eq!(seen, TEXTS.iter().copied().map(Some).collect::<Vec<_>>());
    }

    fn realms_are_what_is_written(proxy) {
        let (host, object) = (|n: usize| format!("h{n}.test"), |n: usize| format!("a{n}"));
        let users = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users"}, "stringData": {"auth": "u:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}});
        let routes = TEXTS.iter().enumerate().map(|(n, text)| {
            let route = ingress(&object(n)).prefix(&host(n), "/", "s").annotation("auth-type", "basic").annotation("auth-secret", "users");
            route.annotation("auth-realm", text)
        });
        let objects = running("s").into_iter().chain([users]).chain(routes).collect::<Vec<_>>();
        let world = World::of(proxy).manifest("i.yaml", &objects).start();
        let told = world.diagnostics();
        assert!(!told.iter().any(|line| line.contains("auth-realm")), "{told:?}");
        for (n, text) in TEXTS.iter().enumerate() {
            let answer = get(&host(n), "/").unwrap();
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            let wanted = (401, Some(format!("Basic realm=\"{quoted}\"")));
            assert_eq!((answer.status, answer.header("WWW-Authenticate").map(str::to_owned)), wanted, "{text}");
        }
    }
    fn texts_with_a_line_end_are_bad_values(proxy) {
        let of = |name: &str, key: &str, value: &str| ingress(name).prefix(&format!("{name}.test"), "/", "s").annotation(key, value);
        let ingresses = vec![
            of("path", "rewrite-target", "/x\n"),
            of("host", "upstream-vhost", "u.test\n"),
            of("size", "proxy-body-size", "0\n"),
            of("who", "allowlist-source-range", "127.0.0.0/8\n"),
            of("word", "backend-protocol", "HTTP\n"),
        ];
        let world = World::of(proxy).manifest("i.yaml", &[running("s"), ingresses].concat()).start();
        let said = world.diagnostics();
        assert_eq!(get("path.test", "/p").unwrap().echo()["target"], "/p", "{said:?}");
        assert_eq!(["host", "who", "word"].map(|name| get(&format!("{name}.test"), "/").unwrap().word()), ["404", "s", "s"], "{said:?}");
        let large = vec![b'x'; 2 << 20];
        let request = gatewright_e2e::http1::Request::new("POST", "/").header("Host", "size.test").body(&large);
        assert_eq!(gatewright_e2e::client::send(&request).map_or(413, |answer| answer.status), 413, "{said:?}");
        assert_eq!(said.iter().filter(|line| line.contains("GW05")).count(), 3, "{said:?}");
    }
}
