//! What Ingresses of one host do to each other, and what of one does nothing.

use crate::world::{Folder, ingress, service};

/// `CODE object field` of all that `lint` says of a text, but that there is no class.
fn said(text: &str) -> Vec<String> {
    let ran = Folder::new(&[("in.yaml", &(text.to_owned() + &service("cart") + &service("other")))])
        .run(&["lint", "in.yaml", "--format", "json"]);
    let findings = ran.json()["diagnostics"].as_array().unwrap().clone();
    let of = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let line = |finding: &serde_json::Value| {
        format!(
            "{} {} {}: {}",
            of(finding, "code"),
            finding["object"]["name"].as_str().unwrap_or_default(),
            of(finding, "field"),
            of(finding, "message")
        )
    };
    findings.iter().map(line).filter(|line| !line.starts_with("GW0101")).collect()
}

/// An Ingress for `a.test` with annotations, such as `use-regex: 'true'`.
fn annotated(name: &str, path: &str, service: &str, annotations: &[&str]) -> String {
    let all: Vec<_> = annotations.iter().map(|one| format!("nginx.ingress.kubernetes.io/{one}")).collect();
    let named = format!("namespace: shop, annotations: {{{}}}}}", all.join(", "));
    ingress(name, "a.test", path, service).replace("namespace: shop}", &named).replace("Prefix", "ImplementationSpecific")
}

fn assert_one(text: &str, begin: &str, parts: &[&str]) {
    let told = said(text);
    assert!(matches!(&told[..], [one] if one.starts_with(begin) && parts.iter().all(|part| one.contains(part))), "{begin}: {told:#?}");
}

const PATH: &str = "spec.rules[0].http.paths[0].path";

#[test]
fn a_route_that_an_earlier_expression_takes_all_of_is_told() {
    let regex = |name: &str, path: &str| annotated(name, path, "cart", &["use-regex: 'true'"]);
    let begin = format!("GW0804 late {PATH}: ");
    assert_one(&(regex("all", "/.*") + &regex("late", "/a")), &begin, &["path /.* of Ingress shop/all comes first"]);
    assert_one(&(regex("all", "/api/(.*)") + &regex("late", "/api/v1")), &begin, &["takes all that it matches"]);
    for (first, second) in [("/.*$", "/a"), ("/api/v1", "/api"), ("/b.*", "/a"), ("/a/(?!x)", "/a/"), ("/[0-9]+", "/a")] {
        assert_eq!(said(&(regex("one", first) + &regex("late", second))), [""; 0], "{first} {second}");
    }
    assert_eq!(said(&(ingress("one", "a.test", "/.x", "cart") + &ingress("late", "a.test", "/", "cart"))), [""; 0], "no expressions");
}

#[test]
fn a_path_that_another_ingress_makes_an_expression_is_told() {
    let plain = |path: &str, kind: &str| ingress("plain", "a.test", path, "cart").replace("Prefix", kind);
    let regex = annotated("regex", "/r/(x|y)", "cart", &["use-regex: 'true'"]);
    let begin = format!("GW0211 plain {PATH}: host a.test takes paths as regular expressions, by Ingress shop/regex");
    assert_one(&(plain("/a.c", "Exact") + &regex), &begin, &["path /a.c takes whatever begins with what it matches"]);
    assert_one(&(plain("/foo", "Prefix") + &annotated("regex", "/r(/|$)(.*)", "cart", &["rewrite-target: /$2"])), &begin, &["path /foo"]);
    assert_eq!(said(&(plain("/", "Prefix") + &regex)), [""; 0], "it takes all in either way");
    assert_eq!(said(&(plain("/a.c", "Exact").replace("a.test", "b.test") + &regex)), [""; 0], "another host");
}

#[test]
fn a_second_canary_of_a_path_is_told() {
    let canary = |name: &str, service: &str| {
        annotated(name, "/", service, &["canary: 'true'", "canary-weight: '10'"]).replace("ImplementationSpecific", "Prefix")
    };
    let main = ingress("main", "a.test", "/", "cart");
    let others = service("more");
    assert_eq!(said(&(main.clone() + &canary("one", "other") + &others)), [""; 0]);
    let told = said(&(main + &canary("one", "other") + &canary("two", "more") + &others));
    assert!(
        matches!(&told[..], [one] if one.starts_with("GW0210 ") && one.contains("is already the canary of its Service port")),
        "{told:#?}"
    );
}

#[test]
fn a_weight_of_more_than_all_is_told() {
    let main = ingress("main", "a.test", "/", "cart");
    let canary = annotated("next", "/", "other", &["canary: 'true'", "canary-weight: '150'"]).replace("ImplementationSpecific", "Prefix");
    assert_one(
        &(main + &canary),
        "GW0505 next metadata.annotations[nginx.ingress.kubernetes.io/canary-weight]: ",
        &["150 is more than all"],
    );
}

#[test]
fn a_group_that_a_path_does_not_have_is_told() {
    let rewritten = |path: &str, target: &str| annotated("front", path, "cart", &[&format!("rewrite-target: {target}")]);
    let begin = "GW0505 front metadata.annotations[nginx.ingress.kubernetes.io/rewrite-target]: ";
    assert_one(&rewritten("/x(.*)", "/$2"), begin, &["$2 stands for nothing in path /x(.*), which has one group"]);
    assert_one(&rewritten("/x", "/$1"), begin, &["which has no group"]);
    for (path, target) in [("/x(/|$)(.*)", "/$2"), ("/x", "/y"), ("/x/(?:a|b)/(.*)", "/$1")] {
        assert_eq!(said(&rewritten(path, target)), [""; 0], "{path} {target}");
    }
}

#[test]
fn a_host_of_a_tls_section_that_nobody_serves_is_told() {
    let secure = |rule: &str, tls: &str| {
        ingress("front", rule, "/", "cart").replace("spec:\n", &format!("spec:\n  tls: [{{hosts: [{rule}, {tls}]}}]\n"))
    };
    assert_one(&secure("a.test", "www.a.test"), "GW0408 front spec.tls[0].hosts[1]: ", &["no rule has host www.a.test"]);
    for (rule, tls) in [("a.test", "a.test"), ("'*.a.test'", "b.a.test"), ("b.a.test", "'*.a.test'")] {
        assert_eq!(said(&secure(rule, tls)), [""; 0], "{rule} {tls}");
    }
    let other = ingress("other", "www.a.test", "/", "cart");
    assert_eq!(said(&(secure("a.test", "www.a.test") + &other)), [""; 0], "another Ingress has a rule");
    let unknown = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: d, namespace: shop}\nspec: {defaultBackend: {service: {name: \
        cart, port: {number: 80}}}}\n---\n";
    assert_eq!(said(&(secure("a.test", "www.a.test") + unknown)), [""; 0], "unknown hosts are served");
}

#[test]
fn an_ingress_with_nothing_in_it_is_left_out_in_the_words_of_all() {
    let empty = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: e, namespace: shop}\nspec: {}\n---\n";
    let ran = Folder::new(&[("in.yaml", empty)]).run(&["lint", "in.yaml"]);
    assert_eq!(ran.out.matches("spec (object left out)").count(), 1, "what the API server says is what is done: {}", ran.out);
    assert!(ran.out.contains("GW0802") && !ran.out.contains("GW0208"), "{}", ran.out);
}
