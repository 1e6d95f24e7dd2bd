//! `diff`: what changes for traffic, what changes in files, and how it is told.

use crate::world::{Folder, Ran, assert_valid, ingress, of_repository, secret, service};
use serde_json::Value;

pub(crate) fn diff(old: &str, new: &str, arguments: &[&str]) -> Ran {
    let folder = Folder::new(&[("old/a.yaml", old), ("new/b.yaml", new)]);
    folder.run(&[&["diff", "old", "new"], arguments].concat())
}

/// `subject name: from → to [effect] by`, one line each.
pub(crate) fn changes(old: &str, new: &str) -> Vec<String> {
    let ran = diff(old, new, &["--format", "json", "--routes-only"]);
    let report = ran.json();
    assert_valid(&report, &of_repository("docs/schemas/diff.schema.json"));
    let text = |change: &Value, key: &str| change[key].as_str().unwrap_or("-").to_owned();
    let one = |change: &Value| {
        let part = |key| text(change, key);
        let by = change["by"]["name"].as_str().unwrap_or("-");
        format!("{} {}: {} → {} [{}] {by}", part("subject"), part("name"), part("from"), part("to"), part("effect"))
    };
    let lines: Vec<_> = report["changes"].as_array().unwrap().iter().map(one).collect();
    assert_eq!(ran.code, i32::from(!lines.is_empty()), "{ran:?}");
    lines
}

fn annotated(name: &str, annotations: &str) -> String {
    ingress("front", "a.test", "/", name).replace("namespace: shop}", &format!("namespace: shop, annotations: {{{annotations}}}}}"))
}

#[test]
fn equal_inputs_are_the_same_whatever_their_files() {
    let text = ingress("front", "a.test", "/", "cart") + &service("cart") + &secret("pair", "a.test");
    let folder = Folder::new(&[("old/a.yaml", &text)]);
    text.split("\n---\n").enumerate().for_each(|(n, part)| folder.write(&format!("new/{}.yaml", 9 - n), part));
    for arguments in [&["diff", "old", "new"][..], &["diff", "old", "new", "--format", "markdown"], &["diff", "old", "old", "--files-only"]]
    {
        let ran = folder.run(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        assert!(ran.out.to_lowercase().contains("nothing changes"), "{}", ran.out);
    }
    assert_eq!(changes(&text, &text), [""; 0]);
}

#[test]
fn hosts_and_routes_come_and_go() {
    let base = ingress("front", "a.test", "/", "cart") + &service("cart") + &service("api");
    let more = base.clone() + &ingress("more", "a.test", "/api", "api") + &ingress("other", "b.test", "/", "cart");
    assert_eq!(
        changes(&base, &more),
        [
            "host b.test:  →  [-] other",
            "route /api, /api/*: Service shop/cart:80 → Service shop/api:80 [-] more",
            "route /*:  → Service shop/cart:80 [opens] other",
        ]
    );
    let gone = changes(&more, &base);
    assert!(gone.contains(&"route /*: Service shop/cart:80 →  [closes] other".to_owned()), "{gone:#?}");
    assert!(gone.contains(&"route /api, /api/*: Service shop/api:80 → Service shop/cart:80 [-] front".to_owned()), "{gone:#?}");
}

#[test]
fn a_backend_that_is_missing_closes() {
    let old = ingress("front", "a.test", "/", "cart") + &service("cart");
    let new = ingress("front", "a.test", "/", "gone") + &service("cart");
    assert_eq!(changes(&old, &new), ["route /*: Service shop/cart:80 → 503 in place of Service shop/gone:80 [closes] front"]);
    assert_eq!(changes(&new, &old), ["route /*: 503 in place of Service shop/gone:80 → Service shop/cart:80 [opens] front"]);
}

#[test]
fn policies_are_told_from_and_to_with_their_effect() {
    let of = |annotations: &str| annotated("cart", annotations) + &service("cart");
    let prefix = "nginx.ingress.kubernetes.io";
    let timeout = |value: &str| of(&format!("{prefix}/proxy-read-timeout: \"{value}\""));
    assert_eq!(changes(&timeout("60"), &timeout("120")), [r#"policy proxy-read-timeout: "60" → "120" [-] front"#]);
    assert_eq!(changes(&of(""), &timeout("120")), [r#"policy proxy-read-timeout:  → "120" [-] front"#]);
}

#[test]
fn what_of_the_endpoints_is_reached_is_to_be_looked_at() {
    let of = |annotations: &str| annotated("cart", annotations) + &service("cart");
    for (name, old, new) in
        [("rewrite-target", "/x", "/admin"), ("upstream-vhost", "a.test", "b.test"), ("mirror-target", "https://a.test", "https://b.test")]
    {
        let with = |value: &str| of(&format!("nginx.ingress.kubernetes.io/{name}: \"{value}\""));
        let told = changes(&with(old), &with(new));
        assert_eq!(told, [format!("policy {name}: \"{old}\" → \"{new}\" [unclear] front")]);
    }
}

#[test]
fn a_path_that_is_written_in_another_way_is_told_as_it_is_written() {
    let of = |path: &str| ingress("front", "a.test", path, "cart") + &service("cart");
    assert_eq!(changes(&of("/api"), &of("/api/")), [r#"route /api, /api/*: written as "/api" → written as "/api/" [-] front"#]);
}

#[test]
fn a_redirect_that_ends_opens() {
    let tls = |annotations: &str| {
        annotated("cart", annotations).replace("spec:\n", "spec:\n  tls: [{hosts: [a.test], secretName: pair}]\n") + &service("cart")
    };
    let pair = secret("pair", "a.test");
    let (on, off) = (tls("") + &pair, tls("nginx.ingress.kubernetes.io/ssl-redirect: \"false\"") + &pair);
    let found = changes(&on, &off);
    assert!(found.contains(&"route /*: redirected to https → plain HTTP served [opens] front".to_owned()), "{found:#?}");
}

#[test]
fn certificates_are_named_and_never_shown() {
    let tls = ingress("front", "a.test", "/", "cart").replace("spec:\n", "spec:\n  tls: [{hosts: [a.test], secretName: pair}]\n")
        + &service("cart");
    let (one, other) = (tls.clone() + &secret("pair", "a.test"), tls.clone() + &secret("pair", "a.test"));
    assert_eq!(
        changes(&one, &other),
        ["certificate a.test: Secret shop/pair → Secret shop/pair, with another key pair [-] front"],
        "a renewed certificate is a change"
    );
    assert_eq!(changes(&one, &tls), ["certificate a.test: Secret shop/pair → the default certificate [-] front"]);
    for format in ["text", "markdown", "json"] {
        let ran = diff(&one, &other, &["--format", format]);
        assert!(!ran.out.contains("PRIVATE KEY") && !ran.out.contains("BEGIN CERTIFICATE"), "{}", ran.out);
    }
}

#[test]
fn endpoints_and_settings_count_too() {
    let text = ingress("front", "a.test", "/", "cart") + &service("cart");
    let moved = changes(&text, &text.replace("10.1.0.1", "10.1.0.2"));
    assert!(moved.len() == 1 && moved[0].starts_with("backend ") && moved[0].contains("10.1.0.1:8080 → 10.1.0.2:8080"), "{moved:#?}");
    let map = |value: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: x}}\ndata: {{proxy-read-timeout: \"{value}\"}}\n")
    };
    let ran = diff(&(text.clone() + &map("1")), &(text + &map("2")), &["--configmap", "x/c", "--routes-only"]);
    assert!(ran.code == 1 && ran.out.contains(r#"setting proxy-read-timeout: "1" → "2""#), "{ran:?}");
}

#[test]
fn files_are_folded_by_host_and_only_what_is_asked_for_is_told() {
    let old = ingress("front", "a.test", "/", "cart") + &ingress("b", "b.test", "/", "cart") + &service("cart");
    let new = old.replace("path: /\n", "path: /x\n");
    let all = diff(&old, &new, &[]);
    assert_eq!(all.code, 1);
    for part in ["~ a.test", "--- host a.test\n+++ host a.test\n@@ ", "--- host b.test\n", "+    location "] {
        assert!(all.out.contains(part), "{part:?} is missing in {}", all.out);
    }
    assert!(!all.out.contains("nginx.conf"), "hashes in names are no change: {}", all.out);
    let unknown = |text: &str| text.replace("- host: b.test\n    ", "- ");
    let all = diff(&unknown(&old), &unknown(&new), &[]);
    assert!(all.out.contains("--- unknown hosts\n+++ unknown hosts\n@@ "), "{}", all.out);
    let routes = diff(&old, &new, &["--routes-only"]);
    assert!(routes.out.contains("a.test") && !routes.out.contains("@@"), "{}", routes.out);
    let files = diff(&old, &new, &["--files-only"]);
    assert!(files.out.starts_with("--- ") && files.out.contains("@@"), "{}", files.out);
    assert_eq!(diff(&old, &new, &["--files-only", "--routes-only"]).code, 2);
}

#[test]
fn a_comment_reads_well_and_is_bounded() {
    let old = service("cart");
    let new: String =
        (0..1500).map(|n| ingress(&format!("i{n}"), &format!("h{n}.test"), "/", "cart")).collect::<String>() + &service("cart");
    let ran = diff(&old, &new, &["--format", "markdown"]);
    assert!(ran.out.starts_with("### Ingress changes\n\n**1500 more open**\n\n| | what | change | effect | by |\n"), "{}", &ran.out[..200]);
    assert!(ran.out.len() < 65_536, "{} bytes", ran.out.len());
    assert!(ran.out.contains("more changes are not listed") && ran.out.contains("more files are not shown"));
    let small = diff(&old, &(ingress("x", "x.test", "/", "cart") + &old), &["--format", "markdown"]);
    assert!(small.out.contains("<details><summary>host x.test (+") && small.out.contains("```diff\n"), "{}", small.out);
}

#[test]
fn a_comment_begins_with_what_opens_what_was_there() {
    let annotated = |name: &str, host: &str, wishes: &str| {
        let all = wishes.replace("nic/", "nginx.ingress.kubernetes.io/");
        ingress(name, host, "/", "cart").replace("namespace: shop}", &format!("namespace: shop, annotations: {{{all}}}}}"))
    };
    let moved = |service: &str| ingress("moved", "m.test", "/", service);
    let guarded = |wishes: &str| annotated("guarded", "g.test", wishes);
    let listed = |range: &str| annotated("listed", "l.test", &format!("nic/whitelist-source-range: {range}"));
    let services = service("cart") + &service("new");
    let gone = ingress("gone", "a.test", "/", "cart");
    let added = ingress("added", "b.test", "/", "cart");
    let old = guarded("nic/auth-type: basic, nic/auth-secret: users") + &listed("10.0.0.0/8") + &moved("cart") + &gone + &services;
    let new = guarded("") + &listed("192.0.2.0/24") + &moved("new") + &added + &services;
    let ran = diff(&old, &new, &["--format", "markdown", "--routes-only"]);
    let table = ran.out.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |"));
    let rows: Vec<[&str; 2]> = table.map(|row| row.split(" | ").collect::<Vec<_>>()).map(|cells| [cells[1], cells[3].trim()]).collect();
    let first = [
        ["`auth-type of g.test`", "more open"],
        ["`whitelist-source-range of l.test`", "look at it"],
        ["`b.test/*`", "more open"],
        ["`a.test/*`", "more closed"],
        ["`m.test/*`", ""],
    ];
    assert_eq!(rows[..first.len()], first, "{ran:?}");
    assert!(rows[first.len()..].iter().all(|[_, effect]| effect.is_empty()), "{ran:?}");
}

#[test]
fn a_revision_is_compared_with_the_work_tree() {
    let folder = Folder::new(&[("deploy/a.yaml", &(ingress("front", "a.test", "/", "cart") + &service("cart")))]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    let same = folder.run(&["diff", "git:HEAD:deploy", "deploy"]);
    assert_eq!(same.code, 0, "{same:?}");
    folder.write("deploy/b.yaml", ingress("b", "b.test", "/", "cart"));
    let ran = folder.run(&["diff", "git:HEAD:deploy", "deploy", "--routes-only"]);
    assert!(ran.code == 1 && ran.out.contains("+ host b.test: added  (Ingress shop/b)"), "{ran:?}");
    folder.write("deploy/c.yaml", "a: [");
    let broken = folder.run(&["diff", "git:HEAD:deploy", "deploy"]);
    assert!(broken.code == 1 && broken.err.contains("of deploy, 1 document or object is left out"), "{broken:?}");
    assert_eq!(folder.run(&["diff", "git:nowhere", "deploy"]).code, 2);
    for (input, said) in
        [("git:", "git: names no revision; write one behind git:, such as git:HEAD"), ("git::deploy", "such as git:HEAD:deploy")]
    {
        let unnamed = folder.run(&["diff", input, "deploy"]);
        assert!(unnamed.code == 2 && unnamed.err.contains(said), "{unnamed:?}");
    }
    for (inputs, meant) in [
        (["main", "deploy"], "git:main\n"),
        (["deploy", "main"], "git:main\n"),
        (["main:deploy", "deploy"], "git:main:deploy\n"),
        (["deploy", "HEAD:deploy/a.yaml"], "git:HEAD:deploy/a.yaml\n"),
    ] {
        let forgotten = folder.run(&[&["diff"], &inputs[..]].concat());
        let is_told = forgotten.err.ends_with(&format!("a revision of git is written {meant}"));
        assert!(forgotten.code == 2 && is_told, "{forgotten:?}");
    }
    assert_eq!(folder.run(&["diff", "deploy"]).code, 2);
}

#[test]
fn what_cannot_be_read_is_in_every_report() {
    let good = ingress("front", "a.test", "/", "cart") + &service("cart");
    let broken = good.clone() + "kind: [\n";
    let same = diff(&broken, &broken, &["--format", "markdown"]);
    assert!(same.code == 0 && same.out.starts_with("### Ingress changes\n\nNothing changes.\n"), "{same:?}");
    assert!(same.out.contains("#### Not compared, as it cannot be read\n\n- error GW0001 at `new/b.yaml:"), "{same:?}");
    let text = diff(&broken, &broken, &[]);
    assert!(text.code == 0 && text.out.starts_with("nothing changes\n\nnot compared, as it cannot be read:\n"), "{text:?}");
    let codes = [(&good, &broken), (&broken, &good), (&broken, &broken)].map(|(old, new)| diff(old, new, &["--files-only"]).code);
    assert_eq!(codes, [1, 0, 0], "whatever is asked for");
    let files = diff(&good, &good, &["--files-only", "--format", "json"]).json();
    assert_valid(&files, &of_repository("docs/schemas/diff.schema.json"));
    assert!(files["changes"].is_null() && files["summary"].is_null(), "nobody has counted them: {files:#}");
    for (old, new, code, side, findings) in [(&broken, &good, 0, "old", 0), (&good, &broken, 1, "new", 1), (&broken, &broken, 0, "both", 0)]
    {
        let ran = diff(old, new, &["--format", "json", "--routes-only"]);
        let report = ran.json();
        assert_valid(&report, &of_repository("docs/schemas/diff.schema.json"));
        assert_eq!((ran.code, &report["left_out"][0]["side"]), (code, &side.into()), "{ran:?}");
        assert_eq!(report["findings"].as_array().unwrap().len(), findings, "{ran:?}");
    }
    let removed = diff(&good, "kind: [\n", &["--format", "markdown"]);
    assert!(removed.code == 1 && removed.out.contains("GW0001 at `new/b.yaml:1:"), "{removed:?}");
}

#[test]
fn what_both_have_in_common_is_given_once() {
    let folder = Folder::new(&[("old.yaml", &ingress("front", "a.test", "/", "cart")), ("base/s.yaml", &service("cart"))]);
    folder.write("new.yaml", ingress("front", "a.test", "/x", "cart"));
    let ran = folder.run(&["diff", "old.yaml", "new.yaml", "-f", "base", "--routes-only"]);
    assert!(ran.out.contains("Service shop/cart:80") && !ran.out.contains("503"), "{ran:?}");
}

#[test]
fn what_is_wrong_only_now_is_told() {
    let old = annotated("cart", "") + &service("cart");
    let new = annotated("cart", "nginx.ingress.kubernetes.io/proxy-read-timeout: x") + &service("cart");
    let ran = diff(&old, &new, &["--routes-only"]);
    assert!(ran.code == 1 && ran.out.contains("new/b.yaml:3:") && ran.out.contains("error[GW0501]"), "{ran:?}");
    assert!(ran.out.starts_with("nothing changes for traffic\n\nto be said of it, and not before:\n"), "{ran:?}");
    let comment = diff(&old, &new, &["--format", "markdown", "--routes-only"]).out;
    let line = comment.lines().find(|line| line.contains("GW0501")).unwrap_or_else(|| panic!("{comment}"));
    assert!(line.contains(" — default kept; `"), "what became of it, and what would do: {line}");
    let back = diff(&new, &old, &["--routes-only"]);
    assert!(!back.out.contains("GW0501"), "{back:?}");
}

#[test]
fn one_input_is_compared_on_two_proxies() {
    let text = ingress("front", "a.test", "/", "cart") + &service("cart");
    let same = diff(&text, &text, &["--new-proxy", "haproxy"]);
    assert_eq!((same.code, same.out.as_str()), (0, "nothing changes\n"), "{same:?}");
    let differing = annotated("cart", "nginx.ingress.kubernetes.io/proxy-read-timeout: '600'") + &service("cart");
    let told = diff(&differing, &differing, &["--new-proxy", "haproxy"]);
    assert!(told.code == 1 && told.out.contains("note[GW0702]: proxy-read-timeout \"600\" is not quite had"), "{told:?}");
    assert_eq!(diff(&differing, &differing, &["--proxy", "haproxy"]).code, 0, "it is no news on the same proxy");
    for arguments in [&["--new-proxy", "envoy"][..], &["--new-proxy", "haproxy", "--files-only"]] {
        assert_eq!(diff(&text, &text, arguments).code, 2, "{arguments:?}");
    }
}

/// `subject name: from → to [effect]`, with flags.
pub(crate) fn changes_with(old: &str, new: &str, flags: &[&str]) -> Vec<String> {
    let ran = diff(old, new, &[&["--format", "json", "--routes-only"], flags].concat());
    let report = ran.json();
    assert_valid(&report, &of_repository("docs/schemas/diff.schema.json"));
    let text = |change: &Value, key: &str| change[key].as_str().unwrap_or("-").to_owned();
    let one = |change: &Value| {
        let part = |key| text(change, key);
        format!("{} {}: {} → {} [{}]", part("subject"), part("name"), part("from"), part("to"), part("effect"))
    };
    let lines: Vec<_> = report["changes"].as_array().unwrap().iter().map(one).collect();
    let has_findings = !report["findings"].as_array().unwrap().is_empty();
    assert_eq!(ran.code, i32::from(!lines.is_empty() || has_findings), "{ran:?}");
    lines
}

pub(crate) fn object(kind: &str, name: &str, key: &str, data: &[(&str, &str)]) -> String {
    let data: String = data.iter().map(|(key, value)| format!("  {key}: {value:?}\n")).collect();
    format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\n{key}:\n{data}---\n")
}

#[test]
fn a_canary_is_told_with_whom_it_gets() {
    let canary = |wishes: &str, service: &str| {
        let wish = format!("namespace: shop, annotations: {{nginx.ingress.kubernetes.io/canary: \"true\"{wishes}}}}}");
        ingress("canary", "a.test", "/", service).replace("namespace: shop}", &wish)
    };
    let weight = |n: u32| format!(", nginx.ingress.kubernetes.io/canary-weight: \"{n}\"");
    let header = |name: &str| format!(", nginx.ingress.kubernetes.io/canary-by-header: {name}");
    let base = ingress("front", "a.test", "/", "cart") + &service("cart") + &service("new") + &service("newer");
    let with = |wishes: &str, service: &str| base.clone() + &canary(wishes, service);
    for (old, new, told) in [
        (base.clone(), with(&weight(10), "new"), " → 10 of 100 requests to shop-new-80"),
        (with(&weight(10), "new"), with(&weight(90), "new"), "10 of 100 requests to shop-new-80 → 90 of 100 requests to shop-new-80"),
        (with(&weight(10), "new"), with(&weight(10), "newer"), "10 of 100 requests to shop-new-80 → 10 of 100 requests to shop-newer-80"),
        (with(&header("X-A"), "new"), with(&header("X-B"), "new"), "header X-A to shop-new-80 → header X-B to shop-new-80"),
        (with(&weight(10), "new"), base.clone(), "10 of 100 requests to shop-new-80 → "),
    ] {
        assert_eq!(changes(&old, &new), [format!("canary /*: {told} [-] canary")]);
    }
}

#[test]
fn what_is_asked_for_a_whole_host_is_told() {
    let of = |wish: &str| annotated("cart", wish) + &service("cart");
    for (name, value, other, effect) in
        [("app-root", "/a", "/b", "-"), ("ssl-ciphers", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "unclear")]
    {
        let wish = |value: &str| of(&format!("nginx.ingress.kubernetes.io/{name}: {value}"));
        assert_eq!(changes(&of(""), &wish(value)), [format!("policy {name}:  → {value:?} [{effect}] front")]);
        assert_eq!(changes(&wish(value), &wish(other)), [format!("policy {name}: {value:?} → {other:?} [{effect}] front")]);
    }
    let passed = of("nginx.ingress.kubernetes.io/ssl-passthrough: \"true\"");
    let found = changes_with(&of(""), &passed, &["--enable-ssl-passthrough"]);
    assert!(found.contains(&"passthrough a.test:  → shop-cart-80 [opens]".to_owned()), "{found:#?}");
    // Other paths lose their requests, and what guards them.
    let other = ingress("other", "a.test", "/x", "cart");
    let found = changes_with(&(of("") + &other), &(passed + &other), &["--enable-ssl-passthrough"]);
    assert!(found.contains(&"passthrough a.test:  → shop-cart-80 in place of /, /x [opens]".to_owned()), "{found:#?}");
}

#[test]
fn ports_that_are_forwarded_are_told() {
    let ports = |data: &[(&str, &str)]| {
        ingress("front", "a.test", "/", "cart") + &service("cart") + &service("db") + &object("ConfigMap", "tcp", "data", data)
    };
    let flags = ["--tcp-services-configmap", "shop/tcp"];
    let (none, one, other) = (ports(&[]), ports(&[("9000", "shop/db:80")]), ports(&[("9000", "shop/cart:80")]));
    assert_eq!(changes_with(&none, &one, &flags), ["stream TCP port 9000:  → shop-db-80 [opens]"]);
    assert_eq!(changes_with(&one, &other, &flags), ["stream TCP port 9000: shop-db-80 → shop-cart-80 [-]"]);
    assert_eq!(changes_with(&one, &none, &flags), ["stream TCP port 9000: shop-db-80 →  [closes]"]);
    let moved = changes_with(&one, &one.replace("10.1.0.1", "10.1.0.9"), &flags);
    assert!(
        moved.contains(&"stream TCP port 9000: shop-db-80 at 10.1.0.1:8080 → shop-db-80 at 10.1.0.9:8080 [-]".to_owned()),
        "{moved:#?}"
    );
}

#[test]
fn users_are_told_by_their_names() {
    let with = |users: &str| {
        annotated("cart", "nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: users")
            + &service("cart")
            + &object("Secret", "users", "stringData", &[("auth", users)])
    };
    let (old, new) = (with("anna:$apr1$xyz$abc\nben:$apr1$xyz$abc\n"), with("anna:$apr1$xyz$def\ncarla:$apr1$xyz$ghi\n"));
    assert_eq!(
        changes(&old, &new),
        ["user anna: one password → another password [unclear] front", "user ben:  →  [closes] front", "user carla:  →  [opens] front"]
    );
    for format in ["text", "markdown", "json"] {
        for part in ["apr1", "xyz", "def", "ghi"] {
            let ran = diff(&old, &new, &["--format", format]);
            let told = ran.out.split("--- ").next().unwrap_or_default();
            assert!(ran.code == 1 && !told.contains(part), "{part}: {}", ran.out);
        }
    }
}

#[test]
fn a_host_that_asks_less_of_its_clients_opens_whoever_says_so() {
    let authority = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        object("Secret", name, "stringData", &[("ca.crt", &certificate.pem())])
    };
    let rest = service("cart") + &authority("ca") + &authority("cb");
    let one = |name: &str, year: u32, path: &str, wishes: &[(&str, &str)]| {
        let wishes: Vec<String> =
            wishes.iter().map(|(name, value)| format!("nginx.ingress.kubernetes.io/auth-tls-{name}: {value:?}")).collect();
        let more = format!("namespace: shop, creationTimestamp: \"{year}-01-01T00:00:00Z\", annotations: {{{}}}}}", wishes.join(", "));
        ingress(name, "a.test", path, "cart").replace("namespace: shop}", &more)
    };
    let new = one("new", 2024, "/admin", &[("secret", "shop/ca")]);
    let of = |wishes: &[(&str, &str)]| one("old", 2020, "/", wishes) + &new + &rest;
    let is_opened = |from: &[(&str, &str)], to: &[(&str, &str)], told: &str| {
        let found = changes(&of(from), &of(to));
        assert_eq!(found.iter().filter(|line| line.contains("[opens]")).collect::<Vec<_>>(), [told], "{found:#?}");
    };
    let by = "[opens] old";
    is_opened(
        &[],
        &[("secret", "shop/ca"), ("verify-client", "off")],
        &format!("policy client certificates: required → none asked for {by}"),
    );
    is_opened(
        &[],
        &[("secret", "shop/ca"), ("verify-client", "optional")],
        &format!("policy client certificates: required → optional {by}"),
    );
    let any = "required → optional, of any authority";
    is_opened(&[], &[("secret", "shop/ca"), ("verify-client", "optional_no_ca")], &format!("policy client certificates: {any} {by}"));
    is_opened(&[], &[("secret", "shop/cb")], &format!("policy client certificates: required → required, of another authority {by}"));
    // What the annotation says by itself is told once.
    let required = [("secret", "shop/ca")];
    let told = format!("policy auth-tls-verify-client:  → \"off\" {by}");
    is_opened(&required, &[("secret", "shop/ca"), ("verify-client", "off")], &told);
    // An error page lets nobody in.
    let paged = [("secret", "shop/ca"), ("error-page", "/no")];
    assert_eq!(changes(&of(&required), &of(&paged)), ["policy auth-tls-error-page:  → \"/no\" [-] old"]);
}

#[test]
fn objects_behind_annotations_and_settings_are_told_when_they_are_other_ones() {
    let authority = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        object("Secret", "ca", "stringData", &[("ca.crt", &certificate.pem())])
    };
    let wish = "nginx.ingress.kubernetes.io/auth-tls-secret: shop/ca";
    let tls = annotated("cart", wish).replace("spec:\n", "spec:\n  tls: [{hosts: [a.test], secretName: pair}]\n") + &service("cart");
    let tls = tls + &secret("pair", "a.test");
    let behind = "one → another, by an object or a setting behind it [unclear]";
    assert_eq!(
        changes(&(tls.clone() + &authority("a")), &(tls.clone() + &authority("b"))),
        [format!("policy authority of client certificates: {behind} front")]
    );
    // Another annotation of the same Ingress does not hide it.
    let other = tls.replace(wish, &format!("{wish}, nginx.ingress.kubernetes.io/auth-tls-verify-depth: \"3\""));
    let found = changes(&(tls + &authority("a")), &(other + &authority("b")));
    assert!(found.len() == 2 && found[1] == format!("policy authority of client certificates: {behind} front"), "{found:#?}");

    let base = ingress("front", "a.test", "/", "cart") + &service("cart") + &secret("pair", "x.test");
    let headers = |value: &str, more: &[(&str, &str)]| {
        let main = [&[("proxy-set-headers", "shop/headers")], more].concat();
        base.clone() + &object("ConfigMap", "headers", "data", &[("X-A", value)]) + &object("ConfigMap", "main", "data", &main)
    };
    let flags = ["--configmap", "shop/main"];
    let told = format!("setting headers for endpoints: {behind}");
    assert_eq!(changes_with(&headers("1", &[]), &headers("2", &[]), &flags), [told.as_str()]);
    assert!(changes_with(&headers("1", &[]), &headers("2", &[("keep-alive", "9")]), &flags).contains(&told), "beside a key");

    let default = |pair: String| ingress("front", "a.test", "/", "cart") + &service("cart") + &pair;
    let (one, two) = (default(secret("pair", "x.test")), default(secret("pair", "x.test")));
    assert_eq!(
        changes_with(&one, &two, &["--default-ssl-certificate", "shop/pair"]),
        ["certificate default: Secret shop/pair → Secret shop/pair, with another key pair [-]"]
    );
}

#[test]
fn who_has_changed_how_the_endpoints_of_a_shared_service_are_spoken_to_is_named() {
    let wish = |more: &str| annotated("cart", &format!("about.test/x: y{more}"));
    let rest = ingress("other", "b.test", "/", "cart") + &ingress("third", "c.test", "/", "third") + &service("cart") + &service("third");
    let sticky = ", nginx.ingress.kubernetes.io/affinity: cookie";
    let told = |to: &str| format!("policy sticky sessions: one → another, by {to} [unclear] front");
    for (old, new) in [("", sticky), (sticky, "")] {
        let found = changes(&(wish(old) + &rest), &(wish(new) + &rest));
        assert!(found.contains(&told("affinity of Ingress shop/front, which has the same Service")), "{found:#?}");
        assert_eq!(found.len(), 2, "{found:#?}");
    }
}

#[test]
fn policies_of_a_route_that_is_closed_are_compared() {
    let of = |url: &str| annotated("gone", &format!("nginx.ingress.kubernetes.io/auth-url: {url}")) + &service("cart");
    let found = changes(&of("http://10.2.0.1/a"), &of("http://10.2.0.1/b"));
    assert_eq!(found, [r#"policy auth-url: "http://10.2.0.1/a" → "http://10.2.0.1/b" [unclear] front"#]);
    let bad = |value: &str| annotated("cart", &format!("nginx.ingress.kubernetes.io/allowlist-source-range: {value}")) + &service("cart");
    assert!(!changes_with(&bad("x"), &bad("y"), &[]).is_empty());
}

#[test]
fn a_folder_that_comes_or_goes_is_empty_where_it_is_not() {
    let folder = Folder::new(&[("README", "")]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    folder.write("deploy/a.yaml", ingress("front", "a.test", "/", "cart") + &service("cart"));
    let comes = folder.run(&["diff", "git:HEAD:deploy", "deploy", "--routes-only"]);
    assert!(comes.code == 1 && comes.out.contains("+ host a.test: added"), "{comes:?}");
    assert_eq!(comes.err, "note: git:HEAD:deploy is not there, which counts as empty\n");
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "two"]);
    let between = folder.run(&["diff", "git:HEAD~1:deploy", "git:HEAD:deploy", "--routes-only"]);
    assert!(between.code == 1 && between.out.contains("+ host a.test: added"), "{between:?}");
    std::fs::remove_dir_all(folder.path().join("deploy")).unwrap();
    let goes = folder.run(&["diff", "git:HEAD:deploy", "./deploy/", "--routes-only"]);
    assert!(goes.code == 1 && goes.out.contains("- host a.test: removed"), "{goes:?}");
    for mistyped in [["git:HEAD:deploi", "git:HEAD~1:deploi"], ["git:HEAD:deploy", "deploi"], ["deploi", "deploj"]] {
        let ran = folder.run(&["diff", mistyped[0], mistyped[1]]);
        assert!(ran.code == 2 && ran.err.starts_with("error: "), "{mistyped:?}: {ran:?}");
    }
}
