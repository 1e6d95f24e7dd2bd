//! What `lint` says of an Ingress that is left out for one thing: all the rest, too.

use crate::world::{Folder, ingress, service};

/// `CODE field` of all errors and warnings, in the order of the file.
fn said(text: &str, arguments: &[&str]) -> Vec<String> {
    let ran = Folder::new(&[("in.yaml", text)]).run(&[&["lint", "in.yaml", "--format", "json"], arguments].concat());
    let findings = ran.json()["diagnostics"].as_array().unwrap().clone();
    let serious = findings.iter().filter(|finding| finding["severity"] != "note");
    serious
        .map(|finding| {
            let is_rest = !finding["field"].as_str().unwrap().contains("annotations");
            assert!(!is_rest || finding["outcome"].as_str().unwrap().starts_with("skipped-"), "{finding}");
            format!("{} {}", finding["code"].as_str().unwrap(), finding["field"].as_str().unwrap())
        })
        .collect()
}

/// An Ingress for `a.test` with these annotations and without its Service and its Secret; others are there.
fn left_out(annotations: &[(&str, &str)]) -> String {
    let annotations: Vec<_> = annotations.iter().map(|(name, value)| format!("nginx.ingress.kubernetes.io/{name}: '{value}'")).collect();
    let named = format!("namespace: shop, annotations: {{{}}}}}", annotations.join(", "));
    let one = ingress("front", "a.test", "/", "missing").replace("namespace: shop}", &named);
    let one = one.replace("spec:\n", "spec:\n  tls: [{hosts: [a.test], secretName: missing}]\n");
    one + &service("cart") + "apiVersion: v1\nkind: Secret\nmetadata: {name: other, namespace: shop}\n"
}

fn annotation(name: &str) -> String {
    format!("metadata.annotations[nginx.ingress.kubernetes.io/{name}]")
}

const LOW_RISK: &str = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: x}\ndata: {annotations-risk-level: Low}\n";

const REST: [&str; 2] = ["GW0402 spec.tls[0].secretName", "GW0303 spec.rules[0].http.paths[0].backend"];

#[test]
fn all_that_is_wrong_is_told_in_one_go() {
    let told = said(&left_out(&[("permanent-redirect", "ftp://a.test"), ("proxy-read-timeout", "soon"), ("server-alias", "a b")]), &[]);
    let mut expected = vec![
        format!("GW0501 {}", annotation("permanent-redirect")),
        format!("GW0501 {}", annotation("proxy-read-timeout")),
        format!("GW0501 {}", annotation("server-alias")),
    ];
    expected.extend(REST.map(str::to_owned));
    let mut sorted = told.clone();
    sorted.sort();
    expected.sort();
    assert_eq!(sorted, expected, "{told:#?}");
}

#[test]
fn every_reason_to_leave_it_out_is_told() {
    let risky = left_out(&[("configuration-snippet", "deny all;"), ("server-snippet", "deny all;")]) + LOW_RISK;
    let told = said(&risky, &["--configmap", "x/c"]);
    for part in [annotation("configuration-snippet"), annotation("server-snippet")].iter().map(String::as_str).chain(REST) {
        assert!(told.iter().any(|one| one.contains(part)), "{part}: {told:#?}");
    }
    let text = left_out(&[]).replace("path: /", "path: /etc/passwd");
    assert_eq!(said(&text, &[]), [REST[0], "GW0103 spec.rules[0].http.paths[0].path", REST[1]]);
    let default = left_out(&[]).replace("  rules:\n", "  defaultBackend: {service: {name: cart, port: {number: 80}}}\n  rules:\n");
    let told = said(&default, &["--disable-catch-all"]);
    assert_eq!(told, [REST[0], "GW0102 spec.defaultBackend", REST[1]]);
}

#[test]
fn nothing_is_told_that_is_right() {
    let good = |annotations: &[(&str, &str)], path: &str| {
        let text = left_out(annotations).replace("name: missing, port", "name: cart, port").replace("path: /", &format!("path: {path}"));
        text.replace("  tls: [{hosts: [a.test], secretName: missing}]\n", "").replace("Prefix", "ImplementationSpecific")
    };
    let rewritten = good(&[("rewrite-target", "/$2")], "/a(/|$)(.*)") + LOW_RISK;
    assert_eq!(said(&rewritten, &["--configmap", "x/c"]), [format!("GW0504 {}", annotation("rewrite-target"))]);
    let only_default = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: d, namespace: shop}\nspec: {defaultBackend: \
        {service: {name: cart, port: {number: 80}}}}\n---\n";
    assert_eq!(said(&(only_default.to_owned() + &service("cart")), &["--disable-catch-all"]), ["GW0102 spec.defaultBackend"]);
}

#[test]
fn what_a_left_out_host_or_path_hides_is_told() {
    let text = ingress("front", "a_b.test", "/b c", "missing").replace("Prefix", "Prefxi")
        + &ingress("good", "c.test", "/", "cart")
        + &service("cart");
    let at = |code: &str, leaf: &str| format!("{code} spec.rules[0].{leaf}");
    let path = "http.paths[0]";
    assert_eq!(
        said(&text, &[]),
        [
            at("GW0201", "host"),
            at("GW0202", &format!("{path}.path")),
            at("GW0205", &format!("{path}.pathType")),
            at("GW0303", &format!("{path}.backend")),
        ]
    );
    let twice = ingress("front", "a.test", "/", "cart") + &ingress("a-second", "a.test", "/", "missing") + &service("cart");
    assert_eq!(said(&twice, &[]), [at("GW0203", &format!("{path}.path")), at("GW0303", &format!("{path}.backend"))]);
}

#[test]
fn what_the_whole_input_has_none_of_is_a_note_to_lint_alone() {
    let text = ingress("front", "a.test", "/", "missing").replace("spec:\n", "spec:\n  tls: [{hosts: [a.test], secretName: missing}]\n");
    let folder = Folder::new(&[("in/a.yaml", &text)]);
    let lint = folder.run(&["lint", "in"]);
    for code in ["GW0303", "GW0402"] {
        assert!(lint.code == 0 && lint.out.contains(&format!("note[{code}]")), "{lint:?}");
        let render = folder.run(&["render", "-f", "in"]);
        assert!(render.code == 1 && render.err.contains(&format!("error[{code}]")), "{render:?}");
        let explain = folder.run(&["explain", "https://a.test/", "-f", "in"]);
        assert!(explain.out.contains(&format!("error[{code}]")), "{explain:?}");
    }
    let diff = folder.run(&["diff", "in", "in"]);
    assert!(!(diff.out.clone() + &diff.err).contains("GW0"), "{diff:?}");
}

/// What stands in for a path of one Ingress is in the way of no other, and in no message.
#[test]
fn what_stands_in_for_paths_is_never_told() {
    let of = |namespace: &str, name: &str, path: &str| {
        ingress(name, "kk.t", path, "cart").replace("namespace: shop", &format!("namespace: {namespace}"))
    };
    let all = [("d", "k1", "/"), ("e", "k2", "/"), ("e", "k3", "//"), ("e", "k6", "/a/../b")];
    let text = all.map(|(namespace, name, path)| of(namespace, name, path)).concat();
    let ran = Folder::new(&[("in.yaml", &text)]).run(&["lint", "in.yaml", "--format", "json"]);
    let findings = ran.json()["diagnostics"].as_array().unwrap().clone();
    let duplicates: Vec<_> = findings.iter().filter(|finding| finding["code"] == "GW0203").collect();
    let is_written = |finding: &&serde_json::Value| finding["message"].as_str().unwrap().contains("path / is already served");
    assert!(duplicates.len() == 2 && duplicates.iter().all(is_written), "{duplicates:#?}");
    assert!(!ran.out.contains("left-out"), "{}", ran.out);
    assert_eq!(findings.iter().filter(|finding| finding["code"] == "GW0303").count(), 4, "and its Service is looked for: {}", ran.out);
}
