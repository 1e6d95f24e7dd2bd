//! `diff`: nothing is told that changes nothing, and what changes is told once, by its own name.

use crate::diff::{changes, changes_with, diff, object};
use crate::world::{ingress, service};
use serde_json::json;

fn annotated(annotations: &[(&str, &str)]) -> String {
    let all: Vec<String> = annotations.iter().map(|(name, value)| format!("nginx.ingress.kubernetes.io/{name}: {value:?}")).collect();
    ingress("front", "a.test", "/", "cart").replace("namespace: shop}", &format!("namespace: shop, annotations: {{{}}}}}", all.join(", ")))
}

fn rest() -> String {
    service("cart") + &object("Secret", "cred", "stringData", &[("auth", "anna:$apr1$xyz$abc")])
}

fn told(old: &[(&str, &str)], new: &[(&str, &str)]) -> Vec<String> {
    changes(&(annotated(old) + &rest()), &(annotated(new) + &rest()))
}

fn configured(data: &[(&str, &str)]) -> String {
    let headers = object("ConfigMap", "headers", "data", &[("X-A", "b")]);
    ingress("front", "a.test", "/", "cart") + &service("cart") + &headers + &object("ConfigMap", "main", "data", data)
}

fn of_settings(old: &[(&str, &str)], new: &[(&str, &str)]) -> Vec<String> {
    changes_with(&configured(old), &configured(new), &["--configmap", "shop/main"])
}

#[test]
fn settings_that_make_no_difference_are_none() {
    for (key, value) in [
        ("server-tokens", "false"),
        ("proxy-read-timeout", "60"),
        ("proxy-read-timeout", "60s"),
        ("forwarded-for-header", "X-Forwarded-For"),
        // Nobody knows the one, and the other has no effect.
        ("kubeconfig", "x"),
        ("lua-shared-dicts", "certs: 10"),
    ] {
        let none: [&str; 0] = [];
        assert_eq!(of_settings(&[], &[(key, value)]), none, "{key}: {value}");
        assert_eq!(of_settings(&[(key, value)], &[]), none, "{key}: {value}");
    }
    assert_eq!(of_settings(&[], &[("proxy-read-timeout", "61")]), ["setting proxy-read-timeout:  → \"61\" [-]"]);
    // Both close everything.
    assert_eq!(
        of_settings(&[("whitelist-source-range", "x")], &[("whitelist-source-range", "y")]),
        ["setting whitelist-source-range: \"x\" → \"y\" [unclear]"]
    );
}

#[test]
fn a_class_says_what_its_ingresses_have_by_themselves() {
    let of = |setting: &str| {
        let class = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: own}\nspec: {controller: gatewright.dev/ingress, \
                     parameters: {kind: ConfigMap, name: own, namespace: shop, scope: Namespace}}\n---\n";
        let front = ingress("front", "a.test", "/", "cart").replace("spec:\n", "spec:\n  ingressClassName: own\n");
        front + &service("cart") + class + &object("ConfigMap", "own", "data", &[("limit-rps", setting), ("x", setting)])
    };
    assert_eq!(changes(&of("5"), &of("6")), ["setting limit-rps: \"5\" → \"6\" [-] own"]);
}

#[test]
fn what_a_setting_names_is_told_once() {
    for key in ["proxy-set-headers", "add-headers"] {
        assert_eq!(of_settings(&[], &[(key, "shop/headers")]), [format!("setting {key}:  → \"shop/headers\" [-]")]);
    }
}

#[test]
fn a_route_that_is_closed_has_no_other_changes() {
    let limited = |data: &[(&str, &str)]| {
        annotated(&[("limit-rps", "5"), ("whitelist-source-range", "10.0.0.0/8")]) + &rest() + &object("ConfigMap", "main", "data", data)
    };
    assert_eq!(
        changes_with(&limited(&[]), &limited(&[("enable-modsecurity", "true")]), &["--configmap", "shop/main"]),
        [
            "route /*: Service shop/cart:80 → 503 in place of Service shop/cart:80 [closes]",
            "setting enable-modsecurity:  → \"true\" [closes]"
        ]
    );
    // Blanks are no value that it can have, and told as what they are.
    assert_eq!(
        told(&[], &[("auth-tls-secret", " ")]),
        [
            "route /*: Service shop/cart:80 → 503 in place of Service shop/cart:80 [closes] front",
            "policy auth-tls-secret:  → \" \" [closes] front"
        ]
    );
    // A password that nobody can give lets nobody in.
    assert_eq!(
        told(&[("auth-type", "basic")], &[("auth-type", "basic"), ("auth-secret", "cred")]),
        [
            "route /*: 503 in place of Service shop/cart:80 → Service shop/cart:80 [opens] front",
            "policy auth-secret:  → \"cred\" [opens] front"
        ]
    );
}

#[test]
fn the_same_port_by_its_name_is_the_same() {
    let named = service("cart")
        .replace("{port: 80, targetPort: 8080}", "{name: web, port: 80, targetPort: 8080}")
        .replace("[{port: 8080}]", "[{name: web, port: 8080}]");
    let (old, new) = (ingress("front", "a.test", "/", "cart"), ingress("front", "a.test", "/", "cart").replace("number: 80", "name: web"));
    let none: [&str; 0] = [];
    assert_eq!(changes(&(old + &named), &(new + &named)), none);
}

#[test]
fn an_answer_that_nobody_asks_for_is_told_of_the_one_who_asked_before() {
    let all = ingress("all", "a.test", "/", "cart").replace("- host: a.test\n    ", "- ") + &rest();
    let front = ingress("front", "a.test", "/", "cart");
    assert_eq!(changes(&(front.clone() + &all), &(front.clone() + &rest())), ["route /*: Service shop/cart:80 → 404 [closes] all"]);
    // The 404 behind all expressions is nobody's.
    let expression = |name: &str, path: &str, more: &str| {
        let wishes = format!("namespace: shop, annotations: {{nginx.ingress.kubernetes.io/use-regex: 'true'{more}}}}}");
        ingress(name, "a.test", path, "cart").replace("namespace: shop}", &wishes).replace("Prefix", "ImplementationSpecific")
    };
    let guarded =
        expression("z", "/adm[ei]n", ", nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: cred");
    assert_eq!(
        changes(&(guarded.clone() + &rest()), &(guarded + &expression("a", "/img(.*)", "") + &rest())),
        ["route ~/img(.*):  → Service shop/cart:80, with use-regex \"true\" [opens] a"]
    );
}

#[test]
fn the_paths_of_whoever_serves_unknown_hosts_are_not_those_of_a_new_host() {
    let all = ingress("all", "a.test", "/x", "cart").replace("- host: a.test\n    ", "- ") + &rest();
    let front = annotated(&[("force-ssl-redirect", "true")]);
    assert_eq!(
        changes(&all, &(front + &all)),
        ["host a.test:  →  [-] front", "route /*:  → Service shop/cart:80, with force-ssl-redirect \"true\" [opens] front"]
    );
}

#[test]
fn endpoints_are_told_of_their_service_once() {
    let all = |address: &str| {
        let kept = ingress("kept", "b.test", "/", "cart")
            .replace("namespace: shop}", "namespace: shop, annotations: {nginx.ingress.kubernetes.io/load-balance: ewma}}");
        ingress("front", "a.test", "/", "cart") + &kept + &service("cart").replace("10.1.0.1", address)
    };
    assert_eq!(changes(&all("10.1.0.1"), &all("10.1.0.2")), ["backend Service shop/cart:80: 10.1.0.1:8080 → 10.1.0.2:8080 [-] -"]);
}

#[test]
fn whoever_is_no_longer_sent_elsewhere_comes_to_the_service() {
    const ELSEWHERE: (&str, &str) = ("permanent-redirect", "https://b.test");
    assert_eq!(told(&[ELSEWHERE], &[]), ["policy permanent-redirect: \"https://b.test\" →  [opens] front"]);
    assert_eq!(told(&[], &[ELSEWHERE]), ["policy permanent-redirect:  → \"https://b.test\" [unclear] front"]);
    assert_eq!(
        told(&[ELSEWHERE], &[("temporal-redirect", "https://b.test")]),
        ["policy permanent-redirect: \"https://b.test\" →  [-] front", "policy temporal-redirect:  → \"https://b.test\" [-] front"]
    );
}

#[test]
fn a_further_way_in_opens() {
    const ANY: [(&str, &str); 3] = [("auth-type", "basic"), ("auth-secret", "cred"), ("satisfy", "any")];
    let both = [&ANY[..], &[("whitelist-source-range", "10.0.0.0/8")]].concat();
    assert_eq!(told(&ANY, &both), ["policy whitelist-source-range:  → \"10.0.0.0/8\" [opens] front"]);
    assert_eq!(told(&both, &ANY), ["policy whitelist-source-range: \"10.0.0.0/8\" →  [closes] front"]);
}

#[test]
fn what_is_written_elsewhere_is_taken_to_be_there() {
    const GUARDED: [(&str, &str); 2] = [("auth-type", "basic"), ("auth-secret", "cred")];
    let secured = |name: &str| annotated(&[]).replace("spec:\n", &format!("spec:\n  tls: [{{hosts: [a.test], secretName: {name}}}]\n"));
    let open = "route /*:  → Service shop/cart:80";
    for (old, new, expected) in [
        (
            ingress("z", "z.test", "/", "cart"),
            ingress("z", "z.test", "/", "cart") + &annotated(&[]),
            vec!["host a.test:  →  [-] front".to_owned(), format!("{open} [opens] front")],
        ),
        (
            annotated(&[]),
            annotated(&GUARDED),
            vec!["policy auth-secret:  → \"cred\" [-] front".to_owned(), "policy auth-type:  → \"basic\" [closes] front".to_owned()],
        ),
        (secured("one"), secured("two"), vec!["certificate a.test: Secret shop/one → Secret shop/two [-] front".to_owned()]),
        (secured("one"), secured("one"), vec![]),
        (
            annotated(&[]),
            annotated(&[]).replace("number: 80", "name: web"),
            vec!["route /*: Service shop/cart:80 → Service shop/cart:web [-] front".to_owned()],
        ),
    ] {
        assert_eq!(changes(&old, &new), expected);
    }
    // Nor is anything said of what would be in them.
    let all = [&GUARDED[..], &[("auth-tls-secret", "shop/ca")]].concat();
    for proxy in ["nginx", "haproxy"] {
        let told = diff(&secured("one"), &annotated(&all), &["--format", "json", "--proxy", proxy, "--routes-only"]);
        assert_eq!(told.json()["findings"], json!([]), "{proxy}");
    }
    // Where one side has some, the others are missing.
    let old = annotated(&[]) + &service("cart");
    assert_eq!(
        changes(&old, &(ingress("front", "a.test", "/", "gone") + &service("cart"))),
        ["route /*: Service shop/cart:80 → 503 in place of Service shop/gone:80 [closes] front"]
    );
}
